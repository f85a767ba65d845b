//! What differs: between proxies, moments, documents and plain values.

use super::pod_arg::{PerPod, is_many, per_pod};
use super::subject::{Where, document};
use crate::envoy::{self, Care, Comparison, Difference, Dump};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, OpenTape, Row, convert, options};
use crate::json::{Doc, Node};
use crate::mesh::pod_ref::PodTarget;
use crate::mesh::{Mesh, reach};
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

crate::options! {
    /// What counts as a difference, and which to list.
    pub struct DiffOptions as "diff options" {
        /// List noise too: versions, times, uptimes, counters, and another order of what has none.
        pub noise: bool,
        /// Of two proxies, list what must differ, too: names, addresses, nodes, and the workloads' own certificates.
        pub own: bool,
        /// Only this section: `"listeners"`.
        pub section: Option<String>,
        /// Only resources whose name contains this.
        pub resource: Option<String>,
        /// Only those whose fields have these values: `#{ change: "added" }`.
        pub r#where: serde_json::Map<String, serde_json::Value>,
    }
}

/// The word for what a control plane would send.
const ISTIOD: &str = "istiod";

/// Two things, side by side.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// What differs between two proxies, one proxy at two moments, two dumps, or two values. Returns `difference` rows.
    ///
    /// Give pods, tapes, documents or their files (`let before = config_dump(pod); … diff(before, pod)`), arrays of pods (each is compared with the one of
    /// its name), or `"istiod"` for what istiod would send to the pod. Dumps are compared by resource and field. How something is
    /// written is no difference: the spelling of keys, fields that are not set, `0.250s`. Versions, times, order where it has no
    /// meaning, and what two replicas must differ in are left out. Order means something in `filter_chains`, `http_filters` and
    /// `routes`; it means nothing in `virtual_hosts`, `domains`, endpoints, names that a certificate may have, and other sets.
    ///
    /// Symptoms: one replica works and another does not; what changed since yesterday; the proxy does not hold what istiod
    /// would send.
    ///
    /// ```rhai
    /// diff("deploy/customer.olaf-customer", "istiod").len()    // 0
    /// ```
    #[rhai_fn(return_raw)]
    pub fn diff(context: NativeCallContext, left: Dynamic, right: Dynamic) -> Fallible<Array> {
        diff_with(context, left, right, Map::new())
    }

    /// Those differences that fit. Returns `difference` rows; takes `diff options`.
    ///
    /// ```rhai
    /// let replicas = ["deploy/recommendation-v1.olaf-customer", "deploy/recommendation-v2.olaf-customer"];
    /// diff(replicas[0], replicas[1], #{ section: "bootstrap" }).some(|row| row.path == "$.node.metadata.LABELS.version")    // true
    /// ```
    #[rhai_fn(name = "diff", return_raw)]
    pub fn diff_with(context: NativeCallContext, left: Dynamic, right: Dynamic, more: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let more: DiffOptions = options(&call, more)?;
        let wanted = Wanted::of(&call, more)?;
        let sides = match (Side::of(&call, &left)?, Side::of(&call, &right)?) {
            (Side::Value, pods @ (Side::Pods | Side::Istiod)) if are_names(&left) => (Side::Pods, pods),
            (pods @ (Side::Pods | Side::Istiod), Side::Value) if are_names(&right) => (pods, Side::Pods),
            sides => sides,
        };
        match sides {
            (Side::Pods, Side::Istiod) => against(&call, &left, &Other::Istiod, wanted, Order::PodFirst),
            (Side::Istiod, Side::Pods) => against(&call, &right, &Other::Istiod, wanted, Order::PodSecond),
            (Side::Pods, Side::Doc(doc)) => against(&call, &left, &Other::Doc(doc), wanted, Order::PodFirst),
            (Side::Doc(doc), Side::Pods) => against(&call, &right, &Other::Doc(doc), wanted, Order::PodSecond),
            (Side::Pods, Side::Pods) => against(&call, &right, &kept(&call, &left)?, wanted, Order::PodSecond),
            (Side::Doc(a), Side::Doc(b)) => {
                let mesh = call.mesh().clone();
                call.wait(blocking(move || documents(&mesh, &a, &b, &wanted))).map(Row::many)
            }
            (Side::Value, Side::Value) => {
                Ok(Row::many(wanted.of_all(envoy::diff_values(&convert::to_value(&left), &convert::to_value(&right)))))
            }
            (Side::Value, Side::Doc(doc)) => call
                .check(doc.to_value())
                .map(|doc| Row::many(wanted.of_all(envoy::diff_values(&convert::to_value(&left), &doc)))),
            (Side::Doc(doc), Side::Value) => call
                .check(doc.to_value())
                .map(|doc| Row::many(wanted.of_all(envoy::diff_values(&doc, &convert::to_value(&right))))),
            _ => Err(call.fail(no_pair(&left, &right))),
        }
    }
}

