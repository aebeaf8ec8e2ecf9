//! Neighbours: asking for Ethernet addresses and answering (`net/ipv4/arp.c`, RFC 826).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::skb::{Context, Effect, Skb, Timer, Waiting};
use super::wire::{Arp, Frame, Payload};
use super::{DeviceKind, Namespace};
use crate::packet::Mac;
use crate::trace::{DropReason, End, Observer, Step};

/// Between two requests for one address: `net.ipv4.neigh.default.retrans_time_ms`.
const RETRANSMIT: Duration = Duration::from_secs(1);
/// Requests before the kernel gives up: `mcast_solicit`.
const SOLICITATIONS: u8 = 3;

impl Namespace {
    /// Sends a packet to a neighbour; asks for its Ethernet address first where that is not known.
    pub(super) fn transmit_to_neighbour<O: Observer>(
        &mut self,
        skb: &mut Skb,
        device: usize,
        next_hop: Ipv4Addr,
        cx: &mut Context<'_, O>,
    ) {
        if let Some(mac) = self.neighbours.get(&(device, next_hop)).copied() {
            self.put_on_wire(skb, device, mac, cx);
            return;
        }
        let asked = self.waiting.iter().any(|one| (one.device, one.next_hop) == (device, next_hop));
        self.waiting.push(Waiting { skb: skb.clone(), device, next_hop });
        if !asked {
            self.ask(device, next_hop, skb.packet.source, 1, cx);
        }
    }

    fn ask<O: Observer>(&self, device: usize, target: Ipv4Addr, source: Ipv4Addr, tries: u8, cx: &mut Context<'_, O>) {
        let port = &self.devices[device];
        // `arp_announce` 0: the packet's own source if it is local, else an address of the device.
        let sender = if self.is_local(source) { Some(source) } else { self.source_for(port.name) };
        let sender = sender.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let arp = Arp { request: true, sender_mac: port.mac, sender, target };
        let frame = Frame { source: port.mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
        cx.effects.push(Effect::Transmit { device, frame });
        let timer = Timer::Neighbour { device, address: target, tries };
        cx.effects.push(Effect::Timer { at: cx.now + RETRANSMIT, timer });
    }

    /// Nobody has answered in time: asks again, or gives the waiting packets up.
    pub(super) fn neighbour_timer<O: Observer>(
        &mut self,
        device: usize,
        address: Ipv4Addr,
        tries: u8,
        cx: &mut Context<'_, O>,
    ) {
        let Some(first) = self.waiting.iter().find(|one| (one.device, one.next_hop) == (device, address)) else {
            return;
        };
        if tries < SOLICITATIONS {
            self.ask(device, address, first.skb.packet.source, tries + 1, cx);
            return;
        }
        for mut skb in self.take_waiting(device, address) {
            let name = self.devices[device].name;
            cx.observer.step(skb.hop, || Step::Arp { address, device: name, answer: None, by: None });
            cx.observer.close(skb.hop, None, &skb.packet, || End::Dropped(DropReason::NoNeighbour { address }));
            self.unreachable(&mut skb, 1, 0, cx);
        }
    }

    /// Whether packets wait for somebody's Ethernet address.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn take_waiting(&mut self, device: usize, address: Ipv4Addr) -> Vec<Skb> {
        let all = std::mem::take(&mut self.waiting);
        let (these, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| (one.device, one.next_hop) == (device, address));
        self.waiting = others;
        these.into_iter().map(|one| one.skb).collect()
    }

    /// An ARP message has come in by a device: `arp_process`.
    pub(super) fn receive_arp<O: Observer>(&mut self, device: usize, arp: Arp, cx: &mut Context<'_, O>) {
        let port = &self.devices[device];
        if port.kind != DeviceKind::Ethernet {
            return;
        }
        let (mac, name) = (port.mac, port.name);
        if arp.request {
            let answers = self.is_local(arp.target)
                || self.announced.contains(&arp.target)
                || port.proxy_arp && self.routes_elsewhere(arp.target, device);
            if !answers {
                return;
            }
            self.neighbours.insert((device, arp.sender), arp.sender_mac);
            let answer = Arp { request: false, sender_mac: mac, sender: arp.target, target: arp.sender };
            let frame = Frame { source: mac, destination: arp.sender_mac, payload: Payload::Arp(answer) };
            cx.effects.push(Effect::Transmit { device, frame });
        } else {
            let (address, answer) = (arp.sender, arp.sender_mac);
            self.neighbours.insert((device, address), answer);
            for mut skb in self.take_waiting(device, address) {
                let answer = Some(answer);
                cx.observer.step(skb.hop, || Step::Arp { address, device: name, answer, by: None });
                self.put_on_wire(&mut skb, device, arp.sender_mac, cx);
            }
        }
    }

    /// Whether there is a route to `target` by another device than `device`: what proxy ARP answers for
    /// (`arp_fwd_proxy`).
    fn routes_elsewhere(&self, target: Ipv4Addr, device: usize) -> bool {
        let route = self.fib.lookup(target);
        route.and_then(|route| route.device).is_some_and(|out| Some(device) != self.device_index(out))
    }
}
