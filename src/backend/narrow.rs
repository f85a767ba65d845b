//! Answer a question for one object, or for one namespace, from a complete list that holds it.

use super::Answer;
use crate::error::Result;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Looks up one recorded page: the list's path, and the token that continues it, if it is not the first page.
pub type Page<'a> = dyn Fn(&str, Option<&str>) -> Option<Result<Answer>> + 'a;

/// What is asked of the Kubernetes API.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    api: String,
    namespace: Option<&'a str>,
    /// `pods`.
    resource: &'a str,
    name: Option<&'a str>,
}

/// The answer to a GET of this path, taken from recorded pages of a list that is at least as wide; `None` when none is
/// on the tape from its first page to its last.
pub fn narrow_list(path: &str, page: &Page<'_>) -> Option<Answer> {
    let wanted = Wanted::parse(path)?;
    wanted.lists().into_iter().find_map(|list| {
        let pages = pages(&list, page)?;
        wanted.answer(&pages)
    })
}

/// The path of a list, and the token that continues it, if this is a question for a list of everything.
pub fn list_page(path: &str) -> Option<(&str, Option<String>)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut token = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=')? {
            ("limit", _) => {}
            ("continue", value) => token = Some(decoded(value)?),
            _ => return None,
        }
    }
    Some((path, token))
}

/// A part of a URL as plain text.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match first {
            b'%' => (u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok()?, &after[2..]),
            b'+' => (b' ', after),
            byte => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

impl<'a> Wanted<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (bare, token) = list_page(path)?;
        let parts: Vec<&str> = bare.strip_prefix('/')?.split('/').collect();
        let (api, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => (format!("/api/{version}"), rest),
            ["apis", group, version, rest @ ..] => (format!("/apis/{group}/{version}"), rest),
            _ => return None,
        };
        let (namespace, resource, name) = match *rest {
            [resource] => (None, resource, None),
            [resource, name] => (None, resource, Some(name)),
            ["namespaces", namespace, resource] => (Some(namespace), resource, None),
            ["namespaces", namespace, resource, name] => (Some(namespace), resource, Some(name)),
            _ => return None,
        };
        // A page in the middle is half an answer, and one object takes no options.
        let whole = token.is_none() && (name.is_none() || !path.contains('?'));
        whole.then_some(Self { api, namespace, resource, name })
    }

    /// The lists that would hold the answer, the narrowest first.
    fn lists(&self) -> Vec<String> {
        let everywhere = format!("{}/{}", self.api, self.resource);
        let here = self.namespace.map(|namespace| format!("{}/namespaces/{namespace}/{}", self.api, self.resource));
        here.into_iter().chain([everywhere]).collect()
    }

    fn answer(&self, pages: &[Answer]) -> Option<Answer> {
        let lists: Vec<List<'_>> = pages.iter().map(|page| serde_json::from_slice(&page.body).ok()).collect::<Option<_>>()?;
        let mut kept = Vec::new();
        for item in lists.iter().flat_map(|list| &list.items) {
            let object: Object = serde_json::from_str(item.get()).ok()?;
            let here = self.namespace.is_none_or(|namespace| object.metadata.namespace.as_deref() == Some(namespace));
            if here && self.name.is_none_or(|name| object.metadata.name == name) {
                kept.push((*item, object.kind.is_some()));
            }
        }
        let (first, last) = (lists.first()?, pages.last()?);
        let (status, body) = match (self.name, kept.first()) {
            (None, _) => (200, first.with_items(&kept)),
            (Some(_), Some((item, complete))) => (200, first.object(item.get(), *complete)),
            (Some(name), None) => (404, self.not_found(name)),
        };
        Some(Answer { status, body: body.into(), ..last.clone() })
    }

    /// What the API server says about an object that does not exist.
    fn not_found(&self, name: &str) -> String {
        let group = self.api.strip_prefix("/apis/").and_then(|api| api.split('/').next());
        let resource = group.map_or_else(|| self.resource.to_owned(), |group| format!("{}.{group}", self.resource));
        let mut details = json!({ "name": name, "kind": self.resource });
        if let Some(group) = group {
            details["group"] = group.into();
        }
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("{resource} \"{name}\" not found"), "reason": "NotFound", "details": details, "code": 404,
        })
        .to_string()
    }
}

#[derive(Deserialize)]
struct List<'a> {
    kind: String,
    #[serde(rename = "apiVersion")]
    version: String,
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Object {
    kind: Option<String>,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(rename = "continue")]
    token: Option<String>,
    #[serde(rename = "resourceVersion")]
    version: String,
}

impl List<'_> {
    fn with_items(&self, items: &[(&RawValue, bool)]) -> String {
        let version = serde_json::from_str(self.metadata.get()).map_or_else(|_| String::new(), |meta: Metadata| meta.version);
        let items: Vec<&str> = items.iter().map(|(item, _)| item.get()).collect();
        format!(
            r#"{{"kind":{},"apiVersion":{},"metadata":{{"resourceVersion":{}}},"items":[{}]}}"#,
            json!(self.kind),
            json!(self.version),
            json!(version),
            items.join(",")
        )
    }

    /// Items of a list leave out what the list says for all of them: kind and version.
    fn object(&self, item: &str, complete: bool) -> String {
        match (self.kind.strip_suffix("List"), item.strip_prefix('{')) {
            (Some(kind), Some(fields)) if !complete => {
                format!(r#"{{"kind":{},"apiVersion":{},{fields}"#, json!(kind), json!(self.version))
            }
            _ => item.to_owned(),
        }
    }
}

