//! What the API server says when it refuses, turned into a failure that tells what to do.

use crate::backend::Answer;
use crate::error::{Error, Kind};
use serde_json::Value;

use super::dig::Dig;

/// The failure that this answer is. `what` says what was asked for, as in "cannot WHAT": `list pods`.
pub(crate) fn refusal(answer: &Answer, what: &str) -> Error {
    let said = message(answer);
    let error = Error::new(kind(answer.status), format!("cannot {what}: {said}"));
    match answer.status {
        401 => error.hint("the credentials expired or are wrong: log in again, for OpenShift with `oc login`"),
        403 => forbidden_hint(error, &said),
        404 if said.starts_with("404 page not found") => {
            Error::new(Kind::NotFound, format!("cannot {what}: the API server knows no such resource"))
                .hint("its CRD is not installed, or in another version; `kubectl api-resources` lists what there is")
        }
        410 => error.hint("the list changed while it was read; ask again"),
        429 => error.hint("the API server is busy; ask again in a moment, or with fewer pods at once"),
        500.. => error.hint(
            "the API server has trouble of its own; ask again, then see its health with `kubectl get --raw /readyz?verbose`",
        ),
        _ => error,
    }
}

/// The server's own words: the message of a `Status`, else the first line of the body.
pub(crate) fn message(answer: &Answer) -> String {
    let status: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(message) = status.as_ref().and_then(|status| status.text("/message")) {
        return message.to_owned();
    }
    let text = answer.text();
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => line.chars().take(300).collect(),
        None => format!("status {}", answer.status),
    }
}

fn kind(status: u16) -> Kind {
    match status {
        401 => Kind::Unauthorized,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        408 | 504 => Kind::Timeout,
        400 | 405 | 415 | 422 => Kind::BadInput,
        429 | 503 => Kind::Unreachable,
        _ => Kind::BadAnswer,
    }
}

/// Name the missing permission, read from words like
/// `User "u" cannot get resource "pods/log" in API group "" in the namespace "n"`.
fn forbidden_hint(error: Error, said: &str) -> Error {
    let verb = said.split_once(" cannot ").and_then(|(_, rest)| rest.split_whitespace().next());
    let quoted = |before: &str| said.split_once(before).and_then(|(_, rest)| rest.split('"').next());
    let (Some(verb), Some(resource)) = (verb, quoted(" resource \"")) else {
        return error.hint("a permission is missing; `kubectl auth can-i --list` shows those there are");
    };
    let group = quoted(" API group \"").filter(|group| !group.is_empty());
    let namespace = quoted(" in the namespace \"");
    let (plural, sub) = resource.split_once('/').unwrap_or((resource, ""));
    let mut check = match group {
        Some(group) => format!("kubectl auth can-i {verb} {plural}.{group}"),
        None => format!("kubectl auth can-i {verb} {plural}"),
    };
    if !sub.is_empty() {
        check += &format!(" --subresource={sub}");
    }
    check += &namespace.map_or(" --all-namespaces".to_owned(), |namespace| format!(" -n {namespace}"));
    let place = namespace.map_or("in a ClusterRole".to_owned(), |namespace| format!("in namespace {namespace}"));
    let other = if namespace.is_none() && verb == "list" { "; or name one namespace in which you may (--namespace)" } else { "" };
    error.hint(format!("ask for the verb `{verb}` on `{resource}` {place}; `{check}` tells when it is there{other}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, ..Answer::ok(body.to_owned(), Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn a_403_names_user_verb_and_resource_and_how_to_check() {
        let body = include_str!("../../tests/data/kube/forbidden-portforward.json");
        let error = refusal(&answer(403, body), "reach pod olaf-customer/customer");
        assert_eq!(error.kind(), Kind::Forbidden);
        assert!(error.message().contains(r#"User "viewer" cannot get resource "pods/portforward""#), "{error}");
        let hint = error.next_step().unwrap();
        assert!(hint.contains("`get` on `pods/portforward` in namespace olaf-customer"), "{hint}");
        assert!(hint.contains("can-i get pods --subresource=portforward -n olaf-customer"), "{hint}");
    }

    #[test]
    fn a_403_at_cluster_scope_asks_for_a_cluster_role() {
        let error = refusal(&answer(403, include_str!("../../tests/data/kube/forbidden-list-pods.json")), "list pods");
        assert!(error.next_step().unwrap().contains("`list` on `pods` in a ClusterRole"), "{error:?}");
    }

    #[test]
    fn a_missing_group_is_told_from_a_missing_object() {
        let group = refusal(&answer(404, "404 page not found\n"), "list things");
        assert!(group.next_step().unwrap().contains("CRD is not installed"));
        let pod = refusal(&answer(404, include_str!("../../tests/data/kube/no-such-pod.json")), "get pod no-such-pod");
        assert_eq!((pod.kind(), pod.message()), (Kind::NotFound, "cannot get pod no-such-pod: pods \"no-such-pod\" not found"));
    }

    #[test]
    fn an_answer_without_words_still_says_its_status() {
        assert_eq!(refusal(&answer(500, ""), "list pods").message(), "cannot list pods: status 500");
        assert_eq!(refusal(&answer(401, "{}"), "list pods").kind(), Kind::Unauthorized);
    }
}
