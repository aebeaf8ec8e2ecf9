use std::fmt;
use std::net::Ipv4Addr;

use bytes::Bytes;

use super::{Body, Packet};

/// An ICMP message (RFC 792): the kinds the model sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Icmp {
    /// Echo, type 8.
    EchoRequest {
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
        /// Data to be returned.
        payload: Bytes,
    },
    /// Echo reply, type 0.
    EchoReply {
        /// Identifier of the request.
        id: u16,
        /// Sequence number of the request.
        seq: u16,
        /// The request's data.
        payload: Bytes,
    },
    /// Destination unreachable, type 3.
    Unreachable {
        /// 0 network, 1 host, 2 protocol, 3 port, 4 fragmentation needed, …
        code: u8,
        /// Of code 4: the MTU of the next hop in bytes; otherwise 0.
        mtu: u16,
        /// The packet that could not be delivered. The wire carries its header and as much as fits; the model all of it.
        about: Box<Packet>,
    },
    /// Redirect, type 5.
    Redirect {
        /// 0 for the network, 1 for the host.
        code: u8,
        /// The better gateway.
        gateway: Ipv4Addr,
        /// The packet that took the detour.
        about: Box<Packet>,
    },
    /// Time exceeded, type 11.
    TimeExceeded {
        /// 0 in transit, 1 in reassembly.
        code: u8,
        /// The packet whose time it was.
        about: Box<Packet>,
    },
}

impl Icmp {
    /// The type field.
    pub fn kind(&self) -> u8 {
        match self {
            Self::EchoReply { .. } => 0,
            Self::Unreachable { .. } => 3,
            Self::Redirect { .. } => 5,
            Self::EchoRequest { .. } => 8,
            Self::TimeExceeded { .. } => 11,
        }
    }

    /// The code field.
    pub fn code(&self) -> u8 {
        match self {
            Self::EchoRequest { .. } | Self::EchoReply { .. } => 0,
            Self::Unreachable { code, .. } | Self::Redirect { code, .. } | Self::TimeExceeded { code, .. } => *code,
        }
    }

    /// The packet an error is about.
    pub fn about(&self) -> Option<&Packet> {
        match self {
            Self::Unreachable { about, .. } | Self::Redirect { about, .. } | Self::TimeExceeded { about, .. } => {
                Some(about)
            }
            Self::EchoRequest { .. } | Self::EchoReply { .. } => None,
        }
    }

    /// The packet an error is about, to be changed.
    pub fn about_mut(&mut self) -> Option<&mut Packet> {
        match self {
            Self::Unreachable { about, .. } | Self::Redirect { about, .. } | Self::TimeExceeded { about, .. } => {
                Some(about)
            }
            Self::EchoRequest { .. } | Self::EchoReply { .. } => None,
        }
    }

    /// Header and data, in bytes. An error quotes at most 548 bytes, so that it fits 576 (RFC 1812, 4.3.2.3).
    pub fn length(&self) -> usize {
        8 + match self {
            Self::EchoRequest { payload, .. } | Self::EchoReply { payload, .. } => payload.len(),
            Self::Unreachable { about, .. } | Self::Redirect { about, .. } | Self::TimeExceeded { about, .. } => {
                about.length().min(548)
            }
        }
    }
}

impl From<Icmp> for Body {
    fn from(icmp: Icmp) -> Self {
        Self::Icmp(icmp)
    }
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EchoRequest { id, seq, .. } => write!(f, "echo request id {id} seq {seq}"),
            Self::EchoReply { id, seq, .. } => write!(f, "echo reply id {id} seq {seq}"),
            Self::Unreachable { code, mtu, .. } => match code {
                0 => f.write_str("net unreachable"),
                1 => f.write_str("host unreachable"),
                2 => f.write_str("protocol unreachable"),
                3 => f.write_str("port unreachable"),
                4 => write!(f, "fragmentation needed, mtu {mtu}"),
                13 => f.write_str("administratively prohibited"),
                code => write!(f, "unreachable, code {code}"),
            },
            Self::Redirect { gateway, .. } => write!(f, "redirect to {gateway}"),
            Self::TimeExceeded { code: 1, .. } => f.write_str("fragment reassembly time exceeded"),
            Self::TimeExceeded { .. } => f.write_str("time exceeded"),
        }
    }
}
