//! `JUnit`'s XML, which CI systems read: a suite for each scenario, a case for each test.

use netscene_lang::Severity;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{FileResult, Outcome, Results};
use crate::commands::test::record::Problem;

pub(super) fn report(results: &Results<'_>) -> Result<String, String> {
    let mut report = Report::new("scn");
    for file in &results.files {
        report.add_test_suite(suite(file));
    }
    let text = report.to_string().map_err(|error| format!("the JUnit report cannot be made: {error}"))?;
    // What quick-junit counts as `disabled` are skipped tests; readers, and the schema of Jenkins, call them `skipped`. A
    // tag is known by its beginning: nowhere else in XML may `<` stand.
    let renamed = |line: &str| {
        if line.trim_start().starts_with("<testsuite ") {
            line.replace(" disabled=\"", " skipped=\"")
        } else {
            line.to_owned()
        }
    };
    Ok(text.split_inclusive('\n').map(renamed).collect())
}

fn suite(file: &FileResult<'_>) -> TestSuite {
    let mut suite = TestSuite::new(file.name);
    // What a file says outside of its tests is a case of its own where something is wrong with it.
    if let Some(first) = file.problems.iter().find(|problem| problem.severity == Severity::Error) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        describe(&mut status, first, file.problems);
        suite.add_test_case(case(file, "outside of tests", status));
    }
    for test in &file.tests {
        let mut status = match test.outcome {
            Outcome::Passed => TestCaseStatus::success(),
            Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Outcome::Skipped | Outcome::NotRun => TestCaseStatus::skipped(),
        };
        if let (Outcome::Failed, Some(first)) = (test.outcome, test.problems.first()) {
            describe(&mut status, first, test.problems);
        }
        let mut case = case(file, test.name, status);
        if !test.output.is_empty() {
            case.set_system_out(test.output);
        }
        suite.add_test_case(case);
    }
    suite
}

fn case(file: &FileResult<'_>, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(file.name);
    case
}

fn describe(status: &mut TestCaseStatus, first: &Problem, all: &[Problem]) {
    let text: String = all.iter().map(|problem| problem.text.as_str()).collect();
    status.set_type(&*first.code).set_message(&*first.title).set_description(text);
}
