//! iptables' own text: the arguments of a command, what `iptables-restore` reads, what `iptables-save` prints.

mod parse;
mod restore;
mod save;

use std::ops::Range;
use std::sync::Arc;

use super::Provenance;

pub use restore::{RestoreInput, RestoreLine};
pub use save::rule_text;

/// Why a piece of iptables' text was not understood or could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TextError {
    /// The bytes of the text at fault.
    pub span: Range<usize>,
    /// What is wrong with them, in a few words.
    pub problem: String,
    /// What to write instead, if that can be told.
    pub hint: Option<String>,
}

impl RestoreInput {
    /// Adds a line, with where it came from.
    pub fn push(&mut self, text: impl Into<String>, provenance: Option<&Arc<Provenance>>) {
        self.lines.push(RestoreLine { text: text.into(), provenance: provenance.cloned() });
    }
}
