//! `scn test`: finding scenarios, running their tests on several threads, telling what became of them.
//!
//! - [`find`], [`plan`]: what there is, and what of it is to run;
//! - [`work`]: running it; [`record`]: what became of a test;
//! - [`golden`]: expected output; [`vacuity`]: tests that cannot fail; [`coverage`]: what no test touches, or would miss;
//! - [`tell`]: printing; [`watch`]: again whenever a file changes.

pub(crate) mod coverage;
mod find;
mod golden;
mod plan;
pub(crate) mod record;
mod tell;
mod vacuity;
mod watch;
mod work;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use clap::Args;
use netscene_lang::OutlineTest;

use self::coverage::Coverage;
use self::plan::Plan;
use self::record::Record;
use self::work::{Found, Wishes};
use crate::console::Console;
use crate::exit::Exit;
use crate::report::{FileResult, Outcome, Report, Results, TestResult};

/// Run the tests of scenarios.
///
/// Of a folder, every `.scn` file below it is taken, but none that is hidden or in a hidden folder, and none that another
/// one includes: it runs as a part of that. Each test runs in a world of its own, so they run at the same time, and what
/// is printed is the same for any number of threads.
///
/// Exit status 0 when all held, 1 when something did not, 2 when a file could not be understood or run, 3 when a limit was
/// hit.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  scn test                                  every test below this folder
  scn test net/ --filter dns --fail-fast    those with dns in their name or file, to the first that fails
  scn test --list                           where the tests are
  scn test --partition 2/4                  the second of four parts, for a CI matrix
  scn test --report junit=out.xml --report github
  scn test --bless                          keep what is printed as what is expected, in x.expected beside x.scn
  scn test --coverage                       which rules and ingress paths no test touches
  scn test --mutate --sample 50             delete 50 touched rules, one by one: does any test fail?")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Arguments {
    /// Scenarios, and folders of them.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only tests with this in their name, or in the name of their file; given twice, with either.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Only tests with this tag; given twice, with either.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Stop at the first test that fails.
    #[arg(long)]
    fail_fast: bool,
    /// Where all chance comes from: the same seed gives the same results.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
    /// How many threads run tests: as many as the machine has cores.
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
    /// Only each n-th test, beginning with the k-th: all parts together are all tests.
    #[arg(long, value_name = "K/N")]
    partition: Option<Partition>,
    /// Print where the tests are, and run none.
    #[arg(long)]
    list: bool,
    /// Run again whenever a file changes, until interrupted.
    #[arg(long, conflicts_with_all = ["list", "bless"])]
    watch: bool,
    /// Keep what the tests print as what they are expected to print.
    #[arg(long, conflicts_with = "list")]
    bless: bool,
    /// Write a report: json=FILE, junit=FILE, sarif=FILE; or print GitHub's annotations: github.
    #[arg(long, value_name = "REPORT")]
    report: Vec<Report>,
    /// Print which rules and ingress paths the tests touch.
    #[arg(long)]
    coverage: bool,
    /// Delete rules that tests touch, one at a time, and run those tests again: a rule is tested if one of them fails.
    #[arg(long, conflicts_with_all = ["bless", "fail_fast"])]
    mutate: bool,
    /// Of the rules to delete, only so many, chosen by the seed.
    #[arg(long, value_name = "NUMBER", requires = "mutate")]
    sample: Option<usize>,
    /// A test that no change could break fails.
    #[arg(long)]
    strict: bool,
}

/// The k-th of n parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    part: usize,
    of: usize,
}

impl Partition {
    /// Whether the test of this number, from 0, is in the part.
    fn has(self, number: usize) -> bool {
        number % self.of == self.part - 1
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected K/N, such as 1/4, with K from 1 to N".to_owned();
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let (part, of) = part.parse().ok().zip(of.parse().ok()).ok_or_else(wrong)?;
        if (1..=of).contains(&part) { Ok(Self { part, of }) } else { Err(wrong()) }
    }
}

impl Arguments {
    /// Whether not all tests are to run.
    fn chooses(&self) -> bool {
        !self.filter.is_empty() || !self.tag.is_empty() || self.partition.is_some()
    }

    /// Whether a test of the scenario of this name is wanted.
    fn wants(&self, scenario: &str, test: &OutlineTest) -> bool {
        let has = |text: &String| test.name.contains(text.as_str()) || scenario.contains(text.as_str());
        let tagged = self.tag.is_empty() || self.tag.iter().any(|tag| test.tags.contains(tag));
        tagged && (self.filter.is_empty() || self.filter.iter().any(has))
    }

    fn wishes(&self, console: Console) -> Wishes<'static> {
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        Wishes {
            seed: self.seed,
            jobs,
            color: console.output_color,
            fail_fast: self.fail_fast,
            bless: self.bless,
            coverage: self.coverage || self.mutate,
            trials: None,
        }
    }
}

/// Runs the tests that the arguments ask for.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    if arguments.watch {
        return watch::run(arguments, console);
    }
    once(arguments, console)
}

