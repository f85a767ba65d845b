//! Refusals in the API server's own form: a `Status` object.

use serde_json::{Value, json};

/// A refusal: the HTTP status and the `Status` object.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The object.
    pub body: Value,
}

/// A refusal with this reason and message.
pub fn refusal(code: u16, reason: &str, message: &str) -> Refusal {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    Refusal { code, body }
}

impl Refusal {
    /// The same, with details.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.body["details"] = details;
        self
    }
}

/// The credentials were not accepted.
pub fn unauthorized() -> Refusal {
    refusal(401, "Unauthorized", "Unauthorized")
}

/// The request makes no sense.
pub fn bad_request(message: &str) -> Refusal {
    refusal(400, "BadRequest", message)
}

/// There is no such object.
pub fn not_found(group: &str, resource: &str, name: &str) -> Refusal {
    let kind = if group.is_empty() { resource.to_string() } else { format!("{resource}.{group}") };
    refusal(404, "NotFound", &format!("{kind} \"{name}\" not found")).details(details(group, resource, Some(name)))
}

/// The `details` of a refusal about an object or a kind.
pub fn details(group: &str, resource: &str, name: Option<&str>) -> Value {
    let mut details = serde_json::Map::new();
    if let Some(name) = name {
        details.insert("name".into(), name.into());
    }
    if !group.is_empty() {
        details.insert("group".into(), group.into());
    }
    details.insert("kind".into(), resource.into());
    Value::Object(details)
}
