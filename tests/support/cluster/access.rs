//! Who asks, and what they may do: users by bearer token, with rules like those of RBAC.

use super::path::ApiPath;
use super::status::{Refusal, details, refusal};
use serde_json::{Value, json};

/// A user of the cluster.
#[derive(Debug, Clone)]
pub struct User {
    /// The name, as refusals tell it.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
    /// The bearer token that proves it; none for the anonymous user.
    pub token: Option<String>,
    allowed: Vec<Rule>,
    denied: Vec<Rule>,
    /// What is allowed in one namespace after all.
    local: Vec<(String, Rule)>,
    /// Whether even the paths that name no kind are closed.
    closed: bool,
    /// Why a permission is there, as an access review tells it.
    reason: Option<String>,
}

#[derive(Debug, Clone)]
struct Rule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
}

impl Rule {
    fn new(verbs: &[&str], groups: &[&str], resources: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self { verbs: owned(verbs), groups: owned(groups), resources: owned(resources) }
    }

    fn covers(&self, verb: &str, group: &str, resource: &str) -> bool {
        let has = |words: &[String], word: &str| words.iter().any(|known| known == "*" || known == word);
        has(&self.verbs, verb) && has(&self.groups, group) && has(&self.resources, resource)
    }
}

const READ: &[&str] = &["get", "list", "watch"];

