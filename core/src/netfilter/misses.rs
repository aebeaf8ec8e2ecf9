//! The rules that a walk has passed without a match, and which of their conditions did not hold.

use std::sync::Arc;

use super::evaluate;
use super::text::{match_text, rule_with};
use super::walk::{CtView, View};
use super::{
    Chain, CtStates, Header, Match, Negatable, Provenance, Rule, SharedRules, Table, TableName, Target, TcpMatch,
    UdpMatch,
};
use crate::packet::{Body, DeviceName, DevicePattern, Packet, protocol};

/// A packet as rules saw it in one table at one hook.
#[derive(Clone, Debug)]
pub struct Seen {
    packet: Packet,
    in_device: Option<DeviceName>,
    out_device: Option<DeviceName>,
    ct: Option<CtView>,
}

impl Seen {
    /// A copy of what a walk looks at.
    pub fn of(view: &View<'_>) -> Self {
        let View { packet, in_device, out_device, ct } = *view;
        Self { packet: packet.clone(), in_device, out_device, ct }
    }
}

/// Rules of one chain, next to each other, none of which matched. Which condition failed is worked out when it is asked for:
/// recording costs nothing for each rule.
#[derive(Clone, Debug)]
pub struct Misses {
    /// The number of the first, from 1.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
    /// Of those that the index left to be tried, the place from 0 and the match that failed; none for the header.
    pub(super) tried: Vec<(u32, Option<u32>)>,
    pub(super) rules: SharedRules,
    pub(super) mark: u32,
    /// The packet; the walk does not know how to share it, whoever watches does.
    pub seen: Option<Arc<Seen>>,
}

/// A rule that did not match.
#[derive(Clone, Debug)]
pub struct Miss<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// The condition that failed, such as `--dport 443`; none where the model cannot tell: then the index is wrong.
    pub clause: Option<String>,
    /// What the packet has in its place, such as `80`; empty where the condition says all there is to say.
    pub instead: String,
    /// Who wrote the rule.
    pub by: Option<&'a Provenance>,
    /// Its comment, where it has one.
    pub comment: Option<&'a str>,
}

impl Misses {
    /// How many rules.
    pub const fn count(&self) -> usize {
        (self.last - self.first + 1) as usize
    }

    /// How many of them were tried; the index knew of the others that they could not match.
    pub fn tried(&self) -> usize {
        self.tried.len()
    }

    /// Every one of them, with the condition that fails when the rule is tried as the kernel tries it.
    pub fn all(&self) -> impl Iterator<Item = Miss<'_>> {
        (self.first - 1..self.last).filter_map(|at| Some(self.miss(at, self.rules.get(at as usize)?)))
    }

    fn miss<'a>(&self, at: u32, rule: &'a Rule) -> Miss<'a> {
        let recorded = self.tried.binary_search_by_key(&at, |(at, _)| *at).ok().and_then(|found| self.tried[found].1);
        let found = self.seen.as_deref().and_then(|seen| {
            header(&rule.header, seen).or_else(|| match recorded {
                // What was tried is believed: what it hung on may be another by now.
                Some(failed) => rule.matches.get(failed as usize).map(|one| clause(one, seen, self.mark)),
                None => rule.matches.iter().find_map(|one| {
                    (plainly(one, seen, self.mark) == Some(false)).then(|| clause(one, seen, self.mark))
                }),
            })
        });
        let (clause, instead) = found.map_or((None, String::new()), |(clause, instead)| (Some(clause), instead));
        let comment = rule.matches.iter().find_map(|one| match one {
            Match::Comment(text) => Some(&**text),
            _ => None,
        });
        Miss { number: at + 1, clause, instead, by: rule.provenance.as_deref(), comment }
    }
}

impl Chain {
    /// Those of its rules that a walk has passed, from place `from` to before `to`.
    pub(super) fn misses(&self, from: usize, to: usize, tried: Vec<(u32, Option<u32>)>, mark: u32) -> Misses {
        let (first, last) = (from as u32 + 1, to as u32);
        Misses { first, last, tried, rules: self.shared_rules(), mark, seen: None }
    }
}

/// The condition of a header that fails, in the order in which the kernel looks.
fn header(header: &Header, seen: &Seen) -> Option<(String, String)> {
    let packet = &seen.packet;
    let address =
        |wanted: Option<Negatable<ipnet::Ipv4Net>>, own| wanted.is_some_and(|one| !one.holds(one.value.contains(&own)));
    let device = |wanted: Option<Negatable<DevicePattern>>, own: Option<DeviceName>| {
        wanted.is_some_and(|one| !one.holds(own.is_some_and(|own| one.value.matches(own))))
    };
    let named = |device: Option<DeviceName>| device.map_or_else(|| "none".to_owned(), |device| device.to_string());
    let only = |header: Header, instead: String| Some((header_text(header), instead));
    let nothing = Header::default();
    if address(header.source, packet.source) {
        return only(Header { source: header.source, ..nothing }, packet.source.to_string());
    }
    if address(header.destination, packet.destination) {
        return only(Header { destination: header.destination, ..nothing }, packet.destination.to_string());
    }
    if device(header.in_device, seen.in_device) {
        return only(Header { in_device: header.in_device, ..nothing }, named(seen.in_device));
    }
    if device(header.out_device, seen.out_device) {
        return only(Header { out_device: header.out_device, ..nothing }, named(seen.out_device));
    }
    let own = packet.protocol();
    if header.protocol.is_some_and(|wanted| !wanted.holds(wanted.value == own)) {
        let name = protocol::name(own).map_or_else(|| own.to_string(), str::to_owned);
        return only(Header { protocol: header.protocol, ..nothing }, name);
    }
    None
}

