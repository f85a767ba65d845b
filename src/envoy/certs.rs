//! The certificates that a proxy has loaded, as `/certs` lists them: for each TLS context anew.

use super::page::expect;
use super::wire::{Flaws, Text, found};
use crate::error::Result;
use crate::json::{Found, Node, each};
use crate::record;
use crate::tls::{seconds_until, time_left};
use jiff::Timestamp;
use std::collections::HashMap;

record! {
    /// A certificate that a proxy has loaded.
    pub struct LoadedCertificate as "loaded certificate" {
        /// `chain` (its own, that it shows) or `ca` (an authority that it believes).
        pub kind: String,
        /// Serial number, in hexadecimal.
        pub serial_number: String,
        /// The names it is for: `URI:spiffe://…`, `DNS:…`, `IP:…`.
        pub sans: Vec<String>,
        /// `valid`, `expired`, `not_yet_valid`; `unknown` when Envoy does not tell the times.
        pub status: String,
        /// Until it expires: `23h 58m`; since it did: `-660d`.
        pub time_left: Option<String>,
        /// Valid until this time (UTC).
        pub expires: Option<String>,
        /// How many TLS contexts of the proxy use it.
        pub contexts: u64,
        /// The file that it came from; `<inline>` when it came with the configuration.
        [wide] pub path: String,
        /// Valid from this time on (UTC).
        [wide] pub valid_from: Option<String>,
        /// Seconds until it expires; negative when it has.
        [wide] pub seconds_left: Option<i64>,
        /// Whole days in Envoy's count: 0 for less than a day, and for all that have expired. Judge by `status`.
        [wide] pub days_until_expiration: Option<u64>,
        /// Until when the stapled answer of its authority (OCSP) holds.
        [wide] pub ocsp_expires: Option<String>,
        /// What could not be read of it.
        [wide] pub broken: Option<String>,
    }
}

wire! {
    struct ContextWire<'de> {
        ca_cert: Vec<CertificateWire<'de>>,
        cert_chain: Vec<CertificateWire<'de>>,
    }
}

wire! {
    struct CertificateWire<'de> {
        path: Text<'de>,
        serial_number: Text<'de>,
        subject_alt_names: Vec<Name<'de>>,
        days_until_expiration: Option<u64>,
        valid_from: Option<Text<'de>>,
        expiration_time: Option<Text<'de>>,
        ocsp_details: Option<Ocsp<'de>>,
    }
}

wire! {
    struct Name<'de> {
        dns: Option<Text<'de>>,
        uri: Option<Text<'de>>,
        ip_address: Option<Text<'de>>,
    }
}

wire! {
    struct Ocsp<'de> {
        expiration: Option<Text<'de>>,
    }
}

impl Name<'_> {
    fn line(&self) -> Option<String> {
        let all = [("DNS", &self.dns), ("URI", &self.uri), ("IP", &self.ip_address)];
        all.into_iter().find_map(|(kind, name)| Some(format!("{kind}:{}", name.as_deref()?)))
    }
}

