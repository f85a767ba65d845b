//! Long lists in pages: `limit` and `continue`, with tokens like those of the API server.

use super::status::{Refusal, bad_request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// `namespace/name`, the order of lists.
pub fn key(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.into(),
    }
}

/// The token that leads on behind this object.
pub fn token(after: &Value, version: &str) -> String {
    let version: u64 = version.parse().unwrap_or(0);
    let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("{}\0", key(after))});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

/// The first key of the page that a token asks for.
pub fn start(token: &str) -> Result<String, Refusal> {
    let invalid = |why: &str| bad_request(&format!("invalid continue token: continue key is not valid: {why}"));
    let text = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid("illegal base64 data"))?;
    let token: Value = serde_json::from_slice(&text).map_err(|error| invalid(&error.to_string()))?;
    token["start"].as_str().map(Into::into).ok_or_else(|| invalid("no start"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_a_real_api_server_is_read_and_written() {
        let recorded = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NTkxLCJzdGFydCI6Im9sYWYtY3VzdG9tZXIvY3VzdG9tZXItNjg2Y2Y1YmY0Ny1tdGdzblx1MDAwMCJ9";
        assert_eq!(start(recorded).expect("legal"), "olaf-customer/customer-686cf5bf47-mtgsn\0");
        let pod = json!({"metadata": {"name": "customer-686cf5bf47-mtgsn", "namespace": "olaf-customer"}});
        assert_eq!(token(&pod, "591"), recorded);
    }

    #[test]
    fn nonsense_is_refused() {
        for token in ["bm9uc2Vuc2U", "%%%", ""] {
            assert_eq!(start(token).expect_err("nonsense").code, 400);
        }
    }
}
