//! What was given in place of a config dump, told by what only that has: the next step depends on it.

use super::dump::member;
use crate::error::{Error, Kind};
use crate::json::{Node, Type};

/// What something is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    what: String,
    hint: &'static str,
    /// Whether it is a page of a proxy all the same, one that is text.
    pub page: bool,
}

const SAVE: &str =
    "save a dump with `pilotage eval 'config_dump(\"POD\")' -o json`, or take GET /config_dump of the admin port (15000)";
const ZTUNNEL: &str = "`workloads`, `services`, `policies`, `certificates` and `connections` read that";
const AS_JSON: &str = "save the JSON form of the page: `/config_dump`, `/clusters?format=json`, `/stats?format=json`";

impl Told {
    fn new(what: impl Into<String>, hint: &'static str) -> Option<Self> {
        Some(Self { what: what.into(), hint, page: false })
    }

    fn page(what: &str, hint: &'static str) -> Option<Self> {
        Some(Self { what: what.into(), hint, page: true })
    }

    /// As a failure to read the file of this name.
    pub fn error(&self, name: &str) -> Error {
        Error::new(Kind::BadInput, format!("{name} holds no JSON: it is {}", self.what)).hint(self.hint)
    }
}

/// What a text is that is no JSON, by its beginning.
pub fn text(start: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let line = text.lines().next().unwrap_or_default();
    let has = |word: &str| text.contains(word);
    if start.starts_with(b"PK\x03\x04") {
        return Told::new("a zip archive", "unpack it, and give the file in it");
    }
    if start.get(257..262) == Some(b"ustar") {
        return Told::new("a tar archive", "unpack it with `tar xf`, and give the file in it");
    }
    if text.starts_with('<') {
        return page(text);
    }
    if text.starts_with("{\"pilotage_tape\"") {
        return Told::new("a tape", "open it: `tape(\"FILE\")`, and give that");
    }
    if text.starts_with("-----BEGIN ") {
        return Told::new("PEM", "`parse_pem(load(\"FILE\"))` reads certificates");
    }
    if ["SERVICE FQDN", "ADDRESSES", "ENDPOINT ", "RESOURCE NAME", "ECDS NAME", "NAMESPACE "]
        .iter()
        .any(|title| line.starts_with(title))
    {
        return Told::new("a table, as istioctl prints it", "save it with `-o json`, which is read");
    }
    if has("::observability_name::") || has("::default_priority::") {
        return Told::new("the answer of /clusters as text", AS_JSON);
    }
    if line.starts_with("# TYPE ") || line.starts_with("# HELP ") {
        return Told::new("metrics in Prometheus' form", AS_JSON);
    }
    if line.starts_with("active loggers") || line.starts_with("current log level is ") {
        return Told::page("the answer of POST /logging", "`log_levels` reads that");
    }
    if is_stat(line) {
        return Told::page("the answer of /stats as text", "`stats` reads that");
    }
    looks_yaml(text).then(|| Told::new("YAML by the looks of it", "name it .yaml, and it is read as that")).flatten()
}

/// `cluster.xds-grpc.cx_active: 4`
fn is_stat(line: &str) -> bool {
    let Some((name, value)) = line.rsplit_once(": ") else { return false };
    name.contains('.') && !name.contains(' ') && value.trim().parse::<u64>().is_ok()
}

/// A message may look like one line of YAML; of a document there are more.
fn looks_yaml(text: &str) -> bool {
    let word = |key: &str| !key.is_empty() && key.chars().all(|letter| letter.is_alphanumeric() || "_-@'\"".contains(letter));
    let pair = |line: &str| {
        line.trim()
            .trim_start_matches("- ")
            .split_once(':')
            .is_some_and(|(key, rest)| word(key) && (rest.is_empty() || rest.starts_with(' ')))
    };
    let item = |line: &str| line.trim_start().starts_with("- ") || line.trim_end() == "---";
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let next = |line: Option<&str>| line.is_some_and(|line| pair(line) || item(line));
    next(lines.next()) && next(lines.next())
}

