//! As a plugin of kubectl: what is installed as `kubectl-pilotage` is called `kubectl pilotage`, takes kubectl's options for
//! where to ask and as whom, and says of the others what to do.

use crate::called;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::path::Path;

/// Learn from the first word of the command line how the program is called.
pub fn learn(args: &[OsString]) {
    let stem = args.first().and_then(|first| Path::new(first).file_stem());
    if stem.is_some_and(|stem| stem == "kubectl-pilotage") {
        called::learn("kubectl pilotage");
    }
}

/// Options of kubectl that are not taken, and what to do in place of them.
const NOT_TAKEN: &[(&[&str], &str)] = &[
    (
        &["--all-namespaces", "-A"],
        "what is asked says where: pods(\"*\") are those of all namespaces; a playbook asks all unless told -n",
    ),
    (
        &["--server", "-s"],
        "name a cluster of the kubeconfig with --cluster; `kubectl config set-cluster NAME --server URL` adds one",
    ),
    (
        &["--insecure-skip-tls-verify", "--certificate-authority", "--tls-server-name", "--proxy-url", "--disable-compression"],
        "`kubectl config set-cluster` keeps it in the kubeconfig; then name that cluster with --cluster",
    ),
    (
        &["--token", "--username", "--password", "--client-certificate", "--client-key"],
        "`kubectl config set-credentials` keeps it in the kubeconfig; then name that user with --user",
    ),
    (&["--as-uid", "--as-user-extra"], "--as and --as-group say whom to act as"),
    (
        &[
            "--cache-dir",
            "--match-server-version",
            "--profile",
            "--profile-output",
            "--vmodule",
            "--warnings-as-errors",
            "--kuberc",
        ],
        "it is for kubectl itself",
    ),
];

/// What to say of an option that kubectl has and pilotage has not.
pub fn advice(error: &clap::Error) -> Option<String> {
    let typed = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(typed))) => typed.as_str(),
        _ => return None,
    };
    let name = typed.split('=').next().unwrap_or(typed);
    let (_, advice) = NOT_TAKEN.iter().find(|(names, _)| names.contains(&name))?;
    Some(format!("  kubectl's {name} is not taken: {advice}\n"))
}

/// What kubectl calls to complete: it is found on the PATH by its name, `kubectl_complete-pilotage`.
pub const COMPLETE: &str = "#!/bin/sh
# Completes `kubectl pilotage`. Put it on the PATH as kubectl_complete-pilotage, executable, beside kubectl-pilotage.
exec kubectl-pilotage __complete \"$@\"
";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn an_option_of_kubectl_is_taken_or_explained() {
        let command = super::super::Cli::command();
        let taken: Vec<String> =
            command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect();
        for (names, _) in NOT_TAKEN {
            for name in *names {
                assert!(!taken.contains(&(*name).to_owned()), "{name} is taken");
                let error = command.clone().try_get_matches_from(["pilotage", "list", name]).expect_err(name);
                assert!(advice(&error).is_some_and(|advice| advice.contains(name)), "{name}: {error}");
            }
        }
        let error = command.try_get_matches_from(["pilotage", "--nonsense"]).expect_err("nobody has it");
        assert_eq!(advice(&error), None);
    }
}
