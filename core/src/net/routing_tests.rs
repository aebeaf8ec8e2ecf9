//! Source validation, policy routing, redirects, ARP's settings and tunnels: one fact of the kernel for each test.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::fib::{Fib, Route, RouteKind};
use super::rules::{MAIN, PolicyRule, RuleAction};
use super::tests::{CLIENT, DNAT, NODE, NODE_MAC, POD, SERVICE, dropped, node, receive, tcp};
use super::wire::{Arp, Frame, Payload};
use super::*;
use crate::Time;
use crate::conntrack::Jiffies;
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, TcpFlags, Udp};
use crate::random::Random;
use crate::trace::{DropReason, NoObserver};

const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 77);

fn datagram(from: Ipv4Addr, to: Ipv4Addr) -> Packet {
    Packet::new(from, to, Udp::new(1, 2, vec![0; 10]))
}

/// What a namespace does without anybody watching: the effects.
fn with_context(act: impl FnOnce(&mut Context<'_, NoObserver>)) -> Vec<Effect> {
    let (mut random, mut next_packet, mut effects) = (Random::new(0), 0, Vec::new());
    act(&mut Context {
        now: Time::ZERO,
        random: &mut random,
        observer: &mut NoObserver,
        next_packet: &mut next_packet,
        effects: &mut effects,
    });
    effects
}

fn sent(effects: Vec<Effect>) -> Vec<Packet> {
    let packets = effects.into_iter().filter_map(|effect| match effect {
        Effect::Transmit { frame: Frame { payload: Payload::Ipv4(_, packet), .. }, .. } => Some(packet),
        _ => None,
    });
    packets.collect()
}

// `__fib_validate_source`.

#[test]
fn strict_validation_wants_the_way_back_to_be_the_way_in() {
    for (all, own, passes) in [(0, 0, true), (1, 0, false), (0, 1, false), (2, 1, false), (2, 0, false)] {
        // cali1 has no address: then the loose kind refuses what strays, too ("no_addr").
        let mut node = node(&[]);
        node.conf.rp_filter = all;
        node.devices.change(2, |device| device.conf.rp_filter = own);
        let (hops, packets) = receive(&mut node, 2, datagram(Ipv4Addr::new(8, 8, 8, 8), CLIENT));
        assert_eq!(packets.len() == 1, passes, "all {all}, own {own}");
        assert!(passes || dropped(&hops) == &DropReason::ReversePath);
    }
}

#[test]
fn loose_validation_wants_any_way_back() {
    let mut node = node(&[]);
    node.devices.change(2, |device| device.addresses = vec!["10.9.9.1/24".parse().unwrap()]);
    node.conf.rp_filter = 2;
    let (_, packets) = receive(&mut node, 2, datagram(Ipv4Addr::new(8, 8, 8, 8), CLIENT));
    assert_eq!(packets.len(), 1, "the default route leads back, if by another device");
    node.fib.remove_by("boot");
    node.fib.add(Route { device: Some(DeviceName::ETH0), ..Route::to("10.0.0.0/24".parse().unwrap()) });
    let (hops, _) = receive(&mut node, 2, datagram(Ipv4Addr::new(8, 8, 8, 8), CLIENT));
    assert_eq!(dropped(&hops), &DropReason::ReversePath);
}

#[test]
fn validation_comes_after_prerouting_and_before_input() {
    let mut node = node(&["-t raw -A PREROUTING -j ACCEPT", "-A INPUT -j ACCEPT"]);
    node.conf.rp_filter = 1;
    let (hops, _) = receive(&mut node, 1, datagram(POD, NODE));
    assert_eq!(dropped(&hops), &DropReason::ReversePath);
    assert!(!hops[0].chains().contains(&"filter/INPUT".to_owned()));
}

#[test]
fn martians() {
    // `ip_route_input_slow`, in its order.
    let martian = |from: [u8; 4], to: [u8; 4]| {
        let (hops, _) = receive(&mut node(&[]), 1, datagram(from.into(), to.into()));
        dropped(&hops) == &DropReason::Martian
    };
    assert!(martian([224, 0, 0, 1], [10, 244, 0, 2]), "multicast source");
    assert!(martian([255, 255, 255, 255], [10, 244, 0, 2]), "broadcast source");
    assert!(martian([0, 0, 0, 1], [10, 244, 0, 2]), "this network");
    assert!(martian([10, 0, 0, 2], [0, 0, 0, 1]), "to this network");
    assert!(martian([127, 0, 0, 1], [10, 244, 0, 2]), "loopback source");
    assert!(martian([10, 0, 0, 2], [127, 0, 0, 1]), "loopback destination");
}

#[test]
fn the_loopback_network_is_routed_where_route_localnet_says_so() {
    let mut node = node(&["-t nat -A PREROUTING -p udp --dport 2 -j DNAT --to-destination 127.0.0.1:53"]);
    let (hops, _) = receive(&mut node, 1, datagram(CLIENT, NODE));
    assert_eq!(dropped(&hops), &DropReason::Martian);
    node.conf.route_localnet = true;
    let (hops, _) = receive(&mut node, 1, datagram(CLIENT, NODE));
    assert_eq!(dropped(&hops), &DropReason::NoListener);
}

#[test]
fn a_device_may_forward_by_itself() {
    let mut node = node(&[]);
    node.devices.change(1, |device| device.conf.forwarding = Some(false));
    let (hops, _) = receive(&mut node, 1, datagram(CLIENT, POD));
    assert_eq!(dropped(&hops), &DropReason::ForwardingOff);
    let (_, packets) = receive(&mut node, 2, datagram(POD, CLIENT));
    assert_eq!(packets.len(), 1);
}

// `fib_rules_lookup`.

fn table(routes: &[Route]) -> Fib {
    let mut fib = Fib::default();
    routes.iter().cloned().for_each(|route| fib.add(route));
    fib
}

fn by(destination: &str, device: &str) -> Route {
    Route { device: Some(device.parse().unwrap()), ..Route::to(destination.parse().unwrap()) }
}

#[test]
fn a_rule_by_mark_is_asked_in_its_place() {
    let mut node = node(&["-t mangle -A PREROUTING -p udp -j MARK --set-mark 0x7"]);
    let kind = RouteKind::Blackhole;
    node.policy.tables.insert(100, table(&[Route { kind, ..Route::to(format!("{POD}/32").parse().unwrap()) }]));
    node.policy.add_rule(PolicyRule { fwmark: Some((7, 0xff)), ..PolicyRule::all(100, RuleAction::Lookup(100)) });
    let (hops, _) = receive(&mut node, 1, datagram(CLIENT, POD));
    assert_eq!(dropped(&hops), &DropReason::Blackhole);
    let (_, packets) = receive(&mut node, 1, tcp((CLIENT, 1), (POD, 80), TcpFlags::SYN));
    assert_eq!(packets.len(), 1, "without the mark the main table is asked");
}

#[test]
fn throw_and_suppress_go_on_to_the_next_rule() {
    let mut node = node(&[]);
    let throw = Route { kind: RouteKind::Throw, ..Route::to("10.244.0.0/16".parse().unwrap()) };
    node.policy.tables.insert(100, table(&[throw, by("0.0.0.0/0", "eth0")]));
    node.policy.add_rule(PolicyRule::all(100, RuleAction::Lookup(100)));
    let (_, packets) = receive(&mut node, 1, datagram(CLIENT, POD));
    assert_eq!(packets.len(), 1, "thrown out of table 100, found in the main one");
    let suppress = PolicyRule { suppress: Some(0), ..PolicyRule::all(50, RuleAction::Lookup(MAIN)) };
    node.policy.set_rules(vec![PolicyRule::all(0, RuleAction::Lookup(rules::LOCAL)), suppress]);
    let (hops, _) = receive(&mut node, 2, datagram(POD, Ipv4Addr::new(8, 8, 8, 8)));
    assert_eq!(dropped(&hops), &DropReason::NoRoute, "the default route is suppressed");
}

#[test]
fn rules_and_routes_refuse_each_with_its_own_code() {
    for (action, code, reason) in [
        (RuleAction::Unreachable, Some(0), DropReason::NoRoute),
        (RuleAction::Prohibit, Some(13), DropReason::Prohibit),
        (RuleAction::Blackhole, None, DropReason::Blackhole),
    ] {
        let mut node = node(&[]);
        node.policy.add_rule(PolicyRule { to: Some(POD.into()), ..PolicyRule::all(10, action) });
        let (hops, packets) = receive(&mut node, 1, datagram(CLIENT, POD));
        assert_eq!(dropped(&hops), &reason);
        let told = packets.first().and_then(|packet| match &packet.body {
            Body::Icmp(icmp) => Some(icmp.code()),
            _ => None,
        });
        assert_eq!(told, code, "{action:?}");
    }
}

#[test]
fn what_a_rule_says_that_the_model_does_not_know_makes_the_outcome_unknown() {
    let mut node = node(&[]);
    let unknown = Some("l3mdev".into());
    node.policy.add_rule(PolicyRule { unknown, ..PolicyRule::all(1000, RuleAction::Nop) });
    let (hops, _) = receive(&mut node, 1, datagram(CLIENT, POD));
    assert!(matches!(dropped(&hops), DropReason::Unknown(doubt) if doubt.why.contains("l3mdev")));
}

#[test]
fn a_mark_set_in_output_routes_again() {
    // `ip_route_me_harder`, from `ipt_mangle_out`.
    let mut node = node(&["-t mangle -A OUTPUT -j MARK --set-mark 0x7"]);
    node.policy.tables.insert(100, table(&[by("8.8.8.8/32", "cali1")]));
    node.policy.add_rule(PolicyRule { fwmark: Some((7, 7)), ..PolicyRule::all(100, RuleAction::Lookup(100)) });
    node.neighbours.insert((2, Ipv4Addr::new(8, 8, 8, 8)), Mac::CALICO);
    let effects = with_context(|cx| node.send(datagram(NODE, Ipv4Addr::new(8, 8, 8, 8)), cx));
    assert!(matches!(effects[..], [Effect::Transmit { device: 2, .. }]), "{effects:?}");
}

#[test]
fn of_two_routes_the_smaller_metric_counts_and_prefsrc_is_the_source() {
    let mut node = node(&[]);
    let far = Ipv4Addr::new(9, 9, 9, 9);
    node.fib.add(Route { metric: 200, source: Some(POD), ..by("9.9.9.0/24", "cali1") });
    node.fib.add(Route { metric: 100, source: Some(STRANGER), ..by("9.9.9.0/24", "eth0") });
    assert_eq!(node.source_towards(far), Some(STRANGER));
    // Without one: the address in whose network the next hop is (`inet_select_addr`).
    node.devices
        .change(1, |device| device.addresses = vec!["192.168.1.1/24".parse().unwrap(), "10.0.0.1/24".parse().unwrap()]);
    assert_eq!(node.source_towards(Ipv4Addr::new(8, 8, 8, 8)), Some(NODE));
}

#[test]
fn the_mtu_of_a_route_counts_and_3_4_names_it() {
    let mut node = node(&[]);
    node.fib.add(Route { mtu: Some(1000), ..by(&format!("{POD}/32"), "cali1") });
    let (hops, packets) = receive(&mut node, 1, Packet::new(CLIENT, POD, Udp::new(1, 2, vec![0; 1000])));
    assert_eq!(dropped(&hops), &DropReason::TooBig { mtu: 1000 });
    assert!(matches!(packets[0].body, Body::Icmp(Icmp::Unreachable { code: 4, mtu: 1000, .. })));
}

// ICMP redirects and limits.

#[test]
fn a_packet_that_leaves_by_the_device_it_came_by_is_answered_with_a_redirect() {
    // `__mkroute_input`, `ip_rt_send_redirect`: before FORWARD, and the packet goes on.
    let mut node = node(&[]);
    let other = Ipv4Addr::new(10, 0, 0, 9);
    node.neighbours.insert((1, other), Mac::CALICO);
    node.tracking = false;
    let (_, packets) = receive(&mut node, 1, datagram(CLIENT, other));
    assert!(matches!(&packets[0].body, Body::Icmp(Icmp::Redirect { code: 1, gateway, .. }) if *gateway == other));
    assert_eq!((packets[0].source, packets[0].destination, packets.len()), (NODE, CLIENT, 2));
    let (_, packets) = receive(&mut node, 1, datagram(CLIENT, other));
    assert_eq!(packets.len(), 1, "the second within 40 ms is not answered");
    node.conf.send_redirects = false;
    node.devices.change(1, |device| device.conf.send_redirects = false);
    node.peers.clear();
    let (_, packets) = receive(&mut node, 1, datagram(CLIENT, other));
    assert_eq!(packets.len(), 1);
}

#[test]
fn a_redirect_about_a_translated_connection_is_dropped_inside_nat() {
    // Fact 9 of the notes on real traces: `nf_nat_icmp_reply_translation`.
    let mut node = node(&[DNAT, "-t nat -A POSTROUTING -j MASQUERADE"]);
    let (hops, packets) = receive(&mut node, 2, tcp((POD, 4000), (SERVICE, 80), TcpFlags::SYN));
    assert_eq!(packets.len(), 1, "the pod's own packet comes back to it, and no redirect: {packets:?}");
    assert_eq!(packets[0].destination, POD);
    assert!(hops.iter().any(|hop| matches!(&hop.before.body, Body::Icmp(Icmp::Redirect { .. }))));
    assert_eq!(dropped(&hops), &DropReason::RedirectOfNat);
}

#[test]
fn six_errors_may_follow_each_other_and_then_one_a_second() {
    // `inet_peer_xrlim_allow`.
    let mut node = node(&["-A FORWARD -j REJECT"]);
    let told = |node: &mut Namespace| receive(node, 1, datagram(CLIENT, POD)).1.len();
    assert_eq!((0..8).map(|_| told(&mut node)).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 0, 0]);
    node.icmp.ratelimit = Duration::ZERO;
    assert_eq!(told(&mut node), 1);
}

