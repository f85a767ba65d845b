//! The live backend: a Kubernetes cluster, the pods in it, and the network around this machine.

use super::connect::Access;
use super::kube_error::Asked;
use super::kube_http::Api;
use super::login::{LOGIN, Login};
use super::patience::Patience;
use super::port_forward::{self, Tunnels};
use super::roots::SystemRoots;
use super::{Acting, Answer, Ask, Backend, Connect, Followed, Query, Tunnel, exec, follow, handshake, http_get};
use crate::error::{Error, Kind, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::client::Client;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names in Kubernetes are no longer than this.
const MAX_NAME: usize = 253;

/// Answers from the real world.
pub struct Live {
    login: Arc<Login>,
    tunnels: Arc<Tunnels>,
    roots: SystemRoots,
}

impl Live {
    /// What the cluster is called where there is none.
    pub const NOBODY: &str = "none";

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
        Ok(Self { login: Arc::new(Login::new(connect, access)), tunnels: Arc::default(), roots: SystemRoots::default() })
    }

    /// The longest that a question can take with this timeout: a login, and an answer that keeps coming.
    ///
    /// Live keeps the time itself, by connection, answer and part of an answer; a limit round it should not be shorter.
    pub fn longest(timeout: Duration) -> Duration {
        LOGIN + Patience::longest(timeout) + timeout
    }

    /// Why there is no cluster, if there is none.
    pub fn no_cluster(&self) -> Option<&Error> {
        self.login.access.as_ref().err()
    }

    /// Whether the next question may make a credential plugin talk to the user.
    pub(super) fn may_talk(&self) -> bool {
        self.login.may_talk()
    }

    fn patience(&self) -> Patience {
        Patience::new(self.login.connect.timeout)
    }

    async fn answer(&self, query: &Query) -> Result<Answer> {
        let patience = self.patience();
        let overrides = &self.login.connect.resolve;
        match &query.ask {
            Ask::Http(get) => http_get::ask(get, overrides, &self.roots, &patience).await,
            Ask::Tls(probe) => handshake::ask(probe, overrides, &query.to_string(), &patience).await,
            Ask::Roots(roots) => self.roots.ask(&roots.subjects).await,
            Ask::Kube(_) | Ask::Logs(_) | Ask::Pod(_) | Ask::Port(_) | Ask::Exec(_) => self.cluster_answer(query).await,
        }
    }

    async fn cluster_answer(&self, query: &Query) -> Result<Answer> {
        let access = self.login.access(&query.cluster)?;
        let what = query.to_string();
        let server = access.server();
        let asked = Asked { what: &what, cluster: &access.cluster, server: &server };
        let client = &self.login.client(asked).await?;
        // A login takes the user's time, not the server's.
        let patience = &self.patience();
        let answer = match &query.ask {
            Ask::Kube(kube) => Api { client, asked, patience }.ask(kube).await,
            Ask::Logs(logs) => Api { client, asked, patience }.logs(logs).await,
            Ask::Pod(pod) => self.tunnels.ask(client, pod, asked, patience).await,
            Ask::Exec(command) => exec::ask(client, command, asked, patience).await,
            Ask::Port(_) | Ask::Http(_) | Ask::Tls(_) | Ask::Roots(_) => {
                Err(Error::new(Kind::Internal, format!("{what} was taken for a question to the cluster")))
            }
        };
        self.login.heed(answer.as_ref().err()).await;
        answer
    }

    async fn open(&self, query: &Query) -> Result<Tunnel> {
        let Ask::Port(port) = &query.ask else {
            return Err(Error::new(Kind::Internal, format!("{query} was taken for a port")));
        };
        let access = self.login.access(&query.cluster)?;
        let (what, server) = (query.to_string(), access.server());
        let asked = Asked { what: &what, cluster: &access.cluster, server: &server };
        let client = &self.login.client(asked).await?;
        let tunnel = port_forward::tunnel(client, port, asked, &self.patience()).await;
        self.login.heed(tunnel.as_ref().err()).await;
        tunnel
    }
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

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        follow::follow(self.login.clone(), query).boxed()
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        self.open(query).boxed()
    }

    fn cluster(&self) -> String {
        self.login.access.as_ref().map_or_else(|_| Self::NOBODY.into(), |access| access.cluster.clone())
    }

    fn namespace(&self) -> String {
        let own = || self.login.connect.namespace.clone().unwrap_or_else(|| "default".into());
        self.login.access.as_ref().map_or_else(|_| own(), |access| access.config.default_namespace.clone())
    }

    fn acting(&self) -> Acting {
        let auth = self.login.access.as_ref().map(|access| &access.config.auth_info);
        auth.map_or_else(
            |_| Acting::default(),
            |auth| Acting { user: auth.impersonate.clone(), groups: auth.impersonate_groups.clone().unwrap_or_default() },
        )
    }

    fn describe(&self) -> String {
        match &self.login.access {
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
