//! Lists and single objects of the API server: paged, encoded, and refused in words.

use super::Mesh;
use super::dig::Dig;
use super::selector::Selector;
use super::status::refusal;
use crate::backend::{Answer, Ask};
use crate::error::{Error, Kind, Result};
use crate::suggest::closest;
use serde_json::Value;
use std::fmt::Write as _;

/// How many objects one page holds.
const PAGE: usize = 500;

/// All objects of a list, page by page. `path` is the list's path, which may have a query of its own.
///
/// Objects get the `kind` and `apiVersion` that the server leaves out in lists. What is no object is left out with a note.
///
/// # Errors
/// When the server refuses, or a page is no list. A list that changed under way (410) is started over once.
pub async fn list(mesh: &Mesh, path: &str) -> Result<Vec<Value>> {
    match pages(mesh, path).await {
        Err(Page::Gone(_)) => pages(mesh, path).await,
        done => done,
    }
    .map_err(|failed| match failed {
        Page::Gone(error) | Page::Failed(error) => error,
    })
}

/// Only the objects whose labels fit. The server chooses; a tape that only holds the whole list is chosen from here.
pub(crate) async fn list_selected(mesh: &Mesh, path: &str, selector: &str) -> Result<Vec<Value>> {
    if selector.is_empty() {
        return list(mesh, path).await;
    }
    let parsed = Selector::parse(selector)?;
    match list(mesh, &format!("{path}?labelSelector={}", encode(selector))).await {
        Err(miss) if miss.kind() == Kind::TapeMiss => {
            let all = list(mesh, path).await.map_err(|other| if other.kind() == Kind::TapeMiss { miss } else { other })?;
            Ok(all.into_iter().filter(|object| parsed.matches(&object.map("/metadata/labels"))).collect())
        }
        done => done,
    }
}

/// A list of the whole cluster; who may not have that gets what lies in his own namespace, and a note that says so.
/// `list` lists a scope, `told` says what is done with it: `shown`, `looked at`.
pub(crate) async fn whole_or_own(
    mesh: &Mesh,
    scope: Option<&str>,
    plural: &str,
    told: &str,
    list: impl AsyncFn(Option<&str>) -> Result<Vec<Value>>,
) -> Result<Vec<Value>> {
    match list(scope).await {
        Err(error) if scope.is_none() && error.kind() == Kind::Forbidden => {
            let home = mesh.home();
            let own = list(Some(&home)).await.map_err(|_| error)?;
            mesh.note_missing(format!(
                "you may not list {plural} of all namespaces (verb `list` on `{plural}` in a ClusterRole): only those of {home} are {told}"
            ));
            Ok(own)
        }
        done => done,
    }
}

/// One object by its path; `None` when there is none of that name.
///
/// # Errors
/// When the server refuses, or does not know the resource at all.
pub(crate) async fn find(mesh: &Mesh, path: &str) -> Result<Option<Value>> {
    let answer = mesh.ask(Ask::kube(path)).await?;
    match answer.status {
        404 if answer.body.trim_ascii_start().starts_with(b"{") => Ok(None),
        200..300 => json(&answer, path).map(Some),
        _ => Err(refusal(&answer, &format!("get {path}"))),
    }
}

/// All objects of a resource in one namespace or in all. An empty answer for a namespace that is not there is a failure.
pub(crate) async fn list_in(mesh: &Mesh, base: &str, scope: Option<&str>, plural: &str) -> Result<Vec<Value>> {
    let objects = list(mesh, &list_path(base, scope, plural)).await?;
    if objects.is_empty() {
        check_namespace(mesh, scope).await?;
    }
    Ok(objects)
}

/// Fail when the cluster says that it has no such namespace. Not being allowed to ask is no failure here.
pub(crate) async fn check_namespace(mesh: &Mesh, scope: Option<&str>) -> Result<()> {
    let Some(name) = scope else { return Ok(()) };
    let Ok(None) = find(mesh, &format!("/api/v1/namespaces/{}", encode(name))).await else { return Ok(()) };
    let error = Error::new(Kind::NotFound, format!("there is no namespace {name}"));
    let all = list(mesh, "/api/v1/namespaces").await.unwrap_or_default();
    let near = closest(name, all.iter().filter_map(|object| object.text("/metadata/name")), 3);
    Err(match near.is_empty() {
        true => error.hint("`namespaces()` lists them"),
        false => error.hint(format!("did you mean {}?", near.join(" or "))),
    })
}

