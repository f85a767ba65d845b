//! The process: where the binary lies, how it is started, and that it never outlives the tests.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// Envoy's guard: ends it when the other end of its standard input closes, however the tests end, and clears up.
/// (What is shared by tests is never dropped, and a test binary that is killed drops nothing.)
const GUARD: &str = r#"
    trap "" HUP INT TERM
    folder=$1; shift
    "$@" >/dev/null 2>"$folder/stderr" &
    envoy=$!
    cat >/dev/null
    kill -KILL $envoy 2>/dev/null
    wait $envoy 2>/dev/null
    rm -rf "$folder"
"#;

/// A running Envoy.
pub struct Envoy {
    /// Its admin interface.
    pub admin: SocketAddr,
    folder: PathBuf,
    guard: Child,
}

impl Envoy {
    /// Start one of this version with these files, of which one is the bootstrap, and wait until it is live.
    pub fn start(version: &str, files: &[(&str, String)]) -> Self {
        let binary = binary(version);
        let folder = folder();
        for (name, text) in files {
            std::fs::write(folder.join(name), text.replace("@FOLDER@", &folder.to_string_lossy()))
                .expect("a file can be written");
        }
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(&folder)
            .arg(binary)
            .args(["--config-path".into(), folder.join("bootstrap.json")])
            .args(["--admin-address-path".into(), folder.join("admin")])
            .args(["--log-path".into(), folder.join("log")])
            // Several run at once, and none takes over from another.
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut envoy = Self { admin: ([127, 0, 0, 1], 0).into(), folder, guard };
        envoy.admin = envoy.wait_for_admin();
        envoy.wait_until_live();
        envoy
    }

    /// Put a newer version of a file in place, as a whole: Envoy watches for that.
    pub fn replace(&self, name: &str, text: &str) {
        let fresh = self.folder.join(format!("{name}.new"));
        std::fs::write(&fresh, text.replace("@FOLDER@", &self.folder.to_string_lossy())).expect("a file can be written");
        std::fs::rename(fresh, self.folder.join(name)).expect("a file can be moved");
    }

    /// What it said.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        format!("{}{}", read("stderr"), read("log"))
    }

    fn wait_for_admin(&self) -> SocketAddr {
        self.wait("opens its admin port", || std::fs::read_to_string(self.folder.join("admin")).ok()?.trim().parse().ok())
    }

    fn wait_until_live(&self) {
        self.wait("is live", || (super::get(self.admin, "/ready").1.trim() == "LIVE").then_some(()));
    }

    fn wait<T>(&self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(done) = ready() {
                return done;
            }
            assert!(started.elapsed() < super::PATIENCE, "Envoy never {what}:\n{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if let Some(mut end) = self.guard.stdin.take() {
            let _ = end.flush();
        }
        let _ = self.guard.wait();
    }
}

/// The binary of a version, which `.ci/envoy` puts into the target folder.
fn binary(version: &str) -> PathBuf {
    let program = crate::support::run::binary();
    let found = program.ancestors().map(|folder| folder.join("envoy").join(version).join("envoy")).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("there is no Envoy {version} in the target folder: run `.ci/envoy`, which installs it"))
}

/// A new folder of its own; the guard removes it.
fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("pilotage-envoy-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path: PathBuf = Path::new(&std::env::temp_dir()).join(name);
    std::fs::create_dir_all(&path).expect("a temporary folder can be made");
    path
}
