//! A playbook's parameters as options of the command line.

use super::options::Options;
use crate::error::{Error, Kind, Result};
use crate::host::{Param, ParamKind, Playbook};
use clap::{Arg, ArgMatches, Command, ValueHint};
use serde_json::{Map, Value};
use std::io::Read;

/// The command tree with `run NAME` taking the playbook's parameters. `typed` is the name or path on the command line.
pub fn with_playbook(command: Command, playbook: &Playbook, typed: &str) -> Command {
    let taken = taken(&command);
    // `namespace` means the same to pilotage and to a playbook: one option serves both.
    let (shared, own): (Vec<_>, Vec<_>) = playbook.header.params.iter().partition(|param| param.name == NAMESPACE);
    let mut command_of = described(playbook, typed).args(own.into_iter().map(|param| arg(param, &taken)));
    if let Some(param) = shared.first() {
        command_of = command_of.after_help(format!("--namespace: {}", param.help));
    }
    command.mut_subcommand("run", |run| run.subcommand(command_of))
}

/// A playbook where no command line is: at a prompt all options are its own, and standard input is not to be read.
pub fn alone(playbook: &Playbook, typed: &str) -> Command {
    let taken = ["help".to_owned()];
    let args = playbook.header.params.iter().map(|param| {
        let arg = arg(param, &taken);
        if param.kind != ParamKind::Secret {
            return arg;
        }
        arg.value_name("@FILE|TEXT").help(help_of(param, "")).value_parser(no_standard_input)
    });
    described(playbook, typed).args(args).bin_name(format!(":run {typed}")).no_binary_name(true)
}

fn no_standard_input(text: &str) -> std::result::Result<String, String> {
    if text == "-" { Err("standard input is what you type; name a file: @FILE".into()) } else { Ok(text.into()) }
}

/// The parameter that is also an option of every command.
const NAMESPACE: &str = "namespace";

fn described(playbook: &Playbook, typed: &str) -> Command {
    let manual = playbook.paragraphs();
    let about = if manual.is_empty() { playbook.title().to_owned() } else { format!("{}\n\n{manual}", playbook.title()) };
    let command = Command::new(typed.to_owned()).about(playbook.title().to_owned()).long_about(about);
    command.disable_help_subcommand(true).next_help_heading("Parameters")
}

/// The names that options of every command have already.
fn taken(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|arg| arg.get_long()).map(String::from);
    own.chain(["help".into(), "version".into()]).collect()
}

/// The name of its argument in the tree of commands.
pub fn id(param: &Param) -> String {
    format!("param:{}", param.name)
}

fn arg(param: &Param, taken: &[String]) -> Arg {
    let dashed = param.name.replace('_', "-");
    let long = if taken.contains(&dashed) { format!("param-{dashed}") } else { dashed };
    let mut arg = Arg::new(id(param)).help(help_of(param, ", - standard input")).value_name(value_name(param));
    if long != param.name && !taken.contains(&param.name) {
        arg = arg.alias(param.name.clone());
    }
    if param.kind == ParamKind::Bool {
        arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
    }
    if param.kind == ParamKind::File {
        arg = arg.value_hint(ValueHint::FilePath);
    }
    if param.kind == ParamKind::Choice {
        arg = arg.value_parser(clap::builder::PossibleValuesParser::new(param.choices.clone()));
    }
    arg.long(long).allow_negative_numbers(param.kind == ParamKind::Int)
}

fn value_name(param: &Param) -> &'static str {
    match param.kind {
        ParamKind::Int => "NUMBER",
        ParamKind::Bool => "true|false",
        ParamKind::Duration => "DURATION",
        ParamKind::Pod => "POD",
        ParamKind::Namespace => "NAMESPACE",
        ParamKind::File => "FILE",
        ParamKind::Secret => "@FILE|-|TEXT",
        ParamKind::Choice => "CHOICE",
        _ => "TEXT",
    }
}

/// What it is for. `input`: what else than a file a secret is read from.
fn help_of(param: &Param, input: &str) -> String {
    let mut help = param.help.clone();
    match (&param.value, param.kind) {
        (None, _) => help += " [required]",
        (Some(_), ParamKind::Secret) => {}
        (Some(Value::String(text)), _) if text.is_empty() => {}
        (Some(Value::String(text)), _) => help += &format!(" [default: {text}]"),
        (Some(value), _) => help += &format!(" [default: {value}]"),
    }
    if param.kind == ParamKind::Secret {
        help += &format!(" [@FILE reads a file{input}; env: {}]", variable(param));
    }
    help
}

fn variable(param: &Param) -> String {
    format!("PILOTAGE_{}", param.name.to_uppercase())
}

/// Whether a variable is the secret of a playbook: of this one, or of one that can be found by name.
pub fn is_known(name: &str, playbook: Option<&Playbook>) -> bool {
    let knows = |playbook: &Playbook| {
        playbook.header.params.iter().any(|param| param.kind == ParamKind::Secret && variable(param) == name)
    };
    playbook.is_some_and(knows) || super::list::all().iter().any(|(_, _, playbook)| playbook.as_ref().is_ok_and(knows))
}

/// The playbook's help, as `--help` shows it.
pub fn help(command: &mut Command, typed: &str) -> String {
    command.build();
    let own = command.find_subcommand_mut("run").and_then(|run| run.find_subcommand_mut(typed));
    own.map(|own| own.render_help().to_string()).unwrap_or_default()
}

