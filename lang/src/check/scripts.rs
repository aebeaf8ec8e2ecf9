//! The Rhai of a file, compiled once: islands, and the constants and functions of `rhai { }` blocks.

use netscene_core::map::{IndexMap, IndexSet};
use rhai::{AST, ASTFlags, Dynamic, Engine, ParseErrorType, Scope, Stmt};

use super::properties::{Function, Walker};
use super::symbols::Symbols;
use crate::api::{FUNCTIONS, Type};
use crate::ast::Island;
use crate::rhai_words::parse_problem;
use crate::suggest::{list, question};
use crate::{Code, Diagnostic, Span, script};

/// The variables that an island sees, and their types.
pub(crate) type Variables = IndexMap<String, Type>;

/// What a program keeps of the Rhai in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripts {
    /// Each island, by its place.
    pub(crate) islands: IndexMap<Span, AST>,
    /// Each `rhai` block, in file order.
    pub(crate) library: Vec<(Island, AST)>,
}

/// Compiles and checks Rhai.
pub(super) struct Compiler {
    engine: Engine,
    pub(super) scripts: Scripts,
    /// The constants of the library.
    pub(super) constants: Variables,
    /// The functions of the library.
    functions: IndexMap<String, usize>,
}

impl Compiler {
    pub(super) fn new() -> Self {
        let engine = script::compiler();
        Self { engine, scripts: Scripts::default(), constants: Variables::default(), functions: IndexMap::default() }
    }

    /// Compiles the `rhai` blocks. All of them come before all islands, wherever they stand.
    pub(super) fn library(&mut self, blocks: &[&Island], symbols: &Symbols, diagnostics: &mut Vec<Diagnostic>) {
        for block in blocks {
            let scope = scope(&block.text, &self.constants, &symbols.loose);
            let ast = match self.engine.compile_with_scope(&scope, &block.text) {
                Ok(ast) => ast,
                Err(error) => {
                    diagnostics.extend(self.compile_error(&error, block, &self.constants, symbols));
                    // What the block defines is not missing for that.
                    self.constants.extend(defined(&block.text, "const").map(|name| (name.to_owned(), Type::Any)));
                    self.functions.extend(defined(&block.text, "fn").map(|name| (name.to_owned(), 0)));
                    continue;
                }
            };
            for function in ast.iter_functions().filter(|function| !function.name.starts_with("anon$")) {
                self.functions.insert(function.name.to_owned(), function.params.len());
            }
            let mut constants = Vec::new();
            for statement in ast_statements(&ast) {
                match statement {
                    Stmt::Var(var, flags, _) if flags.intersects(ASTFlags::CONSTANT) => {
                        constants.push((var.0.name.to_string(), var.1.clone()));
                    }
                    Stmt::Noop(_) => {}
                    other => {
                        let title = "a `rhai` block holds constants and functions only";
                        let diagnostic = Diagnostic::error(Code::Island, title);
                        let diagnostic = diagnostic.at(block.locate(other.position()), "expected `const` or `fn`");
                        diagnostics.push(diagnostic);
                    }
                }
            }
            for (name, value) in constants {
                let mut walker = self.walker(&ast, block, symbols);
                let of = walker.expression(&value, &self.constants.clone());
                diagnostics.append(&mut walker.diagnostics);
                self.constants.insert(name, of);
            }
            self.scripts.library.push(((*block).clone(), ast));
        }
        // A function may call one of a later block, so that bodies come when all names are known.
        for (block, ast) in &self.scripts.library {
            let mut walker = self.walker(ast, block, symbols);
            walker.functions();
            diagnostics.append(&mut walker.diagnostics);
        }
    }

