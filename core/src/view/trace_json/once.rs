//! Steps that a flow takes again and again, and headers that its packets have again and again, each told once.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;

use super::{Ipv4, StepJson, step};
use crate::netfilter::{CtState, Hook, Policy, Provenance, TableName};
use crate::packet::{DeviceName, Mac};
use crate::trace::Step;

/// The steps and headers that are told, and where each of them stands.
#[derive(Default)]
pub(super) struct Once<'a> {
    pub(super) steps: Vec<StepJson<'a>>,
    pub(super) headers: Vec<Ipv4>,
    step_places: FxHashMap<Key, usize>,
    header_places: FxHashMap<Ipv4, usize>,
}

impl<'a> Once<'a> {
    /// Where a step stands among those that are told, from 0.
    pub(super) fn step(&mut self, told: &'a Step) -> usize {
        let next = self.steps.len();
        let place = *self.step_places.entry(Key::of(told)).or_insert(next);
        if place == next {
            self.steps.push(step(told));
        }
        place
    }

    /// Where a header stands among those that are told, from 0.
    pub(super) fn header(&mut self, told: Ipv4) -> usize {
        let next = self.headers.len();
        if let Some(&place) = self.header_places.get(&told) {
            return place;
        }
        self.headers.push(told.clone());
        self.header_places.insert(told, next);
        next
    }
}

/// What two steps have in common that are told in the same words. Names and rules are compared by where they lie: packets that
/// pass one rule share its text, and if ever they did not, it would be told twice.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Rule {
        hook: Hook,
        table: TableName,
        chain: *const str,
        number: u32,
        rule: *const str,
        marks: (u32, u32),
        by: Option<*const Provenance>,
    },
    Misses {
        hook: Hook,
        table: TableName,
        chain: *const str,
        numbers: (u32, u32),
        tried: usize,
    },
    ChainEnd {
        hook: Hook,
        table: TableName,
        chain: *const str,
        policy: Option<Policy>,
    },
    Conntrack(CtState),
    Dnat(SocketAddrV4, SocketAddrV4),
    Snat(SocketAddrV4, SocketAddrV4),
    Route(Ipv4Addr, Option<Ipv4Net>, Option<Ipv4Addr>, Option<DeviceName>),
    Arp(Ipv4Addr, DeviceName, Option<Mac>, Option<*const str>),
    Encapsulated(Ipv4Addr, Ipv4Addr),
    Decapsulated(Ipv4Addr, Ipv4Addr),
}

impl Key {
    fn of(step: &Step) -> Self {
        match step {
            Step::Rule(hit) => Self::Rule {
                hook: hit.hook,
                table: hit.table,
                chain: Arc::as_ptr(&hit.chain),
                number: hit.number,
                rule: Arc::as_ptr(&hit.rule),
                marks: (hit.mark, hit.mark_after),
                by: hit.provenance.as_ref().map(Arc::as_ptr),
            },
            Step::Misses { hook, table, chain, misses } => Self::Misses {
                hook: *hook,
                table: *table,
                chain: Arc::as_ptr(chain),
                numbers: (misses.first, misses.last),
                tried: misses.tried(),
            },
            Step::ChainEnd { hook, table, chain, policy } => {
                Self::ChainEnd { hook: *hook, table: *table, chain: Arc::as_ptr(chain), policy: *policy }
            }
            Step::Conntrack { state } => Self::Conntrack(*state),
            Step::Dnat { from, to } => Self::Dnat(*from, *to),
            Step::Snat { from, to } => Self::Snat(*from, *to),
            Step::Route { destination, route, via, device } => Self::Route(*destination, *route, *via, *device),
            Step::Arp { address, device, answer, by } => {
                Self::Arp(*address, *device, *answer, by.as_ref().map(Arc::as_ptr))
            }
            Step::Encapsulated { source, destination } => Self::Encapsulated(*source, *destination),
            Step::Decapsulated { source, destination } => Self::Decapsulated(*source, *destination),
        }
    }
}
