//! Path MTU discovery: one fact of the kernel for each test. The first three, and for how long a route remembers, were seen in
//! network namespaces with a router between them, one of whose links takes 1480 bytes (Linux 6.18).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bytes::Bytes;

use super::fib::Route;
use super::rules::Flow;
use super::tcp::{ConnectionId, Happened, ProcessId, SocketEvent};
use super::tests::{CLIENT, CLIENT_MAC, NODE, NODE_MAC, POD, node};
use super::wire::{Frame, Payload};
use super::*;
use crate::Time;
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::random::Random;
use crate::trace::{NoObserver, PacketId};

/// Behind the router `CLIENT`.
const FAR: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 0, 9), 8);
const PROCESS: ProcessId = ProcessId(1);

/// A machine and its time.
struct Machine(Namespace, Time);

impl Machine {
    fn new() -> Self {
        Self(node(&[]), Time::ZERO)
    }

    fn does(&mut self, act: impl FnOnce(&mut Namespace, &mut Context<'_, NoObserver>)) -> Vec<Effect> {
        let (mut random, mut next_packet, mut effects) = (Random::new(0), 0, Vec::new());
        let mut cx = Context {
            now: self.1,
            random: &mut random,
            observer: &mut NoObserver,
            next_packet: &mut next_packet,
            effects: &mut effects,
        };
        act(&mut self.0, &mut cx);
        effects
    }

    /// The packets that leave by what it does.
    fn sends(&mut self, act: impl FnOnce(&mut Namespace, &mut Context<'_, NoObserver>)) -> Vec<Packet> {
        let packets = self.does(act).into_iter().filter_map(|effect| match effect {
            Effect::Transmit { frame: Frame { payload: Payload::Ipv4(_, packet), .. }, .. } => Some(packet),
            _ => None,
        });
        packets.collect()
    }

    /// The packets that leave when this one comes in by `eth0`.
    fn gets(&mut self, packet: Packet) -> Vec<Packet> {
        let payload = Payload::Ipv4(PacketId(1), packet);
        let frame = Frame { source: CLIENT_MAC, destination: NODE_MAC, payload };
        self.sends(|node, cx| node.receive_frame(1, frame, cx))
    }

    /// A router says that the next link takes `mtu` bytes.
    fn hears(&mut self, mtu: u16, about: &Packet) -> Vec<Packet> {
        self.gets(Packet::new(CLIENT, about.source, Icmp::Unreachable { code: 4, mtu, about: about.clone().into() }))
    }

    /// The first packet of a connection.
    fn calls(&mut self, port: u16) -> Packet {
        let connect = |node: &mut Namespace, cx: &mut Context<'_, NoObserver>| {
            node.connect(PROCESS, FAR, Some(port), cx).unwrap();
        };
        self.sends(connect).remove(0)
    }

    /// A connection to a machine that announces segments of `mss` bytes.
    fn connected(&mut self, mss: u16) -> ConnectionId {
        let syn = self.calls(4000);
        let tcp = syn.tcp().unwrap();
        let answer = Tcp {
            source: FAR.port(),
            destination: 4000,
            seq: 0,
            ack: tcp.seq.wrapping_add(1),
            flags: TcpFlags::SYN.with(TcpFlags::ACK),
            options: TcpOptions::syn(mss),
            ..tcp.clone()
        };
        self.gets(Packet::new(*FAR.ip(), syn.source, answer));
        let local = SocketAddrV4::new(syn.source, 4000);
        self.0.sockets.between(local, FAR).unwrap()
    }

    fn writes(&mut self, id: ConnectionId, count: usize) -> Vec<Packet> {
        self.sends(|node, cx| node.write(id, vec![0; count].into(), cx))
    }

    fn datagram(&mut self, count: usize) -> Vec<Packet> {
        self.0.sockets.bind_udp(4000, PROCESS);
        self.sends(|node, cx| node.send_udp(None, 4000, FAR, vec![0; count].into(), cx))
    }
}

fn payloads(packets: &[Packet]) -> Vec<usize> {
    packets.iter().filter_map(Packet::tcp).map(|tcp| tcp.payload.len()).collect()
}

fn lengths(packets: &[Packet]) -> Vec<usize> {
    packets.iter().map(Packet::length).collect()
}

#[test]
fn segments_that_are_too_long_are_sent_again_at_once_and_shorter() {
    let mut machine = Machine::new();
    let id = machine.connected(1460);
    let sent = machine.writes(id, 3000);
    assert_eq!(payloads(&sent), [1448, 1448, 104]);
    let again = machine.hears(1480, &sent[0]);
    assert_eq!(payloads(&again), [1428, 1428, 144]);
    assert_eq!(again[0].tcp().unwrap().seq, sent[0].tcp().unwrap().seq);
    assert!(again.iter().all(|packet| packet.dont_fragment));
    // The router says it of the second segment, too: that is known.
    assert!(machine.hears(1480, &sent[1]).is_empty());
    assert_eq!(payloads(&machine.writes(id, 1448)), [1428, 20]);
    // `ipv4_default_advmss`: who connects now announces what is known.
    let syn = machine.calls(4001);
    assert!(matches!(syn.tcp().unwrap().options, TcpOptions::Syn { mss: 1440, .. }));
}

#[test]
fn a_datagram_is_lost_and_the_next_goes_in_parts() {
    let mut machine = Machine::new();
    let first = machine.datagram(1472);
    assert_eq!((lengths(&first), first[0].dont_fragment), (vec![1500], true));
    let error = Packet::new(CLIENT, NODE, Icmp::Unreachable { code: 4, mtu: 1480, about: first[0].clone().into() });
    let frame = Frame { source: CLIENT_MAC, destination: NODE_MAC, payload: Payload::Ipv4(PacketId(1), error) };
    let told = machine.does(|node, cx| node.receive_frame(1, frame, cx));
    let refused = |effect: &Effect| {
        matches!(effect, Effect::Socket(SocketEvent { happened: Happened::DatagramRefused { port: 4000, .. }, .. }))
    };
    assert!(told.iter().any(refused), "EMSGSIZE");
    let second = machine.datagram(1472);
    assert_eq!(lengths(&second), [1476, 44]);
    assert!(second.iter().all(|packet| !packet.dont_fragment));
    assert!(machine.datagram(1452)[0].dont_fragment, "what fits still says so");
}

#[test]
fn the_other_side_says_how_long_its_segments_may_be() {
    let mut machine = Machine::new();
    let id = machine.connected(1440);
    assert_eq!(payloads(&machine.writes(id, 3000)), [1428, 1428, 144]);
}

#[test]
fn a_route_remembers_for_ten_minutes() {
    let mut machine = Machine::new();
    let first = machine.datagram(1472);
    machine.hears(1480, &first[0]);
    let way = machine.0.find_route(&Flow::to(*FAR.ip())).unwrap();
    assert_eq!(machine.0.learnt_path_mtu(&way, *FAR.ip(), Time::ZERO), Some((1480, false, Duration::from_mins(10))));
    machine.1 = Time::ZERO + Duration::from_mins(10);
    assert_eq!(lengths(&machine.datagram(1472)), [1500]);
}

#[test]
fn who_asks_for_less_than_the_least_gets_packets_that_may_be_fragmented() {
    // `__ip_rt_update_pmtu`: min_pmtu is 552.
    let mut machine = Machine::new();
    let first = machine.datagram(1472);
    machine.hears(100, &first[0]);
    let next = machine.datagram(500);
    assert_eq!((lengths(&next), next[0].dont_fragment), (vec![528], false));
    assert_eq!(lengths(&machine.datagram(600)), [548, 100]);
}

#[test]
fn only_of_what_is_under_way_it_is_believed() {
    // `tcp_v4_err`: LINUX_MIB_OUTOFWINDOWICMPS; `__udp4_lib_err`: no socket.
    let mut machine = Machine::new();
    let id = machine.connected(1460);
    let sent = machine.writes(id, 3000);
    let mut forged = sent[0].clone();
    let Body::Tcp(segment) = &mut forged.body else { panic!("{forged}") };
    segment.seq = segment.seq.wrapping_add(5000);
    assert!(machine.hears(1000, &forged).is_empty());
    let nobody = Packet::new(NODE, *FAR.ip(), Udp::new(9, 9, Bytes::new()));
    machine.hears(1000, &nobody);
    assert!(machine.hears(1600, &sent[0]).is_empty(), "more than is known");
    assert_eq!(lengths(&machine.datagram(1472)), [1500]);
}

#[test]
fn what_is_forwarded_does_not_heed_what_the_router_has_learnt() {
    // `ip_dst_mtu_maybe_forward`, since 3.14.
    let mut machine = Machine::new();
    let first = machine.datagram(1472);
    machine.hears(1480, &first[0]);
    let packet = Packet::new(POD, *FAR.ip(), Udp::new(1, 2, vec![0; 1472]));
    let payload = Payload::Ipv4(PacketId(1), packet);
    let frame = Frame { source: CLIENT_MAC, destination: Mac::CALICO, payload };
    assert_eq!(lengths(&machine.sends(|node, cx| node.receive_frame(2, frame, cx))), [1500]);
}

#[test]
fn the_senders_own_tunnel_tells_it_when_it_has_written() {
    // `tnl_update_pmtu`; the socket is busy meanwhile (`TCP_MTU_REDUCED_DEFERRED`).
    let mut machine = Machine::new();
    machine.0.devices.push(Device::tunl0(Some(Ipv4Addr::new(10, 244, 0, 1)), 1500));
    let (via, device) = (Some(CLIENT), Some(DeviceName::TUNL0));
    machine.0.fib.add(Route { via, device, onlink: true, ..Route::to((*FAR.ip()).into()) });
    let syn = machine.calls(4000);
    let Body::Ipip(syn) = syn.body else { panic!("{syn}") };
    let tcp = syn.tcp().unwrap();
    let (ack, flags) = (tcp.seq.wrapping_add(1), TcpFlags::SYN.with(TcpFlags::ACK));
    let answer = Tcp { source: FAR.port(), destination: 4000, seq: 0, ack, flags, ..tcp.clone() };
    let answer = Packet::new(*FAR.ip(), syn.source, answer);
    machine.gets(Packet::new(CLIENT, NODE, Body::Ipip(answer.into())));
    let id = machine.0.sockets.between(SocketAddrV4::new(syn.source, 4000), FAR).unwrap();
    let inner = machine.writes(id, 3000).into_iter().map(|outer| match outer.body {
        Body::Ipip(inner) => *inner,
        _ => panic!("a tunnel: {outer}"),
    });
    assert_eq!(payloads(&inner.collect::<Vec<_>>()), [104, 1428, 1428, 144]);
}
