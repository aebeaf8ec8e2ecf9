//! Running a program against a world.

mod core_world;
mod explain;
mod part;
mod schedule;
mod tests;
pub(crate) mod values;
mod world;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use netscene_core::kube::Object;
use netscene_core::map::{IndexMap, IndexSet};
use netscene_core::trace::Expectation;
use netscene_core::world::{Op, OpError, Operation, Outcome};
use rhai::{AST, Dynamic, Scope};

pub(crate) use self::part::{Part, run_part};
pub use self::schedule::{Everything, Next, Schedule, TestFacts};
pub use self::tests::{TestInfo, TestResult};
pub use self::world::{Endpoint, Engine, Node, Pod, Service, Sink, Summary};
use crate::ast::{Block, Island, Operand, Statement, StatementKind, TestClause, Text};
use crate::cancel::Cancel;
use crate::limits::MOST_STEPS;
use crate::lower::{IslandValue, Lowering};
use crate::program::Program;
use crate::rhai_run::{Rhai, is_plain};
use crate::{Code, Diagnostic, Span, Word, script};

/// Runs a program: declarations first, then everything else in file order. Each test starts from the world as it is at
/// the test, and leaves nothing behind.
///
/// `engine` is afterwards the world after the last sentence outside of tests. See [`Engine`] for an example.
pub fn run<E: Engine + 'static>(program: &Program, engine: &mut E, sink: &mut dyn Sink) -> Summary {
    run_by(program, engine, sink, &mut Everything)
}

/// The same with a schedule that decides which tests run, how often, and in what world.
pub fn run_by<E: Engine + 'static>(
    program: &Program,
    engine: &mut E,
    sink: &mut dyn Sink,
    schedule: &mut dyn Schedule,
) -> Summary {
    run_until(&Cancel::default(), program, engine, sink, schedule)
}

/// The same until somebody asks it to end, as the sink may: nothing is carried out after what it was told of.
pub(crate) fn run_until<E: Engine + 'static>(
    cancel: &Cancel,
    program: &Program,
    engine: &mut E,
    sink: &mut dyn Sink,
    schedule: &mut dyn Schedule,
) -> Summary {
    let mut runner = Runner::new(program, engine, sink, schedule, cancel);
    if runner.declare() && runner.library() {
        let _ = runner.steps(&program.steps);
        runner.cover(runner.tests == 0);
    }
    engine.clone_from(&runner.world.borrow());
    runner.summary
}

/// What a world refuses of what a program declares, where nothing else is done: the port that two services want, a release of
/// which the model does not know what it writes.
///
/// ```
/// use netscene_core::world::World;
/// use netscene_lang::{SourceFiles, compile, refusals};
/// let file = SourceFiles::default().add("a.scn", "cluster c { calico 3.99 }\n");
/// let (program, diagnostics) = compile(&file);
/// assert!(diagnostics.is_empty(), "it is well written");
/// assert_eq!(refusals(&program, &World::new(0))[0].title, "what calico 3.99 does is not known here");
/// ```
pub fn refusals<E: Engine + 'static>(program: &Program, engine: &E) -> Vec<Diagnostic> {
    let (mut failures, cancel) = (Failures::default(), Cancel::default());
    Runner::new(program, engine, &mut failures, &mut Everything, &cancel).declare();
    failures.0
}

/// Keeps what goes wrong, and prints nothing.
#[derive(Default)]
pub(crate) struct Failures(pub(crate) Vec<Diagnostic>);

impl Sink for Failures {
    fn text(&mut self, _: &str) {}
    fn test_started(&mut self, _: &str) {}
    fn test_ended(&mut self, _: &str, _: bool) {}
    fn failure(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }
}

/// The end of a test before its last sentence. What was wrong has been told.
struct Stop;

type Done = Result<(), Stop>;

struct Runner<'a, E> {
    program: &'a Program,
    /// Shared with the functions that islands call.
    world: Rc<RefCell<E>>,
    /// Made when something first needs it.
    rhai: OnceCell<Rhai>,
    /// Flows and loop variables.
    variables: IndexMap<String, Dynamic>,
    in_test: bool,
    /// The row of the case that runs.
    case: Option<Span>,
    /// What has gone wrong in a test that has to fail.
    held: Option<Vec<Diagnostic>>,
    /// How many sentences have been carried out in the test, or outside of tests.
    steps: usize,
    /// The names of what could not be sent: that they are missing has been told.
    lost: IndexSet<String>,
    sink: &'a mut dyn Sink,
    schedule: &'a mut dyn Schedule,
    /// How many tests the run has come to.
    tests: usize,
    facts: TestFacts,
    /// What is done to the world of the test that runs before it begins.
    first: Vec<Op>,
    /// Nothing arrives that the test that runs sends.
    muted: bool,
    cancel: Cancel,
    summary: Summary,
}

