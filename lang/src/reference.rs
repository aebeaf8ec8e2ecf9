//! The tables of the language reference, made from the tables of words, objects and codes.

use std::fmt::Write as _;

use crate::api::{FUNCTIONS, LIBRARY, PROPERTIES, Type, examples};
use crate::{BlockKind, Code, Word};

/// The pages of the language reference, as Markdown, by their names.
pub const PAGES: &[(&str, &str)] = &[
    ("file", include_str!("../reference/file.md")),
    ("declarations", include_str!("../reference/declarations.md")),
    ("traffic", include_str!("../reference/traffic.md")),
    ("expectations", include_str!("../reference/expectations.md")),
    ("tests", include_str!("../reference/tests.md")),
    ("islands", include_str!("../reference/islands.md")),
    ("manifests", include_str!("../reference/manifests.md")),
    ("diagnostics", include_str!("../reference/diagnostics.md")),
    ("limits", include_str!("../reference/limits.md")),
    ("tools", include_str!("../reference/tools.md")),
];

/// A table of the reference, as Markdown, by what a page calls it; nothing where there is none of that name.
///
/// - `words of BLOCK`: the words that begin sentences in a block: `file`, `cluster`, `service` …;
/// - `words inside sentences`;
/// - `properties of TYPE`: of `flow`, `hop` …;
/// - `functions`, `library`;
/// - `codes`.
pub fn table(name: &str) -> Option<String> {
    if let Some(block) = name.strip_prefix("words of ") {
        let block = BlockKind::ALL.iter().find(|kind| kind.name() == block)?;
        return Some(words(block.words()));
    }
    if let Some(of) = name.strip_prefix("properties of ") {
        let mut table = String::from("| Property | Is | What it is | For example |\n|---|---|---|---|\n");
        let of = Type::ALL.iter().find(|kind| kind.describe() == of)?;
        for property in PROPERTIES.iter().filter(|property| property.of == *of) {
            let example = examples::of_property(property).unwrap_or_default();
            let (is, help) = (property.gives.describe(), property.help);
            let _ = writeln!(table, "| `{}` | {is} | {} | {} |", property.name, cell(help), code(example));
        }
        return Some(table);
    }
    Some(match name {
        "words inside sentences" => words(Word::ALL.iter().copied().filter(|word| word.blocks().is_empty())),
        "setup" => format!("```text\n{}```\n", examples::SETUP),
        "functions" => {
            let mut table = String::from("| Function | Gives | For example |\n|---|---|---|\n");
            for function in FUNCTIONS {
                let example = examples::of_function(function).unwrap_or_default();
                let (syntax, help) = (code(function.syntax), function.help);
                let _ = writeln!(table, "| {syntax} | {} | {} |", cell(help), code(example));
            }
            table
        }
        "library" => {
            let mut table = String::from("| Function | Gives | For example |\n|---|---|---|\n");
            for (name, gives) in LIBRARY {
                let gives = gives.map_or("what it is called on", Type::describe);
                let example = examples::of_library(name).unwrap_or_default();
                let _ = writeln!(table, "| `{name}` | {gives} | {} |", code(example));
            }
            table
        }
        "codes" => {
            let mut table = String::from("| Code | What it means |\n|---|---|\n");
            for code in Code::ALL {
                let _ = writeln!(table, "| `{code}` | {} |", cell(code.explanation().trim()));
            }
            table
        }
        _ => return None,
    })
}

/// How sentences with these words go.
fn words(words: impl Iterator<Item = Word>) -> String {
    let mut table = String::from("| Word | How it goes | What it is for |\n|---|---|---|\n");
    for word in words {
        let _ = writeln!(table, "| `{}` | {} | {} |", word.text(), code(word.syntax()), cell(word.help()));
    }
    table
}

/// Code in a cell of a table: a `|` would end the cell.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{}{blank}{fence}", text.replace('|', "\\|"))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
