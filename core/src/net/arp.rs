//! Neighbours: asking for Ethernet addresses and answering (`net/ipv4/arp.c`, RFC 826).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::fib::RouteKind;
use super::rules::Flow;
use super::skb::{Context, Effect, Skb, Timer, Waiting};
use super::wire::{Arp, Frame, Payload};
use super::{Device, DeviceKind, Namespace};
use crate::packet::{DeviceName, Mac};
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
        // `arp_constructor`: nobody is asked for what is for everybody. The copy that the kernel gives to the sender's own host
        // (`ip_mc_output`) is left out.
        let everybody = || next_hop.is_broadcast() || self.devices.broadcast_to(next_hop).is_some();
        let known = self.neighbours.get(&(device, next_hop)).copied();
        if let Some(mac) = known.or_else(|| everybody().then_some(Mac::BROADCAST)) {
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
        let on_link =
            |address: Ipv4Addr| port.addresses.iter().any(|own| own.contains(&address) && own.contains(&target));
        // `arp_solicit`: the packet's own source if it is local, and the target can know it; else an address of the
        // device, of the target's network if there is one.
        let own = match self.conf_of(device).arp_announce {
            0 => self.is_local(source),
            1 => self.is_local(source) && on_link(source),
            _ => false,
        };
        let sender = if own { Some(source) } else { self.address_towards(port.name, Some(target)) };
        let sender = sender.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let arp = Arp { request: true, sender_mac: port.mac, sender, target };
        let frame = Frame { source: port.mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
        self.emit(device, frame, cx);
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

    /// Whether packets that a scenario has sent wait for somebody's Ethernet address.
    pub fn has_waiting(&self) -> bool {
        self.waiting.iter().any(|one| !one.skb.id.is_aside())
    }

    /// Gives up, without a word, the packets that wait for somebody's Ethernet address.
    pub(crate) fn lose_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Learns the Ethernet address of a neighbour that it has not asked for.
    pub(crate) fn know_neighbour(&mut self, device: DeviceName, address: Ipv4Addr, mac: Mac) {
        if let Some(device) = self.device_index(device) {
            self.neighbours.entry((device, address)).or_insert(mac);
        }
    }

    /// The Ethernet address of whoever is asked first on the way from a device to `address`: its own, or its gateway's.
    pub(crate) fn neighbour_mac(&self, device: usize, address: Ipv4Addr) -> Option<Mac> {
        let via = self.find_route(&Flow::to(address)).ok().and_then(|route| route.via);
        self.neighbours.get(&(device, via.unwrap_or(address))).copied()
    }

    pub(crate) fn knows_neighbour(&self, mac: Mac) -> bool {
        self.neighbours.values().any(|known| *known == mac)
    }

    pub(crate) fn forget_neighbour(&mut self, mac: Mac) {
        self.neighbours.retain(|_, known| *known != mac);
    }

    /// Tells everybody on every Ethernet device that `address` is here: a request and an answer, both about the sender
    /// itself (RFC 5227 calls them announcements). MetalLB's speaker sends both, since some hear only one of them.
    pub(crate) fn announce<O: Observer>(&self, address: Ipv4Addr, cx: &mut Context<'_, O>) {
        let tells = |port: &Device| port.kind == DeviceKind::Ethernet && port.up && self.announces(address, port.name);
        for (at, port) in self.devices.iter().enumerate().filter(|(_, port)| tells(port)) {
            for request in [true, false] {
                let arp = Arp { request, sender_mac: port.mac, sender: address, target: address };
                let frame = Frame { source: port.mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
                self.emit(at, frame, cx);
            }
        }
    }

    /// Whether a process here answers for `address` by a device.
    fn announces(&self, address: Ipv4Addr, device: DeviceName) -> bool {
        self.announced
            .iter()
            .any(|one| one.address == address && one.devices.as_ref().is_none_or(|devices| devices.contains(&device)))
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
        if !matches!(port.kind, DeviceKind::Ethernet | DeviceKind::Bridge) {
            return;
        }
        let (mac, name) = (port.mac, port.name);
        if arp.request {
            let announced = self.announces(arp.target, name) && arp.sender != arp.target;
            if !announced && !self.answers_for(device, arp) {
                // Whoever is known already is believed when he says something else (`arp_process`, `__neigh_lookup`).
                if let Some(known) = self.neighbours.get_mut(&(device, arp.sender)) {
                    *known = arp.sender_mac;
                }
                return;
            }
            if announced {
                cx.effects.push(Effect::Announced { device, arp });
            }
            self.neighbours.insert((device, arp.sender), arp.sender_mac);
            let answer = Arp { request: false, sender_mac: mac, sender: arp.target, target: arp.sender };
            let frame = Frame { source: mac, destination: arp.sender_mac, payload: Payload::Arp(answer) };
            self.emit(device, frame, cx);
        } else {
            let (address, answer) = (arp.sender, arp.sender_mac);
            // An answer that nobody has asked for makes no neighbour (`arp_accept` is 0), but changes one.
            let asked = self.waiting.iter().any(|one| (one.device, one.next_hop) == (device, address));
            if asked || self.neighbours.contains_key(&(device, address)) {
                self.neighbours.insert((device, address), answer);
            }
            for mut skb in self.take_waiting(device, address) {
                let answer = Some(answer);
                cx.observer.step(skb.hop, || Step::Arp { address, device: name, answer, by: None });
                self.put_on_wire(&mut skb, device, arp.sender_mac, cx);
            }
        }
    }

    /// Whether the kernel answers a question: for its own addresses, and as a proxy for what it would forward.
    fn answers_for(&self, device: usize, arp: Arp) -> bool {
        let port = &self.devices[device];
        let conf = self.conf_of(device);
        if arp.target.is_multicast() || arp.target.is_loopback() && !conf.route_localnet {
            return false;
        }
        let flow = Flow { source: arp.sender, in_device: Some(port.name), ..Flow::to(arp.target) };
        let Ok(route) = self.find_route(&flow) else { return false };
        match route.kind {
            RouteKind::Local => {
                let own = port.addresses.iter().find(|own| own.addr() == arp.target);
                // `arp_ignore`.
                match conf.arp_ignore {
                    0 | 4..8 => true,
                    1 => own.is_some(),
                    2 => own.is_some_and(|own| own.contains(&arp.sender)),
                    3 => !arp.target.is_loopback(),
                    _ => false,
                }
            }
            // `arp_fwd_proxy`: what leads out by another device.
            RouteKind::Unicast => {
                let forwards = port.conf.forwarding.unwrap_or(self.forwarding);
                forwards && (port.proxy_arp || conf.proxy_arp) && route.device != Some(port.name)
            }
            _ => false,
        }
    }
}
