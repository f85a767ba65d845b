//! The standard library: modules written in the language itself, there without import.

use crate::error::{Error, Kind, Result};
use rhai::{Engine, Module, Scope};

/// Name and source of every module of the standard library.
pub const MODULES: &[(&str, &str)] = &[
    ("assert", include_str!("../../stdlib/assert.rhai")),
    ("certs", include_str!("../../stdlib/certs.rhai")),
    ("jwks", include_str!("../../stdlib/jwks.rhai")),
    ("sync", include_str!("../../stdlib/sync.rhai")),
    ("traffic", include_str!("../../stdlib/traffic.rhai")),
];

/// The file name under which a module's places are shown.
pub fn file(module: &str) -> String {
    format!("stdlib/{module}.rhai")
}

/// Compile the library into an engine. Later modules may call earlier ones.
pub(super) fn register(engine: &mut Engine) -> Result<()> {
    for (name, source) in MODULES {
        let module = compile(engine, name, source).map_err(|error| {
            Error::new(Kind::Internal, format!("the standard library's module {name} does not compile")).cause(error)
        })?;
        engine.register_static_module(*name, module.into());
    }
    Ok(())
}

fn compile(engine: &Engine, name: &str, source: &str) -> std::result::Result<Module, Box<rhai::EvalAltResult>> {
    let mut ast = super::underscore::compile(engine, &Scope::new(), source)?;
    ast.set_source(file(name));
    Module::eval_ast_as_new(Scope::new(), &ast, engine)
}
