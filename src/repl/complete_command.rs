//! What may stand behind a colon: commands, and what they take.

use super::Session;
use super::command::{COMMANDS, Takes, find};
use super::complete_live::Living;
use super::complete_offers::line;
use super::complete_rank::Offer;

/// Where the word at the cursor begins, and what it may be, in a line that is a command; `None` where it is none, or where
/// its argument is a script.
pub fn offers(session: &Session, line: &str, pos: usize) -> Option<(usize, Living)> {
    let begin = line.len() - line.trim_start().len();
    let typed = line.get(begin..pos)?.strip_prefix(':')?;
    let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
        return Some((begin, offered(commands(":"))));
    };
    let command = find(name)?;
    let argument_begins = pos - argument.trim_start().len();
    Some((argument_begins, takes(session, command.takes)))
}

fn commands(sign: &'static str) -> Vec<Offer> {
    let offer = |command: &super::command::Command| {
        let name = format!("{sign}{}", command.names.first().copied().unwrap_or_default());
        let insert = if command.takes == Takes::Nothing { name.clone() } else { format!("{name} ") };
        Offer { name: name.into(), insert, about: command.about.into() }
    };
    COMMANDS.iter().map(offer).collect()
}

fn offered(offers: Vec<Offer>) -> Living {
    Living { offers, trouble: None }
}

fn takes(session: &Session, takes: Takes) -> Living {
    match takes {
        Takes::Nothing => Living::default(),
        Takes::Command => offered(commands("")),
        Takes::Entry => offered(entries(session)),
    }
}

/// What the reference has something on.
fn entries(session: &Session) -> Vec<Offer> {
    let pilotage = session.pilotage();
    let catalog = pilotage.catalog();
    let mut offers: Vec<Offer> =
        catalog.entries.iter().map(|entry| Offer::plain(entry.full_name(), line(&entry.summary))).collect();
    let families = catalog.entries.iter().map(|entry| entry.family.clone());
    offers.extend(families.map(|family| Offer::plain(family, "a family of functions")));
    offers.sort_by(|a, b| a.name.cmp(&b.name));
    offers.dedup_by(|a, b| a.name == b.name);
    offers
}