/// All pages of a list, if every one of them is there.
fn pages(list: &str, page: &Page<'_>) -> Option<Vec<Answer>> {
    let mut pages = Vec::new();
    let mut tokens: Vec<String> = Vec::new();
    loop {
        let answer = page(list, tokens.last().map(String::as_str))?.ok().filter(Answer::is_success)?;
        let next = continued(&answer.body)?;
        pages.push(answer);
        match next {
            None => return Some(pages),
            // Tokens that lead in a circle would never end.
            Some(token) if tokens.contains(&token) => return None,
            Some(token) => tokens.push(token),
        }
    }
}

/// The token for the next page. `None` when this is no list at all.
fn continued(body: &[u8]) -> Option<Option<String>> {
    let list: List<'_> = serde_json::from_slice(body).ok()?;
    let metadata: Metadata = serde_json::from_str(list.metadata.get()).ok()?;
    Some(metadata.token.filter(|token| !token.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::answer;
    use super::*;
    use serde_json::Value;

    const PODS: &str = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"a+b=="},"items":[
        {"metadata":{"name":"web","namespace":"shop"},"spec":{"x":1.50}},{"metadata":{"name":"web","namespace":"other"}}]}"#;
    const MORE: &str =
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"api","namespace":"shop"}}]}"#;
    const NODES: &str = r#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"n1"}}]}"#;
    const POLICIES: &str = r#"{"kind":"AuthorizationPolicyList","apiVersion":"security.istio.io/v1","metadata":{},"items":[
        {"kind":"AuthorizationPolicy","apiVersion":"security.istio.io/v1","metadata":{"name":"p","namespace":"shop"}}]}"#;

    fn tape(path: &str, token: Option<&str>) -> Option<Result<Answer>> {
        let body = match (path, token) {
            ("/api/v1/pods", None) => PODS,
            ("/api/v1/pods", Some("a+b==")) => MORE,
            ("/api/v1/nodes", None) => NODES,
            ("/apis/security.istio.io/v1/authorizationpolicies", None) => POLICIES,
            ("/api/v1/services", None) => return Some(Ok(Answer { status: 403, ..answer(NODES) })),
            ("/api/v1/endpoints", None) => PODS,
            ("/api/v1/events", _) => PODS,
            _ => return None,
        };
        Some(Ok(answer(body)))
    }

    fn ask(path: &str) -> Option<(u16, Value)> {
        let answer = narrow_list(path, &tape)?;
        Some((answer.status, serde_json::from_slice(&answer.body).expect("JSON")))
    }

    #[test]
    fn one_object_is_taken_from_any_page() {
        let (status, pod) = ask("/api/v1/namespaces/shop/pods/api").unwrap();
        assert_eq!((status, &pod["kind"], &pod["apiVersion"]), (200, &json!("Pod"), &json!("v1")));
        assert_eq!(pod["metadata"], json!({"name": "api", "namespace": "shop"}));
        let text = narrow_list("/api/v1/namespaces/shop/pods/web", &tape).unwrap();
        assert!(text.text().contains("1.50"), "numbers stay as they were written");
    }

    #[test]
    fn one_namespace_is_one_page() {
        let (_, list) = ask("/api/v1/namespaces/shop/pods?limit=500").unwrap();
        let names: Vec<&str> =
            list["items"].as_array().unwrap().iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
        assert_eq!(
            (names, &list["kind"], &list["metadata"]),
            (vec!["web", "api"], &json!("PodList"), &json!({"resourceVersion": "9"}))
        );
        assert_eq!(ask("/api/v1/namespaces/nobody/pods").unwrap().1["items"], json!([]));
        assert_eq!(ask("/api/v1/pods?limit=2").unwrap().1["items"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn what_a_complete_list_lacks_does_not_exist() {
        let (status, error) = ask("/api/v1/namespaces/shop/pods/gone").unwrap();
        assert_eq!((status, &error["message"]), (404, &json!("pods \"gone\" not found")));
        let (_, error) = ask("/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies/x").unwrap();
        assert_eq!(error["message"], json!("authorizationpolicies.security.istio.io \"x\" not found"));
        assert_eq!(error["details"]["group"], json!("security.istio.io"));
    }

    #[test]
    fn objects_without_a_namespace_and_complete_items() {
        assert_eq!(ask("/api/v1/nodes/n1").unwrap().1["kind"], json!("Node"));
        let text = narrow_list("/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies/p", &tape).unwrap();
        assert_eq!(text.text().matches("\"kind\"").count(), 1, "{}", text.text());
    }

    #[test]
    fn half_a_list_answers_nothing() {
        let refused = "/api/v1/namespaces/shop/services/web";
        let page_missing = "/api/v1/namespaces/shop/endpoints/web";
        let circle = "/api/v1/namespaces/shop/events/web";
        for path in [refused, page_missing, circle, "/api/v1/namespaces/shop/secrets/s"] {
            assert_eq!(ask(path), None, "{path}");
        }
    }

    #[test]
    fn other_questions_are_left_alone() {
        for path in [
            "/version",
            "/api/v1",
            "/apis/apps/v1",
            "/api/v1/namespaces/shop/pods/web/log",
            "/api/v1/pods?labelSelector=a",
            "/api/v1/pods?limit=500&continue=x",
            "/api/v1/namespaces/shop/pods/web?x=1",
            "",
            "pods",
            "/api/v1/namespaces/shop/pods?limit",
        ] {
            assert_eq!(ask(path), None, "{path}");
        }
    }

    #[test]
    fn tokens_are_decoded() {
        assert_eq!(list_page("/a?limit=5&continue=a%2Bb%3D%3D"), Some(("/a", Some("a+b==".into()))));
        assert_eq!(list_page("/a?continue=%ZZ"), None);
        assert_eq!(list_page("/a?continue=%2"), None);
    }
}