// `arp_process`, `arp_solicit`.

fn asks(node: &mut Namespace, device: usize, target: Ipv4Addr) -> bool {
    let arp = Arp { request: true, sender_mac: Mac::CALICO, sender: CLIENT, target };
    let frame = Frame { source: Mac::CALICO, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
    !with_context(|cx| node.receive_frame(device, frame, cx)).is_empty()
}

#[test]
fn arp_ignore_narrows_the_addresses_that_are_answered_for() {
    let mut node = node(&[]);
    assert!(asks(&mut node, 2, NODE), "0: any local address, by any device");
    node.conf.arp_ignore = 1;
    assert!(!asks(&mut node, 2, NODE) && asks(&mut node, 1, NODE), "1: those of the device");
    node.conf.arp_ignore = 2;
    assert!(asks(&mut node, 1, NODE), "2: to a sender of its network");
    node.conf.arp_ignore = 8;
    assert!(!asks(&mut node, 1, NODE), "8: none");
}

#[test]
fn a_proxy_answers_for_what_it_would_forward_by_another_device() {
    let mut node = node(&[]);
    let gateway = Ipv4Addr::new(169, 254, 1, 1);
    assert!(asks(&mut node, 2, gateway), "the default route leads there");
    assert!(!asks(&mut node, 2, POD), "that is by the same device");
    node.forwarding = false;
    assert!(!asks(&mut node, 2, gateway), "only who forwards is a proxy");
    node.forwarding = true;
    node.fib.remove_by("boot");
    assert!(!asks(&mut node, 2, gateway), "without a default route there is no way to it");
}

#[test]
fn arp_announce_decides_who_asks() {
    let asked_by = |announce, source: Ipv4Addr| {
        let mut node = node(&[]);
        node.devices.change(1, |device| device.addresses.push("192.168.7.1/24".parse().unwrap()));
        node.conf.arp_announce = announce;
        node.tracking = false;
        let effects = with_context(|cx| node.send(datagram(source, Ipv4Addr::new(10, 0, 0, 9)), cx));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Transmit { frame: Frame { payload: Payload::Arp(arp), .. }, .. } => Some(arp.sender),
            _ => None,
        })
    };
    let other = Ipv4Addr::new(192, 168, 7, 1);
    assert_eq!(asked_by(0, other), Some(other), "0: any of its own");
    assert_eq!(asked_by(1, other), Some(NODE), "1: one that the target can know");
    assert_eq!(asked_by(2, NODE), Some(NODE), "2: the best one");
}

