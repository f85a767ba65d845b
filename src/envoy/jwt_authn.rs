//! The token issuers that a proxy knows: Envoy's `jwt_authn` filter, and Istio's `jwt-auth` of 2020.

use super::raw::{Object, Place};
use crate::record;
use crate::tls::{Jwks, Key};
use base64::Engine as _;

record! {
    /// A token issuer as one proxy knows it, with the keys the proxy has for it.
    pub struct Provider as "jwt_provider" {
        /// Its name in the filter: `origins-0`, numbered by the issuers' alphabet; `rules[0]` in the form of 2020.
        pub provider: String,
        /// The issuer that tokens must name, character for character.
        pub issuer: Option<String>,
        /// The audiences of which tokens must name one; any when empty.
        pub audiences: Vec<String>,
        /// Where the keys come from: `local` (istiod put them into the configuration), `remote` (the proxy fetches them),
        /// `file`, or `none`.
        pub source: String,
        /// The URL that the proxy fetches the keys from, when it does so itself.
        pub jwks_uri: Option<String>,
        /// The keys in the configuration.
        pub keys: Vec<Key>,
        /// Why the keys in the configuration cannot be read; nothing when they can.
        pub problem: Option<String>,
        /// The key set in the configuration, as it stands there.
        [wide] pub inline: Option<String>,
        /// Where the keys stand in the dump, as JSON path.
        [wide] pub path: String,
        /// Whether the token goes on to the application.
        [wide] pub forward: bool,
        /// The clock difference in seconds that is allowed.
        [wide] pub leeway: u32,
        /// The headers the token is taken from; the usual one when empty.
        [wide] pub from_headers: Vec<String>,
        /// The query parameters the token is taken from.
        [wide] pub from_params: Vec<String>,
        /// The cluster that the proxy fetches the keys through.
        [wide] pub cluster: Option<String>,
    }
}

/// The providers of a JWT filter's configuration.
pub(super) fn providers(config: &Object<'_>) -> Vec<Provider> {
    if let Some(named) = config.object("providers") {
        return named.members().filter_map(|(name, place)| provider(name.to_string(), &place)).collect();
    }
    // Today's `rules` have no issuer: they say which paths demand which provider.
    let rules = config.items("rules").into_iter().enumerate();
    let old = rules.filter(|(_, rule)| rule.object().is_some_and(|rule| rule.get("issuer").is_some()));
    old.filter_map(|(index, rule)| provider(format!("rules[{index}]"), &rule)).collect()
}

fn provider(name: String, place: &Place<'_>) -> Option<Provider> {
    let body = place.object()?;
    let keys = Keys::of(&body, place);
    let (rows, problem) = match keys.inline.as_deref().map(Jwks::parse) {
        Some(Ok(jwks)) => (jwks.rows(), None),
        Some(Err(error)) => (Vec::new(), Some(error.to_string())),
        None => (Vec::new(), keys.problem),
    };
    Some(Provider {
        provider: name,
        issuer: body.text("issuer"),
        audiences: body.items("audiences").iter().filter_map(Place::text).collect(),
        source: keys.source.into(),
        jwks_uri: keys.uri,
        keys: rows,
        problem,
        inline: keys.inline,
        path: keys.path,
        forward: body.flag("forward"),
        leeway: body.get("clock_skew_seconds").and_then(|skew| serde_json::from_str(skew.json()).ok()).unwrap_or(60),
        from_headers: names(&body, "from_headers"),
        from_params: body.items("from_params").iter().filter_map(Place::text).collect(),
        cluster: keys.cluster,
    })
}

fn names(body: &Object<'_>, list: &str) -> Vec<String> {
    body.items(list).iter().filter_map(|place| place.object()?.text("name")).collect()
}

/// Where the keys of a provider are.
struct Keys {
    source: &'static str,
    inline: Option<String>,
    uri: Option<String>,
    cluster: Option<String>,
    path: String,
    problem: Option<String>,
}

impl Keys {
    fn of(body: &Object<'_>, place: &Place<'_>) -> Self {
        let none = Self { source: "none", inline: None, uri: None, cluster: None, path: place.path().into(), problem: None };
        if let Some(local) = body.get("local_jwks") {
            return Self::local(&local, none);
        }
        let Some(remote) = body.get("remote_jwks") else {
            return Self { problem: Some("the provider has neither local_jwks nor remote_jwks".into()), ..none };
        };
        let http = remote.object().and_then(|remote| remote.object("http_uri"));
        let text = |name: &str| http.as_ref().and_then(|http| http.text(name));
        Self { source: "remote", uri: text("uri"), cluster: text("cluster"), path: remote.path().into(), ..none }
    }

    fn local(place: &Place<'_>, none: Self) -> Self {
        let Some(source) = place.object() else {
            return Self { source: "local", path: place.path().into(), problem: Some("local_jwks is empty".into()), ..none };
        };
        // An empty text counts: that is what Istio 1.5 to 1.7 sent when it had no keys.
        if let Some(inline) = source.get("inline_string") {
            return Self { source: "local", inline: inline.text(), path: inline.path().into(), ..none };
        }
        if let Some(bytes) = source.get("inline_bytes") {
            let decoded = bytes.text().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            let inline = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            return Self { source: "local", inline, path: bytes.path().into(), ..none };
        }
        let file = source.text("filename").or_else(|| source.text("environment_variable"));
        let problem = match &file {
            Some(file) => format!("the keys are not in the dump, but in {file:?} on the proxy's side"),
            None => "local_jwks holds no keys".into(),
        };
        let kind = if file.is_some() { "file" } else { "local" };
        Self { source: kind, path: place.path().into(), problem: Some(problem), ..none }
    }
}
