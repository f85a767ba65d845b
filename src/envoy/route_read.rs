//! Reading the routes of a dump.

use super::dump::{Dump, List, Section, member};
use super::route_match::shown_domains;
use super::route_wire::{RetryPolicy, RouteAction, RouteConfig, RouteEntry, RouteWire, VirtualHost};
use super::routes::{Route, RouteHost, RouteMore, RouteRetry, RouteRule, RouteShared, RouteUpdate};
use super::update::Failure;
use super::wire::{Flaws, Own, Text, Wire, read};
use crate::error::Result;
use crate::json::{At, Entry, Found, Node, Type, each};
use std::sync::Arc;

/// From this size on, the virtual hosts of one configuration are read by all cores.
const BIG: usize = if cfg!(test) { 2_000 } else { 1 << 20 };

/// The routes of a dump, in istioctl's order: those of ports by number, then the others as they stand there. Inline routes of
/// listeners are in Envoy's own list of static ones.
///
/// # Errors
/// When the document holds something else.
pub fn routes(dump: &Dump) -> Result<Vec<Found<Route>>> {
    dump.expect(&[Section::Routes])?;
    let mut all: Vec<Vec<Found<Route>>> = dump.lists(Section::Routes).into_iter().flat_map(of_list).collect();
    all.sort_by_cached_key(|rows| number(rows).map_or((1, 0), |number| (0, number)));
    let mut rows = Vec::with_capacity(all.iter().map(Vec::len).sum());
    all.into_iter().for_each(|more| rows.extend(more));
    Ok(rows)
}

/// The name of a configuration, when it is a number.
fn number(rows: &[Found<Route>]) -> Option<i64> {
    rows.first()?.record.shared.host.name.as_deref()?.parse().ok()
}

/// The routes of a list, by configuration.
fn of_list(list: &List) -> Vec<Vec<Found<Route>>> {
    if list.node.size() / list.node.len().max(1) > BIG {
        return list.node.iter().map(|entry| of_big(&entry, list)).collect();
    }
    if list.bare {
        return each(&list.node, |entry| read_entry(entry, |wire, flaws, at| of_entry(alone(wire), list, ALONE, at, flaws)));
    }
    each(&list.node, |entry| read_entry(entry, |wire, flaws, at| of_entry(wire, list, WHOLE, at, flaws)))
}

/// The lists that routes stand in, in what a list of configurations holds.
const WHOLE: &[&str] = &["route_config.virtual_hosts", "routes"];
/// The same, when the configurations stand there without what Envoy says about them.
const ALONE: &[&str] = &["virtual_hosts", "routes"];

/// The same, of what was rejected.
const REJECTED: &[&str] = &["error_state.failed_configuration.virtual_hosts", "routes"];

/// A configuration about which Envoy says nothing.
fn alone(route_config: RouteConfig<'_>) -> RouteEntry<'_> {
    RouteEntry { route_config, ..RouteEntry::default() }
}

fn read_entry<'a, T: Wire<'a>>(
    entry: &Entry<'a>,
    make: impl FnOnce(T, &Flaws, At) -> Vec<Found<Route>>,
) -> (Vec<Found<Route>>, Option<usize>) {
    let flaws = Flaws::default();
    let (wire, size) = read(entry.rest(), &flaws);
    (make(wire, &flaws, At::new(entry.start)), size)
}

/// The routes of one configuration.
fn of_entry(entry: RouteEntry<'_>, list: &List, mut lists: &'static [&'static str], at: At, flaws: &Flaws) -> Vec<Found<Route>> {
    let (mut config, mut common) = (entry.route_config, Common::of(list, entry.version_info, entry.last_updated));
    if let Some(failure) = entry.error_state {
        common.update.error_state = Some(failure.line().into());
        if config.name.is_empty() && config.virtual_hosts.is_empty() {
            common.update.state = Some("rejected");
            config = failure.failed_configuration.read(flaws);
            lists = REJECTED;
        }
    }
    common.name = config.name;
    common.broken = flaws.line();
    if config.virtual_hosts.is_empty() && (common.broken.is_some() || common.update.state == Some("rejected")) {
        return vec![Found { record: common.nothing(), at }];
    }
    let mut rows = Vec::new();
    for (number, host) in config.virtual_hosts.into_iter().enumerate() {
        common.host(host, &mut rows, |route| match route {
            Some(route) => at.inside(lists, [number, route]),
            None => at.inside(&lists[..1], [number, 0]),
        });
    }
    rows
}

/// The same of one so big that its virtual hosts are read by all cores.
fn of_big(entry: &Node, list: &List) -> Vec<Found<Route>> {
    let config = if list.bare { Some(entry.clone()) } else { member(entry, "route_config") };
    let hosts = config.as_ref().and_then(|config| member(config, "virtual_hosts"));
    let Some(hosts) = hosts.filter(|hosts| hosts.kind() == Type::Array && hosts.size() > BIG) else {
        let flaws = Flaws::default();
        let text = entry.text().as_bytes();
        let lists = if list.bare { ALONE } else { WHOLE };
        let wire = if list.bare { alone(read(text, &flaws).0) } else { read(text, &flaws).0 };
        return of_entry(wire, list, lists, At::of(entry), &flaws);
    };
    let text = |node: Option<&Node>, name: &str| Some(Text::from(member(node?, name)?.as_str()?.into_owned()));
    let mut common = Common::of(list, text(Some(entry), "version_info"), text(Some(entry), "last_updated"));
    common.name = text(config.as_ref(), "name").unwrap_or_default();
    if let Some(failure) = member(entry, "error_state") {
        let failure: Failure<'_> = read(failure.text().as_bytes(), &Flaws::default()).0;
        common.update.error_state = Some(failure.line().into());
    }
    let one = |entry: &Entry<'_>| {
        let flaws = Flaws::default();
        let (host, size) = read::<Own<VirtualHost<'_>>>(entry.rest(), &flaws);
        let mut rows = Vec::new();
        common.clone().host(host, &mut rows, |route| match route {
            Some(route) => At::new(entry.start).inside(&["routes"], [route, 0]),
            None => At::new(entry.start),
        });
        (rows, size)
    };
    each(&hosts, one).into_iter().flatten().collect()
}

/// What all routes of a configuration have in common, and what they had last: mostly they have the same again.
#[derive(Clone)]
struct Common<'de> {
    name: Text<'de>,
    update: RouteUpdate,
    broken: Option<String>,
    texts: [Option<Arc<str>>; 2],
    retry: Option<Arc<RouteRetry>>,
}

