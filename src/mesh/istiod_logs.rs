//! istiod's log, of every replica of every revision, merged by time.

use super::Mesh;
use super::fan_out::gather;
use super::istiod_choice::{IstiodOptions, Named, chosen};
use super::istiod_page::Replica;
use super::istiods::DISCOVERY;
use super::logs::{lines, read};
use super::since::Since;
use crate::backend::Logs;
use crate::error::{Error, Kind, Result};
use crate::istio::log_line::{parse, rank};
use crate::{options, record};
use jiff::Timestamp;

options! {
    /// Which lines of istiod's logs to read.
    pub struct IstiodLogOptions as "istiod log options" {
        /// Only lines that this regular expression finds. Then each line is a row of its own.
        pub grep: Option<String>,
        /// Only lines of this last span: `"10m"`, or seconds. Without it the whole log is looked through.
        pub since: Option<Since>,
        /// Only lines of this level or worse: `debug`, `info`, `warn`, `error`.
        pub level: Option<String>,
        /// Only lines of this scope: `model`, `ads`.
        pub scope: Option<String>,
        /// Only the last so many lines of each replica, counted before `grep`.
        pub tail: Option<i64>,
        /// The logs from before the last restart.
        pub previous: bool,
        /// Only of this replica: its name, `NAMESPACE/NAME`, or an `istiod` row; of an array of them, of these.
        pub istiod: Option<Named>,
        /// Only of the replicas of this revision, or of the one that this tag stands for.
        pub revision: Option<String>,
    }
}

record! {
    /// A line of istiod's log.
    pub struct IstiodLog as "istiod_log" {
        /// When it was written (RFC 3339).
        pub time: String,
        /// `debug`, `info`, `warn`, `error` or `fatal`; empty when the line has none.
        pub level: String,
        /// The logging scope: `model`, `ads`.
        pub scope: String,
        /// What it says. A message of several lines is one row: settings, certificates, stack traces.
        pub text: String,
        /// The replica that wrote it: `NAMESPACE/NAME`.
        pub istiod: String,
    }
}

/// No message is longer: a log that only looks like one stays lines.
const LONGEST: usize = 64 * 1024;

/// Log lines of all istiods, merged by time. A replica whose log cannot be read becomes a note.
///
/// # Errors
/// When no replica's log could be read, or an option is wrong.
pub async fn istiod_logs(mesh: &Mesh, options: &IstiodLogOptions) -> Result<Vec<IstiodLog>> {
    let least = options.level.as_deref().map(known_level).transpose()?;
    let which = IstiodOptions { istiod: options.istiod.clone(), revision: options.revision.clone() };
    let replicas = chosen(mesh, &which).await?;
    let read = gather(mesh, "log of istiod", replicas, |replica| async move { of_replica(mesh, &replica, options).await });
    let mut rows: Vec<IstiodLog> = read.await?.into_iter().flat_map(|(_, rows)| rows).collect();
    if let Some(scope) = &options.scope {
        note_unseen(mesh, scope, &rows);
    }
    rows.retain(|row| {
        let loud = least.is_none_or(|least| rank(&row.level).is_some_and(|rank| rank >= least));
        loud && options.scope.as_ref().is_none_or(|scope| *scope == row.scope)
    });
    rows.sort_by_cached_key(|row| row.time.parse::<Timestamp>().ok());
    Ok(rows)
}

/// That no line is of this scope, with the one that may be meant.
fn note_unseen(mesh: &Mesh, scope: &str, rows: &[IstiodLog]) {
    if rows.is_empty() || rows.iter().any(|row| row.scope == scope) {
        return;
    }
    let seen = rows.iter().map(|row| row.scope.as_str()).filter(|seen| !seen.is_empty());
    let near = crate::suggest::nearest(scope, seen).map(|near| format!("did you mean {near:?}?"));
    let near = near.unwrap_or_else(|| "`scopes()` lists those that there are".into());
    mesh.note(format!("none of the {} lines that were read is of scope {scope:?}; {near}", rows.len()));
}

fn known_level(word: &str) -> Result<u8> {
    rank(word).ok_or_else(|| {
        Error::new(Kind::BadInput, format!("`{word}` is no log level")).hint("the levels are debug, info, warn and error")
    })
}

