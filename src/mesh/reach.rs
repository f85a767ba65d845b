//! Asking a proxy: by port-forward, else by exec, else through istiod's eyes. Each step down is a note.

use super::Mesh;
use super::dig::Dig;
use super::dump_choice::Choice;
use super::istiods::{self, DEBUG_PORT};
use super::kube::encode;
use super::pod_proxy::{ADMIN_PORT, PROXY};
use super::pod_ref::PodTarget;
use crate::backend::{Answer, Ask, Exec, PodHttp, Query};
use crate::error::{Error, Kind, Result};
use crate::json::Doc;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::sync::Arc;

/// GET a page of a proxy's admin interface.
///
/// # Errors
/// When no way leads there (the failure lists all that were tried), or the proxy answers with another status than 2xx:
/// the failure then holds what it says.
pub async fn admin(mesh: &Mesh, target: &PodTarget, path: &str) -> Result<Answer> {
    through(mesh, target, "GET", &page(path)?).await
}

/// The list of a proxy's loggers, as text. Envoy gives it to a POST without parameters only; that changes nothing.
///
/// # Errors
/// As [`admin`].
pub async fn loggers(mesh: &Mesh, target: &PodTarget) -> Result<String> {
    Ok(through(mesh, target, "POST", "/logging").await?.text().into_owned())
}

async fn through(mesh: &Mesh, target: &PodTarget, method: &str, path: &str) -> Result<Answer> {
    let refused = match forwarded(mesh, target, method, path).await {
        Err(error) if error.kind() == Kind::Forbidden => error,
        done => return done,
    };
    let mut tried = vec![("port-forward", refused)];
    if target.proxy == "ztunnel" {
        // Its image holds no pilot-agent, and istiod sends it no such thing.
        return Err(no_way(target, tried));
    }
    match executed(mesh, target, method, path).await {
        Err(error) if error.kind() == Kind::Forbidden => tried.push(("exec of pilot-agent", error)),
        done => {
            mesh.note(format!(
                "port-forward to pods of namespace {} is forbidden (it needs the verbs get and create on pods/portforward): asked by exec instead",
                target.namespace
            ));
            return done;
        }
    }
    if !path.starts_with("/config_dump") {
        return Err(no_way(target, tried));
    }
    match through_istiod(mesh, target, path.contains("include_eds")).await {
        Ok(answer) => {
            mesh.note(format!(
                "port-forward and exec into pods of namespace {} are forbidden (the verbs get and create on pods/portforward, or on pods/exec): \
                 shown is what istiod last sent to the proxy, not what the proxy holds",
                target.namespace
            ));
            Ok(answer)
        }
        Err(error) => {
            tried.push(("istiod's view", error));
            Err(no_way(target, tried))
        }
    }
}

/// A proxy's configuration, whole or only the fields of a mask: `dynamic_listeners,static_listeners`; with its endpoints
/// (EDS) or without.
///
/// # Errors
/// As [`admin`]; [`Kind::BadAnswer`] when what came is empty, cut off or no JSON.
pub async fn config_dump(mesh: &Mesh, target: &PodTarget, mask: Option<&str>, eds: bool) -> Result<Bytes> {
    let mask = mask.filter(|mask| !mask.is_empty()).map(|mask| format!("mask={}", mask.replace(' ', "")));
    let choices: Vec<String> = eds.then(|| "include_eds".to_owned()).into_iter().chain(mask).collect();
    let path = format!("/config_dump{}{}", if choices.is_empty() { "" } else { "?" }, choices.join("&"));
    let body = admin(mesh, target, &path).await?.body;
    check_dump(target, &body)?;
    Ok(body)
}

/// What is chosen of a proxy's configuration. A proxy that is older than such choices does not know them, and gives all.
///
/// # Errors
/// As [`config_dump`]; a choice that fits nothing is refused in Envoy's own words.
pub async fn chosen(mesh: &Mesh, target: &PodTarget, choice: &Choice) -> Result<Arc<Doc>> {
    let path = choice.path();
    match document(mesh, target, &path).await {
        // Envoy's refusals of a choice name what was chosen; a proxy that has no notion of it refuses the page as such.
        Err(error) if error.kind() == Kind::BadInput && !choice.is_whole() && !names_choice(error.message(), &path) => {
            mesh.note(format!("pod {target} is too old to leave out parts of its configuration: all of it came"));
            document(mesh, target, if choice.include_eds { "/config_dump?include_eds" } else { "/config_dump" }).await
        }
        Err(error) if error.kind() == Kind::NotFound && choice.resource.is_some() => Err(error.hint(
            "`resource` is the name of a list in the dump: dynamic_listeners, dynamic_active_clusters, dynamic_route_configs, …",
        )),
        done => done,
    }
}

