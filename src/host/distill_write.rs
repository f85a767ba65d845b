//! The text of a playbook that was a session.

use super::catalog::Catalog;
use super::distill::{Distilled, Plan, Recorded};
use super::distill_flow::{Answer, Needs};
use super::distill_lift::{Lifted, is_secret, lift};
use super::distill_pieces::Piece;
use super::distill_text::{code_length, offset, piece_at, quoted, to_closing};
use super::tokens::{TokenKind, tokens};
use super::typed_secrets::secret_places;
use super::{Param, ParamKind};
use crate::backend::{Effect, Redactor};
use crate::mesh::pod_ref::names_file;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What becomes of a statement.
#[derive(Debug, Default, Clone)]
pub(super) struct Form {
    /// Its value is shown.
    pub show: bool,
    /// Its value, or its failure, gets this name.
    pub name: Option<String>,
    /// This variable is shown behind it.
    pub then_show: Option<String>,
}

/// Families of functions that ask nobody.
const LOCAL: [&str; 5] = ["values", "rows", "json", "jwt", "report"];

/// Write it.
pub(super) fn write(
    catalog: &Catalog,
    pieces: &[Piece],
    needs: &[Needs],
    plan: &Plan,
    recorded: &Recorded,
    effect: Effect,
) -> Distilled {
    let lifted = lift(pieces, needs, plan);
    let own_params = plan.forms.keys().any(|index| pieces[*index].facts.declares.iter().any(|name| name == "params"));
    let params = if own_params { "given" } else { "params" };
    let mut blocks = Vec::new();
    if own_params && !lifted.params.is_empty() {
        blocks.push(format!("let {params} = params;"));
    }
    for (index, form) in &plan.forms {
        let edits = edits(pieces, needs, plan, &lifted, *index, params);
        let text = edited(&pieces[*index].text, edits);
        let mut block = statement(&pieces[*index], form, &text);
        if let Some(texts) = lifted.stays.get(index) {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            block.insert_str(0, &format!("// A function sees no params: {} stays as it was typed.\n", texts.join(", ")));
        }
        blocks.push(block);
    }
    let mut notes = Vec::new();
    let body = without_secrets(&joined(&blocks), &mut notes);
    let head = head(catalog, pieces, plan, recorded, effect, &lifted);
    let kept = (plan.forms.len(), pieces.iter().filter(|piece| !piece.command).count());
    let params = lifted.params.into_iter().map(|(param, _)| param).collect();
    Distilled { text: format!("{head}\n{body}"), needs: effect, params, namespace: plan.namespace.clone(), notes, kept }
}

/// Statements below each other; what spans lines stands apart.
fn joined(blocks: &[String]) -> String {
    let mut text = String::new();
    for (number, block) in blocks.iter().enumerate() {
        let apart = number > 0 && (block.contains('\n') || blocks[number - 1].contains('\n'));
        if apart {
            text.push('\n');
        }
        text += block;
        text.push('\n');
    }
    text
}

/// What is to be put in place of which parts of a statement's text.
fn edits(
    pieces: &[Piece],
    needs: &[Needs],
    plan: &Plan,
    lifted: &Lifted,
    index: usize,
    params: &str,
) -> BTreeMap<usize, (Range<usize>, String)> {
    let piece = &pieces[index];
    let mut edits = BTreeMap::new();
    let mut put = |range: Option<Range<usize>>, text: String| {
        if let Some(range) = range {
            edits.insert(range.start, (range, text));
        }
    };
    let at = |at| offset(&piece.text, at);
    for (_, number, name) in lifted.places.iter().filter(|(place, ..)| *place == index) {
        let range = at(piece.facts.literals[*number].at).and_then(|start| piece_at(&piece.text, start));
        put(range, format!("{params}.{name}"));
    }
    for (number, answer) in &needs[index].answers {
        let (Answer::Value(from) | Answer::Failure(from)) = answer else { continue };
        let Some(name) = plan.forms.get(from).and_then(|form| form.name.clone()) else { continue };
        let used = &piece.facts.uses[*number];
        let start = at(used.at);
        let range = match used.index.filter(|_| used.name == super::results::ALL) {
            Some(_) => start.and_then(|start| to_closing(&piece.text, start)),
            None => start.and_then(|start| piece_at(&piece.text, start)),
        };
        put(range, name);
    }
    for (_, old, new) in plan.renamed.iter().filter(|(place, ..)| *place == index) {
        for call in piece.facts.calls.iter().filter(|call| call.name == *old) {
            let range = at(call.at).and_then(|start| piece_at(&piece.text, start));
            let range = range.filter(|range| piece.text[range.clone()].trim_matches('"') == old);
            let text = range.as_ref().map(|range| piece.text[range.clone()].replace(old.as_str(), new));
            put(range, text.unwrap_or_default());
        }
        if piece.facts.functions.iter().any(|(name, _)| name == old) {
            put(defined_name(&piece.text, old), new.clone());
        }
    }
    edits
}

/// Where a function's name stands in its definition.
fn defined_name(text: &str, name: &str) -> Option<Range<usize>> {
    let tokens = tokens(text);
    let pair = tokens.windows(2).find(|pair| text[pair[0].range.clone()] == *"fn" && text[pair[1].range.clone()] == *name);
    pair.map(|pair| pair[1].range.clone())
}

