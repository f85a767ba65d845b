//! A lone `_`. The language keeps the sign for the last case of a `switch`; here it is a name everywhere else: the last result
//! in what is typed, and whatever a closure does not need.

use rhai::{AST, Engine, ParseError, Position, Scope, Token};
use std::cell::RefCell;
use std::collections::HashSet;

/// The name.
pub(super) const NAME: &str = "_";

/// The last line and column that the language counts.
const MOST: usize = u16::MAX as usize;

thread_local! {
    /// Where the text that this thread compiles has the last cases of its switches.
    static LAST_CASES: RefCell<Option<HashSet<(usize, usize)>>> = const { RefCell::new(None) };
}

/// Compile a text in which `_` is a name where it is no last case.
pub(super) fn compile(engine: &Engine, scope: &Scope, source: &str) -> Result<AST, ParseError> {
    /// Ends it, whatever the compiler does.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            LAST_CASES.set(None);
        }
    }
    LAST_CASES.set(Some(last_cases(source)));
    let _end = End;
    engine.compile_with_scope(scope, source)
}

/// What the sign is at this place.
pub(super) fn token(at: Position) -> Token {
    let place = (at.line().unwrap_or_default(), at.position().unwrap_or_default());
    // Texts that are not compiled here have the language's own meaning.
    let last_case = LAST_CASES.with_borrow(|known| known.as_ref().is_none_or(|known| known.contains(&place)));
    if last_case { Token::Underscore } else { Token::Identifier(Box::new(NAME.into())) }
}

/// Line and column of every lone `_` that an arrow follows. Some may stand in texts and comments: those are never asked for.
fn last_cases(source: &str) -> HashSet<(usize, usize)> {
    let mut found = HashSet::new();
    if !source.contains('_') {
        return found;
    }
    let (mut line, mut column) = (1, 0);
    let mut before = ' ';
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, c) in source.char_indices() {
        column += 1;
        let rest = &source[at + c.len_utf8()..];
        if c == '_' && !in_name(before) && !rest.starts_with(in_name) && ends_switch(rest) {
            // The language counts no further.
            found.insert((line.min(MOST), column.min(MOST)));
        }
        if c == '\n' {
            (line, column) = (line + 1, 0);
        }
        before = c;
    }
    found
}

/// Whether an arrow follows, or the condition that a last case must not have: the parser says so best.
fn ends_switch(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start();
        let behind = match rest.strip_prefix("//") {
            Some(comment) => comment.split_once('\n').map(|(_, behind)| behind),
            None if rest.starts_with("/*") => behind_block(rest),
            None => return rest.starts_with("=>") || rest.starts_with("if "),
        };
        let Some(behind) = behind else { return false };
        rest = behind;
    }
}

/// What follows the block comment that a text begins with; there may be others in it.
fn behind_block(text: &str) -> Option<&str> {
    let (mut rest, mut depth) = (text, 0_usize);
    loop {
        let at = rest.find(['/', '*'])?;
        let (step, deeper) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, depth + 1),
            [b'*', b'/', ..] => (2, depth - 1),
            _ => (1, depth),
        };
        (rest, depth) = (&rest[at + step..], deeper);
        if depth == 0 {
            return Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Engine {
        let mut engine = Engine::new();
        super::super::engine::language(&mut engine);
        engine
    }

    fn value(source: &str) -> i64 {
        let engine = engine();
        let mut scope = Scope::new();
        scope.push_constant(NAME, 7_i64);
        let ast = compile(&engine, &scope, source).unwrap_or_else(|error| panic!("{source}: {error}"));
        engine.eval_ast_with_scope(&mut scope, &ast).unwrap_or_else(|error| panic!("{source}: {error}"))
    }

    #[test]
    fn it_is_a_name_where_it_ends_no_switch() {
        for (source, wanted) in [
            ("_", 7),
            ("_ + _", 14),
            ("let a_ = 1; a_ + _", 8),
            ("[1, _][1]", 7),
            ("#{ a: _ }.a", 7),
            ("let n = 0; for _ in 0..3 { n += 1; } n", 3),
            ("[1, 2].map(|_| 5)[1]", 5),
            ("[1, 2].map(|x| x + _)[1]", 9),
            ("let x = `a ${_} b ${switch 1 { _ => _ }}`; x.len() - 7 + _", 7),
            ("let _ = 3; _", 3),
            ("/* _ => */ _ // => _", 7),
            ("\"_ =>\".len() + _", 11),
        ] {
            assert_eq!(value(source), wanted, "{source}");
        }
    }

    #[test]
    fn it_stays_the_last_case_of_a_switch() {
        for (source, wanted) in [
            ("switch 3 { 1 => 1, _ => 2 }", 2),
            ("switch 3 { _ => 2 }", 2),
            ("switch _ { 7 => _, _ => 2 }", 7),
            ("switch 3 { 1 => _, _ => _ }", 7),
            ("switch 3 { 1 => 1, _\n  // the rest\n /* all */ => 2 }", 2),
            ("switch 3 { 1 => 1, _=>switch 4 { 5 => 1, _=>_ } }", 7),
            ("let a = \"網é\"; switch 3 { 1 => 1, _ => 2 }", 2),
            ("fn f(x) { switch x { 1 => 1, _ => 2 } }\r\nf(9)", 2),
            ("switch 3 { 1 => 1, _ /* a /* _ => */ /* b */ * / */ // c\n => 2 }", 2),
        ] {
            assert_eq!(value(source), wanted, "{source}");
        }
    }

    proptest::proptest! {
        /// Whatever stands before it, a switch means what it means to the language, and a name is one.
        #[test]
        fn no_text_before_it_changes_what_it_is(
            before in proptest::collection::vec(proptest::sample::select(ODD), 0..6),
            between in proptest::sample::select(&["", " ", "\n", "/* */", "/* /* */ */", "// _ =>\n", "\t\r\n"][..]),
        ) {
            let before = before.concat();
            proptest::prop_assert_eq!(value(&format!("{before}switch 3 {{ 1 => 1, _{between}=> _ + 2 }}")), 9);
            proptest::prop_assert_eq!(value(&format!("{before}let f = |_, x| x; [_][0] - f.call(1, 2)")), 5);
        }
    }

    /// Texts and comments in which columns and lines are easily counted wrong.
    const ODD: &[&str] = &[
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "/* _ => */",
        "/* a\n /* _ */ => */",
        "// _ =>\n",
        "\"\\\"_ => \\u0041é\";",
        "'\\n';",
        "`a\n_ => ${switch 4 { _ => `_ =>${_}` }} é`;",
        "\"a\\\n   _ => b\";",
        "#\"a\n_ =>\"#;",
        "let a_b = 1_000;",
        "`\n網\n`;",
        "\"😀\";",
        "/*\r\n*/",
    ];

    #[test]
    fn wrong_switches_are_still_told_of() {
        let engine = engine();
        let message = |source| compile(&engine, &Scope::new(), source).expect_err(source).to_string();
        assert!(message("switch 1 { _ if true => 2 }").contains("condition"), "{}", message("switch 1 { _ if true => 2 }"));
        assert!(message("_").contains("Undefined variable: _"), "{}", message("_"));
    }

    #[test]
    fn what_is_compiled_elsewhere_is_as_the_language_has_it() {
        assert!(engine().compile("switch 3 { 1 => 1, _ => 2 }").is_ok());
        assert!(engine().compile("_").is_err());
    }
}
