//! Which versions run: pilotage's own, every control plane's, and those of the proxies, counted.

use super::Mesh;
use super::fan_out::{fan_out, told};
use super::istiod_page::{Replica, build, replicas};
use super::pods::{PodOptions, pods};
use super::proxy_status::{ProxyStatusOptions, proxy_status};
use crate::error::Result;
use crate::istio::version::{ahead, of_page};
use crate::record;
use std::collections::{BTreeMap, BTreeSet};

record! {
    /// A version of something, and how many run it.
    pub struct Version as "version" {
        /// `client` (pilotage), `istiod` (one replica), or `proxy` (all that are alike).
        pub component: &'static str,
        /// The version; nothing when it could not be found out.
        pub version: Option<String>,
        /// How many run it.
        pub count: usize,
        /// The replica: `NAMESPACE/NAME`.
        pub name: Option<String>,
        /// Its revision; of proxies, that of the control plane that they are connected to or were injected by.
        pub revision: Option<String>,
        /// Of proxies: `sidecar`, `router`, `waypoint`, `ztunnel`.
        pub proxy_type: Option<String>,
        /// Of proxies: the version of the control plane that they are connected to.
        pub istiod_version: Option<String>,
        /// How many minor versions the proxies are ahead of that; negative when they are behind.
        pub skew: Option<i64>,
        /// What an istiod says of its build, as it says it.
        [wide] pub build: Option<String>,
        /// The proxies: `NAMESPACE/NAME`.
        [wide] pub proxies: Vec<String>,
    }
}

/// What proxies have in common that are counted together: version, revision, type, and the control plane's version.
type Alike = (Option<String>, Option<String>, Option<String>, Option<String>);

/// The client, then all istiods by namespace and name, then the proxies by version.
///
/// An istiod that does not answer is told by its image, with a note; so are all proxies, where no istiod tells of them.
///
/// # Errors
/// When istiods may not be looked for.
pub async fn versions(mesh: &Mesh) -> Result<Vec<Version>> {
    let asked = replicas(mesh).await?;
    let (planes, proxies) =
        futures::join!(fan_out(mesh, asked, |replica| async move { build(mesh, &replica).await }), proxies(mesh));
    let mut rows = vec![Version { version: Some(env!("CARGO_PKG_VERSION").to_owned()), ..Version::of("client") }];
    for (replica, said) in planes {
        let build = said.map_err(|error| mesh.note_missing(told("istiod", &replica, &error))).ok();
        rows.push(of_replica(&replica, build));
    }
    rows.extend(proxies.into_iter().map(of_proxies));
    Ok(rows)
}

fn of_replica(replica: &Replica, build: Option<String>) -> Version {
    Version {
        version: build.as_deref().and_then(of_page).or_else(|| replica.image_tag.clone()),
        name: Some(replica.to_string()),
        revision: Some(replica.revision.clone()),
        build,
        ..Version::of("istiod")
    }
}

async fn proxies(mesh: &Mesh) -> BTreeMap<Alike, BTreeSet<String>> {
    let mut groups: BTreeMap<Alike, BTreeSet<String>> = BTreeMap::new();
    let mut add = |alike: Alike, namespace: &str, name: &str| {
        groups.entry(alike).or_default().insert(format!("{namespace}/{name}"));
    };
    match proxy_status(mesh, &ProxyStatusOptions::default()).await {
        Ok(rows) => {
            for row in rows {
                add((row.version, row.revision, row.proxy_type, row.istiod_version), &row.namespace, &row.name);
            }
        }
        Err(error) => {
            mesh.note_missing(format!(
                "the versions of proxies are told by their images alone, since no istiod tells them: {error}"
            ));
            let found = pods(mesh, None, &PodOptions::default()).await;
            let found = found
                .map_err(|error| mesh.note_missing(format!("the versions of proxies are not known: {error}")))
                .unwrap_or_default();
            for pod in
                found.iter().filter(|pod| pod.proxy_state == "running" && !matches!(pod.proxy.as_str(), "none" | "agentgateway"))
            {
                let kind = if pod.proxy == "gateway" { "router" } else { pod.proxy.trim_start_matches("native-") };
                let revision = if pod.revision.is_empty() { "default" } else { &pod.revision };
                let version = Some(pod.istio_version.clone()).filter(|version| !version.is_empty());
                add((version, Some(revision.to_owned()), Some(kind.to_owned()), None), &pod.namespace, &pod.name);
            }
        }
    }
    groups
}

