//! The statistics of a proxy: `/stats` as JSON, or as text.

use super::page::other;
use super::stat_tags::Tags;
use super::wire::{Flaws, Raw, Text, found, read};
use crate::error::Result;
use crate::json::{At, Entry, Found, Node, each};
use crate::record;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

record! {
    /// A statistic of a proxy.
    pub struct Stat as "stat" {
        /// Its name.
        pub name: Arc<str>,
        /// Its value: a number, or text; nothing for a histogram.
        pub value: Reading,
        /// `counter`, `gauge`, `histogram` or `text_readout`. Envoy does not say of a number whether it counts: nothing then,
        /// unless it was asked for one `type` only.
        pub r#type: Option<StatType>,
        /// Of a histogram, since the proxy began: `#{ P50: 3.05, "P99.5": 12.0 }`; nothing when it has no samples.
        pub quantiles: Option<Box<Map<String, Value>>>,
        /// The same of the last interval.
        [wide] pub quantiles_interval: Option<Box<Map<String, Value>>>,
        /// What stands in its name: the cluster, the listener, the labels of Istio's metrics.
        [wide] pub tags: Tags,
        /// What could not be read of it.
        [wide] pub broken: Option<Box<str>>,
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reading {
    /// A counter or a gauge.
    Number(u64),
    /// A text readout.
    Text(Box<str>),
    /// A histogram has many.
    None,
}

/// What sort of statistic it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatType {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Many samples.
    Histogram,
    /// Text.
    TextReadout,
}

impl StatType {
    /// All of them, with the words of Envoy's parameter `type`, and ours.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Counter, "Counters", "counter"),
        (Self::Gauge, "Gauges", "gauge"),
        (Self::Histogram, "Histograms", "histogram"),
        (Self::TextReadout, "TextReadouts", "text_readout"),
    ];

    /// The type that a word means, in Envoy's spelling or in ours.
    pub fn parse(word: &str) -> Option<Self> {
        let fits = |name: &str| name.eq_ignore_ascii_case(word);
        Self::ALL.into_iter().find(|(_, envoys, ours)| fits(envoys) || fits(ours)).map(|(kind, ..)| kind)
    }

    /// Envoy's word.
    pub fn envoys(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

wire! {
    struct StatWire<'de> {
        name: Text<'de>,
        value: Raw<'de>,
        histograms: Option<Histograms<'de>>,
    }
}

wire! {
    struct Histograms<'de> {
        supported_quantiles: Vec<f64>,
        computed_quantiles: Vec<Raw<'de>>,
    }
}

wire! {
    struct Computed<'de> {
        name: Text<'de>,
        values: Vec<Quantile<'de>>,
    }
}

wire! {
    struct Quantile<'de> {
        cumulative: Option<f64>,
        interval: Option<f64>,
    }
}

/// An element of the list: all numbers come one by one, all histograms together.
enum Item {
    One(Stat),
    Many(Vec<Found<Stat>>),
}

