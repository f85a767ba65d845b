//! Whose a file is: what somebody else could have written is not believed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Why somebody besides the user could have written what a file says, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub why: String,
    /// The next step.
    pub remedy: String,
}

/// What a file says, if nobody else could have written it.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<Result<Vec<u8>, Doubt>> {
    let mut opened = File::open(path)?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    Ok(doubt(&opened, path).map_or(Ok(bytes), Err))
}

/// What speaks against an opened file; nothing where only the user, or the machine's administrator, can write it or put another
/// one, or a link to one, in its place. A link was followed when it was opened: what counts is the file.
#[cfg(unix)]
fn doubt(file: &File, path: &Path) -> Option<Doubt> {
    let found = file.metadata().ok()?;
    let shown = path.display();
    let foreign = |why| Doubt { why, remedy: format!("read {shown}; if you want what it says, copy it to a file of your own") };
    let open = |why| Doubt { why, remedy: format!("if all in it is yours: chmod go-w {shown}") };
    let own = stranger(&found, &[us(), ROOT]).map(foreign).or_else(|| others_may(&found, write_bits(&found), "change").map(open));
    let real = path.canonicalize().ok();
    own.or_else(|| [Some(path), real.as_deref()].into_iter().flatten().filter_map(Path::parent).find_map(folder_doubt))
}

/// What speaks against a folder: that others may put files into it, and take away those of the user.
#[cfg(unix)]
fn folder_doubt(folder: &Path) -> Option<Doubt> {
    const STICKY: u32 = 0o1000;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let found = folder.metadata().ok()?;
    let shown = folder.display();
    let foreign = stranger(&found, &[us(), ROOT]);
    let keeps = std::os::unix::fs::MetadataExt::mode(&found) & STICKY != 0;
    let open = || others_may(&found, write_bits(&found), "put another file into").filter(|_| !keeps);
    foreign.or_else(open).map(|why| Doubt {
        why: format!("its folder is not the user's alone: {why}"),
        remedy: format!("if all in it is yours: chmod go-w {shown}, else keep the file in a folder of your own"),
    })
}

/// Elsewhere the user's files are nobody else's.
#[cfg(not(unix))]
fn doubt(_file: &File, _path: &Path) -> Option<Doubt> {
    None
}

/// The bits by which others may write. A group with the user's own number is theirs alone: many systems give one to each user, and
/// with it a mask that lets it write.
#[cfg(unix)]
fn write_bits(found: &Metadata) -> u32 {
    if std::os::unix::fs::MetadataExt::gid(found) == us() { 0o002 } else { 0o022 }
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
        for (mode, doubted) in [(0o600, false), (0o644, false), (0o646, true), (0o666, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            for way in [&path, &link] {
                let found = read(way).unwrap();
                assert_eq!(found.is_err(), doubted, "{mode:o}");
                assert!(found.err().is_none_or(|doubt| doubt.remedy.ends_with(&format!("chmod go-w {}", way.display()))));
            }
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        for (mode, doubted) in [(0o755, false), (0o777, true), (0o1777, false)] {
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap().is_err(), doubted, "{mode:o}");
        }
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(stranger(&found, &[us(), ROOT]), None);
        assert!(stranger(&found, &[us() + 1]).unwrap().contains("belongs to the user"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
