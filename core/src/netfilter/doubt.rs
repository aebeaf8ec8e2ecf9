//! Why the model does not know.

use std::fmt;
use std::sync::Arc;

use super::TableName;

/// Why the model does not know what becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// In words.
    pub why: Arc<str>,
    /// The rule that it does not understand; none where it is something else.
    pub rule: Option<DoubtfulRule>,
}

/// A rule that the model does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtfulRule {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: Arc<str>,
    /// Its number in the chain, from 1.
    pub number: usize,
}

impl<T: Into<Arc<str>>> From<T> for Doubt {
    /// A doubt that is about no rule.
    fn from(why: T) -> Self {
        Self { why: why.into(), rule: None }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
