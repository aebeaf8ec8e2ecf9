//! Whether what happened is what was expected.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::chains::is_chain;
use super::perform::no_flow;
use super::{OpError, World};
use crate::conntrack::{Entry, Jiffies, Tuple};
use crate::kube::ROUTER;
use crate::packet::{Mac, protocol};
use crate::trace::{
    DropReason, End, Expectation, Flow, FlowOutcome, Hop, Judgement, Pattern, Place, SocketPattern, Step,
};
use crate::view;

impl World {
    /// Compares a flow, the ways of one, or a node, with an expectation.
    pub(super) fn judge(&mut self, expectation: &Expectation) -> Result<Judgement, OpError> {
        if let Pattern::Conntrack { node, protocol, original, reply } = &expectation.pattern {
            let judged = self.judge_conntrack(node, protocol, *original, *reply)?;
            return Ok(Judgement { held: judged.held != expectation.negated, ..judged });
        }
        if let Some(ways) = self.ways(&expectation.flow).cloned() {
            return self.judge_ways(&ways, expectation);
        }
        let flow = self.flow(&expectation.flow).ok_or_else(|| no_flow(&expectation.flow))?.clone();
        if expectation.share.is_some() {
            return Err(OpError::new(
                format!("`{}` is one flow, and not the ways of one", expectation.flow),
                Some("name ways with `explore … as NAME`".into()),
            ));
        }
        self.know_names(&[&flow], &expectation.pattern)?;
        let judged = self.judge_one(&flow, expectation)?;
        let evidence = if judged.held { String::new() } else { view::trace::brief(&flow, expectation.reply) };
        Ok(Judgement { evidence, ..judged })
    }

    /// Compares one flow with an expectation, `not` and all.
    pub(super) fn judge_one(&self, flow: &Flow, expectation: &Expectation) -> Result<Judgement, OpError> {
        let pattern = &expectation.pattern;
        if pattern.is_end() && !expectation.reply && !flow.each.is_empty() {
            return self.judge_each(flow, expectation);
        }
        // Of a status or an answer that is not there nothing can be expected, not even that it is another one.
        let missing = match pattern {
            Pattern::Status { .. } if flow.http.is_none() => Some("response"),
            Pattern::Answer { .. } | Pattern::Record { .. } | Pattern::NoAnswer { .. } if flow.dns.is_none() => {
                Some("answer")
            }
            _ => None,
        };
        if let Some(missing) = missing {
            return Ok(judged(false, format!("there was no {missing}: {}", outcome(flow))));
        }
        let found = if expectation.reply { self.judge_reply(flow, pattern)? } else { self.judge_flow(flow, pattern)? };
        // What was seen before the model lost it was seen; what was not may still come.
        let known = !is_unknown(flow)
            || matches!(pattern, Pattern::Unknown)
            || found.held && !pattern.is_end() && !expectation.negated;
        Ok(Judgement { held: known && found.held != expectation.negated, ..found })
    }

    /// What was done several times ended so if it did each time.
    fn judge_each(&self, flow: &Flow, expectation: &Expectation) -> Result<Judgement, OpError> {
        let mut held = true;
        let plain = Expectation { negated: false, ..expectation.clone() };
        for one in &flow.each {
            held &= self.judge_one(one, &plain)?.held;
        }
        let known = !flow.each.iter().any(|one| is_unknown(one));
        Ok(judged(known && held != expectation.negated, outcome(flow)))
    }

