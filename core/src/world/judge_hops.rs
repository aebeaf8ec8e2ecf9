//! Whether packets left by a device, or had a mark.

use super::judge::{judged, some_of};
use super::{OpError, World};
use crate::packet::DeviceName;
use crate::trace::{End, Flow, Judgement, Step};

impl World {
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
