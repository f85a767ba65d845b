//! Is a chain trusted, and is it for this host? Two answers, each with its reason.

use super::Certificate;
use super::certificate::rfc3339;
use super::walk::{End, Node, Walk, covers, walk};
use crate::record;
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use std::time::Duration;
use x509_parser::prelude::*;

record! {
    /// What is to be said of a chain of certificates: trusted or not, for this host or not, and why.
    pub struct Verdict as "verdict" {
        /// Trusted, valid at that time, and for the host that was asked about.
        pub ok: bool,
        /// The first problem, as a stable word: `ok`, `garbage`, `expired`, `not_yet_valid`, `bad_signature` (a CA of that
        /// name has another key), `not_a_ca`, `self_signed`, `missing_intermediate`, `unknown_issuer`, `wrong_usage`,
        /// `unsupported` (an algorithm pilotage cannot check), `rejected` (see the explanation), `wrong_name`.
        pub problem: String,
        /// All problems, in sentences.
        pub explanation: String,
        /// Whether the chain ends in a trusted CA and every certificate is valid at that time.
        pub chain_ok: bool,
        /// Whether the leaf is for the host; nothing when no host was given.
        pub name_ok: Option<bool>,
        /// The subject of the certificate authority that has to be added to the bundle, or sent by the server.
        pub missing: Option<String>,
        /// The subject of the trusted certificate that the chain ends in.
        pub anchor: Option<String>,
        /// Whole days until the first certificate of the chain runs out; negative when it has.
        pub days_left: Option<i64>,
        /// When the first certificate of the chain runs out.
        [wide] pub expires: Option<String>,
        /// The subjects from the leaf to the end of the chain.
        [wide] pub path: Vec<String>,
        /// All problems, as words.
        [wide] pub problems: Vec<String>,
    }
}

/// Judge a chain (leaf first, the others in any order) by the trusted `roots`, for a host name, address or `spiffe://` id.
///
/// The rules are those of Go, since istiod is written in it: a leaf that is itself among the roots is trusted, an
/// intermediate among the roots ends the chain, and common names do not count.
pub fn verify_chain(chain: &[Certificate], roots: &[Certificate], host: Option<&str>, now: Timestamp) -> Verdict {
    let ders: Option<Vec<Vec<u8>>> = chain.iter().chain(roots).map(Certificate::der).collect();
    let Some(ders) = ders.filter(|_| !chain.is_empty()) else {
        return garbage(if chain.is_empty() { "There is no certificate." } else { "A certificate cannot be read." });
    };
    let mut nodes = Vec::new();
    for (index, (row, der)) in chain.iter().chain(roots).zip(&ders).enumerate() {
        let Ok((_, x509)) = parse_x509_certificate(der) else { return garbage("A certificate cannot be read.") };
        nodes.push(Node { row, der, x509, trusted: index >= chain.len() });
    }
    let walk = walk(&nodes, now.as_second());
    let mut problems = time_problems(&nodes, &walk, now);
    problems.extend(trust_problem(&nodes, &walk, chain.len()));
    if problems.is_empty() && walk.path.len() > 1 {
        problems.extend(strict_problem(&ders[..chain.len()], &ders[chain.len()..], now));
    }
    verdict(&nodes, &walk, problems, host, now)
}

/// The subjects of the CAs that could end this chain, sorted: what to ask a machine's store for
/// ([`Ask::Roots`](crate::backend::Ask::Roots)).
pub fn needed_roots(chain: &[Certificate]) -> Vec<String> {
    let mut subjects: Vec<String> = chain.iter().map(|certificate| certificate.issuer.clone()).collect();
    subjects.sort();
    subjects.dedup();
    subjects
}

