//! Documents from files and from standard input, for everything that reads what a proxy said; and which files a script may
//! touch at all.

use super::clean::{self, Owner};
use super::read_parts;
use super::unpack::{self, Text};
use crate::envoy::foreign;
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Files, Input, Reading};
use crate::json::Doc;
use crate::mesh::Mesh;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use crate::mesh::pod_ref::{STDIN, names_file};

/// The document that a file holds; of one that is cut off, what came whole. What was odd is noted. A page that is text is a JSON
/// string then.
///
/// # Errors
/// When the script may not read it, it cannot be read, or it holds something else.
pub fn document(call: &Call, file: &str) -> Fallible<Arc<Doc>> {
    let file = file.trim();
    let mesh = call.mesh();
    if file == STDIN {
        let doc = call.wait(async { blocking(stdin(call)?).await })?;
        return Ok(doc);
    }
    let path = call.check(allowed(&call.session().files(), file))?;
    let (mesh, name, reading) = (mesh.clone(), file.to_owned(), call.session().reading());
    call.wait(blocking(move || file_document(&mesh, &name, &path, Owner::Proxy, reading)))
}

/// Pieces of a file, handed on as they are read; gives why it broke off, if it did.
pub type Pieces<'a> = dyn FnMut(&mut dyn FnMut(&[u8])) -> Result<Option<String>> + 'a;

/// Let somebody read a file, or standard input, piece by piece: its size does not matter then. What was odd is noted.
///
/// # Errors
/// When the script may not read it, or it cannot be read.
pub fn streamed<T: Send + 'static>(
    call: &Call,
    file: &str,
    work: impl FnOnce(&mut Pieces<'_>) -> Result<(T, Option<String>)> + Send + 'static,
) -> Fallible<T> {
    let name = if file == STDIN { "standard input".to_owned() } else { file.to_owned() };
    let (told, most) = (name.clone(), call.session().reading().unpacked);
    let (read, cut) = if file == STDIN {
        call.check(stdin_is_free(call))?;
        call.wait(blocking(move || work(&mut |sink| pieces(&name, std::io::stdin().lock(), most, sink))))?
    } else {
        let path = call.check(allowed(&call.session().files(), file))?;
        call.wait(blocking(move || {
            let opened = ordinary(&name, &path)?;
            work(&mut |sink| pieces(&name, &opened, most, sink))
        }))?
    };
    if let Some(why) = cut {
        call.mesh().note_missing(format!("{told} is cut off ({why}); what came whole before is used"));
    }
    Ok(read)
}

fn pieces(name: &str, from: impl Read, most: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Option<String>> {
    unpack::stream(from, most, sink).map_err(|error| unreadable(name, &error))
}

/// Reading may take long or for ever; Ctrl-C ends the waiting for it.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let died = |error: tokio::task::JoinError| Error::new(Kind::Internal, "reading a file broke off").cause(error);
    tokio::task::spawn_blocking(work).await.map_err(died)?
}

/// That standard input is a pipe, and not in use.
fn stdin_is_free(call: &Call) -> Result<()> {
    let no =
        |why: &str, hint: &str| Err(Error::new(Kind::BadInput, format!("standard input cannot be read here: {why}")).hint(hint));
    let pipe = "pipe a file into a command of its own: `cat dump.json | pilotage eval 'clusters(\"-\")'`";
    match call.session().input() {
        Input::Taken(why) => no(why, "give the name of a file"),
        Input::Prompt => no("it is where you type", &format!("give the name of a file, or {pipe}")),
        Input::Free if std::io::stdin().is_terminal() => no("it is the terminal", pipe),
        Input::Free => Ok(()),
    }
}

/// Standard input comes once: what it held is kept for the next who asks.
fn stdin(call: &Call) -> Result<impl FnOnce() -> Result<Arc<Doc>> + Send + 'static> {
    stdin_is_free(call)?;
    let (kept, mesh, reading) = (call.session().piped().clone(), call.mesh().clone(), call.session().reading());
    Ok(move || {
        let read = || {
            let text = unpack::read(std::io::stdin().lock(), None, reading.unpacked)
                .map_err(|error| unreadable("standard input", &error))?;
            parse(&mesh, "standard input", Path::new(""), text, Owner::Proxy.of(reading))
        };
        kept.get_or_init(read).clone()
    })
}

