//! Packets as bytes, and bytes as one line of text that both sides of a comparison can be held against.

use std::fmt::Write;
use std::net::Ipv4Addr;

use etherparse::{
    IcmpEchoHeader, Icmpv4Header, Icmpv4Type, IpNumber, Ipv4Header, Ipv4HeaderSlice, TcpHeader, TcpHeaderSlice,
    UdpHeader,
    icmpv4::{DestUnreachableHeader, RedirectCode, RedirectHeader, TimeExceededCode},
};
use netscene_core::packet::{Body, Icmp, Packet, Tcp, TcpFlags, TcpOptions};

use crate::Result;

/// The length of an IPv4 header without options, in bytes.
const HEADER: usize = 20;

/// The packet as it goes over a wire, with good checksums.
pub(crate) fn bytes(packet: &Packet) -> Result<Vec<u8>> {
    let (source, destination) = (packet.source.octets(), packet.destination.octets());
    let mut body = match &packet.body {
        Body::Tcp(tcp) => tcp_bytes(tcp, source, destination)?,
        Body::Udp(udp) => {
            let header = UdpHeader::with_ipv4_checksum(
                udp.source,
                udp.destination,
                &Ipv4Header::new(0, 64, IpNumber::UDP, source, destination)?,
                &udp.payload,
            )?;
            [&header.to_bytes()[..], &udp.payload].concat()
        }
        Body::Icmp(icmp) => icmp_bytes(icmp)?,
        Body::Ipip(inner) => bytes(inner)?,
        Body::Fragment(part) => {
            let whole = bytes(&Packet { body: (*part.of).clone(), ..packet.clone() })?;
            let start = HEADER + usize::from(part.offset);
            whole.get(start..start + usize::from(part.length)).ok_or("a part beyond its packet")?.to_vec()
        }
        Body::Other { payload, .. } => payload.to_vec(),
    };
    // Where the checksum stands; in a part it is there already.
    let checksum = match packet.body {
        Body::Tcp(_) => Some(16),
        Body::Udp(_) => Some(6),
        Body::Icmp(_) => Some(2),
        _ => None,
    };
    if let Some(byte) = checksum.filter(|_| packet.bad_checksum).and_then(|at| body.get_mut(at)) {
        *byte ^= 0x55;
    }
    let length = u16::try_from(body.len())?;
    let mut header = Ipv4Header::new(length, packet.ttl, IpNumber(packet.protocol()), source, destination)?;
    header.dscp = (packet.tos >> 2).try_into()?;
    header.ecn = (packet.tos & 3).try_into()?;
    header.identification = packet.id;
    header.dont_fragment = packet.dont_fragment;
    if let Body::Fragment(part) = &packet.body {
        header.fragment_offset = (part.offset / 8).try_into()?;
        header.more_fragments = part.more;
    }
    header.header_checksum = header.calc_header_checksum();
    Ok([&header.to_bytes()[..], &body].concat())
}

fn tcp_bytes(tcp: &Tcp, source: [u8; 4], destination: [u8; 4]) -> Result<Vec<u8>> {
    let mut header = TcpHeader::new(tcp.source, tcp.destination, tcp.seq, tcp.window);
    header.acknowledgment_number = tcp.ack;
    header.fin = tcp.flags.has(TcpFlags::FIN);
    header.syn = tcp.flags.has(TcpFlags::SYN);
    header.rst = tcp.flags.has(TcpFlags::RST);
    header.psh = tcp.flags.has(TcpFlags::PSH);
    header.ack = tcp.flags.has(TcpFlags::ACK);
    header.urg = tcp.flags.has(TcpFlags::URG);
    match tcp.options {
        TcpOptions::None => {}
        TcpOptions::Timestamps(_) => header.set_options_raw(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1])?,
        TcpOptions::Syn { mss, .. } => {
            let [high, low] = mss.to_be_bytes();
            header.set_options_raw(&[2, 4, high, low, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])?;
        }
    }
    header.checksum = header.calc_checksum_ipv4_raw(source, destination, &tcp.payload)?;
    Ok([&header.to_bytes()[..], &tcp.payload].concat())
}

