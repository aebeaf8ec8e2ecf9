//! Running the items of a plan on several threads. Which thread runs what makes no difference to what comes of it.
//!
//! Items are taken in their order, so a thread never goes back in a scenario: it compiles the scenario of the item that it
//! has taken, and runs it sentence by sentence, up to the test it has and on to the next one, until its next item is in
//! another scenario. Programs hold Rhai, which threads cannot share; compiling one per thread takes less time than a Rhai
//! that they could share would cost.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use netscene_core::trace::{Flow, FlowOutcome};
use netscene_core::world::{IngressPath, Op, World, WrittenRule};
use netscene_lang::{
    Diagnostic, Next, Schedule, Sink, SourceFiles, TestFacts, TestInfo, TestResult, compile_in, has_errors, run_by,
};

use super::coverage::{self, RuleKey};
use super::golden;
use super::plan::Plan;
use super::record::{Problem, Record};
use crate::folder::Disk;

/// The stack of a thread: what the main thread of Linux has.
const STACK: usize = 8 << 20;

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Wishes<'a> {
    pub(super) seed: u64,
    pub(super) jobs: usize,
    pub(super) color: bool,
    pub(super) fail_fast: bool,
    /// Output is to become what is expected, and not compared with it.
    pub(super) bless: bool,
    /// Whether it is to be noted which rules and paths are touched.
    pub(super) coverage: bool,
    /// Trials in place of plain runs: of each item, the rules to leave out, one after the other.
    pub(super) trials: Option<&'a Trials>,
}

/// Rules to leave out, and in which tests.
#[derive(Debug)]
pub(super) struct Trials {
    /// The rules.
    pub(super) rules: Vec<RuleKey>,
    /// Of each item, which of them its packets have matched.
    pub(super) of_item: Vec<Vec<usize>>,
    /// Of each rule, whether a test has failed without it.
    pub(super) noticed: Vec<AtomicBool>,
}

/// What a run has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Of each item what became of it; none where it did not run.
    pub(super) records: Vec<Option<Record>>,
    /// The rules of each scenario's world.
    pub(super) written: Vec<Vec<WrittenRule>>,
    /// The paths of all ingresses that tests may touch; one that any test has touched is.
    pub(super) paths: Vec<IngressPath>,
}

struct Shared<'a> {
    plan: &'a Plan,
    wishes: Wishes<'a>,
    /// The next item that nobody has taken.
    next: AtomicUsize,
    /// No more is to be taken.
    enough: AtomicBool,
    /// Of each scenario, whether its tests cannot run.
    broken: Vec<AtomicBool>,
    found: Mutex<Found>,
    /// Told of every item that is done: whether it passed.
    done: &'a (dyn Fn(bool) + Sync),
}

/// Runs the items of a plan.
pub(super) fn run(plan: &Plan, wishes: Wishes<'_>, done: &(dyn Fn(bool) + Sync)) -> Result<Found, String> {
    let mut found = Found::default();
    found.records.resize_with(plan.items.len(), || None);
    found.written.resize_with(plan.scenarios.len(), Vec::new);
    let shared = Shared {
        plan,
        wishes,
        next: AtomicUsize::new(0),
        enough: AtomicBool::new(false),
        broken: plan.scenarios.iter().map(|_| AtomicBool::new(false)).collect(),
        found: Mutex::new(found),
        done,
    };
    thread::scope(|scope| {
        for _ in 0..wishes.jobs.min(plan.items.len()) {
            let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || work(&shared));
            started.map_err(|error| format!("no thread can be started: {error}"))?;
        }
        Ok::<_, String>(())
    })?;
    let mut found = shared.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.paths.sort_by(|a, b| coverage::path_key(a).cmp(&coverage::path_key(b)));
    Ok(found)
}

