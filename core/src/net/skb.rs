use std::net::Ipv4Addr;

use bytes::Bytes;

use crate::Time;
use crate::conntrack::{Tracked, Zone};
use crate::netfilter::walk::{BridgePorts, Sender};
use crate::packet::{Body, Mac, Packet};
use crate::random::Random;
use crate::trace::{HopRef, PacketId};

use super::tcp::{ProcessId, SocketEvent};
use super::wire::{Arp, Frame};

/// A packet inside a namespace, with what the kernel keeps beside it: `struct sk_buff`.
#[derive(Clone, Debug)]
pub struct Skb {
    /// The packet.
    pub packet: Packet,
    /// Its identity.
    pub id: PacketId,
    /// The netfilter mark.
    pub mark: u32,
    /// The device it came in on, by place; none for a packet made here.
    pub in_device: Option<usize>,
    /// Destination and source of the frame it came in.
    pub link: Option<(Mac, Mac)>,
    /// What connection tracking attached to it.
    pub tracked: Option<Tracked>,
    /// What the raw table has said of its tracking.
    pub before_tracking: BeforeTracking,
    /// The length of the longest fragment it was put together from, 0 for a whole packet: what goes out is no longer.
    pub longest_fragment: u16,
    /// Who has sent it, of this machine: `skb->sk`.
    pub sender: Sender,
    /// The ports of the bridge that it crosses: `skb->nf_bridge`.
    pub bridge: Option<BridgePorts>,
    /// The hop it is recorded as.
    pub hop: HopRef,
}

/// What NOTRACK and CT have said of a packet that is not tracked yet (`skb->_nfct` as a template).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeforeTracking {
    /// It is exempt.
    pub untracked: bool,
    /// The zone it gets.
    pub zone: Zone,
}

impl Skb {
    /// A packet of which nothing else is known.
    pub(super) fn new(packet: Packet, id: PacketId, hop: HopRef) -> Self {
        Self {
            packet,
            id,
            mark: 0,
            in_device: None,
            link: None,
            tracked: None,
            before_tracking: BeforeTracking::default(),
            longest_fragment: 0,
            sender: Sender::Nobody,
            bridge: None,
            hop,
        }
    }

    /// Takes the packet out, to hand it on: its bytes are neither copied nor counted once more. What stays behind is of no
    /// use to anybody.
    pub(super) fn take_packet(&mut self) -> Packet {
        let nothing = Body::Other { protocol: 0, payload: Bytes::new() };
        let body = std::mem::replace(&mut self.packet.body, nothing);
        Packet { body, ..self.packet }
    }
}

/// A packet that waits for its next hop's Ethernet address.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) skb: Skb,
    pub(super) device: usize,
    pub(super) next_hop: Ipv4Addr,
}

/// What the namespace's code needs of the world, and gives back to it.
#[derive(Debug)]
pub struct Context<'a, O> {
    /// The time.
    pub now: Time,
    /// Chance.
    pub random: &'a mut Random,
    /// Who is told.
    pub observer: &'a mut O,
    /// The identity of the next packet.
    pub next_packet: &'a mut u64,
    /// What is to happen outside.
    pub effects: &'a mut Vec<Effect>,
}

impl<O> Context<'_, O> {
    /// A new packet's identity.
    pub fn packet_id(&mut self) -> PacketId {
        *self.next_packet += 1;
        PacketId(*self.next_packet)
    }
}

/// What a namespace wants to happen outside of it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A frame leaves by a device, given by place.
    Transmit {
        /// The device.
        device: usize,
        /// The frame.
        frame: Frame,
    },
    /// A question for an address of [`announced`](super::Namespace::announced) has been answered.
    Announced {
        /// The device it came in by.
        device: usize,
        /// The question.
        arp: Arp,
    },
    /// Something happened to a socket of a process.
    Socket(SocketEvent),
    /// A timer of the namespace's kernel is to call back.
    Timer {
        /// When.
        at: Time,
        /// Which.
        timer: Timer,
    },
    /// A process wants to be woken.
    Alarm {
        /// When.
        at: Time,
        /// Which process.
        process: ProcessId,
        /// What it wants to be told then.
        token: u64,
    },
}

/// A timer of a namespace's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A segment has not been acknowledged in time.
    Retransmit {
        /// The connection.
        connection: u64,
        /// The retransmission it was set for; a later one makes it void.
        generation: u32,
    },
    /// The other fragments of a packet have not come in time.
    Fragments {
        /// The packet's identification, and its place among all that were begun.
        number: u64,
    },
    /// Nobody answered for an address.
    Neighbour {
        /// The device, by place.
        device: usize,
        /// The address.
        address: Ipv4Addr,
        /// Requests already sent.
        tries: u8,
    },
}