/// Whether a refusal is about the choice.
fn names_choice(refusal: &str, path: &str) -> bool {
    let said = refusal.split_once(path).map_or(refusal, |(_, said)| said).to_ascii_lowercase();
    ["mask", "name_regex", "regex", "resource"].iter().any(|word| said.contains(word))
}

/// Whether a proxy refused what was chosen. Of its refusals pilot-agent tells the number in a sentence.
fn is_about_choice(refusal: &Error) -> bool {
    let told = |words: &str| refusal.kind() == Kind::BadAnswer && refusal.message().contains(words);
    refusal.kind() == Kind::BadInput || told("status code: 400") || told("status code 400")
}

/// One part of a proxy's configuration, by the mask that selects it; all of it where the proxy cannot do that: one older than
/// Envoy's masks does not know them, and one that has nothing of that part answers status 400.
///
/// # Errors
/// As [`config_dump`].
pub async fn section(mesh: &Mesh, target: &PodTarget, mask: &str) -> Result<Arc<Doc>> {
    match document(mesh, target, &format!("/config_dump?mask={mask}")).await {
        Err(error) if is_about_choice(&error) => document(mesh, target, "/config_dump").await,
        done => done,
    }
}

/// The endpoints of a proxy as they were sent: that section alone, or the whole configuration with it where the proxy cannot
/// do that.
///
/// # Errors
/// As [`config_dump`].
pub async fn sent_endpoints(mesh: &Mesh, target: &PodTarget, mask: &str) -> Result<Arc<Doc>> {
    match document(mesh, target, &format!("/config_dump?include_eds&mask={mask}")).await {
        Err(error) if is_about_choice(&error) => document(mesh, target, "/config_dump?include_eds").await,
        done => done,
    }
}

/// A page of a proxy that answers JSON.
///
/// # Errors
/// As [`admin`]; [`Kind::BadAnswer`] when what came is empty, cut off or no JSON.
pub async fn document(mesh: &Mesh, target: &PodTarget, path: &str) -> Result<Arc<Doc>> {
    let body = admin(mesh, target, path).await?.body;
    match Doc::parse(body.clone()) {
        Ok(doc) => Ok(doc),
        Err(error) => {
            check_dump(target, &body)?;
            Err(error.context(format!("what pod {target} answered to GET {path} cannot be read")))
        }
    }
}

/// What istiod would send to a proxy, as a document of the proxy's own shape.
///
/// # Errors
/// When no istiod can be asked, or none knows the proxy.
pub async fn sent(mesh: &Mesh, target: &PodTarget) -> Result<Arc<Doc>> {
    let what = || format!("what istiod would send to pod {target} cannot be had");
    let answer = through_istiod(mesh, target, false).await.map_err(|error| match error.kind() {
        Kind::NotFound => error.context(what()).hint(format!(
            "istiod knows the proxies that are connected to it: see `logs(\"{target}\", #{{container: \"{PROXY}\"}})` for why this one is not, and `istiods()`"
        )),
        _ => error.context(what()),
    })?;
    Doc::parse(answer.body).map_err(|error| error.context(what()))
}

fn check_dump(target: &PodTarget, body: &[u8]) -> Result<()> {
    let bad = |what: String| Error::new(Kind::BadAnswer, format!("the configuration dump of pod {target} {what}"));
    if body.trim_ascii().is_empty() {
        return Err(bad(format!("is empty ({} bytes)", body.len())).hint(
            "a proxy that is starting or out of memory answers so: look at its status, restarts and logs, then ask again",
        ));
    }
    let Err(error) = serde_json::from_slice::<IgnoredAny>(body) else { return Ok(()) };
    let start: String = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
    let bad = if error.is_eof() {
        bad(format!("is cut off after {} bytes", body.len()))
            .hint("ask again; for a smaller answer ask for a part: `#{mask: \"dynamic_listeners\"}`")
    } else {
        bad(format!("is not JSON: it begins {start:?}"))
            .hint("something else than Envoy's admin interface answers on that port: was it moved (proxyAdminPort)?")
    };
    Err(bad.cause(error))
}

