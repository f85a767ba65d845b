//! What may stand at a place of the command line, for shells that ask: commands, options and their values, playbooks and
//! their parameters, contexts, clusters and users of the kubeconfig. Nothing is asked of a cluster.

use super::{list, params};
use crate::backend::names;
use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};
use std::ffi::OsString;
use std::path::PathBuf;

/// The word that asks for it, as the programs around kubectl have it.
pub const ASKED: &str = "__complete";

/// No files besides: what is a file is among the answers.
const NO_FILES: u8 = 4;
/// No space behind: it goes on.
const NO_SPACE: u8 = 2;

/// The answer to kubectl: a line for each, with what it is behind a tab, and a last one that says how to take them.
/// `words`: what stands behind the program's name, the last of them being typed.
pub fn for_kubectl(command: Command, words: &[OsString]) -> String {
    let mut args: Vec<OsString> = vec!["pilotage".into()];
    args.extend(words.iter().cloned());
    if words.is_empty() {
        args.push(OsString::new());
    }
    let last = args.len() - 1;
    let typed = args[last].to_string_lossy().into_owned();
    let kubeconfig = kubeconfig(&args);
    let here = std::env::current_dir().ok();
    let found = complete(&mut tree(command, kubeconfig), args, last, here.as_deref()).unwrap_or_default();
    let (mut text, mut goes_on) = (String::new(), false);
    for candidate in &found {
        let value = candidate.get_value().to_string_lossy();
        // Options are offered once a dash is typed: before it they would hide all else.
        if value.is_empty() || (value.starts_with('-') && !typed.starts_with('-')) {
            continue;
        }
        goes_on |= value.ends_with(['/', '=']);
        match candidate.get_help().map(|help| help.to_string()).and_then(|help| help.lines().next().map(String::from)) {
            Some(help) => text += &format!("{value}\t{help}\n"),
            None => text += &format!("{value}\n"),
        }
    }
    text += &format!(":{}\n", if goes_on { NO_FILES + NO_SPACE } else { NO_FILES });
    text
}

/// The kubeconfig that stands on the line already.
fn kubeconfig(args: &[OsString]) -> Option<PathBuf> {
    let behind = args.windows(2).find(|two| two[0] == "--kubeconfig").map(|two| two[1].clone());
    let within = || args.iter().find_map(|arg| arg.to_str()?.strip_prefix("--kubeconfig=").map(OsString::from));
    behind.or_else(within).filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// The tree of commands with every playbook that is found by name, and with what names may be chosen.
fn tree(command: Command, kubeconfig: Option<PathBuf>) -> Command {
    let playbooks: Vec<_> = list::all().into_iter().filter_map(|(name, _, playbook)| Some((name, playbook.ok()?))).collect();
    let mut command = command;
    for (name, playbook) in &playbooks {
        let known = command.find_subcommand("run").is_some_and(|run| run.find_subcommand(name).is_some());
        if !known {
            command = params::with_playbook(command, playbook, name);
        }
    }
    let titles: Vec<(String, String)> =
        playbooks.iter().map(|(name, playbook)| (name.clone(), playbook.title().to_owned())).collect();
    let shown = move |arg: Arg| {
        let titles = titles.clone();
        arg.add(ArgValueCandidates::new(move || {
            titles.iter().map(|(name, title)| CompletionCandidate::new(name).help(Some(title.clone().into()))).collect()
        }))
    };
    let names = names(kubeconfig);
    let of = |names: Vec<String>| ArgValueCandidates::new(move || names.iter().map(CompletionCandidate::new).collect());
    command
        .mut_subcommand("show", |show| show.mut_args(shown))
        .mut_arg("context", |arg| arg.add(of(names.contexts)))
        .mut_arg("cluster", |arg| arg.add(of(names.clusters)))
        .mut_arg("user", |arg| arg.add(of(names.users)))
}
