//! Annotations: lines that GitHub shows at the place they name.
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write;

use netscene_lang::{Code, Severity};

use super::Results;
use crate::commands::test::record::At;

pub(super) fn annotations(results: &Results<'_>) -> String {
    let mut text = String::new();
    for (file, test, problem) in results.problems() {
        let kind = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let title = test.map_or_else(|| problem.code.clone(), |test| format!("{}: {}", problem.code, test.name));
        let mut message = problem.title.clone();
        for more in
            [Some(&problem.label).filter(|label| !label.is_empty()), problem.hint.as_ref()].into_iter().flatten()
        {
            message.push('\n');
            message.push_str(more);
        }
        annotation(&mut text, kind, file.name, problem.at.as_ref(), &title, &message);
    }
    for (file, test, why) in results.vacuous() {
        let title = format!("{}: {}", Code::Vacuous, test.name);
        annotation(&mut text, "warning", file.name, test.at.as_ref(), &title, why);
    }
    text
}

fn annotation(text: &mut String, kind: &str, file: &str, at: Option<&At>, title: &str, message: &str) {
    let place = match at {
        // A column is only read where the annotation is of one line.
        Some(at) if at.line == at.end_line => {
            format!("file={},line={},col={},endColumn={}", property(&at.file), at.line, at.column, at.end_column)
        }
        Some(at) => format!("file={},line={},endLine={}", property(&at.file), at.line, at.end_line),
        None => format!("file={}", property(file)),
    };
    let _ = writeln!(text, "::{kind} {place},title={}::{}", property(title), data(message));
}

/// What follows `::`: the escapes of `@actions/core`, `escapeData`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property: `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