/// A page for people, most likely of a proxy or a login in between.
fn page(text: &str) -> Option<Told> {
    let small = text.to_ascii_lowercase();
    if !small.contains("<html") && !small.contains("<!doctype html") {
        return Told::new("XML", SAVE);
    }
    let hint =
        "something between you and the proxy answered: a login, an error page; read it in a browser, and take the dump again";
    // Lower case letters of ASCII have the length of their capitals: places in both are the same.
    let begin = small.find("<title").and_then(|at| Some(at + small[at..].find('>')? + 1));
    let title = begin.and_then(|begin| Some(text[begin..begin + small[begin..].find("</title")?].trim()));
    match title.filter(|title| !title.is_empty()) {
        Some(title) => Told::new(format!("an HTML page, {:?}", title.chars().take(80).collect::<String>()), hint),
        None => Told::new("an HTML page", hint),
    }
}

/// That a document is no config dump, and what it looks like.
pub(super) fn no_dump(root: &Node) -> Error {
    let told = told(root);
    Error::new(Kind::BadInput, format!("this is no config dump of Envoy: it is {}", told.what)).hint(told.hint)
}

/// What a document looks like, in a clause.
pub(super) fn looks_like(root: &Node) -> String {
    format!("it is {}", told(root).what)
}

/// What a document is, by what only that has.
fn told(root: &Node) -> Told {
    let known = match root.kind() {
        Type::Array => root.at(0).and_then(|first| element(&first)),
        Type::String => root.as_str().and_then(|page| text(page.as_bytes())),
        _ => object(root),
    };
    known.unwrap_or_else(|| {
        let keys: Vec<String> = root.keys().take(5).collect();
        let what = match root.kind() {
            Type::Object if keys.is_empty() => "an empty object".into(),
            Type::Object => format!("an object with {}", keys.join(", ")),
            other => other.word().to_owned(),
        };
        Told { what, hint: SAVE, page: false }
    })
}

fn object(root: &Node) -> Option<Told> {
    const PAGES: [(&str, &str, &str); 12] = [
        ("stats", "the answer of /stats?format=json", "`stats` reads that"),
        ("certificates", "the answer of /certs", "`certs` reads that"),
        ("command_line_options", "the answer of /server_info", "`server_info` reads that"),
        ("heap_size", "the answer of /memory", "`memory` reads that"),
        ("listener_statuses", "the answer of /listeners?format=json", "the whole of a listener stands in /config_dump only"),
        ("layer_values", "the answer of /runtime", SAVE),
        ("entries", "the answer of /runtime", SAVE),
        ("pilotage_tape", "the first line of a tape", "open the tape: `tape(\"FILE\")`, and give that"),
        ("totalClients", "istiod's list of connected proxies (/debug/connections, /debug/adsz)", ISTIOD),
        ("proxyListenPort", "the mesh's settings (/debug/mesh of istiod)", ISTIOD),
        ("authorization_policies", "istiod's policies (/debug/authorizationz)", ISTIOD),
        ("egressListenerServices", "istiod's view of a Sidecar (/debug/sidecarz)", ISTIOD),
    ];
    let has = |name: &str| member(root, name).is_some() || root.get(name).is_some();
    if (has("workloads") && has("services")) || has("workload_state") {
        return Told::new("the one of a ztunnel", ZTUNNEL);
    }
    if let Some(object) = kubernetes(root) {
        return Some(object);
    }
    PAGES.iter().find(|(key, ..)| has(key)).and_then(|(_, what, hint)| Told::new(*what, hint))
}

const ISTIOD: &str = "of istiod's pages /debug/config_dump?proxyID=POD.NAMESPACE is a dump, and /debug/edsz holds endpoints";

