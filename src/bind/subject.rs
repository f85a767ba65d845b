//! What a function about proxies is asked of: a pod, an array of pods, or a document that was kept. One rule for all.

use super::pod_arg::{argument, arguments};
use super::related::Kept;
use crate::envoy::{Dump, Section};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Origin, Row};
use crate::json::{At, Doc, Found, Node};
use crate::mesh::fan_out::gather;
use crate::mesh::pod_ref::{PodArg, PodTarget, resolve_proxy};
use crate::mesh::{Mesh, reach};
use crate::record::Record;
use crate::suggest::nearest;
use rhai::{Array, Dynamic, ImmutableString};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};

/// Where rows were read: the proxy, if it was one, and what it said.
pub struct Read {
    mesh: Mesh,
    target: Option<PodTarget>,
    text: Text,
    /// What joins asked of it.
    kept: Kept,
    /// What joins asked for all proxies of the same call: the pods of the mesh.
    common: Arc<Kept>,
}

/// The document that rows were made of. Of many proxies it is kept packed: a dump of 1 MB is 30 KB then.
enum Text {
    Open(Arc<Doc>),
    Packed(Vec<u8>, OnceLock<Option<Arc<Doc>>>),
}

impl Read {
    fn new(mesh: &Mesh, target: Option<PodTarget>, text: Text, common: &Arc<Kept>) -> Self {
        Self { mesh: mesh.clone(), target, text, kept: Kept::default(), common: common.clone() }
    }

    /// What joins asked of this place.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What joins asked for all proxies of the same call.
    pub fn common(&self) -> &Kept {
        &self.common
    }

    /// What else this place says: another page of the proxy, or another part of the document.
    ///
    /// # Errors
    /// When the proxy does not answer, and when the document does not hold it.
    pub fn more<R: Record>(
        &self,
        call: &Call,
        page: &Page,
        make: impl FnOnce(&Dump) -> Result<Vec<Found<R>>> + Send + 'static,
    ) -> Fallible<(Vec<Found<R>>, Arc<Self>)> {
        let (text, found) = match &self.target {
            Some(target) => {
                let keep = if matches!(self.text, Text::Packed(..)) { pack } else { Text::Open };
                call.wait(answer(&self.mesh, target, page, |node| make(&Dump::at(node)?), keep))?
            }
            None => {
                let doc = call.check(self.doc())?;
                let found = call.check(Dump::open(&doc).and_then(|dump| make(&dump)))?;
                (Text::Open(doc), found)
            }
        };
        Ok((found, Arc::new(Self::new(&self.mesh, self.target.clone(), text, &self.common))))
    }

    /// The mesh that was asked.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The proxy that was asked; nothing when it was a document.
    pub fn target(&self) -> Option<&PodTarget> {
        self.target.as_ref()
    }

    /// The document.
    ///
    /// # Errors
    /// When it cannot be unpacked, for want of memory.
    pub fn doc(&self) -> Result<Arc<Doc>> {
        let unpack = |packed: &[u8]| Doc::parse(zstd::decode_all(packed).ok()?.into()).ok();
        let doc = match &self.text {
            Text::Open(doc) => Some(doc.clone()),
            Text::Packed(packed, doc) => doc.get_or_init(|| unpack(packed)).clone(),
        };
        doc.ok_or_else(|| Error::new(Kind::Internal, "the document that the row was made of cannot be unpacked"))
    }
}

impl Origin for Read {
    fn raw(&self, at: &At) -> Result<Node> {
        let gone = || Error::new(Kind::Internal, "the row's place in its document is lost");
        at.node(&self.doc()?).ok_or_else(gone)
    }
}

/// Where a row was read, if it came from a proxy's answer or a document.
pub fn read_of(row: &Row) -> Option<Arc<Read>> {
    let origin: Arc<dyn std::any::Any + Send + Sync> = row.origin()?.clone();
    origin.downcast::<Read>().ok()
}

/// A page of a proxy that rows are made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// Only this section of the configuration; all of it where the proxy cannot do that.
    Part(Section),
    /// Any page that answers JSON.
    Path(&'static str),
    /// The same, with parameters of the call.
    Query(String),
    /// The list of loggers: text, that stands as a JSON string.
    Loggers,
}

impl Page {
    async fn ask(&self, mesh: &Mesh, target: &PodTarget) -> Result<Arc<Doc>> {
        match self {
            Self::Part(section @ Section::Endpoints) => reach::sent_endpoints(mesh, target, &section.mask()).await,
            Self::Part(section) => reach::section(mesh, target, &section.mask()).await,
            Self::Path(path) => reach::document(mesh, target, path).await,
            Self::Query(path) => reach::document(mesh, target, path).await,
            Self::Loggers => Doc::from_value(&reach::loggers(mesh, target).await?.into()),
        }
    }
}

/// Rows of the configuration that a proxy has, that many have (concurrently; who fails becomes a note), or of a document.
///
/// # Errors
/// When the subject is none of these, when the one asked fails, and when all do.
pub fn rows<R: Record>(
    call: &Call,
    subject: &Dynamic,
    page: Page,
    read: impl Fn(&Dump) -> Result<Vec<Found<R>>> + Clone + Send + 'static,
) -> Fallible<Array> {
    rows_of(call, subject, page, move |node| read(&Dump::at(node)?))
}

