//! What a function about proxies is asked of: a pod, an array of pods, a tape, a document, or the file that holds one. One
//! rule for all.

use super::pod_arg::{all_asked, asked, front, is_many};
use super::related::Kept;
use super::source::{self, names_file};
use crate::envoy::{Dump, Section, with_extensions};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Origin, Row};
use crate::json::{At, Doc, Found, Node};
use crate::mesh::fan_out::gather;
use crate::mesh::pod_ref::{Asked, PodTarget, Runs};
use crate::mesh::{Mesh, reach};
use crate::record::Record;
use crate::suggest::nearest;
use jiff::Timestamp;
use rhai::{Array, Dynamic, ImmutableString};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};

/// Where rows were read: the proxy, if it was one, and what it said.
pub struct Read {
    mesh: Mesh,
    target: Option<PodTarget>,
    text: Text,
    /// The document that this one was cut out of, in which joins look.
    whole: Option<Arc<Doc>>,
    /// What joins asked of it.
    kept: Arc<Kept>,
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
        Self { mesh: mesh.clone(), target, text, whole: None, kept: Arc::default(), common: common.clone() }
    }

    /// The same place, with a part of its document that is one itself.
    ///
    /// # Errors
    /// When the document cannot be had any more.
    pub fn part(&self, part: Arc<Doc>) -> Result<Arc<Self>> {
        let whole = if self.target.is_none() { Some(self.searched()?) } else { None };
        let part = Self::new(&self.mesh, self.target.clone(), Text::Open(part), &self.common);
        Ok(Arc::new(Self { whole, kept: self.kept.clone(), ..part }))
    }

    /// The document that joins look into.
    fn searched(&self) -> Result<Arc<Doc>> {
        self.whole.clone().map_or_else(|| self.doc(), Ok)
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
                let doc = call.check(self.searched())?;
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

    fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    fn told(&self) -> String {
        match &self.target {
            Some(target) => format!("the proxy of {}/{}, {}", target.namespace, target.name, self.mesh.backend().describe()),
            None => "a document".into(),
        }
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
    /// The listeners, and where their filters refer to extension configurations, those too.
    Filters,
    /// Any page of Envoy that answers JSON.
    Path(&'static str),
    /// The same, with parameters of the call.
    Query(String),
    /// The list of loggers: text, that stands as a JSON string.
    Loggers,
    /// The configuration of a ztunnel.
    Ztunnel,
}

impl Page {
    async fn ask(&self, mesh: &Mesh, target: &PodTarget) -> Result<Arc<Doc>> {
        match self {
            Self::Part(section @ Section::Endpoints) => reach::sent_endpoints(mesh, target, &section.mask()).await,
            Self::Part(section) => reach::section(mesh, target, &section.mask()).await,
            Self::Filters => filters(mesh, target).await,
            Self::Path(path) => reach::document(mesh, target, path).await,
            Self::Query(path) => reach::document(mesh, target, path).await,
            Self::Loggers => Doc::from_value(&reach::loggers(mesh, target).await?.into()),
            Self::Ztunnel => reach::document(mesh, target, "/config_dump").await,
        }
    }

    /// Who has such a page.
    fn runs(&self) -> Runs {
        match self {
            Self::Ztunnel => Runs::Ztunnel,
            Self::Loggers => Runs::Any,
            _ => Runs::Envoy,
        }
    }

    /// The columns that say of whom a row of many is. What a ztunnel knows is about other pods.
    fn front(&self, target: &PodTarget) -> Vec<(&'static str, Dynamic)> {
        match self {
            Self::Ztunnel => vec![("ztunnel", target.to_string().into())],
            _ => front(target).to_vec(),
        }
    }
}

async fn filters(mesh: &Mesh, target: &PodTarget) -> Result<Arc<Doc>> {
    let listeners = reach::section(mesh, target, &Section::Listeners.mask()).await?;
    let refers = |word: &str| memchr::memmem::find(listeners.text(), word.as_bytes()).is_some();
    if !refers("\"config_discovery\"") && !refers("\"configDiscovery\"") {
        return Ok(listeners);
    }
    match reach::section(mesh, target, &Section::Ecds.mask()).await {
        Ok(extensions) => with_extensions(&listeners, &extensions),
        Err(error) => {
            mesh.note(format!(
                "{target}: filters that are delivered by themselves (ECDS) are shown without their configuration: {error}"
            ));
            Ok(listeners)
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
    rows_at(call, subject, page, move |node, _| read(node))
}

/// The same, judged by the time of the mesh that it comes from.
///
/// # Errors
/// As [`rows`].
pub fn rows_at<R: Record>(
    call: &Call,
    subject: &Dynamic,
    page: Page,
    read: impl Fn(&Node, Timestamp) -> Result<Vec<Found<R>>> + Clone + Send + 'static,
) -> Fallible<Array> {
    let mesh = call.mesh();
    if let Some((name, node)) = document(call, subject)? {
        let found = read(&node, mesh.now()).map_err(|error| match &name {
            Some(name) => error.context(format!("{name} cannot be used")),
            None => error,
        });
        let origin = Read::new(mesh, None, Text::Open(node.doc().clone()), &Arc::default());
        return Ok(Row::found(&[], call.check(found)?, Some(Arc::new(origin))));
    }
    if !is_many(subject) {
        let one = call.check(asked(mesh, subject))?;
        let (target, doc, found) = call.wait(ask(&one, &page, read, Text::Open))?;
        let origin = Read::new(&one.mesh, Some(target), doc, &Arc::default());
        return Ok(Row::found(&[], found, Some(Arc::new(origin))));
    }
    let one = |one: Asked| {
        let (page, read) = (&page, read.clone());
        async move { Ok((ask(&one, page, read, pack).await?, one.mesh)) }
    };
    let answers = call.wait(gather(mesh, "pod", all_asked(call, subject, page.runs())?, one))?;
    let (mut all, mut commons) = (Array::new(), Vec::new());
    for (_, ((target, text, found), mesh)) in answers {
        let front = page.front(&target);
        let origin = Read::new(&mesh, Some(target), text, common(&mut commons, &mesh));
        all.extend(Row::found(&front, found, Some(Arc::new(origin))));
    }
    Ok(all)
}

/// What joins keep for all proxies of a call that belong to the same mesh.
fn common<'a>(commons: &'a mut Vec<(Mesh, Arc<Kept>)>, mesh: &Mesh) -> &'a Arc<Kept> {
    let known = commons.iter().position(|(known, _)| known.is(mesh)).unwrap_or_else(|| {
        commons.push((mesh.clone(), Arc::default()));
        commons.len() - 1
    });
    &commons[known].1
}

/// Whether a subject is a document, and nobody is to be asked.
pub fn is_document(subject: &Dynamic) -> bool {
    let is = |text: &str| names_file(text) || text.trim_end().contains('\n');
    subject.is::<Node>() || subject.read_lock::<ImmutableString>().is_some_and(|text| is(&text))
}

/// The document that an argument is, or that the file holds which it names; with the file's name.
pub fn document(call: &Call, subject: &Dynamic) -> Fallible<Option<(Option<String>, Node)>> {
    if let Some(node) = subject.read_lock::<Node>() {
        return Ok(Some((None, node.clone())));
    }
    match subject.read_lock::<ImmutableString>() {
        Some(file) if names_file(&file) => Ok(Some((Some(file.to_string()), source::document(call, &file)?.root()))),
        // No pod is named in several lines.
        Some(text) if text.trim_end().contains('\n') => Ok(Some((None, call.check(Node::from_value(&text.as_str().into()))?))),
        _ => Ok(None),
    }
}

/// Ask one proxy, and read what it says beside the others.
async fn ask<R: Record>(
    asked: &Asked,
    page: &Page,
    read: impl Fn(&Node, Timestamp) -> Result<Vec<Found<R>>> + Send + 'static,
    keep: impl FnOnce(Arc<Doc>) -> Text + Send + 'static,
) -> Result<(PodTarget, Text, Vec<Found<R>>)> {
    let target = asked.proxy(page.runs()).await?;
    let now = asked.mesh.now();
    let (text, found) = answer(&asked.mesh, &target, page, move |node| read(node, now), keep).await?;
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
