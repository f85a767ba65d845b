//! The walk from a leaf over issuer names to a trusted CA, and where it stops: the explanation behind a verdict.

use super::Certificate;
use super::certificate::other_key;
use x509_parser::prelude::*;

/// A certificate that can be checked: the row, its bytes, and where it came from.
pub(super) struct Node<'a> {
    pub row: &'a Certificate,
    pub der: &'a [u8],
    pub x509: X509Certificate<'a>,
    pub trusted: bool,
}

/// Where a walk ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The last certificate is in the bundle.
    Trusted,
    /// The last certificate signed itself, and is not in the bundle.
    SelfSigned,
    /// The issuer of the last certificate was neither sent nor is in the bundle.
    Missing,
    /// There is a CA with the issuer's name, but another key signed.
    OtherKey(usize),
    /// The issuer may not sign certificates.
    NotCa(usize),
}

/// The certificates from the leaf on, by index, and how it ends.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    pub path: Vec<usize>,
    pub end: End,
}

/// As many signatures are checked at most; a hostile chain cannot cost more.
const BUDGET: usize = 200;
/// No real chain is longer.
const LONGEST: usize = 12;

/// The best walk from node 0: one that ends in trust if there is any, valid at `now` if there is such a one.
pub(super) fn walk(nodes: &[Node<'_>], now: i64) -> Walk {
    let mut walker = Walker { nodes, now, budget: BUDGET };
    walker.from(vec![0])
}

struct Walker<'a> {
    nodes: &'a [Node<'a>],
    now: i64,
    budget: usize,
}

impl Walker<'_> {
    fn from(&mut self, path: Vec<usize>) -> Walk {
        let nodes = self.nodes;
        let last = path[path.len() - 1];
        let node = &nodes[last];
        if node.trusted || in_bundle(nodes, node.der) {
            return Walk { path, end: End::Trusted };
        }
        let end = if node.row.self_signed { End::SelfSigned } else { End::Missing };
        let mut best = Walk { path: path.clone(), end };
        if node.row.self_signed || path.len() == LONGEST {
            return best;
        }
        for (index, issuer) in nodes.iter().enumerate() {
            let seen = path.iter().any(|known| nodes[*known].der == issuer.der);
            if seen || issuer.row.subject != node.row.issuer || self.budget == 0 {
                continue;
            }
            self.budget -= 1;
            let walk = self.step(&path, index);
            if self.rank(&walk) > self.rank(&best) {
                best = walk;
            }
        }
        best
    }

    fn step(&mut self, path: &[usize], issuer: usize) -> Walk {
        let (node, above) = (&self.nodes[path[path.len() - 1]], &self.nodes[issuer]);
        if other_key(&node.x509, &above.x509) {
            return Walk { path: path.to_vec(), end: End::OtherKey(issuer) };
        }
        // A root of version 1 cannot say that it is a CA; as an anchor it is taken, as Go does.
        let old_anchor = above.trusted && above.x509.version() == X509Version::V1;
        if !above.row.is_ca && !old_anchor {
            return Walk { path: path.to_vec(), end: End::NotCa(issuer) };
        }
        let mut longer = path.to_vec();
        longer.push(issuer);
        self.from(longer)
    }

    /// Trust beats all; then time; among failures the one that came furthest, then the one that knows most.
    fn rank(&self, walk: &Walk) -> (bool, bool, usize, u8) {
        let trusted = walk.end == End::Trusted;
        let valid = walk.path.iter().all(|index| covers(&self.nodes[*index].x509, self.now));
        let known = match walk.end {
            End::Trusted | End::Missing => 0,
            End::SelfSigned => 1,
            End::OtherKey(_) => 2,
            End::NotCa(_) => 3,
        };
        (trusted, trusted && valid, if trusted { 0 } else { walk.path.len() }, known)
    }
}

/// Whether a certificate is valid at this time.
pub(super) fn covers(x509: &X509Certificate<'_>, now: i64) -> bool {
    (x509.validity().not_before.timestamp()..=x509.validity().not_after.timestamp()).contains(&now)
}

fn in_bundle(nodes: &[Node<'_>], der: &[u8]) -> bool {
    nodes.iter().any(|node| node.trusted && node.der == der)
}
