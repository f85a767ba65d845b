//! The real binary, run in an environment of its own, and never for ever.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a run may take. Nothing may hang: a run that takes longer fails the test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Output {
    /// The exit code; none when it was ended by a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty folder.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pilotage-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Write a file in it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        std::fs::write(&file, text).expect("a temporary file can be written");
        file
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The binary under test with these arguments: nothing of the caller's environment reaches it but `PATH`,
/// and its home is this folder.
pub fn pilotage(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Run the binary in a home of its own, with these variables set, and wait for its end.
pub fn run_pilotage(args: &[&str], env: &[(&str, &str)]) -> Output {
    let home = TempDir::new();
    let mut command = pilotage(home.path(), args);
    command.envs(env.iter().copied());
    finish(command, PATIENCE)
}

/// Run a command to its end; one that takes too long is stopped and fails the test.
pub fn finish(mut command: Command, patience: Duration) -> Output {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be started");
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status: Option<ExitStatus> = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break Some(status),
            None if started.elapsed() > patience => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let text =
        |reader: std::thread::JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned();
    let output = Output {
        code: status.and_then(|status| status.code()),
        stdout: text(stdout),
        stderr: text(stderr),
        took: started.elapsed(),
    };
    assert!(status.is_some(), "{command:?} was still running after {patience:?}: {output:#?}");
    output
}

fn collect(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// The binary: cargo names it to tests; an example finds it beside itself.
pub fn binary() -> PathBuf {
    if let Some(binary) = option_env!("CARGO_BIN_EXE_pilotage") {
        return binary.into();
    }
    let example = std::env::current_exe().expect("a program knows where it is");
    let folder = example.parent().and_then(Path::parent).expect("examples lie in a folder of the target folder");
    folder.join(format!("pilotage{}", std::env::consts::EXE_SUFFIX))
}
