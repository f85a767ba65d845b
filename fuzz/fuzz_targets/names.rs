//! The names that Istio gives to Envoy's clusters: taken apart and put together again they are what they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pilotage_fuzz::envoy::ClusterName;

fuzz_target!(|name: &str| {
    check(ClusterName::parse(name), name, "|");
    check(ClusterName::parse_sni(name), name, "_.");
});

/// A name has four parts, of which only the host may contain what parts them.
fn check(parsed: Option<ClusterName<'_>>, name: &str, between: &str) {
    let Some(ClusterName { direction, port, subset, host }) = parsed else {
        assert!(name.matches(between).count() < 3, "not taken apart: {name:?}");
        return;
    };
    assert_eq!([direction, port, subset, host].join(between), name);
    assert!(![direction, port, subset].iter().any(|part| part.contains(between)), "{parsed:?} of {name:?}");
}
