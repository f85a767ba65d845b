//! Offers of names that live in the mesh, and what is said while they do not come.

use super::complete_means::Means;
use super::complete_rank::Offer;
use crate::host::{List, LiveNames, Name, NamesOf};
use std::sync::Arc;
use std::time::Duration;

/// Names of the mesh, as they are offered.
#[derive(Default)]
pub struct Living {
    /// The offers.
    pub offers: Vec<Offer>,
    /// Why there are none, or not all.
    pub trouble: Option<String>,
}

/// The names that text of this meaning may have. `pod` is the pod at hand, `kind` that of objects.
pub fn names(live: &LiveNames, means: Means, typed: &str, pod: Option<String>, kind: Option<String>) -> Living {
    let of = match means {
        Means::Proxy | Means::Pod => return pods(live, typed),
        Means::Namespace => NamesOf::Namespaces,
        Means::Node => NamesOf::Nodes,
        Means::Kind => NamesOf::Kinds,
        Means::Scope => NamesOf::Scopes,
        Means::Istiod => NamesOf::Istiods,
        Means::Revision => NamesOf::Revisions,
        Means::Object => match kind {
            Some(kind) => NamesOf::Objects(kind),
            None => return Living::default(),
        },
        Means::Cluster | Means::Logger | Means::Container => match (means, pod) {
            (_, None) => return Living::default(),
            (Means::Cluster, Some(pod)) => NamesOf::Clusters(pod),
            (Means::Logger, Some(pod)) => NamesOf::Loggers(pod),
            (_, Some(pod)) => NamesOf::Containers(pod),
        },
        Means::Level | Means::File | Means::Field | Means::Listed | Means::Topic => return Living::default(),
    };
    living(live, &of, |name| {
        let about = if name.about.is_empty() { &name.namespace } else { &name.about };
        Offer::plain(name.name.clone(), about.clone())
    })
}

/// Ask for what the text at the cursor will probably want.
pub fn prepare(live: &LiveNames, means: Means) {
    match means {
        Means::Pod | Means::Proxy => live.prepare(&NamesOf::Pods(None)),
        Means::Namespace => live.prepare(&NamesOf::Namespaces),
        _ => {}
    }
}

fn living(live: &LiveNames, of: &NamesOf, offer: impl Fn(&Name) -> Offer) -> Living {
    let list = live.get(of, LiveNames::PATIENCE);
    let offers = list.names.iter().flat_map(|names: &Arc<Vec<Name>>| names.iter()).map(offer).collect();
    Living { trouble: trouble(&list), offers }
}

/// Pods as `namespace/name`; behind `deploy/` and `svc/` what leads to one.
fn pods(live: &LiveNames, typed: &str) -> Living {
    const LEADING: [(&str, &str, NamesOf); 2] =
        [("deploy/", "a pod of a deployment", NamesOf::Deployments), ("svc/", "a pod of a service", NamesOf::Services)];
    if let Some((word, _, of)) = LEADING.iter().find(|(word, ..)| typed.starts_with(word)) {
        return living(live, of, |name| Offer::plain(format!("{word}{}.{}", name.name, name.namespace), name.about.clone()));
    }
    let offer = |name: &Name| Offer::plain(format!("{}/{}", name.namespace, name.name), name.about.clone());
    let mut found = living(live, &NamesOf::Pods(None), offer);
    let partial = live.get(&NamesOf::Pods(None), Duration::ZERO).partial;
    // Who may not list all pods may list those of the namespace that is typed.
    if let Some((namespace, _)) = typed.split_once('/').filter(|_| partial) {
        let more = living(live, &NamesOf::Pods(Some(namespace.to_owned())), offer);
        let known: std::collections::HashSet<_> = found.offers.iter().map(|offer| offer.name.clone()).collect();
        found.offers.extend(more.offers.into_iter().filter(|offer| !known.contains(&offer.name)));
        found.trouble = more.trouble.or(found.trouble);
    }
    found.offers.extend(LEADING.iter().map(|(word, about, _)| Offer::plain(*word, *about)));
    found
}

fn trouble(list: &List) -> Option<String> {
    match (&list.names, list.asked, &list.failure) {
        (None, Some(since), _) => Some(format!("no answer yet, after {:.1} s: press Tab again", since.elapsed().as_secs_f32())),
        (_, _, Some(error)) => Some(error.message().to_owned()),
        _ => None,
    }
}
