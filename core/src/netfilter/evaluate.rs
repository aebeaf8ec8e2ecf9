//! Whether a rule matches a packet: one function for each kind of match.

use super::walk::{Environment, View};
use super::{Addrtype, ChainId, CtStates, Header, Match, Multiport, MultiportSide, Negatable, Rule, SetDirection};
use super::{SetMatch, Statistic, TcpMatch, UdpMatch};
use crate::packet::{Body, Tcp};

/// Whether every condition of `rule` holds. The place of the rule tells apart the states of `statistic` rules.
pub(super) fn matches<E: Environment>(
    rule: &Rule,
    view: &View<'_>,
    mark: u32,
    (chain, index): (ChainId, usize),
    environment: &mut E,
) -> bool {
    header(&rule.header, view)
        && rule.matches.iter().all(|one| match one {
            Match::Comment(_) => true,
            Match::Tcp(options) => view.packet.tcp().is_some_and(|segment| tcp(options, segment)),
            Match::Udp(options) => udp(options, view),
            Match::Multiport(options) => multiport(options, view),
            Match::Icmp(options) => icmp(*options, view),
            Match::Mark(options) => options.holds(mark & options.value.1 == options.value.0),
            Match::Conntrack(states) | Match::State(states) => conntrack(*states, view),
            Match::Addrtype(options) => addrtype(*options, view, environment),
            Match::Statistic(options) => statistic(*options, rule, (chain, index), environment),
            Match::Set(options) => set(options, view, environment),
            Match::Rpfilter(options) => {
                environment.reverse_path(view.packet.source, view.in_device, *options) != options.invert
            }
        })
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

fn multiport(options: &Multiport, view: &View<'_>) -> bool {
    let Some((source, destination)) = view.packet.ports() else { return false };
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

/// A packet that connection tracking has not seen is INVALID to both matches (`xt_conntrack.c`, `nf_ct_get` is null).
fn conntrack(states: Negatable<CtStates>, view: &View<'_>) -> bool {
    let mut seen = view.ct.map_or(CtStates::INVALID, |ct| ct.state.into());
    if let Some(ct) = view.ct {
        if ct.src_nat {
            seen = seen.with(CtStates::SNAT);
        }
        if ct.dst_nat {
            seen = seen.with(CtStates::DNAT);
        }
    }
    states.holds(states.value.meets(seen))
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

fn statistic<E: Environment>(
    options: Statistic,
    rule: &Rule,
    (chain, index): (ChainId, usize),
    environment: &mut E,
) -> bool {
    match options {
        Statistic::Random { probability, negated } => environment.chance(chain, &rule.target, probability) != negated,
        Statistic::Nth { every, packet, negated } => (environment.nth(chain, index, every.max(1)) == packet) != negated,
    }
}

fn set<E: Environment>(options: &Negatable<SetMatch>, view: &View<'_>, environment: &E) -> bool {
    let address = match options.value.directions.first() {
        Some(SetDirection::Source) | None => view.packet.source,
        Some(SetDirection::Destination) => view.packet.destination,
    };
    options.holds(environment.set_contains(&options.value.name, address))
}
