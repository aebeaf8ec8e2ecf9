//! `load`: a node by its dumps.

use netscene_core::world::{Op, Operation};

use super::{Checker, values};
use crate::ast::{Statement, StatementKind};
use crate::{Code, Diagnostic};

impl Checker<'_> {
    /// Reads the dumps that a sentence loads, and tells what cannot be understood of them, or had to be assumed.
    pub(super) fn loaded(&mut self, statement: &Statement) {
        let StatementKind::Load { name, path, dump } = &statement.kind else { return };
        self.machine_name("node", name);
        let Some(node) = self.ok(values::name(name)) else { return };
        // What could not be read has been told.
        if dump.files.is_empty() {
            return;
        }
        match dump.node(&node, &[]) {
            Err(error) => {
                let title = format!("the dump of node `{node}` cannot be understood");
                let label = error.to_string();
                self.report(Diagnostic::error(Code::Unreadable, title).at(path.span, label).hint(error.hint));
            }
            Ok(read) => {
                let open: Vec<_> = [read.doubts, read.assumed, read.unheeded].concat();
                if let Some(first) = open.first() {
                    let title = format!("the dump of node `{node}` leaves something open");
                    let more = (open.len() > 1).then(|| format!("and: {}", open[1..].join("; ")));
                    let diagnostic = Diagnostic::error(Code::Unreadable, title).warning();
                    self.report(diagnostic.at(path.span, first).hint(more));
                }
                let origin = self.files.origin(statement.span);
                self.declarations.push(Operation { op: Op::Load { node, dump: dump.clone() }, origin });
            }
        }
    }
}
