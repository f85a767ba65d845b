//! YAML.

use serde_json::Value;

/// A value as YAML, ending with a line feed.
pub fn value(value: &Value) -> String {
    // Any JSON is YAML, should the writer ever refuse a value.
    let mut text = serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_stays_and_words_that_look_like_something_else_are_quoted() {
        let yaml = value(&json!({"z": "on", "a": ["1", 1, null, true], "text": "two\nlines\n", "empty": {}}));
        insta::assert_snapshot!(yaml, @r#"
        z: "on"
        a:
        - "1"
        - 1
        - null
        - true
        text: |
          two
          lines
        empty: {}
        "#);
        let back: Value = serde_saphyr::from_str(&yaml).expect("it reads back");
        assert_eq!(back["z"], "on");
        assert_eq!(back["a"][0], "1");
        assert_eq!(back["text"], "two\nlines\n");
    }
}
