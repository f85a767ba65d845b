//! What a user may set of the session at a prompt: data, its documentation and its usual values, said here once.
//!
//! The fields of [`Settings`] are the keys of `[repl]` in the configuration: names, help, usual values and checks are those of
//! the derive, as for the options of the command line.

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a session at a prompt behaves.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Settings {
    /// Which keys edit a line
    #[arg(long, value_name = "KEYS", default_value = "emacs")]
    pub edit_mode: EditMode,
    /// A script that runs before the first prompt; a relative path begins at this file's folder
    #[arg(long, value_name = "FILE")]
    pub startup: Option<PathBuf>,
    /// What shows output longer than the screen: auto (PAGER, else less), never, or a command
    #[arg(long, value_name = "auto|never|COMMAND", default_value = "auto")]
    pub pager: Pager,
    /// How many inputs the history keeps
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub history: usize,
    /// Contexts and clusters whose prompt stands out: a word of the name, or a pattern for all of it with * and ?
    #[arg(long, value_name = "PATTERN", default_values = ["prod", "production"])]
    pub prod: Vec<Pattern>,
    /// What names at the beginning of an input stand for.
    #[arg(skip)]
    pub aliases: Aliases,
}

/// The settings that are read only when a session begins.
pub const ONCE: [&str; 1] = ["startup"];

impl Default for Settings {
    /// What holds where nothing is set.
    fn default() -> Self {
        let command = Self::augment_args(Command::new("settings"));
        let read = |matches: ArgMatches| Self::from_arg_matches(&matches);
        command.try_get_matches_from(["settings"]).and_then(read).expect("every setting has a usual value")
    }
}

impl Settings {
    /// Whether one must take care there: the name of a context or cluster matches one of the patterns.
    pub fn is_prod(&self, name: &str) -> bool {
        self.prod.iter().any(|pattern| pattern.matches(name))
    }
}

/// Which keys edit a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EditMode {
    /// As in Emacs, and in shells.
    Emacs,
    /// As in vi.
    Vi,
}

/// What shows output that is longer than the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pager {
    /// The user's `PAGER`, else `less`.
    Auto,
    /// Nothing: it scrolls by.
    Never,
    /// This command, for a shell.
    Command(String),
}

impl std::str::FromStr for Pager {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            "" => Err("auto, never, or a command such as \"less -R\"".into()),
            command => Ok(Self::Command(command.to_owned())),
        }
    }
}

/// Which names of contexts and clusters are meant: a word in them, or a pattern for the whole with `*` and `?`. Case does not
/// matter: better one prompt too many that stands out than one too few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("a word or a pattern such as *-live".into()),
            text => Ok(Self(text.to_lowercase())),
        }
    }
}

impl Pattern {
    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if self.0.contains(['*', '?']) {
            let pattern: Vec<char> = self.0.chars().collect();
            return fits(&pattern, &name.chars().collect::<Vec<_>>());
        }
        // A word: `prod` is in `gke_shop_prod-eu` and not in `products`.
        name.match_indices(&self.0).any(|(at, found)| {
            let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphabetic());
            alone(name[..at].chars().next_back()) && alone(name[at + found.len()..].chars().next())
        })
    }
}

/// Whether a text fits a pattern, in time proportional to their product at worst.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                Some((of_star, taken)) => {
                    *taken += 1;
                    (at, in_text) = (*of_star + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// What names at the beginning of an input stand for: an expression, or a command that begins with a colon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(BTreeMap<String, String>);

impl Aliases {
    /// Let a name stand for a text.
    ///
    /// # Errors
    /// What is wrong with the name or the text.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(format!("an alias is one word of letters, digits, _ and -, and {name:?} is none"));
        }
        if KEYWORDS.contains(&name) {
            return Err(format!("{name} is a word of the language: an alias of that name would hide it"));
        }
        if text.trim().is_empty() {
            return Err(format!("the alias {name} stands for nothing"));
        }
        self.0.insert(name.to_owned(), text.trim().to_owned());
        Ok(())
    }

    /// Names, and what they stand for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The input with the alias at its beginning replaced, and what follows it behind; `None` when there is none. An alias
    /// may begin with another one.
    pub fn expand(&self, input: &str) -> Option<String> {
        let mut expanded: Option<String> = None;
        let mut used: Vec<&str> = Vec::new();
        while let Some((name, text, rest)) = self.first(expanded.as_deref().unwrap_or(input)) {
            if used.contains(&name) {
                break;
            }
            used.push(name);
            expanded = Some(if rest.is_empty() { text.to_owned() } else { format!("{text} {rest}") });
        }
        expanded
    }

    /// The alias that an input begins with, its text, and what follows.
    fn first(&self, input: &str) -> Option<(&str, &str, String)> {
        let input = input.trim();
        let end = input.find(char::is_whitespace).unwrap_or(input.len());
        let (name, text) = self.0.get_key_value(&input[..end])?;
        let rest = input[end..].trim_start();
        // `web = 1` and `web + 1` speak of a variable.
        let operator = rest.starts_with(['=', '+', '*', '/', '%', '<', '>', '!', '?', '&', '|', '^', ',', ';', ')', ']', '}']);
        (!operator).then(|| (name.as_str(), text.as_str(), rest.to_owned()))
    }
}

