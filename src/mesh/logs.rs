//! Logs of containers, of one pod or of many at once.

use super::Mesh;
use super::fan_out::gather;
use super::log_messages::{Message, Messages};
use super::pod_proxy::PROXY;
use super::pod_ref::{Asked, PodTarget, resolve};
use super::since::Since;
use super::status::refusal;
use crate::backend::{Answer, Ask, Logs, Piece};
use crate::error::{Error, Kind, Result};
use crate::{options, record};
use futures::stream::BoxStream;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

options! {
    /// Which part of a log to read.
    pub struct LogOptions as "log options" {
        /// The container; without it the application's, or the proxy of a gateway.
        pub container: Option<String>,
        /// Only lines of this last span: `"10m"`, or seconds.
        pub since: Option<Since>,
        /// Only the last so many lines, counted before `grep`.
        pub tail: Option<i64>,
        /// The log of the container's previous run, before it was restarted.
        pub previous: bool,
        /// Only lines that this regular expression finds.
        pub grep: Option<String>,
        /// Go on with what is written from now on, until Ctrl-C: printed, or given to a closure.
        pub follow: bool,
        /// Follow for this span at most: `"30s"`, or seconds.
        pub duration: Option<Since>,
        /// How many logs may be followed at once; 100 when left out, since each is a connection to the API server.
        pub most: Option<i64>,
        /// Print the time in front of each line, where lines are printed.
        pub timestamps: bool,
    }
}

record! {
    /// A line of a container's log. A message of Envoy's that spans lines is one.
    pub struct LogLine as "log_line" {
        /// When it was written (RFC 3339).
        pub time: String,
        /// The pod's namespace.
        pub namespace: String,
        /// The pod.
        pub pod: String,
        /// The container.
        pub container: String,
        /// What it says.
        pub text: String,
    }
}

impl Default for LogLine {
    fn default() -> Self {
        let empty = String::new;
        Self { time: empty(), namespace: empty(), pod: empty(), container: empty(), text: empty() }
    }
}

/// The log lines of some pods, merged by time. A pod whose log cannot be read becomes a note, unless it is the only one.
///
/// # Errors
/// When no pod's log could be read.
pub async fn logs(mesh: &Mesh, pods: &[Asked], options: &LogOptions) -> Result<Vec<LogLine>> {
    let of_each = gather(mesh, "log of", pods.to_vec(), |asked| async move {
        let target = resolve(&asked.mesh, &asked.pod).await?;
        of_pod(&asked.mesh, &target, options).await
    });
    Ok(merge(of_each.await?.into_iter().map(|(_, lines)| lines).collect()))
}

/// Merge by time. The order within each log stays, whatever its clock said.
fn merge(mut logs: Vec<Vec<LogLine>>) -> Vec<LogLine> {
    if logs.len() == 1 {
        return logs.remove(0);
    }
    let mut logs: Vec<_> = logs.into_iter().map(|lines| lines.into_iter().peekable()).collect();
    let time = |line: &LogLine| line.time.parse::<Timestamp>().ok();
    let mut heads: BinaryHeap<Reverse<(Option<Timestamp>, usize)>> =
        logs.iter_mut().enumerate().filter_map(|(index, log)| Some(Reverse((time(log.peek()?), index)))).collect();
    let mut merged = Vec::new();
    while let Some(Reverse((_, index))) = heads.pop() {
        merged.extend(logs[index].next());
        heads.extend(logs[index].peek().map(|line| Reverse((time(line), index))));
    }
    merged
}

/// The log lines of one pod that was resolved.
///
/// # Errors
/// When the log cannot be read, or several containers could be meant.
pub async fn of_pod(mesh: &Mesh, target: &PodTarget, options: &LogOptions) -> Result<Vec<LogLine>> {
    let ask = Logs { grep: options.grep.clone(), follow: false, ..question(target, options)? };
    let place = place(target, &ask);
    let answer = read(mesh, ask).await.map_err(|error| knowing(target, error))?;
    let text = answer.text();
    let mut messages = Messages::default();
    let mut rows = Vec::new();
    let row = |message: Message| LogLine { time: message.time, text: message.text, ..place.clone() };
    for (time, text) in lines(&text) {
        rows.extend(messages.push(time, text).into_iter().flatten().map(row));
    }
    rows.extend(messages.flush().map(row));
    Ok(rows)
}

