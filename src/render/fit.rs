//! Fitting text: its width on a screen, cutting it in the middle, wrapping it at words, taming control characters.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns a text takes on a screen.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cut a text in the middle, so that both ends, where names differ, stay readable.
pub fn middle(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let room = limit.saturating_sub(1);
    let tail_room = room / 2;
    let head = take(text.chars(), room - tail_room);
    let tail: String = take(text.chars().rev(), tail_room).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

/// As many characters as fit into so many columns.
pub fn take(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

/// Show control characters instead of obeying them: what a cluster says must not drive the operator's terminal.
pub fn tame(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_wild) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\u{1b}' => tamed.push('␛'),
            _ if is_wild(c) => tamed.extend(c.escape_unicode()),
            _ => tamed.push(c),
        }
    }
    Cow::Owned(tamed)
}

/// Controls, and the marks that turn the direction of writing and so can disguise text.
fn is_wild(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line for a table's cell.
pub fn line(text: &str) -> Cow<'_, str> {
    let tamed = tame(text);
    if tamed.contains(['\n', '\t']) {
        return Cow::Owned(tamed.trim_end().replace("\r\n", "↵").replace('\n', "↵").replace('\t', " "));
    }
    tamed
}

/// Wrap prose at words. Words that are longer than the line stay whole: they may be there to be copied.
pub fn wrap(text: &str, limit: Option<usize>) -> Vec<String> {
    let Some(limit) = limit else { return text.lines().map(str::to_owned).collect() };
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut current = String::new();
        for word in paragraph.split(' ') {
            if !current.is_empty() && width(&current) + 1 + width(word) > limit {
                lines.push(std::mem::take(&mut current));
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ends_of_a_long_name_stay() {
        assert_eq!(middle("outbound|9080|v1|reviews.shop.svc.cluster.local", 21), "outbound|9…ster.local");
        assert_eq!(middle("short", 5), "short");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(middle("網格網格網格", 7), "網…格");
        assert_eq!(width("網格"), 4);
    }

    #[test]
    fn a_log_line_cannot_drive_the_terminal() {
        assert_eq!(tame("a\u{1b}[2Jb\r\u{202e}"), "a␛[2Jb\\u{d}\\u{202e}");
        assert!(matches!(tame("a\nb\tc"), Cow::Borrowed(_)));
        assert_eq!(line("a\n\tb\n"), "a↵ b");
    }

    #[test]
    fn prose_wraps_at_words_and_keeps_long_ones_whole() {
        assert_eq!(wrap("istiod never got the keys", Some(12)), ["istiod never", "got the keys"]);
        assert_eq!(wrap("see https://a.very.long/url now", Some(10)), ["see", "https://a.very.long/url", "now"]);
        assert_eq!(wrap("a b\n\nc", None), ["a b", "", "c"]);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "\\PC{0,40}", limit in 1usize..30) {
            prop_assert!(width(&middle(&text, limit)) <= limit.max(width(&text).min(limit)));
        }

        #[test]
        fn wrapping_loses_no_word(text in "[a-zé網 ]{0,60}", limit in 1usize..30) {
            let joined = wrap(&text, Some(limit)).join(" ");
            prop_assert_eq!(joined.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
