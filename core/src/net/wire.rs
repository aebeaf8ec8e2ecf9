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

impl Frame {
    /// The frame's bytes, without the preamble and the check sequence, as a capture has them.
    ///
    /// ```
    /// use netscene_core::net::wire::{Arp, Frame, Payload};
    /// use netscene_core::packet::Mac;
    /// let arp = Arp { request: true, sender_mac: Mac::CALICO, sender: [10, 0, 0, 1].into(), target: [10, 0, 0, 2].into() };
    /// let frame = Frame { source: Mac::CALICO, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
    /// assert_eq!(frame.to_bytes().len(), 42);
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind: [u8; 2] = if matches!(self.payload, Payload::Arp(_)) { [8, 6] } else { [8, 0] };
        let mut bytes = [&self.destination.0[..], &self.source.0, &kind].concat();
        match &self.payload {
            Payload::Ipv4(_, packet) => bytes.extend(packet.to_bytes()),
            Payload::Arp(arp) => {
                // Ethernet, IPv4, the lengths of their addresses, the operation (RFC 826).
                bytes.extend([0, 1, 8, 0, 6, 4, 0, if arp.request { 1 } else { 2 }]);
                // An answer goes to whoever asked; a question does not know whom it looks for.
                let target = if arp.request { Mac([0; 6]) } else { self.destination };
                bytes.extend(arp.sender_mac.0);
                bytes.extend(arp.sender.octets());
                bytes.extend(target.0);
                bytes.extend(arp.target.octets());
            }
        }
        bytes
    }
}
