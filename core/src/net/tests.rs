//! The journey through one namespace, hook by hook: facts of the kernel that traces of real ones showed.

use std::net::Ipv4Addr;

use super::fib::{Route, RouteKind};
use super::wire::{Frame, Payload};
use super::*;
use crate::Time;
use crate::conntrack::{Jiffies, Table, Timeouts};
use crate::netfilter::text;
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::random::Random;
use crate::trace::{DropReason, End, Hop, PacketId, Recorder, Step};

pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(super) const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const POD: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 2);
pub(super) const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
pub(super) const NODE_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub(super) const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const POD_MAC: Mac = Mac([2, 0, 0, 0, 0, 3]);

/// A node with `eth0` towards the client, `cali1` towards a pod, and rules.
pub(super) fn node(rules: &[&str]) -> Namespace {
    let kernel = KernelProfile { postrouting_sees_input: false };
    let mut node = Namespace::new("node", Table::new(Timeouts::default(), true), kernel);
    node.forwarding = true;
    node.tracking = true;
    let mut eth0 = Device::ethernet(DeviceName::ETH0, NODE_MAC, 1500);
    eth0.addresses = vec!["10.0.0.1/24".parse().unwrap()];
    let cali1 = Device { proxy_arp: true, ..Device::ethernet("cali1".parse().unwrap(), Mac::CALICO, 1440) };
    node.devices.extend([eth0, cali1]);
    let route = |destination: &str, via: Option<Ipv4Addr>, device: &str| Route {
        destination: destination.parse().unwrap(),
        kind: RouteKind::Unicast,
        via,
        device: Some(device.parse().unwrap()),
        source: None,
        protocol: "boot",
        onlink: false,
        ..Route::to(destination.parse().unwrap())
    };
    for one in [
        route("0.0.0.0/0", Some(CLIENT), "eth0"),
        route("10.0.0.0/24", None, "eth0"),
        route("10.244.0.2/32", None, "cali1"),
        Route { kind: RouteKind::Blackhole, device: None, ..route("10.244.0.0/26", None, "lo") },
    ] {
        node.fib.add(one);
    }
    node.neighbours.insert((1, CLIENT), CLIENT_MAC);
    node.neighbours.insert((2, POD), POD_MAC);
    for rule in rules {
        text::apply(&mut node.rules, rule).unwrap();
    }
    node
}

pub(super) fn tcp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), flags: TcpFlags) -> Packet {
    let tcp = Tcp {
        source: from.1,
        destination: to.1,
        seq: 1,
        ack: 1,
        flags,
        window: 64240,
        options: TcpOptions::syn(1460),
        payload: bytes::Bytes::new(),
    };
    Packet::new(from.0, to.0, tcp)
}

/// What a node does with a packet that comes in by `eth0` (or `cali1`): its hops, and the packets that leave.
pub(super) fn receive(node: &mut Namespace, device: usize, packet: Packet) -> (Vec<Hop>, Vec<Packet>) {
    let mut recorder = Recorder::default();
    let (mut random, mut next_packet, mut effects) = (Random::new(0), 100, Vec::new());
    let mut cx = Context {
        now: Time::ZERO,
        random: &mut random,
        observer: &mut recorder,
        next_packet: &mut next_packet,
        effects: &mut effects,
    };
    let frame = Frame {
        source: CLIENT_MAC,
        destination: node.devices[device].mac,
        payload: Payload::Ipv4(PacketId(1), packet),
    };
    node.receive_frame(device, frame, &mut cx);
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Transmit { frame: Frame { payload: Payload::Ipv4(_, packet), .. }, .. } => Some(packet),
        _ => None,
    });
    let hops = recorder.into_packets().into_iter().flat_map(|packet| packet.hops).collect();
    (hops, sent.collect())
}

/// The last hop of a packet that went no further, and why.
pub(super) fn dropped(hops: &[Hop]) -> &DropReason {
    match hops.iter().find_map(|hop| if let End::Dropped(reason) = &hop.end { Some(reason) } else { None }) {
        Some(reason) => reason,
        None => panic!("nothing was dropped: {hops:?}"),
    }
}

