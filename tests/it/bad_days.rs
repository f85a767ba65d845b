//! Bad days, with the real binary against a served mesh: what the tests of `bad_days_*` share.
//!
//! Every message is read as a tired operator reads it: what failed, on which object, why, and what to do next.

use crate::support::cluster::{At, Cluster, ClusterOptions, Recording};
use crate::support::run::{Output, TempDir, finish, pilotage};
use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::backend::{Connect, Effect, Live, Policy};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub const POD: &str = "olaf-customer/customer-686cf5bf47-mtgsn";
pub const ISTIOD_LOG: &str = "/api/v1/namespaces/istio-system/pods/istiod-lab/log";
pub const KEYS: &str = "/auth/realms/customer/protocol/openid-connect/certs";
pub const HOST: &str = "keycloak-olaf-sso.apps.acme.test";

/// Nothing hangs: the longest that any of these runs may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// The recorded mesh with the fault, to be served.
pub fn faulty() -> ClusterOptions {
    static READ: OnceLock<Recording> = OnceLock::new();
    ClusterOptions::new(
        READ.get_or_init(|| Recording::from_tape(&tapes::path("jwks-certificate-fault")).expect("a tape")).clone(),
    )
}

/// The same mesh once it was repaired, to be served.
pub fn healthy() -> ClusterOptions {
    static READ: OnceLock<Recording> = OnceLock::new();
    ClusterOptions::new(
        READ.get_or_init(|| Recording::from_tape(&tapes::path("jwks-certificate-fix-trusted-ca")).expect("a tape")).clone(),
    )
}

/// Requests for the issuer's keys.
pub fn at_keys() -> At {
    At::Https(KEYS.into())
}

/// The answer of the pod's proxy with its configuration.
pub fn at_dump() -> At {
    At::envoy(POD, "/config_dump")
}

/// A served mesh, and a home with the kubeconfig that leads there.
pub struct Mesh {
    cluster: Cluster,
    home: TempDir,
}

impl Mesh {
    pub fn serve(options: ClusterOptions) -> Self {
        let cluster = Cluster::start(options).expect("a cluster");
        let home = TempDir::new();
        cluster.kubeconfig(&home.file("kubeconfig")).expect("a kubeconfig");
        Self { cluster, home }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let rules = self.cluster.resolve();
        let mut all = vec!["--kubeconfig", "kubeconfig"];
        all.extend(rules.iter().flat_map(|rule| ["--resolve", rule.as_str()]));
        all.extend(args);
        pilotage(self.home.path(), &all)
    }

    /// The home of whoever asks.
    pub fn home(&self) -> &TempDir {
        &self.home
    }

    /// Whether the API server was asked for this.
    pub fn asked(&self, words: &str) -> bool {
        self.cluster.asked().iter().any(|asked| asked.contains(words))
    }

    pub fn run(&self, args: &[&str]) -> Output {
        finish(self.command(args), PATIENCE)
    }

    /// The same on a tape that was recorded here.
    pub fn run_on_tape(&self, tape: &str, source: &str) -> Output {
        finish(pilotage(self.home.path(), &["--tape", tape, "eval", source]), PATIENCE)
    }

    /// An engine of our own that may do this much.
    pub fn engine(&self, allowed: Effect) -> Pilotage {
        let connect = Connect { kubeconfig: Some(self.home.file("kubeconfig")), ..Connect::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let live = runtime.block_on(Live::connect(connect)).expect("a way to the cluster");
        Pilotage::builder(Arc::new(Policy::new(Arc::new(live), allowed))).build().expect("an engine")
    }

    pub fn eval(&self, source: &str) -> Output {
        self.run(&["eval", source])
    }

    /// The playbook's report.
    #[track_caller]
    pub fn investigate(&self, more: &[&str]) -> Investigation {
        let mut args = vec!["run", "jwks-certificate", "-o", "json"];
        args.extend(more);
        Investigation::read(self.run(&args))
    }
}

/// A report that came, and how the run ended.
pub struct Investigation {
    pub report: serde_json::Value,
    pub code: Option<i32>,
    pub took: Duration,
}

impl Investigation {
    #[track_caller]
    pub fn read(output: Output) -> Self {
        let report = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("no report: {output:#?}"));
        Self { report, code: output.code, took: output.took }
    }

    /// The codes of findings at or above info, in their order, each once.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.findings().filter_map(|finding| finding["code"].as_str()).collect();
        codes.retain(|code| !code.is_empty());
        codes.dedup();
        codes
    }

    pub fn findings(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.report["findings"].as_array().expect("findings").iter().filter(|finding| finding["severity"] != "ok")
    }

    #[track_caller]
    pub fn finding(&self, code: &str) -> &serde_json::Value {
        self.findings().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {:#}", self.report))
    }

    /// The one note with all these words.
    #[track_caller]
    pub fn notes(&self, words: &[&str]) {
        let notes = self.report["notes"].as_array().expect("notes");
        let fits = |note: &&serde_json::Value| words.iter().all(|word| note.as_str().is_some_and(|note| note.contains(word)));
        assert!(notes.iter().any(|note| fits(&note)), "no note says {words:?}: {notes:#?}");
    }
}

impl Output {
    /// It failed with this exit code and kind of error, and says all these words, and what to do next.
    #[track_caller]
    pub fn fails(&self, code: i32, kind: &str, words: &[&str]) -> &Self {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:#?}");
        let text = &self.stderr;
        assert!(text.contains(&format!("error[{kind}]: ")), "not {kind}: {text}");
        assert!(text.contains("\n  next: "), "no next step: {text}");
        self.says(words)
    }

    /// Standard error has all these words, and no secret.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("token-of-") && !self.stderr.contains("a-token-nobody-knows"), "{}", self.stderr);
        self
    }

    /// It ended with this code and this standard output.
    #[track_caller]
    pub fn gives(&self, code: i32, stdout: &str) -> &Self {
        assert_eq!((self.code, self.stdout.trim_end()), (Some(code), stdout), "{self:#?}");
        self
    }
}
