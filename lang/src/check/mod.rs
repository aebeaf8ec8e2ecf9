//! The checks: everything that can be found in a file before anything runs, in one pass.

pub(crate) mod advice;
mod commands;
mod config_maps;
mod declare;
mod disk;
mod endpoints;
mod handlers;
mod load;
mod machines;
mod patch;
mod pod_dns;
mod policies;
mod properties;
mod proxy;
mod routers;
pub(crate) mod scripts;
mod services;
pub(crate) mod symbols;
mod tests;
pub(crate) mod values;
mod wizard;
mod workloads;
mod zones;

pub(crate) use services::annotation_fault;

use std::net::Ipv4Addr;

use netscene_core::kube::Object;
use netscene_core::map::IndexMap;
use netscene_core::packet::Mac;
use netscene_core::world::{Op, Operation};

use self::declare::Ranges;
use self::endpoints::Given;
use self::scripts::Compiler;
use self::symbols::Symbols;
use crate::ast::{Ast, Statement, StatementKind};
use crate::program::Program;
use crate::suggest::list;
use crate::table::Table;
use crate::words::BlockKind;
use crate::{Code, Diagnostic, SourceFiles, Span, Word};

/// Checks a file and makes a program of it. The program may be run if no diagnostic is an error.
///
/// ```
/// use netscene_lang::{SourceFiles, check, parse};
/// let mut files = SourceFiles::default();
/// let (ast, _) = parse(&files.add("hello.scn", "node a at 10.0.0.1\nping a -> b as hello\n"));
/// let (_, diagnostics) = check(&ast);
/// assert_eq!(diagnostics[0].title, "there is no service, pod, node, host or deployment `b`");
/// ```
pub fn check<'a>(ast: &'a Ast) -> (Program, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let symbols = Symbols::gather(ast, &mut diagnostics);
    let mut checker = Checker {
        files: &ast.files,
        symbols,
        ranges: Ranges::default(),
        addresses: IndexMap::default(),
        macs: IndexMap::default(),
        compiler: Compiler::new(),
        diagnostics,
        declarations: Vec::new(),
        inner: IndexMap::default(),
        tables: IndexMap::default(),
        patches: IndexMap::default(),
        rules: Vec::new(),
        given: Vec::new(),
        partial: false,
        sent: IndexMap::default(),
    };
    checker.loosen_commands(&ast.statements);
    checker.ranges(&ast.statements);
    checker.wizard(&ast.statements);
    for statement in &ast.statements {
        checker.declaration(statement);
    }
    // A loaded node takes its place in networks that are all declared by then.
    for statement in &ast.statements {
        checker.loaded(statement);
    }
    let block = |statement: &'a Statement| match &statement.kind {
        StatementKind::Rhai(block) => Some(block),
        _ => None,
    };
    let blocks: Vec<_> = ast.statements.iter().filter_map(block).collect();
    checker.give_endpoints();
    checker.compiler.library(&blocks, &checker.symbols, &mut checker.diagnostics);
    let steps = checker.steps(&ast.statements);
    checker.symbols.count_faults(0);
    let Checker { symbols, compiler, mut diagnostics, mut declarations, inner, tables, patches, rules, .. } = checker;
    declarations.extend(rules);
    diagnostics.sort_by_key(Diagnostic::span);
    let program = Program {
        file: ast.file.clone(),
        files: ast.files.clone(),
        declarations,
        inner,
        tables,
        patches,
        steps,
        symbols,
        scripts: compiler.scripts,
    };
    (program, diagnostics)
}

/// What the checks carry along.
struct Checker<'a> {
    files: &'a SourceFiles,
    symbols: Symbols,
    ranges: Ranges,
    /// Addresses that are given away, and where, in the order in which they are: what a test gives away comes last.
    addresses: IndexMap<Ipv4Addr, Span>,
    /// Ethernet addresses of machines, and where they are given.
    macs: IndexMap<Mac, Span>,
    compiler: Compiler,
    diagnostics: Vec<Diagnostic>,
    declarations: Vec<Operation>,
    /// What the namespaces that are opened in tests declare there, by their places.
    inner: IndexMap<Span, Vec<Operation>>,
    /// The tables of tests, by their places.
    tables: IndexMap<Span, Table>,
    /// What `set`s and `patch`es are, by their places.
    patches: IndexMap<Span, Op>,
    /// Rules on machines: they come after everything that is declared.
    rules: Vec<Operation>,
    /// The endpoints that stand apart from their services.
    given: Vec<Given>,
    /// Whether fields are checked without the object that they belong to.
    partial: bool,
    /// The names of all that is sent, where each is sent first, and whether the checks have come to a place that sends it.
    sent: IndexMap<String, (Span, bool)>,
}

