//! TLS and JWT evidence: certificates, chains, key sets and tokens, judged with reasons and not only with yes or no.
//!
//! Everything here is a pure function of bytes and a time: no sockets, no clock, no files.

mod certificate;
mod jwks;
mod jwt;
mod jwt_check;
mod pem;
mod signature;
mod validity;
mod verify;
mod walk;

#[cfg(test)]
pub(crate) mod testing;

pub use certificate::{Certificate, subject_name};
pub use jwks::{Jwk, Jwks, Key};
pub use jwt::{Token, decode};
pub use jwt_check::{Check, Expect, verify};
pub use pem::{Parsed, parse_pem};
pub use validity::{seconds_until, time_left};
pub use verify::{Verdict, needed_roots, verify_chain};
