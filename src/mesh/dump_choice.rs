//! Which part of a proxy's configuration is asked for: Envoy leaves out the rest at the source.

use super::kube::encode;

/// A choice; the default is all but the endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Only these fields, separated by commas: `dynamic_listeners,static_listeners`.
    pub mask: Option<String>,
    /// Endpoints too.
    pub include_eds: bool,
    /// Only the resources of this list: `dynamic_active_clusters`.
    pub resource: Option<String>,
    /// Only resources whose name this regular expression (RE2) fits.
    pub name_regex: Option<String>,
}

impl Choice {
    /// The page that answers it.
    pub fn path(&self) -> String {
        let mut parts: Vec<String> = self.include_eds.then(|| "include_eds".to_owned()).into_iter().collect();
        parts.extend(given(&self.mask).map(|mask| format!("mask={}", each(mask))));
        parts.extend(given(&self.resource).map(|list| format!("resource={}", encode(list))));
        parts.extend(given(&self.name_regex).map(|regex| format!("name_regex={}", encode(regex))));
        match parts.is_empty() {
            true => "/config_dump".into(),
            false => format!("/config_dump?{}", parts.join("&")),
        }
    }

    /// Whether it is all that the proxy gives anyway.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The comma parts fields, and dots those within: neither is escaped.
fn each(mask: &str) -> String {
    let fields = mask.split(',').map(str::trim).filter(|field| !field.is_empty());
    fields.map(|field| field.split('.').map(encode).collect::<Vec<_>>().join(".")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_page() {
        let some = |text: &str| Some(text.to_owned());
        let choice = |mask: &str| Choice { mask: some(mask), ..Choice::default() };
        assert_eq!((Choice::default().path().as_str(), choice(" ").path().as_str()), ("/config_dump", "/config_dump"));
        assert_eq!(choice(" dynamic_listeners, a.b&x=y ").path(), "/config_dump?mask=dynamic_listeners,a.b%26x%3Dy");
        let eds =
            Choice { include_eds: true, resource: some("dynamic_active_clusters"), name_regex: some("out.*|80"), mask: None };
        assert_eq!(eds.path(), "/config_dump?include_eds&resource=dynamic_active_clusters&name_regex=out.%2A%7C80");
        assert!(!eds.is_whole() && Choice::default().is_whole());
    }
}