/// The document of an ordinary file.
///
/// # Errors
/// As [`document`].
pub fn file_document(mesh: &Mesh, name: &str, path: &Path, owner: Owner, reading: Reading) -> Result<Arc<Doc>> {
    let mut file = ordinary(name, path)?;
    let text = text(&mut file, path, reading).map_err(|error| unreadable(name, &error))?;
    parse(mesh, name, path, text, owner.of(reading))
}

fn text(file: &mut File, path: &Path, reading: Reading) -> std::io::Result<Text> {
    let (mut head, size) = ([0; 4], size(file)?);
    let known = file.read(&mut head)?;
    file.rewind()?;
    let size_if_plain = size.filter(|_| unpack::is_plain(&head[..known]));
    match size_if_plain.and_then(|size| read_parts::whole(path, usize::try_from(size).ok()?)) {
        Some(bytes) => Ok(Text { bytes, cut: None }),
        None => unpack::read(file, size, reading.unpacked),
    }
}

/// Open a file. A device or a pipe may never end.
///
/// # Errors
/// When it cannot be opened, or is no ordinary file.
pub fn ordinary(name: &str, path: &Path) -> Result<File> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(name, &error))?;
    if !about.is_file() {
        let hint = match about.is_dir() {
            true => "it is a folder: give the path of a file in it",
            false => "give the path of a file; what another program writes is read with \"-\", from standard input",
        };
        return Err(Error::new(Kind::File, format!("{name} is no ordinary file")).hint(hint));
    }
    File::open(path).map_err(|error| unreadable(name, &error))
}

/// How many bytes will come; of a gzip, what it says itself.
fn size(file: &mut File) -> std::io::Result<Option<u64>> {
    let (mut start, mut end) = ([0; 2], [0; 4]);
    let length = file.metadata()?.len();
    if length < 18 {
        return Ok(Some(length));
    }
    file.read_exact(&mut start)?;
    let size = if start == [0x1F, 0x8B] {
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut end)?;
        unpack::gzip_size(end, length)
    } else {
        Some(length)
    };
    file.rewind()?;
    Ok(size)
}

fn parse(mesh: &Mesh, name: &str, path: &Path, text: Text, owner: Owner) -> Result<Arc<Doc>> {
    if let Some(why) = &text.cut {
        mesh.note_missing(format!("{name} is cut off ({why}); what came whole before is used"));
    }
    if text.bytes.trim_ascii().is_empty() {
        return Err(Error::new(Kind::BadInput, format!("{name} is empty ({} bytes)", text.bytes.len())).hint(
            "the command that should have written it failed, or its answer was empty: look at its messages, and save it again",
        ));
    }
    if is_yaml(path) {
        return clean::document(of_yaml(name, &text.bytes)?, owner);
    }
    // Nobody else may hold the text: what is cut off is mended where it stands.
    let start = text.bytes[..text.bytes.len().min(4096)].to_vec();
    let looks = foreign::text(&start);
    if looks.as_ref().is_some_and(|told| told.page) {
        return Doc::from_value(&clean::text(&text.bytes, owner).into());
    }
    match clean::parse(text.bytes, owner) {
        Ok(doc) => {
            let tell = |note: &String| {
                if doc.is_cut() { mesh.note_missing(format!("{name}: {note}")) } else { mesh.note(format!("{name}: {note}")) }
            };
            doc.notes().iter().for_each(tell);
            Ok(doc)
        }
        Err(error) => Err(match looks {
            Some(told) => told.error(name),
            None => error.context(format!("{name} cannot be used")),
        }),
    }
}

fn is_yaml(path: &Path) -> bool {
    let packed = path.extension().is_some_and(|ending| ending == "gz" || ending == "zst");
    let inner = if packed { path.with_extension("") } else { path.to_owned() };
    inner.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// What istioctl kept as YAML.
fn of_yaml(name: &str, text: &[u8]) -> Result<Arc<Doc>> {
    let bad = |error: String| Error::new(Kind::BadInput, format!("{name} is not what its name says")).cause(error);
    let text = std::str::from_utf8(text).map_err(|error| bad(error.to_string()))?;
    let value: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|error| bad(error.to_string()).hint("was it cut off or edited? save it again, best as JSON"))?;
    Doc::from_value(&value)
}

