//! What a statement reads, changes, defines and calls, by its syntax tree.

use super::distill_changes::Given;
use super::distill_facts::Facts;
use super::distill_roles::Roles;
use rhai::{AST, ASTFlags, ASTNode, Expr, FlowControl, Stmt};
use std::collections::HashMap;
use std::sync::Arc;

/// The facts of a text that was compiled by itself. `changes` tells whether a method may change what it is called on,
/// `hides_results` whether `out` is a variable of the session's own by then.
pub(super) fn facts(ast: &AST, roles: &Roles, changes: &dyn Fn(&str, &[Given]) -> bool, hides_results: bool) -> Facts {
    let (closures, named): (Vec<_>, Vec<_>) = bodies(ast).into_iter().partition(|body| is_anonymous(&body.name));
    let closures = closures.into_iter().map(|body| (body.name.clone(), Arc::new(body))).collect();
    let mut walker = Walker {
        facts: Facts::default(),
        scopes: vec![Vec::new()],
        closures,
        roles,
        changes,
        hides_results,
        depth: 0,
        named: None,
    };
    for body in named {
        walker.function(&body);
    }
    let statements = ast.statements();
    statements.iter().for_each(|statement| walker.top(statement, statements.len() == 1));
    walker.facts.runs = !statements.is_empty();
    walker.facts.value = statements.last().is_some_and(Stmt::returns_value);
    walker.facts.closed = statements.last().is_none_or(Stmt::is_self_terminated);
    walker.facts
}

/// A function or a closure.
pub(super) struct Body {
    pub name: String,
    pub params: Vec<String>,
    pub statements: Vec<Stmt>,
}

/// Those of a text. The engine gives a function's statements to a walk only, so each is walked alone.
fn bodies(ast: &AST) -> Vec<Body> {
    let body = |name: &str, params: Vec<String>| {
        let count = params.len();
        let mut alone = ast.clone_functions_only();
        alone.retain_functions(|_, _, other, parameters| other == name && parameters == count);
        let mut statements = Vec::new();
        alone.walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                statements.push((*statement).clone());
            }
            true
        });
        Body { name: name.into(), params, statements }
    };
    ast.iter_functions().map(|function| body(function.name, function.params.iter().map(ToString::to_string).collect())).collect()
}

/// The engine numbers closures; no other name holds this sign.
pub(super) fn is_anonymous(name: &str) -> bool {
    name.contains('$')
}

/// Goes through a statement, and notes what it finds.
pub(super) struct Walker<'a> {
    pub facts: Facts,
    /// The names that blocks around made; the outermost are those of the statement itself.
    pub scopes: Vec<Vec<String>>,
    pub closures: HashMap<String, Arc<Body>>,
    pub roles: &'a Roles,
    pub changes: &'a dyn Fn(&str, &[Given]) -> bool,
    pub hides_results: bool,
    /// How many closures this stands in.
    pub depth: usize,
    /// The named function this stands in.
    pub named: Option<String>,
}

