//! Answer a question for part of a proxy's configuration from a dump of all of it.

use serde_json::value::RawValue;
use std::collections::HashMap;

/// The admin page that holds everything, and the spellings that ask for more or less of it.
pub const DUMP: &str = "/config_dump";

/// What a dump was, or is to be, asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Whether the endpoints that came by EDS belong to it.
    eds: bool,
    /// The fields of its sections; none means all.
    mask: Option<Vec<&'a str>>,
}

impl<'a> Wanted<'a> {
    /// Read a page's path; none when it is another page, or asks for a choice that only Envoy itself can make.
    pub fn parse(path: &'a str) -> Option<Self> {
        let (page, query) = path.split_once('?').unwrap_or((path, ""));
        let mut wanted = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                // Envoy looks whether it is there, not what it says.
                ("include_eds", _) => wanted.eds = true,
                ("mask", "") => {}
                // A dot names a field within a field.
                ("mask", mask) if !mask.contains(['.', '%', '+']) => wanted.mask = Some(mask.split(',').collect()),
                _ => return None,
            }
        }
        (page == DUMP).then_some(wanted)
    }

    /// Whether a dump asked for like this holds all that this asks for.
    pub fn is_within(&self, whole: &Self) -> bool {
        whole.mask.is_none() && (whole.eds || !self.eds)
    }

    /// Cut the answer out of the whole: its status and body. None when the whole is not what it should be.
    pub fn cut(&self, whole: &[u8]) -> Option<(u16, Vec<u8>)> {
        let dump: HashMap<&str, &RawValue> = serde_json::from_slice(whole).ok()?;
        let sections: Vec<&RawValue> = serde_json::from_str(dump.get("configs")?.get()).ok()?;
        let mut kept = Vec::new();
        for section in sections {
            let fields: Vec<(String, &RawValue)> = fields(section)?;
            if let Some(section) = self.section(section, &fields) {
                kept.push(section);
            }
        }
        match &self.mask {
            Some(mask) if kept.is_empty() => {
                let text = format!("FieldMask {} could not be successfully applied to any configs.", mask.join(","));
                Some((400, text.into_bytes()))
            }
            _ => Some((200, format!("{{\"configs\":[{}]}}", kept.join(",")).into_bytes())),
        }
    }

    fn section(&self, whole: &RawValue, fields: &[(String, &RawValue)]) -> Option<String> {
        let kind = fields.iter().find(|(name, _)| name == "@type").map(|(_, kind)| kind.get());
        if !self.eds && kind.is_some_and(|kind| kind.contains(".EndpointsConfigDump")) {
            return None;
        }
        let Some(mask) = &self.mask else { return Some(whole.get().to_owned()) };
        let kept: Vec<String> = fields
            .iter()
            .filter(|(name, _)| name == "@type" || mask.contains(&name.as_str()))
            .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), value.get()))
            .collect();
        (kept.len() > 1).then(|| format!("{{{}}}", kept.join(",")))
    }
}

/// The fields of an object, in their order.
fn fields(object: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    let mut fields: Vec<(String, &RawValue)> =
        serde_json::from_str::<HashMap<String, &RawValue>>(object.get()).ok()?.into_iter().collect();
    fields.sort_by_key(|(_, value)| value.get().as_ptr());
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"configs": [
        {"@type": "t/envoy.admin.v3.ClustersConfigDump", "version_info": "1", "static_clusters": [1], "dynamic_active_clusters": [2]},
        {"@type": "t/envoy.admin.v3.EndpointsConfigDump", "static_endpoint_configs": [3]}]}"#;

    fn cut(path: &str) -> (u16, String) {
        let (status, body) = Wanted::parse(path).expect("a dump").cut(WHOLE.as_bytes()).expect("a dump");
        (status, String::from_utf8(body).expect("text"))
    }

    #[test]
    fn a_mask_keeps_its_fields_in_their_order() {
        let (status, body) = cut("/config_dump?mask=dynamic_active_clusters,static_clusters");
        let section = r#"{"@type":"t/envoy.admin.v3.ClustersConfigDump","static_clusters":[1],"dynamic_active_clusters":[2]}"#;
        assert_eq!((status, body), (200, format!(r#"{{"configs":[{section}]}}"#)));
        assert_eq!(cut("/config_dump?mask=static_endpoint_configs&include_eds").0, 200);
    }

    #[test]
    fn a_mask_that_fits_nothing_is_refused_as_envoy_does() {
        let refused = |mask: &str| format!("FieldMask {mask} could not be successfully applied to any configs.");
        assert_eq!(cut("/config_dump?mask=nosuchfield"), (400, refused("nosuchfield")));
        assert_eq!(cut("/config_dump?mask=static_endpoint_configs"), (400, refused("static_endpoint_configs")));
    }

    #[test]
    fn endpoints_are_there_when_asked_for() {
        assert!(!cut("/config_dump").1.contains("EndpointsConfigDump"));
        assert!(cut("/config_dump?include_eds=true").1.contains("EndpointsConfigDump"));
    }

    #[test]
    fn only_a_wider_dump_serves_and_other_choices_are_envoys() {
        let wanted = |path| Wanted::parse(path).expect("a dump");
        let (plain, eds, mask) = (wanted("/config_dump"), wanted("/config_dump?include_eds"), wanted("/config_dump?mask=a"));
        assert!(mask.is_within(&plain) && mask.is_within(&eds) && plain.is_within(&eds));
        assert!(!eds.is_within(&plain) && !plain.is_within(&mask) && !mask.is_within(&mask));
        for path in ["/clusters", "/config_dump?resource=a", "/config_dump?mask=a.b", "/config_dump?name_regex=x"] {
            assert_eq!(Wanted::parse(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_dump_is_left_alone() {
        for whole in ["", "LIVE", "[]", "{}", r#"{"configs": {}}"#, r#"{"configs": [1]}"#] {
            assert_eq!(wanted_mask().cut(whole.as_bytes()), None, "{whole}");
        }
    }

    fn wanted_mask() -> Wanted<'static> {
        Wanted::parse("/config_dump?mask=a").expect("a dump")
    }
}
