//! The live backend: a Kubernetes cluster, the pods in it, and the network around this machine.

use super::connect::Access;
use super::kube_error::{self, Asked};
use super::kube_http::Api;
use super::patience::Patience;
use super::port_forward::Tunnels;
use super::roots::SystemRoots;
use super::{Answer, Ask, Backend, Connect, Query, exec, handshake, http_get};
use crate::error::{Error, Kind, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::client::Client;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A credential plugin may ask the user to log in, in a browser; it gets this much time.
const LOGIN: Duration = Duration::from_secs(120);
/// Names in Kubernetes are no longer than this.
const MAX_NAME: usize = 253;

/// Answers from the real world.
pub struct Live {
    connect: Connect,
    access: Result<Access>,
    /// Made at the first question, and anew after the credentials were refused.
    client: Mutex<Session>,
    tunnels: Arc<Tunnels>,
    roots: SystemRoots,
}

#[derive(Default)]
struct Session {
    client: Option<Client>,
    refused: bool,
}

impl Live {
    /// Find the way to the cluster; nothing is sent before the first question.
    ///
    /// Without any kubeconfig this works too: only questions to the cluster fail then, and say where a kubeconfig was looked for.
    ///
    /// # Errors
    /// When a kubeconfig or context was named and cannot be used.
    pub async fn connect(connect: Connect) -> Result<Self> {
        let access = Access::find(&connect).await;
        if let Err(error) = &access
            && connect.is_explicit()
        {
            return Err(error.clone());
        }
        Ok(Self { connect, access, client: Mutex::default(), tunnels: Arc::default(), roots: SystemRoots::default() })
    }

    /// The longest that a question can take with this timeout: a login, and an answer that keeps coming.
    ///
    /// Live keeps the time itself, by connection, answer and part of an answer; a limit round it should not be shorter.
    pub fn longest(timeout: Duration) -> Duration {
        LOGIN + Patience::longest(timeout) + timeout
    }

    /// Why there is no cluster, if there is none.
    pub fn no_cluster(&self) -> Option<&Error> {
        self.access.as_ref().err()
    }

    async fn answer(&self, query: &Query) -> Result<Answer> {
        let patience = Patience::new(self.connect.timeout);
        let overrides = &self.connect.resolve;
        match &query.ask {
            Ask::Http(get) => http_get::ask(get, overrides, &self.roots, &patience).await,
            Ask::Tls(probe) => handshake::ask(probe, overrides, &query.to_string(), &patience).await,
            Ask::Roots(roots) => self.roots.ask(&roots.subjects).await,
            Ask::Kube(_) | Ask::Logs(_) | Ask::Pod(_) | Ask::Exec(_) => self.cluster_answer(query).await,
        }
    }

    async fn cluster_answer(&self, query: &Query) -> Result<Answer> {
        let access = self.access.as_ref().map_err(Clone::clone)?;
        if query.cluster != access.cluster {
            return Err(Error::new(
                Kind::NoCluster,
                format!("this session asks the cluster {}, not {}", access.cluster, query.cluster),
            )
            .hint(format!("start pilotage with --context {}", query.cluster)));
        }
        let what = query.to_string();
        let server = access.server();
        let asked = Asked { what: &what, cluster: &access.cluster, server: &server };
        let client = &self.client(access, asked).await?;
        // A login takes the user's time, not the server's.
        let patience = &Patience::new(self.connect.timeout);
        let answer = match &query.ask {
            Ask::Kube(kube) => Api { client, asked, patience }.ask(kube).await,
            Ask::Logs(logs) => Api { client, asked, patience }.logs(logs).await,
            Ask::Pod(pod) => self.tunnels.ask(client, pod, asked, patience).await,
            Ask::Exec(command) => exec::ask(client, command, asked, patience).await,
            Ask::Http(_) | Ask::Tls(_) | Ask::Roots(_) => {
                Err(Error::new(Kind::Internal, format!("{what} was taken for a question to the cluster")))
            }
        };
        if matches!(&answer, Err(error) if error.kind() == Kind::Unauthorized) {
            *self.client.lock().await = Session { client: None, refused: true };
        }
        answer
    }

    async fn client(&self, access: &Access, asked: Asked<'_>) -> Result<Client> {
        let mut session = self.client.lock().await;
        if let Some(client) = &session.client {
            return Ok(client.clone());
        }
        let client = match session.refused {
            true => open(&access.renewed(&self.connect).await, asked).await?,
            false => open(access, asked).await?,
        };
        session.client = Some(client.clone());
        Ok(client)
    }
}

/// Make the client; this runs the kubeconfig's credential plugin, which blocks.
async fn open(access: &Access, asked: Asked<'_>) -> Result<Client> {
    let config = access.config.clone();
    let opening = tokio::task::spawn_blocking(move || Client::try_from(config));
    let opened = tokio::time::timeout(LOGIN, opening).await.map_err(|_| {
        Error::new(Kind::Timeout, format!("the credential plugin of {} did not end within {} s", access.cluster, LOGIN.as_secs()))
            .hint("run the plugin by hand; it may wait for a login")
    })?;
    let opened = opened
        .map_err(|error| Error::new(Kind::Internal, "the client for the API server could not be made").caused_by(&error))?;
    opened.map_err(|error| match kube_error::no_answer(&error, asked) {
        error if error.kind() == Kind::Unreachable => {
            Error::new(Kind::NoCluster, format!("the context {} cannot be used", asked.cluster))
                .cause(error)
                .hint("see it with `kubectl config view`")
        }
        error => error,
    })
}

/// The pods of a namespace, once the names in the question are known to be names.
pub(super) fn pod_api(client: &Client, namespace: &str, pod: &str) -> Result<kube::Api<Pod>> {
    check_name("namespace", namespace)?;
    check_name("pod", pod)?;
    Ok(kube::Api::namespaced(client.clone(), namespace))
}

/// Names become parts of URLs, so nothing else may pass for one.
pub(super) fn check_name(kind: &str, name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let bounded = name
        .bytes()
        .next()
        .zip(name.bytes().last())
        .is_some_and(|(first, last)| ![first, last].iter().any(|byte| b"-.".contains(byte)));
    match bounded && name.len() <= MAX_NAME && name.bytes().all(legal) {
        true => Ok(()),
        false => Err(Error::new(Kind::BadInput, format!("{name:?} is no name of a {kind}"))
            .hint("names have small letters, digits, - and .")),
    }
}

impl Backend for Live {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        let asked = async move {
            let started = Instant::now();
            let answer = self.answer(query).await?;
            let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Ok(Answer { at: Timestamp::now(), ms, ..answer })
        };
        asked.boxed()
    }

    fn cluster(&self) -> String {
        self.access.as_ref().map_or_else(|_| "none".into(), |access| access.cluster.clone())
    }

    fn namespace(&self) -> String {
        let own = || self.connect.namespace.clone().unwrap_or_else(|| "default".into());
        self.access.as_ref().map_or_else(|_| own(), |access| access.config.default_namespace.clone())
    }

    fn describe(&self) -> String {
        match &self.access {
            Ok(access) => format!("context {} ({})", access.cluster, access.server()),
            Err(_) => "no cluster".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_become_parts_of_urls() {
        for name in ["web-1", "a.b.example", "0"] {
            check_name("pod", name).expect(name);
        }
        for name in ["", "a/b", "../a", "a?b", "A", "-a", "a.", "a b", &"a".repeat(254)] {
            assert_eq!(check_name("pod", name).expect_err(name).kind(), Kind::BadInput);
        }
    }
}
