//! Which offers fit what was typed, the best first.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::borrow::Cow;

/// Something that may stand at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// What is shown, and what typed letters are compared with.
    pub name: Cow<'static, str>,
    /// What is written when it is the only one: the name, and what goes with it.
    pub insert: String,
    /// A few words on it.
    pub about: Cow<'static, str>,
}

impl Offer {
    /// What is written as it is shown.
    pub fn plain(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self { insert: name.clone().into_owned(), name, about: about.into() }
    }
}

/// How a name fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It begins so.
    Begins,
    /// It begins so, but for capital letters.
    BeginsInAnyCase,
    /// A word in it begins so.
    Word,
    /// It contains that.
    Within,
    /// Its letters come in this order.
    Scattered,
}

/// The offers that fit, the best first, and how many of them begin with what was typed.
///
/// Letters that only come in order fit where nothing better does. Equal ones stay in their order.
pub fn fitting(offers: Vec<Offer>, typed: &str) -> (Vec<Offer>, usize) {
    if typed.is_empty() {
        let all = offers.len();
        return (offers, all);
    }
    let lower = typed.to_lowercase();
    let mut fits: Vec<(Fit, u32, Offer)> = Vec::new();
    let mut rest = Vec::new();
    for offer in offers {
        match fit(&offer.name, typed, &lower) {
            Some(fit) => fits.push((fit, 0, offer)),
            None => rest.push(offer),
        }
    }
    let good = fits.iter().any(|(fit, ..)| *fit <= Fit::Word);
    if good {
        fits.retain(|(fit, ..)| *fit <= Fit::Word);
    } else if fits.is_empty() {
        fits = scattered(rest, typed);
    }
    // A stable sort: what fits alike stays in its order; of scattered letters the closest come first.
    fits.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let begin = fits.iter().filter(|(fit, ..)| *fit <= Fit::BeginsInAnyCase).count();
    (fits.into_iter().map(|(_, _, offer)| offer).collect(), begin)
}

fn fit(name: &str, typed: &str, lower: &str) -> Option<Fit> {
    if name.starts_with(typed) {
        return Some(Fit::Begins);
    }
    let name: Cow<str> = if name.chars().any(char::is_uppercase) { name.to_lowercase().into() } else { name.into() };
    if name.starts_with(lower) {
        return Some(Fit::BeginsInAnyCase);
    }
    let mut found = None;
    for (at, _) in name.match_indices(lower) {
        let before = name[..at].chars().next_back();
        if before.is_none_or(|before| !before.is_alphanumeric()) {
            return Some(Fit::Word);
        }
        found = Some(Fit::Within);
    }
    found
}

fn scattered(offers: Vec<Offer>, typed: &str) -> Vec<(Fit, u32, Offer)> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut letters = Vec::new();
    let scored = offers.into_iter().filter_map(|offer| {
        let score = pattern.score(Utf32Str::new(&offer.name, &mut letters), &mut matcher)?;
        Some((Fit::Scattered, score, offer))
    });
    scored.collect()
}

/// What all these begin with.
pub fn common_prefix<'a>(mut texts: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(mut common) = texts.next() else { return "" };
    for text in texts {
        let same = common.char_indices().zip(text.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        common = &common[..same.unwrap_or_else(|| common.len().min(text.len()))];
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&'static str], typed: &str) -> (Vec<String>, usize) {
        let (found, begin) = fitting(all.iter().map(|name| Offer::plain(*name, "")).collect(), typed);
        (found.into_iter().map(|offer| offer.name.into_owned()).collect(), begin)
    }

    #[test]
    fn what_begins_so_comes_before_words_and_those_before_anything_else() {
        let all = ["access_log", "logs", "Log", "log_levels", "catalogs", "long"];
        assert_eq!(names(&all, "log"), (vec!["logs".into(), "log_levels".into(), "Log".into(), "access_log".into()], 3));
        assert_eq!(names(&all, "atal"), (vec!["catalogs".into()], 0));
        assert_eq!(names(&all, "acl"), (vec!["access_log".into()], 0));
        assert_eq!(names(&all, "zz"), (vec![], 0));
        assert_eq!(names(&all, "").1, 6);
        assert_eq!(names(&["shop/web-0", "olaf/web-1"], "WEB"), (vec!["shop/web-0".into(), "olaf/web-1".into()], 0));
        assert_eq!(names(&["é", "\u{130}x"], "É").0, ["é"]);
    }

    #[test]
    fn common_prefixes_end_between_characters() {
        assert_eq!(common_prefix(["fée", "fête"].into_iter()), "f");
        assert_eq!(common_prefix(["ab", "abc"].into_iter()), "ab");
        assert_eq!(common_prefix(std::iter::empty()), "");
    }
}
