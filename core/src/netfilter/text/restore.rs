//! What `iptables-restore` reads.

use std::sync::Arc;

use crate::netfilter::Provenance;

/// The input of one `iptables-restore --noflush`, line by line, with where each line came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreInput {
    /// The lines.
    pub lines: Vec<RestoreLine>,
}

/// A line for `iptables-restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreLine {
    /// Its text.
    pub text: String,
    /// Who wrote it, and why.
    pub provenance: Option<Arc<Provenance>>,
}
