//! Dumps from files and standard input, with the real binary: whatever was kept, however it was packed, and everything that
//! was given in their place. No cluster is needed for any of it.

use crate::support::run::{Output, TempDir, finish, pilotage};
use crate::support::tapes;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const DUMP: &str = include_str!("../data/dump_inline.json");
const PATIENCE: Duration = Duration::from_secs(60);
const COUNT: &str = "clusters(\"FILE\").len()";

fn run(home: &TempDir, args: &[&str]) -> Output {
    finish(pilotage(home.path(), args), PATIENCE)
}

/// What a script says of a file in whose place `FILE` stands.
fn of_file(name: &str, text: &[u8], script: &str) -> Output {
    let home = TempDir::new();
    std::fs::write(home.file(name), text).expect("a file");
    run(&home, &["eval", &script.replace("FILE", name)])
}

/// A run with this on its standard input.
fn piped(mut command: Command, input: &[u8]) -> Output {
    let home = TempDir::new();
    let file = home.file("input");
    std::fs::write(&file, input).expect("a file");
    // Through a pipe, not a file: sizes are not known before.
    let mut cat = Command::new("cat").arg(&file).stdout(Stdio::piped()).spawn().expect("cat");
    command.stdin(cat.stdout.take().expect("a pipe"));
    let output = finish(command, PATIENCE);
    cat.wait().expect("cat ends");
    output
}

fn clusters_dump() -> String {
    let resource = |name: &str| format!(r#"{{"version_info":"1","cluster":{{"name":"{name}","type":"EDS"}}}}"#);
    let all: Vec<String> = (0..50).map(|number| resource(&format!("outbound|80||a-{number}.shop.svc"))).collect();
    format!(
        r#"{{"configs":[{{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump","dynamic_active_clusters":[{}]}}]}}"#,
        all.join(",")
    )
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_dump_is_read_however_it_was_kept() {
    let dump = clusters_dump();
    let forms: [(&str, Vec<u8>); 8] = [
        ("dump.json", dump.clone().into()),
        ("dump.txt", dump.clone().into()),
        ("dump.json.gz", gzip(dump.as_bytes())),
        ("dump.json.zst", zstd::encode_all(dump.as_bytes(), 1).expect("memory")),
        ("powershell.json", utf16(&dump)),
        ("bom.json", [b"\xEF\xBB\xBF", dump.as_bytes()].concat()),
        ("./no-ending", dump.clone().into()),
        ("gz.json", gzip(dump.as_bytes())),
    ];
    for (name, text) in forms {
        of_file(name, &text, COUNT).gives(0, "50");
        of_file(name, &text, "clusters(config_dump(\"FILE\")).len()").gives(0, "50");
    }
    let junk = of_file("must-gather.json", format!("200\n{dump}").as_bytes(), COUNT);
    junk.gives(0, "50").says(&["note: must-gather.json: skipped 4 bytes before the JSON: `200`"]);
    // istioctl -o yaml keeps resources alone.
    of_file("kept.yaml", b"- name: outbound|80||a.b\n  type: EDS\n  connectTimeout: 10s\n", COUNT).gives(0, "1");
}

#[test]
fn standard_input_is_a_file_named_dash_and_can_be_read_twice() {
    let home = TempDir::new();
    let dump = clusters_dump();
    for input in [dump.clone().into_bytes(), gzip(dump.as_bytes()), utf16(&dump)] {
        let twice = "let found = clusters(\"-\"); found.len() + clusters(config_dump(\"-\")).len()";
        piped(pilotage(home.path(), &["eval", twice]), &input).gives(0, "100");
    }
    let table = piped(
        pilotage(home.path(), &["eval", "table(clusters(\"-\", #{ fqdn: \"a-7.\" }), [\"service_fqdn\", \"port\"])"]),
        dump.as_bytes(),
    );
    assert!(table.code == Some(0) && table.stdout.contains("a-7.shop.svc") && !table.stdout.contains("a-8"), "{table:#?}");
    // A playbook may read what was piped into it, though no file outside of its folder.
    let playbook = "const PLAYBOOK = #{ title: \"Pipe\" }; print(clusters(\"-\").len());";
    home.write("pipe.rhai", playbook);
    let report = piped(pilotage(home.path(), &["run", "./pipe.rhai"]), dump.as_bytes());
    assert!(report.code == Some(0) && report.stdout.contains("50"), "{report:#?}");
}

#[test]
fn keys_in_a_saved_dump_are_not_shown_unless_they_are_to_be() {
    let home = TempDir::new();
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";
    let secret = serde_json::json!({"name": "default", "secret": {"name": "default", "tls_certificate": {"private_key": {"inline_string": key}}}});
    let dump = serde_json::json!({"configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", "dynamic_active_secrets": [secret]}]});
    home.write("dump.json", &dump.to_string());
    let shown = "json(secrets(\"dump.json\")[0].raw()) + json(config_dump(\"dump.json\")) + json(load(\"dump.json\"))";
    for source in [shown.to_owned(), shown.replace("dump.json", "-")] {
        let source = source.replace("load(\"-\")", "()");
        let hidden = piped(pilotage(home.path(), &["eval", &source]), dump.to_string().as_bytes());
        assert!(hidden.code == Some(0) && hidden.stdout.contains("redacted:") && !hidden.stdout.contains("MIIEv"), "{hidden:#?}");
        let kept = piped(pilotage(home.path(), &["--keep-secrets", "eval", &source]), dump.to_string().as_bytes());
        assert!(kept.code == Some(0) && kept.stdout.contains("MIIEv") && !kept.stdout.contains("redacted:"), "{kept:#?}");
    }
}