impl Checker<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
        self.symbols.count_faults(self.diagnostics.len());
    }

    /// The value, or a diagnostic and nothing.
    fn ok<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.report(diagnostic)).ok()
    }

    /// Lowers a sentence that declares something at the top of a file.
    fn declaration(&mut self, statement: &Statement) {
        let object = match &statement.kind {
            StatementKind::Cluster { name, body } => Some(self.cluster(name, body)),
            // `ranges` has checked it already.
            StatementKind::Pool { name, .. } => {
                let known =
                    self.ranges.pools.iter().find(|(pool, span)| pool.name == name.text && *span == statement.span);
                known.map(|(pool, _)| Object::Pool(pool.clone()))
            }
            StatementKind::Node { name, clauses, body } => self.node(name, clauses, body.as_ref()),
            StatementKind::Host { name, clauses, body } => self.host(name, clauses, body.as_ref()),
            StatementKind::Router { name, body } => Some(self.router(name, body)),
            StatementKind::Zone { name, body } => self.zone(name, body),
            StatementKind::Namespace { name, body } => {
                let name = self.ok(values::name(name));
                let Some(name) = name else { return };
                let labels = self.namespace_labels(body);
                self.declare(statement.span, Object::Namespace { name: name.clone(), labels });
                for inner in &body.statements {
                    self.namespaced(&name, inner);
                }
                None
            }
            StatementKind::Apply { operations, .. } => {
                self.declarations.extend(operations.iter().cloned());
                None
            }
            _ => None,
        };
        if let Some(object) = object {
            self.declare(statement.span, object);
        }
    }

    fn namespaced(&mut self, namespace: &str, statement: &Statement) {
        let object = match &statement.kind {
            StatementKind::Pod { name, clauses, body } => self.pod(namespace, name, clauses, body.as_ref()),
            StatementKind::Workload { word, name, body } => self.workload(namespace, *word, name, body),
            StatementKind::Service { name, body } => self.service(namespace, name, body),
            StatementKind::Ingress { name, body } => self.ingress(namespace, name, body),
            StatementKind::EndpointsObject { service, body } => {
                self.endpoints(namespace, service, body);
                None
            }
            StatementKind::ConfigMap { name, body } => self.config_map(namespace, name, body),
            StatementKind::NetworkPolicy { name, body } => self.network_policy(namespace, name, body),
            // The namespace itself has them already.
            StatementKind::Labels { word: Word::Labels, .. } => None,
            _ => return self.misplaced(statement, BlockKind::Namespace),
        };
        if let Some(object) = object {
            self.declare(statement.span, object);
        }
    }

    fn declare(&mut self, span: Span, object: Object) {
        let origin = self.files.origin(span);
        self.declarations.push(Operation { op: Op::Declare { object }, origin });
    }

    /// Reports a sentence that does not belong in its block.
    fn misplaced(&mut self, statement: &Statement, block: BlockKind) {
        let Some(word) = statement.kind.word() else { return };
        let legal = list(block.words().map(Word::text), "and");
        // `host` and `on` begin sentences of two forms: then it is the form that is wrong.
        let form = block.words().any(|other| other == word);
        let what = if form { "this form of " } else { "" };
        let title = format!("{what}`{}` does not belong in {}", word.text(), block.describe());
        let end = statement.span.start as usize + word.text().len();
        let span = Span::new(statement.span.file, statement.span.start as usize, end.min(statement.span.end as usize));
        let place = |kind: &&BlockKind| **kind != block;
        let places: Vec<_> = word.blocks().iter().filter(place).map(|kind| kind.describe()).collect();
        let label = match (form, places.is_empty()) {
            (true, _) | (_, true) => format!("`{}`", word.syntax()),
            _ => format!("it belongs in {}", list(places.iter().copied(), "or")),
        };
        let hint = (!form).then(|| format!("{} has: {legal}", block.describe()));
        self.report(Diagnostic::error(Code::Misplaced, title).at(span, label).hint(hint));
    }
}
