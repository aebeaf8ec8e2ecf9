//! What agents write on a node that nobody has written on, kept for every copy of a world in which the same is declared.
//!
//! A suite has a world for each test, all of them copies of one; in each of them the same nodes have to be programmed with
//! the same rules. The first copy that needs a node's rules makes them for all.

use std::hash::{Hash as _, Hasher as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};

use super::faults::Agents;
use super::program::Programmed;
use crate::net::Namespace;
use crate::net::fib::Fib;
use crate::netfilter::ipset::IpSets;
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Ruleset, TableName};

/// What has been written on nodes, by their places and by which agents worked there. All copies of a world share one, until
/// one of them changes what is declared.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    nodes: Mutex<FxHashMap<(usize, Agents), Arc<Written>>>,
    /// By a hash of what was written: nodes share most of it, and kube-proxy writes the same on all of them unless a service
    /// prefers the endpoints of its own node.
    restored: Mutex<FxHashMap<u64, Vec<Restored>>>,
}

/// The rules of a node on which nothing stands but what agents have written there, one after the other.
#[derive(Debug)]
struct Restored {
    inputs: Vec<Arc<RestoreInput>>,
    rules: Ruleset,
}

/// All that programming changes in a namespace but what hangs on choices.
#[derive(Debug)]
pub(super) struct Written {
    rules: Ruleset,
    sets: IpSets,
    fib: Fib,
    announced: Vec<Ipv4Addr>,
    programmed: Programmed,
}

impl Fresh {
    pub(super) fn get(&self, place: usize, agents: Agents) -> Option<Arc<Written>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).get(&(place, agents)).cloned()
    }

    /// The rules of another node on which the same was written, and nothing else.
    pub(super) fn restored(&self, inputs: &[Arc<RestoreInput>]) -> Option<Ruleset> {
        let restored = self.restored.lock().unwrap_or_else(PoisonError::into_inner);
        restored.get(&hash(inputs))?.iter().find(|one| one.inputs == inputs).map(|one| one.rules.clone())
    }

    /// Keeps the rules that these inputs make where there were none.
    pub(super) fn keep_restored(&self, inputs: &[Arc<RestoreInput>], rules: &Ruleset) {
        let one = Restored { inputs: inputs.to_vec(), rules: rules.clone() };
        self.restored.lock().unwrap_or_else(PoisonError::into_inner).entry(hash(inputs)).or_default().push(one);
    }

    /// Keeps what has just been written on a node on which nothing stood before.
    pub(super) fn keep(&self, place: usize, agents: Agents, namespace: &Namespace, programmed: &Programmed) {
        let written = Written {
            rules: namespace.rules.clone(),
            sets: namespace.sets.clone(),
            fib: namespace.fib.clone(),
            announced: namespace.announced.clone(),
            programmed: programmed.clone(),
        };
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).insert((place, agents), Arc::new(written));
    }
}

impl Written {
    /// Writes the same on a node on which nothing stands.
    pub(super) fn write(&self, namespace: &mut Namespace, programmed: &mut Programmed) {
        let Self { rules, sets, fib, announced, programmed: last } = self;
        namespace.tracking = true;
        namespace.rules = rules.clone();
        namespace.sets = sets.clone();
        namespace.fib = fib.clone();
        namespace.announced.clone_from(announced);
        programmed.clone_from(last);
    }
}

