//! How the program is called: `pilotage`, or `kubectl pilotage` as a plugin. Whatever tells people what to type says it so.

use std::borrow::Cow;
use std::sync::OnceLock;

/// How it is called when it is no plugin.
const OWN: &str = "pilotage";

static CALLED: OnceLock<&str> = OnceLock::new();

/// From now on, it is called like this. The first word on it holds.
pub fn learn(name: &'static str) {
    CALLED.get_or_init(|| name);
}

/// How the program is called.
pub fn called() -> &'static str {
    CALLED.get().copied().unwrap_or(OWN)
}

/// A text in which commands stand in back-ticks, or begin a block of shell code, as the user must type them.
pub fn as_called(text: &str) -> Cow<'_, str> {
    said(text, called())
}

fn said<'a>(text: &'a str, called: &str) -> Cow<'a, str> {
    const BEFORE: [&str; 3] = ["`", "```sh\n", "| "];
    if called == OWN || !text.contains(OWN) {
        return text.into();
    }
    let one = |text: String, before: &str| text.replace(&format!("{before}{OWN} "), &format!("{before}{called} "));
    BEFORE.into_iter().fold(text.to_owned(), one).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_as_they_are_typed() {
        let text = "`pilotage undo` does it; `cat x | pilotage eval 1`\n```sh\npilotage run a\n```\npilotage is a program";
        let plugin = "`kubectl pilotage undo` does it; `cat x | kubectl pilotage eval 1`\n```sh\nkubectl pilotage run a\n```\npilotage is a program";
        assert_eq!(said(text, "kubectl pilotage"), plugin);
        assert_eq!(said(plugin, "kubectl pilotage"), plugin, "once is enough");
        assert_eq!(said(text, OWN), text);
    }
}
