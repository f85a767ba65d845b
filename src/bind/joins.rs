//! Joins: from a row to those it belongs to. A proxy is asked once for all rows that came from it; rows of a document are
//! looked up in that document.

use super::pod_arg::Home;
use super::related::Related;
use super::subject::{Page, Read, read_of};
use crate::envoy::{self, ChainKey, Cluster, Dump, Endpoint, Route, Secret, Section};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Row, convert};
use crate::json::Found;
use crate::mesh::Mesh;
use crate::mesh::pod_address::{Behind, PodAddresses, pod_addresses};
use crate::mesh::pods::Pod;
use rhai::plugin::*;
use rhai::{Array, Dynamic};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Kinds of rows that are parts of a proxy, with the joins that lead on from them.
const PARTS: [(&str, &str); 5] = [
    ("cluster", "`cluster.endpoints()` and `cluster.secret()` lead on from it"),
    ("endpoint", "the pod behind it is `endpoint.pod()`"),
    ("listener", "`listener.routes()` and, of TCP, `listener.clusters()` lead on from it"),
    ("route", "its clusters are `route.clusters()`"),
    ("secret", "nothing leads on from it"),
];

/// The rows that a join is asked of: one of these kinds, or an array of nothing else. Nothing when it is something else that
/// the function may know what to do with.
///
/// # Errors
/// When it is a part of a proxy from which this does not lead on.
pub fn given(call: &Call, subject: &Dynamic, name: &str, kinds: &[&str]) -> Fallible<Option<Vec<Row>>> {
    let row = |value: &Dynamic| value.read_lock::<Row>().map(|row| (*row).clone());
    let rows: Vec<Row> = match subject.read_lock::<Array>() {
        Some(items) => items.iter().map_while(row).collect(),
        None => row(subject).into_iter().collect(),
    };
    let whole = rows.len() == subject.read_lock::<Array>().map_or(1, |items| items.len());
    let part = |row: &Row| PARTS.iter().find(|(kind, _)| *kind == row.shape().kind);
    match rows.iter().find_map(|row| part(row).filter(|(kind, _)| !kinds.contains(kind))) {
        Some(other) => Err(call.fail(leads_nowhere(name, kinds, other))),
        None if whole && rows.iter().any(|row| part(row).is_some()) => Ok(Some(rows)),
        None => Ok(None),
    }
}

fn leads_nowhere(name: &str, kinds: &[&str], (kind, hint): &(&str, &str)) -> Error {
    Error::new(
        Kind::BadInput,
        format!("{name}() of {} row: it leads there from {} rows only", article(kind), kinds.join(" and ")),
    )
    .hint((*hint).to_owned())
}

fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { format!("an {kind}") } else { format!("a {kind}") }
}

/// The row that a join is asked of.
fn one(call: &Call, subject: &Dynamic, name: &str, kind: &'static str) -> Fallible<Row> {
    match given(call, subject, name, &[kind])?.as_deref() {
        Some([row]) if !subject.is_array() => Ok(row.clone()),
        _ => {
            let what = match subject.read_lock::<Row>() {
                Some(row) => format!("{} row", article(&row.shape().kind)),
                None => convert::type_word(subject).to_owned(),
            };
            let error = Error::new(Kind::BadInput, format!("{name}() of {what}: it leads there from {kind} rows only"));
            Err(call.fail(error.hint(format!("take a row of `{kind}s(pod)`; of an array, `.map(|{kind}| {kind}.{name}())`"))))
        }
    }
}

fn origin(call: &Call, row: &Row) -> Fallible<Arc<Read>> {
    let made = || {
        Error::new(Kind::BadInput, format!("this {} row was not read from a proxy or a document", row.shape().kind))
            .hint("joins need the rows as the functions about proxies return them")
    };
    read_of(row).ok_or_else(|| call.fail(made()))
}

/// The pod in front, if a row has that.
fn front(row: &Row) -> Vec<(&'static str, Dynamic)> {
    ["namespace", "pod"].into_iter().filter_map(|name| Some((name, row.get(name)?))).collect()
}

