//! The standard library: modules written in the language itself, there without import.

use crate::error::{Error, Kind, Result};
use rhai::{Engine, Module, Scope};
use std::sync::{Arc, OnceLock};

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

/// The library's modules, compiled.
type Library = Vec<(&'static str, Arc<Module>)>;

/// Let an engine have the library.
pub(super) fn register(engine: &mut Engine) -> Result<()> {
    for (name, module) in library().as_ref().map_err(Clone::clone)? {
        engine.register_static_module(*name, module.clone());
    }
    Ok(())
}

/// All engines of a process share it: compiling takes longer than all else that an engine is made of. What its functions call is
/// looked for where they are called.
pub(super) fn library() -> &'static Result<Library> {
    static LIBRARY: OnceLock<Result<Library>> = OnceLock::new();
    LIBRARY.get_or_init(compile_all)
}

/// Later modules may call earlier ones.
fn compile_all() -> Result<Library> {
    let mut engine = Engine::new_raw();
    super::engine::language(&mut engine);
    let mut library = Library::new();
    for (name, source) in MODULES {
        let module = compile(&engine, name, source).map_err(|error| {
            Error::new(Kind::Internal, format!("the standard library's module {name} does not compile")).cause(error)
        })?;
        let module = Arc::new(module);
        engine.register_static_module(*name, module.clone());
        library.push((*name, module));
    }
    Ok(library)
}

/// Functions of modules that are named like what the language itself calls (`in` calls `contains`). A function written in a script
/// hides a native one of its name from all that is called below it, closures and other modules too: so nobody sees these.
const APART: [&str; 1] = ["contains"];

fn compile(engine: &Engine, name: &str, source: &str) -> std::result::Result<Module, Box<rhai::EvalAltResult>> {
    let mut ast = super::underscore::compile(engine, &Scope::new(), source)?;
    ast.set_source(file(name));
    let mut apart = ast.clone_functions_only();
    ast.retain_functions(|_, _, name, _| !APART.contains(&name));
    apart.retain_functions(|_, _, name, _| APART.contains(&name));
    let mut module = Module::eval_ast_as_new(Scope::new(), &ast, engine)?;
    if apart.has_functions() {
        module.combine(Module::eval_ast_as_new(Scope::new(), &apart, engine)?);
    }
    module.build_index();
    Ok(module)
}
