//! Key sets of token issuers (JWKS): lenient reading, and rows that never show a private member.

use super::signature::{bit_length, unbase64};
use crate::error::{Error, Kind, Result};
use crate::record;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

record! {
    /// A key of a JWKS. Private members are never shown; `leaked` says that there are some.
    pub struct Key as "jwk" {
        /// The key's id; tokens name it.
        pub kid: Option<String>,
        /// Kind of key: `RSA`, `EC`, `OKP`, `oct`.
        pub kty: Option<String>,
        /// The only algorithm the key is for, if it says so: `RS256`.
        pub alg: Option<String>,
        /// What the key is for: `sig` or `enc`.
        pub usage: Option<String>,
        /// Its size in bits.
        pub bits: Option<u64>,
        /// Whether the private half of the key was published with it.
        pub leaked: bool,
        /// Why this key is of no use; nothing when it is all right.
        pub problem: Option<String>,
        /// The beginning of the modulus: enough to recognise a key without kid.
        pub n_prefix: Option<String>,
        /// RFC 7638 thumbprint: the same for the same key, whatever its kid.
        [wide] pub thumbprint: Option<String>,
        /// The curve of an EC or OKP key.
        [wide] pub crv: Option<String>,
        /// The modulus of an RSA key, base64url as it came.
        [wide] pub n: Option<String>,
        /// The modulus read as text, where it is text: then it is no key.
        [wide] pub n_text: Option<String>,
    }
}

/// One key: its row, and the members that verify signatures.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwk {
    /// The row.
    pub row: Key,
    /// Public members only.
    public: Map<String, Value>,
}

/// A key set.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwks {
    /// Its keys, in their order, broken ones too.
    pub keys: Vec<Jwk>,
    /// What is worth telling of it.
    pub notes: Vec<String>,
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// The members that a verifier needs; certificates and their thumbprints only make a policy long.
const PUBLIC: [&str; 9] = ["kid", "kty", "alg", "use", "n", "e", "crv", "x", "y"];

/// How the modulus of the stand-in key of Istio 1.8 to 1.14 begins.
const OLDEST_STAND_IN: &str = "Error-IstiodFailedToFetchJwksUri-";

impl Jwks {
    /// Read a key set. A broken key becomes a row with a `problem`; the others stay usable.
    ///
    /// # Errors
    /// When the text is no key set: the error says what it is instead.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim_start_matches('\u{feff}').trim();
        let value: Value = serde_json::from_str(trimmed).map_err(|error| not_json(trimmed, &error))?;
        let Some(Value::Array(items)) = value.get("keys") else { return Err(no_keys(&value)) };
        if items.is_empty() {
            return Err(bad("the key set holds no keys: {\"keys\":[]}")
                .hint("the issuer published none; look at its realm or its key rotation"));
        }
        let keys: Vec<Jwk> = items.iter().map(Jwk::read).collect();
        Ok(Self { notes: notes(&keys), keys })
    }

    /// The rows, for tables.
    pub fn rows(&self) -> Vec<Key> {
        self.keys.iter().map(|key| key.row.clone()).collect()
    }

    /// The key set as JSON with public members only: what may be pasted into a policy. Keys that verify no signature are left
    /// out: older Envoys refuse a whole listener for an algorithm they do not know.
    pub fn public_only(&self) -> String {
        let verifies =
            |key: &Key| key.problem.is_none() && key.kty.as_deref() != Some("oct") && key.usage.as_deref() != Some("enc");
        let usable = self.keys.iter().filter(|key| verifies(&key.row));
        json!({ "keys": usable.map(|key| &key.public).collect::<Vec<_>>() }).to_string()
    }

    /// The ids of the keys that have one.
    pub(super) fn kids(&self) -> Vec<&str> {
        self.keys.iter().filter_map(|key| key.row.kid.as_deref()).collect()
    }
}

impl Jwk {
    fn read(item: &Value) -> Self {
        let empty = Map::new();
        let members = item.as_object().unwrap_or(&empty);
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(String::from);
        let public: Map<String, Value> =
            PUBLIC.iter().filter_map(|name| Some(((*name).to_string(), members.get(*name)?.clone()))).collect();
        let mut key = Self {
            row: Key {
                kid: text("kid"),
                kty: text("kty"),
                alg: text("alg"),
                usage: text("use"),
                bits: None,
                leaked: PRIVATE.iter().any(|name| members.contains_key(*name)),
                problem: None,
                n_prefix: text("n").map(|n| n.chars().take(24).collect()),
                thumbprint: None,
                crv: text("crv"),
                n_text: text("n").as_deref().and_then(readable),
                n: text("n"),
            },
            public,
        };
        key.row.problem = if item.is_object() { key.problem() } else { Some("it is no JSON object".into()) };
        key.row.bits = key.bits();
        key.row.thumbprint = key.thumbprint();
        key
    }

