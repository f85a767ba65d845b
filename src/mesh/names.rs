//! The names that things of a mesh have, with a word on each: for completion while somebody types.

use super::dig::Dig;
use super::pod_ref::{PodArg, Runs, resolve};
use super::{Mesh, deployments, istiods, kinds, namespaces, objects, pods, reach, scopes, services};
use crate::envoy::{self, Dump, Section};
use crate::error::Result;
use crate::json::Doc;

/// Names of what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamesOf {
    /// Pods, of one namespace or of all.
    Pods(Option<String>),
    /// Namespaces.
    Namespaces,
    /// Nodes.
    Nodes,
    /// Deployments.
    Deployments,
    /// Services.
    Services,
    /// Kinds of objects.
    Kinds,
    /// The objects of a kind.
    Objects(String),
    /// The containers of a pod.
    Containers(String),
    /// The upstream clusters of a pod's proxy.
    Clusters(String),
    /// The loggers of a pod's proxy.
    Loggers(String),
    /// The logging scopes of istiod.
    Scopes,
    /// The replicas of istiod.
    Istiods,
    /// The revisions of istiod.
    Revisions,
}

/// One name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Where it is; empty for what lives in no namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// A few words on it.
    pub about: String,
}

/// The names of these things, as far as they can be had, sorted. Who may not list all gets those of the namespace at hand, and the
/// mesh is then marked as [`partial`](Mesh::partial).
///
/// # Errors
/// When none can be had.
pub async fn names(mesh: &Mesh, of: &NamesOf) -> Result<Vec<Name>> {
    let mut found = match of {
        NamesOf::Pods(namespace) => all_pods(mesh, namespace.as_deref()).await?,
        NamesOf::Namespaces => all_namespaces(mesh).await?,
        NamesOf::Nodes => namespaces::nodes(mesh)
            .await?
            .into_iter()
            .map(|node| global(node.name, if node.ready { "ready" } else { "not ready" }.into()))
            .collect(),
        NamesOf::Deployments => {
            let all = deployments::deployments(mesh, None).await?.into_iter();
            all.map(|one| named(one.namespace, one.name, one.ready)).collect()
        }
        NamesOf::Services => {
            let all = services::services(mesh, None).await?.into_iter();
            all.map(|one| named(one.namespace, one.name, one.ports.join(", "))).collect()
        }
        NamesOf::Kinds => all_kinds(mesh).await?,
        NamesOf::Objects(kind) => {
            let all = objects::list_of(mesh, kind, None).await?;
            all.iter().map(|one| named(one.string("/metadata/namespace"), one.string("/metadata/name"), String::new())).collect()
        }
        NamesOf::Containers(pod) => {
            let target = resolve(mesh, &PodArg::Text(pod.clone())).await?;
            target.containers.into_iter().map(|name| global(name, String::new())).collect()
        }
        NamesOf::Clusters(pod) => clusters(mesh, pod).await?,
        NamesOf::Loggers(pod) => loggers(mesh, pod).await?,
        NamesOf::Scopes => {
            let all = scopes::scopes(mesh, None).await?.into_iter();
            all.map(|one| global(one.scope, format!("{}: {}", one.level, one.description))).collect()
        }
        NamesOf::Istiods => {
            let all = istiods::istiods(mesh).await?.into_iter();
            all.map(|one| global(one.name, format!("revision {}, {}", one.revision, one.version))).collect()
        }
        NamesOf::Revisions => {
            let all = istiods::istiods(mesh).await?.into_iter();
            all.map(|one| global(one.revision, one.version)).collect()
        }
    };
    found.sort();
    found.dedup_by(|a, b| (&a.namespace, &a.name) == (&b.namespace, &b.name));
    Ok(found)
}

fn named(namespace: String, name: String, about: impl Into<String>) -> Name {
    Name { namespace, name, about: about.into() }
}

fn global(name: String, about: String) -> Name {
    Name { namespace: String::new(), name, about }
}