/// Runs them once.
fn once(arguments: &Arguments, console: Console) -> Exit {
    match attempt(arguments, console) {
        Ok(exit) => exit,
        Err(problem) => {
            console.error(&problem);
            Exit::BadInput
        }
    }
}

fn attempt(arguments: &Arguments, console: Console) -> Result<Exit, String> {
    let plan = Plan::of(arguments)?;
    if plan.items.is_empty() {
        let paths = arguments.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(format!("there is no test to run in {paths}"));
    }
    if arguments.list {
        console.print(&tell::list(&plan));
        return Ok(Exit::Held);
    }
    let wishes = arguments.wishes(console);
    let progress = tell::Progress::new(plan.items.len());
    let mut found = work::run(&plan, wishes, &|passed| progress.done(passed))?;
    progress.clear();
    if arguments.fail_fast {
        stop_at_first(&mut found);
    }
    for (item, record) in plan.items.iter().zip(&mut found.records) {
        let compared = plan.scenarios[item.scenario].golden.is_some() || arguments.bless;
        if let Some(record) = record.as_mut().filter(|_| item.test.is_some()) {
            record.vacuous = vacuity::reason(record, compared);
        }
    }
    if arguments.bless {
        bless(&plan, &found)?;
    }
    let coverage = wishes.coverage.then(|| {
        let mut coverage = Coverage::of(&found);
        if arguments.mutate {
            coverage.mutate(&plan, &found, wishes, arguments.sample)?;
        }
        Ok::<_, String>(coverage)
    });
    let coverage = coverage.transpose()?;
    let results = results(&plan, &found, coverage.as_ref(), wishes);
    console.print(&tell::results(&plan, &found, &results, wishes.color));
    if let Some(coverage) = &coverage {
        console.print(&coverage.text());
    }
    for report in &arguments.report {
        console.print(&report.write(&results)?);
    }
    Ok(exit(arguments, &plan, &found))
}

/// Of a run that was to stop at the first failure: what comes after it may have run or not, by the luck of threads.
fn stop_at_first(found: &mut Found) {
    if let Some(first) = found.records.iter().position(|record| record.as_ref().is_some_and(|one| !one.passed)) {
        for record in &mut found.records[first + 1..] {
            *record = None;
        }
    }
}

fn exit(arguments: &Arguments, plan: &Plan, found: &Found) -> Exit {
    let of = |record: &Record| {
        let worst = record.problems.iter().map(record::Problem::exit).max().unwrap_or(Exit::Held);
        let unmet = !record.passed || arguments.strict && record.vacuous.is_some();
        if unmet { worst.max(Exit::Unmet) } else { worst }
    };
    let told = found.records.iter().flatten().map(of).max().unwrap_or(Exit::Held);
    // A test that was never come to ran into something that was told outside of it, or comes after the first failure.
    let missing = plan.items.iter().zip(&found.records).any(|(_, record)| record.is_none());
    if missing { told.max(Exit::Unmet) } else { told }
}

/// Writes what has been printed as what is expected.
fn bless(plan: &Plan, found: &Found) -> Result<(), String> {
    for (number, scenario) in plan.scenarios.iter().enumerate() {
        let ours = plan.items.iter().zip(&found.records).filter(|(item, _)| item.scenario == number);
        let new: Vec<_> = ours
            .filter_map(|(item, record)| Some((scenario.section(item.test), record.as_ref()?.output.clone())))
            .collect();
        let order: Vec<_> = std::iter::once(None)
            .chain((0..scenario.outline.tests.len()).map(|test| scenario.section(Some(test))))
            .collect();
        let before = scenario.golden.clone().unwrap_or_default();
        let after = before.renewed(&order, &new);
        let path = golden::path(&scenario.path);
        if after != before {
            crate::files::write(&path, &after.text())?;
        }
    }
    Ok(())
}

/// The results, as reports have them.
fn results<'a>(plan: &'a Plan, found: &'a Found, coverage: Option<&'a Coverage>, wishes: Wishes<'_>) -> Results<'a> {
    let mut files: Vec<FileResult<'a>> = Vec::new();
    let mut last = None;
    for (item, record) in plan.items.iter().zip(&found.records) {
        let scenario = &plan.scenarios[item.scenario];
        let problems = record.as_ref().map_or(&[][..], |record| &record.problems);
        if last != Some(item.scenario) {
            last = Some(item.scenario);
            files.push(FileResult { name: &scenario.name, problems: &[], tests: Vec::new() });
        }
        let Some(file) = files.last_mut() else { continue };
        match item.test {
            None => file.problems = problems,
            Some(test) => file.tests.push(TestResult {
                name: &scenario.outline.tests[test].name,
                at: scenario.place(Some(test)),
                outcome: match record {
                    None => Outcome::NotRun,
                    Some(record) if record.skipped => Outcome::Skipped,
                    Some(record) if record.passed => Outcome::Passed,
                    Some(_) => Outcome::Failed,
                },
                problems,
                output: record.as_ref().map_or("", |record| &record.output),
                vacuous: record.as_ref().and_then(|record| record.vacuous),
            }),
        }
    }
    Results { seed: wishes.seed, files, coverage }
}
