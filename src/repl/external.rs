//! The user's own editor, for a text that is too long for a line.

use crate::error::{Error, Kind, Result};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io::{Write, stdin};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

/// What edits where the user chose nothing, as for git and crontab.
const STANDARD: &str = "vi";
/// What a shell says for a command that it does not find.
const NOT_FOUND: i32 = 127;

/// Let the user edit a text in `VISUAL`, else `EDITOR`, else vi; gives it as it was saved, without line ends at its end.
///
/// # Errors
/// When no editor starts, or it says that it failed. What it saved by then stays in its file, which the error names.
pub fn edit_text(text: &str) -> Result<String> {
    let chosen = |name: &str| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let editor = chosen("VISUAL").or_else(|| chosen("EDITOR")).unwrap_or_else(|| STANDARD.into());
    edit_with(&editor, text)
}

fn edit_with(editor: &str, text: &str) -> Result<String> {
    let unwritable = |error: std::io::Error| Error::new(Kind::File, "the text cannot be given to an editor").caused_by(&error);
    let draft = Draft::new(text).map_err(unwritable)?;
    let status = run(editor, &draft.path)
        .map_err(|error| Error::new(Kind::File, format!("the editor {editor} cannot be started")).caused_by(&error))?;
    if status.success() {
        return draft.take();
    }
    let error = match status.code() {
        Some(NOT_FOUND) => return Err(no_editor(editor)),
        Some(code) => Error::new(Kind::File, format!("the editor {editor} failed with exit code {code}")),
        None => Error::new(Kind::File, format!("the editor {editor} was ended: {status}")),
    };
    Err(draft.keep_changed(text, error))
}

fn no_editor(editor: &str) -> Error {
    Error::new(Kind::File, format!("there is no editor {editor}")).hint("set VISUAL or EDITOR to one that is installed")
}

/// Run the editor in front; whatever it does to the terminal is put back.
fn run(editor: &str, file: &Path) -> std::io::Result<ExitStatus> {
    let modes = tcgetattr(stdin()).ok();
    // By the shell, as git does: `code --wait`, quoted paths and variables mean what they mean there.
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$@\"")).arg(editor).arg(file).status();
    if let Some(modes) = modes {
        // A terminal that is gone needs it no more.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
    }
    status
}

/// The text in a file that only its owner can read; it goes with this.
struct Draft {
    path: PathBuf,
    keep: bool,
}

impl Draft {
    fn new(text: &str) -> std::io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("pilotage-{}-{}.rhai", std::process::id(), now.as_nanos());
        let path = std::env::temp_dir().join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self { path, keep: false };
        file.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(draft)
    }

    fn take(mut self) -> Result<String> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).replace("\r\n", "\n")),
            Err(error) => {
                self.keep = self.path.exists();
                Err(self.named(Error::new(Kind::File, "what the editor saved cannot be read").caused_by(&error)))
            }
        }
    }

    /// What was saved before the editor failed is not thrown away.
    fn keep_changed(mut self, text: &str, error: Error) -> Error {
        let saved = std::fs::read_to_string(&self.path).unwrap_or_default();
        self.keep = saved.trim_end() != text.trim_end() && !saved.trim().is_empty();
        self.named(error)
    }

    fn named(&self, error: Error) -> Error {
        if self.keep { error.hint(format!("what it saved is in {}", self.path.display())) } else { error }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.keep {
            // The editor may have moved it away.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_gets_the_text_in_a_private_file_and_gives_it_back() {
        let edited = edit_with("sh -c 'ls -l \"$0\" | cut -c1-10 >>\"$0\"; echo >>\"$0\"'", "pods()\nä").unwrap();
        assert_eq!(edited, "pods()\nä\n-rw-------");
        assert_eq!(edit_with("true", "pods()").unwrap(), "pods()");
        assert_eq!(edit_with("true", "").unwrap(), "");
    }

    #[test]
    fn nothing_stays_behind() {
        let path = edit_with("sh -c 'echo \"$0\" >\"$0\"'", "x").unwrap();
        assert!(path.ends_with(".rhai") && !Path::new(&path).exists(), "{path}");
    }

    #[test]
    fn an_editor_that_fails_is_told_and_loses_nothing() {
        let error = edit_with("false", "x").expect_err("it failed");
        assert!(error.message().ends_with("exit code 1") && error.next_step().is_none(), "{error:?}");
        let error = edit_with("nosuch-editor --wait", "x").expect_err("it does not exist");
        assert!(error.message() == "there is no editor nosuch-editor --wait" && error.next_step().is_some(), "{error:?}");
        let error = edit_with("sh -c 'echo more >>\"$0\"; kill -9 $$'", "x").expect_err("it was killed");
        let hint = error.next_step().expect("it names the file");
        let path = Path::new(hint.rsplit(' ').next().unwrap_or_default());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "x\nmore\n");
        std::fs::remove_file(path).unwrap();
        let error = edit_with("sh -c 'printf \"\\377\" >\"$0\"'", "x").expect_err("no text");
        let path = error.next_step().and_then(|hint| hint.rsplit(' ').next()).expect("it names the file");
        std::fs::remove_file(path).unwrap();
    }
}
