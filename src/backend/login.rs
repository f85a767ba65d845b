//! The client for the API server: made at the first question, and anew after the credentials were refused.

use super::Connect;
use super::connect::Access;
use super::kube_error::{self, Asked};
use crate::error::{Error, Kind, Result};
use http::Request;
use http::header::{HeaderName, HeaderValue};
use kube::client::{Body, Client, ClientBuilder};
use kube::config::ExecInteractiveMode;
use std::time::Duration;
use tokio::sync::Mutex;
use tower::util::MapRequestLayer;

/// A credential plugin may ask the user to log in, in a browser; it gets this much time.
pub(super) const LOGIN: Duration = Duration::from_secs(120);

/// The way to the cluster, and the client that goes it.
pub(super) struct Login {
    pub(super) connect: Connect,
    pub(super) access: Result<Access>,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    client: Option<Client>,
    refused: bool,
}

impl Login {
    /// No client yet.
    pub(super) fn new(connect: Connect, access: Result<Access>) -> Self {
        Self { connect, access, session: Mutex::default() }
    }

    /// The way to this cluster.
    pub(super) fn access(&self, cluster: &str) -> Result<&Access> {
        let access = self.access.as_ref().map_err(Clone::clone)?;
        if cluster == access.cluster {
            return Ok(access);
        }
        Err(Error::new(Kind::NoCluster, format!("this session asks the cluster {}, not {cluster}", access.cluster))
            .hint(format!("start pilotage with --context {cluster}")))
    }

    /// The client; a new one when the credentials of the last were refused.
    pub(super) async fn client(&self, asked: Asked<'_>) -> Result<Client> {
        let access = self.access.as_ref().map_err(Clone::clone)?;
        let mut session = self.session.lock().await;
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

    /// Whether the next question may make a credential plugin talk to the user: no client is there, and the plugin may.
    pub(super) fn may_talk(&self) -> bool {
        let plugin = self.access.as_ref().ok().and_then(|access| access.config.auth_info.exec.as_ref());
        let talks = plugin.is_some_and(|plugin| !matches!(plugin.interactive_mode, Some(ExecInteractiveMode::Never)));
        // Whoever holds the session is logging in.
        talks && self.session.try_lock().map_or(true, |session| session.client.is_none())
    }

    /// Refused credentials are not used again.
    pub(super) async fn heed(&self, failure: Option<&Error>) {
        if failure.is_some_and(|error| error.kind() == Kind::Unauthorized) {
            *self.session.lock().await = Session { client: None, refused: true };
        }
    }
}

/// Make the client; this runs the kubeconfig's credential plugin, which blocks.
async fn open(access: &Access, asked: Asked<'_>) -> Result<Client> {
    let config = access.config.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let acting = acting(&config)?;
        let layer = MapRequestLayer::new(move |mut request: Request<Body>| {
            acting.iter().for_each(|(name, value)| {
                request.headers_mut().append(name, value.clone());
            });
            request
        });
        Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
    });
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

/// The headers that say whom to act as: kube reads them from a kubeconfig, and does not send them.
fn acting(config: &kube::Config) -> kube::Result<Vec<(HeaderName, HeaderValue)>> {
    let auth = &config.auth_info;
    let users = auth.impersonate.iter().map(|user| ("impersonate-user", user));
    let uids = auth.impersonate_uid.iter().map(|uid| ("impersonate-uid", uid));
    let groups = auth.impersonate_groups.iter().flatten().map(|group| ("impersonate-group", group));
    let header = |(name, value): (&'static str, &String)| {
        let value = HeaderValue::from_str(value).map_err(|error| kube::Error::HttpError(error.into()))?;
        Ok((HeaderName::from_static(name), value))
    };
    users.chain(uids).chain(groups).map(header).collect()
}
