//! Literals that name a pod or a namespace, and secrets, as parameters.

use super::distill::Plan;
use super::distill_facts::Literal;
use super::distill_flow::Needs;
use super::distill_pieces::Piece;
use super::distill_roles::Role;
use super::distill_text::{offset, piece_at};
use super::typed_secrets::{is_secret_typed, secret_places};
use super::{Param, ParamKind};
use crate::backend::Redactor;
use crate::mesh::pod_ref::{is_workload, names_file};
use std::collections::{BTreeMap, BTreeSet};

/// The parameters of a playbook, and which literal became which.
#[derive(Debug, Default)]
pub(super) struct Lifted {
    /// In the order in which they were found; their texts beside them.
    pub params: Vec<(Param, String)>,
    /// Statement, how-manieth literal of it, and the parameter.
    pub places: Vec<(usize, usize, String)>,
    /// The value that `--namespace` has when it is run: the parameter of this name gets that, too.
    namespace: Option<String>,
    /// Statements with functions in which a literal had to stay.
    pub stays: BTreeMap<usize, BTreeSet<String>>,
}

/// Whether a text holds what must not be written down.
pub(super) fn is_secret(text: &str) -> bool {
    is_secret_typed(text) || Redactor::default().bytes(text.as_bytes(), false).is_some()
}

/// The literals of a statement that are secrets by what stands before them: `let password = "…"`, `#{ token: "…" }`.
fn secrets_by_name(piece: &Piece) -> Vec<usize> {
    let places: Vec<usize> = secret_places(&piece.text).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let range = |literal: &Literal| offset(&piece.text, literal.at).and_then(|start| piece_at(&piece.text, start));
    let is_meant = |literal: &Literal| {
        !names_file(&literal.text) && range(literal).is_some_and(|range| places.iter().any(|place| range.contains(place)))
    };
    let all = piece.facts.literals.iter().enumerate();
    all.filter(|(_, literal)| is_meant(literal)).map(|(number, _)| number).collect()
}

/// Find what may become a parameter.
pub(super) fn lift(pieces: &[Piece], needs: &[Needs], plan: &Plan) -> Lifted {
    let mut roles = roles(pieces, needs, plan);
    let known: BTreeMap<String, Role> = roles
        .iter()
        .filter(|((_, _), role)| **role == Role::Pod)
        .map(|((index, number), role)| (pieces[*index].facts.literals[*number].text.clone(), *role))
        .filter(|(text, _)| text.contains(['/', '.']))
        .collect();
    let mut lifted = Lifted { namespace: plan.namespace.clone(), ..Lifted::default() };
    for index in plan.forms.keys() {
        for (number, literal) in pieces[*index].facts.literals.iter().enumerate() {
            let elsewhere = known.get(&literal.text).copied();
            let Some(role) = roles.remove(&(*index, number)).or(elsewhere) else { continue };
            if literal.in_function {
                if role != Role::Secret {
                    lifted.stays.entry(*index).or_default().insert(literal.text.clone());
                }
                continue;
            }
            let name = lifted.param(role, &literal.text);
            lifted.places.push((*index, number, name));
        }
    }
    lifted
}

/// What each literal is given for, be it by way of a variable.
fn roles(pieces: &[Piece], needs: &[Needs], plan: &Plan) -> BTreeMap<(usize, usize), Role> {
    let mut roles = BTreeMap::new();
    for index in plan.forms.keys() {
        let facts = &pieces[*index].facts;
        roles.extend(secrets_by_name(&pieces[*index]).into_iter().map(|number| ((*index, number), Role::Secret)));
        for (number, literal) in facts.literals.iter().enumerate() {
            if let Some(role) = role_of(literal, literal.role) {
                roles.entry((*index, number)).or_insert(role);
            }
        }
        for (name, role) in &facts.flows {
            let Some(maker) = needs[*index].makers.get(name) else { continue };
            let made = &pieces[*maker].facts;
            for number in made.made_of.get(name).into_iter().flatten() {
                if let Some(role) = role_of(&made.literals[*number], Some(*role)) {
                    roles.entry((*maker, *number)).or_insert(role);
                }
            }
        }
    }
    roles
}

/// What a text can stand for where this is meant. Everything and nothing stay as they are, and so do files.
fn role_of(literal: &Literal, meant: Option<Role>) -> Option<Role> {
    let text = literal.text.trim();
    if is_secret(text) {
        return Some(Role::Secret);
    }
    let workload = text.split_once('/').is_some_and(|(kind, name)| is_workload(kind) && !name.is_empty());
    match meant {
        _ if text.is_empty() || text == "*" || names_file(text) || text.chars().any(char::is_whitespace) => None,
        Some(Role::Secret) => Some(Role::Secret),
        Some(Role::Namespace) if !text.contains(['/', '.']) => Some(Role::Namespace),
        Some(_) => Some(Role::Pod),
        None => workload.then_some(Role::Pod),
    }
}

impl Lifted {
    /// The parameter of this value; the same value is the same one.
    fn param(&mut self, role: Role, text: &str) -> String {
        let (base, kind, help) = match role {
            Role::Pod => ("pod", ParamKind::Pod, "which pod: ns/name, name.ns, deploy/name.ns"),
            Role::Namespace => ("namespace", ParamKind::Namespace, "which namespace"),
            Role::Secret => ("token", ParamKind::Secret, "a secret of the session: @FILE reads it from a file"),
        };
        if let Some((param, _)) = self.params.iter().find(|(param, known)| param.kind == kind && known == text) {
            return param.name.clone();
        }
        let numbered = (2..).map(|number| format!("{base}_{number}"));
        let mut names = std::iter::once(base.to_owned()).chain(numbered);
        let free = |name: &String| {
            let other = role == Role::Namespace && name == base && self.namespace.as_ref().is_some_and(|given| given != text);
            !other && self.params.iter().all(|(param, _)| param.name != *name)
        };
        let name = names.find(free).unwrap_or_default();
        let value = (role != Role::Secret).then(|| text.into());
        let param = Param { name: name.clone(), kind, help: help.into(), value, choices: Vec::new() };
        self.params.push((param, text.into()));
        name
    }
}
