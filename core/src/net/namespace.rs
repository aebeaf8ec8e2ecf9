//! The journey of a packet through a network namespace: the netfilter picture, as code.
//!
//! ```text
//! receive ─ PREROUTING ─ routing ─┬─ local ─ INPUT ─ socket, or tunl0 and receive again
//!                                 └─ forward ─ FORWARD ─ POSTROUTING ─ transmit
//! send ─ OUTPUT ─ routing again ─ POSTROUTING ─ transmit, or lo and receive again
//! ```
//!
//! Follows `net/ipv4/ip_input.c`, `ip_forward.c` and `ip_output.c`. Source validation (`rp_filter`) is off, as Calico
//! leaves it; the raw table's `rpfilter` rule does that work.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fib::{Fib, Route, RouteKind};
use super::skb::{Context, Effect, Skb, Waiting};
use super::tcp::Sockets;
use super::wire::{Frame, Payload};
use super::{Device, DeviceKind};
use crate::conntrack;
use crate::netfilter::ipset::IpSets;
use crate::netfilter::log::LogRecord;
use crate::netfilter::{ChainId, Hook, Memory, Ruleset};
use crate::packet::{DeviceName, Mac, Packet, protocol};
use crate::trace::{Arrival, DropReason, End, Observer, Place, Step};

/// What differs between kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelProfile {
    /// Rules at POSTROUTING see the input device: from about 5.7 on, when `ip_output` began to pass it.
    pub postrouting_sees_input: bool,
}

/// A network namespace: a node, a pod, a host or a router.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Its name for people.
    pub name: Place,
    /// Its devices, in order of creation; `lo` is the first.
    pub devices: Vec<Device>,
    /// Its routes.
    pub fib: Fib,
    /// `net.ipv4.ip_forward`.
    pub forwarding: bool,
    /// Its rules.
    pub rules: Ruleset,
    /// Its ipsets.
    pub sets: IpSets,
    /// What its rules remember of earlier packets.
    pub memory: Memory,
    /// Its connections.
    pub conntrack: conntrack::Table,
    /// Whether connections are tracked: only where some rule needs it.
    pub tracking: bool,
    /// Choices that are not left to chance: of a chain of the nat table, the chain it must lead to.
    pub pins: FxHashMap<ChainId, ChainId>,
    /// Addresses for which a process here answers ARP on every Ethernet device: MetalLB's speaker.
    pub announced: Vec<Ipv4Addr>,
    /// What LOG rules have written.
    pub log: Vec<LogRecord>,
    /// What its kernel does in its own way.
    pub kernel: KernelProfile,
    /// Its sockets.
    pub sockets: Sockets,
    pub(super) neighbours: FxHashMap<(usize, Ipv4Addr), Mac>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) nth: FxHashMap<(ChainId, usize), u32>,
    pub(super) next_ip_id: u16,
}

/// A packet that went no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped(pub DropReason);

/// What routing decides.
enum Routed {
    Local,
    Forward(Route),
}

impl Namespace {
    /// A namespace with a loopback device and nothing else.
    pub fn new(name: impl Into<Arc<str>>, conntrack: conntrack::Table, kernel: KernelProfile) -> Self {
        Self {
            name: name.into(),
            devices: vec![Device::loopback()],
            fib: Fib::default(),
            forwarding: false,
            rules: Ruleset::default(),
            sets: IpSets::default(),
            memory: Memory::default(),
            conntrack,
            tracking: false,
            pins: FxHashMap::default(),
            announced: Vec::new(),
            log: Vec::new(),
            kernel,
            sockets: Sockets::default(),
            neighbours: FxHashMap::default(),
            waiting: Vec::new(),
            nth: FxHashMap::default(),
            next_ip_id: 0,
        }
    }

    /// The place of a device.
    pub fn device_index(&self, name: DeviceName) -> Option<usize> {
        self.devices.iter().position(|device| device.name == name)
    }

    /// Whether `address` is one of this namespace's own.
    pub fn is_local(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || self.devices.iter().any(|device| device.has(address))
    }

    /// The address a packet gets that leaves by `device`: the device's first, else the first that any other device has,
    /// in order of creation (`inet_select_addr`).
    pub fn source_for(&self, device: DeviceName) -> Option<Ipv4Addr> {
        let own = self.devices.iter().find(|one| one.name == device);
        let others = self.devices.iter().filter(|one| one.kind != DeviceKind::Loopback);
        own.into_iter().chain(others).find_map(|one| one.addresses.first()).map(ipnet::Ipv4Net::addr)
    }

