//! Where things of the user lie on this machine.

use std::path::PathBuf;

/// The folders that playbooks are looked for in, besides the shipped ones, in order.
pub fn playbook_folders() -> Vec<PathBuf> {
    std::iter::once(PathBuf::from(".")).chain(user_scripts()).collect()
}

/// The user's own playbooks and modules.
pub fn user_scripts() -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("pilotage").join("scripts"))
}

/// The user's configuration.
pub fn config() -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("pilotage").join("config.toml"))
}

/// The user's home.
pub fn home() -> Option<PathBuf> {
    dirs::home_dir()
}

/// The file that keeps what was typed.
pub fn history() -> Option<PathBuf> {
    Some(dirs::data_dir()?.join("pilotage").join("history"))
}

/// The folder that keeps what sessions changed and have not put back.
pub fn ledger() -> Option<PathBuf> {
    Some(dirs::state_dir().or_else(dirs::data_local_dir)?.join("pilotage").join("ledger"))
}