/// The statistics that `/stats` lists, in its order.
///
/// # Errors
/// The document is another page.
pub fn stats(root: &Node) -> Result<Vec<Found<Stat>>> {
    if let Some(text) = root.as_str() {
        let found: Vec<_> = text.lines().filter_map(line).map(|record| Found { record, at: At::of(root) }).collect();
        return if found.is_empty() && !text.trim().is_empty() { Err(other(root, "/stats")) } else { Ok(found) };
    }
    let list = root.get("stats").ok_or_else(|| other(root, "/stats?format=json"))?;
    let items = each(&list, |entry| found(entry, |wire: StatWire<'_>, flaws: &Flaws| item(entry, &wire, flaws)));
    let mut all = Vec::with_capacity(items.len());
    for Found { record, at } in items {
        match record {
            Item::One(record) => all.push(Found { record, at }),
            Item::Many(many) => all.extend(many),
        }
    }
    Ok(all)
}

fn item(entry: &Entry<'_>, wire: &StatWire<'_>, flaws: &Flaws) -> Item {
    let Some(histograms) = &wire.histograms else {
        let value = reading(wire.value, flaws);
        return Item::One(stat(&wire.name, value, flaws));
    };
    // Where each begins is told by where its text lies.
    let place = |raw: &Raw<'_>| entry.start + (raw.json().as_ptr() as usize - entry.rest().as_ptr() as usize);
    let one = |raw: &Raw<'_>| {
        let flaws = Flaws::default();
        let computed: Computed<'_> = raw.read(&flaws);
        let quantiles = |pick: fn(&Quantile<'_>) -> Option<f64>| {
            let values = computed.values.iter().map(pick);
            quantiles(histograms.supported_quantiles.iter().copied().zip(values))
        };
        let (all, interval) = (quantiles(|value| value.cumulative), quantiles(|value| value.interval));
        let record = Stat {
            r#type: Some(StatType::Histogram),
            quantiles: all,
            quantiles_interval: interval,
            ..stat(&computed.name, Reading::None, &flaws)
        };
        Found { record, at: At::new(place(raw)) }
    };
    let mut many: Vec<Found<Stat>> = histograms.computed_quantiles.iter().map(one).collect();
    if let Some(broken) = flaws.line() {
        let record = Stat { broken: Some(broken.into()), ..stat("histograms", Reading::None, flaws) };
        many.push(Found { record, at: At::new(entry.start) });
    }
    Item::Many(many)
}

fn stat(name: &str, value: Reading, flaws: &Flaws) -> Stat {
    let name: Arc<str> = name.into();
    let r#type = matches!(value, Reading::Text(_)).then_some(StatType::TextReadout);
    Stat {
        tags: Tags(name.clone()),
        name,
        value,
        r#type,
        quantiles: None,
        quantiles_interval: None,
        broken: flaws.line().map(Into::into),
    }
}

fn reading(raw: Raw<'_>, flaws: &Flaws) -> Reading {
    match raw.json().as_bytes() {
        [] if flaws.count() > 0 => Reading::None,
        [] => {
            flaws.add("value is missing".into());
            Reading::None
        }
        [b'"', ..] => Reading::Text(raw.read::<Text<'_>>(flaws).into()),
        text => read::<Option<u64>>(text, flaws).0.map_or(Reading::None, Reading::Number),
    }
}

/// Quantiles that have a value, under the names that Envoy's text gives them.
fn quantiles(values: impl Iterator<Item = (f64, Option<f64>)>) -> Option<Box<Map<String, Value>>> {
    let known = values.filter_map(|(quantile, value)| Some((format!("P{quantile}"), value?.into())));
    let map: Map<String, Value> = known.collect();
    (!map.is_empty()).then(|| Box::new(map))
}

/// A line of the text form: `name: 7`, `name: "text"`, `name: P0(1.0,2.0) P25(…)`, `name: No recorded values`.
fn line(line: &str) -> Option<Stat> {
    let (name, value) = line.split_once(": ")?;
    let flaws = Flaws::default();
    if let Ok(number) = value.trim().parse() {
        return Some(stat(name, Reading::Number(number), &flaws));
    }
    if let Some(text) = value.strip_prefix('"') {
        return Some(stat(name, Reading::Text(text.strip_suffix('"').unwrap_or(text).into()), &flaws));
    }
    if value != "No recorded values" && !value.starts_with("P0(") {
        return None;
    }
    let pairs: Vec<(f64, f64, f64)> = value.split(' ').filter_map(pair).collect();
    let number = |value: f64| (!value.is_nan()).then_some(value);
    Some(Stat {
        r#type: Some(StatType::Histogram),
        quantiles: quantiles(pairs.iter().map(|(quantile, _, all)| (*quantile, number(*all)))),
        quantiles_interval: quantiles(pairs.iter().map(|(quantile, interval, _)| (*quantile, number(*interval)))),
        ..stat(name, Reading::None, &flaws)
    })
}

/// `P99.5(1.0,2.0)`: of the interval, and of all time.
fn pair(text: &str) -> Option<(f64, f64, f64)> {
    let (quantile, values) = text.strip_prefix('P')?.split_once('(')?;
    let (interval, all) = values.strip_suffix(')')?.split_once(',')?;
    Some((quantile.parse().ok()?, interval.parse().ok()?, all.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(value: &Value) -> Vec<Found<Stat>> {
        let root = Node::from_value(value).unwrap();
        let found = stats(&root).unwrap();
        assert!(found.iter().all(|found| found.at.node(root.doc()).is_some()));
        found
    }

    const HISTOGRAMS: &str = r#"{"stats":[{"name":"a","value":18446744073709551615},{"name":"v","value":"1/2"},
        {"histograms":{"supported_quantiles":[0,50,99.5],"computed_quantiles":[
            {"name":"h","values":[{"interval":null,"cumulative":1},{"interval":2.5,"cumulative":3.05},{"cumulative":9}]},
            {"name":"none","values":[{"interval":null,"cumulative":null}]}]}}]}"#;

    #[test]
    fn numbers_texts_and_histograms_are_rows() {
        let value: Value = serde_json::from_str(HISTOGRAMS).unwrap();
        let found = rows(&value);
        let told: Vec<_> =
            found.iter().map(|found| (&*found.record.name, found.record.value.clone(), found.record.r#type)).collect();
        assert_eq!(told[0], ("a", Reading::Number(u64::MAX), None));
        assert_eq!(told[1], ("v", Reading::Text("1/2".into()), Some(StatType::TextReadout)));
        assert_eq!(told[2], ("h", Reading::None, Some(StatType::Histogram)));
        let quantiles = found[2].record.quantiles.as_deref().unwrap();
        assert_eq!(Value::from(quantiles.clone()), json!({"P0": 1.0, "P50": 3.05, "P99.5": 9.0}));
        assert_eq!(found[2].record.quantiles_interval.as_deref().unwrap().len(), 1);
        assert_eq!((found[3].record.quantiles.as_ref(), found.len()), (None, 4));
        let root = Node::from_value(&value).unwrap();
        assert_eq!(found[3].at.node(root.doc()).unwrap().get("name").unwrap().as_str().unwrap(), "none");
    }

    #[test]
    fn the_text_form_says_the_same() {
        let text = "a: 7\nv: \"x: y\"\nh: P0(nan,1) P50(2.5,3.05) P99.5(nan,9)\nnone: No recorded values\n";
        let found = rows(&text.into());
        assert_eq!((&found[0].record.value, &found[1].record.value), (&Reading::Number(7), &Reading::Text("x: y".into())));
        assert_eq!(Value::from(*found[2].record.quantiles.clone().unwrap()), json!({"P0": 1.0, "P50": 3.05, "P99.5": 9.0}));
        assert_eq!((found[3].record.r#type, found[3].record.quantiles.as_ref()), (Some(StatType::Histogram), None));
        assert!(rows(&"".into()).is_empty());
    }

    #[test]
    fn what_is_of_the_wrong_type_marks_the_row() {
        let found = rows(
            &json!({"stats": [{"name": 7, "value": 1}, {"name": "x"}, {"name": "y", "value": {}}, 3, {"histograms": {"computed_quantiles": [1]}}]}),
        );
        let broken: Vec<_> = found.iter().map(|found| found.record.broken.as_deref().unwrap_or("-")).collect();
        assert_eq!(broken[..4], ["name is not text", "value is missing", "value is not a whole number", " is not an object"]);
        assert!(broken[4].contains("is not an object"), "{broken:?}");
    }

    #[test]
    fn other_pages_are_told() {
        for (value, says) in
            [(json!({"configs": []}), "a config dump"), ("LIVE\nx\n".into(), "it is text"), (json!([1]), "an array")]
        {
            let error = stats(&Node::from_value(&value).unwrap()).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn types_have_two_names() {
        for word in ["Counters", "counter", "COUNTERS"] {
            assert_eq!(StatType::parse(word), Some(StatType::Counter));
        }
        assert_eq!((StatType::parse("count"), StatType::TextReadout.envoys()), (None, "TextReadouts"));
    }

    #[test]
    fn rows_stay_small() {
        assert!(size_of::<Found<Stat>>() <= 160, "{}", size_of::<Found<Stat>>());
    }
}
