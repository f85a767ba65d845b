//! The counters of a host, packed: most hosts of a mesh were never talked to by one proxy, and cost nothing then.

use super::wire::Text;
use serde::ser::{Serialize, SerializeMap, Serializer};

wire! {
    /// One counter or gauge. Zero is left out.
    pub(super) struct StatWire<'de> {
        name: Text<'de>,
        value: u64,
    }
}

/// What Envoy counts of each host, in its order: they go without names.
const USUAL: [&str; 9] = [
    "cx_connect_fail",
    "cx_total",
    "rq_error",
    "rq_success",
    "rq_timeout",
    "rq_total",
    "cx_active",
    "rq_active",
    "rq_pending_active",
];

/// A counter that has a name of its own.
const OTHER: u8 = u8::MAX;

/// A usual counter that is not there.
const ABSENT: u8 = 0x80;

/// Requests and connections of a host, by Envoy's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostStats {
    /// Numbers that are not zero, and whatever is not usual: a byte for the name, then the number in groups of seven bits.
    packed: Box<[u8]>,
}

impl HostStats {
    pub(super) fn of(wire: &[StatWire<'_>]) -> Self {
        let mut packed = Vec::new();
        let mut seen = [false; USUAL.len()];
        for stat in wire {
            match (0..).zip(USUAL).find(|(_, usual)| *usual == stat.name) {
                Some((index, _)) => {
                    seen[usize::from(index)] = true;
                    if stat.value != 0 {
                        packed.push(index);
                        number(&mut packed, stat.value);
                    }
                }
                None => {
                    packed.push(OTHER);
                    number(&mut packed, stat.name.len() as u64);
                    packed.extend_from_slice(stat.name.as_bytes());
                    number(&mut packed, stat.value);
                }
            }
        }
        packed.extend((0..).zip(seen).filter(|(_, seen)| !seen).map(|(index, _): (u8, _)| ABSENT | index));
        Self { packed: packed.into() }
    }

    /// Each name with its number.
    pub fn entries(&self) -> Vec<(String, u64)> {
        let mut usual = [Some(0); USUAL.len()];
        let mut others = Vec::new();
        let mut rest = &*self.packed;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            if first == OTHER {
                let length = usize::try_from(take(&mut rest)).unwrap_or(usize::MAX).min(rest.len());
                let (name, after) = rest.split_at(length);
                rest = after;
                others.push((String::from_utf8_lossy(name).into_owned(), take(&mut rest)));
            } else if let Some(usual) = usual.get_mut(usize::from(first & !ABSENT)) {
                *usual = if first & ABSENT == 0 { Some(take(&mut rest)) } else { None };
            }
        }
        let usual = USUAL.iter().zip(usual).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        usual.chain(others).collect()
    }
}

fn number(packed: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        packed.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    packed.push(value as u8);
}

fn take(packed: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    while let Some((byte, rest)) = packed.split_first() {
        *packed = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

impl Serialize for HostStats {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let entries = self.entries();
        let mut map = to.serialize_map(Some(entries.len()))?;
        for (name, value) in entries {
            map.serialize_entry(&name, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(name: &str, value: u64) -> StatWire<'_> {
        StatWire { name: name.into(), value, ..StatWire::default() }
    }

    #[test]
    fn a_host_that_nobody_talked_to_costs_nothing() {
        let idle: Vec<_> = USUAL.iter().map(|name| wire(name, 0)).collect();
        let stats = HostStats::of(&idle);
        assert!(stats.packed.is_empty());
        assert_eq!(stats.entries().len(), 9);
        assert!(stats.entries().iter().all(|(_, value)| *value == 0));
    }

    proptest! {
        #[test]
        fn what_was_packed_is_there_again(
            values in proptest::collection::btree_map("cx_total|rq_error|rq_pending_active|\\PC{0,200}", any::<u64>(), 0..12)
        ) {
            let wires: Vec<_> = values.iter().map(|(name, value)| wire(name, *value)).collect();
            let found: std::collections::BTreeMap<String, u64> = HostStats::of(&wires).entries().into_iter().collect();
            prop_assert_eq!(found, values);
        }
    }
}
