//! The file that keeps what was typed: shared by sessions that run at once, whole whatever ends one of them.
//!
//! One input a line, with `\n` for the ends of its own lines. Each is appended under a lock; what makes the file shorter writes
//! another one under the same lock and puts it in its place. So no session loses another one's lines, and one that is killed
//! leaves at worst the half of its last line, which the next one cuts off.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the first line says: how the others are written. The line editor's own files are the same.
const HEADER: &str = "#V2";
/// The most bytes that the file keeps.
const MOST_BYTES: usize = 4 << 20;
/// The most bytes of an input that is kept: what is pasted at greater length is no line to look for again.
const LONGEST: usize = 64 << 10;
/// How often the lock is tried for, so many milliseconds apart: a session that is stopped must not stop another one.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A history file.
#[derive(Debug, Clone)]
pub struct HistoryFile {
    path: PathBuf,
    /// The most inputs that it keeps.
    most: usize,
}

impl HistoryFile {
    /// The file at this path, which need not exist.
    pub fn new(path: &Path, most: usize) -> Self {
        // A link stays one.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self { path, most }
    }

    /// What it holds, oldest first. What cannot be read is left out.
    pub fn load(&self) -> Vec<String> {
        let text = std::fs::read(&self.path).unwrap_or_default();
        if count(&text) > self.most.saturating_add(self.most / 4) || text.len() > MOST_BYTES {
            // A file that cannot be written is read all the same.
            let _ = self.shorten();
        }
        let lines: Vec<&[u8]> = lines(&text).collect();
        let newest = &lines[lines.len().saturating_sub(self.most)..];
        newest.iter().filter_map(|line| std::str::from_utf8(line).ok()).map(unescape).collect()
    }

    /// Add an input.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&self, input: &str) -> std::io::Result<()> {
        if input.len() > LONGEST || self.most == 0 {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let (mut file, locked) = self.open()?;
        let end = file.seek(SeekFrom::End(0))?;
        let mut line = if end == 0 { format!("{HEADER}\n") } else { String::new() };
        if locked {
            cut_back(&mut file, end)?;
        }
        line.push_str(&escape(input));
        line.push('\n');
        // In one piece, so that even without locks no other line is in the middle of it.
        file.write_all(line.as_bytes())
    }

    /// Keep the newest inputs only.
    fn shorten(&self) -> std::io::Result<()> {
        let (mut file, locked) = self.open()?;
        if !locked || !file.metadata()?.is_file() {
            return Ok(());
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut text)?;
        let fresh = self.path.with_extension("new");
        let mut short = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        short.write_all(&newest(&text, self.most))?;
        short.sync_data()?;
        // The lock ends after this: who waits for it finds that its file is not the one at the path.
        std::fs::rename(&fresh, &self.path)
    }

