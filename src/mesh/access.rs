//! May I? Asked of the API server, which answers for the credentials at hand.

use super::Mesh;
use super::dig::Dig;
use super::kinds::kind;
use super::kube::json;
use super::status::refusal;
use crate::backend::{Ask, Kube};
use crate::error::{Error, Kind, Result};
use crate::record;
use serde_json::{Map, Value};

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

record! {
    /// Whether something is allowed.
    pub struct AccessReview as "access_review" {
        /// Whether it is.
        pub allowed: bool,
        /// The verb that was asked about.
        pub verb: String,
        /// The resource, with its part: `pods/log`.
        pub resource: String,
        /// The namespace; empty for the whole cluster.
        pub namespace: String,
        /// Why, in the server's words; often empty for a no.
        pub reason: String,
    }
}

/// Ask whether a verb on a resource is allowed: `pods`, `pods/portforward`, `deployments.apps`.
/// Without a namespace: in the chosen one, else in the whole cluster.
///
/// # Errors
/// When the server does not answer the question. A no is an answer.
pub async fn can_i(mesh: &Mesh, verb: &str, resource: &str, namespace: Option<&str>) -> Result<AccessReview> {
    if verb.trim().is_empty() || resource.trim().is_empty() {
        return Err(
            Error::new(Kind::BadInput, "a verb or a resource is empty").hint("ask like `can_i(\"get\", \"pods/log\", \"shop\")`")
        );
    }
    let (name, part) = resource.trim().split_once('/').unwrap_or((resource.trim(), ""));
    let place = mesh.scope(namespace).unwrap_or_default();
    let (group, plural) = match kind(mesh, name).await {
        Ok(kind) => (kind.group, kind.plural),
        // The server judges any name; only its group must be right.
        Err(_) => name
            .split_once('.')
            .map_or((String::new(), name.to_lowercase()), |(plural, group)| (group.into(), plural.to_lowercase())),
    };
    let verb = verb.trim().to_lowercase();
    let review = ask(mesh, &verb, &group, &plural, part, place).await?;
    Ok(AccessReview {
        allowed: review.flag("/status/allowed"),
        resource: if part.is_empty() { plural } else { format!("{plural}/{part}") },
        verb,
        namespace: place.into(),
        reason: review.text("/status/reason").or_else(|| review.text("/status/evaluationError")).unwrap_or_default().into(),
    })
}

async fn ask(mesh: &Mesh, verb: &str, group: &str, plural: &str, part: &str, namespace: &str) -> Result<Value> {
    let mut attributes = Map::new();
    for (key, value) in [("namespace", namespace), ("verb", verb), ("group", group), ("resource", plural), ("subresource", part)]
    {
        if !value.is_empty() {
            attributes.insert(key.into(), value.into());
        }
    }
    let body = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let question = Kube { method: "POST".into(), path: PATH.into(), body: Some(body.to_string()) };
    let answer = mesh.ask(Ask::Kube(question)).await?;
    if answer.is_success() { json(&answer, PATH) } else { Err(refusal(&answer, "ask what is allowed")) }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const YES: &str = include_str!("../../tests/data/kube/review-yes.json");
    const NO: &str = include_str!("../../tests/data/kube/review-no.json");
    const POST: &str = "kube POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

    #[test]
    fn a_yes_comes_with_its_reason_and_a_no_is_an_answer() {
        let mesh = Fake::new().says(POST, YES).says(POST, NO).mesh();
        let yes = wait(can_i(&mesh, "list", "pods", None)).unwrap();
        assert!(yes.allowed && yes.reason.contains("ClusterRoleBinding \"lab-view-mesh\""), "{yes:?}");
        let no = wait(can_i(&mesh, "create", "pods/portforward", Some("olaf"))).unwrap();
        assert_eq!((no.allowed, no.resource.as_str(), no.namespace.as_str()), (false, "pods/portforward", "olaf"));
    }

    #[test]
    fn the_question_names_group_part_and_namespace() {
        let (mesh, fake) = Fake::new().says(POST, NO).shared();
        wait(can_i(&mesh, "Patch", "deploy/scale", Some("olaf"))).unwrap();
        wait(can_i(&mesh, "list", "things.example.com", None)).unwrap();
        let attributes = |index: usize| -> Value {
            let body: Value = serde_json::from_str(&fake.bodies()[index]).unwrap();
            body["spec"]["resourceAttributes"].clone()
        };
        assert_eq!(
            attributes(0),
            serde_json::json!({"namespace": "olaf", "verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale"})
        );
        assert_eq!(attributes(1), serde_json::json!({"verb": "list", "group": "example.com", "resource": "things"}));
    }

    #[test]
    fn an_empty_question_and_a_refused_one_fail() {
        let mesh = Fake::new().refuses(POST, 401, r#"{"message":"Unauthorized"}"#).mesh();
        assert_eq!(wait(can_i(&mesh, "", "pods", None)).unwrap_err().kind(), Kind::BadInput);
        assert_eq!(wait(can_i(&mesh, "get", "pods", None)).unwrap_err().kind(), Kind::Unauthorized);
    }
}
