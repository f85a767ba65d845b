//! The pod argument: a row, text in istioctl's forms, an array of them, or a tape. One rule for all functions about a proxy.

use super::source::names_file;
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, OpenTape, Origin, Row, Shape, convert};
use crate::json::{At, Node};
use crate::mesh::Mesh;
use crate::mesh::fan_out::gather;
use crate::mesh::pod_ref::{Asked, PodArg, PodTarget, Runs};
use crate::mesh::pods::{self, PodOptions};
use crate::record::Record;
use rhai::{Array, Dynamic};
use serde_json::Value;
use std::sync::Arc;

/// Where rows of pods were read: on the mesh at hand, which may be another one later, or on a tape.
pub struct Home(Mesh);

impl Home {
    /// This mesh.
    pub fn of(mesh: &Mesh) -> Arc<dyn Origin> {
        Arc::new(Self(mesh.clone()))
    }
}

impl Origin for Home {
    fn raw(&self, _at: &At) -> Result<Node> {
        Err(Error::new(Kind::BadInput, "pods are made of no document").hint("`get(\"pod\", name, namespace)` gives the object"))
    }

    fn mesh(&self) -> &Mesh {
        &self.0
    }

    fn told(&self) -> String {
        self.0.backend().describe()
    }
}

/// What was asked of one pod or of many.
pub enum PerPod<T> {
    /// The argument was one pod.
    One(T),
    /// The argument was an array or a tape: those that answered, in order.
    Many(Vec<(PodTarget, T)>),
}

/// Put a question to a pod, or to each of an array or a tape: concurrently, bounded, in order; who fails becomes a note.
pub fn per_pod<T, F, Fut>(call: &Call, pod: &Dynamic, ask: F) -> Fallible<PerPod<T>>
where
    F: Fn(Mesh, PodTarget) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    if !is_many(pod) {
        let one = call.check(asked(call.mesh(), pod))?;
        let answer = call.wait(async { ask(one.mesh.clone(), one.proxy(Runs::Any).await?).await })?;
        return Ok(PerPod::One(answer));
    }
    let one = |one: Asked| {
        let ask = &ask;
        async move {
            let target = one.proxy(Runs::Any).await?;
            Ok((target.clone(), ask(one.mesh, target).await?))
        }
    };
    let answers = call.wait(gather(call.mesh(), "pod", all_asked(call, pod, Runs::Any)?, one))?;
    Ok(PerPod::Many(answers.into_iter().map(|(_, answer)| answer).collect()))
}

/// Whether an argument means several pods.
pub fn is_many(pod: &Dynamic) -> bool {
    pod.is_array() || pod.is::<OpenTape>()
}

/// The pods that an argument means: one, those of an array, or those of a tape that run a proxy. Those of an array whose
/// proxy is known to be of the other sort are left out, with one note.
///
/// # Errors
/// When something is no pod, or no pod is left.
pub fn all_asked(call: &Call, pod: &Dynamic, runs: Runs) -> Fallible<Vec<Asked>> {
    if let Some(tape) = pod.read_lock::<OpenTape>() {
        return call.wait(proxies(tape.mesh(), runs));
    }
    let asked = match pod.read_lock::<Array>() {
        Some(items) => items.iter().map(|item| asked(call.mesh(), item)).collect(),
        None => asked(call.mesh(), pod).map(|one| vec![one]),
    };
    call.check(asked.and_then(|all| fitting(call.mesh(), all, runs)))
}

/// All pods of a mesh that run a proxy of this sort.
async fn proxies(mesh: &Mesh, runs: Runs) -> Result<Vec<Asked>> {
    let all = pods::pods(mesh, Some("*"), &PodOptions::default()).await?;
    let fits = |pod: &pods::Pod| !matches!(pod.proxy.as_str(), "none" | "agentgateway") && runs.fits(&pod.proxy);
    let row = |pod: pods::Pod| match serde_json::to_value(&pod) {
        Ok(Value::Object(row)) => PodArg::Row(row),
        _ => PodArg::Text(format!("{}/{}", pod.namespace, pod.name)),
    };
    Ok(all.into_iter().filter(fits).map(|pod| Asked { mesh: mesh.clone(), pod: row(pod) }).collect())
}

fn fitting(mesh: &Mesh, all: Vec<Asked>, runs: Runs) -> Result<Vec<Asked>> {
    const NAMED: usize = 3;
    let (fit, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| runs.fits(one.pod.proxy()));
    let Some(first) = other.first() else { return Ok(fit) };
    let mut names: Vec<String> = other.iter().take(NAMED).map(ToString::to_string).collect();
    if other.len() > NAMED {
        names.push(format!("{} more", other.len() - NAMED));
    }
    let error = runs.misfit(&match other.len() {
        1 => format!("pod {first} runs"),
        count => format!("{count} pods ({}) run", names.join(", ")),
    });
    if fit.is_empty() {
        return Err(error);
    }
    mesh.note(format!("{}: left out; {}", error.message(), error.next_step().unwrap_or_default()));
    Ok(fit)
}

/// The pod that an argument names, and the mesh to ask about it.
///
/// # Errors
/// When it names none.
pub fn asked(mesh: &Mesh, pod: &Dynamic) -> Result<Asked> {
    let own = pod.read_lock::<Row>().and_then(|row| row.mesh().cloned());
    Ok(Asked { mesh: own.unwrap_or_else(|| mesh.clone()), pod: argument(pod)? })
}

/// The pod that an argument names.
///
/// # Errors
/// When it names none.
pub fn argument(pod: &Dynamic) -> Result<PodArg> {
    let no_pod = |what: &str, hint: &str| Err(Error::new(Kind::BadInput, format!("{what} is no pod")).hint(hint));
    if let Ok(text) = pod.clone().into_string() {
        return match names_file(&text) {
            true => no_pod(
                &format!("{text:?} is a file's name: it"),
                "a file is read alone, by functions about a proxy's configuration and state; a pod of such a name is written \"namespace/name\"",
            ),
            false => Ok(PodArg::Text(text)),
        };
    }
    if pod.is::<Node>() {
        return no_pod("a document", "give it alone, to functions about a proxy's configuration and state");
    }
    match convert::to_value(pod) {
        Value::Object(row) => Ok(PodArg::Row(row)),
        _ => no_pod(
            &convert::type_word(pod),
            "give a row of `pods()`, an array of them, or text such as \"name.namespace\" or \"deploy/name\"",
        ),
    }
}

impl<R: Record> PerPod<Vec<R>> {
    /// As rows; those of many pods say which pod they are of.
    pub fn rows(self) -> Array {
        let pods = match self {
            Self::One(records) => return Row::many(records),
            Self::Many(pods) => pods,
        };
        pods.into_iter().flat_map(|(pod, records)| Row::many_of(&front(&pod), records)).collect()
    }
}

/// The columns that say which pod a row is of.
pub fn front(pod: &PodTarget) -> [(&'static str, Dynamic); 2] {
    [("namespace", pod.namespace.as_str().into()), ("pod", pod.name.as_str().into())]
}

impl PerPod<Dynamic> {
    /// As a value; those of many pods as rows of `namespace`, `pod` and the value under this name.
    pub fn values(self, name: &'static str) -> Dynamic {
        let pods = match self {
            Self::One(value) => return value,
            Self::Many(pods) => pods,
        };
        let shape = Shape::named("answer", &["namespace", "pod", name]);
        let row = |(pod, value): (PodTarget, Dynamic)| {
            Dynamic::from(Row::new(shape.clone(), vec![pod.namespace.into(), pod.name.into(), value]))
        };
        pods.into_iter().map(row).collect::<Array>().into()
    }
}
