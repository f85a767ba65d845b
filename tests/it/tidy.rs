//! The house in order: which folder may know which, how long files and functions may be, what nothing may contain.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// All files below a folder, with their text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    assert!(!found.is_empty(), "{folder} holds no .{ending}");
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|own| own == ending) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// What a folder of `src` may use of the others. Arrows point down only.
const MAY_USE: &[(&str, &[&str])] = &[
    ("backend", &["error", "tls"]),
    ("json", &["error"]),
    ("tls", &["error", "record"]),
    ("envoy", &["error", "record", "tls", "json"]),
    ("istio", &["error", "record"]),
    ("mesh", &["backend", "error", "record", "tls", "envoy", "istio", "json", "suggest"]),
    ("host", &["backend", "error", "record", "report", "mesh", "json", "suggest"]),
    ("render", &["backend", "error", "record", "report", "host", "json"]),
    ("help", &["record", "report", "host", "envoy", "suggest"]),
    (
        "bind",
        &["backend", "error", "record", "report", "mesh", "host", "help", "render", "tls", "envoy", "istio", "json", "suggest"],
    ),
    ("repl", &["backend", "error", "record", "report", "host", "help", "render", "suggest", "pilotage"]),
];

#[test]
fn arrows_point_down_only() {
    for (file, text) in files("src", "rs") {
        let Some(folder) = file.strip_prefix("src/").and_then(|rest| rest.split_once('/')).map(|(folder, _)| folder) else {
            continue;
        };
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else { continue };
        for line in code(&text) {
            for used in uses(line) {
                assert!(used == folder || allowed.contains(&used), "{file} uses {used}: {line}");
            }
        }
    }
}

/// The folders that a line names with `crate::`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        MAY_USE.iter().map(|(folder, _)| *folder).find(|folder| *folder == name)
    })
}

/// The lines of a file that are neither comments nor its tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]").next().unwrap_or_default().lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// What the fuzzer compiles in must be there as well: otherwise only CI would say what is missing.
#[test]
fn the_fuzzer_has_all_that_the_readers_use() {
    let [lib, manifest] = ["fuzz/src/lib.rs", "fuzz/Cargo.toml"].map(|file| std::fs::read_to_string(root().join(file)).unwrap());
    let compiled: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("#[path = \"../../")?.strip_suffix("\"]")).collect();
    let modules: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(compiled.len() > 5 && compiled.len() == modules.len(), "{compiled:?}");
    let part = |file: &str| {
        compiled.iter().any(|path| file == *path || path.strip_suffix("mod.rs").is_some_and(|folder| file.starts_with(folder)))
    };
    for (file, text) in files("src", "rs").into_iter().filter(|(file, _)| part(file) && !is_test_file(file)) {
        for line in code(&text) {
            for used in line.split("crate::").skip(1).filter(|_| !line.contains("[`")) {
                let name = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let own = root().join(format!("src/{name}.rs")).exists() || root().join(format!("src/{name}/mod.rs")).exists();
                assert!(!own || modules.contains(&name), "{file} uses {name}: name it in fuzz/src/lib.rs");
            }
            let used = line.strip_prefix("use ").and_then(|rest| rest.split([':', ';']).next()).unwrap_or("std");
            let known = ["std", "super", "crate", "self"].contains(&used);
            let named = |used: &str| {
                manifest.lines().any(|line| line.split(' ').next().is_some_and(|name| name.replace('-', "_") == used))
            };
            assert!(known || named(used), "{file} uses {used}: name it in fuzz/Cargo.toml");
        }
    }
}

fn is_test_file(file: &str) -> bool {
    file.ends_with("_tests.rs")
        || file.ends_with("/tests.rs")
        || file.ends_with("laws.rs")
        || file.ends_with("/fake.rs")
        || file.ends_with("/testing.rs")
        || file.ends_with("/fake_api.rs")
}

