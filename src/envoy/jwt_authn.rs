//! The token issuers that a proxy knows: Envoy's `jwt_authn` filter, and Istio's `jwt-auth` of 2020.

use super::trail::Trail;
use super::wire::{Flaws, Pairs, Raw, Text};
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

wire! {
    struct JwtConfig<'de> {
        providers: Pairs<'de, Raw<'de>>,
        rules: Vec<Raw<'de>>,
    }
}

wire! {
    /// A provider; in the form of 2020 a rule.
    struct ProviderWire<'de> {
        issuer: Option<Text<'de>>,
        audiences: Vec<Text<'de>>,
        forward: bool,
        clock_skew_seconds: Option<u64>,
        from_headers: Vec<Header<'de>>,
        from_params: Vec<Text<'de>>,
        local_jwks: Raw<'de>,
        remote_jwks: Raw<'de>,
    }
}

wire! {
    struct Header<'de> {
        name: Text<'de>,
    }
}

wire! {
    struct RemoteJwks<'de> {
        http_uri: HttpUri<'de>,
    }
}

wire! {
    struct HttpUri<'de> {
        uri: Text<'de>,
        cluster: Text<'de>,
    }
}

wire! {
    /// Envoy's `DataSource`.
    struct DataSource<'de> {
        inline_string: Option<Text<'de>>,
        inline_bytes: Option<Text<'de>>,
        filename: Text<'de>,
        environment_variable: Text<'de>,
    }
}

/// The providers of a JWT filter's configuration, by name.
pub(super) fn providers(config: Raw<'_>, trail: &Trail) -> Vec<Provider> {
    let mut wire: JwtConfig<'_> = config.read(&Flaws::default());
    if !wire.providers.0.is_empty() {
        wire.providers.0.sort_by(|a, b| a.0.cmp(&b.0));
        let trail = trail.within(config, "providers");
        return wire.providers.0.iter().filter_map(|(name, raw)| provider(name.to_string(), *raw, &trail.key(name))).collect();
    }
    let trail = trail.within(config, "rules");
    // Today's `rules` have no issuer: they say which paths demand which provider.
    let old = |raw: Raw<'_>| raw.read::<ProviderWire<'_>>(&Flaws::default()).issuer.is_some();
    let rules = wire.rules.into_iter().enumerate().filter(|(_, raw)| old(*raw));
    rules.filter_map(|(number, raw)| provider(format!("rules[{number}]"), raw, &trail.at(number))).collect()
}

fn provider(name: String, raw: Raw<'_>, trail: &Trail) -> Option<Provider> {
    // Anything but an object is no provider.
    raw.json().starts_with('{').then_some(())?;
    let body: ProviderWire<'_> = raw.read(&Flaws::default());
    let keys = Keys::of(raw, &body, trail);
    let (rows, problem) = match keys.inline.as_deref().map(Jwks::parse) {
        Some(Ok(jwks)) => (jwks.rows(), None),
        Some(Err(error)) => (Vec::new(), Some(error.to_string())),
        None => (Vec::new(), keys.problem),
    };
    Some(Provider {
        provider: name,
        issuer: body.issuer.map(Text::into_owned).filter(|issuer| !issuer.is_empty()),
        audiences: body.audiences.into_iter().map(Text::into_owned).collect(),
        source: keys.source.into(),
        jwks_uri: keys.uri,
        keys: rows,
        problem,
        inline: keys.inline,
        path: keys.trail.path(),
        forward: body.forward,
        leeway: body.clock_skew_seconds.and_then(|skew| u32::try_from(skew).ok()).unwrap_or(60),
        from_headers: body.from_headers.into_iter().map(|header| header.name.into_owned()).collect(),
        from_params: body.from_params.into_iter().map(Text::into_owned).collect(),
        cluster: keys.cluster,
    })
}

/// Where the keys of a provider are.
struct Keys {
    source: &'static str,
    inline: Option<String>,
    uri: Option<String>,
    cluster: Option<String>,
    trail: Trail,
    problem: Option<String>,
}

impl Keys {
    fn of(raw: Raw<'_>, body: &ProviderWire<'_>, trail: &Trail) -> Self {
        let none = Self { source: "none", inline: None, uri: None, cluster: None, trail: trail.clone(), problem: None };
        if body.local_jwks.is_some() {
            return Self::local(body.local_jwks, Self { source: "local", trail: trail.within(raw, "local_jwks"), ..none });
        }
        if !body.remote_jwks.is_some() {
            return Self { problem: Some("the provider has neither local_jwks nor remote_jwks".into()), ..none };
        }
        let remote: RemoteJwks<'_> = body.remote_jwks.read(&Flaws::default());
        let text = |text: Text<'_>| Some(text.into_owned()).filter(|text| !text.is_empty());
        let (uri, cluster) = (text(remote.http_uri.uri), text(remote.http_uri.cluster));
        Self { source: "remote", uri, cluster, trail: trail.within(raw, "remote_jwks"), ..none }
    }

    fn local(raw: Raw<'_>, local: Self) -> Self {
        if !raw.json().starts_with('{') {
            return Self { problem: Some("local_jwks is empty".into()), ..local };
        }
        let source: DataSource<'_> = raw.read(&Flaws::default());
        // An empty text counts: that is what Istio 1.5 to 1.7 sent when it had no keys.
        if let Some(inline) = source.inline_string {
            let trail = local.trail.within(raw, "inline_string");
            return Self { inline: Some(inline.into_owned()), trail, ..local };
        }
        if let Some(bytes) = source.inline_bytes {
            let decoded = base64::engine::general_purpose::STANDARD.decode(bytes.as_bytes()).ok();
            let inline = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let problem = inline.is_none().then(|| "inline_bytes is no base64".into());
            return Self { inline, problem, trail: local.trail.within(raw, "inline_bytes"), ..local };
        }
        match [source.filename, source.environment_variable].into_iter().find(|file| !file.is_empty()) {
            Some(file) => {
                let problem = format!("the keys are not in the dump, but in {file:?} on the proxy's side");
                Self { source: "file", problem: Some(problem), ..local }
            }
            None => Self { problem: Some("local_jwks holds no keys".into()), ..local },
        }
    }
}
