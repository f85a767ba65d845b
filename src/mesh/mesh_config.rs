//! The mesh's settings, as a control plane has them; or as they are written, where none can be asked.

use super::Mesh;
use super::dig::Dig;
use super::istiod_choice::{WEBHOOKS, of_revision, tags};
use super::istiod_page::{Replica, page, replicas};
use super::kube::{encode, find, list};
use crate::error::{Error, Kind, Result};
use crate::json::Doc;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The settings of a revision's control plane, defaults included; without a revision, of the only one or the default one.
///
/// Where no replica gives them, they are read from the ConfigMap, with a note: there stands only what differs from the defaults.
///
/// # Errors
/// When there is no such revision, when several are there and none is the default, and when they cannot be had either way.
pub async fn mesh_config(mesh: &Mesh, revision: Option<&str>) -> Result<Arc<Doc>> {
    let all = replicas(mesh).await?;
    let these = match revision.filter(|revision| !revision.is_empty()) {
        Some(revision) if all.is_empty() => return written(mesh, &places(mesh, &[]), revision, None).await,
        Some(revision) => of_revision(mesh, all, revision).await?,
        None => default_ones(mesh, all).await?,
    };
    let revision = these.first().map_or_else(|| "default".to_owned(), |replica| replica.revision.clone());
    match told(mesh, &these).await {
        Ok(doc) => Ok(doc),
        Err(why) => written(mesh, &places(mesh, &these), &revision, why).await,
    }
}

/// Those of the revision that is meant when none is named.
async fn default_ones(mesh: &Mesh, all: Vec<Replica>) -> Result<Vec<Replica>> {
    let revisions: BTreeSet<String> = all.iter().map(|replica| replica.revision.clone()).collect();
    if revisions.len() < 2 {
        return Ok(all);
    }
    let listed = revisions.iter().cloned().collect::<Vec<_>>().join(", ");
    let tagged = || async {
        let tags = tags(&list(mesh, WEBHOOKS).await.unwrap_or_default());
        tags.into_iter().find(|(_, tags)| tags.iter().any(|tag| tag == "default")).map(|(revision, _)| revision)
    };
    let default = if revisions.contains("default") { Some("default".to_owned()) } else { tagged().await };
    let Some(default) = default.filter(|revision| revisions.contains(revision)) else {
        return Err(Error::new(
            Kind::BadInput,
            format!("there are several control planes, of the revisions {listed}, and none is the default"),
        )
        .hint("name one: `mesh_config(\"REVISION\")`"));
    };
    mesh.note(format!(
        "these are the settings of revision {default}; there are {listed}: `mesh_config(\"REVISION\")` gives another's"
    ));
    Ok(all.into_iter().filter(|replica| replica.revision == default).collect())
}

/// What the first replica says that answers; one that hangs holds nobody up. Fails with the reason, if anybody was asked.
async fn told(mesh: &Mesh, replicas: &[Replica]) -> std::result::Result<Arc<Doc>, Option<Error>> {
    let ask = |replica| async move {
        let body = page(mesh, replica, "/debug/mesh").await?.body;
        Doc::parse(body).map_err(|error| error.context(format!("what istiod {replica} says on /debug/mesh cannot be read")))
    };
    let mut asked: FuturesUnordered<_> = replicas.iter().map(ask).collect();
    let mut failure = None;
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(doc) => return Ok(doc),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure)
}

