//! What may stand at the cursor in a script.

use super::complete_call::{Keys, Parameter};
use super::complete_chain::chain;
use super::complete_command::results;
use super::complete_cursor::{Cursor, Frame, Open, Spot};
use super::complete_files::files;
use super::complete_live::{self, Living};
use super::complete_means::{self as means, Means};
use super::complete_rank::Offer;
use super::complete_topics::topics;
use super::complete_types::{Types, item, takes};
use crate::Pilotage;
use crate::host::{Entry, Form, LiveNames, Step, TokenKind as K, Whose};
use crate::record::Column;
use std::sync::Arc;

/// Words of the language that begin or continue a statement.
const KEYWORDS: [&str; 19] = [
    "let", "const", "if", "else", "for", "in", "while", "loop", "fn", "return", "break", "continue", "switch", "try", "catch",
    "throw", "import", "true", "false",
];

/// What may stand at the cursor.
pub struct Offers<'a> {
    types: Types<'a>,
    /// The pod that was spoken of last.
    last_pod: Option<String>,
}

impl<'a> Offers<'a> {
    /// For this cursor.
    pub fn new(pilotage: &'a Pilotage, cursor: &'a Cursor<'a>, last_pod: Option<String>) -> Self {
        Self { types: Types { pilotage, cursor }, last_pod }
    }

    /// All that may stand there.
    pub fn all(&self) -> Living {
        let cursor = self.types.cursor;
        let offers = match &cursor.spot {
            Spot::Nothing => Vec::new(),
            Spot::Name => self.names(),
            Spot::Module(module) => self.of_module(module),
            Spot::Member(last) => self.members(&self.types.ending(*last)),
            // A variable may have taken the name.
            Spot::Result if self.types.pilotage.form_of("out", &[]) == Some(Form::Results) => results(self.types.pilotage),
            Spot::Result => self.names(),
            Spot::Key => return self.keys(),
            Spot::Text(_) => return self.text(),
        };
        Living { offers, trouble: None }
    }

    /// What the text at the cursor means, if it is text.
    pub fn meaning(&self) -> Option<Means> {
        let frame = self.types.cursor.frames.last().filter(|_| matches!(self.types.cursor.spot, Spot::Text(_)))?;
        self.parameter_of_text(frame).and_then(|param| means::of(&param.name))
    }

    /// The names of the mesh that the call at hand asks, unless a tape would be opened for them: who types its name may never
    /// want any.
    pub fn live(&self) -> Option<Arc<LiveNames>> {
        let whose = self.types.whose();
        if matches!(whose, Whose::Tape(_)) { None } else { self.types.pilotage.names_for(&whose) }
    }

    /// The pod that the call at hand is about.
    pub fn pod(&self) -> Option<String> {
        let frame = self.types.call_frame()?;
        let first = self.types.argument_text(frame, 0).filter(|text| !text.is_empty());
        let leads_to_one = |param: &Parameter| ["pod", "proxy"].contains(&param.name.as_str());
        let mut own = frame.clone();
        own.commas = 0;
        let about_pods = self.types.cursor.subject(frame.at).is_some() || self.types.parameters(&own).iter().any(leads_to_one);
        first.filter(|_| about_pods && (frame.commas > 0 || self.types.cursor.subject(frame.at).is_some()))
    }

    fn names(&self) -> Vec<Offer> {
        let pilotage = self.types.pilotage;
        let catalog = pilotage.catalog();
        let mut offers = self.values_of_option();
        let names = pilotage.names();
        let here = self.names_here();
        offers.extend(here.into_iter().map(|name| Offer::plain(name, "")));
        offers.extend(names.variables.into_iter().map(|name| {
            let about = pilotage.form_of(&name, &[]).map(|form| described(&form)).unwrap_or_default();
            Offer::plain(name, about)
        }));
        offers.extend(names.functions.into_iter().map(|(name, params)| Offer {
            about: format!("({})", params.join(", ")).into(),
            insert: call(&name, params.is_empty()),
            name: name.into(),
        }));
        let global = catalog.entries.iter().filter(|entry| entry.module.is_none());
        offers.extend(global.map(|entry| function(entry, 0)));
        let modules = catalog.modules().into_iter().map(|module| format!("{module}::"));
        let imported = names.modules.into_iter().map(|module| format!("{module}::"));
        offers.extend(modules.chain(imported).map(|module| Offer::plain(module, "a module")));
        let begins = self.begins_statement();
        let keywords = KEYWORDS.iter().filter(|word| begins || ["true", "false", "if", "switch"].contains(word));
        offers.extend(keywords.map(|word| Offer::plain(*word, "")));
        unique(offers)
    }

