//! NAT bindings: setting one up for a connection, choosing its port, translating packets (`nf_nat_core.c`).

use std::net::Ipv4Addr;

use super::zone::Key;
use super::{Direction, Entry, EntryId, Jiffies, Layer4, Table, Tracked, Tuple};
use crate::netfilter::{NatRange, PortRange};
use crate::packet::{Body, Icmp, Packet, protocol};
use crate::random::Random;

/// Which end of a packet is translated: `enum nf_nat_manip_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manip {
    /// The source: at POSTROUTING and INPUT.
    Source,
    /// The destination: at PREROUTING and OUTPUT.
    Destination,
}

/// What one end of a connection may become: `struct nf_nat_range2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The lowest address; `None` keeps the packet's.
    pub first: Option<Ipv4Addr>,
    /// The highest address, equal to `first` for a single one.
    pub last: Option<Ipv4Addr>,
    /// The ports; `None` keeps the packet's if it can.
    pub ports: Option<PortRange>,
    /// The port is not kept even where it could be.
    pub random_fully: bool,
    /// A client gets the same address of the range whatever its destination.
    pub persistent: bool,
}

impl From<NatRange> for Binding {
    fn from(range: NatRange) -> Self {
        let NatRange { first, last, ports, random_fully, .. } = range;
        Self { first, last, ports, random_fully, persistent: false }
    }
}

impl Binding {
    /// Whether the source of a tuple lies in the range (`nf_in_range`).
    fn holds(&self, tuple: &Tuple) -> bool {
        let address = match (self.first, self.last) {
            (Some(first), Some(last)) => (first..=last).contains(&tuple.source),
            _ => true,
        };
        address
            && match (self.ports, tuple.key(Manip::Source)) {
                (Some(ports), Some(key)) => ports.contains(key),
                _ => true,
            }
    }
}

/// What connections of one source have in common (`hash_by_src`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SourceKey {
    address: Ipv4Addr,
    key: Option<u16>,
    protocol: u8,
    zone: u16,
}

impl SourceKey {
    fn of(tuple: &Tuple, zone: u16) -> Self {
        Self { address: tuple.source, key: tuple.key(Manip::Source), protocol: tuple.protocol, zone }
    }
}

/// The address of a range that a client gets: the kernel's own hash, which has no seed (`find_best_ips_proto`).
fn spread(first: Ipv4Addr, last: Ipv4Addr, tuple: &Tuple, persistent: bool, zone: u16) -> Ipv4Addr {
    if first == last {
        return first;
    }
    // The kernel hashes the addresses as they lie in memory; every machine here is little-endian.
    let raw = |address: Ipv4Addr| u32::from_le_bytes(address.octets());
    let seed = if persistent { 0 } else { raw(tuple.destination) ^ u32::from(zone) };
    let hash = jhash_of_one(raw(tuple.source), seed);
    let size = last.to_bits().wrapping_sub(first.to_bits()).wrapping_add(1);
    let place = (u64::from(hash) * u64::from(size)) >> 32;
    Ipv4Addr::from_bits(first.to_bits().wrapping_add(place as u32))
}

/// Bob Jenkins's hash of one word (`jhash2` of `linux/jhash.h`).
fn jhash_of_one(word: u32, seed: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(4).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start.wrapping_add(word), start, start);
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

impl Table {
    /// Whether the rules have been asked about this end of the connection.
    pub fn nat_done(&self, id: EntryId, manip: Manip) -> bool {
        self.get(id).is_none_or(|entry| match manip {
            Manip::Source => entry.status.src_nat_done,
            Manip::Destination => entry.status.dst_nat_done,
        })
    }

    /// Binds one end of an unconfirmed connection: within `binding`, or to what it is already (a null binding) without
    /// one (`nf_nat_setup_info`). A tuple that somebody has is bound all the same where no other is found: then the
    /// packet will be dropped at confirmation.
    pub fn bind(
        &mut self,
        id: EntryId,
        manip: Manip,
        binding: Option<Binding>,
        now: Jiffies,
        random: &mut Random,
    ) -> bool {
        let Some(entry) = self.get(id) else { return false };
        let current = entry.reply.inverted();
        let unique = self.unique_tuple(id, current, &binding.unwrap_or_default(), manip, now, random);
        let Some(entry) = self.get_mut(id) else { return false };
        let changed = unique != current;
        if changed {
            entry.reply = unique.inverted();
        }
        match manip {
            Manip::Source => {
                entry.status.src_nat |= changed;
                entry.status.src_nat_done = true;
                self.note_source(id);
            }
            Manip::Destination => {
                entry.status.dst_nat |= changed;
                entry.status.dst_nat_done = true;
            }
        }
        true
    }

