use super::*;
use crate::kube::{
    Container, ContainerPort, Labels, Node, Object, Pod, Serve, Service, ServicePort, TransportProtocol,
};
use crate::packet::{TcpOptions, Timestamps};
use crate::world::{Op, Operation, Outcome, Source, World};

const CLIENT: &str = "wordpress-frontend-7b884dd698-d8w44";

/// A pod that asks CoreDNS for the database of the white paper.
fn world() -> World {
    let mut world = World::new(0);
    let label = |value: &str| Labels::from_iter([("app".to_owned(), value.to_owned())]);
    let port = ContainerPort { name: None, port: 53, protocol: TransportProtocol::Udp };
    let coredns = Container {
        ports: vec![port],
        ..Container::serving("coredns", 53, Serve::Dns { pods: crate::kube::PodRecords::default() })
    };
    let dns = Service::new("kube-system", "kube-dns", label("dns"), 53);
    let ports = dns.ports.iter().map(|port| ServicePort { protocol: TransportProtocol::Udp, ..port.clone() }).collect();
    let database = Service::new("default", "wordpress-db", label("db"), 3306);
    let server = Pod { labels: label("dns"), containers: vec![coredns], ..Pod::new("kube-system", "coredns") };
    for object in [
        Object::Node(Node::new("worker2", [10, 1, 110, 107])),
        Object::Pod(Pod::new("default", CLIENT)),
        Object::Pod(server),
        Object::Service(Service { cluster_ip: Some([10, 96, 0, 10].into()), ports, ..dns }),
        Object::Service(Service { cluster_ip: Some([10, 96, 23, 229].into()), ..database }),
    ] {
        world.apply(&Operation { op: Op::Declare { object }, origin: None }).unwrap();
    }
    world
}

/// A line without its time, the client's port and the message's identifier, which are by chance.
fn without_chance(line: &str) -> String {
    let mut words: Vec<_> = line.split(' ').skip(1).map(str::to_owned).collect();
    for word in &mut words {
        if let Some((host, port)) = word.trim_end_matches(':').rsplit_once('.')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && host == CLIENT
        {
            *word = host.to_owned();
        }
    }
    if let Some(id) = words.get_mut(4) {
        *id = id.trim_start_matches(|letter: char| letter.is_ascii_digit()).to_owned();
    }
    words.join(" ")
}

/// The two questions and their answers; the order of the answers is by chance. The last two lines are tcpdump's own: it
/// asks for the name of the server.
#[test]
fn figure_96_whose_last_question_is_of_tcpdump() {
    let mut world = world();
    let from = Source { name: CLIENT.into(), port: None };
    let resolve = Op::Resolve { from, host: "wordpress-db".into(), kind: None, name: "name".into() };
    world.apply(&Operation { op: resolve, origin: None }).unwrap();
    let look = Op::Shell { on: CLIENT.into(), command: "tcpdump -i eth0".into() };
    let Ok(Outcome::Text(printed)) = world.apply(&Operation { op: look, origin: None }) else { panic!("no text") };
    let printed: Vec<_> = printed.lines().skip(2).map(without_chance).collect();
    let figure = include_str!("../../../../tests/whitepaper/fig096_tcpdump_dns.txt");
    let figure: Vec<_> = figure.lines().skip(2).map(without_chance).collect();
    let sorted = |lines: &[String]| {
        let mut lines = lines.to_vec();
        lines.sort();
        lines
    };
    assert_eq!(printed[..2], figure[..2]);
    assert_eq!(sorted(&printed[2..4]), sorted(&figure[2..4]));
    assert_eq!(printed[4..], figure[4..]);
}

fn printed(time: Time, packet: &Packet, name_of: Option<&dyn Fn(Ipv4Addr) -> Option<String>>) -> String {
    Printer::new(name_of, false).text(Seen { time, packet, offloaded: false })
}

#[test]
fn a_segment_in_the_tunnel() {
    let flags = TcpFlags::PSH.with(TcpFlags::ACK);
    let options = TcpOptions::TIMESTAMPS;
    let payload = vec![0; 40].into();
    let tcp = Tcp { source: 41000, destination: 80, seq: 7, ack: 9, flags, window: 501, options, payload };
    let inner = Packet::new([192, 168, 8, 192].into(), [192, 168, 104, 65].into(), tcp);
    let outer = Packet {
        source: [10, 1, 110, 107].into(),
        destination: [10, 1, 110, 102].into(),
        body: Body::Ipip(inner.clone().into()),
        ..inner
    };
    let nobody = |_: Ipv4Addr| None;
    let shown = "IP 10.1.110.107 > 10.1.110.102: IP 192.168.8.192.41000 > 192.168.104.65.http: Flags [P.], seq 7:47, ack 9, \
                 win 501, options [nop,nop,TS val 1 ecr 1], length 40 (ipip-proto-4)";
    assert_eq!(printed(Time::ZERO, &outer, Some(&nobody)), format!("00:00:00.000000 {shown}"));
    let numbers = shown.replace(".http", ".80");
    assert_eq!(printed(Time::ZERO, &outer, None), format!("00:00:00.000000 {numbers}"));
}

/// The packets of Figure 15, byte for byte as tcpdump printed them: what it says of their checksums is right only if every
/// other field is, which has repaired one: the print's first window is 582, and its checksum one of 502. The capture had not
/// seen the connection begin.
#[test]
fn figure_15_with_its_checksums() {
    let (worker1, worker2) = ([10, 1, 110, 102], [10, 1, 110, 107]);
    let mut keepalive = vec![0xff; 16];
    keepalive.extend([0, 19, 4]);
    let segment = |(source, destination), (seq, ack), window, (value, echo), payload: &[u8]| {
        let flags = if payload.is_empty() { TcpFlags::ACK } else { TcpFlags::PSH.with(TcpFlags::ACK) };
        let options = TcpOptions::Timestamps(Timestamps { value, echo });
        Tcp { source, destination, seq, ack, flags, window, options, payload: payload.to_vec().into() }
    };
    let (up, down) = ((60695, 179), (179, 60695));
    let packets = [
        (
            30_605_909_881,
            31472,
            worker2,
            worker1,
            false,
            segment(up, (317_107_071, 1_227_624_664), 502, (3_707_605_346, 2_965_967_288), &keepalive),
        ),
        (
            30_605_911_739,
            11868,
            worker1,
            worker2,
            true,
            segment(down, (1_227_624_664, 317_107_090), 509, (2_966_031_004, 3_707_605_346), &[]),
        ),
        (
            30_610_908_578,
            11869,
            worker1,
            worker2,
            true,
            segment(down, (1_227_624_664, 317_107_090), 509, (2_966_035_993, 3_707_605_346), &keepalive),
        ),
    ];
    let nobody = |_: Ipv4Addr| None;
    let mut printer = Printer::new(Some(&nobody), true);
    let mut printed = String::new();
    for (micros, id, from, to, offloaded, tcp) in packets {
        let packet = Packet { id, tos: 0xc0, dont_fragment: true, ..Packet::new(from.into(), to.into(), tcp) };
        let time = Time::ZERO + std::time::Duration::from_micros(micros);
        printed += &printer.text(Seen { time, packet: &packet, offloaded });
        printed.push('\n');
    }
    assert_eq!(
        printed,
        include_str!("../../../../tests/whitepaper/fig015_tcpdump_bgp.txt").split_once('\n').unwrap().1
    );
}
