//! TLS as a cluster or a filter chain is told to speak it.

use super::wire::{Flaws, Raw, Text};

wire! {
    /// A transport socket: its name, and its configuration.
    pub(super) struct TransportSocket<'de> {
        name: Text<'de>,
        typed_config: Raw<'de>,
    }
}

wire! {
    /// HTTP/3 has its TLS inside: `QuicDownstreamTransport` and `QuicUpstreamTransport` in one.
    struct Quic<'de> {
        downstream_tls_context: Option<TlsContext<'de>>,
        upstream_tls_context: Option<TlsContext<'de>>,
    }
}

wire! {
    /// `UpstreamTlsContext` and `DownstreamTlsContext` in one.
    pub(super) struct TlsContext<'de> {
        sni: Text<'de>,
        common_tls_context: CommonTlsContext<'de>,
        require_client_certificate: bool,
    }
}

wire! {
    /// What both directions share.
    pub(super) struct CommonTlsContext<'de> {
        alpn_protocols: Vec<Text<'de>>,
        tls_certificates: Vec<Raw<'de>>,
        tls_certificate_sds_secret_configs: Vec<SdsSecret<'de>>,
        validation_context: Option<ValidationContext<'de>>,
        validation_context_sds_secret_config: Option<SdsSecret<'de>>,
        combined_validation_context: Option<CombinedContext<'de>>,
    }
}

wire! {
    /// A secret by name.
    pub(super) struct SdsSecret<'de> {
        name: Text<'de>,
    }
}

wire! {
    /// Names that are expected, and a secret with the authorities.
    pub(super) struct CombinedContext<'de> {
        default_validation_context: Option<ValidationContext<'de>>,
        validation_context_sds_secret_config: Option<SdsSecret<'de>>,
    }
}

wire! {
    /// Whom to believe.
    pub(super) struct ValidationContext<'de> {
        match_subject_alt_names: Vec<StringMatch<'de>>,
        match_typed_subject_alt_names: Vec<TypedMatch<'de>>,
        trusted_ca: Raw<'de>,
    }
}

wire! {
    /// A name to match, with its type.
    pub(super) struct TypedMatch<'de> {
        matcher: StringMatch<'de>,
    }
}

wire! {
    /// Envoy's `StringMatcher`.
    pub(super) struct StringMatch<'de> {
        exact: Option<Text<'de>>,
        prefix: Option<Text<'de>>,
        suffix: Option<Text<'de>>,
        contains: Option<Text<'de>>,
        safe_regex: Option<Regex<'de>>,
        ignore_case: bool,
    }
}

wire! {
    /// Envoy's `RegexMatcher`.
    pub(super) struct Regex<'de> {
        regex: Text<'de>,
    }
}

impl StringMatch<'_> {
    /// In a short form: the text itself when exact, else with `*` where anything may stand; `~` before a regular expression.
    pub fn short(&self) -> Option<String> {
        let regex = self.safe_regex.as_ref().map(|regex| format!("~{}", regex.regex));
        None.or_else(|| self.exact.as_deref().map(str::to_owned))
            .or_else(|| self.prefix.as_ref().map(|prefix| format!("{prefix}*")))
            .or_else(|| self.suffix.as_ref().map(|suffix| format!("*{suffix}")))
            .or_else(|| self.contains.as_ref().map(|part| format!("*{part}*")))
            .or(regex)
    }
}

impl<'de> TransportSocket<'de> {
    /// The TLS context, if the socket speaks TLS. Wrappers (tap, proxy protocol, ALTS) are not looked into.
    pub fn tls(&self, flaws: &Flaws) -> Option<TlsContext<'de>> {
        let content = self.typed_config.content();
        match self.typed_config.kind()?.as_str() {
            "UpstreamTlsContext" | "DownstreamTlsContext" => Some(content.read(flaws)),
            "QuicUpstreamTransport" | "QuicDownstreamTransport" => {
                let quic: Quic<'de> = content.read(flaws);
                quic.downstream_tls_context.or(quic.upstream_tls_context)
            }
            _ => None,
        }
    }
}

impl TlsContext<'_> {
    /// The mode in a DestinationRule's words: `SIMPLE`, `MUTUAL`, `ISTIO_MUTUAL`.
    pub fn mode(&self) -> &'static str {
        let common = &self.common_tls_context;
        let names = || common.tls_certificate_sds_secret_configs.iter().map(|secret| secret.name.as_ref());
        if names().any(|name| name == "default") {
            "ISTIO_MUTUAL"
        } else if names().next().is_some() || !common.tls_certificates.is_empty() {
            "MUTUAL"
        } else {
            "SIMPLE"
        }
    }

    /// The names the other side's certificate must have one of.
    pub fn sans(&self) -> Vec<String> {
        let common = &self.common_tls_context;
        let combined = common.combined_validation_context.as_ref().and_then(|both| both.default_validation_context.as_ref());
        let contexts = common.validation_context.iter().chain(combined);
        let mut sans: Vec<String> = Vec::new();
        for context in contexts {
            let typed = context.match_typed_subject_alt_names.iter().map(|typed| &typed.matcher);
            let all = context.match_subject_alt_names.iter().chain(typed);
            for san in all.filter_map(StringMatch::short) {
                if !sans.contains(&san) {
                    sans.push(san);
                }
            }
        }
        sans
    }

    /// The names of the secrets it needs.
    pub fn secrets(&self) -> Vec<String> {
        let common = &self.common_tls_context;
        let combined =
            common.combined_validation_context.as_ref().and_then(|both| both.validation_context_sds_secret_config.as_ref());
        let roots = common.validation_context_sds_secret_config.iter().chain(combined);
        let all = common.tls_certificate_sds_secret_configs.iter().chain(roots);
        all.map(|secret| secret.name.to_string()).filter(|name| !name.is_empty()).collect()
    }
}
