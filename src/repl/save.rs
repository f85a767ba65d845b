//! `:save`: the session as a playbook. The journal of what was typed is kept here.

use super::command::{Command, Takes};
use super::{Next, Session, show};
use crate::Pilotage;
use crate::backend::Effect;
use crate::error::{Error, Kind, Result};
use crate::host::distill::{Distilled, Input, Keep, Recorded};
use crate::host::{Failure, Files, Playbook};
use crate::render::style;
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Keep what its last result and its findings depend on.
pub const SAVE: Command = Command {
    names: &["save"],
    argument: "[--force] NAME",
    takes: Takes::Text,
    about: "turns the session into a playbook that reports what it found",
    manual: "It keeps the lines on which the findings depend, or the last result when there are none; failures, repeats and looks \
             are left out. Pods and namespaces become parameters with the values they had; tokens become parameters without any.\n\n\
             A `:run` is no part of it, and neither is what depends on its result: that is said.\n\n\
             NAME lies in your folder of scripts, where `pilotage run NAME` finds it; with a slash in it, or ending in `.rhai`, it is a \
             path. A command that runs it as the session saw things is printed below it. What is there already is replaced with `--force` only. `:save! NAME` keeps every line that worked.",
    run: |session, argument| save(session, argument, Keep::Needed),
};

/// Keep every line that worked.
pub const SAVE_ALL: Command = Command {
    names: &["save!"],
    argument: "[--force] NAME",
    takes: Takes::Text,
    about: "does the same with every line that worked, and every result that was shown",
    manual: "",
    run: |session, argument| save(session, argument, Keep::All),
};

/// What was typed, as long as one engine lasts: another one knows nothing of it.
#[derive(Default)]
pub(super) struct Journal(Mutex<Typed>);

#[derive(Default)]
struct Typed {
    engine: Weak<Pilotage>,
    inputs: Vec<Input>,
    /// The places that it went away from since the first of them.
    left: BTreeSet<String>,
}

impl Typed {
    fn is_of(&self, engine: &Arc<Pilotage>) -> bool {
        std::ptr::eq(self.engine.as_ptr(), Arc::as_ptr(engine))
    }
}

impl Journal {
    /// Keep an input that was evaluated.
    pub(super) fn keep(&self, engine: &Arc<Pilotage>, text: &str, outcome: std::result::Result<Option<usize>, &Failure>) {
        self.lock_of(engine).inputs.push(Input::new(text, engine.deeds(), outcome));
    }

    /// Keep that a command gave a result.
    pub(super) fn keep_command(&self, engine: &Arc<Pilotage>, typed: &str, result: Option<usize>) {
        self.lock_of(engine).inputs.push(Input::command(typed, result));
    }

    /// The session goes to another place.
    pub(super) fn leave(&self, place: &str) {
        let mut journal = self.lock();
        if !journal.inputs.is_empty() {
            journal.left.insert(place.to_owned());
        }
    }

    fn inputs(&self, engine: &Arc<Pilotage>) -> Vec<Input> {
        let journal = self.lock();
        if journal.is_of(engine) { journal.inputs.clone() } else { Vec::new() }
    }

    /// What whoever saves it must know where it asked in several places: a playbook asks in one.
    fn elsewhere(&self, place: &str) -> Option<String> {
        let journal = self.lock();
        let others: Vec<&str> = journal.left.iter().map(String::as_str).filter(|other| *other != place).collect();
        (!others.is_empty()).then(|| {
            let others = others.join(", ");
            format!("this session also asked {others}; the playbook asks only where it is run: read it before you do")
        })
    }

    /// What was typed into this engine.
    fn lock_of(&self, engine: &Arc<Pilotage>) -> MutexGuard<'_, Typed> {
        let mut journal = self.lock();
        if !journal.is_of(engine) {
            *journal = Typed { engine: Arc::downgrade(engine), ..Typed::default() };
        }
        journal
    }

    fn lock(&self) -> MutexGuard<'_, Typed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn save(session: &Session, argument: &str, keep: Keep) -> Result<Next> {
    let (force, name) = match argument.strip_prefix("--force") {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => (true, rest.trim()),
        _ => (false, argument),
    };
    let file = file(session, name)?;
    let called = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if !force {
        free(name, &file)?;
    }
    let engine = session.pilotage();
    let at = Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    let place = session.ground.place();
    let elsewhere = session.journal.elsewhere(&place.name);
    let recorded = Recorded { name: called, at, place: place.name, chosen: place.chosen };
    let distilled = engine.distill(&session.journal.inputs(&engine), &recorded, keep)?;
    write(&file, &distilled.text, force)?;
    for note in distilled.notes.iter().chain(&elsewhere) {
        style::write_stderr(&show::note(note, &session.looks.err()));
    }
    let told = told(session, name, &file, &distilled);
    session.print(&format!("{}\n{}", distilled.text, session.looks.out().paint(style::FAINT, &told) + "\n"));
    Ok(Next::Go)
}

