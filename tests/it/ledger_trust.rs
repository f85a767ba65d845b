//! A ledger that somebody else could have written is not believed: nothing is undone by it, nothing set beside it.

use crate::ledger::{Rig, end, send};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const SET: &str = r#"set_log("web.shop", "rbac", "debug"); sleep(120)"#;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A session that was killed, its ledger's folder, and the file in it.
fn killed() -> (Rig, PathBuf, PathBuf) {
    let rig = Rig::new();
    let child = rig.session(SET, "debug");
    send(&child, "KILL");
    end(child);
    let folder = rig.mesh.home().path().join(".local/state/pilotage/ledger");
    let file = folder.join(&rig.files()[0]);
    (rig, folder, file)
}

/// It is told of by every start and by `undo`, which does nothing by it.
#[track_caller]
fn is_ignored(rig: &Rig, words: &[&str]) {
    rig.mesh.run(&["eval", "1"]).says(words);
    let undo = rig.mesh.run(&["undo"]);
    undo.says(words);
    assert_eq!((undo.code, rig.level("rbac")), (Some(4), "debug".into()), "{undo:#?}");
    assert!(!undo.stderr.contains("nothing is left"), "{undo:#?}");
}

#[test]
fn a_folder_that_others_may_open_is_not_used_until_it_is_closed() {
    let (rig, folder, _) = killed();
    mode(&folder, 0o755);
    is_ignored(&rig, &["is not used: others may open it (mode 0755)", "chmod 700"]);
    let refused = rig.eval(r#"set_log("web.shop", "rbac", "trace")"#);
    refused.fails(1, "file", &["nothing is changed", "others may open it", "XDG_STATE_HOME"]);
    mode(&folder, 0o700);
    let undo = rig.mesh.run(&["undo"]);
    assert_eq!((undo.code, rig.level("rbac"), rig.files()), (Some(0), "warning".into(), vec![]), "{undo:#?}");
}

#[test]
fn a_file_that_others_may_change_or_a_link_is_ignored() {
    let (rig, folder, file) = killed();
    mode(&file, 0o622);
    is_ignored(&rig, &["is ignored: others may change it (mode 0622)", "`log_levels()` shows it"]);
    mode(&file, 0o600);
    let elsewhere = rig.mesh.home().file("elsewhere.jsonl");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    is_ignored(&rig, &["is ignored: it is a symbolic link"]);
    // The folder is ours all the same.
    let beside = rig.eval(r#"set_log("web.shop", "rbac", "trace").len()"#);
    assert_eq!((beside.code, rig.level("rbac")), (Some(0), "debug".into()), "{beside:#?}");
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_dir(&folder).unwrap();
    let real = rig.mesh.home().file("real");
    std::fs::create_dir(&real).unwrap();
    mode(&real, 0o700);
    std::fs::rename(&elsewhere, real.join("a.jsonl")).unwrap();
    symlink(&real, &folder).unwrap();
    is_ignored(&rig, &["is not used: it is a symbolic link"]);
}
