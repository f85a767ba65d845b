//! istiod's own pages, of all replicas or of those that are meant. Only what is read: pages that change something are refused.

use super::Mesh;
use super::fan_out::{fan_out, told};
use super::istiod_choice::{IstiodOptions, chosen};
use super::istiod_page::{Replica, page};
use crate::error::{Error, Kind, Result};
use crate::json::Doc;
use crate::suggest::nearest;
use bytes::Bytes;
use std::sync::Arc;

/// What a replica answered.
#[derive(Clone)]
pub struct IstiodAnswer {
    /// The replica: `NAMESPACE/NAME`.
    pub istiod: String,
    /// Its revision.
    pub revision: String,
    /// What it said.
    pub said: Said,
}

/// The two sorts of pages.
#[derive(Clone)]
pub enum Said {
    /// JSON.
    Json(Arc<Doc>),
    /// Anything else.
    Text(String),
}

/// What was asked and by how many it was answered.
pub struct Answers {
    /// Those who answered, by namespace and name.
    pub all: Vec<IstiodAnswer>,
    /// Whether one alone was asked.
    pub single: bool,
}

/// GET a page of istiods: `syncz`, `/debug/edsz?proxyID=web-0.shop`, `/version`. Who does not answer becomes a note.
///
/// # Errors
/// When the page changes something ([`Kind::Refused`]), when there is no such page ([`Kind::NotFound`]), when no replica knows
/// the proxy that it is about, and when no replica answers.
pub async fn istiod_debug(mesh: &Mesh, path: &str, options: &IstiodOptions) -> Result<Answers> {
    let path = full(path)?;
    harmless(&path)?;
    let asked = chosen(mesh, options).await?;
    if asked.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("nobody can be asked for {path}: no istiod was found in this cluster")));
    }
    let single = asked.len() == 1 && !options.is_list();
    let mut all = Vec::new();
    let mut failed = Vec::new();
    let wanted = path.as_str();
    for (replica, answer) in fan_out(mesh, asked, |replica| async move { page(mesh, &replica, wanted).await }).await {
        match answer {
            Ok(answer) => {
                all.push(IstiodAnswer { istiod: replica.to_string(), revision: replica.revision, said: read(answer.body) });
            }
            Err(error) => failed.push((replica, error)),
        }
    }
    if all.is_empty() {
        mesh.mark_partial();
        return Err(none_answered(mesh, &path, failed).await);
    }
    for (replica, error) in failed {
        // A proxy is connected to one replica: that the others do not know it is no loss.
        if !not_connected(&path, &error) {
            mesh.note_missing(told("istiod", &replica, &error));
        }
    }
    Ok(Answers { all, single })
}

/// The page's whole path. What has no slash in front is a debug page.
fn full(path: &str) -> Result<String> {
    let bad = || {
        Error::new(Kind::BadInput, format!("{path:?} is no page of istiod"))
            .hint("give its name or its path: \"syncz\", \"/debug/edsz?proxyID=web-0.shop\", \"/version\"; `istiod_debug(\"list\")` lists the pages")
    };
    let path = path.trim();
    let odd = path.contains("://") || path.contains("..") || path.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    if odd || path.trim_matches('/').is_empty() {
        return Err(bad());
    }
    let rest = path.trim_start_matches('/');
    Ok(if path.starts_with('/') || rest.starts_with("debug/") || rest == "debug" {
        format!("/{rest}")
    } else {
        format!("/debug/{rest}")
    })
}

/// Some pages do something when they are read.
fn harmless(path: &str) -> Result<()> {
    let (page, query) = path.split_once('?').unwrap_or((path, ""));
    let names: Vec<String> = query.split(['&', ';']).map(|pair| plain(pair.split('=').next().unwrap_or_default())).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let page = plain(page);
    let does = if page.contains("force_disconnect") {
        "disconnects a proxy"
    } else if page.contains("adsz") && has("push") {
        "makes istiod send everything to all proxies anew"
    } else if page.contains("cachez") && has("clear") {
        "empties istiod's cache"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Refused, format!("{path} {does}; istiod_debug() only reads"))
        .hint("to do that on purpose: `kubectl exec -n NAMESPACE NAME -c discovery -- pilot-discovery request GET 'PATH'`"))
}