    /// The bytes of a member in base64url.
    pub(super) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.public.get(name)?.as_str().and_then(unbase64)
    }

    fn problem(&self) -> Option<String> {
        let needed: &[&str] = match self.row.kty.as_deref() {
            None => return Some("it has no kty".into()),
            Some("RSA") => &["n", "e"],
            Some("EC") => &["x", "y"],
            Some("OKP") => &["x"],
            Some("oct") => return None,
            Some(other) => return Some(format!("no proxy knows the kty {other:?}")),
        };
        if let Some(name) = needed.iter().find(|name| self.bytes(name).is_none_or(|bytes| bytes.is_empty())) {
            return Some(format!("its member {name:?} is missing or not base64url"));
        }
        if let Some(text) = &self.row.n_text {
            return Some(format!("its modulus is no number but a text: {text:?}"));
        }
        self.alg_problem()
    }

    /// Envoy drops a key whose `alg` cannot belong to its `kty`.
    fn alg_problem(&self) -> Option<String> {
        let (kty, alg) = (self.row.kty.as_deref()?, self.row.alg.as_deref().filter(|alg| !alg.is_empty())?);
        let fits = match kty {
            "RSA" => alg.starts_with("RS") || alg.starts_with("PS"),
            "EC" => alg.starts_with("ES"),
            _ => true,
        };
        (!fits).then(|| format!("its alg {alg:?} does not belong to a key of kty {kty}"))
    }

    fn bits(&self) -> Option<u64> {
        match (self.row.kty.as_deref()?, self.row.crv.as_deref()) {
            ("RSA", _) => self.bytes("n").map(|n| bit_length(&n)),
            ("EC", Some("P-256")) | ("OKP", Some("Ed25519")) => Some(256),
            ("EC", Some("P-384")) => Some(384),
            ("EC", Some("P-521")) => Some(521),
            _ => None,
        }
    }

    fn thumbprint(&self) -> Option<String> {
        let members: &[&str] = match self.row.kty.as_deref()? {
            "RSA" => &["e", "kty", "n"],
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            _ => return None,
        };
        let pairs: Option<Vec<String>> =
            members.iter().map(|name| Some(format!("{}:{}", json!(name), json!(self.public.get(*name)?.as_str()?)))).collect();
        let canonical = format!("{{{}}}", pairs?.join(","));
        let digest = ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes());
        Some(URL_SAFE_NO_PAD.encode(digest))
    }
}

/// A modulus that is printable text when decoded, which no real one is. The oldest stand-in has its words in the open, and
/// only the URL after them encoded.
fn readable(n: &str) -> Option<String> {
    if let Some(url) = n.strip_prefix(OLDEST_STAND_IN) {
        return Some(format!("{OLDEST_STAND_IN}{}", readable(url)?));
    }
    let text = String::from_utf8(unbase64(n)?).ok()?;
    (text.len() > 7 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')).then_some(text)
}

fn notes(keys: &[Jwk]) -> Vec<String> {
    let name = |index: usize, key: &Jwk| match &key.row.kid {
        Some(kid) => format!("key {} (kid {kid})", index + 1),
        None => format!("key {}", index + 1),
    };
    let mut notes = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        if let Some(problem) = &key.row.problem {
            notes.push(format!("{} is of no use: {problem}", name(index, key)));
        }
        if key.row.leaked {
            notes.push(format!("{} carries its private half: whoever reads it can sign tokens", name(index, key)));
        }
        let twin = |other: &Jwk| other.row.kid.is_some() && other.row.kid == key.row.kid;
        if keys[..index].iter().any(twin) {
            notes.push(format!("{} has the same kid as an earlier key", name(index, key)));
        }
    }
    notes
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::BadAnswer, message)
}

fn not_json(text: &str, error: &serde_json::Error) -> Error {
    let jwks = "a JWKS starts with {\"keys\":[";
    if text.is_empty() {
        return bad("this is no key set: it is empty")
            .hint("check the URL; ask the issuer's discovery document for its jwks_uri");
    }
    if text.starts_with('<') {
        return bad("this is no key set but an HTML page")
            .hint("a login page, a proxy or a wrong path answered; open the URL, and check jwksUri");
    }
    if text.contains("-----BEGIN ") {
        return bad("this is no key set but PEM").hint(format!("convert the key to a JWK; {jwks}"));
    }
    if error.is_eof() {
        return bad(format!("this key set was cut off after {} bytes", text.len())).cause(error).hint("fetch it again, whole");
    }
    bad("this is no key set: it is not JSON").cause(error).hint(format!("check the URL; {jwks}"))
}