fn icmp_bytes(icmp: &Icmp) -> Result<Vec<u8>> {
    // The wire carries as much of the packet in question as makes 576 bytes.
    let quote = |about: &Packet| -> Result<Vec<u8>> {
        let mut quoted = bytes(about)?;
        quoted.truncate(548);
        Ok(quoted)
    };
    let unknown = "the suite does not know this ICMP message";
    let (kind, payload) = match icmp {
        Icmp::EchoRequest { id, seq, payload } => {
            (Icmpv4Type::EchoRequest(IcmpEchoHeader { id: *id, seq: *seq }), payload.to_vec())
        }
        Icmp::EchoReply { id, seq, payload } => {
            (Icmpv4Type::EchoReply(IcmpEchoHeader { id: *id, seq: *seq }), payload.to_vec())
        }
        Icmp::Unreachable { code, mtu, about } => {
            let kind = DestUnreachableHeader::from_values(*code, *mtu).ok_or(unknown)?;
            (Icmpv4Type::DestinationUnreachable(kind), quote(about)?)
        }
        Icmp::Redirect { code, gateway, about } => {
            let code = RedirectCode::from_u8(*code).ok_or(unknown)?;
            let kind = RedirectHeader { code, gateway_internet_address: gateway.octets() };
            (Icmpv4Type::Redirect(kind), quote(about)?)
        }
        Icmp::TimeExceeded { code, about } => {
            let kind = TimeExceededCode::from_u8(*code).ok_or(unknown)?;
            (Icmpv4Type::TimeExceeded(kind), quote(about)?)
        }
    };
    Ok([&Icmpv4Header::with_checksum(kind, &payload).to_bytes()[..], &payload].concat())
}

/// The two ends of a packet, with ports where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ports: Option<(u16, u16)>,
}

/// Reads the two ends from the bytes of a packet.
pub(crate) fn ends(packet: &[u8]) -> Result<Ends> {
    let (header, rest) = ipv4(packet)?;
    let ports = match (header.protocol(), rest) {
        (IpNumber::TCP | IpNumber::UDP, [a, b, c, d, ..]) => {
            Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
        }
        _ => None,
    };
    Ok(Ends { source: header.source_addr(), destination: header.destination_addr(), ports })
}

/// The identifier of an echo or its reply.
pub(crate) fn echo_id(packet: &[u8]) -> Result<Option<u16>> {
    let (header, rest) = ipv4(packet)?;
    Ok(match (header.protocol(), rest) {
        (IpNumber::ICMP, [0 | 8, _, _, _, high, low, ..]) => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    })
}

fn ipv4(packet: &[u8]) -> Result<(Ipv4HeaderSlice<'_>, &[u8])> {
    let header = Ipv4HeaderSlice::from_slice(packet)?;
    let rest = packet.get(header.slice().len()..).unwrap_or_default();
    Ok((header, rest))
}

/// `address` or `address:port`; the port as `port` prints it.
pub(crate) fn end(address: Ipv4Addr, number: Option<u16>, port: &dyn Fn(u16) -> String) -> String {
    match number {
        Some(number) => format!("{address}:{}", port(number)),
        None => address.to_string(),
    }
}

/// A packet in one line. The identification is left out: a kernel counts it as it likes.
pub(crate) fn describe(packet: &[u8], port: &dyn Fn(u16) -> String) -> Result<String> {
    let both = ends(packet)?;
    let (header, rest) = ipv4(packet)?;
    let (from, to) = (both.ports.map(|ports| ports.0), both.ports.map(|ports| ports.1));
    let mut text = format!("{} > {} ", end(both.source, from, port), end(both.destination, to, port));
    match header.protocol() {
        IpNumber::TCP if rest.len() >= 20 => {
            let tcp = TcpHeaderSlice::from_slice(rest);
            match tcp {
                Ok(tcp) => {
                    let flags = TcpFlags(rest[13] & 0x3f);
                    let (seq, ack) = (tcp.sequence_number(), tcp.acknowledgment_number());
                    write!(text, "tcp {flags} seq {seq} ack {ack} win {}", tcp.window_size())?;
                    // The maximum segment size is the first option of a SYN here (RFC 9293, 3.2).
                    if let [2, 4, high, low, ..] = tcp.options() {
                        write!(text, " mss {}", u16::from_be_bytes([*high, *low]))?;
                    }
                }
                Err(_) => text.push_str("tcp, cut off"),
            }
        }
        IpNumber::UDP => text.push_str("udp"),
        IpNumber::ICMP => icmp_text(&mut text, rest, port)?,
        IpNumber::IPV4 => match describe(rest, port) {
            Ok(inner) => write!(text, "ipip [{inner}]")?,
            Err(_) => text.push_str("ipip, of something else"),
        },
        other => write!(text, "protocol {}", other.0)?,
    }
    let fragments = if header.dont_fragment() { " df" } else { "" };
    write!(text, " ttl {} tos {:#x}{fragments} length {}", header.ttl(), packet[1], header.total_len())?;
    Ok(text)
}

fn icmp_text(text: &mut String, message: &[u8], port: &dyn Fn(u16) -> String) -> Result<()> {
    let [kind, code, _, _, a, b, c, d, quoted @ ..] = message else {
        return Err("an ICMP message of no length".into());
    };
    let (first, second) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
    write!(text, "icmp {kind}/{code}")?;
    match kind {
        0 | 8 => write!(text, " id {} seq {second}", port(first))?,
        _ => write!(text, " mtu {second} about [{}]", describe(quoted, port)?)?,
    }
    Ok(())
}
