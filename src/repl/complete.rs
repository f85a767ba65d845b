//! What may stand where the cursor is.

use super::Session;
use super::command::{COMMANDS, Command};

/// Where the word at the cursor begins, and what it may become.
pub fn candidates(session: &Session, line: &str, pos: usize) -> (usize, Vec<String>) {
    let (start, word) = word(line, pos);
    let mut names = names(session, line, start);
    names.retain(|name| name.starts_with(word));
    (start, names)
}

/// The name that is being typed before the cursor, and where it begins.
fn word(line: &str, pos: usize) -> (usize, &str) {
    let before = &line[..pos];
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .map_or(0, |index| index + before[index..].chars().next().map_or(1, char::len_utf8));
    (start, &before[start..])
}

/// The names that may stand there: commands at the beginning, functions elsewhere.
fn names(session: &Session, line: &str, start: usize) -> Vec<String> {
    let pilotage = session.pilotage();
    let catalog = pilotage.catalog();
    if start == 0 && line.starts_with(':') {
        return COMMANDS.iter().map(Command::typed).collect();
    }
    // After a dot only what takes its subject first makes sense, and modules do not.
    let method = line[..start].trim_end().ends_with('.');
    let mut names: Vec<String> =
        catalog.entries.iter().filter(|entry| !method || entry.module.is_none()).map(|entry| entry.full_name()).collect();
    if !method {
        names.extend(catalog.modules().into_iter().map(|module| format!("{module}::")));
    }
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        assert_eq!(word("pods().fil", 10), (7, "fil"));
        assert_eq!(word("let x = jwks::st", 16), (8, "jwks::st"));
        assert_eq!(word(":he", 3), (0, ":he"));
        assert_eq!(word("é(po", 5), (3, "po"));
        assert_eq!(word("", 0), (0, ""));
    }
}
