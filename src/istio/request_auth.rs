//! Which tokens a mesh accepts: `RequestAuthentication`, and the `Policy` objects of 2020 before it.

use crate::record;
use serde_json::Value;
use std::collections::BTreeMap;

record! {
    /// One issuer that an object accepts tokens from.
    pub struct JwtRule as "jwt_rule" {
        /// The object: `RequestAuthentication/NAMESPACE/NAME`.
        pub resource: String,
        /// The object's namespace.
        pub namespace: String,
        /// The object's name.
        pub name: String,
        /// The issuer, as it must stand in the token.
        pub issuer: String,
        /// Where the issuer's keys are fetched from; empty when they stand in the object, or are looked up from the issuer.
        pub jwks_uri: String,
        /// Whether the keys stand in the object itself.
        pub inline: bool,
        /// The audiences accepted; none named means any.
        pub audiences: Vec<String>,
        /// The labels of the workloads it applies to; none means all of the namespace.
        pub selector: BTreeMap<String, String>,
        /// The Gateway API objects it applies to instead: `Gateway/NAME`.
        [wide] pub targets: Vec<String>,
        /// The keys that stand in the object.
        [wide] pub jwks: String,
        /// Headers that the token is taken from, with their prefix; none means `Authorization: Bearer`.
        [wide] pub from_headers: Vec<String>,
        /// Query parameters that the token is taken from.
        [wide] pub from_params: Vec<String>,
        /// Cookies that the token is taken from.
        [wide] pub from_cookies: Vec<String>,
        /// Whether the token is passed on to the application.
        [wide] pub forward: bool,
        /// How long istiod waits for the keys; its default is 5s.
        [wide] pub timeout: String,
        /// The position of the rule in the object: `spec.jwtRules[0]`.
        [wide] pub path: String,
    }
}

/// The rules of these objects. `Policy` and `MeshPolicy` of `authentication.istio.io` are understood too.
pub fn jwt_rules(objects: &[Value]) -> Vec<JwtRule> {
    objects.iter().flat_map(rules).collect()
}

fn rules(object: &Value) -> Vec<JwtRule> {
    let spec = &object["spec"];
    let mut found = Vec::new();
    for (index, rule) in array(spec, &["jwtRules", "jwt_rules"]).iter().enumerate() {
        found.push(read(object, rule, format!("spec.jwtRules[{index}]")));
    }
    // In 2020 each origin held one `jwt`, and the peers' method could too.
    for (index, origin) in array(spec, &["origins"]).iter().enumerate() {
        if let Some(rule) = origin.get("jwt") {
            found.push(read(object, rule, format!("spec.origins[{index}].jwt")));
        }
    }
    found
}

fn read(object: &Value, rule: &Value, path: String) -> JwtRule {
    let meta = &object["metadata"];
    let (namespace, name) = (text(meta, &["namespace"]), text(meta, &["name"]));
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or("RequestAuthentication");
    let place = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
    let jwks = text(rule, &["jwks"]);
    JwtRule {
        resource: format!("{kind}/{place}"),
        namespace,
        name,
        issuer: text(rule, &["issuer"]),
        jwks_uri: text(rule, &["jwksUri", "jwks_uri"]),
        inline: !jwks.is_empty(),
        audiences: texts(rule, &["audiences"]),
        selector: labels(object),
        targets: targets(&object["spec"]),
        jwks,
        from_headers: headers(rule),
        from_params: texts(rule, &["fromParams", "from_params", "jwtParams", "jwt_params"]),
        from_cookies: texts(rule, &["fromCookies", "from_cookies"]),
        forward: ["forwardOriginalToken", "forward_original_token"].iter().any(|key| rule.get(key) == Some(&Value::Bool(true))),
        timeout: text(rule, &["timeout"]),
        path,
    }
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let spec = &object["spec"]["selector"];
    let labels = spec.get("matchLabels").or_else(|| spec.get("match_labels")).and_then(Value::as_object);
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// `targetRef`, `targetRefs`, and the `targets` of 2020, which name services.
fn targets(spec: &Value) -> Vec<String> {
    let several = array(spec, &["targetRefs", "target_refs"]).iter().chain(spec.get("targetRef"));
    let named = several.map(|target| format!("{}/{}", text(target, &["kind"]), text(target, &["name"])));
    let services = array(spec, &["targets"]).iter().map(|target| format!("Service/{}", text(target, &["name"])));
    named.chain(services).collect()
}

fn headers(rule: &Value) -> Vec<String> {
    let named = array(rule, &["fromHeaders", "from_headers"]).iter().map(|header| {
        let (name, prefix) = (text(header, &["name"]), text(header, &["prefix"]));
        if prefix.is_empty() { name } else { format!("{name}: {prefix}") }
    });
    named.chain(texts(rule, &["jwtHeaders", "jwt_headers"])).collect()
}

fn array<'a>(object: &'a Value, keys: &[&str]) -> &'a [Value] {
    keys.iter().find_map(|key| object.get(key)?.as_array()).map_or(&[], Vec::as_slice)
}