    /// Whether a statement may begin at the cursor.
    fn begins_statement(&self) -> bool {
        let cursor = self.types.cursor;
        let Some(last) = cursor.tokens.len().checked_sub(1) else { return true };
        let new_line = cursor.text[cursor.tokens[last].range.end..cursor.start].contains('\n');
        let inside = cursor.frames.last().is_some_and(|frame| frame.kind != Open::Block);
        !inside && (new_line || cursor.kind(last) == Some(K::Semicolon) || ["{", "}", "${", "else"].contains(&cursor.of(last)))
    }

    /// Names that the text at hand gives.
    fn names_here(&self) -> Vec<String> {
        let cursor = self.types.cursor;
        let is_new = |at: &usize| {
            cursor.kind(*at) == Some(K::Name)
                && (["let", "const", "for"].contains(&cursor.of(at - 1)) || cursor.is(at - 1, "|") && cursor.is(at + 1, "|"))
        };
        // What is being given a value is not known in it.
        let end = cursor.tokens.len().saturating_sub(1);
        let whole = move |at: &usize| !(cursor.is(at + 1, "=") && at + 1 == end);
        (1..cursor.tokens.len()).rev().filter(is_new).filter(whole).map(|at| cursor.of(at).to_owned()).collect()
    }

    /// `true` and `false` for options that are one of these, and the words that are listed for others, in quotes.
    fn values_of_option(&self) -> Vec<Offer> {
        let frame = self.types.cursor.frames.last().filter(|frame| frame.kind == Open::Map);
        let Some((column, _)) = frame.and_then(|frame| self.option(frame.key.as_deref()?)) else { return Vec::new() };
        if column.holds == "bool" {
            return ["true", "false"].map(|word| Offer::plain(word, "")).into();
        }
        means::listed(column.doc).into_iter().map(|word| Offer::plain(format!("\"{word}\""), "")).collect()
    }

    /// The option, or the column, that a key of the innermost map stands for; and whether it is a column.
    fn option(&self, key: &str) -> Option<(&'static Column, bool)> {
        match self.types.keys(0)? {
            Keys::Options(schema) => schema.columns.iter().find(|column| column.name == key).map(|column| (column, false)),
            Keys::Named(param, name) if means::of_map(&name) == Some((Means::Field, None)) => {
                self.kind_of_rows(&param).and_then(|kind| self.types.column(&kind, key)).map(|column| (column, true))
            }
            Keys::Named(..) => None,
        }
    }

    fn of_module(&self, module: &str) -> Vec<Offer> {
        let entries = self.types.pilotage.catalog().entries.iter();
        entries.filter(|entry| entry.module.as_deref() == Some(module)).map(|entry| function(entry, 0)).collect()
    }

    /// Fields, then what can be done with it.
    fn members(&self, form: &Form) -> Vec<Offer> {
        let mut offers = self.fields(form);
        offers.retain(|offer| is_word(&offer.name));
        let catalog = self.types.pilotage.catalog();
        let own = catalog.entries.iter().filter(|entry| entry.module.is_none());
        let fits = |entry: &&Entry| entry.ways.iter().any(|way| takes(entry, way, form));
        let mut own: Vec<Offer> = own.filter(fits).map(|entry| function(entry, 1)).collect();
        let mut language: Vec<Offer> = catalog.methods().filter(fits).map(|entry| method(entry, form)).collect();
        // Text names pods, and numbers name nothing: with these it is mostly the language that does something.
        if !matches!(form, Form::Text | Form::Int | Form::Float | Form::Bool) {
            own.append(&mut language);
            own.sort_by(|a, b| a.name.cmp(&b.name));
        } else {
            own.sort_by(|a, b| a.name.cmp(&b.name));
            language.sort_by(|a, b| a.name.cmp(&b.name));
            offers.append(&mut language);
        }
        offers.append(&mut own);
        unique(offers)
    }

