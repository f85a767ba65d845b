//! Which proxy leads to a host: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The proxy that the environment names for this URL. This machine itself needs none.
pub(super) fn intercept(url: &Uri) -> Option<Intercept> {
    if url.host().is_none_or(is_loopback) { None } else { Matcher::from_env().intercept(url) }
}

/// Decide anew whether the API server is reached through a proxy.
///
/// kube takes `HTTPS_PROXY` for any URL and compares `NO_PROXY` with the proxy's own name; kubectl does neither.
/// A proxy that the kubeconfig itself names stands.
pub(super) fn correct(config: &mut kube::Config, named_by_kubeconfig: bool) {
    if !named_by_kubeconfig {
        config.proxy_url = match (intercept(&config.cluster_url), config.proxy_url.take()) {
            (None, _) => None,
            // What kube read still holds the user and password.
            (Some(proxy), Some(read)) if read.authority().map(without_user) == proxy.uri().authority().map(without_user) => {
                Some(read)
            }
            (Some(proxy), _) => Some(proxy.uri().clone()),
        };
    }
    // Names are always resolved by the proxy, which is what the `h` asks for.
    if let Some(url) = &config.proxy_url
        && url.scheme_str() == Some("socks5h")
    {
        config.proxy_url = url.to_string().replacen("socks5h", "socks5", 1).parse().ok();
    }
}

/// A URL as it may be shown: without user, password and query.
pub(super) fn shown(url: &Uri) -> String {
    let place = url.authority().map_or("", without_user);
    format!("{}://{place}{}", url.scheme_str().unwrap_or("http"), url.path().trim_end_matches('/'))
}

fn without_user(authority: &http::uri::Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_needs_no_proxy() {
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        assert!(!is_loopback("10.0.0.1"));
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        let url = "https://user:geheim@api.example:6443/k8s/clusters/c-1/".parse().unwrap();
        assert_eq!(shown(&url), "https://api.example:6443/k8s/clusters/c-1");
    }

    #[test]
    fn a_proxy_of_the_kubeconfig_stands() {
        let mut config = kube::Config::new("https://127.0.0.1:6443".parse().unwrap());
        config.proxy_url = Some("socks5h://user:word@10.0.0.1:1080".parse().unwrap());
        correct(&mut config, true);
        assert_eq!(config.proxy_url.as_ref().map(ToString::to_string).as_deref(), Some("socks5://user:word@10.0.0.1:1080/"));
        correct(&mut config, false);
        assert_eq!(config.proxy_url, None, "loopback is reached directly whatever the environment says");
    }
}
