//! The place that is asked, as long as it stays the same one: the way there may be renewed, and another namespace be chosen.

use super::{Acting, Answer, Backend, Followed, Query, SharedBackend, Tunnel};
use crate::error::Result;
use futures::future::BoxFuture;
use std::sync::{PoisonError, RwLock};

/// A source of answers under what looks at it. What was asked on one way is answered on it.
pub struct Site {
    way: RwLock<SharedBackend>,
    namespace: RwLock<Option<String>>,
}

impl Site {
    /// Begin with this way. A namespace wins over the one that the way has by itself.
    pub fn new(way: SharedBackend, namespace: Option<String>) -> Self {
        Self { way: RwLock::new(way), namespace: RwLock::new(namespace.filter(|name| !name.is_empty())) }
    }

    /// From now on, go there another way: with more patience, for one. It must lead to the same place.
    pub fn renew(&self, way: SharedBackend) {
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// From now on, this is the namespace of names that come without one.
    pub fn choose(&self, namespace: &str) {
        *self.namespace.write().unwrap_or_else(PoisonError::into_inner) = Some(namespace.to_owned());
    }

    fn way(&self) -> SharedBackend {
        self.way.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Backend for Site {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        let way = self.way();
        Box::pin(async move { way.ask(query).await })
    }

    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        let way = self.way();
        Box::pin(async move { way.follow(query).await })
    }

    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        let way = self.way();
        Box::pin(async move { way.tunnel(query).await })
    }

    fn now(&self) -> jiff::Timestamp {
        self.way().now()
    }

    fn cluster(&self) -> String {
        self.way().cluster()
    }

    fn namespace(&self) -> String {
        let chosen = self.namespace.read().unwrap_or_else(PoisonError::into_inner).clone();
        chosen.unwrap_or_else(|| self.way().namespace())
    }

    fn acting(&self) -> Acting {
        self.way().acting()
    }

    fn describe(&self) -> String {
        self.way().describe()
    }

    fn replays(&self) -> bool {
        self.way().replays()
    }

    fn notes(&self) -> Vec<String> {
        self.way().notes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, block_on};
    use super::super::{Ask, Query};
    use super::*;
    use std::sync::Arc;

    #[test]
    fn another_way_answers_and_the_chosen_namespace_stays() {
        let (first, second) = (Script::answering("1"), Script::answering("2"));
        let site = Site::new(first.clone(), Some(String::new()));
        assert_eq!(site.namespace(), first.namespace());
        site.choose("shop");
        site.renew(second.clone());
        let query = Query::new("lab", Ask::kube("/version"));
        assert_eq!(&block_on(site.ask(&query)).expect("an answer").body[..], b"2");
        assert_eq!((site.namespace().as_str(), first.asked().len(), second.asked().len()), ("shop", 0, 1));
        assert_eq!(Site::new(Arc::new(site), None).namespace(), "shop");
    }
}