fn no_keys(value: &Value) -> Error {
    if let Some(uri) = value.get("jwks_uri").and_then(Value::as_str) {
        return bad("this is no key set but a discovery document").hint(format!("use its jwks_uri as jwksUri: {uri}"));
    }
    if value.get("kty").is_some() {
        return bad("this is one key, not a key set").hint("wrap it: {\"keys\":[…]}");
    }
    let error = match value.get("keys") {
        Some(_) => bad("this is no key set: its member \"keys\" is no list"),
        None if value.is_object() => bad("this is no key set: it has no member \"keys\""),
        None => bad("this is no key set: it is JSON, but no object"),
    };
    // Issuers explain themselves in these members.
    let said = ["error_description", "error", "message"].iter().find_map(|name| value.get(*name)?.as_str());
    let error = match said {
        Some(said) => error.cause(format!("it says: {}", said.chars().take(200).collect::<String>())),
        None => error,
    };
    error.hint("check the URL: the path of the realm, and that the server answered with status 200")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &str = include_str!("../../tests/data/keycloak_jwks.json");

    #[test]
    fn a_recorded_key_set_reads_as_rows() {
        let jwks = Jwks::parse(RECORDED).unwrap();
        let row = &jwks.keys[0].row;
        assert_eq!(
            (row.kid.as_deref(), row.alg.as_deref(), row.bits),
            (Some("Ek9wxUoZGSSp5eePlJBMu"), Some("RS256"), Some(2048))
        );
        assert_eq!((row.usage.as_deref(), row.n_prefix.as_deref()), (Some("sig"), Some("0GYOMway5YlKDQtm9jA1kGsj")));
        assert!(!row.leaked && row.problem.is_none() && row.n_text.is_none());
        assert_eq!((jwks.keys.len(), jwks.notes.is_empty()), (2, true));
        let again = Jwks::parse(&jwks.public_only()).unwrap();
        assert_eq!(again.keys, jwks.keys[..1], "the key for encryption is left out");
    }

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n\
                 91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwks = Jwks::parse(&json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": n}]}).to_string()).unwrap();
        assert_eq!(jwks.keys[0].row.thumbprint.as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn private_members_are_told_and_never_given_out() {
        let key = json!({"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "SECRET", "p": "SECRET", "custom": "SECRET"});
        let jwks = Jwks::parse(&json!({"keys": [key, {"kid": "s", "kty": "oct", "k": "SECRET"}]}).to_string()).unwrap();
        assert!(jwks.keys.iter().all(|key| key.row.leaked));
        assert!(!format!("{jwks:?}{}", jwks.public_only()).contains("SECRET"));
        assert!(jwks.notes[0].contains("private half"));
        assert_eq!(Jwks::parse(&jwks.public_only()).unwrap().keys.len(), 1);
    }

    #[test]
    fn a_broken_key_leaves_the_others_alone() {
        let text = r#"{"keys":[7,{"kty":"RSA","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA","alg":"RS256"},
            {"kty":"XYZ"},{},{"kid":"good","kty":"OKP","crv":"Ed25519","x":"AAAA"},{"kid":"good","kty":"OKP","crv":"Ed25519","x":"AAAA"}]}"#;
        let jwks = Jwks::parse(text).unwrap();
        let problems: Vec<bool> = jwks.keys.iter().map(|key| key.row.problem.is_some()).collect();
        assert_eq!(problems, [true, true, true, true, true, false, false]);
        assert!(jwks.notes.iter().any(|note| note.contains("same kid")));
    }

    #[test]
    fn a_stand_in_that_hides_a_url_is_read() {
        let n = URL_SAFE_NO_PAD.encode("Error-IstiodFailedToFetchJwksUri-https://a.test/certs");
        let jwks = Jwks::parse(&json!({"keys": [{"kid": "abc", "kty": "RSA", "n": n, "e": "AQAB"}]}).to_string()).unwrap();
        assert_eq!(jwks.keys[0].row.n_text.as_deref(), Some("Error-IstiodFailedToFetchJwksUri-https://a.test/certs"));
        let oldest = format!("{OLDEST_STAND_IN}{}", URL_SAFE_NO_PAD.encode("https://a.test/certs"));
        let jwks = Jwks::parse(&json!({"keys": [{"kid": "abc", "kty": "RSA", "n": oldest, "e": "AQAB"}]}).to_string()).unwrap();
        assert_eq!(jwks.keys[0].row.n_text.as_deref(), Some("Error-IstiodFailedToFetchJwksUri-https://a.test/certs"));
    }

    #[test]
    fn what_is_no_key_set_says_what_it_is_and_what_to_do() {
        for (text, expected) in [
            ("", "empty"),
            ("  <!DOCTYPE html><html>", "HTML"),
            ("hello", "not JSON"),
            (r#"{"keys":[{"kty""#, "cut off after 15 bytes"),
            (r#"{"issuer":"x","jwks_uri":"https://a.test/certs"}"#, "discovery document"),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, "one key"),
            (r#"{"keys":[]}"#, "holds no keys"),
            (r#"{"keys":{}}"#, "no list"),
            ("[]", "no object"),
            (r#"{"error":"RESTEASY003210: Could not find resource"}"#, "it says: RESTEASY003210"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n", "PEM"),
        ] {
            let error = Jwks::parse(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(error.next_step().is_some());
        }
        let hint = Jwks::parse(r#"{"jwks_uri":"https://a.test/certs"}"#).unwrap_err();
        assert!(hint.next_step().unwrap().contains("https://a.test/certs"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(cut in 0usize..3000, tail in ".{0,20}") {
            let text: String = RECORDED.chars().take(cut).chain(tail.chars()).collect();
            let _ = Jwks::parse(&text);
            let _ = Jwks::parse(&format!("{{\"keys\":[{tail}]}}"));
        }
    }
}
