//! `:context`, `:ns` and `:tape`: where questions go.

use super::command::{Command, Takes};
use super::prompt::marks;
use super::{Next, Session, Source, Target};
use crate::backend::{Ask, Query};
use crate::error::{Error, Kind, Result};
use crate::host::Files;
use crate::report::{Content, Table};
use crate::suggest::nearest;
use serde_json::Value;
use std::time::Duration;

/// A namespace is looked for no longer than this: whoever changes it waits for nothing else.
const LOOK: Duration = Duration::from_secs(1);

/// Go to another cluster.
pub const CONTEXT: Command = Command {
    names: &["context", "ctx"],
    argument: "[NAME]",
    takes: Takes::Context,
    about: "lists the contexts of the kubeconfig, or goes to one: `:context lab`",
    manual: "Variables, functions and results live on. Log levels that were set are put back before, port-forwards and a recording \
             are closed: all that is told. Nothing is asked of the new cluster until you do, so going to a dead one does not hang. \
             Rows of pods go on asking the cluster they were read from; nothing can be set there any more.\n\n\
             Where changes were allowed (`:allow change`), they are not at the next place. Whom you act as (`--as`, `--as-group`), you act \
             as there, too; the prompt says it.",
    run: |session, name| if name.is_empty() { list(session) } else { go(session, &Target::Context(name.to_owned())) },
};

/// Choose a namespace.
pub const NAMESPACE: Command = Command {
    names: &["ns", "namespace"],
    argument: "[NAME]",
    takes: Takes::Namespace,
    about: "shows or chooses the namespace of names that come without one",
    manual: "It is where `endpoints(\"web\")` looks for `web` first. Lists are as long as before: `pods()` is about all namespaces, \
             `pods(\"shop\")` about one.",
    run: namespace,
};

/// Go to a tape, and back.
pub const TAPE: Command = Command {
    names: &["tape"],
    argument: "[FILE|demo|off]",
    takes: Takes::FileOr(&["demo", "off"]),
    about: "answers from a tape instead of a cluster; `:tape off` goes back",
    manual: "`:tape demo` is the tape that comes with pilotage. All that is said of `:context` holds here as well. To look at a \
             tape *beside* the mesh at hand, open it as a value: `let old = tape(\"before.tape\")`.",
    run: tape,
};

fn go(session: &Session, to: &Target) -> Result<Next> {
    let before = session.ground.place();
    if matches!((to, before.source), (Target::Context(name), Source::Live) if *name == before.name) {
        session.note(&format!("already on {}", before.described));
        return Ok(Next::Go);
    }
    // Ctrl-C of an earlier input is over: one press ends this.
    session.ground.before();
    session.ground.go(to)?;
    session.journal.leave(&before.name);
    let place = session.ground.place();
    let care = if session.is_prod(&place) { "PROD! " } else { "" };
    let still = if place.acting == before.acting { "still " } else { "" };
    let acting = if place.acting.user.is_some() { format!(", {still}{}", place.acting) } else { String::new() };
    session.note(&format!("{care}now on {}, namespace {}{acting}", place.described, place.namespace));
    Ok(Next::Go)
}

fn list(session: &Session) -> Result<Next> {
    let (place, contexts) = (session.ground.place(), session.ground.contexts()?);
    if contexts.is_empty() {
        session.note("there is no kubeconfig, or it has no contexts; log in to a cluster, or set KUBECONFIG");
        return Ok(Next::Go);
    }
    let row = |context: &crate::backend::ContextOf| -> Vec<Value> {
        let here = place.source == Source::Live && place.name == context.name;
        let namespace = if here { Some(place.namespace.clone()) } else { context.namespace.clone() };
        let prod = session.settings().is_prod(&context.name) || session.settings().is_prod(&context.cluster);
        vec![
            context.name.clone().into(),
            marks(here, prod).into(),
            namespace.unwrap_or_else(|| "default".into()).into(),
            context.cluster.clone().into(),
            context.server.clone().into(),
        ]
    };
    let rows: Vec<Vec<Value>> = contexts.iter().map(row).collect();
    let columns = ["context", "mark", "namespace", "cluster", "server"].map(String::from).to_vec();
    let next = session.show(&Content::Table(Table { columns, rows: rows.into(), ..Table::default() }));
    if place.source != Source::Live {
        session.note(&format!("here: {}", place.described));
    }
    Ok(next)
}

fn namespace(session: &Session, name: &str) -> Result<Next> {
    if name.is_empty() {
        let name = session.ground.place().namespace;
        let next = session.print(&format!("{name}\n"));
        check(session, &name);
        return Ok(next);
    }
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 63 || !name.chars().all(legal) || name.starts_with('-') || name.ends_with('-') {
        return Err(Error::new(Kind::BadInput, format!("{name:?} is no name of a namespace"))
            .hint("small letters, digits and -; names without a namespace are looked for in one only"));
    }
    session.ground.choose_namespace(name);
    check(session, name);
    Ok(Next::Go)
}

/// Say that there is no such namespace, where that is known within a moment.
fn check(session: &Session, name: &str) {
    session.ground.before();
    let (pilotage, path) = (session.pilotage(), "/api/v1/namespaces");
    let cluster = pilotage.cluster();
    let ask = |path: String| pilotage.ask(&Query::new(cluster.clone(), Ask::kube(path)), LOOK).and_then(Result::ok);
    if ask(format!("{path}/{name}")).is_some_and(|answer| answer.status == 404) {
        let all = ask(path.into()).filter(crate::backend::Answer::is_success);
        let all: Value = all.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
        let items = all["items"].as_array().map_or(&[][..], Vec::as_slice);
        let near = nearest(name, items.iter().filter_map(|item| item["metadata"]["name"].as_str()));
        let meant = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        session.note(&format!("there is no namespace {name} here{meant}"));
    }
    session.ground.after();
}

fn tape(session: &Session, name: &str) -> Result<Next> {
    let place = session.ground.place();
    match name {
        "" => {
            session.note(&format!("answers come from {}", place.described));
            Ok(Next::Go)
        }
        "off" if matches!(place.source, Source::Live | Source::Nobody) => {
            session.note(&format!("no tape is open: answers come from {}", place.described));
            Ok(Next::Go)
        }
        "off" => go(session, &Target::Live),
        "demo" => go(session, &Target::Demo),
        file => go(session, &Target::Tape(Files::at_home(file))),
    }
}
