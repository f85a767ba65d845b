//! What is fuzzed, and a mutator that keeps JSON JSON.
//!
//! The readers are compiled in, not linked: they depend on little (`tests/it/tidy.rs` guards that), and the rest of
//! pilotage takes minutes to build with counters in it.
//!
//! Bytes flipped at random mostly give text that the first check refuses. Half of the mutations therefore change the tree:
//! a member is dropped, doubled, moved or gets a value of another type, as a newer or broken Envoy might send it.

#![allow(dead_code, missing_docs, reason = "the program uses the rest, and asks for more")]

#[path = "../../src/cell.rs"]
pub mod cell;
#[path = "../../src/envoy/mod.rs"]
pub mod envoy;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/json/mod.rs"]
pub mod json;
#[path = "../../src/log_level.rs"]
pub mod log_level;
#[path = "../../src/record.rs"]
pub mod record;
#[path = "../../src/tls/mod.rs"]
pub mod tls;

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

/// Change `data`, of which `size` bytes are in use; gives how many are then.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) | 1 << 40);
    if dice.below(2) == 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&data[..size])
    {
        for _ in 0..=dice.below(3) {
            change(&mut value, &mut dice);
        }
        let text = if dice.below(2) == 0 { serde_json::to_vec(&value) } else { serde_json::to_vec_pretty(&value) };
        let text = text.unwrap_or_default();
        if text.len() <= max_size && text.len() <= data.len() {
            data[..text.len()].copy_from_slice(&text);
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

/// Change one place of a tree.
fn change(value: &mut Value, dice: &mut Dice) {
    let deeper = dice.below(5) > 0;
    match value {
        Value::Object(members) if deeper && !members.is_empty() => {
            let at = dice.below(members.len());
            if let Some(child) = members.values_mut().nth(at) {
                change(child, dice);
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = dice.below(items.len());
            change(&mut items[at], dice);
        }
        Value::Object(members) if !members.is_empty() && dice.below(2) == 0 => {
            let name = members.keys().nth(dice.below(members.len())).cloned().unwrap_or_default();
            let kept = members.remove(&name).unwrap_or_default();
            if dice.below(2) == 0 {
                members.insert(WORDS[dice.below(WORDS.len())].to_owned(), kept);
            }
        }
        Value::Array(items) if !items.is_empty() && dice.below(2) == 0 => {
            let at = dice.below(items.len());
            if dice.below(2) == 0 {
                items.remove(at);
            } else {
                items.push(items[at].clone());
            }
        }
        other => *other = another(other.take(), dice),
    }
}

/// A value of another type, sometimes around or out of the old one.
fn another(old: Value, dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.below(70_000)),
        3 => json!(-1.5e300),
        4 => json!(u64::MAX),
        5 => json!(""),
        6 => json!([]),
        7 => json!({}),
        8 => json!([old]),
        9 => json!({WORDS[dice.below(WORDS.len())]: old}),
        10 => json!(old.to_string()),
        _ => json!(WORDS[dice.below(WORDS.len())]),
    }
}

/// Names and words that mean something to a reader of dumps.
const WORDS: &[&str] = &[
    "@type",
    "active_state",
    "address",
    "certificate_chain",
    "cluster",
    "configs",
    "details",
    "domains",
    "dynamic_active_clusters",
    "dynamicActiveClusters",
    "dynamic_listeners",
    "dynamic_route_configs",
    "dynamic_warming_secrets",
    "ecds_filters",
    "endpoint_config",
    "error_state",
    "filter_chains",
    "filter_metadata",
    "inline_bytes",
    "inline_string",
    "istio",
    "lb_endpoints",
    "match",
    "metadata",
    "name",
    "outbound|8080|v1|reviews.shop.svc.cluster.local",
    "routes",
    "socket_address",
    "static_clusters",
    "typed_config",
    "value",
    "virtual_hosts",
    "weighted_clusters",
    "é\u{0}\u{1F600}\"\\",
];

/// Numbers that depend on the seed alone, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % end.max(1)
    }
}