fn edited(text: &str, edits: BTreeMap<usize, (Range<usize>, String)>) -> String {
    let mut text = text.to_owned();
    for (range, new) in edits.into_values().rev() {
        text.replace_range(range, &new);
    }
    text
}

/// A statement as it stands in the playbook.
fn statement(piece: &Piece, form: &Form, text: &str) -> String {
    let is_comment = |kind: TokenKind| matches!(kind, TokenKind::Comment | TokenKind::OpenComment);
    let start = tokens(text).iter().find(|token| !is_comment(token.kind)).map_or(0, |token| token.range.start);
    let end = code_length(text);
    let (before, code) = (&text[..start], &text[start..end]);
    let behind = text[end..].trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    let behind = if behind.is_empty() { String::new() } else { format!(" {behind}") };
    let written = match (&form.name, piece.broke) {
        (Some(name), true) => format!("let {name} = ();\ntry {{ {code}; }} catch (failure) {{ {name} = as_error(failure); }}"),
        (None, true) => format!("try {{ {code}; }} catch {{}}"),
        (Some(name), false) if form.show => format!("let {name} = {code};\nshow({name});"),
        (Some(name), false) => format!("let {name} = {code};"),
        (None, false) if form.show => format!("show({code});"),
        (None, false) if piece.facts.closed => code.to_owned(),
        (None, false) => format!("{code};"),
    };
    let then = form.then_show.as_ref().map_or(String::new(), |name| format!("\nshow({name});"));
    format!("{before}{written}{behind}{then}")
}

/// Whatever secret is left, in a function, in a comment, in the middle of a text, is not written down.
fn without_secrets(text: &str, notes: &mut Vec<String>) -> String {
    let redactor = Redactor::default();
    let kinds = [TokenKind::Text, TokenKind::Unfinished, TokenKind::Comment, TokenKind::OpenComment];
    let named: Vec<usize> = secret_places(text).collect();
    let mut clean = text.to_owned();
    for token in tokens(text).into_iter().rev().filter(|token| kinds.contains(&token.kind)) {
        let part = &text[token.range.clone()];
        // What makes it a text or a comment stays; of a text with `${}` each part has one quote at most.
        let (opens, closes): (&[&str], &[&str]) = (&["//", "/*", "\"", "'", "`"], &["*/", "\"", "'", "`"]);
        let open = opens.iter().find(|open| part.starts_with(**open)).map_or(0, |open| open.len());
        let close = closes.iter().find(|close| part[open..].ends_with(**close)).map_or(0, |close| close.len());
        let inner = token.range.start + open..token.range.end - close;
        let is_named = named.iter().any(|place| token.range.contains(place)) && !names_file(&text[inner.clone()]);
        if is_named || is_secret(&text[inner.clone()]) {
            let redacted = redactor.bytes(text[inner.clone()].as_bytes(), false);
            let redacted = redacted.map(|clean| String::from_utf8_lossy(&clean).into_owned()).filter(|clean| !is_secret(clean));
            clean.replace_range(inner, &redacted.unwrap_or_else(|| " ⟨redacted⟩ ".into()));
            notes.push("a secret stood where no parameter can be put, in a function or a comment: it is left out".into());
        }
    }
    notes.dedup();
    clean
}

fn head(catalog: &Catalog, pieces: &[Piece], plan: &Plan, recorded: &Recorded, effect: Effect, lifted: &Lifted) -> String {
    let title = title(&recorded.name);
    let mut text = format!("//! {title}: a session, saved.\n//!\n");
    text += &format!("//! Recorded {} on {}.", recorded.at, recorded.place);
    let called: BTreeSet<&str> =
        plan.forms.keys().flat_map(|index| &pieces[*index].facts.calls).map(|call| call.name.as_str()).collect();
    let asks = catalog.entries.iter().filter(|entry| !LOCAL.contains(&entry.family.as_str()));
    let asked: BTreeSet<String> = asks.map(|entry| entry.full_name()).filter(|name| called.contains(name.as_str())).collect();
    if !asked.is_empty() {
        text += &format!(" It asks: {}.", asked.into_iter().collect::<Vec<_>>().join(", "));
    }
    if let Some(namespace) = &plan.namespace {
        text += &format!("\n//! Names without a namespace are those of {namespace}: `--namespace {namespace}`.");
    }
    text += &format!("\n\nconst PLAYBOOK = #{{\n    title: {},\n    needs: [{}],\n", quoted(&title), quoted(effect.word()));
    if !lifted.params.is_empty() {
        let lines: Vec<String> = lifted.params.iter().map(|(param, _)| declared(param)).collect();
        text += &format!("    params: #{{\n{}    }},\n", lines.concat());
    }
    text + "};\n"
}

fn declared(param: &Param) -> String {
    let kind = match param.kind {
        ParamKind::Pod => "pod",
        ParamKind::Namespace => "namespace",
        _ => "secret",
    };
    let value = param.value.as_ref().and_then(|value| value.as_str()).map(|value| format!(", value: {}", quoted(value)));
    format!(
        "        {}: #{{ kind: {}, help: {}{} }},\n",
        param.name,
        quoted(kind),
        quoted(&param.help),
        value.unwrap_or_default()
    )
}

/// A file's name as a title.
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
