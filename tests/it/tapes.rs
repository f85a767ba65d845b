//! The tapes of this repository: whole, small, and free of secrets.

use pilotage::Pilotage;
use pilotage::backend::{Ask, Backend, Tape};
use pilotage::host::Playbook;
use pilotage::report::Severity;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn tapes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes");
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut tapes: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|extension| extension == "tape")).collect();
    tapes.sort();
    tapes
}

fn name(tape: &Path) -> String {
    tape.file_stem().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn there_is_one_of_every_recording_and_they_are_small() {
    let names: Vec<String> = tapes().iter().map(|tape| name(tape)).collect();
    let expected = [
        "b-authz-deny",
        "c-unhealthy",
        "d-nack",
        "e-missing-subset",
        "g-expired-cert",
        "jwks-certificate-before",
        "jwks-certificate-fault",
        "jwks-certificate-fix-inline-jwks",
        "jwks-certificate-fix-trusted-ca",
    ];
    assert_eq!(names, expected);
    let size: u64 = tapes().iter().map(|tape| tape.metadata().expect("a size").len()).sum();
    assert!(size < 10_000_000, "{size}");
}

#[test]
fn each_is_whole_and_holds_what_a_mesh_is_asked() {
    for file in tapes() {
        let tape = Tape::open(&file).expect("a tape");
        assert_eq!(tape.notes(), Vec::<String>::new(), "{}", name(&file));
        assert!(tape.manifest().is_some_and(|manifest| manifest.redacted.is_some()), "{} is closed and redacted", name(&file));
        let asks = |wanted: fn(&Ask) -> bool| tape.questions().filter(|query| wanted(&query.ask)).count();
        assert!(asks(|ask| matches!(ask, Ask::Kube(kube) if kube.path.starts_with("/api/v1/pods"))) > 0, "{}", name(&file));
        assert!(asks(|ask| matches!(ask, Ask::Logs(logs) if logs.grep.is_none() && !logs.previous)) > 2, "{}", name(&file));
        assert!(asks(|ask| matches!(ask, Ask::Pod(page) if page.port == 15000 && page.path == "/config_dump?include_eds")) > 1);
        assert!(asks(|ask| matches!(ask, Ask::Pod(page) if page.port == 15014 && page.path.starts_with("/debug/"))) > 10);
    }
}

#[test]
fn none_holds_a_private_key_or_a_token() {
    let token = regex::Regex::new(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{40,}").expect("a pattern");
    for file in tapes() {
        let packed = std::fs::read(&file).expect("a tape");
        let text = String::from_utf8(zstd::decode_all(packed.as_slice()).expect("whole")).expect("text");
        for secret in ["PRIVATE KEY-----", "LS0tLS1CRUdJTiBQUklWQVRFIEtFW", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV"] {
            assert!(!text.contains(secret), "{} holds {secret}", name(&file));
        }
        assert!(!token.is_match(&text), "{} holds a token", name(&file));
    }
}

#[test]
fn the_certificate_playbook_finds_its_fault_and_nothing_elsewhere() {
    for file in tapes() {
        let engine = Pilotage::builder(Arc::new(Tape::open(&file).expect("a tape"))).build().expect("an engine");
        let playbook = Playbook::find("jwks-certificate", &[]).expect("it is shipped");
        let report = engine.run(&playbook, serde_json::Map::new()).expect("the tape has all answers");
        let status = report.status();
        if name(&file) == "jwks-certificate-fault" {
            assert_eq!(status, Severity::Error);
        } else {
            assert!(status <= Severity::Info, "{}: {status:?}", name(&file));
        }
    }
}
