//! The only door to the outside: every question is a [`Query`], every source of answers a [`Backend`].
//!
//! Recording, replaying, limits, effects and progress are decorators of its methods: [`Backend::ask`], and for what goes on and
//! on [`Backend::follow`] and [`Backend::tunnel`].

/// A decorator's other methods: everything but the question goes straight to `self.inner`. `but notes`, `but streams`,
/// `but namespace` leave those to it; a decorator that has nothing to say about streams forwards them by plain `forward_the_rest!()`.
macro_rules! forward_the_rest {
    () => {
        forward_the_rest!(but notes);
        forward_the_rest!(notes);
    };
    (but notes) => {
        forward_the_rest!(but notes, streams);

        fn follow<'a>(
            &'a self,
            query: &'a crate::backend::Query,
        ) -> futures::future::BoxFuture<'a, crate::error::Result<crate::backend::Followed>> {
            self.inner.follow(query)
        }

        fn tunnel<'a>(
            &'a self,
            query: &'a crate::backend::Query,
        ) -> futures::future::BoxFuture<'a, crate::error::Result<crate::backend::Tunnel>> {
            self.inner.tunnel(query)
        }
    };
    (but streams) => {
        forward_the_rest!(but notes, streams);
        forward_the_rest!(notes);
    };
    (but namespace, streams) => {
        forward_the_rest!(but namespace, notes, streams);
        forward_the_rest!(notes);
    };
    (notes) => {
        fn notes(&self) -> Vec<String> {
            self.inner.notes()
        }
    };
    (but notes, streams) => {
        forward_the_rest!(but namespace, notes, streams);

        fn namespace(&self) -> String {
            self.inner.namespace()
        }
    };
    (but namespace, notes, streams) => {
        fn now(&self) -> jiff::Timestamp {
            self.inner.now()
        }

        fn cluster(&self) -> String {
            self.inner.cluster()
        }

        fn acting(&self) -> $crate::backend::Acting {
            self.inner.acting()
        }

        fn describe(&self) -> String {
            self.inner.describe()
        }

        fn replays(&self) -> bool {
            self.inner.replays()
        }
    };
}

mod aside;
mod body;
mod connect;
mod demo;
mod dial;
mod exec;
#[cfg(test)]
mod fake_api;
mod follow;
mod follow_restart;
mod follow_run;
mod forward;
mod handshake;
mod http_get;
mod json_keys;
mod kube_error;
mod kube_http;
mod ledger;
mod ledger_chain;
mod ledger_entry;
mod ledger_file;
mod ledger_state;
#[cfg(test)]
mod ledger_tests;
mod ledger_trust;
mod ledger_undo;
mod limit;
mod live;
#[cfg(test)]
mod live_tests;
mod log_filter;
mod log_range;
mod log_resume;
mod login;
mod logs;
mod narrow;
mod narrow_dump;
mod narrow_stats;
#[cfg(test)]
mod network_tests;
mod observe;
mod patience;
mod policy;
mod port_forward;
mod proxy;
mod query;
mod recorder;
#[cfg(test)]
mod recorder_tests;
mod redact;
mod redact_json;
#[cfg(test)]
mod redact_json_tests;
mod redact_jwt;
mod redact_marks;
mod redact_stream;
mod redact_text;
mod redacted;
mod replay;
#[cfg(test)]
mod replay_tests;
mod resolve;
mod roots;
mod site;
mod stream;
mod tape;
mod tape_read;
mod taping;
#[cfg(test)]
pub(crate) mod testing;
mod tune;
mod unattended;
pub mod whose;

pub use aside::Aside;
pub use connect::{Acting, Connect, ContextOf, Names, contexts, names};
pub use demo::demo;
pub use forward::{Forward, Forwards, Traffic};
pub use ledger::{Ledger, Shelf};
pub use ledger_entry::{Entry, How, Process, Setting, UndoRow, Undone};
pub use ledger_file::{Contents, Header as LedgerHeader, Leftover, doubts as ledger_doubts, leftovers, living};
pub use ledger_undo::Which;
pub use limit::Limit;
pub use live::Live;
pub use log_filter::LogFilter;
pub use log_range::narrow_log;
pub use observe::{Observed, Observer, Tally};
pub use policy::Policy;
pub use query::{Answer, Ask, Effect, Exec, HttpGet, Kube, Logs, PodHttp, PodPort, Query, Roots, TlsProbe, Trust};
pub use recorder::Recorder;
pub use redact::{Redactor, holds_secret, secret_strings, suspicious};
pub use redact_text::NAMES as SECRET_NAMES;
pub use redacted::Redacted;
pub use replay::Tape;
pub use resolve::Resolve;
pub use site::Site;
pub use stream::{Followed, Piece, Tunnel};
pub use tape::Manifest;
pub use taping::{Recording, Taping};
pub use tune::{CONTROLZ, Place, SCOPES, STACK_TRACE};
pub use unattended::Unattended;

use crate::error::Result;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::sync::Arc;

/// A source of answers: a live cluster, a tape, or one of them behind a decorator.
pub trait Backend: Send + Sync {
    /// Put one question. Dropping the future cancels it and frees what it holds.
    ///
    /// # Errors
    /// Only when no answer came at all, or it was cut off. An answer with status 404 or 500 is an answer.
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>>;

    /// Read a log while it streams: [`Ask::Logs`], to its end, or on and on when it says `follow`.
    ///
    /// The pieces are whole lines. A stream that broke has been resumed before they come: none is missing or comes twice. Dropping
    /// the stream ends it and frees what it holds. Unless a backend knows better, this is one question with one piece.
    ///
    /// # Errors
    /// Only when no answer came at all. A refusal is the [`Followed::head`], and nothing follows it.
    fn follow<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Followed>> {
        Box::pin(async move { self.ask(query).await.map(Followed::whole) })
    }

    /// Open a connection to a port inside a pod ([`Ask::Port`]); bytes pass it as they are, nothing of them is kept or redacted.
    ///
    /// # Errors
    /// When it cannot be opened; always where there is nothing live behind this backend.
    fn tunnel<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Tunnel>> {
        Box::pin(async move { Err(stream::no_ports(&self.describe(), query)) })
    }

    /// The time to judge answers by: the wall clock, or the time of recording when replaying.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The name of the cluster that questions go to when the script names none.
    fn cluster(&self) -> String;

    /// The namespace to use where a name comes without one.
    fn namespace(&self) -> String {
        "default".into()
    }

    /// Where answers come from, in a few words: `context lab (https://…)`, `tape case.tape of 2026-11-22`.
    fn describe(&self) -> String;

    /// Whom the user at hand acts as there.
    fn acting(&self) -> Acting {
        Acting::default()
    }

    /// Whether answers are recorded ones: nothing that is asked here changes anything.
    fn replays(&self) -> bool {
        false
    }

    /// The same source for who only looks: what is asked there is nowhere recorded, and a replay goes on as if nobody had asked.
    /// `None` where nobody can look unseen.
    fn aside(self: Arc<Self>) -> Option<SharedBackend> {
        None
    }

    /// Things worth telling about this source: a tape that ends early, for one.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A backend that many owners share.
pub type SharedBackend = Arc<dyn Backend>;
