//! What travels between namespaces: Ethernet frames with a packet or an ARP message.

use std::net::Ipv4Addr;

use crate::packet::{Mac, Packet};
use crate::trace::PacketId;

/// An Ethernet frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who sends it.
    pub source: Mac,
    /// Whom it is for.
    pub destination: Mac,
    /// What it carries.
    pub payload: Payload,
}

/// What a frame carries.
#[derive(Clone, Debug)]
pub enum Payload {
    /// An IPv4 packet, with the identity by which it is followed.
    Ipv4(PacketId, Packet),
    /// An ARP message (RFC 826).
    Arp(Arp),
}

/// An ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// A question, or an answer.
    pub request: bool,
    /// The sender's Ethernet address.
    pub sender_mac: Mac,
    /// The sender's address.
    pub sender: Ipv4Addr,
    /// The address asked for; of an answer, whom it is for.
    pub target: Ipv4Addr,
}
