//! From a recording's folder to the files beside its tape.

use super::{Document, PROXY_STATUS, Run, json_file, rows_file, text};
use pilotage::error::{Error, Kind, Result};
use serde_json::Value;
use std::path::Path;

const LEVEL: i32 = 19;

/// Keep what istioctl printed of the proxies of this recording; gives the files' sizes in bytes.
///
/// # Errors
/// When the recording cannot be read or holds a table that is not understood, or the files cannot be written.
pub fn keep(recording: &Path, tape: &str) -> Result<[usize; 2]> {
    let (mut rows, mut json) = (String::new(), String::new());
    for entry in index(recording)? {
        let command = entry["path"].as_str().unwrap_or_default();
        let Some(asked) = Asked::parse(command) else { continue };
        let failed = |error: String| Error::new(Kind::BadInput, format!("{command}: {error}"));
        let printed = printed(recording, &entry)?;
        if asked.json {
            let document = asked.document(&printed).map_err(failed)?;
            json += &line(&document);
        } else {
            let error = (entry["status"] != 0).then(|| entry["stderr"].as_str().unwrap_or_default().to_owned());
            for mut run in asked.runs(command, &printed, error).map_err(failed)? {
                // The ages in it are those of that moment.
                run.at = entry["recorded_at"].as_str().filter(|_| run.kind == PROXY_STATUS).map(str::to_owned);
                rows += &line(&run);
            }
        }
    }
    let sizes = [rows.len(), write_json(tape, &json)?];
    write(&rows_file(tape), rows.as_bytes())?;
    Ok(sizes)
}

fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data") + "\n"
}

/// What istioctl was asked, in the order it was.
fn index(recording: &Path) -> Result<Vec<Value>> {
    let file = recording.join("index.jsonl");
    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
    let lines = text.lines().map(|line| {
        serde_json::from_str::<Value>(line).map_err(|error| Error::new(Kind::BadInput, format!("{}: {error}", file.display())))
    });
    Ok(lines.collect::<Result<Vec<Value>>>()?.into_iter().filter(|entry| entry["to"] == "istioctl").collect())
}

fn printed(recording: &Path, entry: &Value) -> Result<String> {
    let Some(name) = entry["file"].as_str() else { return Ok(String::new()) };
    let file = recording.join(name);
    std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, format!("cannot read the recording's {}", file.display())).caused_by(error)
}

fn write_json(tape: &str, json: &str) -> Result<usize> {
    let file = json_file(tape);
    if json.is_empty() {
        return Ok(0);
    }
    let packed = zstd::encode_all(json.as_bytes(), LEVEL).map_err(|error| unreadable(&file, &error))?;
    write(&file, &packed)?;
    Ok(packed.len())
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(file, bytes)
        .map_err(|error| Error::new(Kind::File, format!("cannot write {}", file.display())).caused_by(&error))
}

/// A command line of `proxy-config`, or of `proxy-status` about all proxies, taken apart.
#[derive(Debug, PartialEq)]
struct Asked {
    kind: String,
    pod: String,
    json: bool,
    filters: Vec<(String, String)>,
}

impl Asked {
    fn parse(command: &str) -> Option<Self> {
        let of_all = |json| Self { kind: PROXY_STATUS.into(), pod: String::new(), json, filters: Vec::new() };
        // The default form tells no states.
        match command {
            "istioctl proxy-status -v 1" => return Some(of_all(false)),
            "istioctl proxy-status -o json" => return Some(of_all(true)),
            _ => {}
        }
        let mut words = command.strip_prefix("istioctl proxy-config ")?.split(' ');
        let mut asked = Self { kind: words.next()?.into(), pod: String::new(), json: false, filters: Vec::new() };
        while let Some(word) = words.next() {
            match word.strip_prefix('-').map(|flag| flag.trim_start_matches('-')) {
                Some("o") => asked.json = words.next()? == "json",
                Some(flag) => asked.filters.push((flag.into(), words.next()?.into())),
                None => asked.pod = word.into(),
            }
        }
        Some(asked)
    }

    fn document(&self, printed: &str) -> std::result::Result<Document, String> {
        // Parsed and written again: on one line.
        let json: Value = serde_json::from_str(printed).map_err(|error| error.to_string())?;
        let json = serde_json::value::to_raw_value(&json).map_err(|error| error.to_string())?;
        Ok(Document { pod: self.pod.clone(), kind: self.kind.clone(), json })
    }

    fn runs(&self, command: &str, printed: &str, error: Option<String>) -> std::result::Result<Vec<Run>, String> {
        let run = |kind: String, table: text::Table| Run {
            pod: self.pod.clone(),
            kind,
            command: command.to_owned(),
            at: None,
            filters: self.filters.clone(),
            error: error.clone(),
            columns: table.columns,
            rows: table.rows,
        };
        if error.is_some() {
            return Ok(vec![run(self.kind.clone(), text::Table { columns: Vec::new(), rows: Vec::new() })]);
        }
        if self.kind == "all" {
            return Ok(text::tables(printed)?.into_iter().map(|(kind, table)| run(format!("all/{kind}"), table)).collect());
        }
        let (kind, table) = text::table(printed)?;
        if kind != self.kind {
            return Err(format!("the table is one of {kind}"));
        }
        Ok(vec![run(kind.into(), table)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_taken_apart() {
        let asked = Asked::parse("istioctl proxy-config listeners a.b --port 15006 -o json").expect("proxy-config");
        let filters = vec![("port".to_owned(), "15006".to_owned())];
        assert_eq!(asked, Asked { kind: "listeners".into(), pod: "a.b".into(), json: true, filters });
        assert_eq!(Asked::parse("istioctl proxy-status a.b"), None);
        assert_eq!(
            Asked::parse("istioctl proxy-status -o json").map(|asked| (asked.kind, asked.json)),
            Some(("proxy-status".into(), true))
        );
    }
}