#[test]
fn a_small_file_that_unpacks_to_much_is_refused() {
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(3 << 20), 1).expect("memory");
    let home = TempDir::new();
    std::fs::write(home.path().join("bomb.json.zst"), &bomb).expect("the folder can be written");
    let count = ["eval", "clusters(\"bomb.json.zst\")"];
    let refused = piped(pilotage(home.path(), &[&["--max-unpacked", "2"], &count[..]].concat()), b"");
    refused.fails(1, "file", &["bomb.json.zst cannot be read", "it unpacks to more than 2 MiB", "--max-unpacked"]);
    let stdin = piped(pilotage(home.path(), &["--max-unpacked", "2", "eval", "clusters(\"-\")"]), &bomb);
    stdin.fails(1, "file", &["standard input cannot be read", "it unpacks to more than 2 MiB", "--max-unpacked"]);
    piped(pilotage(home.path(), &count), b"").fails(1, "bad_input", &["is empty"]);
}

#[test]
fn standard_input_that_is_something_else_says_so() {
    let home = TempDir::new();
    let script = piped(pilotage(home.path(), &["eval", "-"]), b"clusters(\"-\")");
    script.fails(1, "bad_input", &["standard input cannot be read here", "the script itself came from there", "name of a file"]);
    let empty = piped(pilotage(home.path(), &["eval", "clusters(\"-\")"]), b"");
    empty.fails(1, "bad_input", &["standard input is empty (0 bytes)", "save it again"]);
    let page = piped(pilotage(home.path(), &["eval", "clusters(\"-\")"]), b"<html><title>Sign in</title>");
    page.fails(1, "bad_input", &["standard input holds no JSON", "an HTML page, \"Sign in\""]);
    let prompt = piped(pilotage(home.path(), &["--demo"]), b"clusters(\"-\")\n");
    let said = prompt.stdout.clone() + prompt.stderr.as_str();
    assert!(said.contains("standard input cannot be read here: it is where you type"), "{prompt:#?}");
}

#[test]
fn a_cut_dump_gives_what_came_whole_and_says_that_it_is_not_all() {
    let dump = clusters_dump();
    let cut = of_file("cut.json", &dump.as_bytes()[..dump.len() / 2], "clusters(\"FILE\").len() > 20");
    cut.gives(4, "true").says(&["note: cut.json: ", "is cut off at byte", "what came whole before is used"]);
    let packed = gzip((clusters_dump() + " ".repeat(2_000_000).as_str()).as_bytes());
    let cut = of_file("cut.json.gz", &packed[..packed.len() - 30], "clusters(\"FILE\").len()");
    cut.gives(4, "50").says(&["note: cut.json.gz is cut off"]);
    of_file("stub.json.gz", &packed[..14], COUNT).fails(1, "file", &["stub.json.gz cannot be read", "save it again"]);
    of_file("cut.json", b"{\"configs\":[{\"@ty", COUNT).fails(1, "bad_answer", &["cut.json cannot be used", "cut off"]);
}