/// The words that begin something in the language.
const KEYWORDS: &[&str] = &[
    "let", "const", "if", "else", "switch", "while", "loop", "do", "for", "fn", "private", "return", "throw", "try", "import",
    "export", "break", "continue", "true", "false", "this", "global",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().expect("a pattern")
    }

    #[test]
    fn every_setting_has_a_usual_value() {
        let usual = Settings::default();
        assert_eq!((usual.edit_mode, &usual.pager, usual.history), (EditMode::Emacs, &Pager::Auto, 5_000));
        assert!(usual.is_prod("PROD") && !usual.is_prod("lab"));
    }

    #[test]
    fn a_word_is_found_in_a_name_and_a_pattern_fits_all_of_it() {
        for name in ["prod", "gke_shop_prod-eu", "arn:aws:eks:eu-west-1:123:cluster/Prod", "prod1"] {
            assert!(pattern("prod").matches(name), "{name}");
        }
        for name in ["products", "nonprod", "lab", ""] {
            assert!(!pattern("prod").matches(name), "{name}");
        }
        assert!(pattern("*-live").matches("shop-LIVE") && !pattern("*-live").matches("shop-live-2"));
        assert!(pattern("eu-?-*").matches("eu-1-x") && !pattern("eu-?-*").matches("eu-12-x"));
        assert!(pattern("*a*b*").matches("xaxxbx") && !pattern("*a*b*").matches("xbxxax"));
        assert!("".parse::<Pattern>().is_err());
    }

    #[test]
    fn a_pager_is_a_word_or_a_command() {
        assert_eq!("never".parse(), Ok(Pager::Never));
        assert_eq!("less -R".parse(), Ok(Pager::Command("less -R".into())));
        assert!(" ".parse::<Pager>().is_err());
    }

    #[test]
    fn an_alias_is_replaced_where_an_input_begins_with_it() {
        let mut aliases = Aliases::default();
        for (name, text) in
            [("gw", "pods(\"*\").where(#{ proxy: \"gateway\" })"), ("d", ":doc"), ("dp", "d pods"), ("loop1", "loop1")]
        {
            aliases.set(name, text).expect("a good alias");
        }
        let expanded = |input: &str| aliases.expand(input);
        assert_eq!(expanded(" gw ").as_deref(), Some("pods(\"*\").where(#{ proxy: \"gateway\" })"));
        assert_eq!(expanded("gw .len()").as_deref(), Some("pods(\"*\").where(#{ proxy: \"gateway\" }) .len()"));
        assert_eq!(expanded("d clusters").as_deref(), Some(":doc clusters"));
        assert_eq!(expanded("dp").as_deref(), Some(":doc pods"), "an alias may begin with another");
        assert_eq!(expanded("loop1").as_deref(), Some("loop1"), "and with itself");
        for input in ["gw = 1", "gw()", "gw.len()", "d + 1", "let d = 1", "", "x"] {
            assert_eq!(expanded(input), None, "{input}");
        }
    }

    #[test]
    fn what_cannot_be_an_alias_is_told() {
        let mut aliases = Aliases::default();
        for (name, text) in [("", "x"), ("a b", "x"), ("1a", "x"), ("let", "x"), ("a", " ")] {
            assert!(aliases.set(name, text).is_err(), "{name:?}");
        }
        assert_eq!(aliases.iter().count(), 0);
    }
}
