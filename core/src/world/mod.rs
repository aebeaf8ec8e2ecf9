//! The world: everything that is, and the one way to change it.

mod op;

use std::sync::Arc;

pub use op::{Choice, Op, Operation, Show, Source, Target, TargetHost, VERSION};

use crate::Origin;
use crate::trace::{Flow, Judgement};

/// What an operation brought about.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The world is as asked, and there is nothing to say.
    Done,
    /// Something was sent; this is what happened.
    Flow(Arc<Flow>),
    /// Text to print, newline at the end.
    Text(String),
    /// What became of an expectation.
    Judged(Judgement),
}

/// Why an operation was refused. The world is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct OpError {
    /// What is wrong, in one sentence without a full stop.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Another place that has to do with it, and what it says there.
    pub related: Option<(Origin, String)>,
}
