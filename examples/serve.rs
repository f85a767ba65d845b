//! Serve a recorded mesh as a cluster, to try pilotage on it as on a live one:
//!
//! ```text
//! cargo run --example serve -- tests/tapes/jwks-certificate-fault.tape [USER]
//! ```
//!
//! A tape is served, or the folder of a recording. It prints how to ask it, and serves until it is interrupted.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that tells what it does")]

#[path = "../tests/support/mod.rs"]
mod support;

use pilotage::error::{Error, Kind, Result};
use std::path::Path;
use std::process::ExitCode;
use support::cluster::{Cluster, ClusterOptions, Recording};
use support::run::TempDir;

fn main() -> ExitCode {
    match serve(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &[String]) -> Result<()> {
    let usage = || Error::new(Kind::Usage, "name a tape or the folder of a recording, and perhaps a user");
    let source = Path::new(args.first().ok_or_else(usage)?);
    let recording = if source.is_dir() { Recording::open(source)? } else { Recording::from_tape(source)? };
    let user = args.get(1).map_or("admin", String::as_str);
    let cluster = Cluster::start(ClusterOptions::new(recording).user(user))?;
    let home = TempDir::new();
    let kubeconfig = home.file("kubeconfig");
    cluster.kubeconfig(&kubeconfig)?;
    let resolve: Vec<String> = cluster.resolve().iter().map(|rule| format!(" --resolve {rule}")).collect();
    println!("{} is served to {user} at http://{}. Ask it with", cluster.name(), cluster.api_address());
    println!("  pilotage --kubeconfig {}{}", kubeconfig.display(), resolve.concat());
    println!("Ctrl-C ends it.");
    wait()
}

fn wait() -> Result<()> {
    let failed = |error| Error::new(Kind::Internal, "Ctrl-C cannot be waited for").caused_by(&error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(tokio::signal::ctrl_c()).map_err(failed)
}
