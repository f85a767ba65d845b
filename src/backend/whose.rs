//! Whose a file is: what somebody else could have written is not believed, or not in all that it says.

use std::fs::{File, Metadata};
use std::path::Path;

/// Why somebody besides the user could have written what a file says, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub why: String,
    /// The next step.
    pub remedy: String,
}

/// What speaks against an opened file; nothing where only the user, or the machine's administrator, can write it. A link was
/// followed when it was opened: what counts is the file. Who may only replace it leaves one of their own there.
#[cfg(unix)]
pub fn doubt(file: &File, path: &Path) -> Option<Doubt> {
    let found = file.metadata().ok()?;
    let path = path.display();
    let foreign = |why| Doubt { why, remedy: format!("read {path}; if you want what it says, copy it to a file of your own") };
    let open = |why| Doubt { why, remedy: format!("if all in it is yours: chmod go-w {path}") };
    stranger(&found, &[us(), ROOT]).map(foreign).or_else(|| others_may(&found, 0o022, "change").map(open))
}

/// Elsewhere the user's files are nobody else's.
#[cfg(not(unix))]
pub fn doubt(_file: &File, _path: &Path) -> Option<Doubt> {
    None
}

/// The machine's administrator.
#[cfg(unix)]
const ROOT: u32 = 0;

/// The user.
#[cfg(unix)]
pub(super) fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// That it belongs to none of these.
#[cfg(unix)]
pub(super) fn stranger(found: &Metadata, known: &[u32]) -> Option<String> {
    let owner = std::os::unix::fs::MetadataExt::uid(found);
    let us = known.first().copied().unwrap_or_default();
    (!known.contains(&owner)).then(|| format!("it belongs to the user with the id {owner}, and you are {us}"))
}

/// That others may do something with it, by these bits of its mode.
#[cfg(unix)]
pub(super) fn others_may(found: &Metadata, bits: u32, verb: &str) -> Option<String> {
    let mode = std::os::unix::fs::MetadataExt::mode(found) & 0o7777;
    (mode & bits != 0).then(|| format!("others may {verb} it (mode {mode:04o})"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_others_may_write_is_doubted_also_behind_a_link() {
        let folder = std::env::temp_dir().join(format!("pilotage-whose-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, link) = (folder.join("a"), folder.join("b"));
        std::fs::write(&path, "").unwrap();
        symlink(&path, &link).unwrap();
        for (mode, doubted) in [(0o600, false), (0o644, false), (0o664, true), (0o646, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            for way in [&path, &link] {
                let found = doubt(&File::open(way).unwrap(), way);
                assert_eq!(found.is_some(), doubted, "{mode:o}");
                assert!(found.is_none_or(|doubt| doubt.remedy.ends_with(&format!("chmod go-w {}", way.display()))));
            }
        }
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(stranger(&found, &[us(), ROOT]), None);
        assert!(stranger(&found, &[us() + 1]).unwrap().contains("belongs to the user"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
