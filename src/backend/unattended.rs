//! The cluster, for questions that nobody put: they never make anybody log in.

use super::{Answer, Backend, Followed, Live, Query, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::future::{BoxFuture, FutureExt, ready};
use std::sync::Arc;

/// Refuses to be the first who asks where a credential plugin may talk to the user: it would take keys away from who types.
pub struct Unattended {
    inner: Arc<Live>,
}

impl Unattended {
    /// Ask this cluster.
    pub fn new(live: Arc<Live>) -> Self {
        Self { inner: live }
    }

    fn refusal(&self) -> Option<Error> {
        let login = || Error::new(Kind::Unauthorized, "nobody has logged in to the cluster yet: any call does");
        self.inner.may_talk().then(login)
    }
}

impl Backend for Unattended {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        self.refusal().map_or_else(|| self.inner.ask(query), |refusal| ready(Err(refusal)).boxed())
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        self.refusal().map_or_else(|| self.inner.follow(query), |refusal| ready(Err(refusal)).boxed())
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        self.refusal().map_or_else(|| self.inner.tunnel(query), |refusal| ready(Err(refusal)).boxed())
    }

    forward_the_rest!(but notes, streams);
    forward_the_rest!(notes);
}
