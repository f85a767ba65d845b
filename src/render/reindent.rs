//! JSON text with line breaks, made of JSON text: a document of any size, without building anything of it.

use std::io::{self, Write};

/// Write a valid JSON text with line breaks as [`super::json::write`] would, ending with one. Numbers and strings stay as they
/// were written.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let begun = at;
        at += 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'"' => {
                at = string_end(bytes, at);
                out.write_all(&bytes[begun..at])?;
            }
            b'{' | b'[' => {
                let next = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                if let Some(close @ (b'}' | b']')) = bytes.get(next) {
                    at = next + 1;
                    out.write_all(&[byte, *close])?;
                } else {
                    depth += 1;
                    out.write_all(&[byte])?;
                    line(out, depth)?;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(out, depth)?;
                out.write_all(&[byte])?;
            }
            b',' => {
                out.write_all(b",")?;
                line(out, depth)?;
            }
            b':' => out.write_all(b": ")?,
            _ => {
                let scalar = |byte: &&u8| !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace();
                at += bytes[at..].iter().take_while(scalar).count();
                out.write_all(&bytes[begun..at])?;
            }
        }
    }
    out.write_all(b"\n")
}

/// Where the string ends whose first byte stands here.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(step) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += step + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at = (at + 1).min(bytes.len());
    }
    bytes.len()
}

fn line(out: &mut dyn Write, depth: usize) -> io::Result<()> {
    const SPACES: &[u8] = b"                                                                ";
    out.write_all(b"\n")?;
    let mut left = depth * 2;
    while left > 0 {
        let some = left.min(SPACES.len());
        out.write_all(&SPACES[..some])?;
        left -= some;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn again(text: &str) -> String {
        super::super::in_memory(|out| write(out, text))
    }

    fn same(value: &Value) {
        let pretty = super::super::json::pretty(value);
        assert_eq!(again(&value.to_string()), pretty);
        assert_eq!(again(&pretty), pretty);
    }

    #[test]
    fn it_is_what_is_made_of_values() {
        same(&json!({"a": [], "b": {}, "c": [1, {"d": "x\"\\ {}[],:\n"}, [[]]], "e": null, "f": -1.5e10, "": ["é", true]}));
        same(&json!("text"));
        same(&json!(3));
        assert_eq!(again(" { \"n\" : 1.00 ,\t\"e\":[ ] } "), "{\n  \"n\": 1.00,\n  \"e\": []\n}\n");
    }

    proptest! {
        #[test]
        fn texts_stay_whole(texts in prop::collection::vec(any::<String>(), 0..4)) {
            same(&json!({"t": texts}));
        }
    }
}