/// What an argument means.
enum Side {
    Pods,
    Istiod,
    Doc(Node),
    Value,
}

impl Side {
    fn of(call: &Call, value: &Dynamic) -> Fallible<Self> {
        if value.is_string() && value.to_string() == ISTIOD {
            return Ok(Self::Istiod);
        }
        Ok(match document(call, value)? {
            Some((_, node)) => Self::Doc(node),
            None if value.is_string() || value.is::<OpenTape>() || are_pods(value) => Self::Pods,
            None => match value.read_lock::<Row>().and_then(|row| row.get("config_dump")).and_then(Dynamic::try_cast::<Node>) {
                Some(node) => Self::Doc(node),
                None => Self::Value,
            },
        })
    }
}

/// Whether this is a row of a pod, or an array of such, or of names of pods beside them.
fn are_pods(value: &Dynamic) -> bool {
    let Some(items) = value.read_lock::<Array>() else { return value.read_lock::<Row>().is_some_and(|row| is_pod(&row)) };
    items.iter().any(are_pods) && items.iter().all(|item| item.is_string() || are_pods(item))
}

/// Whether this is an array of texts: beside pods those are names of pods, beside another array they are what they are.
fn are_names(value: &Dynamic) -> bool {
    value.read_lock::<Array>().is_some_and(|items| !items.is_empty() && items.iter().all(Dynamic::is_string))
}

fn is_pod(row: &Row) -> bool {
    row.shape().kind == "pod"
}

fn no_pair(left: &Dynamic, right: &Dynamic) -> Error {
    let word = |value: &Dynamic| if value.is_string() { format!("{:?}", value.to_string()) } else { convert::type_word(value) };
    Error::new(Kind::BadInput, format!("{} and {} cannot be compared", word(left), word(right)))
        .hint("give two pods, a pod and \"istiod\", a pod and a document, two documents, two tapes, or two values")
}

/// Which differences are wanted.
#[derive(Clone)]
struct Wanted {
    care: Care,
    section: Option<String>,
    resource: Option<String>,
    fields: Where,
}

impl Wanted {
    fn of(call: &Call, more: DiffOptions) -> Fallible<Self> {
        let fields = Where::of::<Difference>(call, &more.r#where)?;
        let known = |section: &String| envoy::sections().any(|name| name == section);
        if let Some(section) = more.section.as_ref().filter(|section| !known(section)) {
            let error = Error::new(Kind::BadInput, format!("option \"section\": there is no section {section:?}"));
            return Err(call.fail(match nearest(section, envoy::sections()) {
                Some(near) => error.hint(format!("did you mean {near:?}?")),
                None => error.hint(format!("the sections are: {}", envoy::sections().collect::<Vec<_>>().join(", "))),
            }));
        }
        Ok(Self { care: Care { noise: more.noise, own: more.own }, section: more.section, resource: more.resource, fields })
    }

    fn of_all(&self, mut rows: Vec<Difference>) -> Vec<Difference> {
        rows.retain(|row| self.fits(row));
        rows
    }

    fn fits(&self, row: &Difference) -> bool {
        let section = self.section.as_ref().is_none_or(|wanted| row.section == Some(wanted));
        let name = row.resource.as_deref().unwrap_or_default();
        section && self.resource.as_ref().is_none_or(|part| name.contains(part.as_str())) && self.fields.fits(row)
    }
}

fn documents(mesh: &Mesh, left: &Node, right: &Node, wanted: &Wanted) -> Result<Vec<Difference>> {
    let rows = match (Dump::at(left), Dump::at(right)) {
        (Ok(a), Ok(b)) => {
            let found = envoy::diff(&a, &b, wanted.care)?;
            tell(mesh, &found.left_out);
            found.rows
        }
        (Err(_), Err(_)) => envoy::diff_answers(&left.to_value()?, &right.to_value()?, wanted.care),
        (Err(error), _) | (_, Err(error)) => return Err(error.context("one is a config dump of Envoy, the other is not")),
    };
    Ok(wanted.of_all(rows))
}

/// What pods are compared with.
enum Other {
    Istiod,
    Doc(Node),
    /// The pods of the other side, their dumps packed: one of 1 MB is 30 KB then.
    Pods(HashMap<(String, String), Vec<u8>>),
}

/// Which side the pods are on.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    PodFirst,
    PodSecond,
}

/// Ask the pods of the left side. One is a document; many are kept by name.
fn kept(call: &Call, pods: &Dynamic) -> Fallible<Other> {
    if !is_many(pods) {
        let PerPod::One(doc) = per_pod(call, pods, |mesh, target| async move { dump(&mesh, &target, true).await })? else {
            return Err(call.fail(Error::new(Kind::Internal, "one pod gave several answers")));
        };
        return Ok(Other::Doc(doc.root()));
    }
    let packed = per_pod(call, pods, |mesh, target| async move {
        let doc = dump(&mesh, &target, true).await?;
        blocking(move || pack(&doc)).await
    })?;
    let PerPod::Many(packed) = packed else {
        return Err(call.fail(Error::new(Kind::Internal, "many pods gave one answer")));
    };
    Ok(Other::Pods(packed.into_iter().map(|(pod, packed)| ((pod.namespace, pod.name), packed)).collect()))
}

