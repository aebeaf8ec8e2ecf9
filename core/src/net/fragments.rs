//! Fragments: a packet that is too long is sent in parts (`ip_do_fragment` of `net/ipv4/ip_output.c`), and parts are put
//! together where they are for this namespace, or where connections are tracked (`net/ipv4/ip_fragment.c`,
//! `nf_defrag_ipv4.c`).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::fib::Route;
use super::skb::{Context, Effect, Skb, Timer};
use super::{Dropped, Namespace};
use crate::packet::{Body, Fragment, Icmp, Packet};
use crate::trace::{Arrival, DropReason, End, Observer};

/// How long the first part of a packet waits for the others (`net.ipv4.ipfrag_time`).
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a header without options.
const HEADER: u16 = 20;

/// Who puts packets together: each for himself (`enum ip_defrag_users`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gatherer {
    /// Connection tracking, before PREROUTING (`IP_DEFRAG_CONNTRACK_IN`).
    Prerouting,
    /// Connection tracking, before OUTPUT (`IP_DEFRAG_CONNTRACK_OUT`).
    Output,
    /// Local delivery (`IP_DEFRAG_LOCAL_DELIVER`).
    Delivery,
}

/// A packet of which parts have come.
#[derive(Clone, Debug)]
pub(super) struct Incomplete {
    /// For whom; and source, destination, identification, protocol: what its parts have in common.
    key: (Gatherer, Ipv4Addr, Ipv4Addr, u16, u8),
    number: u64,
    parts: Vec<Skb>,
}

fn part(packet: &Packet) -> Option<&Fragment> {
    match &packet.body {
        Body::Fragment(part) => Some(part),
        _ => None,
    }
}

impl Namespace {
    /// Puts a packet together of its parts. False: it was one, and others are missing; it is kept.
    pub(super) fn gather<O: Observer>(&mut self, gatherer: Gatherer, skb: &mut Skb, cx: &mut Context<'_, O>) -> bool {
        if part(&skb.packet).is_none() {
            return true;
        }
        let packet = &skb.packet;
        let key = (gatherer, packet.source, packet.destination, packet.id, packet.protocol());
        cx.observer.close(skb.hop, None, packet, || End::Delivered { to: "reassembly".into() });
        let at = self.incomplete.iter().position(|one| one.key == key).unwrap_or_else(|| {
            self.gathered += 1;
            let number = self.gathered;
            self.incomplete.push(Incomplete { key, number, parts: Vec::new() });
            let timer = Timer::Fragments { number };
            cx.effects.push(Effect::Timer { at: cx.now + PATIENCE, timer });
            self.incomplete.len() - 1
        });
        self.incomplete[at].parts.push(skb.clone());
        let Some(whole) = self.incomplete[at].whole() else { return false };
        self.incomplete.swap_remove(at);
        *skb = whole;
        let in_device = skb.in_device.map(|at| self.devices[at].name);
        let arrival = Arrival { time: cx.now, place: &self.name, id: skb.id, in_device, packet: &skb.packet };
        skb.hop = cx.observer.open(arrival);
        true
    }

    /// Gives up a packet whose parts have not all come; its sender is told where the first has (`ip_expire`).
    pub(super) fn fragment_timer<O: Observer>(&mut self, number: u64, cx: &mut Context<'_, O>) {
        let Some(at) = self.incomplete.iter().position(|one| one.number == number) else { return };
        let mut parts = self.incomplete.swap_remove(at).parts;
        for one in &parts {
            cx.observer.close(one.hop, None, &one.packet, || End::Dropped(DropReason::FragmentTimeout));
        }
        let first = parts.iter_mut().find(|one| part(&one.packet).is_some_and(|part| part.offset == 0));
        if let Some(first) = first.filter(|first| self.is_local(first.packet.destination)) {
            let about = Box::new(first.packet.clone());
            self.error(first, Icmp::TimeExceeded { code: 1, about }, cx);
        }
    }

    /// Sends a packet in parts that the route takes, and none longer than those it came in.
    pub(super) fn transmit_in_parts<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        mtu: u16,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        if skb.packet.dont_fragment {
            self.unreachable(skb, 4, mtu, cx);
            return Err(Dropped(DropReason::TooBig { mtu }));
        }
        let limit = if skb.longest_fragment > 0 { mtu.min(skb.longest_fragment) } else { mtu };
        if skb.packet.length() <= usize::from(limit) {
            return self.transmit(skb, route, cx);
        }
        // Every part but the last is a multiple of eight bytes.
        let room = limit.saturating_sub(HEADER) & !7;
        let total = u16::try_from(skb.packet.length()).unwrap_or(u16::MAX) - HEADER;
        if room == 0 {
            return Err(Dropped(DropReason::TooBig { mtu }));
        }
        let (of, base, more) = match &skb.packet.body {
            Body::Fragment(part) => (part.of.clone(), part.offset, part.more),
            body => (Arc::new(body.clone()), 0, false),
        };
        let mut offset = 0;
        while offset < total {
            let length = room.min(total - offset);
            let last = offset + length == total;
            let fragment = Fragment { of: of.clone(), offset: base + offset, length, more: more || !last };
            let packet = Packet { body: Body::Fragment(fragment), ..skb.packet.clone() };
            self.transmit(&mut Skb { packet, longest_fragment: 0, ..skb.clone() }, route, cx)?;
            offset += length;
        }
        Ok(())
    }
}

impl Incomplete {
    /// The packet, once all of it has come.
    fn whole(&self) -> Option<Skb> {
        let mut parts: Vec<_> = self.parts.iter().filter_map(|skb| Some((part(&skb.packet)?, skb))).collect();
        parts.sort_by_key(|(part, _)| part.offset);
        let (first, skb) = *parts.first().filter(|(part, _)| part.offset == 0)?;
        let mut reached = 0;
        let mut complete = false;
        for (part, _) in &parts {
            if part.offset > reached {
                return None;
            }
            reached = reached.max(part.offset + part.length);
            complete |= !part.more;
        }
        if !complete {
            return None;
        }
        let longest = parts.iter().map(|(_, skb)| skb.packet.length()).max().unwrap_or_default();
        let packet = Packet { body: (*first.of).clone(), ..skb.packet.clone() };
        Some(Skb { packet, longest_fragment: longest as u16, ..skb.clone() })
    }
}
