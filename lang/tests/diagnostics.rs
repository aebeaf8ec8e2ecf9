//! Every fault has a file, and its exact text is kept beside it.
//!
//! To accept new texts: `INSTA_UPDATE=always cargo test -p netscene-lang --test diagnostics`, and read what changed.
//! A file in `diagnostics/` holds as many mistakes as it likes; one in `diagnostics/one/` holds one, and gets one diagnostic.

#![allow(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use netscene_core::world::World;
use netscene_lang::{Code, Diagnostic, Folder, Sink, SourceFiles, check, compile_in, has_errors, parse, render, run};

/// The folder of the cases, as a scenario sees it.
struct Cases(PathBuf);

impl Folder for Cases {
    fn read(&self, path: &str) -> Result<String, String> {
        let path = self.0.join(path);
        if path.is_dir() {
            return Err("it is a folder".to_owned());
        }
        std::fs::read_to_string(path).map_err(|_| "there is no such file".to_owned())
    }
}

/// What a run tells.
struct Told(Vec<Diagnostic>);

impl Sink for Told {
    fn text(&mut self, _: &str) {}
    fn test_started(&mut self, _: &str) {}
    fn test_ended(&mut self, _: &str, _: bool) {}
    fn failure(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }
}

/// Reads and checks a file, and runs it if it has no errors; everything that is found, and its text.
fn told(path: &Path) -> (Vec<Diagnostic>, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut files = SourceFiles::default();
    let main = files.add(&path.file_name().unwrap().to_string_lossy(), text);
    let folder = Cases(path.parent().unwrap().to_owned());
    let (program, mut diagnostics) = compile_in(&mut files, &main, &folder);
    if !has_errors(&diagnostics) {
        let mut sink = Told(Vec::new());
        run(&program, &mut World::new(0), &mut sink);
        diagnostics.extend(sink.0);
    }
    let text = render(&diagnostics, &files, false);
    (diagnostics, text)
}

/// Reads and checks a text.
fn found(name: &str, text: &str) -> (Vec<Diagnostic>, String) {
    let mut files = SourceFiles::default();
    let (ast, mut diagnostics) = parse(&files.add(name, text));
    diagnostics.extend(check(&ast).1);
    let text = render(&diagnostics, &files, false);
    (diagnostics, text)
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "scn")).collect();
    found.sort();
    found
}

#[test]
fn every_fault_is_told() {
    insta::glob!("diagnostics/*.scn", |path| {
        insta::assert_snapshot!(told(path).1);
    });
}

#[test]
fn one_mistake_is_one_diagnostic() {
    insta::glob!("diagnostics/one/*.scn", |path| {
        let (diagnostics, text) = told(path);
        assert_eq!(diagnostics.len(), 1, "{}:\n{text}", path.display());
        insta::assert_snapshot!(text);
    });
}

#[test]
fn every_code_has_a_case_and_every_case_a_code() {
    let all = [cases("diagnostics"), cases("diagnostics/one")].concat();
    assert!(all.len() >= 120, "there are {} cases", all.len());
    let mut seen = BTreeSet::new();
    for path in all {
        let (diagnostics, _) = told(&path);
        assert!(!diagnostics.is_empty(), "{} has no fault", path.display());
        seen.extend(diagnostics.into_iter().map(|diagnostic| diagnostic.code));
    }
    // What only `scn test` tells is in the suite of the command.
    seen.extend([Code::Vacuous, Code::OutputDiffers]);
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn three_mistakes_are_three_diagnostics() {
    let (diagnostics, text) = found("three.scn", include_str!("diagnostics/three.scn"));
    assert_eq!(diagnostics.len(), 3, "{text}");
    for part in [
        "three.scn:9:17",
        "did you mean `selector`?",
        "three.scn:4:17",
        "`machines` goes from 10.0.0.0 to 10.0.0.255",
        "three.scn:13:16",
        "did you mean `status`?",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}

#[test]
fn every_diagnostic_points_into_its_file() {
    for path in cases("diagnostics") {
        let text = std::fs::read_to_string(path).unwrap();
        for diagnostic in found("x.scn", &text).0 {
            assert!(diagnostic.span().is_some(), "{diagnostic:?}");
            for label in diagnostic.labels {
                assert!(text.get(label.span.range()).is_some(), "{label:?}");
            }
        }
    }
}
