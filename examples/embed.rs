//! Embed pilotage in a program of your own: the same engine, with one function more.
//!
//! ```text
//! cargo run --example embed [TAPE]
//! ```

use pilotage::Pilotage;
use pilotage::backend::Tape;
use pilotage::host::Playbook;
use pilotage::render::style::Look;
use pilotage::render::text;
use pilotage::report::{Content, Report};
use rhai::plugin::*;
use std::error::Error;
use std::sync::Arc;

/// What this team knows and no cluster does.
#[export_module]
mod team {
    /// Who is called when something is wrong in a namespace.
    pub fn owner_of(namespace: &str) -> String {
        match namespace {
            "olaf-customer" => "the customer team".into(),
            _ => "the platform team".into(),
        }
    }
}

/// Run the certificate investigation on a tape, and ask who has to know.
///
/// # Errors
/// When the tape cannot be read, or a script fails.
pub fn investigate(tape: &str) -> Result<(Report, Content), Box<dyn Error>> {
    let pilotage = Pilotage::builder(Arc::new(Tape::open(tape)?)).module("team", exported_module!(team)).build()?;
    let playbook = Playbook::find("jwks-certificate", &[])?;
    let report = pilotage.run(&playbook, serde_json::Map::new()).map_err(|failed| failed.failure)?;
    let owner = pilotage.eval("owner_of(jwks::stand_ins(pods(\"*\"))[0].rule.namespace)")?;
    Ok((report, owner))
}

#[allow(clippy::print_stdout, reason = "a program that tells what it found")]
fn main() -> Result<(), Box<dyn Error>> {
    let tape = std::env::args().nth(1).unwrap_or_else(|| "tests/tapes/jwks-certificate-fault.tape".into());
    let (report, owner) = investigate(&tape)?;
    print!("{}", text::report(&report, &Look::plain()));
    println!("to be told: {owner:?}");
    Ok(())
}
