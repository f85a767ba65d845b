//! The HTTP filters of a proxy, in the order requests meet them.

use super::jwt_authn::{Provider, providers};
use super::listeners::{Listener, listeners};
use super::raw::{Object, Place};
use crate::error::Result;
use crate::record;
use serde_json::Value;

record! {
    /// An HTTP filter of a proxy: one step that every request of a filter chain goes through.
    pub struct Filter as "filter" {
        /// The listener: `virtualInbound` takes what comes to a sidecar, `0.0.0.0_8443` what comes to a gateway.
        pub listener: String,
        /// The filter chain of the listener, by name, or by number (from 0) when it has none.
        pub chain: String,
        /// The filter's name: `envoy.filters.http.jwt_authn`.
        pub name: String,
        /// The type of its configuration, without its package: `JwtAuthentication`.
        pub kind: Option<String>,
        /// What Envoy does with the listener: `static`, `active`, `warming` or `draining`.
        pub state: String,
        /// Whether the filter is switched off unless a route switches it on.
        [wide] pub disabled: bool,
        /// Where it stands in the dump, as JSON path.
        [wide] pub path: String,
        /// The token issuers that a JWT filter knows, with their keys; nothing for other filters.
        [wide] pub jwt: Option<Vec<Provider>>,
        /// Its configuration, as it stands in the dump.
        [wide] pub config: Value,
    }
}

/// The HTTP filters of all listeners of a config dump.
///
/// # Errors
/// When the dump is empty, cut off, or no dump at all. What is merely unknown in it is skipped.
pub fn filters(dump: &[u8]) -> Result<Vec<Filter>> {
    Ok(listeners(dump)?.iter().flat_map(of_listener).collect())
}

fn of_listener(listener: &Listener<'_>) -> Vec<Filter> {
    let default = listener.body.get("default_filter_chain").map(|chain| ("default".to_string(), chain));
    let chains = listener.body.items("filter_chains").into_iter().enumerate().map(|(index, chain)| (index.to_string(), chain));
    let mut found = Vec::new();
    for (number, place) in chains.chain(default) {
        let Some(chain) = place.object() else { continue };
        let name = chain.text("name").unwrap_or(number);
        for network in chain.items("filters").iter().filter_map(Place::object) {
            let Some(manager) = config(&network).and_then(|place| place.object()) else { continue };
            found.extend(manager.items("http_filters").iter().filter_map(|place| of_chain(listener, &name, place)));
        }
    }
    found
}

fn of_chain(listener: &Listener<'_>, chain: &str, place: &Place<'_>) -> Option<Filter> {
    let filter = place.object()?;
    let name = filter.text("name")?;
    let config = config(&filter);
    let kind = kind(&filter);
    let jwt =
        matches!(name.as_str(), "envoy.filters.http.jwt_authn" | "jwt-auth") || kind.as_deref() == Some("JwtAuthentication");
    Some(Filter {
        listener: listener.name.clone(),
        chain: chain.to_string(),
        state: listener.state.into(),
        disabled: filter.flag("disabled"),
        path: place.path().to_string(),
        jwt: jwt.then(|| config.as_ref().and_then(Place::object).map(|config| providers(&config)).unwrap_or_default()),
        config: config.map_or(Value::Null, |config| config.value()),
        name,
        kind,
    })
}

/// The configuration of a filter: typed, untyped as until 2020, or typed by a wrapper that says what it stands for.
fn config<'a>(filter: &Object<'a>) -> Option<Place<'a>> {
    let place = filter.get("typed_config").or_else(|| filter.get("config"))?;
    let wrapped = place.object().filter(|object| is_wrapper(object)).and_then(|object| object.get("value"));
    Some(wrapped.unwrap_or(place))
}

fn is_wrapper(object: &Object<'_>) -> bool {
    matches!(object.text("@type").as_deref().and_then(|kind| kind.rsplit(['.', '/']).next()), Some("TypedStruct" | "Struct"))
}

fn kind(filter: &Object<'_>) -> Option<String> {
    let config = filter.object("typed_config")?;
    let kind = config.text("type_url").filter(|_| is_wrapper(&config)).or_else(|| config.text("@type"))?;
    Some(kind.rsplit(['.', '/']).next().unwrap_or(&kind).to_string())
}

#[cfg(test)]
#[path = "http_filters_tests.rs"]
mod tests;
