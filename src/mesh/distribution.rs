//! Whether every control plane has a change: what each replica holds of an object, and where it tracks that, which proxies run it.

use super::Mesh;
use super::dig::{Dig, full_name};
use super::fan_out::fan_out;
use super::istiod_page::{Replica, page, replicas, unreadable};
use super::kinds::{KindInfo, kind};
use super::kube::{encode, find};
use crate::error::{Error, Kind, Result};
use crate::record;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// What one replica of a control plane has of an object.
    pub struct Distribution as "distribution" {
        /// The replica: `NAMESPACE/NAME`.
        pub istiod: String,
        /// Its revision.
        pub revision: String,
        /// The object: `VirtualService/shop/web`.
        pub resource: String,
        /// The object's generation in the API server; nothing when there is no such object (any more).
        pub wanted: Option<i64>,
        /// The generation that the replica holds; nothing when it holds none, and where it does not tell.
        pub held: Option<i64>,
        /// Whether the replica has what the API server has.
        pub current: bool,
        /// Why that is not known: it did not answer.
        pub problem: Option<String>,
        /// Whether it tracks which proxies run it: istiods up to 1.22, started with PILOT_ENABLE_CONFIG_DISTRIBUTION_TRACKING.
        pub tracked: bool,
        /// For how many seconds the object is what it is; nothing when that is not known.
        pub changed_for: Option<i64>,
        /// When it was last changed (RFC 3339).
        [wide] pub changed: Option<String>,
        /// Where it is tracked: the generations that each proxy runs, by type: `#{ "web-0.shop": #{ cds: "3", lds: "3", rds: "3" } }`.
        [wide] pub proxies: BTreeMap<String, BTreeMap<String, String>>,
    }
}

/// An object as it is wanted, or that it is not.
struct Wanted {
    kind: KindInfo,
    namespace: String,
    name: String,
    object: Option<Value>,
}

/// What all replicas have of an object; of one that does not answer, the row says so.
///
/// # Errors
/// When there is no such kind, when istiod takes none of that kind for configuration, and when no replica answers.
pub async fn distribution(mesh: &Mesh, word: &str, name: &str, namespace: &str) -> Result<Vec<Distribution>> {
    let kind = kind(mesh, word).await?;
    if !kind.group.ends_with("istio.io") && kind.group != "gateway.networking.k8s.io" {
        return Err(Error::new(Kind::BadInput, format!("{} is no configuration that istiod hands on", kind.kind))
            .hint("what can be followed are Istio's own kinds, and those of the Gateway API"));
    }
    let object = find(mesh, &kind.object(namespace, name)).await?;
    let wanted = Wanted { kind, namespace: namespace.to_owned(), name: name.to_owned(), object };
    let asked = replicas(mesh).await?;
    let answers = fan_out(mesh, asked, |replica| {
        let wanted = &wanted;
        async move { of_replica(mesh, &replica, wanted).await }
    });
    let answers = answers.await;
    if let Some((_, Err(error))) = answers.first()
        && answers.iter().all(|(_, answer)| answer.is_err())
    {
        return Err(error.clone());
    }
    Ok(answers
        .into_iter()
        .map(|(replica, answer)| answer.unwrap_or_else(|error| silent(mesh, &replica, &wanted, &error)))
        .collect())
}

/// The row of a replica that did not answer.
fn silent(mesh: &Mesh, replica: &Replica, wanted: &Wanted, error: &Error) -> Distribution {
    mesh.mark_partial();
    Distribution { current: false, problem: Some(error.to_string()), ..wanted.row(mesh, replica) }
}

async fn of_replica(mesh: &Mesh, replica: &Replica, wanted: &Wanted) -> Result<Distribution> {
    let tracking = format!("/debug/config_distribution?resource={}", encode(&wanted.resource()));
    let (configuration, tracking) = futures::join!(page(mesh, replica, "/debug/configz"), page(mesh, replica, &tracking));
    let held = held(&configuration?.body, wanted).map_err(|error| unreadable(replica, "/debug/configz", error))?;
    // Where nothing is tracked, the page says so in words, or is not there.
    let proxies = tracking.ok().and_then(|answer| serde_json::from_slice::<Option<Vec<Tracked>>>(&answer.body).ok());
    Ok(Distribution {
        current: wanted.is(held.as_ref()),
        held: held.and_then(|held| held.generation),
        tracked: proxies.is_some(),
        proxies: proxies.flatten().unwrap_or_default().into_iter().map(|one| (one.proxy.clone(), one.by_type())).collect(),
        ..wanted.row(mesh, replica)
    })
}

