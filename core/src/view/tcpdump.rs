//! What `tcpdump` prints of the packets that passed a device (tcpdump 4.9: `print-ip.c`, `print-tcp.c`, `print-udp.c`,
//! `print-icmp.c`, `print-domain.c`).
//!
//! Sequence numbers are absolute, as with `-S`. The options of TCP are left out: the model keeps which there are, not the
//! values of timestamps.

use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use simple_dns::rdata::RData;
use simple_dns::{PacketFlag, RCODE, ResourceRecord};

use crate::Time;
use crate::netfilter::text::port_name;
use crate::packet::{Body, DeviceName, Icmp, Packet, Tcp, TcpFlags, Udp};
use crate::trace::{End, PacketTrace};

/// The port of DNS.
const DOMAIN: u16 = 53;

/// The packets that passed a device of a place, with the moments at which they did, in order.
///
/// A capture sees what comes before the rules of the place change it, and what leaves after they have.
pub fn captured<'a>(
    packets: impl IntoIterator<Item = &'a PacketTrace>,
    place: &str,
    device: DeviceName,
) -> Vec<(Time, &'a Packet)> {
    let hops = packets.into_iter().flat_map(|packet| &packet.hops).filter(|hop| &*hop.place == place);
    let seen = hops.flat_map(|hop| {
        let came = (hop.in_device == Some(device)).then_some((hop.time, &hop.before));
        let sent = matches!(hop.end, End::Sent { .. }) && hop.out_device == Some(device);
        came.into_iter().chain(sent.then_some((hop.time, &hop.after)))
    });
    let mut seen: Vec<_> = seen.collect();
    seen.sort_by_key(|(time, _)| *time);
    seen
}

/// The line for a packet, without a line feed. `name_of` names addresses, as DNS does for tcpdump; with `None` all is
/// numbers, as with `-n`.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::packet::{Icmp, Packet};
/// use netscene_core::view::tcpdump::line;
/// let echo = Icmp::EchoRequest { id: 7, seq: 1, payload: vec![0; 56].into() };
/// let packet = Packet::new([10, 1, 110, 107].into(), [10, 1, 110, 102].into(), echo);
/// assert_eq!(
///     line(Time::ZERO, &packet, None),
///     "00:00:00.000000 IP 10.1.110.107 > 10.1.110.102: ICMP echo request, id 7, seq 1, length 64"
/// );
/// ```
pub fn line(time: Time, packet: &Packet, name_of: Option<&dyn Fn(Ipv4Addr) -> Option<String>>) -> String {
    let micros = time.as_nanos() / 1000;
    let seconds = micros / 1_000_000;
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    let mut text = format!("{hour:02}:{minute:02}:{:02}.{:06} ", seconds % 60, micros % 1_000_000);
    // A String takes everything that is written to it.
    let _ = Printer { name_of }.packet(&mut text, packet);
    text
}

struct Printer<'a> {
    name_of: Option<&'a dyn Fn(Ipv4Addr) -> Option<String>>,
}

impl Printer<'_> {
    fn packet(&self, out: &mut String, packet: &Packet) -> fmt::Result {
        out.push_str("IP ");
        let (source, destination) = (self.host(packet.source), self.host(packet.destination));
        match packet.ports() {
            Some((from, to)) => {
                write!(out, "{source}.{} > {destination}.{}: ", self.port(from), self.port(to))?;
            }
            None => write!(out, "{source} > {destination}: ")?,
        }
        match &packet.body {
            Body::Tcp(tcp) => segment(out, tcp),
            Body::Udp(udp) => datagram(out, udp),
            Body::Icmp(icmp) => self.icmp(out, icmp),
            Body::Ipip(inner) => {
                self.packet(out, inner)?;
                out.push_str(" (ipip-proto-4)");
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

    fn icmp(&self, out: &mut String, icmp: &Icmp) -> fmt::Result {
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
                    (Icmp::Unreachable { code: 1, .. }, Some(about)) => {
                        write!(out, "host {} unreachable", self.host(about.destination))?;
                    }
                    _ => write!(out, "type-#{}, code {}", other.kind(), other.code())?,
                }
            }
        }
        write!(out, ", length {}", icmp.length())
    }
}

/// `Flags [P.], seq 1:41, ack 9, win 501, length 40`.
fn segment(out: &mut String, tcp: &Tcp) -> fmt::Result {
    const LETTERS: [(TcpFlags, char); 6] = [
        (TcpFlags::FIN, 'F'),
        (TcpFlags::SYN, 'S'),
        (TcpFlags::RST, 'R'),
        (TcpFlags::PSH, 'P'),
        (TcpFlags::ACK, '.'),
        (TcpFlags::URG, 'U'),
    ];
    let letters: String = LETTERS.iter().filter(|(flag, _)| tcp.flags.has(*flag)).map(|(_, letter)| letter).collect();
    write!(out, "Flags [{}]", if letters.is_empty() { "none" } else { &letters })?;
    let length = tcp.payload.len();
    let starts_or_ends = [TcpFlags::SYN, TcpFlags::FIN, TcpFlags::RST].iter().any(|flag| tcp.flags.has(*flag));
    if length > 0 {
        write!(out, ", seq {}:{}", tcp.seq, tcp.seq.wrapping_add(length as u32))?;
    } else if starts_or_ends {
        write!(out, ", seq {}", tcp.seq)?;
    }
    if tcp.flags.has(TcpFlags::ACK) {
        write!(out, ", ack {}", tcp.ack)?;
    }
    write!(out, ", win {}, length {length}", tcp.window)
}

fn datagram(out: &mut String, udp: &Udp) -> fmt::Result {
    let message = (udp.source == DOMAIN || udp.destination == DOMAIN).then(|| simple_dns::Packet::parse(&udp.payload));
    let Some(Ok(message)) = message else { return write!(out, "UDP, length {}", udp.payload.len()) };
    write!(out, "{}", message.id())?;
    if message.has_flags(PacketFlag::RESPONSE) {
        reply(out, &message)?;
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
fn reply(out: &mut String, message: &simple_dns::Packet<'_>) -> fmt::Result {
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
