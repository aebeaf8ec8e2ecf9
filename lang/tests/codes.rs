//! The table of codes: every example yields its code, and nothing else.

use std::cell::RefCell;

use netscene_core::world::World;
use netscene_lang::{Code, Diagnostic, Folder, Severity, Sink, SourceFiles, compile_in, has_errors, render, run};

/// A folder in which every file has the same text.
struct Only(String);

impl Folder for Only {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == "example.yaml" { Ok(self.0.clone()) } else { Err("there is no such file".to_owned()) }
    }
}

#[derive(Default)]
struct Failures(RefCell<Vec<Diagnostic>>);

impl Sink for Failures {
    fn text(&mut self, _: &str) {}
    fn test_started(&mut self, _: &str) {}
    fn test_ended(&mut self, _: &str, _: bool) {}
    fn failure(&mut self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }
}

/// Everything that is told of a code's example.
fn told(code: Code) -> (Vec<Diagnostic>, String) {
    let manifest = (600..700).contains(&code.number());
    let text = if manifest { "node worker1 at 10.0.0.1\napply \"example.yaml\"\n" } else { code.example() };
    let mut files = SourceFiles::default();
    let main = files.add("example.scn", text);
    let (program, mut diagnostics) = compile_in(&mut files, &main, &Only(code.example().to_owned()));
    if !has_errors(&diagnostics) {
        let mut failures = Failures::default();
        run(&program, &mut World::new(0), &mut failures);
        diagnostics.extend(failures.0.into_inner());
    }
    let shown = render(&diagnostics, &files, false);
    (diagnostics, shown)
}

#[test]
fn every_example_yields_its_code() {
    // What only `scn test` tells is in the suite of the command.
    let others = |code: &&Code| !matches!(code, Code::Vacuous | Code::OutputDiffers);
    for &code in Code::ALL.iter().filter(others) {
        let (diagnostics, shown) = told(code);
        let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [code], "{code}: {}\n{shown}", code.example());
        let warns = matches!(code.number(), 600..800);
        assert_eq!(diagnostics[0].severity == Severity::Warning, warns, "{shown}");
    }
}

#[test]
fn every_code_is_explained() {
    for &code in Code::ALL {
        for text in [code.explanation(), code.cure()] {
            assert!(text.trim_end().ends_with('.') && !text.contains("  "), "{code}: {text:?}");
        }
        assert!(code.example().ends_with('\n'), "{code}");
    }
    let mut numbers: Vec<_> = Code::ALL.iter().map(|code| code.number()).collect();
    numbers.dedup();
    assert!(numbers.is_sorted() && numbers.len() == Code::ALL.len(), "the table is in order of the numbers");
}
