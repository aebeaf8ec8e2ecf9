//! What agents write on a node that nobody has written on, kept for every copy of a world in which the same is declared.
//!
//! A suite has a world for each test, all of them copies of one; in each of them the same nodes have to be programmed with
//! the same rules. The first copy that needs a node's rules makes them for all.
//!
//! Whoever changes a scenario and runs it again makes a new world, on whose nodes mostly the same is written: what
//! `iptables-restore` has made of a short input is kept for the worlds that come after, too.

use std::collections::VecDeque;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};

use super::faults::Agents;
use super::program::Programmed;
use crate::agents::metallb;
use crate::kube::State;
use crate::net::fib::Fib;
use crate::net::{Announced, Namespace};
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
    /// What the nodes announce: who wins an election, all nodes have to know.
    announced: OnceLock<FxHashMap<Arc<str>, Vec<Announced>>>,
}

/// The rules of a node on which nothing stands but what agents have written there, one after the other.
#[derive(Clone, Debug)]
struct Restored {
    inputs: Vec<Arc<RestoreInput>>,
    rules: Ruleset,
}

impl Restored {
    fn lines(&self) -> usize {
        self.inputs.iter().map(|input| input.lines.len()).sum()
    }
}

/// What was restored last, in any world, with the hash of what was written; the oldest first.
#[derive(Debug)]
struct Last {
    restored: VecDeque<(u64, Restored)>,
    lines: usize,
}

/// It changes how soon a node is programmed, and nothing else: the same input makes the same rules everywhere.
static LAST: Mutex<Last> = Mutex::new(Last::new());
/// How many lines it may have: a node of a small cluster has a few hundred.
const MOST_LINES: usize = 16_384;

impl Last {
    const fn new() -> Self {
        Self { restored: VecDeque::new(), lines: 0 }
    }

    fn get(&self, hash: u64, inputs: &[Arc<RestoreInput>]) -> Option<Restored> {
        let same = |(one, restored): &&(u64, Restored)| *one == hash && restored.inputs == inputs;
        self.restored.iter().find(same).map(|(_, restored)| restored.clone())
    }

    fn keep(&mut self, hash: u64, restored: Restored) {
        if restored.lines() > MOST_LINES {
            return;
        }
        self.lines += restored.lines();
        self.restored.push_back((hash, restored));
        while self.lines > MOST_LINES
            && let Some((_, oldest)) = self.restored.pop_front()
        {
            self.lines -= oldest.lines();
        }
    }
}

/// All that programming changes in a namespace but what hangs on choices.
#[derive(Debug)]
pub(super) struct Written {
    rules: Ruleset,
    sets: IpSets,
    fib: Fib,
    announced: Vec<Announced>,
    programmed: Programmed,
}

impl Fresh {
    pub(super) fn get(&self, place: usize, agents: Agents) -> Option<Arc<Written>> {
        lock(&self.nodes).get(&(place, agents)).cloned()
    }

    /// What a node announces by what is declared.
    pub(super) fn announced(&self, state: &State, node: &str) -> Vec<Announced> {
        let all = self.announced.get_or_init(|| {
            metallb::announcements(state).into_iter().map(|(node, announced)| (node.into(), announced)).collect()
        });
        all.get(node).cloned().unwrap_or_default()
    }

    /// The rules of another node on which the same was written, and nothing else.
    pub(super) fn restored(&self, inputs: &[Arc<RestoreInput>]) -> Option<Ruleset> {
        let hash = hash(inputs);
        let here =
            lock(&self.restored).get(&hash).and_then(|those| those.iter().find(|one| one.inputs == inputs)).cloned();
        let found = here.or_else(|| {
            let found = lock(&LAST).get(hash, inputs)?;
            lock(&self.restored).entry(hash).or_default().push(found.clone());
            Some(found)
        });
        found.map(|restored| restored.rules)
    }

    /// Keeps the rules that these inputs make where there were none.
    pub(super) fn keep_restored(&self, inputs: &[Arc<RestoreInput>], rules: &Ruleset) {
        let (hash, one) = (hash(inputs), Restored { inputs: inputs.to_vec(), rules: rules.clone() });
        lock(&LAST).keep(hash, one.clone());
        lock(&self.restored).entry(hash).or_default().push(one);
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
        lock(&self.nodes).insert((place, agents), Arc::new(written));
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

/// Nobody leaves one half changed.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
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
    use std::sync::Arc;

    use super::{Fresh, Last, MOST_LINES, Restored, hash};
    use crate::kube::TransportProtocol::Tcp;
    use crate::kube::{Container, Deployment, Labels, Node, Object, Pod, Serve, Service};
    use crate::netfilter::text::{RestoreInput, restore};
    use crate::netfilter::{Ruleset, TableName};
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

    #[test]
    fn what_was_restored_is_kept_for_other_worlds_as_long_as_there_is_room() {
        let input = |lines: usize, of: &str| {
            let mut input = RestoreInput::default();
            (0..lines).for_each(|_| input.push(of, None));
            vec![Arc::new(input)]
        };
        let (mut last, rules) = (Last::new(), Ruleset::default());
        let mut keep =
            |lines, of| last.keep(hash(&input(lines, of)), Restored { inputs: input(lines, of), rules: rules.clone() });
        keep(MOST_LINES / 2, "a");
        keep(MOST_LINES / 2, "b");
        keep(1, "c");
        let kept = |last: &Last, lines, of| last.get(hash(&input(lines, of)), &input(lines, of)).is_some();
        assert!(!kept(&last, MOST_LINES / 2, "a"));
        assert!(kept(&last, MOST_LINES / 2, "b") && kept(&last, 1, "c"));
        assert!(!kept(&last, 1, "b"));
        assert_eq!(last.lines, MOST_LINES / 2 + 1);
        // For what has no room at all nobody makes any.
        last.keep(0, Restored { inputs: input(MOST_LINES + 1, "d"), rules });
        assert_eq!((last.restored.len(), last.lines), (2, MOST_LINES / 2 + 1));
    }

    #[test]
    fn what_one_world_has_restored_serves_the_next() {
        let inputs = ["*nat\n:NETSCENE-FRESH - [0:0]\nCOMMIT\n", "*nat\n:NETSCENE-OTHER - [0:0]\nCOMMIT\n"]
            .map(|text| vec![Arc::new(text.parse::<RestoreInput>().expect("lines are lines"))]);
        let mut rules = Ruleset::default();
        restore(&mut rules, &inputs[0][0]).expect("it can be restored");
        let [one, next] = [(); 2].map(|()| Fresh::default());
        assert!(next.restored(&inputs[0]).is_none());
        one.keep_restored(&inputs[0], &rules);
        let found = next.restored(&inputs[0]).expect("it was kept a moment ago");
        assert!(found.table(TableName::Nat).chain_id("NETSCENE-FRESH").is_some());
        assert!(next.restored(&inputs[1]).is_none(), "nobody has restored that");
    }
}
