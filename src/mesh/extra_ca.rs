//! The extra certificate authority that istiod trusts when it fetches keys: `extra.pem` in the volume mounted at `/cacerts`.
//!
//! `/etc/cacerts` is something else: the CA that signs the workloads' certificates.

use super::Mesh;
use super::dig::{Dig, full_name};
use super::istiods::DISCOVERY;
use super::kube::{encode, find};
use crate::error::Kind;
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::Value;

const FILE: &str = "extra.pem";

/// What is mounted, and what can be read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExtraCa {
    /// `configmap/NAME key extra.pem`, `secret/…`, `volume NAME (csi)`, or `none`.
    pub what: String,
    /// `none`, `ok`, `not_found`, `no_key`, `forbidden` or `unreadable`.
    pub state: &'static str,
    pub pem: Option<String>,
    pub changed: Option<String>,
}

/// Where the file comes from, by the pod's volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Object { kind: &'static str, name: String, key: String },
    Other(String),
}

/// What this istiod mounts at `/cacerts`, read.
pub(crate) async fn extra_ca(mesh: &Mesh, pod: &Value) -> ExtraCa {
    let (kind, name, key) = match source(pod) {
        None => return ExtraCa { what: "none".into(), state: "none", ..ExtraCa::default() },
        Some(Source::Other(what)) => {
            mesh.note(format!("what istiod {} mounts at /cacerts ({what}) cannot be read from outside", full_name(pod)));
            return ExtraCa { what, state: "unreadable", ..ExtraCa::default() };
        }
        Some(Source::Object { kind, name, key }) => (kind, name, key),
    };
    let namespace = pod.string("/metadata/namespace");
    let what = format!("{kind}/{name} key {key}");
    let path = format!("/api/v1/namespaces/{}/{kind}s/{}", encode(&namespace), encode(&name));
    let failed = |state, note: String| {
        mesh.note(note);
        ExtraCa { what: what.clone(), state, ..ExtraCa::default() }
    };
    match find(mesh, &path).await {
        Ok(None) => {
            failed("not_found", format!("istiod mounts {kind}/{name} at /cacerts, but namespace {namespace} has no such object"))
        }
        Err(error) => {
            let state = if error.kind() == Kind::Forbidden { "forbidden" } else { "unreadable" };
            let step = error.next_step().map(|step| format!(" ({step})")).unwrap_or_default();
            failed(
                state,
                format!("the extra CA of istiod is in {kind}/{name} of {namespace}, which cannot be read: {error}{step}"),
            )
        }
        Ok(Some(object)) => match content(&object, kind, &key) {
            Content::Hidden => {
                let hidden = failed(
                    "unreadable",
                    format!("{kind}/{name} of {namespace} holds istiod's extra CA, but its value cannot be read here"),
                );
                ExtraCa { changed: changed(&object), ..hidden }
            }
            Content::Text(pem) => ExtraCa { what, state: "ok", pem: Some(pem), changed: changed(&object) },
            Content::Missing => {
                let missing = failed(
                    "no_key",
                    format!(
                        "{kind}/{name} of {namespace} is mounted at istiod's /cacerts, but has no key {key}: istiod reads no other"
                    ),
                );
                ExtraCa { changed: changed(&object), ..missing }
            }
        },
    }
}

/// The volume behind `/cacerts`, or behind the file itself.
pub(crate) fn source(pod: &Value) -> Option<Source> {
    let container = pod.list("/spec/containers").iter().find(|container| container.text("/name") == Some(DISCOVERY))?;
    let mounts = container.list("/volumeMounts").iter();
    let mount = mounts.filter(|mount| {
        let at = mount.string("/mountPath");
        at.trim_end_matches('/') == "/cacerts" || at == format!("/cacerts/{FILE}")
    });
    let mount = mount.max_by_key(|mount| mount.string("/mountPath").len())?;
    let file = mount.text("/subPath").unwrap_or(FILE).to_owned();
    let name = mount.string("/name");
    let volume = pod.list("/spec/volumes").iter().find(|volume| volume.text("/name") == Some(&name))?;
    let parts = match volume.list("/projected/sources") {
        [] => std::slice::from_ref(volume),
        several => several,
    };
    let objects: Vec<Source> = parts.iter().filter_map(|part| object(part, &file)).collect();
    // Of several projected objects, one that maps the file by name beats one that merely could hold it.
    let mapped = objects.iter().position(|source| matches!(source, Source::Object { key, .. } if *key == file)).unwrap_or(0);
    Some(objects.into_iter().nth(mapped).unwrap_or_else(|| Source::Other(format!("volume {name} ({})", sort(volume)))))
}

fn object(part: &Value, file: &str) -> Option<Source> {
    let (kind, source) = match (part.get("configMap"), part.get("secret")) {
        (Some(source), _) => ("configmap", source),
        (_, Some(source)) => ("secret", source),
        _ => return None,
    };
    let name = source.text("/name").or_else(|| source.text("/secretName"))?.to_owned();
    let items = source.list("/items");
    let item = items.iter().find(|item| item.text("/path") == Some(file));
    let key = match item {
        Some(item) => item.string("/key"),
        None if items.is_empty() => file.to_owned(),
        None => return None,
    };
    Some(Source::Object { kind, name, key })
}

/// The sort of a volume: its only field besides the name.
fn sort(volume: &Value) -> String {
    let fields = volume.as_object().into_iter().flatten();
    fields.map(|(key, _)| key.as_str()).find(|key| *key != "name").unwrap_or("unknown").to_owned()
}

