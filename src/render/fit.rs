//! Fitting text: its width on a screen, cutting it where it hurts least, wrapping it at words.

use crate::cell::is_plain;
pub use crate::cell::{line, tame};
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// With less room than this, the middle of a name is left out whole.
const SOME: usize = 6;

/// The columns a text takes on a screen.
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
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

/// The beginning of a text: of prose that says most.
pub fn head(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    Cow::Owned(take(text.chars(), limit.saturating_sub(1)) + "…")
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

/// Cut a name so that what an operator needs stays: of a mesh's host names that is the first label, and the port and subset
/// around it; the cluster's domain goes first, then the namespace, then the direction. Other text is cut in the middle.
pub fn name(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    shorter_host(text, limit).map_or_else(|| middle(text, limit), Cow::Owned)
}

fn shorter_host(text: &str, limit: usize) -> Option<String> {
    let domain = text.find(".svc.")?;
    let host = text[..domain].rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.')).map_or(0, |at| at + 1);
    // The first label starts behind any other sign, which is one byte in all names that Envoy and istiod make.
    let label = host + text.get(host..domain)?.find('.')?;
    let tail =
        text[domain..].find(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.')).map_or("", |at| &text[domain + at..]);
    let (head, namespace) = (&text[..label], &text[label..domain]);
    let fixed = width(head) + 1 + width(tail);
    if fixed <= limit {
        // A namespace of which next to nothing is left says nothing.
        let room = limit - fixed;
        let namespace = if room < SOME { "".into() } else { middle(namespace, room) };
        return Some(format!("{head}{namespace}…{tail}"));
    }
    // `outbound|9080|v1|reviews…` without its direction.
    let (direction, rest) = head.split_once('|')?;
    (fixed - width(direction) < limit).then(|| format!("…|{rest}…{tail}"))
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
    fn of_a_host_the_service_stays_with_its_port_and_subset() {
        let cut = |limit| name("outbound|9080|v1|reviews.bookinfo-production.svc.cluster.local", limit).into_owned();
        assert_eq!(cut(45), "outbound|9080|v1|reviews.bookinfo-production…");
        assert_eq!(cut(35), "outbound|9080|v1|reviews.book…tion…");
        assert_eq!(cut(27), "outbound|9080|v1|reviews…");
        assert_eq!(cut(18), "…|9080|v1|reviews…");
        assert_eq!(cut(11).chars().count(), 11);
        assert_eq!(name("reviews.shop.svc.cluster.local:9080", 16), "reviews…:9080");
        assert_eq!(name("kubernetes://web-7.a-namespace.svc.mesh.example/x", 29), "kubernetes://web-7.a-n…ace…/x");
        assert_eq!(name("spiffe://cluster.local/ns/shop/sa/web", 20), "spiffe://c…op/sa/web");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(middle("網格網格網格", 7), "網…格");
        assert_eq!(head("網格網格網格", 8), "網格網…");
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
            prop_assert!(width(&head(&text, limit)) <= limit);
            let host = format!("{text}|80|{text}.{text}.svc.cluster.local{text}");
            prop_assert!(width(&name(&host, limit)) <= limit, "{:?}", name(&host, limit));
        }

        #[test]
        fn wrapping_loses_no_word(text in "[a-zé網 ]{0,60}", limit in 1usize..30) {
            let joined = wrap(&text, Some(limit)).join(" ");
            prop_assert_eq!(joined.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
