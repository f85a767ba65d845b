//! Search by intent: an error text, a code, a response flag, or a few words lead to functions, playbooks and commands.

use super::corpus::{Field, Item, Sort, corpus};
use super::words::words;
use super::{Known, page};
use crate::envoy::{flag_long, flag_meaning, flag_names, flag_short};
use crate::error::{Error, Kind, Result};
use crate::host::Entry;
use crate::report::Page;
use crate::suggest::{nearest, slip};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The most hits that are told.
const MOST: usize = 6;
/// Hits with less than this part of the best one's score are left out.
const LEAST: f64 = 0.3;

/// Something that helps.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it is.
    pub sort: Sort,
    /// Its name.
    pub name: String,
    /// What to type.
    pub call: String,
    /// What it does, in a sentence.
    pub about: String,
    /// Why it was found.
    pub why: String,
    score: f64,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Found {
    /// What the words mean by themselves: response flags, codes of findings.
    pub facts: Vec<String>,
    /// Words that stand nowhere, and those that were looked for in their place.
    pub corrected: Vec<(String, Option<String>)>,
    /// What helps, best first.
    pub hits: Vec<Hit>,
}

/// A word that is looked for, and how much it counts.
struct Term {
    /// It, or those of the known words that are meant by it.
    meant: Vec<String>,
    weight: f64,
}

/// What helps with this.
pub fn hits(known: &Known, text: &str) -> Found {
    let items = corpus(known);
    let counts = counts(&items);
    let mut found = Found { facts: facts(known, text), ..Found::default() };
    let terms = terms(text, &counts, &mut found.corrected);
    let rarity = |word: &str| counts.get(word).map_or(0.0, |count| (1.0 + items.len() as f64 / *count as f64).ln());
    let asked: Vec<(Term, f64)> =
        terms.into_iter().map(|term| weighed(term, &rarity)).filter(|(_, value)| *value > 0.0).collect();
    let whole: f64 = asked.iter().map(|(_, value)| value).sum();
    if whole > 0.0 {
        found.hits = items.iter().filter_map(|item| hit(item, &asked, whole)).collect();
        found.hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.name.cmp(&b.name)));
        keep_the_best(&mut found.hits);
    }
    found
}

fn weighed(term: Term, rarity: &impl Fn(&str) -> f64) -> (Term, f64) {
    let value = term.weight * term.meant.iter().map(|word| rarity(word)).fold(0.0, f64::max);
    (term, value)
}

/// The best few; and the best playbook, if there is one that helps.
fn keep_the_best(hits: &mut Vec<Hit>) {
    let least = hits.first().map_or(0.0, |best| best.score * LEAST);
    hits.retain(|hit| hit.score >= least);
    let playbook = hits.iter().skip(MOST).find(|hit| hit.sort == Sort::Playbook).cloned();
    hits.truncate(MOST);
    if let Some(playbook) = playbook.filter(|_| hits.iter().all(|hit| hit.sort != Sort::Playbook)) {
        hits.pop();
        hits.push(playbook);
    }
}

/// In how many items each word stands.
fn counts(items: &[Item]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for item in items {
        let own: std::collections::HashSet<&String> = item.fields.iter().flat_map(|field| &field.words).collect();
        own.into_iter().for_each(|word| *counts.entry(word.clone()).or_insert(0) += 1);
    }
    counts
}

/// The words to look for: those that were typed, what stands nowhere as what it may be meant for, and what flags mean.
fn terms(text: &str, counts: &HashMap<String, usize>, corrected: &mut Vec<(String, Option<String>)>) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    let typed: Vec<String> = words(text);
    let raw: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    for word in &typed {
        if terms.iter().any(|term| term.meant.contains(word)) {
            continue;
        }
        let begun: Vec<String> =
            counts.keys().filter(|known| word.len() >= 3 && known.starts_with(word.as_str())).cloned().collect();
        if counts.contains_key(word) {
            terms.push(Term { meant: vec![word.clone()], weight: 1.0 });
        } else if !begun.is_empty() {
            terms.push(Term { meant: begun, weight: 0.8 });
        } else if !is_flag(word, &raw) {
            // Numbers and codes are no slips of the hand.
            let name = word.chars().all(char::is_alphabetic) && word.len() > 3;
            let near = nearest(word, counts.keys().map(String::as_str).filter(|_| name)).map(str::to_owned);
            let shown = raw.iter().find(|part| words(part).first() == Some(word)).map_or(word.as_str(), |part| part);
            corrected.push((shown.to_owned(), near.clone()));
            terms.extend(near.map(|near| Term { meant: vec![near], weight: 0.6 }));
        }
    }
    for flag in flags(text) {
        for word in words(flag_meaning(flag).unwrap_or_default()) {
            if !terms.iter().any(|term| term.meant.contains(&word)) {
                terms.push(Term { meant: vec![word], weight: 0.4 });
            }
        }
    }
    terms
}

fn is_flag(word: &str, raw: &[&str]) -> bool {
    raw.iter().any(|part| part.to_lowercase() == word && flag_meaning(part).is_some())
}

/// The response flags that a text names: by their long names, or by short ones in capitals.
fn flags(text: &str) -> impl Iterator<Item = &'static str> {
    let parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let named: Vec<&'static str> = flag_names()
        .filter(|short| parts.iter().any(|part| part == short || (part.len() > 5 && flag_short(part) == *short)))
        .collect();
    named.into_iter()
}

