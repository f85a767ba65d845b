//! `import "name"`: modules beside the script and in the user's folder, and nowhere else.

use rhai::module_resolvers::FileModuleResolver;
use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Shared};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The folders that imports are looked for in, in order. Shared with the engine, so that each playbook brings its own.
#[derive(Clone, Default)]
pub(super) struct Folders(Arc<RwLock<Vec<Arc<FileModuleResolver>>>>);

impl Folders {
    /// From now on, look in these folders.
    pub fn set(&self, folders: impl IntoIterator<Item = PathBuf>) {
        let resolvers = folders.into_iter().map(|folder| Arc::new(FileModuleResolver::new_with_path(folder))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = resolvers;
    }
}

impl ModuleResolver for Folders {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        at: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let leaves = path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == ".." || part.is_empty());
        if !leaves {
            let resolvers = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
            for resolver in resolvers {
                match resolver.resolve(engine, source, path, at) {
                    Err(error) if matches!(*error, EvalAltResult::ErrorModuleNotFound(..)) => {}
                    outcome => return outcome,
                }
            }
        }
        Err(Box::new(EvalAltResult::ErrorModuleNotFound(path.into(), at)))
    }
}