fn of_proxies(((version, revision, proxy_type, istiod_version), proxies): (Alike, BTreeSet<String>)) -> Version {
    Version {
        count: proxies.len(),
        skew: version.as_deref().zip(istiod_version.as_deref()).and_then(|(version, istiod)| ahead(version, istiod)),
        proxies: proxies.into_iter().collect(),
        version,
        revision,
        proxy_type,
        istiod_version,
        ..Version::of("proxy")
    }
}

impl Version {
    fn of(component: &'static str) -> Self {
        Self {
            component,
            version: None,
            count: 1,
            name: None,
            revision: None,
            proxy_type: None,
            istiod_version: None,
            skew: None,
            build: None,
            proxies: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use crate::error::Kind;
    use serde_json::json;

    fn meshed() -> Fake {
        let istiod = |name: &str, image: &str| {
            json!({"metadata": {"name": name, "namespace": "mesh", "labels": {"app": "istiod"}},
                "spec": {"containers": [{"name": "discovery", "image": image}]}})
        };
        let pod = |name: &str, tag: &str| {
            json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [
                {"name": "istio-proxy", "image": format!("istio/proxyv2:{tag}"), "args": ["proxy", "sidecar"]}]},
                "status": {"phase": "Running", "containerStatuses": [{"name": "istio-proxy", "ready": true, "state": {"running": {}}}]}})
        };
        let pods = json!({"items": [istiod("a", "istio/pilot:1.29.0"), istiod("b", "istio/pilot:1.28.3"), pod("web", "1.27.1"), pod("api", "1.27.1")]});
        Fake::new().kube("/api/v1/pods?limit=500", pods.to_string())
    }

    fn syncz(proxies: &[(&str, &str)]) -> String {
        let connection = |(proxy, version): &(&str, &str)| {
            json!({"proxy": proxy, "cluster_id": "Kubernetes", "proxy_type": "sidecar", "istio_version": version,
                "cluster_sent": "n", "cluster_acked": "n"})
        };
        serde_json::Value::from(proxies.iter().map(connection).collect::<Vec<_>>()).to_string()
    }

    fn told(row: &Version) -> (&str, Option<&str>, usize, Option<i64>) {
        (row.component, row.version.as_deref(), row.count, row.skew)
    }

    #[test]
    fn pages_are_text_or_json_and_a_proxy_counts_once() {
        let mesh = meshed()
            .says("pod mesh/a:15014 GET /version", "1.29.0-abc-Clean\n")
            .says("pod mesh/b:15014 GET /version", r#"{"version":"1.28.3","revision":"x"}"#)
            .says(
                "pod mesh/a:15014 GET /debug/syncz",
                syncz(&[("web.shop", "1.27.1"), ("api.shop", "1.27.1"), ("gw.edge", "1.29.0")]),
            )
            .says("pod mesh/b:15014 GET /debug/syncz", "null")
            .mesh();
        let rows = wait(versions(&mesh)).unwrap();
        let all: Vec<_> = rows.iter().map(told).collect();
        assert_eq!(
            all,
            [
                ("client", Some(env!("CARGO_PKG_VERSION")), 1, None),
                ("istiod", Some("1.29.0"), 1, None),
                ("istiod", Some("1.28.3"), 1, None),
                ("proxy", Some("1.27.1"), 2, Some(-2)),
                ("proxy", Some("1.29.0"), 1, Some(0)),
            ]
        );
        assert_eq!((rows[1].build.as_deref(), rows[1].name.as_deref()), (Some("1.29.0-abc-Clean"), Some("mesh/a")));
        assert_eq!(rows[3].proxies, ["shop/api", "shop/web"]);
    }

    #[test]
    fn who_does_not_answer_is_told_by_its_image() {
        let mut fake = meshed();
        for istiod in ["a", "b"] {
            for page in ["/version", "/debug/syncz"] {
                fake = fake.fails(&format!("pod mesh/{istiod}:15014 GET {page}"), Kind::Timeout);
            }
        }
        let mesh = fake.mesh();
        let rows = wait(versions(&mesh)).unwrap();
        let all: Vec<_> = rows.iter().skip(1).map(told).collect();
        assert_eq!(
            all,
            [("istiod", Some("1.29.0"), 1, None), ("istiod", Some("1.28.3"), 1, None), ("proxy", Some("1.27.1"), 2, None)]
        );
        let notes = mesh.take_notes();
        assert!(mesh.partial() && notes.len() == 3, "{notes:?}");
        assert!(notes.iter().any(|note| note.contains("mesh/a") && note.contains("by its image")), "{notes:?}");
    }
}
