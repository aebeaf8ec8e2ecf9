//! Whether a rule matches a packet: one function for each kind of match.

mod connection;
mod outside;
mod remembered;

use super::walk::{Environment, Standing, View};
use super::{Addrtype, Header, Iprange, Match, Multiport, MultiportSide, Negatable, TcpMatch, TtlMatch, UdpMatch};
use crate::packet::{Body, Packet, Tcp, protocol};

/// Whether a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// One condition fails: the match at this place, or one of the header's.
    No(Option<u32>),
    /// Every condition holds.
    Yes,
    /// The model cannot tell of the match at this place, and no other condition fails.
    Unknown(usize),
}

/// Whether every condition of the rule holds. Its place tells apart what rules remember.
pub(super) fn judge<E: Environment>(place: &Standing<'_>, view: &View<'_>, mark: u32, environment: &mut E) -> Answer {
    if !header(&place.rule.header, view) {
        return Answer::No(None);
    }
    let mut answer = Answer::Yes;
    for (at, one) in place.rule.matches.iter().enumerate() {
        // Whether the packet gets as far as this match is not known, so it is not tried.
        if answer != Answer::Yes && one.has_effects() {
            return answer;
        }
        let holds = holds((at, one), place, view, mark, environment);
        if holds == Some(false) {
            return Answer::No(Some(at as u32));
        }
        if holds.is_none() && answer == Answer::Yes {
            answer = Answer::Unknown(at);
        }
    }
    answer
}

/// Whether one match holds; `None` if the model cannot tell.
fn holds<E: Environment>(
    (at, one): (usize, &Match),
    place: &Standing<'_>,
    view: &View<'_>,
    mark: u32,
    environment: &mut E,
) -> Option<bool> {
    Some(match one {
        Match::Comment(_) => true,
        Match::Tcp(options) => view.packet.tcp().is_some_and(|segment| tcp(options, segment)),
        Match::Udp(options) => udp(options, view),
        Match::Sctp(options) => sctp(options, view.packet),
        Match::Multiport(options) => multiport(options, view),
        Match::Icmp(options) => icmp(*options, view),
        Match::Mark(options) => options.holds(mark & options.value.1 == options.value.0),
        Match::Connmark(options) => connection::mark(*options, environment),
        Match::Conntrack(options) => connection::conntrack(options, view, environment),
        Match::State(states) => connection::states(*states, view, environment),
        Match::Addrtype(options) => addrtype(*options, view, environment),
        Match::Rpfilter(options) => {
            return environment.reverse_path(view, mark, *options).map(|good| good != options.invert);
        }
        Match::Statistic(options) => return remembered::statistic(*options, place, at, environment),
        Match::Iprange(options) => iprange(*options, view),
        Match::Length(options) => {
            let length = view.packet.length();
            options.holds(usize::from(options.value.first) <= length && length <= usize::from(options.value.last))
        }
        Match::Ttl(options) => ttl(*options, environment.rewritten().ttl.unwrap_or(view.packet.ttl)),
        Match::Tos(options) => {
            let tos = environment.rewritten().tos.unwrap_or(view.packet.tos);
            options.holds(tos & options.value.1 == options.value.0)
        }
        Match::Dscp(options) => {
            options.holds(environment.rewritten().tos.unwrap_or(view.packet.tos) >> 2 == options.value)
        }
        Match::Pkttype(options) => options.holds(environment.packet_type() == options.value),
        Match::Physdev(options) => outside::physdev(options, environment.bridge()),
        Match::Set(options) => options.holds(environment.in_set(&options.value, view, mark)?),
        Match::Owner(options) => return outside::owner(*options, environment.sender()),
        Match::Recent(options) => return remembered::recent(options, view, environment),
        Match::Limit(options) => return remembered::limit(*options, place, at, environment),
        Match::Hashlimit(options) => return remembered::hashlimit(options, view, environment),
        Match::Nfacct(name) => return remembered::nfacct(name, view, environment),
        Match::Unknown(_) => return None,
    })
}