    /// A frame has come in by a device.
    pub fn receive_frame<O: Observer>(&mut self, device: usize, frame: Frame, cx: &mut Context<'_, O>) {
        let Some(port) = self.devices.get(device).filter(|port| port.up) else { return };
        let ours = frame.destination == port.mac || frame.destination == Mac::BROADCAST;
        match frame.payload {
            Payload::Arp(arp) if ours => self.receive_arp(device, arp, cx),
            Payload::Ipv4(id, packet) if ours => {
                let link = Some((frame.destination, frame.source));
                self.receive(id, packet, device, link, 0, cx);
            }
            // Frames for others do not get past the card.
            _ => {}
        }
    }

    /// A packet has come in by a device: `ip_rcv`.
    pub(super) fn receive<O: Observer>(
        &mut self,
        id: crate::trace::PacketId,
        packet: Packet,
        device: usize,
        link: Option<(Mac, Mac)>,
        mark: u32,
        cx: &mut Context<'_, O>,
    ) {
        let in_device = self.devices.get(device).map(|device| device.name);
        let hop = cx.observer.open(Arrival { time: cx.now, place: &self.name, id, in_device, packet: &packet });
        let skb = Skb { packet, id, mark, in_device: Some(device), link, tracked: None, untracked: false, hop };
        self.pass(skb, cx, |this, skb, cx| {
            this.hook(Hook::Prerouting, skb, None, cx)?;
            match this.route_input(skb, cx)? {
                Routed::Local => this.deliver(skb, cx),
                Routed::Forward(route) => this.forward(skb, &route, cx),
            }
        });
    }

    /// Sends a packet that a process of this namespace, or the kernel itself, has made: `ip_local_out`.
    pub fn send<O: Observer>(&mut self, packet: Packet, cx: &mut Context<'_, O>) {
        let id = cx.packet_id();
        self.send_related(id, packet, None, 0, cx);
    }

    pub(super) fn send_related<O: Observer>(
        &mut self,
        id: crate::trace::PacketId,
        packet: Packet,
        tracked: Option<conntrack::Tracked>,
        mark: u32,
        cx: &mut Context<'_, O>,
    ) {
        let hop = cx.observer.open(Arrival { time: cx.now, place: &self.name, id, in_device: None, packet: &packet });
        let skb = Skb { packet, id, mark, in_device: None, link: None, tracked, untracked: false, hop };
        self.pass(skb, cx, Self::output);
    }

    /// Runs a part of the journey, and ends the hop of a packet that does not survive it.
    fn pass<O: Observer>(
        &mut self,
        mut skb: Skb,
        cx: &mut Context<'_, O>,
        journey: impl FnOnce(&mut Self, &mut Skb, &mut Context<'_, O>) -> Result<(), Dropped>,
    ) {
        if let Err(Dropped(reason)) = journey(self, &mut skb, cx) {
            if let Some(tracked) = skb.tracked {
                self.conntrack.abandon(tracked);
            }
            cx.observer.close(skb.hop, None, &skb.packet, || End::Dropped(reason));
        }
    }

    fn route_input<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<Routed, Dropped> {
        let (source, destination) = (skb.packet.source, skb.packet.destination);
        let from_loopback = skb.in_device == Some(0);
        let martian = self.is_local(source) || source.is_broadcast() || source.is_multicast();
        if !from_loopback && (martian || destination.is_loopback()) {
            return Err(Dropped(DropReason::Martian));
        }
        if self.is_local(destination) {
            let route = Some(destination.into());
            cx.observer.step(skb.hop, || Step::Route { destination, route, via: None, device: None });
            return Ok(Routed::Local);
        }
        if !self.forwarding {
            return Err(Dropped(DropReason::ForwardingOff));
        }
        let route = self.lookup(skb, cx)?;
        Ok(Routed::Forward(route))
    }

    /// The route to the packet's destination; drops the packet where there is none, or one that says so, and tells the
    /// sender what the kernel tells it.
    fn lookup<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<Route, Dropped> {
        let destination = skb.packet.destination;
        let route = self.fib.lookup(destination).cloned();
        cx.observer.step(skb.hop, || Step::Route {
            destination,
            route: route.as_ref().map(|route| route.destination),
            via: route.as_ref().and_then(|route| route.via),
            device: route.as_ref().and_then(|route| route.device),
        });
        let (code, reason) = match route {
            Some(route) => match route.kind {
                RouteKind::Unicast | RouteKind::Local => return Ok(route),
                RouteKind::Blackhole => return Err(Dropped(DropReason::Blackhole)),
                RouteKind::Unreachable => (1, DropReason::Unreachable),
                RouteKind::Prohibit => (13, DropReason::Prohibit),
            },
            None => (0, DropReason::NoRoute),
        };
        self.unreachable(skb, code, 0, cx);
        Err(Dropped(reason))
    }

    /// `ip_local_deliver`.
    fn deliver<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        self.hook(Hook::Input, skb, None, cx)?;
        match skb.packet.protocol() {
            protocol::IPIP => self.decapsulate(skb, cx),
            protocol::TCP => self.receive_tcp(skb, cx),
            protocol::UDP => self.receive_udp(skb, cx),
            protocol::ICMP => self.receive_icmp(skb, cx),
            _ => {
                self.unreachable(skb, 2, 0, cx);
                Err(Dropped(DropReason::NoListener))
            }
        }
    }

