//! The level of effect that is allowed, enforced where every question passes.

use super::{Answer, Backend, Effect, Followed, Query, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::future::{BoxFuture, FutureExt, ready};

/// Refuses every question whose effect is above the allowed level; the backend below never sees it.
pub struct Policy {
    inner: SharedBackend,
    allowed: Effect,
}

impl Policy {
    /// Allow effects up to this level.
    pub fn new(inner: SharedBackend, allowed: Effect) -> Self {
        Self { inner, allowed }
    }

    fn refusal(&self, query: &Query) -> Error {
        let (effect, allowed) = (query.ask.effect().word(), self.allowed.word());
        Error::new(
            Kind::Refused,
            format!("refused: `{query}` would {}; only `{allowed}` is allowed here", query.ask.effect().would()),
        )
        .hint(format!("allow it with --allow {effect}; a playbook must also declare it: needs: [\"{effect}\"]"))
    }
}

impl Effect {
    /// The word for it in playbooks and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Tune => "tune",
            Self::Change => "change",
        }
    }

    fn would(self) -> &'static str {
        match self {
            Self::Observe => "only read",
            Self::Tune => "change the runtime state of a process",
            Self::Change => "change the cluster",
        }
    }
}

impl Backend for Policy {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        if query.ask.effect() > self.allowed { ready(Err(self.refusal(query))).boxed() } else { self.inner.ask(query) }
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        if query.ask.effect() > self.allowed { ready(Err(self.refusal(query))).boxed() } else { self.inner.follow(query) }
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        if query.ask.effect() > self.allowed { ready(Err(self.refusal(query))).boxed() } else { self.inner.tunnel(query) }
    }

    forward_the_rest!(but streams);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, block_on};
    use super::super::{Ask, Kube, PodPort};
    use super::*;

    #[test]
    fn what_changes_something_never_gets_through() {
        let script = Script::answering("{}");
        let policy = Policy::new(script.clone(), Effect::Tune);
        let delete = Ask::Kube(Kube { method: "DELETE".into(), path: "/api/v1/namespaces/a/pods/b".into(), body: None });
        let error = block_on(policy.ask(&Query::new("lab", delete))).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert_eq!(
            error.message(),
            "refused: `kube DELETE /api/v1/namespaces/a/pods/b` would change the cluster; only `tune` is allowed here"
        );
        assert!(error.next_step().unwrap().contains("--allow change"));
        assert_eq!(script.asked(), Vec::<String>::new());
    }

    #[test]
    fn a_connection_into_a_pod_is_more_than_reading() {
        let port = Ask::Port(PodPort { namespace: "n".into(), pod: "p".into(), port: 15000 });
        let query = Query::new("lab", port);
        let policy = Policy::new(Script::answering("{}"), Effect::Observe);
        assert_eq!(block_on(policy.tunnel(&query)).err().unwrap().kind(), Kind::Refused);
        let policy = Policy::new(Script::answering("{}"), Effect::Tune);
        let error = block_on(policy.tunnel(&query)).err().unwrap();
        assert_eq!(error.message(), "port n/p:15000 cannot be opened: a script has no live ports");
    }

    #[test]
    fn what_only_reads_always_does() {
        let script = Script::answering("{}");
        let policy = Policy::new(script.clone(), Effect::Observe);
        assert_eq!(&block_on(policy.ask(&Query::new("lab", Ask::kube("/version")))).unwrap().body[..], b"{}");
        assert_eq!(script.asked(), ["kube GET /version"]);
    }
}
