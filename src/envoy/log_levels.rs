//! The loggers of a proxy, and from which level on each writes.

use super::page::other;
use crate::error::Result;
use crate::json::{At, Found, Node};
use crate::log_level::Levels;
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

/// The loggers that `POST /logging` lists, in its order. ztunnel has a filter in place of loggers: a level for all, and one for
/// each module (`scope=level`; with a colon, as istioctl's help writes it, ztunnel refuses).
///
/// # Errors
/// The text is another page.
pub fn log_levels(root: &Node) -> Result<Vec<Found<LogLevel>>> {
    let text = root.as_str().ok_or_else(|| other(root, "/logging"))?;
    let levels = Levels::read(&text).ok_or_else(|| other(root, "/logging"))?.levels.into_iter();
    Ok(levels.map(|(logger, level)| Found { record: LogLevel { logger, level }, at: At::of(root) }).collect())
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
