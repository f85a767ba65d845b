//! Messages that span several lines: what Envoy writes at debug belongs together, request headers and all.

/// A line of a log that may have more lines under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// When its first line was written (RFC 3339).
    pub time: String,
    /// What it says; its lines are joined by line ends.
    pub text: String,
}

/// No message is longer; a log that only looks like one is not held back.
const LONGEST: usize = 64 * 1024;

/// Joins the lines of one container's log to messages.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    message: Message,
    /// It ends with the number of its thread; else with the beginning of the next.
    has_end: bool,
}

impl Messages {
    /// Take the next line; gives the messages that are complete with it.
    pub(crate) fn push(&mut self, time: &str, text: &str) -> [Option<Message>; 2] {
        let this = Message { time: time.into(), text: text.into() };
        match begin(text) {
            Some(Begin::Whole) => [self.flush(), Some(this)],
            Some(Begin::Part { has_end }) => {
                let last = self.flush();
                self.open = Some(Open { message: this, has_end });
                [last, None]
            }
            None => self.go_on(this),
        }
    }

    /// A line that begins no message of Envoy's.
    fn go_on(&mut self, this: Message) -> [Option<Message>; 2] {
        let Some(open) = &mut self.open else { return [None, Some(this)] };
        if begins_otherwise(&this.text) {
            // Another output of the container's; it may come in the middle.
            let last = if open.has_end { None } else { self.flush() };
            return [last, Some(this)];
        }
        open.message.text.push('\n');
        open.message.text.push_str(&this.text);
        let over = ends(&this.text) || open.message.text.len() > LONGEST;
        [if over { self.flush() } else { None }, None]
    }

    /// Whether more of a message may come.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The message that is open, as far as it came.
    pub(crate) fn flush(&mut self) -> Option<Message> {
        self.open.take().map(|open| open.message)
    }
}

enum Begin {
    /// It stands on one line.
    Whole,
    /// More lines may follow.
    Part { has_end: bool },
}

/// Whether a message of Envoy's begins with this line, in Istio's format or in its own.
fn begin(text: &str) -> Option<Begin> {
    let istio = is_time(text) && text.get(19..).is_some_and(in_istios_format);
    let own = text.starts_with('[') && (text.starts_with("[Envoy (") || in_its_own_format(text));
    if !istio && !own {
        return None;
    }
    if ends(text) {
        return Some(Begin::Whole);
    }
    // With the place in the source, since 1.15, the format has the thread at its end.
    Some(Begin::Part { has_end: istio && text.split('\t').nth(2).is_some_and(|scope| scope.contains(".cc:")) })
}

/// `…Z<tab>debug<tab>envoy rbac …`, from somewhere in the time stamp on.
fn in_istios_format(rest: &str) -> bool {
    let mut fields = rest.splitn(3, '\t');
    let stamp = fields.next().is_some_and(|end| end.ends_with('Z') && end.len() < 12);
    stamp && fields.next().is_some_and(is_level) && fields.next().is_some_and(|scope| scope.starts_with("envoy "))
}

/// `[2026-11-22 13:08:00.917][12][debug][rbac] …`.
fn in_its_own_format(text: &str) -> bool {
    let mut fields = text.split(']');
    let mut field = || fields.next().and_then(|field| field.strip_prefix('['));
    let stamp = field().is_some_and(|time| time.len() >= 19 && time.as_bytes()[10] == b' ');
    let thread = field().is_some_and(|thread| thread.bytes().all(|byte| byte.is_ascii_digit()));
    stamp && thread && field().is_some_and(is_level)
}

fn is_level(word: &str) -> bool {
    matches!(word, "trace" | "debug" | "info" | "warn" | "warning" | "error" | "critical")
}

/// `2026-11-22T13:05:25`.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[0].is_ascii_digit() && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

/// A line that belongs to no message above it: an access log, as text or JSON, or a line of the agent's.
fn begins_otherwise(text: &str) -> bool {
    is_time(text) || text.starts_with("[20") || text.starts_with("{\"")
}

/// Whether a message ends here, with the number of its thread.
fn ends(text: &str) -> bool {
    let number = text.trim_end().rsplit_once("\tthread=").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(log: &[&str]) -> Vec<String> {
        let mut messages = Messages::default();
        let mut out: Vec<Message> = Vec::new();
        for line in log {
            out.extend(messages.push("t", line).into_iter().flatten());
        }
        out.extend(messages.flush());
        out.into_iter().map(|message| message.text).collect()
    }

    const RBAC: &str =
        "2026-11-22T13:08:00.917241Z\tdebug\tenvoy rbac source/extensions/filters/http/rbac/rbac_filter.cc:266\tchecking";
    const ACCESS: &str = "[2026-11-22T13:08:00.900Z] \"GET / HTTP/1.1\" 200 -";
    const AGENT: &str = "2026-11-22T13:08:01.000000Z\tinfo\txdsproxy\tconnected";

    #[test]
    fn a_message_is_one_row_up_to_its_thread() {
        let log = [RBAC, "':path', '/'", "", ", dynamicMetadata: x", "\tthread=12", "plain", RBAC];
        let rows = joined(&log);
        assert_eq!(rows[0], format!("{RBAC}\n':path', '/'\n\n, dynamicMetadata: x\n\tthread=12"));
        assert_eq!(rows[1..], ["plain".to_owned(), RBAC.into()]);
    }

    #[test]
    fn what_comes_from_elsewhere_in_the_middle_is_a_row_of_its_own() {
        assert_eq!(
            joined(&[RBAC, ACCESS, "{\"method\":\"GET\"}", AGENT, "'a', 'b'", "\tthread=1"]),
            [ACCESS.to_owned(), "{\"method\":\"GET\"}".into(), AGENT.into(), format!("{RBAC}\n'a', 'b'\n\tthread=1"),]
        );
    }

    #[test]
    fn older_formats_end_with_the_next_line_that_begins_something() {
        let old = "2020-05-05T10:00:00.123456Z\tdebug\tenvoy rbac\tchecking request";
        let own = "[2020-05-05 10:00:00.123][21][debug][rbac] [source/x.cc:64] checking request";
        for first in [old, own] {
            assert_eq!(
                joined(&[first, "':path', '/'", ACCESS, "next"]),
                [format!("{first}\n':path', '/'"), ACCESS.into(), "next".into()]
            );
        }
    }

    #[test]
    fn lines_of_applications_stay_lines() {
        let log = ["Exception in thread main", "\tat a.b.C", "{", "  \"a\": 1", "}", AGENT, "drainDuration: 45s"];
        assert_eq!(joined(&log), log);
        let whole = format!("{RBAC}\tthread=7");
        assert_eq!(joined(&[&whole, "x"]), [whole.as_str(), "x"]);
    }

    #[test]
    fn a_message_without_end_is_let_go() {
        let line = "x".repeat(1000);
        let mut log = vec![RBAC];
        log.extend(std::iter::repeat_n(line.as_str(), 100));
        let rows = joined(&log);
        assert!(rows.len() > 30 && rows[0].len() < LONGEST + 2000, "{}", rows.len());
    }
}
