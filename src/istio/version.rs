//! Versions of Istio: what istiods and images call themselves, and how far two of them are apart.

use serde_json::Value;

/// The version in what an istiod's `/version` page says: JSON, or the text `VERSION-REVISION-STATUS`.
pub fn of_page(said: &str) -> Option<String> {
    let said = said.trim();
    if let Ok(page) = serde_json::from_str::<Value>(said) {
        let inside = ["/version", "/clientVersion/version", "/Info/version"].iter().find_map(|at| page.pointer(at));
        return inside.and_then(Value::as_str).filter(|version| !version.is_empty()).map(str::to_owned);
    }
    let mut parts: Vec<&str> = said.split('-').collect();
    // The last two are the commit and the state of the sources, as in 1.29.1-8ac5b7f3a2-Clean.
    if parts.len() > 2 && ["Clean", "Modified"].contains(parts.last()?) {
        parts.truncate(parts.len() - 2);
    }
    let version = parts.join("-");
    (!version.is_empty() && !version.contains(char::is_whitespace)).then_some(version)
}

/// Major and minor number: `(1, 29)` of `1.29.1-distroless`. Nothing of `latest`, a digest, or a build of one's own.
pub fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let digits: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, digits.parse().ok()?))
}

/// How many minor versions the first is ahead of the second; negative when it is behind. Nothing when one is not known.
pub fn ahead(version: &str, of: &str) -> Option<i64> {
    let (ours, theirs) = (minor(version)?, minor(of)?);
    (ours.0 == theirs.0).then(|| i64::from(ours.1) - i64::from(theirs.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_json_or_text() {
        for (said, version) in [
            ("1.31-lab-75893e6-Clean\n", Some("1.31-lab")),
            ("1.29.1-8ac5b7f3a2-Modified", Some("1.29.1")),
            (r#"{"version":"1.20.3","revision":"x","status":"Clean"}"#, Some("1.20.3")),
            (r#"{"revision":"x"}"#, None),
            ("<html>login here</html>", None),
            ("", None),
        ] {
            assert_eq!(of_page(said).as_deref(), version, "{said}");
        }
    }

    #[test]
    fn distance_is_counted_in_minors_where_both_are_known() {
        for (one, other, ahead_by) in [
            ("1.31.0", "1.31-lab", Some(0)),
            ("1.27.3", "1.29.1", Some(-2)),
            ("v1.30-alpha.abc", "1.29.1", Some(1)),
            ("latest", "1.29.1", None),
            ("1.29.1", "", None),
            ("2.0.0", "1.9.0", None),
        ] {
            assert_eq!(ahead(one, other), ahead_by, "{one} {other}");
        }
    }
}
