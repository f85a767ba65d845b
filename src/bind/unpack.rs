//! The text of a file in whatever form it was kept: plain, gzip, zstd, UTF-16. It is unpacked while it is read, into one
//! buffer, so that a dump of 200 MB needs 200 MB.

use flate2::read::MultiGzDecoder;
use std::io::{self, Cursor, Read};

/// The most bytes that a plain file may have.
const MOST: u64 = 4 << 30;
/// The first bytes of a file, which tell its form.
const HEAD: usize = 18;

/// What a file held.
#[derive(Debug, Default)]
pub struct Text {
    /// The text, in UTF-8 if it was UTF-16.
    pub bytes: Vec<u8>,
    /// Why it could not be unpacked to its end, if so.
    pub cut: Option<String>,
}

/// Read all that comes. `size` is the number of bytes, when it is known; `unpacked`, how many a packed file may unpack to: a
/// small one from a stranger must not fill the memory.
///
/// # Errors
/// When nothing can be read or unpacked, when it unpacks to more than that, or when it is more than 4 GiB.
pub fn read<'a>(from: impl Read + 'a, size: Option<u64>, unpacked: u64) -> io::Result<Text> {
    let (mut from, form) = open(Box::new(from), size)?;
    let most = if form.packed { unpacked } else { MOST };
    let mut bytes = Vec::new();
    if form.size.is_some_and(|size| size > most) {
        return Err(too_large(&form, most));
    }
    reserve(&mut bytes, form.size)?;
    let read = from.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes);
    if bytes.len() as u64 > most {
        return Err(too_large(&form, most));
    }
    bytes.shrink_to_fit();
    match read {
        Ok(_) => Ok(Text { bytes, cut: None }),
        Err(error) if form.packed && !bytes.is_empty() => Ok(Text { bytes, cut: Some(error.to_string()) }),
        Err(error) => Err(error),
    }
}

fn too_large(form: &Form, most: u64) -> io::Error {
    if form.packed {
        io::Error::new(io::ErrorKind::FileTooLarge, format!("it unpacks to more than {} MiB", most >> 20))
    } else {
        io::Error::other("it is larger than 4 GiB")
    }
}

/// Read all that comes piece by piece, so that nobody has to hold the whole. Returns why it could not be unpacked to its end, if
/// so.
///
/// # Errors
/// When nothing can be read or unpacked, or something packed is more than `most` bytes.
pub fn stream<'a>(from: impl Read + 'a, most: u64, mut piece: impl FnMut(&[u8])) -> io::Result<Option<String>> {
    let (mut from, form) = open(Box::new(from), None)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut came = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => {
                came += count as u64;
                if form.packed && came > most {
                    return Err(too_large(&form, most));
                }
                piece(&buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if form.packed && came > 0 => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        }
    }
}

fn reserve(bytes: &mut Vec<u8>, size: Option<u64>) -> io::Result<()> {
    let size = usize::try_from(size.unwrap_or_default()).unwrap_or_default();
    bytes.try_reserve_exact(size).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
}

/// How many bytes a gzip says at its end that it unpacks to; nothing when that cannot be.
pub fn gzip_size(end: [u8; 4], packed: u64) -> Option<u64> {
    let size = u64::from(u32::from_le_bytes(end));
    // No gzip packs a thousand bytes into less than one.
    (size <= packed.saturating_mul(1032)).then_some(size)
}

/// Whether a file that begins like this is kept as it is.
pub fn is_plain(head: &[u8]) -> bool {
    !matches!(head, [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] | [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

struct Form {
    packed: bool,
    size: Option<u64>,
}

type Bytes<'a> = Box<dyn Read + 'a>;

fn open(from: Bytes<'_>, size: Option<u64>) -> io::Result<(Bytes<'_>, Form)> {
    let (head, from) = peek(from)?;
    let (from, form): (Bytes<'_>, _) = match head.as_slice() {
        [0x1F, 0x8B, ..] => (Box::new(MultiGzDecoder::new(from)), Form { packed: true, size }),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            let size = zstd::zstd_safe::get_frame_content_size(&head).ok().flatten();
            (Box::new(zstd::Decoder::new(from)?), Form { packed: true, size })
        }
        _ => (from, Form { packed: false, size }),
    };
    if !form.packed {
        return Ok(text(&head, from, form));
    }
    // What breaks off at once is an error of the reading itself.
    let (head, from) = peek(from)?;
    Ok(text(&head, from, form))
}

/// UTF-16 says so at its beginning, as PowerShell writes it.
fn text<'a>(head: &[u8], from: Bytes<'a>, form: Form) -> (Bytes<'a>, Form) {
    match head {
        [0xFF, 0xFE, ..] => {
            (Box::new(Utf16::new(from, u16::from_le_bytes)), Form { size: form.size.map(|size| size / 2), ..form })
        }
        [0xFE, 0xFF, ..] => {
            (Box::new(Utf16::new(from, u16::from_be_bytes)), Form { size: form.size.map(|size| size / 2), ..form })
        }
        _ => (from, form),
    }
}

/// The first bytes, and all of them.
fn peek(mut from: Bytes<'_>) -> io::Result<(Vec<u8>, Bytes<'_>)> {
    let mut head = Vec::with_capacity(HEAD);
    from.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(from))))
}

