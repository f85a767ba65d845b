//! What every control plane sent to every proxy, and what became of it: one row a proxy and connection.

use super::Mesh;
use super::age::human;
use super::external::{External, external};
use super::fan_out::{fan_out, told};
use super::istiod_page::{Replica, page, replicas, unreadable};
use super::pods::{Pod, PodOptions, pods};
use crate::error::{Error, Kind, Result};
use crate::istio::syncz::{self, Connection, Exchange, State};
use crate::istio::version;
use crate::{options, record};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

options! {
    /// Which proxies to list.
    pub struct ProxyStatusOptions as "proxy status options" {
        /// Only proxies of this namespace.
        pub namespace: Option<String>,
        /// Only control planes of this revision, and the proxies that they injected.
        pub revision: Option<String>,
    }
}

record! {
    /// A proxy's connection to a control plane; or a proxy that has none.
    pub struct ProxyStatus as "proxy_status" {
        /// The proxy's name: its pod.
        pub name: String,
        /// Its namespace.
        pub namespace: String,
        /// The cluster it is in, as istiod calls it.
        pub cluster: Option<String>,
        /// The replica it is connected to.
        pub istiod: Option<String>,
        /// The proxy's version of Istio.
        pub version: Option<String>,
        /// The revision of that istiod; of a proxy without one, the revision that injected it.
        pub revision: Option<String>,
        /// Clusters: `SYNCED`, `STALE` (sent and not answered), `NOT SENT`, `IGNORED` (not asked for), `ERROR` (refused); nothing
        /// when no istiod knows the proxy.
        pub cds: Option<&'static str>,
        /// Listeners.
        pub lds: Option<&'static str>,
        /// Endpoints.
        pub eds: Option<&'static str>,
        /// Routes.
        pub rds: Option<&'static str>,
        /// Extensions.
        pub ecds: Option<&'static str>,
        /// The worst of all types: `DISCONNECTED` (it runs, and no istiod knows it), `CONNECTING` (the same, of a pod younger than a
        /// minute), `ERROR`, `STALE`, `NOT SENT` (nothing at all was sent), `SYNCED`; or `UNKNOWN`, when a control plane that may
        /// know it could not be asked.
        pub status: &'static str,
        /// How long ago the last of what the proxy accepted was sent: `17s`.
        pub last_ack: Option<String>,
        /// Why updates were refused, by type, in Envoy's words.
        pub last_error: BTreeMap<String, String>,
        /// Since when it is `STALE`: when the first update without an answer was sent (RFC 3339).
        [wide] pub stale_since: Option<String>,
        /// For how many seconds. An update that is on its way is `STALE` too, for a moment.
        [wide] pub stale_for: Option<i64>,
        /// All types that the proxy asked for, `sds` and `nds` too: `status`, `sent_time`, `age`, `last_ack`, `last_error`, and the
        /// nonces `sent` and `acked`.
        [wide] pub types: BTreeMap<String, TypeStatus>,
        /// `sidecar`, `router`, `waypoint`, `ztunnel`.
        [wide] pub proxy_type: Option<String>,
        /// What else istiod says of the proxy's version.
        [wide] pub proxy_version: Option<String>,
        /// The version of that istiod.
        [wide] pub istiod_version: Option<String>,
        /// How many minor versions the proxy is ahead of its istiod; negative when it is behind.
        [wide] pub skew: Option<i64>,
        /// The namespace of that istiod.
        [wide] pub istiod_namespace: Option<String>,
        /// kubectl's word for the pod's state; nothing when there is no such pod in this cluster.
        [wide] pub pod_status: Option<String>,
    }
}

/// One type of configuration on a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TypeStatus {
    /// As in the columns.
    pub status: &'static str,
    /// When it was sent last (RFC 3339).
    pub sent_time: Option<String>,
    /// How long ago that was.
    pub age: Option<String>,
    /// When what the proxy last accepted was sent (RFC 3339).
    pub last_ack: Option<String>,
    /// Why the proxy refused it.
    pub last_error: Option<String>,
    /// The nonce of what was sent last.
    pub sent: String,
    /// The nonce that was last accepted.
    pub acked: String,
}

