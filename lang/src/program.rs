use std::sync::Arc;

use indexmap::IndexMap;
use netscene_core::world::Operation;

use crate::ast::Statement;
use crate::check::scripts::Scripts;
use crate::check::symbols::Symbols;
use crate::{SourceFile, SourceFiles, Span};

/// A checked file, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) files: SourceFiles,
    pub(crate) declarations: Vec<Operation>,
    /// What namespaces inside of tests declare, by the places of those.
    pub(crate) inner: IndexMap<Span, Vec<Operation>>,
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

    /// The names of its tests, in file order.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match &step.kind {
            crate::ast::StatementKind::Test { name, .. } => Some(name.text.as_str()),
            _ => None,
        })
    }
}