/// The certificates of `/certs`, each once, in Envoy's order: of every context its authorities, then its chain.
///
/// # Errors
/// The document is another page.
pub fn certs(root: &Node, now: Timestamp) -> Result<Vec<Found<LoadedCertificate>>> {
    let list = expect(root, "/certs", "certificates")?;
    let contexts = each(&list, |entry| found(entry, |wire: ContextWire<'_>, flaws: &Flaws| context(wire, flaws, now)));
    let mut all: Vec<Found<LoadedCertificate>> = Vec::new();
    let mut seen: HashMap<(String, String, String, Option<String>), usize> = HashMap::new();
    for Found { record: certificates, at } in contexts {
        for (place, certificate) in certificates {
            let LoadedCertificate { kind, path, serial_number, expires, .. } = &certificate;
            let key = (kind.clone(), path.clone(), serial_number.clone(), expires.clone());
            match seen.get(&key) {
                Some(index) => all[*index].record.contexts += 1,
                None => {
                    seen.insert(key, all.len());
                    all.push(Found { record: certificate, at: place.map_or(at, |(list, number)| at.inside(list, [number, 0])) });
                }
            }
        }
    }
    Ok(all)
}

/// Where in its context a certificate stands; nowhere when the context could not be read.
type Place = Option<(&'static [&'static str], usize)>;

fn context(wire: ContextWire<'_>, flaws: &Flaws, now: Timestamp) -> Vec<(Place, LoadedCertificate)> {
    let broken = flaws.line();
    let lists: [(&str, &'static [&'static str], Vec<CertificateWire<'_>>); 2] =
        [("ca", &["ca_cert"], wire.ca_cert), ("chain", &["cert_chain"], wire.cert_chain)];
    let mut all = Vec::new();
    for (kind, name, certificates) in lists {
        for (number, certificate) in certificates.into_iter().enumerate() {
            all.push((Some((name, number)), read(kind, &certificate, broken.clone(), now)));
        }
    }
    if all.is_empty() && broken.is_some() {
        all.push((None, read("unknown", &CertificateWire::default(), broken, now)));
    }
    all
}

fn read(kind: &str, wire: &CertificateWire<'_>, broken: Option<String>, now: Timestamp) -> LoadedCertificate {
    let left = |time: &Option<Text<'_>>| seconds_until(time.as_deref()?, now);
    let seconds_left = left(&wire.expiration_time);
    let status = match (left(&wire.valid_from), seconds_left) {
        (_, Some(..0)) => "expired",
        (Some(1..), _) => "not_yet_valid",
        (_, None) => "unknown",
        _ => "valid",
    };
    let text = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
    LoadedCertificate {
        kind: kind.to_owned(),
        serial_number: wire.serial_number.to_string(),
        sans: wire.subject_alt_names.iter().filter_map(Name::line).collect(),
        status: status.to_owned(),
        time_left: seconds_left.map(time_left),
        expires: text(&wire.expiration_time),
        contexts: 1,
        path: wire.path.to_string(),
        valid_from: text(&wire.valid_from),
        seconds_left,
        days_until_expiration: wire.days_until_expiration,
        ocsp_expires: wire.ocsp_details.as_ref().and_then(|ocsp| text(&ocsp.expiration)),
        broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rows(contexts: Value) -> Vec<Found<LoadedCertificate>> {
        let root = Node::from_value(&json!({ "certificates": contexts })).unwrap();
        let found = certs(&root, "2026-11-22T13:06:15Z".parse().unwrap()).unwrap();
        assert!(found.iter().all(|found| found.at.node(root.doc()).is_some()));
        found
    }

    fn certificate(serial: &str, from: &str, until: &str) -> Value {
        json!({"path": "<inline>", "serial_number": serial, "subject_alt_names": [{"uri": "spiffe://a/b"}, {"ip_address": "::1"}],
            "days_until_expiration": "0", "valid_from": from, "expiration_time": until})
    }

    #[test]
    fn nothing_is_judged_by_days() {
        let of = |from: &str, until: &str| {
            let row = rows(json!([{"ca_cert": [], "cert_chain": [certificate("01", from, until)]}])).remove(0).record;
            assert_eq!((row.kind.as_str(), row.days_until_expiration), ("chain", Some(0)));
            (row.status, row.time_left.unwrap(), row.seconds_left.unwrap())
        };
        let told = |status: &str, left: &str, seconds| (status.to_owned(), left.to_owned(), seconds);
        assert_eq!(of("2026-11-22T13:00:00Z", "2026-11-22T14:06:15Z"), told("valid", "1h", 3600));
        assert_eq!(of("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"), told("expired", "-659d", -56_984_775));
        assert_eq!(of("2026-11-22T14:00:00Z", "2026-11-22T15:06:15Z"), told("not_yet_valid", "2h", 7200));
    }

    #[test]
    fn a_certificate_of_many_contexts_is_one_row() {
        let (root, leaf) = (
            certificate("aa", "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"),
            certificate("bb", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        );
        let context = json!({"ca_cert": [root], "cert_chain": [leaf]});
        let other =
            json!({"ca_cert": [root, certificate("cc", "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")], "cert_chain": []});
        let found = rows(json!([context, context, other]));
        let told: Vec<_> = found
            .iter()
            .map(|found| (found.record.kind.as_str(), found.record.serial_number.as_str(), found.record.contexts))
            .collect();
        assert_eq!(told, [("ca", "aa", 3), ("chain", "bb", 2), ("ca", "cc", 1)]);
        assert_eq!(found[0].record.sans, ["URI:spiffe://a/b", "IP:::1"]);
    }

    #[test]
    fn rows_lead_to_their_certificate() {
        let root = Node::from_value(
            &json!({"certificates": [{"ca_cert": [], "cert_chain": [{"serial_number": "x"}, {"serial_number": "y"}]}]}),
        )
        .unwrap();
        let found = certs(&root, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(found[1].at.node(root.doc()).unwrap().get("serial_number").unwrap().as_str().unwrap(), "y");
        assert_eq!(found[1].record.status, "unknown");
    }

    #[test]
    fn what_is_of_the_wrong_type_marks_the_row() {
        let found = rows(json!([7, {"ca_cert": "x", "cert_chain": [{"days_until_expiration": "many"}]}]));
        assert_eq!(found[0].record.broken.as_deref(), Some(" is not an object"));
        let broken = found[1].record.broken.as_deref().unwrap();
        assert!(broken.contains("ca_cert is not a list") && broken.contains("days_until_expiration is not"), "{broken}");
    }

    #[test]
    fn another_page_is_told() {
        let root = Node::from_value(&json!({"configs": []})).unwrap();
        assert!(certs(&root, Timestamp::UNIX_EPOCH).unwrap_err().message().contains("looks like a config dump"));
    }
}
