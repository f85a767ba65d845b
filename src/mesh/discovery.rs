//! Which kinds a cluster has: in two answers where it can say it so, in one for each group and version where not.

use super::Mesh;
use super::dig::Dig;
use super::fan_out::fan_out;
use super::kinds::KindInfo;
use super::kube::json;
use super::status::refusal;
use crate::backend::Ask;
use crate::error::Result;
use serde_json::Value;

/// All kinds, each in the first of its group's versions that has it; versions come in the server's order of preference.
///
/// A group whose server is down is a note.
pub(crate) async fn discover(mesh: &Mesh) -> Result<Vec<KindInfo>> {
    let groups = get(mesh, "/apis").await?;
    let core = get(mesh, "/api").await?;
    let mut kinds = Vec::new();
    for answer in [core, groups] {
        let found = if is_aggregated(&answer) { aggregated(mesh, &answer) } else { one_by_one(mesh, &answer).await };
        kinds.extend(found);
    }
    Ok(preferred(kinds))
}

async fn get(mesh: &Mesh, path: &str) -> Result<Value> {
    let answer = mesh.ask(Ask::kube(path)).await?;
    if answer.is_success() { json(&answer, path) } else { Err(refusal(&answer, &format!("ask which kinds there are ({path})"))) }
}

fn is_aggregated(answer: &Value) -> bool {
    answer.text("/kind") == Some("APIGroupDiscoveryList")
}

fn aggregated(mesh: &Mesh, answer: &Value) -> Vec<KindInfo> {
    let mut kinds = Vec::new();
    for group in answer.list("/items") {
        for version in group.list("/versions") {
            if version.text("/freshness") == Some("Stale") {
                mesh.note(format!(
                    "the server of API group {} does not answer: its kinds may be out of date",
                    group.string("/metadata/name")
                ));
            }
            for resource in version.list("/resources") {
                kinds.push(KindInfo {
                    group: group.string("/metadata/name"),
                    version: version.string("/version"),
                    kind: resource.string("/responseKind/kind"),
                    plural: resource.string("/resource"),
                    singular: resource.string("/singularResource"),
                    short: resource.strings("/shortNames"),
                    namespaced: resource.text("/scope") == Some("Namespaced"),
                });
            }
        }
    }
    kinds
}

/// The way of servers before 1.26: `/api` names versions, `/apis` groups, and each has a page of its own.
async fn one_by_one(mesh: &Mesh, answer: &Value) -> Vec<KindInfo> {
    let core = answer.strings("/versions").into_iter().map(|version| (String::new(), version));
    let mut pages: Vec<(String, String)> = core.collect();
    for group in answer.list("/groups") {
        let first = group.string("/preferredVersion/version");
        let others = group.list("/versions").iter().map(|version| version.string("/version")).filter(|version| *version != first);
        pages.extend(std::iter::once(first.clone()).chain(others).map(|version| (group.string("/name"), version)));
    }
    let path = |(group, version): &(String, String)| match group.as_str() {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    let answers = fan_out(mesh, pages, |page| async move { get(mesh, &path(&page)).await }).await;
    let mut kinds = Vec::new();
    for ((group, version), answer) in answers {
        match answer {
            Ok(page) => kinds.extend(resources(&group, &version, &page)),
            Err(error) => mesh.note(format!("the kinds of API group {group}/{version} are unknown: {error}")),
        }
    }
    kinds
}

fn resources(group: &str, version: &str, page: &Value) -> Vec<KindInfo> {
    // A name with a slash is a part of a resource: pods/log.
    let whole = page.list("/resources").iter().filter(|resource| !resource.string("/name").contains('/'));
    whole
        .map(|resource| KindInfo {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: resource.string("/kind"),
            plural: resource.string("/name"),
            singular: resource.text("/singularName").map_or_else(|| resource.string("/kind").to_lowercase(), str::to_owned),
            short: resource.strings("/shortNames"),
            namespaced: resource.flag("/namespaced"),
        })
        .collect()
}

fn preferred(kinds: Vec<KindInfo>) -> Vec<KindInfo> {
    let mut seen = std::collections::HashSet::new();
    kinds.into_iter().filter(|kind| seen.insert((kind.group.clone(), kind.plural.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use crate::error::Kind;

    const AGGREGATED: &str = include_str!("../../tests/data/kube/apis-aggregated.json");
    const GROUPS: &str = include_str!("../../tests/data/kube/apis.json");
    const ISTIO: &str = include_str!("../../tests/data/kube/apis-networking-v1.json");
    const ISTIO_OLD: &str = include_str!("../../tests/data/kube/apis-networking-v1alpha3.json");

    fn versions(kinds: &[KindInfo]) -> Vec<(&str, &str)> {
        let mut own: Vec<_> = kinds
            .iter()
            .filter(|kind| kind.group == "networking.istio.io")
            .map(|k| (k.plural.as_str(), k.version.as_str()))
            .collect();
        own.sort_unstable();
        own
    }

    #[test]
    fn both_ways_of_asking_find_the_same() {
        let new = Fake::new().kube("/apis", AGGREGATED).kube("/api", r#"{"kind":"APIGroupDiscoveryList","items":[]}"#).mesh();
        let old = Fake::new()
            .kube("/apis", GROUPS)
            .kube("/api", r#"{"kind":"APIVersions","versions":["v1"]}"#)
            .kube("/apis/networking.istio.io/v1", ISTIO)
            .kube("/apis/networking.istio.io/v1alpha3", ISTIO_OLD)
            .mesh();
        let (new, told) = (wait(discover(&new)).unwrap(), wait(discover(&old)).unwrap());
        let expected = versions(&new);
        assert!(
            expected.contains(&("envoyfilters", "v1alpha3")) && expected.contains(&("virtualservices", "v1")),
            "{expected:?}"
        );
        // v1beta1 was not told to the fake: what only it has is missing, and noted.
        assert_eq!(versions(&told), expected.into_iter().filter(|(_, version)| *version != "v1beta1").collect::<Vec<_>>());
        let notes = old.take_notes();
        assert!(
            notes.iter().any(|note| note.starts_with("the kinds of API group networking.istio.io/v1beta1 are unknown")),
            "{notes:?}"
        );
    }

    #[test]
    fn parts_of_resources_are_no_kinds() {
        let page = serde_json::json!({"resources": [{"name": "pods", "kind": "Pod", "namespaced": true}, {"name": "pods/log", "kind": "Pod"}]});
        let kinds = resources("", "v1", &page);
        assert_eq!((kinds.len(), kinds[0].singular.as_str()), (1, "pod"));
    }

    #[test]
    fn a_refusal_is_told_as_one() {
        let mesh = Fake::new().refuses("kube GET /apis", 403, r#"{"message":"no"}"#).mesh();
        let error = wait(discover(&mesh)).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Forbidden, "cannot ask which kinds there are (/apis): no"));
    }
}
