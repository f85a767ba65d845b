//! What may stand where the cursor is: found, ranked, and shown with a few words on each.
//!
//! A Tab writes what all that fits begins with; where that is nothing new, it lists them. The only one that fits is written whole,
//! with what goes with it: the bracket of a call, the quote that ends a text.

use super::Session;
use super::complete_command;
use super::complete_cursor::{Cursor, Spot};
use super::complete_live::{self, Living};
use super::complete_offers::Offers;
use super::complete_rank::{Offer, common_prefix, fitting};
use crate::Pilotage;
use crate::render::{Look, grouped, head, line, middle, style};
use rustyline::completion;
use std::cell::RefCell;
use unicode_width::UnicodeWidthStr;

/// One line of the list, and what a Tab writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    display: String,
    replacement: String,
}

impl Candidate {
    /// The only one: it is written as it is.
    pub fn whole(text: String) -> Self {
        Self { display: text.clone(), replacement: text }
    }
}

impl completion::Candidate for Candidate {
    fn display(&self) -> &str {
        &self.display
    }

    fn replacement(&self) -> &str {
        &self.replacement
    }
}

/// What is remembered from one line to the next.
#[derive(Debug, Default)]
pub struct Memory {
    last_pod: RefCell<Option<String>>,
}

/// How much fits on the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Columns.
    pub columns: usize,
    /// Lines of a list.
    pub lines: usize,
}

impl Room {
    /// What the terminal has now.
    pub fn now(look: &Look) -> Self {
        const BELOW: u16 = 2;
        let (columns, rows) = terminal_size::terminal_size().map_or((80, 24), |(columns, rows)| (columns.0, rows.0));
        let columns = usize::from(columns.max(20));
        Self {
            columns: look.width.map_or(columns, |width| width.min(columns)),
            lines: usize::from(rows.saturating_sub(BELOW).max(5)),
        }
    }
}

/// What was found for a place in a line.
pub struct Found {
    /// Where what is typed begins.
    pub start: usize,
    /// What may stand there, the best first.
    pub offers: Vec<Offer>,
    /// How many of them begin with what is typed.
    begin: usize,
    /// Why there is nothing, or not all.
    pub trouble: Option<String>,
}

/// Where the word at the cursor begins, and what it may become.
pub fn candidates(session: &Session, memory: &Memory, line: &str, pos: usize, room: Room) -> (usize, Vec<Candidate>) {
    let found = find(session, memory, line, pos);
    (found.start, present(&found, &line[found.start..pos], room))
}

/// What may stand at this place, the best first.
fn find(session: &Session, memory: &Memory, line: &str, pos: usize) -> Found {
    match complete_command::offers(session, line, pos) {
        Some((start, living)) => Found::of(start, living, None, line, pos),
        None => found(&session.pilotage(), memory, line, pos, aliases(session, &line[..pos])),
    }
}

/// What may stand at this place of a script, the best first.
pub fn in_script(pilotage: &Pilotage, memory: &Memory, line: &str, pos: usize) -> Found {
    found(pilotage, memory, line, pos, Vec::new())
}

/// Aliases, where an input begins: nowhere else they are any.
fn aliases(session: &Session, before: &str) -> Vec<Offer> {
    if before.trim_start().contains(|c: char| !(c.is_alphanumeric() || "_-".contains(c))) {
        return Vec::new();
    }
    session.settings().aliases.iter().map(|(name, text)| Offer::plain(name.to_owned(), text.to_owned())).collect()
}

fn found(pilotage: &Pilotage, memory: &Memory, line: &str, pos: usize, aliases: Vec<Offer>) -> Found {
    let cursor = Cursor::read(line, pos);
    let offers = Offers::new(pilotage, &cursor, memory.last_pod.borrow().clone());
    if let Some(pod) = offers.pod() {
        *memory.last_pod.borrow_mut() = Some(pod);
    }
    let quote = match cursor.spot {
        Spot::Text(quote) => Some(quote),
        _ => None,
    };
    let mut living = offers.all();
    if cursor.spot == Spot::Name {
        living.offers.splice(0..0, aliases);
    }
    Found::of(cursor.start, living, quote, line, pos)
}

impl Found {
    fn of(start: usize, living: Living, quote: Option<char>, line: &str, pos: usize) -> Self {
        let (mut offers, begin) = fitting(living.offers, &line[start..pos]);
        for offer in &mut offers {
            finish(offer, quote, &line[pos..]);
        }
        Self { start, offers, begin, trouble: living.trouble }
    }
}

