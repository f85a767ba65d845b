//! Lines of access logs in a text format.
//!
//! Envoy escapes nothing, so a value may hold what should follow it: a quote in a user agent, a space in a route's name. The
//! first place where a value can end is tried first, and what a column can hold tells when it was not the one that was meant.

use super::access_format::{Class, Field, Format, Piece};
use memchr::{memchr, memmem};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Where the values of a line stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans([(u32, u32); Field::COUNT + 1]);

impl Default for Spans {
    fn default() -> Self {
        Self([(0, 0); Field::COUNT + 1])
    }
}

impl Spans {
    /// Longer lines than this are no access logs.
    pub const LONGEST: usize = 16 << 20;

    #[allow(clippy::cast_possible_truncation, reason = "no line is longer than LONGEST")]
    pub fn set(&mut self, field: Field, start: usize, end: usize) {
        self.0[field as usize] = (start as u32, end as u32);
    }

    /// The text of a value; nothing when there is none, or a dash that stands for none.
    pub fn get<'l>(&self, field: Field, line: &'l [u8]) -> Option<&'l [u8]> {
        let (start, end) = self.0[field as usize];
        line.get(start as usize..end as usize).filter(|text| !matches!(text, [] | [b'-']))
    }
}

/// How many places are tried at most where a value might end.
const TRIES: usize = 20_000;

impl Format {
    /// Find the values of a line; `put` gets the number of the piece, where it begins and where it ends.
    pub(super) fn read(&self, line: &[u8], put: &mut impl FnMut(usize, usize, usize)) -> bool {
        self.fits(line, put) || self.fits_somehow(line, put)
    }

    /// The same, where every value is what its column holds.
    pub(super) fn fits(&self, line: &[u8], put: &mut impl FnMut(usize, usize, usize)) -> bool {
        self.begins(line) && (self.quick(line, put) || self.search(line, false, put))
    }

    /// The same, where words may hold spaces. Another format that fits better goes first.
    pub(super) fn fits_somehow(&self, line: &[u8], put: &mut impl FnMut(usize, usize, usize)) -> bool {
        self.begins(line) && self.search(line, true, put)
    }

    fn begins(&self, line: &[u8]) -> bool {
        line.starts_with(&self.lead) && line.len() <= Spans::LONGEST
    }

    /// The values of a line by their columns.
    pub(super) fn spans(&self, line: &[u8], spans: &mut Spans) -> bool {
        self.read(line, &mut |piece, start, end| spans.set(self.pieces[piece].field, start, end))
    }

    /// What of a line has no column, by operator.
    pub(super) fn others(&self, line: &[u8]) -> Map<String, Value> {
        let mut others = Map::new();
        self.read(line, &mut |number, start, end| {
            let (piece, value) = (&self.pieces[number], &line[start..end]);
            if piece.field == Field::Other && value != b"-" {
                others.insert(piece.operator.to_string(), String::from_utf8_lossy(value).into());
            }
        });
        others
    }

    /// How the time is written, where that is said.
    pub(super) fn time_format(&self) -> Option<&str> {
        let piece = self.pieces.iter().find(|piece| piece.field == Field::Time)?;
        piece.operator.split_once('(')?.1.strip_suffix(')')
    }

    /// Each value ends at the first place where it can.
    fn quick(&self, line: &[u8], put: &mut impl FnMut(usize, usize, usize)) -> bool {
        let mut start = self.lead.len();
        let Some((last, pieces)) = self.pieces.split_last() else { return false };
        for (number, piece) in pieces.iter().enumerate() {
            let Some(length) = piece.first_end(&line[start..]) else { return false };
            if !piece.holds(&line[start..start + length], false) {
                return false;
            }
            put(number, start, start + length);
            start += length + piece.then.len();
        }
        let Some(value) = line[start..].strip_suffix(&*last.then) else { return false };
        put(pieces.len(), start, start + value.len());
        last.holds(value, false)
    }

