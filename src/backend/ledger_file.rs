//! The ledger's files: one a session, below the user's own folder, locked as long as the session lives.
//!
//! JSON lines: what the session is, then each tune before it is done, then which of them need no undo any more. A file
//! whose lock is free belongs to a session that ended; what is open in it is still changed.

use super::ledger::Shelf;
use super::ledger_entry::{Entry, Setting};
use super::ledger_trust::{doubt_file, doubt_folder};
use crate::error::{Error, Kind, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The version of the format.
const VERSION: u64 = 1;
const ENDING: &str = "jsonl";
/// The disk is waited for no more often.
const SYNC: Duration = Duration::from_millis(100);

/// The session that a file belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    #[serde(rename = "pilotage_ledger")]
    pub version: u64,
    /// The process id of the session.
    pub pid: u32,
    /// When it first changed something.
    pub started: Timestamp,
    /// The cluster, by its context.
    pub cluster: String,
    /// Where that is, in words.
    pub source: String,
    /// The kubeconfig files in use, where they were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// The cluster of the kubeconfig that was chosen in place of the context's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_cluster: Option<String>,
    /// The user of the kubeconfig that was chosen in place of the context's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_user: Option<String>,
}

impl Header {
    /// The session that begins now.
    pub fn new(started: Timestamp, cluster: String, source: String, shelf: &Shelf) -> Self {
        let Shelf { kubeconfig, cluster: chosen_cluster, user: chosen_user, .. } = shelf.clone();
        Self { version: VERSION, pid: std::process::id(), started, cluster, source, kubeconfig, chosen_cluster, chosen_user }
    }

    /// Where it is, for people: the context, and the cluster where that is not the context's.
    pub fn place(&self) -> String {
        match &self.chosen_cluster {
            Some(chosen) => format!("{} (--cluster {chosen})", self.cluster),
            None => self.cluster.clone(),
        }
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// This is about to be set.
    Tuned(Entry),
    /// These names of that entry need no undo any more.
    Closed { id: u64, names: Vec<String> },
}

/// The file of a session that lives: this one, or one that was taken over to be undone.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    file: File,
    synced: Option<Instant>,
    /// Lines in it cannot be read: it stays until the user says otherwise.
    damaged: bool,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// Whose it is.
    pub header: Header,
    /// What is not undone, oldest first.
    pub open: Vec<Entry>,
    /// How many lines cannot be read: what they tell of may still be set.
    pub unread: usize,
}

/// The file of a session that ended without undoing all; nobody else may take it meanwhile.
#[derive(Debug)]
pub struct Leftover {
    /// What it holds.
    pub contents: Contents,
    /// The file.
    pub book: Book,
}

impl Book {
    /// Begin the file of a session.
    ///
    /// # Errors
    /// [`Kind::File`] when it cannot be written.
    pub fn create(folder: &Path, header: &Header) -> Result<Self> {
        let name = format!("{}-{}.{ENDING}", header.started.strftime("%Y%m%dT%H%M%S%3f"), header.pid);
        let path = folder.join(name);
        let fresh = path.with_extension("new");
        private_folder(folder).map_err(|error| unwritable(&path, &error))?;
        if let Some(doubt) = doubt_folder(folder) {
            return Err(Error::new(Kind::File, format!("nothing is changed: {doubt}")).hint("XDG_STATE_HOME names another"));
        }
        let create = || {
            let file = private_file(&fresh)?;
            // Without locks (some network file systems) a session may be taken for ended; levels are compared before any undo.
            let _ = file.try_lock();
            let mut book = Self { path: path.clone(), file, synced: None, damaged: false };
            book.put(header)?;
            // Under its name it is seen by others, who must find it locked.
            std::fs::rename(&fresh, &path)?;
            Ok(book)
        };
        create().map_err(|error: std::io::Error| unwritable(&path, &error))
    }

    /// Keep what is about to be set. When this returns, the end of the program does not lose it, whatever ends it. (Should the
    /// machine itself fail, the last moment is lost when many levels are set at once.)
    ///
    /// # Errors
    /// [`Kind::File`].
    pub fn tuned(&mut self, entry: &Entry) -> Result<()> {
        let kept = self.put(&Line::Tuned(entry.clone())).and_then(|()| self.sync());
        kept.map_err(|error| unwritable(&self.path, &error))
    }

    /// Thousands of proxies that are set together do not wait for the disk one by one.
    fn sync(&mut self) -> std::io::Result<()> {
        if self.synced.is_some_and(|last| last.elapsed() < SYNC) {
            return Ok(());
        }
        self.file.sync_data()?;
        self.synced = Some(Instant::now());
        Ok(())
    }

    /// Keep that these names of an entry need no undo any more. (A machine that fails may lose this: then the level is found put
    /// back already.)
    ///
    /// # Errors
    /// [`Kind::File`].
    pub fn closed(&mut self, id: u64, names: &[String]) -> Result<()> {
        let line = Line::Closed { id, names: names.to_vec() };
        self.put(&line).map_err(|error| unwritable(&self.path, &error))
    }

