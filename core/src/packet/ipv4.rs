use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use bytes::Bytes;

use super::{Icmp, Tcp, Udp, protocol};

/// An IPv4 packet.
///
/// ```
/// use netscene_core::packet::{Body, Packet, Udp};
/// let packet = Packet::new([192, 168, 8, 222].into(), [10, 96, 0, 10].into(), Udp::new(39764, 53, vec![0; 56]));
/// assert_eq!(packet.length(), 84);
/// assert_eq!(packet.to_string(), "192.168.8.222:39764 > 10.96.0.10:53 udp");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// Identification.
    pub id: u16,
    /// The flag that forbids fragments.
    pub dont_fragment: bool,
    /// Hops left.
    pub ttl: u8,
    /// The checksum of what the packet carries is wrong: translation keeps it so, and no socket takes it.
    pub bad_checksum: bool,
    /// What the packet carries.
    pub body: Body,
}

/// What an IPv4 packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Tcp),
    /// A UDP datagram.
    Udp(Udp),
    /// An ICMP message.
    Icmp(Icmp),
    /// Another IPv4 packet (RFC 2003).
    Ipip(Box<Packet>),
    /// A part of a longer packet.
    Fragment(Fragment),
    /// Anything else, by protocol number.
    Other {
        /// The number in the protocol field.
        protocol: u8,
        /// The bytes behind the IPv4 header.
        payload: Bytes,
    },
}

/// A part of what a longer packet carries (RFC 791, 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What the whole packet carries.
    pub of: Arc<Body>,
    /// Where the part begins, in bytes.
    pub offset: u16,
    /// How long it is, in bytes.
    pub length: u16,
    /// More parts follow.
    pub more: bool,
}

impl Body {
    /// The protocol field of a packet that carries this.
    pub fn protocol(&self) -> u8 {
        match self {
            Self::Tcp(_) => protocol::TCP,
            Self::Udp(_) => protocol::UDP,
            Self::Icmp(_) => protocol::ICMP,
            Self::Ipip(_) => protocol::IPIP,
            Self::Fragment(part) => part.of.protocol(),
            Self::Other { protocol, .. } => *protocol,
        }
    }

    /// What the first part of a fragmented packet shows: the header that all of it has.
    fn shown(&self) -> &Self {
        match self {
            Self::Fragment(part) if part.offset == 0 => part.of.shown(),
            body => body,
        }
    }
}

impl Packet {
    /// A packet as a Linux host sends it: TTL 64, no TOS, identification 0, fragments forbidden.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, body: impl Into<Body>) -> Self {
        Self {
            source,
            destination,
            tos: 0,
            id: 0,
            dont_fragment: true,
            ttl: 64,
            bad_checksum: false,
            body: body.into(),
        }
    }

    /// The protocol field.
    pub fn protocol(&self) -> u8 {
        self.body.protocol()
    }

    /// Total length in bytes, IPv4 header included.
    pub fn length(&self) -> usize {
        20 + match &self.body {
            Body::Tcp(tcp) => tcp.length(),
            Body::Udp(udp) => udp.length(),
            Body::Icmp(icmp) => icmp.length(),
            Body::Ipip(inner) => inner.length(),
            Body::Fragment(part) => usize::from(part.length),
            Body::Other { payload, .. } => payload.len(),
        }
    }

    /// Source and destination port of TCP and UDP, which of fragments only the first has.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.body.shown() {
            Body::Tcp(tcp) => Some((tcp.source, tcp.destination)),
            Body::Udp(udp) => Some((udp.source, udp.destination)),
            _ => None,
        }
    }

    /// The identifier of an ICMP query or answer.
    pub fn icmp_id(&self) -> Option<u16> {
        match &self.body {
            Body::Icmp(Icmp::EchoRequest { id, .. } | Icmp::EchoReply { id, .. }) => Some(*id),
            _ => None,
        }
    }

    /// The TCP segment, if there is one.
    pub fn tcp(&self) -> Option<&Tcp> {
        match self.body.shown() {
            Body::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// Source address and port; port 0 where there are no ports.
    pub fn source_socket(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.source, self.ports().map_or(0, |(source, _)| source))
    }

    /// Destination address and port; port 0 where there are no ports.
    pub fn destination_socket(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.destination, self.ports().map_or(0, |(_, destination)| destination))
    }

    /// `address` or `address:port`, as conntrack's users write the two ends of a packet.
    pub fn ends(&self) -> (String, String) {
        match self.ports() {
            Some((source, destination)) => {
                (format!("{}:{source}", self.source), format!("{}:{destination}", self.destination))
            }
            None => (self.source.to_string(), self.destination.to_string()),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = self.ends();
        write!(f, "{source} > {destination} ")?;
        match &self.body {
            Body::Tcp(tcp) => {
                write!(f, "tcp {}", tcp.flags)?;
                if tcp.payload.is_empty() { Ok(()) } else { write!(f, " ({} bytes)", tcp.payload.len()) }
            }
            Body::Udp(_) => f.write_str("udp"),
            Body::Icmp(icmp) => write!(f, "icmp {icmp}"),
            Body::Ipip(inner) => write!(f, "ipip [{inner}]"),
            Body::Fragment(part) => {
                let name = protocol::name(part.of.protocol()).unwrap_or("protocol");
                write!(f, "{name} fragment {}+{}{}", part.offset, part.length, if part.more { "+" } else { "" })
            }
            Body::Other { protocol, .. } => write!(f, "protocol {protocol}"),
        }
    }
}
