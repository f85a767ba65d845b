//! The certificate authorities that this machine trusts.

use super::Answer;
use crate::error::{Error, Kind, Result};
use crate::tls::subject_name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What certificates in PEM are called on the wire.
pub(super) const PEM_TYPE: &str = "application/x-pem-file";
/// PEM breaks its lines here.
const LINE: usize = 64;

/// The trusted certificates of this machine, read once.
#[derive(Debug, Default)]
pub(super) struct SystemRoots {
    certificates: OnceCell<Arc<Vec<CertificateDer<'static>>>>,
}

impl SystemRoots {
    /// A machine that trusts these.
    #[cfg(test)]
    pub(super) fn of(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self { certificates: OnceCell::new_with(Some(Arc::new(certificates))) }
    }

    /// All of them.
    pub(super) async fn all(&self) -> Result<Arc<Vec<CertificateDer<'static>>>> {
        let load = || async {
            let read = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
            let read =
                read.map_err(|error| Error::new(Kind::Internal, "the machine's certificates cannot be read").caused_by(&error))?;
            match (read.certs.is_empty(), read.errors.first()) {
                (true, Some(error)) => Err(Error::new(Kind::File, "the machine's trusted certificates cannot be read")
                    .cause(error)
                    .hint("install ca-certificates, or name a bundle with SSL_CERT_FILE")),
                _ => Ok(Arc::new(read.certs)),
            }
        };
        self.certificates.get_or_try_init(load).await.cloned()
    }

    /// Those with these subjects, as PEM.
    pub(super) async fn ask(&self, subjects: &[String]) -> Result<Answer> {
        let mut text = String::new();
        for certificate in self.all().await?.iter() {
            if subject_name(certificate).is_some_and(|subject| subjects.contains(&subject)) {
                push_pem(&mut text, certificate);
            }
        }
        Ok(Answer { content_type: Some(PEM_TYPE.into()), ..Answer::ok(text, Timestamp::now()) })
    }
}

/// Add a certificate in PEM.
pub(super) fn push_pem(text: &mut String, der: &[u8]) {
    let base64 = STANDARD.encode(der);
    text.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END CERTIFICATE-----\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(name: &str) -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[tokio::test]
    async fn gives_only_the_authorities_with_the_subject_asked_for() {
        let (wanted, other) = (authority("Wanted"), authority("Other"));
        let roots = SystemRoots::of(vec![other, wanted.clone()]);
        let answer = roots.ask(&["CN=Wanted".into()]).await.unwrap();
        let mut expected = String::new();
        push_pem(&mut expected, &wanted);
        assert_eq!((answer.text().as_ref(), answer.content_type.as_deref()), (expected.as_str(), Some(PEM_TYPE)));
        assert!(roots.ask(&["CN=Nobody".into()]).await.unwrap().body.is_empty());
    }

    #[test]
    fn pem_reads_back() {
        let der = authority("Back");
        let mut text = String::new();
        push_pem(&mut text, &der);
        let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap();
        assert_eq!(pem.contents, der.as_ref());
        assert!(text.lines().all(|line| line.len() <= LINE));
    }
}