/// The endpoints of clusters.
pub fn endpoints(call: &Call, clusters: &[Row], page: Page, fits: impl Fn(&Endpoint) -> bool) -> Fallible<Array> {
    let key = |endpoint: &Endpoint| endpoint.state.cluster.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut all = Array::new();
    for cluster in clusters {
        let read = origin(call, cluster)?;
        let related = Related::of(call, &read, &page, envoy::endpoints, key)?;
        let name = call.check(assigned(cluster, &related.origin))?;
        let found = related.get(&name).filter(|found| fits(&found.record)).cloned().collect();
        all.extend(Row::found(&front(cluster), found, Some(related.origin.clone())));
    }
    Ok(all)
}

/// The name under which the endpoints of a cluster stand: its own where Envoy tells of hosts, that of its service (EDS) where
/// they stand as they were sent.
fn assigned(cluster: &Row, told: &Read) -> Result<String> {
    let (name, service) = (cluster.text("name"), cluster.text("eds_service_name"));
    let differs = !service.is_empty() && service != name;
    Ok(if differs && !Dump::open(&told.doc()?)?.has(Section::Hosts) { service } else { name })
}

/// The routes of listeners: those they ask for by name, or that stand in them.
pub fn routes(call: &Call, listeners: &[Row], fits: impl Fn(&Route) -> bool) -> Fallible<Array> {
    let mut all = Array::new();
    for listener in listeners {
        let read = origin(call, listener)?;
        let (mut found, from) = if listener.get("inline_routes").is_some_and(|inline| inline.as_bool().unwrap_or(false)) {
            inline(call, listener, &read)?
        } else {
            by_name(call, listener, &read)?
        };
        found.retain(|found| fits(&found.record));
        all.extend(Row::found(&front(listener), found, Some(from)));
    }
    Ok(all)
}

fn by_name(call: &Call, listener: &Row, read: &Arc<Read>) -> Fallible<(Vec<Found<Route>>, Arc<Read>)> {
    let (name, title) = (listener.text("route_name"), listener.text("name"));
    if name.is_empty() {
        call.mesh().note(format!("listener {title} has no routes there: connections go to {}", listener.text("destination")));
        return Ok((Vec::new(), read.clone()));
    }
    let key = |route: &Route| route.shared.host.name.as_deref().unwrap_or_default().to_owned();
    let related = Related::of(call, read, &Page::Part(Section::Routes), envoy::routes, key)?;
    let found: Vec<_> = related.get(&name).cloned().collect();
    if found.is_empty() {
        call.mesh().note(format!("listener {title} asks for the routes {name}, which {} does not have", whose(read)));
    }
    Ok((found, related.origin.clone()))
}

/// The routes of a filter chain that has them itself.
fn inline(call: &Call, listener: &Row, read: &Arc<Read>) -> Fallible<(Vec<Found<Route>>, Arc<Read>)> {
    let chain = ChainKey {
        name: listener.text("chain"),
        is_default: listener.get("is_default").is_some_and(|default| default.as_bool().unwrap_or(false)),
        transport_protocol: listener.text("transport_protocol"),
        application_protocols: texts(listener, "application_protocols"),
        server_names: texts(listener, "server_names"),
        destination_port: listener.get("destination_port").and_then(|port| u64::try_from(port.as_int().ok()?).ok()),
        prefix_ranges: texts(listener, "prefix_ranges"),
        source_type: listener.text("source_type"),
        source_prefix_ranges: texts(listener, "source_prefix_ranges"),
        direct_source_prefix_ranges: texts(listener, "direct_source_prefix_ranges"),
        source_ports: numbers(listener, "source_ports"),
    };
    let Some(resource) = listener.raw() else { return Ok((Vec::new(), read.clone())) };
    let resource = call.check(resource)?;
    let Some(doc) = envoy::inline_routes(&resource, &listener.text("state"), &chain) else {
        return Ok((Vec::new(), read.clone()));
    };
    let found = call.check(Dump::open(&doc).and_then(|dump| envoy::routes(&dump)))?;
    Ok((found, call.check(read.part(doc))?))
}

