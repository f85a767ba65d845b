//! The running cluster: its listeners, its addresses, its kubeconfig.

use super::api::Api;
use super::book::Book;
use super::certificates::{Identity, Times};
use super::objects::Objects;
use super::options::ClusterOptions;
use super::outside::{Manner, Server, TlsListener};
use super::recording::Via;
use axum::Router;
use axum::extract::{Request, State};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use pilotage::error::{Error, Kind, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A cluster that serves a recording on loopback, until it is dropped.
pub struct Cluster {
    name: String,
    user: String,
    api: Arc<Api>,
    address: SocketAddr,
    /// Who vouches for the API server, when it speaks TLS.
    authority: Option<String>,
    servers: Vec<Server>,
    roots: Vec<String>,
    /// Its own threads, so that it serves while the caller blocks.
    runtime: Option<Runtime>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Connections that hang on purpose must not hold anybody up.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Cluster {
    /// Start serving.
    ///
    /// # Errors
    /// When no port is free, or the recording's certificates cannot be served.
    pub fn start(mut options: ClusterOptions) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("cluster").build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let mut objects = Objects::gather(&options.recording);
        let outside = identities(&options, &objects)?;
        let book = Book::gather(&options.recording, std::mem::take(&mut options.faults), std::mem::take(&mut options.ports));
        let book = Arc::new(book);

        let (mut servers, mut roots, mut edited) = (Vec::new(), Vec::new(), Vec::new());
        for (host, port, identity) in outside {
            if let Some(root) = identity.as_ref().and_then(|identity| identity.root.as_ref()) {
                if root.replace(&mut objects) {
                    edited.push("configmaps".to_string());
                }
                roots.push(root.pem.clone());
            }
            let manner = Manner::new(options.handshake, identity.as_ref())?;
            let listener = bind(&runtime)?;
            let server = Server { host, port, address: listener.local_addr().map_err(|error| failed(&error))? };
            servers.push(server.clone());
            runtime.spawn(manner.serve(listener, server, Arc::clone(&book)));
        }

        let (name, user) = (options.recording.cluster.clone(), options.user.clone());
        let identity = options.https.then(Identity::local).transpose()?;
        let api = Arc::new(Api::new(options, objects, book, edited));
        let listener = bind(&runtime)?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let handler = |State(api): State<Arc<Api>>, request: Request| async move { api.handle(request).await };
        let router = Router::new().fallback(handler).with_state(Arc::clone(&api));
        match &identity {
            Some(identity) => {
                let _inside = runtime.enter();
                let listener = TlsListener::new(listener, identity)?;
                runtime.spawn(async move { axum::serve(listener, router).await });
            }
            None => {
                runtime.spawn(async move { axum::serve(listener, router).await });
            }
        }
        let authority = identity.and_then(|identity| identity.root).map(|root| root.pem);
        Ok(Self { name, user, api, address, authority, servers, roots, runtime: Some(runtime) })
    }

    /// The cluster's name: its context in the kubeconfig.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the API answers.
    pub fn api_address(&self) -> SocketAddr {
        self.address
    }

    /// The HTTPS servers outside of the mesh.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Where the first of them answers: the server of the keys, in recordings that have one.
    pub fn jwks_address(&self) -> Option<SocketAddr> {
        self.servers.first().map(|server| server.address)
    }

    /// `HOST:PORT:ADDRESS` of every server outside of the mesh, as `--resolve` takes it.
    pub fn resolve(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("{}:{}:{}", server.host, server.port, server.address)).collect()
    }

    /// The roots that vouch for those servers, as PEM.
    pub fn roots(&self) -> &[String] {
        &self.roots
    }

    /// What the API was asked so far: `user GET /path?query`.
    pub fn asked(&self) -> Vec<String> {
        self.api.asked()
    }

    /// Write a kubeconfig. The current context is named after the cluster and belongs to the options' user;
    /// beside it there is `NAME-USER` for every user.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.contexts()).unwrap_or_default();
        let error = |error| Error::new(Kind::File, format!("cannot write {}", file.display())).caused_by(&error);
        std::fs::write(file, text).map_err(error)
    }

    /// The bearer token of a user; none of one who is not known, or anonymous.
    pub fn token(&self, user: &str) -> Option<String> {
        self.api.users().iter().find(|known| known.name == user)?.token.clone()
    }

    fn server(&self) -> Value {
        match &self.authority {
            Some(pem) => json!({
                "server": format!("https://{}", self.address),
                "certificate-authority-data": BASE64_STANDARD.encode(pem),
            }),
            None => json!({"server": format!("http://{}", self.address)}),
        }
    }

    fn contexts(&self) -> Value {
        let named = self.api.users().iter().map(|user| (user.name.trim_start_matches("system:"), user.token.clone()));
        let users: Vec<(&str, Option<String>)> = named.chain([("badtoken", Some("a-token-nobody-knows".into()))]).collect();
        let context = |name: String, user: &str| json!({"name": name, "context": {"cluster": self.name, "user": user}});
        let contexts = users.iter().map(|(user, _)| context(format!("{}-{user}", self.name), user));
        let credentials = users.iter().map(|(user, token)| match token {
            Some(token) => json!({"name": user, "user": {"token": token}}),
            None => json!({"name": user, "user": {}}),
        });
        let contexts: Vec<Value> = std::iter::once(context(self.name.clone(), &self.user)).chain(contexts).collect();
        json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {},
            "clusters": [{"name": self.name, "cluster": self.server()}],
            "users": credentials.collect::<Vec<_>>(),
            "contexts": contexts,
            "current-context": self.name,
        })
    }
}

/// The hosts outside of the mesh, and what each shows; nothing where it showed nothing when recorded.
fn identities(options: &ClusterOptions, objects: &Objects) -> Result<Vec<(String, u16, Option<Identity>)>> {
    let mut identities: Vec<(String, u16, Option<Identity>)> = Vec::new();
    for entry in options.recording.via(Via::Chain) {
        let Some((host, port)) = entry.host.clone().zip(entry.port) else { continue };
        if identities.iter().any(|(known, number, _)| *known == host && *number == port) {
            continue;
        }
        let times = Times { recorded: options.recording.end, now: options.clock.unwrap_or_else(Timestamp::now) };
        let chain = (!entry.body.is_empty()).then(|| Identity::of(&entry.body, times, objects));
        identities.push((host, port, chain.transpose()?));
    }
    Ok(identities)
}

/// A free port. Bound without waiting, so that a cluster can be started from asynchronous code too.
fn bind(runtime: &Runtime) -> Result<TcpListener> {
    let _inside = runtime.enter();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    listener.map_err(|error| failed(&error))
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Kind::Unreachable, "the cluster cannot be served on 127.0.0.1").caused_by(error)
}
