//! What `tcpdump` prints of the packets that passed a device (tcpdump 4.9: `print-ip.c`, `print-tcp.c`, `print-udp.c`,
//! `print-icmp.c`, `print-domain.c`, `print-bgp.c`).
//!
//! What connections carry is read only where it is BGP, and of its messages only what stands in front: of an OPEN the first
//! two lines, of an UPDATE that it is one.

mod bgp;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use simple_dns::rdata::RData;
use simple_dns::{PacketFlag, RCODE, ResourceRecord};

use crate::Time;
use crate::netfilter::text::port_name;
use crate::packet::{Body, DeviceName, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Timestamps, Udp, protocol};
use crate::trace::{End, PacketTrace};

/// The ports of which tcpdump reads what is inside.
const DOMAIN: u16 = 53;
const BGP: u16 = 179;

/// A packet that passed a device.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When.
    pub time: Time,
    /// The packet.
    pub packet: &'a Packet,
    /// Whether its checksum of TCP or UDP is still to be computed by a network card: it has not been on a wire.
    pub offloaded: bool,
}

/// The packets that passed a device of a place, with the moments at which they did, in order.
///
/// A capture sees what comes before the rules of the place change it, and what leaves after they have.
pub fn captured<'a>(
    packets: impl IntoIterator<Item = &'a PacketTrace>,
    place: &str,
    device: DeviceName,
) -> Vec<Seen<'a>> {
    let mut seen = Vec::new();
    for trace in packets {
        let mut machine: Option<&str> = None;
        let mut offloaded = true;
        for hop in &trace.hops {
            // Pods hang on their node by veth, which computes nothing; between machines there is a wire.
            if !hop.place.contains('/') {
                offloaded &= machine.is_none_or(|before| before == &*hop.place);
                machine = Some(&*hop.place);
            }
            if &*hop.place != place {
                continue;
            }
            if hop.in_device == Some(device) {
                seen.push(Seen { time: hop.time, packet: &hop.before, offloaded });
            }
            if matches!(hop.end, End::Sent { .. }) && hop.out_device == Some(device) {
                seen.push(Seen { time: hop.time, packet: &hop.after, offloaded });
            }
        }
    }
    seen.sort_by_key(|one| one.time);
    seen
}

/// tcpdump as it goes from packet to packet: of connections that it knows it prints relative numbers.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::packet::{Icmp, Packet};
/// use netscene_core::view::tcpdump::{Printer, Seen};
/// let echo = Icmp::EchoRequest { id: 7, seq: 1, payload: vec![0; 56].into() };
/// let packet = Packet::new([10, 1, 110, 107].into(), [10, 1, 110, 102].into(), echo);
/// let seen = Seen { time: Time::ZERO, packet: &packet, offloaded: false };
/// assert_eq!(
///     Printer::new(None, false).text(seen),
///     "00:00:00.000000 IP 10.1.110.107 > 10.1.110.102: ICMP echo request, id 7, seq 1, length 64"
/// );
/// ```
pub struct Printer<'a> {
    name_of: Option<&'a dyn Fn(Ipv4Addr) -> Option<String>>,
    verbose: bool,
    conversations: BTreeMap<Ends, Numbers>,
}

/// The ends of a conversation, in an order that both directions share, and the numbers from which each end counts
/// (`struct tcp_seq_hash`).
type Ends = (SocketAddrV4, SocketAddrV4);
type Numbers = (u32, u32);

impl<'a> Printer<'a> {
    /// `name_of` names addresses, as DNS does for tcpdump; with `None` all is numbers, as with `-n`. `verbose` is `-v`.
    pub fn new(name_of: Option<&'a dyn Fn(Ipv4Addr) -> Option<String>>, verbose: bool) -> Self {
        Self { name_of, verbose, conversations: BTreeMap::new() }
    }

