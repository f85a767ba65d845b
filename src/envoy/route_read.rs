//! Reading the routes of a dump.

use super::dump::{Dump, List, Section, member};
use super::intern::Intern;
use super::route_wire::{RetryPolicy, RouteAction, RouteConfig, RouteEntry, RouteWire, VirtualHost};
use super::routes::{
    Domains, Route, RouteDomains, RouteHost, RouteMore, RouteRetry, RouteRule, RouteShared, RouteUpdate, ShownDomains,
};
use super::update::Failure;
use super::wire::{Flaws, Own, Text, Wire, read};
use crate::error::Result;
use crate::json::{At, Entry, Found, Node, Type, each};
use std::sync::{Arc, Mutex, PoisonError};

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
    Ok(joined(all))
}

/// The name of a configuration, when it is a number.
fn number(rows: &[Found<Route>]) -> Option<i64> {
    rows.first()?.record.shared.host.name.as_deref()?.parse().ok()
}

/// The routes of a list, by configuration.
fn of_list(list: &List) -> Vec<Vec<Found<Route>>> {
    let again = Again::default();
    if list.node.size() / list.node.len().max(1) > BIG {
        return list.node.iter().map(|entry| of_big(&entry, list, &again)).collect();
    }
    let place = |at| Place { list, at };
    each(&list.node, |entry| match list.bare {
        true => read_entry(entry, |wire, flaws, at| of_entry(alone(wire), place(at), &again, flaws)),
        false => read_entry(entry, |wire, flaws, at| of_entry(wire, place(at), &again, flaws)),
    })
}

/// The lists that routes stand in, in what a list of configurations holds.
const WHOLE: &[&str] = &["route_config.virtual_hosts", "routes"];
/// The same, when the configurations stand there without what Envoy says about them.
const ALONE: &[&str] = &["virtual_hosts", "routes"];
/// The same, of what was rejected.
const REJECTED: &[&str] = &["error_state.failed_configuration.virtual_hosts", "routes"];

/// Where a configuration stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    list: &'a List,
    at: At,
}

impl Place<'_> {
    fn update(self, version: Option<Text<'_>>, last_updated: Option<Text<'_>>, failure: Option<&Failure<'_>>) -> RouteUpdate {
        RouteUpdate {
            state: (!self.list.state.is_empty()).then_some(self.list.state),
            version: version.map(Into::into),
            last_updated: last_updated.map(Into::into),
            error_state: failure.map(|failure| failure.line().into()),
        }
    }
}

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
fn of_entry(entry: RouteEntry<'_>, place: Place<'_>, again: &Again, flaws: &Flaws) -> Vec<Found<Route>> {
    let mut config = entry.route_config;
    let mut lists = if place.list.bare { ALONE } else { WHOLE };
    let mut update = place.update(entry.version_info, entry.last_updated, entry.error_state.as_ref());
    if let Some(failure) = entry.error_state.filter(|_| config.name.is_empty() && config.virtual_hosts.is_empty()) {
        update.state = Some("rejected");
        config = failure.failed_configuration.read(flaws);
        lists = REJECTED;
    }
    let is_told = update.state == Some("rejected");
    let name = (!config.name.is_empty()).then(|| Arc::from(config.name.as_ref()));
    let common = Common { name, update: Arc::new(update), broken: flaws.line(), again };
    if config.virtual_hosts.is_empty() && (common.broken.is_some() || is_told) {
        return vec![Found { record: common.nothing(), at: place.at }];
    }
    let mut rows = Vec::with_capacity(config.virtual_hosts.iter().map(|host| host.part.routes.len().max(1)).sum());
    for (number, host) in config.virtual_hosts.into_iter().enumerate() {
        common.host(host, &mut rows, |route| match route {
            Some(route) => place.at.inside(lists, [number, route]),
            None => place.at.inside(&lists[..1], [number, 0]),
        });
    }
    rows
}

