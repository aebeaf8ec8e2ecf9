//! A flow built by hand, as the white paper tells it: a browser asks the load balancer's address on worker 2, which
//! chooses the nginx on worker 1 and sends the packet there through the tunnel.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::netfilter::{CtState, Hook, Policy, Provenance, TableName};
use crate::packet::{DeviceName, Packet, Tcp, TcpFlags, TcpOptions};
use crate::trace::{
    Depth, DropReason, End, Flow, FlowKind, FlowOutcome, Hop, HttpResult, PacketId, PacketTrace, RuleHit, Step,
};
use crate::view::trace::trace;
use crate::{Origin, Time};

const BROWSER: ([u8; 4], u16) = ([10, 1, 0, 89], 58927);
const BALANCER: ([u8; 4], u16) = ([10, 1, 110, 105], 80);
const NGINX: ([u8; 4], u16) = ([192, 168, 104, 65], 80);
const TUNNEL: ([u8; 4], u16) = ([192, 168, 8, 192], 58927);
const SERVICE: &str = "iks/essential-nginx-ingress-ingress-nginx-controller:http";

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: TcpFlags, payload: usize) -> Packet {
    let options = if flags.has(TcpFlags::SYN) { TcpOptions::syn(1460) } else { TcpOptions::TIMESTAMPS };
    let (source, destination) = (from.1, to.1);
    let payload = vec![0; payload].into();
    let body = Tcp { source, destination, seq: 1, ack: 0, flags, window: 64240, options, payload };
    Packet::new(from.0.into(), to.0.into(), body)
}

fn ipip(inner: &Packet, from: [u8; 4], to: [u8; 4]) -> Packet {
    Packet {
        source: from.into(),
        destination: to.into(),
        body: crate::packet::Body::Ipip(inner.clone().into()),
        ..inner.clone()
    }
}

fn device(name: &str) -> Option<DeviceName> {
    (!name.is_empty()).then(|| name.parse().unwrap())
}

fn hop(micros: u64, place: &str, devices: (&str, &str), packets: (Packet, Packet), steps: Vec<Step>, end: End) -> Hop {
    Hop {
        time: Time::ZERO + Duration::from_micros(micros),
        place: place.into(),
        in_device: device(devices.0),
        out_device: device(devices.1),
        before: packets.0,
        after: packets.1,
        steps,
        end,
        why: None,
    }
}

fn hit(hook: Hook, table: TableName, chain: &str, number: u32, rule: &str, by: Option<&Arc<Provenance>>) -> Step {
    let (mark, mark_after) = if rule.contains("--set-xmark 0x4000/0x4000") { (0, 0x4000) } else { (0, 0) };
    let (chain, rule, provenance) = (chain.into(), rule.into(), by.cloned());
    Step::Rule(RuleHit { hook, table, chain, number, rule, mark, mark_after, provenance })
}

fn route(destination: [u8; 4], route: &str, via: Option<[u8; 4]>, out: &str) -> Step {
    Step::Route {
        destination: destination.into(),
        route: Some(route.parse().unwrap()),
        via: via.map(Ipv4Addr::from),
        device: device(out),
    }
}

fn socket((address, port): ([u8; 4], u16)) -> std::net::SocketAddrV4 {
    std::net::SocketAddrV4::new(address.into(), port)
}

fn written_by(agent: &str, object: &str, field: &str) -> Arc<Provenance> {
    let origin = Some(Origin { file: "wordpress.scn".into(), line: 31, start: 0, end: 0 });
    let origin = origin.filter(|_| !object.is_empty());
    Arc::new(Provenance { agent: agent.into(), object: object.into(), field: field.into(), origin, read: None })
}

