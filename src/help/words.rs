//! Texts as words that can be compared: small letters, without endings.

/// Words that say nothing about what somebody looks for.
const EMPTY: [&str; 40] = [
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do", "does", "for", "from", "has", "have", "how",
    "i", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "that", "the", "their", "them", "this", "to", "was", "we",
    "what", "why", "with",
];

/// The words of a text that say something, in their order.
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).filter(|word| !EMPTY.contains(&word.as_str())).map(|word| stem(&word)).collect()
}

/// A word without its ending: `denied`, `denies` and `deny` are one.
fn stem(word: &str) -> String {
    if word.len() <= 3 || !word.chars().all(|c| c.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let cut = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.len() >= 3);
    let base = match () {
        () if word.ends_with("ies") || word.ends_with("ied") => format!("{}y", &word[..word.len() - 3]),
        () if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") => word.to_owned(),
        () => cut("ing").or_else(|| cut("ed")).or_else(|| cut("s")).unwrap_or(word).to_owned(),
    };
    single_end(base.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(&base)).to_owned()
}

/// `stopp` of `stopped` is `stop`.
fn single_end(word: &str) -> &str {
    let bytes = word.as_bytes();
    let twice = bytes.len() > 4 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    if twice && !matches!(bytes.last(), Some(b's' | b'l' | b'e')) { &word[..word.len() - 1] } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_in_its_forms_is_one_word() {
        for forms in [
            &["refused", "refuses", "refuse", "refusing"][..],
            &["denied", "denies", "deny"],
            &["certificates", "certificate"],
            &["expired", "expires", "expire"],
            &["policies", "policy"],
            &["stopped", "stops", "stop"],
        ] {
            let stems: std::collections::HashSet<String> = forms.iter().map(|word| stem(word)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
        assert_eq!([stem("access"), stem("tls"), stem("status"), stem("x509")], ["access", "tls", "status", "x509"]);
    }

    #[test]
    fn details_of_envoy_are_words_too() {
        assert_eq!(words("rbac_access_denied_matched_policy[none]"), ["rbac", "access", "deny", "match", "policy", "non"]);
        assert_eq!(words("Why is it 503?"), ["503"]);
    }
}
