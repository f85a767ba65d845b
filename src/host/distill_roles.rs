//! What a text is given for: a pod, a namespace, a secret. The signatures of functions say so by their parameters' names.

use super::catalog::Catalog;
use std::collections::HashMap;

/// What a text in a script stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A pod, in any form that functions accept.
    Pod,
    /// A namespace.
    Namespace,
    /// A token or a key.
    Secret,
}

/// The roles of parameters, by function and number of arguments.
#[derive(Debug, Default, Clone)]
pub(super) struct Roles(HashMap<(String, usize), Vec<Option<Role>>>);

impl Roles {
    /// Those of everything in the catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let mut roles = Self::default();
        for entry in &catalog.entries {
            for signature in &entry.signatures {
                let list = signature.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
                let names = list.split(", ").filter(|name| !name.is_empty());
                let names: Vec<&str> = names.map(|name| name.split(':').next().unwrap_or(name)).collect();
                roles.learn(&entry.full_name(), &names);
            }
        }
        // The one function whose whole purpose is to hide its argument.
        roles.0.insert(("secret".into(), 1), vec![Some(Role::Secret)]);
        roles
    }

    /// Another function, by the names of its parameters. Where ways to call it differ, the namespace counts: no pod's name
    /// with a namespace can be taken for one.
    pub fn learn(&mut self, name: &str, parameters: &[&str]) {
        let known = self.0.entry((name.to_owned(), parameters.len())).or_insert_with(|| vec![None; parameters.len()]);
        for (role, parameter) in known.iter_mut().zip(parameters) {
            *role = (*role).max(named(parameter));
        }
    }

    /// That of an argument: the how-manieth of how many.
    pub fn argument(&self, function: &str, count: usize, index: usize) -> Option<Role> {
        *self.0.get(&(function.to_owned(), count))?.get(index)?
    }

    /// That of a property, or of a key in a map of options. Columns are named after pods and proxies that say something else of them.
    pub fn key(&self, name: &str) -> Option<Role> {
        let role = named(name).filter(|role| *role != Role::Pod);
        role.or(name.ends_with("_namespace").then_some(Role::Namespace))
    }
}

fn named(parameter: &str) -> Option<Role> {
    match parameter.trim_start_matches('_') {
        "pod" | "pods" | "proxy" | "proxies" => Some(Role::Pod),
        "namespace" => Some(Role::Namespace),
        "token" => Some(Role::Secret),
        _ => None,
    }
}
