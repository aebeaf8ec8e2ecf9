//! SARIF 2.1.0, which code hosts and editors show: a result for each problem, by the code of its diagnostic.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>

use netscene_lang::{Code, Severity};
use serde_json::{Value, json};

use super::Results;
use crate::commands::test::record::At;

pub(super) fn report(results: &Results<'_>) -> String {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            let text = code.explanation().lines().map(str::trim).collect::<Vec<_>>().join(" ");
            json!({"id": code.to_string(), "shortDescription": {"text": text.trim()}})
        })
        .collect();
    let number = |code: &str| Code::ALL.iter().position(|one| one.to_string() == code);
    let result = |code: &str, level: &str, text: String, file: &str, at: Option<&At>, test: Option<&str>| {
        let mut result = json!({
            "ruleId": code,
            "level": level,
            "message": {"text": text},
            "locations": [{"physicalLocation": location(file, at)}],
        });
        if let Some(number) = number(code) {
            result["ruleIndex"] = json!(number);
        }
        if let Some(test) = test {
            result["locations"][0]["logicalLocations"] = json!([{"name": test, "kind": "function"}]);
        }
        result
    };
    let problems = results.problems().map(|(file, test, problem)| {
        let level = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let parts = [problem.title.as_str(), problem.label.as_str(), problem.hint.as_deref().unwrap_or_default()];
        let text = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n");
        result(&problem.code, level, text, file.name, problem.at.as_ref(), test.map(|test| test.name))
    });
    let vacuous = results.vacuous().map(|(file, test, why)| {
        let text = format!("no change could break this test: {why}");
        result(&Code::Vacuous.to_string(), "warning", text, file.name, test.at.as_ref(), Some(test.name))
    });
    let found: Vec<Value> = problems.chain(vacuous).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "scn", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": found,
        }],
    });
    format!("{log:#}\n")
}

fn location(file: &str, at: Option<&At>) -> Value {
    let uri = |file: &str| uri(file);
    match at {
        None => json!({"artifactLocation": {"uri": uri(file)}}),
        Some(at) => json!({
            "artifactLocation": {"uri": uri(&at.file)},
            "region": {
                "startLine": at.line,
                "startColumn": at.column,
                "endLine": at.end_line,
                "endColumn": at.end_column,
            },
        }),
    }
}

/// A path as a reference of RFC 3986: everything but its unreserved characters and `/` is escaped.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let escaped =
        path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    escaped.collect()
}
