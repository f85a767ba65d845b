//! The last argument of a call, a map of options, as a typed struct.

use super::convert::to_value;
use super::failure::Fallible;
use super::session::Call;
use crate::error::{Error, Kind};
use crate::record::{Options, Schema};
use crate::suggest::nearest;
use rhai::{Dynamic, Map};
use serde_json::Value;

/// Read the options of a call. An unknown key is an error with a suggestion; `()` counts as not given.
///
/// # Errors
/// When a key is unknown or a value has the wrong type.
pub fn options<T: Options>(call: &Call, given: Map) -> Fallible<T> {
    let schema = T::schema();
    for key in given.keys() {
        if schema.index(key).is_none() {
            return Err(call.fail(unknown(schema, key)));
        }
    }
    let mut options = T::default();
    let fields: serde_json::Map<String, Value> =
        given.into_iter().filter(|(_, value)| !value.is_unit()).map(|(key, value)| (key.to_string(), to_value(&value))).collect();
    if !fields.is_empty() {
        options = read(&fields).map_err(|error| call.fail(error))?;
    }
    Ok(options)
}

fn read<T: Options>(fields: &serde_json::Map<String, Value>) -> Result<T, Error> {
    serde_json::from_value(Value::Object(fields.clone())).map_err(|error| {
        // serde does not say which key it was: find the one that fails alone.
        let fails = |(key, value): &(&String, &Value)| {
            let alone = Value::Object([((*key).clone(), (*value).clone())].into_iter().collect());
            serde_json::from_value::<T>(alone).is_err()
        };
        let culprit = fields.iter().find(fails).map(|(key, _)| format!("option {key:?}: ")).unwrap_or_default();
        // A value that no such option can take is a slip of the one who calls, as on the command line.
        Error::new(Kind::Usage, format!("{culprit}{error}")).hint(keys(T::schema()))
    })
}

fn unknown(schema: &Schema, key: &str) -> Error {
    let error = Error::new(Kind::BadInput, format!("there is no option {key:?} here"));
    match nearest(key, schema.names()) {
        Some(near) => error.hint(format!("did you mean {near:?}? {}", keys(schema))),
        None => error.hint(keys(schema)),
    }
}

fn keys(schema: &Schema) -> String {
    format!("the options are: {}", schema.names().collect::<Vec<_>>().join(", "))
}

/// A text argument that may come as a string or as secret text.
pub fn text_or_secret(value: &Dynamic) -> Option<super::secret::Secret> {
    value.clone().try_cast::<super::secret::Secret>().or_else(|| value.clone().into_string().ok().map(super::secret::Secret::new))
}
