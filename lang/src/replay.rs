//! Making the record of a run, and repeating a run from its record.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use netscene_core::trace::{Flow, Ways};
use netscene_core::world::{IngressPath, OpError, Operation, Outcome, World, WrittenRule};

use crate::record::{Applied, Kind, Record, Step};
use crate::report::{Channel, Reporter, Verdict, closing_line, unreadable, verdict};
use crate::{Diagnostic, Engine, Node, Pod, Service, Sink, TestInfo, TestResult, render};

/// The steps of a run, while they happen.
pub(crate) type Steps = Rc<RefCell<Vec<Step>>>;

/// A world that writes down what is done to it. Its copies write into the same list.
#[derive(Clone)]
pub(crate) struct Recorded<E> {
    world: E,
    steps: Steps,
}

impl<E> Recorded<E> {
    pub(crate) fn new(world: E, steps: &Steps) -> Self {
        Self { world, steps: steps.clone() }
    }
}

impl<E: Engine> Engine for Recorded<E> {
    fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        let result = self.world.apply(operation);
        let applied = Applied { operation: operation.clone(), outcome: Kind::of(&result) };
        self.steps.borrow_mut().push(Step::Apply(applied));
        result
    }

    fn flow(&self, name: &str) -> Option<Arc<Flow>> {
        self.world.flow(name)
    }

    fn ways(&self, name: &str) -> Option<Arc<Ways>> {
        self.world.ways(name)
    }

    fn service(&self, name: &str) -> Option<Service> {
        self.world.service(name)
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        self.world.pod(name)
    }

    fn node(&self, name: &str) -> Option<Node> {
        self.world.node(name)
    }

    fn written_rules(&mut self) -> Vec<WrittenRule> {
        self.world.written_rules()
    }

    fn ingress_paths(&self) -> Vec<IngressPath> {
        self.world.ingress_paths()
    }

    fn mute(&mut self) {
        self.world.mute();
    }
}

/// A sink that writes down what it is told, but for texts: those come of operations.
pub(crate) struct Recording<'a> {
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) steps: Steps,
}

impl Recording<'_> {
    fn push(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }
}

impl Sink for Recording<'_> {
    fn text(&mut self, text: &str) {
        self.sink.text(text);
    }

    fn test_started(&mut self, name: &str) {
        self.push(Step::Test { name: name.to_owned() });
        self.sink.test_started(name);
    }

    fn selects(&mut self, test: &TestInfo) -> bool {
        self.sink.selects(test)
    }

    /// [`test_finished`](Sink::test_finished) has told it.
    fn test_ended(&mut self, _: &str, _: bool) {}

    fn test_finished(&mut self, test: &TestInfo, result: &TestResult) {
        self.push(Step::TestEnd { test: test.clone(), result: result.clone() });
        self.sink.test_finished(test, result);
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        self.push(Step::Failure(diagnostic.clone()));
        self.sink.failure(diagnostic);
    }
}

/// Repeats a run: every operation is applied to a world again, and everything that was printed is printed again, to the
/// same bytes. No scenario is parsed, and no Rhai runs.
///
/// Where an operation does not come to what the record says of it, as after a change of the engine, the replay says so and
/// ends as bad input.
pub fn replay(record: &Record, color: bool, write: &mut dyn FnMut(Channel, &str)) -> Verdict {
    let files = record.sources();
    if !record.diagnostics.is_empty() {
        write(Channel::Diagnostics, &render(&record.diagnostics, &files, color));
    }
    if let Some(verdict) = unreadable(&record.diagnostics) {
        return verdict;
    }
    let mut world = World::new(record.seed);
    let mut outside = None;
    let mut reporter = Reporter::new(files, color, write);
    for step in &record.steps {
        match step {
            Step::Apply(Applied { operation, outcome }) => {
                let result = world.apply(operation);
                let now = Kind::of(&result);
                if now != *outcome {
                    let place = operation.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
                    let told = match result {
                        Ok(Outcome::Judged(judgement)) => format!(": {}", judgement.actual),
                        Err(error) => format!(": {error}"),
                        Ok(_) => String::new(),
                    };
                    let text = format!("error: {place}the record says {outcome}, and now it is {now}{told}\n");
                    reporter.say(Channel::Diagnostics, &text);
                    return Verdict::BadInput;
                }
                if let Ok(Outcome::Text(text)) = result {
                    reporter.text(&text);
                }
            }
            Step::Test { name } => {
                outside = Some(world.clone());
                reporter.test_started(name);
            }
            Step::TestEnd { test, result } => {
                if let Some(outside) = outside.take() {
                    world = outside;
                }
                reporter.test_finished(test, result);
            }
            Step::Failure(diagnostic) => reporter.failure(diagnostic.clone()),
        }
    }
    reporter.say(Channel::Output, &closing_line(record.summary));
    verdict(record.summary)
}
