//! A world that keeps every flow of a run, whatever becomes of the worlds that tests run in.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_core::world::{OpError, Operation, Outcome, World};
use netscene_lang::{Engine, Node, Pod, Service};

/// The world, and what has happened in it and in its copies.
#[derive(Clone)]
pub(crate) struct Recording {
    world: World,
    flows: Rc<RefCell<Vec<Arc<Flow>>>>,
}

impl Recording {
    /// An empty world with that seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { world: World::new(seed), flows: Rc::default() }
    }

    /// The list that fills while the recording runs.
    pub(crate) fn flows(&self) -> Rc<RefCell<Vec<Arc<Flow>>>> {
        self.flows.clone()
    }
}

impl Engine for Recording {
    fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        let outcome = self.world.apply(operation)?;
        if let Outcome::Flow(flow) = &outcome {
            self.flows.borrow_mut().push(flow.clone());
        }
        Ok(outcome)
    }

    fn flow(&self, name: &str) -> Option<Arc<Flow>> {
        Engine::flow(&self.world, name)
    }

    fn service(&self, name: &str) -> Option<Service> {
        self.world.service(name)
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        self.world.pod(name)
    }

    fn node(&self, name: &str) -> Option<Node> {
        self.world.node(name)
    }
}
