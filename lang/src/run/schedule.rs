//! Which tests of a program run, how often, and in what world.

use netscene_core::world::Op;

use crate::Span;

/// Decides at every test of a run whether it runs, and again after it has run.
///
/// ```
/// use netscene_core::world::World;
/// use netscene_lang::{Next, Schedule, Sink, SourceFiles, compile, run_by};
///
/// /// Only the second test.
/// struct Second;
/// impl Schedule for Second {
///     fn next(&mut self, test: usize, again: usize) -> Next {
///         if test == 1 && again == 0 { Next::plain() } else { Next::GoOn }
///     }
/// }
/// # struct Quiet;
/// # impl Sink for Quiet {
/// #     fn text(&mut self, _: &str) {}
/// #     fn test_started(&mut self, _: &str) {}
/// #     fn test_ended(&mut self, _: &str, _: bool) {}
/// #     fn failure(&mut self, _: netscene_lang::Diagnostic) {}
/// # }
/// let file = SourceFiles::default().add("two.scn", "\
/// test \"one\" { assert ${ 1 == 2 } }
/// test \"two\" { assert ${ 2 == 2 } }
/// ");
/// let summary = run_by(&compile(&file).0, &mut World::new(0), &mut Quiet, &mut Second);
/// assert_eq!((summary.tests, summary.failed), (1, 0));
/// ```
pub trait Schedule {
    /// What to do at the test of this number (from 0, in file order), which has run `again` times.
    fn next(&mut self, test: usize, again: usize) -> Next;

    /// Whether the sink is to be told of rules and paths, for coverage.
    fn covers(&self) -> bool {
        false
    }
}

/// What to do at a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run it, in a world that begins as the world is at the test.
    Run {
        /// What is done to the test's world first.
        first: Vec<Op>,
        /// Nothing that the test sends ever arrives.
        muted: bool,
    },
    /// Go on after it.
    GoOn,
    /// Go no further in the file.
    Stop,
}

impl Next {
    /// To run it as it is.
    pub const fn plain() -> Self {
        Self::Run { first: Vec::new(), muted: false }
    }
}

/// Every test, once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everything;

impl Schedule for Everything {
    fn next(&mut self, _: usize, again: usize) -> Next {
        if again == 0 { Next::plain() } else { Next::GoOn }
    }
}

/// What a test did, as far as it tells whether the test could have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestFacts {
    /// The place of its name.
    pub name: Span,
    /// How many flows it could look at: those that it sent, and those that were there already.
    pub flows: usize,
    /// How many `expect`s were judged.
    pub expects: usize,
    /// How many `assert`s were judged.
    pub asserts: usize,
    /// How many of those say nothing of a flow, and ask the world nothing.
    pub constants: usize,
}