impl<'a, E: Engine + 'static> Runner<'a, E> {
    /// A run that begins in a copy of the world of `engine`.
    fn new(
        program: &'a Program,
        engine: &E,
        sink: &'a mut dyn Sink,
        schedule: &'a mut dyn Schedule,
        cancel: &Cancel,
    ) -> Self {
        let world = Rc::new(RefCell::new(engine.clone()));
        Self {
            program,
            world,
            rhai: OnceCell::new(),
            variables: IndexMap::default(),
            in_test: false,
            case: None,
            held: None,
            steps: 0,
            lost: IndexSet::default(),
            sink,
            schedule,
            tests: 0,
            facts: TestFacts::default(),
            first: Vec::new(),
            muted: false,
            cancel: cancel.clone(),
            summary: Summary::default(),
        }
    }
}

impl<E: Engine + 'static> Runner<'_, E> {
    /// Declares everything. It says whether the world took all of it: with a part of it missing, the rest of the file
    /// would only tell of that.
    fn declare(&mut self) -> bool {
        let program = self.program;
        // All of them, so that every refusal is told.
        program.declarations.iter().filter(|operation| !self.declare_one(operation)).count() == 0
    }

    /// Declares an object. It says whether the world took it.
    fn declare_one(&mut self, operation: &Operation) -> bool {
        let result = self.world.borrow_mut().apply(operation);
        let Err(error) = result else { return true };
        let origin = operation.origin.as_ref();
        let span = origin.and_then(|origin| self.program.files.span(origin));
        let span = span.unwrap_or(script::nowhere(self.program.file.id()));
        // A block is too long to be shown whole.
        let head = self.program.files.at(span).split(['{', '\n']).next().unwrap_or_default().trim_end().len();
        let head = Span::new(span.file, span.start as usize, span.start as usize + head);
        self.refused(&error, head);
        false
    }

    /// Declares what a namespace in a test holds.
    fn declare_inner(&mut self, namespace: Span) -> Done {
        let program = self.program;
        let declared = program.inner.get(&namespace).map_or(&[][..], Vec::as_slice);
        if declared.iter().all(|operation| self.declare_one(operation)) { Ok(()) } else { self.end() }
    }

    /// Runs the `rhai` blocks, unless nothing in them can fail: then they wait until somebody needs what they define.
    fn library(&mut self) -> bool {
        if self.program.scripts.library.iter().all(|(_, block)| is_plain(block)) {
            return true;
        }
        let Err(diagnostic) = self.rhai() else { return true };
        self.tell(diagnostic);
        self.summary.refused += 1;
        false
    }

    /// Rhai, with what it may ask of the world, and with the constants and functions of the `rhai` blocks.
    fn rhai(&self) -> Result<&Rhai, Diagnostic> {
        if let Some(rhai) = self.rhai.get() {
            return Ok(rhai);
        }
        let mut rhai = Rhai::new(&self.cancel);
        values::register(&mut rhai.engine);
        world::register(&mut rhai.engine, &self.world, &Rc::new(self.program.symbols.clone()));
        for (number, (block, ast)) in self.program.scripts.library.iter().enumerate() {
            let mut ast: AST = ast.clone();
            ast.set_source(number.to_string());
            rhai.learn(&ast).map_err(|error| script::failure(&error, block, &self.blocks()))?;
        }
        Ok(self.rhai.get_or_init(|| rhai))
    }

    /// The `rhai` blocks.
    fn blocks(&self) -> Vec<Island> {
        self.program.scripts.library.iter().map(|(block, _)| block.clone()).collect()
    }

    fn steps(&mut self, statements: &[Statement]) -> Done {
        statements.iter().try_for_each(|statement| self.step(statement))
    }