    /// Nothing is open any more: the file goes, unless lines in it cannot be read.
    pub fn remove(self) {
        if !self.damaged {
            self.discard();
        }
    }

    /// The file goes, whatever is in it.
    pub fn discard(self) {
        // A file that stays holds nothing open; the next look at the folder removes it.
        let _ = std::fs::remove_file(&self.path);
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is open by the file: another session may have closed some.
    pub(super) fn open(&self) -> Option<Vec<Entry>> {
        read(&self.file).map(|contents| contents.open)
    }

    fn put(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        put(&mut self.file, line)
    }
}

fn put(file: &mut File, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    append(file, &text, |file, text| file.write_all(text))
}

/// The files of sessions that ended and left something changed, oldest first. Those that left nothing are removed.
pub fn leftovers(folder: &Path) -> Vec<Leftover> {
    let opened = paths(folder).into_iter().filter_map(|path| {
        let file = OpenOptions::new().read(true).append(true).open(&path).ok()?;
        let locks = match file.try_lock() {
            Err(TryLockError::WouldBlock) => return None,
            locked => locked.is_ok(),
        };
        let contents = read(&file)?;
        let book = Book { path, file, synced: None, damaged: contents.unread > 0 };
        // Some network file systems have no locks.
        if !locks && Path::new("/proc").join(contents.header.pid.to_string()).exists() {
            return None;
        }
        cut_back(&book.file).ok()?;
        Some(Leftover { contents, book })
    });
    let (left, done): (Vec<_>, Vec<_>) = opened.partition(|left| !left.contents.open.is_empty() || left.contents.unread > 0);
    done.into_iter().for_each(|leftover| leftover.book.remove());
    left
}

/// What sessions that live have changed, this file left out.
pub fn living(folder: &Path, own: Option<&Path>) -> Vec<Contents> {
    let others = paths(folder).into_iter().filter(|path| Some(path.as_path()) != own);
    let held = others.filter_map(|path| {
        let file = File::open(&path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read(&file),
            _ => None,
        }
    });
    held.collect()
}

/// Close in the files of all sessions but this what is chosen of their entries: a level that is to stay is nobody's to put back.
/// A session that lives finds that in its file before it puts anything back.
///
/// # Errors
/// [`Kind::File`] when one cannot be written.
pub(super) fn release(folder: &Path, own: Option<&Path>, chosen: impl Fn(&Entry) -> Vec<String>) -> Result<()> {
    for path in paths(folder).into_iter().filter(|path| Some(path.as_path()) != own) {
        let Ok(mut file) = OpenOptions::new().read(true).append(true).open(&path) else { continue };
        for entry in read(&file).into_iter().flat_map(|contents| contents.open) {
            let names = chosen(&entry);
            if !names.is_empty() {
                put(&mut file, &Line::Closed { id: entry.id, names }).map_err(|error| unwritable(&path, &error))?;
            }
        }
    }
    Ok(())
}

/// What in this folder is not believed, in sentences.
pub fn doubts(folder: &Path) -> Vec<String> {
    match doubt_folder(folder) {
        Some(doubt) => vec![doubt],
        None => listed(folder).iter().filter_map(|path| doubt_file(path)).collect(),
    }
}

/// The files that are believed.
fn paths(folder: &Path) -> Vec<PathBuf> {
    if doubt_folder(folder).is_some() {
        return Vec::new();
    }
    listed(folder).into_iter().filter(|path| doubt_file(path).is_none()).collect()
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect();
    paths.sort();
    paths
}

/// What a crash cut off was not done yet: half a line goes.
fn cut_back(mut file: &File) -> std::io::Result<()> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut text)?;
    match text.iter().rposition(|byte| *byte == b'\n') {
        Some(last) if last + 1 < text.len() => file.set_len(last as u64 + 1),
        _ => Ok(()),
    }
}

/// A line at the end: whole, or not at all. A full disk must not leave half a one, which would swallow the next.
fn append(file: &mut File, text: &[u8], write: impl FnOnce(&mut File, &[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let before = file.seek(SeekFrom::End(0))?;
    let mut line = Vec::with_capacity(text.len() + 1);
    if before > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(before - 1))?;
        file.read_exact(&mut last)?;
        // A crash may have cut the last one off.
        line.extend((last != *b"\n").then_some(b'\n'));
    }
    line.extend(text);
    write(file, &line).inspect_err(|_| {
        // What cannot be cut off is closed by the next line, and reported by who reads it.
        let _ = file.set_len(before);
    })
}

/// A crash may have cut the last line off, before what it tells of was done; lines of a newer version are not understood and
/// left to it.
fn read(mut file: &File) -> Option<Contents> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let header: Header = serde_json::from_str(lines.next()?).ok()?;
    if header.version != VERSION {
        return None;
    }
    let mut open: Vec<Entry> = Vec::new();
    let (mut unread, mut cut) = (0, false);
    for line in lines.filter(|line| !line.is_empty()) {
        cut = false;
        match serde_json::from_str(line) {
            Ok(Line::Tuned(entry)) => open.push(entry),
            Ok(Line::Closed { id, names }) => close(&mut open, id, &names),
            Err(error) => {
                cut = error.is_eof();
                unread += 1;
            }
        }
    }
    // The last line alone, if it only lacks its end.
    unread -= usize::from(cut);
    Some(Contents { header, open, unread })
}