/// Where a file lies that a script names.
///
/// # Errors
/// When a playbook names one that is none of its business.
pub fn allowed(files: &Files, file: &str) -> Result<PathBuf> {
    let Files::Below(root) = files else { return Ok(Files::at_home(file)) };
    let path = Path::new(file);
    let leaves = path.is_absolute() || path.components().any(|part| matches!(part, Component::ParentDir));
    let real = if leaves || file.starts_with("~/") { None } else { below(&root.join(path), root) };
    let Some(real) = real else {
        let hint = format!("a playbook may only touch files below {}", root.display());
        return Err(Error::new(Kind::Refused, format!("{file} lies outside of the folder this playbook is run in")).hint(hint));
    };
    // A home folder is a folder too: keys, kubeconfigs and start-up files in it are no playbook's business.
    let hidden = |part: Component<'_>| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.'));
    if path.components().chain(real.components()).any(hidden) {
        return Err(Error::new(Kind::Refused, format!("{file} is hidden, and a playbook may not touch hidden files"))
            .hint("use a file whose name and folders begin with no dot"));
    }
    Ok(root.join(path))
}

/// Where below the folder something really lies: a link may lead out of it although its name does not, also one to a file that
/// is yet to be made.
fn below(path: &Path, root: &Path) -> Option<PathBuf> {
    let existing = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok())?;
    let (real, root) = (existing.canonicalize().ok()?, root.canonicalize().ok()?);
    Some(real.strip_prefix(root).ok()?.to_owned())
}

/// That a file cannot be read, and what may be done.
pub fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "is the name right, and the folder? a pod is named \"name.namespace\" or \"deploy/name\"",
        std::io::ErrorKind::FileTooLarge => "is it what you take it for? `--max-unpacked MIB` lets it be so large",
        std::io::ErrorKind::PermissionDenied => "you may not read it: `ls -l` shows who may",
        std::io::ErrorKind::OutOfMemory => "ask for less at once: `#{ mask: \"dynamic_listeners\" }`",
        _ => "copy or save it again",
    };
    Error::new(Kind::File, format!("{name} cannot be read")).caused_by(error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_lead_a_playbook_nowhere_else() {
        use std::os::unix::fs::symlink;
        let top = std::env::temp_dir().join(format!("pilotage-links-{}", std::process::id()));
        let (inside, outside) = (top.join("inside"), top.join("outside"));
        let at = |name: &str| inside.join(name);
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(at(".kube")).unwrap();
        std::fs::write(at(".kube/config"), "").unwrap();
        std::fs::write(at("own.json"), "").unwrap();
        std::fs::write(outside.join("other.json"), "").unwrap();
        symlink(outside.join("other.json"), at("out.json")).unwrap();
        symlink(outside.join("new.json"), at("new.json")).unwrap();
        symlink(&outside, at("folder")).unwrap();
        symlink(at(".kube/config"), at("config.json")).unwrap();
        symlink(at("own.json"), at("same.json")).unwrap();
        let files = Files::Below(inside.clone());
        for refused in
            ["out.json", "new.json", "folder/new.json", "config.json", ".kube/config", "../a.json", "/a.json", "~/a.json"]
        {
            assert_eq!(allowed(&files, refused).unwrap_err().kind(), Kind::Refused, "{refused}");
        }
        for fine in ["own.json", "same.json", "yet/to/come.json"] {
            assert_eq!(allowed(&files, fine).unwrap(), at(fine));
        }
        std::fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_files_name_is_told_from_a_pods() {
        for file in [
            "-",
            "./a",
            "../a",
            "/tmp/a",
            "~/a",
            "dump.json",
            "dumps/a.JSON",
            "a.b.json.gz",
            "x.zst",
            "ps.txt",
            " a.yaml ",
            "old.tape",
        ] {
            assert!(names_file(file), "{file}");
        }
        for pod in [
            "web",
            "web-0.shop",
            "shop/web-0",
            "deploy/web",
            "deploy/web.shop",
            "deploy/web.json",
            "pod/a.txt",
            "sts/db.gz",
            "json",
            ".json",
            "json/web",
            "a.jsonx",
            "",
        ] {
            assert!(!names_file(pod), "{pod}");
        }
    }
}
