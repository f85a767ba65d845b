//! Did you mean: the nearest of the known names.

/// The known name nearest to what was typed, when it is near enough to be a slip of the hand.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closest(typed, known, 1).into_iter().next()
}

/// The known names nearest to what was typed, best first, at most `most`.
pub fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let mut scored: Vec<(f64, &str)> =
        known.into_iter().map(|name| (likeness(&typed, &name.to_lowercase()), name)).filter(|(score, _)| *score >= 0.7).collect();
    // A wrong letter is a likelier slip than one too many: `podz` is `pods` before it is `pod`.
    let wrong_letter = |name: &str| name.len() == typed.len() && strsim::levenshtein(name, &typed) == 1;
    scored.iter_mut().filter(|(_, name)| wrong_letter(name)).for_each(|(score, _)| *score += 0.06);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(most).map(|(_, name)| name).collect()
}

/// The known name that differs from what was typed by a letter or two.
pub fn slip<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = if typed.len() < 6 { 1 } else { 2 };
    let far = |name: &str| strsim::damerau_levenshtein(typed, name);
    known.into_iter().map(|name| (far(name), name)).filter(|(far, _)| (1..=most).contains(far)).min().map(|(_, name)| name)
}

/// 1 for equal, 0 for nothing in common. A name that contains what was typed counts as near: people type the half they remember.
fn likeness(typed: &str, name: &str) -> f64 {
    let contained = typed.len() >= 3 && name.contains(typed);
    let score = strsim::normalized_damerau_levenshtein(typed, name).max(strsim::jaro_winkler(typed, name) - 0.08);
    if contained { score.max(0.8) } else { score }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["endpoints", "clusters", "config_dump", "customer-686cf5bf47-mtgsn"];
        assert_eq!(nearest("endpionts", known), Some("endpoints"));
        assert_eq!(nearest("Cluster", known), Some("clusters"));
        assert_eq!(nearest("customer", known), Some("customer-686cf5bf47-mtgsn"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("podz", ["pod", "pods"]), Some("pods"));
        assert_eq!(
            [slip("set_logg", ["set_log"]), slip("log", ["logs"]), slip("UH", ["ok"])],
            [Some("set_log"), Some("logs"), None]
        );
    }
}
