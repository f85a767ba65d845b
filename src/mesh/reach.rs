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

/// Set levels of a proxy's loggers, by what stands behind the page's question mark. Gives the list as it is then.
///
/// # Errors
/// As [`admin`].
pub async fn set_loggers(mesh: &Mesh, target: &PodTarget, params: &str) -> Result<String> {
    Ok(through(mesh, target, "POST", &format!("/logging?{params}")).await?.text().into_owned())
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
    let page = PodHttp { namespace, pod, port, method: method.into(), path: path.into(), body: None };
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
#[path = "reach_tests.rs"]
mod tests;
