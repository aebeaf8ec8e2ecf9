//! What is printed of a run: a line for each failure, then the details of each, then how many there were.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::Plan;
use super::work::Found;
use crate::report::{Outcome, Results};

/// A bar, while tests run and somebody looks at a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    failed: AtomicUsize,
}

impl Progress {
    pub(super) fn new(items: usize) -> Self {
        let bar = ProgressBar::with_draw_target(
            Some(items as u64),
            if io::stderr().is_terminal() {
                ProgressDrawTarget::stderr_with_hz(10)
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { bar, failed: AtomicUsize::new(0) }
    }

    /// An item is done.
    pub(super) fn done(&self, passed: bool) {
        if !passed {
            let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
            self.bar.set_message(format!("{failed} failed"));
        }
        self.bar.inc(1);
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Where the tests are.
pub(super) fn list(plan: &Plan) -> String {
    let tests = plan.items.iter().filter(|item| item.test.is_some());
    tests.map(|item| plan.scenarios[item.scenario].title(item.test) + "\n").collect()
}

/// What became of the tests.
pub(super) fn results(plan: &Plan, found: &Found, results: &Results<'_>, color: bool) -> String {
    let (red, yellow, green, bold, off) =
        if color { ("\u{1b}[31m", "\u{1b}[33m", "\u{1b}[32m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "", "", "") };
    let (mut lines, mut details) = (String::new(), String::new());
    let mut expectations = 0;
    for (item, record) in plan.items.iter().zip(&found.records) {
        let title = plan.scenarios[item.scenario].title(item.test);
        let Some(record) = record else { continue };
        expectations += record.facts.expects + record.facts.asserts;
        if !record.passed {
            let _ = writeln!(lines, "{red}FAILED{off} {title}");
        }
        if let Some(why) = record.vacuous {
            let _ = writeln!(lines, "{yellow}VACUOUS{off} {title}: {why}");
        }
        if !record.problems.is_empty() {
            let _ = writeln!(details, "\n{bold}{title}{off}");
            for problem in &record.problems {
                details.push_str(&problem.shown);
            }
        }
    }
    let count =
        |outcome| results.files.iter().flat_map(|file| &file.tests).filter(|one| one.outcome == outcome).count();
    let (passed, skipped, missing) = (count(Outcome::Passed), count(Outcome::Skipped), count(Outcome::NotRun));
    let all = plan.tests();
    let mut text = lines + details.as_str();
    let good = found.records.iter().flatten().all(|record| record.passed) && missing == 0;
    let paint = if good { green } else { red };
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let files = results.files.len();
    let _ = write!(text, "{paint}{passed} of {all} test{} passed{off} in {files} file{}", plural(all), plural(files));
    if skipped > 0 {
        let _ = write!(text, ", {skipped} skipped");
    }
    if missing > 0 {
        let _ = write!(text, ", {missing} did not run");
    }
    let vacuous = found.records.iter().flatten().filter(|record| record.vacuous.is_some()).count();
    if vacuous > 0 {
        let _ = write!(text, ", {vacuous} could not fail");
    }
    let _ = writeln!(text, "; {expectations} expectation{} judged", plural(expectations));
    text
}