fn texts(object: &Value, keys: &[&str]) -> Vec<String> {
    array(object, keys).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(object: &Value, keys: &[&str]) -> String {
    keys.iter().find_map(|key| object.get(key)?.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recorded(body: &str) -> Vec<JwtRule> {
        let list: Value = serde_json::from_str(body).unwrap();
        jwt_rules(list["items"].as_array().unwrap())
    }

    #[test]
    fn the_recorded_fault_fetches_and_its_repair_holds_the_keys() {
        let fault = recorded(include_str!("../../tests/data/kube/requestauthentications-fault.json")).remove(0);
        assert_eq!(fault.resource, "RequestAuthentication/olaf-customer/customerjwt");
        assert_eq!(fault.issuer, "https://keycloak-olaf-sso.apps.acme.test/auth/realms/customer");
        assert_eq!(fault.jwks_uri, format!("{}/protocol/openid-connect/certs", fault.issuer));
        assert_eq!((fault.inline, fault.audiences, fault.forward), (false, vec!["customer".to_owned()], true));
        assert!(fault.selector.is_empty());
        let fixed = recorded(include_str!("../../tests/data/kube/requestauthentications-inline.json")).remove(0);
        assert!(fixed.inline && fixed.jwks_uri.is_empty() && fixed.jwks.contains("Ek9wxUoZGSSp5eePlJBMu"));
    }

    #[test]
    fn the_policy_of_2020_reads_the_same() {
        let policy = json!({"kind": "Policy", "apiVersion": "authentication.istio.io/v1alpha1",
            "metadata": {"name": "customerjwt", "namespace": "olaf-customer"},
            "spec": {"targets": [{"name": "customer"}], "principalBinding": "USE_ORIGIN",
                "origins": [{"jwt": {"issuer": "i", "jwksUri": "https://k/certs", "audiences": ["customer"], "jwtHeaders": ["x-jwt"]}}, {}]}});
        let rules = jwt_rules(&[policy]);
        assert_eq!(rules.len(), 1);
        let rule = &rules[0];
        assert_eq!((rule.resource.as_str(), rule.path.as_str()), ("Policy/olaf-customer/customerjwt", "spec.origins[0].jwt"));
        assert_eq!((rule.targets[0].as_str(), rule.from_headers[0].as_str()), ("Service/customer", "x-jwt"));
    }

    #[test]
    fn selectors_targets_and_places_of_the_token_are_kept() {
        let object = json!({"kind": "RequestAuthentication", "metadata": {"name": "n", "namespace": "ns"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "targetRefs": [{"kind": "Gateway", "name": "g"}], "jwtRules": [
                {"issuer": "a", "fromHeaders": [{"name": "x", "prefix": "JWT "}], "fromCookies": ["c"], "timeout": "3s"},
                {"issuer": "b", "fromParams": ["q"]}, "junk"]}});
        let rules = jwt_rules(&[object]);
        assert_eq!(rules.iter().map(|rule| rule.issuer.as_str()).collect::<Vec<_>>(), ["a", "b", ""]);
        assert_eq!((rules[0].selector["app"].as_str(), rules[0].targets[0].as_str()), ("web", "Gateway/g"));
        assert_eq!((rules[0].from_headers[0].as_str(), rules[0].timeout.as_str()), ("x: JWT ", "3s"));
    }

    #[test]
    fn objects_without_rules_give_none() {
        assert!(jwt_rules(&[json!({}), json!({"spec": {"jwtRules": null}}), json!(7)]).is_empty());
    }
}
