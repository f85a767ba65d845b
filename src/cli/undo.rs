//! `pilotage undo`: put back what sessions set that ended without doing so; and what every session does at its end.

use super::app::{App, Outcome};
use super::options::Options;
use super::{connect, places};
use crate::Undoer;
use crate::backend::{
    Connect, Entry, How, Ledger, LedgerHeader, Leftover, UndoRow, Undone, Which, contexts, ledger_doubts, leftovers,
};
use crate::error::{Error, Kind};
use crate::host::Session;
use crate::record::Record;
use crate::render::{Look, style};
use crate::repl::show;
use crate::report::{Content, Table};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// More lines than these about what was put back are counted, not told.
const MOST: usize = 6;
/// Only part of it could be put back.
const PARTIAL: u8 = 4;

/// Arguments of `pilotage undo`.
#[derive(Debug, Args)]
pub struct Undo {
    /// Only tell what is still set, and what would be put back
    #[arg(long)]
    dry_run: bool,
    /// Put nothing back, and do not mention it again: for clusters that are gone
    #[arg(long, conflicts_with = "dry_run")]
    forget: bool,
}

impl Undo {
    /// Put back what ended sessions left, the newest first, and print what became of it.
    pub fn main(&self, app: &App) -> Outcome {
        let folder = places::ledger().ok_or_else(no_home)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "no runtime for asking questions").caused_by(&error))?;
        let mut all = Vec::new();
        let doubts = ledger_doubts(&folder);
        doubts.iter().for_each(|doubt| app.note(doubt));
        let (mut forgotten, mut damaged) = (false, !doubts.is_empty());
        let mut seen: Vec<PathBuf> = Vec::new();
        // One at a time: a session's file that is held counts as one that lives. The newest stands on the older ones.
        while let Some(left) = newest(&folder, &seen) {
            seen.push(left.book.path().to_owned());
            if !self.is_meant(app, &left) {
                continue;
            }
            if self.forget {
                app.note(&format!("left as set: {}", levels(&left.contents.open)));
                left.book.discard();
                forgotten = true;
                continue;
            }
            damaged |= left.contents.unread > 0;
            unreadable(&left).iter().for_each(|told| app.note(told));
            let undone = runtime.block_on(self.one(app, left));
            // In truth the later session's undo takes the earlier one's with it.
            let told = |one: &Undone| self.dry_run && all.iter().any(|other| one.is_of(other));
            let fresh: Vec<Undone> = undone.into_iter().filter(|one| !told(one)).collect();
            all.extend(fresh);
        }
        if all.is_empty() {
            if !forgotten && !damaged {
                app.tell("nothing is left to be put back\n");
            }
            return Ok(if damaged { PARTIAL } else { 0 });
        }
        app.quiet();
        for failed in all.iter().filter(|undone| !undone.is_settled()) {
            app.note(&failed.told());
        }
        if self.dry_run {
            app.note("nothing is done: this is what would be");
        }
        app.show(&Content::Table(table(&all, self.dry_run)))?;
        let failed = all.iter().filter(|undone| !undone.is_settled()).count();
        Ok(if failed == 0 && !damaged {
            0
        } else if failed == all.len() {
            1
        } else {
            PARTIAL
        })
    }

    fn is_meant(&self, app: &App, left: &Leftover) -> bool {
        let (options, header) = (&app.options, &left.contents.header);
        options.context.as_ref().is_none_or(|context| *context == header.cluster)
            && options.cluster.as_ref().is_none_or(|cluster| self::cluster(options, header).is_none_or(|own| own == *cluster))
    }

    /// What one session left, through the cluster it was connected to.
    async fn one(&self, app: &App, left: Leftover) -> Vec<Undone> {
        let mut options = app.options.clone();
        let header = left.contents.header.clone();
        options.context = Some(header.cluster.clone()).filter(|cluster| cluster != "in-cluster");
        // What the session read, whatever KUBECONFIG is in this shell.
        options.kubeconfig = options.kubeconfig.or(header.kubeconfig.clone().map(PathBuf::from));
        // What it chose in place of the context's, unless somebody chooses now.
        options.cluster = options.cluster.or(header.chosen_cluster.clone());
        options.user = options.user.or(header.chosen_user.clone());
        let entries = left.contents.open.clone();
        let backend = tokio::task::spawn_blocking(move || connect::bare_source(&options)).await;
        let backend = backend.unwrap_or_else(|error| Err(Error::new(Kind::Internal, "connecting failed").cause(error)));
        match backend {
            Ok(backend) => {
                let ledger = Ledger::adopt(backend, connect::shelf(&app.options), left);
                let which = Which { dry_run: self.dry_run, ..Which::default() };
                ledger.undo(&which, app.options.timeout.max(Session::patience(entries.len()))).await
            }
            Err(error) => {
                if let Some(list) = header.kubeconfig {
                    let told = format!(
                        "the session on {} read KUBECONFIG={list}: with those files `pilotage undo` finds the cluster; --kubeconfig names another",
                        header.cluster
                    );
                    app.note(&told);
                }
                entries.iter().flat_map(|entry| unreached(entry, &error)).collect()
            }
        }
    }
}

/// The cluster of the kubeconfig that a session was on, as far as that can still be told.
fn cluster(options: &Options, header: &LedgerHeader) -> Option<String> {
    let of_context = || {
        let kubeconfig = options.kubeconfig.clone().or(header.kubeconfig.clone().map(PathBuf::from));
        let all = contexts(&Connect { kubeconfig, ..Connect::default() }).ok()?;
        all.into_iter().find(|one| one.name == header.cluster).map(|one| one.cluster)
    };
    header.chosen_cluster.clone().or_else(of_context)
}