/// The same of a page that is no configuration. A text of several lines is such a page too, as a JSON string.
///
/// # Errors
/// As [`rows`].
pub fn rows_of<R: Record>(
    call: &Call,
    subject: &Dynamic,
    page: Page,
    read: impl Fn(&Node) -> Result<Vec<Found<R>>> + Clone + Send + 'static,
) -> Fallible<Array> {
    let (mesh, common) = (call.mesh(), Arc::default());
    if let Some(node) = call.check(document(subject))? {
        let found = call.check(read(&node))?;
        let origin = Read::new(mesh, None, Text::Open(node.doc().clone()), &common);
        return Ok(Row::found(&[], found, Some(Arc::new(origin))));
    }
    if !subject.is_array() {
        let arg = call.check(argument(subject))?;
        let (target, doc, found) = call.wait(ask(mesh, arg, &page, read, Text::Open))?;
        let origin = Read::new(mesh, Some(target), doc, &common);
        return Ok(Row::found(&[], found, Some(Arc::new(origin))));
    }
    let one = |arg: PodArg| ask(mesh, arg, &page, read.clone(), pack);
    let answers = call.wait(gather(mesh, "pod", arguments(call, subject)?, one))?;
    let mut all = Array::new();
    for (_, (target, text, found)) in answers {
        let front = [("namespace", target.namespace.as_str().into()), ("pod", target.name.as_str().into())];
        let origin = Read::new(mesh, Some(target), text, &common);
        all.extend(Row::found(&front, found, Some(Arc::new(origin))));
    }
    Ok(all)
}

/// The document that a subject is, if it is one.
fn document(subject: &Dynamic) -> Result<Option<Node>> {
    if let Some(node) = subject.read_lock::<Node>() {
        return Ok(Some(node.clone()));
    }
    // No pod is named in several lines.
    let text = subject.read_lock::<ImmutableString>().filter(|text| text.trim_end().contains('\n'));
    text.map(|text| Node::from_value(&text.as_str().into())).transpose()
}

/// Ask one proxy, and read what it says beside the others.
async fn ask<R: Record>(
    mesh: &Mesh,
    arg: PodArg,
    page: &Page,
    read: impl Fn(&Node) -> Result<Vec<Found<R>>> + Send + 'static,
    keep: impl FnOnce(Arc<Doc>) -> Text + Send + 'static,
) -> Result<(PodTarget, Text, Vec<Found<R>>)> {
    let target = resolve_proxy(mesh, &arg).await?;
    let (text, found) = answer(mesh, &target, page, read, keep).await?;
    Ok((target, text, found))
}

async fn answer<R: Record>(
    mesh: &Mesh,
    target: &PodTarget,
    page: &Page,
    read: impl FnOnce(&Node) -> Result<Vec<Found<R>>> + Send + 'static,
    keep: impl FnOnce(Arc<Doc>) -> Text + Send + 'static,
) -> Result<(Text, Vec<Found<R>>)> {
    let doc = page.ask(mesh, target).await?;
    let work = move || {
        let found = read(&doc.root())?;
        Ok((keep(doc), found))
    };
    let done: Result<_> = tokio::task::spawn_blocking(work).await.unwrap_or_else(|died| Err(lost(&died)));
    done.map_err(|error| error.context(format!("what pod {target} answered cannot be read")))
}

fn lost(died: &tokio::task::JoinError) -> Error {
    Error::new(Kind::Internal, "reading an answer broke off").cause(died.to_string())
}

fn pack(doc: Arc<Doc>) -> Text {
    match zstd::encode_all(doc.text().as_ref(), 1) {
        Ok(packed) => Text::Packed(packed, OnceLock::new()),
        Err(_) => Text::Open(doc),
    }
}

/// The option `where`: rows whose fields have these values.
#[derive(Clone)]
pub struct Where(Vec<(usize, Value)>);

impl Where {
    /// Look the fields up, before anybody is asked.
    ///
    /// # Errors
    /// When a field is unknown.
    pub fn of<R: Record>(call: &Call, wanted: &Map<String, Value>) -> Fallible<Self> {
        let schema = R::schema();
        let column = |(name, value): (&String, &Value)| {
            let unknown = || {
                let error = Error::new(Kind::BadInput, format!("option \"where\": {} rows have no field {name:?}", schema.name));
                match nearest(name, schema.names()) {
                    Some(near) => error.hint(format!("did you mean {near:?}?")),
                    None => error.hint(format!("the fields are: {}", schema.names().collect::<Vec<_>>().join(", "))),
                }
            };
            Ok((schema.index(name).ok_or_else(unknown)?, value.clone()))
        };
        call.check(wanted.iter().map(column).collect::<Result<_>>().map(Self))
    }

    /// Whether a record has these values.
    pub fn fits(&self, record: &impl Record) -> bool {
        self.0.iter().all(|(column, value)| record.value(*column) == *value)
    }
}