fn header_text(header: Header) -> String {
    let rule = Rule { header, matches: Vec::new(), target: Target::Continue, provenance: None };
    // The table is for the names of chains, and there is none in it.
    rule_with(&rule, &Table::new(TableName::Filter), "").trim().to_owned()
}

/// Whether a match that depends on nothing but the packet holds; nothing for any other.
fn plainly(one: &Match, seen: &Seen, mark: u32) -> Option<bool> {
    let ports = seen.packet.ports();
    Some(match one {
        Match::Comment(_) => true,
        Match::Tcp(tcp) => {
            let segment = seen.packet.tcp();
            segment.is_some_and(|segment| {
                tcp.source.is_none_or(|wanted| wanted.holds(wanted.value.contains(segment.source)))
                    && tcp.destination.is_none_or(|wanted| wanted.holds(wanted.value.contains(segment.destination)))
                    && tcp
                        .flags
                        .is_none_or(|wanted| wanted.holds(segment.flags.0 & wanted.value.0.0 == wanted.value.1.0))
            })
        }
        Match::Udp(udp) => ports.filter(|_| matches!(seen.packet.body, Body::Udp(_))).is_some_and(|(from, to)| {
            udp.source.is_none_or(|wanted| wanted.holds(wanted.value.contains(from)))
                && udp.destination.is_none_or(|wanted| wanted.holds(wanted.value.contains(to)))
        }),
        Match::Sctp(sctp) => evaluate::sctp(sctp, &seen.packet),
        Match::Mark(wanted) => wanted.holds(mark & wanted.value.1 == wanted.value.0),
        _ => return None,
    })
}

/// The part of a match that fails, and what the packet has in its place.
fn clause(one: &Match, seen: &Seen, mark: u32) -> (String, String) {
    let text = |one: &Match| {
        let text = match_text(one);
        ["-m tcp ", "-m udp ", "-m mark ", "-m multiport ", "-m conntrack ", "-m addrtype "]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix).map(str::to_owned))
            .unwrap_or(text)
    };
    let ports = seen.packet.ports();
    let missing = || protocol::name(seen.packet.protocol()).unwrap_or("another protocol").to_owned();
    match one {
        Match::Tcp(tcp) => {
            let Some(segment) = seen.packet.tcp() else { return ("-m tcp".to_owned(), missing()) };
            let part = |part: TcpMatch| text(&Match::Tcp(part));
            if let Some(wanted) = tcp.source.filter(|wanted| !wanted.holds(wanted.value.contains(segment.source))) {
                return (part(TcpMatch { source: Some(wanted), ..TcpMatch::default() }), segment.source.to_string());
            }
            if let Some(wanted) =
                tcp.destination.filter(|wanted| !wanted.holds(wanted.value.contains(segment.destination)))
            {
                let only = TcpMatch { destination: Some(wanted), ..TcpMatch::default() };
                return (part(only), segment.destination.to_string());
            }
            (part(TcpMatch { flags: tcp.flags, ..TcpMatch::default() }), segment.flags.to_string())
        }
        Match::Udp(udp) => {
            let Some((from, to)) = ports.filter(|_| matches!(seen.packet.body, Body::Udp(_))) else {
                return ("-m udp".to_owned(), missing());
            };
            let part = |part: UdpMatch| text(&Match::Udp(part));
            if let Some(wanted) = udp.source.filter(|wanted| !wanted.holds(wanted.value.contains(from))) {
                return (part(UdpMatch { source: Some(wanted), ..UdpMatch::default() }), from.to_string());
            }
            (part(UdpMatch { destination: udp.destination, ..UdpMatch::default() }), to.to_string())
        }
        Match::Multiport(_) => {
            let both = ports.map_or_else(missing, |(from, to)| format!("{from} to {to}"));
            (text(one), both)
        }
        Match::Mark(_) => (text(one), format!("{mark:#x}")),
        Match::Conntrack(_) | Match::State(_) => {
            let states = seen.ct.map(|ct| CtStates::from(ct.state));
            let name = states.and_then(|states| CtStates::NAMED.iter().find(|(known, _)| *known == states));
            (text(one), name.map_or("INVALID", |(_, name)| name).to_owned())
        }
        Match::Addrtype(wanted) => {
            let (source, destination) = (seen.packet.source, seen.packet.destination);
            let both = match (wanted.source.is_some(), wanted.destination.is_some()) {
                (true, false) => source.to_string(),
                (false, _) => destination.to_string(),
                (true, true) => format!("{source} to {destination}"),
            };
            (text(one), both)
        }
        Match::Statistic(_) => (text(one), "chance said no".to_owned()),
        Match::Set(_) => (text(one), format!("{} to {}", seen.packet.source, seen.packet.destination)),
        Match::Icmp(_) => (text(one), missing()),
        _ => (text(one), String::new()),
    }
}
