//! pilotage: a scriptable troubleshooting environment for Istio meshes: a REPL, a playbook runner, and this library.
//!
//! # How it fits together
//!
//! A script calls a function; the function asks one question through one door; the answer comes back as rows.
//!
//! ```text
//!  script        filters(pods("shop"), #{ name: "jwt" })
//!    │ Rhai finds the native function by name and argument types
//!  bind/         arguments → typed options, one call into the domain, records → rows
//!    │ Call::wait: waits on the runtime; Ctrl-C wins; a failure gets the script's position
//!  mesh/         which pods, which proxy, by which way; fan-out, notes for those that do not answer
//!    │ Mesh::ask(Ask)
//!  backend/      Observed → Policy → Ledger → Recorder → Redacted → Limit → Live     (or a Tape in their place)
//!    │ Answer { status, body, … }
//!  envoy/ istio/ tls/ json/    decode, leniently, never the whole document at once
//!    │ records: structs that know their columns (record!)
//!  render/       table, report, JSON, YAML, CSV, Markdown: once, at the edge
//! ```
//!
//! [`Pilotage`] is all of that as a library: give it a [`backend::Backend`], get an engine.
//!
//! # What always holds
//!
//! 1. **One door.** Whatever a script learns about a cluster, a proxy or a server is one [`backend::Query`] through
//!    [`backend::Backend::ask`], or through its siblings for what goes on: `follow` for logs, `tunnel` for ports. Recording, replaying,
//!    limits, redaction and permission are decorators of these. (Files that a script itself loads and saves are its own affair; a
//!    playbook may touch only those below the folder it is run in, and no hidden ones.) The names that a session completes while
//!    somebody types are asked for beside the scripts ([`Builder::aside`]): read only, redacted, and kept out of recordings, so
//!    that a tape holds what was asked and nothing else.
//! 2. **Arrows point down:** cli → repl, bind → host → mesh → envoy, istio, tls, json → backend's types → error, record, report,
//!    table, cell.
//!    Only `host/` and `bind/` know Rhai, only `backend/` opens connections, only `render/`, `repl/` and `cli/` print.
//!    `mesh/`, `envoy/`, `istio/`, `tls/` and `json/` read no clock, no environment and no disk. `tests/it/tidy.rs` guards this.
//! 3. **Nothing is changed unless allowed, and nothing set for good:** [`backend::Policy`] refuses any question with a greater
//!    [effect](backend::Ask::effect) than was allowed, whatever a script tries; [`backend::Ledger`] lets none set a log level
//!    before its undo is written down.
//! 4. **Partial answers are normal.** Who does not answer becomes a note; only when nobody answers it is an error.
//! 5. **Time is the backend's:** [`backend::Backend::now`] is the time of recording when a tape is replayed.
//! 6. **No secret leaves:** private keys, tokens and Secret data are redacted before an answer reaches a script or a tape; those
//!    of saved answers, when they are read.
//!
//! # Adding a function
//!
//! 1. In the matching `src/bind/*.rs`, write the function with its `///`: a summary line, what rows it returns and what options it
//!    takes by name (`` `pod` rows ``, `` `pod options` ``), and one example that runs on the demo tape, with its result after
//!    `    // ` on the last line. A new question belongs into `mesh/`; new rows are a `record!`, new options an `options!`, both named
//!    in `bind::schemas`.
//! 2. Add a test of what it answers, beside the domain function or in `tests/it/`.
//!
//! Nothing else: help, completion, the reference and did-you-mean read it from there, and `tests/it/catalog.rs` runs the example.
//! What judges rather than reads belongs into the standard library, `stdlib/*.rhai`.

pub mod backend;
pub mod bind;
pub mod called;
pub mod cell;
pub mod cli;
pub mod envoy;
pub mod error;
pub mod help;
pub mod host;
pub mod istio;
pub mod json;
pub mod log_level;
pub mod memory;
pub mod mesh;
mod pilotage;
#[cfg(test)]
mod pilotage_tests;
pub mod record;
pub mod render;
pub mod repl;
pub mod report;
pub mod suggest;
pub mod table;
pub mod tls;

pub use pilotage::{Builder, Pilotage, Shown, Undoer};
