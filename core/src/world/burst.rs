//! Packets made to measure, and the same thing several times.

use std::net::SocketAddrV4;
use std::sync::Arc;

use super::perform::tcp_flags;
use super::{Op, OpError, Operation, Outcome, Source, Target, World};
use crate::Origin;
use crate::apps::{Crafted, Task};
use crate::packet::protocol;
use crate::trace::{Flow, FlowKind, FlowOutcome};

/// The most times of a burst.
const MOST_TIMES: u32 = 1_000;
/// The most packets that one operation may bring about.
const MOST_PACKETS: usize = 100_000;

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
            return Err(OpError::new(problem, Some("send less".to_owned())));
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
        let sends = matches!(each, Op::Send { .. } | Op::Segment { .. } | Op::Craft { .. } | Op::Ping { .. });
        if !sends || !(1..=MOST_TIMES).contains(&times) {
            let problem = if sends {
                format!("{times} is no number of times")
            } else {
                "only packets are sent several times".to_owned()
            };
            let hint = format!("send them, or ping, 1 to {MOST_TIMES} times");
            return Err(OpError::new(problem, Some(hint)));
        }
        let before = self.clone();
        let once = Operation { op: each.clone(), origin: origin.cloned() };
        let (mut flows, mut packets) = (Vec::new(), 0);
        for _ in 0..times {
            let sent = self.perform(&once).and_then(|outcome| match outcome {
                Outcome::Flow(flow) => {
                    packets += flow.packets.len();
                    flows.push(flow);
                    too_many_packets(packets)
                }
                _ => Ok(()),
            });
            if let Err(error) = sent {
                *self = before;
                return Err(error);
            }
        }
        Ok(match Flow::together(flows) {
            None => Outcome::Done,
            Some(whole) => {
                // What passed devices has been told each time.
                let whole = Arc::new(whole);
                self.flows.insert(whole.name.clone(), whole.clone());
                Outcome::Flow(whole)
            }
        })
    }
}

/// Refuses more packets than one operation may bring about.
pub(super) fn too_many_packets(packets: usize) -> Result<(), OpError> {
    if packets <= MOST_PACKETS {
        return Ok(());
    }
    let problem = format!("more than {MOST_PACKETS} packets came of it");
    Err(OpError::bound(problem, "packets for each operation", "send fewer times, or less"))
}

impl Flow {
    /// What happened several times as one flow. It ended as the first that was not delivered, else as the first.
    fn together(each: Vec<Arc<Self>>) -> Option<Self> {
        let failed = each.iter().find(|flow| !matches!(flow.outcome, FlowOutcome::Delivered { .. }));
        let outcome = failed.or(each.first())?.outcome.clone();
        let packets = each.iter().flat_map(|flow| &flow.packets).cloned().collect();
        Some(Self { outcome, packets, ..(**each.first()?).clone() }).map(|whole| Self { each, ..whole })
    }
}