impl Shared<'_> {
    /// Takes the next item. Those of scenarios that cannot run are passed over.
    fn take(&self) -> Option<usize> {
        loop {
            if self.enough.load(Ordering::SeqCst) {
                return None;
            }
            let item = self.next.fetch_add(1, Ordering::SeqCst);
            let scenario = self.plan.items.get(item)?.scenario;
            if !self.broken[scenario].load(Ordering::SeqCst) || self.plan.items[item].test.is_none() {
                return Some(item);
            }
        }
    }

    fn keep(&self, item: usize, record: Record) {
        if self.wishes.fail_fast && !record.passed {
            self.enough.store(true, Ordering::SeqCst);
        }
        (self.done)(record.passed);
        self.found.lock().unwrap_or_else(PoisonError::into_inner).records[item] = Some(record);
    }
}

fn work(shared: &Shared<'_>) {
    let mut taken = shared.take();
    while let Some(item) = taken {
        let scenario = shared.plan.items[item].scenario;
        let before = (item, shared.plan.items[item].test.is_some());
        taken = scenario_from(shared, scenario, item);
        // What it holds still, and of the same scenario, was never come to.
        if let Some(item) = taken
            && shared.plan.items[item].scenario == scenario
        {
            shared.broken[scenario].store(true, Ordering::SeqCst);
            taken = shared.take();
        } else if taken == Some(before.0) {
            return;
        }
    }
}

/// Runs a scenario from an item on. It gives back the item that it has taken and not run.
fn scenario_from(shared: &Shared<'_>, number: usize, item: usize) -> Option<usize> {
    let scenario = &shared.plan.scenarios[number];
    let mut files = SourceFiles::default();
    let main = files.add(&scenario.name, scenario.text.as_str());
    let (program, diagnostics) = compile_in(&mut files, &main, &Disk::of(&scenario.path));
    let desk = Desk {
        shared,
        scenario: number,
        files,
        taken: Cell::new(Some(item)),
        top: Cell::new(None),
        rest: RefCell::default(),
        open: RefCell::default(),
        running: Cell::new(None),
        trial: Cell::new(Trial::Plain),
        good: Cell::new(true),
        tried: RefCell::default(),
    };
    desk.take_top();
    let broken = has_errors(&diagnostics);
    for diagnostic in &diagnostics {
        desk.problem(diagnostic);
    }
    if broken {
        shared.broken[number].store(true, Ordering::SeqCst);
    } else {
        let mut world = World::new(shared.wishes.seed);
        run_by(&program, &mut world, &mut Listener(&desk), &mut Scheduler(&desk));
    }
    if let Some(item) = desk.top.get() {
        desk.running.set(None);
        desk.compare();
        let mut record = desk.rest.take();
        record.passed = record.problems.iter().all(|problem| problem.severity != netscene_lang::Severity::Error);
        shared.keep(item, record);
    }
    if broken && desk.taken.get().is_some_and(|item| shared.plan.items[item].scenario == number) {
        return shared.take();
    }
    desk.taken.get()
}

/// What a thread has before it while it runs a scenario.
struct Desk<'a> {
    shared: &'a Shared<'a>,
    scenario: usize,
    files: SourceFiles,
    /// The item that it has taken and not run yet.
    taken: Cell<Option<usize>>,
    /// The item for what the scenario says outside of its tests, if that is this thread's.
    top: Cell<Option<usize>>,
    /// What comes of that.
    rest: RefCell<Record>,
    /// The test that runs, or has run last.
    open: RefCell<Record>,
    running: Cell<Option<usize>>,
    trial: Cell<Trial>,
    /// Whether every case of the test that runs has gone as the scenario says.
    good: Cell<bool>,
    /// What a test prints while it is run without a rule.
    tried: RefCell<String>,
}

/// For what a test is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// To see whether it passes.
    Plain,
    /// To see whether it would if nothing arrived.
    Muted,
    /// To see whether it does without a rule.
    Without(usize),
}

