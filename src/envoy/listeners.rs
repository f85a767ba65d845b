//! The listeners of a config dump, wherever its generation keeps them.

use super::raw::{Object, Place};
use crate::error::{Error, Kind, Result};

/// One listener, and what Envoy does with it.
pub(super) struct Listener<'a> {
    pub name: String,
    /// `static`, `active`, `warming` or `draining`.
    pub state: &'static str,
    pub body: Object<'a>,
}

/// All listeners of a dump: of Envoy's `/config_dump` whole, masked or by resource, of istiod's, and of `istioctl -o json`.
pub(super) fn listeners(dump: &[u8]) -> Result<Vec<Listener<'_>>> {
    let mut found = Vec::new();
    if let Some(sections) = Place::sections(dump) {
        sections.iter().for_each(|place| section(&mut found, place));
        return Ok(found);
    }
    let root = Place::root(dump).map_err(|error| not_json(dump, &error))?;
    if root.json().starts_with('[') {
        for item in root.items() {
            push(&mut found, item.object(), "active", None);
        }
        return Ok(found);
    }
    if root.object().is_none_or(|object| object.get("@type").is_none()) {
        return Err(no_configs(dump));
    }
    section(&mut found, &root);
    Ok(found)
}

fn section<'a>(found: &mut Vec<Listener<'a>>, place: &Place<'a>) {
    if other_section(place.json()) {
        return;
    }
    let Some(section) = place.object() else { return };
    match section.text("@type").unwrap_or_default().rsplit('.').next() {
        Some("ListenersConfigDump") => whole(found, &section),
        Some("DynamicListener") => dynamic(found, &section),
        Some("StaticListener") => push(found, section.object("listener"), "static", None),
        _ => {}
    }
}

/// Whether the section says in its first member that it is not about listeners: clusters can be 100 MB of it.
fn other_section(json: &str) -> bool {
    let mut words = json.split('"');
    let first = words.next().is_some_and(|start| start.trim_end() == "{") && words.next() == Some("@type");
    first && words.nth(1).is_some_and(|kind| !kind.contains("Listener"))
}

fn whole<'a>(found: &mut Vec<Listener<'a>>, section: &Object<'a>) {
    for entry in section.items("static_listeners").iter().filter_map(Place::object) {
        push(found, entry.object("listener"), "static", None);
    }
    for entry in section.items("dynamic_listeners").iter().filter_map(Place::object) {
        dynamic(found, &entry);
    }
    // Until 2019 the states were lists of their own.
    for (list, state) in [
        ("dynamic_active_listeners", "active"),
        ("dynamic_warming_listeners", "warming"),
        ("dynamic_draining_listeners", "draining"),
    ] {
        for entry in section.items(list).iter().filter_map(Place::object) {
            push(found, entry.object("listener"), state, None);
        }
    }
}

fn dynamic<'a>(found: &mut Vec<Listener<'a>>, entry: &Object<'a>) {
    for (name, state) in [("active_state", "active"), ("warming_state", "warming"), ("draining_state", "draining")] {
        if let Some(holder) = entry.object(name) {
            push(found, holder.object("listener"), state, entry.text("name"));
        }
    }
}

fn push<'a>(found: &mut Vec<Listener<'a>>, body: Option<Object<'a>>, state: &'static str, name: Option<String>) {
    if let Some(body) = body {
        let name = body.text("name").or(name).unwrap_or_else(|| address(&body));
        found.push(Listener { name, state, body });
    }
}

/// What stands for the name of a listener without one.
fn address(listener: &Object<'_>) -> String {
    let socket = listener.object("address").and_then(|address| address.object("socket_address"));
    let parts = socket.map(|socket| (socket.text("address"), socket.get("port_value")));
    match parts {
        Some((Some(address), Some(port))) => format!("{address}_{}", port.json()),
        _ => "unnamed".into(),
    }
}

fn not_json(dump: &[u8], error: &serde_json::Error) -> Error {
    let bad = |message: String| Error::new(Kind::BadAnswer, message);
    if dump.iter().all(u8::is_ascii_whitespace) {
        return bad("the config dump is empty".into())
            .hint("the proxy may just be starting or ending; ask again, and look at its log");
    }
    if error.is_eof() {
        return bad(format!("the config dump was cut off after {} bytes", dump.len()))
            .cause(error)
            .hint("ask again; if it stays so, ask for a part only: config_dump?mask=dynamic_listeners");
    }
    bad(format!("this is no config dump: it is not JSON. It starts with: {}", beginning(dump)))
        .cause(error)
        .hint("check that the port is Envoy's admin port (15000)")
}

fn no_configs(dump: &[u8]) -> Error {
    let message = format!("this is no config dump: it has no list \"configs\". It starts with: {}", beginning(dump));
    Error::new(Kind::BadAnswer, message).hint("check the path: /config_dump of Envoy, or /debug/config_dump?proxyID=… of istiod")
}

/// The first words of an answer: what answered often explains itself there.
fn beginning(dump: &[u8]) -> String {
    let text = String::from_utf8_lossy(&dump[..dump.len().min(400)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect()
}
