//! The bytes of JSON: finding ends of strings, values and containers, eight bytes at a time.
//!
//! Everything here but [`string_end`] reads text that is known to be valid.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Eight bytes as one number, so that the first byte is the lowest.
fn word(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// A word of eight times this byte.
const fn all(byte: u8) -> u64 {
    LOW * byte as u64
}

/// The high bit of each byte that is zero. Bits above the first one may be wrong; the first never is.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

/// How many bytes lie before the first marked one.
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// The first position at or after `at` that is not white space.
#[inline]
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b' ') => {
                at += 1;
                while let Some(word) = word(text, at) {
                    let other = word ^ all(b' ');
                    if other != 0 {
                        at += first(other);
                        break;
                    }
                    at += 8;
                }
                while text.get(at) == Some(&b' ') {
                    at += 1;
                }
            }
            Some(b'\n' | b'\r' | b'\t') => at += 1,
            _ => return at,
        }
    }
}

/// The next position in a string, at or after `at`, of a quote, a backslash or a control character.
#[inline]
pub(super) fn string_stop(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(text, at) {
        let control = word.wrapping_sub(all(0x20)) & !word & HIGH;
        let marks = zeros(word ^ all(b'"')) | zeros(word ^ all(b'\\')) | control;
        if marks != 0 {
            return at + first(marks);
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
        at += 1;
    }
    at
}

/// The position after the closing quote of the string that opens at `at`; the end of the text when it never closes.
#[inline]
pub(super) fn string_end(text: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = string_stop(text, at);
        match text.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

/// The position after the value that starts at `at`.
pub(super) fn value_end(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b'{' | b'[') => container_end(text, at),
        _ => scalar_end(text, at),
    }
}

/// The position after the number or word that starts at `at`.
pub(super) fn scalar_end(text: &[u8], at: usize) -> usize {
    let stop = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    text.iter().skip(at).position(stop).map_or(text.len(), |length| at + length)
}

/// The position after the container that opens at `at`.
fn container_end(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    loop {
        at = bracket_or_quote(text, at);
        match text.get(at) {
            Some(b'"') => at = string_end(text, at),
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(_) => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            None => return text.len(),
        }
    }
}

/// The next bracket, brace or quote outside of strings. With bit 0x20 set, `[` and `{` are one byte, and so are `]` and `}`.
#[inline]
fn bracket_or_quote(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(text, at) {
        let word = word | all(0x20);
        let marks = zeros(word ^ all(b'{')) | zeros(word ^ all(b'}')) | zeros(word ^ all(b'"'));
        if marks != 0 {
            return at + first(marks);
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| !matches!(byte | 0x20, b'{' | b'}' | b'"')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_at_every_alignment() {
        for pad in 0..20 {
            let text = format!("{}{{\"a]\\\"\": [1, \"}}\", {{}}], \"b\":{}2}} ,", " ".repeat(pad), " ".repeat(pad));
            assert_eq!(skip_space(text.as_bytes(), 0), pad);
            assert_eq!(value_end(text.as_bytes(), pad), text.len() - 2, "{text}");
        }
    }

    #[test]
    fn strings_stop_at_quotes_escapes_and_controls_only() {
        for (text, stop) in [("abcdefghi\"", 9), ("é€😀 abc\\n", 13), ("ab\u{1}", 2), ("abcdefgh\u{7f}\u{80}x", 12), ("", 0)]
        {
            assert_eq!(string_stop(text.as_bytes(), 0), stop, "{text:?}");
        }
    }

    #[test]
    fn text_that_ends_early_gives_its_end_and_no_panic() {
        for text in ["\"ab", "\"ab\\", "{\"a\": [", "[[", "12", "{\"a\\\""] {
            assert_eq!(value_end(text.as_bytes(), 0), text.len(), "{text}");
        }
    }
}
