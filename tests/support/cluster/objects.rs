//! The cluster's objects: lists, narrowed lists and single objects, all from the lists that were recorded.

use super::paging;
use super::path::ApiPath;
use super::question::Question;
use super::recording::{Entry, Recording, Via};
use super::selectors::Selector;
use super::status::{Refusal, not_found};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// All objects, by group and plural name.
#[derive(Debug, Default)]
pub struct Objects {
    lists: BTreeMap<(String, String), List>,
    /// What discovery says of a group version.
    known: BTreeMap<(String, String), Vec<Known>>,
}

/// A kind, as discovery tells of it.
#[derive(Debug, Clone)]
pub struct Known {
    /// `pods`.
    pub plural: String,
    /// `pod`.
    pub singular: String,
    /// `Pod`.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// The objects of one kind.
#[derive(Debug)]
pub struct List {
    /// The version they were recorded in.
    pub version: String,
    /// `Pod`.
    pub kind: String,
    /// The list's `resourceVersion`.
    pub revision: String,
    /// The objects, in order.
    pub items: Vec<Value>,
}

/// Why there is no object to serve.
#[derive(Debug)]
pub enum Miss {
    /// The API has no such path.
    NoSuchPath,
    /// The path is legal and refused.
    Refused(Refusal),
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Objects {
    /// Gather what a recording holds. Whole lists come first; narrower answers fill in what no whole list has.
    pub fn gather(recording: &Recording) -> Self {
        let mut this = Self { known: super::discovery::known(recording), ..Self::default() };
        let answers: Vec<(ApiPath, &Entry)> = recording.via(Via::Kube).filter_map(usable).collect();
        let whole = |path: &ApiPath| path.namespace.is_none() && path.name.is_none();
        for (path, entry) in answers.iter().filter(|(path, _)| whole(path)) {
            this.add(path, &entry.body);
        }
        let complete: Vec<(String, String)> = this.lists.keys().cloned().collect();
        for (path, entry) in answers.iter().filter(|(path, _)| !whole(path)) {
            if !complete.contains(&(path.group.clone(), path.resource.clone())) {
                this.add(path, &entry.body);
            }
        }
        this
    }

    fn add(&mut self, path: &ApiPath, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let kind = body["kind"].as_str().unwrap_or_default();
        let (kind, items) = match body["items"].as_array() {
            Some(items) => (kind.trim_end_matches("List").to_string(), items.clone()),
            None => (kind.to_string(), vec![body.clone()]),
        };
        let kind = if kind == "PartialObjectMetadata" { self.kind(path).unwrap_or(kind) } else { kind };
        let key = (path.group.clone(), path.resource.clone());
        let list = self.lists.entry(key).or_insert_with(|| List {
            version: path.version.clone(),
            kind,
            revision: body["metadata"]["resourceVersion"].as_str().unwrap_or("1").into(),
            items: Vec::new(),
        });
        for item in items {
            let known = list.items.iter().any(|known| paging::key(known) == paging::key(&item));
            if !known {
                list.items.push(item);
            }
        }
    }

    fn kind(&self, path: &ApiPath) -> Option<String> {
        let known = self.known.get(&(path.group.clone(), path.version.clone()))?;
        known.iter().find(|known| known.plural == path.resource).map(|known| known.kind.clone())
    }

    /// All lists: group, plural name, list.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &List)> {
        self.lists.iter().map(|((group, plural), list)| (group.as_str(), plural.as_str(), list))
    }

    /// All group versions and their kinds: as discovery told, or else those of which there are lists.
    pub fn kinds(&self) -> BTreeMap<(String, String), Vec<Known>> {
        let mut kinds = self.known.clone();
        for ((group, plural), list) in self.lists.iter().filter(|_| self.known.is_empty()) {
            let namespaced = list.items.first().is_none_or(|item| item["metadata"].get("namespace").is_some());
            let singular = list.kind.to_lowercase();
            let known = Known { plural: plural.clone(), singular, kind: list.kind.clone(), namespaced };
            kinds.entry((group.clone(), list.version.clone())).or_default().push(known);
        }
        kinds
    }

    /// The objects of one kind, to be changed before they are served.
    pub fn items_mut(&mut self, group: &str, plural: &str) -> Option<&mut Vec<Value>> {
        self.lists.get_mut(&(group.to_string(), plural.to_string())).map(|list| &mut list.items)
    }

