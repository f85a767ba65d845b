//! The functions that scripts call, one file a family. Thin: arguments in, one domain call, rows out.

mod kube;
mod report;
mod values;

use crate::host;
use crate::mesh::pods::{Pod, PodOptions};
use crate::record::{Options, Record, Schema};
use rhai::{Module, exported_module};

/// All families of native functions, in the order of the reference.
pub fn families() -> Vec<(&'static str, Module)> {
    vec![
        ("kube", exported_module!(kube::functions)),
        ("values", exported_module!(values::functions)),
        ("rows", host::row_functions()),
        ("report", exported_module!(report::functions)),
    ]
}

/// The shapes of rows and options that the descriptions of functions name.
pub fn schemas() -> Vec<&'static Schema> {
    vec![Pod::schema(), PodOptions::schema(), report::FindingOptions::schema()]
}