/// The SYN on worker 2.
fn on_worker2(time: u64) -> Hop {
    use Hook::{Forward, Postrouting, Prerouting};
    use TableName::{Filter, Nat, Raw};
    let proxy = written_by("kube-proxy", "", "");
    let service = written_by("kube-proxy", "service iks/essential-nginx-ingress-ingress-nginx-controller", "port http");
    let felix = written_by("felix", "", "");
    let comment = format!("-m comment --comment \"{SERVICE}");
    let steps = vec![
        hit(
            Prerouting,
            Raw,
            "PREROUTING",
            1,
            "-m comment --comment \"cali:6gwbT8clXdHdC1b1\" -j cali-PREROUTING",
            Some(&felix),
        ),
        hit(
            Prerouting,
            Raw,
            "cali-PREROUTING",
            1,
            "-m comment --comment \"cali:XFX5xbM8B9qR10JG\" -j MARK --set-xmark 0x0/0xf0000",
            Some(&felix),
        ),
        Step::ChainEnd { hook: Prerouting, table: Raw, chain: "PREROUTING".into(), policy: Some(Policy::Accept) },
        Step::Conntrack { state: CtState::New },
        hit(
            Prerouting,
            Nat,
            "PREROUTING",
            2,
            "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
            Some(&proxy),
        ),
        hit(
            Prerouting,
            Nat,
            "KUBE-SERVICES",
            3,
            &format!(
                "-d 10.1.110.105/32 -p tcp {comment} loadbalancer IP\" -m tcp --dport 80 -j KUBE-FW-D3XY3KFIPC4U6KQS"
            ),
            Some(&service),
        ),
        hit(
            Prerouting,
            Nat,
            "KUBE-FW-D3XY3KFIPC4U6KQS",
            1,
            &format!("{comment} loadbalancer IP\" -j KUBE-MARK-MASQ"),
            Some(&service),
        ),
        hit(Prerouting, Nat, "KUBE-MARK-MASQ", 1, "-j MARK --set-xmark 0x4000/0x4000", Some(&proxy)),
        hit(
            Prerouting,
            Nat,
            "KUBE-SVC-D3XY3KFIPC4U6KQS",
            1,
            &format!("{comment}\" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-AH3PTBOUGNT5BH3N"),
            Some(&service),
        ),
        hit(
            Prerouting,
            Nat,
            "KUBE-SEP-AH3PTBOUGNT5BH3N",
            2,
            &format!("-p tcp {comment}\" -m tcp -j DNAT --to-destination 192.168.104.65:80"),
            Some(&service),
        ),
        Step::Dnat { from: socket(BALANCER), to: socket(NGINX) },
        route(NGINX.0, "192.168.104.64/26", Some([10, 1, 110, 102]), "tunl0"),
        hit(
            Forward,
            Filter,
            "KUBE-FORWARD",
            2,
            "-m comment --comment \"kubernetes forwarding rules\" -m mark --mark 0x4000/0x4000 -j ACCEPT",
            Some(&proxy),
        ),
        hit(
            Postrouting,
            Nat,
            "KUBE-POSTROUTING",
            3,
            "-m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE",
            Some(&proxy),
        ),
        Step::Snat { from: socket(BROWSER), to: socket(TUNNEL) },
        Step::Encapsulated { source: [10, 1, 110, 107].into(), destination: [10, 1, 110, 102].into() },
        route([10, 1, 110, 102], "10.1.110.0/24", None, "ens192"),
        Step::Arp {
            address: [10, 1, 110, 102].into(),
            device: "ens192".parse().unwrap(),
            answer: Some("00:50:56:93:2a:10".parse().unwrap()),
            by: Some("worker1".into()),
        },
    ];
    let outer = ipip(&tcp(TUNNEL, NGINX, TcpFlags::SYN, 0), [10, 1, 110, 107], [10, 1, 110, 102]);
    let end = End::Sent { to: Some("00:50:56:93:2a:10".parse().unwrap()) };
    hop(time, "worker2", ("ens192", "ens192"), (tcp(BROWSER, BALANCER, TcpFlags::SYN, 0), outer), steps, end)
}

fn there() -> PacketTrace {
    let syn = tcp(BROWSER, BALANCER, TcpFlags::SYN, 0);
    let inside = tcp(TUNNEL, NGINX, TcpFlags::SYN, 0);
    let gateway = "00:22:bd:f8:19:ff".parse().unwrap();
    let arp = |address: [u8; 4], on: &str, answer, by: &str| Step::Arp {
        address: address.into(),
        device: on.parse().unwrap(),
        answer: Some(answer),
        by: Some(by.into()),
    };
    let leave = vec![
        route(BALANCER.0, "0.0.0.0/0", Some([10, 1, 0, 254]), "eth0"),
        arp([10, 1, 0, 254], "eth0", gateway, "gateway"),
    ];
    let outer = ipip(&inside, [10, 1, 110, 107], [10, 1, 110, 102]);
    let arrive = vec![
        Step::Conntrack { state: CtState::New },
        route([10, 1, 110, 102], "10.1.110.102/32", None, ""),
        Step::Decapsulated { source: [10, 1, 110, 107].into(), destination: [10, 1, 110, 102].into() },
        Step::Conntrack { state: CtState::New },
        route(NGINX.0, "192.168.104.65/32", None, "cali7394c99cdd4"),
    ];
    let pod = "iks/essential-nginx-ingress-ingress-nginx-controller-7dc9f-pxj46";
    let nginx = "5e:0a:11:22:33:44".parse().unwrap();
    PacketTrace {
        id: PacketId(1),
        hops: vec![
            hop(0, "browser", ("", "eth0"), (syn.clone(), syn), leave, End::Sent { to: Some(gateway) }),
            on_worker2(412),
            hop(
                623,
                "worker1",
                ("ens192", "cali7394c99cdd4"),
                (outer, inside.clone()),
                arrive,
                End::Sent { to: Some(nginx) },
            ),
            hop(640, pod, ("eth0", ""), (inside.clone(), inside), vec![], End::Delivered { to: "nginx".into() }),
        ],
    }
}

