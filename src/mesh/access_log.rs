//! Access logs of proxies: the log, and the format in which that very proxy writes it.

use super::Mesh;
use super::access_own::{Own, own};
use super::fan_out::{gather, told};
use super::logs::stream;
use super::pod_proxy::PROXY;
use super::pod_ref::{Asked, PodTarget, resolve};
use crate::backend::{Logs, Piece};
use crate::envoy::{AccessFormats, AccessLine, AccessLog, AccessReader, AccessWanted, Configured, LogSource};
use crate::error::{Error, Kind, Result};
use futures::StreamExt;
use std::sync::Arc;

/// Which part of the logs to read, and what to keep of it.
#[derive(Default)]
pub struct AccessAsked {
    /// The part of the log; the pod is filled in.
    pub logs: Logs,
    /// The format to read by; without it the proxy is asked for its own.
    pub format: Option<Configured>,
    /// Which lines to keep.
    pub wanted: Arc<AccessWanted>,
}

/// The lines of the access logs of some pods, of many merged by when they began. A pod whose log cannot be read becomes a note,
/// unless it is the only one.
///
/// # Errors
/// When no pod's log could be read, or the format is none.
pub async fn access_log(mesh: &Mesh, pods: &[Asked], asked: &AccessAsked) -> Result<Vec<AccessLine>> {
    let of_each = gather(mesh, "access log of", pods.to_vec(), |pod| async move {
        let target = resolve(&pod.mesh, &pod.pod).await?;
        of_pod(&pod.mesh, &target, asked).await
    });
    let logs: Vec<AccessLog> = of_each.await?.into_iter().map(|(_, log)| log).collect();
    note_skipped(mesh, logs.iter().map(|log| log.skipped).sum());
    let mut lines: Vec<AccessLine> = logs.into_iter().flat_map(|log| log.rows).collect();
    if pods.len() > 1 {
        lines.sort_by_cached_key(AccessLine::time);
    }
    Ok(lines)
}

/// Tell how many lines were no access log.
pub fn note_skipped(mesh: &Mesh, skipped: usize) {
    match skipped {
        0 => {}
        1 => mesh.note("1 line is no access log and was skipped"),
        many => mesh.note(format!("{many} lines are no access log and were skipped")),
    }
}

async fn of_pod(mesh: &Mesh, target: &PodTarget, asked: &AccessAsked) -> Result<AccessLog> {
    let container = container(target, asked.logs.container.as_deref())?;
    let narrowed = asked.logs.grep.is_none().then(|| narrowed(&asked.wanted.codes)).flatten();
    let ours = narrowed.is_some();
    let ask = Logs {
        namespace: target.namespace.clone(),
        pod: target.name.clone(),
        container: Some(container),
        grep: asked.logs.grep.clone().or(narrowed),
        ..asked.logs.clone()
    };
    let whole = ask.grep.is_none();
    // The log first: its failure is the one to tell. It may hold many megabytes, so it is read while it streams.
    let mut pieces = stream(mesh, ask).await?;
    let own = match &asked.format {
        Some(format) => Own::Told(vec![format.clone()]),
        None => own(mesh, target).await,
    };
    let formats = Arc::new(AccessFormats::new(own.formats())?);
    let source = LogSource { namespace: Some(target.namespace.clone()), pod: Some(target.name.clone()) };
    let mut reader = AccessReader::new(formats, source, asked.wanted.clone());
    let mut began = false;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(Piece::Lines(lines)) => {
                began = true;
                reader.push(&lines);
            }
            Ok(Piece::Note(note)) => mesh.note(note),
            // What came is worth having.
            Err(error) if began => mesh.note_missing(told("log of", target, &error)),
            Err(error) => return Err(error),
        }
    }
    let mut log = reader.finish();
    if ours {
        // Few of the other lines came, and which is chance.
        log.skipped = 0;
    }
    if log.lines == 0 && whole {
        mesh.note(nothing(target, &own, log.skipped));
    }
    Ok(log)
}

fn container(target: &PodTarget, named: Option<&str>) -> Result<String> {
    if let Some(named) = named.filter(|name| !name.is_empty()) {
        return Ok(named.to_owned());
    }
    if target.containers.is_empty() || target.containers.iter().any(|name| name == PROXY) {
        return Ok(PROXY.into());
    }
    let error = Error::new(Kind::NoProxy, format!("pod {target} runs no proxy that writes an access log"));
    Err(error.hint(format!("its containers are {}: name one with `#{{container: …}}`", target.containers.join(", "))))
}

