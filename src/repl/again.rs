//! `:history` and `:edit`: what was typed, once more.

use super::command::{Command, Takes};
use super::{Next, Session, ask, external, history};
use crate::error::{Error, Kind, Result};
use crate::render::style;

/// So many inputs are listed where nobody says how many.
const USUAL: usize = 20;

/// List what was typed.
pub const HISTORY: Command = Command {
    names: &["history", "hist"],
    argument: "[PATTERN|N]",
    takes: Takes::Text,
    about: "lists what was typed, here and in earlier sessions: the last 20, the last N, or what contains PATTERN",
    manual: "The numbers are those that `:edit` takes. What begins with a space, or holds a token or a key, is not kept.",
    run: list,
};

/// Edit what was typed in the user's own editor.
pub const EDIT: Command = Command {
    names: &["edit", "e"],
    argument: "[last|N|NAME]",
    takes: Takes::Text,
    about: "opens the last input, number N of :history, or the function NAME in VISUAL or EDITOR, and evaluates what is saved",
    manual: "A text that is saved empty is not evaluated. While typing, Ctrl-X Ctrl-E does the same with the line at hand.",
    run: edit,
};

fn typed(session: &Session) -> Vec<String> {
    session.history.as_ref().map(|file| history::all(file, session.settings().history)).unwrap_or_default()
}

fn list(session: &Session, wanted: &str) -> Result<Next> {
    let mut all = typed(session);
    // A list that lists itself says nothing.
    all.pop_if(|input| input.trim_start().starts_with(":hist"));
    let numbered = all.iter().enumerate().map(|(index, input)| (index + 1, input));
    let chosen: Vec<(usize, &String)> = match (wanted, wanted.parse::<usize>()) {
        ("", _) => numbered.skip(all.len().saturating_sub(USUAL)).collect(),
        (_, Ok(most)) => numbered.skip(all.len().saturating_sub(most)).collect(),
        (pattern, Err(_)) => {
            let pattern = pattern.to_lowercase();
            numbered.filter(|(_, input)| input.to_lowercase().contains(&pattern)).collect()
        }
    };
    if chosen.is_empty() {
        session.note(&if all.is_empty() { "nothing is kept yet".to_owned() } else { format!("nothing holds {wanted:?}") });
        return Ok(Next::Go);
    }
    let width = chosen.last().map_or(1, |(number, _)| number.to_string().len());
    let mut text = String::new();
    for (number, input) in chosen {
        let number = session.looks.out().paint(style::FAINT, &format!("{number:>width$}"));
        // The lines of one input stand below each other.
        text += &format!("{number}  {}\n", input.replace('\n', &format!("\n{}", " ".repeat(width + 2))));
    }
    Ok(session.print(&text))
}

fn edit(session: &Session, wanted: &str) -> Result<Next> {
    if !ask::somebody() {
        return Err(Error::new(Kind::Refused, "an editor takes a terminal"));
    }
    let text = chosen(&typed(session), wanted)?;
    let edited = session.aside(|| external::edit_text(&text))?;
    if edited.trim().is_empty() {
        session.note("it is empty: nothing was evaluated");
        return Ok(Next::Go);
    }
    session.print(&format!("{}\n", session.looks.out().paint(style::FAINT, &edited)));
    Ok(Next::Input(edited))
}

/// The input that is meant.
fn chosen(all: &[String], wanted: &str) -> Result<String> {
    let missing = |what: String| Error::new(Kind::NotFound, what).hint(":history lists what was typed, with its numbers");
    let is_edit = |input: &str| input.trim_start().starts_with(":edit") || input.trim_start() == ":e";
    match (wanted, wanted.parse::<usize>()) {
        ("" | "last", _) => Ok(all.iter().rev().find(|input| !is_edit(input)).cloned().unwrap_or_default()),
        (_, Ok(number)) => {
            let input = number.checked_sub(1).and_then(|index| all.get(index));
            input.cloned().ok_or_else(|| missing(format!("there is no input {number}: there are {}", all.len())))
        }
        (name, Err(_)) => {
            let name = name.trim_end_matches("()");
            let defines = |input: &&String| {
                input
                    .split("fn ")
                    .skip(1)
                    .any(|rest| rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('(')))
            };
            let found = all.iter().rev().filter(|input| !is_edit(input)).find(defines);
            found.cloned().ok_or_else(|| missing(format!("no input defines a function {name}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_chosen_by_number_by_the_function_it_defines_or_as_the_last() {
        let all = ["fn twice(x) { x * 2 }", "let a = 1", "fn twice (x) { x + x }", ":edit twice"].map(String::from);
        let chosen = |wanted: &str| chosen(&all, wanted).map_err(|error| error.message().to_owned());
        assert_eq!(chosen(""), Ok(all[2].clone()));
        assert_eq!(chosen("2"), Ok(all[1].clone()));
        assert_eq!(chosen("twice"), Ok(all[2].clone()));
        assert_eq!(chosen("twi"), Err("no input defines a function twi".into()));
        assert_eq!(chosen("0"), Err("there is no input 0: there are 4".into()));
        assert_eq!(super::chosen(&[], "").expect("an empty text to begin with"), "");
    }
}
