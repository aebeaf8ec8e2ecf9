//! How a command ends.

use std::process::ExitCode;

use netscene_lang::Verdict;

/// How a command ends, the worse the later: of several files the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything was as it should be.
    Held = 0,
    /// An expectation was not met, or an assertion not true.
    Unmet = 1,
    /// A file could not be read or understood, or asks for what cannot be done.
    BadInput = 2,
    /// A limit was hit.
    Limit = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Held,
            Verdict::Unmet => Self::Unmet,
            Verdict::BadInput => Self::BadInput,
            Verdict::LimitHit => Self::Limit,
        }
    }
}