/// Compare each pod with what belongs to it on the other side.
fn against(call: &Call, pods: &Dynamic, other: &Other, wanted: Wanted, order: Order) -> Fallible<Array> {
    let many = is_many(pods);
    let (wanted, endpoints) = (&wanted, other.has_endpoints());
    let alone = Mutex::new(other.names());
    let left_alone = &alone;
    let done = per_pod(call, pods, |mesh, target| async move {
        left_alone.lock().unwrap_or_else(PoisonError::into_inner).remove(&(target.namespace.clone(), target.name.clone()));
        let Some(theirs) = other.of(&mesh, &target).await? else {
            mesh.note(format!("pod {target} has no counterpart of its name on the left: it is left out"));
            return Ok(Comparison::default());
        };
        let ours = dump(&mesh, &target, endpoints).await?;
        let (care, wanted) = (wanted.care, wanted.clone());
        let mut done = blocking(move || compare(&ours, &theirs, order, care)).await?;
        done.rows = wanted.of_all(done.rows);
        if many {
            // The dumps of many proxies are not kept for the sake of a few differences.
            done.rows.iter_mut().for_each(Difference::let_go);
        }
        Ok(done)
    })?;
    let mut left_out: Vec<&'static str> = Vec::new();
    let rows = match done {
        PerPod::One(done) => {
            left_out.extend(done.left_out);
            PerPod::One(done.rows)
        }
        PerPod::Many(all) => PerPod::Many(
            all.into_iter()
                .map(|(pod, done)| {
                    left_out.extend(done.left_out);
                    (pod, done.rows)
                })
                .collect(),
        ),
    };
    left_out.sort_unstable();
    left_out.dedup();
    tell(call.mesh(), &left_out);
    for (namespace, pod) in alone.into_inner().unwrap_or_else(PoisonError::into_inner) {
        call.mesh().note(format!("pod {namespace}/{pod} has no counterpart of its name on the right: it is left out"));
    }
    Ok(rows.rows())
}

impl Other {
    async fn of(&self, mesh: &Mesh, target: &PodTarget) -> Result<Option<Arc<Doc>>> {
        Ok(match self {
            Self::Istiod => Some(reach::sent(mesh, target).await?),
            Self::Doc(node) => Some(node.doc().clone()),
            Self::Pods(packed) => match packed.get(&(target.namespace.clone(), target.name.clone())) {
                Some(packed) => Some(unpack(packed)?),
                None => None,
            },
        })
    }

    /// The pods of the other side.
    fn names(&self) -> BTreeSet<(String, String)> {
        let Self::Pods(packed) = self else { return BTreeSet::new() };
        packed.keys().cloned().collect()
    }

    fn has_endpoints(&self) -> bool {
        match self {
            Self::Istiod => false,
            Self::Doc(node) => Dump::at(node).is_ok_and(|dump| dump.has(envoy::Section::Endpoints)),
            Self::Pods(_) => true,
        }
    }
}

async fn dump(mesh: &Mesh, target: &PodTarget, endpoints: bool) -> Result<Arc<Doc>> {
    reach::document(mesh, target, if endpoints { "/config_dump?include_eds" } else { "/config_dump" }).await
}

fn compare(pod: &Arc<Doc>, other: &Arc<Doc>, order: Order, care: Care) -> Result<Comparison> {
    let (pod, other) = (Dump::open(pod)?, Dump::open(other)?);
    match order {
        Order::PodFirst => envoy::diff(&pod, &other, care),
        Order::PodSecond => envoy::diff(&other, &pod, care),
    }
}

/// Work that takes long, beside the questions to others.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let died = |died: tokio::task::JoinError| Error::new(Kind::Internal, "comparing broke off").cause(died.to_string());
    tokio::task::spawn_blocking(work).await.map_err(died)?
}

fn pack(doc: &Doc) -> Result<Vec<u8>> {
    zstd::encode_all(doc.text().as_ref(), 1)
        .map_err(|error| Error::new(Kind::Internal, "a dump cannot be packed").caused_by(&error))
}

fn unpack(packed: &[u8]) -> Result<Arc<Doc>> {
    let text = zstd::decode_all(packed);
    Doc::parse(text.map_err(|error| Error::new(Kind::Internal, "a dump cannot be unpacked").caused_by(&error))?.into())
}

fn tell(mesh: &Mesh, left_out: &[&str]) {
    if !left_out.is_empty() {
        mesh.note(format!("not compared, because only one side tells of them: {}", left_out.join(", ")));
    }
}
