//! The statistics of a proxy.

use super::subject::{Page, Where, is_document, rows_of};
use crate::envoy::{self, Reading, Stat, StatType};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, options};
use crate::json::Found;
use crate::mesh::kube::encode;
use crate::suggest::nearest;
use regex::Regex;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

crate::options! {
    /// Which statistics to list. A proxy leaves out the rest at the source.
    pub struct StatOptions as "stat options" {
        /// Only those in whose name this regular expression (of the proxy) finds something: `"rbac|jwt_authn"`.
        pub filter: Option<String>,
        /// Only those that were ever written since the proxy began; of a saved page, those that are not 0.
        pub usedonly: bool,
        /// Only `Counters`, `Gauges`, `Histograms` or `TextReadouts`. Then numbers know their type, too.
        pub r#type: Option<String>,
        /// Only those whose fields have these values: `#{ value: 0 }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// One proxy, an array of them at once, or a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The statistics of a proxy. Returns `stat` rows.
    ///
    /// Of an array of pods, rows gain `namespace` and `pod`. A saved `/stats` is read as well, as JSON or as text.
    ///
    /// Symptoms: `upstream_rq_pending_overflow`; how many retries, resets, ejections (`ejections_active`); `update_rejected`.
    ///
    /// ```rhai
    /// stats("deploy/customer.olaf-customer").some(|stat| stat.name == "server.live" && stat.value == 1)    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn stats(context: NativeCallContext, proxy: Dynamic) -> Fallible<Array> {
        stats_with(context, proxy, Map::new())
    }

    /// Those statistics of a proxy that fit. Returns `stat` rows; takes `stat options`.
    ///
    /// ```rhai
    /// stats("deploy/customer.olaf-customer", #{ filter: "cds[.]version_text" }).len()    // 1
    /// ```
    #[rhai_fn(name = "stats", return_raw)]
    pub fn stats_with(context: NativeCallContext, proxy: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: StatOptions = options(&call, more)?;
        let fields = Where::of::<Stat>(&call, &more.r#where)?;
        let wanted = call.check(Wanted::of(&more, is_document(&proxy)))?;
        rows_of(&call, &proxy, Page::Query(wanted.path(&more)), move |node| {
            let mut found = envoy::stats(node)?;
            wanted.choose(&mut found);
            found.retain(|found| fields.fits(&found.record));
            Ok(found)
        })
    }
}

/// What is left to choose when the answer is there.
#[derive(Clone)]
struct Wanted {
    /// A document cannot be asked for less.
    saved: bool,
    filter: Option<Regex>,
    usedonly: bool,
    kind: Option<StatType>,
}

impl Wanted {
    fn of(more: &StatOptions, saved: bool) -> Result<Self> {
        let kind = more.r#type.as_deref().map(|word| StatType::parse(word).ok_or_else(|| unknown(word))).transpose()?;
        if saved && matches!(kind, Some(StatType::Counter | StatType::Gauge)) {
            let error = Error::new(Kind::BadInput, "a saved page of statistics does not tell counters from gauges");
            return Err(error.hint("ask the proxy itself, or save `/stats?format=json&type=Counters`"));
        }
        // What the proxy is to judge is its own affair, down to which expressions are legal.
        let filter = more.filter.as_deref().filter(|_| saved).map(|filter| {
            let wrong = |error| {
                Error::new(Kind::BadInput, format!("option \"filter\": {filter:?} is no regular expression")).caused_by(&error)
            };
            Regex::new(filter).map_err(|error| wrong(error).hint("write `[.]` for a dot and `[|]` for a bar"))
        });
        Ok(Self { saved, filter: filter.transpose()?, usedonly: saved && more.usedonly, kind })
    }

    fn path(&self, more: &StatOptions) -> String {
        let mut path = String::from("/stats?format=json");
        if let Some(filter) = &more.filter {
            path = format!("{path}&filter={}", encode(filter));
        }
        if let Some(kind) = self.kind {
            path = format!("{path}&type={}", kind.envoys());
        }
        if more.usedonly { path + "&usedonly" } else { path }
    }

    fn choose(&self, found: &mut Vec<Found<Stat>>) {
        if self.saved {
            found.retain(|found| {
                let stat = &found.record;
                let used = match stat.value {
                    Reading::Number(number) => number > 0,
                    Reading::Text(_) => true,
                    Reading::None => stat.quantiles.is_some(),
                };
                (used || !self.usedonly) && self.filter.as_ref().is_none_or(|filter| filter.is_match(&stat.name))
            });
        }
        let Some(kind) = self.kind else { return };
        // Old proxies do not know the parameter, and give everything: which numbers count is not known then.
        let heeded = found.iter().all(|found| found.record.r#type.is_none());
        let number = matches!(kind, StatType::Counter | StatType::Gauge);
        found.retain(|found| if number { found.record.r#type.is_none() } else { found.record.r#type == Some(kind) });
        if number && heeded {
            found.iter_mut().for_each(|found| found.record.r#type = Some(kind));
        }
    }
}

fn unknown(word: &str) -> Error {
    let error = Error::new(Kind::BadInput, format!("option \"type\": there are no statistics of type {word:?}"));
    let names = StatType::ALL.map(|(_, envoys, _)| envoys);
    match nearest(word, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint(format!("the types are: {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    fn options() -> StatOptions {
        StatOptions::default()
    }

    #[test]
    fn the_proxy_is_asked_for_no_more_than_is_wanted() {
        let path = |more: StatOptions| Wanted::of(&more, false).unwrap().path(&more);
        assert_eq!(path(options()), "/stats?format=json");
        let all = StatOptions { filter: Some("a|b&c d".into()), usedonly: true, r#type: Some("gauge".into()), ..options() };
        assert_eq!(path(all), "/stats?format=json&filter=a%7Cb%26c%20d&type=Gauges&usedonly");
    }

    #[test]
    fn a_proxys_filter_is_not_judged_here_but_that_of_a_document_is() {
        let more = StatOptions { filter: Some("(".into()), ..options() };
        assert!(Wanted::of(&more, false).is_ok());
        assert!(Wanted::of(&more, true).err().unwrap().message().contains("is no regular expression"));
        let kind = |word: &str, saved| Wanted::of(&StatOptions { r#type: Some(word.into()), ..options() }, saved).err().unwrap();
        assert_eq!(kind("Gauge_s", false).next_step(), Some("did you mean \"Gauges\"?"));
        assert!(kind("Counters", true).message().contains("does not tell counters from gauges"));
    }

    fn choose(more: &StatOptions, saved: bool, text: &str) -> Vec<(String, Option<StatType>)> {
        let mut found = envoy::stats(&Node::from_value(&text.into()).unwrap()).unwrap();
        Wanted::of(more, saved).unwrap().choose(&mut found);
        found.into_iter().map(|found| (found.record.name.to_string(), found.record.r#type)).collect()
    }

    #[test]
    fn numbers_have_the_type_that_was_asked_for_if_the_proxy_heeded_it() {
        let more = StatOptions { r#type: Some("Counters".into()), ..options() };
        assert_eq!(
            choose(&more, false, "a: 1\nb: 2\n"),
            [("a".to_owned(), Some(StatType::Counter)), ("b".into(), Some(StatType::Counter))]
        );
        assert_eq!(choose(&more, false, "a: 1\nv: \"x\"\n"), [("a".to_owned(), None)]);
    }

    #[test]
    fn of_a_saved_page_the_rest_is_left_out_here() {
        let text = "a.x: 1\na.y: 0\nb: 3\nh: P0(nan,1)\nn: No recorded values\n";
        let names = |more: StatOptions| choose(&more, true, text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(StatOptions { filter: Some("^a".into()), ..options() }), ["a.x", "a.y"]);
        assert_eq!(names(StatOptions { usedonly: true, ..options() }), ["a.x", "b", "h"]);
        assert_eq!(names(StatOptions { r#type: Some("histogram".into()), ..options() }), ["h", "n"]);
    }
}
