//! Functions of the language that nobody means who looks for what can be done with a value. They can be called as ever; lists
//! behind a dot would only be longer by them.

/// Why they are left out, and which.
const LEFT_OUT: &[(&str, &[&str])] = &[
    ("what they show stands in their brackets: `print(x)`", &["print", "debug"]),
    ("they are about how the engine holds a value", &["tag", "set_tag", "take", "is_anonymous"]),
    ("they end a script, whatever stands before the dot", &["exit"]),
    ("no number here is a set of bits", &["bits", "get_bit", "set_bit", "get_bits", "set_bits", "to_binary", "to_octal"]),
    (
        "no number here is an angle or an exponent",
        &[
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "hypot",
            "exp",
            "ln",
            "log",
            "to_degrees",
            "to_radians",
        ],
    ),
    ("text is no sequence of bytes here", &["to_blob", "to_chars"]),
    (
        "what they change in place, `filter`, `extract` and `+` give anew",
        &["chop", "splice", "pad", "crop", "mixin", "fill_with"],
    ),
    ("`to_upper` and `to_lower` leave the text as it was", &["make_upper", "make_lower"]),
];

/// Whether a function of the language is of no use in a list.
pub(super) fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|(_, names)| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pilotage;
    use crate::backend::testing::Script;

    #[test]
    fn what_is_left_out_exists_and_can_be_called() {
        let engine = Pilotage::builder(Script::silent()).build().expect("it builds");
        let catalog = engine.catalog();
        for name in LEFT_OUT.iter().flat_map(|(_, names)| *names) {
            assert!(catalog.built_in(name).is_some() && catalog.is_known(name), "the language has no {name}");
            assert!(catalog.methods().all(|entry| entry.name != *name), "{name}");
        }
        assert!(catalog.methods().any(|entry| entry.name == "filter"));
    }
}
