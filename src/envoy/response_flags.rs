//! Envoy's response flags: why it, and not the application, ended a request.

/// Short name, long name, what it means.
const FLAGS: [(&str, &str, &str); 30] = [
    ("DC", "DownstreamConnectionTermination", "the caller closed its connection before the answer"),
    ("DF", "DnsResolutionFailed", "the upstream's name could not be resolved"),
    ("DI", "DelayInjected", "a fault rule delayed the request"),
    ("DO", "DropOverload", "dropped, for the endpoints' overload policy says so"),
    ("DPE", "DownstreamProtocolError", "the caller broke the HTTP protocol"),
    ("DR", "DownstreamRemoteReset", "the caller reset the stream before the answer"),
    ("DT", "DurationTimeout", "the connection or request lived longer than its maximum"),
    ("FI", "FaultInjected", "a fault rule answered in place of the upstream"),
    ("IH", "InvalidEnvoyRequestHeaders", "refused for a header that the proxy checks strictly"),
    ("LH", "FailedLocalHealthCheck", "the proxy itself fails its health check"),
    ("LR", "LocalReset", "the proxy reset the connection to the upstream"),
    ("NC", "NoClusterFound", "the route leads to a cluster that the proxy does not have"),
    ("NFCF", "NoFilterConfigFound", "the configuration of a filter (ECDS) has not come"),
    ("NR", "NoRouteFound", "no route, or no filter chain, fits the request"),
    ("OM", "OverloadManagerTerminated", "the proxy is overloaded and shed it"),
    ("RFCF", "ResponseFromCacheFilter", "answered from the proxy's cache"),
    ("RL", "RateLimited", "rate limited"),
    ("RLSE", "RateLimitServiceError", "the rate limit service failed"),
    ("SI", "StreamIdleTimeout", "nothing moved on the stream for its idle timeout"),
    ("UAEX", "UnauthorizedExternalService", "the external authorizer refused it, or could not be asked"),
    ("UC", "UpstreamConnectionTermination", "the upstream closed the connection before it answered"),
    ("UDO", "UnconditionalDropOverload", "dropped, for all requests to the endpoints are"),
    ("UF", "UpstreamConnectionFailure", "no connection to the upstream, or no TLS with it"),
    ("UH", "NoHealthyUpstream", "the cluster has no healthy endpoint"),
    ("UMSDR", "UpstreamMaxStreamDurationReached", "the request took longer than the longest allowed"),
    ("UO", "UpstreamOverflow", "a limit of the connection pool was reached (circuit breaker)"),
    ("UPE", "UpstreamProtocolError", "the upstream broke the HTTP protocol"),
    ("UR", "UpstreamRemoteReset", "the upstream reset the stream"),
    ("URX", "UpstreamRetryLimitExceeded", "all retries, or all attempts to connect, were used up"),
    ("UT", "UpstreamRequestTimeout", "the upstream did not answer within the route's timeout"),
];

/// The short name of a flag, from either of its names; what is unknown is its own name.
pub fn short(name: &str) -> &str {
    FLAGS.iter().find(|(_, long, _)| *long == name).map_or(name, |(short, ..)| short)
}

/// The long name of a flag, from its short one.
pub fn long(short: &str) -> &str {
    FLAGS.iter().find(|(own, ..)| *own == short).map_or(short, |(_, long, _)| long)
}

/// The short names of all flags.
pub fn names() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(short, ..)| *short)
}

/// What one flag means, by either of its names.
pub fn meaning(name: &str) -> Option<&'static str> {
    let name = name.trim();
    FLAGS.iter().find(|(short, long, _)| *short == name || *long == name).map(|(.., meaning)| *meaning)
}

/// What all flags of a column such as `URX,UF` mean, each with its name in front. One that is unknown says so.
pub fn meanings<'a>(flags: impl IntoIterator<Item = &'a str>) -> String {
    let one = |flag: &str| format!("{}: {}", short(flag), meaning(flag).unwrap_or("a flag that pilotage does not know"));
    let flags = flags.into_iter().map(str::trim).filter(|flag| !flag.is_empty() && *flag != "-");
    flags.map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_told_by_either_name_alone_and_together() {
        assert_eq!(short("UpstreamOverflow"), "UO");
        assert_eq!(meaning("NC"), meaning("NoClusterFound"));
        let both = meanings("URX,UF".split(','));
        assert!(both.starts_with("URX: all retries") && both.contains("; UF: no connection"), "{both}");
        assert_eq!(meanings(["-"]), "");
        assert_eq!(meanings(["QQ"]), "QQ: a flag that pilotage does not know");
    }

    #[test]
    fn names_are_unique_and_in_order() {
        assert!(FLAGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
