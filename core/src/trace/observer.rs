//! Who is told what happens: nobody, or a recorder.

use std::sync::Arc;

use super::{End, Hop, PacketId, PacketTrace, Place, RuleHit, Step};
use crate::Time;
use crate::map::IndexMap;
use crate::netfilter::text::rule_text;
use crate::netfilter::walk::{self, View, Watch};
use crate::netfilter::{Hook, Misses, Policy, Seen, Table};
use crate::packet::{DeviceName, Packet};

/// A hop that is being recorded. Only the observer that gave it out can read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopRef(u32);

/// Where a packet begins a hop.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When.
    pub time: Time,
    /// The namespace.
    pub place: &'a Place,
    /// The packet's identity.
    pub id: PacketId,
    /// The device it came in on.
    pub in_device: Option<DeviceName>,
    /// The packet.
    pub packet: &'a Packet,
}

/// What the engine tells as it goes. An observer that does not record costs nothing: no step is even made.
pub trait Observer {
    /// Whether anything is kept.
    const RECORDS: bool;
    /// A packet has come into a namespace, or been made in it.
    fn open(&mut self, arrival: Arrival<'_>) -> HopRef;
    /// Something happened to it.
    fn step(&mut self, hop: HopRef, step: impl FnOnce() -> Step);
    /// Its stay is over.
    fn close(&mut self, hop: HopRef, out_device: Option<DeviceName>, packet: &Packet, end: impl FnOnce() -> End);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    const RECORDS: bool = false;

    fn open(&mut self, _: Arrival<'_>) -> HopRef {
        // No recorder has so many: one that is handed it by mistake ignores it.
        HopRef(u32::MAX)
    }

    fn step(&mut self, _: HopRef, _: impl FnOnce() -> Step) {}

    fn close(&mut self, _: HopRef, _: Option<DeviceName>, _: &Packet, _: impl FnOnce() -> End) {}
}

/// Keeps everything.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    hops: Vec<(PacketId, Hop)>,
}

impl Recorder {
    /// The packets, by first appearance, each with its hops in order.
    pub fn into_packets(self) -> Vec<PacketTrace> {
        let mut packets: IndexMap<PacketId, PacketTrace> = IndexMap::default();
        for (id, hop) in self.hops {
            packets.entry(id).or_insert_with(|| PacketTrace { id, hops: Vec::new() }).hops.push(hop);
        }
        packets.into_values().collect()
    }
}

impl Observer for Recorder {
    const RECORDS: bool = true;

    fn open(&mut self, arrival: Arrival<'_>) -> HopRef {
        let hop = Hop {
            time: arrival.time,
            place: arrival.place.clone(),
            in_device: arrival.in_device,
            out_device: None,
            before: arrival.packet.clone(),
            after: arrival.packet.clone(),
            steps: Vec::new(),
            end: End::Sent { to: None },
            why: None,
        };
        self.hops.push((arrival.id, hop));
        HopRef(self.hops.len() as u32 - 1)
    }

    fn step(&mut self, hop: HopRef, step: impl FnOnce() -> Step) {
        if let Some((_, hop)) = self.hops.get_mut(hop.0 as usize) {
            hop.steps.push(step());
        }
    }

    fn close(&mut self, hop: HopRef, out_device: Option<DeviceName>, packet: &Packet, end: impl FnOnce() -> End) {
        if let Some((_, hop)) = self.hops.get_mut(hop.0 as usize) {
            hop.out_device = out_device;
            hop.after = packet.clone();
            hop.end = end();
        }
    }
}

/// Hands what a walk does to an observer, as steps of one hop.
#[derive(Debug)]
pub struct HopWatch<'a, O> {
    /// Who is told.
    pub observer: &'a mut O,
    /// The hop.
    pub hop: HopRef,
    /// The packet as the walk sees it, once somebody wants to know.
    pub seen: Option<Arc<Seen>>,
}

impl<O: Observer> Watch for HopWatch<'_, O> {
    const WATCHES: bool = O::RECORDS;

    fn rule(&mut self, table: &Table, hook: Hook, place: walk::Place<'_>, (mark, mark_after): (u32, u32)) {
        self.observer.step(self.hop, || {
            Step::Rule(RuleHit {
                hook,
                table: table.name,
                chain: place.chain.name.clone(),
                number: place.at as u32 + 1,
                rule: place.chain.text(place.at, |rule| rule_text(rule, table).into()).unwrap_or_default(),
                mark,
                mark_after,
                provenance: place.rule.provenance.clone(),
            })
        });
    }

    fn missed(&mut self, table: &Table, hook: Hook, chain: &Arc<str>, mut misses: Misses, view: &View<'_>) {
        let seen = self.seen.get_or_insert_with(|| Arc::new(Seen::of(view)));
        misses.seen = Some(seen.clone());
        self.observer.step(self.hop, || Step::Misses { hook, table: table.name, chain: chain.clone(), misses });
    }

    fn chain_end(&mut self, table: &Table, hook: Hook, chain: &Arc<str>, policy: Option<Policy>) {
        self.observer.step(self.hop, || Step::ChainEnd { hook, table: table.name, chain: chain.clone(), policy });
    }
}