/// The parameters that were given, checked one by one.
///
/// # Errors
/// [`Kind::Usage`] for a value that is not of its kind; [`Kind::File`] for a secret's file that cannot be read.
pub fn given(playbook: &Playbook, matches: &ArgMatches, options: &Options) -> Result<Map<String, Value>> {
    let mut own = matches;
    while let Some((_, inner)) = own.subcommand() {
        own = inner;
    }
    let mut given = Map::new();
    for param in &playbook.header.params {
        if let Some(text) = text_of(param, own, options)? {
            given.insert(param.name.clone(), param.parse(&text)?);
        }
    }
    Ok(given)
}

fn text_of(param: &Param, matches: &ArgMatches, options: &Options) -> Result<Option<String>> {
    // There is no such argument where an option of every command stands for it.
    let typed = matches.try_get_one::<String>(&id(param)).ok().flatten().cloned();
    if param.name == NAMESPACE {
        return Ok(typed.or_else(|| options.namespace.clone()));
    }
    if param.kind != ParamKind::Secret {
        return Ok(typed);
    }
    match typed {
        Some(text) => secret(param, &text).map(Some),
        None => Ok(std::env::var(variable(param)).ok().filter(|text| !text.is_empty())),
    }
}

/// A secret from where shells and process lists do not see it.
fn secret(param: &Param, text: &str) -> Result<String> {
    let unreadable = |from: &str, error: std::io::Error| {
        Error::new(Kind::File, format!("--{} cannot be read from {from}", param.name))
            .caused_by(&error)
            .hint("name a file with the bare text in it: --NAME @FILE")
    };
    let full = |text: &str, from: &str| match text.trim() {
        "" => Err(Error::new(Kind::File, format!("--{} is empty: nothing came from {from}", param.name))
            .hint("was the file written, and did the command before the pipe succeed?")),
        text => Ok(text.to_owned()),
    };
    if text == "-" {
        let mut read = String::new();
        std::io::stdin().read_to_string(&mut read).map_err(|error| unreadable("standard input", error))?;
        return full(&read, "standard input");
    }
    match text.strip_prefix('@') {
        Some(file) => full(&std::fs::read_to_string(file).map_err(|error| unreadable(file, error))?, file),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches};
    use serde_json::json;

    const SOURCE: &str = r#"//! Why?
const PLAYBOOK = #{ title: "A title", needs: ["observe"], params: #{
    namespace: #{ kind: "string", help: "where", value: "" },
    many_pods: #{ kind: "int", help: "how many" },
    deep:      #{ kind: "bool", help: "look deep", value: false },
    token:     #{ kind: "secret", help: "a token", value: "" },
    timeout:   #{ kind: "duration", help: "how long", value: "5s" },
    how:       #{ kind: "choice", help: "which way", choices: ["fast", "slow"], value: "fast" },
} };"#;

    fn playbook() -> Playbook {
        Playbook::parse("demo", None, SOURCE).expect("it parses")
    }

    fn read(line: &str) -> std::result::Result<Map<String, Value>, String> {
        let args: Vec<&str> = ["pilotage", "run", "demo"].into_iter().chain(line.split_whitespace()).collect();
        let command = with_playbook(super::super::Cli::command(), &playbook(), "demo");
        let matches = command.try_get_matches_from(args).map_err(|error| error.to_string())?;
        let options = Options::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        given(&playbook(), &matches, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_are_options() {
        let given = read("--many-pods -3 --namespace shop --deep --how slow").expect("it reads");
        assert_eq!(Value::Object(given), json!({"many_pods": -3, "namespace": "shop", "deep": true, "how": "slow"}));
        assert_eq!(Value::Object(read("--many_pods=3 --deep=false").expect("it reads")), json!({"many_pods": 3, "deep": false}));
    }

    #[test]
    fn a_name_that_pilotage_uses_itself_gets_a_prefix() {
        let given = read("--param-timeout 1m --timeout 3s").expect("it reads");
        assert_eq!(Value::Object(given), json!({"timeout": 60}));
    }

    #[test]
    fn slips_are_errors_with_a_suggestion() {
        assert!(read("--tokn x").expect_err("unknown").contains("'--token'"));
        assert!(read("--many-pods x").expect_err("no number").contains("--many_pods"));
        assert!(read("--how wrong").expect_err("no choice").contains("slow"));
        assert!(read("shop").expect_err("no positional").contains("shop"));
    }

    #[test]
    fn a_secret_is_read_from_a_file_and_its_absence_told() {
        let file = std::env::temp_dir().join(format!("pilotage-secret-{}", std::process::id()));
        std::fs::write(&file, "eyJ.a.b\n").expect("it writes");
        let given = read(&format!("--token @{}", file.display())).expect("it reads");
        std::fs::remove_file(&file).expect("it was there");
        assert_eq!(given["token"], "eyJ.a.b");
        assert!(read("--token @/nowhere/at/all").expect_err("no file").contains("/nowhere/at/all"));
    }

    #[test]
    fn help_shows_title_manual_and_parameters() {
        let mut command = with_playbook(super::super::Cli::command(), &playbook(), "demo");
        let help = help(&mut command, "demo");
        for part in ["A title", "--many-pods <NUMBER>", "how many [required]", "PILOTAGE_TOKEN", "[default: 5s]"] {
            assert!(help.contains(part), "{part} in {help}");
        }
    }
}