/// Where a playbook of this name is to lie.
fn file(session: &Session, name: &str) -> Result<PathBuf> {
    let is_path = Playbook::is_path(name);
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) && !name.starts_with(['.', '-']);
    if name.is_empty() {
        let error = Error::new(Kind::Usage, ":save needs a name");
        return Err(error.hint("`:save stale-endpoints` for `pilotage run stale-endpoints`; `:save ./case.rhai` for a file here"));
    }
    if !plain && (!is_path || name.ends_with('/') || name.starts_with('-') || name.contains(char::is_whitespace)) {
        let error = Error::new(Kind::BadInput, format!("{name:?} is no name of a playbook"));
        return Err(error.hint("`:save NAME`, of letters, digits and `-`; or a path that ends in .rhai"));
    }
    if is_path {
        let ending = if name.ends_with(".rhai") { "" } else { ".rhai" };
        return Ok(Files::at_home(&format!("{name}{ending}")));
    }
    let nowhere = || Error::new(Kind::File, "you have no folder of scripts").hint("give a path: `:save ./NAME.rhai`");
    Ok(session.scripts.clone().ok_or_else(nowhere)?.join(format!("{name}.rhai")))
}

/// Nothing is replaced, or hidden, unasked.
fn free(name: &str, file: &Path) -> Result<()> {
    let again = format!("`:save --force {name}` does it all the same; or take another name");
    if file.exists() {
        return Err(Error::new(Kind::Refused, format!("{} exists: it is not replaced", file.display())).hint(again));
    }
    if Playbook::shipped().iter().any(|shipped| shipped.name == name) {
        let message = format!("{name} ships with pilotage: one of yours would be run in its place");
        return Err(Error::new(Kind::Refused, message).hint(again));
    }
    Ok(())
}

/// Write it whole or not at all.
fn write(file: &Path, text: &str, force: bool) -> Result<()> {
    let fails = |error: std::io::Error| {
        let what = if error.kind() == std::io::ErrorKind::AlreadyExists { "exists by now" } else { "cannot be written" };
        Error::new(Kind::File, format!("{} {what}", file.display())).caused_by(&error)
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fails)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    // What another process of this number left there goes; a link that waits there is not followed.
    let _ = std::fs::remove_file(&beside);
    let written =
        std::fs::File::create_new(&beside).and_then(|mut new| new.write_all(text.as_bytes()).and_then(|()| new.sync_all()));
    // A link fails where something lies already; a rename replaces it.
    let placed = written.and_then(|()| if force { std::fs::rename(&beside, file) } else { std::fs::hard_link(&beside, file) });
    if !force || placed.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    placed.map_err(fails)
}

/// Where it lies, and how it is run.
fn told(session: &Session, name: &str, file: &Path, distilled: &Distilled) -> String {
    let (kept, of) = distilled.kept;
    // A name means what lies here before what lies in the folder of scripts.
    let here = Path::new(&format!("{name}.rhai")).exists();
    let is_path = Playbook::is_path(name) || here;
    let mut words = vec![if is_path { file.display().to_string() } else { name.to_owned() }];
    for param in distilled.params.iter().filter(|param| param.value.is_none()) {
        words.extend([format!("--{}", param.name), "@FILE".into()]);
    }
    if let Some(namespace) = &distilled.namespace {
        words.extend(["--namespace".into(), namespace.clone()]);
    }
    if distilled.needs > Effect::Observe {
        words.extend(["--allow".into(), distilled.needs.word().into()]);
    }
    let run = session.ground.run_line(&words);
    format!("{kept} of {of} statements, in {}; run it with:\n{run}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_replaced_only_when_told_to() {
        let folder = std::env::temp_dir().join(format!("pilotage-save-{}", std::process::id()));
        let file = folder.join("sub/a.rhai");
        write(&file, "1", false).unwrap();
        assert_eq!(free("a", &file).unwrap_err().kind(), Kind::Refused);
        assert!(write(&file, "2", false).unwrap_err().message().ends_with("exists by now"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "1");
        write(&file, "2", true).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "2");
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        let other = folder.join("other");
        std::fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, folder.join(format!("sub/.a.rhai.{}", std::process::id()))).unwrap();
        write(&file, "3", true).unwrap();
        assert_eq!(
            (std::fs::read_to_string(&other).unwrap(), std::fs::read_to_string(&file).unwrap()),
            ("kept".into(), "3".into())
        );
        assert_eq!(free("jwks-certificate", &folder.join("none")).unwrap_err().kind(), Kind::Refused);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_session_that_went_elsewhere_is_told_of() {
        let engine = Arc::new(Pilotage::builder(Arc::new(crate::backend::demo().unwrap())).build().unwrap());
        let journal = Journal::default();
        journal.leave("early");
        engine.enter("1 + 1").unwrap();
        journal.keep(&engine, "1 + 1", Ok(Some(1)));
        assert_eq!((journal.inputs(&engine).len(), journal.elsewhere("lab")), (1, None));
        journal.leave("lab");
        assert_eq!(journal.elsewhere("lab"), None, "it came back");
        assert!(journal.elsewhere("prod").is_some_and(|note| note.contains("also asked lab;")));
    }
}
