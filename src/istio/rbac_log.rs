//! What Envoy writes of the authorization policies it enforces, at `rbac:debug`: which request was refused, and by which rule.

use crate::record;
use std::collections::HashMap;

record! {
    /// A request, or a connection, that an authorization policy refuses.
    pub struct Denial as "denial" {
        /// When (RFC 3339).
        pub time: String,
        /// The namespace of the pod that refuses.
        pub namespace: String,
        /// The pod that refuses.
        pub pod: String,
        /// `denied`, or `would_deny` for a policy that is only tried (dry run).
        pub verdict: String,
        /// The policy that says so, `NAMESPACE/NAME`; `none` when no ALLOW policy lets it in; empty in old Envoys, which do not say.
        pub policy: String,
        /// The number of the rule in that policy, from 0 on.
        pub rule: Option<i64>,
        /// The client's identity, by its certificate; empty without mTLS.
        pub principal: String,
        /// The method; empty for a connection.
        pub method: String,
        /// The path with its query.
        pub path: String,
        /// The host that was asked for.
        pub authority: String,
        /// The client's address, the nearest trusted one.
        pub remote_ip: String,
        /// The address that was asked.
        [wide] pub local_address: String,
        /// The server name of the TLS handshake.
        [wide] pub server_name: String,
        /// The policy as Envoy names it.
        [wide] pub matched: String,
    }
}

/// A message of a proxy's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// When it was written.
    pub time: &'a str,
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The whole message; all lines of it.
    pub text: &'a str,
}

/// The refusals in a log, in its order. What is checked is said first, and in the same thread the verdict.
pub fn denials<'a>(messages: impl IntoIterator<Item = Said<'a>>) -> Vec<Denial> {
    let mut checked: HashMap<(&str, &str, &str), &str> = HashMap::new();
    let mut found = Vec::new();
    for said in messages {
        let key = (said.namespace, said.pod, thread(said.text));
        if said.text.contains("checking request: ") || said.text.contains("checking connection: ") {
            checked.insert(key, said.text);
        } else if let Some((verdict, matched)) = verdict(said.text) {
            found.push(denial(&said, verdict, matched, checked.get(&key).copied().unwrap_or_default()));
        }
    }
    found
}

/// Envoy's number of the thread, which stands at the end in Istio's format and in front in Envoy's own.
fn thread(text: &str) -> &str {
    match text.rsplit_once("thread=") {
        Some((_, thread)) => thread.trim(),
        None => text.split("][").nth(1).unwrap_or_default(),
    }
}

fn verdict(text: &str) -> Option<(&'static str, &str)> {
    let words = [("enforced denied", "denied"), ("shadow denied", "would_deny")];
    let (rest, verdict) = words.iter().find_map(|(words, verdict)| Some((text.split_once(words)?.1, *verdict)))?;
    let matched = rest.strip_prefix(", matched policy ").unwrap_or_default();
    Some((verdict, matched.split(['\t', '\n']).next().unwrap_or_default().trim()))
}

fn denial(said: &Said, verdict: &str, matched: &str, request: &str) -> Denial {
    let (policy, rule) = policy(matched);
    let header = |name: &str| between(request, &format!("'{name}', '"), "'").to_owned();
    let field = |name: &str| between(request, &format!("{name}: "), ",").trim().to_owned();
    Denial {
        time: said.time.into(),
        namespace: said.namespace.into(),
        pod: said.pod.into(),
        verdict: verdict.into(),
        policy,
        rule,
        principal: field("uriSanPeerCertificate"),
        method: header(":method"),
        path: header(":path"),
        authority: header(":authority"),
        remote_ip: field(" remoteIP"),
        local_address: field("localAddress"),
        server_name: field("requestedServerName"),
        matched: matched.into(),
    }
}

/// What stands between two texts; nothing when the first is not there.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split(end).next().unwrap_or_default()
}