/// How many seconds a new pod has to connect.
const NEW: i64 = 60;

/// What a replica said.
struct Told {
    replica: Replica,
    version: Option<String>,
    connections: Vec<Connection>,
}

/// All proxies that a control plane knows, and those that none knows, in order of namespace and name.
///
/// # Errors
/// When istiod may not be looked for, or no replica answers.
pub async fn proxy_status(mesh: &Mesh, options: &ProxyStatusOptions) -> Result<Vec<ProxyStatus>> {
    let scope = mesh.scope(options.namespace.as_deref()).map(str::to_owned);
    let no_options = PodOptions::default();
    let (found, pods, outside) =
        futures::join!(replicas(mesh), pods(mesh, Some(scope.as_deref().unwrap_or("*")), &no_options), external(mesh));
    let wanted = |revision: &str| options.revision.as_ref().is_none_or(|wanted| wanted == revision);
    let mut asked = found?;
    let known: Vec<String> = asked.iter().map(|replica| replica.revision.clone()).collect();
    asked.retain(|replica| wanted(&replica.revision));
    if let Some(revision) = options.revision.as_ref().filter(|_| asked.is_empty()) {
        return Err(no_revision(revision, &known));
    }
    let all = asked.len();
    let told = ask_all(mesh, asked).await?;
    // Where there is none, it may live in another cluster, behind a service of this one.
    let pods = Pods::of(mesh, pods, all > 0 && told.len() == all, outside, Here::of(&told));
    let now = mesh.now();
    let mut rows: Vec<ProxyStatus> = Vec::new();
    for one in &told {
        rows.extend(one.connections.iter().map(|connection| connected(one, connection, &pods, now)));
    }
    rows.retain(|row| scope.as_ref().is_none_or(|scope| *scope == row.namespace));
    rows.extend(pods.unknown_to(&told, now).filter(|row| wanted(row.revision.as_deref().unwrap_or("default"))));
    rows.sort_by(|a, b| (&a.namespace, &a.name, &a.istiod).cmp(&(&b.namespace, &b.name, &b.istiod)));
    Ok(rows)
}

fn no_revision(revision: &str, known: &[String]) -> Error {
    let error = Error::new(Kind::NotFound, format!("there is no istiod of revision {revision:?} in this cluster"));
    match crate::suggest::nearest(revision, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint("`istiods()` lists all, with their revisions"),
    }
}

/// Ask all at once. Who does not answer becomes a note.
async fn ask_all(mesh: &Mesh, replicas: Vec<Replica>) -> Result<Vec<Told>> {
    let mut told_by: Vec<Told> = Vec::new();
    let mut failed = Vec::new();
    for (replica, answer) in fan_out(mesh, replicas, |replica| async move { ask(mesh, &replica).await }).await {
        match answer {
            Ok(told) => told_by.push(told),
            Err(error) => failed.push((replica, error)),
        }
    }
    if told_by.is_empty()
        && let Some((_, error)) = failed.first()
    {
        mesh.mark_partial();
        let count = failed.len();
        return Err(if count == 1 { error.clone() } else { error.clone().context(format!("none of {count} istiods answers")) });
    }
    for (replica, error) in failed {
        mesh.note_missing(told("istiod", &replica, &error));
    }
    Ok(told_by)
}

async fn ask(mesh: &Mesh, replica: &Replica) -> Result<Told> {
    let (answer, version) = futures::join!(page(mesh, replica, "/debug/syncz"), page(mesh, replica, "/version"));
    let connections = syncz::read(&answer?.body).map_err(|error| unreadable(replica, "/debug/syncz", error))?;
    let said = version.ok().and_then(|answer| version::of_page(&answer.text()));
    Ok(Told { version: said.or_else(|| replica.image_tag.clone()), replica: replica.clone(), connections })
}