/// The JSON of a successful answer.
pub(crate) fn json(answer: &Answer, path: &str) -> Result<Value> {
    let bad = |what: String| Error::new(Kind::BadAnswer, format!("the answer to {path} {what}"));
    let between = "something between here and the API server answered in its place: a proxy, or a login page";
    if answer.body.trim_ascii().is_empty() {
        return Err(bad(format!("is empty ({} bytes)", answer.body.len())).hint(between));
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        if error.is_eof() {
            return bad(format!("is cut off after {} bytes", answer.body.len())).cause(error).hint("ask again");
        }
        let start: String = answer.text().trim().chars().take(60).collect();
        bad(format!("is not JSON: it begins {start:?}")).cause(error).hint(between)
    })
}

/// The path of a list: of one namespace, or of all.
pub(crate) fn list_path(base: &str, namespace: Option<&str>, plural: &str) -> String {
    match namespace {
        Some(namespace) => format!("{base}/namespaces/{}/{plural}", encode(namespace)),
        None => format!("{base}/{plural}"),
    }
}

/// A text as part of a URL.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

enum Page {
    Gone(Error),
    Failed(Error),
}

async fn pages(mesh: &Mesh, path: &str) -> std::result::Result<Vec<Value>, Page> {
    let first = format!("{path}{}limit={PAGE}", if path.contains('?') { '&' } else { '?' });
    let mut found = Vec::new();
    let mut next = first.clone();
    loop {
        let answer = mesh.ask(Ask::kube(&next)).await.map_err(Page::Failed)?;
        if !answer.is_success() {
            let error = refusal(&answer, &format!("list {}", bare(path)));
            return Err(if answer.status == 410 { Page::Gone(error) } else { Page::Failed(error) });
        }
        let mut page = json(&answer, &next).map_err(Page::Failed)?;
        take_items(mesh, &mut page, path, &mut found).map_err(Page::Failed)?;
        let Some(token) = page.text("/metadata/continue") else { return Ok(found) };
        let following = format!("{first}&continue={}", encode(token));
        if following == next {
            let error = Error::new(Kind::BadAnswer, format!("the list {} never ends: its pages point at themselves", bare(path)));
            return Err(Page::Failed(error));
        }
        next = following;
    }
}

