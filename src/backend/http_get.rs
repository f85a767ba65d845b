//! An ordinary HTTP GET from this machine: a JWKS URL, a discovery document.

use super::patience::Patience;
use super::roots::SystemRoots;
use super::{Answer, HttpGet, Resolve, Trust, body, dial, handshake, kube_error, proxy};
use crate::error::{Error, Kind, Result};
use http::header;
use reqwest::{Client, Url, redirect};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// Get it. Redirects are told, not followed.
pub(super) async fn ask(query: &HttpGet, overrides: &[Resolve], roots: &SystemRoots, patience: &Patience) -> Result<Answer> {
    let url = parse(&query.url)?;
    // The question in words, without the user and password that a URL may hold.
    let what = format!("http GET {}{}", shown(&url), query.trust);
    let place = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let (client, request) = prepare(query, url, overrides, roots, patience, &what).await?;
    let sent = patience.wait(&what, client.execute(request)).await?;
    let response = sent.map_err(|error| failed(&error.without_url(), &what, &place))?;
    body::answer(http::Response::from(response), query.max_bytes, &what, patience).await
}

fn parse(text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        Error::new(Kind::BadInput, format!("this is no URL that can be asked: {why}")).hint("write https://host[:port]/path")
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(wrong(&format!("its scheme is {other}"))),
    }
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // Both only fail for URLs that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

async fn prepare(
    query: &HttpGet,
    mut url: Url,
    overrides: &[Resolve],
    roots: &SystemRoots,
    patience: &Patience,
    what: &str,
) -> Result<(Client, reqwest::Request)> {
    let wrong = |error: reqwest::Error| {
        Error::new(Kind::BadInput, format!("{what}: no such request can be made")).caused_by(&error.without_url())
    };
    let mut config = handshake::config(verifier(&query.trust, roots, what).await?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = Client::builder().redirect(redirect::Policy::none()).connect_timeout(Patience::connect(patience.step()));
    if goes_direct(&url) {
        client = client.no_proxy();
    }
    let mut headers = vec![(header::ACCEPT, "application/json, */*;q=0.5".to_owned())];
    let (host, port) = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or_default());
    if let Some(address) = Resolve::find(overrides, &host, port) {
        client = client.resolve(&host, address).no_proxy();
        if address.port() != port {
            // reqwest connects to the URL's port, so that must be the one to connect to; the server still reads its own name.
            headers.push((header::HOST, url.port().map_or(host.clone(), |port| format!("{host}:{port}"))));
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let _ = url.set_port(Some(address.port()));
        }
    }
    let client = client.tls_backend_preconfigured(config).build().map_err(wrong)?;
    let request = headers.into_iter().fold(client.get(url), |request, (name, value)| request.header(name, value));
    Ok((client, request.build().map_err(wrong)?))
}

fn goes_direct(url: &Url) -> bool {
    url.as_str().parse().is_ok_and(|url| proxy::intercept(&url).is_none())
}

async fn verifier(trust: &Trust, roots: &SystemRoots, what: &str) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut store = RootCertStore::empty();
    match trust {
        Trust::Anything => return Ok(Arc::new(handshake::Witness::new())),
        Trust::System => {
            store.add_parsable_certificates(roots.all().await?.iter().cloned());
        }
        Trust::Extra(pem) => {
            // A machine without authorities of its own can still check against the ones given.
            let system = roots.all().await.unwrap_or_default();
            store.add_parsable_certificates(system.iter().cloned());
            for certificate in extra(pem, what)? {
                store.add(certificate).map_err(|error| bad_extra(what).caused_by(&error))?;
            }
        }
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), handshake::provider()).build();
    Ok(verifier.map_err(|error| {
        Error::new(Kind::Tls, format!("{what}: this machine trusts no certificate authority"))
            .caused_by(&error)
            .hint("install ca-certificates, or name a bundle with SSL_CERT_FILE")
    })?)
}

fn extra(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(bad_extra(what)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(bad_extra(what).caused_by(&error)),
    }
}

fn bad_extra(what: &str) -> Error {
    Error::new(Kind::BadInput, format!("{what}: the extra CAs hold no usable certificate"))
        .hint("give them as PEM: -----BEGIN CERTIFICATE-----")
}

fn failed(error: &reqwest::Error, what: &str, place: &str) -> Error {
    if let Some(tls) = kube_error::find::<rustls::Error>(error) {
        return Error::new(Kind::Tls, format!("{what}: TLS failed")).cause(tls).hint(tls_hint(tls));
    }
    if error.is_connect() {
        return dial::unreachable(error, what, place);
    }
    Error::new(Kind::BadAnswer, format!("{what}: the server gives no proper answer"))
        .cause(kube_error::depths(error))
        .hint("does it speak HTTP on that port, and plain HTTP or HTTPS as the URL says?")
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "this machine does not trust the server's CA, or the server does not send an intermediate: verify_chain(tls_chain(host)) tells which"
        }
        rustls::Error::InvalidCertificate(BadSignature) => {
            "a trusted CA has the issuer's name and another key: was the CA made anew? verify_chain(tls_chain(host)) tells"
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "the certificate must be renewed by whoever runs the server"
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the certificate is for another name: is the URL right, and does the name lead to the right server?"
        }
        rustls::Error::InvalidCertificate(_) => "tls_chain(host) shows what the server sends",
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS on that port: should the URL begin with http://?",
        _ => "tls_chain(host) shows how far a handshake comes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_refused_without_showing_a_password() {
        for url in ["", "login.example.com/keys", "ftp://a:secret@b/c", "https://u:secret@"] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.kind(), Kind::BadInput);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(shown(&parse("https://user:secret@a.example/keys").unwrap()), "https://a.example/keys");
    }

    #[test]
    fn extra_authorities_must_be_certificates() {
        for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
            assert_eq!(extra(pem, "x").expect_err(pem).kind(), Kind::BadInput);
        }
    }
}
