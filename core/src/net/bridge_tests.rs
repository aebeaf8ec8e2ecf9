//! Bridges: one fact of the kernel for each test.

use std::net::Ipv4Addr;

use super::fib::Route;
use super::wire::{Frame, Payload};
use super::*;
use crate::Time;
use crate::conntrack::{Table, Timeouts};
use crate::netfilter::text;
use crate::packet::{DeviceName, Mac, Packet, Udp};
use crate::random::Random;
use crate::trace::{NoObserver, PacketId};

const ONE: (Mac, Ipv4Addr) = (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(172, 17, 0, 2));
const OTHER: (Mac, Ipv4Addr) = (Mac([2, 0, 0, 0, 0, 2]), Ipv4Addr::new(172, 17, 0, 3));
const BRIDGE: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// A node with the bridge `br0` (1) and its ports `p1`, `p2`, `p3` (2, 3, 4).
fn node(rules: &[&str]) -> Namespace {
    let kernel = KernelProfile { postrouting_sees_input: true };
    let mut node = Namespace::new("node", Table::new(Timeouts::default(), true), kernel);
    node.forwarding = true;
    node.tracking = true;
    let br0: DeviceName = "br0".parse().unwrap();
    let bridge = Device { addresses: vec!["172.17.0.1/16".parse().unwrap()], ..Device::ethernet(br0, BRIDGE, 1500) };
    node.devices.push(bridge);
    for (at, name) in ["p1", "p2", "p3"].into_iter().enumerate() {
        let name: DeviceName = name.parse().unwrap();
        node.devices.push(Device::ethernet(name, Mac([2, 1, 0, 0, 0, at as u8]), 1500));
        assert!(node.add_bridge_port(br0, name));
    }
    node.fib.add(Route { device: Some(br0), ..Route::to("172.17.0.0/16".parse().unwrap()) });
    for rule in rules {
        text::apply(&mut node.rules, rule).unwrap();
    }
    node
}

/// A datagram comes in by a port: the ports it leaves by, and where to.
fn bridged(node: &mut Namespace, port: usize, from: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr)) -> Vec<(usize, Ipv4Addr)> {
    let (mut random, mut next_packet, mut effects) = (Random::new(0), 0, Vec::new());
    let mut cx = Context {
        now: Time::ZERO,
        random: &mut random,
        observer: &mut NoObserver,
        next_packet: &mut next_packet,
        effects: &mut effects,
    };
    let packet = Packet::new(from.1, to.1, Udp::new(1, 2, vec![0; 4]));
    let frame = Frame { source: from.0, destination: to.0, payload: Payload::Ipv4(PacketId(1), packet) };
    node.receive_frame(port, frame, &mut cx);
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Transmit { device, frame: Frame { payload: Payload::Ipv4(_, packet), .. } } => {
            Some((device, packet.destination))
        }
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_frame_goes_everywhere_until_its_station_is_known() {
    let mut node = node(&[]);
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), [(3, OTHER.1), (4, OTHER.1)]);
    assert_eq!(bridged(&mut node, 3, OTHER, ONE), [(2, ONE.1)], "the first frame told where ONE is");
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), [(3, OTHER.1)]);
}

#[test]
fn only_a_port_in_hairpin_mode_sends_back_what_came_by_it() {
    let mut node = node(&[]);
    bridged(&mut node, 2, OTHER, (Mac::BROADCAST, OTHER.1));
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), []);
    node.devices.change(2, |device| device.hairpin = true);
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), [(2, OTHER.1)]);
}

#[test]
fn iptables_sees_what_is_bridged_where_bridge_nf_call_iptables_says_so() {
    let mut node = node(&["-A FORWARD -i br0 -o br0 -j DROP"]);
    bridged(&mut node, 3, OTHER, (Mac::BROADCAST, ONE.1));
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), [(3, OTHER.1)]);
    node.bridge_calls_iptables = true;
    assert_eq!(bridged(&mut node, 2, ONE, OTHER), []);
}

#[test]
fn a_bridged_packet_whose_destination_the_rules_change_is_routed() {
    let service = Ipv4Addr::new(172, 17, 9, 9);
    let mut node = node(&["-t nat -A PREROUTING -d 172.17.9.9 -j DNAT --to-destination 172.17.0.3"]);
    node.bridge_calls_iptables = true;
    node.neighbours.insert((1, OTHER.1), OTHER.0);
    bridged(&mut node, 3, OTHER, (Mac::BROADCAST, ONE.1));
    assert_eq!(bridged(&mut node, 2, ONE, (Mac([2, 9, 9, 9, 9, 9]), service)), [(3, OTHER.1)]);
}

#[test]
fn what_is_for_the_bridge_itself_comes_in_by_it() {
    let to = (BRIDGE, OTHER.1);
    for (rules, expected) in [(&[][..], &[(3, OTHER.1)][..]), (&["-A FORWARD -i br0 -j DROP"], &[])] {
        let mut node = node(rules);
        node.neighbours.insert((1, OTHER.1), OTHER.0);
        bridged(&mut node, 3, OTHER, (Mac::BROADCAST, ONE.1));
        assert_eq!(bridged(&mut node, 2, ONE, to), expected, "it is routed, and FORWARD sees it");
    }
}
