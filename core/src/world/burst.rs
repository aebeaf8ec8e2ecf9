//! Packets made to measure, and the same thing several times.

use std::net::SocketAddrV4;

use super::perform::tcp_flags;
use super::{Op, OpError, Operation, Outcome, Source, Target, World};
use crate::Origin;
use crate::apps::{Crafted, Task};
use crate::packet::protocol;
use crate::trace::{Flow, FlowKind, FlowOutcome};

/// The most times of a burst.
const MOST_TIMES: u32 = 1_000;

impl World {
    pub(super) fn craft(
        &mut self,
        from: &Source,
        to: &Target,
        packet: &Crafted,
        name: &str,
    ) -> Result<Outcome, OpError> {
        let has_ports = matches!(packet.protocol, protocol::TCP | protocol::UDP);
        let to = if has_ports { self.socket(to)? } else { SocketAddrV4::new(self.address(&to.host)?, 0) };
        let flags = tcp_flags(&packet.flags)?;
        if packet.size.is_some_and(|size| size > packet.longest()) {
            let problem = format!("a packet of this kind carries at most {} bytes", packet.longest());
            return Err(OpError { problem, hint: Some("send less".to_owned()), related: None });
        }
        let kind = match packet.protocol {
            protocol::TCP => FlowKind::Tcp(to),
            protocol::UDP => FlowKind::Udp(to),
            protocol::ICMP => FlowKind::Ping(*to.ip()),
            other => FlowKind::Packet(*to.ip(), other),
        };
        self.flow_of(from, Task::Craft(packet.clone(), to, flags), kind, name)
    }

    /// Does the same several times. Of what is refused half-way nothing has happened.
    pub(super) fn burst(&mut self, times: u32, each: &Op, origin: Option<&Origin>) -> Result<Outcome, OpError> {
        if !(1..=MOST_TIMES).contains(&times) {
            let problem = format!("{times} is no number of times");
            return Err(OpError { problem, hint: Some(format!("use 1 to {MOST_TIMES}")), related: None });
        }
        let before = self.clone();
        let once = Operation { op: each.clone(), origin: origin.cloned() };
        let mut whole: Option<Flow> = None;
        for _ in 0..times {
            match self.apply(&once) {
                Ok(Outcome::Flow(flow)) => add(&mut whole, &flow),
                Ok(_) => {
                    *self = before;
                    let problem = "only what sends something is done several times".to_owned();
                    return Err(OpError { problem, hint: None, related: None });
                }
                Err(error) => {
                    *self = before;
                    return Err(error);
                }
            }
        }
        Ok(whole.map_or(Outcome::Done, |flow| self.keep(flow)))
    }
}

/// Adds what happened once to what happened before: the first that was not delivered counts.
fn add(whole: &mut Option<Flow>, flow: &Flow) {
    let Some(whole) = whole else {
        *whole = Some(flow.clone());
        return;
    };
    whole.packets.extend(flow.packets.iter().cloned());
    if matches!(whole.outcome, FlowOutcome::Delivered { .. }) {
        whole.outcome = flow.outcome.clone();
    }
    whole.http.clone_from(&flow.http);
    whole.dns.clone_from(&flow.dns);
}
