use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use crate::packet::{Body, Icmp, Packet, protocol};

/// One direction of a connection: `struct nf_conntrack_tuple`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tuple {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Protocol number.
    pub protocol: u8,
    /// What the protocol tells connections apart by.
    pub layer4: Layer4,
}

/// What a protocol tells connections apart by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer4 {
    /// TCP and UDP.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP queries.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Identifier.
        id: u16,
    },
    /// The generic tracker: addresses and protocol number alone.
    None,
}

impl Hash for Tuple {
    /// In two words: every packet of a connection is looked up by its tuple.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let layer4 = match self.layer4 {
            Layer4::Ports { source, destination } => (source, destination),
            Layer4::Icmp { kind, code, id } => (u16::from_be_bytes([kind, code]), id),
            Layer4::None => (0, 0),
        };
        state.write_u64(u64::from(self.source.to_bits()) << 32 | u64::from(self.destination.to_bits()));
        state.write_u64(u64::from(self.protocol) << 32 | u64::from(layer4.0) << 16 | u64::from(layer4.1));
    }
}

impl Tuple {
    /// The tuple of a packet; `None` for an ICMP error, which belongs to the connection of the packet it is about.
    pub fn of(packet: &Packet) -> Option<Self> {
        let layer4 = match &packet.body {
            Body::Tcp(tcp) => Layer4::Ports { source: tcp.source, destination: tcp.destination },
            Body::Udp(udp) => Layer4::Ports { source: udp.source, destination: udp.destination },
            Body::Icmp(icmp @ (Icmp::EchoRequest { id, .. } | Icmp::EchoReply { id, .. })) => {
                Layer4::Icmp { kind: icmp.kind(), code: 0, id: *id }
            }
            Body::Icmp(_) => return None,
            Body::Ipip(_) | Body::Fragment(_) | Body::Other { .. } => Layer4::None,
        };
        Some(Self { source: packet.source, destination: packet.destination, protocol: packet.protocol(), layer4 })
    }

    /// The tuple of an answer.
    #[must_use]
    pub fn inverted(self) -> Self {
        let layer4 = match self.layer4 {
            Layer4::Ports { source, destination } => Layer4::Ports { source: destination, destination: source },
            // Echo and echo reply are each other's answers; the model has no other query.
            Layer4::Icmp { kind, code, id } => Layer4::Icmp { kind: if kind == 8 { 0 } else { 8 }, code, id },
            Layer4::None => Layer4::None,
        };
        Self { source: self.destination, destination: self.source, protocol: self.protocol, layer4 }
    }

    /// Source port, where there are ports.
    pub fn source_port(&self) -> Option<u16> {
        match self.layer4 {
            Layer4::Ports { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Destination port, where there are ports.
    pub fn destination_port(&self) -> Option<u16> {
        match self.layer4 {
            Layer4::Ports { destination, .. } => Some(destination),
            _ => None,
        }
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = protocol::name(self.protocol).unwrap_or("protocol");
        match self.layer4 {
            Layer4::Ports { source, destination } => {
                write!(f, "{name} {}:{source} -> {}:{destination}", self.source, self.destination)
            }
            _ => write!(f, "{name} {} -> {}", self.source, self.destination),
        }
    }
}

impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tuple({self})")
    }
}