/// A pattern that every line with one of these codes fits, so that the others need not be kept while the log streams by.
fn narrowed(codes: &[(u64, u64)]) -> Option<String> {
    let one = |(least, most): &(u64, u64)| match (least, most) {
        _ if least == most => Some(least.to_string()),
        _ if least % 100 == 0 && most - least == 99 => Some(format!("{}[0-9][0-9]", least / 100)),
        _ => None,
    };
    let patterns: Option<Vec<String>> = codes.iter().map(one).collect();
    patterns.filter(|patterns| !patterns.is_empty()).map(|patterns| patterns.join("|"))
}

fn nothing(target: &PodTarget, own: &Own, skipped: usize) -> String {
    const TURN_ON: &str = "turn it on with a Telemetry object (`accessLogging`) or `meshConfig.accessLogFile: /dev/stdout`; it writes new requests only";
    match (own, skipped) {
        (Own::Ztunnel, _) => format!(
            "pod {target}: no connection ended in this span, as far as its ztunnel tells: it writes one line at the end of each, at level info"
        ),
        (Own::Told(formats), _) if formats.is_empty() => format!("pod {target}: its proxy writes no access log: {TURN_ON}"),
        (Own::Told(_), 0) => format!("pod {target}: the log is empty in this span: did requests come at all?"),
        (Own::Told(_), _) => {
            format!("pod {target}: no line is of an access log, though its proxy writes one: did requests come at all?")
        }
        (Own::Likely(_), _) => format!(
            "pod {target}: no line is of an access log. Its proxy could not be asked whether it writes one: {TURN_ON}; for a format of its own, give `#{{format: …}}`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::super::pod_ref::PodArg;
    use super::*;
    use crate::backend::{Answer, Backend, Followed, Query};
    use bytes::Bytes;
    use futures::future::BoxFuture;

    const LINE: &str = r#"2026-11-22T13:08:41.26Z [2026-11-22T13:08:40.059Z] "GET /x HTTP/1.1" 200 - via_upstream - "-" 0 152 3 2 "-" "curl" "id" "ratings" "10.88.1.5:8080" outbound|80||ratings - 10.89.32.99:80 10.88.1.3:53636 - default"#;

    fn pod(mesh: &Mesh, name: &str) -> Asked {
        let row = serde_json::json!({"namespace": "n", "name": name, "proxy": "sidecar", "proxy_state": "running",
            "admin_port": 15000, "containers": ["app", "istio-proxy"]});
        Asked { mesh: mesh.clone(), pod: PodArg::Row(row.as_object().unwrap().clone()) }
    }

    fn codes(lines: &[AccessLine]) -> Vec<(String, u64)> {
        lines.iter().map(AccessLine::access).map(|row| (row.pod.unwrap(), row.code.unwrap())).collect()
    }

    fn formatted(format: &str) -> AccessAsked {
        AccessAsked { format: Some(Configured::Text(format.into())), ..AccessAsked::default() }
    }

    #[test]
    fn many_logs_are_one_by_time_and_other_lines_are_counted() {
        let later = LINE.replace("40.059Z", "39.9Z").replace(" 200 ", " 503 ");
        let mesh = Fake::new()
            .says("logs n/a -c istio-proxy", format!("{LINE}\n2026-11-22T13:08:41Z info starting\n"))
            .says("logs n/b -c istio-proxy", format!("{later}\n2026-11-22T13:08:41Z info starting\n"))
            .mesh();
        let lines = wait(access_log(&mesh, &[pod(&mesh, "a"), pod(&mesh, "b")], &AccessAsked::default())).unwrap();
        assert_eq!(codes(&lines), [("b".to_owned(), 503), ("a".to_owned(), 200)]);
        assert_eq!(mesh.take_notes(), ["2 lines are no access log and were skipped"]);
    }

    #[test]
    fn codes_are_looked_for_while_the_log_streams_by() {
        let wanted = AccessWanted { codes: vec![(500, 599), (404, 404)], ..AccessWanted::default() };
        let asked = AccessAsked { wanted: Arc::new(wanted), ..AccessAsked::default() };
        let mesh = Fake::new().says("logs n/a -c istio-proxy grep \"5[0-9][0-9]|404\"", LINE).mesh();
        assert!(wait(access_log(&mesh, &[pod(&mesh, "a")], &asked)).unwrap().is_empty());
        assert_eq!(narrowed(&[(500, 503)]), None);
        assert_eq!(narrowed(&[]), None);
    }

    #[test]
    fn a_given_format_is_read_by_and_nobody_is_asked() {
        let (mesh, fake) = Fake::new().says("logs n/a -c istio-proxy", "2026-11-22T13:08:41.26Z c=418 -\n").shared();
        let lines = wait(access_log(&mesh, &[pod(&mesh, "a")], &formatted("c=%RESPONSE_CODE% %RESPONSE_FLAGS%"))).unwrap();
        assert_eq!((codes(&lines), fake.asked().len()), (vec![("a".to_owned(), 418)], 1));
    }

    #[test]
    fn a_log_without_such_lines_says_what_to_do() {
        let mesh = Fake::new().says("logs n/a -c istio-proxy", "2026-11-22T13:08:41.26Z starting\n").mesh();
        assert!(wait(access_log(&mesh, &[pod(&mesh, "a")], &AccessAsked::default())).unwrap().is_empty());
        assert!(mesh.take_notes()[0].contains("accessLogFile"));
        let target = PodTarget::default();
        assert!(nothing(&target, &Own::Told(Vec::new()), 5).contains("writes no access log: turn it on"));
        assert!(nothing(&target, &Own::Told(vec![Configured::Text("x".into())]), 0).contains("did requests come"));
    }

    #[test]
    fn where_the_proxy_cannot_be_asked_the_format_is_that_of_the_mesh() {
        let istiod = serde_json::json!({"metadata": {"name": "i", "namespace": "istio-system", "labels": {"app": "istiod"}},
            "spec": {"containers": [{"name": "discovery"}]}});
        let mesh = Fake::new()
            .says("logs n/a -c istio-proxy", "2026-11-22T13:08:41.26Z c=418 UF,URX\n")
            .kube("/api/v1/pods?limit=500", serde_json::json!({"items": [istiod]}).to_string())
            .says(
                "pod istio-system/i:15014 GET /debug/mesh",
                r#"{"accessLogFile": "/dev/stdout", "accessLogFormat": "c=%RESPONSE_CODE% %RESPONSE_FLAGS%\n"}"#,
            )
            .mesh();
        let lines = wait(access_log(&mesh, &[pod(&mesh, "a")], &AccessAsked::default())).unwrap();
        assert_eq!(codes(&lines), [("a".to_owned(), 418)]);
        assert_eq!(mesh.take_notes().len(), 1, "whose format it is, and nothing else");
    }

    #[test]
    fn a_ztunnel_is_not_asked_for_a_format() {
        let line = "2026-11-22T13:08:41.2Z\tinfo\taccess\tconnection complete\tsrc.addr=1.1.1.1:1 dst.addr=1.1.1.2:15008 direction=\"inbound\" duration=\"3ms\"";
        let (mesh, fake) = Fake::new().says("logs n/a -c istio-proxy", format!("2026-11-22T13:08:41.3Z {line}\n")).shared();
        let mut ztunnel = pod(&mesh, "a");
        let PodArg::Row(row) = &mut ztunnel.pod else { unreachable!("it is a row") };
        row.insert("proxy".into(), "ztunnel".into());
        let lines = wait(access_log(&mesh, &[ztunnel], &AccessAsked::default())).unwrap();
        assert_eq!((lines[0].access().duration, fake.asked().len()), (Some(3), 1));
        assert!(nothing(&PodTarget::default(), &Own::Ztunnel, 5).contains("no connection ended"));
    }

    #[test]
    fn a_log_that_breaks_off_gives_what_came() {
        let broken = || Err(Error::new(Kind::Unreachable, "it broke"));
        let (one, two) = LINE.split_at(40);
        let lines = |text: &str| Ok(Piece::Lines(Bytes::copy_from_slice(text.as_bytes())));
        let mesh = Mesh::new(Arc::new(Breaking(vec![lines(one), Ok(Piece::Note("resumed".into())), lines(two), broken()])));
        let read = wait(access_log(&mesh, &[pod(&mesh, "a")], &formatted("%PROTOCOL%"))).unwrap();
        assert_eq!((codes(&read), mesh.partial()), (vec![("a".to_owned(), 200)], true));
        let notes = mesh.take_notes();
        assert!(notes.len() == 2 && notes[0] == "resumed" && notes[1].contains("it broke"), "{notes:?}");
        let mesh = Mesh::new(Arc::new(Breaking(vec![broken()])));
        assert_eq!(wait(access_log(&mesh, &[pod(&mesh, "a")], &formatted("%PROTOCOL%"))).unwrap_err().message(), "it broke");
    }

    /// A log in pieces.
    struct Breaking(Vec<Result<Piece>>);

    impl Backend for Breaking {
        fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move { Err(Error::new(Kind::TapeMiss, query.to_string())) })
        }

        fn follow<'a>(&'a self, _query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
            let pieces = futures::stream::iter(self.0.clone()).boxed();
            Box::pin(async move { Ok(Followed { head: Answer::ok("", super::super::fake::now()), pieces }) })
        }

        fn cluster(&self) -> String {
            "lab".into()
        }

        fn describe(&self) -> String {
            "pieces".into()
        }
    }

    #[test]
    fn who_has_no_proxy_is_told() {
        let target = PodTarget { containers: vec!["app".into()], ..PodTarget::default() };
        let error = container(&target, None).unwrap_err();
        assert!(error.kind() == Kind::NoProxy && error.next_step().unwrap().contains("app"));
        assert_eq!(container(&target, Some("app")).unwrap(), "app");
    }
}
