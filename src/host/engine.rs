//! The engine: language settings, limits, and what ends a runaway script.

use super::limits::Limits;
use super::session::{Interrupt, Session, interrupted};
use super::underscore;
use crate::error::{Error, Kind};
use rhai::{Dynamic, Engine, Token};
use std::sync::Arc;

/// The language as pilotage speaks it, for compiling and for running.
///
/// All depths are set: the engine's own defaults differ between debug and release builds.
pub(super) fn language(engine: &mut Engine) {
    engine.set_max_expr_depths(128, 64);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_strict_variables(true);
    // Folding would turn a constant secret into its type's name inside of text, and a missing property of a literal into ().
    engine.set_optimization_level(rhai::OptimizationLevel::None);
    // A string that becomes code would escape every check made before running.
    engine.disable_symbol("eval");
    free_words(engine);
}

/// Words that the language keeps for a use it does not have, and that we name modules by.
const FREE_WORDS: [&str; 1] = ["sync"];

/// Whether the language keeps this word, and we do not.
pub(super) fn is_free_word(word: &str) -> bool {
    FREE_WORDS.contains(&word)
}

#[allow(deprecated)] // what the language calls this hook, since its tokens may change
fn free_words(engine: &mut Engine) {
    engine.on_parse_token(|token, at, _| match token {
        Token::Underscore => underscore::token(at),
        Token::Reserved(word) if is_free_word(&word) => Token::Identifier(word),
        token => token,
    });
}

/// Limits, and the ear for Ctrl-C.
pub(super) fn guard(engine: &mut Engine, limits: Limits, interrupt: Interrupt) {
    engine.set_max_operations(limits.operations);
    engine.set_max_call_levels(limits.call_depth);
    engine.on_progress(move |_| {
        if interrupt.is_triggered() {
            return Some(interrupted());
        }
        match limits.memory {
            Some((most, used)) if used() > most => Some(out_of_memory(most)),
            _ => None,
        }
    });
}

fn out_of_memory(most: usize) -> Dynamic {
    let message = format!("the script used more than {} MiB of memory", most >> 20);
    Dynamic::from(Error::new(Kind::Limit, message).hint("keep rows rather than whole documents; `--max-memory` raises the limit"))
}

/// `print` and `debug` go where the session says.
pub(super) fn printing(engine: &mut Engine, session: &Arc<Session>) {
    let printer = session.clone();
    engine.on_print(move |text| printer.print(text));
    let printer = session.clone();
    engine.on_debug(move |text, _, _| printer.print(text));
}
