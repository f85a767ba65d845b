//! Which replicas of which control planes are meant: by name, by revision, by a revision's tag.

use super::Mesh;
use super::dig::label;
use super::istiod_page::{Replica, replicas};
use super::kube::list;
use crate::error::{Error, Kind, Result};
use crate::options;
use crate::suggest::nearest;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

options! {
    /// Which control planes to ask.
    pub struct IstiodOptions as "istiod options" {
        /// Only this replica: its name, `NAMESPACE/NAME`, or an `istiod` row. Of an array of them, these.
        pub istiod: Option<Named>,
        /// Only the replicas of this revision, or of the one that this tag stands for.
        pub revision: Option<String>,
    }
}

/// Replicas that are named.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Named {
    /// By a text.
    Text(String),
    /// By a row.
    Row {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Several.
    Many(Vec<Named>),
}

impl Named {
    fn each(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.trim().to_owned()],
            Self::Row { namespace, name } => vec![format!("{namespace}/{name}")],
            Self::Many(several) => several.iter().flat_map(Self::each).collect(),
        }
    }
}

impl IstiodOptions {
    /// Whether what is asked for is a list by its own form, however many there are.
    pub fn is_list(&self) -> bool {
        matches!(self.istiod, Some(Named::Many(_)))
    }
}

/// The replicas that are meant, by namespace and name. Without options all of them.
///
/// # Errors
/// When one that is named is not there, and when none may be looked for.
pub(crate) async fn chosen(mesh: &Mesh, options: &IstiodOptions) -> Result<Vec<Replica>> {
    let mut found = replicas(mesh).await?;
    if let Some(named) = &options.istiod {
        let mut wanted = BTreeSet::new();
        for name in named.each() {
            wanted.insert(position(&found, &name)?);
        }
        found = found.into_iter().enumerate().filter(|(at, _)| wanted.contains(at)).map(|(_, replica)| replica).collect();
    }
    match &options.revision {
        Some(revision) => of_revision(mesh, found, revision).await,
        None => Ok(found),
    }
}

fn position(found: &[Replica], name: &str) -> Result<usize> {
    let fits = |replica: &Replica| replica.name == name || replica.to_string() == name;
    if let Some(at) = found.iter().position(fits) {
        return Ok(at);
    }
    let error = Error::new(Kind::NotFound, format!("there is no istiod replica {name:?}"));
    let names: Vec<String> = found.iter().flat_map(|replica| [replica.name.clone(), replica.to_string()]).collect();
    Err(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint("`istiods()` lists all of them"),
    })
}

/// Those of a revision, or of the revision that a tag stands for.
pub(crate) async fn of_revision(mesh: &Mesh, found: Vec<Replica>, wanted: &str) -> Result<Vec<Replica>> {
    let mut known: BTreeSet<String> = found.iter().map(|replica| replica.revision.clone()).collect();
    let mut revision = wanted.to_owned();
    if !known.contains(wanted) {
        // Only then are the tags worth a question.
        let tags = tags(&list(mesh, WEBHOOKS).await.unwrap_or_default());
        let of_tag = tags.iter().find(|(_, tags)| tags.iter().any(|tag| tag == wanted)).map(|(revision, _)| revision.clone());
        known.extend(tags.into_values().flatten());
        revision = of_tag.unwrap_or(revision);
    }
    let these: Vec<Replica> = found.into_iter().filter(|replica| replica.revision == revision).collect();
    if !these.is_empty() {
        return Ok(these);
    }
    let error = Error::new(Kind::NotFound, format!("there is no istiod of revision {wanted:?} in this cluster"));
    Err(match nearest(wanted, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint("`istiods()` lists all, with their revisions and tags"),
    })
}

/// The tags of each revision, as the injection webhooks say.
pub(crate) fn tags(webhooks: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for webhook in webhooks {
        if let (Some(tag), Some(revision)) = (label(webhook, "istio.io/tag"), label(webhook, "istio.io/rev")) {
            tags.entry(revision.to_owned()).or_default().push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    fn pods() -> String {
        let pod = |name: &str, revision: &str| {
            json!({"metadata": {"name": name, "namespace": "istio-system", "labels": {"app": "istiod", "istio.io/rev": revision}},
                "spec": {"containers": [{"name": "discovery"}]}})
        };
        json!({"items": [pod("a-1", "1-29"), pod("a-2", "1-29"), pod("b-1", "1-30")]}).to_string()
    }

    fn choose(options: Value) -> Result<Vec<String>> {
        let webhooks =
            json!({"items": [{"metadata": {"name": "w", "labels": {"istio.io/tag": "prod", "istio.io/rev": "1-29"}}}]});
        let mesh = Fake::new()
            .kube("/api/v1/pods?limit=500", pods())
            .kube(&format!("{WEBHOOKS}?limit=500"), webhooks.to_string())
            .mesh();
        let options = serde_json::from_value(options).unwrap();
        Ok(wait(chosen(&mesh, &options))?.into_iter().map(|replica| replica.name).collect())
    }

    #[test]
    fn replicas_are_chosen_by_name_revision_and_tag() {
        for (options, names) in [
            (json!({}), vec!["a-1", "a-2", "b-1"]),
            (json!({"istiod": "b-1"}), vec!["b-1"]),
            (json!({"istiod": "istio-system/a-2"}), vec!["a-2"]),
            (json!({"istiod": {"namespace": "istio-system", "name": "a-1"}}), vec!["a-1"]),
            (json!({"istiod": ["b-1", "a-2", "b-1"]}), vec!["a-2", "b-1"]),
            (json!({"revision": "1-30"}), vec!["b-1"]),
            (json!({"revision": "prod"}), vec!["a-1", "a-2"]),
        ] {
            assert_eq!(choose(options.clone()).unwrap(), names, "{options}");
        }
    }

    #[test]
    fn who_is_not_there_gets_a_suggestion() {
        for (options, hint) in [
            (json!({"istiod": "b-2"}), "did you mean \"b-1\"?"),
            (json!({"revision": "1-31"}), "did you mean \"1-30\"?"),
            (json!({"revision": "prd"}), "did you mean \"prod\"?"),
            (json!({"istiod": "zzzzz"}), "`istiods()` lists all of them"),
        ] {
            let error = choose(options.clone()).unwrap_err();
            assert_eq!((error.kind(), error.next_step()), (Kind::NotFound, Some(hint)), "{options}");
        }
    }
}
