//! The index of a chain: which of its rules a packet can match at all.
//!
//! A rule that wants one exact address, one protocol, one destination port or one device cannot match a packet that has
//! another. Rules that want the same of these *fields* have the same [`Shape`]; an index has, for each shape that is
//! frequent in the chain, the rules by the values they want. What is left are the rules that it knows nothing of. A walk
//! looks its packet's values up once for each shape and merges the lists it finds in ascending order.
//!
//! The candidates may be too many, never too few: each is evaluated in full, as the plain walk does. Leaving a rule out is
//! safe because what it is left out for is compared before anything in it that has an effect ([`Key::of_rule`]), and
//! because no target changes these fields of a packet in mid-walk.

use std::hash::Hasher;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHasher};

use super::walk::View;
use super::{Match, Negatable, PortRange, Rule};
use crate::packet::{DeviceName, DevicePattern, protocol};

/// Chains with fewer rules are walked as they are. Trying a rule that does not match takes about 4.5 ns; looking three
/// shapes up takes as long as trying seven rules.
const WORTH_IT: usize = 8;
/// A shape of fewer rules is not looked up; its rules are left to be tried. A look-up takes about 8 ns.
const FREQUENT: usize = 4;
/// The most shapes of an index: a look-up for each is made whenever a packet enters the chain.
const SHAPES: usize = 7;

/// What of a packet the index looks at, or what of it a rule wants to be so and not otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    source: Option<u32>,
    destination: Option<u32>,
    protocol: Option<u8>,
    destination_port: Option<u16>,
    in_device: Option<DeviceName>,
    out_device: Option<DeviceName>,
}

impl Key {
    /// That of a packet.
    pub(super) fn of_packet(view: &View<'_>) -> Self {
        Self {
            source: Some(view.packet.source.to_bits()),
            destination: Some(view.packet.destination.to_bits()),
            protocol: Some(view.packet.protocol()),
            destination_port: view.packet.ports().map(|(_, destination)| destination),
            in_device: view.in_device,
            out_device: view.out_device,
        }
    }

    /// What a rule wants. The header is compared before all matches, so its fields always count. Those of a match count
    /// only if everything before it is free of effects: a `statistic` before `-m tcp` draws its number whatever the port.
    fn of_rule(rule: &Rule) -> Self {
        let header = &rule.header;
        let address = |wanted: Option<Negatable<ipnet::Ipv4Net>>| {
            let network = plain(wanted)?;
            (network.prefix_len() == 32).then(|| network.addr().to_bits())
        };
        let device = |wanted: Option<Negatable<DevicePattern>>| plain(wanted)?.exact();
        let mut key = Self {
            source: address(header.source),
            destination: address(header.destination),
            protocol: plain(header.protocol),
            destination_port: None,
            in_device: device(header.in_device),
            out_device: device(header.out_device),
        };
        for one in rule.matches.iter().take_while(|one| is_free_of_effects(one)) {
            let (number, ports) = match one {
                Match::Tcp(options) => (protocol::TCP, options.destination),
                Match::Udp(options) => (protocol::UDP, options.destination),
                _ => continue,
            };
            // A rule with both matches, or with another `-p`, matches nothing, wherever it is found.
            key.protocol = Some(number);
            key.destination_port = plain(ports).and_then(one_port).or(key.destination_port);
        }
        key
    }

    const fn shape(&self) -> Shape {
        Shape(
            (self.source.is_some() as u8)
                | (self.destination.is_some() as u8) << 1
                | (self.protocol.is_some() as u8) << 2
                | (self.destination_port.is_some() as u8) << 3
                | (self.in_device.is_some() as u8) << 4
                | (self.out_device.is_some() as u8) << 5,
        )
    }

    /// A number for the values of the fields of `shape`. Two keys with one number are one to the index: that makes a
    /// candidate too many, and nothing else.
    fn hash(&self, shape: Shape) -> u64 {
        let mut hasher = FxHasher::default();
        let small = [
            self.source.filter(|_| shape.has(0)),
            self.destination.filter(|_| shape.has(1)),
            self.protocol.filter(|_| shape.has(2)).map(u32::from),
            self.destination_port.filter(|_| shape.has(3)).map(u32::from),
        ];
        hasher.write_u8(shape.0);
        for value in small.into_iter().flatten() {
            hasher.write_u32(value);
        }
        let devices = [self.in_device.filter(|_| shape.has(4)), self.out_device.filter(|_| shape.has(5))];
        for device in devices.into_iter().flatten() {
            hasher.write_u128(device.to_bits());
        }
        hasher.finish()
    }
}

/// The condition, if no `!` stands before it.
fn plain<T>(wanted: Option<Negatable<T>>) -> Option<T> {
    wanted.filter(|wanted| !wanted.negated).map(|wanted| wanted.value)
}

