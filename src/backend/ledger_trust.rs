//! Whose ledger it is: an undo follows a file to the cluster that it names and runs what that one's kubeconfig says, so only
//! what nobody but the user could have written is believed.

#[cfg(unix)]
use super::whose;
use std::path::Path;

/// Why a folder of ledgers is not believed; nothing where it is, or is not there.
pub(super) fn doubt_folder(path: &Path) -> Option<String> {
    doubt(path, Sort::Folder).map(|why| {
        let path = path.display();
        format!("the ledger folder {path} is not used: {why}; if all in it is yours: chmod 700 {path}, else move it away")
    })
}

/// Why a ledger's file is not believed; nothing where it is, or is not there.
pub(super) fn doubt_file(path: &Path) -> Option<String> {
    doubt(path, Sort::File).map(|why| {
        let path = path.display();
        format!("the ledger {path} is ignored: {why}; what it tells of may still be set: `log_levels()` shows it; then remove it")
    })
}

/// What should be there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sort {
    Folder,
    File,
}

#[cfg(unix)]
fn doubt(path: &Path, sort: Sort) -> Option<String> {
    let found = std::fs::symlink_metadata(path).ok()?;
    judge(&found, sort, whose::us())
}

/// Elsewhere the user's folders are nobody else's.
#[cfg(not(unix))]
fn doubt(path: &Path, sort: Sort) -> Option<String> {
    let found = std::fs::symlink_metadata(path).ok()?;
    strange(&found, sort)
}

#[cfg(unix)]
fn judge(found: &std::fs::Metadata, sort: Sort, us: u32) -> Option<String> {
    let (others, verb) = match sort {
        Sort::Folder => (0o077, "open"),
        Sort::File => (0o022, "change"),
    };
    strange(found, sort).or_else(|| whose::stranger(found, &[us])).or_else(|| whose::others_may(found, others, verb))
}

/// A link would lead to what may be anybody's.
fn strange(found: &std::fs::Metadata, sort: Sort) -> Option<String> {
    let right = match sort {
        Sort::Folder => found.is_dir(),
        Sort::File => found.is_file(),
    };
    let what = if found.is_symlink() { "it is a symbolic link" } else { "it is something else" };
    (!right).then(|| what.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_what_is_ours_alone_is_believed() {
        let folder = std::env::temp_dir().join(format!("pilotage-trust-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.jsonl");
        std::fs::write(&file, "").unwrap();
        let link = folder.join("b.jsonl");
        symlink(&file, &link).unwrap();
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        for (bits, doubted) in [(0o700, false), (0o755, true), (0o770, true)] {
            mode(&folder, bits);
            assert_eq!(doubt_folder(&folder).is_some(), doubted, "{bits:o}");
        }
        for (bits, doubted) in [(0o600, false), (0o644, false), (0o664, true), (0o602, true)] {
            mode(&file, bits);
            assert_eq!(doubt_file(&file).is_some(), doubted, "{bits:o}");
        }
        assert!(doubt_file(&link).unwrap().contains("symbolic link"));
        assert!(doubt_file(&folder).unwrap().contains("something else"));
        mode(&file, 0o600);
        let found = std::fs::symlink_metadata(&file).unwrap();
        let us = rustix::process::geteuid().as_raw();
        assert_eq!(judge(&found, Sort::File, us), None);
        assert!(judge(&found, Sort::File, us + 1).unwrap().contains("belongs to the user"));
        assert_eq!((doubt_folder(&folder.join("none")), doubt_file(&folder.join("none"))), (None, None));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
