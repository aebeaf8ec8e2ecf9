//! Sentences entered one after the other: what the REPL and a page have in common, without any I/O.
//!
//! - [`Session`]: a world, and the statements entered so far; [`Answer`]: what came of one;
//! - `teller`: what a run tells, as text; `save`: the session as a scenario;
//! - [`Completion`], in `complete`: what may be written at a place; `islands` and `names`: the same for Rhai and for what is in
//!   the world; [`highlight()`]: what is to be coloured;
//! - `sight`: what there is to see of a world, and how two moments differ;
//! - [`typed()`]: what people type on a machine, as sentences;
//! - [`Breakpoint`], [`Stepper`]: the hops of a flow one at a time; [`Debugger`]: who goes through them;
//! - [`COMMANDS`]: what begins with `:` where sentences are entered.
//!
//! Each entry is a file of its own, `<1>`, `<2>` and so on, so that the places of diagnostics are right. An entry counts as a
//! whole or not at all: if anything of it is refused, not met or cannot be read, the world stays as it was.

mod commands;
mod complete;
mod debugger;
mod highlight;
mod islands;
mod names;
mod save;
mod sight;
mod steps;
mod teller;
#[cfg(test)]
mod tests;
mod typed;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use netscene_core::map::IndexSet;
use netscene_core::trace::Flow;
use netscene_core::world::{Operation, World};

use self::sight::Sight;
use self::teller::Teller;
use crate::ast::{Ast, Statement, StatementKind};
use crate::check::advice::advise;
use crate::report::{unreadable, verdict};
use crate::run::{Part, run_part};
use crate::{
    Cancel, Code, Diagnostic, FileId, Folder, Next, NoFolder, Program, Schedule, Severity, SourceFile, SourceFiles,
    Summary, Verdict, check, diagnostic, has_errors, include, parse, render, sentences,
};

pub use commands::{COMMANDS, count, help_on, list_commands, no_command};
pub use complete::{Candidate, CandidateKind, Completion};
pub use debugger::Debugger;
pub use highlight::{Colour, highlight};
pub use save::Saved;
pub use steps::{Breakpoint, Stepper};
pub use typed::typed;

/// A world, and the statements entered so far.
///
/// ```
/// use netscene_lang::session::{Outcome, Session};
/// let mut session = Session::new(0);
/// session.enter("node worker1 at 10.0.0.1");
/// session.enter("node worker2 at 10.0.0.2");
/// let answer = session.enter("ping worker1 -> worker2 as hello");
/// assert!(answer.text.starts_with("hello: ping worker1 -> 10.0.0.2: delivered to worker2; 2 packets in "));
/// // A mistake changes nothing.
/// let answer = session.enter("expect helo delivered");
/// assert_eq!(answer.outcome, Outcome::Refused);
/// assert!(answer.told(false).contains("did you mean `hello`?"));
/// // A step back, and what is left, as a scenario.
/// assert_eq!(session.undo().as_deref(), Some("ping worker1 -> worker2 as hello"));
/// assert_eq!(session.save().text, "node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2\n");
/// ```
pub struct Session {
    seed: u64,
    cancel: Cancel,
    /// How often something has been entered: no number of an entry comes twice.
    entered: usize,
    past: Vec<Moment>,
    now: Moment,
    future: Vec<Moment>,
    /// What there is to see of the world now, once somebody has looked.
    sight: RefCell<Option<Rc<Sight>>>,
}

/// A session at one moment. A copy is cheap, as one of a world is.
#[derive(Clone)]
struct Moment {
    world: World,
    files: SourceFiles,
    entries: Vec<Rc<Entry>>,
    /// The scenarios of the folder that are included already.
    included: Vec<String>,
    folder: Rc<dyn Folder>,
    /// What the user calls that folder.
    root: String,
}

/// What was entered at once.
struct Entry {
    text: String,
    /// The first of the files that came with it; the others follow.
    file: FileId,
    statements: Vec<Statement>,
}

