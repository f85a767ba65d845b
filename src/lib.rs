//! pilotage: a scriptable troubleshooting environment for Istio meshes.

pub mod backend;
pub mod error;
pub mod mesh;
pub mod record;
pub mod render;
pub mod report;
pub mod suggest;
