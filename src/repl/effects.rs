//! `:allow`, `:undo` and `:forwards`: what this session may do, what it did, and what it holds open.

use super::command::{Command, Takes};
use super::prompt::level;
use super::{Next, Session, ask};
use crate::backend::Effect;
use crate::error::{Error, Kind, Result};
use crate::report::Content;
use crate::suggest::nearest;

/// The levels, least first.
const LEVELS: &[&str] = &["observe", "tune", "change"];

/// Show or change what is allowed.
pub const ALLOW: Command = Command {
    names: &["allow"],
    argument: "[observe|tune|change]",
    takes: Takes::Words(LEVELS),
    about: "shows or changes what may be done to the mesh",
    manual: "- `observe`: only read\n- `tune`: also set what a process does while it runs (log levels, port-forwards), with a known \
             undo; the usual level at a prompt\n- `change`: also change objects of the cluster; this is asked for once more, and \
             takes a terminal\n\nThe prompt shows the level where it is not the usual one.",
    run: allow,
};

/// Put back what was set.
pub const UNDO: Command = Command {
    names: &["undo"],
    argument: "[list]",
    takes: Takes::Words(&["list"]),
    about: "puts back what this session set; `:undo list` only shows it",
    manual: "It happens by itself when the session ends or goes elsewhere. `reset_log(pod)` does it for one pod.",
    run: undo,
};

/// List and close port-forwards.
pub const FORWARDS: Command = Command {
    names: &["forwards", "fw"],
    argument: "[close N|all]",
    takes: Takes::Words(&["close", "close all"]),
    about: "lists the port-forwards of this session, or closes them: `:forwards close 8080`, `:forwards close all`",
    manual: "N is the port on this machine. They are opened by `port_forward(pod, port)` and `dashboard(name)`.",
    run: forwards,
};

fn allow(session: &Session, typed: &str) -> Result<Next> {
    let place = session.ground.place();
    if typed.is_empty() {
        return Ok(session.print(&format!("{}\n", level(place.allowed, &session.looks.out()))));
    }
    let wanted = match typed {
        "observe" => Effect::Observe,
        "tune" => Effect::Tune,
        "change" => Effect::Change,
        other => return Err(no_word(other, "level", LEVELS)),
    };
    if wanted > place.allowed {
        // Whoever wrote a script that is piped in is perhaps not who runs it.
        if !ask::somebody() {
            return Err(Error::new(Kind::Refused, "more is allowed only by somebody at a terminal")
                .hint(format!("start pilotage with --allow {typed}")));
        }
        let care = if session.is_prod(&place) { "PROD! " } else { "" };
        let question = format!("{care}Let scripts change objects of {}?", place.described);
        if wanted == Effect::Change && !ask::yes(session, &question, false) {
            session.note(&format!("as before: {}", place.allowed.word()));
            return Ok(Next::Go);
        }
    }
    session.ground.allow(wanted);
    if wanted == Effect::Observe && place.set > 0 {
        session.note("what was set stays so until `:undo`, or the end of the session");
    }
    session.note(&format!("{} is allowed", wanted.word()));
    Ok(Next::Go)
}

fn undo(session: &Session, typed: &str) -> Result<Next> {
    let dry = match typed {
        "" => false,
        "list" => true,
        other => return Err(no_word(other, "word for :undo", &["list"])),
    };
    session.ground.before();
    let Some(table) = session.ground.undo(dry) else {
        return Err(Error::new(Kind::Interrupted, "interrupted").hint("`:undo list` shows what is still set"));
    };
    if table.rows.is_empty() {
        session.note("this session set nothing that is still to be put back");
        return Ok(Next::Go);
    }
    Ok(session.show(&Content::Table(table)))
}

fn forwards(session: &Session, typed: &str) -> Result<Next> {
    let pilotage = session.pilotage();
    let open: Vec<u16> = pilotage.forwards().iter().map(|forward| forward.local.port()).collect();
    let which = match typed.split_once(char::is_whitespace).map_or((typed, ""), |(word, rest)| (word, rest.trim())) {
        ("", _) | ("list", "") if open.is_empty() => {
            session.note("no port-forward is open; `port_forward(pod, port)` opens one");
            return Ok(Next::Go);
        }
        ("", _) | ("list", "") => return Ok(session.show(&pilotage.forward_rows())),
        ("close", which) => which,
        (other, _) => return Err(no_word(other, "word for :forwards", &["close"])),
    };
    let listed = || match open.as_slice() {
        [] => "none is open".to_owned(),
        open => format!("open are {}", open.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    };
    let closed = match which {
        "all" => pilotage.close_forwards(|_| true),
        port => {
            let wrong = || Error::new(Kind::BadInput, format!("{port:?} is no local port of a port-forward")).hint(listed());
            let port: u16 = port.parse().ok().filter(|port| open.contains(port)).ok_or_else(wrong)?;
            pilotage.close_forwards(|forward| forward.local.port() == port)
        }
    };
    session.note(&format!("{closed} closed"));
    Ok(Next::Go)
}

/// That a command does not know a word, with the one that may be meant.
pub(super) fn no_word(typed: &str, what: &str, known: &[&str]) -> Error {
    let error = Error::new(Kind::BadInput, format!("{typed:?} is no {what}"));
    match nearest(typed, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near}? there are: {}", known.join(", "))),
        None => error.hint(format!("there are: {}", known.join(", "))),
    }
}
