use std::fmt;

use bytes::Bytes;

use super::Body;

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number of the first byte.
    pub seq: u32,
    /// Acknowledgement number; meaningful with [`TcpFlags::ACK`].
    pub ack: u32,
    /// The control bits.
    pub flags: TcpFlags,
    /// The window field, unscaled.
    pub window: u16,
    /// The options, which decide the header's length.
    pub options: TcpOptions,
    /// The bytes carried.
    pub payload: Bytes,
}

/// Sets of TCP options as the systems in the model send them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOptions {
    /// None: a reset.
    None,
    /// Timestamps alone: every segment of an open connection.
    Timestamps(Timestamps),
    /// Maximum segment size in bytes, SACK permitted, timestamps, window scale: Linux's SYN.
    Syn {
        /// The maximum segment size announced.
        mss: u16,
        /// The timestamps.
        timestamps: Timestamps,
    },
}

/// The timestamps of a segment (RFC 7323).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// `TSval`: the sender's clock, in milliseconds.
    pub value: u32,
    /// `TSecr`: what it has last heard of the other side's; 0 where it has heard nothing.
    pub echo: u32,
}

impl TcpOptions {
    /// Timestamps of a connection that nobody keeps a clock for: both are 1.
    pub const TIMESTAMPS: Self = Self::Timestamps(Timestamps { value: 1, echo: 1 });

    /// Linux's SYN that announces a maximum segment size, of a connection that nobody keeps a clock for.
    pub const fn syn(mss: u16) -> Self {
        Self::Syn { mss, timestamps: Timestamps { value: 1, echo: 0 } }
    }

    /// Bytes that the options take, padded to a multiple of four.
    pub fn length(self) -> usize {
        match self {
            Self::None => 0,
            Self::Timestamps(_) => 12,
            Self::Syn { .. } => 20,
        }
    }

    /// The shift that the sender's windows will have, where it offers window scaling: Linux's for windows of 64 KiB.
    pub fn window_scale(self) -> Option<u8> {
        matches!(self, Self::Syn { .. }).then_some(7)
    }

    /// The timestamps, where there are some.
    pub fn timestamps(self) -> Option<Timestamps> {
        match self {
            Self::None => None,
            Self::Timestamps(timestamps) | Self::Syn { timestamps, .. } => Some(timestamps),
        }
    }
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self::TIMESTAMPS
    }
}

impl Tcp {
    /// Header and payload, in bytes.
    pub fn length(&self) -> usize {
        20 + self.options.length() + self.payload.len()
    }

    /// How many sequence numbers it takes: one for each byte of its payload, and for SYN and FIN one each.
    pub fn occupies(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.flags.has(TcpFlags::SYN)) + u32::from(self.flags.has(TcpFlags::FIN))
    }
}

impl From<Tcp> for Body {
    fn from(tcp: Tcp) -> Self {
        Self::Tcp(tcp)
    }
}

/// The control bits of a TCP header, with the values of the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement field counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);

    /// The bits with their names, in the order in which the kernel's LOG target prints them.
    pub const NAMED: [(Self, &'static str); 6] = [
        (Self::URG, "URG"),
        (Self::ACK, "ACK"),
        (Self::PSH, "PSH"),
        (Self::RST, "RST"),
        (Self::SYN, "SYN"),
        (Self::FIN, "FIN"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (_, name) in Self::NAMED.iter().rev().filter(|(flag, _)| self.has(*flag)) {
            if !first {
                f.write_str(",")?;
            }
            first = false;
            f.write_str(name)?;
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpFlags({self})")
    }
}
