//! The names of other meshes than the one at hand: of tapes that somebody speaks of, and of values that were read from one.
//!
//! Only tapes are asked. A row that was read from another cluster than the one at hand goes on asking it when a script says so,
//! but no key press does.

use super::form::{Step, part};
use super::live_names::LiveNames;
use super::{Files, Host, OpenTape, Row};
use crate::mesh::Mesh;
use rhai::{Array, Dynamic};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

/// So many other meshes are remembered.
const KEPT: usize = 4;

/// Whose names are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of the mesh at hand.
    Here,
    /// Those of the tape in this file.
    Tape(String),
    /// Those of the mesh that a variable, or a part of it, was read from.
    Held(String, Vec<Step>),
}

/// What tells one mesh from another.
enum Key {
    Mesh(Mesh),
    /// A file, and what changes when it is written again.
    File(String, Option<(SystemTime, u64)>),
}

impl Key {
    fn file(file: &str) -> Self {
        let about = |path: &Path| path.metadata().ok().and_then(|about| Some((about.modified().ok()?, about.len())));
        Self::File(file.to_owned(), about(&Files::at_home(file)))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mesh(one), Self::Mesh(other)) => one.is(other),
            (Self::File(one, stamp), Self::File(other, changed)) => (one, stamp) == (other, changed),
            _ => false,
        }
    }
}

/// The names of other meshes, the one that was asked for last at the end.
#[derive(Default)]
pub(super) struct Beside(Vec<(Key, Arc<LiveNames>)>);

impl Beside {
    fn get(&mut self, key: Key, make: impl FnOnce(&Key) -> Option<LiveNames>) -> Option<Arc<LiveNames>> {
        let known = match self.0.iter().position(|(known, _)| known.is(&key)) {
            Some(at) => self.0.remove(at),
            None => {
                let made = Arc::new(make(&key)?);
                (key, made)
            }
        };
        let names = known.1.clone();
        self.0.push(known);
        if self.0.len() > KEPT {
            self.0.remove(0).1.end();
        }
        Some(names)
    }

    /// Let go of all questions.
    pub fn end(&self) {
        self.0.iter().for_each(|(_, names)| names.end());
    }
}

impl Host {
    /// The names of the mesh that is meant; `None` when nobody can be asked about it unseen.
    pub fn names_for(&self, whose: &Whose) -> Option<Arc<LiveNames>> {
        let runtime = self.session.runtime.clone();
        let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        match whose {
            Whose::Here => Some(self.live_names()),
            Whose::Tape(file) => beside.get(Key::file(file), |_| Some(LiveNames::of_tape(file, runtime))),
            Whose::Held(variable, way) => match self.mesh_of(variable, way) {
                Some(mesh) if !mesh.is(&self.session.mesh()) => {
                    let aside = mesh.backend().clone().aside();
                    beside.get(Key::Mesh(mesh), |_| aside.map(|aside| LiveNames::new(Some(aside), runtime)))
                }
                _ => Some(self.live_names()),
            },
        }
    }

    /// The mesh that a variable belongs to, or the last part on this way into it that belongs to one.
    fn mesh_of(&self, variable: &str, way: &[Step]) -> Option<Mesh> {
        let typed = self.idle()?;
        let value = typed.scope.get(variable)?;
        let mut steps = way.iter();
        let mut found = mesh_in(value);
        let mut next = steps.next().and_then(|step| part(value, step));
        while let Some(value) = next {
            found = mesh_in(&value).or(found);
            next = steps.next().and_then(|step| part(&value, step));
        }
        found
    }
}

/// The mesh that a value belongs to.
fn mesh_in(value: &Dynamic) -> Option<Mesh> {
    if let Some(tape) = value.read_lock::<OpenTape>() {
        return Some(tape.mesh().clone());
    }
    if let Some(row) = value.read_lock::<Row>() {
        return row.mesh().cloned();
    }
    value.read_lock::<Array>()?.first().and_then(mesh_in)
}
