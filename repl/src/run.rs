//! `scn run`: reading a scenario, running it, printing what comes of it.

use std::env;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use netscene_core::world::World;
use netscene_lang::{Diagnostic, Sink, SourceFiles, Summary, compile, has_errors, render};

use crate::Color;

/// Something was not as expected.
const UNMET: u8 = 1;
/// The file could not be understood.
const BAD_INPUT: u8 = 2;

/// Runs the scenario in `path`.
pub(crate) fn run(path: &Path, seed: u64, color: Color) -> ExitCode {
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            // A closed standard error cannot be told anything.
            let _ = writeln!(io::stderr(), "error: {name} cannot be read: {error}");
            return ExitCode::from(BAD_INPUT);
        }
    };
    let mut files = SourceFiles::default();
    let (program, diagnostics) = compile(&files.add(&name, text));
    let mut printer = Printer::new(files, color);
    printer.tell(&diagnostics);
    if has_errors(&diagnostics) {
        return ExitCode::from(BAD_INPUT);
    }
    let summary = netscene_lang::run(&program, &mut World::new(seed), &mut printer);
    printer.end(summary);
    ExitCode::from(match summary {
        Summary { refused: 1.., .. } => BAD_INPUT,
        summary if summary.passed() => 0,
        _ => UNMET,
    })
}

/// Prints as the run goes: texts and results to standard output, diagnostics to standard error.
struct Printer {
    files: SourceFiles,
    color: bool,
    /// The test that runs, and whether its name has been printed.
    test: Option<(String, bool)>,
}

impl Printer {
    fn new(files: SourceFiles, color: Color) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none(),
        };
        Self { files, color, test: None }
    }

    fn tell(&self, diagnostics: &[Diagnostic]) {
        let _ = io::stderr().write_all(render(diagnostics, &self.files, self.color).as_bytes());
    }

    /// Prints to standard output. Whoever has closed it does not want to hear more.
    fn print(text: &str) {
        let _ = io::stdout().write_all(text.as_bytes());
    }

    fn end(&self, summary: Summary) {
        let Summary { tests, failed, expectations, unmet, .. } = summary;
        let of = |part: usize, all: usize, what: &str, were: &str| match all {
            0 => format!("no {what}s"),
            1 => format!("{} of 1 {what} {were}", all - part),
            _ => format!("{} of {all} {what}s {were}", all - part),
        };
        Self::print(&format!(
            "{}, {}\n",
            of(failed, tests, "test", "passed"),
            of(unmet, expectations, "expectation", "met")
        ));
    }
}

impl Sink for Printer {
    fn text(&mut self, text: &str) {
        if let Some((name, told @ false)) = &mut self.test {
            *told = true;
            Self::print(&format!("test {name:?}\n"));
        }
        Self::print(text);
    }

    fn test_started(&mut self, name: &str) {
        self.test = Some((name.to_owned(), false));
    }

    fn test_ended(&mut self, name: &str, passed: bool) {
        self.test = None;
        Self::print(&format!("test {name:?} {}\n", if passed { "passed" } else { "FAILED" }));
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        self.tell(&[diagnostic]);
    }
}
