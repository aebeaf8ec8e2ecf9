use bytes::Bytes;

use super::Body;

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// The bytes carried.
    pub payload: Bytes,
}

impl Udp {
    /// A datagram.
    pub fn new(source: u16, destination: u16, payload: impl Into<Bytes>) -> Self {
        Self { source, destination, payload: payload.into() }
    }

    /// Header and payload, in bytes.
    pub fn length(&self) -> usize {
        8 + self.payload.len()
    }
}

impl From<Udp> for Body {
    fn from(udp: Udp) -> Self {
        Self::Udp(udp)
    }
}