    /// The fields of a value, with their meaning.
    fn fields(&self, form: &Form) -> Vec<Offer> {
        match form {
            Form::Row(kind, fields) => {
                let about = |name: &str| self.types.column(kind, name).map(|column| line(column.doc)).unwrap_or_default();
                fields.iter().map(|name| Offer::plain(name.clone(), about(name))).collect()
            }
            Form::Map(keys) | Form::Document(keys) => keys.iter().map(|key| Offer::plain(key.clone(), "")).collect(),
            _ => Vec::new(),
        }
    }

    /// Keys of the map at the cursor that are not there yet.
    fn keys(&self) -> Living {
        let frame = self.types.cursor.frames.last();
        let used = frame.map(|frame| frame.keys.clone()).unwrap_or_default();
        let mut found = match self.types.keys(0) {
            Some(Keys::Options(schema)) => {
                let offers = schema.columns.iter().map(|column| Offer::plain(column.name, line(column.doc))).collect();
                Living { offers, trouble: None }
            }
            Some(Keys::Named(param, name)) => match means::of_map(&name) {
                Some((Means::Field, _)) => Living { offers: self.fields_of_rows(&param), trouble: None },
                Some((keys, _)) => self.living(keys, &param),
                None => Living::default(),
            },
            None => Living::default(),
        };
        found.offers.retain(|offer| !used.iter().any(|used| *used == offer.name));
        for offer in &mut found.offers {
            let quoted = if is_word(&offer.name) { offer.name.to_string() } else { format!("{:?}", offer.name) };
            offer.insert = format!("{quoted}: ");
        }
        found
    }

    /// The rows that a parameter is about: those of the call's subject, or of its first argument, or those that it gives.
    fn rows_of(&self, param: &Parameter) -> Form {
        let asked = |form: &Form| matches!(item(form.clone()), Form::Row(..) | Form::Map(_));
        let subject = self.types.call_frame().and_then(|frame| self.types.first_argument(frame)).filter(asked);
        match (subject, param.entry.and_then(|entry| entry.rows.first().copied())) {
            (Some(subject), None) => item(subject),
            (_, Some(schema)) => Form::Row(schema.name.into(), schema.names().map(str::to_owned).collect()),
            _ => Form::Unknown,
        }
    }

    fn kind_of_rows(&self, param: &Parameter) -> Option<String> {
        match self.rows_of(param) {
            Form::Row(kind, _) => Some(kind),
            _ => None,
        }
    }

    fn fields_of_rows(&self, param: &Parameter) -> Vec<Offer> {
        self.fields(&self.rows_of(param))
    }