#[test]
fn everything_else_is_named_with_the_next_step() {
    let mut tar = vec![0_u8; 1024];
    tar[..9].copy_from_slice(b"dump.json");
    tar[257..262].copy_from_slice(b"ustar");
    let tape = std::fs::read(tapes::path("d-nack")).expect("a tape");
    let cases: [(&str, &[u8], &str, &[&str]); 20] = [
        ("empty.json", b"", "bad_input", &["empty.json is empty (0 bytes)"]),
        ("blank.json", b" \n", "bad_input", &["blank.json is empty (2 bytes)"]),
        (
            "login.html",
            b"<!DOCTYPE html><html><head><title>Log in</title>",
            "bad_input",
            &["an HTML page, \"Log in\"", "browser"],
        ),
        ("page.json", b"<html>\n<body>503", "bad_input", &["page.json holds no JSON: it is an HTML page"]),
        ("kept.json", b"configs:\n- a: 1\n", "bad_input", &["YAML by the looks of it", "name it .yaml"]),
        ("bad.yaml", b"a: [1\nb: }", "bad_input", &["bad.yaml is not what its name says"]),
        (
            "log.txt",
            b"upstream connect error or disconnect/reset before headers",
            "bad_answer",
            &["log.txt cannot be used", "upstream connect error"],
        ),
        ("all.tar", &tar, "not_found", &["there is no pod all in namespace tar"]),
        ("all.txt", &tar, "bad_input", &["a tar archive", "unpack it"]),
        ("a.tape", &tape, "bad_input", &["it is a tape", "tape("]),
        (
            "pods.json",
            br#"{"apiVersion":"v1","kind":"PodList","items":[]}"#,
            "bad_input",
            &["pods.json cannot be used", "Kubernetes object of kind PodList"],
        ),
        ("certs.json", br#"{"certificates":[{"ca_cert":[]}]}"#, "bad_input", &["the answer of /certs", "`certs` reads that"]),
        ("stats.json", br#"{"stats":[]}"#, "bad_input", &["the answer of /stats?format=json", "`stats` reads that"]),
        ("stats.txt", b"cluster.a.b: 0\nserver.live: 1\n", "bad_input", &["the answer of /stats as text", "`stats` reads that"]),
        (
            "clusters.txt",
            b"xds-grpc::observability_name::xds-grpc\n",
            "bad_input",
            &["the answer of /clusters as text", "format=json"],
        ),
        ("table.txt", b"SERVICE FQDN     PORT     SUBSET\n", "bad_input", &["as istioctl prints it", "-o json"]),
        ("zt.json", include_bytes!("../data/ztunnel_dump.json"), "bad_input", &["the one of a ztunnel", "workloads"]),
        (
            "syncz.json",
            br#"[{"cluster_id":"K","proxy":"a.b","proxy_type":"sidecar"}]"#,
            "bad_input",
            &["/debug/syncz", "/debug/config_dump?proxyID="],
        ),
        ("two.json", b"{\"configs\":[]}\n{\"configs\":[]}", "bad_answer", &["more follows after the JSON ends"]),
        ("number.json", b"200", "bad_input", &["it is a number"]),
    ];
    for (name, text, kind, words) in cases {
        // Without a cluster a pod cannot be looked for: what is no file's name fails there.
        let (kind, words) = if kind == "not_found" { ("no_cluster", &["no kubeconfig was found"][..]) } else { (kind, words) };
        of_file(name, text, "clusters(\"FILE\")").fails(1, kind, words);
    }
}

#[test]
fn pages_that_are_text_are_read_by_their_functions() {
    of_file("stats.txt", b"cluster.a.b: 0\nserver.live: 1\n", "stats(\"FILE\").len()").gives(0, "2");
    of_file("loggers.txt", b"active loggers:\n  rbac: debug\n", "log_levels(\"FILE\")[0].level").gives(0, "debug");
    of_file("zt.txt", b"current log level is info,access=debug\n", "log_levels(\"FILE\")[1].logger").gives(0, "access");
}

#[test]
fn the_dump_of_the_other_program_is_told_both_ways() {
    let envoys = of_file("dump.json", DUMP.as_bytes(), "workloads(\"FILE\")");
    envoys.fails(1, "bad_input", &["dump.json cannot be used", "it is one of Envoy", "clusters, listeners"]);
    let dump = include_bytes!("../data/ztunnel_dump.json");
    of_file("zt.json", dump, "services(\"FILE\").len() + workloads(\"FILE\").len()").gives(0, "8");
    let istiods = br#"{"configs":[{"@type":"x/envoy.admin.v3.ClustersConfigDump","dynamicActiveClusters":[{"versionInfo":"7","cluster":{"name":"outbound|80|v1|a.b"}}]}]}"#;
    of_file("istiod.json", istiods, "let row = clusters(\"FILE\")[0]; `${row.subset} ${row.version}`").gives(0, "v1 7");
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let home = TempDir::new();
    run(&home, &["eval", "clusters(\"gone.json\")"]).fails(
        1,
        "file",
        &["gone.json cannot be read", "No such file", "is the name right"],
    );
    std::fs::create_dir(home.file("folder.json")).expect("a folder");
    run(&home, &["eval", "clusters(\"folder.json\")"]).fails(1, "file", &["folder.json is no ordinary file", "it is a folder"]);
    run(&home, &["eval", "clusters(\"/dev/zero\")"]).fails(1, "file", &["/dev/zero is no ordinary file", "standard input"]);
    home.write("dump.json", &clusters_dump());
    run(&home, &["eval", "clusters(\"~/dump.json\").len()"]).gives(0, "50");
    run(&home, &["eval", "config_dump(\"dump.json\", #{ mask: \"a\" })"]).fails(
        1,
        "bad_input",
        &["dump.json holds what it holds", "jsonpath"],
    );
    run(&home, &["eval", "admin(\"dump.json\", \"/ready\")"]).fails(
        1,
        "bad_input",
        &["\"dump.json\" is a file's name", "namespace/name"],
    );
    run(&home, &["eval", "clusters([\"dump.json\"])"]).fails(1, "bad_input", &["is a file's name"]);
}

/// Whoever is root may read everything: then there is nothing to see.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_says_who_decides() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new();
    let file = home.write("dump.json", "{}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o0)).expect("permissions");
    if std::fs::read(&file).is_err() {
        run(&home, &["eval", "clusters(\"dump.json\")"]).fails(1, "file", &["Permission denied", "ls -l"]);
    }
}

#[test]
fn a_playbook_reads_below_its_folder_only() {
    let home = TempDir::new();
    home.write("dump.json", &clusters_dump());
    home.write(".hidden.json", &clusters_dump());
    let outside = TempDir::new();
    outside.write("dump.json", &clusters_dump());
    let far = outside.file("dump.json").display().to_string();
    let playbook = |name: &str| {
        home.write("read.rhai", &format!("const PLAYBOOK = #{{ title: \"Read\" }}; print(clusters(\"{name}\").len());"));
        run(&home, &["run", "./read.rhai"])
    };
    let read = playbook("dump.json");
    assert!(read.code == Some(0) && read.stdout.contains("50"), "{read:#?}");
    for name in [far.as_str(), "../dump.json", "~/dump.json", "./.hidden.json"] {
        let refused = playbook(name);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        refused.says(&["error[refused]", "playbook"]);
    }
    home.write("tape.rhai", "const PLAYBOOK = #{ title: \"Tape\" }; tape(\"../a.tape\").pods();");
    run(&home, &["run", "./tape.rhai"]).says(&["error[refused]", "lies outside"]);
}

#[test]
fn a_hundred_megabytes_on_one_line_are_no_trouble() {
    let home = TempDir::new();
    let resource = format!(r#"{{"cluster":{{"name":"outbound|80||a.b","type":"EDS","pad":"{}"}}}}"#, "x".repeat(10_000));
    let many = vec![resource; 10_000].join(",");
    let dump = format!(r#"{{"configs":[{{"@type":"x/envoy.admin.v3.ClustersConfigDump","dynamic_active_clusters":[{many}]}}]}}"#);
    assert!(dump.len() > 100_000_000);
    home.write("line.json", &dump);
    run(&home, &["eval", "clusters(\"line.json\").len()"]).gives(0, "10000");
}
