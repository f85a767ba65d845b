//! Kinds of objects by any of their names: kind, plural, singular, short name, `plural.group`.

use super::Mesh;
use super::discovery;
use super::kube::{encode, list_path};
use crate::error::{Error, Kind, Result};
use crate::suggest::closest;
use std::sync::Arc;

/// One kind of object, and where its objects are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KindInfo {
    /// The API group; empty for the core group.
    pub group: String,
    /// The preferred version that has it.
    pub version: String,
    /// `VirtualService`.
    pub kind: String,
    /// `virtualservices`.
    pub plural: String,
    /// `virtualservice`.
    pub singular: String,
    /// `vs`.
    pub short: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Kinds that every cluster has in the same version: group, version, kind, plural, short name, namespaced.
const BUILT_IN: [(&str, &str, &str, &str, &str, bool); 20] = [
    ("", "v1", "Pod", "pods", "po", true),
    ("", "v1", "Service", "services", "svc", true),
    ("", "v1", "ConfigMap", "configmaps", "cm", true),
    ("", "v1", "Secret", "secrets", "", true),
    ("", "v1", "Namespace", "namespaces", "ns", false),
    ("", "v1", "Node", "nodes", "no", false),
    ("", "v1", "Event", "events", "ev", true),
    ("", "v1", "Endpoints", "endpoints", "ep", true),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa", true),
    ("apps", "v1", "Deployment", "deployments", "deploy", true),
    ("apps", "v1", "ReplicaSet", "replicasets", "rs", true),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts", true),
    ("apps", "v1", "DaemonSet", "daemonsets", "ds", true),
    ("batch", "v1", "Job", "jobs", "", true),
    ("batch", "v1", "CronJob", "cronjobs", "cj", true),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", true),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", true),
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "", false),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", false),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd", false),
];