async fn of_replica(mesh: &Mesh, replica: &Replica, options: &IstiodLogOptions) -> Result<Vec<IstiodLog>> {
    let ask = Logs {
        namespace: replica.namespace.clone(),
        pod: replica.name.clone(),
        container: Some(DISCOVERY.into()),
        since_seconds: options.since.map(|since| since.0),
        tail: options.tail,
        previous: options.previous,
        grep: options.grep.clone(),
        follow: false,
    };
    let answer = read(mesh, ask).await?;
    let (istiod, log) = (replica.to_string(), answer.text());
    let mut rows: Vec<IstiodLog> = Vec::new();
    for (stamp, text) in lines(&log) {
        match rows.last_mut() {
            // Of chosen lines nobody knows what stood between them.
            Some(last) if options.grep.is_none() && goes_on(text) && last.text.len() < LONGEST => {
                last.text.push('\n');
                last.text.push_str(text);
            }
            _ => rows.push(row(stamp, text, &istiod)),
        }
    }
    Ok(rows)
}

/// The kubelet's time stamp counts where the line has none of its own.
fn row(stamp: &str, text: &str, istiod: &str) -> IstiodLog {
    let line = parse(text);
    let time = if line.time.parse::<Timestamp>().is_ok() { line.time } else { stamp.to_owned() };
    let level = if is_crash(text) { "fatal" } else { line.level };
    IstiodLog { time, level: level.into(), scope: line.scope, text: line.text.into_owned(), istiod: istiod.into() }
}

/// Whether a line has no form of its own: it belongs to the message above it.
fn goes_on(text: &str) -> bool {
    let line = parse(text);
    line.level.is_empty() && line.time.is_empty() && line.text.len() == text.len() && !is_crash(text)
}

