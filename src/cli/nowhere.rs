//! An engine that asks nobody: for what is only about the language.

use super::places;
use crate::Pilotage;
use crate::backend::{Answer, Backend, Query};
use crate::error::{Error, Kind, Result};
use crate::repl::command;
use futures::future::{BoxFuture, FutureExt};
use std::sync::Arc;

/// Refuses every question.
struct Nowhere;

impl Backend for Nowhere {
    fn ask<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer>> {
        futures::future::ready(Err(Error::new(Kind::NoCluster, format!("nobody is there to be asked: {query}")))).boxed()
    }

    fn cluster(&self) -> String {
        "nowhere".into()
    }

    fn describe(&self) -> String {
        "nothing".into()
    }
}

/// An engine for its catalog.
///
/// # Errors
/// When no runtime can be started.
pub fn pilotage() -> Result<Pilotage> {
    Pilotage::builder(Arc::new(Nowhere)).commands(command::entries()).playbook_folders(places::playbook_folders()).build()
}
