//! The lists of loggers that Envoy and ztunnel give, read in one place.

/// Envoy's words, the last of which is what newer ones say instead of another.
const LEVELS: [&str; 8] = ["trace", "debug", "info", "warning", "error", "critical", "off", "warn"];

/// What ztunnel answers in place of a list, before its filter: `info,hyper=warn`.
const ZTUNNEL: &str = "current log level is ";

/// How a ztunnel's level for all modules without one of their own is called.
pub const DEFAULT: &str = "default";

/// Who lists its loggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Envoy: every logger by name.
    Envoy,
    /// ztunnel: a filter, with a level for all ([`DEFAULT`]) and one for each module that has its own.
    Ztunnel,
}

/// Loggers with the lowest level that each writes, in the order in which they were listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Who listed them.
    pub form: Form,
    /// Names and levels.
    pub levels: Vec<(String, String)>,
}

impl Levels {
    /// What `POST /logging` answers; nothing when the text is another page.
    pub fn read(text: &str) -> Option<Self> {
        let filter = text.lines().find_map(|line| line.trim().strip_prefix(ZTUNNEL));
        let found = match filter {
            Some(filter) => Self { form: Form::Ztunnel, levels: Self::filter(filter) },
            None => Self { form: Form::Envoy, levels: text.lines().filter_map(logger).collect() },
        };
        (!found.levels.is_empty()).then_some(found)
    }

    /// The directives of a ztunnel's filter, as it is set.
    pub fn filter(text: &str) -> Vec<(String, String)> {
        text.split(',').filter_map(directive).collect()
    }

    /// The level of a logger.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.levels.iter().find(|(known, _)| known == name).map(|(_, level)| level.as_str())
    }
}

fn logger(line: &str) -> Option<(String, String)> {
    // A source file may have a colon in its name.
    let (logger, level) = line.trim().rsplit_once(':')?;
    let level = level.trim();
    LEVELS.contains(&level).then(|| (logger.trim().to_owned(), level.to_owned()))
}

/// A part of ztunnel's filter.
fn directive(part: &str) -> Option<(String, String)> {
    let (logger, level) = part.trim().rsplit_once('=').unwrap_or((DEFAULT, part.trim()));
    let level = level.to_ascii_lowercase();
    LEVELS.contains(&level.as_str()).then(|| (logger.to_owned(), level))
}