/// What came of something that was entered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// What there is to print: texts of `show` and `trace`, what became of what was sent, results of tests.
    pub text: String,
    /// What is wrong, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that the diagnostics point into.
    pub files: SourceFiles,
    /// What was sent outside of tests.
    pub flows: Vec<Arc<Flow>>,
    /// The numbers of the run.
    pub summary: Summary,
}

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A brace is open: more lines have to come. Nothing happened.
    Incomplete,
    /// There was nothing to do.
    Nothing,
    /// It is done, and can be undone.
    Done,
    /// It could not be read, or not be done as a whole, or something was not as it says. The world is as it was.
    Refused,
    /// Somebody asked it to stop. The world is as it was.
    Stopped,
}

impl Answer {
    fn new(outcome: Outcome, files: SourceFiles, diagnostics: Vec<Diagnostic>) -> Self {
        let (text, flows, summary) = (String::new(), Vec::new(), Summary::default());
        Self { outcome, text, diagnostics, files, flows, summary }
    }

    /// How a command ends that was told this: as [`run_scenario`](crate::run_scenario) would end.
    pub fn verdict(&self) -> Verdict {
        match self.outcome {
            Outcome::Refused if self.summary.passed() => unreadable(&self.diagnostics).unwrap_or(Verdict::BadInput),
            _ => verdict(self.summary),
        }
    }

    /// The diagnostics as they are printed; `color` adds terminal colours.
    pub fn told(&self, color: bool) -> String {
        if self.diagnostics.is_empty() { String::new() } else { render(&self.diagnostics, &self.files, color) }
    }
}

/// How much an entry may get wrong, and what of it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Nothing, and everything.
    Entered,
    /// It has to be read without a fault; what fails after that is told. Its tests do not run.
    Loaded,
}

impl Session {
    /// An empty session. All chance in its world comes from `seed`; no file can be named in it.
    pub fn new(seed: u64) -> Self {
        Self::in_folder(seed, Rc::new(NoFolder))
    }

    /// The same where `include`, `apply` and `load` name files of a folder.
    pub fn in_folder(seed: u64, folder: Rc<dyn Folder>) -> Self {
        let now = Moment::new(seed, folder, "");
        let (past, future, sight) = (Vec::new(), Vec::new(), RefCell::default());
        Self { seed, cancel: Cancel::default(), entered: 0, past, now, future, sight }
    }

    /// What stops a run of this session, from another thread too.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The world as it is.
    pub fn world(&self) -> &World {
        &self.now.world
    }