impl Desk<'_> {
    /// Keeps the scenario's own item apart, and takes one of its tests.
    fn take_top(&self) {
        if let Some(item) = self.taken.get()
            && self.shared.plan.items[item].test.is_none()
        {
            self.top.set(Some(item));
            self.taken.set(self.shared.take());
        }
    }

    fn problem(&self, diagnostic: &Diagnostic) {
        let problem = Problem::of(diagnostic, &self.files, self.shared.wishes.color);
        match (self.running.get(), self.trial.get()) {
            (None, _) => self.rest.borrow_mut().problems.push(problem),
            (Some(_), Trial::Plain) => self.open.borrow_mut().problems.push(problem),
            _ => {}
        }
    }

    /// What the test that runs is expected to print; nothing where that is not compared.
    fn expected(&self) -> Option<&str> {
        let scenario = &self.shared.plan.scenarios[self.scenario];
        let golden = scenario.golden.as_ref().filter(|_| !self.shared.wishes.bless)?;
        let test = self.running.get().and_then(|item| self.shared.plan.items[item].test);
        Some(golden.of(&scenario.section(test)))
    }

    fn is_expected(&self, output: &str) -> bool {
        self.expected().is_none_or(|expected| golden::same(expected, output))
    }

    /// Compares what has run with what it was expected to print. What has failed already prints something else for sure.
    fn compare(&self) {
        let running = self.running.get();
        let mut record = if running.is_some() { &self.open } else { &self.rest }.borrow_mut();
        if record.problems.is_empty() && !self.is_expected(&record.output) {
            let scenario = &self.shared.plan.scenarios[self.scenario];
            let test = running.and_then(|item| self.shared.plan.items[item].test);
            let expected = self.expected().unwrap_or_default();
            let (at, color) = (scenario.place(test), self.shared.wishes.color);
            let problem = golden::problem(expected, &record.output, &scenario.name, at.as_ref(), color);
            record.problems.push(problem);
            record.passed = false;
        }
    }

    /// The next test of this scenario that this thread has.
    fn comes_to(&self, test: usize) -> Next {
        // Whoever has the scenario's own item runs it to its end.
        let over = || if self.top.get().is_some() { Next::GoOn } else { Next::Stop };
        let Some(item) = self.taken.get() else { return over() };
        let next = self.shared.plan.items[item];
        if next.scenario != self.scenario {
            return over();
        }
        if next.test != Some(test) {
            return Next::GoOn;
        }
        self.running.set(Some(item));
        self.open.take();
        self.taken.set(self.shared.take());
        self.trial_of(item, 0)
    }

    /// Notes how the run of a test has ended.
    fn conclude(&self) {
        let good = self.good.replace(true);
        match self.trial.get() {
            Trial::Plain => {
                self.open.borrow_mut().passed = good;
                self.compare();
            }
            Trial::Muted => self.open.borrow_mut().holds_muted = good,
            Trial::Without(rule) => {
                let tried = self.tried.take();
                if let Some(trials) = self.shared.wishes.trials
                    && !(good && self.is_expected(&tried))
                {
                    trials.noticed[rule].store(true, Ordering::SeqCst);
                }
            }
        }
    }

    fn trial_of(&self, item: usize, again: usize) -> Next {
        if again > 0 {
            self.conclude();
        }
        if let Some(trials) = self.shared.wishes.trials {
            let of_item = trials.of_item.get(item).map_or(&[][..], Vec::as_slice);
            let from = match (again, self.trial.get()) {
                (1.., Trial::Without(last)) => of_item.iter().position(|rule| *rule == last).map_or(0, |at| at + 1),
                _ => 0,
            };
            let unnoticed = |rule: &&usize| !trials.noticed[**rule].load(Ordering::SeqCst);
            return match of_item.get(from..).and_then(|rest| rest.iter().find(unnoticed)) {
                Some(rule) => {
                    self.trial.set(Trial::Without(*rule));
                    Next::Run { first: vec![omission(&trials.rules[*rule])], muted: false }
                }
                None => self.done(item),
            };
        }
        let record = self.open.borrow();
        let facts = record.facts;
        match again {
            0 => {
                self.trial.set(Trial::Plain);
                Next::plain()
            }
            // Only of a test that asserts and expects nothing else is it not plain whether it could fail.
            1 if record.passed
                && !record.lost
                && facts.flows > 0
                && facts.expects == 0
                && facts.asserts > facts.constants =>
            {
                self.trial.set(Trial::Muted);
                Next::Run { first: Vec::new(), muted: true }
            }
            _ => {
                drop(record);
                self.done(item)
            }
        }
    }

    fn done(&self, item: usize) -> Next {
        self.running.set(None);
        self.trial.set(Trial::Plain);
        self.shared.keep(item, self.open.take());
        Next::GoOn
    }
}

