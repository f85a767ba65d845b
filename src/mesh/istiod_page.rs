//! Asking an istiod replica for one of its pages: by port-forward, else by exec; on its monitoring port, else on its old one.

use super::Mesh;
use super::dig::{Dig, annotation, label};
use super::istiods::{DEBUG_PORT, DISCOVERY, objects};
use super::pod_proxy::image_tag;
use super::status;
use crate::backend::{Answer, Ask, Exec};
use crate::error::{Error, Kind, Result};
use serde_json::Value;
use std::fmt;

/// Where istiods have their debug pages when the monitoring port has none.
const OLD_PORT: u16 = 8080;

/// A replica of a control plane that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Its namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// Its revision; `default` when it has no other.
    pub revision: String,
    /// The tag of its image.
    pub image_tag: Option<String>,
    /// What it calls the cluster that it is in, where its pod says so.
    pub cluster: Option<String>,
    /// Its monitoring port.
    port: u16,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Replica {
    /// Of the pod's object.
    pub(crate) fn of(pod: &Value) -> Self {
        let mut containers = pod.list("/spec/containers").iter();
        let own = containers.find(|container| container.text("/name") == Some(DISCOVERY));
        let image = own.map(|own| own.string("/image"));
        let id = own.and_then(|own| own.list("/env").iter().find(|variable| variable.text("/name") == Some("CLUSTER_ID")));
        Self {
            namespace: pod.string("/metadata/namespace"),
            name: pod.string("/metadata/name"),
            revision: label(pod, "istio.io/rev").filter(|rev| !rev.is_empty()).unwrap_or("default").to_owned(),
            cluster: id.and_then(|id| id.text("/value")).filter(|id| !id.is_empty()).map(str::to_owned),
            image_tag: image.and_then(|image| image_tag(&image)),
            port: annotation(pod, "prometheus.io/port").and_then(|port| port.parse().ok()).unwrap_or(DEBUG_PORT),
        }
    }
}

/// All replicas of all revisions, by namespace and name. None found is a note.
///
/// # Errors
/// When no namespace's pods may be listed.
pub(crate) async fn replicas(mesh: &Mesh) -> Result<Vec<Replica>> {
    Ok(objects(mesh).await?.iter().map(Replica::of).collect())
}

/// GET a page of a replica: an answer with status 2xx.
///
/// # Errors
/// When no way leads there, and when it answers with another status: the failure then says what it says. A page that it does
/// not have is [`Kind::NotFound`], one that is restricted [`Kind::Forbidden`].
pub(crate) async fn page(mesh: &Mesh, replica: &Replica, path: &str) -> Result<Answer> {
    let first = forwarded(mesh, replica, replica.port, path).await;
    let other = match &first {
        Err(error) if error.kind() == Kind::Forbidden => executed(mesh, replica, path).await,
        // Nothing listens, or what does knows no such page: older istiods have them elsewhere.
        Err(error) if error.kind() == Kind::Unreachable => forwarded(mesh, replica, OLD_PORT, path).await,
        Ok(answer) if answer.status == 404 && answer.text().contains("page not found") => {
            forwarded(mesh, replica, OLD_PORT, path).await
        }
        _ => return good(replica, path, first?),
    };
    match other {
        Ok(answer) if answer.is_success() => Ok(answer),
        _ => good(replica, path, first?),
    }
}

/// What a replica says of its build on its page of that.
///
/// # Errors
/// When it does not answer: then its image has to tell.
pub(crate) async fn build(mesh: &Mesh, replica: &Replica) -> Result<String> {
    let answer = page(mesh, replica, "/version").await;
    let answer = answer.map_err(|error| error.context(format!("the version of istiod {replica} is told by its image alone")))?;
    Ok(answer.text().trim().chars().take(300).collect())
}

/// That a page came, and is not what it should be.
pub(crate) fn unreadable(replica: &Replica, path: &str, error: Error) -> Error {
    error.context(format!("what istiod {replica} says on {path} cannot be read")).hint(
        "something else than istiod answers there, or the answer was cut off: ask again, and look at `istiods()` and `istiod_logs()`",
    )
}

async fn forwarded(mesh: &Mesh, replica: &Replica, port: u16, path: &str) -> Result<Answer> {
    let answer = mesh.ask(Ask::pod(&replica.namespace, &replica.name, port, path)).await;
    answer.map_err(|error| error.context(format!("istiod {replica} does not answer GET {path}")))
}