// `ip_tunnel_xmit`, `ipip_rcv`.

fn tunnelled() -> Namespace {
    let mut node = node(&[]);
    let block: &str = "10.244.9.0/26";
    let peer = Ipv4Addr::new(10, 0, 0, 3);
    node.devices.push(Device::tunl0(Some(Ipv4Addr::new(10, 244, 0, 1)), 1440));
    node.fib.add(Route { via: Some(peer), onlink: true, ..by(block, "tunl0") });
    node.neighbours.insert((1, peer), Mac::CALICO);
    node
}

const REMOTE: Ipv4Addr = Ipv4Addr::new(10, 244, 9, 2);

#[test]
fn the_outer_header_copies_ttl_and_df_and_of_the_tos_only_ecn() {
    let packet = Packet { tos: 0xb9, ttl: 17, dont_fragment: false, ..datagram(POD, REMOTE) };
    let (_, packets) = receive(&mut tunnelled(), 2, packet);
    let outer = &packets[0];
    assert_eq!((outer.ttl, outer.tos, outer.dont_fragment, outer.length()), (16, 0x01, false, 58));
    assert_eq!((outer.source, outer.destination), (NODE, Ipv4Addr::new(10, 0, 0, 3)));
    let Body::Ipip(inner) = &outer.body else { panic!("a tunnel: {outer}") };
    assert_eq!(inner.tos, 0xb9);
}

