//! What was typed, kept in a file that only its owner can read; nothing that looks like a token goes into it.

use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// The most inputs that are kept.
pub const MOST: usize = 5_000;

/// Whether an input may be kept. A leading space keeps it out, as in shells.
pub fn keeps(input: &str) -> bool {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"eyJ[A-Za-z0-9_-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|(?i)bearer\s+\S{8,}").expect("a constant pattern")
    });
    !input.trim().is_empty() && !input.starts_with(' ') && !TOKEN.is_match(input)
}

/// Make the folder of the file, for its owner only.
pub fn prepare(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match file.parent() {
        Some(folder) => std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keys_and_what_begins_with_a_space_are_not_kept() {
        let token = "decode_jwt(\"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\")";
        for input in
            [token, " pods()", "", "  ", "parse_pem(`-----BEGIN RSA PRIVATE KEY-----`)", "let h = \"Bearer abcdefgh123\""]
        {
            assert!(!keeps(input), "{input}");
        }
        for input in ["pods()", "let eyJ = 1", "// bearer of news"] {
            assert!(keeps(input), "{input}");
        }
    }
}
