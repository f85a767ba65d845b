//! Access logs of proxies: the log, and the format in which that very proxy writes it.

use super::Mesh;
use super::fan_out::gather;
use super::logs::read;
use super::pod_proxy::PROXY;
use super::pod_ref::{Asked, PodTarget, Runs, resolve};
use super::reach;
use crate::backend::Logs;
use crate::envoy::{
    AccessFormats, AccessLine, AccessLog, AccessReader, AccessWanted, Configured, LogSource, Section, access_formats,
};
use crate::error::{Error, Kind, Result};
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
        target.check_runs(Runs::Envoy)?;
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
    // The log first: it may hold many megabytes, and its failure is the one to tell.
    let answer = read(mesh, ask).await?;
    let configured = match &asked.format {
        Some(format) => Some(vec![format.clone()]),
        None => own(mesh, target).await,
    };
    let formats = Arc::new(AccessFormats::new(configured.as_deref().unwrap_or_default())?);
    let source = LogSource { namespace: Some(target.namespace.clone()), pod: Some(target.name.clone()) };
    let mut reader = AccessReader::new(formats, source, asked.wanted.clone());
    reader.push(&answer.body);
    let mut log = reader.finish();
    if ours {
        // Few of the other lines came, and which is chance.
        log.skipped = 0;
    }
    if log.lines == 0 && whole {
        mesh.note(nothing(target, configured.as_deref(), log.skipped));
    }
    Ok(log)
}

/// The formats that the proxy has itself; nothing when it cannot be asked.
async fn own(mesh: &Mesh, target: &PodTarget) -> Option<Vec<Configured>> {
    let listeners = reach::section(mesh, target, &Section::Listeners.mask()).await.ok()?;
    Some(access_formats(listeners.text()))
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

fn nothing(target: &PodTarget, configured: Option<&[Configured]>, skipped: usize) -> String {
    const TURN_ON: &str = "turn it on with a Telemetry object (`accessLogging`) or `meshConfig.accessLogFile: /dev/stdout`; it writes new requests only";
    match (configured, skipped) {
        (Some([]), _) => format!("pod {target}: its proxy writes no access log: {TURN_ON}"),
        (Some(_), 0) => format!("pod {target}: the log is empty in this span: did requests come at all?"),
        (Some(_), _) => {
            format!("pod {target}: no line is of an access log, though its proxy writes one: did requests come at all?")
        }
        (None, _) => format!(
            "pod {target}: no line is of an access log. Its proxy could not be asked whether it writes one: {TURN_ON}; for a format of its own, give `#{{format: …}}`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::super::pod_ref::PodArg;
    use super::*;

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
        assert!(nothing(&target, Some(&[]), 5).contains("writes no access log: turn it on"));
        assert!(nothing(&target, Some(&[Configured::Text("x".into())]), 0).contains("did requests come"));
    }

    #[test]
    fn who_has_no_proxy_is_told() {
        let target = PodTarget { containers: vec!["app".into()], ..PodTarget::default() };
        let error = container(&target, None).unwrap_err();
        assert!(error.kind() == Kind::NoProxy && error.next_step().unwrap().contains("app"));
        assert_eq!(container(&target, Some("app")).unwrap(), "app");
    }
}
