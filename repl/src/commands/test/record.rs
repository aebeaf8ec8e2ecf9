//! What became of tests.

use std::collections::BTreeSet;

use netscene_lang::{Code, Diagnostic, Severity, SourceFiles, TestFacts, render};

use super::coverage::RuleKey;
use crate::exit::Exit;

/// A place in a file, lines and columns from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

/// Something that is wrong, for reports.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// `E0502`.
    pub(crate) code: String,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) at: Option<At>,
    /// What the place shows.
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
    /// The whole of it, drawn, without colours.
    pub(crate) text: String,
    /// The same as it is printed.
    pub(crate) shown: String,
}

impl Problem {
    pub(crate) fn of(diagnostic: &Diagnostic, files: &SourceFiles, color: bool) -> Self {
        let drawn = |color| render(std::slice::from_ref(diagnostic), files, color);
        let text = drawn(false);
        Self {
            code: diagnostic.code.to_string(),
            severity: diagnostic.severity,
            title: diagnostic.title.clone(),
            at: diagnostic.span().and_then(|span| place(files, span)),
            label: diagnostic.labels.iter().find(|label| label.primary).map(|one| one.text.clone()).unwrap_or_default(),
            hint: diagnostic.hint.clone(),
            shown: if color { drawn(true) } else { text.clone() },
            text,
        }
    }
}

impl Problem {
    /// The exit status that it brings about.
    pub(super) fn exit(&self) -> Exit {
        let is = |code: Code| self.code == code.to_string();
        match self.severity {
            Severity::Note | Severity::Warning => Exit::Held,
            Severity::Error if is(Code::LimitHit) => Exit::Limit,
            Severity::Error => {
                let unmet = [Code::ExpectationFailed, Code::AssertionFailed, Code::OutputDiffers].into_iter().any(is);
                if unmet { Exit::Unmet } else { Exit::BadInput }
            }
        }
    }
}

/// A place, as reports have it.
pub(crate) fn place(files: &SourceFiles, span: netscene_lang::Span) -> Option<At> {
    let file = files.get(span.file)?;
    let at = |byte: u32| {
        let before = &file.text()[..byte as usize];
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    };
    let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end));
    Some(At { file: file.name().to_owned(), line, column, end_line, end_column })
}

/// What became of a test, or of what a file says outside of its tests.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Record {
    pub(crate) passed: bool,
    /// What `show`, `trace` and the like have printed.
    pub(crate) output: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) facts: TestFacts,
    /// It is not to run.
    pub(crate) skipped: bool,
    /// Not everything that it sent was answered.
    pub(crate) lost: bool,
    /// It holds whatever becomes of what it sends.
    pub(crate) holds_muted: bool,
    /// Why no change could break it, if that is so.
    pub(crate) vacuous: Option<&'static str>,
    /// The rules that its packets have matched, if that was asked for.
    pub(crate) touched: BTreeSet<RuleKey>,
}