    /// The lines for a packet, without a line feed at the end.
    pub fn text(&mut self, seen: Seen<'_>) -> String {
        let micros = seen.time.as_nanos() / 1000;
        let seconds = micros / 1_000_000;
        let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
        let mut text = format!("{hour:02}:{minute:02}:{:02}.{:06} ", seconds % 60, micros % 1_000_000);
        // A String takes everything that is written to it.
        let _ = self.packet(&mut text, seen.packet, seen.offloaded);
        text
    }

    fn packet(&mut self, out: &mut String, packet: &Packet, offloaded: bool) -> fmt::Result {
        out.push_str("IP ");
        if self.verbose {
            header(out, packet)?;
        }
        let (source, destination) = (self.host(packet.source), self.host(packet.destination));
        match packet.ports() {
            Some((from, to)) => {
                write!(out, "{source}.{} > {destination}.{}: ", self.port(from), self.port(to))?;
            }
            None => write!(out, "{source} > {destination}: ")?,
        }
        match &packet.body {
            Body::Tcp(tcp) => self.segment(out, packet, tcp, offloaded),
            Body::Udp(udp) => {
                if let Some(sums) = self.sums(packet, offloaded) {
                    match sums {
                        (_, None) => out.push_str("[udp sum ok] "),
                        (there, Some(right)) => write!(out, "[bad udp cksum 0x{there:04x} -> 0x{right:04x}!] ")?,
                    }
                }
                datagram(out, udp, self.verbose)
            }
            Body::Icmp(icmp) => self.icmp(out, icmp),
            Body::Ipip(inner) => {
                self.packet(out, inner, offloaded)?;
                if !self.verbose {
                    out.push_str(" (ipip-proto-4)");
                }
                Ok(())
            }
            _ => write!(out, "ip-proto-{} {}", packet.protocol(), packet.length().saturating_sub(20)),
        }
    }

    fn host(&self, address: Ipv4Addr) -> String {
        let name = self.name_of.and_then(|name_of| name_of(address));
        name.unwrap_or_else(|| address.to_string())
    }

    fn port(&self, number: u16) -> String {
        let name = self.name_of.and_then(|_| port_name(number));
        name.map_or_else(|| number.to_string(), str::to_owned)
    }

    /// With `-v`, the checksum that stands in a packet, and the right one where it is another.
    fn sums(&self, packet: &Packet, offloaded: bool) -> Option<(u16, Option<u16>)> {
        if !self.verbose {
            return None;
        }
        let right = Packet { bad_checksum: false, ..packet.clone() }.checksum()?;
        let there = if offloaded { packet.offloaded_checksum()? } else { packet.checksum()? };
        Some((there, (there != right).then_some(right)))
    }

    fn icmp(&mut self, out: &mut String, icmp: &Icmp) -> fmt::Result {
        match icmp {
            Icmp::EchoRequest { id, seq, .. } => write!(out, "ICMP echo request, id {id}, seq {seq}")?,
            Icmp::EchoReply { id, seq, .. } => write!(out, "ICMP echo reply, id {id}, seq {seq}")?,
            other => {
                out.push_str("ICMP ");
                match (other, other.about()) {
                    (Icmp::Unreachable { code: 3, .. }, Some(about)) => {
                        let protocol = if about.tcp().is_some() { "tcp" } else { "udp" };
                        let port = about.destination_socket().port();
                        write!(
                            out,
                            "{} {protocol} port {} unreachable",
                            self.host(about.destination),
                            self.port(port)
                        )?;
                    }
                    (Icmp::Unreachable { code: 4, mtu, .. }, Some(about)) => {
                        write!(out, "{} unreachable - need to frag", self.host(about.destination))?;
                        if *mtu > 0 {
                            write!(out, " (mtu {mtu})")?;
                        }
                    }
                    (Icmp::Unreachable { code: 1, .. }, Some(about)) => {
                        write!(out, "host {} unreachable", self.host(about.destination))?;
                    }
                    _ => write!(out, "type-#{}, code {}", other.kind(), other.code())?,
                }
            }
        }
        write!(out, ", length {}", icmp.length())?;
        match icmp.about().filter(|_| self.verbose) {
            Some(about) => {
                out.push_str("\n\t");
                self.packet(out, about, false)
            }
            None => Ok(()),
        }
    }

