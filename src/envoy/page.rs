//! What is common to the admin pages that are no configuration.

use super::dump::member;
use super::foreign::looks_like;
use super::wire::{Flaws, Wire, read};
use crate::error::{Error, Kind, Result};
use crate::json::{At, Found, Node, Type};

/// The record of a page that is one object, which has this member.
///
/// # Errors
/// The document is another page.
pub(super) fn one<'a, T: Wire<'a>, R>(
    root: &'a Node,
    page: &str,
    has: &str,
    make: impl FnOnce(T, &Flaws) -> R,
) -> Result<Found<R>> {
    expect(root, page, has)?;
    let flaws = Flaws::default();
    let (wire, _) = read(root.text().as_bytes(), &flaws);
    Ok(Found { record: make(wire, &flaws), at: At::of(root) })
}

/// The member that only this page has.
///
/// # Errors
/// The document is another page.
pub(super) fn expect(root: &Node, page: &str, has: &str) -> Result<Node> {
    member(root, has).ok_or_else(|| other(root, page))
}

/// That the document is not the answer of this page.
pub(super) fn other(root: &Node, page: &str) -> Error {
    let looks = match root.kind() {
        Type::String => "it is text".into(),
        _ if root.get("configs").is_some() => "it looks like a config dump".into(),
        _ => looks_like(root),
    };
    Error::new(Kind::BadInput, format!("this is not the answer of {page}: {looks}"))
        .hint(format!("give a pod, or what its admin port answers to {page}"))
}
