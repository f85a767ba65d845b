//! Integration tests, in one binary: it links once.

#[path = "../support/mod.rs"]
mod support;

<<<<<<< HEAD
mod cli;
=======
mod live;
>>>>>>> 0501e8b (Transport trouble is told apart against a served mesh; the time limit leaves a long answer its time)
mod terminal;
