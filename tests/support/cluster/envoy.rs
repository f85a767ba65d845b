//! What an Envoy would also have said: narrower views of a recorded `/config_dump?include_eds`.
//!
//! Only views that the full recordings prove equal to Envoy's own (a test compares them): the dump without endpoints,
//! and masks of whole sections. All other questions need a recorded answer.

use super::question::Question;
use serde_json::{Map, Value, json};

/// Answer a question about the configuration from the whole dump: status, content type and body.
pub fn view(whole: &[u8], question: &Question) -> Option<(u16, &'static str, Vec<u8>)> {
    let eds = question.query.iter().any(|(name, _)| name == "include_eds");
    let mask = question.get("mask");
    let known = question.query.iter().all(|(name, _)| name == "include_eds" || name == "mask");
    if question.path != "/config_dump" || !known || mask.is_some_and(|mask| mask.contains('.')) {
        return None;
    }
    let whole: Value = serde_json::from_slice(whole).ok()?;
    let endpoints = |config: &&Value| config["@type"].as_str().is_some_and(|name| name.ends_with(".EndpointsConfigDump"));
    let configs = whole["configs"].as_array()?.iter().filter(|config| eds || !endpoints(config));
    let Some(mask) = mask else {
        return json_body(json!({"configs": configs.collect::<Vec<_>>()}));
    };
    let fields: Vec<&str> = mask.split(',').collect();
    let masked: Vec<Value> = configs.filter_map(|config| masked(config.as_object()?, &fields)).collect();
    if masked.is_empty() {
        let text = format!("FieldMask {mask} could not be successfully applied to any configs.");
        return Some((400, "text/plain", text.into_bytes()));
    }
    json_body(json!({"configs": masked}))
}

fn masked(config: &Map<String, Value>, fields: &[&str]) -> Option<Value> {
    let kept: Map<String, Value> = config
        .iter()
        .filter(|(name, _)| *name == "@type" || fields.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (kept.len() > 1).then_some(Value::Object(kept))
}

fn json_body(value: Value) -> Option<(u16, &'static str, Vec<u8>)> {
    Some((200, "application/json", serde_json::to_vec_pretty(&value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::recording::{Entry, Recording, Via};
    use super::*;

    const DUMP: &[u8] = br#"{"configs": [
        {"@type": "t/envoy.admin.v3.ClustersConfigDump", "version_info": "1", "static_clusters": [1]},
        {"@type": "t/envoy.admin.v3.EndpointsConfigDump", "static_endpoint_configs": [2]}]}"#;

    fn ask(question: &str) -> Option<(u16, Value)> {
        let (status, _, body) = view(DUMP, &Question::parse(question))?;
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::String(String::from_utf8_lossy(&body).into()))))
    }

    #[test]
    fn endpoints_are_left_out_and_sections_masked() {
        let (_, plain) = ask("/config_dump").expect("derived");
        assert_eq!(plain["configs"].as_array().map(Vec::len), Some(1));
        let (_, masked) = ask("/config_dump?mask=static_clusters,dynamic_active_clusters").expect("derived");
        assert_eq!(masked, json!({"configs": [{"@type": "t/envoy.admin.v3.ClustersConfigDump", "static_clusters": [1]}]}));
        assert_eq!(ask("/config_dump?mask=nosuchfield").expect("derived").0, 400);
    }

    #[test]
    fn other_questions_are_not_guessed() {
        for question in ["/clusters", "/config_dump?resource=static_clusters", "/config_dump?mask=static_clusters.cluster"] {
            assert_eq!(ask(question), None, "{question}");
        }
    }

    /// What Envoy itself answered to the same questions, next to the whole dump that the views are made of.
    #[test]
    fn views_are_what_envoy_says() {
        let tape = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tapes/jwks-certificate-fault.tape");
        let recording = Recording::from_tape(std::path::Path::new(tape)).expect("a tape");
        let dumps = |entry: &&Entry| entry.port == Some(15000) && entry.question.path == "/config_dump";
        let mut compared = 0;
        for entry in recording.via(Via::Pod).filter(dumps) {
            let same_pod = |other: &&Entry| other.pod == entry.pod && other.path == "/config_dump?include_eds";
            let whole = recording.via(Via::Pod).find(same_pod).expect("a whole dump");
            let Some((status, _, body)) = view(&whole.body, &entry.question) else { continue };
            assert_eq!(status, entry.status, "{}", entry.path);
            if status == 200 {
                let [ours, envoys]: [Value; 2] = [&body[..], &entry.body].map(|body| serde_json::from_slice(body).expect("JSON"));
                assert!(ours == envoys, "{:?} {}", entry.pod, entry.path);
            } else {
                assert_eq!(body, entry.body, "{}", entry.path);
            }
            compared += 1;
        }
        assert!(compared > 30, "{compared}");
    }
}