#[test]
fn congestion_on_the_way_is_told_to_the_inner_packet() {
    let outer = |tos| {
        let inner = Box::new(Packet { tos, ..datagram(REMOTE, POD) });
        Packet { tos: 3, ..Packet::new(Ipv4Addr::new(10, 0, 0, 3), NODE, Body::Ipip(inner)) }
    };
    let (_, packets) = receive(&mut tunnelled(), 1, outer(2));
    assert_eq!(packets[0].tos, 3);
    let (hops, _) = receive(&mut tunnelled(), 1, outer(0));
    assert_eq!(dropped(&hops), &DropReason::Congestion);
}

#[test]
fn a_packet_too_long_for_the_tunnel_is_refused_by_its_address_before_forward() {
    let mut node = tunnelled();
    let (hops, packets) = receive(&mut node, 2, Packet::new(POD, REMOTE, Udp::new(1, 2, vec![0; 1413])));
    assert_eq!(dropped(&hops), &DropReason::TooBig { mtu: 1440 });
    assert!(!hops[0].chains().iter().any(|chain| chain.ends_with("FORWARD")));
    assert!(matches!(packets[0].body, Body::Icmp(Icmp::Unreachable { code: 4, mtu: 1440, .. })));
    // A tunnel as wide as its road: after POSTROUTING, with the road's width less the header.
    node.devices.change(3, |device| device.mtu = 1500);
    let (_, packets) = receive(&mut node, 2, Packet::new(POD, REMOTE, Udp::new(1, 2, vec![0; 1460])));
    assert!(matches!(packets[0].body, Body::Icmp(Icmp::Unreachable { code: 4, mtu: 1480, .. })));
}