/// A hash of the lines, without where they come from.
fn hash(inputs: &[Arc<RestoreInput>]) -> u64 {
    let mut hasher = FxHasher::default();
    for line in inputs.iter().flat_map(|input| &input.lines) {
        line.text.hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether nobody has ever written a rule in a namespace.
pub(super) fn is_blank(namespace: &Namespace) -> bool {
    TableName::ALL.into_iter().all(|table| namespace.rules.table(table).is_vacant())
}

#[cfg(test)]
mod tests {
    use crate::kube::TransportProtocol::Tcp;
    use crate::kube::{Container, Deployment, Labels, Node, Object, Pod, Serve, Service};
    use crate::trace::FlowOutcome;
    use crate::world::{Fault, Op, Operation, Outcome, Source, Target, TargetHost, World};

    fn declare(world: &mut World, object: Object) {
        world.apply(&Operation { op: Op::Declare { object }, origin: None }).expect("it is taken");
    }

    fn cluster() -> World {
        let mut world = World::new(0);
        let labels = Labels::from_iter([("app".to_owned(), "web".to_owned())]);
        let nginx = Container::serving("nginx", 80, Serve::Tcp);
        declare(&mut world, Object::Node(Node::new("worker1", [10, 0, 0, 1])));
        declare(&mut world, Object::Pod(Pod::new("default", "client")));
        declare(&mut world, Object::Deployment(Deployment::new("default", "web", 1, labels.clone(), vec![nginx])));
        declare(&mut world, Object::Service(Service::new("default", "web", labels, 80)));
        world
    }

    /// Everything that happened to the packets of a connection to the service of that name.
    fn connect(world: &mut World, service: &str) -> (FlowOutcome, String) {
        let from = Source { name: "client".into(), port: None };
        let to = Target { host: TargetHost::Name(format!("service/{service}")), port: Some(80) };
        let op = Op::Send { from, to, protocol: Tcp, name: "hello".into() };
        let outcome = world.apply(&Operation { op, origin: None }).expect("it is sent");
        let Outcome::Flow(flow) = outcome else { unreachable!("sending makes a flow") };
        (flow.outcome.clone(), format!("{:?}", flow.packets))
    }

    #[test]
    fn copies_share_what_is_written_and_nothing_else() {
        let base = cluster();
        let alone = connect(&mut cluster(), "web");
        let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| base.clone());
        assert_eq!(connect(&mut first, "web"), alone);
        // The node was written by the first copy: counters and connections are the second's own.
        assert_eq!(connect(&mut second, "web"), alone);
        // One that declares more has rules of its own, and its copies share those.
        let labels = Labels::from_iter([("app".to_owned(), "web".to_owned())]);
        declare(&mut third, Object::Service(Service::new("default", "again", labels, 80)));
        let mut copy = third.clone();
        let again = connect(&mut third, "again");
        assert!(matches!(again.0, FlowOutcome::Delivered { .. }), "{again:?}");
        assert_eq!(connect(&mut copy, "again"), again);
        // What somebody has put into a node's rules is nobody else's.
        let drop = Op::Iptables { node: "worker1".into(), arguments: "-I FORWARD -j DROP".into() };
        fourth.apply(&Operation { op: drop, origin: None }).expect("it is taken");
        assert!(matches!(connect(&mut fourth, "web").0, FlowOutcome::Dropped { .. }));
        assert_eq!(connect(&mut base.clone(), "web"), alone);
        // Where kube-proxy does not hear of a service, its rules are not there.
        let mut deaf = base.clone();
        let fail = Op::Fail { what: Fault::KubeProxy { node: "worker1".into() } };
        deaf.apply(&Operation { op: fail, origin: None }).expect("it is taken");
        let labels = Labels::from_iter([("app".to_owned(), "web".to_owned())]);
        declare(&mut deaf, Object::Service(Service::new("default", "late", labels, 80)));
        assert!(!matches!(connect(&mut deaf, "late").0, FlowOutcome::Delivered { .. }));
    }

    #[test]
    fn what_is_written_alike_is_restored_once() {
        let mut world = World::new(0);
        declare(&mut world, Object::Node(Node::new("worker1", [10, 0, 0, 1])));
        declare(&mut world, Object::Node(Node::new("worker2", [10, 0, 0, 2])));
        for node in ["worker1", "worker2"] {
            let from = Source { name: node.into(), port: None };
            let to = Target { host: TargetHost::Name("worker1".into()), port: None };
            world.apply(&Operation { op: Op::Ping { from, to, name: node.into() }, origin: None }).expect("it is sent");
        }
        let restored = world.fresh.restored.lock().expect("nobody else has it");
        // By the kubelet, by kube-proxy behind it, and by Felix behind both.
        let mut inputs: Vec<_> = restored.values().flatten().map(|one| one.inputs.len()).collect();
        inputs.sort_unstable();
        assert_eq!(inputs, [1, 2, 3], "of both nodes together");
    }
}
