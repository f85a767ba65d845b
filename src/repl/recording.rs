//! `:record`: keep what is asked from now on.

use super::command::{Command, Takes};
use super::{Next, Session};
use crate::error::Result;
use crate::host::Files;

/// Begin, end, or tell of a recording.
pub const RECORD: Command = Command {
    names: &["record", "rec"],
    argument: "[FILE|off]",
    takes: Takes::FileOr(&["off"]),
    about: "keeps every answer from now on in a new tape; `:record off` closes it",
    manual: "`:record` alone tells whether a recording goes on. The tape is replayed by `:tape FILE` or `pilotage --tape FILE`. \
             Secrets do not reach it unless pilotage was started with `--keep-secrets`. It begins here: what was asked before is \
             not on it. A tape is of one place: going elsewhere (`:context`, `:tape`) closes it.",
    run: |session, argument| match argument {
        "" => {
            session.note(&state(session));
            Ok(Next::Go)
        }
        "off" => finish(session),
        file => {
            let file = Files::at_home(file);
            session.ground.record(&file)?;
            session.note(&format!("every answer is kept in {} from now on; `:record off` closes it", file.display()));
            Ok(Next::Go)
        }
    },
};

fn state(session: &Session) -> String {
    match session.ground.place().recording {
        None => "nothing is recorded; `:record FILE` begins".into(),
        Some(recording) => match &recording.failure {
            None => format!("so far {}", recording.told()),
            Some(error) => format!("the recording is incomplete: {error}; so far {}", recording.told()),
        },
    }
}

fn finish(session: &Session) -> Result<Next> {
    match session.ground.end_recording()? {
        Some(recording) => session.note(&recording.told()),
        None => session.note("nothing was recorded"),
    }
    Ok(Next::Go)
}