    pub(super) fn judge_flow(&self, flow: &Flow, pattern: &Pattern) -> Result<Judgement, OpError> {
        Ok(match pattern {
            Pattern::Delivered { to } => {
                let held = match (&flow.outcome, to) {
                    (FlowOutcome::Delivered { .. }, None) => true,
                    (FlowOutcome::Delivered { to: place }, Some(to)) => self.is_at(place, to)?,
                    _ => false,
                };
                judged(held, outcome(flow))
            }
            Pattern::Dropped { by, at } => {
                let mut held = false;
                // What was dropped on the way to a refusal, or to an answer that came later, is not how the flow ended.
                let hops = flow.packets.iter().flat_map(|packet| &packet.hops);
                for hop in hops.filter(|_| matches!(flow.outcome, FlowOutcome::Dropped { .. })) {
                    let End::Dropped(reason) = &hop.end else { continue };
                    let by = by.as_deref().is_none_or(|by| is_by(reason, by));
                    held |= by && at.as_deref().map_or(Ok(true), |at| self.is_at(&hop.place, at))?;
                }
                judged(held, outcome(flow))
            }
            Pattern::Rejected { by } => {
                let refused = matches!(flow.outcome, FlowOutcome::Rejected { .. });
                let told = |hop: &&Hop| match (&hop.end, by) {
                    (End::Dropped(reason), Some(by)) => is_by(reason, by),
                    (_, by) => by.is_none(),
                };
                let held = refused && flow.packets.iter().flat_map(|packet| &packet.hops).any(|hop| told(&hop));
                judged(held, outcome(flow))
            }
            Pattern::Unsent => judged(matches!(flow.outcome, FlowOutcome::Unsent { .. }), outcome(flow)),
            Pattern::Unknown => {
                let unknown = |reason: &DropReason| matches!(reason, DropReason::Unknown(_));
                let held = matches!(&flow.outcome, FlowOutcome::Dropped { reason, .. } if unknown(reason));
                judged(held, outcome(flow))
            }
            Pattern::Out { device, at } => self.judge_out(flow, *device, at.as_deref())?,
            Pattern::Mark { value, mask, at } => self.judge_mark(flow, (*value, *mask), at.as_deref())?,
            Pattern::Timeout { at } => {
                let held = match (&flow.outcome, at) {
                    (FlowOutcome::Timeout { .. } | FlowOutcome::Dropped { .. }, None) => true,
                    (FlowOutcome::Timeout { at: place } | FlowOutcome::Dropped { at: place, .. }, Some(at)) => {
                        self.is_at(place, at)?
                    }
                    _ => false,
                };
                judged(held, outcome(flow))
            }
            Pattern::Arp { address, mac } => judge_arp(flow, *address, *mac),
            Pattern::Visits { place, chains } => self.judge_visits(flow, place, chains)?,
            Pattern::Dnat { from, to } => translated("dnat", flow, *from, *to, |step| match step {
                Step::Dnat { from, to } => Some((*from, *to)),
                _ => None,
            }),
            Pattern::Snat { from, to } => translated("snat", flow, *from, *to, |step| match step {
                Step::Snat { from, to } => Some((*from, *to)),
                _ => None,
            }),
            Pattern::Tunnel { from, to } => {
                let outer = steps(flow).filter_map(|(_, step)| match step {
                    Step::Encapsulated { source, destination } => Some((*source, *destination)),
                    _ => None,
                });
                let outer: Vec<_> = outer.collect();
                let held = outer.contains(&(*from, *to));
                let actual =
                    some_of("no packet was tunnelled", "tunnels", outer.iter().map(|(a, b)| format!("{a} => {b}")));
                judged(held, actual)
            }
            Pattern::Status { code } => match &flow.http {
                Some(page) => judged(page.status == *code, format!("the status was {}", page.status)),
                None => judged(false, "there was no response".into()),
            },
            Pattern::Answer { via, .. } | Pattern::Record { via, .. } | Pattern::NoAnswer { via, .. } => {
                self.judge_answer(flow, pattern, via.as_deref())?
            }
            Pattern::Conntrack { .. } => judged(false, "a pattern about a node".into()),
        })
    }

    /// Whether `place` is what a scenario calls `name`: a namespace, a pod, or one of a deployment's pods.
    pub(super) fn is_at(&self, place: &Place, name: &str) -> Result<bool, OpError> {
        let bare = ["pod/", "node/", "host/"].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name);
        if **place == *bare {
            return Ok(true);
        }
        if name == ROUTER {
            return Ok(false);
        }
        let mut pods = self.state.pods_named(name).peekable();
        let known = pods.peek().is_some()
            || self.state.node(name).is_some()
            || self.state.host(name).is_some()
            || self.state.router(name).is_some();
        if !known {
            return Err(OpError::new(
                format!("there is no pod, deployment, node or host called `{name}`"),
                Some("a pod outside the namespace `default` is written namespace/name".into()),
            ));
        }
        // A pod in its node's network is where the node is.
        Ok(pods.any(|pod| if pod.host_network { pod.node == *place } else { pod.key == *place }))
    }

    fn judge_visits(&self, flow: &Flow, place: &str, chains: &[String]) -> Result<Judgement, OpError> {
        let mut seen = Vec::new();
        for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
            if !self.is_at(&hop.place, place)? {
                continue;
            }
            let met = hop.chains();
            let mut rest = met.iter();
            if chains.iter().all(|wanted| rest.any(|one| is_chain(one, wanted))) {
                return Ok(judged(true, format!("a packet met {}", met.join(", "))));
            }
            if met.len() > seen.len() {
                seen = met;
            }
        }
        let actual = if seen.is_empty() {
            format!("no packet met a rule on {place}")
        } else {
            format!("the packet that met most there met {}", seen.join(", "))
        };
        Ok(judged(false, actual))
    }

    fn judge_conntrack(
        &mut self,
        node: &str,
        name: &str,
        original: (SocketPattern, SocketPattern),
        reply: Option<(SocketPattern, SocketPattern)>,
    ) -> Result<Judgement, OpError> {
        let place = self.node_named(node)?;
        // kube-proxy may have connections to forget.
        self.program(place)?;
        let now = Jiffies::from(self.time);
        let number =
            [protocol::TCP, protocol::UDP, protocol::ICMP].into_iter().find(|n| protocol::name(*n) == Some(name));
        let fits = |tuple: &Tuple, (from, to): (SocketPattern, SocketPattern)| {
            (from.address, to.address) == (tuple.source, tuple.destination)
                && from.port.is_none_or(|port| Some(port) == tuple.source_port())
                && to.port.is_none_or(|port| Some(port) == tuple.destination_port())
        };
        let table = &self.network.get(place).conntrack;
        let mut near = None;
        for entry in table.entries(now).filter(|entry| number.is_none_or(|number| number == entry.original.protocol)) {
            if fits(&entry.original, original) {
                if reply.is_none_or(|reply| fits(&entry.reply, reply)) {
                    return Ok(judged(true, format!("the entry is {}", tuples(entry))));
                }
                near = Some(tuples(entry));
            }
        }
        let actual = near.map_or_else(
            || format!("{node} has no such entry among {}", table.entries(now).count()),
            |near| format!("the entry is {near}"),
        );
        Ok(judged(false, actual))
    }
}

