//! What `--record` costs: a live mesh on loopback is asked with and without a tape running along.
//!
//! `cargo bench --bench recording`. Target: at most 5 % more time, closing the tape included.
//!
//! Loopback answers at once, and the mesh that is asked runs on the same cores: a real network hides more of the work.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
mod measure;
#[path = "../tests/support/mod.rs"]
mod support;

use futures::StreamExt as _;
use measure::{time, verdict};
use pilotage::backend::{Ask, Backend, Connect, Live, Logs, Query, Recorder, Redacted, SharedBackend};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::cluster::{Cluster, ClusterOptions, Recording, Via};
use support::run::TempDir;

const ROUNDS: usize = 9;
const REPEATS: usize = 20;
const PARALLEL: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for (what, latency) in [("loopback, answers at once", 0), ("10 ms to the API server", 10)] {
        let (mut plain, mut recorded) = (Vec::new(), Vec::new());
        let mut asked = 0;
        let lab = Lab::start(&runtime, Duration::from_millis(latency));
        // In turns, so that whatever else the machine does meets both alike.
        for _ in 0..ROUNDS {
            plain.push(lab.round(&runtime, false, &mut asked));
            recorded.push(lab.round(&runtime, true, &mut asked));
        }
        let (plain, recorded) = (middle(plain), middle(recorded));
        let overhead = (measure::ratio(recorded, plain) - 1.0) * 100.0;
        println!(
            "{what}: {asked} questions in {} without, {} with a tape: {overhead:+.1} %  (≤ 5 %: {})",
            time(plain),
            time(recorded),
            verdict(overhead <= 5.0)
        );
    }
}

/// The middle one of many times.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

struct Lab {
    live: SharedBackend,
    questions: Vec<Ask>,
    home: TempDir,
    _cluster: Cluster,
}

impl Lab {
    fn start(runtime: &tokio::runtime::Runtime, latency: Duration) -> Self {
        let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes/jwks-certificate-fault.tape");
        let recording = Recording::from_tape(&tape).expect("the tape is whole");
        let questions = questions(&recording);
        let cluster = Cluster::start(ClusterOptions::new(recording).latency(latency)).expect("it serves");
        let home = TempDir::new();
        let kubeconfig = home.file("kubeconfig");
        cluster.kubeconfig(&kubeconfig).expect("it can be written");
        let connect = Connect { kubeconfig: Some(kubeconfig), ..Connect::default() };
        let live = runtime.block_on(Live::connect(connect)).expect("the cluster answers");
        Self { live: Arc::new(Redacted::new(Arc::new(live))), questions, home, _cluster: cluster }
    }

    /// Ask everything again and again.
    fn round(&self, runtime: &tokio::runtime::Runtime, record: bool, asked: &mut usize) -> Duration {
        let start = Instant::now();
        let file = self.home.file("round.tape");
        let recorder = record.then(|| Recorder::create(self.live.clone(), &file, None).expect("a tape begins"));
        let backend: &dyn Backend = recorder.as_ref().map_or(&*self.live as &dyn Backend, |recorder| recorder);
        let questions = (0..REPEATS).flat_map(|_| &self.questions);
        *asked = runtime.block_on(async {
            let answers = futures::stream::iter(questions).map(|ask| {
                let query = Query::new(backend.cluster(), ask.clone());
                async move { backend.ask(&query).await.expect("the served mesh answers").body.len() }
            });
            answers.buffer_unordered(PARALLEL).count().await
        });
        if let Some(recorder) = &recorder {
            recorder.finish().expect("the tape is whole");
        }
        let took = start.elapsed();
        if record {
            std::fs::remove_file(&file).expect("the tape goes");
        }
        took
    }
}

/// The dump and the log of every proxy.
fn questions(recording: &Recording) -> Vec<Ask> {
    let mut pods: Vec<String> =
        recording.via(Via::Pod).filter(|entry| entry.port == Some(15000)).filter_map(|entry| entry.pod.clone()).collect();
    pods.sort_unstable();
    pods.dedup();
    let both = |pod: &String| {
        let (namespace, name) = pod.split_once('/').expect("namespace/name");
        let log =
            Logs { namespace: namespace.into(), pod: name.into(), container: Some("istio-proxy".into()), ..Logs::default() };
        [Ask::pod(namespace, name, 15000, "/config_dump?include_eds"), Ask::Logs(log)]
    };
    pods.iter().flat_map(both).collect()
}
