//! Where istioctl is wrong, and what we say instead. All of it, in one place; what is listed here and does not occur
//! in any recording fails the test.

use super::rows::Row;
use crate::support::istioctl::Run;
use std::cell::Cell;

/// A cell that istioctl prints wrongly.
pub struct WrongCell {
    /// In tables of this kind.
    pub kind: &'static str,
    /// Under this title.
    pub title: &'static str,
    /// What belongs there, when istioctl's cell is such a one; the whole row helps to tell.
    pub instead: fn(cell: &str, row: &Row) -> Option<String>,
    /// Why istioctl is wrong.
    pub why: &'static str,
    /// How often it was met.
    pub met: Cell<usize>,
}

/// A command that istioctl fails.
pub struct Failure {
    /// In commands of this kind.
    pub kind: &'static str,
    /// What it says.
    pub says: &'static str,
    /// What we answer.
    pub ours: Ours,
    /// Why that is right.
    pub why: &'static str,
}

/// What we answer where istioctl fails.
#[derive(Debug, PartialEq, Eq)]
pub enum Ours {
    /// No rows.
    NoRows,
    /// An error too, that says this.
    Error(&'static str),
}

/// The commands that istioctl fails.
pub static FAILURES: [Failure; 2] = [
    Failure {
        kind: "ecds",
        says: "config dump has no configuration type type.googleapis.com/envoy.admin.v3.EcdsConfigDump",
        ours: Ours::NoRows,
        why: "a proxy without extensions by discovery has no such section: there are none, and nothing is wrong",
    },
    Failure { kind: "clusters", says: "pods \"no-such-pod\" not found", ours: Ours::Error("no-such-pod"), why: "both refuse" },
];

/// The cells that istioctl prints wrongly.
pub fn wrong_cells() -> Vec<WrongCell> {
    fn unprefixed(prefix: &str, cell: &str) -> Option<String> {
        cell.strip_prefix(prefix).map(Into::into)
    }
    let wrong = |kind, title, instead, why| WrongCell { kind, title, instead, why, met: Cell::new(0) };
    let prefix = "`all` writes the kind before each name, so that its tables can be told apart; the name is without it";
    vec![
        wrong("all/clusters", "name", |cell, _| unprefixed("cluster/", cell), prefix),
        wrong("all/listeners", "name", |cell, _| unprefixed("listener/", cell), prefix),
        wrong("all/routes", "name", |cell, _| unprefixed("route/", cell), prefix),
        wrong("all/secret", "resource_name", |cell, _| unprefixed("secret/", cell), prefix),
        wrong(
            "all/clusters",
            "service_fqdn",
            |cell, _| unprefixed("cluster/", cell),
            "the name of a cluster that is no service's gets the prefix in the wrong column too",
        ),
        wrong(
            "all/eds",
            "name",
            |cell, _| {
                let address = unprefixed("endpoint/", cell)?;
                Some(if address.starts_with("./") { format!("unix://{address}") } else { address })
            },
            "with the prefix, and sockets in the file system without the unix:// that `endpoints` gives them",
        ),
    ]
}

/// What is listed for this failure of istioctl's.
pub fn listed(run: &Run, error: &str) -> Option<&'static Failure> {
    FAILURES.iter().find(|failure| failure.kind == run.kind && error.contains(failure.says))
}

/// The rows of a run, with istioctl's errors put right.
pub fn put_right(run: &Run, wrong: &[WrongCell]) -> Vec<Row> {
    let mut rows = run.rows.clone();
    for wrong in wrong.iter().filter(|wrong| wrong.kind == run.kind) {
        let Some(column) = run.columns.iter().position(|title| title == wrong.title) else { continue };
        for row in &mut rows {
            if let Some(right) = (wrong.instead)(&row[column], row) {
                row[column] = right;
                wrong.met.set(wrong.met.get() + 1);
            }
        }
    }
    rows
}
