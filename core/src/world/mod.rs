//! The world: everything that is, and the one way to change it.
//!
//! - [`Op`] is what can be done; [`World::apply`] does it and answers with an [`Outcome`];
//! - `network` makes namespaces, wires and processes of the declared objects; `program` lets the agents write on a node;
//! - `run` moves the time from event to event;
//! - `choose` pins what chance would decide; `explore` takes every way that it could;
//! - `fault` is what can be broken, `faults` breaks it and lets the cluster notice; `announce` is what MetalLB's speakers say;
//! - `aside` is what goes on beside what a scenario does: BGP's sessions, where their packets travel;
//! - `connections` is what a scenario does itself on connections that it keeps open;
//! - `coverage` is what tests may touch, and the rules that are left out to see whether one notices;
//! - `judge` compares what happened with what was expected.

mod announce;
mod aside;
mod broken;
mod burst;
mod chains;
mod choose;
mod connections;
mod coverage;
mod explore;
#[cfg(test)]
mod explore_tests;
mod fault;
mod faults;
mod fresh;
mod health;
mod judge;
mod judge_answer;
mod judge_hops;
mod judge_reply;
mod judge_ways;
mod load;
mod network;
mod op;
mod perform;
mod places;
mod program;
mod routers;
mod run;
mod shell;
mod sysctls;
mod tap;
mod tcpdump;
#[cfg(test)]
mod tests;
mod why;

use std::sync::Arc;

pub use announce::{SpeakerEvent, SpeakerRecord};
pub use connections::Side;
pub use coverage::{IngressPath, WrittenRule};
pub use explore::MAX_WAYS;
pub use fault::Fault;
pub use op::{Choice, Op, Operation, Show, Source, Target, TargetHost, VERSION};

pub use tap::{Captured, Passed, Tap};

use crate::kube::State;
use crate::map::IndexMap;
use crate::trace::{Flow, Judgement, Ways};
use crate::{Origin, Random, Time};
use announce::Announcers;
use aside::Aside;
use connections::Connections;
use coverage::Omission;
use faults::Faults;
use fresh::Fresh;
use network::Network;
use program::Nodes;
use run::Queue;

/// Everything that is.
///
/// A copy is cheap: namespaces are shared until one of the copies changes them.
///
/// ```
/// use netscene_core::kube::{Host, Object};
/// use netscene_core::world::{Op, Operation, World};
/// let mut world = World::new(0);
/// let browser = Host::new("browser", [10, 1, 0, 89]);
/// let declare = Operation { op: Op::Declare { object: Object::Host(browser) }, origin: None };
/// world.apply(&declare)?;
/// assert!(world.state().host("browser").is_some());
/// // The same again is refused, and changes nothing.
/// assert!(world.apply(&declare).is_err());
/// # Ok::<(), netscene_core::world::OpError>(())
/// ```
#[derive(Clone, Debug)]
pub struct World {
    state: State,
    /// How often the declared objects, or the pinned choices, have changed.
    generation: u64,
    /// The generation that the network has grown to.
    grown: u64,
    network: Network,
    nodes: Nodes,
    /// What agents write for what is declared now.
    fresh: Arc<Fresh>,
    /// The generation that this is for.
    fresh_of: u64,
    choices: Vec<Choice>,
    time: Time,
    queue: Queue,
    random: Random,
    next_packet: u64,
    flows: IndexMap<String, Arc<Flow>>,
    /// Every flow, those too whose name another has taken: what tcpdump has seen.
    captured: Vec<Arc<Flow>>,
    connections: Connections,
    ways: IndexMap<String, Arc<Ways>>,
    faults: Faults,
    announcers: Announcers,
    aside: Aside,
    tap: Option<Tap>,
    /// The rules that are left out.
    omissions: Vec<Omission>,
    /// Nothing that is sent arrives.
    muted: bool,
}

impl World {
    /// An empty world. All chance in it comes from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: State::new(seed),
            generation: 1,
            grown: 0,
            network: Network::default(),
            nodes: Nodes::default(),
            fresh: Arc::default(),
            fresh_of: 1,
            choices: Vec::new(),
            time: Time::ZERO,
            queue: Queue::default(),
            random: Random::new(seed),
            next_packet: 0,
            flows: IndexMap::default(),
            captured: Vec::new(),
            connections: Connections::default(),
            ways: IndexMap::default(),
            faults: Faults::default(),
            announcers: Announcers::default(),
            aside: Aside::new(seed),
            tap: None,
            omissions: Vec::new(),
            muted: false,
        }
    }

    /// Begins to keep what agents write anew, if something has changed but choices.
    fn freshen(&mut self) {
        if self.fresh_of != self.generation {
            self.fresh_of = self.generation;
            self.fresh = Arc::default();
        }
    }

    /// What has been declared.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The time.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The names of everything that has happened, in order.
    pub fn flow_names(&self) -> impl Iterator<Item = &str> {
        self.flows.keys().chain(self.ways.keys()).map(String::as_str)
    }

    /// What happened under a name.
    pub fn flow(&self, name: &str) -> Option<&Arc<Flow>> {
        self.flows.get(name)
    }
}

/// What an operation brought about.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The world is as asked, and there is nothing to say.
    Done,
    /// Something was sent; this is what happened.
    Flow(Arc<Flow>),
    /// Something was explored; these are the ways it can go.
    Ways(Arc<Ways>),
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
    /// Which kind of refusal it is.
    pub kind: Refusal,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusal {
    /// The operation asks for what cannot be.
    #[default]
    Impossible,
    /// A bound was passed, which says nothing of whether the operation was a good one.
    Bound,
}

impl OpError {
    /// A refusal: what is wrong, and what to write instead.
    pub fn new(problem: String, hint: Option<String>) -> Self {
        Self { problem, hint, related: None, kind: Refusal::Impossible }
    }

    /// A bound was passed: `what` it bounds, and what to do.
    fn bound(problem: String, what: &str, cure: &str) -> Self {
        let hint = Some(format!("this is the bound on {what}; {cure}"));
        Self { kind: Refusal::Bound, ..Self::new(problem, hint) }
    }

    /// Whether a bound was passed, which says nothing of whether the operation was a good one.
    pub fn is_bound(&self) -> bool {
        self.kind == Refusal::Bound
    }
}
