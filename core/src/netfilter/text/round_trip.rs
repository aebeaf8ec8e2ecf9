//! Whatever a rule holds, its text is read back as the same rule.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use proptest::option::of;
use proptest::prelude::*;

use super::{OnUnknown, apply, apply_with, rule_text};
use crate::netfilter::{
    AddressRange, AddressTypes, Addrtype, Connmark, Conntrack, CtDirection, CtStates, CtStatuses, CtZone, Hashlimit,
    HashlimitFields, Header, IdRange, Iprange, LengthRange, Limit, LogTarget, Match, Multiport, MultiportSide,
    NatRange, Negatable, NflogLength, NflogTarget, Owner, PacketType, Physdev, PortRange, Recent, RecentAction,
    RejectWith, Rpfilter, Rule, Ruleset, SetDirection, SetMatch, Statistic, TableName, Target, TcpMatch, TtlChange,
    TtlMatch, UdpMatch, ZoneSide,
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

fn ct_states() -> impl Strategy<Value = Negatable<CtStates>> {
    negatable((1..0x80_u8).prop_map(CtStates))
}

fn conntrack() -> impl Strategy<Value = Conntrack> {
    let addresses = [(); 4].map(|()| of(negatable(network())));
    let ports = [(); 4].map(|()| of(negatable(ports())));
    let expires = (any::<u32>(), any::<u32>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let direction = prop_oneof![Just(CtDirection::Original), Just(CtDirection::Reply)];
    let status = negatable((0..0x10_u8).prop_map(CtStatuses));
    let rest = (of(ct_states()), of(negatable(1..=255_u8)), of(status), of(negatable(expires)), direction);
    (addresses, ports, rest).prop_map(|(addresses, ports, (states, protocol, status, expires, direction))| Conntrack {
        states,
        protocol,
        original_source: addresses[0],
        original_destination: addresses[1],
        reply_source: addresses[2],
        reply_destination: addresses[3],
        original_source_port: ports[0],
        original_destination_port: ports[1],
        reply_source_port: ports[2],
        reply_destination_port: ports[3],
        status,
        expires,
        direction: Some(direction),
    })
}

fn recent() -> impl Strategy<Value = Recent> {
    let actions = [RecentAction::Set, RecentAction::Check, RecentAction::Update, RecentAction::Remove];
    let what = (prop::sample::select(actions.to_vec()), any::<[bool; 4]>());
    let numbers = (0..=u32::MAX, 0..256_u32, any::<u32>());
    (what, numbers, "[a-zA-Z0-9_-]{1,30}").prop_map(|((action, flags), (seconds, hit_count, mask), name)| {
        let asks = matches!(action, RecentAction::Check | RecentAction::Update);
        let [negated, reap, ttl, source] = flags;
        Recent {
            action,
            negated,
            seconds: if asks { seconds } else { 0 },
            reap: asks && reap && seconds > 0,
            hit_count: if asks { hit_count } else { 0 },
            ttl: asks && ttl,
            name: name.as_str().into(),
            mask: Ipv4Addr::from_bits(mask),
            side: if source { SetDirection::Source } else { SetDirection::Destination },
        }
    })
}

/// The time for one packet, as it comes of a rate that people write: a number of packets in a second, minute, hour or day.
/// One that does not come out even is printed as a neighbouring rate, by iptables too.
fn period(scale: u64) -> impl Strategy<Value = (u64, u32)> {
    let unit = prop::sample::select(&[1_u32, 60, 3600, 86_400][..]);
    (unit, 1..=10_000_u64)
        .prop_filter("it comes out even", move |(seconds, amount)| {
            (scale * u64::from(*seconds)).is_multiple_of(*amount)
        })
        .prop_map(move |(seconds, amount)| (scale * u64::from(seconds) / amount, seconds))
}

fn hashlimit() -> impl Strategy<Value = Hashlimit> {
    let numbers = (1..=10_000_u64, 0..=99_u32, 0..=99_u32, 1..=2000_u32);
    let rest = (0..0x10_u8, 0..=32_u8, 0..=32_u8, any::<bool>(), of(1..=100_000_u32));
    (period(1_000_000), numbers, rest, "[a-zA-Z0-9_-]{1,30}").prop_map(
        |((period, seconds), (burst, size, most, collect), rest, name)| {
            let (fields, source_length, destination_length, above, expire) = rest;
            // Printed without it, the time is the unit of the printed rate.
            let expire = expire.unwrap_or(seconds * 1000);
            let (fields, name) = (HashlimitFields(fields), name.as_str().into());
            Hashlimit {
                period,
                above,
                burst,
                fields,
                name,
                size,
                most,
                collect,
                expire,
                source_length,
                destination_length,
            }
        },
    )
}

/// Matches that few rules have.
fn rare() -> impl Strategy<Value = Match> {
    let addresses = || {
        (any::<u32>(), any::<u32>()).prop_map(|(a, b)| AddressRange {
            first: Ipv4Addr::from_bits(a.min(b)),
            last: Ipv4Addr::from_bits(a.max(b)),
        })
    };
    let lengths = (any::<u16>(), any::<u16>()).prop_map(|(a, b)| LengthRange { first: a.min(b), last: a.max(b) });
    let ids = || (any::<u32>(), any::<u32>()).prop_map(|(a, b)| IdRange { first: a.min(b), last: a.max(b) });
    let physdev = (of(negatable(device())), of(negatable(device())), any::<[Option<bool>; 2]>(), any::<bool>());
    let ttl = (any::<u8>(), 0..4_u8).prop_map(|(value, kind)| match kind {
        0 => TtlMatch::Equal(value),
        1 => TtlMatch::Other(value),
        2 => TtlMatch::Less(value),
        _ => TtlMatch::Greater(value),
    });
    let kinds = [PacketType::Unicast, PacketType::Broadcast, PacketType::Multicast];
    prop_oneof![
        negatable((any::<u32>(), any::<u32>())).prop_map(Match::Connmark),
        recent().prop_map(|recent| Match::Recent(Box::new(recent))),
        (period(10_000), 1..=50_u32)
            .prop_map(|((period, _), burst)| Limit { period: period as u32, burst })
            .prop_filter("the kernel can count it", |limit| limit.period > 0 && limit.is_countable())
            .prop_map(Match::Limit),
        hashlimit().prop_map(|limit| Match::Hashlimit(Box::new(limit))),
        physdev.prop_map(|(in_device, out_device, [is_in, is_out], bridged)| {
            Match::Physdev(Box::new(Physdev { in_device, is_in, out_device, is_out, is_bridged: Some(bridged) }))
        }),
        (negatable(addresses()), of(negatable(addresses())))
            .prop_map(|(source, destination)| Match::Iprange(Iprange { source: Some(source), destination })),
        negatable(lengths).prop_map(Match::Length),
        ttl.prop_map(Match::Ttl),
        negatable(any::<(u8, u8)>()).prop_map(Match::Tos),
        negatable(0..64_u8).prop_map(Match::Dscp),
        negatable(prop::sample::select(kinds.to_vec())).prop_map(Match::Pkttype),
        "[a-zA-Z0-9_]{1,31}".prop_map(|name| Match::Nfacct(name.as_str().into())),
        (of(any::<bool>()), negatable(ids()), of(negatable(ids())))
            .prop_map(|(socket, user, group)| Match::Owner(Owner { socket, user: Some(user), group })),
        "-m string --string \"[ -!#-&(-Z]{0,20}\"( --algo (bm|kmp))?"
            .prop_map(|text| Match::Unknown(text.as_str().into())),
    ]
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
        (of(negatable(ports())), of(negatable(ports())))
            .prop_map(|(source, destination)| Match::Sctp(UdpMatch { source, destination })),
        (sides, prop::collection::vec(ports(), 1..7), any::<bool>())
            .prop_map(|(side, ports, negated)| Match::Multiport(Multiport { side, ports, negated })),
        negatable((0..255_u8, of(any::<u8>()))).prop_map(Match::Icmp),
        negatable((any::<u32>(), prop_oneof![Just(u32::MAX), any::<u32>()])).prop_map(Match::Mark),
        conntrack().prop_map(|found| Match::Conntrack(Box::new(found))),
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

/// Targets of table mangle that few rules have.
fn rare_target() -> impl Strategy<Value = Target> {
    let masks = any::<(u32, u32)>();
    let length = prop_oneof![
        Just(None),
        (1..=u32::MAX).prop_map(|length| Some(NflogLength::Range(length))),
        any::<u32>().prop_map(|length| Some(NflogLength::Size(length))),
    ];
    prop_oneof![
        (masks, 0..3_u8).prop_map(|((a, b), kind)| Target::Connmark(match kind {
            0 => Connmark::Set { value: a, mask: b },
            1 => Connmark::Save { nfmask: a, ctmask: b },
            _ => Connmark::Restore { nfmask: a, ctmask: b },
        })),
        ("[ -~]{0,63}", any::<(u16, u16)>(), length).prop_map(|(prefix, (group, threshold), length)| {
            Target::Nflog(NflogTarget { prefix: prefix.as_str().into(), group, length, threshold })
        }),
        any::<(u8, u8)>().prop_map(|(value, mask)| Target::Tos { value, mask }),
        (0..64_u8).prop_map(Target::Dscp),
        (1..=255_u8, 0..3_u8).prop_map(|(by, kind)| Target::Ttl(match kind {
            0 => TtlChange::Set(by),
            1 => TtlChange::Increase(by),
            _ => TtlChange::Decrease(by),
        })),
        any::<u16>().prop_map(|number| Target::Unknown(format!("NFQUEUE --queue-num {number}").into())),
    ]
}

/// A target, and a table that has it.
fn target() -> impl Strategy<Value = (TableName, Target)> {
    let reject = prop::sample::select(&RejectWith::NAMED[..]).prop_map(|(with, _)| Target::Reject(with));
    let log = ("[ -~]{0,29}", 0..8_u8, 0..0x10_u8)
        .prop_map(|(prefix, level, flags)| Target::Log(LogTarget { prefix: prefix.as_str().into(), level, flags }));
    let masquerade =
        (of(ports()), any::<bool>()).prop_map(|(ports, random_fully)| Target::Masquerade { ports, random_fully });
    let sides = [ZoneSide::Both, ZoneSide::Original, ZoneSide::Reply];
    let zone =
        (prop::sample::select(sides.to_vec()), of(any::<u16>())).prop_map(|(side, number)| CtZone { side, number });
    prop_oneof![
        prop_oneof![Just(Target::Continue), Just(Target::Accept), Just(Target::Drop), Just(Target::Return), log]
            .prop_map(|target| (TableName::Mangle, target)),
        any::<(u32, u32)>().prop_map(|(value, mask)| (TableName::Mangle, Target::Mark { value, mask })),
        rare_target().prop_map(|target| (TableName::Mangle, target)),
        prop_oneof![
            of(zone).prop_map(Target::Ct),
            any::<bool>().prop_map(|ct| Target::Notrack { ct }),
            Just(Target::Trace)
        ]
        .prop_map(|target| (TableName::Raw, target)),
        reject.prop_map(|target| (TableName::Filter, target)),
        prop_oneof![
            masquerade,
            of(ports()).prop_map(|ports| Target::Redirect { ports }),
            network().prop_map(Target::Netmap),
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
            Match::Sctp(_) => rule.header.protocol = needs(protocol::SCTP),
            Match::Icmp(_) => rule.header.protocol = needs(protocol::ICMP),
            _ => {}
        }
    }
    let ported = match &rule.target {
        Target::Dnat(range) | Target::Snat(range) => range.ports.is_some(),
        Target::Masquerade { ports, .. } | Target::Redirect { ports } => ports.is_some(),
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
        Match::Sctp(_) => protocol == Some(protocol::SCTP),
        Match::Icmp(_) => protocol == Some(protocol::ICMP),
        Match::Multiport(_) => matches!(protocol, Some(protocol::TCP | protocol::UDP | protocol::SCTP)),
        Match::Rpfilter(_) => matches!(table, TableName::Mangle | TableName::Raw),
        _ => true,
    });
    rule
}

proptest! {
    #[test]
    fn a_printed_rule_is_read_as_the_same_rule(
        header in header(),
        matches in prop::collection::vec(prop_oneof![found(), rare()], 0..4),
        (table, target) in target(),
    ) {
        let rule = possible(Rule { header, matches, target, provenance: None }, table);
        let mut rules = Ruleset::default();
        let chain = rules.table_mut(table).add_chain("some");
        let text = rule_text(&rule, rules.table(table));
        let command = format!("-t {table} -A some {text}");
        if let Err(error) = apply_with(&mut rules, &command, OnUnknown::Keep) {
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