    /// One object.
    pub fn object(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        let list = self.lists.get(&(group.to_string(), plural.to_string()))?;
        list.items.iter().find(|item| {
            item["metadata"]["name"] == name && item["metadata"]["namespace"].as_str().unwrap_or_default() == namespace
        })
    }

    /// The pod `namespace/name`.
    pub fn pod(&self, pod: &str) -> Option<&Value> {
        let (namespace, name) = pod.split_once('/')?;
        self.object("", "pods", namespace, name)
    }

    /// The answer to a GET of a list or of one object.
    pub fn get(&self, path: &ApiPath, question: &Question) -> Result<Value, Miss> {
        let kind = self.lists.get(&(path.group.clone(), path.resource.clone()));
        let listed = self.kind(path);
        let served = listed.is_some() || kind.is_some_and(|list| list.version == path.version || self.known.is_empty());
        if !served {
            return Err(Miss::NoSuchPath);
        }
        match (&path.name, kind) {
            (Some(name), list) => {
                let namespace = path.namespace.as_deref().unwrap_or_default();
                let object = self.object(&path.group, &path.resource, namespace, name);
                let (list, object) = list.zip(object).ok_or_else(|| not_found(&path.group, &path.resource, name))?;
                Ok(list.single(object, &path.api_version()))
            }
            (None, Some(list)) => list.select(path, question),
            // Discovery knows the kind, and nobody asked for its objects when recording: there are none to show.
            (None, None) => {
                let kind = listed.unwrap_or_default();
                let empty = List { version: path.version.clone(), kind, revision: "1".into(), items: Vec::new() };
                empty.select(path, question)
            }
        }
    }
}

impl List {
    fn single(&self, object: &Value, api_version: &str) -> Value {
        let mut whole = Map::new();
        whole.insert("kind".into(), self.kind.clone().into());
        whole.insert("apiVersion".into(), api_version.into());
        let fields = object.as_object().into_iter().flatten().filter(|(name, _)| *name != "kind" && *name != "apiVersion");
        whole.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(whole)
    }

    fn select(&self, path: &ApiPath, question: &Question) -> Result<Value, Miss> {
        let selector = Selector::parse(question.get("labelSelector"), question.get("fieldSelector"))?;
        let start = question.get("continue").filter(|token| !token.is_empty()).map(paging::start).transpose()?;
        let here = |item: &&Value| path.namespace.as_ref().is_none_or(|wanted| item["metadata"]["namespace"] == wanted.as_str());
        let chosen = self.items.iter().filter(here).filter(|item| selector.selects(item));
        let chosen: Vec<&Value> = chosen.filter(|item| start.as_ref().is_none_or(|start| paging::key(item) >= *start)).collect();
        let limit = question.number("limit").and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let page = &chosen[..chosen.len().min(limit.unwrap_or(usize::MAX))];
        let mut metadata = json!({"resourceVersion": self.revision});
        if let Some(last) = page.last()
            && page.len() < chosen.len()
        {
            metadata["continue"] = paging::token(last, &self.revision).into();
            // The API server does not count what a selector would leave out.
            if selector.is_empty() {
                metadata["remainingItemCount"] = (chosen.len() - page.len()).into();
            }
        }
        let items: Vec<Value> = page.iter().map(|item| self.in_version(item, path)).collect();
        Ok(json!({"kind": format!("{}List", self.kind), "apiVersion": path.api_version(), "metadata": metadata, "items": items}))
    }

    /// Custom resources name their version in every item; another version of the same kind differs in that only.
    fn in_version(&self, item: &Value, path: &ApiPath) -> Value {
        let mut item = item.clone();
        if item.get("apiVersion").is_some() {
            item["apiVersion"] = path.api_version().into();
        }
        item
    }
}

fn usable(entry: &Entry) -> Option<(ApiPath, &Entry)> {
    let admin = entry.user.as_deref().is_none_or(|user| user == "admin");
    let json = !entry.accept.as_deref().unwrap_or_default().contains("as=Table")
        && !entry.accept.as_deref().unwrap_or_default().contains("yaml");
    let narrowed = ["labelSelector", "fieldSelector"].iter().any(|name| entry.question.get(name).is_some());
    let fine = admin && json && !narrowed && entry.method == "GET" && entry.status == 200;
    let path = ApiPath::parse(&entry.question.path).filter(|path| fine && path.subresource.is_none())?;
    Some((path, entry))
}
