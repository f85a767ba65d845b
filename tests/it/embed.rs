//! The example that embeds pilotage does what it says.

use crate::support::tapes;
use pilotage::report::{Content, Severity};

#[path = "../../examples/embed.rs"]
#[allow(dead_code, missing_docs, reason = "an example brings its own main")]
mod example;

#[test]
fn the_example_runs_a_playbook_and_its_own_function() {
    let (report, owner) = example::investigate(&tapes::path("jwks-certificate-fault").to_string_lossy()).expect("it runs");
    assert_eq!(report.status(), Severity::Error);
    assert_eq!(owner, Content::Text("the customer team".into()));
}
