use std::sync::Arc;

use super::{Flow, FlowKind, Place};
use crate::Fraction;

/// Every way that something can go, where chance decides: what one `explore` found.
///
/// A port that a client or the kernel draws is no crossroads: whatever is drawn, the packet goes the same way, and the ways
/// show the ports that the world's seed draws.
#[derive(Clone, Debug)]
pub struct Ways {
    /// The name after `as`.
    pub name: String,
    /// What was asked for.
    pub kind: FlowKind,
    /// Where it starts.
    pub from: Place,
    /// The ways, in the order of the rules and endpoints that chance decides about; their probabilities are 1 together.
    pub ways: Vec<Way>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Way {
    /// How probable it is.
    pub probability: Fraction,
    /// What chance decided, in order of time.
    pub decisions: Vec<Decision>,
    /// What happened.
    pub flow: Arc<Flow>,
}

/// What chance decided at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The place.
    pub place: Place,
    /// About what: `service default/web`, `upstream default-web-80`, or a chain, `nat/DICE`.
    pub about: String,
    /// What was taken: a pod, an address, or a rule's number.
    pub taken: String,
}
