//! HTTP requests and TLS handshakes against servers on loopback, good and bad.

use super::fake_api::{proxy, raw};
use super::patience::Patience;
use super::roots::SystemRoots;
use super::*;
use crate::error::Error;
use crate::error::Kind as Failure;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(10);
const KEYS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}";

/// An authority, and a server's certificate and key that it signed for `login.example.com`.
struct Pki {
    root: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn pki() -> Pki {
    pki_of("Test Root")
}

fn pki_of(root: &str) -> Pki {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, root);
    let issuer_key = rcgen::KeyPair::generate().unwrap();
    let root = params.self_signed(&issuer_key).unwrap().der().clone();
    let issuer = rcgen::Issuer::new(params, issuer_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf =
        rcgen::CertificateParams::new(vec!["login.example.com".into()]).unwrap().signed_by(&key, &issuer).unwrap().der().clone();
    Pki { root, leaf, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

fn pem(der: &[u8]) -> String {
    let mut text = String::new();
    roots::push_pem(&mut text, der);
    text
}

/// Shows any bytes as certificates: rustls itself would refuse to serve what it cannot read.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

fn tls_config(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
    clients: Option<CertificateDer<'static>>,
    tls12: bool,
) -> ServerConfig {
    let versions: &[&rustls::SupportedProtocolVersion] = if tls12 { &[&rustls::version::TLS12] } else { rustls::ALL_VERSIONS };
    let builder = ServerConfig::builder_with_provider(handshake::provider()).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(root).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), handshake::provider()).build().unwrap(),
            )
        }
    };
    let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
    builder.with_cert_resolver(Arc::new(Shows(Arc::new(CertifiedKey::new(chain, key)))))
}

