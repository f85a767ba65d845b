//! `:quit`, and what is asked before a session ends.

use super::command::{Command, Takes};
use super::{Next, Session, ask};
use crate::render::{style, tame};

/// Leave the session.
pub const QUIT: Command = Command {
    names: &["quit", "q", "exit"],
    argument: "",
    takes: Takes::Nothing,
    about: "leaves, as Ctrl-D does",
    manual: "Levels that were set are put back, port-forwards and a recording are closed. Where something is set, it is named, and \
             you are asked first. `quit` and `exit` alone do the same, unless a variable or a function of yours has that name.",
    run: |session, _| Ok(leave(session)),
};

/// So many of the levels that are set are named.
const MOST: usize = 6;

/// Leave, if that is meant.
pub(super) fn leave(session: &Session) -> Next {
    if may(session) { Next::Quit } else { Next::Go }
}

/// Whether an input asks to leave as it does elsewhere, without a colon: where nothing else has that name.
pub(super) fn is_meant(session: &Session, input: &str) -> bool {
    let own = || {
        let names = session.pilotage().names();
        names.variables.iter().any(|name| name == input) || names.functions.iter().any(|(name, _)| name == input)
    };
    matches!(input, "quit" | "exit") && !own()
}

/// Whether the session may end: where levels are set, they are named and the user is asked.
pub(super) fn may(session: &Session) -> bool {
    let set = session.ground.still_set();
    if set.is_empty() {
        return true;
    }
    let question = match set.len() {
        1 => "A level that this session set is put back now. Leave?".to_owned(),
        count => format!("{count} levels that this session set are put back now. Leave?"),
    };
    style::write_stderr(&named(&set));
    ask::yes(session, &question, true)
}

/// What is set, as far as a few lines go.
fn named(set: &[String]) -> String {
    let shown = if set.len() > MOST { MOST - 1 } else { set.len() };
    let lines = set[..shown].iter().map(|line| format!("  {}\n", tame(line)));
    let rest = (shown < set.len()).then(|| format!("  … and {} more: `:undo list` shows all\n", set.len() - shown));
    lines.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ground::testing::Still;
    use super::*;
    use crate::Pilotage;
    use crate::backend::demo;
    use crate::render::Looks;
    use crate::repl::Settings;
    use std::sync::Arc;

    #[test]
    fn the_bare_words_leave_unless_they_are_names() {
        let ground = Still::new(Pilotage::builder(Arc::new(demo().expect("the demo tape"))).build().expect("an engine"));
        let session = Session::new(&ground, None, Looks::default(), Settings::default());
        for input in ["quit", " exit\n", ":quit"] {
            assert_eq!(session.take(input), Next::Quit, "{input}");
        }
        assert_eq!(session.take("let quit = 1; fn exit(code) { code }"), Next::Go);
        assert_eq!(session.take("quit"), Next::Go);
        assert!(matches!(session.take("exit"), Next::Failed(_)), "a function without its brackets");
    }

    #[test]
    fn what_is_set_is_named_and_much_of_it_counted() {
        let set: Vec<String> = (1..=8).map(|number| format!("shop/web-{number}: rbac warning → debug")).collect();
        assert_eq!(named(&set[..1]), "  shop/web-1: rbac warning → debug\n");
        assert_eq!((named(&set[..6]).lines().count(), named(&set[..7]).lines().count()), (6, 6));
        assert!(
            named(&set).ends_with("web-5: rbac warning → debug\n  … and 3 more: `:undo list` shows all\n"),
            "{}",
            named(&set)
        );
    }
}
