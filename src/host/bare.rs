//! `help(endpoints)`: where help is asked, the bare name of a function stands for itself, as text.
//!
//! Only what would fail otherwise is read so: a variable of that name is a value as ever, and a name that nobody declared is an
//! error everywhere else.

use super::catalog::Catalog;
use rhai::{AST, ASTNode, Engine, Expr, ParseError, ParseErrorType, Position, Scope};
use std::borrow::Cow;

/// Compile a text, and tell how it was read.
pub(super) fn compile<'a, 'c>(
    engine: &Engine,
    scope: &Scope,
    source: &'a str,
    catalog: impl Fn() -> &'c Catalog,
) -> (Result<AST, ParseError>, Cow<'a, str>) {
    let mut text = Cow::Borrowed(source);
    loop {
        let compiled = super::underscore::compile(engine, scope, &text);
        if !source.contains("help") {
            return (compiled, text);
        }
        let quoted = match &compiled {
            Err(error) => undeclared(error).and_then(|at| quoted(&text, at, |_| true)),
            Ok(ast) => asked(ast).into_iter().find_map(|at| quoted(&text, at, |name| is_known(catalog(), name))),
        };
        // Each round takes one name into quotes, so it ends.
        match quoted {
            Some(quoted) => text = Cow::Owned(quoted),
            None => return (compiled, text),
        }
    }
}

fn is_known(catalog: &Catalog, name: &str) -> bool {
    let module = name.split_once("::").is_some_and(|(module, _)| catalog.modules().iter().any(|known| known == module));
    module || !catalog.named(name).is_empty()
}

/// Where the variable stands that nobody declared.
fn undeclared(error: &ParseError) -> Option<Position> {
    match error.err_type() {
        ParseErrorType::VariableUndefined(_) | ParseErrorType::ModuleUndefined(_) => Some(error.position()),
        _ => None,
    }
}

/// Where help is asked about something in a module, or about a call without arguments: the name is meant, not the outcome.
fn asked(ast: &AST) -> Vec<Position> {
    let mut found = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::FnCall(call, _))) = path.last()
            && call.name == "help"
            && let [argument] = call.args.as_slice()
        {
            match argument {
                Expr::Variable(name, ..) if !name.2.is_empty() => found.push(argument.position()),
                Expr::FnCall(inner, _) if inner.args.is_empty() => found.push(argument.position()),
                _ => {}
            }
        }
        true
    });
    found
}

/// The text with the name at this place in quotes, where it is all that help is asked.
fn quoted(text: &str, at: Position, known: impl Fn(&str) -> bool) -> Option<String> {
    let inside = offset(text, at)?;
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let start = text[..inside].rfind(|c| !part(c)).map_or(0, |last| last + 1);
    let end = text[inside..].find(|c| !part(c)).map_or(text.len(), |length| inside + length);
    let name = &text[start..end];
    let rest = text[end..].trim_start();
    let rest = rest.strip_prefix("()").unwrap_or(rest);
    // What is not closed yet is being typed.
    let alone = rest.trim_start().is_empty() || rest.trim_start().starts_with(')');
    let opened = text[..start].trim_end().strip_suffix('(')?.trim_end().strip_suffix("help")?;
    let own = !opened.ends_with(|c: char| part(c) || c == '.');
    (alone && own && !name.is_empty() && known(name)).then(|| format!("{}\"{name}\"{rest}", &text[..start]))
}

/// The byte at which a position stands.
fn offset(text: &str, at: Position) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(at.line()?.checked_sub(1)?).map(str::len).sum();
    let column = at.position()?.checked_sub(1)?;
    let within = text[start..].char_indices().nth(column).map(|(index, _)| index);
    Some(start + within.unwrap_or(text.len() - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<String, String> {
        let mut engine = Engine::new();
        super::super::engine::language(&mut engine);
        engine.register_fn("help", |_: &str| 1);
        engine.register_static_module("jwks", rhai::Module::new().into());
        let mut scope = Scope::new();
        scope.push("mine", 1_i64);
        let sources = super::super::catalog::Sources::new(Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (compiled, text) = compile(&engine, &scope, source, || sources.catalog(&engine));
        compiled.map(|_| text.into_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bare_name_is_its_name_and_nothing_else_is() {
        for (typed, meant) in [
            ("help(endpoints)", "help(\"endpoints\")"),
            ("  help ( endpoints ) ", "  help ( \"endpoints\") "),
            ("let x = 1; help(one); help(two)", "let x = 1; help(\"one\"); help(\"two\")"),
            ("let x = `é\nü`; help(pods)", "let x = `é\nü`; help(\"pods\")"),
            ("help(mine)", "help(mine)"),
            ("let pods = 1; help(pods)", "let pods = 1; help(pods)"),
            ("\"help(pods)\"", "\"help(pods)\""),
        ] {
            assert_eq!(read(typed), Ok(meant.to_owned()), "{typed}");
        }
        for other in ["podz", "print(podz)", "help(podz.name)", "help(podz + 1)", "nohelp(podz)"] {
            assert!(read(other).is_err_and(|error| error.contains("podz")), "{other}");
        }
    }
}
