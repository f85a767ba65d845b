//! Big JSON, held as its bytes: a config dump of 200 MB opens in the time of two scans and costs its own size in memory.
//!
//! [`Doc::parse`] reads the text once. It checks that every byte is JSON, and notes where the members of big containers
//! lie. Nothing is built: a [`Node`] is a place in the text, and it reads what it is asked for when it is asked. A
//! container under 32 KB (a cluster, a route) has no entry in the index; looking into it is a scan of its own few bytes.
//!
//! [`jsonpath`] walks the big containers through the index, and gives jsonpath-rust one small resource at a time.

mod at;
mod cores;
mod diff;
mod diff_lists;
mod diff_rules;
mod doc;
mod edit;
mod index;
mod lex;
mod list;
mod node;
mod path;
mod plan;
mod probe;
mod rebase;
mod scan;
mod search;
mod tree;
mod walk;

pub use at::{At, Found, camel};
pub use cores::on_all_cores;
pub use diff::{Delta, differences, without_own};
pub use diff_rules::Rules;
pub use doc::Doc;
pub use edit::Edit;
pub use list::{Entry, each, each_into};
pub use node::{Items, Node, Type};
pub use path::{Hit, Query, jsonpath};

#[cfg(test)]
mod diff_tests;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
