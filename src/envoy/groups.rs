//! Joining and sorting rows without a second copy of them: there are hundreds of thousands, in few groups.

use std::cmp::Ordering;

/// Lists one after the other. The first, mostly the only one, is not copied.
pub(super) fn joined<T>(lists: impl IntoIterator<Item = Vec<T>>) -> Vec<T> {
    let join = |mut all: Vec<T>, mut more: Vec<T>| {
        if all.is_empty() {
            return more;
        }
        all.append(&mut more);
        all
    };
    lists.into_iter().reduce(join).unwrap_or_default()
}

/// Bring groups into the order of their first items. Neighbours with the same `mark` are one group, which stays together in
/// the order it has; groups that are equal stay in theirs.
pub(super) fn sort_groups<T, M: PartialEq>(items: &mut [T], mark: impl Fn(&T) -> M, compare: impl Fn(&T, &T) -> Ordering) {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for group in items.chunk_by(|a, b| mark(a) == mark(b)) {
        let start = groups.last().map_or(0, |(start, length)| start + length);
        groups.push((start, group.len()));
    }
    let order = |a: &(usize, usize), b: &(usize, usize)| compare(&items[a.0], &items[b.0]);
    if groups.is_sorted_by(|a, b| order(a, b).is_le()) {
        return;
    }
    groups.sort_by(order);
    let mut target = vec![0; items.len()];
    let mut next = 0;
    for (start, length) in groups {
        for place in &mut target[start..start + length] {
            *place = next;
            next += 1;
        }
    }
    for place in 0..items.len() {
        while target[place] != place {
            let other = target[place];
            items.swap(place, other);
            target.swap(place, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn groups_are_sorted_as_a_stable_sort_would(lengths in proptest::collection::vec((0_u8..5, 1_usize..4), 0..12)) {
            let item = |(mark, (key, length)): (usize, &(u8, usize))| (0..*length).map(|number| (mark, *key, number)).collect::<Vec<_>>();
            let mut items: Vec<(usize, u8, usize)> = lengths.iter().enumerate().flat_map(item).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(_, key, _)| *key);
            sort_groups(&mut items, |item| item.0, |a, b| a.1.cmp(&b.1));
            prop_assert_eq!(items, expected);
        }
    }
}
