//! The reference is true: its snippets run, its outputs are what they print, its tables are the code's, and no word is
//! missing from it. So is the grammar for editors.
//!
//! `INSTA_UPDATE=always cargo test -p netscene-lang --test reference` writes the tables and the grammar anew.
//!
//! In a page, a block marked `scn` is a whole scenario. It passes without a word, unless a block marked `output` follows:
//! then that is what it prints, `...` standing for any lines. A remark `<!-- setup … -->` above a block is put before its
//! text. A remark `<!-- file: NAME -->` above a block makes it a file that the next scenario may name.

#![allow(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use netscene_lang::api::{FUNCTIONS, LIBRARY, PROPERTIES, examples};
use netscene_lang::{NoFolder, Verdict, Word, reference, run_scenario, textmate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference")
}

/// The pages, by name.
fn pages() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let page =
        |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap());
    let pages: BTreeMap<_, _> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "md")).map(page).collect();
    assert!(pages.len() > 5, "the reference has pages");
    pages
}

fn updates() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always")
}

/// Compares a generated file with what it should be, or writes it.
fn same(path: &Path, expected: &str) {
    let found = fs::read_to_string(path).unwrap_or_default();
    if found == expected {
        return;
    }
    assert!(
        updates(),
        "{} is out of date: INSTA_UPDATE=always cargo test -p netscene-lang --test reference",
        path.display()
    );
    fs::write(path, expected).unwrap();
}

/// A page with the tables that belong between its `<!-- table: NAME -->` and `<!-- end -->`.
fn with_tables(page: &str, tables: &dyn Fn(&str) -> Option<String>) -> String {
    let mut parts = page.split("<!-- table: ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").expect("the name of a table ends");
        let (_, rest) = rest.split_once("<!-- end -->").expect("the table ends");
        let table = tables(name).unwrap_or_else(|| panic!("there is no table `{name}`"));
        text += &["<!-- table: ", name, " -->\n", &table, "<!-- end -->", rest].concat();
    }
    text
}

/// A page without its tables.
fn prose(page: &str) -> String {
    with_tables(page, &|_| Some(String::new()))
}

struct Block {
    language: String,
    text: String,
    /// What stands in the remark right above.
    remark: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut remark, mut open): (String, Option<Block>) = (String::new(), None);
    let mut in_remark = false;
    for (number, line) in page.lines().enumerate() {
        if let Some(mut block) = open.take() {
            if line == "```" {
                blocks.push(block);
            } else {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
        } else if in_remark {
            in_remark = line != "-->";
            if in_remark {
                remark.push_str(line);
                remark.push('\n');
            }
        } else if let Some(language) = line.strip_prefix("```") {
            let (language, remark) = (language.to_owned(), std::mem::take(&mut remark));
            open = Some(Block { language, text: String::new(), remark, line: number + 1 });
        } else if let Some(start) = line.strip_prefix("<!-- ") {
            if let Some(whole) = start.strip_suffix(" -->") {
                whole.clone_into(&mut remark);
            } else {
                remark = start.to_owned() + "\n";
                in_remark = true;
            }
        } else if !line.is_empty() {
            remark.clear();
        }
    }
    blocks
}

/// Whether lines are as expected, where `...` stands for any.
fn fits(expected: &[&str], printed: &[&str]) -> bool {
    match expected {
        [] => printed.is_empty(),
        ["...", rest @ ..] => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        [first, rest @ ..] => printed.first() == Some(first) && fits(rest, &printed[1..]),
    }
}

/// Whether a line begins a warning. A snippet shows one thing and is no whole scenario: what is surely wrong in one (E07xx)
/// may be left out of it.
fn warns(line: &str) -> bool {
    line.starts_with("warning[") && !line.starts_with("warning[E07")
}