/// Begin to stream the log of one pod: a row with its place, and the pieces.
///
/// # Errors
/// When the log cannot be read, or several containers could be meant.
pub(crate) async fn open(asked: &Asked, options: &LogOptions) -> Result<(LogLine, BoxStream<'static, Result<Piece>>)> {
    let target = resolve(&asked.mesh, &asked.pod).await?;
    // What the pattern finds is chosen later: a message of several lines is looked at as one.
    let ask = question(&target, options)?;
    let place = place(&target, &ask);
    let pieces = stream(&asked.mesh, ask).await.map_err(|error| knowing(&target, error))?;
    Ok((place, pieces))
}

fn question(target: &PodTarget, options: &LogOptions) -> Result<Logs> {
    Ok(Logs {
        namespace: target.namespace.clone(),
        pod: target.name.clone(),
        container: Some(container(target, options)?),
        since_seconds: options.since.map(|since| since.0),
        tail: options.tail,
        previous: options.previous,
        grep: None,
        follow: options.follow,
    })
}

fn place(target: &PodTarget, ask: &Logs) -> LogLine {
    let container = ask.container.clone().unwrap_or_default();
    LogLine { namespace: target.namespace.clone(), pod: target.name.clone(), container, ..LogLine::default() }
}

/// A failure, with what is known about the pod.
fn knowing(target: &PodTarget, error: Error) -> Error {
    match error.kind() {
        Kind::BadInput if !target.containers.is_empty() && error.next_step().is_none() => {
            error.hint(format!("its containers are {}", target.containers.join(", ")))
        }
        _ => error,
    }
}

/// Read one log; a refusal is a failure in the server's words.
pub(crate) async fn read(mesh: &Mesh, ask: Logs) -> Result<Answer> {
    let (what, previous) = (told(&ask), ask.previous);
    let answer = mesh.ask(Ask::Logs(ask)).await?;
    if answer.is_success() { Ok(answer) } else { Err(refused(&answer, &what, previous)) }
}

/// Read one log piece by piece; a refusal is a failure in the server's words.
pub(crate) async fn stream(mesh: &Mesh, ask: Logs) -> Result<BoxStream<'static, Result<Piece>>> {
    let (what, previous) = (told(&ask), ask.previous);
    let followed = mesh.follow(Ask::Logs(ask)).await?;
    if followed.head.is_success() { Ok(followed.pieces) } else { Err(refused(&followed.head, &what, previous)) }
}

fn told(ask: &Logs) -> String {
    format!("read the log of container {} of pod {}/{}", ask.container.as_deref().unwrap_or("?"), ask.namespace, ask.pod)
}

fn refused(answer: &Answer, what: &str, previous: bool) -> Error {
    let error = refusal(answer, what);
    match error.kind() {
        Kind::BadInput | Kind::NotFound if previous => {
            error.hint("a container that never restarted has no previous log: leave `previous` out")
        }
        _ => error,
    }
}

/// The lines of a log, each cut into time stamp and text.
pub(crate) fn lines(log: &str) -> impl Iterator<Item = (&str, &str)> {
    log.lines().filter(|line| !line.is_empty()).map(|line| match line.split_once(' ') {
        Some((time, text)) if is_stamp(time) => (time, text),
        None if is_stamp(line) => (line, ""),
        _ => ("", line),
    })
}

