//! The journey of a packet through a network namespace: the netfilter picture, as code.
//!
//! ```text
//! receive ─ PREROUTING ─ routing ─┬─ local ─ INPUT ─ socket, or tunl0 and receive again
//!                                 └─ forward ─ FORWARD ─ POSTROUTING ─ transmit
//! send ─ OUTPUT ─ routing again ─ POSTROUTING ─ transmit, or lo and receive again
//! ```
//!
//! Follows `net/ipv4/ip_input.c`, `ip_forward.c` and `ip_output.c`. What routing decides is in `routing`, who may come
//! by which device in `source_validation`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::conf::{DeviceConf, IcmpConf};
use super::fib::{Fib, Route};
use super::fragments::{Gatherer, Incomplete};
use super::pmtu::PathMtus;
use super::redirect::Peer;
use super::routing::Routed;
use super::rules::Policy;
use super::skb::{Context, Skb, Waiting};
use super::tcp::Sockets;
use super::wire::{Frame, Payload};
use super::{Device, DeviceKind, Devices, Ipvs};
use crate::conntrack;
use crate::netfilter::ipset::IpSets;
use crate::netfilter::log::LogRecord;
use crate::netfilter::walk::Sender;
use crate::netfilter::{ChainId, Hook, Memory, Ruleset};
use crate::packet::{DeviceName, Mac, Packet, protocol};
use crate::trace::{Arrival, DropReason, End, Observer, Place};

/// What differs between kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelProfile {
    /// Rules at POSTROUTING see the input device: from about 5.7 on, when `ip_output` began to pass it.
    pub postrouting_sees_input: bool,
}

/// An address for which a process of a namespace answers ARP, though no device has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The address.
    pub address: Ipv4Addr,
    /// The Ethernet devices by which it answers; `None` is all of them.
    pub devices: Option<Vec<DeviceName>>,
}

/// A network namespace: a node, a pod, a host or a router.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the kernel's switches, by name")]
pub struct Namespace {
    /// Its name for people.
    pub name: Place,
    /// Its devices, in order of creation; `lo` is the first.
    pub devices: Devices,
    /// Its main table of routes.
    pub fib: Fib,
    /// Its other tables of routes, and the rules that tell which is asked.
    pub policy: Policy,
    /// `net.ipv4.conf.all`.
    pub conf: DeviceConf,
    /// What ICMP it sends.
    pub icmp: IcmpConf,
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
    /// Addresses for which a process here answers ARP: MetalLB's speaker.
    pub announced: Vec<Announced>,
    /// What LOG rules have written.
    pub log: Vec<LogRecord>,
    /// What its kernel does in its own way.
    pub kernel: KernelProfile,
    /// Its IPVS, if it has one.
    pub ipvs: Option<Ipvs>,
    /// Its sockets.
    pub sockets: Sockets,
    /// `net.bridge.bridge-nf-call-iptables`: what is bridged is shown to the rules. 1 on every node that kubeadm checks.
    pub bridge_calls_iptables: bool,
    /// Behind which port of a bridge an Ethernet address is.
    pub(super) stations: FxHashMap<(DeviceName, Mac), usize>,
    pub(super) neighbours: FxHashMap<(usize, Ipv4Addr), Mac>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) next_ip_id: u16,
    pub(super) peers: FxHashMap<Ipv4Addr, Peer>,
    pub(super) path_mtus: PathMtus,
    pub(super) incomplete: Vec<Incomplete>,
    pub(super) gathered: u64,
    /// An ICMP message is on its way out.
    pub(super) sending_icmp: bool,
}

/// The user and group of every process here.
const ROOT: Sender = Sender::Process(Some((0, 0)));

/// A packet that went no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped(pub DropReason);

