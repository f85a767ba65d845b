//! Access logs: every line of every recording is a row, whatever the log's form, and a row says what the line does.

use crate::support::tapes;
use pilotage::Pilotage;
use pilotage::report::Content;
use serde_json::Value;

const TAPES: [&str; 9] = [
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

fn value(engine: &Pilotage, script: &str) -> Value {
    match engine.eval(script).unwrap_or_else(|failure| panic!("{script}: {failure}")) {
        Content::Value(value) => value,
        Content::Text(text) => text.into(),
        other => panic!("{script}: {other:?}"),
    }
}

/// The proxies of a tape whose logs were recorded.
const PROXIES: &str = r#"pods("*").filter(|pod| !["none", "ztunnel"].contains(pod.proxy) && pod.proxy_state == "running")"#;

#[test]
fn every_line_of_every_recording_is_a_row() {
    let mut all = 0;
    for tape in TAPES {
        let engine = tapes::engine(tape);
        let raw =
            value(&engine, &format!(r#"{PROXIES}.map(|pod| logs(pod, #{{ container: "istio-proxy" }}).map(|line| line.text))"#));
        let rows = value(&engine, &format!(r#"{PROXIES}.map(|pod| access_log(pod).map(|row| row.to_map()))"#));
        let pairs = raw.as_array().unwrap().iter().zip(rows.as_array().unwrap());
        for (raw, rows) in pairs {
            let is_access = |line: &&Value| line.as_str().unwrap().contains("\"response_code\"");
            let lines: Vec<&Value> = raw.as_array().unwrap().iter().filter(is_access).collect();
            let kept: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["line"]).collect();
            assert_eq!(kept, lines, "{tape}");
            rows.as_array().unwrap().iter().for_each(same);
            all += lines.len();
        }
    }
    assert!(all > 400, "{all} lines are too few to prove anything");
}

/// The line itself is JSON: every key of it stands in the column that means it.
fn same(row: &Value) {
    let line: Value = serde_json::from_str(row["line"].as_str().unwrap()).unwrap();
    for (key, told) in line.as_object().unwrap() {
        let column = match key.as_str() {
            "start_time" => "time",
            "response_code" => "code",
            "response_code_details" => "details",
            "response_flags" => {
                let flags: Vec<&str> = told.as_str().unwrap().split(',').filter(|flag| *flag != "-").collect();
                assert_eq!(row["flags"], Value::from(flags));
                continue;
            }
            key => key,
        };
        let told = match told.as_str() {
            Some("-") => &Value::Null,
            Some(number) if column == "upstream_service_time" => &Value::from(number.parse::<u64>().unwrap()),
            _ => told,
        };
        assert_eq!(row[column], *told, "{key} of {line}");
    }
    assert_eq!(row["more"], serde_json::json!({}));
}

#[test]
fn the_log_of_many_is_one_by_time_and_the_rest_is_counted() {
    let engine = tapes::engine("jwks-certificate-fault");
    let rows = value(&engine, r#"access_log(pods("*")).map(|row| row.time)"#);
    let times: Vec<&str> = rows.as_array().unwrap().iter().map(|time| time.as_str().unwrap()).collect();
    assert!(times.len() > 80 && times.is_sorted(), "{times:?}");
    let notes = engine.take_notes();
    assert!(notes.iter().any(|note| note.ends_with("lines are no access log and were skipped")), "{notes:?}");
}

#[test]
fn the_text_of_a_log_and_its_file_are_read_like_the_pods() {
    let engine = tapes::engine("b-authz-deny");
    let file = std::env::temp_dir().join(format!("pilotage-access-{}.log", std::process::id()));
    let text = value(&engine, r#"logs("api-0.shop", #{ container: "istio-proxy" }).map(|l| l.time + " " + l.text).join("\n")"#);
    std::fs::write(&file, text.as_str().unwrap()).unwrap();
    let script = format!(
        r#"let text = logs("api-0.shop", #{{ container: "istio-proxy" }}).map(|l| l.time + " " + l.text).join("\n");
           [access_log("api-0.shop"), access_log(text), access_log("{}")].map(|rows| rows.map(|row| row.line))"#,
        file.display()
    );
    let all = value(&engine, &script);
    std::fs::remove_file(file).unwrap();
    assert!(all[0].as_array().unwrap().len() > 5);
    assert_eq!((&all[0], &all[0]), (&all[1], &all[2]));
}

#[test]
fn options_choose_lines() {
    let engine = tapes::engine("jwks-certificate-fault");
    let count = |options: &str| {
        value(&engine, &format!(r#"access_log("deploy/customer.olaf-customer", #{{ {options} }}).len()"#)).as_u64().unwrap()
    };
    let all = count("");
    assert_eq!(count("code: 200") + count("code: [401, 403]"), all);
    assert_eq!(count("code: \"4xx\""), count("code: [401, 403]"));
    assert_eq!(count("where: #{ details: \"via_upstream\" }"), count("grep: \"via_upstream\""));
    assert_eq!(count("flags: \"-\""), all);
    assert_eq!(count("flags: \"UF\""), 0);
    let failure = engine.eval(r#"access_log("deploy/customer.olaf-customer", #{ where: #{ cod: 1 } })"#).unwrap_err();
    assert!(failure.to_string().contains("no field \"cod\""), "{failure}");
}

#[test]
fn tokens_in_paths_do_not_come_out_of_files() {
    let engine = tapes::engine("b-authz-deny");
    let file = std::env::temp_dir().join(format!("pilotage-access-token-{}.log", std::process::id()));
    let line = |path: &str| {
        format!(
            r#"[2026-11-22T13:08:40.059Z] "GET {path} HTTP/1.1" 200 - via_upstream - "-" 0 1 2 3 "-" "curl" "id" "h" "1.1.1.1:80" outbound|80||h 1.1.1.2:1 1.1.1.3:80 1.1.1.4:2 - default"#
        )
    };
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlLXNlY3JldA";
    let paths = ["/cb?access_token=s3cr3t&x=1", "/x?api_key=s3cr3t", &format!("/auth/{jwt}"), "/u?password=s3cr3t"];
    let text: Vec<String> = paths.iter().map(|path| line(path)).collect();
    std::fs::write(&file, text.join("\n")).unwrap();
    let rows = value(&engine, &format!(r#"[access_log("{}").map(|row| row.to_map())]"#, file.display()));
    std::fs::remove_file(file).unwrap();
    let rows = rows[0].as_array().unwrap();
    assert_eq!(rows.len(), paths.len());
    for row in rows {
        let shown = row.to_string();
        assert!(shown.contains("⟨redacted:") && !shown.contains("s3cr3t") && !shown.contains("c2lnbmF0dXJl"), "{shown}");
        assert_eq!((row["code"].as_u64(), row["route_name"].as_str()), (Some(200), Some("default")), "the line still is one");
    }
}