fn page(path: &str) -> Result<String> {
    let path = path.trim();
    if path.contains("://") || path.chars().any(char::is_whitespace) {
        return Err(Error::new(Kind::BadInput, format!("`{path}` is no admin page"))
            .hint("give its path: \"/clusters?format=json\", \"/help\" lists them"));
    }
    Ok(format!("/{}", path.trim_start_matches('/')))
}

async fn forwarded(mesh: &Mesh, target: &PodTarget, method: &str, path: &str) -> Result<Answer> {
    let port = port(target);
    let (namespace, pod) = (target.namespace.clone(), target.name.clone());
    let page = PodHttp { namespace, pod, port, method: method.into(), path: path.into() };
    match asked(mesh, Ask::Pod(page)).await {
        Ok(answer) => good(target, method, path, answer),
        Err(error) if matches!(error.kind(), Kind::Unreachable | Kind::Timeout | Kind::BadAnswer) => {
            Err(error.context(format!("pod {target} does not answer {method} {path} on its admin port {port}")))
        }
        Err(error) => Err(error),
    }
}

/// Ask. A failure that stands in a sentence which names the question need not repeat it.
async fn asked(mesh: &Mesh, ask: Ask) -> Result<Answer> {
    let question = Query::new("", ask.clone()).to_string();
    mesh.ask(ask).await.map_err(|error| match error.kind() {
        Kind::Unreachable | Kind::Timeout | Kind::BadAnswer | Kind::Forbidden => error.without(&question),
        _ => error,
    })
}

fn port(target: &PodTarget) -> u16 {
    if target.admin_port == 0 { ADMIN_PORT } else { target.admin_port }
}

async fn executed(mesh: &Mesh, target: &PodTarget, method: &str, path: &str) -> Result<Answer> {
    if port(target) != ADMIN_PORT {
        return Err(Error::new(
            Kind::Forbidden,
            format!("not tried: pilot-agent asks port {ADMIN_PORT}, and the admin port was moved to {}", port(target)),
        ));
    }
    let command = ["pilot-agent", "request", method, path.trim_start_matches('/')].map(str::to_owned).to_vec();
    let exec = Exec { namespace: target.namespace.clone(), pod: target.name.clone(), container: PROXY.into(), command };
    let answer = asked(mesh, Ask::Exec(exec)).await.map_err(|error| match error.kind() {
        Kind::Forbidden => error,
        _ => error.context(format!("pod {target} does not answer pilot-agent request {method} {path}")),
    })?;
    good(target, &format!("pilot-agent request {method}"), path, answer)
}

/// An answer with status 2xx, or a failure with what the proxy says.
fn good(target: &PodTarget, how: &str, path: &str, answer: Answer) -> Result<Answer> {
    if answer.is_success() {
        return Ok(answer);
    }
    let text = answer.text();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: String = lines.next().unwrap_or("nothing").chars().take(300).collect();
    let kind = match answer.status {
        400 => Kind::BadInput,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        _ => Kind::BadAnswer,
    };
    let error = Error::new(kind, format!("pod {target} answered {how} {path} with status {}: {said}", answer.status));
    // pilot-agent only says that it did not get 200.
    Err(match kind {
        Kind::NotFound => error.hint("`admin(pod, \"/help\")` lists the pages this proxy has"),
        _ if said.contains("status code: 404") => error.hint("`admin(pod, \"/help\")` lists the pages this proxy has"),
        Kind::BadInput => error.hint("`admin(pod, \"/help\")` tells what each page takes"),
        Kind::Forbidden => {
            error.hint("the admin interface is restricted there (allow_paths in its bootstrap): ask for another page")
        }
        _ => error.hint("ask again; if it stays so, see `logs(pod, #{container: \"istio-proxy\"})`"),
    })
}