    /// `get_unique_tuple`: the packet's own if it lies in the range and nobody has it, else one that is free.
    fn unique_tuple(
        &mut self,
        own: EntryId,
        current: Tuple,
        binding: &Binding,
        manip: Manip,
        now: Jiffies,
        random: &mut Random,
    ) -> Tuple {
        if manip == Manip::Source && !binding.random_fully {
            if binding.holds(&current) {
                if self.is_free(&current, own, now) {
                    return current;
                }
            } else if let Some(mapped) = self.mapped_alike(own, &current, binding)
                && self.is_free(&mapped, own, now)
            {
                return mapped;
            }
        }
        let mut tuple = current;
        if let (Some(first), Some(last)) = (binding.first, binding.last) {
            tuple.set_address(manip, spread(first, last, &current, binding.persistent, self.zone_of(own)));
        }
        if !binding.random_fully {
            let suits = match (binding.ports, tuple.key(manip)) {
                (Some(ports), Some(key)) => {
                    ports.contains(key) && (ports.first == ports.last || self.is_free(&tuple, own, now))
                }
                (Some(_), None) => true,
                (None, _) => self.is_free(&tuple, own, now),
            };
            if suits {
                return tuple;
            }
        }
        self.unique_port(own, tuple, binding, manip, now, random)
    }

    /// `nf_nat_l4proto_unique_tuple`: at most 128 tries from a random port on, then half as many from another one, down
    /// to fewer than 16; the last one tried, taken or not.
    fn unique_port(
        &mut self,
        own: EntryId,
        mut tuple: Tuple,
        binding: &Binding,
        manip: Manip,
        now: Jiffies,
        random: &mut Random,
    ) -> Tuple {
        const MOST: u32 = 128;
        let Some(key) = tuple.key(manip) else { return tuple };
        let ports = match (binding.ports, manip, tuple.protocol) {
            (Some(ports), ..) => ports,
            (None, _, protocol::ICMP) => PortRange { first: 0, last: u16::MAX },
            // A destination port without a range is left alone, clash or not.
            (None, Manip::Destination, _) => return tuple,
            (None, ..) if key < 512 => PortRange { first: 1, last: 511 },
            (None, ..) if key < 1024 => PortRange { first: 600, last: 1023 },
            (None, ..) => PortRange { first: 1024, last: u16::MAX },
        };
        let (first, last) = (ports.first.min(ports.last), ports.first.max(ports.last));
        let size = u32::from(last - first) + 1;
        let mut offset = random.below(1 << 16) as u16;
        let mut attempts = size.min(MOST);
        loop {
            for _ in 0..attempts {
                tuple.set_key(manip, first.wrapping_add((u32::from(offset) % size) as u16));
                if self.is_free(&tuple, own, now) {
                    return tuple;
                }
                offset = offset.wrapping_add(1);
            }
            if attempts >= size || attempts < 16 {
                return tuple;
            }
            attempts /= 2;
            offset = random.below(1 << 16) as u16;
        }
    }

    /// Another connection from the same source that is mapped into the range already: its mapping serves again
    /// (`find_appropriate_src`).
    fn mapped_alike(&self, own: EntryId, current: &Tuple, binding: &Binding) -> Option<Tuple> {
        let key = SourceKey::of(current, self.zone_of(own));
        let chain = std::iter::successors(self.by_source.get(&key).copied(), |id| self.get(*id)?.next_by_source);
        let mut mapped = chain.filter_map(|id| {
            let mut tuple = *current;
            let there = self.get(id)?.reply.inverted();
            tuple.source = there.source;
            if let Some(key) = there.key(Manip::Source) {
                tuple.set_key(Manip::Source, key);
            }
            Some(tuple)
        });
        mapped.find(|tuple| binding.holds(tuple))
    }

    /// Puts a connection at the head of those from its source.
    pub(super) fn note_source(&mut self, id: EntryId) {
        let Some(entry) = self.get(id).filter(|entry| entry.status.src_nat_done) else { return };
        let key = SourceKey::of(&entry.original, entry.zone.of(Direction::Original));
        let next = self.by_source.insert(key, id);
        if let Some(entry) = self.get_mut(id) {
            entry.next_by_source = next;
        }
    }

    /// Takes a connection, which is no longer in its slot, out of those from its source.
    pub(super) fn forget_source(&mut self, id: EntryId, entry: &Entry) {
        if !entry.status.src_nat_done {
            return;
        }
        let key = SourceKey::of(&entry.original, entry.zone.of(Direction::Original));
        let Some(first) = self.by_source.get(&key).copied() else { return };
        if first == id {
            match entry.next_by_source {
                Some(next) => self.by_source.insert(key, next),
                None => self.by_source.remove(&key),
            };
            return;
        }
        let mut at = first;
        while let Some(before) = self.get_mut(at) {
            match before.next_by_source {
                Some(next) if next == id => {
                    before.next_by_source = entry.next_by_source;
                    return;
                }
                Some(next) => at = next,
                None => return,
            }
        }
    }

