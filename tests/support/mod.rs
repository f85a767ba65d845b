//! What the tests share.
#![allow(dead_code, unused_imports, reason = "the test binary and the examples each use a part")]

pub mod cluster;
pub mod envoy;
pub mod frozen;
pub mod istioctl;
pub mod run;
pub mod tapes;
pub mod terminal;
pub mod two;