#[test]
fn a_packet_for_a_tunnel_that_is_down_is_refused_as_a_port() {
    let mut node = tunnelled();
    node.devices.change(3, |device| device.up = false);
    let outer = Packet::new(Ipv4Addr::new(10, 0, 0, 2), NODE, Body::Ipip(Box::new(datagram(REMOTE, POD))));
    let (_, packets) = receive(&mut node, 1, outer);
    assert!(matches!(packets[0].body, Body::Icmp(Icmp::Unreachable { code: 3, .. })), "tunnel4_rcv");
}

#[test]
fn an_address_that_is_taken_away_ends_what_it_masqueraded() {
    let mut node = node(&["-t nat -A POSTROUTING -o eth0 -j MASQUERADE"]);
    receive(&mut node, 2, datagram(POD, CLIENT));
    assert_eq!(node.conntrack.entries(Jiffies(0)).count(), 1);
    node.remove_address(DeviceName::ETH0, NODE);
    assert_eq!(node.conntrack.entries(Jiffies(0)).count(), 0);
}

#[test]
fn a_frame_for_somebody_else_does_not_get_past_the_card() {
    let mut node = node(&[]);
    let frame = Frame {
        source: Mac::CALICO,
        destination: Mac([2, 9, 9, 9, 9, 9]),
        payload: Payload::Ipv4(crate::trace::PacketId(1), datagram(CLIENT, POD)),
    };
    assert_ne!(NODE_MAC, frame.destination);
    assert!(sent(with_context(|cx| node.receive_frame(1, frame, cx))).is_empty());
}