    fn zone_of(&self, id: EntryId) -> u16 {
        self.get(id).map_or(0, |entry| entry.zone.of(Direction::Original))
    }

    /// Whether no other connection expects answers to packets of this tuple (`nf_nat_used_tuple`). A second packet of
    /// the same flow is not "another": confirmation tells them apart.
    fn is_free(&mut self, tuple: &Tuple, own: EntryId, now: Jiffies) -> bool {
        let Some(entry) = self.get(own) else { return true };
        let (zone, original) = (entry.zone, entry.original);
        let key = Key { tuple: tuple.inverted(), zone: zone.of(Direction::Reply) };
        let taken = self.at(&key).is_some_and(|(id, _)| {
            let holder = self.get(id).filter(|holder| id != own && holder.expires > now);
            holder.is_some_and(|holder| (holder.original, holder.zone) != (original, zone))
        });
        self.stats.found += u64::from(taken);
        !taken
    }

    /// Translates one end of a packet of a tracked connection, if its connection says so (`nf_nat_packet`). True if the
    /// packet changed.
    pub fn translate(&self, tracked: Tracked, manip: Manip, packet: &mut Packet) -> bool {
        let Some(entry) = self.get(tracked.entry) else { return false };
        let applies = match (manip, tracked.direction) {
            (Manip::Source, Direction::Original) | (Manip::Destination, Direction::Reply) => entry.status.src_nat,
            (Manip::Destination, Direction::Original) | (Manip::Source, Direction::Reply) => entry.status.dst_nat,
        };
        if !applies {
            return false;
        }
        let other = entry.tuple(tracked.direction.flipped());
        let mut changed = false;
        if let Body::Icmp(message) = &mut packet.body
            && let Some(about) = message.about_mut()
        {
            // An error quotes the packet as this side knows it: its other end is put back (`nf_nat_icmp_reply_translation`).
            changed |= match manip {
                Manip::Source => set_end(about, Manip::Destination, other),
                Manip::Destination => set_end(about, Manip::Source, other),
            };
        }
        changed | set_end(packet, manip, &other.inverted())
    }
}

/// Gives one end of a packet the address and port that `tuple` has there. True if the packet changed.
fn set_end(packet: &mut Packet, manip: Manip, tuple: &Tuple) -> bool {
    let address = match manip {
        Manip::Source => replace(&mut packet.source, tuple.source),
        Manip::Destination => replace(&mut packet.destination, tuple.destination),
    };
    let key = match (&mut packet.body, tuple.layer4) {
        (Body::Tcp(tcp), Layer4::Ports { source, destination }) => match manip {
            Manip::Source => replace(&mut tcp.source, source),
            Manip::Destination => replace(&mut tcp.destination, destination),
        },
        (Body::Udp(udp), Layer4::Ports { source, destination }) => match manip {
            Manip::Source => replace(&mut udp.source, source),
            Manip::Destination => replace(&mut udp.destination, destination),
        },
        (
            Body::Icmp(Icmp::EchoRequest { id, .. } | Icmp::EchoReply { id, .. }),
            Layer4::Icmp { id: translated, .. },
        ) => replace(id, translated),
        _ => false,
    };
    address | key
}

/// Puts `new` into `place`. True if that is a change.
fn replace<T: PartialEq>(place: &mut T, new: T) -> bool {
    let changed = *place != new;
    *place = new;
    changed
}

impl Tuple {
    fn set_address(&mut self, manip: Manip, address: Ipv4Addr) {
        match manip {
            Manip::Source => self.source = address,
            Manip::Destination => self.destination = address,
        }
    }

    /// What NAT may change to make a tuple unique: a port, or an echo's identifier.
    fn key(&self, manip: Manip) -> Option<u16> {
        match self.layer4 {
            Layer4::Ports { source, destination } => Some(match manip {
                Manip::Source => source,
                Manip::Destination => destination,
            }),
            Layer4::Icmp { id, .. } => Some(id),
            Layer4::None => None,
        }
    }

    fn set_key(&mut self, manip: Manip, key: u16) {
        match &mut self.layer4 {
            Layer4::Ports { source, destination } => match manip {
                Manip::Source => *source = key,
                Manip::Destination => *destination = key,
            },
            Layer4::Icmp { id, .. } => *id = key,
            Layer4::None => {}
        }
    }
}
