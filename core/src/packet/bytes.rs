//! Packets as they go over a wire: RFC 791, 768, 792, 9293, with good checksums.

use super::{Body, Icmp, Packet, Tcp, TcpOptions, Timestamps, protocol};

/// The length of an IPv4 header without options, in bytes.
const HEADER: usize = 20;
/// How much of a packet an error quotes, in bytes: with the headers it makes 576 (RFC 1812, 4.3.2.3).
const QUOTED: usize = 548;

impl Packet {
    /// The packet's bytes, from the IPv4 header on.
    ///
    /// ```
    /// use netscene_core::packet::{Packet, Udp};
    /// let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Udp::new(5, 53, vec![7; 3]));
    /// let bytes = packet.to_bytes();
    /// assert_eq!(bytes.len(), packet.length());
    /// assert_eq!(bytes[..10], [0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17]);
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let payload = self.payload_bytes();
        let length = (HEADER + payload.len()).min(usize::from(u16::MAX)) as u16;
        let (offset, more) = match &self.body {
            Body::Fragment(part) => (part.offset / 8, part.more),
            _ => (0, false),
        };
        let fragments = offset | u16::from(more) << 13 | u16::from(self.dont_fragment) << 14;
        let mut bytes = vec![0x45, self.tos];
        for field in [length, self.id, fragments] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.extend([self.ttl, self.protocol(), 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        let sum = checksum(&bytes, 0);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn payload_bytes(&self) -> Vec<u8> {
        let (mut bytes, place) = match &self.body {
            Body::Tcp(tcp) => (tcp_bytes(tcp), Some(16)),
            Body::Udp(udp) => {
                let length = (8 + udp.payload.len()).min(usize::from(u16::MAX)) as u16;
                let fields = [udp.source, udp.destination, length, 0];
                let mut bytes: Vec<u8> = fields.into_iter().flat_map(u16::to_be_bytes).collect();
                bytes.extend(&udp.payload);
                (bytes, Some(6))
            }
            Body::Icmp(icmp) => (icmp_bytes(icmp), Some(2)),
            Body::Ipip(inner) => (inner.to_bytes(), None),
            Body::Fragment(part) => {
                let whole = Self { body: (*part.of).clone(), ..self.clone() }.payload_bytes();
                let start = usize::from(part.offset).min(whole.len());
                let end = (start + usize::from(part.length)).min(whole.len());
                return whole[start..end].to_vec();
            }
            Body::Other { payload, .. } => (payload.to_vec(), None),
        };
        if let Some(at) = place {
            // Of TCP and UDP the checksum covers the addresses, too.
            let pseudo = if matches!(self.body, Body::Icmp(_)) { 0 } else { self.pseudo_header(bytes.len()) };
            let mut sum = checksum(&bytes, pseudo);
            if sum == 0 && self.protocol() == protocol::UDP {
                // No checksum is written as 0 (RFC 768).
                sum = u16::MAX;
            }
            let sum = if self.bad_checksum { sum ^ 0x5500 } else { sum };
            bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    /// The checksum in the header of TCP or UDP.
    pub fn checksum(&self) -> Option<u16> {
        let at = match &self.body {
            Body::Tcp(_) => 16,
            Body::Udp(_) => 6,
            _ => return None,
        };
        let bytes = self.payload_bytes();
        Some(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
    }

    /// What stands in its place as long as the network card is to compute it (`CHECKSUM_PARTIAL`): the sum of the pseudo
    /// header.
    ///
    /// ```
    /// use netscene_core::packet::{Packet, Udp};
    /// let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Udp::new(5, 53, vec![7; 3]));
    /// // Twice 10.0, once 0.1 and 0.2, protocol 17, 11 bytes.
    /// assert_eq!(packet.offloaded_checksum(), Some(0x0a00 + 0x0a00 + 1 + 2 + 17 + 11));
    /// ```
    pub fn offloaded_checksum(&self) -> Option<u16> {
        let length = match &self.body {
            Body::Tcp(tcp) => tcp.length(),
            Body::Udp(udp) => 8 + udp.payload.len(),
            _ => return None,
        };
        Some(!checksum(&[], self.pseudo_header(length)))
    }

    fn pseudo_header(&self, length: usize) -> u32 {
        let addresses = [self.source.octets(), self.destination.octets()].concat();
        sum(&addresses) + u32::from(self.protocol()) + length as u32
    }
}

fn tcp_bytes(tcp: &Tcp) -> Vec<u8> {
    let mut options: Vec<u8> = match tcp.options {
        TcpOptions::None => Vec::new(),
        TcpOptions::Timestamps(_) => vec![1, 1],
        TcpOptions::Syn { mss, .. } => {
            let [high, low] = mss.to_be_bytes();
            vec![2, 4, high, low, 4, 2]
        }
    };
    if let Some(Timestamps { value, echo }) = tcp.options.timestamps() {
        options.extend([8, 10]);
        options.extend([value, echo].into_iter().flat_map(u32::to_be_bytes));
    }
    if let Some(shift) = tcp.options.window_scale() {
        options.extend([1, 3, 3, shift]);
    }
    let mut bytes: Vec<u8> = [tcp.source, tcp.destination].into_iter().flat_map(u16::to_be_bytes).collect();
    bytes.extend(tcp.seq.to_be_bytes());
    bytes.extend(tcp.ack.to_be_bytes());
    bytes.extend([(((HEADER + options.len()) / 4) << 4) as u8, tcp.flags.0]);
    bytes.extend(tcp.window.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(options);
    bytes.extend(&tcp.payload);
    bytes
}

fn icmp_bytes(icmp: &Icmp) -> Vec<u8> {
    let mut bytes = vec![icmp.kind(), icmp.code(), 0, 0];
    match icmp {
        Icmp::EchoRequest { id, seq, payload } | Icmp::EchoReply { id, seq, payload } => {
            bytes.extend([*id, *seq].into_iter().flat_map(u16::to_be_bytes));
            bytes.extend(payload);
        }
        Icmp::Unreachable { mtu, about, .. } => {
            bytes.extend([0, *mtu].into_iter().flat_map(u16::to_be_bytes));
            bytes.extend(about.to_bytes().into_iter().take(QUOTED));
        }
        Icmp::Redirect { gateway, about, .. } => {
            bytes.extend(gateway.octets());
            bytes.extend(about.to_bytes().into_iter().take(QUOTED));
        }
        Icmp::TimeExceeded { about, .. } => {
            bytes.extend([0; 4]);
            bytes.extend(about.to_bytes().into_iter().take(QUOTED));
        }
    }
    bytes
}

/// The sum of a text's 16-bit words, an odd byte being the upper half of one.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low))).sum()
}

/// The Internet checksum (RFC 1071), with what has been summed before.
fn checksum(bytes: &[u8], before: u32) -> u16 {
    let mut total = sum(bytes) + before;
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{TcpFlags, Udp};

    #[test]
    fn a_header_sums_up_to_nothing() {
        let inner = Packet::new([192, 168, 0, 1].into(), [192, 168, 0, 2].into(), Udp::new(1, 2, vec![9; 5]));
        for body in [
            Body::Ipip(Box::new(inner.clone())),
            Icmp::TimeExceeded { code: 0, about: Box::new(inner.clone()) }.into(),
            Tcp {
                source: 1,
                destination: 2,
                seq: 3,
                ack: 4,
                flags: TcpFlags::SYN,
                window: 5,
                options: TcpOptions::syn(1400),
                payload: vec![1, 2, 3].into(),
            }
            .into(),
        ] {
            let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), body);
            let bytes = packet.to_bytes();
            assert_eq!(bytes.len(), packet.length());
            assert_eq!(checksum(&bytes[..HEADER], 0), 0);
            let over = match packet.body {
                Body::Tcp(_) => packet.pseudo_header(bytes.len() - HEADER),
                _ => 0,
            };
            let rest = if matches!(packet.body, Body::Ipip(_)) { &bytes[HEADER..2 * HEADER] } else { &bytes[HEADER..] };
            assert_eq!(checksum(rest, over), 0);
        }
    }
}