    fn step(&mut self, statement: &Statement) -> Done {
        self.count(statement.span)?;
        match &statement.kind {
            StatementKind::Test { name, clauses, body } => self.scheduled(statement.span, name, clauses, body),
            StatementKind::Cases(_) => Ok(()),
            StatementKind::Log(text) => match self.fill(text) {
                Ok(text) => self.apply(Op::Log { text }, statement.span),
                Err(diagnostic) => self.fail(diagnostic),
            },
            StatementKind::Patch { kind: Some(kind), what, .. } => {
                let Some(op) = self.program.patches.get(&statement.span).cloned() else { return Ok(()) };
                match self.lower(|lowering| lowering.changed(*kind, what)) {
                    Ok(name) => self.apply(named(op, &name), statement.span),
                    Err(diagnostic) => self.fail(diagnostic),
                }
            }
            StatementKind::On { node, body } => body.statements.iter().try_for_each(|inner| match &inner.kind {
                StatementKind::Command(command) => self.typed(node, command, true),
                StatementKind::Look(command) => self.typed(node, command, false),
                _ => Ok(()),
            }),
            StatementKind::Namespace { .. } | StatementKind::Apply { .. } => self.declare_inner(statement.span),
            StatementKind::Assert(island) => self.assert(island, statement.span),
            StatementKind::For { variable, list, body } => self.repeat(variable, list, body),
            StatementKind::If { condition, then, otherwise } => {
                match self.value(condition).and_then(|value| truth(&value, condition)) {
                    Ok(true) => self.steps(&then.statements),
                    Ok(false) => otherwise.as_ref().map_or(Ok(()), |otherwise| self.steps(&otherwise.statements)),
                    Err(diagnostic) => self.fail(diagnostic),
                }
            }
            kind => match self.lower(|lowering| lowering.command(kind)) {
                Ok(operations) => operations.into_iter().try_for_each(|op| self.apply(op, statement.span)),
                Err(diagnostic) => self.fail(diagnostic),
            },
        }
    }

    /// Runs a test, with all of its cases, as often as the schedule wants.
    fn scheduled(&mut self, span: Span, name: &Text, clauses: &[TestClause], body: &Block) -> Done {
        let number = self.tests;
        self.cover(number == 0);
        self.tests += 1;
        for again in 0.. {
            match self.schedule.next(number, again) {
                Next::Run { first, muted } => {
                    (self.first, self.muted) = (first, muted);
                    let flows = self.variables.values().filter(|value| value.is::<values::Flow>()).count();
                    self.facts = TestFacts { name: name.span, flows, ..TestFacts::default() };
                    self.test(span, name, clauses, body);
                    self.sink.facts(self.facts);
                }
                Next::GoOn => break,
                Next::Stop => return Err(Stop),
            }
        }
        Ok(())
    }

    /// Does to a test's world what the schedule wants done to it first.
    fn prepare(&mut self) {
        let mut world = self.world.borrow_mut();
        if self.muted {
            world.mute();
        }
        for op in self.first.clone() {
            if let Err(error) = world.apply(&Operation { op, origin: None }) {
                debug_assert!(false, "the schedule's own operation was refused: {error}");
            }
        }
    }

    /// Tells of what tests may touch, if that is wanted: at the `beginning` of the file and whenever they may have.
    fn cover(&mut self, beginning: bool) {
        if !self.schedule.covers() {
            return;
        }
        if beginning {
            // In a copy: whether somebody asks must make no difference to the tests.
            let mut copy = self.world.borrow().clone();
            self.sink.written(copy.written_rules());
        }
        let paths = self.world.borrow().ingress_paths();
        self.sink.ingress_paths(paths);
    }

    fn repeat(&mut self, variable: &Text, list: &Island, body: &Block) -> Done {
        let value = match self.value(list) {
            Ok(value) => value,
            Err(diagnostic) => return self.fail(diagnostic),
        };
        let what = values::kind(&value);
        let items = match values::items(value) {
            Ok(items) => items,
            Err(values::NoItems::TooMany) => {
                let title = format!("the range has more than {} numbers", script::MOST_ITEMS);
                let diagnostic = Diagnostic::error(Code::LimitHit, title);
                return self.fail(diagnostic.at(list.span, "the bound for what `for` goes through"));
            }
            Err(values::NoItems::NoList) => {
                let diagnostic = Diagnostic::error(Code::BadIsland, "`for` goes through a list");
                let hint = "a list is `[1, 2]`, a range of numbers `1..3`";
                return self.fail(diagnostic.at(list.span, format!("this is {what}")).hint(hint.to_owned()));
            }
        };
        let hidden = self.variables.shift_remove(&variable.text);
        let mut done = Ok(());
        for item in items {
            self.variables.insert(variable.text.clone(), item);
            done = self.count(list.span).and_then(|()| self.steps(&body.statements));
            if done.is_err() {
                break;
            }
        }
        self.variables.shift_remove(&variable.text);
        self.variables.extend(hidden.map(|hidden| (variable.text.clone(), hidden)));
        done
    }

