//! Texts of a real namespace (kernel 6.18, iproute2 6.1, conntrack 1.4.7), read and printed again to the byte.

use std::net::Ipv4Addr;

use super::*;
use crate::Time;
use crate::conntrack::{Entry, Jiffies};
use crate::net::fib::RouteKind;
use crate::net::{Context, DeviceKind, Effect};
use crate::packet::{DeviceName, Packet, Udp};
use crate::random::Random;
use crate::trace::NoObserver;
use crate::view;

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/reference/netns/", $name, ".txt"))
    };
}

#[track_caller]
fn same<T: FromStr<Err = TextError> + fmt::Display>(text: &str) -> T {
    let read: T = text.parse().unwrap_or_else(|error| panic!("{error}"));
    for (line, expected) in read.to_string().lines().zip(text.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(read.to_string(), text);
    read
}

#[test]
fn what_the_tools_print_is_read_and_printed_again() {
    let routes: Routes = same(text!("ip-route"));
    assert_eq!((routes.ipv4.len(), routes.ipv6.len()), (26, 13));
    let rules: Rules = same(text!("ip-rule"));
    assert_eq!(rules.0.len(), 9);
    let links: Links = same(text!("ip-addr"));
    assert_eq!(links.0.len(), 7);
    let _: Links = same(text!("ip-4-addr"));
    let _: Neighbours = same(text!("ip-neigh"));
    let _: Sysctls = same(text!("sysctl"));
    let one_line: Links = text!("ip-o-addr").parse().unwrap();
    assert_eq!(one_line.one_line(), text!("ip-o-addr"));
    for line in text!("conntrack").lines() {
        let entry = Entry::read(line, Jiffies(7)).unwrap();
        assert_eq!(view::conntrack::line(&entry, Jiffies(7)), line);
    }
}

#[test]
fn connections_with_zones_counters_and_translations_are_read_and_printed_again() {
    for line in [
        "tcp      6 119 TIME_WAIT src=10.0.0.2 dst=10.96.0.10 sport=34954 dport=80 src=10.244.0.1 dst=10.0.0.1 \
         sport=8080 dport=6767 [ASSURED] mark=0 use=1",
        "icmp     1 29 src=10.0.0.2 dst=10.244.0.1 type=8 code=0 id=77 src=10.244.0.1 dst=10.0.0.2 type=0 code=0 \
         id=77 mark=0 use=1",
        "unknown  4 599 src=10.1.110.103 dst=10.1.110.102 src=10.1.110.102 dst=10.1.110.103 mark=5 use=1",
        "udp      17 29 src=10.0.0.2 dst=10.0.0.1 sport=5 dport=53 packets=2 bytes=120 [UNREPLIED] src=10.0.0.1 \
         dst=10.0.0.2 sport=53 dport=5 packets=0 bytes=0 mark=0 zone=7 use=1",
    ] {
        let entry = Entry::read(line, Jiffies(0)).unwrap();
        assert_eq!(view::conntrack::line(&entry, Jiffies(0)), line);
    }
    // Whose state the model does not follow is no reason to read nothing.
    let sctp = "sctp 132 431999 ESTABLISHED src=10.0.0.2 dst=10.0.0.3 sport=1 dport=2 src=10.0.0.3 dst=10.0.0.2 sport=2 \
                dport=1 [ASSURED] mark=0 use=1";
    assert_eq!(Entry::read(sctp, Jiffies(0)).unwrap().original.destination_port(), Some(2));
    let nat = Entry::read(
        "tcp 6 119 ESTABLISHED src=10.0.0.2 dst=10.96.0.10 sport=1 dport=80 src=10.244.0.1 dst=10.0.0.2 sport=8080 \
         dport=1 [ASSURED] mark=0 use=1",
        Jiffies(0),
    );
    assert!(nat.is_ok_and(|entry| entry.status.dst_nat && !entry.status.src_nat));
}

#[test]
fn what_cannot_be_read_is_told_with_line_and_cause() {
    let routes = |text: &str| text.parse::<Routes>().unwrap_err().to_string();
    assert_eq!(
        routes("default dev a-name-that-is-too-long"),
        "ip route, line 1: `a-name-that-is-too-long` cannot follow `dev`"
    );
    assert_eq!(routes("\n10.0.0.0/8 via"), "ip route, line 2: nothing follows `via`");
    assert!(routes("10.0.0.0/8 dev eth0 table vpn").contains("`vpn` is a table by name"));
    let rules = |text: &str| text.parse::<Rules>().unwrap_err().to_string();
    assert_eq!(rules("from all lookup main"), "ip rule, line 1: a rule begins with its priority and a colon");
    assert_eq!(rules("1: from all fwmark x lookup main"), "ip rule, line 1: `x` is no mark");
    assert!(rules("1: from all").contains("neither which table"));
    let neighbour = "10.0.0.2 dev eth0 HAPPY".parse::<Neighbours>().unwrap_err().to_string();
    assert_eq!(neighbour, "ip neigh, line 1: `HAPPY` is no state of a neighbour");
    let addresses = |text: &str| text.parse::<Links>().unwrap_err().to_string();
    assert_eq!(addresses("    inet 10.0.0.1/24 scope global eth0"), "ip addr, line 1: it belongs to no device");
    assert_eq!(addresses("1: lo: <UP> mtu many"), "ip addr, line 1: `many` cannot follow `mtu`");
}

#[test]
fn what_the_model_does_not_know_is_kept_and_printed_again() {
    let routes: Routes = same("10.0.0.0/8 via 10.0.0.2 dev eth0 realm 7 \nmulticast 224.0.0.0/4 dev eth0 \n");
    assert_eq!(routes.ipv4[0].route.unknown.as_deref(), Some("realm 7"));
    let links: Links = same(
        "2: ens192: <BROADCAST,UP> mtu 1500 qdisc mq state UP group default qlen 1000\n    link/ether 00:50:56:93:00:01 brd \
         ff:ff:ff:ff:ff:ff\n    altname enp11s0\n    altname enx005056930001\n    inet 10.0.0.1/24 brd 10.0.0.255 scope global \
         ens192\n       valid_lft forever preferred_lft forever\n",
    );
    assert_eq!(links.0[0].alt_names, ["enp11s0", "enx005056930001"]);
    let rules: Rules = same(
        "600:\tfrom all uidrange 1000-1001 lookup default\n1000:\tfrom all lookup [l3mdev-table]\n"
            .replace("lookup [l3mdev-table]", "l3mdev")
            .as_str(),
    );
    assert!(rules.0.iter().all(|rule| rule.unknown.is_some()));
}

/// The namespace that the texts were taken from.
fn node() -> (crate::net::Namespace, Vec<Unheeded>) {
    let texts = NodeTexts {
        addresses: text!("ip-addr"),
        routes: text!("ip-route"),
        rules: text!("ip-rule"),
        neighbours: text!("ip-neigh"),
        sysctls: text!("sysctl"),
        connections: text!("conntrack"),
        iptables: text!("iptables-save"),
        kernel: (6, 18),
    };
    texts.build("node", Time::ZERO).unwrap()
}

#[test]
fn the_texts_of_a_node_make_its_namespace() {
    let (node, unheeded) = node();
    assert_eq!(unheeded, []);
    let names: Vec<_> = node.devices.iter().map(|device| device.name.to_string()).collect();
    assert_eq!(names, ["lo", "eth0", "pod1", "cali1", "br0", "eth1p", "eth1"]);
    let cali1 = &node.devices[3];
    assert_eq!((cali1.mtu, cali1.mac, cali1.proxy_arp), (1440, crate::packet::Mac::CALICO, true));
    assert!(node.forwarding && node.tracking && node.conf.route_localnet);
    assert_eq!(node.devices[1].conf.rp_filter, 2);
    assert_eq!(node.conntrack.entries(Jiffies(0)).count(), 3);
    assert_eq!(node.conntrack.settings.max, 262_144);
    assert_eq!(node.devices[0].kind, DeviceKind::Loopback);
    let default = node.fib.lookup(Ipv4Addr::new(8, 8, 8, 8)).unwrap();
    assert_eq!((default.kind, default.metric, default.via), (RouteKind::Unicast, 100, Some([10, 0, 0, 2].into())));
    assert_eq!(
        node.source_towards([8, 8, 4, 4].into()),
        None,
        "rule 600 asks for a user, whom the model does not know"
    );
    assert_eq!(node.source_towards([172, 17, 0, 9].into()), Some([172, 17, 0, 1].into()));
    assert_eq!(node.source_towards([10, 77, 0, 9].into()), Some([10, 77, 0, 9].into()), "local, by table 255");
}

#[test]
fn a_packet_takes_the_way_that_the_texts_describe() {
    let (mut node, _) = node();
    // The rules that the model does not know stand in the way of what no earlier rule answers.
    let rules: Vec<_> = node.policy.rules().iter().filter(|rule| rule.unknown.is_none()).cloned().collect();
    node.policy.set_rules(rules);
    let (mut random, mut next_packet, mut effects) = (Random::new(0), 0, Vec::new());
    let mut cx = Context {
        now: Time::ZERO,
        random: &mut random,
        observer: &mut NoObserver,
        next_packet: &mut next_packet,
        effects: &mut effects,
    };
    node.send(Packet::new([10, 0, 0, 1].into(), [10, 244, 0, 2].into(), Udp::new(1, 2, vec![0; 3])), &mut cx);
    let out = node.device_index("cali1".parse::<DeviceName>().unwrap()).unwrap();
    assert!(matches!(&effects[..], [Effect::Transmit { device, .. }] if *device == out), "{effects:?}");
}

#[test]
fn sysctls_are_known_by_name() {
    let sysctls: Sysctls = text!("sysctl").parse().unwrap();
    let unknown: Vec<_> = sysctls.unknown().collect();
    assert!(unknown.contains(&"net.ipv4.tcp_wmem") && !unknown.contains(&"net.ipv4.conf.cali1.rp_filter"));
    assert!(!unknown.iter().any(|name| name.contains("conntrack_tcp_timeout")), "every timeout of TCP");
}