    /// What was entered and counts, in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &str> {
        self.now.entries.iter().map(|entry| entry.text.as_str())
    }

    /// Enters one statement or several.
    pub fn enter(&mut self, text: &str) -> Answer {
        self.cancel.forget();
        let mut next = self.now.clone();
        let name = format!("<{}>", self.entered + 1);
        let file = next.files.add(&name, text);
        let (ast, faults) = parse(&file);
        if ast.statements.is_empty() && faults.is_empty() {
            return Answer::new(Outcome::Nothing, self.now.files.clone(), Vec::new());
        }
        if goes_on(&file, &faults) {
            return Answer::new(Outcome::Incomplete, self.now.files.clone(), Vec::new());
        }
        self.entered += 1;
        self.perform(next, &file, Manner::Entered)
    }

    /// Begins anew with the world of a scenario, whose other files come from `folder`: what it declares, and what it does
    /// outside of tests. What is not as it expects is told; if it cannot be read, nothing happens.
    pub fn load(&mut self, name: &str, text: &str, folder: Rc<dyn Folder>) -> Answer {
        self.cancel.forget();
        let root = name.rsplit_once('/').map_or("", |(root, _)| root);
        let mut next = Moment::new(self.seed, folder, root);
        let file = next.files.add(name, text);
        self.perform(next, &file, Manner::Loaded)
    }

    fn perform(&mut self, mut next: Moment, file: &Arc<SourceFile>, manner: Manner) -> Answer {
        let (program, mut diagnostics) = next.read(file);
        let is_new = |diagnostic: &Diagnostic| diagnostic.labels.iter().any(|label| label.span.file >= file.id());
        // Somebody may still look at what was sent, and take an address of a pool.
        let waits = |code: Code| manner == Manner::Entered && matches!(code, Code::UnseenFlow | Code::UnusedPool);
        diagnostics.retain(|one| one.severity == Severity::Error || is_new(one) && !waits(one.code));
        let diagnostics = diagnostic::in_order(diagnostics);
        if has_errors(&diagnostics) {
            return Answer::new(Outcome::Refused, next.files, diagnostics);
        }
        let before: IndexSet<_> =
            next.files.iter().take_while(|one| one.id() < file.id()).map(|one| one.name()).collect();
        let new =
            |operation: &&Operation| operation.origin.as_ref().is_some_and(|origin| !before.contains(&*origin.file));
        let part = Part {
            program: &program,
            declarations: program.declarations.iter().filter(new).collect(),
            steps: program.steps.iter().filter(|step| step.span.file >= file.id()).collect(),
            cancel: &self.cancel,
        };
        let mut teller = Teller::default();
        let mut schedule = Tests { run: manner == Manner::Entered };
        let summary = run_part(&part, &mut next.world, &mut teller, &mut schedule);
        let mut answer = Answer::new(Outcome::Done, next.files.clone(), diagnostics);
        answer.summary = summary;
        teller.into_answer(&mut answer);
        if self.cancel.is_asked() {
            answer.outcome = Outcome::Stopped;
            // That a run ended early is no fault of what ran.
            answer.diagnostics.clear();
        } else if manner == Manner::Entered && !summary.passed() {
            answer.outcome = Outcome::Refused;
        } else {
            self.past.push(std::mem::replace(&mut self.now, next));
            self.future.clear();
            self.sight = RefCell::default();
        }
        answer
    }

    /// Runs the tests whose names have `filter` in them, each from the world as it is now. Nothing is changed by it.
    pub fn test(&self, filter: &str) -> Answer {
        self.cancel.forget();
        let mut next = self.now.clone();
        let Some(file) = next.entries.last().and_then(|entry| next.files.get(entry.file)).cloned() else {
            return Answer::new(Outcome::Nothing, self.now.files.clone(), Vec::new());
        };
        let program = check(&next.ast(&file, false)).0;
        let steps = program.steps.iter().filter(|statement| only_tests(statement)).collect();
        let part = Part { program: &program, declarations: Vec::new(), steps, cancel: &self.cancel };
        let mut teller = Teller::of_tests(filter);
        let summary = run_part(&part, &mut next.world, &mut teller, &mut Tests { run: true });
        let mut answer = Answer::new(Outcome::Nothing, next.files.clone(), Vec::new());
        answer.summary = summary;
        teller.into_answer(&mut answer);
        if self.cancel.is_asked() {
            answer.outcome = Outcome::Stopped;
            answer.diagnostics.clear();
        } else if !summary.passed() {
            answer.outcome = Outcome::Refused;
        }
        answer
    }

    /// The names of the tests that were entered or loaded, as they are written.
    pub fn tests(&self) -> Vec<String> {
        fn gather(statements: &[Statement], found: &mut Vec<String>) {
            for statement in statements {
                if let StatementKind::Test { name, .. } = &statement.kind {
                    found.push(name.text.clone());
                }
                statement.kind.blocks().iter().for_each(|block| gather(&block.statements, found));
            }
        }
        let mut found = Vec::new();
        self.now.entries.iter().for_each(|entry| gather(&entry.statements, &mut found));
        found
    }

    /// Takes the last entry back. It says what that was; nothing where there is none left.
    pub fn undo(&mut self) -> Option<String> {
        let before = self.past.pop()?;
        let undone = std::mem::replace(&mut self.now, before);
        let text = undone.last();
        self.future.push(undone);
        self.sight = RefCell::default();
        Some(text)
    }

    /// Does again what was undone last. It says what that was; nothing where there is nothing to do again.
    pub fn redo(&mut self) -> Option<String> {
        let after = self.future.pop()?;
        let text = after.last();
        self.past.push(std::mem::replace(&mut self.now, after));
        self.sight = RefCell::default();
        Some(text)
    }

    /// What differs between the world as it was before the last so many entries and as it is now: objects, rules, routes and
    /// connections that came, went or changed. Nothing, where nothing does.
    pub fn diff(&self, entries: usize) -> String {
        let at = self.past.len().saturating_sub(entries.max(1));
        sight::diff(&self.past.get(at).unwrap_or(&self.now).sight(), &self.sight())
    }

    /// What there is to see of the world now.
    fn sight(&self) -> Rc<Sight> {
        self.sight.borrow_mut().get_or_insert_with(|| Rc::new(self.now.sight())).clone()
    }
}

