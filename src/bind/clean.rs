//! Documents of files without the secrets in them, as answers of the mesh come without. Only resources in which something
//! may be a secret are looked into; all others stay as they lie.

use crate::backend::{Redactor, secret_strings, suspicious};
use crate::envoy::Dump;
use crate::error::Result;
use crate::host::Reading;
use crate::json::{Doc, Edit};
use bytes::Bytes;
use std::sync::Arc;

/// Whose text is read, and so what is done with the secrets in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A proxy's or a server's: what a function reads that asks them, too.
    Proxy,
    /// The script's: a file of its own is its own affair, unless it is a proxy's dump.
    Script,
    /// Somebody's who wants to see all of it.
    KeepsSecrets,
}

impl Owner {
    /// The same, unless secrets are to be kept.
    pub fn of(self, reading: Reading) -> Self {
        if reading.keep_secrets { Self::KeepsSecrets } else { self }
    }
}

/// The document of a text, of which nothing secret is left; of one that is cut off, what came whole.
///
/// # Errors
/// As [`Doc::parse_partial`].
pub fn parse(text: Vec<u8>, owner: Owner) -> Result<Arc<Doc>> {
    if owner == Owner::KeepsSecrets {
        return Doc::parse_partial(text.into());
    }
    let (doc, places) = Doc::parse_beside(Bytes::from(text), suspicious);
    clean(doc?, &places, owner)
}

/// A document made of something else, without secrets.
///
/// # Errors
/// When it cannot be put together again.
pub fn document(doc: Arc<Doc>, owner: Owner) -> Result<Arc<Doc>> {
    let places = if owner == Owner::KeepsSecrets { Vec::new() } else { suspicious(doc.text()) };
    clean(doc, &places, owner)
}

/// A text that is no JSON, without secrets.
pub fn text(text: &[u8], owner: Owner) -> String {
    let clean = if owner == Owner::Proxy { Redactor::default().bytes(text, false) } else { None };
    String::from_utf8_lossy(clean.as_deref().unwrap_or(text)).into_owned()
}

fn clean(doc: Arc<Doc>, places: &[usize], owner: Owner) -> Result<Arc<Doc>> {
    if places.is_empty() || (owner == Owner::Script && Dump::open(&doc).is_err()) {
        return Ok(doc);
    }
    let mut edits: Vec<Edit> = Vec::new();
    let mut read = 0;
    for &place in places {
        if place < read {
            continue;
        }
        let resource = doc.resource(place);
        read = resource.end.max(place + 1);
        let Some(piece) = doc.text().get(resource.clone()) else { continue };
        let here = secret_strings(piece).into_iter();
        edits.extend(here.map(|(string, new)| (resource.start + string.start..resource.start + string.end, new)));
    }
    doc.with(&edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";

    fn dump(key: &str) -> Value {
        let cluster = |number: usize| json!({"cluster": {"name": format!("outbound|{number}||a.b"), "note": "x".repeat(900)}});
        let secret = json!({"name": "default", "secret": {"tls_certificate": {
            "certificate_chain": {"inline_string": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
            "private_key": {"inline_string": key}}}});
        let listener = json!({"name": "l", "filters": [{"typed_config": {"inline_code": "local password = 'abc'"}}],
            "headers": [{"header": {"key": "authorization", "value": "Basic dXNlcjpwYXNzd29yZA=="}}]});
        json!({"configs": [
            {"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
                "dynamic_active_clusters": (0..100).map(cluster).collect::<Vec<_>>()},
            {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": [listener]},
            {"@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", "dynamic_active_secrets": [secret]}]})
    }

    #[test]
    fn a_files_document_is_what_the_mesh_would_have_answered() {
        // A key of one letter is shorter than what stands for it.
        for key in [KEY, "k"] {
            for text in [dump(key).to_string(), format!("{:#}", dump(key))] {
                let wanted = Redactor::default().bytes(text.as_bytes(), false).unwrap();
                let doc = parse(text.into_bytes(), Owner::Proxy).unwrap();
                assert_eq!(doc.root().to_value().unwrap(), serde_json::from_slice::<Value>(&wanted).unwrap());
                assert!(!String::from_utf8_lossy(doc.text()).contains("MIIEv"));
            }
        }
    }

    #[test]
    fn what_is_clean_stays_where_it_lies() {
        let text = json!({"configs": [{"clusters": (0..200).collect::<Vec<_>>()}]}).to_string().into_bytes();
        let place = text.as_ptr();
        let doc = parse(text, Owner::Proxy).unwrap();
        assert_eq!(doc.text().as_ptr(), place);
        let text = json!({"configs": [{"private_key": {"inline_string": KEY}}]}).to_string().into_bytes();
        let place = text.as_ptr();
        assert_eq!(parse(text, Owner::Proxy).unwrap().text().as_ptr(), place, "long keys go without a copy");
    }

    #[test]
    fn a_scripts_own_file_stays_its_own_unless_it_is_a_dump() {
        let own = json!({"password": "mine"}).to_string().into_bytes();
        assert_eq!(parse(own.clone(), Owner::Script).unwrap().text().as_ref(), own);
        assert!(!parse(own, Owner::Proxy).unwrap().root().text().contains("mine"));
        assert!(!parse(dump(KEY).to_string().into_bytes(), Owner::Script).unwrap().root().text().contains("MIIEv"));
    }

    #[test]
    fn texts_and_trees_are_clean_too() {
        let page = format!("<html>{KEY}</html>");
        assert!(!text(page.as_bytes(), Owner::Proxy).contains("MIIEv"));
        assert_eq!(text(page.as_bytes(), Owner::KeepsSecrets), page);
        let kept = parse(dump(KEY).to_string().into_bytes(), Owner::KeepsSecrets).unwrap();
        assert_eq!(kept.root().to_value().unwrap(), dump(KEY));
        let doc = Doc::from_value(&dump(KEY)).unwrap();
        assert!(!document(doc, Owner::Proxy).unwrap().root().text().contains("MIIEv"));
    }
}