impl Namespace {
    /// A namespace with a loopback device and nothing else.
    pub fn new(name: impl Into<Arc<str>>, conntrack: conntrack::Table, kernel: KernelProfile) -> Self {
        Self {
            name: name.into(),
            devices: [Device::loopback()].into_iter().collect(),
            fib: Fib::default(),
            policy: Policy::default(),
            conf: DeviceConf::default(),
            icmp: IcmpConf::default(),
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
            ipvs: None,
            sockets: Sockets::default(),
            bridge_calls_iptables: false,
            stations: FxHashMap::default(),
            neighbours: FxHashMap::default(),
            waiting: Vec::new(),
            next_ip_id: 0,
            peers: FxHashMap::default(),
            path_mtus: PathMtus::default(),
            incomplete: Vec::new(),
            gathered: 0,
            sending_icmp: false,
        }
    }

    /// A namespace to try settings on.
    pub(super) fn probe() -> Self {
        let conntrack = conntrack::Table::new(conntrack::Timeouts::default(), true);
        Self::new("", conntrack, KernelProfile { postrouting_sees_input: true })
    }

    /// The place of a device.
    pub fn device_index(&self, name: DeviceName) -> Option<usize> {
        self.devices.place(name)
    }

    /// Whether `address` is one of this namespace's own.
    pub fn is_local(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || self.devices.have(address)
    }

    /// A frame has come in by a device.
    pub fn receive_frame<O: Observer>(&mut self, device: usize, frame: Frame, cx: &mut Context<'_, O>) {
        let Some(port) = self.devices.get(device).filter(|port| port.up) else { return };
        if let Some(bridge) = port.master {
            self.bridge_frame(bridge, device, frame, cx);
            return;
        }
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

    /// A packet has come in by a device that has no frames.
    pub(crate) fn receive_bare<O: Observer>(
        &mut self,
        id: crate::trace::PacketId,
        packet: Packet,
        device: usize,
        cx: &mut Context<'_, O>,
    ) {
        self.receive(id, packet, device, None, 0, cx);
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
        let skb = Skb { mark, in_device: Some(device), link, ..Skb::new(packet, id, hop) };
        self.pass(skb, cx, Self::prerouting);
    }

    /// PREROUTING and what follows. `nf_defrag_ipv4` stands before the raw table wherever connections are tracked.
    fn prerouting<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        if self.tracking && !self.gather(Gatherer::Prerouting, skb, cx) {
            return Ok(());
        }
        self.hook(Hook::Prerouting, skb, None, cx)?;
        self.input(skb, cx)
    }