/// These names of that entry need no undo any more.
pub fn close(open: &mut Vec<Entry>, id: u64, names: &[String]) {
    let closed = |setting: &Setting| names.contains(&setting.name);
    open.iter_mut().filter(|entry| entry.id == id).for_each(|entry| entry.settings.retain(|setting| !closed(setting)));
    open.retain(|entry| !entry.settings.is_empty());
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    // Other sessions may add a line (`release`): each stands at the end, whoever writes.
    options.read(true).append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, format!("the ledger {} cannot be written, and without it nothing is changed", path.display()))
        .caused_by(error)
        .hint("is the disk full, or the folder not yours? XDG_STATE_HOME names another")
}

#[cfg(test)]
mod tests {
    use super::super::ledger_entry::Process;
    use super::super::testing::at;
    use super::super::tune::Place;
    use super::*;

    /// A folder of its own, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pilotage-ledger-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn header() -> Header {
        Header::new(at("2026-11-22T10:00:00Z"), "lab".into(), "context lab".into(), &Shelf::default())
    }

    fn entry(id: u64, names: &[&str]) -> Entry {
        let place = Place { cluster: "lab".into(), namespace: "n".into(), pod: "p".into(), port: 15000, exec: None };
        let setting = |name: &&str| Setting { name: (*name).into(), old: Some("warning".into()), new: "debug".into() };
        let settings = names.iter().map(setting).collect();
        Entry { id, at: at("2026-11-22T10:00:01Z"), place, process: Process::default(), settings }
    }

    #[test]
    fn a_session_that_ended_leaves_what_it_did_not_close() {
        let folder = Folder::new("left");
        let mut book = Book::create(&folder.0, &header()).unwrap();
        book.tuned(&entry(1, &["rbac", "jwt"])).unwrap();
        book.tuned(&entry(2, &["http"])).unwrap();
        book.closed(1, &["jwt".into()]).unwrap();
        assert!(leftovers(&folder.0).is_empty(), "it lives");
        assert_eq!(living(&folder.0, None)[0].open.len(), 2);
        assert!(living(&folder.0, Some(book.path())).is_empty());
        drop(book);
        assert!(living(&folder.0, None).is_empty(), "it ended");
        let left = leftovers(&folder.0).remove(0);
        assert_eq!(left.contents.open, [entry(1, &["rbac"]), entry(2, &["http"])]);
        assert_eq!(left.contents.header, header());
    }

    #[test]
    fn what_left_nothing_is_removed_and_a_cut_line_is_no_harm() {
        let folder = Folder::new("nothing");
        let mut book = Book::create(&folder.0, &header()).unwrap();
        book.tuned(&entry(1, &["rbac"])).unwrap();
        book.file.write_all(b"{\"tuned\":{\"id\":2,").unwrap();
        let path = book.path().to_owned();
        drop(book);
        let mut left = leftovers(&folder.0).remove(0);
        assert_eq!(left.contents.open.len(), 1);
        left.book.closed(1, &["rbac".into()]).unwrap();
        drop(left);
        assert!(leftovers(&folder.0).is_empty() && !path.exists());
    }

    #[test]
    fn a_full_disk_leaves_no_half_line_and_what_cannot_be_read_is_counted_and_stays() {
        let folder = Folder::new("full");
        let mut book = Book::create(&folder.0, &header()).unwrap();
        let full = |file: &mut File, text: &[u8]| {
            file.write_all(&text[..text.len() / 2])?;
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        };
        append(&mut book.file, b"{\"tuned\":{\"id\":1}}\n", full).unwrap_err();
        book.tuned(&entry(2, &["rbac"])).unwrap();
        let whole = read(&book.file).unwrap();
        assert_eq!((whole.open.len(), whole.unread), (1, 0));
        book.file.write_all(b"{\"tuned\":{\"id\":3,").unwrap();
        book.tuned(&entry(4, &["jwt"])).unwrap();
        let torn = read(&book.file).unwrap();
        assert_eq!((torn.open.len(), torn.unread), (2, 1));
        for (id, name) in [(2, "rbac"), (4, "jwt")] {
            book.closed(id, &[name.into()]).unwrap();
        }
        let path = book.path().to_owned();
        drop(book);
        let left = leftovers(&folder.0).remove(0);
        assert_eq!((left.contents.open.len(), left.contents.unread), (0, 1));
        left.book.remove();
        assert!(path.exists());
        leftovers(&folder.0).remove(0).book.discard();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_stops_the_tune() {
        let folder = Folder::new("file");
        std::fs::write(&folder.0, "in the way").unwrap();
        let error = Book::create(&folder.0, &header()).unwrap_err();
        assert!(error.kind() == Kind::File && error.message().contains("nothing is changed"), "{error}");
        std::fs::remove_file(&folder.0).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        let book = Book::create(&folder.0, &header()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(book.path()), mode(&folder.0)), (0o600, 0o700));
    }
}
