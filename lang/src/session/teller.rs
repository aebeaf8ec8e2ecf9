//! What a run tells, as text.

use std::fmt::Write as _;
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_core::view::trace::summary;

use super::Answer;
use crate::report::closing_line;
use crate::{Diagnostic, Sink, TestInfo, TestResult};

/// Keeps what a run tells. What was sent outside of tests gets a line, unless a trace tells of it anyway.
#[derive(Default)]
pub(super) struct Teller {
    /// Only tests with this in their name run.
    filter: Option<String>,
    text: String,
    /// The line about what was sent last.
    pending: String,
    flows: Vec<Arc<Flow>>,
    diagnostics: Vec<Diagnostic>,
    in_test: bool,
}

impl Teller {
    /// Of the tests with a text in their names.
    pub(super) fn of_tests(filter: &str) -> Self {
        Self { filter: Some(filter.to_owned()), ..Self::default() }
    }

    /// Hands over what was told.
    pub(super) fn into_answer(mut self, answer: &mut Answer) {
        self.settle();
        let judged = answer.summary.expectations > 0 || answer.summary.tests > 0;
        if judged {
            let line = closing_line(answer.summary);
            // Outside of tests nobody asked for any.
            self.text += line.strip_prefix("no tests, ").unwrap_or(&line);
        }
        answer.text = self.text;
        answer.flows = self.flows;
        answer.diagnostics.extend(self.diagnostics);
    }

    fn settle(&mut self) {
        self.text += &std::mem::take(&mut self.pending);
    }
}

impl Sink for Teller {
    fn text(&mut self, text: &str) {
        // A trace begins with the same line.
        if text.starts_with(&self.pending) {
            self.pending.clear();
        }
        self.settle();
        self.text += text;
    }

    fn selects(&mut self, test: &TestInfo) -> bool {
        self.filter.as_ref().is_none_or(|filter| test.name.contains(filter.as_str()))
    }

    fn test_started(&mut self, _: &str) {
        self.settle();
        self.in_test = true;
    }

    fn test_ended(&mut self, _: &str, _: bool) {}

    fn test_finished(&mut self, test: &TestInfo, result: &TestResult) {
        self.in_test = false;
        let _ = writeln!(self.text, "test {:?} {result}", test.name);
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        self.settle();
        self.diagnostics.push(diagnostic);
    }

    fn flow(&mut self, flow: &Arc<Flow>) {
        if !self.in_test {
            self.settle();
            self.pending = summary(flow);
            self.flows.push(flow.clone());
        }
    }
}
