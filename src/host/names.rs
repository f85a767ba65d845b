//! The names that typed lines left behind, for colours and completion.

use super::{Host, Typed};
use rhai::{AST, Stmt};
use std::sync::PoisonError;

/// What a typed line can name besides what the catalog holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Variables, the newest first.
    pub variables: Vec<String>,
    /// Functions with the names of their parameters.
    pub functions: Vec<(String, Vec<String>)>,
    /// Imported modules.
    pub modules: Vec<String>,
}

impl Host {
    /// The names that typed lines left behind.
    pub fn names(&self) -> Names {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).names()
    }
}

impl Typed {
    fn names(&self) -> Names {
        let mut variables: Vec<String> = Vec::new();
        for (name, _, _) in self.scope.iter_raw() {
            if !variables.iter().any(|known| known == name) {
                variables.push(name.into());
            }
        }
        let functions = self.functions.iter_functions().filter(|function| !function.name.starts_with("anon$"));
        let functions = functions.map(|function| {
            (function.name.to_owned(), function.params.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        });
        Names { variables, functions: functions.collect(), modules: imported(&self.imports) }
    }
}

fn imported(imports: &AST) -> Vec<String> {
    let name = |statement: &Stmt| match statement {
        Stmt::Import(import, _) => Some(import.1.name.to_string()),
        _ => None,
    };
    imports.statements().iter().filter_map(name).collect()
}
