//! A real Envoy on loopback, with a configuration of ours whose every value a test can ask for again.
//!
//! [`Lab::of`] starts one of a version, shared by all tests of the binary. Part of its configuration is static, part comes
//! from files as it would come from istiod: clusters, listeners, routes, endpoints, secrets and a filter. Once it is ready
//! the files change: one listener is rejected beside its active self, one cluster waits for endpoints that never come.
//!
//! `.ci/envoy` installs the binaries. Without them the tests fail; they are not left out.

mod clusters;
mod config;
mod identity;
mod listeners;
mod process;
mod server;

pub use identity::{Identity, Leaf};
pub use process::Envoy;
pub use server::{Workload, ask, get, post};

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The versions that the tests ask: the newest of the package, and the oldest.
pub const VERSIONS: [&str; 2] = ["1.36.2", "1.40.0"];

/// How long an Envoy may take to come where a test wants it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a request through the proxy is answered by the workload whose breaker is to trip.
const FLAKY_REQUESTS: usize = 4;

/// An Envoy that runs with all of our configuration, and what it was given.
pub struct Lab {
    /// Its version, as `.ci/envoy` names it.
    pub version: &'static str,
    /// The process.
    pub envoy: Envoy,
    /// Its certificates.
    pub identity: Identity,
    /// The server that it talks to.
    pub workload: Workload,
}

impl Lab {
    /// The shared one of a version: started by the first test that asks.
    pub fn of(version: &str) -> &'static Self {
        static LABS: [OnceLock<Lab>; VERSIONS.len()] = [const { OnceLock::new() }; VERSIONS.len()];
        let index = VERSIONS.iter().position(|known| *known == version).expect("a version of VERSIONS");
        LABS[index].get_or_init(|| Self::start(VERSIONS[index]))
    }

    /// Start one, and lead it to where all that is to be seen can be seen.
    fn start(version: &'static str) -> Self {
        let identity = Identity::make();
        let workload = Workload::start();
        let envoy = Envoy::start(version, &config::files(&identity, &workload));
        let lab = Self { version, envoy, identity, workload };
        lab.traffic();
        lab.update();
        lab.wait_for("/stats?filter=listener_manager.lds.update_rejected", "update_rejected: 1");
        lab.wait_for("/config_dump?mask=dynamic_warming_clusters", "waiting.shop");
        lab.wait_for("/clusters", "outbound|9000||dead.shop.svc.cluster.local::127.0.0.1:1::health_flags::/failed_active_hc");
        lab
    }

    /// Requests through the proxy, enough of them fail that an endpoint is ejected.
    fn traffic(&self) {
        let ingress = self.ingress();
        for _ in 0..FLAKY_REQUESTS {
            let (status, _) = get(ingress, "/flaky");
            assert_eq!(status, 503, "the workload fails on this path");
        }
        assert_eq!(get(ingress, "/live"), (200, "OK".into()));
        self.wait_for("/clusters", &format!("{}::health_flags::/failed_outlier_check", self.workload.address));
    }

    /// The second versions of the files.
    fn update(&self) {
        for (name, text) in config::second_files() {
            self.envoy.replace(name, &text);
        }
    }

    /// Where its listener for requests is bound: the port is the kernel's choice.
    pub fn ingress(&self) -> SocketAddr {
        let (_, page) = get(self.envoy.admin, "/listeners");
        let line = page.lines().find_map(|line| line.strip_prefix("ingress::")).unwrap_or_else(|| panic!("no ingress: {page}"));
        line.parse().expect("an address")
    }

    /// Wait until a page of the admin interface says this.
    fn wait_for(&self, page: &str, words: &str) {
        let started = Instant::now();
        loop {
            let (_, text) = get(self.envoy.admin, page);
            if text.contains(words) {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "Envoy {}: {page} never says {words:?}, but {text}\n{}",
                self.version,
                self.envoy.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
