//! What can be typed after `pilotage`: one file a subcommand.
//!
//! A command line is read twice only by `run`: first to learn which playbook is meant, then with that playbook's
//! parameters as options, so that help, completion and errors treat them like any other.

mod app;
mod browser;
mod complete;
mod completions;
mod config;
mod config_command;
mod config_env;
mod config_file;
mod config_keys;
mod connect;
mod doc;
mod eval;
mod ground;
mod list;
mod meant;
mod nowhere;
mod options;
mod params;
mod places;
mod plugin;
mod repl;
mod run;
mod set;
mod show;
mod signals;
mod terminal_modes;
mod undo;
mod verbose;

use app::App;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use config::Config;
use options::Options;
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit code of a wrong command line.
const USAGE: u8 = 2;

/// Troubleshoot an Istio mesh: explore it, run playbooks, keep what was learned.
///
/// Without a command: an interactive session on the current kube context, on a tape (--tape), or on the tape that
/// comes with pilotage (--demo).
#[derive(Debug, Parser)]
#[command(name = "pilotage", version, max_term_width = 110, disable_help_subcommand = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

const EXIT_CODES: &str = "Exit codes: 0 clean · 1 the script or pilotage failed · 2 wrong command line · 3 findings at or above --fail-on · \
    4 only part of the targets answered · 5 the tape has no answer · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a playbook, by name or path; its parameters are its options
    Run(run::Run),
    /// Evaluate one expression and print its value
    Eval(eval::Eval),
    /// List the playbooks that can be run
    List,
    /// Print a playbook's text
    Show(show::Show),
    /// Print the reference of a function, a module, a playbook, or of everything
    Doc(doc::Doc),
    /// Put back log levels that sessions set which ended without doing so
    Undo(undo::Undo),
    /// Tell what is configured and where it comes from
    Config(config_command::Configure),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

/// Run the command line of this process.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let code = std::panic::catch_unwind(|| start(&args)).unwrap_or_else(|_| {
        // The panic hook has said what and where.
        crate::render::style::write_stderr("this is a defect of pilotage; please report it with the lines above\n");
        1
    });
    ExitCode::from(code)
}

/// The command line, and what is configured.
struct Start<'a> {
    args: &'a [OsString],
    /// The tree of commands, with what is configured as usual values.
    command: clap::Command,
    config: Config,
}

fn start(args: &[OsString]) -> u8 {
    plugin::learn(args);
    let (mut config, broken) = match Config::load() {
        Ok(config) => (config, None),
        Err(failure) => (Config::nothing(), Some(failure)),
    };
    let bare = command(args);
    if let Some(asker) = complete::asker(args) {
        return answer(&complete::answer(bare, config, asker, args));
    }
    let typed = bare.clone().try_get_matches_from(args).ok();
    if typed.as_ref().is_some_and(is_for_engine) {
        // Reading the configuration and finding the way to the cluster take about as long. Where there is no thread for it, the
        // engine does it.
        let _ = std::thread::Builder::new().name("prepare".into()).spawn(crate::Pilotage::prepare);
    }
    let command = config.apply(bare, typed.as_ref());
    let matches = match command.clone().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return say(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return say(&error),
    };
    let start = Start { args, command, config };
    match (cli.command, broken) {
        (Some(Command::Run(run)), None) => run.main(&start, cli.options),
        (command, broken) => {
            let app = App::new(cli.options, &start.config, None);
            let outcome = match broken {
                Some(failure) if !command.as_ref().is_some_and(Command::needs_no_config) => Err(failure),
                _ => dispatch(command, &app, &start.config, &matches),
            };
            app.finish(outcome)
        }
    }
}

/// Whether what is typed will need an engine.
fn is_for_engine(typed: &ArgMatches) -> bool {
    matches!(typed.subcommand_name(), None | Some("run" | "eval"))
}

impl Command {
    /// Whether it can go on where the configuration is wrong.
    fn needs_no_config(&self) -> bool {
        match self {
            Self::Completions(_) => true,
            Self::Config(config) => config.only_names(),
            _ => false,
        }
    }
}

fn dispatch(command: Option<Command>, app: &App, config: &Config, matches: &ArgMatches) -> app::Outcome {
    match command {
        None => repl::main(app, config, matches),
        Some(Command::Eval(eval)) => eval.main(app),
        Some(Command::List) => list::main(app),
        Some(Command::Show(show)) => show.main(app),
        Some(Command::Doc(doc)) => doc.main(app),
        Some(Command::Undo(undo)) => undo.main(app),
        Some(Command::Config(configure)) => configure.main(app, config, matches),
        Some(Command::Completions(completions)) => completions.main(app),
        Some(Command::Run(_)) => Ok(USAGE),
    }
}

/// The tree of commands. `--no-color` must hold for help and errors about the command line itself.
fn command(args: &[OsString]) -> clap::Command {
    let plain = args.iter().any(|arg| arg == "--no-color");
    let command = config_keys::switches_with_values(Cli::command());
    command.bin_name(crate::called::called()).mut_subcommand("run", run::explained).color(if plain {
        clap::ColorChoice::Never
    } else {
        clap::ColorChoice::Auto
    })
}

/// Tell a shell what it asked for.
fn answer(text: &str) -> u8 {
    // A shell that no longer listens needs no answer.
    let _ = crate::render::style::write_stdout(text);
    0
}

/// Print what the command line's reader says: help and version to standard output, errors to standard error.
fn say(error: &clap::Error) -> u8 {
    // A closed pipe is no failure, and nobody could be told of any other.
    let _ = error.print();
    if let Some(advice) = plugin::advice(error) {
        crate::render::style::write_stderr(&format!("\n{advice}"));
    }
    if error.use_stderr() { USAGE } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [["pilotage", "--demo", "list"], ["pilotage", "list", "--demo"]] {
            assert!(Cli::try_parse_from(line).expect("it parses").options.demo, "{line:?}");
        }
    }

    #[test]
    fn wrong_values_are_usage_errors() {
        for line in [
            ["pilotage", "--timeout=soon"],
            ["pilotage", "--fail-on=never"],
            ["pilotage", "--resolve=x"],
            ["pilotage", "--timeout=0s"],
        ] {
            assert_eq!(Cli::try_parse_from(line).expect_err("it is wrong").exit_code(), i32::from(USAGE), "{line:?}");
        }
    }
}
