//! Every way that something can go: the same operation again and again, each time in a copy of the world, with another turn
//! at one of the crossroads.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::{Op, OpError, Operation, Outcome, World};
use crate::Fraction;
use crate::random::{Crossroads, Turn};
use crate::trace::{Decision, Flow, Hop, RuleHit, Step, Way, Ways};

/// The most ways that one operation may have.
pub const MAX_WAYS: usize = 1_000;

impl World {
    /// Walks every way of an operation that sends something. The world is as it was, but for the ways it remembers.
    pub(super) fn explore(&mut self, what: &Op) -> Result<Outcome, OpError> {
        self.explore_up_to(MAX_WAYS, what)
    }

    pub(super) fn explore_up_to(&mut self, most: usize, what: &Op) -> Result<Outcome, OpError> {
        let (Op::Send { name, .. }
        | Op::Segment { name, .. }
        | Op::Ping { name, .. }
        | Op::Get { name, .. }
        | Op::Resolve { name, .. }) = what
        else {
            return Err(OpError::new(
                "only what is sent can be explored".into(),
                Some("explore what `send`, `ping`, `get` or `resolve` would send".into()),
            ));
        };
        let operation = Operation { op: what.clone(), origin: None };
        let mut base = self.clone();
        let mut script = Vec::new();
        let mut ways: Vec<Way> = Vec::new();
        loop {
            let mut world = base.clone();
            world.random.follow(script);
            let outcome = world.apply(&operation)?;
            let turns = world.random.arrive();
            let Outcome::Flow(flow) = outcome else { break };
            let probability = turns.iter().try_fold(Fraction::ONE, |all, turn| all.times(turn.probability));
            let probability = probability.ok_or_else(too_fine)?;
            ways.push(Way { probability, decisions: self.decisions(&flow, &turns), flow });
            let Some(next) = next_script(&turns) else { break };
            if ways.len() == most {
                let cure = "pin choices that make no difference, with `choose SERVICE -> ENDPOINT`";
                return Err(OpError::bound(format!("it has more than {most} ways"), "ways", cure));
            }
            script = next;
            // What agents have written on nodes for this way need not be written again for the others.
            base.grow();
            for place in world.nodes.keys().copied() {
                base.program(place)?;
            }
        }
        let Some(first) = ways.first() else {
            return Err(OpError::new("nothing was sent".into(), None));
        };
        let (kind, from) = (first.flow.kind.clone(), first.flow.from.clone());
        let ways = Arc::new(Ways { name: name.clone(), kind, from, ways });
        self.flows.shift_remove(name);
        self.ways.insert(name.clone(), ways.clone());
        Ok(Outcome::Ways(ways))
    }

    /// What was explored under a name.
    pub fn ways(&self, name: &str) -> Option<&Arc<Ways>> {
        self.ways.get(name)
    }

    /// The turns of a way, told by what they led to.
    fn decisions(&self, flow: &Flow, turns: &[Turn]) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for tosses in turns.chunk_by(|one, next| same_visit(&one.at, &next.at)) {
            let (Some(first), Some(last)) = (tosses.first(), tosses.last()) else { continue };
            decisions.push(match &last.at {
                Crossroads::Rule { place, .. } => {
                    let (about, taken) = self.ruled(flow, first, last);
                    Decision { place: place.clone(), about, taken }
                }
                Crossroads::Upstream { place, upstream, endpoints } => Decision {
                    place: place.clone(),
                    about: format!("upstream {upstream}"),
                    taken: endpoints
                        .get(last.taken as usize)
                        .map_or_else(String::new, |(address, port)| self.called(SocketAddrV4::new(*address, *port))),
                },
                Crossroads::Answer { place, name, addresses } => Decision {
                    place: place.clone(),
                    about: format!("name {name}"),
                    taken: addresses
                        .get(last.taken as usize)
                        .map_or_else(String::new, |address| self.called(SocketAddrV4::new(*address, 0))),
                },
            });
        }
        decisions
    }

    /// What a chain that hangs on chance is for, and what came of it: where the packet was sent then, or which rule it was.
    fn ruled(&self, flow: &Flow, first: &Turn, last: &Turn) -> (String, String) {
        let Crossroads::Rule { place, packet, table, chain, number } = &last.at else { return Default::default() };
        let Crossroads::Rule { number: begin, .. } = &first.at else { return Default::default() };
        let hops = flow.packets.iter().filter(|one| one.id.0 == *packet).flat_map(|one| &one.hops);
        let is_here = |hit: &RuleHit| hit.table.as_str() == *table && hit.chain == *chain && hit.number >= *begin;
        let hit = hops.filter(|hop| hop.place == *place).find_map(|hop| hit_of(hop, is_here));
        let came_true = last.taken == 0;
        let ruled = |hit: Option<&RuleHit>| match hit {
            Some(hit) if came_true || hit.number > *number => format!("rule {}", hit.number),
            _ => format!("past rule {number}"),
        };
        let Some((hit, rest)) = hit else { return (format!("{table}/{chain}"), ruled(None)) };
        let object = hit.provenance.as_ref().map_or("", |by| &*by.object);
        if object.is_empty() {
            return (format!("{table}/{chain}"), ruled(Some(hit)));
        }
        let sent_to = rest.iter().find_map(|step| match step {
            Step::Dnat { to, .. } => Some(self.called(*to)),
            _ => None,
        });
        (object.to_owned(), sent_to.unwrap_or_else(|| ruled(Some(hit))))
    }

    /// The pod that has an address of its own, or the address.
    fn called(&self, socket: SocketAddrV4) -> String {
        let address: Ipv4Addr = *socket.ip();
        let pod = self.state.pods().find(|pod| pod.address == address && !pod.host_network && pod.runs());
        match (pod, socket.port()) {
            (Some(pod), _) => pod.key.to_string(),
            (None, 0) => address.to_string(),
            (None, _) => socket.to_string(),
        }
    }
}

/// The rule of a hop that is asked for, and what followed.
fn hit_of(hop: &Hop, is: impl Fn(&RuleHit) -> bool) -> Option<(&RuleHit, &[Step])> {
    hop.steps.iter().enumerate().find_map(|(at, step)| match step {
        Step::Rule(hit) if is(hit) => Some((hit, &hop.steps[at + 1..])),
        _ => None,
    })
}

/// Whether a packet meets both on one visit of one chain: then they decide one thing together.
fn same_visit(one: &Crossroads, next: &Crossroads) -> bool {
    match (one, next) {
        (
            Crossroads::Rule { place, packet, table, chain, number },
            Crossroads::Rule { place: place2, packet: packet2, table: table2, chain: chain2, number: number2 },
        ) => (place, packet, table, chain) == (place2, packet2, table2, chain2) && number < number2,
        _ => false,
    }
}

/// The turns that come after these: the last one that has a further turn takes it.
fn next_script(turns: &[Turn]) -> Option<Vec<u32>> {
    let last = turns.iter().rposition(|turn| turn.taken + 1 < turn.of)?;
    Some(turns[..=last].iter().enumerate().map(|(at, turn)| turn.taken + u32::from(at == last)).collect())
}

pub(super) fn too_fine() -> OpError {
    let problem = "a probability of these ways is a fraction that 128 bits cannot hold".to_owned();
    OpError::bound(problem, "fractions", "write probabilities of few digits")
}