    /// The parameter that text at the cursor is for.
    fn parameter_of_text(&self, frame: &Frame) -> Option<Parameter<'a>> {
        let takes_text = |param: &Parameter| ["string", "any"].contains(&param.kind.as_str());
        match frame.kind {
            Open::Call => self.types.parameters(frame).into_iter().find(takes_text),
            // An item of a list that is an argument.
            Open::List => {
                let frames = &self.types.cursor.frames;
                let call = frames.len().checked_sub(2).map(|outer| &frames[outer]).filter(|outer| outer.kind == Open::Call)?;
                self.types.parameters(call).into_iter().find(|param| ["array", "any"].contains(&param.kind.as_str()))
            }
            _ => None,
        }
    }

    fn text(&self) -> Living {
        let cursor = self.types.cursor;
        if let Some(found) = self.compared() {
            return found;
        }
        let Some(frame) = cursor.frames.last() else { return self.imported() };
        match frame.kind {
            Open::Index => Living { offers: self.fields(&self.types.ending(frame.at - 1)), trouble: None },
            Open::Map => frame.key.as_deref().map(|key| self.value_of(key)).unwrap_or_default(),
            _ => match self.parameter_of_text(frame) {
                Some(param) => self.of_parameter(&param),
                None => self.imported(),
            },
        }
    }

    /// `import "…"`.
    fn imported(&self) -> Living {
        let cursor = self.types.cursor;
        let is_import = cursor.tokens.len().checked_sub(1).is_some_and(|last| cursor.is(last, "import"));
        Living { offers: if is_import { files(cursor.word()) } else { Vec::new() }, trouble: None }
    }

    /// Text that a field is compared with.
    fn compared(&self) -> Option<Living> {
        let cursor = self.types.cursor;
        let sign = cursor.tokens.len().checked_sub(1).filter(|last| cursor.is(*last, "==") || cursor.is(*last, "!="))?;
        let mut left = chain(cursor, sign.checked_sub(1)?);
        let Some(super::complete_chain::Link::Step(Step::Field(field))) = left.links.pop() else { return None };
        let Form::Row(kind, _) = self.types.chain(&left, 0) else { return None };
        Some(self.values_of_column(&kind, &field, &self.types.home(&left, 0)))
    }

    /// What a column of rows may hold.
    fn values_of_column(&self, kind: &str, field: &str, whose: &Whose) -> Living {
        let Some(column) = self.types.column(kind, field) else { return Living::default() };
        let listed = words(&means::listed(column.doc));
        if !listed.offers.is_empty() {
            return listed;
        }
        let means = match (kind, field) {
            (_, "pod" | "proxy") => Means::Object,
            (_, field) => means::of(field).unwrap_or(Means::Listed),
        };
        let of = if field == "pod" { "pod" } else { kind };
        self.names_in(whose, means, Some(of.to_owned()))
    }

    /// What stands behind a key of the map at the cursor.
    fn value_of(&self, key: &str) -> Living {
        if let Some(Keys::Named(param, name)) = self.types.keys(0)
            && let Some((_, Some(Means::Level))) = means::of_map(&name)
        {
            return self.levels(&param, "logger");
        }
        match self.option(key) {
            Some((column, true)) => {
                let kind = match self.types.keys(0) {
                    Some(Keys::Named(param, _)) => self.kind_of_rows(&param),
                    _ => None,
                };
                kind.map(|kind| self.values_of_column(&kind, column.name, &self.types.whose())).unwrap_or_default()
            }
            Some((column, false)) => {
                let listed = words(&means::listed(column.doc));
                match means::of(key).filter(|means| ![Means::Object, Means::Level, Means::Kind].contains(means)) {
                    Some(means) if listed.offers.is_empty() || means != Means::Listed => self.names_of(means),
                    _ => listed,
                }
            }
            None => Living::default(),
        }
    }

    fn of_parameter(&self, param: &Parameter) -> Living {
        match means::of(&param.name) {
            Some(means) => self.living(means, param),
            None => Living::default(),
        }
    }

    fn living(&self, means: Means, param: &Parameter) -> Living {
        match means {
            Means::Field => Living { offers: self.fields_of_rows(param), trouble: None },
            Means::File => Living { offers: files(self.types.cursor.word()), trouble: None },
            Means::Topic => Living { offers: topics(self.types.pilotage), trouble: None },
            Means::Listed => words(&param.entry.map(|entry| means::listed(&means::told(entry))).unwrap_or_default()),
            Means::Level => self.levels(param, param.before.last().map(String::as_str).unwrap_or_default()),
            _ => {
                let mut found = self.names_of(means);
                if means == Means::Proxy && ["left", "right"].contains(&param.name.as_str()) {
                    found.offers.insert(0, Offer::plain("istiod", "what istiod would send"));
                }
                found
            }
        }
    }

    /// The levels that the thing before them has, or the function speaks of.
    fn levels(&self, param: &Parameter, of: &str) -> Living {
        let column = self.types.column(of, "level").map(|column| means::listed(column.doc)).filter(|words| words.len() > 2);
        words(&column.unwrap_or_else(|| param.entry.map(|entry| means::listed(&means::told(entry))).unwrap_or_default()))
    }

    fn names_of(&self, means: Means) -> Living {
        let typed = self.types.cursor.word();
        let is_path = ["./", "../", "/", "~/"].iter().any(|start| typed.starts_with(start));
        if means == Means::Proxy && is_path {
            return Living { offers: files(typed), trouble: None };
        }
        let kind = self.types.call_frame().and_then(|frame| self.kind_argument(frame));
        self.names_in(&self.types.whose(), means, kind)
    }

    /// The names that live in a mesh.
    fn names_in(&self, whose: &Whose, means: Means, kind: Option<String>) -> Living {
        let Some(live) = self.types.pilotage.names_for(whose) else { return Living::default() };
        // The pod that was spoken of last lives in the mesh at hand.
        let pod = if *whose == Whose::Here { self.pod_at_hand() } else { self.pod() };
        complete_live::names(&live, means, self.types.cursor.word(), pod, kind)
    }

    /// The text of the argument that says of which kind an object is.
    fn kind_argument(&self, frame: &Frame) -> Option<String> {
        let params = self.types.parameters(frame);
        let at = params.iter().find_map(|param| param.before.iter().position(|name| name == "kind"))?;
        self.types.argument_text(frame, at)
    }

    fn pod_at_hand(&self) -> Option<String> {
        self.pod().or_else(|| self.last_pod.clone())
    }
}

