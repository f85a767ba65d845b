//! `pilotage list`: the playbooks that can be run.

use super::app::{App, Outcome};
use super::places;
use crate::host::{Failure, Playbook, playbook};
use crate::render::Look;
use crate::repl::show;
use crate::report::{Content, Table};
use serde_json::Value;

/// Print names, titles and where each comes from. A playbook that cannot be read is listed too, with the reason on
/// standard error: it would be missed otherwise.
pub fn main(app: &App) -> Outcome {
    let mut rows = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (name, from, parsed) in all() {
        let first = seen.insert(name.clone());
        let title = match &parsed {
            Ok(playbook) => playbook.title().to_owned(),
            Err(failure) => {
                app.tell(&broken(&name, failure, &app.err()));
                "cannot be read".into()
            }
        };
        let from = if first { from } else { format!("{from} (hidden by the one above)") };
        rows.push([name, title, from].map(Value::from).to_vec());
    }
    let columns = ["name", "title", "from"].map(String::from).to_vec();
    app.show(&Content::Table(Table { columns, rows: rows.into(), ..Table::default() }))?;
    Ok(0)
}

/// Name, origin and content of each, in the order in which names are looked up.
pub fn all() -> Vec<(String, String, Result<Playbook, Box<Failure>>)> {
    let mut all = Vec::new();
    for folder in places::playbook_folders() {
        for (name, path) in playbook::in_folder(&folder) {
            let parsed = Playbook::find(&path.to_string_lossy(), &[]);
            all.push((name, path.display().to_string(), parsed));
        }
    }
    all.extend(Playbook::shipped().into_iter().map(|playbook| (playbook.name.clone(), "shipped".into(), Ok(playbook))));
    all
}

fn broken(name: &str, failure: &Failure, look: &Look) -> String {
    format!("{name}: {}", show::failure(failure, look))
}