/// What the words of a text mean by themselves.
fn facts(known: &Known, text: &str) -> Vec<String> {
    let flag = |flag: &'static str| format!("`{flag}` ({}): {}.", flag_long(flag), flag_meaning(flag).unwrap_or_default());
    let mut facts: Vec<String> = flags(text).map(flag).collect();
    for playbook in known.playbooks {
        for (code, means) in playbook.codes() {
            if text.split(|c: char| !c.is_alphanumeric()).any(|part| part.eq_ignore_ascii_case(&code)) {
                facts.push(format!("`{code}`: a finding of the playbook `{}`: {means}.", playbook.name));
            }
        }
    }
    facts
}

/// How well an item fits, and why.
fn hit(item: &Item, asked: &[(Term, f64)], whole: f64) -> Option<Hit> {
    let in_field = |term: &Term, words: &[String]| term.meant.iter().any(|word| words.contains(word));
    let mut score = 0.0;
    for (term, value) in asked {
        let best = item.fields.iter().filter(|field| in_field(term, &field.words)).map(|field| field.weight).fold(0.0, f64::max);
        score += value * best;
    }
    if score <= 0.0 {
        return None;
    }
    // All of it in one place is worth more than a word here and a word there.
    let part = |words: &[String]| asked.iter().filter(|(term, _)| in_field(term, words)).map(|(_, value)| value).sum::<f64>();
    let together = |field: &Field| {
        let share = part(&field.words) / whole;
        let fitting = field.words.iter().filter(|word| asked.iter().any(|(term, _)| term.meant.contains(word))).count();
        // Of two lines that hold all of it, the one that says little else is meant.
        let exact = if field.short { 1.0 + fitting as f64 / field.words.len().max(1) as f64 } else { 0.5 };
        share * share * field.weight * whole * exact
    };
    let best = item.fields.iter().max_by(|a, b| together(a).total_cmp(&together(b)))?;
    let why = best.why.clone();
    Some(Hit {
        sort: item.sort,
        name: item.name.clone(),
        call: item.call.clone(),
        about: item.about.clone(),
        why,
        // A playbook does the whole of it.
        score: (score + together(best)) * if item.sort == Sort::Playbook { 1.1 } else { 1.0 },
    })
}

/// The page of a search.
///
/// # Errors
/// When nothing helps, with the nearest name.
pub fn page_of(known: &Known, text: &str) -> Result<Page> {
    let found = hits(known, text);
    // A name that stands nowhere is a slip of the hand, and what it is like would only mislead.
    let stranger = !found.corrected.is_empty() && words(text).len() == 1;
    if stranger || (found.hits.is_empty() && found.facts.is_empty()) {
        return Err(nothing(known, text));
    }
    let mut page_text = format!("# {}\n\n", one_line(text));
    let names = names(known);
    if let Some(name) = slip(text, names.iter().map(String::as_str)) {
        page_text += &format!("Did you mean `{name}`? `help(\"{name}\")` tells about it.\n\n");
    }
    found.facts.iter().for_each(|fact| page_text += &format!("{fact}\n\n"));
    for (word, near) in &found.corrected {
        page_text += &match near {
            Some(near) => format!("“{word}” stands nowhere; looked for “{near}”.\n\n"),
            None => format!("“{word}” stands nowhere.\n\n"),
        };
    }
    for hit in &found.hits {
        let sort = if hit.sort == Sort::Function { String::new() } else { format!("{}: ", hit.sort.word()) };
        page_text += &format!("- `{}`: {sort}{}\n", hit.call, hit.about);
        page_text += &if hit.why.is_empty() { String::new() } else { format!("  - {}\n", hit.why) };
    }
    let runs = known.catalog.command("run").is_some() && found.hits.iter().any(|hit| hit.sort == Sort::Playbook);
    let here = if runs { "; at a prompt, `:run NAME` runs a playbook where you are" } else { "" };
    page_text += &format!("\n`help(\"NAME\")` tells all of one{here}.\n");
    let data: Value = json!({"asked": text, "facts": found.facts, "hits": super::hits_as_data(&found.hits)});
    Ok(page(page_text, data))
}

/// Nothing helps: names like it, and the way on.
fn nothing(known: &Known, text: &str) -> Error {
    let error = Error::new(Kind::NotFound, format!("nothing is known about {:?}", one_line(text)));
    match near(known, text) {
        Some(near) => error.hint(format!("did you mean {near}? help() shows all that there is")),
        None => error.hint("help() shows all that there is; an error's text can be asked for as it stands"),
    }
}

/// The names of all functions and playbooks.
fn names(known: &Known) -> Vec<String> {
    let functions = known.catalog.entries.iter().map(Entry::full_name);
    functions.chain(known.playbooks.iter().map(|playbook| playbook.name.clone())).collect()
}

/// The nearest name of a function or a playbook.
fn near(known: &Known, text: &str) -> Option<String> {
    let playbook = || nearest(text, known.playbooks.iter().map(|playbook| playbook.name.as_str())).map(str::to_owned);
    known.catalog.suggest(text).or_else(playbook)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
