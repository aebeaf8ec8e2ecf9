use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::netfilter::Doubt;
use crate::packet::{DeviceName, Mac, Packet};
use crate::trace::{DropReason, End, PacketTrace, Step};

/// What became of a sequence of packets.
#[derive(Clone, Debug)]
pub struct Report {
    /// The node.
    pub node: Arc<str>,
    /// What had to be assumed.
    pub assumed: Vec<String>,
    /// What the dump says and the model does not heed.
    pub unheeded: Vec<String>,
    /// Why no answer can be trusted.
    pub doubts: Vec<String>,
    /// The packets, in order.
    pub legs: Vec<Leg>,
    /// Steps that were not walked, because nobody knows what state the node was in by then.
    pub left_out: usize,
}

/// One packet of a sequence, and what it set in motion.
#[derive(Clone, Debug)]
pub struct Leg {
    /// What the step was, such as `the reply`.
    pub title: &'static str,
    /// The packet as it came, or was made.
    pub packet: Packet,
    /// The device it came in by; none for one of the node's own.
    pub entry: Option<DeviceName>,
    /// It, and after it what the node sent because of it.
    pub packets: Vec<PacketTrace>,
    /// What became of it.
    pub fate: Fate,
    /// What was assumed for it.
    pub assumed: Vec<String>,
    /// Where the fate is unknown: what it would be if the rule in doubt matched, and if it did not.
    pub ways: Option<Box<[Self; 2]>>,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It left the node.
    Left {
        /// By this device.
        device: DeviceName,
        /// Whom the frame was for.
        to: Option<Mac>,
        /// As this.
        packet: Box<Packet>,
    },
    /// A process of the node got it.
    Delivered {
        /// Which.
        to: Arc<str>,
    },
    /// It is gone.
    Dropped(DropReason),
    /// The model does not know, and says why.
    Unknown(Doubt),
}

impl Leg {
    /// The translations it went through, in order: destination or not, from, to.
    pub fn translations(&self) -> Vec<(bool, SocketAddrV4, SocketAddrV4)> {
        let hops = self.packets.first().map(|packet| &packet.hops[..]).unwrap_or_default();
        let steps = hops.iter().flat_map(|hop| &hop.steps);
        let one = |step: &Step| match step {
            Step::Dnat { from, to } => Some((true, *from, *to)),
            Step::Snat { from, to } => Some((false, *from, *to)),
            _ => None,
        };
        steps.filter_map(one).collect()
    }
}

impl Fate {
    /// The fate of the packet that a trace begins with.
    pub(super) fn of(packets: &[PacketTrace]) -> Self {
        let Some(last) = packets.first().and_then(|packet| packet.hops.last()) else {
            return Self::Unknown("it was taken by a bridge, whose ports the dump does not tell apart".into());
        };
        match &last.end {
            End::Sent { to } => match last.out_device {
                Some(device) => Self::Left { device, to: *to, packet: Box::new(last.after.clone()) },
                None => Self::Unknown("it waits for the rest of its fragments".into()),
            },
            End::Delivered { to } => Self::Delivered { to: to.clone() },
            End::Dropped(DropReason::Unknown(why)) => Self::Unknown(why.clone()),
            End::Dropped(reason) => Self::Dropped(reason.clone()),
        }
    }
}
