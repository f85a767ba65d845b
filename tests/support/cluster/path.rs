//! The paths of the Kubernetes API: which kind, where, which object, which part of it.

/// What a path of the API names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiPath {
    /// The API group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace, when the path has one.
    pub namespace: Option<String>,
    /// The plural name of the kind: `pods`.
    pub resource: String,
    /// One object's name.
    pub name: Option<String>,
    /// A part of it: `log`, `exec`, `portforward`.
    pub subresource: Option<String>,
}

impl ApiPath {
    /// Read a path. Those that name no kind (`/version`, `/apis/apps/v1`) give nothing.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).map(String::from);
        let (group, version) = match parts.next()?.as_str() {
            "api" => (String::new(), parts.next()?),
            "apis" => (parts.next()?, parts.next()?),
            _ => return None,
        };
        let rest: Vec<String> = parts.collect();
        let mut this = Self { group, version, ..Self::default() };
        // `/api/v1/namespaces/shop` is the namespace itself; with more behind it, it says where.
        let rest = match rest.as_slice() {
            [first, namespace, resource, more @ ..] if first == "namespaces" && resource != "status" => {
                this.namespace = Some(namespace.clone());
                [std::slice::from_ref(resource), more].concat()
            }
            _ => rest,
        };
        let mut rest = rest.into_iter();
        this.resource = rest.next()?;
        this.name = rest.next();
        this.subresource = rest.next();
        Some(this)
    }

    /// `pods` or `pods/log`: the resource as access rules name it.
    pub fn rule_resource(&self) -> String {
        match &self.subresource {
            Some(part) => format!("{}/{part}", self.resource),
            None => self.resource.clone(),
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `namespace/name` of the pod that the path is about.
    pub fn pod(&self) -> Option<String> {
        let pod = self.group.is_empty() && self.resource == "pods";
        let (namespace, name) = self.namespace.as_ref().zip(self.name.as_ref()).filter(|_| pod)?;
        Some(format!("{namespace}/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_shapes() {
        let log = ApiPath::parse("/api/v1/namespaces/shop/pods/web-0/log").expect("a log");
        assert_eq!((log.rule_resource().as_str(), log.pod().as_deref()), ("pods/log", Some("shop/web-0")));
        let namespace = ApiPath::parse("/api/v1/namespaces/shop").expect("a namespace");
        assert_eq!(
            (namespace.resource.as_str(), namespace.name.as_deref(), namespace.namespace),
            ("namespaces", Some("shop"), None)
        );
        let gateways = ApiPath::parse("/apis/networking.istio.io/v1/gateways").expect("a list");
        assert_eq!((gateways.api_version().as_str(), gateways.name), ("networking.istio.io/v1", None));
        assert_eq!(ApiPath::parse("/apis/apps/v1"), None);
        assert_eq!(ApiPath::parse("/version"), None);
    }
}
