//! The control planes: every istiod replica of every revision, wherever it lives.

use super::Mesh;
use super::dig::{Dig, full_name, label};
use super::external::{External, of_webhooks};
use super::extra_ca::{ExtraCa, extra_ca};
use super::fan_out::{fan_out, told};
use super::istiod_choice::{WEBHOOKS, tags};
use super::istiod_page::{Replica, build};
use super::kube::{list, list_path, list_selected};
use super::leaders::{Election, elections};
use super::pod_proxy::image_tag;
use super::pod_status::state;
use super::pods::owner;
use crate::error::{Error, Kind, Result};
use crate::istio::version::of_page;
use crate::record;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The container that istiod runs in.
pub(crate) const DISCOVERY: &str = "discovery";
/// istiod's debug pages.
pub(crate) const DEBUG_PORT: u16 = 15014;

/// Environment variables of istiod that decide how it fetches keys.
const ENV: [&str; 10] = [
    "PILOT_JWT_ENABLE_REMOTE_JWKS",
    "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL",
    "JWKS_RESOLVER_INSECURE_SKIP_VERIFY",
    "BLOCKED_CIDRS_IN_JWKS_URIS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

record! {
    /// One replica of a control plane; or one that lives outside of the cluster.
    pub struct Istiod as "istiod" {
        /// Its namespace; empty for one outside.
        pub namespace: String,
        /// The pod's name; the host of one outside.
        pub name: String,
        /// Its revision; `default` when it has no other.
        pub revision: String,
        /// Its version, as it says itself. Where it does not answer, that of its image's tag, else of its labels, and a note says so.
        pub version: String,
        /// Ready containers of all: `1/1`.
        pub ready: String,
        /// kubectl's word for its state; `External` for one outside, of which only the injection webhook tells.
        pub status: String,
        /// When its process was started (RFC 3339).
        pub started: String,
        /// How often its containers were restarted.
        pub restarts: i64,
        /// Whether it leads: of several replicas one writes statuses and patches webhooks. Unknown when the elections may not be read.
        pub leader: Option<bool>,
        /// What is mounted at `/cacerts`, where istiod reads `extra.pem` when it starts: `configmap/NAME key KEY`, `secret/NAME key KEY`, or `none`.
        pub extra_ca: String,
        /// Whether that can be read: `none`, `ok`, `not_found`, `no_key`, `forbidden`, `unreadable`; `unknown` of one outside.
        [wide] pub extra_ca_state: String,
        /// The certificates in it, as PEM.
        [wide] pub extra_ca_pem: Option<String>,
        /// When the object was last changed (RFC 3339). istiod reads it only once: is this later than `started`, a restart is due.
        [wide] pub extra_ca_changed: Option<String>,
        /// The revision tags that point to it; unknown when the webhooks may not be read.
        [wide] pub tags: Option<Vec<String>>,
        /// The elections that it won, by their leases' names.
        [wide] pub leads: Vec<String>,
        /// Whether it lives outside of this cluster.
        [wide] pub external: bool,
        /// Its environment variables that decide how it fetches keys.
        [wide] pub env: BTreeMap<String, String>,
        /// The workload it belongs to: `Deployment/istiod`.
        [wide] pub owner: String,
        /// Its container.
        [wide] pub container: String,
        /// The whole name of its image.
        [wide] pub image: String,
    }
}

/// All istiods of the cluster, and those outside that inject into it. None found is a note, not a failure.
///
/// # Errors
/// When no namespace's pods may be listed.
pub async fn istiods(mesh: &Mesh) -> Result<Vec<Istiod>> {
    let pods = objects(mesh).await?;
    let places: BTreeSet<String> = pods.iter().map(|pod| pod.string("/metadata/namespace")).collect();
    let replicas = pods.iter().map(Replica::of).collect();
    let builds = fan_out(mesh, replicas, |replica| async move { build(mesh, &replica).await });
    let (webhooks, elections, builds) = futures::join!(list(mesh, WEBHOOKS), elections(mesh, &places), builds);
    let webhooks = webhooks.ok();
    let about = About { tags: webhooks.as_deref().map(tags), elections };
    let mut known: HashMap<String, ExtraCa> = HashMap::new();
    let mut rows = Vec::new();
    for (pod, (replica, build)) in pods.iter().zip(builds) {
        // Replicas mount the same object: it is read once.
        let mount = format!("{} {:?}", pod.string("/metadata/namespace"), super::extra_ca::source(pod));
        let extra = match known.get(&mount) {
            Some(extra) => extra.clone(),
            None => extra_ca(mesh, pod).await,
        };
        let version = build.map_err(|error| mesh.note(told("istiod", &replica, &error))).ok();
        let version = version.and_then(|build| of_page(&build));
        rows.push(read(pod, &extra, &about, version));
        known.insert(mount, extra);
    }
    rows.extend(of_webhooks(webhooks.as_deref().unwrap_or_default()).into_iter().map(|one| outside(one, &about)));
    Ok(rows)
}

/// What else there is to know of control planes than their pods say.
struct About {
    tags: Option<BTreeMap<String, Vec<String>>>,
    elections: BTreeSet<Election>,
}

impl About {
    fn tags(&self, revision: &str) -> Option<Vec<String>> {
        self.tags.as_ref().map(|tags| tags.get(revision).cloned().unwrap_or_default())
    }

    /// Whether a pod leads, and what.
    fn leads(&self, pod: &Value) -> (Option<bool>, Vec<String>) {
        let (namespace, name) = (pod.string("/metadata/namespace"), pod.string("/metadata/name"));
        let mut here = self.elections.iter().filter(|election| election.namespace == namespace).peekable();
        let known = here.peek().is_some();
        let won: Vec<String> = here.filter(|election| election.holder == name).map(|election| election.name.clone()).collect();
        (known.then_some(!won.is_empty()), won)
    }
}

/// A control plane outside: the webhook tells its revision and where it is.
fn outside(one: External, about: &About) -> Istiod {
    Istiod {
        namespace: String::new(),
        name: one.host,
        version: String::new(),
        ready: String::new(),
        status: "External".into(),
        started: String::new(),
        restarts: 0,
        leader: None,
        extra_ca: "unknown".into(),
        extra_ca_state: "unknown".into(),
        extra_ca_pem: None,
        extra_ca_changed: None,
        tags: about.tags(&one.revision),
        leads: Vec::new(),
        external: true,
        env: BTreeMap::new(),
        owner: String::new(),
        container: String::new(),
        image: String::new(),
        revision: one.revision,
    }
}

/// The pods of all istiods, in order of namespace and name.
pub(crate) async fn objects(mesh: &Mesh) -> Result<Vec<Value>> {
    let found = match labelled(mesh, None).await {
        Err(error) if error.kind() == Kind::Forbidden => in_likely_places(mesh, error).await?,
        found => found?,
    };
    if found.is_empty() {
        mesh.note("no istiod was found (pods labelled app=istiod or istio=pilot): the control plane lives outside of this cluster, or the mesh is gone");
    }
    Ok(found)
}

async fn labelled(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<Value>> {
    let path = list_path("/api/v1", namespace, "pods");
    let (new, old) = futures::join!(list_selected(mesh, &path, "app=istiod"), list_selected(mesh, &path, "istio=pilot"));
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for pod in new?.into_iter().chain(old?) {
        if container(&pod).is_some() {
            found.insert(full_name(&pod), pod);
        }
    }
    Ok(found.into_values().collect())
}

/// Where istiod usually lives, for those who may not look everywhere.
async fn in_likely_places(mesh: &Mesh, refused: Error) -> Result<Vec<Value>> {
    let mut places = vec!["istio-system".to_owned(), mesh.home()];
    places.dedup();
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for place in places {
        if let Ok(pods) = labelled(mesh, Some(&place)).await {
            found.extend(pods);
            seen.push(place);
        }
    }
    if seen.is_empty() {
        return Err(refused.context("cannot look for istiod"));
    }
    mesh.note_missing(format!("you may not list pods of all namespaces: istiod was looked for in {} only", seen.join(" and ")));
    Ok(found)
}

fn container(pod: &Value) -> Option<&Value> {
    pod.list("/spec/containers").iter().find(|container| container.text("/name") == Some(DISCOVERY))
}

fn read(pod: &Value, extra: &ExtraCa, about: &About, version: Option<String>) -> Istiod {
    let state = state(pod);
    let (leader, leads) = about.leads(pod);
    let revision = label(pod, "istio.io/rev").filter(|rev| !rev.is_empty()).unwrap_or("default").to_owned();
    let image = container(pod).map(|container| container.string("/image")).unwrap_or_default();
    let by_label =
        ["app.kubernetes.io/version", "operator.istio.io/version"].iter().find_map(|key| label(pod, key)).map(str::to_owned);
    Istiod {
        namespace: pod.string("/metadata/namespace"),
        name: pod.string("/metadata/name"),
        version: version.or_else(|| image_tag(&image)).or(by_label).unwrap_or_default(),
        ready: state.ready,
        status: state.status,
        started: started(pod),
        restarts: state.restarts,
        leader,
        extra_ca: extra.what.clone(),
        extra_ca_state: extra.state.into(),
        extra_ca_pem: extra.pem.clone(),
        extra_ca_changed: extra.changed.clone(),
        tags: about.tags(&revision),
        leads,
        external: false,
        env: env(pod),
        owner: owner(pod),
        container: DISCOVERY.into(),
        image,
        revision,
    }
}

/// When the process was started: a container restarts without its pod.
fn started(pod: &Value) -> String {
    let mut statuses = pod.list("/status/containerStatuses").iter();
    let own = statuses.find(|status| status.text("/name") == Some(DISCOVERY));
    own.and_then(|status| status.text("/state/running/startedAt"))
        .or_else(|| pod.text("/status/startTime"))
        .unwrap_or_default()
        .to_owned()
}

fn env(pod: &Value) -> BTreeMap<String, String> {
    let entries = container(pod).map_or(&[][..], |container| container.list("/env"));
    let mine = entries.iter().filter(|entry| ENV.contains(&entry.string("/name").as_str()));
    mine.map(|entry| {
        let from = || if entry.get("valueFrom").is_some() { "(from elsewhere)".to_owned() } else { String::new() };
        (entry.string("/name"), entry.text("/value").map_or_else(from, str::to_owned))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const WITH_CA: &str = include_str!("../../tests/data/kube/istiod-extra-ca.json");
    const CONFIG_MAP: &str = include_str!("../../tests/data/kube/extra-ca-configmap.json");
    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-list-pods.json");
    const WEBHOOK_LIST: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500";

    #[test]
    fn the_recorded_istiod_has_no_extra_ca_before_the_repair() {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", PODS).mesh();
        let row = wait(istiods(&mesh)).unwrap().remove(0);
        assert_eq!((row.namespace.as_str(), row.name.as_str(), row.revision.as_str()), ("istio-system", "istiod-lab", "default"));
        assert_eq!(
            (row.version.as_str(), row.started.as_str(), row.owner.as_str()),
            ("lab", "2026-11-22T13:05:27Z", "Deployment/istiod")
        );
        assert_eq!((row.extra_ca.as_str(), row.extra_ca_pem, row.tags), ("none", None, None));
    }

    #[test]
    fn after_the_repair_it_names_the_configmap_and_was_started_later() {
        let mesh = Fake::new()
            .kube("/api/v1/pods?limit=500", WITH_CA)
            .kube("/api/v1/namespaces/istio-system/configmaps/pilot-jwks-extra-cacerts", CONFIG_MAP)
            .mesh();
        let row = wait(istiods(&mesh)).unwrap().remove(0);
        assert_eq!(
            (row.extra_ca.as_str(), row.extra_ca_state.as_str()),
            ("configmap/pilot-jwks-extra-cacerts key extra.pem", "ok")
        );
        assert!(row.extra_ca_pem.unwrap().contains("BEGIN CERTIFICATE"));
        assert!(row.extra_ca_changed.unwrap() < row.started);
    }

    #[test]
    fn the_version_is_what_it_says_itself_else_its_images_with_a_note() {
        let page = "pod istio-system/istiod-lab:15014 GET /version";
        let fake = || Fake::new().kube("/api/v1/pods?limit=500", PODS);
        let version = |mesh: &Mesh| wait(istiods(mesh)).unwrap().remove(0).version;
        let mesh = fake().says(page, "1.31-lab-75893e6-Clean\n").mesh();
        assert_eq!((version(&mesh).as_str(), mesh.take_notes()), ("1.31-lab", vec![]));
        let mesh = fake().fails(page, Kind::Timeout).mesh();
        let (version, notes) = (version(&mesh), mesh.take_notes());
        assert!(version == "lab" && notes.len() == 1 && notes[0].contains("told by its image"), "{version} {notes:?}");
        assert!(!mesh.partial(), "it is a word beside the point");
    }

    #[test]
    fn revisions_tags_environment_and_old_names_are_read() {
        let istiod = |name: &str, labels: Value| {
            json!({"metadata": {"name": name, "namespace": "mesh", "labels": labels}, "spec": {"containers": [
                {"name": "discovery", "image": "istio/pilot@sha256:ab", "env": [
                    {"name": "HTTPS_PROXY", "value": "http://p:3128"}, {"name": "NO_PROXY", "valueFrom": {}}, {"name": "OTHER", "value": "x"}]}]}})
        };
        let pods = json!({"items": [
            istiod("istiod-a", json!({"app": "istiod", "istio.io/rev": "1-29", "app.kubernetes.io/version": "1.29.2"})),
            istiod("istio-pilot-1", json!({"app": "pilot", "istio": "pilot"})),
            json!({"metadata": {"name": "fake", "labels": {"app": "istiod"}}, "spec": {"containers": [{"name": "web"}]}})]});
        let webhooks =
            json!({"items": [{"metadata": {"name": "w", "labels": {"istio.io/tag": "prod", "istio.io/rev": "1-29"}}}]});
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", pods.to_string()).kube(WEBHOOK_LIST, webhooks.to_string()).mesh();
        let rows = wait(istiods(&mesh)).unwrap();
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["istio-pilot-1", "istiod-a"]);
        let newer = &rows[1];
        assert_eq!((newer.version.as_str(), newer.tags.as_deref()), ("1.29.2", Some(&["prod".to_owned()][..])));
        assert_eq!(newer.env["HTTPS_PROXY"], "http://p:3128");
        assert_eq!((newer.env["NO_PROXY"].as_str(), newer.env.len()), ("(from elsewhere)", 2));
    }

    #[test]
    fn the_leader_is_told_and_a_control_plane_outside_is_named() {
        let istiod = |name: &str| json!({"metadata": {"name": name, "namespace": "mesh", "labels": {"app": "istiod"}}, "spec": {"containers": [{"name": "discovery"}]}});
        let lease =
            json!({"metadata": {"name": "istio-leader"}, "spec": {"holderIdentity": "b", "renewTime": "2026-11-22T13:06:10Z"}});
        let webhook = json!({"metadata": {"name": "w", "labels": {"istio.io/rev": "far", "istio.io/tag": "prod"}}, "webhooks": [
            {"name": "rev.namespace.sidecar-injector.istio.io", "clientConfig": {"url": "https://istiod.example.com:15017/inject"}}]});
        let fake = || Fake::new().kube(WEBHOOK_LIST, json!({ "items": [webhook] }).to_string());
        let mesh = fake()
            .kube("/api/v1/pods?limit=500", json!({"items": [istiod("a"), istiod("b")]}).to_string())
            .kube("/apis/coordination.k8s.io/v1/namespaces/mesh/leases?limit=500", json!({ "items": [lease] }).to_string())
            .mesh();
        let rows = wait(istiods(&mesh)).unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.leader, row.external)).collect();
        assert_eq!(told, [("a", Some(false), false), ("b", Some(true), false), ("istiod.example.com:15017", None, true)]);
        assert_eq!(rows[1].leads, ["istio-leader"]);
        assert_eq!(
            (rows[2].status.as_str(), rows[2].revision.as_str(), rows[2].tags.as_deref()),
            ("External", "far", Some(&["prod".to_owned()][..]))
        );
        // Nothing is known of elections where none may be read.
        let mesh = fake().kube("/api/v1/pods?limit=500", json!({"items": [istiod("a")]}).to_string()).mesh();
        assert_eq!(wait(istiods(&mesh)).unwrap()[0].leader, None);
    }

    #[test]
    fn who_may_not_look_everywhere_looks_where_istiod_usually_lives() {
        let selected = |namespace: &str, selector: &str| format!("/api/v1{namespace}/pods?labelSelector={selector}&limit=500");
        let mut fake = Fake::new();
        for selector in ["app%3Distiod", "istio%3Dpilot"] {
            fake = fake.refuses(&format!("kube GET {}", selected("", selector)), 403, FORBIDDEN);
            fake = fake.refuses(&format!("kube GET {}", selected("/namespaces/default", selector)), 403, FORBIDDEN);
        }
        let mesh = fake.kube("/api/v1/namespaces/istio-system/pods?limit=500", PODS).mesh();
        assert_eq!(wait(istiods(&mesh)).unwrap().len(), 1);
        assert!(mesh.take_notes()[0].contains("looked for in istio-system only"));
    }

    #[test]
    fn no_istiod_is_a_note_and_no_permission_is_an_error() {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", r#"{"items":[]}"#).mesh();
        assert!(wait(istiods(&mesh)).unwrap().is_empty());
        assert!(mesh.take_notes()[0].contains("no istiod was found"));
        let mut fake = Fake::new();
        for namespace in ["", "/namespaces/istio-system", "/namespaces/default"] {
            for selector in ["app%3Distiod", "istio%3Dpilot"] {
                fake =
                    fake.refuses(&format!("kube GET /api/v1{namespace}/pods?labelSelector={selector}&limit=500"), 403, FORBIDDEN);
            }
        }
        let error = wait(istiods(&fake.mesh())).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Forbidden, "cannot look for istiod"));
    }
}
