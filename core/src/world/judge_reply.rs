//! Whether the packets that came back are as expected.

use super::judge::{is_by, judged, outcome, some_of};
use super::{OpError, World};
use crate::trace::{End, Flow, Judgement, PacketTrace, Pattern};

impl World {
    /// Compares the packets that came back to the client with a pattern.
    pub(super) fn judge_reply(&self, flow: &Flow, pattern: &Pattern) -> Result<Judgement, OpError> {
        let packets: Vec<PacketTrace> = flow.replies().cloned().collect();
        if packets.is_empty() {
            return Ok(judged(false, format!("there was no reply: {}", outcome(flow))));
        }
        let ends = || packets.iter().filter_map(|packet| packet.hops.last());
        let told = ends().map(|hop| match &hop.end {
            End::Delivered { .. } => format!("delivered to {}", hop.place),
            End::Dropped(reason) => format!("dropped at {}: {reason}", hop.place),
            End::Sent { .. } => format!("last seen at {}", hop.place),
        });
        let actual = some_of("there was no reply", "replies", told);
        match pattern {
            Pattern::Delivered { to } => {
                let mut held = false;
                for hop in ends().filter(|hop| matches!(hop.end, End::Delivered { .. })) {
                    held |= to.as_deref().map_or(Ok(true), |to| self.is_at(&hop.place, to))?;
                }
                Ok(judged(held, actual))
            }
            Pattern::Dropped { by, at } => {
                let mut held = false;
                for hop in ends() {
                    let End::Dropped(reason) = &hop.end else { continue };
                    let by = by.as_deref().is_none_or(|by| is_by(reason, by));
                    held |= by && at.as_deref().map_or(Ok(true), |at| self.is_at(&hop.place, at))?;
                }
                Ok(judged(held, actual))
            }
            Pattern::Visits { .. }
            | Pattern::Dnat { .. }
            | Pattern::Snat { .. }
            | Pattern::Tunnel { .. }
            | Pattern::Arp { .. }
            | Pattern::Out { .. }
            | Pattern::Mark { .. } => self.judge_flow(&Flow { packets, ..flow.clone() }, pattern),
            _ => Err(OpError::new(
                "this cannot be expected of a reply".into(),
                Some("of replies: delivered, dropped, visits, dnat, snat, tunnel, arp, out and mark".into()),
            )),
        }
    }
}

impl Flow {
    /// The packets that came back for those by which the client asked: their ends are those of a request as it was
    /// delivered, the other way round.
    pub fn replies(&self) -> impl Iterator<Item = &PacketTrace> {
        let delivered = self.requests().filter_map(|packet| packet.hops.last());
        let delivered = delivered.filter(|hop| matches!(hop.end, End::Delivered { .. }));
        let asked: Vec<_> = delivered.map(|hop| (hop.after.protocol(), hop.after.ends())).collect();
        self.packets.iter().filter(move |packet| {
            packet.hops.first().is_some_and(|hop| {
                let (source, destination) = hop.before.ends();
                hop.place != self.from && asked.contains(&(hop.before.protocol(), (destination, source)))
            })
        })
    }
}