fn no_home() -> Error {
    Error::new(Kind::File, "there is no folder of yours in which sessions could have kept what they set")
        .hint("set HOME, or XDG_STATE_HOME")
}

fn newest(folder: &std::path::Path, seen: &[PathBuf]) -> Option<Leftover> {
    let fresh = leftovers(folder).into_iter().filter(|left| !seen.iter().any(|path| path == left.book.path()));
    fresh.max_by_key(|left| left.contents.open.iter().map(|entry| entry.at).max())
}

fn unreadable(left: &Leftover) -> Option<String> {
    let (count, path) = (left.contents.unread, left.book.path().display());
    (count > 0).then(|| {
        format!(
            "{count} lines of {path} cannot be read: what they tell of may still be set; `log_levels()` shows it, and `pilotage undo --forget` removes the file"
        )
    })
}

fn unreached(entry: &Entry, error: &Error) -> Vec<Undone> {
    let undone = |setting: &crate::backend::Setting| Undone {
        place: entry.place.clone(),
        name: setting.name.clone(),
        from: Some(setting.new.clone()),
        to: setting.old.clone(),
        how: How::Failed(error.clone()),
    };
    entry.settings.iter().map(undone).collect()
}

/// What became of what was to be put back, or would become of it.
pub fn table(all: &[Undone], dry: bool) -> Table {
    let schema = UndoRow::schema();
    let columns: Vec<String> = schema.names().map(str::to_owned).collect();
    let row = |undone: &Undone| {
        let mut row = UndoRow::from(undone);
        if dry && undone.is_settled() {
            row.told = "nothing is done".into();
        }
        (0..columns.len()).map(|column| row.value(column)).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<serde_json::Value>> = all.iter().map(row).collect();
    Table { columns: columns.clone(), rows: rows.into(), ..Table::default() }
}

/// Put back what this session set, and say so. Whether nothing is left.
pub fn put_back(undoer: &Undoer, look: &Look) -> bool {
    tell(&undoer.undo(Session::patience(undoer.open().len())), look)
}

/// Say what became of what was to be put back. Whether nothing is left.
pub fn tell(undone: &[Undone], look: &Look) -> bool {
    let (back, other): (Vec<_>, Vec<_>) = undone.iter().partition(|one| matches!(one.how, How::PutBack | How::Already));
    let set: Vec<_> = back.into_iter().filter(|one| one.how == How::PutBack).collect();
    if set.len() <= MOST {
        set.iter().for_each(|one| style::write_stderr(&show::note(&one.told(), look)));
    } else {
        let mut pods: Vec<String> = set.iter().map(|one| one.place.to_string()).collect();
        pods.dedup();
        let told = format!("{} log levels of {} are what they were before", set.len(), counted(&pods));
        style::write_stderr(&show::note(&told, look));
        let loud = set.iter().filter(|one| one.is_loud()).count();
        if loud > 0 {
            let told = format!(
                "{loud} of them are at debug or trace, as before this session; if nobody needs that any more, `pilotage run log-levels` finds them"
            );
            style::write_stderr(&show::note(&told, look));
        }
    }
    let mut told = std::collections::BTreeSet::new();
    for one in &other {
        // Of a pod that was restarted one line is enough.
        let key = if one.how == How::Restarted { one.place.to_string() } else { one.told() };
        if told.insert(key) {
            style::write_stderr(&show::note(&one.told(), look));
        }
    }
    other.iter().all(|one| one.is_settled())
}

fn counted(pods: &[String]) -> String {
    match pods {
        [one] => one.clone(),
        many => format!("{} pods", many.len()),
    }
}

/// Say what stays set when the program is left at once.
pub fn tell_left(undoer: &Undoer, look: &Look) {
    let open = undoer.open();
    if !open.is_empty() {
        let told = format!("left as set: {}; `pilotage undo` puts it back", levels(&open));
        style::write_stderr(&show::note(&told, look));
    }
}

/// What sessions left that ended without putting it back, for the next one to tell.
pub fn leftover_notes() -> Vec<String> {
    let Some(folder) = places::ledger() else { return Vec::new() };
    let told = |left: Leftover| {
        if let Some(told) = unreadable(&left).filter(|_| left.contents.open.is_empty()) {
            return told;
        }
        let header = &left.contents.header;
        format!(
            "a session of {} on {} (process {}) ended without putting back what it had set: {}; `pilotage undo` does it",
            header.started.strftime("%Y-%m-%d %H:%M"),
            header.place(),
            header.pid,
            levels(&left.contents.open)
        )
    };
    ledger_doubts(&folder).into_iter().chain(leftovers(&folder).into_iter().map(told)).collect()
}

/// The levels of these entries, a few by name.
fn levels(open: &[Entry]) -> String {
    let mut last: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for entry in open {
        for setting in &entry.settings {
            let old = setting.old.clone().unwrap_or_else(|| "the level of all".into());
            let key = (entry.place.to_string(), setting.name.clone());
            last.entry(key).and_modify(|(_, new)| new.clone_from(&setting.new)).or_insert((old, setting.new.clone()));
        }
    }
    let named = last.iter().take(MOST).map(|((place, name), (old, new))| format!("{name} of {place} is {new} (was {old})"));
    let mut named: Vec<String> = named.collect();
    if last.len() > MOST {
        named.push(format!("{} more", last.len() - MOST));
    }
    named.join(", ")
}