fn omission(rule: &RuleKey) -> Op {
    Op::Omit {
        node: rule.node.to_string(),
        table: rule.table,
        chain: rule.chain.to_string(),
        rule: rule.rule.to_string(),
    }
}

struct Scheduler<'a>(&'a Desk<'a>);

impl Schedule for Scheduler<'_> {
    fn next(&mut self, test: usize, again: usize) -> Next {
        match (again, self.0.running.get()) {
            (1.., Some(item)) => self.0.trial_of(item, again),
            (1.., None) => Next::GoOn,
            (0, _) => self.0.comes_to(test),
        }
    }

    fn covers(&self) -> bool {
        self.0.shared.wishes.coverage && self.0.shared.wishes.trials.is_none()
    }
}

struct Listener<'a>(&'a Desk<'a>);

impl Sink for Listener<'_> {
    fn text(&mut self, text: &str) {
        let Self(desk) = self;
        match (desk.running.get(), desk.trial.get()) {
            (None, _) => desk.rest.borrow_mut().output.push_str(text),
            (Some(_), Trial::Plain) => desk.open.borrow_mut().output.push_str(text),
            (Some(_), Trial::Without(_)) => desk.tried.borrow_mut().push_str(text),
            (Some(_), Trial::Muted) => {}
        }
    }

    fn test_started(&mut self, _: &str) {}

    fn test_ended(&mut self, _: &str, _: bool) {}

    fn test_finished(&mut self, _: &TestInfo, result: &TestResult) {
        let Self(desk) = self;
        desk.good.set(desk.good.get() && result.is_good());
        if let (TestResult::Skipped(_), Trial::Plain) = (result, desk.trial.get()) {
            desk.open.borrow_mut().skipped = true;
        }
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        self.0.problem(&diagnostic);
    }

    fn flow(&mut self, flow: &Arc<Flow>) {
        let Self(desk) = self;
        if desk.trial.get() == Trial::Plain {
            let record = if desk.running.get().is_some() { &desk.open } else { &desk.rest };
            let mut record = record.borrow_mut();
            record.lost |= !matches!(flow.outcome, FlowOutcome::Delivered { .. });
            if desk.shared.wishes.coverage {
                coverage::note(flow, &mut record.touched);
            }
        }
    }

    fn facts(&mut self, facts: TestFacts) {
        if self.0.trial.get() == Trial::Plain {
            self.0.open.borrow_mut().facts = facts;
        }
    }

    fn written(&mut self, rules: Vec<WrittenRule>) {
        let Self(desk) = self;
        desk.shared.found.lock().unwrap_or_else(PoisonError::into_inner).written[desk.scenario] = rules;
    }

    fn ingress_paths(&mut self, paths: Vec<IngressPath>) {
        let mut found = self.0.shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            match found.paths.iter_mut().find(|one| coverage::path_key(one) == coverage::path_key(&path)) {
                Some(known) => known.touched |= path.touched,
                None => found.paths.push(path),
            }
        }
    }
}
