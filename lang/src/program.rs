use std::sync::Arc;

use netscene_core::map::IndexMap;
use netscene_core::world::{Op, Operation};

use crate::ast::{Statement, StatementKind};
use crate::check::scripts::Scripts;
use crate::check::symbols::Symbols;
use crate::table::Table;
use crate::{SourceFile, SourceFiles, Span};

/// A checked file, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) files: SourceFiles,
    pub(crate) declarations: Vec<Operation>,
    /// What namespaces inside of tests declare, by the places of those.
    pub(crate) inner: IndexMap<Span, Vec<Operation>>,
    /// The tables of tests, by the places of those.
    pub(crate) tables: IndexMap<Span, Table>,
    /// What `set`s and `patch`es are, but for the names of what they change, by their places.
    pub(crate) patches: IndexMap<Span, Op>,
    /// Everything else, in file order.
    pub(crate) steps: Vec<Statement>,
    pub(crate) symbols: Symbols,
    pub(crate) scripts: Scripts,
}

impl Program {
    /// The file it was made from.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// What it declares, in file order: the first operations of every run.
    pub fn declarations(&self) -> &[Operation] {
        &self.declarations
    }

    /// The names of its tests as they are written, in file order, those in a `for` or an `if` with them.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        let mut found = Vec::new();
        named(&self.steps, &mut found);
        found.into_iter()
    }
}

fn named<'a>(statements: &'a [Statement], found: &mut Vec<&'a str>) {
    for statement in statements {
        match &statement.kind {
            StatementKind::Test { name, .. } => found.push(&name.text),
            StatementKind::For { .. } | StatementKind::If { .. } => {
                for block in statement.kind.blocks() {
                    named(&block.statements, found);
                }
            }
            _ => {}
        }
    }
}
