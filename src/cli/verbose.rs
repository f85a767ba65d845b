//! `-v`: each question with its status, size and time. `-vv`: also what the libraries log.

use crate::backend::{Answer, Observer, Query};
use crate::error::{Error, Kind, Result};
use crate::render::Looks;
use crate::render::style::{self, Look};
use crate::repl::show::bytes;
use std::time::Duration;

/// The variable that says what the libraries log.
pub const LOG: &str = "PILOTAGE_LOG";

/// Tells each answer on standard error.
pub struct Told {
    looks: Looks,
}

impl Told {
    /// In these looks.
    pub fn new(looks: Looks) -> Self {
        Self { looks }
    }
}

impl Observer for Told {
    fn asked(&self, _query: &Query) {}

    fn answered(&self, query: &Query, answer: &Result<Answer>) {
        style::write_stderr(&line(query, answer, &self.looks.err()));
    }

    fn cancelled(&self, query: &Query) {
        let over = Err(Error::new(Kind::Interrupted, "nobody waits for the answer any more"));
        style::write_stderr(&line(query, &over, &self.looks.err()));
    }
}

fn line(query: &Query, answer: &Result<Answer>, look: &Look) -> String {
    match answer {
        Ok(answer) => {
            let color = if answer.is_success() { style::GOOD } else { style::DOUBT };
            let status = look.paint(color, &format!("{:>3}", answer.status));
            format!("{status} {:>9} {:>8}  {query}\n", bytes(answer.body.len() as u64), millis(Duration::from_millis(answer.ms)))
        }
        Err(error) => format!("{} {:>18}  {query}: {error}\n", look.paint(style::BAD, "---"), error.kind().word()),
    }
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// Let the libraries log to standard error. Silent unless asked: kube repeats as errors what pilotage explains.
pub fn install_log(verbose: u8) {
    let wanted = std::env::var(LOG).ok().or_else(|| (verbose > 1).then(|| "debug,rustyline=warn".into()));
    if let Some(filter) = wanted {
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // Somebody else's subscriber stays: pilotage may be embedded.
        let _ = subscriber.try_init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Ask;

    #[test]
    fn a_question_is_one_line() {
        let query = Query::new("lab", Ask::kube("/version"));
        let mut answer = Answer::ok(vec![b'x'; 1500], jiff::Timestamp::UNIX_EPOCH);
        answer.ms = 12;
        assert_eq!(line(&query, &Ok(answer), &Look::plain()), "200    1.5 kB    12 ms  kube GET /version\n");
        let refused = Err(Error::new(Kind::Timeout, "no answer"));
        assert_eq!(line(&query, &refused, &Look::plain()), "---            timeout  kube GET /version: no answer\n");
    }
}