impl Wanted {
    /// What is known of it before a replica answers.
    fn row(&self, mesh: &Mesh, replica: &Replica) -> Distribution {
        let changed = self.object.as_ref().and_then(changed);
        let at = changed.as_ref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        Distribution {
            istiod: replica.to_string(),
            revision: replica.revision.clone(),
            resource: self.resource(),
            wanted: self.object.as_ref().and_then(|object| object.int("/metadata/generation")),
            held: None,
            current: false,
            problem: None,
            tracked: false,
            changed_for: at.map(|at| (mesh.now().as_second() - at.as_second()).max(0)),
            changed,
            proxies: BTreeMap::new(),
        }
    }

    fn resource(&self) -> String {
        match &self.object {
            Some(object) => format!("{}/{}", self.kind.kind, full_name(object)),
            None if self.kind.namespaced => format!("{}/{}/{}", self.kind.kind, self.namespace, self.name),
            None => format!("{}/{}", self.kind.kind, self.name),
        }
    }

    /// Whether what is held is this. Older istiods do not tell the generation.
    fn is(&self, held: Option<&Metadata>) -> bool {
        match (&self.object, held) {
            (None, None) => true,
            (Some(object), Some(held)) => match (object.int("/metadata/generation"), held.generation) {
                (Some(wanted), Some(generation)) => wanted == generation,
                _ => object.text("/metadata/resourceVersion") == held.resource_version.as_deref(),
            },
            _ => false,
        }
    }
}

/// When an object was last changed by anybody but who writes its status.
fn changed(object: &Value) -> Option<String> {
    let by_hand = object.list("/metadata/managedFields").iter().filter(|entry| entry.text("/subresource").is_none());
    let last = by_hand.filter_map(|entry| entry.text("/time")).max();
    last.or_else(|| object.text("/metadata/creationTimestamp")).map(str::to_owned)
}

/// An object in istiod's store, as far as it is looked at: the store may be large.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stored {
    kind: String,
    metadata: Metadata,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: String,
    generation: Option<i64>,
    resource_version: Option<String>,
}

fn held(body: &[u8], wanted: &Wanted) -> Result<Option<Metadata>> {
    let store: Option<Vec<Stored>> = serde_json::from_slice(body)
        .map_err(|error| Error::new(Kind::BadAnswer, "that is no list of objects").caused_by(&error))?;
    let is_it = |one: &Stored| {
        let place = !wanted.kind.namespaced || one.metadata.namespace == wanted.namespace;
        one.kind == wanted.kind.kind && one.metadata.name == wanted.name && place
    };
    Ok(store.unwrap_or_default().into_iter().find(is_it).map(|one| one.metadata))
}

/// What a proxy runs, as istiod tracks it.
#[derive(Deserialize)]
struct Tracked {
    proxy: String,
    #[serde(default)]
    cluster_acked: String,
    #[serde(default)]
    listener_acked: String,
    #[serde(default)]
    route_acked: String,
}