impl Walker<'_> {
    fn top(&mut self, statement: &Stmt, alone: bool) {
        if let (true, Stmt::Assignment(assignment)) = (alone, statement)
            && let (op, Expr::Variable(variable, ..)) = (&assignment.0, &assignment.1.lhs)
            && !op.is_op_assignment()
        {
            self.expr(&assignment.1.rhs);
            self.facts.overwrites = Some(variable.1.to_string());
            return;
        }
        self.stmt(statement);
    }

    fn function(&mut self, body: &Body) {
        self.facts.functions.push((body.name.clone(), body.params.clone()));
        let outer = std::mem::take(&mut self.scopes);
        self.enter(body.params.clone());
        self.named = Some(body.name.clone());
        self.block(&body.statements);
        self.named = None;
        self.scopes = outer;
    }

    pub fn block(&mut self, statements: &[Stmt]) {
        self.scopes.push(Vec::new());
        statements.iter().for_each(|statement| self.stmt(statement));
        self.scopes.pop();
    }

    pub fn local(&self, name: &str) -> bool {
        self.scopes.iter().flatten().any(|known| known == name)
    }

    fn declare(&mut self, name: &str) {
        if self.scopes.len() == 1 && self.named.is_none() && self.depth == 0 {
            self.facts.declares.push(name.into());
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(name.into());
        }
        self.facts.locals.insert(name.into());
    }

    pub fn enter(&mut self, names: Vec<String>) {
        self.facts.locals.extend(names.iter().cloned());
        self.scopes.push(names);
    }

    pub fn read(&mut self, name: &str) {
        if self.local(name) || self.named.is_some() {
            return;
        }
        self.facts.reads.insert(name.into());
        if self.depth > 0 {
            self.facts.captures.insert(name.into());
        }
    }

    fn change(&mut self, name: &str) {
        self.read(name);
        if self.local(name) || self.named.is_some() {
            return;
        }
        self.facts.changes.insert(name.into());
        if self.depth > 0 {
            self.facts.captured_changes.insert(name.into());
        }
    }

    /// What is changed when something is assigned to this, or a method called on it.
    pub fn change_root(&mut self, target: &Expr) {
        match target {
            Expr::Variable(variable, ..) => self.change(&variable.1.clone()),
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => self.change_root(&pair.lhs),
            Expr::ThisPtr(_) => self.facts.methods.extend(self.named.clone()),
            _ => {}
        }
    }

    fn stmt(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Var(made, ..) => {
                let first = self.facts.literals.len();
                self.expr(&made.1);
                if is_literal(&made.1) {
                    let literals = (first..self.facts.literals.len()).collect();
                    self.facts.made_of.insert(made.0.name.to_string(), literals);
                }
                self.declare(&made.0.name);
            }
            Stmt::Assignment(assignment) => {
                self.expr(&assignment.1.rhs);
                self.expr(&assignment.1.lhs);
                self.change_root(&assignment.1.lhs);
            }
            Stmt::Share(names) => names.iter().for_each(|(name, _)| {
                self.read(&name.name);
                if !self.local(&name.name) && self.named.is_none() {
                    self.facts.captures.insert(name.name.to_string());
                }
            }),
            Stmt::Expr(expr) => self.expr(expr),
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::Block(block) => self.block(block.statements()),
            Stmt::Return(value, flags, _) => {
                value.iter().for_each(|value| self.expr(value));
                let returns = !flags.contains(ASTFlags::BREAK);
                self.facts.leaves |= returns && self.depth == 0 && self.named.is_none();
            }
            Stmt::BreakLoop(value, ..) => value.iter().for_each(|value| self.expr(value)),
            Stmt::Import(import, _) => {
                self.expr(&import.0);
                self.facts.imports.push(import.1.name.to_string());
            }
            other => self.flow(other),
        }
    }

    fn flow(&mut self, statement: &Stmt) {
        match statement {
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => self.branches(flow, &[], &[]),
            Stmt::TryCatch(flow, _) => {
                let caught = match &flow.expr {
                    Expr::Variable(name, ..) => vec![name.1.to_string()],
                    _ => Vec::new(),
                };
                self.block(flow.body.statements());
                self.enter(caught);
                self.block(flow.branch.statements());
                self.scopes.pop();
            }
            Stmt::For(parts, _) => {
                let (item, counter, flow) = &**parts;
                let names = std::iter::once(item).chain(counter).map(|name| name.name.to_string()).collect::<Vec<_>>();
                self.branches(flow, &names, &names);
            }
            Stmt::Switch(parts, _) => {
                self.expr(&parts.0);
                for case in &parts.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            _ => {}
        }
    }

    fn branches(&mut self, flow: &FlowControl, body: &[String], branch: &[String]) {
        self.expr(&flow.expr);
        for (block, names) in [(&flow.body, body), (&flow.branch, branch)] {
            self.enter(names.to_vec());
            self.block(block.statements());
            self.scopes.pop();
        }
    }
}

/// Whether an expression is nothing but a text, or an array of such.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::StringConstant(..) => true,
        Expr::Array(items, _) => items.iter().all(|item| matches!(item, Expr::StringConstant(..))),
        _ => false,
    }
}
