//! Documents in scripts: `dump.configs[0]["@type"]`, loops, and JSONPath, without ever making a map of the whole.

use super::convert;
use super::failure::{Fallible, raise};
use super::options::options;
use super::session::Call;
use crate::error::{Error, Kind, Result};
use crate::json::{Doc, Node, Query, Type};
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, INT, Map, Module, Position};
use std::any::TypeId;

crate::options! {
    /// Options of `jsonpath`.
    pub struct PathOptions as "jsonpath options" {
        /// Give maps of `path` and `value` in place of bare values.
        pub paths: bool,
    }
}

/// A value of a document as scripts see it: text, numbers and bools as themselves, objects and arrays as documents.
pub fn from_node(node: &Node) -> Dynamic {
    match node.kind() {
        Type::Null => Dynamic::UNIT,
        Type::Bool => node.as_bool().unwrap_or_default().into(),
        Type::Number => match node.as_i64() {
            Some(whole) => whole.into(),
            None => node.as_f64().unwrap_or(rhai::FLOAT::NAN).into(),
        },
        Type::String => node.as_str().unwrap_or_default().into_owned().into(),
        Type::Array | Type::Object => Dynamic::from(node.clone()),
    }
}

/// What can be done with a document, as a family of functions.
pub(crate) fn json_functions() -> Module {
    let mut module = rhai::exported_module!(functions);
    module.set_custom_type::<Node>("json");
    module.set_iter(TypeId::of::<Node>(), |value| Box::new(members(&value.cast::<Node>())));
    module
}

/// The members of a document one by one: elements as they are, an object's as maps of `key` and `value`.
fn members(node: &Node) -> impl Iterator<Item = Dynamic> + use<> {
    node.items().map(|(key, value)| match key {
        None => from_node(&value),
        Some(key) => {
            let member: Map = [("key".into(), key.into()), ("value".into(), from_node(&value))].into();
            member.into()
        }
    })
}

