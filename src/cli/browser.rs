//! The user's browser.

use crate::error::{Error, Kind, Result};
use std::process::{Command, Stdio};

/// Open a URL in it; what the browser says goes nowhere.
///
/// # Errors
/// When there is none to start.
pub fn open(url: &str) -> Result<()> {
    let chosen = std::env::var("BROWSER").ok().filter(|browser| !browser.trim().is_empty());
    let standard = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let browser = chosen.as_deref().unwrap_or(standard);
    let mut words = browser.split_whitespace();
    let started = Command::new(words.next().unwrap_or(standard))
        .args(words)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.map_err(|error| {
        Error::new(Kind::File, format!("the browser `{browser}` cannot be started")).caused_by(&error).hint("set BROWSER")
    })?;
    // It may live long; when it ends, the system wants somebody to hear of it.
    let _ = std::thread::Builder::new().name("browser".into()).spawn(move || child.wait());
    Ok(())
}
