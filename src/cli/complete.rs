//! What may stand at a place of the command line, for shells that ask: commands, options and their values, playbooks and
//! their parameters, contexts, clusters and users of the kubeconfig; and names that live in the mesh, as far as they come at once.

use super::config::Config;
use super::options::Options;
use super::{connect, list, params};
use crate::backend::names as chosen_from;
use crate::host::{LiveNames, NamesOf, ParamKind, Playbook};
use crate::mesh::{Mesh, names};
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};
use clap_complete::env::Shells;
use std::ffi::OsString;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// The word that asks for it, as the programs around kubectl have it.
const ASKED: &str = "__complete";
/// The variable that asks for it, and says in the words of which shell.
const SHELL: &str = "_PILOTAGE_COMPLETE";

/// No files besides: what is a file is among the answers.
const NO_FILES: u8 = 4;
/// No space behind: it goes on.
const NO_SPACE: u8 = 2;

/// A tape has its answer at hand; opening it takes a while.
const READING: Duration = Duration::from_secs(2);
/// The longest that a shell waits for all together.
const LONGEST: Duration = Duration::from_secs(3);

/// Who asks for completions.
pub enum Asker {
    Kubectl,
    Shell(String),
}

/// Who asks, if this command line does.
pub fn asker(args: &[OsString]) -> Option<Asker> {
    if args.get(1).is_some_and(|word| word == ASKED) {
        return Some(Asker::Kubectl);
    }
    std::env::var(SHELL).ok().filter(|shell| !shell.is_empty()).map(Asker::Shell)
}

/// The answer to who asks. `bare`: the tree of commands, without what is configured.
pub fn answer(bare: Command, mut config: Config, asker: Asker, args: &[OsString]) -> String {
    let (tell, told) = mpsc::channel();
    let none = if matches!(asker, Asker::Kubectl) { format!(":{NO_FILES}\n") } else { String::new() };
    let (words, at) = words(&asker, args);
    // Nobody waits for a folder that hangs: whoever reads it is left behind, and ends with the program.
    std::thread::spawn(move || {
        let typed = typed(&bare, &words, at);
        let command = config.apply(bare, typed.as_ref());
        let text = match asker {
            Asker::Kubectl => for_kubectl(command, words, at),
            Asker::Shell(shell) => for_shell(command, &shell, words, at),
        };
        tell.send(text).ok()
    });
    told.recv_timeout(LONGEST).unwrap_or(none)
}

/// The words of the line, the program first, and which of them is being typed.
fn words(asker: &Asker, args: &[OsString]) -> (Vec<OsString>, usize) {
    match asker {
        Asker::Kubectl => {
            let mut words: Vec<OsString> = vec![NAME.into()];
            words.extend(args.iter().skip(2).cloned());
            if words.len() == 1 {
                words.push(OsString::new());
            }
            let last = words.len() - 1;
            (words, last)
        }
        Asker::Shell(_) => {
            let words: Vec<OsString> = args.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
            let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
            let at = index.unwrap_or(words.len().saturating_sub(1));
            (words, at)
        }
    }
}

/// What stands on the line already, as far as it can be understood without its end.
fn typed(command: &Command, words: &[OsString], at: usize) -> Option<ArgMatches> {
    command.clone().ignore_errors(true).try_get_matches_from(words.iter().take(at)).ok()
}

