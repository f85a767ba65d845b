//! The HTTP filters of a proxy, in the order requests meet them.

use super::dump::{Dump, List, Section};
use super::ecds::{Delivered, delivered, is_camel};
use super::jwt_authn::{Provider, providers};
use super::kept::Kept;
use super::listener_wire::{FilterChain, HttpFilterWire, ListenerEntry, ListenerWire};
use super::trail::Trail;
use super::wire::{Flaws, Own, Raw, last_word, read};
use crate::error::Result;
use crate::json::{At, Entry, Found, each};
use crate::record;
use std::collections::HashMap;

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
        /// What Envoy does with the listener: `static`, `active`, `warming` or `draining`; nothing when that is not known.
        pub state: Option<&'static str>,
        /// Whether the filter is switched off unless a route switches it on.
        [wide] pub disabled: bool,
        /// Whether its configuration is delivered by itself (ECDS); `ecds()` lists those. Until it comes, the default that stands
        /// in the listener is used, and shown.
        [wide] pub discovered: bool,
        /// Where it stands in the dump, as JSON path.
        [wide] pub path: String,
        /// The token issuers that a JWT filter knows, with their keys; nothing for other filters.
        [wide] pub jwt: Option<Vec<Provider>>,
        /// Its configuration, as it stands in the dump.
        [wide] pub config: Option<Kept>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

/// The HTTP filters of all listeners of a config dump; each stands in the listener that it is of.
///
/// # Errors
/// When the document holds something else. What is merely unknown in it is skipped.
pub fn filters(dump: &Dump) -> Result<Vec<Found<Filter>>> {
    dump.expect(&[Section::Listeners])?;
    let extensions = delivered(dump);
    let mut all = Vec::new();
    for list in dump.lists(Section::Listeners) {
        // A place in a list is a part of the path.
        let entries = each(&list.node, |entry| of_entry(entry, list, &extensions));
        for (number, rows) in entries.into_iter().enumerate() {
            let start = Trail::new(&list.path, false).at(number).path();
            all.extend(rows.into_iter().map(|mut found| {
                for path in
                    std::iter::once(&mut found.record.path).chain(found.record.jwt.iter_mut().flatten().map(|jwt| &mut jwt.path))
                {
                    if let Some(rest) = path.strip_prefix(HERE) {
                        *path = format!("{start}{rest}");
                    }
                }
                found
            }));
        }
    }
    Ok(all)
}

/// What stands for the way to an entry until its number is known; no path begins so.
const HERE: &str = "@";

/// What the filters of a listener have in common.
struct Place<'a> {
    entry: &'a Entry<'a>,
    listener: String,
    state: Option<&'static str>,
    trail: Trail,
    extensions: &'a HashMap<String, Delivered>,
    broken: Option<String>,
}