/// Where the ConfigMap may lie.
fn places(mesh: &Mesh, replicas: &[Replica]) -> Vec<String> {
    let mut places: Vec<String> = replicas.iter().map(|replica| replica.namespace.clone()).collect();
    if places.is_empty() {
        places = vec!["istio-system".to_owned(), mesh.home()];
    }
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

/// The settings in the ConfigMap `istio`, or `istio-REVISION`.
async fn written(mesh: &Mesh, places: &[String], revision: &str, why: Option<Error>) -> Result<Arc<Doc>> {
    let name = if revision == "default" { "istio".to_owned() } else { format!("istio-{revision}") };
    let mut failure = None;
    for namespace in places {
        match from_config_map(mesh, namespace, &name).await {
            Ok(Some(doc)) => {
                let because = why.as_ref().map(|why| format!(", since no istiod gives them: {why}")).unwrap_or_default();
                mesh.note(format!(
                    "the mesh's settings are those written in ConfigMap {namespace}/{name}, without the defaults{because}"
                ));
                return Ok(doc);
            }
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let error = failure.unwrap_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no ConfigMap {name} with the mesh's settings in {}", places.join(" or ")))
            .hint("`istiods()` lists the control planes, with their namespaces and revisions")
    });
    Err(match why {
        Some(why) => why.cause(format!("nor can they be read from where they are written: {error}")),
        None => error,
    })
}

async fn from_config_map(mesh: &Mesh, namespace: &str, name: &str) -> Result<Option<Arc<Doc>>> {
    let path = format!("/api/v1/namespaces/{}/configmaps/{}", encode(namespace), encode(name));
    let Some(object) = find(mesh, &path).await? else { return Ok(None) };
    let Some(text) = object.text("/data/mesh") else {
        return Err(Error::new(
            Kind::BadAnswer,
            format!("ConfigMap {namespace}/{name} has no key `mesh`: istiod finds no settings there"),
        ));
    };
    let mut value: Value = serde_saphyr::from_str(text).map_err(|error| {
        Error::new(
            Kind::BadAnswer,
            format!("key `mesh` of ConfigMap {namespace}/{name} is no YAML: istiod keeps its old settings"),
        )
        .cause(error.to_string())
    })?;
    // An empty text is all defaults.
    if value.is_null() {
        value = json!({});
    }
    Doc::from_value(&value).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const FIRST: &str = "pod istio-system/a:15014 GET /debug/mesh";
    const SECOND: &str = "pod istio-system/b:15014 GET /debug/mesh";

    fn meshed(revisions: [&str; 2]) -> Fake {
        let pod = |name: &str, revision: &str| {
            json!({"metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istiod", "istio.io/rev": revision}},
                "spec": {"containers": [{"name": "discovery"}]}})
        };
        let pods = json!({"items": [pod("a", revisions[0]), pod("b", revisions[1])]});
        Fake::new().kube("/api/v1/pods?limit=500", pods.to_string())
    }

    fn config_map(name: &str, mesh: &str) -> (String, String) {
        let object = json!({"metadata": {"name": name}, "data": {"mesh": mesh}});
        (format!("/api/v1/namespaces/istio-system/configmaps/{name}"), object.to_string())
    }

    fn config(fake: Fake, revision: Option<&str>) -> (Result<Value>, Vec<String>) {
        let mesh = fake.mesh();
        let found = wait(mesh_config(&mesh, revision)).map(|doc| serde_json::from_slice(doc.text()).unwrap());
        (found, mesh.take_notes())
    }

    #[test]
    fn any_replica_of_the_revision_answers_for_it() {
        let fake = meshed(["default", "default"]).fails(FIRST, Kind::Timeout).says(SECOND, r#"{"trustDomain":"x"}"#);
        let (found, notes) = config(fake, None);
        assert_eq!((found.unwrap(), notes.len()), (json!({"trustDomain": "x"}), 0));
        let fake = meshed(["1-29", "1-30"]).says(FIRST, r#"{"a":1}"#).says(SECOND, r#"{"a":2}"#);
        assert_eq!(config(fake, Some("1-30")).0.unwrap(), json!({"a": 2}));
    }

    #[test]
    fn of_several_revisions_the_default_is_meant_and_that_is_said() {
        let fake = meshed(["1-30", "default"]).says(SECOND, r#"{"a":2}"#);
        let (found, notes) = config(fake, None);
        assert_eq!(found.unwrap(), json!({"a": 2}));
        assert!(notes[0].contains("revision default; there are 1-30, default"), "{notes:?}");
        let webhooks =
            json!({"items": [{"metadata": {"name": "w", "labels": {"istio.io/tag": "default", "istio.io/rev": "1-29"}}}]});
        let fake =
            meshed(["1-29", "1-30"]).kube(&format!("{WEBHOOKS}?limit=500"), webhooks.to_string()).says(FIRST, r#"{"a":1}"#);
        assert_eq!(config(fake, None).0.unwrap(), json!({"a": 1}));
        let error = config(meshed(["1-29", "1-30"]), None).0.unwrap_err();
        assert!(error.kind() == Kind::BadInput && error.message().contains("1-29, 1-30"), "{error}");
    }

    #[test]
    fn where_istiod_does_not_answer_the_configmap_does_with_a_note() {
        let (path, body) = config_map("istio-1-30", "trustDomain: old.example\naccessLogFile: /dev/stdout\n");
        let fake = meshed(["1-29", "1-30"]).refuses(SECOND, 403, "not allowed").kube(&path, body);
        let (found, notes) = config(fake, Some("1-30"));
        assert_eq!(found.unwrap(), json!({"trustDomain": "old.example", "accessLogFile": "/dev/stdout"}));
        assert!(notes[0].contains("ConfigMap istio-system/istio-1-30") && notes[0].contains("status 403"), "{notes:?}");
        let (path, body) = config_map("istio", "a: 1\n");
        let (found, notes) = config(Fake::new().kube("/api/v1/pods?limit=500", r#"{"items":[]}"#).kube(&path, body), None);
        assert_eq!((found.unwrap(), notes.len()), (json!({"a": 1}), 2));
    }

    #[test]
    fn when_neither_can_be_had_both_reasons_are_told() {
        let (path, body) = config_map("istio", "a: [1\n");
        let fake = meshed(["default", "default"]).fails(FIRST, Kind::Timeout).fails(SECOND, Kind::Timeout).kube(&path, body);
        let error = config(fake, None).0.unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout);
        assert!(error.to_string().contains("is no YAML"), "{error}");
    }
}