    /// Counts a sentence, or a turn of a loop. Past the bound the run ends, outside of tests too.
    fn count(&mut self, span: Span) -> Done {
        if self.cancel.is_asked() {
            return Err(Stop);
        }
        self.steps += 1;
        if self.steps <= MOST_STEPS {
            return Ok(());
        }
        if self.steps == MOST_STEPS + 1 {
            let title = format!("more than {MOST_STEPS} sentences are carried out");
            let diagnostic = Diagnostic::error(Code::LimitHit, title).at(span, "this one is too many");
            let hint = "this is the bound for a test, and for everything outside of tests; let loops be shorter";
            self.summary.refused += 1;
            self.tell(diagnostic.hint(hint.to_owned()));
        }
        Err(Stop)
    }

    fn assert(&mut self, island: &Island, sentence: Span) -> Done {
        self.summary.expectations += 1;
        self.facts.asserts += 1;
        self.facts.constants += usize::from(self.is_constant(island));
        match self.value(island).and_then(|value| truth(&value, island)) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.summary.unmet += 1;
                let start = sentence.start as usize;
                let word = Span::new(sentence.file, start, start + Word::Assert.text().len());
                let diagnostic = self.explain(island, word);
                self.told(diagnostic)
            }
            Err(diagnostic) => {
                self.summary.unmet += 1;
                self.fail(diagnostic)
            }
        }
    }

    fn typed(&mut self, place: &Operand, command: &Text, iptables: bool) -> Done {
        match self.lower(|lowering| lowering.typed(place, command, iptables)) {
            Ok(op) => self.apply(op, command.span),
            Err(diagnostic) => self.fail(diagnostic),
        }
    }

    fn apply(&mut self, op: Op, span: Span) -> Done {
        let sent = flow_named(&op).map(str::to_owned);
        let expects = matches!(op, Op::Expect(_));
        self.facts.expects += usize::from(expects);
        self.summary.expectations += usize::from(expects);
        if let Op::Expect(Expectation { flow: name, .. }) | Op::Trace { name, .. } = &op
            && self.lost.contains(name)
        {
            self.summary.unmet += usize::from(expects);
            return self.end();
        }
        let operation = Operation { op, origin: self.program.files.origin(span) };
        let result = self.world.borrow_mut().apply(&operation);
        match result {
            Ok(outcome) => self.outcome(outcome, sent, span),
            Err(error) => {
                // What could not be judged was not met.
                self.summary.unmet += usize::from(expects);
                self.lost.extend(sent);
                self.refused(&error, span);
                self.end()
            }
        }
    }

    fn outcome(&mut self, outcome: Outcome, sent: Option<String>, span: Span) -> Done {
        let flow = match outcome {
            Outcome::Done => None,
            Outcome::Flow(flow) => {
                self.facts.flows += 1;
                self.sink.flow(&flow);
                Some(flow)
            }
            Outcome::Ways(ways) => {
                self.variables.insert(ways.name.clone(), values::ways(&ways));
                None
            }
            Outcome::Text(text) => {
                self.sink.text(&text);
                None
            }
            Outcome::Judged(judgement) if judgement.held => None,
            Outcome::Judged(judgement) => {
                self.summary.unmet += 1;
                let text = self.program.files.at(span);
                let diagnostic = Diagnostic::error(Code::ExpectationFailed, "this is not what happened");
                let diagnostic = diagnostic.at(span, judgement.actual).text(judgement.evidence);
                return self.told(
                    diagnostic.hint(text.strip_prefix("expect ").map(|expected| format!("expected: {expected}"))),
                );
            }
        };
        if let Some(name) = sent.filter(|name| !name.is_empty()) {
            let flow = flow.or_else(|| self.world.borrow().flow(&name));
            self.lost.shift_remove(&name);
            if let Some(flow) = flow {
                self.variables.insert(name, Dynamic::from(values::Flow(flow)));
            }
        }
        Ok(())
    }

    fn lower<T>(&self, lower: impl FnOnce(&mut Lowering<'_>) -> Result<T, Diagnostic>) -> Result<T, Diagnostic> {
        let mut evaluate = |island: &Island| -> Result<Option<IslandValue>, Diagnostic> {
            Ok(Some(values::for_command(&self.value(island)?)))
        };
        lower(&mut Lowering { symbols: &self.program.symbols, evaluate: &mut evaluate })
    }

    /// The value of an island.
    fn value(&self, island: &Island) -> Result<Dynamic, Diagnostic> {
        let Some(ast) = self.program.scripts.islands.get(&island.span) else {
            // Only a program with errors has an island that was not compiled.
            let diagnostic = Diagnostic::error(Code::Island, "this island was never compiled");
            return Err(diagnostic.at(island.span, "the program has errors, and must not run"));
        };
        let rhai = self.rhai()?;
        let value = rhai.evaluate(ast, &mut self.scope(rhai, &island.text));
        value.map_err(|error| script::failure(&error, island, &self.blocks()))
    }

    /// What a script sees, as far as it names it: a scenario may have more flows than Rhai may have variables.
    fn scope(&self, rhai: &Rhai, text: &str) -> Scope<'static> {
        let mut scope = rhai.constants.clone();
        for (name, value) in self.variables.iter().filter(|(name, _)| text.contains(name.as_str())) {
            scope.push_constant_dynamic(name.clone(), value.clone());
        }
        scope
    }

    fn tell(&mut self, diagnostic: Diagnostic) {
        self.summary.limits += usize::from(diagnostic.code == Code::LimitHit);
        let diagnostic = match self.case {
            Some(row) => diagnostic.see(row, "in this case"),
            None => diagnostic,
        };
        match &mut self.held {
            Some(held) => held.push(diagnostic),
            None => self.sink.failure(diagnostic),
        }
    }

    /// Tells what was not met. A test ends with it; outside of tests the run goes on.
    fn told(&mut self, diagnostic: Diagnostic) -> Done {
        self.tell(diagnostic);
        self.end()
    }

    /// Tells what could not be done.
    fn fail(&mut self, diagnostic: Diagnostic) -> Done {
        self.summary.refused += 1;
        self.told(diagnostic)
    }

    fn refused(&mut self, error: &OpError, span: Span) {
        self.summary.refused += 1;
        let code = if error.is_bound() { Code::LimitHit } else { Code::Refused };
        let mut diagnostic = Diagnostic::error(code, &error.problem).at(span, "refused").hint(error.hint.clone());
        if let Some((origin, text)) = &error.related {
            if let Some(place) = self.program.files.span(origin) {
                diagnostic = diagnostic.see(place, text);
            } else {
                diagnostic.hint = Some(format!("{text}: see {origin}"));
            }
        }
        self.tell(diagnostic);
    }

    fn end(&self) -> Done {
        if self.in_test { Err(Stop) } else { Ok(()) }
    }
}

