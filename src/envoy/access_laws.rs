//! Laws of access logs: what a format writes, reading by it gives back, whatever the values hold.

use super::access_config::{AccessFormats, Configured};
use super::access_format::{Format, ISTIO, known};
use super::access_log::{Access, LogSource};
use super::access_reader::{AccessReader, AccessWanted};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// What Envoy writes: the operators replaced by their values, a dash for none.
fn written(format: &str, values: &HashMap<&str, String>) -> String {
    let format = Format::parse(format).unwrap();
    let mut line = String::from_utf8(format.lead.to_vec()).unwrap();
    for piece in &format.pieces {
        let value = values.get(&*piece.operator).filter(|value| !value.is_empty());
        line.push_str(value.map_or("-", |value| value.as_str()));
        line.push_str(std::str::from_utf8(&piece.then).unwrap());
    }
    line
}

fn read(formats: &[Configured], line: &str) -> Option<Access> {
    let formats = Arc::new(AccessFormats::new(formats).unwrap());
    let mut reader = AccessReader::new(formats, LogSource::default(), Arc::new(AccessWanted::default()));
    reader.push(line.as_bytes());
    Some(reader.finish().rows.first()?.access())
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty() && text != "-").then(|| text.to_owned())
}

prop_compose! {
    fn values()(
        method in "[A-Z]{3,7}",
        path in "/[a-z\"é?=&%20 -]{0,20}",
        code in 0_u64..600,
        flags in "(-|UF|URX,UF|DC)",
        details in "(via_upstream|-|[a-z_]{1,9}\\{[a-zé: _\"-]{0,20}\\}|rbac_access_denied_matched_policy\\[ns\\[a\\]-policy\\[b\\]\\])",
        reason in "[a-zé: _-]{0,20}",
        numbers in prop::array::uniform4(0_u64..100_000),
        forwarded in "[0-9., -]{0,20}",
        agent in "[a-zé\" ;()/-]{0,30}",
        id in "[a-f0-9-]{1,36}",
        authority in "[a-zé0-9.:-]{1,20}",
        host in "[0-9.]{1,12}:[0-9]{1,5}",
        cluster in "(-|outbound\\|80\\|[a-z-]{0,5}\\|[a-z.]{1,20})",
        route in "[a-zé \"-]{0,20}",
    ) -> HashMap<&'static str, String> {
        HashMap::from([
            ("START_TIME", "2026-11-22T13:08:40.059Z".to_owned()),
            ("REQ(:METHOD)", method), ("REQ(X-ENVOY-ORIGINAL-PATH?:PATH)", path), ("PROTOCOL", "HTTP/1.1".to_owned()),
            ("RESPONSE_CODE", code.to_string()), ("RESPONSE_FLAGS", flags), ("RESPONSE_CODE_DETAILS", details),
            ("UPSTREAM_TRANSPORT_FAILURE_REASON", reason), ("BYTES_RECEIVED", numbers[0].to_string()),
            ("BYTES_SENT", numbers[1].to_string()), ("DURATION", numbers[2].to_string()),
            ("RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)", numbers[3].to_string()), ("REQ(X-FORWARDED-FOR)", forwarded),
            ("REQ(USER-AGENT)", agent), ("REQ(X-REQUEST-ID)", id), ("REQ(:AUTHORITY)", authority), ("UPSTREAM_HOST", host),
            ("UPSTREAM_CLUSTER", cluster.clone()), ("UPSTREAM_CLUSTER_RAW", cluster), ("ROUTE_NAME", route),
        ])
    }
}

/// Whether a row says what was written, as far as the format holds it.
fn same(format: &str, values: &HashMap<&str, String>, row: &Access) -> Result<(), TestCaseError> {
    let text = |operator: &str| if format.contains(&format!("%{operator}%")) { some(&values[operator]) } else { None };
    let number = |operator: &str| text(operator).and_then(|text| text.parse::<u64>().ok());
    prop_assert_eq!(&row.method, &text("REQ(:METHOD)"));
    prop_assert_eq!(&row.path, &text("REQ(X-ENVOY-ORIGINAL-PATH?:PATH)"));
    prop_assert_eq!(row.code, number("RESPONSE_CODE"));
    prop_assert_eq!(some(&row.flags.join(",")), text("RESPONSE_FLAGS"));
    prop_assert_eq!(&row.details, &text("RESPONSE_CODE_DETAILS"));
    prop_assert_eq!(&row.upstream_transport_failure_reason, &text("UPSTREAM_TRANSPORT_FAILURE_REASON"));
    prop_assert_eq!(row.bytes_received, number("BYTES_RECEIVED"));
    prop_assert_eq!(row.bytes_sent, number("BYTES_SENT"));
    prop_assert_eq!(row.duration, number("DURATION"));
    prop_assert_eq!(row.upstream_service_time, number("RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)"));
    prop_assert_eq!(&row.x_forwarded_for, &text("REQ(X-FORWARDED-FOR)"));
    prop_assert_eq!(&row.user_agent, &text("REQ(USER-AGENT)"));
    prop_assert_eq!(&row.request_id, &text("REQ(X-REQUEST-ID)"));
    prop_assert_eq!(&row.authority, &text("REQ(:AUTHORITY)"));
    prop_assert_eq!(&row.upstream_host, &text("UPSTREAM_HOST"));
    prop_assert_eq!(&row.upstream_cluster, &text("UPSTREAM_CLUSTER").or_else(|| text("UPSTREAM_CLUSTER_RAW")));
    prop_assert_eq!(&row.route_name, &text("ROUTE_NAME"));
    Ok(())
}

proptest! {
    #[test]
    fn what_a_known_format_writes_is_read_back(values in values(), which in 0_usize..6) {
        let format = known().nth(which).unwrap();
        let line = written(format, &values);
        let row = read(&[], &line);
        prop_assert!(row.is_some(), "{line}");
        same(format, &values, &row.unwrap())?;
    }

    #[test]
    fn what_a_format_of_ones_own_writes_is_read_back(values in values(), order in Just([0_usize, 1, 2, 3, 4]).prop_shuffle(), mark in "(\\| | ;|~~|\t)") {
        let operators = ["RESPONSE_CODE", "REQ(:METHOD)", "UPSTREAM_HOST", "DURATION", "REQ(X-REQUEST-ID)"];
        let format: Vec<String> = order.iter().map(|at| format!("%{}%", operators[*at])).collect();
        let format = format!("100%% {}{mark}\"%REQ(USER-AGENT)%\"", format.join(&mark));
        let line = written(&format, &values);
        let row = read(&[Configured::Text(format.clone())], &line);
        prop_assert!(row.is_some(), "{format}: {line}");
        same(&format, &values, &row.unwrap())?;
    }

    #[test]
    fn any_text_comes_back_from_json(path in any::<String>(), agent in any::<String>(), code in 0_u64..600) {
        let mut line = Map::new();
        line.insert("path".into(), path.clone().into());
        line.insert("response_code".into(), code.into());
        line.insert("user_agent".into(), agent.clone().into());
        let row = read(&[], &Value::Object(line).to_string()).unwrap();
        prop_assert_eq!((row.path, row.user_agent, row.code), (some(&path), some(&agent), Some(code)));
    }

    #[test]
    fn no_line_is_too_odd(line in any::<String>(), at in 0_usize..400, odd in any::<char>()) {
        read(&[], &line);
        let mut good = written(ISTIO, &HashMap::from([("START_TIME", "2026-11-22T13:08:40.059Z".to_owned())]));
        let at = at.min(good.len());
        good.insert(at, odd);
        read(&[], &good);
    }
}
