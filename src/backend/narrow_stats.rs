//! Answer a question for some of a proxy's statistics from all of them.

use super::narrow::decoded;
use regex::Regex;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Which statistics were, or are to be, asked for, as JSON.
#[derive(Debug)]
pub struct Wanted {
    filter: Option<Regex>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    stats: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    name: Option<String>,
    #[serde(borrow)]
    histograms: Option<Histograms<'a>>,
}

#[derive(Deserialize)]
struct Histograms<'a> {
    #[serde(borrow)]
    supported_quantiles: &'a RawValue,
    #[serde(borrow)]
    computed_quantiles: Vec<&'a RawValue>,
}

impl Wanted {
    /// Read a page's path; none when it is another page, another form, or asks for a choice that only Envoy can make:
    /// which statistics were used, and which are counters.
    pub fn parse(path: &str) -> Option<Self> {
        let (page, query) = path.split_once('?')?;
        let (mut json, mut filter) = (false, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=')? {
                ("format", "json") => json = true,
                ("filter", regex) => filter = Some(Regex::new(&decoded(regex)?).ok()?),
                _ => return None,
            }
        }
        (page == "/stats" && json).then_some(Self { filter })
    }

    /// Whether it asks for all there are.
    pub fn is_all(&self) -> bool {
        self.filter.is_none()
    }

    /// Cut the answer out of the whole. None when the whole is not what it should be.
    pub fn cut(&self, whole: &[u8]) -> Option<Vec<u8>> {
        let page: Page<'_> = serde_json::from_slice(whole).ok()?;
        let fits = |name: &str| self.filter.as_ref().is_none_or(|filter| filter.is_match(name));
        let mut kept = Vec::new();
        for raw in page.stats {
            let entry: Entry<'_> = serde_json::from_str(raw.get()).ok()?;
            let Some(histograms) = entry.histograms else {
                kept.extend(fits(&entry.name?).then(|| raw.get().to_owned()));
                continue;
            };
            let named = |raw: &&RawValue| {
                let entry = serde_json::from_str::<Entry<'_>>(raw.get()).ok();
                entry.and_then(|entry| entry.name).is_some_and(|name| fits(&name))
            };
            let computed: Vec<&RawValue> = histograms.computed_quantiles.into_iter().filter(named).collect();
            if !computed.is_empty() {
                let all = json!({"supported_quantiles": histograms.supported_quantiles, "computed_quantiles": computed});
                kept.push(json!({ "histograms": all }).to_string());
            }
        }
        Some(format!("{{\"stats\":[{}]}}", kept.join(",")).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"stats": [{"name": "a.rbac", "value": 1}, {"name": "b", "value": "x"},
        {"histograms": {"supported_quantiles": [0, 100], "computed_quantiles": [{"name": "h.rbac", "values": []}, {"name": "i", "values": []}]}}]}"#;

    fn cut(path: &str) -> String {
        String::from_utf8(Wanted::parse(path).expect("statistics").cut(WHOLE.as_bytes()).expect("all")).expect("text")
    }

    #[test]
    fn those_whose_name_fits_are_kept() {
        let histograms = r#"{"histograms":{"supported_quantiles":[0,100],"computed_quantiles":[{"name":"h.rbac","values":[]}]}}"#;
        assert_eq!(
            cut("/stats?format=json&filter=rbac%7Cjwt"),
            format!(r#"{{"stats":[{{"name": "a.rbac", "value": 1}},{histograms}]}}"#)
        );
        assert_eq!(cut("/stats?filter=%5Eb&format=json"), r#"{"stats":[{"name": "b", "value": "x"}]}"#);
        assert_eq!(cut("/stats?format=json&filter=nothing"), r#"{"stats":[]}"#);
    }

    #[test]
    fn other_choices_are_envoys() {
        for path in [
            "/stats",
            "/stats?filter=a",
            "/stats?format=json&usedonly",
            "/stats?format=json&type=Gauges",
            "/stats?format=json&filter=(",
            "/clusters?format=json",
        ] {
            assert!(Wanted::parse(path).is_none(), "{path}");
        }
        assert!(Wanted::parse("/stats?format=json").is_some_and(|wanted| wanted.is_all()));
    }

    #[test]
    fn what_is_no_page_of_statistics_is_left_alone() {
        let wanted = Wanted::parse("/stats?format=json&filter=a").expect("statistics");
        for whole in ["", "LIVE", "[]", r#"{"stats": {}}"#, r#"{"stats": [1]}"#] {
            assert_eq!(wanted.cut(whole.as_bytes()), None, "{whole}");
        }
    }
}