fn element(first: &Node) -> Option<Told> {
    let has = |name: &str| first.get(name).is_some();
    if has("cluster_sent") || has("proxy_type") {
        return Told::new("istiod's state of its proxies (/debug/syncz)", ISTIOD);
    }
    if has("Attributes") {
        return Told::new("istiod's services (/debug/registryz)", ISTIOD);
    }
    if has("output_level") {
        return Told::new("istiod's log scopes (ControlZ)", ISTIOD);
    }
    if has("svc") && has("ep") {
        return Told::new("istiod's endpoints by service (/debug/endpointz)", ISTIOD);
    }
    if has("identity") && has("state") {
        return Told::new("the certificates of a ztunnel, as istioctl prints them", "`certificates` reads that");
    }
    kubernetes(first).map(|object| Told { what: format!("a list: {}", object.what), ..object })
}

fn kubernetes(node: &Node) -> Option<Told> {
    let kind = node.get("kind")?.as_str()?.into_owned();
    let hint = "`get(\"KIND\")` reads objects of the cluster; a dump is what a proxy answers to GET /config_dump";
    member(node, "api_version").and_then(|_| Told::new(format!("a Kubernetes object of kind {kind}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Doc;

    #[test]
    fn texts_are_told_by_their_beginning() {
        let mut tar = vec![b'a'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        for (start, what) in [
            (&b"<!DOCTYPE html>\n<html><HEAD><title>\n Log in \n</title>"[..], "an HTML page, \"Log in\""),
            (b"<html><title>cut", "an HTML page"),
            (b"<?xml version=\"1.0\"?><a/>", "XML"),
            (b"PK\x03\x04abc", "a zip"),
            (&tar, "a tar"),
            (b"{\"pilotage_tape\":1}\n{\"q\":{}}", "a tape"),
            (b"-----BEGIN CERTIFICATE-----", "PEM"),
            (b"SERVICE FQDN     PORT", "a table"),
            (b"xds-grpc::observability_name::xds-grpc", "/clusters as text"),
            (b"# TYPE envoy_x counter", "Prometheus"),
            (b"cluster.xds-grpc;.assignment_stale: 0\n", "/stats as text"),
            (b"apiVersion: v1\nkind: List\n", "YAML"),
            (b"- name: a\n  type: EDS\n", "YAML"),
            (b"# kept\nconfigs:\n- a\n", "YAML"),
        ] {
            let told = text(start).unwrap_or_else(|| panic!("{what}"));
            assert!(told.what.contains(what) && !told.hint.is_empty(), "{told:?}");
        }
        for start in [&b"upstream connect error: reset"[..], b"", b"LIVE", b"\xff\x00\x01", b"error: a b: c"] {
            assert_eq!(text(start), None);
        }
    }

    #[test]
    fn documents_are_told_by_what_only_they_have() {
        for (json, what) in [
            (r#"{"workloads":[],"services":[]}"#, "ztunnel"),
            (r#"{"workloadState":{}}"#, "ztunnel"),
            (r#"{"apiVersion":"v1","kind":"PodList"}"#, "kind PodList"),
            (r#"[{"apiVersion":"v1","kind":"Pod"}]"#, "a list: a Kubernetes object of kind Pod"),
            (r#"{"stats":[]}"#, "/stats"),
            (r#"{"certificates":[]}"#, "/certs"),
            (r#"{"version":"x","command_line_options":{}}"#, "/server_info"),
            (r#"{"allocated":"1","heap_size":"2"}"#, "/memory"),
            (r#"{"listener_statuses":[]}"#, "/listeners"),
            (r#"{"totalClients":0,"clients":null}"#, "/debug/connections"),
            (r#"[{"cluster_id":"a","proxy":"p","proxy_type":"sidecar"}]"#, "/debug/syncz"),
            (r#"[{"Attributes":{}}]"#, "/debug/registryz"),
            ("{}", "an empty object"),
            (r#"{"a":1,"b":2}"#, "an object with a, b"),
            (r#""cluster.a.b: 0\n""#, "/stats as text"),
            ("7", "a number"),
            ("null", "null"),
            (r#"[{"a":1}]"#, "an array"),
        ] {
            let error = no_dump(&Doc::parse(json.into()).unwrap().root());
            assert!(error.message().contains(what) && error.next_step().is_some(), "{error}");
        }
    }
}