/// How a Go program's last words begin.
fn is_crash(text: &str) -> bool {
    text.starts_with("panic: ") || text.starts_with("fatal error: ")
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const LOG: &str = include_str!("../../tests/data/kube/istiod.log");
    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-log.json");

    fn read(fake: Fake, options: &str) -> Result<Vec<IstiodLog>> {
        wait(istiod_logs(&fake.kube("/api/v1/pods?limit=500", PODS).mesh(), &serde_json::from_str(options).unwrap()))
    }

    fn lab() -> Fake {
        Fake::new().says("logs istio-system/istiod-lab -c discovery", LOG)
    }

    #[test]
    fn the_recorded_failure_is_found_by_level_and_scope() {
        let rows = read(lab(), r#"{"level":"error","scope":"model"}"#).unwrap();
        let first = &rows[0];
        assert_eq!(
            (first.level.as_str(), first.scope.as_str(), first.istiod.as_str()),
            ("error", "model", "istio-system/istiod-lab")
        );
        assert_eq!(first.time, "2026-11-22T13:05:59.610913Z");
        assert!(first.text.starts_with("Failed to fetch public key from jwks URI \"https://keycloak"), "{}", first.text);
        assert!(first.text.ends_with("x509: certificate signed by unknown authority"));
        let all = read(lab(), "{}").unwrap();
        assert!(all.len() > rows.len());
        let flag = all.iter().find(|row| row.text.starts_with("FLAG:")).unwrap();
        assert_eq!((flag.level.as_str(), flag.scope.as_str()), ("info", ""));
        assert_eq!((all[0].time.as_str(), all[0].level.as_str()), ("2026-11-22T13:05:25.194094000Z", "error"));
    }

    #[test]
    fn a_scope_without_a_line_is_told_with_the_nearest() {
        let mesh = lab().kube("/api/v1/pods?limit=500", PODS).mesh();
        let of = |scope: &str| IstiodLogOptions { scope: Some(scope.into()), ..IstiodLogOptions::default() };
        assert!(wait(istiod_logs(&mesh, &of("mdel"))).unwrap().is_empty());
        let notes = mesh.take_notes();
        assert!(notes.len() == 1 && notes[0].ends_with("is of scope \"mdel\"; did you mean \"model\"?"), "{notes:?}");
        assert!(!wait(istiod_logs(&mesh, &of("model"))).unwrap().is_empty());
        assert_eq!(mesh.take_notes(), Vec::<String>::new());
    }

    #[test]
    fn replicas_are_merged_by_time_and_one_that_hangs_is_a_note() {
        let pod = |name: &str, namespace: &str| {
            serde_json::json!({"metadata": {"name": name, "namespace": namespace, "labels": {"app": "istiod"}},
                "spec": {"containers": [{"name": "discovery"}]}})
        };
        let pods =
            serde_json::json!({"items": [pod("a", "istio-system"), pod("b", "istio-system"), pod("c", "olaf")]}).to_string();
        let mesh = Fake::new()
            .kube("/api/v1/pods?limit=500", pods)
            .says(
                "logs istio-system/a -c discovery grep \"x\"",
                "2026-11-22T13:00:03Z 2026-11-22T13:00:03.000000Z\tinfo\tads\tthird\n",
            )
            .fails("logs istio-system/b -c discovery grep \"x\"", Kind::Timeout)
            .says(
                "logs olaf/c -c discovery grep \"x\"",
                "2026-11-22T13:00:01Z 2026-11-22T13:00:01.000000Z\terror\tmodel\tfirst\n2026-11-22T13:00:02Z second\n",
            )
            .mesh();
        let options = IstiodLogOptions { grep: Some("x".into()), ..IstiodLogOptions::default() };
        let rows = wait(istiod_logs(&mesh, &options)).unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.text.as_str(), row.istiod.as_str())).collect();
        assert_eq!(told, [("first", "olaf/c"), ("second", "olaf/c"), ("third", "istio-system/a")]);
        assert!(mesh.partial());
        let notes = mesh.take_notes();
        assert!(notes[0].contains("no answer") && notes[0].matches("istio-system/b").count() == 1, "{notes:?}");
    }

    #[test]
    fn a_message_of_several_lines_is_one_row_and_a_crash_is_fatal() {
        let log = "2026-11-22T13:00:01Z 2026-11-22T13:00:01.000000Z\tinfo\tmodel\tsettings:\n\
                   2026-11-22T13:00:01Z accessLogFile: /dev/stdout\n2026-11-22T13:00:01Z   a: b\n\
                   2026-11-22T13:00:02Z E1122 13:00:02.000000       1 reflector.go:10] failed\n\
                   2026-11-22T13:00:03Z panic: nil map\n2026-11-22T13:00:03Z \n2026-11-22T13:00:03Z goroutine 1 [running]:\n";
        let all = read(Fake::new().says("logs istio-system/istiod-lab -c discovery", log), "{}").unwrap();
        let told: Vec<_> = all.iter().map(|row| (row.level.as_str(), row.text.as_str())).collect();
        assert_eq!(told[0], ("info", "settings:\naccessLogFile: /dev/stdout\n  a: b"));
        assert_eq!((told[1].0, told.len()), ("error", 3));
        assert_eq!(told[2], ("fatal", "panic: nil map\n\ngoroutine 1 [running]:"));
        let chosen = Fake::new().says("logs istio-system/istiod-lab -c discovery grep \"a\"", log);
        assert_eq!(read(chosen, r#"{"grep":"a"}"#).unwrap().len(), 7, "chosen lines stay lines");
    }

    #[test]
    fn one_replica_or_revision_alone_can_be_read() {
        for options in [r#"{"istiod":"istiod-lab"}"#, r#"{"istiod":["istio-system/istiod-lab"]}"#, r#"{"revision":"default"}"#] {
            assert!(!read(lab(), options).unwrap().is_empty(), "{options}");
        }
        let error = read(lab(), r#"{"istiod":"istiod-lad"}"#).unwrap_err();
        assert_eq!((error.kind(), error.next_step()), (Kind::NotFound, Some("did you mean \"istiod-lab\"?")));
    }

    #[test]
    fn forbidden_logs_are_an_error_only_when_all_are() {
        let refused = Fake::new().refuses("logs istio-system/istiod-lab -c discovery", 403, FORBIDDEN);
        let error = read(refused, "{}").unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden);
        assert!(error.message().contains("User \"viewer\" cannot get resource \"pods/log\""), "{error}");
    }

    #[test]
    fn a_wrong_level_is_refused_before_anything_is_asked() {
        let (mesh, fake) = Fake::new().shared();
        let options = IstiodLogOptions { level: Some("loud".into()), ..IstiodLogOptions::default() };
        assert_eq!(wait(istiod_logs(&mesh, &options)).unwrap_err().kind(), Kind::BadInput);
        assert!(fake.asked().is_empty());
    }
}
