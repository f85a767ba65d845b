//! A way to call a function: what it takes and what it gives, in the words of the reference.

use super::explain::plain_types;
use serde_json::Value;

/// A way to call a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its parameters: name and type; `any` where it takes several.
    pub params: Vec<(String, String)>,
    /// The type of what it gives; `any` where that depends.
    pub returns: String,
}

impl Way {
    /// Read what the engine knows of a function.
    pub(super) fn read(function: &Value) -> Self {
        let params = function["params"].as_array().into_iter().flatten();
        let param = |param: &Value| {
            let name = param["name"].as_str().unwrap_or("value").trim_start_matches('_');
            (name.trim_start_matches("mut ").to_owned(), param["type"].as_str().map_or_else(|| "any".into(), plain))
        };
        let returns = function["returnType"].as_str().unwrap_or("any");
        let inner = ["Fallible<", "Result<"].iter().find_map(|start| returns.strip_prefix(start));
        let inner = inner.map_or(returns, |inner| inner.split([',', '>']).next().unwrap_or(inner));
        Self { params: params.map(param).collect(), returns: plain(inner) }
    }

    /// As it is shown: `pods(namespace: string)`.
    pub(super) fn signature(&self, name: &str) -> String {
        let param = |(name, kind): &(String, String)| if kind == "any" { name.clone() } else { format!("{name}: {kind}") };
        format!("{name}({})", self.params.iter().map(param).collect::<Vec<_>>().join(", "))
    }
}

/// A type as users know it.
fn plain(kind: &str) -> String {
    let kind = kind.trim().trim_start_matches("&mut ");
    match kind {
        "Row" => "row".into(),
        "Array" => "array".into(),
        "INT" => "int".into(),
        "FLOAT" => "float".into(),
        "Map" => "map".into(),
        "&str" | "String" => "string".into(),
        "Node" => "document".into(),
        "OpenTape" => "tape".into(),
        "FnPtr" => "closure".into(),
        "crate::host::Secret" | "Secret" => "secret".into(),
        other => plain_types(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_told_in_the_words_of_the_reference() {
        let function = json!({
            "params": [{"name": "mut rows", "type": "&mut Array"}, {"name": "_test", "type": "FnPtr"}, {"name": "more"}],
            "returnType": "Result<Array, Box<EvalAltResult>>",
        });
        let way = Way::read(&function);
        assert_eq!((way.signature("f").as_str(), way.returns.as_str()), ("f(rows: array, test: closure, more)", "array"));
        assert_eq!(Way::read(&json!({"returnType": "Fallible<Row>"})).returns, "row");
        assert_eq!(Way::read(&json!({})).returns, "any");
    }
}