/// The list's plural without paths and queries, for a reader: `pods`.
fn bare(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

fn take_items(mesh: &Mesh, page: &mut Value, path: &str, found: &mut Vec<Value>) -> Result<()> {
    let kind = page.text("/kind").and_then(|kind| kind.strip_suffix("List")).map(str::to_owned);
    let version = page.text("/apiVersion").map(str::to_owned);
    let items = match page.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) => Vec::new(),
        _ => {
            return Err(Error::new(Kind::BadAnswer, format!("the answer to {path} is no list: it has no `items`"))
                .hint(format!("see it with `kubectl get --raw '{path}'`")));
        }
    };
    for mut item in items {
        if item.text("/metadata/name").is_none() {
            mesh.note_missing(format!("an entry of the list {} has no name and is left out", bare(path)));
            continue;
        }
        if let Some(object) = item.as_object_mut() {
            for (key, value) in [("apiVersion", &version), ("kind", &kind)] {
                if let (false, Some(value)) = (object.contains_key(key), value) {
                    object.insert(key.into(), Value::from(value.as_str()));
                }
            }
        }
        found.push(item);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-list-pods.json");

    fn page(names: &[&str], next: &str) -> String {
        let items: Vec<_> = names.iter().map(|name| serde_json::json!({"metadata": {"name": name}})).collect();
        serde_json::json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": next}, "items": items}).to_string()
    }

    fn names(objects: &[Value]) -> Vec<&str> {
        objects.iter().filter_map(|object| object.text("/metadata/name")).collect()
    }

    #[test]
    fn all_pages_are_read_and_kinds_filled_in() {
        let mesh = Fake::new()
            .kube("/api/v1/pods?limit=500", page(&["a"], "x=/"))
            .kube("/api/v1/pods?limit=500&continue=x%3D%2F", page(&["b"], ""))
            .mesh();
        let pods = wait(list(&mesh, "/api/v1/pods")).unwrap();
        assert_eq!((names(&pods), pods[1].text("/kind"), pods[1].text("/apiVersion")), (vec!["a", "b"], Some("Pod"), Some("v1")));
    }

    #[test]
    fn a_list_that_expired_under_way_is_started_over_once() {
        let next = "kube GET /api/v1/pods?limit=500&continue=t";
        let fake = || Fake::new().kube("/api/v1/pods?limit=500", page(&["a"], "t"));
        let recovers = fake().refuses(next, 410, "{}").says(next, page(&["b"], "")).mesh();
        assert_eq!(names(&wait(list(&recovers, "/api/v1/pods")).unwrap()), ["a", "b"]);
        let gone = fake().refuses(next, 410, "{}").mesh();
        assert!(wait(list(&gone, "/api/v1/pods")).unwrap_err().next_step().unwrap().contains("ask again"));
    }

    #[test]
    fn a_list_that_points_at_itself_ends() {
        let mesh = Fake::new()
            .kube("/api/v1/pods?limit=500", page(&["a"], "t"))
            .kube("/api/v1/pods?limit=500&continue=t", page(&["b"], "t"))
            .mesh();
        assert_eq!(wait(list(&mesh, "/api/v1/pods")).unwrap_err().kind(), Kind::BadAnswer);
    }

    #[test]
    fn broken_entries_are_left_out_with_a_note() {
        let body = r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{}},7]}"#;
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", body).mesh();
        assert_eq!(names(&wait(list(&mesh, "/api/v1/pods")).unwrap()), ["a"]);
        assert!(mesh.partial());
        assert_eq!(mesh.take_notes(), ["an entry of the list pods has no name and is left out"]);
    }

    #[test]
    fn answers_that_are_no_list_say_so() {
        for (body, says) in [
            ("<html>login</html>", "is not JSON"),
            (r#"{"kind":"Pod"}"#, "is no list"),
            ("", "is empty"),
            ("{\"items\":[", "is cut off after 10 bytes"),
        ] {
            let mesh = Fake::new().kube("/api/v1/pods?limit=500", body).mesh();
            let error = wait(list(&mesh, "/api/v1/pods")).unwrap_err();
            assert_eq!(error.kind(), Kind::BadAnswer);
            assert!(error.message().contains(says) && error.next_step().is_some(), "{error:?}");
        }
    }

    #[test]
    fn a_refusal_keeps_the_servers_words() {
        let mesh = Fake::new().refuses("kube GET /api/v1/pods?limit=500", 403, FORBIDDEN).mesh();
        let error = wait(list(&mesh, "/api/v1/pods")).unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden);
        assert!(error.message().starts_with("cannot list pods: pods is forbidden: User \"nobody\" cannot list"), "{error}");
    }

    #[test]
    fn a_namespace_that_is_not_there_is_no_empty_list() {
        let empty = r#"{"kind":"PodList","items":[]}"#;
        let fake = || Fake::new().kube("/api/v1/namespaces/shp/pods?limit=500", empty);
        let mesh = fake()
            .refuses("kube GET /api/v1/namespaces/shp", 404, "{}")
            .kube("/api/v1/namespaces?limit=500", page(&["shop"], ""))
            .mesh();
        let error = wait(list_in(&mesh, "/api/v1", Some("shp"), "pods")).unwrap_err();
        assert_eq!((error.message(), error.next_step()), ("there is no namespace shp", Some("did you mean shop?")));
        let unseen = fake().refuses("kube GET /api/v1/namespaces/shp", 403, FORBIDDEN).mesh();
        assert!(wait(list_in(&unseen, "/api/v1", Some("shp"), "pods")).unwrap().is_empty());
    }

    #[test]
    fn a_tape_without_the_selected_list_is_chosen_from_the_whole() {
        let body = r#"{"items":[{"metadata":{"name":"a","labels":{"app":"x"}}},{"metadata":{"name":"b"}}]}"#;
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", body).mesh();
        assert_eq!(names(&wait(list_selected(&mesh, "/api/v1/pods", "app=x")).unwrap()), ["a"]);
        let (mesh, fake) = Fake::new().kube("/api/v1/pods?labelSelector=app%3Dx&limit=500", page(&["c"], "")).shared();
        assert_eq!(names(&wait(list_selected(&mesh, "/api/v1/pods", "app=x")).unwrap()), ["c"]);
        assert_eq!(fake.asked().len(), 1);
    }
}