/// The same of one so big that its virtual hosts are read by all cores.
fn of_big(entry: &Node, list: &List, again: &Again) -> Vec<Found<Route>> {
    let place = Place { list, at: At::of(entry) };
    let config = if list.bare { Some(entry.clone()) } else { member(entry, "route_config") };
    let hosts = config.as_ref().and_then(|config| member(config, "virtual_hosts"));
    let Some(hosts) = hosts.filter(|hosts| hosts.kind() == Type::Array && hosts.size() > BIG) else {
        let flaws = Flaws::default();
        let text = entry.text().as_bytes();
        let wire = if list.bare { alone(read(text, &flaws).0) } else { read(text, &flaws).0 };
        return of_entry(wire, place, again, &flaws);
    };
    let text = |node: Option<&Node>, name: &str| Some(Text::from(member(node?, name)?.as_str()?.into_owned()));
    let error = member(entry, "error_state");
    let failure: Option<Failure<'_>> = error.as_ref().map(|error| read(error.text().as_bytes(), &Flaws::default()).0);
    let update = place.update(text(Some(entry), "version_info"), text(Some(entry), "last_updated"), failure.as_ref());
    let name = text(config.as_ref(), "name").filter(|name| !name.is_empty()).map(Arc::from);
    let common = Common { name, update: Arc::new(update), broken: None, again };
    let one = |entry: &Entry<'_>| {
        let flaws = Flaws::default();
        let (host, size) = read::<Own<VirtualHost<'_>>>(entry.rest(), &flaws);
        let mut rows = Vec::with_capacity(host.part.routes.len().max(1));
        common.host(host, &mut rows, |route| match route {
            Some(route) => At::new(entry.start).inside(&["routes"], [route, 0]),
            None => At::new(entry.start),
        });
        (rows, size)
    };
    joined(each(&hosts, one))
}

/// Many lists as one, in no more room than that needs.
fn joined(all: Vec<Vec<Found<Route>>>) -> Vec<Found<Route>> {
    let mut rows = Vec::with_capacity(all.iter().map(Vec::len).sum());
    all.into_iter().for_each(|more| rows.extend(more));
    rows
}

/// What all routes of a configuration have in common.
#[derive(Clone)]
struct Common<'a> {
    name: Option<Arc<str>>,
    update: Arc<RouteUpdate>,
    broken: Option<String>,
    again: &'a Again,
}

/// What routes of a list have said before: most say the same again.
#[derive(Default)]
struct Again {
    texts: Intern,
    retries: Mutex<Vec<Arc<RouteRetry>>>,
}

impl Again {
    fn retry(&self, policy: &RetryPolicy<'_>) -> Arc<RouteRetry> {
        let same = |text: &Option<Text<'_>>, known: &Option<Box<str>>| text.as_deref() == known.as_deref();
        let mut all = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|known| {
            same(&policy.retry_on, &known.retry_on)
                && policy.num_retries == known.num_retries
                && same(&policy.per_try_timeout, &known.per_try_timeout)
        });
        if let Some(known) = known {
            return known.clone();
        }
        let text = |text: &Option<Text<'_>>| text.as_deref().map(Into::into);
        let new = Arc::new(RouteRetry {
            retry_on: text(&policy.retry_on),
            num_retries: policy.num_retries,
            per_try_timeout: text(&policy.per_try_timeout),
        });
        if all.len() < 64 {
            all.push(new.clone());
        }
        new
    }
}

impl Common<'_> {
    fn shared(&self, vhost_name: &str, domains: &[Text<'_>]) -> Arc<RouteShared> {
        let all_domains = Domains::of(domains);
        let domains = ShownDomains(all_domains.clone());
        Arc::new(RouteShared {
            host: RouteHost { name: self.name.clone(), vhost_name: vhost_name.into(), domains },
            update: self.update.clone(),
            domains: RouteDomains { all_domains },
        })
    }

    /// The row of a configuration of which nothing else can be told.
    fn nothing(&self) -> Route {
        let more = RouteMore { broken: self.broken.clone(), ..RouteMore::default() };
        Route { shared: self.shared("", &[]), rule: RouteRule::NONE, retry: None, more: more.if_any() }
    }

    /// The rows of a virtual host.
    fn host(&self, host: Own<VirtualHost<'_>>, rows: &mut Vec<Found<Route>>, place: impl Fn(Option<usize>) -> At) {
        let Own { part: mut host, broken } = host;
        let broken: Vec<String> = self.broken.iter().cloned().chain(broken.map(Into::into)).collect();
        let shared = self.shared(&host.name, &host.domains);
        let routes = std::mem::take(&mut host.routes);
        if routes.is_empty() {
            let text = |text| Some(self.again.texts.text(text));
            let rule = RouteRule { matches: text("/*"), virtual_service: text("404"), ..RouteRule::NONE };
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
                retry: retry.map(|retry| self.again.retry(retry)),
                more: more.if_any(),
                rule: self.rule(&route.part),
            };
            rows.push(Found { record, at: place(Some(number)) });
        }
    }

    fn rule(&self, route: &RouteWire<'_>) -> RouteRule {
        let texts = &self.again.texts;
        let action = route.route.as_ref();
        let cluster = action.and_then(RouteAction::one_cluster).filter(|cluster| !cluster.is_empty());
        RouteRule {
            matches: texts.some(&route.matches.path_text()),
            virtual_service: route.virtual_service().and_then(|owner| texts.some(&owner)),
            cluster: cluster.map(Into::into),
            route_name: texts.some(&route.name),
            timeout: action.and_then(|action| texts.some(action.timeout.as_deref()?)),
        }
    }
}

fn line(told: Vec<String>) -> Option<String> {
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