/// Who does not have what a row asks for.
fn whose(read: &Read) -> String {
    read.target().map_or_else(|| "the document".to_owned(), |pod| format!("the proxy of pod {pod}"))
}

/// The clusters that routes and TCP listeners lead to, each with its share of the requests in front.
pub fn clusters(call: &Call, leading: &[Row], fits: impl Fn(&Cluster) -> bool) -> Fallible<Array> {
    let mut all = Array::new();
    for row in leading {
        let read = origin(call, row)?;
        let related = Related::of(call, &read, &Page::Part(Section::Clusters), envoy::clusters, |cluster| cluster.name.clone())?;
        for (name, weight) in targets(call, row) {
            if related.get(&name).next().is_none() {
                call.mesh().note(format!("{} leads to cluster {name}, which {} does not have", title(row), whose(&read)));
            }
            let found = related.get(&name).filter(|found| fits(&found.record)).cloned().collect();
            let mut front = front(row);
            front.push(("weight", weight.map_or(Dynamic::UNIT, Into::into)));
            all.extend(Row::found(&front, found, Some(related.origin.clone())));
        }
    }
    Ok(all)
}

/// The names of the clusters that a row leads to, with their weights: those of a TCP listener are not told.
fn targets(call: &Call, route: &Row) -> Vec<(String, Option<i64>)> {
    if route.shape().kind == "listener" {
        return texts(route, "clusters").into_iter().map(|name| (name, None)).collect();
    }
    let name = route.text("cluster");
    if !name.is_empty() {
        return vec![(name, Some(100))];
    }
    let shares = route.get("weighted_clusters").map(|shares| convert::to_value(&shares)).unwrap_or_default();
    let of_shares = shares.as_array().into_iter().flatten().filter_map(|share| share.get("cluster_header")?.as_str());
    let own = route.text("cluster_header");
    for header in of_shares.chain(Some(own.as_str()).filter(|own| !own.is_empty())) {
        call.mesh().note(format!("the cluster of {} is named by each request, in its header {header}", title(route)));
    }
    let share = |share: &Value| Some((share.get("name")?.as_str()?.to_owned(), share.get("weight")?.as_i64()));
    shares.as_array().into_iter().flatten().filter_map(share).collect()
}

