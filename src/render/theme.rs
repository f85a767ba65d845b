//! Which colours text has, by what it is. Their usual words stand here, once; a user may choose others.

use crate::error::{Error, Kind, Result};
use anstyle::Style;
use std::sync::LazyLock;

/// Says each role once: what it is for, its name in a configuration and in `style`, its usual colours.
macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $role:ident $constant:ident $name:literal $usual:literal;)+) => {
        /// What a piece of text is, for its colours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role { $($(#[doc = $doc])+ $role),+ }

        impl Role {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$role),+];

            /// Its name in a configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$role => $name),+ }
            }

            /// What it is for, in one sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$role => concat!($($doc),+)),+ }
            }

            /// The colours it has unless others are chosen.
            pub const fn usual(self) -> &'static str {
                match self { $(Self::$role => $usual),+ }
            }
        }

        $($(#[doc = $doc])+ pub const $constant: Role = Role::$role;)+
    };
}

roles! {
    /// A heading.
    Heading HEADING "heading" "bold";
    /// Good: a status, a finding, a fix.
    Good GOOD "good" "green";
    /// Bad.
    Bad BAD "bad" "red";
    /// Doubtful.
    Doubt DOUBT "doubt" "yellow";
    /// Worth knowing: names of functions and commands, notes.
    Known KNOWN "known" "cyan";
    /// What matters less than its surroundings.
    Faint FAINT "faint" "dim";
    /// The prompt.
    Prompt PROMPT "prompt" "bold green";
    /// The prompt where one must take care: a context that matches `prod`.
    Prod PROD "prod" "bold white red";
    /// A keyword of the language, while typing.
    Keyword KEYWORD "keyword" "magenta";
    /// A function that exists, while typing.
    Function FUNCTION "function" "cyan";
    /// A function that does not exist, while typing.
    Unknown UNKNOWN "unknown" "ul red";
    /// A string, while typing.
    String STRING "string" "green";
    /// A number, while typing.
    Number NUMBER "number" "yellow";
    /// A comment, while typing.
    Comment COMMENT "comment" "dim";
    /// A bracket and the one that belongs to it, while typing.
    Bracket BRACKET "bracket" "bold ul";
}

impl Role {
    /// The same, in bold.
    pub const fn bold(self) -> Ink {
        Ink { role: self, bold: true }
    }
}

/// A role, and whether it is said louder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    role: Role,
    bold: bool,
}

impl From<Role> for Ink {
    fn from(role: Role) -> Self {
        Self { role, bold: false }
    }
}

/// The colours of every role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme([Style; Role::ALL.len()]);

static USUAL: LazyLock<Theme> = LazyLock::new(Theme::default);

impl Default for Theme {
    /// What every role usually has.
    fn default() -> Self {
        let mut theme = Self([Style::new(); Role::ALL.len()]);
        for role in Role::ALL {
            theme.set(*role, parse(role.usual()).unwrap_or_default());
        }
        theme
    }
}

impl Theme {
    /// The one that holds where none is chosen.
    pub(super) fn usual() -> &'static Self {
        &USUAL
    }

    /// Give a role other colours.
    pub fn set(&mut self, role: Role, style: Style) {
        self.0[role as usize] = style;
    }

    /// The colours of a role.
    pub fn style(&self, ink: impl Into<Ink>) -> Style {
        let Ink { role, bold } = ink.into();
        let style = self.0[role as usize];
        if bold { style.bold() } else { style }
    }
}

/// Colours from words, as git's configuration has them: `bold red`, `#ff8800`, `white red` (the second is the
/// background), `none`.
///
/// # Errors
/// [`Kind::BadInput`] for a word that is none of them.
pub fn parse(words: &str) -> Result<Style> {
    if words.trim() == "none" {
        return Ok(Style::new());
    }
    let wrong = |why: String| Error::new(Kind::BadInput, format!("{words:?} is no colour")).cause(why);
    // The reader of colours cuts between bytes.
    let read =
        if words.is_ascii() { anstyle_git::parse(words).map_err(|error| error.to_string()) } else { Err("not ASCII".into()) };
    read.map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::{AnsiColor, RgbColor};

    #[test]
    fn every_usual_colour_is_one() {
        for role in Role::ALL {
            assert!(parse(role.usual()).is_ok_and(|style| style != Style::new()), "{role:?}");
            assert!(!role.about().trim().is_empty());
        }
        let mut names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Role::ALL.len());
    }

    #[test]
    fn colours_are_read_from_words() {
        assert_eq!(parse("bold red").unwrap(), AnsiColor::Red.on_default().bold());
        assert_eq!(parse("#ff8800").unwrap(), RgbColor(0xff, 0x88, 0).on_default());
        assert_eq!(parse("white red").unwrap(), AnsiColor::White.on(AnsiColor::Red));
        assert_eq!(parse("none").unwrap(), Style::new());
        for wrong in ["rde", "#é1", "#12345", "red green blue", "bold bright"] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.message().contains(wrong) && !error.causes().is_empty(), "{error:?}");
        }
    }

    #[test]
    fn a_role_can_have_other_colours() {
        let mut theme = Theme::default();
        theme.set(BAD, parse("blue").unwrap());
        assert_eq!(theme.style(BAD.bold()), AnsiColor::Blue.on_default().bold());
        assert_eq!(theme.style(GOOD), AnsiColor::Green.on_default());
    }
}
