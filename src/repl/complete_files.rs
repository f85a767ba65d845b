//! Names of files, as far as they are typed.

use super::complete_rank::Offer;
use crate::host::Files;
use std::path::{Path, PathBuf};

/// The most entries of a folder that are looked at.
const MOST: usize = 10_000;

/// What lies where the typed path leads: folders first, hidden files when a dot is typed.
pub fn files(typed: &str) -> Vec<Offer> {
    let (folder, begun) = typed.rsplit_once('/').map_or(("", typed), |(folder, begun)| (&typed[..=folder.len()], begun));
    let Ok(entries) = std::fs::read_dir(real(folder)) else { return Vec::new() };
    let mut found: Vec<(bool, String)> = entries
        .take(MOST)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let shown = !name.starts_with('.') || begun.starts_with('.');
            shown.then(|| (!entry.path().is_dir(), name))
        })
        .collect();
    found.sort();
    let offer = |(is_file, name): (bool, String)| {
        let path = format!("{folder}{name}{}", if is_file { "" } else { "/" });
        Offer::plain(path, "")
    };
    found.into_iter().map(offer).collect()
}

fn real(folder: &str) -> PathBuf {
    if folder.is_empty() { Path::new(".").to_owned() } else { Files::at_home(folder) }
}
