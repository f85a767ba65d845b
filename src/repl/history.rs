//! What was typed and may be kept: nothing that holds a secret, or looks as if it did.
//!
//! A line that is not kept costs one look for it; a token that is kept costs a token. So in doubt it is not kept.

use super::history_file::HistoryFile;
use crate::host::is_secret_typed;
use std::path::Path;

/// Whether an input may be kept. A leading space keeps it out, as in shells.
pub fn keeps(input: &str) -> bool {
    !input.trim().is_empty() && !input.starts_with([' ', '\t']) && !is_secret_typed(input)
}

/// All inputs that a file keeps, those of other sessions among them, oldest first.
pub fn all(file: &Path, most: usize) -> Vec<String> {
    HistoryFile::new(file, most).load()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_begins_with_a_space_are_not_kept() {
        for input in [
            "decode_jwt(\"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\")",
            "let half = \"eyJhbGciOiJS",
            " pods()",
            "\tpods()",
            "",
            "  ",
            "parse_pem(`-----BEGIN RSA PRIVATE KEY-----`)",
            "parse_pem(`-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----`)",
            "let h = \"Bearer abcdefgh123\"",
            "http(\"https://a\", #{ headers: #{ authorization: \"Basic dXNlcjpwYXNz\" } })",
            "let h = \"basic dXNlcjpwYXNz\"",
            "fetch_jwks(\"https://me:hunter2@keycloak/certs\")",
            "fetch_jwks(\"https://keycloak/certs?access_token=abc\")",
            "secret(\"hunter2\")",
            "let t = secret( `hunter2` )",
            "verify(#{ token: \"hunter2\" })",
            "let password = `hunter2`",
            "let my_token = \"hunter2\"",
            "#{ \"client_secret\": \"hunter2\", x: 1 }",
            "#{ clientSecret: #\"hunter2\"# }",
            "let secret = \"hunter2\"",
            "let secret = \"correct-horse-battery\"",
            "let secret = \"key-q7Zt2VbN8x\"",
            "let signing_secret = \"token-4815162342\"",
            "let secret = \"token-4815162342\"",
            "let secret = \"tls-4815162342\"",
            "let webhook_secret = \"pull-the-blue-river-4711\"",
            "let webhook_secret = \"pull-the-blue-river-secret\"",
            "let secret = \"pull-the-secret-river\"",
            "#{ client_secret: \"my-tls-secret\" }",
            ":load x.rhai --token hunter2",
            ":load x.rhai --client-secret=hunter2",
            "// pilotage run a --param token=hunter2",
            "#{ kty: \"RSA\", d: 1 }; `{\"kty\":\"RSA\",\"d\":\"private0\"}`",
            // AWS, GitHub, OpenShift, Slack, hexadecimal, base64.
            "let k = \"q7Zt2VbN8xLr0Yd4Kf6W+bPxR2iC9ExaM1pLeK\"",
            "let k = \"ghp_16C7e42F292c6912E7710c838347Ae178B4a\"",
            "let k = \"sha256~Qx3v9ZkT0aLw8JmB2nRcYh5uVfE7dGsPiO1qXtMzK4\"",
            "let k = \"9f86d081884c7d659a2feaa0c55ad015\"",
            "let k = \"c3VwZXIgc2VjcmV0IHBhc3N3b3JkIDEyMw==\"",
            "let k = \"AbC-9xY_z81kLmN0pQ-rS7tUvW2xYz3A4bC5dE6\"",
        ] {
            assert!(!keeps(input), "{input}");
        }
    }

    #[test]
    fn what_operators_type_is_kept() {
        for input in [
            "pods()",
            "let eyJ = 1",
            "// bearer of news",
            "endpoints(\"customer-686cf5bf47-mtgsn.olaf-customer\", #{ cluster: \"outbound|9080||reviews.default.svc.cluster.local\" })",
            "config_dump(p).jsonpath(\"$.configs[?(@['@type']=='type.googleapis.com/envoy.admin.v3.ClustersConfigDump')]\")",
            "logs(p, #{ grep: \"0af7651916cd-43dd-8448-eb211c80319c\" })",
            "let secrets = secrets(\"web\")",
            "get(\"secret\", \"istio-ca-secret\", \"istio-system\")",
            "let secret = \"istio-ca-secret\"",
            "let tls_secret = `ingress-tls`",
            "#{ secret: \"cacerts\" }",
            "#{ secret: \"tls.gateway\" }",
            "help(\"authorization policy\")",
            "jwks::stand_ins(pods()).where(#{ issuer: \"https://keycloak.apps.test/auth/realms/x\" })",
            "tokens.len() == 3; let token = load(\"token.txt\")",
            "let x = peerAuthenticationPoliciesOfNamespace(\"networking.istio.io/v1alpha3/EnvoyFilterPatchContext1\")",
            "// basic authentication",
            "token == other_token",
            "set_log(\"web\", #{ jwt: \"debug\" })",
            ":help tls_chain",
        ] {
            assert!(keeps(input), "{input}");
        }
    }
}
