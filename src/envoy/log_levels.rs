//! The loggers of a proxy, and from which level on each writes.

use super::page::other;
use crate::error::Result;
use crate::json::{At, Found, Node};
use crate::record;

record! {
    /// A logger of a proxy.
    pub struct LogLevel as "logger" {
        /// Its name: `rbac`, `jwt`, `connection`; with fine-grained logging, a source file. Of a ztunnel, a module, and `default`
        /// for all that are not named.
        pub logger: String,
        /// The lowest level that it writes: `trace`, `debug`, `info`, `warning`, `error`, `critical`; `off` for none.
        pub level: String,
    }
}

/// Envoy's words, the last of which is what newer ones say instead of another.
const LEVELS: [&str; 8] = ["trace", "debug", "info", "warning", "error", "critical", "off", "warn"];

/// What ztunnel answers in place of a list, before its filter: `info,hyper=warn`.
const ZTUNNEL: &str = "current log level is ";

/// The loggers that `POST /logging` lists, in its order. ztunnel has a filter in place of loggers: a level for all, and one for
/// each module (`scope=level`; with a colon, as istioctl's help writes it, ztunnel refuses).
///
/// # Errors
/// The text is another page.
pub fn log_levels(root: &Node) -> Result<Vec<Found<LogLevel>>> {
    let text = root.as_str().ok_or_else(|| other(root, "/logging"))?;
    let filter = text.lines().find_map(|line| line.trim().strip_prefix(ZTUNNEL));
    let read: Vec<LogLevel> = match filter {
        Some(filter) => filter.split(',').filter_map(directive).collect(),
        None => text.lines().filter_map(logger).collect(),
    };
    let loggers: Vec<Found<LogLevel>> = read.into_iter().map(|record| Found { record, at: At::of(root) }).collect();
    if loggers.is_empty() { Err(other(root, "/logging")) } else { Ok(loggers) }
}

fn logger(line: &str) -> Option<LogLevel> {
    // A source file may have a colon in its name.
    let (logger, level) = line.trim().rsplit_once(':')?;
    let level = level.trim();
    LEVELS.contains(&level).then(|| LogLevel { logger: logger.trim().to_owned(), level: level.to_owned() })
}

/// A part of ztunnel's filter.
fn directive(part: &str) -> Option<LogLevel> {
    let (logger, level) = part.trim().rsplit_once('=').unwrap_or(("default", part.trim()));
    let level = level.to_ascii_lowercase();
    LEVELS.contains(&level.as_str()).then(|| LogLevel { logger: logger.to_owned(), level })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>> {
        let root = Node::from_value(&text.into())?;
        Ok(log_levels(&root)?.into_iter().map(|found| (found.record.logger, found.record.level)).collect())
    }

    #[test]
    fn loggers_keep_their_order() {
        let found = read("active loggers:\n  rbac: debug\n  misc: error\n  source/a:b.cc: off\n\n").unwrap();
        let pair = |logger: &str, level: &str| (logger.to_owned(), level.to_owned());
        assert_eq!(found, [pair("rbac", "debug"), pair("misc", "error"), pair("source/a:b.cc", "off")]);
    }

    #[test]
    fn the_filter_of_a_ztunnel_is_read_too() {
        let found = read("current log level is hickory_server::server=off,access=debug,info\n").unwrap();
        let pair = |logger: &str, level: &str| (logger.to_owned(), level.to_owned());
        assert_eq!(found, [pair("hickory_server::server", "off"), pair("access", "debug"), pair("default", "info")]);
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "LIVE", "Method GET not allowed, POST required.", "a: 1\nb: 2\n"] {
            assert!(read(text).unwrap_err().message().contains("not the answer of /logging"), "{text}");
        }
    }
}
