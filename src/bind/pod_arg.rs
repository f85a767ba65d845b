//! The pod argument: a row, text in istioctl's forms, or an array of them. One rule for all functions about a proxy.

use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Row, Shape, convert};
use crate::mesh::Mesh;
use crate::mesh::fan_out::gather;
use crate::mesh::pod_ref::{PodArg, PodTarget, resolve_proxy};
use crate::record::Record;
use rhai::{Array, Dynamic};
use serde_json::Value;

/// What was asked of one pod or of many.
pub enum PerPod<T> {
    /// The argument was one pod.
    One(T),
    /// The argument was an array: those that answered, in order.
    Many(Vec<(PodTarget, T)>),
}

/// Put a question to a pod, or to each of an array: concurrently, bounded, in order; who fails becomes a note.
pub fn per_pod<T, F, Fut>(call: &Call, pod: &Dynamic, ask: F) -> Fallible<PerPod<T>>
where
    F: Fn(Mesh, PodTarget) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let mesh = call.mesh();
    if !pod.is_array() {
        let arg = call.check(argument(pod))?;
        let answer = call.wait(async { ask(mesh.clone(), resolve_proxy(mesh, &arg).await?).await })?;
        return Ok(PerPod::One(answer));
    }
    let one = |arg: PodArg| {
        let ask = &ask;
        async move {
            let target = resolve_proxy(mesh, &arg).await?;
            Ok((target.clone(), ask(mesh.clone(), target).await?))
        }
    };
    let answers = call.wait(gather(mesh, "pod", arguments(call, pod)?, one))?;
    Ok(PerPod::Many(answers.into_iter().map(|(_, answer)| answer).collect()))
}

/// The pods an argument names: one, or those of an array.
///
/// # Errors
/// When something is no pod.
pub fn arguments(call: &Call, pod: &Dynamic) -> Fallible<Vec<PodArg>> {
    let read = match pod.read_lock::<Array>() {
        Some(items) => items.iter().map(argument).collect(),
        None => argument(pod).map(|one| vec![one]),
    };
    call.check(read)
}

/// The pod that an argument names.
pub fn argument(pod: &Dynamic) -> Result<PodArg> {
    if let Ok(text) = pod.clone().into_string() {
        return Ok(PodArg::Text(text));
    }
    match convert::to_value(pod) {
        Value::Object(row) => Ok(PodArg::Row(row)),
        _ => Err(Error::new(Kind::BadInput, format!("{} is no pod", convert::type_word(pod)))
            .hint("give a row of `pods()`, an array of them, or text such as \"name.namespace\" or \"deploy/name\"")),
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
fn front(pod: &PodTarget) -> [(&'static str, Dynamic); 2] {
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