/// The answer to kubectl: a line for each, with what it is behind a tab, and a last one that says how to take them.
fn for_kubectl(command: Command, words: Vec<OsString>, at: usize) -> String {
    let here = std::env::current_dir().ok();
    let found = complete(&mut tree(command, &words, at), words, at, here.as_deref()).unwrap_or_default();
    let (mut text, mut goes_on) = (String::new(), false);
    for candidate in &found {
        let value = candidate.get_value().to_string_lossy();
        if value.is_empty() {
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

/// The answer to a shell, in its own form.
fn for_shell(command: Command, shell: &str, words: Vec<OsString>, at: usize) -> String {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(shell).filter(|_| !words.is_empty()) else { return String::new() };
    let here = std::env::current_dir().ok();
    let mut text = Vec::new();
    // What cannot be completed is not: nobody could be told.
    let _ = shell.write_complete(&mut tree(command, &words, at), words, here.as_deref(), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The script that makes a shell ask.
pub fn script(shell: &str) -> String {
    let mut text = Vec::new();
    let shells = Shells::builtins();
    let written = shells.completer(shell).map(|shell| shell.write_registration(SHELL, NAME, NAME, NAME, &mut text));
    debug_assert!(matches!(written, Some(Ok(()))), "{shell}");
    String::from_utf8_lossy(&text).into_owned()
}

/// The program, as shells find it.
const NAME: &str = "pilotage";

/// The tree of commands with every playbook that can be meant, and with what names may be chosen. `at`: the word that is typed.
fn tree(command: Command, words: &[OsString], at: usize) -> Command {
    let mut playbooks: Vec<(String, Playbook)> =
        list::all().into_iter().filter_map(|(name, _, playbook)| Some((name, playbook.ok()?))).collect();
    playbooks.extend(by_path(words, at));
    let mut command = command;
    for (name, playbook) in &playbooks {
        let known = command.find_subcommand("run").is_some_and(|run| run.find_subcommand(name).is_some());
        if !known {
            command = params::with_playbook(command, playbook, name);
        }
    }
    let options = typed(&command, words, at).and_then(|matches| Options::from_arg_matches(&matches).ok());
    for (name, playbook) in &playbooks {
        command = with_living(command, name, playbook, options.as_ref());
    }
    let is_option = words.get(at).is_some_and(|word| word.to_string_lossy().starts_with('-'));
    let command = with_names(command, &playbooks, options);
    // Options of every command are offered once a dash is typed: before it they would hide all else.
    if is_option {
        return command;
    }
    let command = command.disable_help_flag(true).disable_version_flag(true);
    command.mut_args(|arg| if arg.is_positional() { arg } else { arg.hide(true) })
}

/// A playbook that is named by its file, in a word before the one that is typed.
fn by_path(words: &[OsString], at: usize) -> Option<(String, Playbook)> {
    let is_file = |word: &&OsString| Playbook::is_path(&word.to_string_lossy()) && Path::new(word).is_file();
    let named = words.iter().take(at).skip(1).find(is_file)?.to_string_lossy();
    Some((named.to_string(), Playbook::find(&named, &[]).ok()?))
}

/// The tree with what names may be chosen: of playbooks, of the kubeconfig, and of namespaces.
fn with_names(command: Command, playbooks: &[(String, Playbook)], options: Option<Options>) -> Command {
    let titles: Vec<(String, String)> =
        playbooks.iter().map(|(name, playbook)| (name.clone(), playbook.title().to_owned())).collect();
    let shown = move |arg: Arg| {
        let titles = titles.clone();
        arg.add(ArgValueCandidates::new(move || {
            titles.iter().map(|(name, title)| CompletionCandidate::new(name).help(Some(title.clone().into()))).collect()
        }))
    };
    let names = chosen_from(options.as_ref().and_then(|options| options.kubeconfig.clone()));
    let of = |names: Vec<String>| ArgValueCandidates::new(move || names.iter().map(CompletionCandidate::new).collect());
    command
        .mut_subcommand("show", |show| show.mut_args(shown))
        .mut_arg("context", |arg| arg.add(of(names.contexts)))
        .mut_arg("cluster", |arg| arg.add(of(names.clusters)))
        .mut_arg("user", |arg| arg.add(of(names.users)))
        .mut_arg("namespace", |arg| arg.add(living(options, NamesOf::Namespaces)))
}

/// The tree with what lives in the mesh for the parameters of a playbook.
fn with_living(command: Command, name: &str, playbook: &Playbook, options: Option<&Options>) -> Command {
    let asked = |kind: ParamKind| match kind {
        ParamKind::Pod => Some(NamesOf::Pods(None)),
        ParamKind::Namespace => Some(NamesOf::Namespaces),
        _ => None,
    };
    let wanted = playbook.header.params.iter().filter_map(|param| Some((params::id(param), asked(param.kind)?)));
    let wanted: Vec<(String, NamesOf)> = wanted.collect();
    command.mut_subcommand("run", |run| {
        run.mut_subcommand(name, |own| {
            own.mut_args(|arg: Arg| match wanted.iter().find(|(id, _)| arg.get_id() == id.as_str()) {
                Some((_, of)) => arg.add(living(options.cloned(), of.clone())),
                None => arg,
            })
        })
    })
}

/// Names that live in the mesh, if they come at once.
fn living(options: Option<Options>, of: NamesOf) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let (tell, told) = mpsc::channel();
        let patience = if options.as_ref().is_some_and(Options::replays) { READING } else { LiveNames::PATIENCE };
        let (options, of) = (options.clone(), of.clone());
        // Whoever is still waited for then is left behind, and ends with the program.
        std::thread::spawn(move || tell.send(ask(&options?, &of)?).ok());
        told.recv_timeout(patience).unwrap_or_default()
    })
}

/// Ask the mesh that the options name, unseen.
fn ask(options: &Options, of: &NamesOf) -> Option<Vec<CompletionCandidate>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let mesh = Mesh::new(connect::ways(options).ok()?.1);
    let found = runtime.block_on(names::names(&mesh, of)).ok()?;
    let offer = |one: names::Name| {
        let name = if one.namespace.is_empty() { one.name } else { format!("{}/{}", one.namespace, one.name) };
        is_plain(&name).then(|| CompletionCandidate::new(name).help((!one.about.is_empty()).then(|| one.about.into())))
    };
    Some(found.into_iter().filter_map(offer).collect())
}

/// Whether a name is one of Kubernetes, to which no shell gives a meaning: a tape of somebody else can hold any.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shell_gives_a_meaning_to_a_name() {
        for (name, plain) in
            [("shop/web-7d9f", true), ("system:node", true), ("x;touch$IFS/tmp/y", false), ("a*", false), ("a b", false)]
        {
            assert_eq!(is_plain(name), plain, "{name}");
        }
    }
}