impl User {
    /// A user who may nothing but ask what they may.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            groups: vec!["system:authenticated".into()],
            token: Some(format!("token-of-{name}")),
            allowed: vec![Rule::new(
                &["create"],
                &["authorization.k8s.io", "authentication.k8s.io"],
                &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
            )],
            denied: Vec::new(),
            local: Vec::new(),
            closed: false,
            reason: None,
        }
    }

    /// A member of this group too.
    #[must_use]
    pub fn member(mut self, group: &str) -> Self {
        self.groups.insert(0, group.into());
        self
    }

    /// May do this too; `*` stands for all. A part of a kind is named as in `pods/log`.
    #[must_use]
    pub fn may(mut self, verbs: &[&str], groups: &[&str], resources: &[&str]) -> Self {
        self.allowed.push(Rule::new(verbs, groups, resources));
        self
    }

    /// May not do this, whatever else is allowed. RBAC cannot say so; it saves a test from spelling out all the rest.
    #[must_use]
    pub fn may_not(mut self, verbs: &[&str], groups: &[&str], resources: &[&str]) -> Self {
        self.denied.push(Rule::new(verbs, groups, resources));
        self
    }

    /// May do this in one namespace, even if it is not allowed elsewhere.
    #[must_use]
    pub fn may_in(mut self, namespace: &str, verbs: &[&str], groups: &[&str], resources: &[&str]) -> Self {
        self.local.push((namespace.into(), Rule::new(verbs, groups, resources)));
        self
    }

    /// The users that the recordings were made with, and some who lack one permission each.
    pub fn presets() -> Vec<Self> {
        let reach = ["pods/portforward", "pods/exec"];
        let admin = |name: &str| Self::new(name).member("system:masters").may(&["*"], &["*"], &["*"]);
        vec![
            admin("admin"),
            Self::mesh_viewer("viewer", "lab-viewers"),
            Self::mesh_viewer("noexec", "lab-noexec"),
            Self::new("nobody").member("lab-nobodies"),
            admin("noforward").may_not(&["*"], &[""], &["pods/portforward"]),
            admin("noproxy").may_not(&["*"], &[""], &reach),
            admin("istiodonly").may_not(&["*"], &[""], &reach).may_in("istio-system", &["*"], &[""], &reach),
            admin("nologs").may_not(&["*"], &[""], &["pods/log"]),
            admin("nopods").may_not(&["*"], &[""], &["pods"]),
            Self::anonymous(),
        ]
    }

    /// The recorded ClusterRole `lab-view-mesh`: reads the mesh, but no secrets, logs, exec or port-forward.
    fn mesh_viewer(name: &str, group: &str) -> Self {
        let core = ["pods", "services", "endpoints", "namespaces", "configmaps", "nodes", "events", "serviceaccounts"];
        let mesh = [
            "networking.istio.io",
            "security.istio.io",
            "telemetry.istio.io",
            "extensions.istio.io",
            "gateway.networking.k8s.io",
        ];
        let mut user = Self::new(name).member(group);
        user = user.may(READ, &[""], &core).may(READ, &["apps"], &["*"]).may(READ, &["discovery.k8s.io"], &["endpointslices"]);
        user = user.may(READ, &mesh, &["*"]);
        user.reason = Some(format!(
            "RBAC: allowed by ClusterRoleBinding \"lab-view-mesh\" of ClusterRole \"lab-view-mesh\" to Group \"{group}\""
        ));
        user
    }

    fn anonymous() -> Self {
        let groups = vec!["system:unauthenticated".into()];
        Self { groups, token: None, allowed: Vec::new(), closed: true, ..Self::new("system:anonymous") }
    }

    /// Whether this user may do it, in this namespace or (without one) in all.
    pub fn allows(&self, verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> bool {
        let covers = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(verb, group, resource));
        let here = |place: &str| namespace == Some(place);
        let local = self.local.iter().any(|(place, rule)| here(place) && rule.covers(verb, group, resource));
        local || (covers(&self.allowed) && !covers(&self.denied))
    }

    /// Refuse a request about a kind or an object, unless it is allowed.
    pub fn check(&self, verb: &str, path: &ApiPath) -> Result<(), Refusal> {
        let resource = path.rule_resource();
        if self.allows(verb, &path.group, &resource, path.namespace.as_deref()) {
            return Ok(());
        }
        let kind = if path.group.is_empty() { path.resource.clone() } else { format!("{}.{}", path.resource, path.group) };
        let subject = path.name.as_ref().map_or_else(|| kind.clone(), |name| format!("{kind} \"{name}\""));
        let place = path
            .namespace
            .as_ref()
            .map_or_else(|| "at the cluster scope".to_string(), |namespace| format!("in the namespace \"{namespace}\""));
        let message = format!(
            "{subject} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
            self.name, path.group
        );
        Err(refusal(403, "Forbidden", &message).details(details(&path.group, &path.resource, path.name.as_deref())))
    }

    /// Refuse a path that names no kind, unless it is open to this user.
    pub fn check_path(&self, path: &str) -> Result<(), Refusal> {
        let open = ["/version", "/version/", "/healthz", "/livez", "/readyz"];
        if !self.closed || open.contains(&path) {
            return Ok(());
        }
        let message = format!("forbidden: User \"{}\" cannot get path \"{path}\"", self.name);
        Err(refusal(403, "Forbidden", &message).details(json!({})))
    }

    /// The answer to a `SelfSubjectAccessReview` or `SelfSubjectReview`.
    pub fn review(&self, request: &Value) -> Value {
        let mut answer = request.clone();
        answer["status"] = match request["kind"].as_str() {
            Some("SelfSubjectReview") => json!({"userInfo": {"username": self.name, "groups": self.groups}}),
            Some("SelfSubjectRulesReview") => self.rules(),
            _ => self.verdict(&request["spec"]["resourceAttributes"]),
        };
        answer
    }

    fn verdict(&self, attributes: &Value) -> Value {
        let word = |name: &str| attributes[name].as_str().unwrap_or_default();
        let resource = match word("subresource") {
            "" => word("resource").to_string(),
            part => format!("{}/{part}", word("resource")),
        };
        let namespace = attributes["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        match (self.allows(word("verb"), word("group"), &resource, namespace), &self.reason) {
            (true, Some(reason)) => json!({"allowed": true, "reason": reason}),
            (allowed, _) => json!({"allowed": allowed}),
        }
    }

    fn rules(&self) -> Value {
        let rules =
            self.allowed.iter().map(|rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources}));
        let paths = json!({"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"]});
        json!({"resourceRules": rules.collect::<Vec<_>>(), "nonResourceRules": [paths], "incomplete": false})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(name: &str) -> User {
        User::presets().into_iter().find(|user| user.name == name).expect("a preset")
    }

    #[test]
    fn refusals_read_as_the_api_server_writes_them() {
        let log = ApiPath::parse("/api/v1/namespaces/istio-system/pods/istiod-lab/log").expect("a log");
        let refused = preset("viewer").check("get", &log).expect_err("viewers read no logs");
        assert_eq!(
            refused.body["message"],
            "pods \"istiod-lab\" is forbidden: User \"viewer\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"istio-system\""
        );
        assert_eq!(refused.body["details"], json!({"name": "istiod-lab", "kind": "pods"}));
    }

    #[test]
    fn one_missing_permission_leaves_the_others() {
        let user = preset("noforward");
        assert!(user.allows("get", "", "pods/exec", None) && user.allows("list", "", "pods", None));
        assert!(!user.allows("get", "", "pods/portforward", None) && !user.allows("create", "", "pods/portforward", Some("a")));
        let user = preset("istiodonly");
        let may = |namespace: &str| user.allows("create", "", "pods/portforward", Some(namespace));
        assert!(may("istio-system") && !may("shop") && !user.allows("create", "", "pods/portforward", None));
    }

    #[test]
    fn the_anonymous_user_sees_the_version_only() {
        let user = preset("system:anonymous");
        assert!(user.check_path("/version").is_ok());
        assert_eq!(user.check_path("/apis").expect_err("closed").code, 403);
    }
}