    /// `Flags [P.], seq 1:41, ack 9, win 501, options [nop,nop,TS val 7 ecr 8], length 40`.
    fn segment(&mut self, out: &mut String, packet: &Packet, tcp: &Tcp, offloaded: bool) -> fmt::Result {
        const LETTERS: [(TcpFlags, char); 6] = [
            (TcpFlags::FIN, 'F'),
            (TcpFlags::SYN, 'S'),
            (TcpFlags::RST, 'R'),
            (TcpFlags::PSH, 'P'),
            (TcpFlags::ACK, '.'),
            (TcpFlags::URG, 'U'),
        ];
        let letters: String =
            LETTERS.iter().filter(|(flag, _)| tcp.flags.has(*flag)).map(|(_, letter)| letter).collect();
        write!(out, "Flags [{}]", if letters.is_empty() { "none" } else { &letters })?;
        match self.sums(packet, offloaded) {
            None => {}
            Some((there, None)) => write!(out, ", cksum 0x{there:04x} (correct)")?,
            Some((there, Some(right))) => write!(out, ", cksum 0x{there:04x} (incorrect -> 0x{right:04x})")?,
        }
        let (seq, ack) = self.numbers(packet, tcp);
        let length = tcp.payload.len();
        let starts_or_ends = [TcpFlags::SYN, TcpFlags::FIN, TcpFlags::RST].iter().any(|flag| tcp.flags.has(*flag));
        if length > 0 {
            write!(out, ", seq {seq}:{}", seq.wrapping_add(length as u32))?;
        } else if starts_or_ends {
            write!(out, ", seq {seq}")?;
        }
        if tcp.flags.has(TcpFlags::ACK) {
            write!(out, ", ack {ack}")?;
        }
        write!(out, ", win {}", tcp.window)?;
        match tcp.options {
            TcpOptions::None => {}
            TcpOptions::Timestamps(Timestamps { value, echo }) => {
                write!(out, ", options [nop,nop,TS val {value} ecr {echo}]")?;
            }
            TcpOptions::Syn { mss, timestamps: Timestamps { value, echo } } => {
                write!(out, ", options [mss {mss},sackOK,TS val {value} ecr {echo},nop,wscale 7]")?;
            }
        }
        write!(out, ", length {length}")?;
        if length > 0 && (tcp.source == BGP || tcp.destination == BGP) {
            bgp::messages(out, &tcp.payload, self.verbose)?;
        }
        Ok(())
    }

    /// The sequence numbers as they are printed: as they are where a conversation begins, then counted from there.
    fn numbers(&mut self, packet: &Packet, tcp: &Tcp) -> (u32, u32) {
        if !tcp.flags.has(TcpFlags::ACK) {
            return (tcp.seq, tcp.ack);
        }
        let (from, to) = (packet.source_socket(), packet.destination_socket());
        let reverse = (from.port(), from.ip()) > (to.port(), to.ip());
        let ends = if reverse { (to, from) } else { (from, to) };
        if let Some(&(first, second)) = self.conversations.get(&ends).filter(|_| !tcp.flags.has(TcpFlags::SYN)) {
            let (own, other) = if reverse { (second, first) } else { (first, second) };
            (tcp.seq.wrapping_sub(own), tcp.ack.wrapping_sub(other))
        } else {
            let (own, other) = (tcp.seq, tcp.ack.wrapping_sub(1));
            self.conversations.insert(ends, if reverse { (other, own) } else { (own, other) });
            (tcp.seq, tcp.ack)
        }
    }
}