#[test]
fn each_concern_has_one_home() {
    let homes: &[(&str, &[&str])] = &[
        ("rhai::", &["src/host/", "src/bind/", "src/pilotage.rs", "src/lib.rs"]),
        ("kube::Client", &["src/backend/"]),
        ("use kube::", &["src/backend/"]),
        ("hyper", &["src/backend/"]),
        ("reqwest", &["src/backend/"]),
        ("TcpStream", &["src/backend/"]),
        ("println!", &["src/render/", "src/repl/", "src/cli/", "src/main.rs"]),
        ("std::env::", &["src/cli/", "src/repl/", "src/render/style.rs", "src/backend/", "src/host/mod.rs"]),
        ("Timestamp::now", &["src/backend/", "src/cli/", "src/repl/"]),
        ("std::fs::", &["src/cli/", "src/repl/", "src/backend/", "src/bind/values.rs", "src/host/playbook.rs", "src/bind/"]),
    ];
    for (file, text) in files("src", "rs").into_iter().filter(|(file, _)| !is_test_file(file)) {
        for line in code(&text) {
            for (word, allowed) in homes {
                let mentions = line.contains(word)
                    && !line.contains("super::kube::")
                    && !line.contains("mesh::kube::")
                    && !line.contains("::kube::");
                assert!(
                    !mentions || allowed.iter().any(|home| file.starts_with(home)),
                    "{file} has no business with {word}: {line}"
                );
            }
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is() {
    for (file, text) in ["src", "tests", "examples", "benches"].iter().flat_map(|folder| files(folder, "rs")) {
        assert!(text.starts_with("//!"), "{file} does not begin with //!");
    }
    for (file, text) in ["stdlib", "scripts"].iter().flat_map(|folder| files(folder, "rhai")) {
        assert!(text.starts_with("//!"), "{file} does not begin with //!");
    }
}

#[test]
fn files_and_functions_stay_small() {
    for (file, text) in files("src", "rs") {
        let lines = text.lines().count();
        assert!(lines <= 600, "{file} has {lines} lines");
        for (name, length) in functions(&text) {
            assert!(length <= 80, "{file}: fn {name} has {length} lines");
        }
    }
}

/// Name and length of each function, by the indentation that rustfmt gives.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let begins = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "async fn ", "pub async fn "];
        if open.is_none()
            && begins.iter().any(|begin| line.trim_start().starts_with(begin))
            && !line.trim_end().ends_with(['}', ';'])
        {
            let name = line.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
            open = Some((name.into(), indent, number));
        } else if let Some((name, own, begin)) = &open
            && indent == *own
            && line.trim() == "}"
        {
            found.push((name.clone(), number - begin + 1));
            open = None;
        }
    }
    found
}

#[test]
fn folders_are_one_deep() {
    for (file, _) in files("src", "rs") {
        assert!(file.matches('/').count() <= 2, "{file} lies too deep");
    }
}

#[test]
fn nothing_names_this_machine_or_puts_things_off() {
    for (file, text) in ["src", "tests", "examples", "benches"].iter().flat_map(|folder| files(folder, "rs")) {
        if file.ends_with("tidy.rs") {
            continue;
        }
        for word in ["/work/", "/root/", "TODO", "FIXME", "unimplemented!", "todo!"] {
            assert!(!text.contains(word), "{file} contains {word}");
        }
    }
}

#[test]
fn the_readme_names_every_command_and_the_real_test_command() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["run", "eval", "list", "show", "doc", "config", "completions"] {
        assert!(readme.contains(&format!("pilotage {command}")), "README.md does not tell of `pilotage {command}`");
    }
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(readme.contains("cargo test") && ci.contains("cargo test"));
}

/// In back-ticks the language takes `\n` as it stands: a line end is meant, and two characters are printed.
#[test]
fn no_escape_stands_in_back_ticks() {
    for (file, text) in ["stdlib", "scripts"].iter().flat_map(|folder| files(folder, "rhai")) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let quoted = line.split('`').enumerate().filter(|(number, _)| number % 2 == 1).map(|(_, part)| part);
            let code_strings_left_out = quoted.filter(|part| !part.contains('"'));
            assert!(!code_strings_left_out.into_iter().any(|part| part.contains("\\n")), "{file}: {line}");
        }
    }
}
