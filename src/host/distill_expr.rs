//! What an expression reads, changes and calls: the other half of [`super::distill_walk`].

use super::distill_changes::given;
use super::distill_facts::{Call, Literal, Use};
use super::distill_roles::Role;
use super::distill_walk::Walker;
use rhai::{ASTFlags, Dynamic, Expr, FnCallExpr, FnPtr, Position};

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
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr, expr, None),
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

    /// `a.b[c].d()`: the root is read, or changed by methods that may. `first` is what the first member is asked of.
    fn chain(&mut self, whole: &Expr, expr: &Expr, indexed: Option<bool>) {
        let (pair, flags, dot) = match expr {
            Expr::Dot(pair, flags, _) => (pair, flags, true),
            Expr::Index(pair, flags, _) => (pair, flags, false),
            other => return self.expr(other),
        };
        match (indexed, method_of(&pair.rhs)) {
            // A text or a variable that a method is called on is its first argument.
            (None, Some(call)) if dot => self.given(&pair.lhs, self.roles.argument(&call.name, call.args.len() + 1, 0)),
            (None | Some(true), _) => {
                if indexed.is_none() && !dot {
                    self.indexed(&pair.lhs, &pair.rhs);
                }
                self.expr(&pair.lhs);
            }
            (Some(false), _) => self.member(whole, &pair.lhs),
        }
        let ends = flags.contains(ASTFlags::BREAK) || !matches!(pair.rhs, Expr::Dot(..) | Expr::Index(..));
        match (ends, dot) {
            (true, true) => self.member(whole, &pair.rhs),
            (true, false) => self.expr(&pair.rhs),
            (false, _) => self.chain(whole, &pair.rhs, Some(!dot)),
        }
    }

    /// `out[3]`: remember the number; the variable itself is seen right after.
    fn indexed(&mut self, of: &Expr, index: &Expr) {
        let first = match index {
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => &pair.lhs,
            other => other,
        };
        if let (Expr::Variable(name, _, at), Expr::IntegerConstant(number, _)) = (of, first)
            && name.2.is_empty()
        {
            self.used(&name.1.clone(), *at, Some(*number));
        }
    }

    /// The same place is told once: first with its number.
    fn used(&mut self, name: &str, at: Position, index: Option<i64>) {
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
