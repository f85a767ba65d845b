//! A big file read by all cores: most of the time goes into making its memory ready, and that can be shared.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// From this size on it is worth a thread.
const PARALLEL: usize = if cfg!(test) { 10 } else { 1 << 22 };

/// Read the whole of a file of this many bytes; nothing when it is small, or changes meanwhile: then it is read from its
/// beginning to its end as any other.
pub fn whole(path: &Path, size: usize) -> Option<Vec<u8>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if size < PARALLEL || cores < 2 || Vec::<u8>::new().try_reserve_exact(size).is_err() {
        return None;
    }
    let mut bytes = vec![0; size];
    let part = size.div_ceil(cores);
    let read = std::thread::scope(|scope| {
        let parts = bytes.chunks_mut(part).enumerate();
        let threads: Vec<_> = parts.map(|(number, into)| scope.spawn(move || one(path, number * part, into))).collect();
        threads.into_iter().all(|thread| matches!(thread.join(), Ok(Ok(()))))
    });
    let same = std::fs::metadata(path).is_ok_and(|about| about.len() == size as u64);
    (read && same).then_some(bytes)
}

fn one(path: &Path, start: usize, into: &mut [u8]) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start as u64))?;
    file.read_exact(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_read_or_nothing() {
        let path = std::env::temp_dir().join(format!("pilotage-parts-{}", std::process::id()));
        for size in [10_u8, 11, 101, 255] {
            let text: Vec<u8> = (0..size).collect();
            std::fs::write(&path, &text).unwrap();
            let read = whole(&path, text.len());
            assert!(read.is_none_or(|read| read == text), "on one core nothing is read this way");
            assert_eq!(whole(&path, text.len() + 1), None, "it has become shorter");
            assert_eq!(whole(&path, text.len() - 1), None, "it has become longer");
        }
        std::fs::remove_file(path).unwrap();
    }
}