impl KindInfo {
    /// The path of its group and version.
    pub fn base(&self) -> String {
        match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        }
    }

    /// The path of the list of its objects, in one namespace or in all.
    pub fn list(&self, namespace: Option<&str>) -> String {
        list_path(&self.base(), namespace.filter(|_| self.namespaced), &self.plural)
    }

    /// The path of one object.
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.list(Some(namespace)), encode(name))
    }

    fn is_called(&self, name: &str) -> bool {
        let same = |own: &str| own.eq_ignore_ascii_case(name);
        same(&self.kind) || same(&self.plural) || same(&self.singular) || self.short.iter().any(|short| same(short))
    }

    fn full(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// Find a kind by a name that people use for it.
///
/// # Errors
/// When the cluster has no such kind (with the nearest), or will not say which it has.
pub async fn kind(mesh: &Mesh, word: &str) -> Result<KindInfo> {
    let word = word.trim();
    if let Some(found) = choose(mesh, &built_in(), word) {
        return Ok(found);
    }
    let (known, fresh) = catalog(mesh).await?;
    if let Some(found) = choose(mesh, &known, word) {
        return Ok(found);
    }
    if !fresh {
        // A CRD may have been installed since the catalog was read.
        mesh.forget_kinds();
        let (known, _) = catalog(mesh).await?;
        return choose(mesh, &known, word).ok_or_else(|| unknown(word, &known));
    }
    Err(unknown(word, &known))
}

/// All kinds of the cluster, and whether they were asked for just now.
pub(crate) async fn catalog(mesh: &Mesh) -> Result<(Arc<Vec<KindInfo>>, bool)> {
    if let Some(known) = mesh.known_kinds() {
        return Ok((known, false));
    }
    let known = Arc::new(discovery::discover(mesh).await?);
    mesh.learn_kinds(known.clone());
    Ok((known, true))
}

/// Whether the cluster has this kind, as far as it says.
pub(crate) async fn has(mesh: &Mesh, group: &str, plural: &str) -> Result<Option<KindInfo>> {
    let (known, _) = catalog(mesh).await?;
    Ok(known.iter().find(|kind| kind.group == group && kind.plural == plural).cloned())
}

fn built_in() -> Vec<KindInfo> {
    let read = |&(group, version, kind, plural, short, namespaced): &(&str, &str, &str, &str, &str, bool)| KindInfo {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: plural.into(),
        singular: kind.to_lowercase(),
        short: Some(short).filter(|short| !short.is_empty()).map(str::to_owned).into_iter().collect(),
        namespaced,
    };
    BUILT_IN.iter().map(read).collect()
}

/// The kind of that name. Istio's own comes before others of the same name, and the others are told.
fn choose(mesh: &Mesh, known: &[KindInfo], word: &str) -> Option<KindInfo> {
    let (name, group) = word.split_once('.').unwrap_or((word, ""));
    let mut found: Vec<&KindInfo> = known.iter().filter(|kind| kind.is_called(name) && in_group(kind, group)).collect();
    found.sort_by_key(|kind| !kind.group.ends_with("istio.io"));
    let (first, others) = found.split_first()?;
    let others: Vec<String> = others.iter().filter(|other| other.group != first.group).map(|other| other.full()).collect();
    if group.is_empty() && !others.is_empty() {
        mesh.note(format!("`{word}` is taken as {}; there is also {}", first.full(), others.join(", ")));
    }
    Some((*first).clone())
}

/// `networking`, `networking.istio.io` and `v1.networking.istio.io` all lead to the same group.
fn in_group(kind: &KindInfo, group: &str) -> bool {
    let group = match group.split_once('.') {
        Some((version, rest)) if version == kind.version => rest,
        _ => group,
    };
    group.is_empty()
        || kind.group.eq_ignore_ascii_case(group)
        || kind.group.to_lowercase().starts_with(&format!("{}.", group.to_lowercase()))
}

fn unknown(word: &str, known: &[KindInfo]) -> Error {
    let error = Error::new(Kind::NotFound, format!("the cluster has no kind `{word}`"));
    let built_in = built_in();
    let names = known.iter().chain(&built_in).flat_map(|kind| [kind.singular.as_str(), kind.plural.as_str()]);
    let plain = word.split('.').next().unwrap_or(word);
    let near = closest(plain, names, 3);
    match near.is_empty() {
        true => error.hint("its CRD may not be installed; `kubectl api-resources` lists what there is"),
        false => error.hint(format!("did you mean {}?", near.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const AGGREGATED: &str = include_str!("../../tests/data/kube/apis-aggregated.json");

    fn mesh() -> Mesh {
        Fake::new().kube("/apis", AGGREGATED).kube("/api", r#"{"versions":["v1"]}"#).kube("/api/v1", r#"{"resources":[]}"#).mesh()
    }

    #[test]
    fn every_name_of_a_kind_leads_to_it() {
        let mesh = mesh();
        for word in [
            "RequestAuthentication",
            "requestauthentications",
            "requestauthentication",
            "ra",
            "RA",
            "requestauthentications.security.istio.io",
            "ra.security",
        ] {
            let found = wait(kind(&mesh, word)).unwrap();
            assert_eq!(found.list(None), "/apis/security.istio.io/v1/requestauthentications", "{word}");
        }
        assert_eq!(wait(kind(&mesh, "envoyfilter")).unwrap().version, "v1alpha3");
        assert_eq!(
            wait(kind(&mesh, "ra")).unwrap().object("a b", "n"),
            "/apis/security.istio.io/v1/namespaces/a%20b/requestauthentications/n"
        );
    }

    #[test]
    fn what_every_cluster_has_needs_no_question() {
        let (mesh, fake) = Fake::new().shared();
        assert_eq!(wait(kind(&mesh, "svc")).unwrap().list(Some("n")), "/api/v1/namespaces/n/services");
        assert_eq!(wait(kind(&mesh, "Deployment")).unwrap().list(None), "/apis/apps/v1/deployments");
        assert_eq!(wait(kind(&mesh, "ns")).unwrap().list(Some("n")), "/api/v1/namespaces");
        assert!(fake.asked().is_empty());
    }

    #[test]
    fn of_two_gateways_istios_is_meant_and_the_other_told() {
        let mesh = mesh();
        assert_eq!(wait(kind(&mesh, "gateway")).unwrap().group, "networking.istio.io");
        assert_eq!(
            mesh.take_notes(),
            ["`gateway` is taken as gateways.networking.istio.io; there is also gateways.gateway.networking.k8s.io"]
        );
        assert_eq!(wait(kind(&mesh, "gateways.gateway.networking.k8s.io")).unwrap().group, "gateway.networking.k8s.io");
        assert!(mesh.take_notes().is_empty());
    }

    #[test]
    fn an_unknown_kind_names_the_nearest_and_is_asked_for_again_later() {
        let (mesh, fake) = Fake::new()
            .kube("/apis", r#"{"kind":"APIGroupDiscoveryList","items":[]}"#)
            .kube("/apis", AGGREGATED)
            .kube("/api", r#"{"kind":"APIGroupDiscoveryList","items":[]}"#)
            .shared();
        let error = wait(kind(&mesh, "deploymnt")).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::NotFound, "the cluster has no kind `deploymnt`"));
        assert!(error.next_step().unwrap().contains("did you mean deployment"), "{error:?}");
        assert_eq!(wait(kind(&mesh, "virtualservice")).unwrap().group, "networking.istio.io");
        assert_eq!(fake.asked().iter().filter(|path| path.ends_with("/apis")).count(), 2);
        let error = wait(kind(&mesh, "virtualservces")).unwrap_err();
        assert!(error.next_step().unwrap().contains("virtualservices"), "{error:?}");
    }
}
