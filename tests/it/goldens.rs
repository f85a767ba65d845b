//! What rows look like: tables at three widths, JSON, YAML and CSV, of a proxy's longest names.
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo test --test it goldens::`, and read the difference.

use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::render::{self, Format, Look};
use pilotage::report::Content;

/// The tape with the longest names, and a proxy of it.
const TAPE: &str = "jwks-certificate-fault";
const PROXY: &str = "\"deploy/customer.olaf-customer\"";

fn eval(engine: &Pilotage, script: &str) -> Content {
    engine.eval(script).unwrap_or_else(|failure| panic!("{script}: {failure}"))
}

fn written(content: &Content, format: Format, width: Option<usize>) -> String {
    let mut text = Vec::new();
    render::write(&mut text, content, format, &Look { width, ..Look::plain() }).expect("memory takes everything");
    String::from_utf8(text).expect("text")
}

/// The few rows whose `name` is longest, in every form.
fn golden(function: &str, name: &str) -> String {
    let engine = tapes::engine(TAPE);
    let longest = |count: usize| {
        let order = format!("rows.sort(|a, b| b.{name}.to_string().len() - a.{name}.to_string().len());");
        eval(&engine, &format!("let rows = {function}({PROXY}); {order} rows.extract(0..{count})"))
    };
    let (few, one) = (longest(4), longest(1));
    let mut text = String::new();
    for (title, width) in [("80 columns", Some(80)), ("120 columns", Some(120)), ("as wide as it takes", None)] {
        text += &format!("-- {title}\n{}", written(&few, Format::Text, width));
    }
    let csv = written(&few, Format::Csv, None).replace("\r\n", "\n");
    text += &format!("-- csv\n{csv}-- json\n{}", written(&one, Format::Json, None));
    text + "-- yaml\n" + written(&one, Format::Yaml, None).as_str()
}

#[test]
fn clusters() {
    insta::assert_snapshot!(golden("clusters", "name"));
}

#[test]
fn listeners() {
    insta::assert_snapshot!(golden("listeners", "name"));
}

#[test]
fn routes() {
    insta::assert_snapshot!(golden("routes", "vhost_name"));
}

#[test]
fn endpoints() {
    insta::assert_snapshot!(golden("endpoints", "cluster"));
}

#[test]
fn secrets() {
    insta::assert_snapshot!(golden("secrets", "name"));
}

/// Whatever is cut off a cluster's name, the service, its port and its subset can still be read.
#[test]
fn a_cut_name_still_says_which_service_port_and_subset() {
    let engine = tapes::engine(TAPE);
    let rows = format!("clusters({PROXY}).filter(|row| row.direction == \"outbound\")");
    let Content::Table(names) = eval(&engine, &format!("table({rows}, [\"name\", \"port\", \"state\"])")) else {
        panic!("rows make a table");
    };
    let names: Vec<String> = names.rows.made().iter().map(|row| row[0].as_str().expect("a name").to_owned()).collect();
    let longest = names.iter().map(String::len).max().expect("there are clusters");
    assert!(names.len() > 10 && longest > 60, "{} names of at most {longest}", names.len());
    let table = eval(&engine, &format!("table({rows}, [\"name\", \"state\"])"));
    for width in 50..longest + 10 {
        let text = written(&table, Format::Text, Some(width));
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), names.len(), "each has its line:\n{text}");
        for (name, line) in names.iter().zip(lines) {
            let (kept, _) = name.split_once('.').expect("hosts have labels");
            let kept = kept.trim_start_matches("outbound");
            assert!(line.contains(kept) && line.chars().count() <= width, "{width}: {kept} is lost in {line}");
        }
    }
}