impl Moment {
    fn new(seed: u64, folder: Rc<dyn Folder>, root: &str) -> Self {
        let (files, entries, included) = (SourceFiles::default(), Vec::new(), Vec::new());
        Self { world: World::new(seed), files, entries, included, folder, root: root.to_owned() }
    }

    /// Reads an entry, and checks it together with all before it.
    fn read(&mut self, file: &Arc<SourceFile>) -> (Program, Vec<Diagnostic>) {
        let name = file.name().rsplit_once('/').map_or(file.name(), |(_, name)| name);
        let place = (self.root.as_str(), name);
        let block = |statement: &Statement| match &statement.kind {
            StatementKind::Rhai(island) => Some(island.clone()),
            _ => None,
        };
        let library = self.entries.iter().flat_map(|entry| &entry.statements).filter_map(block).collect();
        let (read, mut diagnostics) =
            include::read_on(&mut self.files, file, place, self.folder.as_ref(), &mut self.included, library);
        let text = file.text().trim().to_owned();
        self.entries.push(Rc::new(Entry { text, file: file.id(), statements: read.statements }));
        let ast = self.ast(file, read.unread);
        let (program, found) = check(&ast);
        diagnostics.extend(found);
        if !has_errors(&diagnostics) {
            diagnostics.extend(advise(&ast, &program));
        }
        (program, diagnostics)
    }

    /// Everything that was entered, as one scenario.
    fn ast(&self, file: &Arc<SourceFile>, unread: bool) -> Ast {
        let statements = self.entries.iter().flat_map(|entry| entry.statements.iter().cloned()).collect();
        Ast { file: file.clone(), files: self.files.clone(), statements, unread }
    }

    fn last(&self) -> String {
        self.entries.last().map(|entry| entry.text.clone()).unwrap_or_default()
    }

    fn sight(&self) -> Sight {
        Sight::of(&self.world, &self.entries)
    }
}

/// Whether it is a test, or a loop that holds only tests: what else is in one has been done.
fn only_tests(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Test { .. } => true,
        StatementKind::For { .. } | StatementKind::If { .. } => {
            statement.kind.blocks().iter().all(|block| block.statements.iter().all(only_tests))
        }
        _ => false,
    }
}

/// Whether more lines have to come: a brace is open, and there is no fault before it that no further line would mend.
fn goes_on(file: &SourceFile, faults: &[Diagnostic]) -> bool {
    let opens = |fault: &Diagnostic| {
        let text = fault.span().map_or("", |span| file.at(span));
        fault.code == Code::Unclosed && (text == "{" || text.starts_with("\"\"\"") || text.starts_with("rhai"))
    };
    sentences::begin(file).open && faults.iter().all(opens)
}

/// Whether a text is the beginning of an entry that goes on in the next line: [`Session::enter`] would answer
/// [`Outcome::Incomplete`].
///
/// ```
/// use netscene_lang::session::is_incomplete;
/// assert!(is_incomplete("namespace default {"));
/// assert!(is_incomplete("namespace default {\n  pod web # }"));
/// assert!(!is_incomplete("namespace default { pod web }"));
/// // It would not get better.
/// assert!(!is_incomplete("namespace default {\n  pdo web"));
/// ```
pub fn is_incomplete(text: &str) -> bool {
    let file = SourceFiles::default().add("<>", text);
    let (_, faults) = parse(&file);
    goes_on(&file, &faults)
}

/// Every test once, or none.
struct Tests {
    run: bool,
}

impl Schedule for Tests {
    fn next(&mut self, _: usize, again: usize) -> Next {
        if self.run && again == 0 { Next::plain() } else { Next::GoOn }
    }
}
