//! Any object of the cluster, by kind and name.

use super::Mesh;
use super::dig::Dig;
use super::kinds::{KindInfo, kind};
use super::kube::{find, list, list_in};
use crate::error::{Error, Kind, Result};
use crate::suggest::closest;
use serde_json::Value;

/// One object.
///
/// Without a namespace it is looked for in the namespace at hand, and then in all: exactly one of that name is taken.
///
/// # Errors
/// When there is no such kind or object (with the nearest names), when several could be meant, or the server refuses.
pub async fn get(mesh: &Mesh, word: &str, name: &str, namespace: Option<&str>) -> Result<Value> {
    let kind = kind(mesh, word).await?;
    let named = namespace.filter(|namespace| !namespace.is_empty());
    let home = named.map_or_else(|| mesh.home(), str::to_owned);
    if let Some(object) = find(mesh, &kind.object(&home, name)).await? {
        return Ok(complete(object, &kind));
    }
    let place = if kind.namespaced { format!(" in namespace {home}") } else { String::new() };
    let missing = Error::new(Kind::NotFound, format!("there is no {} {name}{place}", kind.singular));
    let scope = if named.is_some() { Some(home.as_str()) } else { None };
    let Ok(all) = list(mesh, &kind.list(scope)).await else { return Err(missing) };
    let same: Vec<&Value> = all.iter().filter(|object| object.text("/metadata/name") == Some(name)).collect();
    match same.as_slice() {
        [one] if named.is_none() => Ok(complete((*one).clone(), &kind)),
        [] | [_] => Err(nearest(missing, name, &all, &kind)),
        several => {
            let places: Vec<String> = several.iter().map(|object| object.string("/metadata/namespace")).collect();
            Err(Error::new(Kind::BadInput, format!("{} {name} is in several namespaces: {}", kind.singular, places.join(", ")))
                .hint(format!("name one: `get(\"{}\", \"{name}\", \"{}\")`", kind.singular, places[0])))
        }
    }
}

/// All objects of a kind, in one namespace or in all.
///
/// # Errors
/// When there is no such kind, or the server refuses.
pub async fn list_of(mesh: &Mesh, word: &str, namespace: Option<&str>) -> Result<Vec<Value>> {
    let kind = kind(mesh, word).await?;
    let scope = mesh.scope(namespace).filter(|_| kind.namespaced);
    let objects = list_in(mesh, &kind.base(), scope, &kind.plural).await?;
    Ok(objects.into_iter().map(|object| complete(object, &kind)).collect())
}

fn complete(mut object: Value, kind: &KindInfo) -> Value {
    let version = if kind.group.is_empty() { kind.version.clone() } else { format!("{}/{}", kind.group, kind.version) };
    if let Some(fields) = object.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| version.into());
        fields.entry("kind").or_insert_with(|| kind.kind.clone().into());
    }
    object
}

fn nearest(missing: Error, name: &str, all: &[Value], kind: &KindInfo) -> Error {
    let near = closest(name, all.iter().filter_map(|object| object.text("/metadata/name")), 3);
    match (all.is_empty(), near.is_empty()) {
        (true, _) => missing.hint(format!("there are no {} there at all", kind.plural)),
        (_, true) => missing.hint(format!("`get(\"{}\")` lists them", kind.singular)),
        _ => missing.hint(format!("the nearest names are {}", near.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const LISTS: &str = "/api/v1/configmaps?limit=500";
    const HERE: &str = "kube GET /api/v1/namespaces/default/configmaps/istio";

    fn lists(places: &[&str]) -> String {
        let items: Vec<_> = places.iter().map(|place| json!({"metadata": {"name": "istio", "namespace": place}})).collect();
        json!({"kind": "ConfigMapList", "apiVersion": "v1", "items": items}).to_string()
    }

    #[test]
    fn an_object_is_found_at_home_or_wherever_it_is_alone() {
        let home = Fake::new().says(HERE, r#"{"metadata":{"name":"istio"}}"#).mesh();
        assert_eq!(wait(get(&home, "cm", "istio", None)).unwrap().text("/kind"), Some("ConfigMap"));
        let away = Fake::new().refuses(HERE, 404, "{}").kube(LISTS, lists(&["istio-system"])).mesh();
        let found = wait(get(&away, "ConfigMap", "istio", None)).unwrap();
        assert_eq!((found.text("/metadata/namespace"), found.text("/apiVersion")), (Some("istio-system"), Some("v1")));
    }

    #[test]
    fn several_are_listed_and_none_names_the_nearest() {
        let two = Fake::new().refuses(HERE, 404, "{}").kube(LISTS, lists(&["a", "b"])).mesh();
        assert_eq!(wait(get(&two, "cm", "istio", None)).unwrap_err().message(), "configmap istio is in several namespaces: a, b");
        let path = "kube GET /api/v1/namespaces/a/configmaps/isto";
        let one = Fake::new().refuses(path, 404, "{}").kube("/api/v1/namespaces/a/configmaps?limit=500", lists(&["a"])).mesh();
        let error = wait(get(&one, "cm", "isto", Some("a"))).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::NotFound, "there is no configmap isto in namespace a"));
        assert_eq!(error.next_step(), Some("the nearest names are istio"));
    }

    #[test]
    fn a_list_is_of_one_namespace_or_of_all() {
        let mesh =
            Fake::new().kube(LISTS, lists(&["a", "b"])).kube("/api/v1/namespaces/a/configmaps?limit=500", lists(&["a"])).mesh();
        assert_eq!(wait(list_of(&mesh, "configmaps", None)).unwrap().len(), 2);
        assert_eq!(wait(list_of(&mesh, "configmaps", Some("a"))).unwrap()[0].text("/kind"), Some("ConfigMap"));
    }
}
