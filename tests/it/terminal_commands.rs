//! What a session does with what it did: put back, close, time, load, list and edit.

use crate::support::cluster::{Cluster, PodTarget};
use crate::support::run::TempDir;
use crate::support::terminal::{CTRL_C, CTRL_D, Terminal};
use crate::support::two::{self, Two};
use crate::terminal_place::says;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

fn demo(home: &TempDir) -> Terminal {
    let mut terminal = Terminal::start(home, &["--demo"]);
    terminal.prompt();
    terminal
}

#[test]
fn what_was_set_is_listed_and_put_back() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":undo", &["set nothing that is still to be put back"]);
    says(&mut terminal, "set_log(\"web.shop\", \"rbac\", \"debug\").len()", &["lab/shop 1 set>"]);
    says(&mut terminal, ":undo list", &["namespace pod logger level old", "shop web rbac debug warning", "1 set>"]);
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "debug");
    says(&mut terminal, ":undo", &["shop web rbac debug warning", "put_back", "lab/shop>"]);
    assert_eq!(two.proxies[0].level("rbac").unwrap(), "warning");
    says(&mut terminal, ":undo lst", &["error[bad_input]", "did you mean list?"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn forwards_are_listed_and_closed() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":forwards", &["no port-forward is open"]);
    says(&mut terminal, "let f = port_forward(\"web.shop\", 15000); port_forward(\"web.shop\", 15000).pod", &["web"]);
    says(&mut terminal, ":forwards", &["url namespace pod port", "http://127.0.0.1:"]);
    says(&mut terminal, ":forwards close 1", &["error[bad_input]", "is no local port", "open are"]);
    says(&mut terminal, ":forwards close all", &["2 closed"]);
    says(&mut terminal, "forwards().len()", &["0"]);
}

#[test]
fn an_expression_is_timed_with_what_it_asked() {
    let two = Two::serve();
    let mut terminal = Terminal::start(&two.home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    says(&mut terminal, ":time 1 + 1", &["2", "ms, nothing was asked"]);
    says(&mut terminal, ":time pods(\"shop\").len()", &["1 question", "B came back"]);
    says(&mut terminal, ":time on", &[]);
    says(&mut terminal, "40 + 2", &["42", "nothing was asked"]);
    says(&mut terminal, ":time off", &[]);
    assert!(!says(&mut terminal, "40 + 3", &["43"]).contains("nothing was asked"));
}

#[test]
fn a_script_is_loaded_and_fails_with_its_place() {
    let home = TempDir::new();
    home.write("good.rhai", "//! Mine.\nfn thrice(x) { x * 3 }\nlet base = 14;\n");
    home.write("bad.rhai", "let before = 1;\n\nnosuch();\nlet after = 2;\n");
    home.write("book.rhai", "const PLAYBOOK = #{ title: \"T\" };\nok(\"x\");\n");
    let mut terminal = demo(&home);
    says(&mut terminal, ":load good.rhai", &["demo>"]);
    says(&mut terminal, "thrice(base)", &["42"]);
    says(&mut terminal, ":load bad.rhai", &["there is no function nosuch", "bad.rhai:3:1", "demo ✗1>"]);
    says(&mut terminal, "before", &["1"]);
    says(&mut terminal, ":load book.rhai", &["error[bad_input]", "is a playbook", ":run book.rhai"]);
    home.write("book2.rhai", "/* of\nmine */ const  PLAYBOOK = #{ title: `A book` }; 1");
    says(&mut terminal, ":load book2.rhai", &["error[bad_input]", "book2.rhai is a playbook"]);
    home.write("talk.rhai", "// const PLAYBOOK = #{}\nlet talk = `\nconst PLAYBOOK = #{}`; 4000 + talk.len()");
    says(&mut terminal, ":load talk.rhai", &["4020", "demo>"]);
    says(&mut terminal, ":load nowhere.rhai", &["error[file]", "nowhere.rhai cannot be read", "no file in . has a name like it"]);
    says(&mut terminal, ":load god.rhai", &["god.rhai cannot be read", "did you mean good.rhai?"]);
    says(&mut terminal, ":load ./nodir/good.rhai", &["there is no folder ./nodir"]);
    says(&mut terminal, ":load .", &["it is a folder"]);
    says(&mut terminal, ":laod good.rhai", &["there is no command :laod", "did you mean :load?"]);
}

#[test]
fn what_was_typed_is_listed_and_edited_again() {
    let home = TempDir::new();
    let editor = home.write("editor.sh", "#!/bin/sh\nsed -i 's/40/41/' \"$1\"\n");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("a script");
    let mut terminal = Terminal::sized((24, 80), &home, &["--demo"], &[("EDITOR", editor.to_str().expect("a path"))]);
    terminal.prompt();
    says(&mut terminal, "let first = 40", &[]);
    says(&mut terminal, "fn answer() { 40 + 1 }", &[]);
    says(&mut terminal, ":history", &["1 let first = 40", "2 fn answer() { 40 + 1 }"]);
    says(&mut terminal, ":history FIRST", &["1 let first = 40"]);
    says(&mut terminal, ":history no such thing", &["nothing holds \"no such thing\""]);
    says(&mut terminal, ":edit answer", &["fn answer() { 41 + 1 }"]);
    says(&mut terminal, "answer()", &["42"]);
    says(&mut terminal, ":edit 1", &["let first = 41"]);
    says(&mut terminal, "first", &["41"]);
    says(&mut terminal, ":edit nosuch", &["error[not_found]", "no input defines a function nosuch"]);
}

#[test]
fn ctrl_c_closes_the_connections_of_the_call_and_keeps_the_session() {
    let pod = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = pod.local_addr().expect("bound");
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut socket in pod.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count) = socket.read(&mut bytes) {
                    let _ = tell.send(count);
                    if count == 0 {
                        return;
                    }
                }
                let _ = tell.send(0);
            });
        }
    });
    let home = TempDir::new();
    let cluster = Cluster::start(two::options("lab", PodTarget::Tcp(address))).expect("a cluster");
    cluster.kubeconfig(&home.file("kubeconfig")).expect("a kubeconfig");
    let mut terminal = Terminal::start(&home, &["--kubeconfig", "kubeconfig"]);
    terminal.prompt();
    for _ in 0..3 {
        terminal.line("server_info(\"web.shop\")");
        let patience = Duration::from_secs(20);
        assert!(told.recv_timeout(patience).expect("the question arrives in the pod") > 0);
        let pressed = Instant::now();
        terminal.press(CTRL_C);
        while told.recv_timeout(patience).expect("the connection into the pod ends") > 0 {}
        assert!(pressed.elapsed() < Duration::from_secs(5), "{:?}", pressed.elapsed());
        terminal.prompt();
    }
    says(&mut terminal, "40 + 2", &["42"]);
}