/// A judgement by what a flow is known to have done.
pub(super) fn judged(held: bool, actual: String) -> Judgement {
    Judgement { held, actual, evidence: String::new() }
}

fn judge_arp(flow: &Flow, address: Ipv4Addr, mac: Mac) -> Judgement {
    let asked = steps(flow).filter_map(|(_, step)| match step {
        Step::Arp { address: asked, answer, .. } if *asked == address => Some(*answer),
        _ => None,
    });
    let answers: Vec<_> = asked.collect();
    let held = answers.contains(&Some(mac));
    let actual = match answers.first() {
        Some(Some(answer)) => format!("{address} is at {answer}"),
        Some(None) => format!("nobody answered for {address}"),
        None => format!("nobody asked for {address}: a neighbour that is known is not asked for again"),
    };
    judged(held, actual)
}

fn tuples(entry: &Entry) -> String {
    format!("{} reply {}", entry.original, entry.reply)
}

fn steps(flow: &Flow) -> impl Iterator<Item = (&Hop, &Step)> {
    let hops = flow.packets.iter().flat_map(|packet| &packet.hops);
    hops.flat_map(|hop| hop.steps.iter().map(move |step| (hop, step)))
}

fn translated(
    kind: &str,
    flow: &Flow,
    from: SocketPattern,
    to: SocketPattern,
    pick: impl Fn(&Step) -> Option<(SocketAddrV4, SocketAddrV4)>,
) -> Judgement {
    let is = |pattern: SocketPattern, socket: SocketAddrV4| {
        pattern.address == *socket.ip() && pattern.port.is_none_or(|port| port == socket.port())
    };
    let mut found: Vec<_> = steps(flow).filter_map(|(_, step)| pick(step)).collect();
    found.dedup();
    let held = found.iter().any(|(before, after)| is(from, *before) && is(to, *after));
    let none = format!("there was no {kind}");
    judged(held, some_of(&none, &format!("{kind}s"), found.iter().map(|(a, b)| format!("{a} => {b}"))))
}

/// A list for people, cut where it would tire them.
pub(super) fn some_of(none: &str, what: &str, all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<_> = all.collect();
    all.sort();
    all.dedup();
    match all.len() {
        0 => none.to_owned(),
        1..=4 => format!("the {what} were {}", all.join(", ")),
        more => format!("the {what} were {} and {} more", all[..4].join(", "), more - 4),
    }
}

pub(super) fn is_by(reason: &DropReason, by: &str) -> bool {
    matches!(reason, DropReason::Rule { table, chain, .. } if **chain == *by || format!("{table}/{chain}") == by)
}

pub(super) fn is_unknown(flow: &Flow) -> bool {
    matches!(flow.outcome, FlowOutcome::Dropped { reason: DropReason::Unknown(_), .. })
}

pub(super) fn outcome(flow: &Flow) -> String {
    if !flow.each.is_empty() {
        return format!("of {} times, {}", flow.each.len(), view::trace::outcomes(flow));
    }
    match &flow.outcome {
        FlowOutcome::Delivered { to } => format!("it was delivered to {to}"),
        FlowOutcome::Rejected { by, with } => format!("{by} refused it with {with}"),
        FlowOutcome::Dropped { at, reason } => format!("it was dropped at {at}: {reason}"),
        FlowOutcome::Unsent { at, error } => format!("{at} did not send it: {error}"),
        FlowOutcome::Timeout { at } => format!("nothing came back; it was last seen at {at}"),
    }
}

impl Hop {
    /// The chains that the packet met here, `table/chain`, in order and each once in a row.
    pub fn chains(&self) -> Vec<String> {
        let mut met = Vec::new();
        for step in &self.steps {
            let chain = match step {
                Step::Rule(hit) => format!("{}/{}", hit.table, hit.chain),
                Step::ChainEnd { table, chain, .. } => format!("{table}/{chain}"),
                _ => continue,
            };
            if met.last() != Some(&chain) {
                met.push(chain);
            }
        }
        met
    }
}
