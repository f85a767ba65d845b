//! A TLS handshake that takes any certificate, for the chain that the server shows.

use super::patience::Patience;
use super::roots::{PEM_TYPE, push_pem};
use super::{Answer, Resolve, TlsProbe, dial, kube_error};
use crate::error::{Error, Kind, Result};
use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::TlsConnector;

/// Shake hands and tell the chain, leaf first, as sent.
pub(super) async fn ask(query: &TlsProbe, overrides: &[Resolve], what: &str, patience: &Patience) -> Result<Answer> {
    let host = query.host.trim_start_matches('[').trim_end_matches(']');
    let name = server_name(query.sni.as_deref().unwrap_or(host), what)?;
    let stream = dial::tcp(host, query.port, overrides, patience, what).await?;
    let witness = Arc::new(Witness::new());
    let mut config = config(witness.clone())?;
    config.alpn_protocols = query.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let shaken = patience.wait(what, TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
    let chain = witness.chain();
    match shaken {
        Err(error) if chain.is_empty() || !by_the_other_side(&error) => Err(failed(&error, what)),
        // A server that wants a client's certificate, or another protocol, has shown its own before it says so.
        _ => Ok(Answer { content_type: Some(PEM_TYPE.into()), ..Answer::ok(chain, Timestamp::now()) }),
    }
}

/// ring's algorithms, whatever the process's default is.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client without a certificate of its own that checks servers with this verifier.
pub(super) fn config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig> {
    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| Error::new(Kind::Internal, "TLS cannot be set up").caused_by(&error))?;
    Ok(versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn server_name(name: &str, what: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Error::new(Kind::BadInput, format!("{what}: {name:?} is no name that TLS can ask for"))
            .hint("give a DNS name or an IP address")
    })
}

fn by_the_other_side(error: &io::Error) -> bool {
    !matches!(kube_error::find::<rustls::Error>(error), Some(ours) if !matches!(ours, rustls::Error::AlertReceived(_)))
}

fn failed(error: &io::Error, what: &str) -> Error {
    let failure = Error::new(Kind::Tls, format!("{what}: the TLS handshake failed")).cause(kube_error::depths(error));
    match kube_error::find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidMessage(_)) => failure
            .hint("something answers there, but not in TLS: is it plain HTTP, or another protocol that begins without TLS?"),
        Some(rustls::Error::AlertReceived(_)) => failure
            .hint("the server refused: does it serve this name (sni), and does it want a protocol (alpn) that was not offered?"),
        Some(_) => failure.hint("the server breaks the protocol, or offers only versions and ciphers that are no longer safe"),
        None => {
            failure.hint("the server closed the connection: does it speak TLS on that port, and does it serve this name (sni)?")
        }
    }
}

/// Takes any chain and keeps it.
#[derive(Debug)]
pub(super) struct Witness {
    provider: Arc<CryptoProvider>,
    chain: Mutex<String>,
}

impl Witness {
    pub(super) fn new() -> Self {
        Self { provider: provider(), chain: Mutex::default() }
    }

    fn chain(&self) -> String {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let mut text = String::new();
        push_pem(&mut text, leaf);
        intermediates.iter().for_each(|certificate| push_pem(&mut text, certificate));
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = text;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        unless_unreadable(verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        unless_unreadable(verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A wrong signature ends the handshake: whoever sent it does not own the certificate. A certificate that cannot be
/// read, such as garbage or X.509 v1, is what the evidence must show.
fn unless_unreadable(
    checked: std::result::Result<HandshakeSignatureValid, rustls::Error>,
) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
    match checked {
        Err(rustls::Error::InvalidCertificate(why)) if why != CertificateError::BadSignature => {
            Ok(HandshakeSignatureValid::assertion())
        }
        checked => checked,
    }
}