/// What istiod last sent to this proxy. Only the replica that the proxy is connected to knows.
async fn through_istiod(mesh: &Mesh, target: &PodTarget, eds: bool) -> Result<Answer> {
    let replicas = istiods::objects(mesh).await?;
    let eds = if eds { "&include_eds=true" } else { "" };
    let path = format!("/debug/config_dump?proxyID={}.{}{eds}", encode(&target.name), encode(&target.namespace));
    let mut asked: FuturesUnordered<_> = replicas.iter().map(|istiod| ask_istiod(mesh, istiod, &path)).collect();
    // The first that knows the proxy answers for all; one that hangs holds nobody up.
    let mut failure = Error::new(Kind::NotFound, "no istiod was found in this cluster");
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn ask_istiod(mesh: &Mesh, istiod: &Value, path: &str) -> Result<Answer> {
    let (namespace, name) = (istiod.string("/metadata/namespace"), istiod.string("/metadata/name"));
    let answer = asked(mesh, Ask::pod(&namespace, &name, DEBUG_PORT, path)).await;
    let answer = answer.map_err(|error| error.context(format!("istiod {namespace}/{name}")))?;
    if answer.is_success() {
        return Ok(answer);
    }
    let said = super::status::message(&answer);
    Err(Error::new(Kind::NotFound, format!("istiod {namespace}/{name} answered with status {}: {said}", answer.status)))
}

fn no_way(target: &PodTarget, tried: Vec<(&str, Error)>) -> Error {
    let ways: Vec<&str> = tried.iter().map(|(way, _)| *way).collect();
    let error = Error::new(Kind::Forbidden, format!("you may not ask the proxy of pod {target} (tried: {})", ways.join(", ")));
    let error = tried.into_iter().fold(error, |error, (way, refused)| error.cause(format!("{way}: {refused}")));
    error.hint(format!(
        "ask for the verbs get and create on pods/portforward in namespace {0}; `kubectl auth can-i create pods --subresource=portforward -n {0}` tells when they are there",
        target.namespace
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;

    const DUMP: &str = r#"{"configs":[]}"#;
    const FORWARD: &str = "pod n/p:15000 GET /config_dump";
    const EXEC: &str = "exec n/p -c istio-proxy -- pilot-agent request GET config_dump";
    const ISTIOD: &str = "pod istio-system/istiod-lab:15014 GET /debug/config_dump?proxyID=p.n";
    const PODS: &str = include_str!("../../tests/data/kube/pods.json");

    fn target() -> PodTarget {
        PodTarget { namespace: "n".into(), name: "p".into(), ..PodTarget::default() }
    }

    fn dump(fake: Fake) -> (Result<Bytes>, Vec<String>) {
        let mesh = fake.kube("/api/v1/pods?limit=500", PODS).mesh();
        (wait(config_dump(&mesh, &target(), None, false)), mesh.take_notes())
    }

    #[test]
    fn port_forward_is_enough_when_it_is_allowed() {
        let (body, notes) = dump(Fake::new().says(FORWARD, DUMP));
        assert_eq!((body.unwrap(), notes), (Bytes::from(DUMP), vec![]));
    }

    #[test]
    fn each_step_down_is_a_note_that_names_the_missing_verbs() {
        let (body, notes) = dump(Fake::new().fails(FORWARD, Kind::Forbidden).says(EXEC, DUMP));
        assert_eq!(body.unwrap(), DUMP);
        assert!(notes[0].contains("verbs get and create on pods/portforward") && notes[0].contains("namespace n"), "{notes:?}");
        let (body, notes) = dump(Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden).says(ISTIOD, DUMP));
        assert_eq!(body.unwrap(), DUMP);
        assert!(notes[0].contains("what istiod last sent"), "{notes:?}");
    }

    #[test]
    fn when_nothing_is_allowed_all_that_was_tried_is_listed() {
        let refused = Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden).fails(ISTIOD, Kind::Forbidden);
        let (body, notes) = dump(refused);
        let error = body.unwrap_err();
        assert_eq!((error.kind(), notes), (Kind::Forbidden, vec![]));
        assert!(error.message().contains("(tried: port-forward, exec of pilot-agent, istiod's view)"), "{error}");
        assert_eq!(error.causes().len(), 3);
        assert!(error.next_step().unwrap().contains("get and create on pods/portforward in namespace n"));
    }

    #[test]
    fn an_istiod_that_does_not_know_the_proxy_says_so() {
        let fake = Fake::new().fails(FORWARD, Kind::Forbidden).fails(EXEC, Kind::Forbidden);
        let (body, _) = dump(fake.refuses(ISTIOD, 404, "Proxy not connected to this Pilot instance."));
        assert!(body.unwrap_err().to_string().contains("status 404: Proxy not connected"));
    }

    #[test]
    fn endpoints_are_asked_for_in_every_way() {
        let body = |answer: Result<Arc<Doc>>| String::from_utf8(answer.unwrap().text().to_vec()).unwrap();
        let masked = "pod n/p:15000 GET /config_dump?include_eds&mask=dynamic_endpoint_configs";
        let ask = |fake: Fake| {
            let mesh = fake.kube("/api/v1/pods?limit=500", PODS).mesh();
            body(wait(sent_endpoints(&mesh, &target(), "dynamic_endpoint_configs")))
        };
        assert_eq!(ask(Fake::new().says(masked, DUMP)), DUMP);
        let old = Fake::new().refuses(masked, 400, "what is a mask?").says("pod n/p:15000 GET /config_dump?include_eds", DUMP);
        assert_eq!(ask(old), DUMP);
        let exec = "exec n/p -c istio-proxy -- pilot-agent request GET config_dump?include_eds&mask=dynamic_endpoint_configs";
        let istiod = Fake::new().fails(masked, Kind::Forbidden).fails(exec, Kind::Forbidden);
        assert_eq!(ask(istiod.says(&format!("{ISTIOD}&include_eds=true"), DUMP)), DUMP);
    }

    #[test]
    fn other_pages_have_no_third_way() {
        let mesh = Fake::new()
            .fails("pod n/p:15000 GET /clusters", Kind::Forbidden)
            .fails("exec n/p -c istio-proxy -- pilot-agent request GET clusters", Kind::Forbidden)
            .mesh();
        let error = wait(admin(&mesh, &target(), "clusters")).unwrap_err();
        assert!(error.message().contains("(tried: port-forward, exec of pilot-agent)"), "{error}");
    }

    #[test]
    fn loggers_are_listed_by_a_post() {
        let (forward, exec) = ("pod n/p:15000 POST /logging", "exec n/p -c istio-proxy -- pilot-agent request POST logging");
        let mesh = Fake::new().says(forward, "active loggers:\n").mesh();
        assert_eq!(wait(loggers(&mesh, &target())).unwrap(), "active loggers:\n");
        let mesh = Fake::new().fails(forward, Kind::Forbidden).says(exec, "active loggers:\n").mesh();
        assert_eq!(wait(loggers(&mesh, &target())).unwrap(), "active loggers:\n");
        assert!(mesh.take_notes()[0].contains("asked by exec instead"));
    }

    #[test]
    fn a_ztunnel_has_no_second_way() {
        let (mesh, fake) = Fake::new().fails(FORWARD, Kind::Forbidden).shared();
        let ztunnel = PodTarget { proxy: "ztunnel".into(), ..target() };
        let error = wait(document(&mesh, &ztunnel, "/config_dump")).unwrap_err();
        assert!(error.message().contains("(tried: port-forward)") && fake.asked().len() == 1, "{error}");
    }

    #[test]
    fn failures_that_are_no_refusal_are_not_walked_around() {
        let (body, _) = dump(Fake::new().fails(FORWARD, Kind::Unreachable).says(EXEC, DUMP));
        let error = body.unwrap_err();
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(error.message().contains("pod n/p does not answer GET /config_dump on its admin port 15000"), "{error}");
    }

    #[test]
    fn a_moved_admin_port_is_asked_there_and_not_by_exec() {
        let moved = PodTarget { admin_port: 15700, ..target() };
        let mesh = Fake::new().says("pod n/p:15700 GET /help", "pages").mesh();
        assert_eq!(wait(admin(&mesh, &moved, "/help")).unwrap().body, "pages");
        let (mesh, fake) = Fake::new().fails("pod n/p:15700 GET /help", Kind::Forbidden).shared();
        let error = wait(admin(&mesh, &moved, "help")).unwrap_err();
        assert!(error.to_string().contains("moved to 15700"), "{error}");
        assert_eq!(fake.asked().len(), 1);
    }

    #[test]
    fn envoys_own_words_are_kept() {
        let mesh = Fake::new()
            .refuses(
                "pod n/p:15000 GET /config_dump?mask=nosuchfield",
                400,
                "FieldMask paths: \"nosuchfield\" could not be\n more",
            )
            .refuses("pod n/p:15000 GET /nosuchpage", 404, "\ninvalid path. admin commands are:\n  /: Admin home page\n")
            .mesh();
        let masked = wait(config_dump(&mesh, &target(), Some("nosuchfield"), false)).unwrap_err();
        assert_eq!(masked.kind(), Kind::BadInput);
        assert!(masked.message().ends_with("with status 400: FieldMask paths: \"nosuchfield\" could not be"), "{masked}");
        let page = wait(admin(&mesh, &target(), "nosuchpage")).unwrap_err();
        assert_eq!((page.kind(), page.next_step().is_some()), (Kind::NotFound, true));
    }

    const MASKED: &str = "pod n/p:15000 GET /config_dump?mask=static_listeners";

    #[test]
    fn a_proxy_too_old_for_masks_gives_all_of_it() {
        let whole = r#"{"configs":[{"@type":"envoy.admin.v2alpha.ClustersConfigDump"}]}"#;
        let choice = Choice { mask: Some("static_listeners".into()), ..Choice::default() };
        let (ignores, fake) = Fake::new().says(MASKED, whole).shared();
        assert_eq!(wait(chosen(&ignores, &target(), &choice)).unwrap().text(), whole);
        assert_eq!(wait(section(&ignores, &target(), "static_listeners")).unwrap().text(), whole);
        assert_eq!((fake.asked().len(), ignores.take_notes().len()), (2, 0));
        for words in ["unknown parameter", ""] {
            let refuses = Fake::new().refuses(MASKED, 400, words).says(FORWARD, whole).mesh();
            assert_eq!(wait(chosen(&refuses, &target(), &choice)).unwrap().text(), whole);
            assert!(refuses.take_notes()[0].contains("n/p is too old to leave out parts"));
            assert_eq!(wait(section(&refuses, &target(), "static_listeners")).unwrap().text(), whole);
        }
    }

    #[test]
    fn a_part_that_a_new_proxy_does_not_have_is_empty_for_rows_and_an_error_for_who_chose_it() {
        let words = "FieldMask static_listeners could not be successfully applied to any configs.";
        let mesh = Fake::new().refuses(MASKED, 400, words).says(FORWARD, DUMP).mesh();
        let choice = Choice { mask: Some("static_listeners".into()), ..Choice::default() };
        let error = wait(chosen(&mesh, &target(), &choice)).unwrap_err();
        assert!(error.kind() == Kind::BadInput && error.message().contains(words), "{error}");
        assert_eq!(wait(section(&mesh, &target(), "static_listeners")).unwrap().text(), DUMP);
    }

    #[test]
    fn a_part_that_a_proxy_does_not_have_is_empty_by_exec_as_well() {
        let masked = format!("{EXEC}?mask=ecds_filters");
        let fake = Fake::new()
            .fails(FORWARD, Kind::Forbidden)
            .fails("pod n/p:15000 GET /config_dump?mask=ecds_filters", Kind::Forbidden);
        let mesh =
            fake.refuses(&masked, 500, "Error: received unsuccessful status code 400: FieldMask\n").says(EXEC, DUMP).mesh();
        assert_eq!(wait(section(&mesh, &target(), "ecds_filters")).unwrap().text(), DUMP);
    }

    #[test]
    fn an_unknown_resource_says_what_a_resource_is() {
        let mesh = Fake::new().refuses("pod n/p:15000 GET /config_dump?resource=x", 404, "x not found in config dump").mesh();
        let choice = Choice { resource: Some("x".into()), ..Choice::default() };
        let error = wait(chosen(&mesh, &target(), &choice)).unwrap_err();
        assert!(error.message().contains("x not found") && error.next_step().unwrap().contains("dynamic_listeners"), "{error}");
    }

    #[test]
    fn dumps_that_are_none_name_the_pod_and_what_came() {
        for (body, says) in [
            ("", "is empty (0 bytes)"),
            (" \n", "is empty (2 bytes)"),
            (r#"{"configs":[{"a":"#, "is cut off after 17 bytes"),
            ("<html>login</html>", "begins \"<html>login"),
        ] {
            let (result, _) = dump(Fake::new().says(FORWARD, body));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), Kind::BadAnswer);
            assert!(error.message().contains("pod n/p") && error.message().contains(says), "{error}");
            assert!(error.next_step().is_some());
        }
    }

    #[test]
    fn a_url_is_no_page() {
        let mesh = Fake::new().mesh();
        for path in ["http://evil/", "/a b"] {
            assert_eq!(wait(admin(&mesh, &target(), path)).unwrap_err().kind(), Kind::BadInput);
        }
    }
}
