//! pilotage: a scriptable troubleshooting environment for Istio meshes.

pub mod backend;
pub mod bind;
pub mod cli;
pub mod envoy;
pub mod error;
pub mod host;
pub mod istio;
pub mod json;
pub mod mesh;
mod pilotage;
pub mod record;
pub mod render;
pub mod repl;
pub mod report;
pub mod suggest;
pub mod tls;

pub use pilotage::{Builder, Pilotage};
