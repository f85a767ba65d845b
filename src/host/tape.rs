//! `tape`: a recording that a script opened, to be looked at beside the mesh at hand.

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