/// UTF-16 as UTF-8.
struct Utf16<'a> {
    from: Bytes<'a>,
    unit: fn([u8; 2]) -> u16,
    /// What was read and could not be decoded yet: half a unit, half a pair.
    raw: Vec<u8>,
    text: Cursor<Vec<u8>>,
}

impl<'a> Utf16<'a> {
    fn new(from: Bytes<'a>, unit: fn([u8; 2]) -> u16) -> Self {
        Self { from, unit, raw: Vec::new(), text: Cursor::default() }
    }

    /// Decode the next piece; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        const PIECE: u64 = 1 << 16;
        let end = self.from.by_ref().take(PIECE).read_to_end(&mut self.raw)? == 0;
        let mut units: Vec<u16> = self.raw.chunks_exact(2).map(|pair| (self.unit)([pair[0], pair[1]])).collect();
        let pair_begins = units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit));
        if pair_begins && !end {
            units.pop();
        }
        self.raw.drain(..units.len() * 2);
        let decoded = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.text = Cursor::new(decoded.filter(|letter| *letter != '\u{FEFF}').collect::<String>().into_bytes());
        Ok(!end)
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.text.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            if !self.more()? && self.text.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &str = "{\"a\": \"ü😀\"}";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
    }

    /// Gives one byte at a time, as a slow pipe does.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first().filter(|_| !into.is_empty()) else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn every_form_gives_the_same_text_from_a_file_and_from_a_slow_pipe() {
        let (little, big) = (utf16(TEXT, u16::to_le_bytes), utf16(TEXT, u16::to_be_bytes));
        let forms =
            [TEXT.into(), gzip(TEXT.as_bytes()), zstd::encode_all(TEXT.as_bytes(), 1).unwrap(), gzip(&little), little, big];
        for form in forms {
            for read in [read(form.as_slice(), Some(form.len() as u64), MOST), read(Slow(&form), None, MOST)] {
                let text = read.unwrap();
                assert_eq!((String::from_utf8(text.bytes).unwrap().as_str(), text.cut), (TEXT, None), "{form:?}");
            }
        }
        let twice = [gzip(b"ab"), gzip(b"cd")].concat();
        assert_eq!(read(twice.as_slice(), None, MOST).unwrap().bytes, b"abcd", "gzips one behind the other are one");
    }

    #[test]
    fn utf16_is_decoded_across_the_borders_of_pieces() {
        for long in ["a".repeat(32767) + "😀b", "a".repeat(32766) + "😀b"] {
            assert_eq!(read(utf16(&long, u16::to_le_bytes).as_slice(), None, MOST).unwrap().bytes, long.as_bytes());
        }
        let odd = [utf16("ab", u16::to_le_bytes), vec![0x3D, 0xD8, 0]].concat();
        assert_eq!(read(odd.as_slice(), None, MOST).unwrap().bytes, "ab\u{FFFD}".as_bytes(), "half a letter at the end");
    }

    #[test]
    fn what_came_whole_of_a_packed_file_that_is_cut_is_kept() {
        let text: String = (0..200_000).map(|number| format!("{number},")).collect();
        for packed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
            let half = read(&packed[..packed.len() - 40], None, MOST).unwrap();
            assert!(half.cut.is_some() && text.as_bytes().starts_with(&half.bytes) && !half.bytes.is_empty());
            assert!(read(&packed[..12], None, MOST).is_err(), "nothing came");
        }
        assert_eq!(read(&b""[..], None, MOST).unwrap().bytes, b"");
    }

    #[test]
    fn one_buffer_of_the_right_size_is_all_it_needs() {
        let text = vec![b'x'; 3_000_000];
        let packed = gzip(&text);
        let end = *packed.last_chunk().unwrap();
        let size = gzip_size(end, packed.len() as u64);
        assert_eq!(size, Some(3_000_000));
        for (form, size) in [(text.clone(), Some(3_000_000)), (packed, size), (zstd::bulk::compress(&text, 1).unwrap(), None)] {
            let bytes = read(form.as_slice(), size, MOST).unwrap().bytes;
            assert_eq!((bytes.len(), bytes.capacity()), (3_000_000, 3_000_000));
        }
        assert_eq!(gzip_size([0xFF; 4], 1000), None, "nobody reserves 4 GiB because a few bytes say so");
    }

    #[test]
    fn a_small_file_that_unpacks_to_much_is_refused_early() {
        let bomb = zstd::encode_all(io::repeat(b' ').take(64 << 20), 1).unwrap();
        assert!(bomb.len() < 100_000);
        let zeros = gzip(&vec![b' '; 8 << 20]);
        for packed in [&bomb, &zeros] {
            let error = read(packed.as_slice(), None, 2 << 20).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (io::ErrorKind::FileTooLarge, "it unpacks to more than 2 MiB")
            );
            assert!(read(packed.as_slice(), None, 64 << 20).is_ok(), "as much as may be");
        }
        let announced = read(zeros.as_slice(), Some(8 << 20), 2 << 20).unwrap_err();
        assert_eq!(announced.kind(), io::ErrorKind::FileTooLarge);
        assert!(read(&[b' '; 100][..], Some(100), 10).is_ok(), "what is not packed is as large as it is");
    }
}
