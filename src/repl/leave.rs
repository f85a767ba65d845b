//! `:quit`, and what is asked before a session ends.

use super::command::{Command, Takes};
use super::{Next, Session, ask};

/// Leave the session.
pub const QUIT: Command = Command {
    names: &["quit", "q", "exit"],
    argument: "",
    takes: Takes::Nothing,
    about: "leaves, as Ctrl-D does",
    manual: "Levels that were set are put back, port-forwards and a recording are closed. Where something is set, that is asked \
             for first.",
    run: |session, _| Ok(if may(session) { Next::Quit } else { Next::Go }),
};

/// Whether the session may end: where levels are set, the user is asked.
pub(super) fn may(session: &Session) -> bool {
    let question = match session.ground.place().set {
        0 => return true,
        1 => "A level that this session set is put back now. Leave?".to_owned(),
        set => format!("{set} levels that this session set are put back now. Leave?"),
    };
    ask::yes(session, &question, true)
}
