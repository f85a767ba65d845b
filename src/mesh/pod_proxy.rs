//! Which proxy a pod runs, in which container, and where its admin port is. Told from the pod object alone.

use super::dig::{Dig, annotation, label};
use super::pod_status::natives;
use serde_json::Value;

/// The container that Istio's proxies run in.
pub(crate) const PROXY: &str = "istio-proxy";
/// Envoy's and ztunnel's admin port, unless it was moved.
pub(crate) const ADMIN_PORT: u16 = 15000;

/// The word for a pod's proxy: `sidecar`, `native-sidecar`, `gateway`, `waypoint`, `ztunnel`, `agentgateway`, or `none`.
pub(crate) fn proxy(pod: &Value) -> &'static str {
    let class = label(pod, "gateway.networking.k8s.io/gateway-class-name").unwrap_or_default();
    if class.starts_with("istio-agentgateway") {
        return "agentgateway";
    }
    let Some(container) = container(pod) else { return "none" };
    let words = words(container);
    let only = pod.list("/spec/containers").len() == 1 && natives(pod).next().is_none();
    if label(pod, "app") == Some("ztunnel") || words.contains(&"ztunnel") {
        "ztunnel"
    } else if class == "istio-waypoint" || words.contains(&"waypoint") || managed_as_waypoint(pod) {
        "waypoint"
    } else if words.contains(&"router") || (only && container.text("/restartPolicy").is_none()) {
        "gateway"
    } else if natives(pod).any(|native| native.text("/name") == Some(PROXY)) {
        "native-sidecar"
    } else {
        "sidecar"
    }
}

/// The proxy's container, wherever it stands.
pub(crate) fn container(pod: &Value) -> Option<&Value> {
    pod.list("/spec/containers").iter().chain(natives(pod)).find(|container| container.text("/name") == Some(PROXY))
}

/// The admin port: moved by `--proxyAdminPort`, by the pod's `proxy.istio.io/config`, or by the injected `PROXY_CONFIG`.
pub(crate) fn admin_port(pod: &Value) -> u16 {
    let Some(container) = container(pod) else { return ADMIN_PORT };
    let words = words(container);
    let flag = words.iter().position(|word| word.starts_with("--proxyAdminPort")).and_then(|at| {
        let inline = words[at].split_once('=').map(|(_, value)| value);
        inline.or_else(|| words.get(at + 1).copied())?.parse().ok()
    });
    let env = container.list("/env").iter().find(|entry| entry.text("/name") == Some("PROXY_CONFIG"));
    flag.or_else(|| port_in(annotation(pod, "proxy.istio.io/config")?))
        .or_else(|| port_in(env?.text("/value")?))
        .unwrap_or(ADMIN_PORT)
}

/// Version of the proxy, by its image's tag.
pub(crate) fn version(pod: &Value) -> Option<String> {
    image_tag(container(pod)?.text("/image")?)
}

/// The tag of an image, if it names one: `1.29.1` of `registry:5000/istio/proxyv2:1.29.1-distroless@sha256:…`.
pub(crate) fn image_tag(image: &str) -> Option<String> {
    let image = image.split('@').next().unwrap_or(image);
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    Some(tag.trim_end_matches("-distroless").trim_end_matches("-debug").to_owned())
}

/// The revision that injected the pod.
pub(crate) fn revision(pod: &Value) -> Option<String> {
    let injected = annotation(pod, "sidecar.istio.io/status").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let by_injector = injected.and_then(|status| status.text("/revision").map(str::to_owned));
    by_injector.or_else(|| label(pod, "istio.io/rev").map(str::to_owned))
}

/// Whether ztunnel carries the pod's traffic.
pub(crate) fn is_ambient(pod: &Value) -> bool {
    annotation(pod, "ambient.istio.io/redirection") == Some("enabled")
}

/// What in the pod itself keeps a sidecar out; empty when nothing does.
pub(crate) fn opted_out(pod: &Value) -> String {
    const KEY: &str = "sidecar.istio.io/inject";
    if label(pod, KEY) == Some("false") {
        format!("the pod's label {KEY}=false")
    } else if label(pod, KEY).is_none() && annotation(pod, KEY) == Some("false") {
        format!("the pod's annotation {KEY}=false")
    } else if pod.flag("/spec/hostNetwork") {
        "the pod uses the host's network, where sidecars are never injected".into()
    } else {
        String::new()
    }
}

