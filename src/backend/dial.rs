//! A plain connection to a host and port: straight, where an override says, or through the proxy of the environment.

use super::patience::Patience;
use super::{Resolve, kube_error, proxy};
use crate::error::{Error, Kind, Result};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tower::Service;

/// A TCP connection to a host, by name or address.
pub(super) async fn tcp(host: &str, port: u16, overrides: &[Resolve], patience: &Patience, what: &str) -> Result<TcpStream> {
    let wait = Patience::connect(patience.step());
    if let Some(address) = Resolve::find(overrides, host, port) {
        let connected = tokio::time::timeout(wait, TcpStream::connect(address)).await;
        let connected =
            connected.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {wait:?}"))));
        return connected.map_err(|error| unreachable(&error, what, &format!("{address} (--resolve)")));
    }
    let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let url: Uri = format!("https://{place}/").parse().map_err(|_| bad_host(host, what))?;
    match proxy::intercept(&url) {
        None => plain(wait).call(url).await.map(TokioIo::into_inner).map_err(|error| unreachable(&error, what, &place)),
        Some(proxy) => {
            let way = format!("{place} through the proxy {}", proxy.uri());
            patience.wait(what, through(&proxy, url, wait)).await?.map_err(|error| unreachable(&*error, what, &way))
        }
    }
}

fn plain(wait: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(wait));
    connector
}

pub(super) async fn through(
    proxy: &Intercept,
    url: Uri,
    wait: Duration,
) -> std::result::Result<TcpStream, Box<dyn StdError + Send + Sync>> {
    let stream = match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let mut connector = SocksV5::new(proxy.uri().clone(), plain(wait));
            if let Some((user, password)) = proxy.raw_auth() {
                connector = connector.with_auth(user.into(), password.into());
            }
            connector.call(url).await?
        }
        Some("http") => {
            let mut connector = Tunnel::new(proxy.uri().clone(), plain(wait));
            if let Some(auth) = proxy.basic_auth() {
                connector = connector.with_auth(auth.clone());
            }
            connector.call(url).await?
        }
        _ => return Err("only http and socks5 proxies can carry a handshake".into()),
    };
    Ok(stream.into_inner())
}

/// Why a host cannot be reached, as far as the system tells, and what to try.
pub(super) fn unreachable(error: &(dyn StdError + 'static), what: &str, place: &str) -> Error {
    let cause = kube_error::depths(error);
    let hint = if cause.contains("failed to lookup address") || cause.contains("dns error") {
        "the name is not known from here: the cluster may know it. --resolve HOST:PORT:ADDRESS gives its address"
    } else if kube_error::has_io(error, io::ErrorKind::ConnectionRefused) {
        "nothing listens on that port: is it the right one?"
    } else if kube_error::has_io(error, io::ErrorKind::TimedOut) || cause.contains("timed out") {
        "a firewall, or a proxy that is needed (HTTPS_PROXY)? from inside the cluster it may look different"
    } else {
        "see whether it can be reached from here at all; from inside the cluster it may look different"
    };
    Error::new(Kind::Unreachable, format!("{what}: {place} cannot be reached")).cause(cause).hint(hint)
}

fn bad_host(host: &str, what: &str) -> Error {
    Error::new(Kind::BadInput, format!("{what}: {host:?} is no host"))
        .hint("give a DNS name or an IP address, without scheme or port")
}