impl Tracked {
    /// Endpoints are left out: no object of configuration is followed by them.
    fn by_type(self) -> BTreeMap<String, String> {
        let all = [("cds", self.cluster_acked), ("lds", self.listener_acked), ("rds", self.route_acked)];
        all.into_iter().filter(|(_, version)| !version.is_empty()).map(|(name, version)| (name.to_owned(), version)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, now, wait};
    use super::*;
    use serde_json::json;

    const OBJECT: &str = "kube GET /apis/networking.istio.io/v1/namespaces/shop/virtualservices/web";

    fn rule(generation: i64) -> Value {
        json!({"kind": "VirtualService", "metadata": {"name": "web", "namespace": "shop", "generation": generation, "resourceVersion": "77",
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [
                {"time": "2026-01-02T00:00:00Z"}, {"time": "2026-01-09T00:00:00Z", "subresource": "status"}]}})
    }

    fn page_of(istiod: &str, path: &str) -> String {
        format!("pod istio-system/{istiod}:15014 GET /debug/{path}")
    }

    fn cluster(object: Option<Value>) -> Fake {
        let istiod = |name: &str| {
            json!({"metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istiod"}},
            "spec": {"containers": [{"name": "discovery"}]}})
        };
        let fake = Fake::new()
            .kube("/api/v1/pods?labelSelector=app%3Distiod&limit=500", json!({"items": [istiod("a"), istiod("b")]}).to_string())
            .kube("/api/v1/pods?labelSelector=istio%3Dpilot&limit=500", r#"{"items":[]}"#);
        let fake = fake.kube("/apis", include_str!("../../tests/data/kube/apis-aggregated.json"));
        let fake = fake.kube("/api", r#"{"versions":["v1"]}"#).kube("/api/v1", r#"{"resources":[]}"#);
        match object {
            Some(object) => fake.says(OBJECT, object.to_string()),
            None => fake.refuses(OBJECT, 404, r#"{"kind":"Status","message":"not found","reason":"NotFound"}"#),
        }
    }

    fn rows(fake: Fake) -> Result<Vec<Distribution>> {
        wait(distribution(&fake.mesh(), "vs", "web", "shop"))
    }

    #[test]
    fn each_replica_tells_which_generation_it_holds() {
        let other = json!({"kind": "Gateway", "metadata": {"name": "web", "namespace": "shop", "generation": 9}});
        let store = |generation: i64| json!([other, rule(generation)]).to_string();
        let fake = cluster(Some(rule(3))).says(&page_of("a", "configz"), store(3)).says(&page_of("b", "configz"), store(2));
        let rows = rows(fake).unwrap();
        assert_eq!((rows[0].current, rows[0].held, rows[0].wanted), (true, Some(3), Some(3)));
        assert_eq!((rows[1].current, rows[1].held, rows[1].tracked), (false, Some(2), false));
        assert_eq!(
            (rows[0].resource.as_str(), rows[0].changed.as_deref()),
            ("VirtualService/shop/web", Some("2026-01-02T00:00:00Z"))
        );
        assert_eq!(
            rows[0].changed_for,
            Some(now().as_second() - "2026-01-02T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second())
        );
    }

    #[test]
    fn what_is_gone_must_be_gone_everywhere() {
        let fake =
            cluster(None).says(&page_of("a", "configz"), "null").says(&page_of("b", "configz"), json!([rule(3)]).to_string());
        let told: Vec<(bool, Option<i64>, Option<i64>)> =
            rows(fake).unwrap().iter().map(|row| (row.current, row.wanted, row.held)).collect();
        assert_eq!(told, [(true, None, None), (false, None, Some(3))]);
    }

    #[test]
    fn old_istiods_are_compared_by_the_version_of_the_object() {
        let store = |version: &str| {
            json!([{"kind": "VirtualService", "metadata": {"name": "web", "namespace": "shop", "resourceVersion": version}}])
                .to_string()
        };
        let fake = cluster(Some(rule(3))).says(&page_of("a", "configz"), store("77")).says(&page_of("b", "configz"), store("76"));
        assert_eq!(rows(fake).unwrap().iter().map(|row| row.current).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn where_istiod_tracks_it_the_proxies_generations_are_told() {
        let tracked = r#"[{"proxy":"web-0.shop","cluster_acked":"3","listener_acked":"2","route_acked":"3","endpoint_acked":"1"},{"proxy":"api-0.shop"}]"#;
        let path = "config_distribution?resource=VirtualService%2Fshop%2Fweb";
        let fake = cluster(Some(rule(3)))
            .says(&page_of("a", "configz"), json!([rule(3)]).to_string())
            .says(&page_of("a", path), tracked)
            .says(&page_of("b", "configz"), json!([rule(3)]).to_string())
            .says(&page_of("b", path), "Pilot Version tracking is disabled.");
        let rows = rows(fake).unwrap();
        assert_eq!((rows[0].tracked, rows[1].tracked), (true, false));
        assert_eq!(
            rows[0].proxies["web-0.shop"],
            [("cds", "3"), ("lds", "2"), ("rds", "3")].map(|(a, b)| (a.into(), b.into())).into()
        );
        assert!(rows[0].proxies["api-0.shop"].is_empty());
    }

    #[test]
    fn a_replica_that_does_not_answer_is_a_row_that_says_so_and_other_kinds_are_refused() {
        let fake = cluster(Some(rule(3))).says(&page_of("a", "configz"), "[]").says(&page_of("b", "configz"), "<html>");
        let mesh = fake.mesh();
        let rows = wait(distribution(&mesh, "vs", "web", "shop")).unwrap();
        assert_eq!((rows[0].current, rows[0].problem.as_ref(), rows[1].current), (false, None, false));
        assert!(rows[1].problem.as_ref().unwrap().contains("istio-system/b says on /debug/configz") && mesh.partial());
        let mute = cluster(Some(rule(3))).says(&page_of("a", "configz"), "x").says(&page_of("b", "configz"), "<html>");
        assert!(self::rows(mute).unwrap_err().message().contains("istio-system/a"));
        let error = wait(distribution(&cluster(None).mesh(), "configmap", "istio", "x")).unwrap_err();
        assert!(error.kind() == Kind::BadInput && error.message().contains("ConfigMap"), "{error}");
    }
}
