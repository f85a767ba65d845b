//! What is to be said of a secret's certificates.

use super::secrets::DataSource;
use crate::tls::{Certificate, parse_pem, seconds_until, verify_chain};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

/// What a secret is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// A leaf, and those above it.
    Chain,
    /// Certificates that are believed.
    Authorities,
    /// Something without certificates.
    Other,
    /// Nothing was delivered.
    Nothing,
}

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The certificate of the first PEM block: all that istioctl looks at.
    pub first: Option<Certificate>,
    /// Whether now is within its limits.
    pub valid: bool,
    /// All that can be read.
    pub chain: Vec<Certificate>,
    pub chain_ok: Option<bool>,
    pub problem: Option<String>,
    pub explanation: Option<String>,
    pub expires: Option<String>,
    pub seconds_left: Option<i64>,
    pub file: Option<String>,
    /// What could not be read.
    pub notes: Vec<String>,
}

impl Facts {
    pub fn of(source: Option<&DataSource<'_>>, held: Held, now: Timestamp) -> Self {
        match held {
            Held::Nothing => return Self::without("not_delivered", "The control plane has not delivered it."),
            Held::Other => return Self::default(),
            Held::Chain | Held::Authorities => {}
        }
        let Some(source) = source else { return Self::without("garbage", "It holds no certificate.") };
        if let Some(place) = elsewhere(source) {
            let told =
                format!("It stands in {place} of the proxy's container; its configuration does not show it. `certs` does.");
            return Self { file: Some(place), ..Self::without("unread", &told) };
        }
        let text = match inline(source) {
            Ok(text) => text,
            Err(note) => return Self { notes: vec![note.into()], ..Self::without("garbage", "It cannot be read.") },
        };
        Self::of_pem(&text, held, now)
    }

    fn without(problem: &str, told: &str) -> Self {
        Self { problem: Some(problem.into()), explanation: Some(told.into()), ..Self::default() }
    }

    fn of_pem(text: &str, held: Held, now: Timestamp) -> Self {
        let parsed = match parse_pem(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let told = format!("{}.", error.message());
                return Self { notes: vec![error.message().to_owned()], ..Self::without("garbage", &told) };
            }
        };
        let first = parse_pem(first_block(text)).ok().and_then(|first| first.certificates.into_iter().next());
        let chain = parsed.certificates;
        let facts = if held == Held::Chain { of_chain(&chain, now) } else { of_authorities(&chain, now) };
        Self {
            valid: first.as_ref().is_some_and(|first| is_now(first, now)),
            first,
            seconds_left: facts.expires.as_deref().and_then(|time| seconds_until(time, now)),
            notes: parsed.notes,
            chain,
            ..facts
        }
    }
}

/// Go reads only what the first block says.
fn first_block(text: &str) -> &str {
    let end = text.find("-----END ").map_or(text.len(), |end| text[end..].find('\n').map_or(text.len(), |line| end + line));
    &text[..end]
}

fn of_chain(chain: &[Certificate], now: Timestamp) -> Facts {
    // What it ends in is for others to believe: whether it leads there can be told.
    let end = chain.len().saturating_sub(1);
    let verdict = verify_chain(chain, &chain[end..], None, now);
    // One for clients alone is right for a client, and nobody says here which end it is for.
    let sound = verdict.chain_ok || verdict.problems == ["wrong_usage"];
    Facts {
        chain_ok: Some(sound),
        problem: (!sound).then_some(verdict.problem),
        explanation: (!sound).then_some(verdict.explanation),
        expires: chain.iter().map(|certificate| certificate.not_after.clone()).min(),
        ..Facts::default()
    }
}

/// One that has expired does no harm as long as another is valid: so roots are exchanged.
fn of_authorities(all: &[Certificate], now: Timestamp) -> Facts {
    let ends = |certificates: Vec<&Certificate>| {
        certificates.iter().map(|certificate| certificate.not_after.clone()).collect::<Vec<_>>()
    };
    let valid = ends(all.iter().filter(|certificate| is_now(certificate, now)).collect());
    let coming = all.iter().any(|certificate| seconds_until(&certificate.not_before, now) > Some(0));
    let (problem, explanation) = match (valid.is_empty(), coming) {
        (false, _) => (None, None),
        (true, true) => (Some("not_yet_valid"), Some("None of its authorities is valid yet.")),
        (true, false) => (Some("expired"), Some("All its authorities have expired.")),
    };
    Facts {
        problem: problem.map(str::to_owned),
        explanation: explanation.map(str::to_owned),
        expires: valid.into_iter().min().or_else(|| ends(all.iter().collect()).into_iter().max()),
        ..Facts::default()
    }
}

fn is_now(certificate: &Certificate, now: Timestamp) -> bool {
    let left = |time: &str| seconds_until(time, now);
    left(&certificate.not_before).is_some_and(|begun| begun <= 0) && left(&certificate.not_after).is_some_and(|left| left > 0)
}

fn elsewhere(source: &DataSource<'_>) -> Option<String> {
    let file = source.filename.as_deref().map(|file| format!("file {file}"));
    file.or_else(|| source.environment_variable.as_deref().map(|name| format!("environment variable {name}")))
}

fn inline(source: &DataSource<'_>) -> Result<String, &'static str> {
    if let Some(text) = &source.inline_string {
        return Ok(text.to_string());
    }
    let bytes = BASE64_STANDARD.decode(source.inline_bytes.as_deref().unwrap_or_default().trim());
    let bytes = bytes.map_err(|_| "inline_bytes is not base64")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `cluster.local` of `spiffe://cluster.local/ns/shop/sa/web`.
pub(super) fn trust_domain_of(certificate: &Certificate) -> Option<String> {
    let id = certificate.sans.iter().find_map(|san| san.strip_prefix("URI:spiffe://"))?;
    Some(id.split('/').next().unwrap_or_default().to_owned()).filter(|domain| !domain.is_empty())
}
