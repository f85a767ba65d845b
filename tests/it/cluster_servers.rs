//! The HTTPS servers of a served recording: the recorded names and pages, on chains that really verify or really do not.

use crate::cluster::{client, options, recording};
use crate::support::cluster::{At, Cluster, ClusterOptions, Handshake, Trouble};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use pilotage::backend::{Ask, Backend, Connect, Live, Query, TlsProbe};
use pilotage::error::Kind;
use pilotage::tls::Certificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::time::Duration;

/// GET from a recorded server outside of the mesh, trusting these roots only.
async fn fetch(cluster: &Cluster, url: &str, roots: &[String]) -> Result<(u16, String), String> {
    let mut store = rustls::RootCertStore::empty();
    for root in roots.iter().flat_map(|root| CertificateDer::pem_slice_iter(root.as_bytes())) {
        store.add(root.expect("a certificate")).expect("a root");
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let tls = tls.with_root_certificates(store).with_no_client_auth();
    let mut client = reqwest::Client::builder().use_preconfigured_tls(tls).timeout(Duration::from_secs(5)).no_proxy();
    client = client.redirect(reqwest::redirect::Policy::none());
    for server in cluster.servers() {
        client = client.resolve(&server.host, server.address);
    }
    // An address given to reqwest yields to a port in the URL.
    let url = cluster.servers().iter().fold(url.to_string(), |url, server| {
        url.replace(&format!("{}:{}", server.host, server.port), &format!("{}:{}", server.host, server.address.port()))
    });
    let answer = client.build().expect("a client").get(url).send().await;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.map_err(|error| format!("{error:?}"))?))
}

const KEYS: &str = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer/protocol/openid-connect/certs";

#[tokio::test]
async fn the_server_of_the_keys_shows_the_recorded_names() {
    let cluster = Cluster::start(options()).expect("a cluster");
    let (status, body) = fetch(&cluster, KEYS, cluster.roots()).await.expect("the root vouches for it");
    assert!(status == 200 && body.contains("\"keys\""), "{body}");
    let (status, _) =
        fetch(&cluster, &KEYS.replace("/protocol/openid-connect/certs", "/nosuchpage"), cluster.roots()).await.expect("a page");
    assert_eq!(status, 404);
    let refused = fetch(&cluster, KEYS, &[]).await.expect_err("nobody vouches for it");
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    let chain = presented(&cluster, 0).await.expect("a chain");
    let names: Vec<&str> = chain.iter().map(|certificate| certificate.subject.as_str()).collect();
    assert_eq!(names, ["O=Acme Corp, CN=*.apps.acme.test", "O=Acme Corp, CN=Acme Corp Issuing CA 1"]);
    assert_eq!(chain[0].sans, ["DNS:*.apps.acme.test", "DNS:apps.acme.test"]);
    assert_eq!(chain[1].issuer, "O=Acme Corp, CN=Acme Corp Root CA");
    assert_eq!(chain[0].serial.replace(':', "").to_uppercase(), "7A2A7D0CFE5AFE518874F0DB56CA861F81113979");
}

/// The certificates that a server outside of the mesh sends.
async fn presented(cluster: &Cluster, index: usize) -> pilotage::error::Result<Vec<Certificate>> {
    let server = cluster.servers()[index].clone();
    let resolve = cluster.resolve().iter().map(|rule| rule.parse().expect("a rule")).collect();
    let live = Live::connect(Connect { resolve, timeout: Duration::from_secs(5), ..Connect::default() }).await?;
    let probe = TlsProbe { host: server.host, port: server.port, sni: None, alpn: Vec::new() };
    let answer = live.ask(&Query::new("none", Ask::Tls(probe))).await?;
    Ok(pilotage::tls::parse_pem(&answer.text())?.certificates)
}

#[tokio::test]
async fn an_expired_certificate_stays_expired() {
    let cluster = Cluster::start(ClusterOptions::new(recording("g-expired-cert"))).expect("a cluster");
    assert_eq!(cluster.servers()[0].host, "shop.example");
    let chain = presented(&cluster, 0).await.expect("a chain");
    assert_eq!((chain[0].subject.as_str(), chain[0].not_after.as_str()), ("CN=shop.example", "2025-02-01T00:00:00Z"));
    let refused = fetch(&cluster, "https://shop.example:8443/", &[chain[0].pem.clone()]).await.expect_err("it has expired");
    assert!(refused.contains("Expired"), "{refused}");
    // The gateway had no certificate for the other name, and reset the connection.
    let reset = presented(&cluster, 1).await.expect_err("no certificate");
    assert!(matches!(reset.kind(), Kind::Tls | Kind::Unreachable), "{reset:?}");
}

#[tokio::test]
async fn istiods_extra_root_vouches_for_the_chain_that_is_served() {
    let cluster = Cluster::start(ClusterOptions::new(recording("jwks-certificate-fix-trusted-ca"))).expect("a cluster");
    let maps: Api<ConfigMap> = Api::namespaced(client(&cluster, "admin").await, "istio-system");
    let map = maps.get("pilot-jwks-extra-cacerts").await.expect("a config map");
    let root = map.data.expect("data").remove("extra.pem").expect("a root");
    let (status, _) = fetch(&cluster, KEYS, &[root]).await.expect("it vouches");
    assert_eq!(status, 200);
}

#[tokio::test]
async fn servers_misbehave_on_demand() {
    let keys = |trouble: Trouble| options().fault(At::Https("/auth".into()), trouble);
    let redirect = Cluster::start(keys(Trouble::Redirect("https://elsewhere.example/".into()))).expect("a cluster");
    assert_eq!(fetch(&redirect, KEYS, redirect.roots()).await.expect("an answer").0, 302);
    let html = Cluster::start(keys(Trouble::NotJson)).expect("a cluster");
    assert!(fetch(&html, KEYS, html.roots()).await.expect("an answer").1.starts_with("<html>"));
    let huge = Cluster::start(keys(Trouble::Huge(5_000_000))).expect("a cluster");
    assert_eq!(fetch(&huge, KEYS, huge.roots()).await.expect("an answer").1.len(), 5_000_000);
    let plain = Cluster::start(options().handshake(Handshake::PlainHttp)).expect("a cluster");
    assert!(presented(&plain, 0).await.is_err());
    let lone = Cluster::start(options().handshake(Handshake::LeafOnly)).expect("a cluster");
    assert_eq!(presented(&lone, 0).await.expect("a chain").len(), 1);
    let garbage = Cluster::start(options().handshake(Handshake::GarbageAfterLeaf)).expect("a cluster");
    let refused = fetch(&garbage, KEYS, garbage.roots()).await.expect_err("no chain");
    assert!(refused.contains("UnknownIssuer") || refused.contains("BadEncoding"), "{refused}");
}
