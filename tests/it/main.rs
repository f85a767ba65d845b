//! Integration tests, in one binary: it links once.

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod live;
mod terminal;
