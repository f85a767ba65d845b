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

/// Side by side: a prompt waits for it.
fn compile_all() -> Result<Library> {
    let mut engine = Engine::new_raw();
    super::engine::language(&mut engine);
    for (name, _) in MODULES {
        // Modules may call each other: all that the compiler wants to know is which there are.
        engine.register_static_module(*name, Module::new().into());
    }
    let engine = &engine;
    std::thread::scope(|scope| {
        let begin = |source| std::thread::Builder::new().spawn_scoped(scope, move || compile(engine, source));
        let begun: Vec<_> = MODULES.iter().map(|module| (module, begin(*module))).collect();
        let mut library = Library::new();
        for (module, begun) in begun {
            let done = match begun {
                Ok(thread) => thread.join().ok(),
                // Where there is no thread for it, it is done here.
                Err(_) => Some(compile(engine, *module)),
            };
            library.push((module.0, Arc::new(compiled(module.0, done)?)));
        }
        Ok(library)
    })
}

type Compiled = std::result::Result<Module, Box<rhai::EvalAltResult>>;

fn compiled(name: &str, module: Option<Compiled>) -> Result<Module> {
    let broken = || Error::new(Kind::Internal, format!("the standard library's module {name} does not compile"));
    module.ok_or_else(broken)?.map_err(|error| broken().cause(error))
}

/// Functions of modules that are named like what the language itself calls (`in` calls `contains`). A function written in a script
/// hides a native one of its name from all that is called below it, closures and other modules too: so nobody sees these.
const APART: [&str; 1] = ["contains"];

fn compile(engine: &Engine, (name, source): (&str, &str)) -> Compiled {
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