    /// Any way in which the whole line fits.
    fn search(&self, line: &[u8], lenient: bool, put: &mut impl FnMut(usize, usize, usize)) -> bool {
        let mut search = Search { format: self, line, lenient, dead: HashSet::new(), tries: TRIES, found: Vec::new() };
        if !search.from(0, self.lead.len()) {
            return false;
        }
        for (number, (start, end)) in search.found.iter().rev().enumerate() {
            put(number, *start, *end);
        }
        true
    }
}

struct Search<'a> {
    format: &'a Format,
    line: &'a [u8],
    /// Whether words may hold spaces.
    lenient: bool,
    /// Where nothing leads on.
    dead: HashSet<(usize, usize)>,
    tries: usize,
    /// The values, last first.
    found: Vec<(usize, usize)>,
}

impl Search<'_> {
    fn from(&mut self, number: usize, start: usize) -> bool {
        let (piece, rest) = (&self.format.pieces[number], &self.line[start..]);
        if number + 1 == self.format.pieces.len() {
            let value = rest.strip_suffix(&*piece.then).filter(|value| piece.holds(value, self.lenient));
            self.found.extend(value.map(|value| (start, start + value.len())));
            return value.is_some();
        }
        if self.dead.contains(&(number, start)) {
            return false;
        }
        let mut from = 0;
        while let Some(length) = rest.get(from..).and_then(|rest| memmem::find(rest, &piece.then)).map(|at| at + from) {
            if self.tries == 0 {
                return false;
            }
            self.tries -= 1;
            let next = start + length + piece.then.len();
            if piece.holds(&rest[..length], self.lenient) && self.from(number + 1, next) {
                self.found.push((start, start + length));
                return true;
            }
            from = length + 1;
        }
        self.dead.insert((number, start));
        false
    }
}

