//! Whether the packets that came back, and the ways that were explored, are as expected.

use std::sync::Arc;

use super::explore::too_fine;
use super::judge::{is_by, judged, outcome, some_of};
use super::{OpError, World};
use crate::packet::DeviceName;
use crate::trace::{DropReason, End, Expectation, Flow, FlowOutcome, Judgement, PacketTrace, Pattern, Step, Ways};
use crate::{Fraction, view};

impl World {
    /// Compares the ways that were explored with an expectation.
    pub(super) fn judge_ways(&mut self, ways: &Arc<Ways>, expectation: &Expectation) -> Result<Judgement, OpError> {
        let Some(share) = expectation.share else {
            return Err(OpError {
                problem: format!("`{}` has {} ways, and this would be expected of one", ways.name, ways.ways.len()),
                hint: Some("write `always` or `never` before the pattern, or `with probability 1/2` behind it".into()),
                related: None,
            });
        };
        let flows: Vec<&Flow> = ways.ways.iter().map(|way| &*way.flow).collect();
        self.know_names(&flows, &expectation.pattern)?;
        let mut fits = Vec::new();
        let mut unknown = None;
        for way in &ways.ways {
            fits.push(self.judge_one(&way.flow, expectation)?.held);
            if let FlowOutcome::Dropped { reason: DropReason::Unknown(_), .. } = &way.flow.outcome {
                unknown.get_or_insert_with(|| outcome(&way.flow));
            }
        }
        let fitting = ways.ways.iter().zip(&fits).filter(|(_, fits)| **fits).map(|(way, _)| way.probability);
        let probability = fitting.into_iter().try_fold(Fraction::ZERO, Fraction::plus);
        let probability = probability.ok_or_else(too_fine)?;
        // Of ways whose end is not known nobody can say whether they fit.
        let unsure = unknown.filter(|_| !matches!(expectation.pattern, Pattern::Unknown));
        let held = share.holds(probability) && unsure.is_none();
        let (count, all) = (fits.iter().filter(|fits| **fits).count(), fits.len());
        let actual = match unsure {
            Some(unsure) => format!("of one way {unsure}"),
            None => format!("it is so on {count} of {all} ways, with probability {probability}"),
        };
        let evidence = if held { String::new() } else { view::ways::list(ways, Some(&fits)) };
        Ok(Judgement { held, actual, evidence })
    }

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
            _ => Err(OpError {
                problem: "this cannot be expected of a reply".into(),
                hint: Some("of replies: delivered, dropped, visits, dnat, snat, tunnel, arp, out and mark".into()),
                related: None,
            }),
        }
    }

    pub(super) fn judge_out(&self, flow: &Flow, device: DeviceName, at: Option<&str>) -> Result<Judgement, OpError> {
        let mut left = Vec::new();
        let mut held = false;
        for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
            let (Some(by), End::Sent { .. }) = (hop.out_device, &hop.end) else { continue };
            if at.map_or(Ok(true), |at| self.is_at(&hop.place, at))? {
                held |= by == device;
                left.push(format!("{by} of {}", hop.place));
            }
        }
        Ok(judged(held, some_of("no packet left there", "devices it left by", left.into_iter())))
    }

    pub(super) fn judge_mark(
        &self,
        flow: &Flow,
        (value, mask): (u32, u32),
        at: Option<&str>,
    ) -> Result<Judgement, OpError> {
        let mut marks = Vec::new();
        let mut held = false;
        for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
            if !at.map_or(Ok(true), |at| self.is_at(&hop.place, at))? {
                continue;
            }
            for step in &hop.steps {
                if let Step::Rule(hit) = step {
                    held |= hit.mark_after & mask == value & mask;
                    marks.push(format!("{:#x}", hit.mark_after));
                }
            }
        }
        Ok(judged(held, some_of("no rule was met there", "marks", marks.into_iter())))
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
