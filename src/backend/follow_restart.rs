//! Following a container through its restarts: the end of the old run is read to its last line, then the new one from its first.

use super::follow::Follower;
use super::follow_run::{Run, Running};
use super::kube_error::Asked;
use super::kube_http::Api;
use super::patience::Patience;
use super::{Answer, Kube};
use crate::error::Result;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::sleep;

/// The first pause before a container that does not run is looked at again; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest of these pauses: kubelets wait for up to five minutes between two starts.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// What is known of the container whose log is followed.
#[derive(Default)]
pub(super) struct Watched {
    /// The log ended or broke since it was looked at.
    pub(super) stopped: bool,
    /// What is being read is the end of its previous run.
    pub(super) previous: bool,
    /// It was said to run when it was looked at last.
    pub(super) runs: bool,
    /// How often it was looked at and did not run.
    waiting: u32,
    /// Its last known run.
    run: Option<Running>,
}

impl Watched {
    /// Whether it is known not to run, and to be started again.
    pub(super) fn waits(&self) -> bool {
        self.waiting > 0
    }
}

impl Follower {
    /// See what became of the container; whether to read on now.
    pub(super) async fn look(&mut self) -> bool {
        let run = match self.pod().await {
            Ok(answer) if answer.is_success() => {
                Run::of(&serde_json::from_slice(&answer.body).unwrap_or_default(), self.logs.container.as_deref())
            }
            _ => Run::Unknown,
        };
        self.watched.runs = matches!(run, Run::Running(_));
        match run {
            Run::Running(run) => {
                if self.is_another(&run) {
                    self.begins_anew(&run);
                }
                self.watched.run = Some(run);
                true
            }
            Run::Waiting(why) => {
                self.watched.waiting += 1;
                if self.watched.waiting == 1 {
                    self.note(&format!("pauses: its container stopped ({why}), and its next run is waited for"));
                    // A stream that broke may have left some of it unread.
                    return true;
                }
                self.pause().await
            }
            Run::Over => {
                self.watched.waiting = 0;
                true
            }
            Run::Unknown if self.watched.waits() => {
                self.watched.waiting += 1;
                // Every now and then the log itself is asked: it knows whether the pod is gone.
                self.watched.waiting.is_multiple_of(4) || self.pause().await
            }
            Run::Unknown => true,
        }
    }

    async fn pause(&mut self) -> bool {
        self.watched.stopped = true;
        sleep((PAUSE * 2_u32.saturating_pow(self.watched.waiting.min(8))).min(LONGEST_PAUSE)).await;
        false
    }

    fn is_another(&self, run: &Running) -> bool {
        let started = run.started.as_ref().and_then(|started| started.parse::<Timestamp>().ok());
        match &self.watched.run {
            _ if self.watched.waits() => true,
            Some(known) => known.id != run.id || known.restarts != run.restarts,
            // Its node tells both times, unless nothing was written yet.
            None => started.is_some_and(|at| at.as_second() > self.seen.newest().unwrap_or(self.first.as_second())),
        }
    }

    fn begins_anew(&mut self, run: &Running) {
        let before = run.before.as_ref().map(|before| format!("{before}; ")).unwrap_or_default();
        let missed = self.watched.run.as_ref().map_or(0, |known| run.restarts.saturating_sub(known.restarts + 1));
        let missed = if missed > 0 { format!("; of {missed} runs in between nothing can be read") } else { String::new() };
        self.note(&format!("goes on with a new run: its container restarted ({before}restarts: {}){missed}", run.restarts));
        (self.watched.waiting, self.ends, self.failing) = (0, 0, None);
        self.watched.previous = true;
    }

    /// All of the previous run was read: of the new one, nothing was.
    pub(super) fn previous_is_read(&mut self) {
        self.watched.previous = false;
        self.seen.forget_lines();
    }

    /// The pod of the container.
    fn pod(&self) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let (login, cluster, what) = (self.login.clone(), self.cluster.clone(), self.what.clone());
        let path = format!("/api/v1/namespaces/{}/pods/{}", self.logs.namespace, self.logs.pod);
        async move {
            let access = login.access(&cluster)?;
            let server = access.server();
            let asked = Asked { what: &what, cluster: &cluster, server: &server };
            let client = &login.client(asked).await?;
            let patience = &Patience::new(login.connect.timeout);
            Api { client, asked, patience }.ask(&Kube { method: "GET".into(), path, body: None }).await
        }
    }
}
