//! `tape`: a recording that a script opened, to be looked at beside the mesh at hand.

use super::Files;
use crate::backend::{Tape, demo};
use crate::error::{Error, Kind, Result};
use crate::mesh::Mesh;
use std::fmt;
use std::sync::Arc;

/// A recording that a script opened. Cloning counts a reference.
#[derive(Clone)]
pub struct OpenTape {
    mesh: Mesh,
    said: Arc<str>,
}

impl OpenTape {
    /// The name of the tape that comes with pilotage.
    pub const DEMO: &'static str = "demo";

    /// The tape that this name, or this file, means to who types at a prompt.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub(super) fn read(file: &str) -> Result<Tape> {
        if file == Self::DEMO {
            return demo();
        }
        let path = Files::at_home(file);
        // What is no file may never end.
        if path.is_dir() || (path.exists() && !path.is_file()) {
            return Err(Error::new(Kind::File, format!("{file} is no file")));
        }
        Tape::open(path)
    }

    /// The mesh that was recorded.
    pub fn new(mesh: Mesh) -> Self {
        Self { said: mesh.backend().describe().into(), mesh }
    }

    /// The mesh that was recorded: its answers are the tape's, its notes are told with all others.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }
}

impl fmt::Display for OpenTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}
