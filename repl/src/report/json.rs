//! The report as JSON, in the form that `repl/report.schema.json` describes. Numbers of the form's version mean that
//! something was taken away or means something else; what is new in it does not change the number.

use netscene_lang::Severity;
use serde_json::{Value, json};

use super::{FileResult, Outcome, Results, TestResult};
use crate::commands::test::coverage::{Coverage, State};
use crate::commands::test::record::{At, Problem};

/// The version of the form.
const VERSION: u32 = 1;

pub(super) fn report(results: &Results<'_>) -> String {
    let mut report = json!({
        "version": VERSION,
        "seed": results.seed,
        "passed": results.count(Outcome::Passed),
        "failed": results.count(Outcome::Failed),
        "skipped": results.count(Outcome::Skipped),
        "notRun": results.count(Outcome::NotRun),
        "files": results.files.iter().map(file).collect::<Vec<_>>(),
    });
    if let Some(found) = results.coverage {
        report["coverage"] = coverage(found);
    }
    format!("{report:#}\n")
}

fn file(file: &FileResult<'_>) -> Value {
    json!({
        "name": file.name,
        "problems": file.problems.iter().map(problem).collect::<Vec<_>>(),
        "tests": file.tests.iter().map(test).collect::<Vec<_>>(),
    })
}

fn test(test: &TestResult<'_>) -> Value {
    let mut value = json!({
        "name": test.name,
        "outcome": test.outcome.word(),
        "problems": test.problems.iter().map(problem).collect::<Vec<_>>(),
    });
    if let Some(at) = &test.at {
        value["at"] = place(at);
    }
    if !test.output.is_empty() {
        value["output"] = json!(test.output);
    }
    if let Some(why) = test.vacuous {
        value["vacuous"] = json!(why);
    }
    value
}

fn problem(problem: &Problem) -> Value {
    let mut value = json!({
        "code": problem.code,
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "title": problem.title,
        "text": problem.text,
    });
    if let Some(at) = &problem.at {
        value["at"] = place(at);
    }
    if !problem.label.is_empty() {
        value["label"] = json!(problem.label);
    }
    if let Some(hint) = &problem.hint {
        value["hint"] = json!(hint);
    }
    value
}

fn place(at: &At) -> Value {
    json!({
        "file": at.file,
        "line": at.line,
        "column": at.column,
        "endLine": at.end_line,
        "endColumn": at.end_column,
    })
}

fn coverage(coverage: &Coverage) -> Value {
    let rules = coverage.rules.iter().map(|(rule, state)| {
        let made = &rule.made;
        let mut value = json!({
            "node": &*rule.node,
            "table": rule.table.as_str(),
            "chain": &*rule.chain,
            "rule": &*rule.rule,
            "agent": &*made.agent,
            "state": state.word(),
        });
        for (name, text) in [("object", &made.object), ("field", &made.field), ("file", &made.file)] {
            if !text.is_empty() {
                value[name] = json!(&**text);
            }
        }
        if !made.file.is_empty() {
            value["line"] = json!(made.line);
        }
        value
    });
    let paths = coverage.paths.iter().map(|path| {
        let mut value = json!({
            "ingress": &*path.rule.ingress,
            "path": &*path.rule.path,
            "touched": path.touched,
        });
        if !path.host.is_empty() {
            value["host"] = json!(&*path.host);
        }
        if let Some(origin) = &path.rule.origin {
            value["file"] = json!(&*origin.file);
            value["line"] = json!(origin.line);
        }
        value
    });
    json!({
        "touched": coverage.rules.len() - coverage.count(State::Untouched),
        "tested": coverage.count(State::Tested),
        "tried": coverage.tried,
        "rules": rules.collect::<Vec<_>>(),
        "ingressPaths": paths.collect::<Vec<_>>(),
    })
}