/// The value of a key.
enum Content {
    Text(String),
    /// It is there and no base64: a tape keeps no secrets.
    Hidden,
    Missing,
}

fn content(object: &Value, kind: &str, key: &str) -> Content {
    let plain = object.entry("/data", key).filter(|_| kind == "configmap");
    if let Some(text) = plain {
        return Content::Text(text.to_owned());
    }
    let Some(encoded) = object.entry(if kind == "configmap" { "/binaryData" } else { "/data" }, key) else {
        return Content::Missing;
    };
    match base64::engine::general_purpose::STANDARD.decode(encoded) {
        Ok(bytes) => Content::Text(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Content::Hidden,
    }
}

/// When an object was last written, as far as its metadata says.
fn changed(object: &Value) -> Option<String> {
    let made = object.text("/metadata/creationTimestamp");
    let writes = object.list("/metadata/managedFields").iter().filter_map(|write| write.text("/time"));
    let times = made.into_iter().chain(writes).filter_map(|time| time.parse::<Timestamp>().ok());
    times.max().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    const PATH: &str = "/api/v1/namespaces/ns/secrets/s";

    fn pod(mount: Value, volume: Value) -> Value {
        json!({"metadata": {"name": "istiod", "namespace": "ns"}, "spec": {"volumes": [volume],
            "containers": [{"name": "discovery", "volumeMounts": [{"name": "etc", "mountPath": "/etc/cacerts"}, mount]}]}})
    }

    fn secret() -> Value {
        pod(json!({"name": "x", "mountPath": "/cacerts/"}), json!({"name": "x", "secret": {"secretName": "s"}}))
    }

    fn read(fake: Fake) -> (ExtraCa, Vec<String>) {
        let mesh = fake.mesh();
        (wait(extra_ca(&mesh, &secret())), mesh.take_notes())
    }

    #[test]
    fn only_cacerts_counts_and_not_the_signing_ca() {
        let other = pod(json!({"name": "y", "mountPath": "/var"}), json!({"name": "etc", "secret": {"secretName": "cacerts"}}));
        assert_eq!(source(&other), None);
        let object = |kind, name: &str, key: &str| Some(Source::Object { kind, name: name.into(), key: key.into() });
        assert_eq!(source(&secret()), object("secret", "s", "extra.pem"));
        let mapped = json!({"name": "x", "configMap": {"name": "c", "items": [{"key": "ca.crt", "path": "extra.pem"}]}});
        assert_eq!(source(&pod(json!({"name": "x", "mountPath": "/cacerts"}), mapped)), object("configmap", "c", "ca.crt"));
        let projected =
            json!({"name": "x", "projected": {"sources": [{"serviceAccountToken": {}}, {"configMap": {"name": "c"}}]}});
        assert_eq!(source(&pod(json!({"name": "x", "mountPath": "/cacerts"}), projected)), object("configmap", "c", "extra.pem"));
        let file = json!({"name": "x", "mountPath": "/cacerts/extra.pem", "subPath": "root.pem"});
        assert_eq!(source(&pod(file, json!({"name": "x", "secret": {"secretName": "s"}}))), object("secret", "s", "root.pem"));
        let csi = pod(json!({"name": "x", "mountPath": "/cacerts"}), json!({"name": "x", "csi": {}}));
        assert_eq!(source(&csi), Some(Source::Other("volume x (csi)".into())));
    }

    #[test]
    fn a_secret_is_decoded_and_dated_by_its_last_write() {
        let secret = json!({"metadata": {"creationTimestamp": "2026-11-22T13:00:00Z", "managedFields": [{"time": "2026-11-22T13:05:00Z"}]},
            "data": {"extra.pem": "UEVN"}});
        let (extra, notes) = read(Fake::new().kube(PATH, secret.to_string()));
        assert_eq!(
            (extra.state, extra.pem.as_deref(), extra.changed.as_deref()),
            ("ok", Some("PEM"), Some("2026-11-22T13:05:00Z"))
        );
        assert!(notes.is_empty());
    }

    #[test]
    fn a_value_that_is_hidden_still_has_a_date() {
        let secret = r#"{"metadata":{"creationTimestamp":"2026-11-22T13:00:00Z"},"data":{"extra.pem":"⟨redacted⟩"}}"#;
        assert_eq!(read(Fake::new().kube(PATH, secret)).0.changed.as_deref(), Some("2026-11-22T13:00:00Z"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let forbidden = include_str!("../../tests/data/kube/forbidden-list-pods.json");
        for (fake, state, says) in [
            (Fake::new().kube(PATH, r#"{"data":{"ca.crt":"UEVN"}}"#), "no_key", "has no key extra.pem: istiod reads no other"),
            (Fake::new().kube(PATH, r#"{"data":{"extra.pem":"⟨redacted⟩"}}"#), "unreadable", "cannot be read here"),
            (Fake::new().refuses(&format!("kube GET {PATH}"), 404, "{}"), "not_found", "no such object"),
            (Fake::new().refuses(&format!("kube GET {PATH}"), 403, forbidden), "forbidden", "cannot be read"),
            (Fake::new(), "unreadable", "cannot be read"),
        ] {
            let (extra, notes) = read(fake);
            assert_eq!((extra.state, extra.pem, extra.what.as_str()), (state, None, "secret/s key extra.pem"));
            assert!(notes[0].contains(says), "{notes:?}");
        }
    }
}
