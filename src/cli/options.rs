//! Options that every command takes, before or after its name.

use crate::backend::{Effect, Resolve};
use crate::render::Format;
use crate::report::Severity;
use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// The kube context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace for names that come without one
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The kubeconfig file to read
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The cluster of the kubeconfig to use in place of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub cluster: Option<String>,
    /// The user of the kubeconfig to be in place of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub user: Option<String>,
    /// The user to act as, if you may impersonate them
    #[arg(long = "as", id = "as", global = true, value_name = "USER", hide_short_help = true)]
    pub acting_as: Option<String>,
    /// A group to act as a member of; may be repeated
    #[arg(long, global = true, value_name = "GROUP", hide_short_help = true)]
    pub as_group: Vec<String>,
    /// Answer from a tape; nothing else is asked
    #[arg(long, global = true, value_name = "FILE")]
    pub tape: Option<PathBuf>,
    /// Answer from the tape that comes with pilotage
    #[arg(long, global = true)]
    pub demo: bool,
    /// Keep every answer in a tape
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Do not redact secrets in answers, tapes and saved dumps
    #[arg(long, global = true)]
    pub keep_secrets: bool,
    /// How long to wait for an answer
    #[arg(long, alias = "request-timeout", global = true, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
    /// Where a host really is, for HTTP and TLS; may be repeated
    #[arg(long, global = true, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<Resolve>,
    /// How many questions may wait at the same time
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = at_least_one)]
    pub parallel: usize,
    /// The most operations of a script, 0 for no limit
    #[arg(long, global = true, value_name = "N", default_value_t = crate::host::Limits::OPERATIONS, hide_short_help = true)]
    pub max_operations: u64,
    /// The most memory pilotage may use while a script runs
    #[arg(long, global = true, value_name = "MIB", default_value_t = 4096, value_parser = at_least_one, hide_short_help = true)]
    pub max_memory: usize,
    /// The most that a packed file (gzip, zstd) may unpack to
    #[arg(long, global = true, value_name = "MIB", default_value_t = 1024, hide_short_help = true)]
    pub max_unpacked: u64,
    /// The least severity of a finding that makes the exit code 3
    #[arg(long, global = true, value_name = "SEVERITY", default_value = "error")]
    pub fail_on: FailOn,
    /// What scripts may do to the mesh
    #[arg(long, global = true, value_name = "LEVEL", default_value = "observe")]
    pub allow: Allow,
    /// The form of the output
    #[arg(long, short, global = true, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
    /// Tell each question on standard error; twice: also what the libraries say
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write no colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Fit the output into so many columns, 0 for those of the terminal
    #[arg(long, global = true, value_name = "COLUMNS")]
    pub width: Option<usize>,
}

/// The least severity that counts as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
}

/// What scripts may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Allow {
    /// Only read
    Observe,
    /// Also change the runtime state of processes, with a known undo
    Tune,
    /// Also change objects of the cluster
    Change,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
    Yaml,
    Csv,
    Markdown,
}

impl Options {
    /// Whether a recording answers.
    pub fn replays(&self) -> bool {
        self.demo || self.tape.is_some()
    }

    /// The words that lead where these do: to which mesh, and as whom. Its namespace is another matter.
    pub fn place(&self) -> Vec<String> {
        if self.demo {
            return vec!["--demo".into()];
        }
        let file = |path: &PathBuf| path.display().to_string();
        let resolve = self.resolve.iter().map(|resolve| ("--resolve", Some(resolve.to_string())));
        let named = [
            ("--tape", self.tape.as_ref().map(file)),
            ("--kubeconfig", self.kubeconfig.as_ref().map(file)),
            ("--context", self.context.clone()),
            ("--cluster", self.cluster.clone()),
            ("--user", self.user.clone()),
            ("--as", self.acting_as.clone()),
        ];
        let groups = self.as_group.iter().map(|group| ("--as-group", Some(group.clone())));
        let all = named.into_iter().chain(groups).chain(resolve);
        all.filter_map(|(option, value)| Some([option.to_owned(), value?])).flatten().collect()
    }
}

impl From<FailOn> for Severity {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}

impl From<Allow> for Effect {
    fn from(level: Allow) -> Self {
        match level {
            Allow::Observe => Self::Observe,
            Allow::Tune => Self::Tune,
            Allow::Change => Self::Change,
        }
    }
}

impl From<Output> for Format {
    fn from(output: Output) -> Self {
        match output {
            Output::Text => Self::Text,
            Output::Json => Self::Json,
            Output::Yaml => Self::Yaml,
            Output::Csv => Self::Csv,
            Output::Markdown => Self::Markdown,
        }
    }
}

/// `30s`, `2m`, `1m30s`, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let written = || text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    let found = seconds.or_else(written).filter(|span| !span.is_zero());
    found.ok_or_else(|| "a duration such as 30s or 2m, longer than nothing".into())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a whole number of at least 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "-1s", "0", "soon", "1e400", "NaN"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
