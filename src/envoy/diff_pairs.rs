//! Which resources of two dumps are the same one.

use super::diff_resources::Resource;
use super::diff_rules::Identity;
use crate::json::without_own;
use std::collections::{HashMap, VecDeque};

/// A resource on the left, on the right, or on both.
pub(super) type Pair<'r> = (Option<&'r Resource>, Option<&'r Resource>);

/// Resources of one name are one; of two proxies those as well that are named after each one's own address. They come in the
/// order of the left, then those that only the right has.
pub(super) fn pairs<'r>(left: &'r [Resource], right: &'r [Resource], identity: &Identity) -> Vec<Pair<'r>> {
    let mut matching = Matching { left, right, found: vec![None; left.len()], taken: vec![false; right.len()] };
    matching.by(|resource, _| resource.name.clone());
    if identity.is_of_two() {
        let own = identity.addresses();
        matching.by(|resource, side| without_own(&resource.name, &own[side]));
    }
    let Matching { found, taken, .. } = matching;
    let ours = left.iter().zip(found).map(|(one, other)| (Some(one), other.and_then(|other| right.get(other))));
    let theirs = right.iter().zip(taken).filter(|(_, taken)| !taken).map(|(other, _)| (None, Some(other)));
    ours.chain(theirs).collect()
}

struct Matching<'r> {
    left: &'r [Resource],
    right: &'r [Resource],
    found: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Matching<'_> {
    fn by(&mut self, name: impl Fn(&Resource, usize) -> String) {
        let mut open: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (number, resource) in self.right.iter().enumerate().filter(|(number, _)| !self.taken[*number]) {
            open.entry(name(resource, 1)).or_default().push_back(number);
        }
        for (resource, found) in self.left.iter().zip(&mut self.found).filter(|(_, found)| found.is_none()) {
            *found = open.get_mut(&name(resource, 0)).and_then(VecDeque::pop_front);
            if let Some(number) = *found {
                self.taken[number] = true;
            }
        }
    }
}