/// Whether this looks like `2026-11-22T13:05:25.194094Z`.
fn is_stamp(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

/// The container that is meant when none is named.
fn container(target: &PodTarget, options: &LogOptions) -> Result<String> {
    if let Some(named) = options.container.as_ref().filter(|name| !name.is_empty()) {
        return Ok(named.clone());
    }
    if !target.default_container.is_empty() {
        return Ok(target.default_container.clone());
    }
    let apps: Vec<&String> = target.containers.iter().filter(|name| *name != PROXY).collect();
    match (apps.as_slice(), target.containers.as_slice()) {
        ([app], _) => Ok((*app).clone()),
        (_, [only]) => Ok(only.clone()),
        _ => Err(Error::new(
            Kind::BadInput,
            format!("pod {target} has several containers, and none was named: {}", target.containers.join(", ")),
        )
        .hint(format!("name one: `logs(pod, #{{container: \"{}\"}})`", target.containers.first().map_or("app", String::as_str)))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::super::pod_ref::PodArg;
    use super::*;

    const PODS: &str = include_str!("../../tests/data/kube/pods.json");
    const FORBIDDEN: &str = include_str!("../../tests/data/kube/forbidden-log.json");

    fn pod(containers: &[&str], default: &str) -> PodTarget {
        PodTarget {
            namespace: "n".into(),
            name: "p".into(),
            containers: containers.iter().map(ToString::to_string).collect(),
            default_container: default.into(),
            ..PodTarget::default()
        }
    }

    #[test]
    fn the_container_is_the_one_that_is_meant() {
        let named = LogOptions { container: Some("x".into()), ..LogOptions::default() };
        let any = LogOptions::default();
        for (target, options, expected) in [
            (pod(&["app", "istio-proxy"], ""), &named, "x"),
            (pod(&["app", "istio-proxy"], ""), &any, "app"),
            (pod(&["istio-proxy"], ""), &any, "istio-proxy"),
            (pod(&["a", "b", "istio-proxy"], "b"), &any, "b"),
        ] {
            assert_eq!(container(&target, options).unwrap(), expected);
        }
        let error = container(&pod(&["a", "b", "istio-proxy"], ""), &any).unwrap_err();
        assert_eq!(error.kind(), Kind::BadInput);
        assert!(error.message().contains("none was named: a, b, istio-proxy") && error.next_step().is_some());
    }

    #[test]
    fn lines_lose_their_stamp_and_keep_the_rest() {
        let log = "2026-11-22T13:05:25.1Z a  b\n\n2026-11-22T13:05:26Z\nno stamp here\n";
        let read: Vec<_> = lines(log).collect();
        assert_eq!(read, [("2026-11-22T13:05:25.1Z", "a  b"), ("2026-11-22T13:05:26Z", ""), ("", "no stamp here")]);
    }

    fn row(mesh: &Mesh, name: &str) -> Asked {
        let row = serde_json::json!({"namespace": "n", "name": name, "proxy": "sidecar", "proxy_state": "running",
            "containers": ["app", "istio-proxy"]});
        Asked { mesh: mesh.clone(), pod: PodArg::Row(row.as_object().unwrap().clone()) }
    }

    #[test]
    fn many_pods_are_merged_by_time_and_the_refused_one_is_a_note() {
        let mesh = Fake::new()
            .says("logs n/a -c app", "2026-11-22T13:05:25Z one\n2026-11-22T13:05:27Z three\n")
            .says("logs n/b -c app", "2026-11-22T13:05:25.5Z two\n")
            .refuses("logs n/c -c app", 403, FORBIDDEN)
            .mesh();
        let read = wait(logs(&mesh, &["a", "b", "c"].map(|name| row(&mesh, name)), &LogOptions::default())).unwrap();
        let rows: Vec<_> = read.iter().map(|line| (line.pod.as_str(), line.text.as_str())).collect();
        assert_eq!(rows, [("a", "one"), ("b", "two"), ("a", "three")]);
        let notes = mesh.take_notes();
        assert!(notes[0].starts_with("cannot read the log of container app of pod n/c"), "{notes:?}");
        assert!(notes[0].contains("can-i get pods --subresource=log"), "{notes:?}");
    }

    #[test]
    fn options_reach_the_question() {
        let (mesh, fake) = Fake::new().says("logs n/a -c app since 600s tail 5 previous grep \"x\"", "").shared();
        let options: LogOptions = serde_json::from_str(r#"{"since":"10m","tail":5,"previous":true,"grep":"x"}"#).unwrap();
        assert!(wait(logs(&mesh, &[row(&mesh, "a")], &options)).unwrap().is_empty());
        assert_eq!(fake.asked().len(), 1);
        assert!(serde_json::from_str::<LogOptions>(r#"{"tial":5}"#).is_err());
    }

    #[test]
    fn refusals_say_what_to_do() {
        let bad = r#"{"kind":"Status","message":"container nosuch is not valid for pod a","code":400}"#;
        let mesh = Fake::new().refuses("logs n/a -c nosuch", 400, bad).refuses("logs n/a -c app previous", 400, bad).mesh();
        let named = LogOptions { container: Some("nosuch".into()), ..LogOptions::default() };
        let error = wait(logs(&mesh, &[row(&mesh, "a")], &named)).unwrap_err();
        assert_eq!((error.kind(), error.next_step()), (Kind::BadInput, Some("its containers are app, istio-proxy")));
        let previous = LogOptions { previous: true, ..LogOptions::default() };
        let error = wait(logs(&mesh, &[row(&mesh, "a")], &previous)).unwrap_err();
        assert!(error.next_step().unwrap().contains("never restarted"));
    }

    #[test]
    fn a_pod_by_name_is_looked_up_first() {
        let mesh = Fake::new()
            .kube("/api/v1/namespaces/olaf-customer/pods?limit=500", PODS)
            .says("logs olaf-customer/customer-686cf5bf47-mtgsn -c app", "2026-11-22T13:05:25Z hello\n")
            .mesh();
        let read = {
            let pod = PodArg::Text("deploy/customer.olaf-customer".into());
            wait(logs(&mesh, &[Asked { mesh: mesh.clone(), pod }], &LogOptions::default())).unwrap()
        };
        assert_eq!((read[0].text.as_str(), read[0].container.as_str()), ("hello", "app"));
    }
}
