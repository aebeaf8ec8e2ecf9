//! What is legal and surely wrong: warnings about a file that has no errors. (With errors, an error may be why something
//! looks wrong.)
//!
//! The objects are judged, whether they come from sentences or from manifests; [`Places`] finds the words that say them.

mod flows;
mod policies;
mod pools;
mod services;
mod workloads;

use netscene_core::Origin;
use netscene_core::kube::Object;
use netscene_core::map::IndexMap;
use netscene_core::world::{Op, Operation};

use crate::ast::{Ast, Statement, StatementKind};
use crate::{Diagnostic, Program, SourceFiles, Span};

/// Everything that looks wrong in a program without errors.
pub(crate) fn advise(ast: &Ast, program: &Program) -> Vec<Diagnostic> {
    let places = Places::new(&ast.files, &ast.statements);
    let all = program.declarations.iter().chain(program.inner.values().flatten());
    let objects: Vec<_> = all.clone().filter_map(|operation| Declared::of(&places, operation)).collect();
    let mut diagnostics = Vec::new();
    let given = |operation: &Operation| match &operation.op {
        Op::Patch { object: Object::Service(service), .. } => Some(format!("{}/{}", service.namespace, service.name)),
        _ => None,
    };
    let given = all.clone().filter_map(given).collect();
    services::advise(&objects, &given, &places, &mut diagnostics);
    workloads::advise(&objects, &ast.statements, &places, &mut diagnostics);
    policies::advise(&objects, &places, &mut diagnostics);
    pools::advise(&objects, &mut diagnostics);
    flows::advise(&ast.statements, &mut diagnostics);
    diagnostics.retain(|diagnostic| !is_allowed(&ast.files, diagnostic));
    diagnostics
}

/// Whether a comment in the line says that something is meant to be so: `# allow E0701`.
fn is_allowed(files: &SourceFiles, diagnostic: &Diagnostic) -> bool {
    let line = diagnostic.span().and_then(|span| {
        let file = files.get(span.file)?;
        file.text().get(file.line_range(file.line_index(span.start as usize))?)
    });
    let comment = line.and_then(|line| line.split_once('#')).map_or("", |(_, comment)| comment);
    comment.contains(&format!("allow {}", diagnostic.code))
}

/// An object, and the place that declares it.
struct Declared<'a> {
    object: &'a Object,
    span: Span,
}

impl<'a> Declared<'a> {
    fn of(places: &Places<'_>, operation: &'a Operation) -> Option<Self> {
        let Op::Declare { object } = &operation.op else { return None };
        Some(Self { object, span: places.of(operation.origin.as_ref()?)? })
    }
}

/// Finds the words that say something about an object.
struct Places<'a> {
    files: &'a SourceFiles,
    /// The sentences that declare objects, by their places; what is not among them stands in a manifest.
    sentences: IndexMap<Span, &'a Statement>,
}

impl<'a> Places<'a> {
    fn new(files: &'a SourceFiles, statements: &'a [Statement]) -> Self {
        let mut places = Self { files, sentences: IndexMap::default() };
        places.gather(statements);
        places
    }

    fn gather(&mut self, statements: &'a [Statement]) {
        for statement in statements {
            self.sentences.insert(statement.span, statement);
            if !matches!(statement.kind, StatementKind::Pod { .. } | StatementKind::Service { .. }) {
                for block in statement.kind.blocks() {
                    self.gather(&block.statements);
                }
            }
        }
    }

    fn of(&self, origin: &Origin) -> Option<Span> {
        self.files.span(origin)
    }

    /// The sentence that declares an object; nothing for one of a manifest.
    fn sentence(&self, object: Span) -> Option<&'a Statement> {
        self.sentences.get(&object).copied()
    }

    /// The first line of an object: it is too long to be shown whole.
    fn head(&self, object: Span) -> Span {
        let text = self.files.at(object);
        let head = text.split(['{', '\n']).next().unwrap_or_default().trim_end();
        Span { end: object.start + head.len().max(1).min(text.len()) as u32, ..object }
    }

    /// The field of an object that `is` tells, in a sentence; in a manifest the first line with one of the `keys`, each of
    /// which must come behind the one before; else the object's first line.
    fn field(&self, object: Span, keys: &[&str], is: impl Fn(&StatementKind) -> bool) -> Span {
        if let Some(sentence) = self.sentence(object) {
            let fields = sentence.kind.blocks().into_iter().flat_map(|block| &block.statements);
            return fields
                .into_iter()
                .find(|field| is(&field.kind))
                .map_or_else(|| self.head(object), |field| field.span);
        }
        let text = self.files.at(object);
        let mut at = 0;
        for key in keys {
            let Some(found) = text[at..].find(key) else { return self.head(object) };
            at += found;
        }
        let line = text[at..].split('\n').next().unwrap_or_default().trim_end();
        if keys.is_empty() {
            return self.head(object);
        }
        Span { start: object.start + at as u32, end: object.start + (at + line.len()) as u32, ..object }
    }
}
