//! The issuers that a mesh accepts tokens from, by the objects of the cluster.

use super::Mesh;
use super::fan_out::told;
use super::kinds::{KindInfo, has};
use super::kube::{list, whole_or_own};
use crate::error::{Error, Kind, Result};
use crate::istio::request_auth::{self, JwtRule};
use serde_json::Value;

/// Kinds that say which tokens are accepted: today's first, then those of 2020.
const KINDS: [(&str, &str); 4] = [
    ("security.istio.io", "requestauthentications"),
    ("authentication.istio.io", "policies"),
    ("authentication.istio.io", "meshpolicies"),
    ("authentication.maistra.io", "servicemeshpolicies"),
];

/// The rules of one namespace, or of all. A kind that may not be listed is a note, unless it is the only one.
///
/// # Errors
/// When the cluster has none of the kinds, or none may be listed.
pub async fn jwt_rules(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<JwtRule>> {
    let scope = mesh.scope(namespace);
    let mut rules = Vec::new();
    let mut failed: Option<Error> = None;
    let mut known = 0;
    for (group, plural) in KINDS {
        let Some(kind) = has(mesh, group, plural).await? else { continue };
        known += 1;
        match objects(mesh, &kind, scope).await {
            Ok(mut objects) => {
                objects.iter_mut().filter_map(|object| object.as_object_mut()).for_each(|object| {
                    object.entry("kind").or_insert_with(|| kind.kind.clone().into());
                });
                rules.extend(request_auth::jwt_rules(&objects));
            }
            Err(error) if failed.is_none() => failed = Some(error),
            Err(error) => mesh.note_missing(error.to_string()),
        }
    }
    match failed {
        Some(error) if rules.is_empty() => Err(error),
        Some(error) => {
            mesh.note_missing(told("JWT rules of", &"this cluster", &error));
            Ok(rules)
        }
        None if known == 0 => {
            Err(Error::new(Kind::NotFound, "the cluster has no RequestAuthentication, and no Policy of old either")
                .hint("Istio's CRDs are not installed here: is this the right context? `context()` tells"))
        }
        None => Ok(rules),
    }
}

async fn objects(mesh: &Mesh, kind: &KindInfo, scope: Option<&str>) -> Result<Vec<Value>> {
    whole_or_own(mesh, scope, &kind.plural, "looked at", async |scope| list(mesh, &kind.list(scope)).await).await
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const APIS: &str = include_str!("../../tests/data/kube/apis-aggregated.json");
    const RULES: &str = include_str!("../../tests/data/kube/requestauthentications-fault.json");
    const NONE: &str = r#"{"kind":"APIGroupDiscoveryList","items":[]}"#;
    const PATH: &str = "/apis/security.istio.io/v1/requestauthentications?limit=500";

    #[test]
    fn the_recorded_rule_is_found_through_discovery() {
        let mesh = Fake::new().kube("/apis", APIS).kube("/api", NONE).kube(PATH, RULES).mesh();
        let rules = wait(jwt_rules(&mesh, None)).unwrap();
        assert_eq!((rules.len(), rules[0].resource.as_str()), (1, "RequestAuthentication/olaf-customer/customerjwt"));
    }

    #[test]
    fn a_mesh_of_2020_has_policies() {
        let apis = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"authentication.istio.io"},"versions":[{"version":"v1alpha1",
            "resources":[{"resource":"policies","responseKind":{"kind":"Policy"},"scope":"Namespaced","singularResource":"policy"}]}]}]}"#;
        let list = r#"{"kind":"PolicyList","items":[{"metadata":{"name":"p","namespace":"n"},"spec":{"origins":[{"jwt":{"issuer":"i"}}]}}]}"#;
        let mesh = Fake::new()
            .kube("/apis", apis)
            .kube("/api", NONE)
            .kube("/apis/authentication.istio.io/v1alpha1/namespaces/n/policies?limit=500", list)
            .mesh();
        assert_eq!(wait(jwt_rules(&mesh, Some("n"))).unwrap()[0].resource, "Policy/n/p");
    }

    #[test]
    fn a_cluster_without_istio_and_a_refusal_are_told_apart() {
        let bare = Fake::new().kube("/apis", NONE).kube("/api", NONE).mesh();
        assert_eq!(wait(jwt_rules(&bare, None)).unwrap_err().kind(), Kind::NotFound);
        let refused = Fake::new()
            .kube("/apis", APIS)
            .kube("/api", NONE)
            .refuses(&format!("kube GET {PATH}"), 403, r#"{"message":"no"}"#)
            .mesh();
        assert_eq!(wait(jwt_rules(&refused, None)).unwrap_err().kind(), Kind::Forbidden);
    }
}