fn words(words: &[String]) -> Living {
    Living { offers: words.iter().map(|word| Offer::plain(word.clone(), "")).collect(), trouble: None }
}

/// A function, by a name that may have its module in front. `given`: how many of its parameters stand before the dot.
fn function(entry: &Entry, given: usize) -> Offer {
    let takes_none = entry.ways.iter().all(|way| way.params.len() <= given);
    Offer { name: entry.name.clone().into(), insert: call(&entry.name, takes_none), about: line(&entry.summary).into() }
}

/// A function of the language, as a method of such a value: what it says of that.
fn method(entry: &Entry, form: &Form) -> Offer {
    let word = form.word().unwrap_or_default();
    let told = entry.doc.split("\n\n").find(|part| part.to_lowercase().contains(word) && !part.starts_with(['`', '#', '*']));
    let takes_none = entry.ways.iter().filter(|way| takes(entry, way, form)).all(|way| way.params.len() <= 1);
    let about = line(told.unwrap_or(&entry.summary));
    Offer { name: entry.name.clone().into(), insert: call(&entry.name, takes_none), about: about.into() }
}

fn call(name: &str, takes_none: bool) -> String {
    format!("{name}{}", if takes_none { "()" } else { "(" })
}

/// The first sentence of a description, in one line.
pub fn line(doc: &str) -> String {
    let doc = doc.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    match doc.find(". ") {
        Some(end) => doc[..end].to_owned(),
        None => doc.trim_end_matches('.').to_owned(),
    }
}

/// Whether a name can stand as it is behind a dot, and in front of a colon.
fn is_word(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn described(form: &Form) -> String {
    match form {
        Form::Array(of) => match &**of {
            Form::Row(kind, _) => format!("{kind} rows"),
            other => other.word().map_or_else(|| "an array".into(), |word| format!("an array of {word}")),
        },
        Form::Row(kind, _) => format!("a {kind} row"),
        Form::Results => "the results of this session: `out[3]` is the third, `out[-2]` the last but one".to_owned(),
        other => other.word().unwrap_or_default().to_owned(),
    }
}

/// The first of each name.
fn unique(offers: Vec<Offer>) -> Vec<Offer> {
    let mut seen = std::collections::HashSet::new();
    offers.into_iter().filter(|offer| seen.insert(offer.name.clone())).collect()
}