pub(super) const DNAT: &str =
    "-t nat -A PREROUTING -d 10.96.0.10 -p tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080";
pub(super) const MASQUERADE: &str = "-t nat -A POSTROUTING -o cali1 -j MASQUERADE";

#[test]
fn tables_are_met_in_the_kernels_order() {
    let watch = ["raw PREROUTING", "mangle PREROUTING", "nat PREROUTING", "mangle FORWARD", "filter FORWARD"];
    let leave = ["mangle POSTROUTING", "nat POSTROUTING"];
    let rules: Vec<_> = watch.iter().chain(&leave).map(|place| format!("-t {}", place.replace(' ', " -A "))).collect();
    let mut node = node(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    let (hops, _) = receive(&mut node, 1, tcp((CLIENT, 40003), (POD, 8080), TcpFlags::SYN));
    let met = hops[0].steps.iter().filter_map(|step| match step {
        Step::Rule(hit) => Some(format!("{} {}", hit.table, hit.chain)),
        _ => None,
    });
    assert_eq!(met.collect::<Vec<_>>(), watch.iter().chain(&leave).map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn a_reply_is_un_translated_in_two_steps() {
    let mut node = node(&[DNAT, MASQUERADE]);
    let (_, sent) = receive(&mut node, 1, tcp((CLIENT, 40003), (SERVICE, 80), TcpFlags::SYN));
    // MASQUERADE: cali1 has no address, so the first other device's is taken.
    assert_eq!(sent[0].to_string(), "10.0.0.1:40003 > 10.244.0.2:8080 tcp SYN");
    assert_eq!(sent[0].ttl, 63);
    let (hops, sent) = receive(&mut node, 2, tcp((POD, 8080), (NODE, 40003), TcpFlags::SYN.with(TcpFlags::ACK)));
    assert_eq!(sent[0].to_string(), "10.96.0.10:80 > 10.0.0.2:40003 tcp SYN,ACK");
    let kinds: Vec<_> = hops[0]
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Dnat { .. } => Some("destination"),
            Step::Route { .. } => Some("route"),
            Step::Snat { .. } => Some("source"),
            Step::Rule(hit) if hit.table == crate::netfilter::TableName::Nat => Some("a nat rule"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["destination", "route", "source"], "and no rule of the nat table");
}

#[test]
fn a_lone_syn_ack_is_invalid_and_skips_nat() {
    let mut node = node(&[DNAT, "-A FORWARD -m conntrack --ctstate INVALID -j DROP"]);
    let (hops, _) = receive(&mut node, 1, tcp((CLIENT, 1), (SERVICE, 80), TcpFlags::SYN.with(TcpFlags::ACK)));
    assert!(matches!(dropped(&hops), DropReason::Rule { number: Some(1), .. }), "{hops:?}");
    assert!(!hops[0].steps.iter().any(|step| matches!(step, Step::Dnat { .. })));
}

#[test]
fn a_rejected_packet_leaves_no_connection_and_its_sender_is_told() {
    let mut node = node(&["-A FORWARD -d 10.96.0.10 -j REJECT"]);
    // The packet would leave by the device it came by, and after the redirect the limit of errors would hold this one.
    node.conf.send_redirects = false;
    node.devices.change(1, |device| device.conf.send_redirects = false);
    let (_, sent) = receive(&mut node, 1, tcp((CLIENT, 40003), (SERVICE, 80), TcpFlags::SYN));
    let [error] = &sent[..] else { panic!("one error: {sent:?}") };
    assert_eq!((error.source, error.destination), (NODE, CLIENT));
    assert!(matches!(&error.body, Body::Icmp(Icmp::Unreachable { code: 3, .. })));
    assert_eq!(node.conntrack.entries(Jiffies(0)).count(), 0);
}

#[test]
fn time_to_live_is_looked_at_after_prerouting() {
    let mut node = node(&[DNAT, "-A FORWARD -j ACCEPT"]);
    let packet = Packet { ttl: 1, ..tcp((CLIENT, 40003), (SERVICE, 80), TcpFlags::SYN) };
    let (hops, sent) = receive(&mut node, 1, packet);
    assert_eq!(dropped(&hops), &DropReason::TtlExceeded);
    assert!(hops[0].steps.iter().any(|step| matches!(step, Step::Dnat { .. })));
    assert!(!hops[0].chains().contains(&"filter/FORWARD".to_owned()));
    // The error quotes the packet as the client sent it, and comes as from whom it was sent to.
    let Body::Icmp(Icmp::TimeExceeded { about, .. }) = &sent[0].body else { panic!("{sent:?}") };
    assert_eq!(about.destination_socket().to_string(), "10.96.0.10:80");
    assert_eq!(node.conntrack.entries(Jiffies(0)).count(), 0);
}

#[test]
fn a_packet_too_long_for_the_next_device_comes_back_as_3_4() {
    let mut node = node(&[]);
    let packet = Packet::new(CLIENT, POD, Udp::new(1, 2, vec![0; 1440]));
    let (hops, sent) = receive(&mut node, 1, packet);
    assert_eq!(dropped(&hops), &DropReason::TooBig { mtu: 1440 });
    assert!(matches!(&sent[0].body, Body::Icmp(Icmp::Unreachable { code: 4, mtu: 1440, .. })));
}

#[test]
fn nobody_lives_in_the_rest_of_the_block() {
    let mut node = node(&[]);
    let (hops, sent) = receive(&mut node, 1, tcp((CLIENT, 1), (Ipv4Addr::new(10, 244, 0, 9), 80), TcpFlags::SYN));
    assert_eq!(dropped(&hops), &DropReason::Blackhole);
    assert!(sent.is_empty(), "a blackhole is silent");
}

#[test]
fn the_nodes_own_address_as_source_is_a_martian() {
    let mut node = node(&[]);
    let (hops, _) = receive(&mut node, 1, tcp((NODE, 1), (POD, 80), TcpFlags::SYN));
    assert_eq!(dropped(&hops), &DropReason::Martian);
}

#[test]
fn a_pod_may_not_forge_its_source() {
    let strict = "-t raw -A PREROUTING -i cali+ -m rpfilter --invert -j DROP";
    let mut node = node(&[strict]);
    let (hops, _) = receive(&mut node, 2, tcp((Ipv4Addr::new(10, 244, 0, 9), 1), (CLIENT, 80), TcpFlags::SYN));
    assert!(matches!(dropped(&hops), DropReason::Rule { .. }));
    let (_, sent) = receive(&mut node, 2, tcp((POD, 1), (CLIENT, 80), TcpFlags::SYN));
    assert_eq!(sent.len(), 1, "its own address is good");
}

#[test]
fn an_unserved_port_refuses() {
    let mut node = node(&[]);
    let (_, sent) = receive(&mut node, 1, tcp((CLIENT, 40003), (NODE, 81), TcpFlags::SYN));
    assert_eq!(sent[0].to_string(), "10.0.0.1:81 > 10.0.0.2:40003 tcp RST,ACK");
    let (_, sent) = receive(&mut node, 1, Packet::new(CLIENT, NODE, Udp::new(40003, 81, vec![0; 5])));
    assert!(matches!(&sent[0].body, Body::Icmp(Icmp::Unreachable { code: 3, .. })));
}

#[test]
fn the_kernel_answers_an_echo() {
    let mut node = node(&[]);
    let echo = Icmp::EchoRequest { id: 77, seq: 1, payload: bytes::Bytes::new() };
    let (_, sent) = receive(&mut node, 1, Packet::new(CLIENT, NODE, echo));
    assert_eq!(sent[0].to_string(), "10.0.0.1 > 10.0.0.2 icmp echo reply id 77 seq 1");
}