#[test]
fn snippets_run() {
    let (mut count, mut wrong) = (0, String::new());
    for (name, page) in pages() {
        let (mut files, blocks) = (BTreeMap::new(), blocks(&page));
        for (number, block) in blocks.iter().enumerate() {
            if let Some(file) = block.remark.strip_prefix("file: ") {
                files.insert(file.trim().to_owned(), block.text.clone());
                continue;
            }
            if block.language != "scn" {
                continue;
            }
            let setup = block.remark.strip_prefix("setup\n").unwrap_or_default();
            let text = format!("{setup}{}", block.text);
            let mut printed = String::new();
            let verdict = run_scenario(("example.scn", &text), &files, 0, false, &mut |_, text| printed.push_str(text));
            let expected = blocks.get(number + 1).filter(|next| next.language == "output");
            if let Some(expected) = expected {
                let (expected, printed): (Vec<_>, Vec<_>) =
                    (expected.text.trim_end().lines().collect(), printed.trim_end().lines().collect());
                if !fits(&expected, &printed) {
                    write!(wrong, "{name}:{} prints:\n{}\n\n", block.line, printed.join("\n")).unwrap();
                }
            } else if verdict != Verdict::Passed || printed.lines().any(warns) {
                write!(wrong, "{name}:{} does not pass:\n{printed}\n", block.line).unwrap();
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 20, "the reference shows scenarios");
}

/// Where a word stands in a page as a word of the language: in a scenario, or between backquotes.
fn has(page: &str, word: &str) -> bool {
    let whole = |text: &str| {
        text.match_indices(word).any(|(at, _)| {
            let part = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '/' | '.');
            !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part)
        })
    };
    let scenario = |block: &Block| {
        let lines = block.text.lines().map(|line| line.split(" #").next().unwrap_or_default());
        block.language == "scn" && lines.filter(|line| !line.starts_with('#')).any(&whole)
    };
    let quoted = |line: &str| line.split('`').skip(1).step_by(2).any(&whole);
    blocks(page).iter().any(scenario) || page.lines().any(quoted)
}

/// Where a reader finds a word explained.
fn index(pages: &BTreeMap<String, String>) -> String {
    let mut words: Vec<_> = Word::ALL.iter().map(|word| (word.text(), *word)).collect();
    words.sort_by_key(|(text, _)| text.to_lowercase());
    let mut table = String::from("| Word | What it is for | Pages |\n|---|---|---|\n");
    for (text, word) in words {
        let found = pages.iter().filter(|(name, page)| *name != "README.md" && has(&prose(page), text));
        let found: Vec<_> = found.map(|(name, _)| format!("[{}]({name})", name.trim_end_matches(".md"))).collect();
        writeln!(table, "| `{text}` | {} | {} |", word.help().replace('|', "\\|"), found.join(", ")).unwrap();
    }
    table
}

#[test]
fn tables_are_those_of_the_code() {
    let pages = pages();
    for (name, page) in &pages {
        let tables = |table: &str| match table {
            "index" => Some(index(&pages)),
            _ => reference::table(table),
        };
        same(&folder().join(name), &with_tables(page, &tables));
    }
}

#[test]
fn every_word_is_in_a_page() {
    let pages: Vec<_> =
        pages().into_iter().filter(|(name, _)| name != "README.md").map(|(_, page)| prose(&page)).collect();
    let missing = Word::ALL.iter().map(|word| word.text()).filter(|word| !pages.iter().any(|page| has(page, word)));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "in no page of lang/reference: {missing:?}");
}

#[test]
fn links_lead_somewhere() {
    for (name, page) in pages() {
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            assert!(path.is_empty() || target.contains("://") || folder().join(path).exists(), "{name}: {target}");
        }
    }
}

#[test]
fn the_grammar_for_editors_has_every_word() {
    same(&folder().join("../editors/scn.tmLanguage.json"), &textmate());
    let grammar: serde_json::Value = serde_json::from_str(&textmate()).expect("it is JSON");
    assert_eq!(grammar["scopeName"], "source.scn");
}

#[test]
fn every_property_and_function_has_an_example_that_is_true() {
    let properties =
        PROPERTIES.iter().map(|one| (format!("{}.{}", one.of.describe(), one.name), examples::of_property(one)));
    let functions = FUNCTIONS.iter().map(|one| (one.name.to_owned(), examples::of_function(one)));
    let library = LIBRARY.iter().map(|(name, _)| ((*name).to_owned(), examples::of_library(name)));
    let mut scenario = examples::SETUP.to_owned();
    let (mut bodies, mut count) = (String::new(), 0);
    for (name, example) in properties.chain(functions).chain(library) {
        let example = example.unwrap_or_else(|| panic!("{name} has no example: add one to lang/src/api/examples.rs"));
        count += 1;
        if example.contains(';') {
            writeln!(bodies, "fn example_{count}() {{ {example} }}").unwrap();
            writeln!(scenario, "assert ${{ example_{count}() }}   # {name}: {example}").unwrap();
        } else {
            writeln!(scenario, "assert ${{ {example} }}").unwrap();
        }
    }
    writeln!(scenario, "rhai {{\n{bodies}}}").unwrap();
    let mut printed = String::new();
    let verdict = run_scenario(("examples.scn", &scenario), &NoFolder, 0, false, &mut |_, text| printed.push_str(text));
    assert_eq!(verdict, Verdict::Passed, "{printed}");
}
