//! Whatever a rule holds, its text is read back as the same rule.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use proptest::option::of;
use proptest::prelude::*;

use super::{apply, rule_text};
use crate::netfilter::{
    AddressTypes, Addrtype, CtStates, Header, LogTarget, Match, Multiport, MultiportSide, NatRange, Negatable,
    PortRange, RejectWith, Rpfilter, Rule, Ruleset, SetDirection, SetMatch, Statistic, TableName, Target, TcpMatch,
    UdpMatch,
};
use crate::packet::{DevicePattern, TcpFlags, protocol};

fn negatable<T: std::fmt::Debug + Copy>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Negatable<T>> {
    (value, any::<bool>()).prop_map(|(value, negated)| Negatable { value, negated })
}

fn network() -> impl Strategy<Value = Ipv4Net> {
    let network = (any::<u32>(), 1..=32_u8);
    network.prop_map(|(address, length)| Ipv4Net::new(Ipv4Addr::from_bits(address), length).unwrap().trunc())
}

fn device() -> impl Strategy<Value = DevicePattern> {
    "[a-z][a-z0-9.-]{0,13}[+]?".prop_map(|name| name.parse().unwrap())
}

fn ports() -> impl Strategy<Value = PortRange> {
    (any::<u16>(), any::<u16>()).prop_map(|(a, b)| PortRange { first: a.min(b), last: a.max(b) })
}

fn header() -> impl Strategy<Value = Header> {
    let protocols = prop_oneof![Just(protocol::TCP), Just(protocol::UDP), Just(protocol::ICMP), 1..=255_u8];
    let devices = (of(negatable(device())), of(negatable(device())));
    (of(negatable(network())), of(negatable(network())), devices, of(negatable(protocols))).prop_map(
        |(source, destination, (in_device, out_device), protocol)| Header {
            source,
            destination,
            in_device,
            out_device,
            protocol,
        },
    )
}

fn flags() -> impl Strategy<Value = TcpFlags> {
    (0..0x40_u8).prop_map(TcpFlags)
}

/// Matches that need no protocol, and those that do.
fn found() -> impl Strategy<Value = Match> {
    let sides = prop_oneof![Just(MultiportSide::Source), Just(MultiportSide::Destination), Just(MultiportSide::Either)];
    let types = || negatable((1..0x100_u16).prop_map(AddressTypes));
    let directions =
        prop::collection::vec(prop_oneof![Just(SetDirection::Source), Just(SetDirection::Destination)], 1..4);
    prop_oneof![
        "[ -~]{0,60}".prop_map(|text| Match::Comment(text.as_str().into())),
        (of(negatable(ports())), of(negatable(ports())), of(negatable((flags(), flags()))))
            .prop_map(|(source, destination, flags)| Match::Tcp(TcpMatch { source, destination, flags })),
        (of(negatable(ports())), of(negatable(ports())))
            .prop_map(|(source, destination)| Match::Udp(UdpMatch { source, destination })),
        (sides, prop::collection::vec(ports(), 1..7), any::<bool>())
            .prop_map(|(side, ports, negated)| Match::Multiport(Multiport { side, ports, negated })),
        negatable((0..255_u8, of(any::<u8>()))).prop_map(Match::Icmp),
        negatable((any::<u32>(), prop_oneof![Just(u32::MAX), any::<u32>()])).prop_map(Match::Mark),
        negatable((1..0x80_u8).prop_map(CtStates)).prop_map(Match::Conntrack),
        // Bits 4 and 5 are SNAT and DNAT, which `-m state` does not have.
        negatable((1..0x10_u8).prop_map(CtStates)).prop_map(Match::State),
        (of(types()), types(), 0..3_u8).prop_map(|(source, destination, limit)| {
            let (limit_in, limit_out) = (limit == 1, limit == 2);
            Match::Addrtype(Addrtype { source, destination: Some(destination), limit_in, limit_out })
        }),
        (0..=1_u32 << 31, any::<bool>())
            .prop_map(|(probability, negated)| Match::Statistic(Statistic::Random { probability, negated })),
        (1..=u32::MAX, any::<u32>(), any::<bool>()).prop_map(|(every, packet, negated)| {
            Match::Statistic(Statistic::Nth { every, packet: packet % every, negated })
        }),
        ("[a-zA-Z0-9:_-]{1,31}", directions, any::<bool>()).prop_map(|(name, directions, negated)| {
            Match::Set(Negatable { value: SetMatch { name: name.as_str().into(), directions }, negated })
        }),
        any::<[bool; 4]>().prop_map(|[loose, validmark, accept_local, invert]| {
            Match::Rpfilter(Rpfilter { loose, validmark, accept_local, invert })
        }),
    ]
}