async fn executed(mesh: &Mesh, replica: &Replica, path: &str) -> Result<Answer> {
    let command = ["pilot-discovery", "request", "GET", path.trim_start_matches('/')].map(str::to_owned).to_vec();
    let (namespace, pod, container) = (replica.namespace.clone(), replica.name.clone(), DISCOVERY.to_owned());
    let answer = mesh.ask(Ask::Exec(Exec { namespace, pod, container, command })).await?;
    mesh.note(format!("port-forward to istiod {replica} is forbidden (it needs the verbs get and create on pods/portforward): asked by exec instead"));
    Ok(answer)
}

fn good(replica: &Replica, path: &str, answer: Answer) -> Result<Answer> {
    if answer.is_success() {
        return Ok(answer);
    }
    let said = status::message(&answer);
    let kind = match answer.status {
        400 => Kind::BadInput,
        401 => Kind::Unauthorized,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        _ => Kind::BadAnswer,
    };
    let error = Error::new(kind, format!("istiod {replica} answered GET {path} with status {}: {said}", answer.status));
    Err(match kind {
        Kind::Unauthorized | Kind::Forbidden => error.hint(
            "its debug pages are restricted (ENABLE_DEBUG_ENDPOINT_AUTH): ask from the control plane's namespace, or have yours added to DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES",
        ),
        Kind::NotFound => error.hint("this istiod is of a version without that page, or was started without debug pages (ENABLE_DEBUG_ON_HTTP)"),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const FIRST: &str = "pod mesh/istiod-a:15014 GET /debug/syncz";
    const OLD: &str = "pod mesh/istiod-a:8080 GET /debug/syncz";
    const EXEC: &str = "exec mesh/istiod-a -c discovery -- pilot-discovery request GET debug/syncz";

    fn replica() -> Replica {
        Replica::of(
            &json!({"metadata": {"namespace": "mesh", "name": "istiod-a", "labels": {"istio.io/rev": "1-29"}}, "spec": {"containers": [
            {"name": "sidecar", "image": "x:1"}, {"name": "discovery", "image": "r:5000/istio/pilot:1.29.1-distroless"}]}}),
        )
    }

    fn ask(fake: Fake) -> (Result<Answer>, Vec<String>) {
        let mesh = fake.mesh();
        (wait(page(&mesh, &replica(), "/debug/syncz")), mesh.take_notes())
    }

    #[test]
    fn a_replica_knows_its_revision_version_and_port() {
        let one = replica();
        assert_eq!((one.revision.as_str(), one.image_tag.as_deref(), one.port), ("1-29", Some("1.29.1"), 15014));
        let moved = json!({"metadata": {"name": "i", "namespace": "n", "annotations": {"prometheus.io/port": "15099"}}});
        assert_eq!((Replica::of(&moved).port, Replica::of(&moved).revision.as_str()), (15099, "default"));
    }

    #[test]
    fn who_may_not_forward_asks_by_exec() {
        let (answer, notes) = ask(Fake::new().fails(FIRST, Kind::Forbidden).says(EXEC, "null"));
        assert_eq!(answer.unwrap().body, "null");
        assert!(notes[0].contains("asked by exec"), "{notes:?}");
        let (answer, notes) = ask(Fake::new().fails(FIRST, Kind::Forbidden).fails(EXEC, Kind::Forbidden));
        assert!(answer.unwrap_err().message().contains("mesh/istiod-a does not answer GET /debug/syncz") && notes.is_empty());
    }

    #[test]
    fn older_istiods_have_their_pages_on_another_port() {
        for first in [Fake::new().fails(FIRST, Kind::Unreachable), Fake::new().refuses(FIRST, 404, "404 page not found\n")] {
            assert_eq!(ask(first.says(OLD, "[]")).0.unwrap().body, "[]");
        }
        let nowhere = Fake::new().refuses(FIRST, 404, "404 page not found\n").fails(OLD, Kind::Unreachable);
        let error = ask(nowhere).0.unwrap_err();
        assert!(error.kind() == Kind::NotFound && error.next_step().unwrap().contains("ENABLE_DEBUG_ON_HTTP"), "{error}");
    }

    #[test]
    fn a_restricted_page_says_what_would_help_and_is_asked_once() {
        let (mesh, fake) = Fake::new().refuses(FIRST, 403, "namespace default is not allowed").shared();
        let error = wait(page(&mesh, &replica(), "/debug/syncz")).unwrap_err();
        assert_eq!((error.kind(), fake.asked().len()), (Kind::Forbidden, 1));
        assert!(error.message().contains("status 403: namespace default"), "{error}");
        assert!(error.next_step().unwrap().contains("DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES"));
    }
}
