//! Traffic that nobody looks at.

use netscene_core::view::shell::Listing;

use crate::ast::{Block, Statement, StatementKind, Text};
use crate::{Code, Diagnostic, Word};

pub(super) fn advise(statements: &[Statement], diagnostics: &mut Vec<Diagnostic>) {
    for statement in statements {
        if let StatementKind::Test { body, .. } = &statement.kind {
            // One in which nothing looks at anything is vacuous, which `scn test` tells.
            if looks(body) {
                diagnostics.extend(unseen(&body.statements));
            }
        }
    }
    diagnostics.extend(unseen(statements));
}

/// What was sent last, with nothing after it that would show what became of it.
fn unseen(statements: &[Statement]) -> Option<Diagnostic> {
    let mut last = None;
    walk(statements, &mut |statement| match sent(&statement.kind) {
        Some(sent) => last = Some(sent),
        // A test looks for itself, and at what was sent above it.
        None if matches!(&statement.kind, StatementKind::Test { body, .. } if looks(body)) => last = None,
        // A condition or a list may look at it too.
        None if shows(&statement.kind)
            || matches!(statement.kind, StatementKind::If { .. } | StatementKind::For { .. }) =>
        {
            last = None;
        }
        None => {}
    });
    let (name, explored) = last.filter(|(name, _)| !name.text.is_empty())?;
    let title = format!("nothing looks at flow `{}`", name.text);
    let diagnostic = Diagnostic::error(Code::UnseenFlow, title).warning().at(name.span, "sent, and that is all");
    let always = if explored { "always " } else { "" };
    Some(diagnostic.hint(format!("write `expect {0} {always}delivered`, or `trace {0}`", name.text)))
}

fn looks(block: &Block) -> bool {
    let mut found = false;
    walk(&block.statements, &mut |statement| found |= shows(&statement.kind));
    found
}

/// Visits every sentence in the order in which it is carried out at first.
fn walk<'a>(statements: &'a [Statement], visit: &mut dyn FnMut(&'a Statement)) {
    for statement in statements {
        visit(statement);
        if matches!(statement.kind, StatementKind::Test { .. }) {
            continue;
        }
        for block in statement.kind.blocks() {
            walk(&block.statements, visit);
        }
    }
}

/// The name of what a sentence sends, and whether it tries every way of it.
fn sent(kind: &StatementKind) -> Option<(&Text, bool)> {
    match kind {
        StatementKind::Explore(what) => Some((what.sent()?, true)),
        _ => Some((kind.sent()?, false)),
    }
}

/// Whether a sentence shows something of what has happened, or judges it.
fn shows(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Look(_) => true,
        StatementKind::Log(text) => text.text.contains("${"),
        StatementKind::Command(text) => Listing::is_asked_for(&text.text),
        _ => matches!(kind.word(), Some(Word::Expect | Word::Assert | Word::Trace | Word::Show)),
    }
}
