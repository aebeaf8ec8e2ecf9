//! Running a test: once, or once for each case; skipped, or to see it fail.

use std::fmt;

use rhai::Dynamic;
use serde::{Deserialize, Serialize};

use super::{Done, Engine, Runner, values};
use crate::ast::{Block, Island, StatementKind, TestClause, Text};
use crate::table::{CellValue, Row, Table};
use crate::{Code, Diagnostic, Span, template};

/// A test, as it is told of before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestInfo {
    /// Its name, with the values of its case.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Its tags.
    pub tags: Vec<String>,
    /// Why it does not run.
    pub skip: Option<String>,
    /// Why it has to fail.
    pub fails: Option<String>,
    /// Which row of its table it runs for, from 1, and where that stands.
    pub case: Option<(usize, Span)>,
}

/// What has become of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TestResult {
    /// Everything was as expected.
    Passed,
    /// Something was not; it has been told.
    Failed,
    /// It did not run, for this reason.
    Skipped(String),
    /// It failed, as it is said to.
    FailedAsExpected {
        /// Why it is said to.
        reason: String,
        /// What was not as expected.
        failures: Vec<Diagnostic>,
    },
    /// It passed, and is said to fail.
    PassedUnexpectedly(String),
}

impl TestResult {
    /// Whether it went as the scenario says.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Passed | Self::Skipped(_) | Self::FailedAsExpected { .. })
    }
}

impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed => f.write_str("FAILED"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
            Self::FailedAsExpected { reason, .. } => write!(f, "failed as expected: {reason}"),
            Self::PassedUnexpectedly(reason) => write!(f, "PASSED, but is said to fail: {reason}"),
        }
    }
}

impl<E: Engine + 'static> Runner<'_, E> {
    pub(super) fn test(&mut self, span: Span, name: &Text, clauses: &[TestClause], body: &Block) {
        let (mut tags, mut skip, mut fails) = (Vec::new(), None, None);
        for clause in clauses {
            match clause {
                TestClause::Tags(names) => tags.extend(names.iter().map(|name| name.text.clone())),
                TestClause::Skip(why) => skip = Some(why),
                TestClause::Fails(why) => fails = Some(why),
            }
        }
        let reason = |why: Option<&Text>| why.map(|why| why.text.clone());
        let info =
            TestInfo { name: name.text.clone(), span, tags, skip: reason(skip), fails: reason(fails), case: None };
        let program = self.program;
        let table = body.statements.first().filter(|first| matches!(first.kind, StatementKind::Cases(_)));
        match table.and_then(|table| program.tables.get(&table.span)) {
            None => self.run_test(info, name, fails, None, body),
            Some(table) => {
                for (at, row) in table.rows.iter().enumerate() {
                    let info = TestInfo { case: Some((at + 1, row.span)), ..info.clone() };
                    self.run_test(info, name, fails, Some((table, row)), body);
                }
            }
        }
    }

    /// Runs a test in a world of its own, for one of its cases if it has any.
    fn run_test(
        &mut self,
        mut info: TestInfo,
        name: &Text,
        fails: Option<&Text>,
        case: Option<(&Table, &Row)>,
        body: &Block,
    ) {
        let before = self.world.borrow().clone();
        let variables = self.variables.clone();
        self.case = info.case.map(|(_, row)| row);
        let named = self.begin_case(case).and_then(|()| self.test_name(name, info.case));
        let fault = match named {
            Ok(name) => {
                info.name = name;
                None
            }
            Err(fault) => Some(fault),
        };
        if self.sink.selects(&info) {
            if let Some(reason) = &info.skip {
                self.summary.skipped += 1;
                self.sink.test_finished(&info, &TestResult::Skipped(reason.clone()));
            } else {
                self.sink.test_started(&info.name);
                self.prepare();
                let result = self.judge_test(fault, fails, body);
                self.sink.test_finished(&info, &result);
                self.cover(false);
            }
        }
        self.case = None;
        self.variables = variables;
        self.world.replace(before);
    }

    fn judge_test(&mut self, fault: Option<Diagnostic>, fails: Option<&Text>, body: &Block) -> TestResult {
        self.summary.tests += 1;
        let counted = self.summary;
        self.held = fails.map(|_| Vec::new());
        self.in_test = true;
        let steps = std::mem::take(&mut self.steps);
        let done: Done = match fault {
            Some(fault) => self.fail(fault),
            None => self.steps(&body.statements),
        };
        self.in_test = false;
        self.steps = steps;
        let (failed, held) = (done.is_err(), self.held.take());
        let result = match (fails, held) {
            // What hits a limit is neither right nor wrong.
            (Some(_), Some(failures)) if failures.iter().any(|failure| failure.code == Code::LimitHit) => {
                for failure in failures {
                    self.sink.failure(failure);
                }
                TestResult::Failed
            }
            (Some(why), Some(failures)) if failed => {
                // What is expected to be unmet is neither met nor unmet.
                self.summary = counted;
                self.summary.failed_as_expected += 1;
                return TestResult::FailedAsExpected { reason: why.text.clone(), failures };
            }
            (Some(why), _) => {
                let diagnostic = Diagnostic::error(Code::UnexpectedPass, "this test passes, and is said to fail");
                let diagnostic = diagnostic.at(why.span, "the reason given for it");
                self.tell(diagnostic.hint("leave `fails` out if it is to pass from now on".to_owned()));
                TestResult::PassedUnexpectedly(why.text.clone())
            }
            (None, _) if failed => TestResult::Failed,
            (None, _) => return TestResult::Passed,
        };
        self.summary.failed += 1;
        result
    }

    /// Gives the columns the values of a case.
    fn begin_case(&mut self, case: Option<(&Table, &Row)>) -> Result<(), Diagnostic> {
        let Some((table, row)) = case else { return Ok(()) };
        for (column, cell) in table.columns.iter().zip(&row.cells) {
            let value = match &cell.value {
                CellValue::Text(text) => text.clone().into(),
                CellValue::Number(number) => Dynamic::from(*number),
                CellValue::Truth(truth) => Dynamic::from(*truth),
                CellValue::Island(island) => self.value(island)?,
            };
            self.variables.insert(column.text.clone(), value);
        }
        Ok(())
    }

    /// The name of a test. Cases that the name does not tell apart are numbered.
    fn test_name(&self, name: &Text, case: Option<(usize, Span)>) -> Result<String, Diagnostic> {
        let filled = self.fill(name)?;
        Ok(match case {
            Some((number, _)) if template::islands(name).is_empty() => format!("{filled} (case {number})"),
            _ => filled,
        })
    }

    /// A text with the values of its islands.
    pub(super) fn fill(&self, text: &Text) -> Result<String, Diagnostic> {
        template::fill(text, &mut |island: &Island| {
            let value = self.value(island)?;
            values::for_text(&value).ok_or_else(|| {
                let diagnostic = Diagnostic::error(Code::BadIsland, "this cannot stand in a text");
                diagnostic.at(island.span, format!("this is {}", values::show(&value)))
            })
        })
    }
}