/// A packet that was told before: nobody looks at its steps.
fn plain(id: u64, micros: u64, packet: &Packet, places: &[&str]) -> PacketTrace {
    let hops = places.iter().enumerate().map(|(at, place)| {
        let end =
            if at + 1 == places.len() { End::Delivered { to: "its process".into() } } else { End::Sent { to: None } };
        hop(micros + 100 * at as u64, place, ("eth0", "eth0"), (packet.clone(), packet.clone()), vec![], end)
    });
    PacketTrace { id: PacketId(id), hops: hops.collect() }
}

fn flow() -> Flow {
    let ack = TcpFlags::ACK;
    let places = ["browser", "worker2", "worker1", "iks/nginx-1"];
    let back: Vec<_> = places.iter().rev().copied().collect();
    Flow {
        name: "page".to_owned(),
        kind: FlowKind::Get("http://10.1.110.105/wordpress/".to_owned()),
        from: "browser".into(),
        started: Time::ZERO,
        outcome: FlowOutcome::Delivered { to: "iks/nginx-1".into() },
        packets: vec![
            there(),
            plain(2, 900, &tcp(NGINX, TUNNEL, TcpFlags::SYN.with(ack), 0), &back),
            plain(3, 1900, &tcp(BROWSER, BALANCER, ack, 0), &places),
            plain(4, 2000, &tcp(BROWSER, BALANCER, ack.with(TcpFlags::PSH), 80), &places),
            plain(5, 2400, &tcp(NGINX, TUNNEL, ack, 0), &back),
        ],
        http: Some(HttpResult::new(200, "hello\n", socket(BALANCER))),
        dns: None,

        received: None,
        each: Vec::new(),
    }
}

#[test]
fn a_page_through_the_tunnel() {
    insta::assert_snapshot!(trace(&flow(), Depth::Rules));
}

#[test]
fn a_dropped_packet_is_told_even_in_an_open_conversation() {
    let mut flow = flow();
    let dropped = |number, rule: &str| DropReason::Rule {
        table: TableName::Filter,
        chain: "FORWARD".into(),
        number,
        rule: rule.into(),
        told: false,
        provenance: None,
    };
    flow.packets[2].hops.truncate(2);
    let invalid = "-m conntrack --ctstate INVALID -j DROP";
    let felix = written_by("felix", "", "");
    flow.packets[2].hops[1].steps.push(hit(Hook::Forward, TableName::Filter, "FORWARD", 1, invalid, Some(&felix)));
    flow.packets[2].hops[1].end = End::Dropped(dropped(Some(1), invalid));
    flow.packets[3].hops.truncate(2);
    let policy = Step::ChainEnd {
        hook: Hook::Forward,
        table: TableName::Filter,
        chain: "FORWARD".into(),
        policy: Some(Policy::Drop),
    };
    flow.packets[3].hops[1].steps.push(policy);
    flow.packets[3].hops[1].end = End::Dropped(dropped(None, ""));
    flow.packets.drain(..2);
    flow.http = None;
    flow.outcome = FlowOutcome::Dropped { at: "worker2".into(), reason: DropReason::NoRoute };
    insta::assert_snapshot!(trace(&flow, Depth::Rules));
}

#[test]
fn no_line_is_too_wide() {
    let text = trace(&flow(), Depth::All);
    let widest = text.lines().map(str::len).max();
    assert!(widest <= Some(160), "{widest:?}\n{text}");
}