/// What istiods call the cluster of the pods that are seen: another may have pods of the same names.
struct Here(Vec<String>);

impl Here {
    /// Nothing, where an istiod does not say where it is, or none of the proxies is there: then the names are wrong.
    fn of(told: &[Told]) -> Self {
        let ids: Option<Vec<String>> = told.iter().map(|one| one.replica.cluster.clone()).collect();
        let ids = ids.unwrap_or_default();
        let seen = told.iter().flat_map(|one| &one.connections).any(|connection| ids.contains(&connection.cluster));
        Self(if seen { ids } else { Vec::new() })
    }

    /// Whether a proxy may be one of this cluster's pods.
    fn has(&self, connection: &Connection) -> bool {
        self.0.is_empty() || connection.cluster.is_empty() || self.0.contains(&connection.cluster)
    }
}

/// The pods of the cluster, as far as they may be seen.
struct Pods {
    by_name: HashMap<(String, String), Pod>,
    /// Whether nobody is left who may know a proxy that the others do not.
    all_asked: bool,
    outside: Vec<External>,
    here: Here,
}

impl Pods {
    fn of(mesh: &Mesh, pods: Result<Vec<Pod>>, all_asked: bool, outside: Result<Vec<External>>, here: Here) -> Self {
        let pods = pods.unwrap_or_else(|error| {
            mesh.note_missing(format!("proxies that no istiod knows are not listed, since the pods cannot be: {error}"));
            Vec::new()
        });
        // Without the permission to read webhooks there is no sign of a control plane outside.
        let outside = outside.unwrap_or_default();
        for one in &outside {
            mesh.note(format!(
                "the control plane of revision {} lives outside of this cluster, at {}: what it knows of its proxies is to be asked there",
                one.revision, one.host
            ));
        }
        let by_name = pods.into_iter().map(|pod| ((pod.namespace.clone(), pod.name.clone()), pod)).collect();
        Self { by_name, all_asked, outside, here }
    }

    fn get(&self, connection: &Connection) -> Option<&Pod> {
        let (namespace, name) = parts(&connection.proxy);
        self.by_name.get(&(namespace.to_owned(), name.to_owned())).filter(|_| self.here.has(connection))
    }

    /// Running proxies that are in no list.
    fn unknown_to<'a>(&'a self, told: &'a [Told], now: Timestamp) -> impl Iterator<Item = ProxyStatus> + 'a {
        let ours = told.iter().flat_map(|one| &one.connections).filter(|connection| self.here.has(connection));
        let known: std::collections::HashSet<(&str, &str)> = ours.map(|connection| parts(&connection.proxy)).collect();
        let runs = |pod: &&Pod| pod.proxy_state == "running" && !matches!(pod.proxy.as_str(), "none" | "agentgateway");
        let strange = move |pod: &&Pod| !known.contains(&(pod.namespace.as_str(), pod.name.as_str()));
        self.by_name.values().filter(runs).filter(strange).map(move |pod| self.disconnected(pod, now))
    }