fn managed_as_waypoint(pod: &Value) -> bool {
    label(pod, "gateway.istio.io/managed") == Some("istio.io-mesh-controller")
}

fn words(container: &Value) -> Vec<&str> {
    let all = container.list("/command").iter().chain(container.list("/args"));
    all.filter_map(Value::as_str).collect()
}

/// `proxyAdminPort` in a ProxyConfig, written as YAML or as JSON.
fn port_in(config: &str) -> Option<u16> {
    let (_, rest) = config.split_once("proxyAdminPort")?;
    let rest = rest.trim_start_matches(|c: char| c == '"' || c == '\'' || c == ':' || c.is_whitespace());
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(proxy: Value, app: bool) -> Value {
        let mut containers = vec![proxy];
        if app {
            containers.insert(0, json!({"name": "app"}));
        }
        json!({"metadata": {"labels": {}, "annotations": {}}, "spec": {"containers": containers}})
    }

    #[test]
    fn each_kind_of_proxy_is_told_apart() {
        assert_eq!(proxy(&with(json!({"name": "istio-proxy"}), true)), "sidecar");
        assert_eq!(proxy(&with(json!({"name": "istio-proxy"}), false)), "gateway");
        assert_eq!(proxy(&with(json!({"name": "istio-proxy", "args": ["proxy", "router"]}), true)), "gateway");
        assert_eq!(proxy(&with(json!({"name": "istio-proxy", "args": ["proxy", "waypoint"]}), false)), "waypoint");
        assert_eq!(proxy(&with(json!({"name": "istio-proxy", "args": ["proxy", "ztunnel"]}), false)), "ztunnel");
        assert_eq!(proxy(&with(json!({"name": "web"}), true)), "none");
        let native = json!({"spec": {"containers": [{"name": "app"}],
            "initContainers": [{"name": "istio-proxy", "restartPolicy": "Always"}]}});
        assert_eq!(proxy(&native), "native-sidecar");
        let once = json!({"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "istio-proxy"}]}});
        assert_eq!(proxy(&once), "none");
        let mut agent = with(json!({"name": "agentgateway"}), false);
        agent["metadata"]["labels"] = json!({"gateway.networking.k8s.io/gateway-class-name": "istio-agentgateway"});
        assert_eq!(proxy(&agent), "agentgateway");
    }

    #[test]
    fn a_moved_admin_port_is_found_wherever_it_was_set() {
        assert_eq!(admin_port(&with(json!({"name": "istio-proxy"}), true)), 15000);
        assert_eq!(
            admin_port(&with(json!({"name": "istio-proxy", "args": ["proxy", "--proxyAdminPort", "15700"]}), true)),
            15700
        );
        assert_eq!(admin_port(&with(json!({"name": "istio-proxy", "args": ["--proxyAdminPort=15701"]}), true)), 15701);
        let env = json!([{"name": "PROXY_CONFIG", "value": "{\"proxyAdminPort\":15702}"}]);
        assert_eq!(admin_port(&with(json!({"name": "istio-proxy", "env": env}), true)), 15702);
        let mut annotated = with(json!({"name": "istio-proxy"}), true);
        for (text, port) in [("concurrency: 2\nproxyAdminPort: 15703\n", 15703), ("proxyAdminPort: many", 15000), ("{}", 15000)] {
            annotated["metadata"]["annotations"] = json!({"proxy.istio.io/config": text});
            assert_eq!(admin_port(&annotated), port, "{text}");
        }
    }

    #[test]
    fn tags_are_cut_out_of_images() {
        for (image, tag) in [
            ("docker.io/istio/proxyv2:1.29.1", Some("1.29.1")),
            ("registry:5000/istio/pilot:1.29.1-distroless", Some("1.29.1")),
            ("registry:5000/istio/pilot", None),
            ("istio/pilot@sha256:abcd", None),
            ("istio/pilot:1.30.0@sha256:abcd", Some("1.30.0")),
        ] {
            assert_eq!(image_tag(image).as_deref(), tag, "{image}");
        }
    }
}