/// Serve this answer over TLS.
async fn tls_server(config: ServerConfig, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap_or(0);
                let host = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
                let answer = if host.contains("host: login.example.com\r\n") {
                    answer
                } else {
                    "HTTP/1.1 421 Wrong Host\r\ncontent-length: 0\r\n\r\n"
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

fn overrides(address: SocketAddr) -> Vec<Resolve> {
    vec![format!("login.example.com:443:{address}").parse().unwrap()]
}

async fn get_from(
    url: &str,
    trust: Trust,
    overrides: &[Resolve],
    roots: &SystemRoots,
    max_bytes: u64,
    patience: Duration,
) -> crate::error::Result<Answer> {
    let query = HttpGet { url: url.into(), trust, max_bytes };
    http_get::ask(&query, overrides, roots, &Patience::new(patience)).await
}

async fn get(url: &str) -> crate::error::Result<Answer> {
    get_from(url, Trust::System, &[], &SystemRoots::of(vec![pki().root]), 1000, LONG).await
}

#[tokio::test]
async fn who_vouches_for_the_server_decides() {
    let pki = pki();
    let address = tls_server(tls_config(vec![pki.leaf.clone()], &pki.key, None, false), KEYS).await;
    let (nobody, namesake, everybody) = (
        SystemRoots::of(vec![pki_of("Other Root").root]),
        SystemRoots::of(vec![self::pki().root]),
        SystemRoots::of(vec![pki.root.clone()]),
    );
    let url = "https://login.example.com/keys";
    let ask = |trust, roots| {
        let leads = overrides(address);
        async move { get_from(url, trust, &leads, roots, 1000, LONG).await }
    };
    let error = ask(Trust::System, &nobody).await.expect_err("nobody vouches");
    assert_eq!(error.kind(), Failure::Tls);
    assert!(error.to_string().contains("invalid peer certificate: UnknownIssuer"), "{error}");
    assert!(error.next_step().unwrap().contains("verify_chain"), "{error:?}");
    let error = ask(Trust::System, &namesake).await.expect_err("a root of that name with another key");
    assert!(error.to_string().contains("BadSignature") && error.next_step().unwrap().contains("another key"), "{error:?}");
    for (trust, roots) in [(Trust::System, &everybody), (Trust::Extra(pem(&pki.root)), &nobody), (Trust::Anything, &nobody)] {
        let answer = ask(trust, roots).await.unwrap();
        assert_eq!(
            (answer.status, answer.text().as_ref(), answer.content_type.as_deref()),
            (200, "{\"keys\":[]}", Some("application/json"))
        );
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_named() {
    let pki = pki();
    let address = tls_server(tls_config(vec![pki.leaf], &pki.key, None, false), KEYS).await;
    let url = format!("https://localhost:{}/", address.port());
    let error = get_from(&url, Trust::Extra(pem(&pki.root)), &[], &SystemRoots::of(Vec::new()), 1000, LONG)
        .await
        .expect_err("the wrong name");
    assert_eq!(error.kind(), Failure::Tls);
    assert!(error.to_string().contains("login.example.com") && error.next_step().unwrap().contains("another name"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let (address, requests) =
        raw(&["HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n"]).await;
    let answer = get(&format!("http://{address}/keys")).await.unwrap();
    assert_eq!((answer.status, answer.location.as_deref()), (302, Some("https://elsewhere.example/")));
    assert_eq!(requests.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn html_and_error_pages_are_answers() {
    let (address, _) =
        raw(&["HTTP/1.1 503 Down\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: 6\r\n\r\n<html>"]).await;
    let answer = get(&format!("http://{address}/keys")).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_deref(), answer.text().as_ref()), (503, Some("text/html"), "<html>"));
}

#[tokio::test]
async fn huge_cut_off_and_unspeakable_answers_are_errors() {
    const HUGE: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789012345678901234567890123456789";
    for (answer, max, says) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", 1000, "more than 1000 bytes"),
        (HUGE, 20, "more than 20 bytes"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf", 1000, "cut off after 4 of 500 bytes"),
        ("SSH-2.0-OpenSSH_9.9\r\n", 1000, "no proper answer"),
    ] {
        let (address, _) = raw(Box::leak(Box::new([answer]))).await;
        let url = format!("http://user:geheim@{address}/keys");
        let error = get_from(&url, Trust::System, &[], &SystemRoots::of(vec![pki().root]), max, LONG).await.expect_err(says);
        assert_eq!(error.kind(), Failure::BadAnswer);
        assert!(error.message().contains(says) && error.message().contains(&format!("http://{address}/keys")), "{error}");
        assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let (address, _) = raw(&["hang"]).await;
    let started = Instant::now();
    let url = format!("http://{address}/keys");
    let error = get_from(&url, Trust::Anything, &[], &SystemRoots::of(Vec::new()), 1000, SOON).await.expect_err("it hangs");
    assert_eq!(error.kind(), Failure::Timeout);
    assert!(started.elapsed() < SOON * 3);
}

#[tokio::test]
async fn hosts_that_are_not_there_say_why() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, says) in
        [(format!("http://{free}/keys"), "nothing listens"), ("https://no-such-host.invalid/keys".into(), "--resolve")]
    {
        let error = get(&url).await.expect_err(says);
        assert_eq!(error.kind(), Failure::Unreachable);
        assert!(error.next_step().unwrap().contains(says), "{error:?}");
    }
    let plain = plain_server().await;
    let error = get_from(&format!("https://{plain}/"), Trust::Anything, &[], &SystemRoots::of(Vec::new()), 1000, LONG).await;
    let error = error.expect_err("it speaks no TLS");
    assert!(error.kind() == Failure::Tls && error.next_step().unwrap().contains("http://"), "{error:?}");
    let (silent, _) = raw(&["hang"]).await;
    let error = get_from(&format!("https://{silent}/"), Trust::Anything, &[], &SystemRoots::of(Vec::new()), 1000, SOON).await;
    let error = error.expect_err("no handshake");
    assert!(error.kind() == Failure::Unreachable && error.next_step().unwrap().contains("firewall"), "{error:?}");
}

async fn plain_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    address
}

async fn probe(address: SocketAddr, patience: Duration) -> crate::error::Result<Answer> {
    let query = TlsProbe { host: "login.example.com".into(), port: 443, sni: None, alpn: Vec::new() };
    handshake::ask(&query, &overrides(address), "tls login.example.com:443", &Patience::new(patience)).await
}

async fn probe_fails(address: SocketAddr) -> Error {
    probe(address, SOON).await.expect_err("no chain can come")
}

#[tokio::test]
async fn a_chain_is_told_as_sent_whoever_signed_it() {
    let pki = pki();
    let garbage = CertificateDer::from(b"no certificate at all".to_vec());
    for tls12 in [false, true] {
        for chain in [
            vec![pki.leaf.clone()],
            vec![pki.leaf.clone(), pki.root.clone()],
            vec![pki.leaf.clone(), garbage.clone()],
            vec![garbage.clone(), pki.root.clone()],
        ] {
            let expected: String = chain.iter().map(|der| pem(der)).collect();
            let address = tls_server(tls_config(chain.clone(), &pki.key, None, tls12), KEYS).await;
            let answer = probe(address, LONG).await.unwrap();
            assert_eq!(
                (answer.status, answer.text().as_ref()),
                (200, expected.as_str()),
                "TLS 1.2: {tls12}, {} certificates",
                chain.len()
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_has_shown_its_own() {
    let pki = pki();
    for tls12 in [false, true] {
        let config = tls_config(vec![pki.leaf.clone()], &pki.key, Some(pki.root.clone()), tls12);
        let answer = probe(tls_server(config, KEYS).await, LONG).await.unwrap();
        assert_eq!(answer.text(), pem(&pki.leaf));
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_no_evidence() {
    let (pki, other) = (pki(), self::pki());
    let error = probe_fails(tls_server(tls_config(vec![pki.leaf], &other.key, None, false), KEYS).await).await;
    assert_eq!(error.kind(), Failure::Tls);
    assert!(error.to_string().contains("BadSignature"), "{error}");
}

#[tokio::test]
async fn servers_without_tls_say_what_they_are() {
    let error = probe_fails(plain_server().await).await;
    assert_eq!(error.kind(), Failure::Tls);
    assert!(error.next_step().unwrap().contains("plain HTTP"), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = probe_fails(closing).await;
    assert_eq!(error.kind(), Failure::Tls);
    assert!(error.next_step().unwrap().contains("closed the connection"), "{error:?}");

    let (silent, _) = raw(&["hang"]).await;
    assert_eq!(probe_fails(silent).await.kind(), Failure::Timeout);

    let error = probe_fails("127.0.0.1:1".parse().unwrap()).await;
    assert_eq!(error.kind(), Failure::Unreachable);
    assert!(error.message().contains("127.0.0.1:1 (--resolve)"), "{error}");
}

#[tokio::test]
async fn a_name_that_tls_cannot_ask_for_is_refused() {
    let query = TlsProbe { host: "127.0.0.1".into(), port: 1, sni: Some("not a name".into()), alpn: Vec::new() };
    let error = handshake::ask(&query, &[], "tls", &Patience::new(SOON)).await.expect_err("no such name");
    assert_eq!(error.kind(), Failure::BadInput);
}

#[tokio::test]
async fn a_handshake_goes_through_a_proxy() {
    let pki = pki();
    let server = tls_server(tls_config(vec![pki.leaf.clone()], &pki.key, None, false), KEYS).await;
    for (scheme, socks) in [("http", false), ("socks5", true)] {
        let (address, _) = proxy(socks, server).await;
        let matcher = hyper_util::client::proxy::matcher::Matcher::builder().all(format!("{scheme}://{address}")).build();
        let url: http::Uri = "https://login.example.com:443/".parse().unwrap();
        let stream = dial::through(&matcher.intercept(&url).unwrap(), url, LONG).await.unwrap();
        let config = handshake::config(Arc::new(handshake::Witness::new())).unwrap();
        let name = "login.example.com".try_into().unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect(scheme);
    }
}
