//! Keys and certificates of token issuers, as seen from where pilotage runs.

use super::Mesh;
use crate::backend::{Ask, HttpGet, Roots, TlsProbe, Trust};
use crate::error::{Error, Kind, Result};
use crate::tls::{Certificate, Jwks, Key, Verdict, needed_roots, parse_pem, verify_chain};
use crate::{options, record};
use jiff::Timestamp;

/// A key set larger than this is none: real ones have some kilobytes.
const JWKS_BYTES: u64 = 1 << 20;

record! {
    /// A key set, as its server gave it.
    pub struct JwksFetch as "jwks" {
        /// Where it came from.
        pub url: String,
        /// How many keys it holds.
        pub count: usize,
        /// The ids of its keys.
        pub kids: Vec<String>,
        /// Whether private halves of keys were published with it: then nothing signed by them can be trusted.
        pub leaked: bool,
        /// Whether the server's certificate was verified before it was believed.
        pub verified: bool,
        /// The keys, as `jwk` records.
        [wide] pub keys: Vec<Key>,
        /// The key set as JSON, public members only: what may be pasted into a policy.
        [wide] pub inline: String,
    }
}

options! {
    /// Whom to believe when fetching keys.
    pub struct FetchOptions as "fetch options" {
        /// More certificate authorities to trust, as PEM text.
        pub ca: Option<String>,
        /// Take any certificate: what comes is evidence of what is served there, no more.
        pub insecure: bool,
    }
}

options! {
    /// How to shake hands.
    pub struct TlsOptions as "tls options" {
        /// The server name to send (SNI), when it is not the host.
        pub sni: Option<String>,
        /// Application protocols to offer (ALPN).
        pub alpn: Vec<String>,
    }
}

options! {
    /// What to hold a chain against.
    pub struct VerifyOptions as "verify options" {
        /// The host the leaf must be valid for.
        pub host: Option<String>,
        /// The time to judge by (RFC 3339), when it is not now.
        pub at: Option<String>,
    }
}

/// Whom a chain may end at.
#[derive(Debug, Clone, PartialEq)]
pub enum Anchors {
    /// The certificate authorities of the machine that pilotage runs on.
    System,
    /// These.
    These(Vec<Certificate>),
}

/// Fetch a key set.
///
/// # Errors
/// When the server cannot be reached or believed, or what it gives is no key set; each says which.
pub async fn fetch_jwks(mesh: &Mesh, url: &str, options: FetchOptions) -> Result<JwksFetch> {
    let trust = match (options.insecure, options.ca.filter(|pem| !pem.trim().is_empty())) {
        (true, _) => Trust::Anything,
        (false, Some(pem)) => Trust::Extra(pem),
        (false, None) => Trust::System,
    };
    let verified = trust != Trust::Anything && url.starts_with("https:");
    let answer = mesh.ask(Ask::Http(HttpGet { url: url.into(), trust, max_bytes: JWKS_BYTES })).await?;
    if let Some(target) = answer.location.as_deref().filter(|_| (300..400).contains(&answer.status)) {
        return Err(Error::new(Kind::BadAnswer, format!("{url} redirects to {target}"))
            .hint("istiod follows redirects only as far as it trusts each host: set jwksUri to where the keys really are"));
    }
    if !answer.is_success() {
        let told: String = answer.text().chars().take(100).collect();
        return Err(Error::new(Kind::BadAnswer, format!("{url} answers status {}", answer.status))
            .cause(told.trim())
            .hint("is the path right? OpenID issuers name it as jwks_uri in /.well-known/openid-configuration"));
    }
    let jwks = Jwks::parse(&answer.text()).map_err(|error| error.context(format!("{url} gives no key set")))?;
    for note in &jwks.notes {
        mesh.note(format!("{url}: {note}"));
    }
    let keys = jwks.rows();
    Ok(JwksFetch {
        url: url.into(),
        count: keys.len(),
        kids: keys.iter().filter_map(|key| key.kid.clone()).collect(),
        leaked: keys.iter().any(|key| key.leaked),
        verified,
        inline: jwks.public_only(),
        keys,
    })
}

/// The certificates a server shows, leaf first, as sent. Any chain is taken: it is evidence.
///
/// # Errors
/// When there is no TLS server there, or it shows nothing that can be read.
pub async fn tls_chain(mesh: &Mesh, host: &str, port: u16, options: TlsOptions) -> Result<Vec<Certificate>> {
    let probe = TlsProbe { host: host.into(), port, sni: options.sni, alpn: options.alpn };
    let answer = mesh.ask(Ask::Tls(probe)).await?;
    read_pem(mesh, &answer.text(), &format!("the chain of {host}:{port}"))
}

/// The certificates of a PEM text. What was skipped becomes a note.
///
/// # Errors
/// When there is none.
pub fn read_pem(mesh: &Mesh, text: &str, what: &str) -> Result<Vec<Certificate>> {
    let parsed = parse_pem(text).map_err(|error| error.context(format!("{what} cannot be read")))?;
    for note in parsed.notes {
        mesh.note(format!("{what}: {note}"));
    }
    Ok(parsed.certificates)
}

/// Judge a chain.
///
/// # Errors
/// When the machine's certificate authorities cannot be read, or the time is no time.
pub async fn verify(mesh: &Mesh, chain: &[Certificate], anchors: Anchors, options: &VerifyOptions) -> Result<Verdict> {
    let at = match &options.at {
        None => mesh.now(),
        Some(text) => text.parse::<Timestamp>().map_err(|_| {
            Error::new(Kind::BadInput, format!("{text:?} is no time")).hint("write it as RFC 3339: 2026-11-22T13:00:00Z")
        })?,
    };
    let roots = match anchors {
        Anchors::These(roots) => roots,
        Anchors::System => system_roots(mesh, chain).await?,
    };
    Ok(verify_chain(chain, &roots, options.host.as_deref(), at))
}

/// Only the roots that this chain could end in are asked for: the verdict is the same, and a tape stays small.
async fn system_roots(mesh: &Mesh, chain: &[Certificate]) -> Result<Vec<Certificate>> {
    let answer = mesh.ask(Ask::Roots(Roots { subjects: needed_roots(chain) })).await?;
    let text = answer.text();
    if text.trim().is_empty() { Ok(Vec::new()) } else { Ok(parse_pem(&text)?.certificates) }
}
