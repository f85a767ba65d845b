//! Integration tests, in one binary: it links once.

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod cluster;
mod live;
mod tapes;
mod terminal;