    /// The file at the path, and whether nobody else writes it now.
    fn open(&self) -> std::io::Result<(File, bool)> {
        let mut tries = 0;
        loop {
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
            let own = file.metadata()?;
            if own.is_file() && own.permissions().mode() & 0o077 != 0 {
                file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            }
            let locked = match file.try_lock() {
                Ok(()) => true,
                // Some network file systems have no locks.
                Err(TryLockError::Error(_)) => return Ok((file, false)),
                Err(TryLockError::WouldBlock) if tries == TRIES => return Ok((file, false)),
                Err(TryLockError::WouldBlock) => false,
            };
            let same = std::fs::metadata(&self.path).is_ok_and(|at| (at.dev(), at.ino()) == (own.dev(), own.ino()));
            if locked && (same || tries == TRIES) {
                return Ok((file, same));
            }
            tries += 1;
            if !locked {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// The half of a line that somebody who was killed left behind goes.
fn cut_back(file: &mut File, end: u64) -> std::io::Result<()> {
    let mut tail = Vec::new();
    let begin = end.saturating_sub(2 * LONGEST as u64 + 1);
    file.seek(SeekFrom::Start(begin))?;
    file.read_to_end(&mut tail)?;
    if !tail.is_empty() && tail.last() != Some(&b'\n') {
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(begin + whole as u64)?;
    }
    Ok(())
}

/// The whole lines of a file, without its header.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = memchr::memrchr(b'\n', text).map_or(&text[..0], |end| &text[..end]);
    let skipped = usize::from(whole.split(|byte| *byte == b'\n').next() == Some(HEADER.as_bytes()));
    whole.split(|byte| *byte == b'\n').skip(skipped).filter(|line| !line.is_empty())
}

fn count(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// The file with the newest lines only.
fn newest(text: &[u8], most: usize) -> Vec<u8> {
    let all: Vec<&[u8]> = lines(text).collect();
    let mut room = MOST_BYTES / 2;
    let fits = |line: &&&[u8]| {
        let left = room.checked_sub(line.len() + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let kept = all.iter().rev().take(most).take_while(fits).count();
    let mut short = format!("{HEADER}\n").into_bytes();
    for line in &all[all.len() - kept..] {
        short.extend_from_slice(line);
        short.push(b'\n');
    }
    short
}

fn escape(input: &str) -> String {
    input.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(line: &str) -> String {
    if !line.contains('\\') {
        return line.to_owned();
    }
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('\\') | None => text.push('\\'),
                Some(other) => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A path in a folder of its own, which goes with it.
    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("pilotage-history-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn file(&self, most: usize) -> HistoryFile {
            HistoryFile::new(&self.0.join("deep/history"), most)
        }

        fn path(&self) -> PathBuf {
            self.0.join("deep/history")
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn many_sessions_at_once_lose_no_line_and_keep_the_bound() {
        let home = Home::new("many");
        let (most, each) = (200, 150);
        std::thread::scope(|scope| {
            for session in 0..8 {
                let home = &home;
                scope.spawn(move || {
                    for number in 0..each {
                        home.file(most).append(&format!("{session}\n{number}")).unwrap();
                        if number % 40 == session {
                            home.file(most).load();
                        }
                    }
                });
            }
        });
        let text = std::fs::read(home.path()).unwrap();
        assert!(text.starts_with(b"#V2\n") && text.ends_with(b"\n"));
        let kept = home.file(usize::MAX / 2).load();
        // Each session's own lines stand in their order, without a gap up to the last one.
        for session in 0..8 {
            let own = kept.iter().filter_map(|line| line.strip_prefix(&format!("{session}\n"))?.parse::<usize>().ok());
            let own: Vec<usize> = own.collect();
            let expected: Vec<usize> = (each - own.len()..each).collect();
            assert_eq!(own, expected, "session {session}");
        }
        assert_eq!(home.file(most).load().len(), most);
        home.file(most).append("last").unwrap();
        assert!(count(&std::fs::read(home.path()).unwrap()) <= most + most / 4 + 2, "it was made shorter");
        assert_eq!(home.file(most).load().last().map(String::as_str), Some("last"));
    }

    #[test]
    fn no_number_of_inputs_is_too_many() {
        let home = Home::new("most");
        home.file(usize::MAX).append("a").unwrap();
        assert_eq!(home.file(usize::MAX).load(), ["a"]);
    }

    #[test]
    fn only_its_owner_can_read_it() {
        let home = Home::new("private");
        home.file(9).append("a").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&home.path()), mode(home.path().parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        home.file(9).append("b").unwrap();
        assert_eq!(mode(&home.path()), 0o600);
    }

    #[test]
    fn half_a_line_and_what_is_no_text_do_no_harm() {
        let home = Home::new("damaged");
        home.file(9).append("whole").unwrap();
        let mut file = OpenOptions::new().append(true).open(home.path()).unwrap();
        file.write_all(b"\xff\xfe\nhalf a li").unwrap();
        assert_eq!(home.file(9).load(), ["whole"]);
        home.file(9).append("next").unwrap();
        assert_eq!(home.file(9).load(), ["whole", "next"]);
        assert!(std::fs::read(home.path()).unwrap().ends_with(b"\xff\xfe\nnext\n"));
        std::fs::write(home.path(), "half").unwrap();
        home.file(9).append("a").unwrap();
        assert_eq!(home.file(9).load(), ["a"]);
    }

    #[test]
    fn a_session_that_holds_the_lock_and_sleeps_stops_nobody() {
        let home = Home::new("asleep");
        home.file(1).append("a").unwrap();
        let sleeper = File::open(home.path()).unwrap();
        sleeper.lock().unwrap();
        for line in ["b", "c", "d"] {
            home.file(9).append(line).unwrap();
        }
        assert_eq!(home.file(1).load(), ["d"]);
        assert_eq!(home.file(9).load(), ["a", "b", "c", "d"], "nothing was cut off under the sleeper");
    }

    #[test]
    fn a_link_stays_one_and_what_is_no_file_is_left_alone() {
        let home = Home::new("link");
        home.file(2).append("a").unwrap();
        let link = home.0.join("link");
        std::os::unix::fs::symlink(home.path(), &link).unwrap();
        for _ in 0..9 {
            HistoryFile::new(&link, 2).append("b").unwrap();
        }
        HistoryFile::new(&link, 2).load();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(home.file(9).load(), ["b", "b"]);
        let nowhere = HistoryFile::new(Path::new("/dev/null"), 2);
        nowhere.append("a").unwrap();
        assert!(nowhere.load().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_input_comes_back(input in any::<String>()) {
            let line = escape(&input);
            prop_assert!(!line.contains(['\n', '\r']));
            prop_assert_eq!(unescape(&line), input);
        }
    }
}
