//! Tokens and the keys that verify them.

use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, Row, Secret, convert, options, text_or_secret};
use crate::mesh::trust::{self, FetchOptions};
use crate::tls::{self, Expect, Jwks};
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};
use serde_json::Value;

/// Key sets and tokens.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Fetch a key set (JWKS) from where pilotage runs, as istiod would. Returns a `jwks` row.
    ///
    /// It fails as istiod's fetch does when the server's certificate is not trusted.
    ///
    /// Symptoms: `Jwks remote fetch is failed`; `Failed to fetch public key from`; a key id (`kid`) that the mesh does not know
    /// yet; `no such host`; `context deadline exceeded`.
    ///
    /// ```rhai
    /// let kind = "";
    /// try { fetch_jwks("https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer/protocol/openid-connect/certs") }
    /// catch (e) { kind = e.kind }
    /// kind    // "tls"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn fetch_jwks(context: NativeCallContext, url: &str) -> Fallible<Row> {
        fetch_jwks_with(context, url, Map::new())
    }

    /// Fetch a key set (JWKS), believing more than the machine's certificate authorities. Returns a `jwks` row; takes
    /// `fetch options`.
    ///
    /// ```rhai
    /// let url = "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer/protocol/openid-connect/certs";
    /// fetch_jwks(url, #{ insecure: true }).verified    // false
    /// ```
    #[rhai_fn(name = "fetch_jwks", return_raw)]
    pub fn fetch_jwks_with(context: NativeCallContext, url: &str, more: Map) -> Fallible<Row> {
        let call = Call::of(&context)?;
        let more: FetchOptions = options(&call, more)?;
        Ok(Row::from_record(call.wait(trust::fetch_jwks(call.mesh(), url, more))?))
    }

    /// The keys of a JWKS text, such as the `jwks` of a RequestAuthentication. Returns `jwk` rows.
    ///
    /// ```rhai
    /// parse_jwks(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`)[0].kid    // "a"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse_jwks(context: NativeCallContext, text: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        Ok(Row::many(call.check(Jwks::parse(text))?.rows()))
    }

    /// Take a token apart: a map of its `header` and its `claims`. Nothing is verified, and the signature is not shown.
    ///
    /// Symptoms: what stands in a token: issuer, audience, expiry.
    ///
    /// ```rhai
    /// decode_jwt("eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.").claims.iss    // "me"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn decode_jwt(context: NativeCallContext, token: Dynamic) -> Fallible<Map> {
        let call = Call::of(&context)?;
        let token = call.check(tls::decode(secret(&call, &token)?.open()))?;
        let part = |part: serde_json::Map<String, Value>| convert::from_value(Value::Object(part));
        Ok([("header".into(), part(token.header)), ("claims".into(), part(token.claims))].into_iter().collect())
    }

    /// Hold a token against a key set: form, time, key and signature. Returns `check` rows, one a condition.
    ///
    /// `jwks` is JWKS text, or a `jwks` row.
    ///
    /// Symptoms: `Jwt is expired`, `jwt_authn_access_denied{Jwt_is_expired}`; `Jwt is not yet valid`; `Jwt issuer is not
    /// configured`; `Audiences in Jwt are not allowed`; `Jwt verification fails`; `Jwks doesn't have key to match kid or alg
    /// from Jwt`; `Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections`.
    ///
    /// ```rhai
    /// let jwks = `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`;
    /// verify_jwt("eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.", jwks).all(|check| check.ok)    // false
    /// ```
    #[rhai_fn(return_raw)]
    pub fn verify_jwt(context: NativeCallContext, token: Dynamic, jwks: Dynamic) -> Fallible<Array> {
        verify_jwt_with(context, token, jwks, Map::new())
    }

    /// Hold a token against a key set, an issuer and audiences, by the rules of Envoy's `jwt_authn`. Returns `check` rows, one
    /// a condition: all are judged, not only those up to the first failure. Takes `expect options`.
    ///
    /// ```rhai
    /// let jwks = `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`;
    /// let checks = verify_jwt("eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.", jwks, #{ issuer: "you" });
    /// checks.find(|check| check.check == "issuer").found    // "me"
    /// ```
    #[rhai_fn(name = "verify_jwt", return_raw)]
    pub fn verify_jwt_with(context: NativeCallContext, token: Dynamic, jwks: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: Expect = options(&call, more)?;
        let token = call.check(tls::decode(secret(&call, &token)?.open()))?;
        let text = match convert::field(&jwks, "inline") {
            Value::String(inline) => inline,
            _ => jwks.into_string().unwrap_or_default(),
        };
        let jwks = call.check(Jwks::parse(&text))?;
        Ok(Row::many(tls::verify(&token, &jwks, &more, call.mesh().now())))
    }
}

fn secret(call: &Call, token: &Dynamic) -> Fallible<Secret> {
    text_or_secret(token).ok_or_else(|| {
        let error = Error::new(Kind::BadInput, format!("a token is text, not {}", convert::type_word(token)));
        call.fail(error.hint("give its three parts as one text, or a parameter of kind secret"))
    })
}