async fn all_pods(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<Name>> {
    let all = pods::pods(mesh, namespace.or(Some("*")), &pods::PodOptions::default()).await?.into_iter();
    let about = |pod: &pods::Pod| match pod.proxy.as_str() {
        "none" => format!("{} {}", pod.status, pod.ready),
        proxy => format!("{} {}, {proxy}", pod.status, pod.ready),
    };
    Ok(all.map(|pod| Name { about: about(&pod), namespace: pod.namespace, name: pod.name }).collect())
}

/// Who may not list namespaces, but pods, knows those that have some; at least everybody knows his own.
async fn all_namespaces(mesh: &Mesh) -> Result<Vec<Name>> {
    if let Ok(all) = namespaces::namespaces(mesh).await {
        return Ok(all.into_iter().map(|one| global(one.name, one.status)).collect());
    }
    mesh.mark_partial();
    let pods = all_pods(mesh, None).await?;
    Ok(pods.into_iter().map(|pod| global(pod.namespace, String::new())).collect())
}

async fn all_kinds(mesh: &Mesh) -> Result<Vec<Name>> {
    let (known, _) = kinds::catalog(mesh).await?;
    let name = |kind: &kinds::KindInfo| match kind.singular.as_str() {
        "" => kind.kind.to_lowercase(),
        singular => singular.to_owned(),
    };
    let about = |kind: &kinds::KindInfo| {
        let words = [kind.kind.as_str(), kind.group.as_str()].into_iter().chain(kind.short.iter().map(String::as_str));
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    };
    Ok(known.iter().filter(|kind| !kind.plural.contains('/')).map(|kind| global(name(kind), about(kind))).collect())
}

async fn clusters(mesh: &Mesh, pod: &str) -> Result<Vec<Name>> {
    let target = resolve(mesh, &PodArg::Text(pod.to_owned())).await?;
    target.check_runs(Runs::Envoy)?;
    let document = reach::section(mesh, &target, &Section::Clusters.mask()).await?;
    let found = envoy::clusters(&Dump::at(&document.root())?)?.into_iter();
    Ok(found.map(|found| global(found.record.name, found.record.r#type)).collect())
}

async fn loggers(mesh: &Mesh, pod: &str) -> Result<Vec<Name>> {
    let target = resolve(mesh, &PodArg::Text(pod.to_owned())).await?;
    let text = Doc::from_value(&reach::loggers(mesh, &target).await?.into())?;
    let found = envoy::log_levels(&text.root())?.into_iter();
    Ok(found.map(|found| global(found.record.logger, found.record.level)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-list-pods.json");

    fn told(mesh: &Mesh, of: &NamesOf) -> Vec<String> {
        let all = wait(names(mesh, of)).expect("it can be had");
        all.into_iter().map(|name| format!("{}/{}: {}", name.namespace, name.name, name.about)).collect()
    }

    #[test]
    fn pods_are_named_with_their_state() {
        let mesh = Fake::new().kube("/api/v1/pods?limit=500", PODS).mesh();
        let all = told(&mesh, &NamesOf::Pods(None));
        assert!(all.contains(&"olaf-customer/customer-686cf5bf47-mtgsn: Running 2/2, sidecar".to_owned()), "{all:#?}");
        assert!(!mesh.partial());
    }

    #[test]
    fn who_may_list_little_gets_what_is_his() {
        let fake = || {
            let refused = Fake::new().refuses("kube GET /api/v1/pods?limit=500", 403, FORBIDDEN);
            refused.refuses("kube GET /api/v1/namespaces?limit=500", 403, FORBIDDEN)
        };
        let mesh = fake().kube("/api/v1/namespaces/default/pods?limit=500", PODS).mesh();
        assert!(told(&mesh, &NamesOf::Namespaces).contains(&"/olaf-customer: ".to_owned()));
        assert!(mesh.partial(), "they are not all");
        assert!(wait(names(&fake().mesh(), &NamesOf::Pods(None))).is_err());
    }
}