impl Piece {
    /// The first place where what follows stands.
    #[inline]
    fn first_end(&self, text: &[u8]) -> Option<usize> {
        let [first, then @ ..] = &*self.then else { return Some(0) };
        let mut from = 0;
        loop {
            let at = from + find(*first, &text[from..])?;
            if text[at + 1..].starts_with(then) {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// Whether a value may be this.
    #[inline]
    fn holds(&self, value: &[u8], lenient: bool) -> bool {
        match self.class {
            Class::Time => is_time(value),
            Class::Number => value == b"-" || (!value.is_empty() && value.iter().all(u8::is_ascii_digit)),
            Class::Protocol => value == b"-" || value.starts_with(b"HTTP/"),
            Class::Word | Class::Details if lenient => true,
            Class::Word => value.first() != Some(&b'"') && (self.then.first() == Some(&b' ') || memchr(b' ', value).is_none()),
            Class::Details => value.first() != Some(&b'"') && is_whole(value),
            Class::Loose => true,
        }
    }
}

/// Most values are short: a vector search would take longer to begin than they are.
#[inline]
fn find(byte: u8, text: &[u8]) -> Option<usize> {
    const SHORT: usize = 12;
    match text.iter().take(SHORT).position(|one| *one == byte) {
        None => memchr(byte, text.get(SHORT..)?).map(|at| at + SHORT),
        found => found,
    }
}

/// Whether it begins like `2026-11-22T13:05:25` and holds nothing that a time does not.
fn is_time(value: &[u8]) -> bool {
    value.len() >= 20
        && value[4] == b'-'
        && value[10] == b'T'
        && value[13] == b':'
        && value[0].is_ascii_digit()
        && value.len() < 40
}

/// Whether brackets are closed, and no space stands outside of them.
fn is_whole(value: &[u8]) -> bool {
    let mut depth = 0i32;
    for byte in value {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b' ' if depth <= 0 => return false,
            _ => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::super::access_format::{ENVOY, ISTIO, known};
    use super::*;

    fn values(format: &str, line: &str) -> Option<Vec<String>> {
        let format = Format::parse(format).unwrap();
        let mut found = vec![String::new(); format.pieces.len()];
        let fits = format.read(line.as_bytes(), &mut |piece, start, end| found[piece] = line[start..end].to_owned());
        fits.then_some(found)
    }

    fn field(format: &str, line: &str, field: Field) -> Option<String> {
        let mut spans = Spans::default();
        assert!(Format::parse(format).unwrap().spans(line.as_bytes(), &mut spans), "{line}");
        spans.get(field, line.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    #[test]
    fn todays_line_is_read() {
        let line = r#"[2026-11-22T13:08:40.059Z] "GET /status/503?x=1 HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 0 152 3 - "10.1.1.1,10.2.2.2" "curl/8.5.0" "1cea997f-58cc-4910-aee4-6194e46d3882" "ratings:80" "10.88.1.5:8080" outbound|80||ratings.shop.svc.cluster.local - 10.89.32.99:80 10.88.1.3:53636 - default"#;
        let get = |name| field(ISTIO, line, name);
        assert_eq!(get(Field::Flags).as_deref(), Some("URX,UF"));
        assert_eq!(get(Field::UpstreamTransportFailureReason).as_deref(), Some("delayed_connect_error:_111"));
        assert_eq!(get(Field::UpstreamServiceTime), None);
        assert_eq!(get(Field::RouteName).as_deref(), Some("default"));
        assert!(values(ENVOY, line).is_none());
    }

    #[test]
    fn spaces_of_older_envoys_stay_in_their_braces() {
        let line = r#"[2021-03-01T10:00:00.000Z] "GET / HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER} - "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER" 0 190 85 - "-" "curl/7.64.0" "a" "b" "10.0.0.1:80" outbound|80||b - 10.1.1.1:80 10.1.1.2:1 - default"#;
        assert!(field(ISTIO, line, Field::Details).unwrap().ends_with("WRONG_VERSION_NUMBER}"));
        assert_eq!(field(ISTIO, line, Field::ConnectionTerminationDetails), None);
    }

    #[test]
    fn quotes_and_spaces_in_values_lead_nowhere_wrong() {
        let line = r#"[2026-11-22T13:08:40.059Z] "GET /a b"c HTTP/2" 200 - via_upstream - "-" 0 1 2 3 "-" "x" "y" "z" "id" "host" "1.1.1.1:80" outbound|80||h 1.1.1.2:1 1.1.1.3:80 1.1.1.4:2 sni my "own" route"#;
        let get = |name| field(ISTIO, line, name).unwrap();
        assert_eq!(get(Field::Path), "/a b\"c");
        assert_eq!(get(Field::UserAgent), r#"x" "y" "z"#);
        assert_eq!((get(Field::RequestId), get(Field::Authority)), ("id".into(), "host".into()));
        assert_eq!(get(Field::RouteName), r#"my "own" route"#);
    }

    #[test]
    fn connections_are_lines_too() {
        let line = r#"[2026-11-22T13:08:40.059Z] "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" outbound|9000||db - 10.0.0.1:9000 10.0.0.2:1 - -"#;
        assert_eq!(field(ISTIO, line, Field::Method), None);
        assert_eq!(field(ISTIO, line, Field::Code).as_deref(), Some("0"));
        assert_eq!(field(ISTIO, line, Field::Flags).as_deref(), Some("UH"));
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "[",
            "2026-11-22T13:05:25.194094Z\tinfo\tenvoy main external/envoy/server.cc:1\tstarting",
            "[2026-11-22 13:05:25.194][15][debug][rbac] [C1] \"checking request\" 1 2 3",
            r#"[2026-11-22T13:08:40.059Z] "GET / HTTP/1.1" 200 - via"#,
            "{\"level\":\"info\"}",
        ] {
            assert!(known().all(|format| values(format, line).is_none()), "{line}");
        }
    }

    #[test]
    fn a_line_made_to_mislead_ends_soon() {
        let line = format!("[2026-11-22T13:08:40.059Z] \"GET {} HTTP/1.1\" 200", "\" \" ".repeat(50_000));
        assert!(values(ISTIO, &line).is_none());
    }
}
