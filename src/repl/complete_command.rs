//! What may stand behind a colon: commands, and what they take.

use super::Session;
use super::command::{COMMANDS, Takes, find};
use super::complete_files::files;
use super::complete_live::{self, Living};
use super::complete_means::Means;
use super::complete_offers::line;
use super::complete_rank::Offer;
use super::complete_topics::{entries, topics};
use crate::Pilotage;
use crate::host::{Files, Listed, Param, ParamKind, Playbook};

/// Where the word at the cursor begins, and what it may be, in a line that is a command; `None` where it is none, or where
/// its argument is a script.
pub fn offers(session: &Session, line: &str, pos: usize) -> Option<(usize, Living)> {
    let begin = line.len() - line.trim_start().len();
    let typed = line.get(begin..pos)?.strip_prefix(':')?;
    let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
        return Some((begin, offered(commands(":"))));
    };
    let command = find(name).filter(|command| command.takes != Takes::Expression)?;
    Some(argument_of(session, command.takes, argument.trim_start(), pos))
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

/// Where the word at the cursor begins, and what it may be, in what stands behind a command.
fn argument_of(session: &Session, takes: Takes, typed: &str, pos: usize) -> (usize, Living) {
    let pilotage = session.pilotage();
    let whole = pos - typed.len();
    let living = match takes {
        Takes::Nothing | Takes::Expression | Takes::Text => Living::default(),
        Takes::Command => offered(commands("")),
        Takes::Entry => offered(entries(&pilotage)),
        Takes::Topic => offered(topics(&pilotage)),
        Takes::Context => offered(contexts(session)),
        Takes::Namespace => complete_live::names(&pilotage.live_names(), Means::Namespace, typed, None, None),
        Takes::Words(words) => offered(listed(words)),
        Takes::FileOr(words) => offered(listed(words).into_iter().chain(files(typed)).collect()),
        Takes::Result(words) => {
            // Behind the > stands a file.
            if let Some((_, file)) = typed.split_once('>') {
                let begin = typed.len() - file.trim_start().len();
                return (whole + begin, offered(files(&typed[begin..])));
            }
            let begin = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
            let numbers = if begin == 0 { results(&pilotage) } else { Vec::new() };
            return (whole + begin, offered(numbers.into_iter().chain(listed(words)).collect()));
        }
        Takes::Setting => {
            let begin = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
            return (whole + begin, offered(settings(session, typed[..begin].trim())));
        }
        Takes::Playbook => {
            let begin = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
            return (whole + begin, playbook(&pilotage, &typed[..begin], &typed[begin..]));
        }
    };
    (whole, living)
}