    fn disconnected(&self, pod: &Pod, now: Timestamp) -> ProxyStatus {
        let revision = if pod.revision.is_empty() { "default" } else { &pod.revision };
        let elsewhere = self.outside.iter().any(|one| one.revision == revision);
        let new = pod.created.parse::<Timestamp>().is_ok_and(|made| now.as_second() - made.as_second() < NEW);
        ProxyStatus {
            name: pod.name.clone(),
            namespace: pod.namespace.clone(),
            version: some(&pod.istio_version),
            revision: Some(revision.to_owned()),
            status: if elsewhere || !self.all_asked {
                "UNKNOWN"
            } else if new {
                "CONNECTING"
            } else {
                "DISCONNECTED"
            },
            pod_status: some(&pod.status),
            proxy_type: Some(if pod.proxy == "gateway" { "router" } else { pod.proxy.trim_start_matches("native-") }.to_owned()),
            cluster: None,
            istiod: None,
            cds: None,
            lds: None,
            eds: None,
            rds: None,
            ecds: None,
            last_ack: None,
            last_error: BTreeMap::new(),
            stale_since: None,
            stale_for: None,
            types: BTreeMap::new(),
            proxy_version: None,
            istiod_version: None,
            skew: None,
            istiod_namespace: None,
        }
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Namespace and name of `NAME.NAMESPACE`.
fn parts(proxy: &str) -> (&str, &str) {
    proxy.rsplit_once('.').map_or(("", proxy), |(name, namespace)| (namespace, name))
}

fn connected(told: &Told, connection: &Connection, pods: &Pods, now: Timestamp) -> ProxyStatus {
    let (namespace, name) = parts(&connection.proxy);
    let types: BTreeMap<String, TypeStatus> =
        connection.types.iter().map(|(name, exchange)| (name.clone(), of_type(exchange, now))).collect();
    let word = |name: &str| Some(types.get(name).map_or("IGNORED", |one| one.status));
    let stale = types.values().filter(|one| one.status == "STALE").filter_map(|one| one.sent_time.clone());
    let stale = stale.filter_map(|time| Some((time.parse::<Timestamp>().ok()?, time))).min();
    let acks = types.values().filter_map(|one| one.last_ack.as_ref()?.parse::<Timestamp>().ok());
    ProxyStatus {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        cluster: some(&connection.cluster),
        istiod: Some(told.replica.name.clone()),
        version: some(&connection.istio_version),
        revision: Some(told.replica.revision.clone()),
        cds: word("cds"),
        lds: word("lds"),
        eds: word("eds"),
        rds: word("rds"),
        ecds: word("ecds"),
        status: worst(&types),
        last_ack: acks.max().map(|ack| age(ack, now)),
        last_error: types.iter().filter_map(|(name, one)| Some((name.clone(), one.last_error.clone()?))).collect(),
        stale_for: stale.as_ref().map(|(sent, _)| (now.as_second() - sent.as_second()).max(0)),
        stale_since: stale.map(|(_, time)| time),
        proxy_type: some(&connection.proxy_type),
        proxy_version: connection.proxy_version.clone(),
        istiod_version: told.version.clone(),
        skew: told.version.as_ref().and_then(|istiod| version::ahead(&connection.istio_version, istiod)),
        istiod_namespace: Some(told.replica.namespace.clone()),
        pod_status: pods.get(connection).and_then(|pod| some(&pod.status)),
        types,
    }
}

fn of_type(exchange: &Exchange, now: Timestamp) -> TypeStatus {
    let status = match exchange.state() {
        State::Synced => "SYNCED",
        State::Stale => "STALE",
        State::NotSent => "NOT SENT",
        State::Error => "ERROR",
    };
    let sent = exchange.sent_time.as_ref().and_then(|time| time.parse().ok());
    TypeStatus {
        status,
        age: sent.map(|sent| age(sent, now)),
        last_ack: exchange.accepted(),
        sent_time: exchange.sent_time.clone(),
        last_error: exchange.last_error.clone(),
        sent: exchange.sent.clone(),
        acked: exchange.acked.clone(),
    }
}

fn age(then: Timestamp, now: Timestamp) -> String {
    human(now.as_second() - then.as_second())
}

fn worst(types: &BTreeMap<String, TypeStatus>) -> &'static str {
    let any = |status: &'static str| types.values().any(|one| one.status == status).then_some(status);
    let nothing = || types.values().all(|one| one.status == "NOT SENT").then_some("NOT SENT");
    any("ERROR").or_else(|| any("STALE")).or_else(nothing).unwrap_or("SYNCED")
}

#[cfg(test)]
#[path = "proxy_status_tests.rs"]
mod tests;