fn of_entry(entry: &Entry<'_>, list: &List, extensions: &HashMap<String, Delivered>) -> (Vec<Found<Filter>>, Option<usize>) {
    let flaws = Flaws::default();
    let (wire, size) = if list.bare {
        let (listener, size): (ListenerWire<'_>, _) = read(entry.rest(), &flaws);
        (ListenerEntry::alone(listener), size)
    } else {
        read::<ListenerEntry<'_>>(entry.rest(), &flaws)
    };
    let trail = Trail::new(HERE, is_camel(entry.rest(), size, &["filterChains", "defaultFilterChain"]));
    let name = wire.name.to_string();
    let mut rows = Vec::new();
    for stated in wire.states(list, &flaws).into_iter().filter(|stated| stated.state != Some("rejected")) {
        let own = stated.listener.shown_name().or_else(|| Some(name.clone()).filter(|name| !name.is_empty()));
        let place = Place {
            entry,
            listener: own.unwrap_or_else(|| "unnamed".into()),
            state: stated.state,
            trail: if list.bare { trail.clone() } else { trail.to(stated.way) },
            extensions,
            broken: flaws.line(),
        };
        place.rows(&stated.listener, &mut rows);
    }
    if rows.is_empty() && flaws.count() > 0 {
        let place = Place { entry, listener: name, state: None, trail, extensions, broken: flaws.line() };
        rows.push(Found { record: place.nothing(), at: At::new(entry.start) });
    }
    (rows, size)
}

impl Place<'_> {
    fn rows(&self, listener: &ListenerWire<'_>, rows: &mut Vec<Found<Filter>>) {
        let chains = self.trail.to("filter_chains");
        for (number, chain) in listener.filter_chains.iter().enumerate() {
            self.chain(chain, &number.to_string(), &chains.at(number), rows);
        }
        if let Some(chain) = &listener.default_filter_chain {
            self.chain(chain, "default", &self.trail.to("default_filter_chain"), rows);
        }
    }

    fn chain(&self, chain: &Own<FilterChain<'_>>, number: &str, trail: &Trail, rows: &mut Vec<Found<Filter>>) {
        let name = if chain.part.name.is_empty() { number } else { &chain.part.name };
        let (before, filters) = (rows.len(), trail.to("filters"));
        for (number, network) in chain.part.filters.iter().enumerate() {
            let settings = network.settings(&Flaws::default());
            let trail = network.trail(&filters.at(number));
            for (number, filter) in settings.http_filters.iter().enumerate() {
                rows.extend(self.filter(name, filter, &chain.broken, &trail.at(number)));
            }
        }
        if rows.len() == before && chain.broken.is_some() {
            let broken = chain.broken.as_deref().map(Into::into);
            let record = Filter { chain: name.into(), path: trail.clone().path(), broken, ..self.nothing() };
            rows.push(Found { record, at: At::new(self.entry.start) });
        }
    }

    fn filter(
        &self,
        chain: &str,
        filter: &Own<HttpFilterWire<'_>>,
        of_chain: &Option<Box<str>>,
        trail: &Trail,
    ) -> Option<Found<Filter>> {
        let Own { part: wire, broken } = filter;
        let told: Vec<String> =
            [self.broken.as_deref(), of_chain.as_deref(), broken.as_deref()].into_iter().flatten().map(Into::into).collect();
        if wire.name.is_empty() && told.is_empty() {
            return None;
        }
        let mut row = Filter {
            chain: chain.into(),
            name: wire.name.to_string(),
            disabled: wire.disabled,
            path: trail.clone().path(),
            broken: (!told.is_empty()).then(|| told.join(", ")),
            ..self.nothing()
        };
        self.configure(&mut row, wire, trail);
        Some(Found { record: row, at: At::new(self.entry.start) })
    }

    /// What its configuration tells, wherever it stands.
    fn configure(&self, row: &mut Filter, wire: &HttpFilterWire<'_>, trail: &Trail) {
        let Some(discovery) = &wire.config_discovery else {
            let field = if wire.typed_config.is_some() { "typed_config" } else { "config" };
            let raw = if wire.typed_config.is_some() { wire.typed_config } else { wire.config };
            row.set(wire.typed_config.kind(), raw, &trail.to(field));
            return;
        };
        row.discovered = true;
        match self.extensions.get(wire.name.as_ref()) {
            Some(extension) => {
                let raw: Raw<'_> = read(extension.config.text().as_bytes(), &Flaws::default()).0;
                row.set(raw.kind(), raw, &extension.trail);
            }
            // Until it is delivered, requests pass this one.
            None if discovery.default_config.is_some() => {
                let default = discovery.default_config;
                row.set(default.kind(), default, &trail.to("config_discovery.default_config"));
            }
            None => row.kind = discovery.type_urls.first().map(|kind| last_word(kind).to_owned()),
        }
    }

    /// A row of which nothing is known but the listener.
    fn nothing(&self) -> Filter {
        Filter {
            listener: self.listener.clone(),
            chain: String::new(),
            name: String::new(),
            kind: None,
            state: self.state,
            disabled: false,
            discovered: false,
            path: self.trail.clone().path(),
            jwt: None,
            config: None,
            broken: self.broken.clone(),
        }
    }
}

impl Filter {
    fn set(&mut self, kind: Option<String>, raw: Raw<'_>, trail: &Trail) {
        let content = raw.content();
        let trail = if content.json() == raw.json() { trail.clone() } else { trail.key("value") };
        let jwt = matches!(self.name.as_str(), "envoy.filters.http.jwt_authn" | "jwt-auth")
            || kind.as_deref() == Some("JwtAuthentication");
        self.kind = kind;
        self.jwt = jwt.then(|| providers(content, &trail));
        self.config = Kept::of(content);
    }
}

#[cfg(test)]
#[path = "http_filters_tests.rs"]
mod tests;