    /// The routing decision, and what follows from it.
    pub(super) fn input<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        match self.route_input(skb, cx)? {
            Routed::Local => self.deliver(skb, cx),
            Routed::Forward { route, redirects } => self.forward(skb, &route, redirects, cx),
        }
    }

    /// Sends a packet that a process of this namespace has made: `ip_local_out`.
    pub fn send<O: Observer>(&mut self, packet: Packet, cx: &mut Context<'_, O>) {
        self.send_by(ROOT, packet, None, cx);
    }

    /// Sends a packet of somebody here, with the connection that it belongs to if that is known already.
    pub(super) fn send_by<O: Observer>(
        &mut self,
        sender: Sender,
        packet: Packet,
        tracked: Option<conntrack::Tracked>,
        cx: &mut Context<'_, O>,
    ) {
        let id = cx.packet_id();
        let hop = cx.observer.open(Arrival { time: cx.now, place: &self.name, id, in_device: None, packet: &packet });
        let skb = Skb { tracked, sender, ..Skb::new(packet, id, hop) };
        self.pass(skb, cx, Self::output);
    }

    /// Runs a part of the journey, and ends the hop of a packet that does not survive it.
    pub(super) fn pass<O: Observer>(
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

    /// `ip_local_deliver`.
    fn deliver<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        if !self.gather(Gatherer::Delivery, skb, cx) {
            return Ok(());
        }
        self.hook(Hook::Input, skb, None, cx)?;
        self.ipvs_at_input(skb)?;
        match skb.packet.protocol() {
            // `tcp_v4_rcv`, `udp_rcv`, `icmp_rcv`.
            protocol::TCP | protocol::UDP | protocol::ICMP if skb.packet.bad_checksum => {
                Err(Dropped(DropReason::BadChecksum))
            }
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
    fn forward<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        redirects: bool,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        if skb.packet.ttl <= 1 {
            self.time_exceeded(skb, cx);
            return Err(Dropped(DropReason::TtlExceeded));
        }
        let mtu = self.route_mtu(route);
        // `ip_exceeds_mtu`.
        let too_long = skb.packet.length() > usize::from(mtu);
        if skb.packet.dont_fragment && too_long {
            self.unreachable(skb, 4, mtu, cx);
            return Err(Dropped(DropReason::TooBig { mtu }));
        }
        skb.packet.ttl -= 1;
        if redirects {
            self.redirect(skb, route, cx);
        }
        self.hook(Hook::Forward, skb, route.device, cx)?;
        self.postrouting(skb, route, cx)
    }

    /// `__ip_local_out`, and routing again where the rules have changed what a route is looked up by.
    pub(super) fn output<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let before = (skb.packet.source, skb.packet.destination, skb.mark, skb.packet.tos);
        // The kernel has looked up the way of each part before (`nf_defrag_ipv4` stands before raw); it is the same.
        if self.tracking && !self.gather(Gatherer::Output, skb, cx) {
            return Ok(());
        }
        let route = self.route_output(skb, cx)?;
        self.ipvs_at_output(skb)?;
        self.hook(Hook::Output, skb, route.device, cx)?;
        // `ipt_mangle_out` looks at all four, `nf_nat_ipv4_local_fn` at the destination: `ip_route_me_harder`.
        let after = (skb.packet.source, skb.packet.destination, skb.mark, skb.packet.tos);
        let by_mark = !self.policy.plain;
        let again = before.1 != after.1 || by_mark && before != after;
        let route = if again { self.route_output(skb, cx)? } else { route };
        self.postrouting(skb, &route, cx)
    }

    fn postrouting<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        self.hook(Hook::Postrouting, skb, route.device, cx)?;
        // `ip_finish_output`.
        let mtu = self.route_mtu(route);
        if skb.packet.length() > usize::from(mtu) || skb.longest_fragment > 0 {
            return self.transmit_in_parts(skb, route, mtu, cx);
        }
        self.transmit(skb, route, cx)
    }

    /// The end of the stack: the device takes the packet.
    pub(super) fn transmit<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
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
                // The connection and the mark stay with a packet that goes round by lo (`loopback_xmit`). It is taken up
                // again when its sender is done.
                let again = Skb { in_device: Some(0), hop, packet: skb.take_packet(), sender: Sender::Nobody, ..*skb };
                let sending = std::mem::take(&mut self.sending_icmp);
                self.pass(again, cx, Self::prerouting);
                self.sending_icmp = sending;
                Ok(())
            }
            DeviceKind::Ipip => self.encapsulate(skb, route, cx),
            DeviceKind::Tunnel { .. } => {
                let why = format!("what header {name}, an IP-in-IP device beside tunl0, puts before a packet");
                Err(Dropped(DropReason::Unknown(why.into())))
            }
            DeviceKind::Unknown => Err(Dropped(DropReason::Unknown(format!("what {name} does with a packet").into()))),
            DeviceKind::Ethernet | DeviceKind::Bridge => {
                // `__mkroute_output`: what is for everybody needs no gateway to come to them.
                let destination = skb.packet.destination;
                let next_hop = route.via.filter(|_| !destination.is_broadcast()).unwrap_or(destination);
                self.transmit_to_neighbour(skb, index, next_hop, cx);
                Ok(())
            }
        }
    }

    /// Puts a packet into a frame.
    pub(super) fn put_on_wire<O: Observer>(&self, skb: &mut Skb, device: usize, to: Mac, cx: &mut Context<'_, O>) {
        let port = &self.devices[device];
        cx.observer.close(skb.hop, Some(port.name), &skb.packet, || End::Sent { to: Some(to) });
        let payload = Payload::Ipv4(skb.id, skb.take_packet());
        let frame = Frame { source: port.mac, destination: to, payload };
        self.emit(device, frame, cx);
    }

    /// The next value of the IPv4 identification field.
    pub(super) fn ip_id(&mut self) -> u16 {
        self.next_ip_id = self.next_ip_id.wrapping_add(1);
        self.next_ip_id
    }
}