/// `(tos 0xc0, ttl 64, id 31472, offset 0, flags [DF], proto TCP (6), length 71)`, and a new line.
fn header(out: &mut String, packet: &Packet) -> fmt::Result {
    let ecn = ["", ",ECT(1)", ",ECT(0)", ",CE"][usize::from(packet.tos & 3)];
    write!(out, "(tos 0x{:x}{ecn}", packet.tos)?;
    if packet.ttl > 0 {
        write!(out, ", ttl {}", packet.ttl)?;
    }
    let (offset, more) = match &packet.body {
        Body::Fragment(part) => (part.offset, part.more),
        _ => (0, false),
    };
    let flags = match (more, packet.dont_fragment) {
        (true, true) => "+, DF",
        (true, false) => "+",
        (false, true) => "DF",
        (false, false) => "none",
    };
    let number = packet.protocol();
    let name = match number {
        protocol::TCP => "TCP",
        protocol::UDP => "UDP",
        protocol::ICMP => "ICMP",
        protocol::IPIP => "IPIP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        132 => "SCTP",
        _ => "unknown",
    };
    let (id, length) = (packet.id, packet.length());
    write!(out, ", id {id}, offset {offset}, flags [{flags}], proto {name} ({number}), length {length})\n    ")
}

fn datagram(out: &mut String, udp: &Udp, verbose: bool) -> fmt::Result {
    let message = (udp.source == DOMAIN || udp.destination == DOMAIN).then(|| simple_dns::Packet::parse(&udp.payload));
    let Some(Ok(message)) = message else { return write!(out, "UDP, length {}", udp.payload.len()) };
    write!(out, "{}", message.id())?;
    if message.has_flags(PacketFlag::RESPONSE) {
        reply(out, &message, verbose)?;
    } else {
        query(out, &message)?;
    }
    write!(out, " ({})", udp.payload.len())
}

fn query(out: &mut String, message: &simple_dns::Packet<'_>) -> fmt::Result {
    out.push_str(if message.has_flags(PacketFlag::RECURSION_DESIRED) { "+" } else { "" });
    for question in &message.questions {
        write!(out, " {:?}? {}.", TypeName(question.qtype), question.qname)?;
    }
    Ok(())
}

/// `*` for an authoritative answer, `-` for a server that does not ask others; then how many records each part has, and
/// those of the first.
fn reply(out: &mut String, message: &simple_dns::Packet<'_>, verbose: bool) -> fmt::Result {
    out.push_str(match message.rcode() {
        RCODE::NoError => "",
        RCODE::FormatError => " FormErr",
        RCODE::ServerFailure => " ServFail",
        RCODE::NameError => " NXDomain",
        RCODE::NotImplemented => " NotImp",
        RCODE::Refused => " Refused",
        _ => " Resp",
    });
    out.push_str(if message.has_flags(PacketFlag::AUTHORITATIVE_ANSWER) { "*" } else { "" });
    out.push_str(if message.has_flags(PacketFlag::RECURSION_AVAILABLE) { "" } else { "-" });
    out.push_str(if message.has_flags(PacketFlag::TRUNCATION) { "|" } else { "" });
    let [answers, servers, more] =
        [message.answers.len(), message.name_servers.len(), message.additional_records.len()];
    write!(out, " {answers}/{servers}/{more}")?;
    for (at, record) in message.answers.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        if verbose {
            write!(out, " {}.", record.name)?;
        }
        answer(out, record)?;
    }
    Ok(())
}

fn answer(out: &mut String, record: &ResourceRecord<'_>) -> fmt::Result {
    match &record.rdata {
        RData::A(a) => write!(out, " A {}", Ipv4Addr::from(a.address)),
        RData::PTR(target) => write!(out, " PTR {}.", target.0),
        RData::NS(target) => write!(out, " NS {}.", target.0),
        RData::SRV(srv) => write!(out, " SRV {}.:{} {} {}", srv.target, srv.port, srv.priority, srv.weight),
        RData::SOA(_) => write!(out, " SOA"),
        other => write!(out, " {:?}", other.type_code()),
    }
}

/// A type of question, as it is called.
struct TypeName(simple_dns::QTYPE);

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            simple_dns::QTYPE::TYPE(kind) => write!(f, "{kind:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