fn nat_range() -> impl Strategy<Value = NatRange> {
    (any::<u32>(), any::<u32>(), of(ports()), any::<bool>()).prop_map(|(first, last, ports, random_fully)| {
        let (first, last) = (Some(first.into()), Some(last.into()));
        NatRange { first, last, ports, random_fully }
    })
}

/// A target, and a table that has it.
fn target() -> impl Strategy<Value = (TableName, Target)> {
    let reject = prop::sample::select(&RejectWith::NAMED[..]).prop_map(|(with, _)| Target::Reject(with));
    let log = ("[ -~]{0,29}", 0..8_u8, 0..0x10_u8)
        .prop_map(|(prefix, level, flags)| Target::Log(LogTarget { prefix: prefix.as_str().into(), level, flags }));
    let masquerade =
        (of(ports()), any::<bool>()).prop_map(|(ports, random_fully)| Target::Masquerade { ports, random_fully });
    prop_oneof![
        prop_oneof![Just(Target::Continue), Just(Target::Accept), Just(Target::Drop), Just(Target::Return), log]
            .prop_map(|target| (TableName::Mangle, target)),
        any::<(u32, u32)>().prop_map(|(value, mask)| (TableName::Mangle, Target::Mark { value, mask })),
        reject.prop_map(|target| (TableName::Filter, target)),
        prop_oneof![
            masquerade,
            nat_range().prop_map(Target::Snat),
            // DNAT has no --random-fully (libxt_NAT.c).
            nat_range().prop_map(|range| Target::Dnat(NatRange { random_fully: false, ..range })),
        ]
        .prop_map(|target| (TableName::Nat, target)),
    ]
}

/// Gives a rule the protocol that its parts need; parts that need another one are left out.
fn possible(mut rule: Rule, table: TableName) -> Rule {
    let needs = |number| Some(Negatable::is(number));
    for found in &rule.matches {
        match found {
            Match::Tcp(_) | Match::Multiport(_) => rule.header.protocol = needs(protocol::TCP),
            Match::Udp(_) => rule.header.protocol = needs(protocol::UDP),
            Match::Icmp(_) => rule.header.protocol = needs(protocol::ICMP),
            _ => {}
        }
    }
    let ported = match &rule.target {
        Target::Dnat(range) | Target::Snat(range) => range.ports.is_some(),
        Target::Masquerade { ports, .. } => ports.is_some(),
        Target::Reject(with) => *with == RejectWith::TcpReset,
        _ => false,
    };
    if ported {
        rule.header.protocol = needs(protocol::TCP);
    }
    let protocol = rule.header.protocol.filter(|protocol| !protocol.negated).map(|protocol| protocol.value);
    rule.matches.retain(|found| match found {
        Match::Tcp(_) => protocol == Some(protocol::TCP),
        Match::Udp(_) => protocol == Some(protocol::UDP),
        Match::Icmp(_) => protocol == Some(protocol::ICMP),
        Match::Multiport(_) => matches!(protocol, Some(protocol::TCP | protocol::UDP)),
        Match::Rpfilter(_) => table == TableName::Mangle,
        _ => true,
    });
    rule
}

proptest! {
    #[test]
    fn a_printed_rule_is_read_as_the_same_rule(
        header in header(),
        matches in prop::collection::vec(found(), 0..4),
        (table, target) in target(),
    ) {
        let rule = possible(Rule { header, matches, target, provenance: None }, table);
        let mut rules = Ruleset::default();
        let chain = rules.table_mut(table).add_chain("some");
        let text = rule_text(&rule, rules.table(table));
        if let Err(error) = apply(&mut rules, &format!("-t {table} -A some {text}")) {
            return Err(TestCaseError::fail(format!("{text}: {error}")));
        }
        prop_assert_eq!(rules.table(table).chain(chain).unwrap().rules(), &[rule], "{}", text);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(-[A-Za-z-]{1,12}|[!\"'\\\\]|[ -~]{0,8}|[ -~é]{0,4}| ){0,12}") {
        let _ = apply(&mut Ruleset::default(), &text);
        let _ = apply(&mut Ruleset::default(), &format!("-A INPUT {text}"));
        let dump = format!("*filter\n:{text}\n[1:2] -A INPUT {text}\n{text}\nCOMMIT");
        let _ = super::restore(&mut Ruleset::default(), &dump.parse().unwrap());
    }
}