    /// `ip_forward`.
    fn forward<O: Observer>(&mut self, skb: &mut Skb, route: &Route, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        if skb.packet.ttl <= 1 {
            self.time_exceeded(skb, cx);
            return Err(Dropped(DropReason::TtlExceeded));
        }
        let mtu = self.route_device(route).map_or(u16::MAX, |(_, device)| device.mtu);
        if skb.packet.dont_fragment && skb.packet.length() > usize::from(mtu) {
            self.unreachable(skb, 4, mtu, cx);
            return Err(Dropped(DropReason::TooBig));
        }
        skb.packet.ttl -= 1;
        self.hook(Hook::Forward, skb, route.device, cx)?;
        self.postrouting(skb, route, cx)
    }

    /// `__ip_local_out`, and routing again where NAT has changed the destination (`ip_route_me_harder`).
    pub(super) fn output<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let destination = skb.packet.destination;
        let route = self.route_output(skb, cx)?;
        self.hook(Hook::Output, skb, route.device, cx)?;
        let route = if skb.packet.destination == destination { route } else { self.route_output(skb, cx)? };
        self.postrouting(skb, &route, cx)
    }

    fn route_output<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<Route, Dropped> {
        let destination = skb.packet.destination;
        if self.is_local(destination) {
            let device = Some(DeviceName::LO);
            let route = Some(destination.into());
            cx.observer.step(skb.hop, || Step::Route { destination, route, via: None, device });
            return Ok(Route {
                destination: destination.into(),
                kind: RouteKind::Local,
                via: None,
                device,
                source: None,
                protocol: "kernel",
                onlink: false,
            });
        }
        self.lookup(skb, cx)
    }

    fn postrouting<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        self.hook(Hook::Postrouting, skb, route.device, cx)?;
        self.transmit(skb, route, cx)
    }

    fn route_device(&self, route: &Route) -> Option<(usize, &Device)> {
        let index = self.device_index(route.device?)?;
        Some((index, &self.devices[index]))
    }

    /// The end of the stack: the device takes the packet.
    fn transmit<O: Observer>(&mut self, skb: &mut Skb, route: &Route, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let Some((index, device)) = self.route_device(route).filter(|(_, device)| device.up) else {
            return Err(Dropped(DropReason::DeviceDown));
        };
        let name = device.name;
        match device.kind {
            DeviceKind::Loopback => {
                cx.observer.close(skb.hop, Some(name), &skb.packet, || End::Sent { to: None });
                let hop = cx.observer.open(Arrival {
                    time: cx.now,
                    place: &self.name,
                    id: skb.id,
                    in_device: Some(name),
                    packet: &skb.packet,
                });
                // The connection and the mark stay with a packet that goes round by lo.
                let again = Skb { in_device: Some(0), hop, ..skb.clone() };
                self.pass(again, cx, |this, skb, cx| {
                    this.hook(Hook::Prerouting, skb, None, cx)?;
                    match this.route_input(skb, cx)? {
                        Routed::Local => this.deliver(skb, cx),
                        Routed::Forward(route) => this.forward(skb, &route, cx),
                    }
                });
                Ok(())
            }
            DeviceKind::Ipip => self.encapsulate(skb, route, cx),
            DeviceKind::Ethernet => {
                let next_hop = route.via.unwrap_or(skb.packet.destination);
                self.transmit_to_neighbour(skb, index, next_hop, cx);
                Ok(())
            }
        }
    }

    /// Puts a packet into a frame.
    pub(super) fn put_on_wire<O: Observer>(&self, skb: &Skb, device: usize, to: Mac, cx: &mut Context<'_, O>) {
        let port = &self.devices[device];
        cx.observer.close(skb.hop, Some(port.name), &skb.packet, || End::Sent { to: Some(to) });
        let payload = Payload::Ipv4(skb.id, skb.packet.clone());
        let frame = Frame { source: port.mac, destination: to, payload };
        cx.effects.push(Effect::Transmit { device, frame });
    }

    /// The next value of the IPv4 identification field.
    pub(super) fn ip_id(&mut self) -> u16 {
        self.next_ip_id = self.next_ip_id.wrapping_add(1);
        self.next_ip_id
    }
}

impl Device {
    /// Whether `address` is one of the device's.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|own| own.addr() == address)
    }
}
