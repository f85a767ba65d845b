//! The level of effect that is allowed, enforced where every question passes.

use super::{Answer, Backend, Effect, Followed, Query, SharedBackend, Tunnel};
use crate::error::{Error, Kind, Result};
use futures::future::{BoxFuture, FutureExt, ready};
use std::sync::{PoisonError, RwLock};

/// Refuses every question whose effect is above the allowed level; the backend below never sees it.
pub struct Policy {
    inner: SharedBackend,
    rule: RwLock<Rule>,
}

#[derive(Clone, Copy)]
struct Rule {
    allowed: Effect,
    /// The session went elsewhere: what it still holds of this place may be looked at, no more.
    left: bool,
}

impl Policy {
    /// Allow effects up to this level.
    pub fn new(inner: SharedBackend, allowed: Effect) -> Self {
        Self { inner, rule: RwLock::new(Rule { allowed, left: false }) }
    }

    /// What is allowed.
    pub fn allowed(&self) -> Effect {
        self.rule().allowed
    }

    /// From now on, allow effects up to this level.
    pub fn allow(&self, allowed: Effect) {
        self.rule.write().unwrap_or_else(PoisonError::into_inner).allowed = allowed;
    }

    /// From now on only looking is allowed: the session went elsewhere, and nobody would put back what is set here.
    pub fn leave(&self) {
        *self.rule.write().unwrap_or_else(PoisonError::into_inner) = Rule { allowed: Effect::Observe, left: true };
    }

    fn rule(&self) -> Rule {
        *self.rule.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a question may not be put, if it may not.
    fn refusal(&self, query: &Query) -> Option<Error> {
        let (effect, Rule { allowed, left }) = (query.ask.effect(), self.rule());
        if effect <= allowed {
            return None;
        }
        let (word, would) = (effect.word(), effect.would());
        Some(if left {
            let cluster = &query.cluster;
            Error::new(
                Kind::Refused,
                format!("refused: `{query}` would {would} on {cluster}, and this session went elsewhere since"),
            )
            .hint(format!("go back with `:context {cluster}`, and look up anew what you want to change"))
        } else {
            let only = allowed.word();
            Error::new(Kind::Refused, format!("refused: `{query}` would {would}; only `{only}` is allowed here")).hint(format!(
                "allow it with --allow {word}, at a prompt with `:allow {word}`; a playbook must also declare it: needs: [\"{word}\"]"
            ))
        })
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
        self.refusal(query).map_or_else(|| self.inner.ask(query), |refusal| ready(Err(refusal)).boxed())
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        self.refusal(query).map_or_else(|| self.inner.follow(query), |refusal| ready(Err(refusal)).boxed())
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        self.refusal(query).map_or_else(|| self.inner.tunnel(query), |refusal| ready(Err(refusal)).boxed())
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
    fn the_level_can_be_changed_and_a_place_that_was_left_is_only_looked_at() {
        let script = Script::answering("{}");
        let policy = Policy::new(script.clone(), Effect::Observe);
        let delete = Ask::Kube(Kube { method: "DELETE".into(), path: "/api/v1/namespaces/a/pods/b".into(), body: None });
        let query = Query::new("lab", delete);
        assert!(block_on(policy.ask(&query)).is_err());
        policy.allow(Effect::Change);
        assert!(block_on(policy.ask(&query)).is_ok());
        policy.leave();
        let error = block_on(policy.ask(&query)).expect_err("it was left");
        assert!(error.message().contains("on lab, and this session went elsewhere since"), "{error}");
        assert!(block_on(policy.ask(&Query::new("lab", Ask::kube("/version")))).is_ok());
        assert_eq!(script.asked().len(), 2);
    }

    #[test]
    fn what_only_reads_always_does() {
        let script = Script::answering("{}");
        let policy = Policy::new(script.clone(), Effect::Observe);
        assert_eq!(&block_on(policy.ask(&Query::new("lab", Ask::kube("/version")))).unwrap().body[..], b"{}");
        assert_eq!(script.asked(), ["kube GET /version"]);
    }
}