fn listed(words: &[&'static str]) -> Vec<Offer> {
    words.iter().map(|word| Offer::plain(*word, "")).collect()
}

/// The numbers of the results that are kept, the last first, and what each is.
pub(super) fn results(pilotage: &Pilotage) -> Vec<Offer> {
    let offer = |one: Listed| Offer::plain(one.number.to_string(), format!("{} · {}", one.what, one.typed));
    pilotage.results().into_iter().rev().map(offer).collect()
}

/// What can be set, and behind its name the words that it may be.
fn settings(session: &Session, before: &str) -> Vec<Offer> {
    let all = session.ground.settings().into_iter();
    if before.is_empty() {
        let offer =
            |one: super::Setting| Offer { insert: format!("{} ", one.name), about: one.about.into(), name: one.name.into() };
        return all.map(offer).collect();
    }
    let name = before.split_whitespace().next().unwrap_or_default();
    let choices = all.filter(|one| one.name == name).flat_map(|one| one.choices);
    choices.map(|word| Offer::plain(word, "")).collect()
}

fn contexts(session: &Session) -> Vec<Offer> {
    let all = session.ground.contexts().unwrap_or_default();
    all.into_iter().map(|one| Offer::plain(one.name, format!("{} {}", one.cluster, one.server))).collect()
}

/// The playbooks that a path may lead to.
fn scripts(typed: &str) -> Vec<Offer> {
    files(typed).into_iter().filter(|file| file.name.ends_with('/') || file.name.ends_with(".rhai")).collect()
}

/// A playbook's name or path; behind it its parameters, and behind one of these what it may be.
fn playbook(pilotage: &Pilotage, before: &str, typed: &str) -> Living {
    let mut words = before.split_whitespace();
    let Some(name) = words.next() else {
        if typed.contains('/') {
            return offered(scripts(typed));
        }
        let all = pilotage.playbooks();
        // What can be run by its name is named once.
        let more = scripts(typed).into_iter().filter(|file| all.iter().all(|one| *file.name != format!("{}.rhai", one.name)));
        return offered(all.iter().map(named).chain(more).collect());
    };
    let is_path = Playbook::is_path(name);
    let found = if is_path {
        Playbook::find(&Files::at_home(name).to_string_lossy(), &[]).ok()
    } else {
        pilotage.playbooks().into_iter().find(|one| one.name == name)
    };
    let Some(found) = found else { return Living::default() };
    let params = found.header.params;
    let last = words.clone().last().and_then(|word| word.strip_prefix("--"));
    if let Some(param) = params.iter().find(|param| Some(param.name.as_str()) == last) {
        return value(pilotage, param, typed);
    }
    let given: Vec<&str> = words.collect();
    let open = params.iter().filter(|param| !given.contains(&&*format!("--{}", param.name)));
    let offer = |param: &Param| Offer {
        insert: format!("--{} ", param.name),
        name: format!("--{}", param.name).into(),
        about: line(&param.help).into(),
    };
    offered(open.map(offer).collect())
}

fn named(playbook: &Playbook) -> Offer {
    Offer::plain(playbook.name.clone(), playbook.title().to_owned())
}

fn value(pilotage: &Pilotage, param: &Param, typed: &str) -> Living {
    match param.kind {
        ParamKind::Pod => complete_live::names(&pilotage.live_names(), Means::Pod, typed, None, None),
        ParamKind::Namespace => complete_live::names(&pilotage.live_names(), Means::Namespace, typed, None, None),
        ParamKind::File => offered(files(typed)),
        ParamKind::Bool => offered(listed(&["true", "false"])),
        ParamKind::Choice => offered(param.choices.iter().map(|one| Offer::plain(one.clone(), "")).collect()),
        _ => Living::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Aside, demo};
    use std::sync::Arc;

    #[test]
    fn results_are_offered_without_the_secrets_that_were_typed() {
        let engine = Pilotage::builder(Arc::new(demo().expect("the demo opens"))).build().expect("it builds");
        for line in ["[#{ password: \"hunter2\" }].len()", "[4,\n5]"] {
            engine.enter(line).expect(line);
        }
        let offers = results(&engine).into_iter().map(|offer| (offer.name.into_owned(), offer.about.into_owned()));
        let wanted = [("2", "2 × int · [4, 5]"), ("1", "1 · …")].map(|(name, about)| (name.to_owned(), about.to_owned()));
        assert_eq!(offers.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn playbooks_are_named_then_their_parameters_then_what_these_may_be() {
        let tape = Arc::new(demo().expect("the demo opens"));
        let engine = Pilotage::builder(tape.clone()).aside(Arc::new(Aside::new(tape))).build().expect("it builds");
        let names = |before: &str, typed: &str| -> Vec<String> {
            let offers = playbook(&engine, before, typed).offers;
            offers.into_iter().map(|offer| offer.name.into_owned()).collect()
        };
        assert!(names("", "").contains(&"jwks-certificate".into()));
        let params = names("jwks-certificate ", "");
        assert!(params.contains(&"--namespace".into()) && params.contains(&"--token".into()), "{params:?}");
        assert!(!names("jwks-certificate --namespace olaf ", "").contains(&"--namespace".into()));
        assert!(names("jwks-certificate --namespace ", "ol").contains(&"olaf-customer".into()));
        assert!(names("no-such ", "").is_empty());
    }
}
