//! The formats in which a proxy writes its access log: as the proxy says, else as the mesh's settings do.

use super::Mesh;
use super::dig::Dig;
use super::mesh_config::mesh_config;
use super::pod_ref::PodTarget;
use super::reach;
use crate::envoy::{AccessFormats, Configured, Section, access_formats};
use serde_json::Value;

/// What is known of a proxy's formats.
#[derive(Debug, PartialEq)]
pub(super) enum Own {
    /// All that it writes.
    Told(Vec<Configured>),
    /// Those that its mesh has: it could not be asked which of them it writes.
    Likely(Vec<Configured>),
    /// ztunnel's own form, which nobody can set.
    Ztunnel,
}

impl Own {
    /// All of them.
    pub(super) fn formats(&self) -> &[Configured] {
        match self {
            Self::Told(formats) | Self::Likely(formats) => formats,
            Self::Ztunnel => &[],
        }
    }
}

/// The formats of this proxy's access log.
pub(super) async fn own(mesh: &Mesh, target: &PodTarget) -> Own {
    if target.proxy == "ztunnel" {
        return Own::Ztunnel;
    }
    match reach::section(mesh, target, &Section::Listeners.mask()).await {
        Ok(listeners) => Own::Told(access_formats(listeners.text())),
        Err(_) => Own::Likely(of_mesh(mesh, &target.revision).await),
    }
}

/// Those in the mesh's settings that are not known anyway. Where these cannot be had either, there is nothing to tell: the log
/// may well be in a known format.
async fn of_mesh(mesh: &Mesh, revision: &str) -> Vec<Configured> {
    let Ok(config) = mesh_config(mesh, Some(revision)).await else { return Vec::new() };
    let formats = serde_json::from_slice(config.text()).map(|config| written(&config)).unwrap_or_default();
    if !formats.is_empty() {
        mesh.note("a proxy could not be asked for the format of its access log: it is read by those in the mesh's settings");
    }
    formats
}

/// The formats of the mesh, and of the providers that Telemetry objects can name. One that cannot be read is left out.
fn written(config: &Value) -> Vec<Configured> {
    let own = config.text("/accessLogFormat").and_then(|format| match config.text("/accessLogEncoding") {
        Some("JSON") => serde_json::from_str(format).ok().map(Configured::Json),
        _ => Some(Configured::Text(format.to_owned())),
    });
    let of_provider = |provider: &Value| {
        let format = provider.pointer("/envoyFileAccessLog/logFormat")?;
        let labels = || format.pointer("/labels").and_then(Value::as_object).cloned().map(Configured::Json);
        format.text("/text").map(|text| Configured::Text(text.to_owned())).or_else(labels)
    };
    let mut formats = Vec::new();
    for format in own.into_iter().chain(config.list("/extensionProviders").iter().filter_map(of_provider)) {
        if !formats.contains(&format) && AccessFormats::new(std::slice::from_ref(&format)).is_ok() {
            formats.push(format);
        }
    }
    formats
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use crate::error::Kind;
    use serde_json::json;

    fn text(format: &str) -> Configured {
        Configured::Text(format.into())
    }

    fn labels(labels: &Value) -> Configured {
        Configured::Json(labels.as_object().unwrap().clone())
    }

    #[test]
    fn the_mesh_has_its_own_format_and_those_of_its_providers() {
        let keys = json!({"c": "%RESPONSE_CODE%"});
        let config = json!({"accessLogFile": "/dev/stdout", "accessLogEncoding": "TEXT", "accessLogFormat": "%PROTOCOL% 1\n",
            "extensionProviders": [
                {"name": "a", "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"text": "%PROTOCOL% 2"}}},
                {"name": "b", "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"labels": keys}}},
                {"name": "c", "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"text": "%PROTOCOL"}}},
                {"name": "d", "envoyFileAccessLog": {"path": "/dev/stdout"}},
                {"name": "e", "prometheus": {}}]});
        assert_eq!(written(&config), [text("%PROTOCOL% 1\n"), text("%PROTOCOL% 2"), labels(&keys)]);
        let config = json!({"accessLogEncoding": "JSON", "accessLogFormat": keys.to_string()});
        assert_eq!(written(&config), [labels(&keys)]);
        let broken = json!({"accessLogEncoding": "JSON", "accessLogFormat": "%PROTOCOL%"});
        assert!(written(&broken).is_empty() && written(&json!({})).is_empty());
    }

    #[test]
    fn a_proxy_that_cannot_be_asked_has_the_format_of_its_revision() {
        let istiod = |name: &str, revision: &str| {
            json!({"metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istiod", "istio.io/rev": revision}},
                "spec": {"containers": [{"name": "discovery"}]}})
        };
        let pods = json!({"items": [istiod("a", "1-29"), istiod("b", "1-30")]});
        let (mesh, fake) = Fake::new()
            .kube("/api/v1/pods?limit=500", pods.to_string())
            .says("pod istio-system/b:15014 GET /debug/mesh", r#"{"accessLogFormat": "%PROTOCOL% mine"}"#)
            .fails("pod n/p:15000 GET /config_dump?mask=dynamic_listeners,static_listeners", Kind::Timeout)
            .shared();
        let target = PodTarget {
            namespace: "n".into(),
            name: "p".into(),
            proxy: "sidecar".into(),
            proxy_state: "running".into(),
            revision: "1-30".into(),
            ..PodTarget::default()
        };
        assert_eq!(wait(own(&mesh, &target)), Own::Likely(vec![text("%PROTOCOL% mine")]));
        assert!(mesh.take_notes()[0].contains("those in the mesh's settings"));
        assert!(fake.asked().iter().all(|asked| !asked.contains("istio-system/a:")), "{:?}", fake.asked());
    }
}