impl<'de> Common<'de> {
    fn of(list: &List, version: Option<Text<'_>>, last_updated: Option<Text<'_>>) -> Self {
        let update = RouteUpdate {
            all_domains: Vec::new(),
            state: (!list.state.is_empty()).then_some(list.state),
            version: version.map(Into::into),
            last_updated: last_updated.map(Into::into),
            error_state: None,
        };
        Self { name: Text::default(), update, broken: None, texts: [None, None], retry: None }
    }

    fn shared(&self, vhost_name: &str, domains: &[Text<'_>]) -> Arc<RouteShared> {
        let all_domains = domains.iter().map(|domain| Box::from(domain.as_ref())).collect();
        Arc::new(RouteShared {
            host: RouteHost {
                name: (!self.name.is_empty()).then(|| Box::from(self.name.as_ref())),
                vhost_name: vhost_name.into(),
                domains: shown_domains(domains).into(),
            },
            update: RouteUpdate { all_domains, ..self.update.clone() },
        })
    }

    /// The row of a configuration of which nothing else can be told.
    fn nothing(&self) -> Route {
        let more = RouteMore { broken: self.broken.clone(), ..RouteMore::default() };
        Route { shared: self.shared("", &[]), rule: RouteRule::NONE, retry: None, more: more.if_any() }
    }

    /// The rows of a virtual host.
    fn host(&mut self, host: Own<VirtualHost<'_>>, rows: &mut Vec<Found<Route>>, place: impl Fn(Option<usize>) -> At) {
        let Own { part: mut host, broken } = host;
        let broken: Vec<String> = self.broken.iter().cloned().chain(broken.map(Into::into)).collect();
        let shared = self.shared(&host.name, &host.domains);
        let routes = std::mem::take(&mut host.routes);
        if routes.is_empty() {
            let rule = RouteRule { matches: Some("/*".into()), virtual_service: Some("404".into()), ..RouteRule::NONE };
            let more = RouteMore { broken: line(broken), ..RouteMore::default() };
            rows.push(Found { record: Route { shared, rule, retry: None, more: more.if_any() }, at: place(None) });
            return;
        }
        for (number, route) in routes.into_iter().enumerate() {
            let flaws = line(broken.iter().cloned().chain(route.broken.map(Into::into)).collect());
            let more = RouteMore { broken: flaws, ..route.part.more(&host) };
            let retry = route.part.route.as_ref().and_then(|action| action.retry_policy.as_ref()).or(host.retry_policy.as_ref());
            let record = Route {
                shared: shared.clone(),
                retry: retry.map(|retry| self.retry(retry)),
                more: more.if_any(),
                rule: self.rule(&route.part),
            };
            rows.push(Found { record, at: place(Some(number)) });
        }
    }

    fn rule(&mut self, route: &RouteWire<'_>) -> RouteRule {
        let full = |text: &str| (!text.is_empty()).then(|| text.into());
        let action = route.route.as_ref();
        RouteRule {
            matches: full(&route.matches.path_text()),
            virtual_service: route.virtual_service().map(Into::into),
            cluster: action.and_then(RouteAction::one_cluster).and_then(full),
            route_name: self.again(0, &route.name),
            timeout: self.again(1, action.and_then(|action| action.timeout.as_deref()).unwrap_or_default()),
        }
    }

    /// A text that is shared with the route before when it is the same; nothing when it is empty.
    fn again(&mut self, which: usize, text: &str) -> Option<Arc<str>> {
        let last = self.texts.get_mut(which)?;
        if last.as_deref() != Some(text) {
            *last = (!text.is_empty()).then(|| text.into());
        }
        last.clone()
    }

    fn retry(&mut self, policy: &RetryPolicy<'_>) -> Arc<RouteRetry> {
        let same = |text: &Option<Text<'_>>, last: &Option<Box<str>>| text.as_deref() == last.as_deref();
        if let Some(last) = self.retry.as_ref().filter(|last| {
            same(&policy.retry_on, &last.retry_on)
                && policy.num_retries == last.num_retries
                && same(&policy.per_try_timeout, &last.per_try_timeout)
        }) {
            return last.clone();
        }
        let text = |text: &Option<Text<'_>>| text.as_deref().map(Into::into);
        let new = Arc::new(RouteRetry {
            retry_on: text(&policy.retry_on),
            num_retries: policy.num_retries,
            per_try_timeout: text(&policy.per_try_timeout),
        });
        self.retry = Some(new.clone());
        new
    }
}

fn line(told: Vec<String>) -> Option<String> {
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