/// A short description, for messages and for documents too big to print.
pub(crate) fn describe(node: &Node) -> String {
    let (count, size) = (node.len(), size(node.size()));
    match node.kind() {
        Type::Array => format!("json array of {count} elements, {size}"),
        _ => {
            let keys: Vec<String> = node.keys().take(6).collect();
            let more = if count > keys.len() { ", …" } else { "" };
            let noun = if count == 1 { "key" } else { "keys" };
            format!("json object of {count} {noun} ({}{more}), {size}", keys.join(", "))
        }
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

fn no_key(node: &Node, key: &str) -> Error {
    if node.kind() == Type::Array {
        return Error::new(Kind::BadInput, format!("this is an array and has no key {key:?}"))
            .hint(format!("it has {} elements: take one by its number, or loop over them", node.len()));
    }
    let keys: Vec<String> = node.keys().take(1000).collect();
    let error = Error::new(Kind::BadInput, format!("there is no key {key:?} here"));
    match nearest(key, keys.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}? `{key:?} in value` tells whether it is there")),
        None if keys.is_empty() => error.hint("the object is empty"),
        None => {
            let more = if keys.len() > 12 { ", …" } else { "" };
            error.hint(format!("its keys are: {}{more}", keys.iter().take(12).cloned().collect::<Vec<_>>().join(", ")))
        }
    }
}

/// The element of a number; negative ones count from the end.
fn element(node: &Node, index: INT) -> Result<Dynamic> {
    let from_front = if index >= 0 { usize::try_from(index).ok() } else { None };
    let from_end = || usize::try_from(index.unsigned_abs()).ok().and_then(|back| node.len().checked_sub(back));
    let place = from_front.or_else(|| if index < 0 { from_end() } else { None });
    let found = place.filter(|_| node.kind() == Type::Array).and_then(|place| node.at(place));
    found.map(|node| from_node(&node)).ok_or_else(|| match node.kind() {
        Type::Array => Error::new(Kind::BadInput, format!("there is no element {index}: the array has {}", node.len())),
        _ => Error::new(Kind::BadInput, format!("this is an object and has no element {index}")).hint("its members have keys"),
    })
}

/// The document to search: a document, JSON text, or anything that a script made.
fn searchable(value: &Dynamic) -> Result<Node> {
    if let Some(node) = value.read_lock::<Node>() {
        return Ok(node.clone());
    }
    match value.clone().into_immutable_string() {
        Ok(text) => Ok(Doc::parse(text.as_bytes().to_vec().into())?.root()),
        Err(_) => Node::from_value(&convert::to_value(value)),
    }
}

fn search(call: &Call, value: &Dynamic, query: &str, wanted: &PathOptions) -> Result<Array> {
    let query = Query::parse(query)?;
    let hits = query.run(&searchable(value)?, wanted.paths, &|| call.go_on())?;
    Ok(hits
        .into_iter()
        .map(|hit| match hit.path {
            None => from_node(&hit.node),
            Some(path) => Dynamic::from(Map::from([("path".into(), path.into()), ("value".into(), from_node(&hit.node))])),
        })
        .collect())
}

/// Ask a script's closure about each member, until it says `stop`.
fn each(context: &NativeCallContext, node: &Node, test: &FnPtr, mut stop: impl FnMut(Dynamic, Dynamic) -> bool) -> Fallible<()> {
    for member in members(node) {
        let answer = test.call_within_context::<Dynamic>(context, (member.clone(),))?;
        if stop(member, answer) {
            break;
        }
    }
    Ok(())
}

fn yes(answer: &Dynamic) -> bool {
    answer.as_bool().unwrap_or(false)
}

/// What can be done with a document.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
mod functions {
    /// Read a member of a document by its key: `dump.configs` and `dump["configs"]` are the same. An unknown key is an error.
    #[rhai_fn(index_get, pure, return_raw)]
    pub fn member(value: &mut Node, key: &str) -> Fallible<Dynamic> {
        value.get(key).map(|node| from_node(&node)).ok_or_else(|| raise(no_key(value, key), Position::NONE))
    }

    /// Read an element of a document's array; -1 is the last.
    #[rhai_fn(index_get, pure, return_raw)]
    pub fn element_at(value: &mut Node, index: INT) -> Fallible<Dynamic> {
        element(value, index).map_err(|error| raise(error, Position::NONE))
    }

    /// How many members a document has.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].len()    // 2
    /// ```
    #[rhai_fn(pure)]
    pub fn len(value: &mut Node) -> INT {
        INT::try_from(value.len()).unwrap_or(INT::MAX)
    }

    /// Whether a document has no members.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [] }, "$.a")[0].is_empty()    // true
    /// ```
    #[rhai_fn(pure)]
    pub fn is_empty(value: &mut Node) -> bool {
        value.is_empty()
    }

    /// The keys of a document's object.
    ///
    /// ```rhai
    /// jsonpath(#{ a: #{ b: 1 } }, "$.a")[0].keys()    // ["b"]
    /// ```
    #[rhai_fn(pure)]
    pub fn keys(value: &mut Node) -> Array {
        value.keys().map(Dynamic::from).collect()
    }

    /// The values of a document's members.
    ///
    /// ```rhai
    /// jsonpath(#{ a: #{ b: 1 } }, "$.a")[0].values()    // [1]
    /// ```
    #[rhai_fn(pure)]
    pub fn values(value: &mut Node) -> Array {
        value.iter().map(|node| from_node(&node)).collect()
    }

    /// Whether an object has this key: `"ads" in source`. Of an array: whether it holds this text.
    ///
    /// ```rhai
    /// "b" in jsonpath(#{ a: #{ b: 1 } }, "$.a")[0]    // true
    /// ```
    #[rhai_fn(pure)]
    pub fn contains(value: &mut Node, key: &str) -> bool {
        match value.kind() {
            Type::Object => value.get(key).is_some(),
            _ => value.iter().any(|item| item.as_str().is_some_and(|text| text == key)),
        }
    }

    /// A document as a map, which can be changed. A document over 16 MB is refused: go down to the part that is needed.
    ///
    /// ```rhai
    /// jsonpath(#{ a: #{ b: 1 } }, "$.a")[0].to_map().b    // 1
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn to_map(context: NativeCallContext, value: &mut Node) -> Fallible<Dynamic> {
        value.to_value().map(convert::from_value).map_err(|error| raise(error, context.call_position()))
    }

    /// The elements of a document as an array, to be sorted, sliced and joined. Objects and arrays in it stay documents.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [2, 1] }, "$.a")[0].to_array()    // [2,1]
    /// ```
    #[rhai_fn(pure)]
    pub fn to_array(value: &mut Node) -> Array {
        members(value).collect()
    }

    /// The first member that a closure says `true` of, or `()`. Of an object, members are maps of `key` and `value`.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].find(|n| n > 1)    // 2
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn find(context: NativeCallContext, value: &mut Node, test: FnPtr) -> Fallible<Dynamic> {
        let mut found = Dynamic::UNIT;
        each(&context, value, &test, |member, answer| {
            let hit = yes(&answer);
            if hit {
                found = member;
            }
            hit
        })?;
        Ok(found)
    }

    /// The members that a closure says `true` of. Of an object, members are maps of `key` and `value`.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].filter(|n| n > 1)    // [2]
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn filter(context: NativeCallContext, value: &mut Node, test: FnPtr) -> Fallible<Array> {
        let mut found = Array::new();
        each(&context, value, &test, |member, answer| {
            if yes(&answer) {
                found.push(member);
            }
            false
        })?;
        Ok(found)
    }

    /// What a closure makes of each member. Of an object, members are maps of `key` and `value`.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].map(|n| n * 2)    // [2,4]
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn map(context: NativeCallContext, value: &mut Node, make: FnPtr) -> Fallible<Array> {
        let mut made = Array::new();
        each(&context, value, &make, |_, answer| {
            made.push(answer);
            false
        })?;
        Ok(made)
    }

    /// Whether a closure says `true` of some member.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].some(|n| n > 1)    // true
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn some(context: NativeCallContext, value: &mut Node, test: FnPtr) -> Fallible<bool> {
        let mut found = false;
        each(&context, value, &test, |_, answer| {
            found = yes(&answer);
            found
        })?;
        Ok(found)
    }

    /// Whether a closure says `true` of every member.
    ///
    /// ```rhai
    /// jsonpath(#{ a: [1, 2] }, "$.a")[0].all(|n| n > 1)    // false
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn all(context: NativeCallContext, value: &mut Node, test: FnPtr) -> Fallible<bool> {
        let mut every = true;
        each(&context, value, &test, |_, answer| {
            every = yes(&answer);
            !every
        })?;
        Ok(every)
    }

    /// All that a JSONPath query (RFC 9535) selects, in a document, a map, an array, or JSON text.
    ///
    /// Keys with other signs than letters, digits and `_` go in brackets: `$.configs[*]['@type']`. The last argument may be
    /// `jsonpath options`: `#{ paths: true }` gives maps of `path` and `value`.
    ///
    /// ```rhai
    /// jsonpath(#{ hosts: [#{ name: "a", up: true }, #{ name: "b", up: false }] }, "$..hosts[?@.up == false].name")    // ["b"]
    /// ```
    ///
    /// ```rhai
    /// jsonpath(#{ a: [7, 8] }, "$.a[-1]", #{ paths: true })[0].path    // "$['a'][1]"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn jsonpath(context: NativeCallContext, value: Dynamic, query: &str) -> Fallible<Array> {
        let call = Call::of(&context)?;
        call.check(search(&call, &value, query, &PathOptions::default()))
    }

    /// The same with options.
    #[rhai_fn(name = "jsonpath", return_raw)]
    pub fn jsonpath_with(context: NativeCallContext, value: Dynamic, query: &str, options: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        let wanted = super::options(&call, options)?;
        call.check(search(&call, &value, query, &wanted))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(value: &mut Node) -> String {
        if value.size() > convert::SHOWN { describe(value) } else { value.text().to_owned() }
    }

    #[rhai_fn(name = "==")]
    pub fn equal(a: Node, b: Node) -> bool {
        same(&a, &b)
    }

    #[rhai_fn(name = "!=")]
    pub fn differ(a: Node, b: Node) -> bool {
        !same(&a, &b)
    }
}

/// Equal text is equal; else equal values, whatever the order of keys.
fn same(a: &Node, b: &Node) -> bool {
    a.text() == b.text() || matches!((a.to_value(), b.to_value()), (Ok(a), Ok(b)) if a == b)
}
