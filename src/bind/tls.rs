//! Certificates: what a server shows, what a text holds, and whether a chain is to be believed.

use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, Row, convert, options};
use crate::mesh::trust::{self, Anchors, TlsOptions, VerifyOptions};
use crate::tls::Certificate;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

/// Certificates and chains.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// The certificates that a server shows on port 443, leaf first, as sent. Returns `certificate` rows.
    ///
    /// Symptoms: `x509: certificate signed by unknown authority`; `x509: certificate has expired or is not yet valid`; `unable
    /// to get local issuer certificate`; a gateway that shows the wrong certificate; `SSL_ERROR_SYSCALL`.
    ///
    /// ```rhai
    /// tls_chain("keycloak-olaf-sso.apps.acme.test").len()    // 2
    /// ```
    #[rhai_fn(return_raw)]
    pub fn tls_chain(context: NativeCallContext, host: &str) -> Fallible<Array> {
        tls_chain_with(context, host, 443, Map::new())
    }

    /// The certificates that a server shows, leaf first, as sent. Returns `certificate` rows.
    ///
    /// ```rhai
    /// tls_chain("keycloak-olaf-sso.apps.acme.test", 443)[0].subject    // "O=Acme Corp, CN=*.apps.acme.test"
    /// ```
    #[rhai_fn(name = "tls_chain", return_raw)]
    pub fn tls_chain_port(context: NativeCallContext, host: &str, port: i64) -> Fallible<Array> {
        tls_chain_with(context, host, port, Map::new())
    }

    /// The certificates that a server shows, leaf first, as sent, whatever they are worth. The handshake is made from where
    /// pilotage runs. Returns `certificate` rows; takes `tls options`.
    ///
    /// ```rhai
    /// tls_chain("keycloak-olaf-sso.apps.acme.test", 443, #{})[0].sans    // ["DNS:*.apps.acme.test","DNS:apps.acme.test"]
    /// ```
    #[rhai_fn(name = "tls_chain", return_raw)]
    pub fn tls_chain_with(context: NativeCallContext, host: &str, port: i64, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: TlsOptions = options(&call, more)?;
        let port = u16::try_from(port).map_err(|_| call.fail(Error::new(Kind::BadInput, format!("{port} is no port"))))?;
        Ok(Row::many(call.wait(trust::tls_chain(call.mesh(), host, port, more))?))
    }

    /// The certificates of a PEM text. Returns `certificate` rows; what was skipped becomes a note.
    ///
    /// ```rhai
    /// parse_pem(tls_chain("keycloak-olaf-sso.apps.acme.test")[0].pem).len()    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse_pem(context: NativeCallContext, text: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.check(trust::read_pem(call.mesh(), text, "the PEM text"))?))
    }

    /// Whether a chain ends in a trusted certificate and is valid now. Returns a `verdict` row.
    ///
    /// `chain` is PEM text or `certificate` rows; so is `roots`, or `"system"` for the certificate authorities of the machine
    /// that pilotage runs on.
    ///
    /// Symptoms: `x509: certificate signed by unknown authority`; `tls: failed to verify certificate`; `unable to verify the
    /// first certificate`: a missing intermediate; `x509: certificate is valid for other names, not`.
    ///
    /// ```rhai
    /// verify_chain(tls_chain("keycloak-olaf-sso.apps.acme.test"), "system").problem    // "unknown_issuer"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn verify_chain(context: NativeCallContext, chain: Dynamic, roots: Dynamic) -> Fallible<Row> {
        verify_chain_with(context, chain, roots, Map::new())
    }

    /// Whether a chain ends in a trusted certificate, is valid at that time, and is for that host. Returns a `verdict` row;
    /// takes `verify options`.
    ///
    /// ```rhai
    /// let chain = tls_chain("keycloak-olaf-sso.apps.acme.test");
    /// verify_chain(chain, "system", #{ host: "keycloak-olaf-sso.apps.acme.test" }).name_ok    // true
    /// ```
    #[rhai_fn(name = "verify_chain", return_raw)]
    pub fn verify_chain_with(context: NativeCallContext, chain: Dynamic, roots: Dynamic, more: Map) -> Fallible<Row> {
        let call = Call::of(&context)?;
        let more: VerifyOptions = options(&call, more)?;
        let chain = certificates(&call, &chain, "the chain")?;
        let system = roots.clone().into_string().is_ok_and(|text| text == "system");
        let anchors = if system { Anchors::System } else { Anchors::These(certificates(&call, &roots, "the bundle of roots")?) };
        Ok(Row::from_record(call.wait(trust::verify(call.mesh(), &chain, anchors, &more))?))
    }
}

/// Certificates given as PEM text, a row, or an array of both.
fn certificates(call: &Call, given: &Dynamic, what: &str) -> Fallible<Vec<Certificate>> {
    let mut pem = String::new();
    match given.read_lock::<Array>() {
        Some(items) => items.iter().for_each(|item| pem.push_str(&pem_of(item))),
        None => pem = pem_of(given),
    }
    // No roots at all is a question like any other: nothing is trusted then.
    if pem.trim().is_empty() { Ok(Vec::new()) } else { call.check(trust::read_pem(call.mesh(), &pem, what)) }
}

fn pem_of(item: &Dynamic) -> String {
    let text = match convert::field(item, "pem") {
        serde_json::Value::String(pem) => pem,
        _ => item.clone().into_string().unwrap_or_default(),
    };
    text + "\n"
}
