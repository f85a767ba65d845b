//! What an expression reads, changes and calls: the other half of [`super::distill_walk`].

use super::distill_changes::given;
use super::distill_facts::{Call, Index, Literal, Use};
use super::distill_roles::Role;
use super::distill_walk::Walker;
use super::results::ALL;
use rhai::{ASTFlags, Dynamic, Expr, FnCallExpr, FnPtr, Position};

/// What stands before a part of a chain.
#[derive(Clone, Copy)]
enum Behind {
    Nothing,
    Dot,
    Bracket,
    /// The bracket of `out[…]`.
    Answer,
}

impl Walker<'_> {
    pub fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::StringConstant(text, at) => self.literal(text, *at, None),
            Expr::InterpolatedString(segments, _) => {
                let code = segments.iter().filter(|segment| !matches!(segment, Expr::StringConstant(..)));
                code.for_each(|segment| self.expr(segment));
            }
            Expr::Array(items, _) => items.iter().for_each(|item| self.expr(item)),
            Expr::And(items, _) | Expr::Or(items, _) | Expr::Coalesce(items, _) => items.iter().for_each(|item| self.expr(item)),
            Expr::Map(fields, _) => {
                for (name, value) in &fields.0 {
                    let role = self.roles.key(&name.name);
                    self.given(value, role);
                }
            }
            Expr::Stmt(block) => self.block(block.statements()),
            Expr::Variable(name, _, at) if name.2.is_empty() => self.variable(&name.1.clone(), *at),
            Expr::Variable(name, ..) => match name.2.root() {
                "global" => self.global(&name.1.clone()),
                module => _ = self.facts.modules.insert(module.to_owned()),
            },
            Expr::ThisPtr(_) => self.facts.methods.extend(self.named.clone()),
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr, expr, Behind::Nothing),
            Expr::DynamicConstant(value, _) => self.constant(value),
            _ => {}
        }
    }

    /// `global::NAME` is the one way for a function to see a constant.
    fn global(&mut self, name: &str) {
        let named = self.named.take();
        self.read(name);
        self.named = named;
    }

    fn variable(&mut self, name: &str, at: Position) {
        self.used(name, at, None);
        self.read(name);
    }

    fn literal(&mut self, text: &str, at: Position, role: Option<Role>) {
        let in_function = self.named.is_some();
        self.facts.literals.push(Literal { text: text.into(), at, role, in_function });
    }

    /// A closure: what it captures is known from the statement around it.
    fn constant(&mut self, value: &Dynamic) {
        let Some(pointer) = value.read_lock::<FnPtr>() else { return };
        let Some(def) = self.closures.get(pointer.fn_name()).cloned() else { return };
        self.facts.closures = true;
        // Captured variables are passed as its first parameters.
        let own = |name: &&String| !self.facts.captures.contains(*name);
        let params: Vec<String> = def.params.iter().filter(own).cloned().collect();
        self.enter(params);
        self.depth += 1;
        self.block(&def.statements);
        self.depth -= 1;
        self.scopes.pop();
    }

    /// `a.b[c].d()`: the root is read, or changed by methods that may.
    fn chain(&mut self, whole: &Expr, expr: &Expr, behind: Behind) {
        let (pair, flags, dot, at) = match expr {
            Expr::Dot(pair, flags, at) => (pair, flags, true, *at),
            Expr::Index(pair, flags, at) => (pair, flags, false, *at),
            other => return self.expr(other),
        };
        let ends = flags.contains(ASTFlags::BREAK) || !matches!(pair.rhs, Expr::Dot(..) | Expr::Index(..));
        let mut next = if dot { Behind::Dot } else { Behind::Bracket };
        match (behind, method_of(&pair.rhs)) {
            // A text or a variable that a method is called on is its first argument.
            (Behind::Nothing, Some(call)) if dot => {
                self.given(&pair.lhs, self.roles.argument(&call.name, call.args.len() + 1, 0));
            }
            (Behind::Nothing, _) => {
                let index = if ends { &pair.rhs } else { first(&pair.rhs) };
                if !dot && self.indexed(&pair.lhs, index, at) {
                    next = Behind::Answer;
                }
                self.expr(&pair.lhs);
            }
            (Behind::Bracket, _) => self.expr(&pair.lhs),
            (Behind::Answer, _) => self.number(&pair.lhs),
            (Behind::Dot, _) => self.member(whole, &pair.lhs),
        }
        match (ends, next) {
            (true, Behind::Dot) => self.member(whole, &pair.rhs),
            (true, Behind::Answer) => self.number(&pair.rhs),
            (true, _) => self.expr(&pair.rhs),
            (false, next) => self.chain(whole, &pair.rhs, next),
        }
    }

    /// `out[3]`: remember which is meant; the variable itself is seen right after. Says whether it is a result of the session.
    fn indexed(&mut self, of: &Expr, index: &Expr, bracket: Position) -> bool {
        let Expr::Variable(name, _, at) = of else { return false };
        let index = match index {
            Expr::IntegerConstant(number, _) => Index::Number(*number),
            _ => Index::Computed(bracket),
        };
        if name.2.is_empty() {
            self.used(&name.1.clone(), *at, Some(index));
        }
        name.2.is_empty() && name.1 == ALL && !self.hides_results && !self.local(ALL) && self.named.is_none()
    }

    /// What computes the number of a result: where its name stands in place of it, nothing of that is needed.
    fn number(&mut self, index: &Expr) {
        let before = self.facts.clone();
        self.expr(index);
        let same = (&self.facts.changes, &self.facts.captured_changes) == (&before.changes, &before.captured_changes);
        let meant = before.uses.len().checked_sub(1);
        match meant.and_then(|meant| self.facts.uses.get_mut(meant)).filter(|_| !same) {
            Some(meant) => meant.index = Some(Index::Changing),
            None => self.facts = before,
        }
    }

    /// The same place is told once: first with its number.
    fn used(&mut self, name: &str, at: Position, index: Option<Index>) {
        let known = self.facts.uses.last().is_some_and(|last| last.at == at);
        if !known && !self.local(name) && self.named.is_none() {
            self.facts.uses.push(Use { name: name.into(), at, index });
        }
    }

    fn member(&mut self, whole: &Expr, member: &Expr) {
        let Expr::MethodCall(call, at) = member else { return };
        self.called(&call.name, *at);
        if (self.changes)(&call.name, &call.args.iter().map(given).collect::<Vec<_>>()) {
            self.change_root(whole);
        }
        self.arguments(call, 1);
    }

    fn called(&mut self, name: &str, at: Position) {
        let in_function = self.named.is_some();
        self.facts.calls.push(Call { name: name.into(), at, in_function });
    }

    pub fn call(&mut self, call: &FnCallExpr, at: Position) {
        if call.is_operator_call() {
            return self.operator(call);
        }
        if call.is_qualified() {
            self.facts.modules.insert(call.namespace.root().to_owned());
            self.called(&format!("{}::{}", call.namespace, call.name), at);
        } else {
            self.called(&call.name, at);
        }
        self.facts.everything |= call.capture_parent_scope;
        match (call.name.as_str(), call.args.first()) {
            ("Fn", Some(Expr::StringConstant(name, at))) => return self.called(name, *at),
            ("is_def_var", Some(Expr::StringConstant(name, _))) => self.read(name),
            // A function of the language may change the variable that is its first argument.
            (name, Some(variable @ Expr::Variable(..)))
                if (self.changes)(name, &call.args[1..].iter().map(given).collect::<Vec<_>>()) =>
            {
                self.change_root(variable);
            }
            _ => {}
        }
        self.arguments(call, 0);
    }

    fn arguments(&mut self, call: &FnCallExpr, before: usize) {
        let name = match call.is_qualified() {
            true => format!("{}::{}", call.namespace, call.name),
            false => call.name.to_string(),
        };
        for (index, argument) in call.args.iter().enumerate() {
            let role = self.roles.argument(&name, call.args.len() + before, index + before);
            self.given(argument, role);
        }
    }

    /// `pod.namespace == "shop"` says what the text is.
    fn operator(&mut self, call: &FnCallExpr) {
        let compares = matches!(call.name.as_str(), "==" | "!=" | "in");
        let role = call.args.iter().filter(|_| compares).find_map(|side| self.roles.key(last_property(side)?));
        call.args.iter().for_each(|argument| self.given(argument, role));
    }

    /// Something that is given where this is meant.
    fn given(&mut self, argument: &Expr, role: Option<Role>) {
        match (argument, role) {
            (Expr::StringConstant(text, at), role) => self.literal(text, *at, role),
            (Expr::Array(items, _), Some(_)) => items.iter().for_each(|item| self.given(item, role)),
            (Expr::Variable(name, ..), Some(role)) if name.2.is_empty() && !self.local(&name.1) && self.named.is_none() => {
                self.facts.flows.push((name.1.to_string(), role));
                self.expr(argument);
            }
            _ => self.expr(argument),
        }
    }
}

/// The first part of what stands behind a bracket.
fn first(expr: &Expr) -> &Expr {
    match expr {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => &pair.lhs,
        other => other,
    }
}

/// The method that is called first in what stands behind a dot.
fn method_of(expr: &Expr) -> Option<&FnCallExpr> {
    match expr {
        Expr::MethodCall(call, _) => Some(call),
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => method_of(&pair.lhs),
        _ => None,
    }
}

fn last_property(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Property(property, _) => Some(&property.2),
        Expr::Dot(pair, ..) => last_property(&pair.rhs),
        _ => None,
    }
}
