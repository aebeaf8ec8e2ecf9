//! Properties and functions that are not there, found before anything runs.
//!
//! Rhai finds them when it runs. Here its tree is walked with the types of the variables in hand, as far as they are
//! known: a property of a value of unknown type has to be one of all the properties there are.

use netscene_core::map::{IndexMap, IndexSet};
use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

use super::scripts::{Variables, ast_statements};
use super::symbols::{Kind, Symbols};
use crate::api::{FUNCTIONS, LIBRARY, Type};
use crate::ast::Island;
use crate::suggest::{a, list, question};
use crate::{Code, Diagnostic};

/// A function of a script, or a closure in it.
pub(super) struct Function {
    pub(super) params: Vec<String>,
    /// A script of nothing else.
    pub(super) ast: AST,
}

/// Walks one script.
pub(super) struct Walker<'a> {
    pub(super) island: &'a Island,
    /// The functions of the library, with the number of their parameters.
    pub(super) known: &'a IndexMap<String, usize>,
    pub(super) symbols: &'a Symbols,
    /// The functions and closures of this script.
    pub(super) functions: IndexMap<String, Function>,
    /// The keys of map literals, which may turn up as properties of anything.
    pub(super) keys: IndexSet<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Walker<'_> {
    /// Walks the functions of a library: nothing is known about their parameters.
    pub(super) fn functions(&mut self) {
        let named: Vec<_> = self.functions.keys().filter(|name| !name.starts_with("anon$")).cloned().collect();
        for name in named {
            let Some(function) = self.functions.get(&name) else { continue };
            let variables: Variables = function.params.iter().map(|param| (param.clone(), Type::Any)).collect();
            let ast = function.ast.clone();
            self.gather_keys(&ast);
            self.body(&statements_of(&ast), &variables);
        }
    }

    /// Walks statements; the type of the last one.
    pub(super) fn body(&mut self, statements: &[Stmt], variables: &Variables) -> Type {
        let mut variables = variables.clone();
        let mut last = Type::Any;
        for statement in statements {
            last = self.statement(statement, &mut variables);
        }
        last
    }

    fn statement(&mut self, statement: &Stmt, variables: &mut Variables) -> Type {
        match statement {
            Stmt::FnCall(call, position) => return self.call(call, *position, None, variables),
            Stmt::Var(var, ..) => {
                let of = self.expression(&var.1, variables);
                variables.insert(var.0.name.to_string(), of);
            }
            Stmt::Block(block) => return self.body(block.statements(), variables),
            Stmt::If(flow, _) => {
                self.expression(&flow.expr, variables);
                let then = self.body(flow.body.statements(), variables);
                let otherwise = self.body(flow.branch.statements(), variables);
                return if then == otherwise { then } else { Type::Any };
            }
            Stmt::For(parts, _) => {
                let of = self.expression(&parts.2.expr, variables).element();
                let mut inner = variables.clone();
                inner.insert(parts.0.name.to_string(), of);
                self.body(parts.2.body.statements(), &inner);
            }
            Stmt::Assignment(parts) => {
                self.expression(&parts.1.lhs, variables);
                self.expression(&parts.1.rhs, variables);
            }
            Stmt::Expr(expr) | Stmt::Return(Some(expr), ..) | Stmt::BreakLoop(Some(expr), ..) => {
                return self.expression(expr, variables);
            }
            Stmt::Switch(parts, _) => {
                self.expression(&parts.0, variables);
                for arm in &parts.1.expressions {
                    self.expression(&arm.lhs, variables);
                    self.expression(&arm.rhs, variables);
                }
            }
            Stmt::TryCatch(flow, _) => {
                self.body(flow.body.statements(), variables);
                self.body(flow.branch.statements(), variables);
            }
            _ => {}
        }
        Type::Any
    }

    /// Walks an expression; its type.
    pub(super) fn expression(&mut self, expr: &Expr, variables: &Variables) -> Type {
        match expr {
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr, None, variables),
            Expr::BoolConstant(..) => Type::Truth,
            Expr::IntegerConstant(..) => Type::Number,
            Expr::StringConstant(..) => Type::Text,
            Expr::InterpolatedString(parts, _) => {
                self.all(parts.iter(), variables);
                Type::Text
            }
            Expr::Array(items, _) => {
                self.all(items.iter(), variables);
                Type::List
            }
            Expr::Map(map, _) => {
                for (key, value) in &map.0 {
                    self.keys.insert(key.name.to_string());
                    self.expression(value, variables);
                }
                Type::Map
            }
            Expr::Variable(variable, ..) => variables.get(variable.1.as_str()).copied().unwrap_or(Type::Any),
            Expr::FnCall(call, position) => self.call(call, *position, None, variables),
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                self.all(parts.iter(), variables);
                Type::Truth
            }
            Expr::Coalesce(parts, _) => {
                self.all(parts.iter(), variables);
                Type::Any
            }
            Expr::Stmt(block) => self.body(block.statements(), variables),
            Expr::DynamicConstant(..) => {
                self.closure(expr, &[], variables);
                Type::Any
            }
            _ => Type::Any,
        }
    }

    fn all<'e>(&mut self, parts: impl Iterator<Item = &'e Expr>, variables: &Variables) {
        for part in parts {
            self.expression(part, variables);
        }
    }

    /// Walks `a.b[c].d()`, which Rhai keeps as a chain leaning to the right; `base` is the type of what stands left.
    fn chain(&mut self, expr: &Expr, base: Option<Type>, variables: &Variables) -> Type {
        match expr {
            Expr::Dot(parts, ..) => {
                let of = self.link(&parts.lhs, base, variables);
                self.chain(&parts.rhs, Some(of), variables)
            }
            Expr::Index(parts, flags, _) => {
                let element = self.link(&parts.lhs, base, variables).element();
                match &parts.rhs {
                    Expr::Dot(rest, ..) | Expr::Index(rest, ..) if !flags.intersects(ASTFlags::BREAK) => {
                        self.expression(&rest.lhs, variables);
                        self.chain(&rest.rhs, Some(element), variables)
                    }
                    index => {
                        self.expression(index, variables);
                        element
                    }
                }
            }
            other => self.link(other, base, variables),
        }
    }

    fn link(&mut self, expr: &Expr, base: Option<Type>, variables: &Variables) -> Type {
        match (expr, base) {
            (Expr::Property(property, position), Some(of)) => self.property(of, &property.2, *position),
            (Expr::MethodCall(call, position), Some(_)) => self.call(call, *position, base, variables),
            (Expr::Dot(..) | Expr::Index(..), _) => self.chain(expr, base, variables),
            _ => self.expression(expr, variables),
        }
    }

    fn property(&mut self, of: Type, name: &str, position: Position) -> Type {
        if let Some(gives) = of.property(name) {
            return gives;
        }
        if self.keys.contains(name) || self.symbols.may_be(name) {
            return Type::Any;
        }
        let mut names: IndexSet<_> = of.properties().map(|property| property.name).collect();
        names.sort();
        let title = match of {
            Type::Any => format!("nothing has a property `{name}`"),
            _ => format!("{} has no property `{name}`", a(of.describe())),
        };
        let method = LIBRARY.iter().any(|(method, _)| *method == name);
        let label = question(name, names.iter().copied()).unwrap_or_else(|| {
            if method { format!("it is a method: write `{name}(…)`") } else { "unknown property".to_owned() }
        });
        let hint = (of != Type::Any && !names.is_empty())
            .then(|| format!("{} has: {}", a(of.describe()), list(names.iter().copied(), "and")));
        let span = self.island.locate(position);
        self.diagnostics.push(Diagnostic::error(Code::UnknownProperty, title).at(span, label).hint(hint));
        Type::Any
    }

    /// Walks a call, or of a method if there is a `base`.
    fn call(&mut self, call: &FnCallExpr, position: Position, base: Option<Type>, variables: &Variables) -> Type {
        let name = call.name.as_str();
        // A closure that a list's method takes is called with elements of the list.
        let element = base.map_or(Type::Any, Type::element);
        let types = match name {
            "reduce" | "reduce_rev" => [Type::Any, element],
            "sort" | "sort_by" | "order_by" | "dedup" => [element, element],
            // The second parameter, where there is one, is the element's place.
            _ => [element, Type::Number],
        };
        for argument in &call.args {
            if !self.closure(argument, &types, variables) {
                self.expression(argument, variables);
            }
        }
        if call.is_operator_call() {
            return match name {
                "==" | "!=" | "<" | "<=" | ">" | ">=" | "!" | "in" | "contains" => Type::Truth,
                _ => Type::Any,
            };
        }
        if let Some(function) = FUNCTIONS.iter().find(|function| function.name == name && base.is_none()) {
            self.declared(function.gives, &call.args);
            return function.gives;
        }
        if let Some((_, gives)) = LIBRARY.iter().find(|(method, _)| *method == name) {
            return gives.or(base).unwrap_or(Type::Any);
        }
        let here = self.functions.contains_key(name) || self.known.contains_key(name) || name.starts_with("anon$");
        // What Rhai makes of operators and closures by itself is not for the user to spell.
        let internal =
            matches!(name, "curry" | "Fn" | "is_shared" | "print" | "debug") || !name.starts_with(char::is_alphabetic);
        if !here && !internal && !variables.contains_key(name) && !self.symbols.may_be(name) {
            let known = FUNCTIONS.iter().map(|function| function.name).chain(LIBRARY.iter().map(|(name, _)| *name));
            let known = known.chain(self.known.keys().map(String::as_str));
            let property = base.and_then(|of| of.property(name)).is_some();
            let label = if property {
                format!("`{name}` is a property: leave the parentheses out")
            } else {
                question(name, known).unwrap_or_else(|| "unknown function".to_owned())
            };
            let title = format!("there is no {} `{name}`", if base.is_some() { "method" } else { "function" });
            let span = self.island.locate(position);
            self.diagnostics.push(Diagnostic::error(Code::UnknownFunction, title).at(span, label));
        }
        Type::Any
    }

    /// Checks that the object exists that `service("name")` and its like ask for, where the name is written out.
    fn declared(&mut self, of: Type, arguments: &[Expr]) {
        let kind = match of {
            Type::Service => Kind::Service,
            Type::Pod => Kind::Pod,
            Type::Node => Kind::Node,
            // What has been sent by then is known when it runs.
            _ => return,
        };
        if let [Expr::StringConstant(name, position)] = arguments {
            let span = self.island.locate(*position);
            self.diagnostics.extend(self.symbols.resolve(name, span, &[kind]).err());
        }
    }

    /// Walks a closure with the types of its parameters, if `expr` is one.
    fn closure(&mut self, expr: &Expr, types: &[Type], variables: &Variables) -> bool {
        let (name, captured) = match expr {
            Expr::DynamicConstant(value, _) => (pointer(value), 0),
            // A closure that uses variables from outside is a block that shares them and then curries it.
            Expr::Stmt(block) => match block.statements() {
                [.., Stmt::Expr(last)] => match &**last {
                    Expr::FnCall(call, _) if call.name == "curry" => match call.args.first() {
                        Some(Expr::DynamicConstant(value, _)) => (pointer(value), call.args.len() - 1),
                        _ => return false,
                    },
                    _ => return false,
                },
                _ => return false,
            },
            _ => return false,
        };
        let Some(function) = name.and_then(|name| self.functions.get(&name)) else { return false };
        let mut inner = variables.clone();
        for (at, param) in function.params.iter().enumerate().skip(captured) {
            inner.insert(param.clone(), types.get(at - captured).copied().unwrap_or(Type::Any));
        }
        let body = statements_of(&function.ast);
        self.body(&body, &inner);
        true
    }

    fn gather_keys(&mut self, ast: &AST) {
        ast.walk(&mut |path: &[ASTNode<'_>]| {
            if let Some(ASTNode::Expr(Expr::Map(map, _))) = path.last() {
                self.keys.extend(map.0.iter().map(|(key, _)| key.name.to_string()));
            }
            true
        });
    }
}

fn pointer(value: &rhai::Dynamic) -> Option<String> {
    value.read_lock::<FnPtr>().map(|pointer| pointer.fn_name().to_owned())
}

/// The statements of the only function of a script. Rhai gives them to who walks the script, and no other way.
fn statements_of(ast: &AST) -> Vec<Stmt> {
    let mut statements = ast_statements(ast).to_vec();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}