fn iprange(options: Iprange, view: &View<'_>) -> bool {
    options.source.is_none_or(|range| range.holds(range.value.contains(view.packet.source)))
        && options.destination.is_none_or(|range| range.holds(range.value.contains(view.packet.destination)))
}

const fn ttl(options: TtlMatch, ttl: u8) -> bool {
    match options {
        TtlMatch::Equal(value) => ttl == value,
        TtlMatch::Other(value) => ttl != value,
        TtlMatch::Less(value) => ttl < value,
        TtlMatch::Greater(value) => ttl > value,
    }
}

fn header(header: &Header, view: &View<'_>) -> bool {
    let address = |wanted: &Option<Negatable<ipnet::Ipv4Net>>, address| {
        wanted.is_none_or(|wanted| wanted.holds(wanted.value.contains(&address)))
    };
    // Without a device the name is empty, which no pattern but `+` covers.
    let device = |wanted: &Option<Negatable<crate::packet::DevicePattern>>, device: Option<_>| {
        wanted.is_none_or(|wanted| wanted.holds(device.is_some_and(|device| wanted.value.matches(device))))
    };
    address(&header.source, view.packet.source)
        && address(&header.destination, view.packet.destination)
        && device(&header.in_device, view.in_device)
        && device(&header.out_device, view.out_device)
        && header.protocol.is_none_or(|wanted| wanted.holds(wanted.value == view.packet.protocol()))
}

fn tcp(options: &TcpMatch, segment: &Tcp) -> bool {
    options.source.is_none_or(|ports| ports.holds(ports.value.contains(segment.source)))
        && options.destination.is_none_or(|ports| ports.holds(ports.value.contains(segment.destination)))
        && options.flags.is_none_or(|flags| flags.holds(segment.flags.0 & flags.value.0.0 == flags.value.1.0))
}

fn udp(options: &UdpMatch, view: &View<'_>) -> bool {
    let Body::Udp(datagram) = &view.packet.body else { return false };
    options.source.is_none_or(|ports| ports.holds(ports.value.contains(datagram.source)))
        && options.destination.is_none_or(|ports| ports.holds(ports.value.contains(datagram.destination)))
}

/// The ports of an SCTP packet: the first four bytes of what it carries (RFC 9260).
fn sctp_ports(packet: &Packet) -> Option<(u16, u16)> {
    let Body::Other { protocol: protocol::SCTP, payload } = &packet.body else { return None };
    let &[a, b, c, d, ..] = &payload[..] else { return None };
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

pub(super) fn sctp(options: &UdpMatch, packet: &Packet) -> bool {
    let Some((source, destination)) = sctp_ports(packet) else { return false };
    options.source.is_none_or(|ports| ports.holds(ports.value.contains(source)))
        && options.destination.is_none_or(|ports| ports.holds(ports.value.contains(destination)))
}

fn multiport(options: &Multiport, view: &View<'_>) -> bool {
    let ports = view.packet.ports().or_else(|| sctp_ports(view.packet));
    let Some((source, destination)) = ports else { return false };
    let found = options.ports.iter().any(|range| match options.side {
        MultiportSide::Source => range.contains(source),
        MultiportSide::Destination => range.contains(destination),
        MultiportSide::Either => range.contains(source) || range.contains(destination),
    });
    found != options.negated
}

fn icmp(options: Negatable<(u8, Option<u8>)>, view: &View<'_>) -> bool {
    let Body::Icmp(message) = &view.packet.body else { return false };
    let (kind, code) = options.value;
    // 255 stands for any type (`icmp_type_code_match`).
    options.holds(kind == 255 || message.kind() == kind && code.is_none_or(|code| code == message.code()))
}

fn addrtype<E: Environment>(options: Addrtype, view: &View<'_>, environment: &E) -> bool {
    let device = match options {
        Addrtype { limit_in: true, .. } => view.in_device,
        Addrtype { limit_out: true, .. } => view.out_device,
        _ => None,
    };
    let holds = |wanted: Option<Negatable<super::AddressTypes>>, address| {
        wanted.is_none_or(|wanted| wanted.holds(wanted.value.contains(environment.address_type(address, device))))
    };
    holds(options.source, view.packet.source) && holds(options.destination, view.packet.destination)
}
