//! A look at a variable: where the last statement of a text is nothing but its name, what it holds is shown and kept, not copied.
//!
//! The language copies whatever a name stands for, with all that is in it: a look at rows that a script made would take as much
//! memory as making them. So the variable and whoever looked hold one value, until a later text touches the variable: then it
//! gets its own copy, and what was looked at stays as it was.

use rhai::{AST, Dynamic, Engine, EvalAltResult, Expr, ImmutableString, Position, Scope, Stmt};
use std::collections::HashSet;

/// What a text gives whose last statement would have come next.
#[derive(Clone)]
struct Reached;

/// The variables that share what they hold with somebody who looked.
#[derive(Default)]
pub(super) struct Looked(HashSet<ImmutableString>);

impl Looked {
    /// Evaluate a text; its last statement may be a look.
    pub(super) fn eval(&mut self, engine: &Engine, scope: &mut Scope, text: &AST) -> Result<Dynamic, Box<EvalAltResult>> {
        let Some((name, before, last)) = look(text) else { return engine.eval_ast_with_scope(scope, text) };
        let value: Dynamic = engine.eval_ast_with_scope(scope, &before)?;
        if !value.is::<Reached>() {
            // It returned early.
            return Ok(value);
        }
        match scope.get_mut(&name).filter(|held| !held.is_shared() && (held.is_array() || held.is_map())) {
            Some(held) => {
                let shared = held.take().into_read_only().into_shared();
                *held = shared.clone();
                self.0.insert(name);
                Ok(shared)
            }
            None if self.0.contains(&name) => Ok(scope.get(&name).cloned().unwrap_or_default()),
            None => engine.eval_ast_with_scope(scope, &last),
        }
    }

    /// A text is about to run: what it touches becomes its own again. No function sees variables that are not named in the text.
    pub(super) fn part(&mut self, scope: &mut Scope, source: &str) {
        self.0.retain(|name| {
            if source.trim() == name || !mentions(source, name) {
                return true;
            }
            if let Some(held) = scope.get_mut(name) {
                *held = held.flatten_clone();
            }
            false
        });
    }
}

/// The variable that a text ends with, the text before that, and that alone.
fn look(text: &AST) -> Option<(ImmutableString, AST, AST)> {
    let (last, before) = text.statements().split_last()?;
    let Stmt::Expr(expression) = last else { return None };
    let Expr::Variable(variable, ..) = &**expression else { return None };
    if !variable.2.is_empty() {
        return None;
    }
    let end = Expr::DynamicConstant(Box::new(Dynamic::from(Reached)), Position::NONE);
    let part = |statements: Vec<Stmt>| {
        let mut part = AST::new(statements, text.shared_lib().clone());
        part.set_source(text.source().unwrap_or_default());
        part
    };
    let before = before.iter().cloned().chain([Stmt::Expr(Box::new(end))]).collect();
    Some((variable.1.clone(), part(before), part(vec![last.clone()])))
}

/// Whether a text names it anywhere, be it in a text within.
fn mentions(source: &str, name: &str) -> bool {
    source.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pilotage;
    use crate::backend::testing::Script;
    use crate::report::Content;
    use rhai::Array;
    use serde_json::{Value, json};

    fn session() -> Pilotage {
        Pilotage::builder(Script::silent()).build().expect("it builds")
    }

    fn json_of(content: &Content) -> Value {
        match content {
            Content::Table(table) => serde_json::to_value(table.records()).unwrap(),
            Content::Value(value) => value.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn gives(session: &Pilotage, source: &str, wanted: &Value) {
        let shown = session.enter(source).unwrap_or_else(|failure| panic!("{source}: {failure}"));
        assert_eq!(&json_of(&shown.content), wanted, "{source}");
    }

    #[test]
    fn what_was_looked_at_stays_as_it_was() {
        let session = session();
        gives(&session, "let a = [#{ n: 1 }]; a", &json!([{"n": 1}]));
        gives(&session, "a.push(#{ n: 2 }); a[0].n = 7; a", &json!([{"n": 7}, {"n": 2}]));
        gives(&session, "out[1]", &json!([{"n": 1}]));
        gives(&session, "a", &json!([{"n": 7}, {"n": 2}]));
        gives(&session, "let told = `${a.pop().n}`; [told, a.len()]", &json!(["2", 1]));
        gives(&session, "out[-2]", &json!([{"n": 7}, {"n": 2}]));
        gives(&session, "a[0].n", &json!(7));
        gives(&session, "let b = a; b[0].n = 0; a", &json!([{"n": 7}]));
        gives(&session, "b", &json!([{"n": 0}]));
        gives(&session, "b = [4]; b += 5; b", &json!([4, 5]));
        gives(&session, "let m = #{ x: [1] }; m", &json!({"x": [1]}));
        gives(&session, "m.x.push(2); m", &json!({"x": [1, 2]}));
        assert!(session.enter("out[1].push(3)").is_err(), "a result is as it was");
    }

    #[test]
    fn closures_go_on_sharing_their_variables() {
        let session = session();
        gives(&session, "let a = [1]; a", &json!([1]));
        gives(&session, "let add = || a.push(2); add.call(); a", &json!([1, 2]));
        gives(&session, "add.call(); a.len()", &json!(3));
        gives(&session, "out[2]", &json!([1, 2]));
    }

    #[test]
    fn who_returns_early_gives_that_and_whatever_else_is_named_fails_as_ever() {
        let session = session();
        gives(&session, "let a = [1]; if a.len() == 1 { return 5; } a", &json!(5));
        gives(&session, "const A = [1, 2]; A", &json!([1, 2]));
        gives(&session, "let n = 4; n", &json!(4));
        let failure = session.enter("nobody").expect_err("there is none");
        assert!(failure.to_string().contains("nobody") && failure.to_string().contains("1:1"), "{failure}");
    }

    #[test]
    fn a_look_copies_nothing_until_the_variable_is_touched() {
        let (mut engine, mut scope, mut looked) = (Engine::new(), Scope::new(), Looked::default());
        // As for all scripts.
        engine.set_optimization_level(rhai::OptimizationLevel::None);
        let place = |value: &Dynamic| value.read_lock::<Array>().expect("an array").as_ptr();
        let mut enter = |source: &str| {
            looked.part(&mut scope, source);
            let text = engine.compile_with_scope(&scope, source).expect(source);
            let value = looked.eval(&engine, &mut scope, &text).expect(source);
            (place(&value), place(scope.get("a").expect("it was declared")), value)
        };
        let (first, variable, kept) = enter("let a = [#{ n: 1 }]; a");
        let (again, same, _) = enter("a");
        assert!([variable, again, same].iter().all(|other| *other == first));
        let _ = enter("[1]");
        let (_, own, _) = enter("a.push(2); [a.len()]");
        assert_ne!(own, first);
        assert_eq!(kept.read_lock::<Array>().map(|kept| kept.len()), Some(1));
    }
}