/// What a row is known by.
fn title(row: &Row) -> String {
    let words = [row.shape().kind.clone(), row.text("name"), row.text("vhost_name"), row.text("matches")];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The texts of a field that is a list.
fn texts(row: &Row, field: &str) -> Vec<String> {
    let texts = row.get(field).map(|texts| convert::to_value(&texts)).unwrap_or_default();
    texts.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The numbers of a field that is a list.
fn numbers(row: &Row, field: &str) -> Vec<u64> {
    let numbers = row.get(field).map(|numbers| convert::to_value(&numbers)).unwrap_or_default();
    numbers.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// The secrets that a cluster needs, in its order: own certificate, then authorities.
pub fn secrets(call: &Call, clusters: &[Row], fits: impl Fn(&Secret) -> bool) -> Fallible<Array> {
    let mut all = Array::new();
    for cluster in clusters {
        let read = origin(call, cluster)?;
        let now = read.mesh().now();
        let related = Related::of(
            call,
            &read,
            &Page::Part(Section::Secrets),
            move |dump| envoy::secrets(dump, now),
            |secret| secret.resource_name.clone(),
        )?;
        for name in texts(cluster, "secrets") {
            if related.get(&name).next().is_none() {
                call.mesh().note(format!("cluster {} needs secret {name}, which was never asked for", cluster.text("name")));
            }
            let found = related.get(&name).filter(|found| fits(&found.record)).cloned().collect();
            all.extend(Row::found(&front(cluster), found, Some(related.origin.clone())));
        }
    }
    Ok(all)
}

/// From a row to what it belongs to.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The certificate that a cluster shows to its servers, or `()` when it shows none. Returns a `secret` row.
    ///
    /// `secrets(cluster)` gives all that it needs, the authorities that it believes as well.
    ///
    /// ```rhai
    /// clusters("deploy/customer.olaf-customer", #{ fqdn: "preference" })[0].secret().resource_name    // "default"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn secret(context: NativeCallContext, cluster: Dynamic) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let cluster = one(&call, &cluster, "secret", "cluster")?;
        // What was not delivered does not say what it would hold; own certificates stand in front of authorities.
        let mutual = cluster.text("tls_mode").ends_with("MUTUAL") || cluster.text("tls_mode") == "AUTO";
        let awaited = super::texts(&cluster, "secrets").into_iter().next().filter(|_| mutual);
        let own = |secret: &Secret| match secret.holds.as_deref() {
            Some(holds) => holds == "certificate",
            None => awaited.as_ref() == Some(&secret.resource_name),
        };
        Ok(secrets(&call, &[cluster], own)?.into_iter().next().unwrap_or_default())
    }

    /// The pod behind an endpoint, or `()` with a note when it is none of the mesh's. Returns a `pod` row.
    ///
    /// An address of the proxy's own machine (`127.0.0.1`, a socket) is the proxy's own pod. Where pods share the address of
    /// their node, the one that declares the port is meant.
    ///
    /// ```rhai
    /// let endpoint = endpoints("deploy/customer.olaf-customer").find(|e| e.cluster.contains("preference"));
    /// endpoint.pod().app    // "preference"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pod(context: NativeCallContext, endpoint: Dynamic) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let endpoint = one(&call, &endpoint, "pod", "endpoint")?;
        let read = origin(&call, &endpoint)?;
        let pods = read.common().keep(None, || call.wait(pod_addresses(read.mesh())))?;
        let found = behind(call.mesh(), &read, &pods, &endpoint.text("endpoint"));
        let row = |pod: &Pod| Row::many_from(Home::of(read.mesh()), vec![pod.clone()]).pop();
        Ok(found.and_then(row).unwrap_or_default())
    }
}

/// Where an endpoint is.
enum Place {
    /// On the proxy's own machine.
    Own,
    At(IpAddr, Option<u16>),
    /// By a name, or not told.
    Elsewhere,
}

fn place(endpoint: &str) -> Place {
    if endpoint.starts_with("unix://") {
        return Place::Own;
    }
    // In ambient mode an internal listener is given the real address as its endpoint's name.
    let address = endpoint.strip_prefix("envoy://").and_then(|internal| internal.split_once('/')).map_or(endpoint, |(_, id)| id);
    let (ip, port) = match (address.parse::<SocketAddr>(), address.parse::<IpAddr>()) {
        (Ok(socket), _) => (socket.ip(), Some(socket.port())),
        (_, Ok(ip)) => (ip, None),
        _ => return Place::Elsewhere,
    };
    if ip.is_loopback() { Place::Own } else { Place::At(ip, port) }
}

fn behind<'a>(notes: &Mesh, read: &Read, pods: &'a PodAddresses, endpoint: &str) -> Option<&'a Pod> {
    if read.target().is_none() {
        let cluster = read.mesh().backend().cluster();
        notes.note(format!(
            "the endpoint stands in a document; its address is looked up among the pods of {cluster} as they are now"
        ));
    }
    let nobody = |why: &str| {
        notes.note(format!("endpoint {endpoint}: {why}"));
        None
    };
    match place(endpoint) {
        Place::Own => match read.target() {
            Some(own) => pods.named(&own.namespace, &own.name).or_else(|| nobody("its proxy's own pod is gone")),
            None => nobody("it is on the proxy's own machine, and a document does not say which that is"),
        },
        Place::Elsewhere => nobody("it has no address that a pod could have"),
        Place::At(ip, port) => match pods.behind(ip, port) {
            Behind::Pod(pod) => Some(pod),
            Behind::Nobody => nobody("no pod that you can see has this address: it is outside the mesh, or gone"),
            Behind::Unclear(pods) => {
                let names: Vec<String> = pods.iter().take(5).map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
                nobody(&format!(
                    "pods on their node's network share this address, and the port does not tell which: {}",
                    names.join(", ")
                ))
            }
        },
    }
}
