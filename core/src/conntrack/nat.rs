//! NAT bindings: setting one up for a connection, choosing its port, translating packets (`nf_nat_core.c`).

use std::net::Ipv4Addr;

use super::{Direction, EntryId, Jiffies, Layer4, Table, Tracked, Tuple};
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

impl Table {
    /// Whether the rules have been asked about this end of the connection.
    pub fn nat_done(&self, id: EntryId, manip: Manip) -> bool {
        self.get(id).is_none_or(|entry| match manip {
            Manip::Source => entry.status.src_nat_done,
            Manip::Destination => entry.status.dst_nat_done,
        })
    }

    /// Binds one end of an unconfirmed connection: to `range`, or to what it is already (a null binding) without one.
    /// False: no free port was found, and the packet is to be dropped (`nf_nat_setup_info`).
    pub fn bind(
        &mut self,
        id: EntryId,
        manip: Manip,
        range: Option<NatRange>,
        now: Jiffies,
        random: &mut Random,
    ) -> bool {
        let Some(entry) = self.get(id) else { return false };
        let current = entry.reply.inverted();
        let wanted = range.unwrap_or(NatRange { first: None, last: None, ports: None, random_fully: false });
        let Some(unique) = self.unique_tuple(id, current, wanted, manip, now, random) else { return false };
        let Some(entry) = self.get_mut(id) else { return false };
        if unique != current {
            entry.reply = unique.inverted();
        }
        let changed = unique != current;
        match manip {
            Manip::Source => {
                entry.status.src_nat |= changed;
                entry.status.src_nat_done = true;
            }
            Manip::Destination => {
                entry.status.dst_nat |= changed;
                entry.status.dst_nat_done = true;
            }
        }
        true
    }

    /// `get_unique_tuple`: the packet's own port if it lies in the range and nobody has it, else one that is free.
    fn unique_tuple(
        &self,
        own: EntryId,
        current: Tuple,
        range: NatRange,
        manip: Manip,
        now: Jiffies,
        random: &mut Random,
    ) -> Option<Tuple> {
        let mut tuple = current;
        if let (Some(first), Some(last)) = (range.first, range.last) {
            // The kernel spreads clients over the range by a hash of their address (`find_best_ips_proto`).
            let (first, last) = (first.to_bits(), last.to_bits().max(first.to_bits()));
            let spread = u64::from(current.source.to_bits()) * 0x9E37_79B1 % u64::from(last - first + 1);
            tuple.set_address(manip, Ipv4Addr::from_bits(first + spread as u32));
        }
        let free = |tuple: &Tuple| !self.is_taken(&tuple.inverted(), own, now);
        let in_range = |tuple: &Tuple| match (range.ports, tuple.key(manip)) {
            (Some(ports), Some(port)) => ports.contains(port),
            _ => true,
        };
        if !range.random_fully && in_range(&tuple) && free(&tuple) {
            return Some(tuple);
        }
        let Some(key) = tuple.key(manip) else { return Some(tuple) };
        let ports = range.ports.unwrap_or_else(|| match (manip, current.protocol, key) {
            // A destination port without a range is left alone, clash or not (`nf_nat_l4proto_unique_tuple`).
            (Manip::Destination, protocol::TCP | protocol::UDP, _) => PortRange::one(key),
            (_, protocol::TCP | protocol::UDP, 0..512) => PortRange { first: 1, last: 511 },
            (_, protocol::TCP | protocol::UDP, 512..1024) => PortRange { first: 600, last: 1023 },
            (_, protocol::TCP | protocol::UDP, _) => PortRange { first: 1024, last: u16::MAX },
            _ => PortRange { first: 0, last: u16::MAX },
        });
        let size = u32::from(ports.last - ports.first) + 1;
        let start = random.below(size);
        (0..size).find_map(|step| {
            tuple.set_key(manip, ports.first + ((start + step) % size) as u16);
            free(&tuple).then_some(tuple)
        })
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
        if let Body::Icmp(Icmp::Unreachable { about, .. } | Icmp::TimeExceeded { about, .. }) = &mut packet.body {
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