/// The name that an operation gives to what it sends.
fn flow_named(op: &Op) -> Option<&str> {
    match op {
        Op::Send { name, .. }
        | Op::Segment { name, .. }
        | Op::Open { name, .. }
        | Op::Say { name, .. }
        | Op::Close { name, .. }
        | Op::Reset { name, .. }
        | Op::Craft { name, .. }
        | Op::Ping { name, .. }
        | Op::Get { name, .. }
        | Op::Resolve { name, .. } => Some(name),
        Op::Burst { each, .. } => flow_named(each),
        _ => None,
    }
}

/// A change of the object of that name.
fn named(mut op: Op, full: &str) -> Op {
    let Op::Patch { object, .. } = &mut op else { return op };
    let (namespace, name) = full.split_once('/').unwrap_or(("", full));
    let (to_namespace, to_name) = match object {
        Object::Service(one) => (&mut one.namespace, &mut one.name),
        Object::Pod(one) => (&mut one.namespace, &mut one.name),
        Object::Deployment(one) => (&mut one.namespace, &mut one.name),
        Object::Ingress(one) => (&mut one.namespace, &mut one.name),
        Object::ConfigMap(one) => (&mut one.namespace, &mut one.name),
        Object::NetworkPolicy(one) => (&mut one.namespace, &mut one.name),
        Object::Node(node) => {
            full.clone_into(&mut node.name);
            return op;
        }
        Object::Router(router) => {
            full.clone_into(&mut router.name);
            return op;
        }
        _ => return op,
    };
    namespace.clone_into(to_namespace);
    name.clone_into(to_name);
    op
}

fn truth(value: &Dynamic, island: &Island) -> Result<bool, Diagnostic> {
    value.as_bool().map_err(|_| {
        let diagnostic = Diagnostic::error(Code::BadIsland, "this is neither true nor false");
        diagnostic.at(island.span, format!("this is {}", values::show(value)))
    })
}