/// `ns[NAMESPACE]-policy[NAME]-rule[0]`, with an external authorizer's prefix or not, as `NAMESPACE/NAME` and the rule.
pub fn policy(matched: &str) -> (String, Option<i64>) {
    let part = |name: &str| between(matched, &format!("{name}["), "]");
    let (namespace, name) = (part("ns"), part("-policy"));
    if name.is_empty() { (matched.into(), None) } else { (format!("{namespace}/{name}"), part("-rule").parse().ok()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &str = "2026-11-22T13:08:00.935681Z\tdebug\tenvoy rbac source/extensions/filters/http/rbac/rbac_filter.cc:266\tchecking request: requestedServerName: outbound_.80_._.api.shop.svc.cluster.local, sourceIP: 10.88.1.3:50260, directRemoteIP: 10.88.1.3:50260, remoteIP: 10.88.1.3:50260,localAddress: 10.88.1.4:8080, ssl: uriSanPeerCertificate: spiffe://cluster.local/ns/shop/sa/default, dnsSanPeerCertificate: , subjectPeerCertificate: , headers: ':authority', 'api'\n':path', '/admin/x?a=b'\n':method', 'GET'\n, dynamicMetadata: x\n\tthread=23523";
    const DENIED: &str = "2026-11-22T13:08:00.935782Z\tdebug\tenvoy rbac source/extensions/filters/http/rbac/rbac_filter.cc:233\tenforced denied, matched policy ns[shop]-policy[no-admin]-rule[0]\tthread=23523";

    fn read(log: &[&str]) -> Vec<Denial> {
        denials(log.iter().map(|text| Said { time: "t", namespace: "shop", pod: "api-0", text }))
    }

    #[test]
    fn a_refusal_knows_its_request_policy_and_rule() {
        let row = read(&[CHECK, DENIED]).remove(0);
        assert_eq!([&row.verdict, &row.policy, &row.method, &row.path], ["denied", "shop/no-admin", "GET", "/admin/x?a=b"]);
        assert_eq!((row.rule, row.principal.as_str()), (Some(0), "spiffe://cluster.local/ns/shop/sa/default"));
        assert_eq!([&row.remote_ip, &row.local_address, &row.authority], ["10.88.1.3:50260", "10.88.1.4:8080", "api"]);
    }

    #[test]
    fn threads_are_told_apart_and_what_is_allowed_is_none() {
        let other = CHECK.replace("/admin/x", "/other").replace("23523", "7");
        let allowed = "x\tenforced allowed, matched policy none\tthread=23523";
        let rows = read(&[CHECK, &other, DENIED, allowed]);
        assert_eq!((rows.len(), rows[0].path.as_str()), (1, "/admin/x?a=b"));
    }

    #[test]
    fn policies_of_every_sort_are_named() {
        for (matched, name, rule) in [
            ("none", "none", None),
            ("ns[shop]-policy[a-b]-rule[12]", "shop/a-b", Some(12)),
            ("istio-ext-authz-opa-ns[shop]-policy[ext]-rule[0]-deny-due-to-bad-CUSTOM-action", "shop/ext", Some(0)),
            ("default-deny-all-due-to-bad-CUSTOM-action", "default-deny-all-due-to-bad-CUSTOM-action", None),
        ] {
            assert_eq!(policy(matched), (name.to_owned(), rule), "{matched}");
        }
    }

    #[test]
    fn a_dry_run_an_old_envoy_and_a_connection_are_read_too() {
        let rows = read(&[
            "[2020-05-05 10:00:00.123][21][debug][rbac] [x.cc:1] shadow denied, matched policy ns[a]-policy[b]-rule[0]",
            "x enforced denied",
        ]);
        assert_eq!((rows[0].verdict.as_str(), rows[0].policy.as_str()), ("would_deny", "a/b"));
        assert_eq!((rows[1].verdict.as_str(), rows[1].policy.as_str()), ("denied", ""));
        let tcp = "x\tchecking connection: requestedServerName: , sourceIP: 10.0.0.1:1, directRemoteIP: 10.0.0.1:1,remoteIP: 10.0.0.1:1, localAddress: 10.0.0.2:2, ssl: none, dynamicMetadata: \tthread=1";
        let row = read(&[tcp, "x\tenforced denied, matched policy none\tthread=1"]).remove(0);
        assert_eq!((row.policy.as_str(), row.method.as_str(), row.local_address.as_str()), ("none", "", "10.0.0.2:2"));
    }
}