fn one_port(range: PortRange) -> Option<u16> {
    (range.first == range.last).then_some(range.first)
}

/// Whether nothing is changed by trying a match. One that is not named here is taken to have effects, which costs no more
/// than a candidate.
const fn is_free_of_effects(one: &Match) -> bool {
    matches!(
        one,
        Match::Comment(_)
            | Match::Tcp(_)
            | Match::Udp(_)
            | Match::Multiport(_)
            | Match::Icmp(_)
            | Match::Mark(_)
            | Match::Conntrack(_)
            | Match::State(_)
            | Match::Addrtype(_)
            | Match::Set(_)
            | Match::Rpfilter(_)
    )
}

/// A set of the fields of a [`Key`], one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape(u8);

impl Shape {
    /// Every set of fields.
    const ALL: usize = 1 << 6;

    const fn has(self, field: u8) -> bool {
        self.0 & 1 << field != 0
    }

    const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// The rules of one chain by what they want.
#[derive(Debug)]
pub(super) struct Index {
    /// The shapes that are looked up.
    shapes: Vec<Shape>,
    /// The numbers of the rules, from 0: those of one key next to each other and ascending.
    numbers: Vec<u32>,
    /// Where in `numbers` the rules of a key are.
    by_key: FxHashMap<u64, Range<u32>>,
    /// The rules of no shape that is looked up, ascending.
    rest: Vec<u32>,
}

impl Index {
    /// The index of a chain of these rules; `None` where it would be of no use.
    pub(super) fn of(rules: &[Rule]) -> Option<Self> {
        if rules.len() < WORTH_IT {
            return None;
        }
        let keys: Vec<_> = rules.iter().map(Key::of_rule).collect();
        let mut frequency = [0; Shape::ALL];
        for key in &keys {
            frequency[key.shape().0 as usize] += 1;
        }
        let mut shapes: Vec<_> = (1..Shape::ALL as u8).filter(|&shape| frequency[shape as usize] >= FREQUENT).collect();
        shapes.sort_by_key(|&shape| std::cmp::Reverse(frequency[shape as usize]));
        shapes.truncate(SHAPES);
        if shapes.is_empty() {
            return None;
        }
        let (mut found, mut rest) = (Vec::with_capacity(rules.len()), Vec::new());
        for (number, key) in keys.iter().enumerate() {
            let shape = key.shape();
            if shapes.contains(&shape.0) {
                found.push((key.hash(shape), number as u32));
            } else {
                rest.push(number as u32);
            }
        }
        found.sort_unstable();
        let mut by_key = FxHashMap::with_capacity_and_hasher(found.len(), rustc_hash::FxBuildHasher);
        let mut start = 0;
        for same in found.chunk_by(|(a, _), (b, _)| a == b) {
            let end = start + same.len() as u32;
            by_key.insert(same[0].0, start..end);
            start = end;
        }
        let numbers = found.into_iter().map(|(_, number)| number).collect();
        Some(Self { shapes: shapes.into_iter().map(Shape).collect(), numbers, by_key, rest })
    }

    /// The rules from number `from` on that a packet with these values may match, ascending.
    pub(super) fn candidates(&self, key: &Key, from: usize) -> Candidates<'_> {
        let mut found = Merged { lists: [&[]; SHAPES + 1], count: 0 };
        let own = key.shape();
        found.add(&self.rest, from);
        for &shape in self.shapes.iter().filter(|shape| shape.is_within(own)) {
            if let Some(span) = self.by_key.get(&key.hash(shape)) {
                found.add(&self.numbers[span.start as usize..span.end as usize], from);
            }
        }
        Candidates::Merged(found)
    }
}

/// The numbers of the rules to try, from 0, ascending.
#[derive(Debug)]
pub(super) enum Candidates<'a> {
    /// One after the other.
    All(Range<usize>),
    /// Those that an index has found.
    Merged(Merged<'a>),
}

/// Ascending lists, as one. No rule is in two of them.
#[derive(Debug)]
pub(super) struct Merged<'a> {
    lists: [&'a [u32]; SHAPES + 1],
    count: usize,
}

impl<'a> Merged<'a> {
    /// Adds a list, without the numbers below `from`.
    fn add(&mut self, list: &'a [u32], from: usize) {
        let skipped = if from == 0 { 0 } else { list.partition_point(|&number| (number as usize) < from) };
        if skipped < list.len() {
            self.lists[self.count] = &list[skipped..];
            self.count += 1;
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::All(range) => range.next(),
            Self::Merged(merged) => {
                let lists = &mut merged.lists[..merged.count];
                let (first, list) =
                    lists.iter_mut().filter_map(|list| Some((*list.first()?, list))).min_by_key(|(n, _)| *n)?;
                *list = &list[1..];
                Some(first as usize)
            }
        }
    }
}
