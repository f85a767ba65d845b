//! Which of our functions gives what istioctl's tables hold, and how our cells read in them.

use serde_json::Value;

/// One kind of istioctl's tables.
pub struct Kind {
    /// As in the kept rows.
    pub kind: &'static str,
    /// Our function.
    pub function: &'static str,
    /// The option of ours that asks the same page.
    pub option: &'static str,
    /// istioctl's titles, and our columns for them.
    pub columns: &'static [(&'static str, &'static str)],
    /// Our value as istioctl prints it, in the column of this title.
    pub printed: fn(&str, &Value) -> String,
}

/// All kinds. Where a title names our column otherwise, the column's name is a word that scripts cannot use.
pub const KINDS: &[Kind] = &[
    Kind { kind: "clusters", function: "clusters", columns: CLUSTERS, printed: clusters, ..ANY },
    Kind { kind: "all/clusters", function: "clusters", columns: CLUSTERS, printed: clusters, ..ANY },
    Kind { kind: "listeners", function: "listeners", columns: LISTENERS, ..ANY },
    Kind { kind: "all/listeners", function: "listeners", columns: LISTENERS, ..ANY },
    Kind { kind: "routes", function: "routes", columns: ROUTES, ..ANY },
    Kind { kind: "all/routes", function: "routes", columns: ROUTES, ..ANY },
    Kind { kind: "endpoints", function: "endpoints", columns: ENDPOINTS, ..ANY },
    Kind { kind: "all/eds", function: "endpoints", option: "eds: true", columns: EDS, ..ANY },
    Kind { kind: "secret", function: "secrets", columns: SECRETS, ..ANY },
    Kind { kind: "all/secret", function: "secrets", columns: SECRETS, ..ANY },
    Kind { kind: "bootstrap", function: "bootstrap", columns: BOOTSTRAP, ..ANY },
    Kind { kind: "all/bootstrap", function: "bootstrap", columns: BOOTSTRAP, ..ANY },
    Kind { kind: "log", function: "log_levels", columns: LOG, ..ANY },
    Kind { kind: "ecds", function: "ecds", columns: ECDS, ..ANY },
];

const ANY: Kind = Kind { kind: "", function: "", option: "", columns: &[], printed: plain };

type Columns = &'static [(&'static str, &'static str)];

const CLUSTERS: Columns = &[
    ("name", "name"),
    ("service_fqdn", "service_fqdn"),
    ("port", "port"),
    ("subset", "subset"),
    ("direction", "direction"),
    ("type", "type"),
    ("destination_rule", "destination_rule"),
];
const LISTENERS: Columns =
    &[("name", "name"), ("addresses", "addresses"), ("port", "port"), ("match", "matches"), ("destination", "destination")];
const ROUTES: Columns = &[
    ("name", "name"),
    ("vhost_name", "vhost_name"),
    ("domains", "domains"),
    ("match", "matches"),
    ("virtual_service", "virtual_service"),
];
const ENDPOINTS: Columns =
    &[("endpoint", "endpoint"), ("status", "eds_status"), ("outlier_check", "outlier_check"), ("cluster", "cluster")];
/// In a dump Envoy's own verdict stands, and istioctl prints that.
const EDS: Columns = &[("name", "endpoint"), ("status", "status"), ("locality", "locality"), ("cluster", "cluster")];
const SECRETS: Columns = &[
    ("resource_name", "resource_name"),
    ("type", "type"),
    ("status", "status"),
    ("valid_cert", "valid_cert"),
    ("serial_number", "serial_number"),
    ("not_after", "not_after"),
    ("not_before", "not_before"),
];
const BOOTSTRAP: Columns = &[("istio_version", "istio_version"), ("envoy_version", "envoy_version")];
const LOG: Columns = &[("logger", "logger"), ("level", "level")];
const ECDS: Columns = &[("ecds_name", "ecds_name"), ("type", "type")];

/// The kind of this name.
pub fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.kind == name).unwrap_or_else(|| panic!("there is no kind {name}"))
}

/// Text as it is, nothing for what is absent.
fn plain(_: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Clusters not named by Istio's rule have `-` for the parts of the name.
fn clusters(title: &str, value: &Value) -> String {
    match (title, plain(title, value)) {
        ("port" | "subset" | "direction", empty) if empty.is_empty() => "-".into(),
        (_, text) => text,
    }
}