/// A stable word and a sentence.
type Problem = (&'static str, String);

fn verdict(nodes: &[Node<'_>], walk: &Walk, mut problems: Vec<Problem>, host: Option<&str>, now: Timestamp) -> Verdict {
    let chain_ok = problems.is_empty();
    let end = nodes[walk.path[walk.path.len() - 1]].row;
    let name = host.map(|host| name_problem(&nodes[0], host));
    let name_ok = name.as_ref().map(Option::is_none);
    problems.extend(name.flatten());
    let expires = walk.path.iter().map(|index| nodes[*index].x509.validity().not_after.timestamp()).min();
    let days_left = expires.map(|expires| (expires - now.as_second()).div_euclid(86_400));
    let missing = match walk.end {
        End::Trusted | End::NotCa(_) => None,
        End::SelfSigned => Some(end.subject.clone()),
        End::Missing | End::OtherKey(_) => Some(end.issuer.clone()),
    };
    let mut sentences: Vec<String> = problems.iter().map(|(_, sentence)| sentence.clone()).collect();
    if chain_ok {
        sentences.insert(0, trusted(nodes, walk, days_left.unwrap_or_default()));
    }
    if let (Some(host), Some(true)) = (host, name_ok) {
        sentences.push(format!("It is for {host}."));
    }
    Verdict {
        ok: problems.is_empty(),
        problem: problems.first().map_or("ok", |(word, _)| word).into(),
        explanation: sentences.join(" "),
        chain_ok,
        name_ok,
        missing,
        anchor: (walk.end == End::Trusted).then(|| end.subject.clone()),
        days_left,
        expires: expires.map(rfc3339),
        path: walk.path.iter().map(|index| nodes[*index].row.subject.clone()).collect(),
        problems: problems.iter().map(|(word, _)| (*word).into()).collect(),
    }
}

fn garbage(sentence: &str) -> Verdict {
    Verdict {
        ok: false,
        problem: "garbage".into(),
        explanation: sentence.into(),
        chain_ok: false,
        name_ok: None,
        missing: None,
        anchor: None,
        days_left: None,
        expires: None,
        path: Vec::new(),
        problems: vec!["garbage".into()],
    }
}

fn trusted(nodes: &[Node<'_>], walk: &Walk, days: i64) -> String {
    let (leaf, end) = (nodes[0].row, nodes[walk.path[walk.path.len() - 1]].row);
    if walk.path.len() > 1 {
        return format!(
            "The chain of {:?} is trusted: it ends in {:?}, which is in the bundle; {days} days left.",
            leaf.subject, end.subject
        );
    }
    let renewal = if leaf.self_signed { "" } else { " This lasts only until it is renewed; trust its CA instead." };
    format!("{:?} is trusted because this very certificate is in the bundle; {days} days left.{renewal}", leaf.subject)
}

fn time_problems(nodes: &[Node<'_>], walk: &Walk, now: Timestamp) -> Vec<Problem> {
    let wrong = walk.path.iter().map(|index| &nodes[*index]).filter(|node| !covers(&node.x509, now.as_second()));
    let problem = |node: &Node<'_>| {
        let (row, at) = (node.row, rfc3339(now.as_second()));
        if now.as_second() < node.x509.validity().not_before.timestamp() {
            ("not_yet_valid", format!("{:?} is valid from {} on; it was {at}.", row.subject, row.not_before))
        } else {
            ("expired", format!("{:?} ran out at {}; it was {at}.", row.subject, row.not_after))
        }
    };
    wrong.map(problem).collect()
}

fn trust_problem(nodes: &[Node<'_>], walk: &Walk, sent: usize) -> Option<Problem> {
    let last = nodes[walk.path[walk.path.len() - 1]].row;
    let (subject, issuer) = (&last.subject, &last.issuer);
    match walk.end {
        End::Trusted => None,
        End::SelfSigned if walk.path.len() == 1 => {
            Some(("self_signed", format!("{subject:?} signed itself, and is not in the bundle.")))
        }
        End::SelfSigned => Some((
            "unknown_issuer",
            format!("The chain ends at {subject:?}, which signed itself and was sent by the server, but is not in the bundle."),
        )),
        End::Missing if walk.path.len() == 1 => Some(("missing_intermediate", missing_intermediate(last, sent))),
        End::Missing => Some((
            "unknown_issuer",
            format!("The chain ends at {subject:?}, whose issuer {issuer:?} was not sent and is not in the bundle."),
        )),
        End::OtherKey(index) => Some(("bad_signature", other_key(last, &nodes[index]))),
        End::NotCa(index) => Some((
            "not_a_ca",
            format!(
                "{:?} signed {subject:?}, but is no certificate authority: it must not sign certificates.",
                nodes[index].row.subject
            ),
        )),
    }
}

fn missing_intermediate(leaf: &Certificate, sent: usize) -> String {
    let Certificate { subject, issuer, .. } = leaf;
    let others = match sent {
        1 => "It is the only certificate that was sent".to_string(),
        more => format!("None of the {} other certificates sent is that issuer", more - 1),
    };
    format!(
        "The issuer of {subject:?}, {issuer:?}, was neither sent nor is in the bundle. {others}: either {issuer:?} is an \
         intermediate that the server ought to send, or it is the CA to trust."
    )
}

fn other_key(last: &Certificate, ca: &Node<'_>) -> String {
    let place = if ca.trusted { "in the bundle" } else { "sent by the server" };
    let ids = match (&last.aki, &ca.row.ski) {
        (Some(aki), Some(ski)) if aki != ski => format!(" (key id {ski}, wanted {aki})"),
        _ => String::new(),
    };
    format!(
        "{:?} was not signed by the {:?} {place}: that CA has the right name and another key{ids}. It was probably made anew \
         under the old name.",
        last.subject, ca.row.subject
    )
}

/// What rustls refuses although the walk found nothing: usages, name constraints, path lengths, algorithms.
fn strict_problem(chain: &[Vec<u8>], roots: &[Vec<u8>], now: Timestamp) -> Option<Problem> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().map(|der| CertificateDer::from(der.as_slice())));
    let leaf = CertificateDer::from(chain[0].as_slice());
    let others: Vec<CertificateDer<'_>> = chain[1..].iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0)));
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
    let judged = ParsedCertificate::try_from(&leaf)
        .and_then(|leaf| rustls::client::verify_server_cert_signed_by_trust_anchor(&leaf, &store, &others, now, algorithms));
    judged.err().map(|error| strict_words(&error))
}

fn strict_words(error: &rustls::Error) -> Problem {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(reason) = error else { return ("rejected", format!("The chain is refused: {error}.")) };
    match reason {
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            ("wrong_usage", format!("The certificate may not be used for a server: {reason}."))
        }
        // The walk has seen to it that a bad signature is only one that cannot be checked.
        E::BadSignature
        | E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "unsupported",
            "A certificate is signed in a way that pilotage cannot check: SHA-1, P-521, or RSA under 2048 bits.".into(),
        ),
        _ => ("rejected", format!("The chain is refused: {reason}.")),
    }
}

fn name_problem(leaf: &Node<'_>, host: &str) -> Option<Problem> {
    let sans = &leaf.row.sans;
    let presented = if sans.is_empty() {
        "It has no subject alternative name, and common names do not count.".to_string()
    } else {
        format!("It is for {}.", sans.join(", "))
    };
    if host.starts_with("spiffe://") {
        let named = sans.iter().any(|san| san.strip_prefix("URI:") == Some(host));
        return (!named).then(|| ("wrong_name", format!("The certificate is not for {host}. {presented}")));
    }
    let bare = host.trim_start_matches('[').trim_end_matches([']', '.']);
    let Ok(name) = ServerName::try_from(bare) else {
        return Some((
            "wrong_name",
            format!("{host:?} is not a host name, address or spiffe:// id, so no certificate can be for it."),
        ));
    };
    let der = CertificateDer::from(leaf.der);
    let matches = ParsedCertificate::try_from(&der).and_then(|parsed| rustls::client::verify_server_name(&parsed, &name));
    matches.err().map(|_| ("wrong_name", format!("The certificate is not for {host}. {presented}")))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