/// Without the signs `%XX` that may stand for others.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read(body: Bytes) -> Said {
    // `null` is what istiod says for an empty list. A version is text, though it begins like a number.
    let likely = matches!(body.trim_ascii().first(), Some(b'{' | b'[')) || body.trim_ascii() == b"null";
    match likely.then(|| Doc::parse(body.clone())) {
        Some(Ok(doc)) => Said::Json(doc),
        _ => Said::Text(String::from_utf8_lossy(&body).into_owned()),
    }
}

fn not_connected(path: &str, error: &Error) -> bool {
    error.kind() == Kind::NotFound && path.contains("proxyID=") && !error.message().contains("page not found")
}

/// Why nobody answered, said so that it helps.
async fn none_answered(mesh: &Mesh, path: &str, failed: Vec<(Replica, Error)>) -> Error {
    let count = failed.len();
    if failed.iter().all(|(_, error)| not_connected(path, error)) {
        let proxy = path.split_once("proxyID=").and_then(|(_, rest)| rest.split('&').next()).unwrap_or_default();
        let who = if count == 1 { "istiod does not know".to_owned() } else { format!("none of {count} istiods knows") };
        return Error::new(Kind::NotFound, format!("{who} a proxy {proxy:?}"))
            .hint("write it as NAME.NAMESPACE: \"web-0.shop\"; `proxy_status()` lists those that are connected");
    }
    let missing = |error: &Error| matches!(error.kind(), Kind::NotFound | Kind::TapeMiss);
    let telling = failed.iter().position(|(_, error)| !missing(error)).unwrap_or(0);
    let Some((replica, error)) = failed.into_iter().nth(telling) else {
        return Error::new(Kind::NotFound, format!("no istiod was asked for {path}"));
    };
    if missing(&error)
        && let Some(unknown) = unknown_page(mesh, &replica, path).await
    {
        return unknown;
    }
    let error = match error.kind() {
        Kind::BadInput if !path.contains("proxyID=") => {
            error.hint(format!("some pages are about one proxy: `istiod_debug(\"{path}?proxyID=NAME.NAMESPACE\")`"))
        }
        _ => error,
    };
    if count == 1 { error } else { error.context(format!("none of {count} istiods gives {path}")) }
}

/// The failure of a page that istiod's own list of pages does not have.
async fn unknown_page(mesh: &Mesh, replica: &Replica, path: &str) -> Option<Error> {
    let name = path.strip_prefix("/debug/")?.split('?').next()?;
    let known = pages(mesh, replica).await?;
    if known.iter().any(|page| page == name) {
        return None;
    }
    let error = Error::new(Kind::NotFound, format!("istiod {replica} has no debug page {name:?}"));
    let list = "`istiod_debug(\"list\")` lists the pages";
    Some(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}? {list}")),
        None => error.hint(format!("it has {}", known.join(", "))),
    })
}

/// The names of a replica's debug pages: as JSON, or of its index for people where it is older.
async fn pages(mesh: &Mesh, replica: &Replica) -> Option<Vec<String>> {
    if let Ok(answer) = page(mesh, replica, "/debug/list").await
        && let Ok(listed) = serde_json::from_slice::<Vec<String>>(&answer.body)
    {
        return Some(names(listed.iter().map(String::as_str)));
    }
    let index = page(mesh, replica, "/debug").await.ok()?;
    let text = index.text();
    let links =
        text.split("href=").skip(1).filter_map(|rest| rest.trim_start_matches(['"', '\'']).split(['"', '\'', '>', ' ']).next());
    let found = names(links.filter_map(|link| link.trim_start_matches('/').strip_prefix("debug/")));
    (!found.is_empty()).then_some(found)
}

fn names<'a>(listed: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = listed.filter_map(|page| page.split('?').next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
#[path = "istiod_debug_tests.rs"]
mod tests;
