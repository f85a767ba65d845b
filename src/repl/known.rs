//! Which names an input can use: functions, modules and variables of the session, and those that it declares itself.

use super::highlight::Use;
use crate::Pilotage;
use crate::host::{Names, Token, TokenKind};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The names that a session knows when an input begins.
pub struct Known {
    pilotage: Arc<Pilotage>,
    variables: HashSet<String>,
    functions: HashSet<String>,
    modules: HashSet<String>,
    /// The modules of the standard library.
    library: HashSet<String>,
    /// What the catalog said of functions: it is asked for the same names at every key.
    asked: RefCell<HashMap<String, bool>>,
}

impl Known {
    /// What there is now.
    pub fn new(pilotage: Arc<Pilotage>) -> Self {
        let Names { variables, functions, modules } = pilotage.names();
        Self {
            library: pilotage.catalog().modules().into_iter().collect(),
            pilotage,
            variables: variables.into_iter().collect(),
            functions: functions.into_iter().map(|(name, _)| name).collect(),
            modules: modules.into_iter().collect(),
            asked: RefCell::default(),
        }
    }

    /// Whether there is something of this name that can be used so.
    pub fn is(&self, name: &str, used: Use) -> bool {
        match used {
            Use::Variable => self.variables.contains(name),
            Use::Module => name == "global" || self.modules.contains(name) || self.library.contains(name),
            Use::Function | Use::Method => {
                let of_imported = name.split_once("::").is_some_and(|(module, _)| self.modules.contains(module));
                self.functions.contains(name) || of_imported || self.is_in_catalog(name)
            }
        }
    }

    fn is_in_catalog(&self, name: &str) -> bool {
        if let Some(known) = self.asked.borrow().get(name) {
            return *known;
        }
        let known = self.pilotage.catalog().is_known(name);
        self.asked.borrow_mut().insert(name.to_owned(), known);
        known
    }
}

/// The names that an input declares, wherever in it: whether they are seen at each place is left to the parser.
#[derive(Default)]
pub struct Declared {
    variables: HashSet<String>,
    functions: HashSet<String>,
    modules: HashSet<String>,
}

impl Declared {
    /// Whether a name is one of them.
    pub fn has(&self, name: &str, used: Use) -> bool {
        match used {
            Use::Variable => self.variables.contains(name),
            Use::Module => self.modules.contains(name),
            Use::Function => {
                self.functions.contains(name) || name.split_once("::").is_some_and(|(module, _)| self.modules.contains(module))
            }
            Use::Method => self.functions.contains(name),
        }
    }
}

/// What an input declares.
pub fn declared(text: &str, tokens: &[Token]) -> Declared {
    let mut found = Declared::default();
    // What a switch has for all other cases.
    found.variables.insert("_".into());
    let word = |at: usize| tokens.get(at).map_or("", |token| &text[token.range.clone()]);
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    for at in 0..tokens.len() {
        match (tokens[at].kind, word(at)) {
            (TokenKind::Keyword, "let" | "const") => drop(found.variables.insert(word(at + 1).into())),
            (TokenKind::Keyword, "as") => drop(found.modules.insert(word(at + 1).into())),
            (TokenKind::Keyword, "for" | "catch") => found.variables.extend(group(text, tokens, at + 1)),
            (TokenKind::Keyword, "fn") => {
                found.functions.insert(word(at + 1).into());
                found.variables.extend(group(text, tokens, at + 2));
            }
            (TokenKind::Operator, "|") if at.checked_sub(1).is_none_or(|before| begins_value(kind(before), word(before))) => {
                let params = (at + 1..tokens.len()).take_while(|at| word(*at) != "|");
                found.variables.extend(params.filter(|at| kind(*at) == Some(TokenKind::Name)).map(|at| word(at).to_owned()));
            }
            _ => {}
        }
    }
    found
}

/// The name that stands there, or those in brackets.
fn group(text: &str, tokens: &[Token], at: usize) -> impl Iterator<Item = String> {
    let inside = tokens.get(at).is_some_and(|token| token.kind == TokenKind::Open);
    let names = tokens.get(at..).unwrap_or_default().iter().skip(usize::from(inside));
    let names = names.take_while(|token| matches!(token.kind, TokenKind::Name | TokenKind::Comma));
    let names: Vec<String> =
        names.filter(|token| token.kind == TokenKind::Name).map(|token| text[token.range.clone()].to_owned()).collect();
    names.into_iter().take(if inside { usize::MAX } else { 1 })
}

/// Whether a value begins behind this, so that a bar begins the parameters of a closure.
fn begins_value(kind: Option<TokenKind>, word: &str) -> bool {
    use TokenKind as K;
    match kind {
        Some(K::Name | K::Number | K::Text | K::Close | K::InterpolationEnd) => false,
        Some(K::Keyword) => !["true", "false", "this"].contains(&word),
        _ => true,
    }
}
