//! Events as rows, the newest last.

use super::Mesh;
use super::age::{human, time};
use super::dig::Dig;
use super::kube::list_in;
use super::since::Since;
use crate::error::Result;
use crate::{options, record};
use jiff::Timestamp;
use serde_json::Value;

record! {
    /// An event: something that happened to an object.
    pub struct Event as "event" {
        /// When it was seen last (RFC 3339).
        pub time: String,
        /// How long ago that was.
        pub age: String,
        /// The namespace of the object.
        pub namespace: String,
        /// `Normal` or `Warning`.
        pub severity: String,
        /// The reason, in one word: `BackOff`, `FailedMount`.
        pub reason: String,
        /// The object: `Pod/web-1`.
        pub object: String,
        /// What happened.
        pub text: String,
        /// How often.
        pub count: i64,
        /// Who says so.
        [wide] pub source: String,
    }
}

options! {
    /// Which events to list.
    pub struct EventOptions as "event options" {
        /// Only events of this last span: `"10m"`, or seconds.
        pub since: Option<Since>,
        /// Only warnings.
        pub warnings: bool,
        /// Only events of this object: its name, or `Pod/name`.
        pub object: Option<String>,
    }
}

/// The events of a namespace, or of all, the newest last.
///
/// # Errors
/// When the API server refuses.
pub async fn events(mesh: &Mesh, namespace: Option<&str>, options: &EventOptions) -> Result<Vec<Event>> {
    let objects = list_in(mesh, "/api/v1", mesh.scope(namespace), "events").await?;
    let now = mesh.now();
    let oldest = options.since.map_or(i64::MIN, |since| now.as_second().saturating_sub(since.0));
    let mut seen: Vec<(Option<Timestamp>, Event)> = objects.iter().map(|object| read(object, now)).collect();
    seen.retain(|(time, event)| {
        // An event without any time cannot be shown to be too old.
        let recent = time.is_none_or(|time| time.as_second() >= oldest);
        let loud = !options.warnings || event.severity == "Warning";
        let about =
            |wanted: &String| event.object == *wanted || event.object.split_once('/').is_some_and(|(_, name)| name == wanted);
        recent && loud && options.object.as_ref().is_none_or(about)
    });
    seen.sort_by_key(|(time, _)| *time);
    Ok(seen.into_iter().map(|(_, event)| event).collect())
}

fn read(object: &Value, now: Timestamp) -> (Option<Timestamp>, Event) {
    let places = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"];
    let seen = places.iter().find_map(|place| time(object, place));
    let about =
        |field: &str| object.text(&format!("/involvedObject/{field}")).or_else(|| object.text(&format!("/regarding/{field}")));
    let event = Event {
        time: seen.map(|time| time.to_string()).unwrap_or_default(),
        age: seen.map(|time| human(now.as_second() - time.as_second())).unwrap_or_default(),
        namespace: about("namespace").or_else(|| object.text("/metadata/namespace")).unwrap_or_default().into(),
        severity: object.string("/type"),
        reason: object.string("/reason"),
        object: format!("{}/{}", about("kind").unwrap_or_default(), about("name").unwrap_or_default()),
        text: object.text("/message").or_else(|| object.text("/note")).unwrap_or_default().trim().to_owned(),
        count: object.int("/series/count").or_else(|| object.int("/count")).unwrap_or(1),
        source: object.text("/source/component").or_else(|| object.text("/reportingComponent")).unwrap_or_default().into(),
    };
    (seen, event)
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, wait};
    use super::*;
    use serde_json::json;

    fn mesh() -> Mesh {
        let about = |name: &str| json!({"kind": "Pod", "namespace": "shop", "name": name});
        let body = json!({"items": [
            {"metadata": {"name": "new"}, "involvedObject": about("b"), "type": "Warning", "reason": "BackOff", "message": "again\n",
                "firstTimestamp": "2026-11-22T12:00:00Z", "lastTimestamp": "2026-11-22T13:06:00Z", "count": 7, "eventTime": null},
            {"metadata": {"name": "old"}, "involvedObject": about("a"), "type": "Normal", "reason": "Pulled", "lastTimestamp": "2026-11-22T12:00:00Z"},
            {"metadata": {"name": "series"}, "involvedObject": about("a"), "type": "Normal", "eventTime": "2026-11-22T12:30:00.000000Z",
                "series": {"count": 3, "lastObservedTime": "2026-11-22T13:05:00.000000Z"}}]});
        Fake::new().kube("/api/v1/events?limit=500", body.to_string()).mesh()
    }

    fn told(options: &str) -> Vec<(String, String, i64)> {
        let rows = wait(events(&mesh(), None, &serde_json::from_str(options).unwrap())).unwrap();
        rows.into_iter().map(|event| (event.object, event.age, event.count)).collect()
    }

    #[test]
    fn the_newest_comes_last_by_when_it_was_seen_last() {
        let row = |object: &str, age: &str, count| (object.to_owned(), age.to_owned(), count);
        assert_eq!(told("{}"), [row("Pod/a", "66m", 1), row("Pod/a", "75s", 3), row("Pod/b", "15s", 7)]);
    }

    #[test]
    fn events_are_chosen_by_age_severity_and_object() {
        assert_eq!(told(r#"{"since":"2m"}"#).len(), 2);
        assert_eq!(told(r#"{"warnings":true}"#)[0].0, "Pod/b");
        assert_eq!((told(r#"{"object":"a"}"#).len(), told(r#"{"object":"Pod/b"}"#).len()), (2, 1));
    }
}
