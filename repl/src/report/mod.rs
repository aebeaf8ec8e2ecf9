//! Reports of test runs, for other programs: a file for each form, written whole or not at all.

mod github;
mod json;
mod junit;
mod sarif;

use std::path::PathBuf;
use std::str::FromStr;

use crate::commands::test::coverage::Coverage;
use crate::commands::test::record::{At, Problem};

/// What is reported of a run.
#[derive(Debug)]
pub(crate) struct Results<'a> {
    pub(crate) seed: u64,
    /// The scenarios, in order, with what became of them.
    pub(crate) files: Vec<FileResult<'a>>,
    pub(crate) coverage: Option<&'a Coverage>,
}

/// What became of a scenario.
#[derive(Debug)]
pub(crate) struct FileResult<'a> {
    pub(crate) name: &'a str,
    /// What is wrong outside of its tests.
    pub(crate) problems: &'a [Problem],
    pub(crate) tests: Vec<TestResult<'a>>,
}

/// What became of a test.
#[derive(Debug)]
pub(crate) struct TestResult<'a> {
    pub(crate) name: &'a str,
    pub(crate) at: Option<At>,
    pub(crate) outcome: Outcome,
    pub(crate) problems: &'a [Problem],
    pub(crate) output: &'a str,
    /// Why no change could break it, if that is so.
    pub(crate) vacuous: Option<&'a str>,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It is not to run, or fails as it is expected to.
    Skipped,
    /// The file could not be run so far.
    NotRun,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotRun => "notRun",
        }
    }
}

/// A report that was asked for: `json=FILE`, `junit=FILE`, `sarif=FILE` or `github`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Json(PathBuf),
    Junit(PathBuf),
    Sarif(PathBuf),
    /// Annotations that GitHub reads in what a step prints.
    Github,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "github" => Ok(Self::Github),
            Some(("json", file)) if !file.is_empty() => Ok(Self::Json(file.into())),
            Some(("junit", file)) if !file.is_empty() => Ok(Self::Junit(file.into())),
            Some(("sarif", file)) if !file.is_empty() => Ok(Self::Sarif(file.into())),
            _ => Err("expected json=FILE, junit=FILE, sarif=FILE or github".to_owned()),
        }
    }
}

impl Report {
    /// Writes the report. What is to be printed is given back.
    pub(crate) fn write(&self, results: &Results<'_>) -> Result<String, String> {
        let (file, text) = match self {
            Self::Github => return Ok(github::annotations(results)),
            Self::Json(file) => (file, json::report(results)),
            Self::Junit(file) => (file, junit::report(results)?),
            Self::Sarif(file) => (file, sarif::report(results)),
        };
        crate::files::write(file, &text)?;
        Ok(String::new())
    }
}

impl Results<'_> {
    /// Every problem, in order, with the test it belongs to.
    fn problems(&self) -> impl Iterator<Item = (&FileResult<'_>, Option<&TestResult<'_>>, &Problem)> {
        self.files.iter().flat_map(|file| {
            let own = file.problems.iter().map(move |problem| (file, None, problem));
            let tests = file
                .tests
                .iter()
                .flat_map(move |test| test.problems.iter().map(move |problem| (file, Some(test), problem)));
            own.chain(tests)
        })
    }

    /// Every test that no change could break, and why.
    fn vacuous(&self) -> impl Iterator<Item = (&FileResult<'_>, &TestResult<'_>, &str)> {
        self.files.iter().flat_map(|file| file.tests.iter().filter_map(move |test| Some((file, test, test.vacuous?))))
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.files.iter().flat_map(|file| &file.tests).filter(|test| test.outcome == outcome).count()
    }
}