    /// Compiles and checks an island; what its value will be.
    pub(super) fn island(
        &mut self,
        island: &Island,
        variables: &Variables,
        symbols: &Symbols,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Type {
        let mut all = self.constants.clone();
        all.extend(variables.iter().map(|(name, of)| (name.clone(), *of)));
        if island.text.trim().is_empty() {
            let diagnostic = Diagnostic::error(Code::Island, "an empty island has no value");
            diagnostics.push(diagnostic.at(island.span, "expected Rhai between the braces"));
            return Type::Any;
        }
        let scope = scope(&island.text, &all, &symbols.loose);
        let ast = match self.engine.compile_expression_with_scope(&scope, &island.text) {
            Ok(ast) => ast,
            Err(error) => {
                diagnostics.extend(self.compile_error(&error, island, &all, symbols));
                return Type::Any;
            }
        };
        let mut walker = self.walker(&ast, island, symbols);
        let of = walker.body(ast_statements(&ast), &all);
        diagnostics.append(&mut walker.diagnostics);
        self.scripts.islands.insert(island.span, ast);
        of
    }

    fn walker<'a>(&'a self, ast: &'a AST, island: &'a Island, symbols: &'a Symbols) -> Walker<'a> {
        let functions = ast.iter_functions().map(|function| {
            // `clone_functions_only_filtered` of Rhai 1.27 keeps every function whatever the filter says.
            let mut only = ast.clone_functions_only();
            only.retain_functions(|_, _, name, count| name == function.name && count == function.params.len());
            let params = function.params.iter().map(|&name| name.to_owned()).collect();
            (function.name.to_owned(), Function { params, ast: only })
        });
        Walker {
            island,
            known: &self.functions,
            symbols,
            functions: functions.collect(),
            keys: IndexSet::default(),
            diagnostics: Vec::new(),
        }
    }

    /// What Rhai's parser says; nothing where the name that it misses may be one of a file that could not be read.
    fn compile_error(
        &self,
        error: &rhai::ParseError,
        island: &Island,
        variables: &Variables,
        symbols: &Symbols,
    ) -> Option<Diagnostic> {
        let span = island.locate(error.position());
        Some(match error.err_type() {
            ParseErrorType::VariableUndefined(name) if symbols.may_be(name) => return None,
            ParseErrorType::VariableUndefined(name) => {
                let functions = FUNCTIONS.iter().map(|function| function.name);
                let dashed = |flow: &&String| {
                    let rest = flow.strip_prefix(name.as_str()).filter(|rest| rest.starts_with('-'));
                    rest.is_some_and(|_| island.text.contains(flow.as_str()))
                };
                let dashed = variables.keys().find(dashed);
                let near = || question(name, variables.keys().map(String::as_str));
                let label = dashed.map(|flow| format!("`-` is minus here: write `flow(\"{flow}\")`")).or_else(near);
                let label = label.unwrap_or_else(|| {
                    if defined(&island.text, "const").any(|constant| constant == name) {
                        format!("inside of a function, a constant is `global::{name}`")
                    } else if functions.chain(self.functions.keys().map(String::as_str)).any(|known| known == name) {
                        format!("`{name}` is a function: write `{name}(…)`")
                    } else {
                        "no flow, loop variable or constant of that name is known here".to_owned()
                    }
                });
                let diagnostic = Diagnostic::error(Code::UnknownVariable, format!("unknown variable `{name}`"));
                let known = list(variables.keys().map(String::as_str), "and");
                let hint = (!known.is_empty()).then(|| format!("known here: {known}"));
                diagnostic.at(span, label).hint(hint)
            }
            other => {
                let (code, title, label) = parse_problem(other);
                Diagnostic::error(code, title).at(span, label)
            }
        })
    }
}

/// The names that the words behind each `keyword` are.
fn defined<'t>(text: &'t str, keyword: &'static str) -> impl Iterator<Item = &'t str> {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    std::iter::from_fn(move || words.by_ref().find(|word| *word == keyword).and_then(|_| words.next()))
}

/// The statements of a script. `AST` gives them by `AsRef`, which is ambiguous without its type.
pub(super) fn ast_statements(ast: &AST) -> &[Stmt] {
    AsRef::<[Stmt]>::as_ref(ast)
}

/// A scope in which every name that an island sees is a constant. The values come when it runs.
fn scope<'a>(text: &str, variables: &'a Variables, loose: &'a IndexSet<String>) -> Scope<'a> {
    let mut scope = Scope::new();
    let mut seen = IndexSet::default();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let known = variables.get_key_value(word).map(|(name, _)| name).or_else(|| loose.get(word));
        if let Some(name) = known.filter(|name| rhai::is_valid_identifier(name) && seen.insert(name.as_str())) {
            scope.push_constant_dynamic(name.as_str(), Dynamic::UNIT);
        }
    }
    scope
}