/// Ask for names early that the text at this place will want.
pub fn prepare(pilotage: &Pilotage, line: &str, pos: usize) {
    let cursor = Cursor::read(line, pos);
    let offers = Offers::new(pilotage, &cursor, None);
    if let Some(means) = offers.meaning()
        && let Some(live) = offers.live()
    {
        complete_live::prepare(&live, means);
    }
}

/// Let what is written fit to what stands behind the cursor.
fn finish(offer: &mut Offer, quote: Option<char>, after: &str) {
    match quote {
        // A folder, and what leads to a name, go on.
        Some(_) if offer.insert.ends_with('/') => {}
        Some(quote) => {
            if quote == '"' {
                offer.insert = offer.insert.replace('\\', "\\\\").replace('"', "\\\"");
            }
            if !after.starts_with(quote) {
                offer.insert.push(quote);
            }
        }
        None if after.starts_with('(') => {
            let bare = offer.insert.trim_end_matches(['(', ')']).len();
            offer.insert.truncate(bare);
        }
        None => {}
    }
}

/// As the line editor wants it.
pub fn present(found: &Found, typed: &str, room: Room) -> Vec<Candidate> {
    if let ([only], None) = (found.offers.as_slice(), &found.trouble) {
        return vec![Candidate { display: only.name.to_string(), replacement: only.insert.clone() }];
    }
    // What the best of them begin with is written, when it goes on from what is typed; else that stays.
    let best = &found.offers[..found.begin];
    let common = match best {
        [only] if found.offers.len() > 1 => only.name.as_ref(),
        best => common_prefix(best.iter().map(|offer| offer.name.as_ref())),
    };
    let longer = common.len() > typed.len() && common.get(..typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(typed));
    let replacement = if longer { common } else { typed };
    let lines = lines(found, room).into_iter();
    lines.map(|display| Candidate { display, replacement: replacement.to_owned() }).collect()
}

fn lines(found: &Found, room: Room) -> Vec<String> {
    let said = usize::from(found.trouble.is_some());
    let shown = if found.offers.len() + said > room.lines { room.lines.saturating_sub(1 + said) } else { found.offers.len() };
    let offers = &found.offers[..shown];
    // What is longer than half a line stands out of the column: it would leave the others no room for what they are.
    let widths = offers.iter().map(|offer| offer.name.width()).filter(|width| *width <= room.columns / 2);
    let wide = widths.max().unwrap_or_default();
    let mut lines: Vec<String> = offers.iter().map(|offer| one_line(offer, wide, room.columns)).collect();
    if shown < found.offers.len() {
        lines.push(format!("… {} more, type on", grouped(found.offers.len() - shown)));
    }
    lines.extend(
        found.trouble.iter().map(|trouble| head(&line(&format!("… {trouble}")), room.columns.saturating_sub(3)).into_owned()),
    );
    if lines.len() == 1 {
        // The only one of a list would not be shown.
        lines.push(String::new());
    }
    lines
}

/// The name, and in a column of its own what it is, as far as there is room.
fn one_line(offer: &Offer, wide: usize, columns: usize) -> String {
    let name = line(&offer.name);
    let name = middle(&name, columns.saturating_sub(3));
    let left = columns.saturating_sub(wide.max(name.width()) + GAP.len() + 2);
    if offer.about.is_empty() || left < 8 {
        return name.into_owned();
    }
    let about = line(&offer.about);
    let about = head(&about, left);
    // As wide as half a line and more: then the editor puts nothing beside it.
    let both = format!("{name}{}{GAP}{about}", " ".repeat(wide.saturating_sub(name.width())));
    let missing = (columns / 2).saturating_sub(both.width());
    both + " ".repeat(missing).as_str()
}

/// What stands between a name and what it is.
const GAP: &str = "  ";

/// A line of the list in colours: what a name is stands back.
pub fn painted(line: &str, look: &Look) -> String {
    match line.split_once(GAP) {
        _ if line.starts_with('…') => look.paint(style::FAINT, line),
        Some((name, about)) if !about.trim().is_empty() => format!("{name}{GAP}{}", look.paint(style::FAINT, about)),
        _ => line.to_owned(),
    }
}
