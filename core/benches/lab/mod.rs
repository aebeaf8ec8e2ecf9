//! What benches and tests of speed measure on: a client, a node with kube-proxy's rules, and a pod, on two wires.
//!
//! ```text
//! client 10.0.0.2 ── eth0 node 10.0.0.1, cali1 ── eth0 pod 192.168.200.2, 192.168.200.3
//! ```

use std::net::{Ipv4Addr, SocketAddrV4};

use bytes::Bytes;
use netscene_core::agents::{kube_proxy, kubelet};
use netscene_core::conntrack::{Table, Timeouts};
use netscene_core::kube::{
    Cluster, EndpointAddress, Labels, Object, Service, ServicePort, State, TransportProtocol, Version,
};
use netscene_core::net::fib::{Route, RouteKind};
use netscene_core::net::tcp::{Happened, ProcessId, SocketEvent};
use netscene_core::net::wire::Frame;
use netscene_core::net::{Context, Device, Effect, KernelProfile, Namespace};
use netscene_core::netfilter::{Ruleset, TableName, text};
use netscene_core::packet::{DeviceName, Mac};
use netscene_core::trace::NoObserver;
use netscene_core::{Random, Time};

/// The port of every service and every pod.
pub(crate) const PORT: u16 = 53;
/// The port from which [`Lab::send`] is used for one connection again and again.
pub(crate) const CLIENT_PORT: u16 = 30_000;
/// The client's address.
pub(crate) const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The node's.
pub(crate) const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Both endpoints of the last service, so that chance may take either.
pub(crate) const PODS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 168, 200, 2), Ipv4Addr::new(192, 168, 200, 3)];

/// A way in which a release of kube-proxy lays out its rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The release, as people write it.
    pub(crate) name: &'static str,
    release: Version,
    /// So many services have a little more than 110,000 rules.
    pub(crate) services_for_110k: u32,
}

/// Every layout that there is.
pub(crate) const LAYOUTS: [Layout; 2] = [
    Layout { name: "1.20", release: Version::new(1, 20, 0), services_for_110k: 13_750 },
    Layout { name: "1.36", release: Version::new(1, 36, 0), services_for_110k: 13_750 },
];

/// A cluster with so many services of one UDP port and two endpoints each.
pub(crate) fn declared(layout: Layout, services: u32) -> State {
    let mut state = State::new(0);
    let mut declare = |object| state.declare(object, None).expect("the lab's objects are good");
    declare(Object::Cluster(Cluster { kube_proxy: layout.release, ..Cluster::default() }));
    for number in 0..services {
        let endpoints = if number + 1 == services { PODS } else { [1, 2].map(|own| elsewhere(number, own)) };
        let port = ServicePort { protocol: TransportProtocol::Udp, ..ServicePort::new(PORT) };
        declare(Object::Service(Service {
            cluster_ip: Some(cluster_ip(number)),
            endpoints: endpoints.map(|address| EndpointAddress::new(address, PORT)).to_vec(),
            ports: vec![port],
            ..Service::new("default", &format!("service-{number:05}"), Labels::default(), PORT)
        }));
    }
    state
}

/// The address of a service.
pub(crate) fn cluster_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 96, 1, 0).to_bits() + number)
}

/// A pod that is not in the lab.
fn elsewhere(number: u32, own: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(192, 168, 0, 0).to_bits() + 2 * number + own)
}

/// The rules of kubelet and kube-proxy for them.
pub(crate) fn rules(layout: Layout, services: u32) -> Ruleset {
    let state = declared(layout, services);
    let mut rules = Ruleset::default();
    for input in [kubelet::rules(&state), kube_proxy::rules(&state, "node")] {
        text::restore(&mut rules, &input).expect("agents write good rules");
    }
    rules
}

/// The tables that the rules are in.
pub(crate) const TABLES: [TableName; 2] = [TableName::Nat, TableName::Filter];

/// The datagrams that have reached the sockets of a namespace.
#[derive(Clone, Copy, Debug, Default)]
struct Delivered {
    count: u64,
    /// The addresses of the last one: from where and to which of its own.
    last: Option<(SocketAddrV4, Ipv4Addr)>,
}

/// Three namespaces and what is on its way between them.
#[derive(Debug)]
pub(crate) struct Lab {
    /// The client, the node, the pod.
    namespaces: [Namespace; 3],
    /// What has reached their sockets.
    delivered: [Delivered; 3],
    service: SocketAddrV4,
    random: Random,
    next_packet: u64,
    effects: Vec<Effect>,
    frames: Vec<(usize, usize, Frame)>,
}

impl Lab {
    /// A lab in which the neighbours know each other's Ethernet addresses, and one connection is open.
    pub(crate) fn new(layout: Layout, services: u32) -> Self {
        let mut lab = Self {
            namespaces: [client(), node(rules(layout, services)), pod()],
            delivered: Default::default(),
            service: SocketAddrV4::new(cluster_ip(services - 1), PORT),
            random: Random::new(0),
            next_packet: 0,
            effects: Vec::new(),
            frames: Vec::new(),
        };
        for _ in 0..8 {
            lab.send(CLIENT_PORT);
            lab.answer();
        }
        assert_eq!([0, 1, 2].map(|place| lab.delivered[place].count), [8, 0, 8], "query and answer arrive");
        lab
    }

    /// Sends a datagram from a port of the client to the last service, and carries it to the pod.
    pub(crate) fn send(&mut self, port: u16) {
        let (source, to) = (Some(CLIENT_ADDRESS), self.service);
        self.inside(0, |client, cx| client.send_udp(source, port, to, Bytes::from_static(&[0; 32]), cx));
        self.carry();
    }

    /// Answers the last datagram that the pod has got.
    pub(crate) fn answer(&mut self) {
        let Some((to, own)) = self.delivered[2].last else { return };
        self.inside(2, |pod, cx| pod.send_udp(Some(own), PORT, to, Bytes::from_static(&[0; 32]), cx));
        self.carry();
    }

    /// Datagrams that have reached the pod.
    pub(crate) fn arrived(&self) -> u64 {
        self.delivered[2].count
    }

    /// Forgets all connections of the node.
    pub(crate) fn forget(&mut self) {
        self.namespaces[1].conntrack.remove_where(|_| true);
    }

    fn inside(&mut self, place: usize, code: impl FnOnce(&mut Namespace, &mut Context<'_, NoObserver>)) {
        let mut cx = Context {
            now: Time::ZERO,
            random: &mut self.random,
            observer: &mut NoObserver,
            next_packet: &mut self.next_packet,
            effects: &mut self.effects,
        };
        code(&mut self.namespaces[place], &mut cx);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Transmit { device, frame } => {
                    let (place, device) = other_end(place, device);
                    self.frames.push((place, device, frame));
                }
                Effect::Socket(SocketEvent { happened: Happened::Datagram { local, from, .. }, .. }) => {
                    let delivered = &mut self.delivered[place];
                    *delivered = Delivered { count: delivered.count + 1, last: Some((from, local)) };
                }
                // Neighbours always answer in time.
                Effect::Timer { .. } => {}
                other => panic!("nothing else happens in the lab: {other:?}"),
            }
        }
    }

    fn carry(&mut self) {
        while let Some((place, device, frame)) = self.frames.pop() {
            self.inside(place, |namespace, cx| namespace.receive_frame(device, frame, cx));
        }
    }
}

/// Who is on the wire of a device.
fn other_end(place: usize, device: usize) -> (usize, usize) {
    match (place, device) {
        (0, 1) => (1, 1),
        (1, 1) => (0, 1),
        (1, 2) => (2, 1),
        (2, 1) => (1, 2),
        other => panic!("no wire at {other:?}"),
    }
}

fn client() -> Namespace {
    machine("client", "10.0.0.2/24", NODE_ADDRESS, CLIENT_PORT)
}

fn pod() -> Namespace {
    let mut pod = machine("pod", "192.168.200.2/32", Ipv4Addr::new(169, 254, 1, 1), PORT);
    pod.devices.change(1, |eth0| eth0.addresses.push(PODS[1].into()));
    pod
}

/// A namespace with one device, a default route and a process that has a UDP port.
fn machine(name: &str, address: &str, gateway: Ipv4Addr, port: u16) -> Namespace {
    let mut machine = bare(name);
    let address: ipnet::Ipv4Net = address.parse().expect("an address");
    let mut eth0 = Device::ethernet(DeviceName::ETH0, mac(name), 1500);
    eth0.addresses.push(address);
    machine.devices.push(eth0);
    if address.prefix_len() < 32 {
        machine.fib.add(route(address.trunc(), None, DeviceName::ETH0));
    }
    machine.fib.add(route(ipnet::Ipv4Net::default(), Some(gateway), DeviceName::ETH0));
    machine.sockets.name_process(ProcessId(0), name);
    machine.sockets.bind_udp(port, ProcessId(0));
    machine
}

fn node(rules: Ruleset) -> Namespace {
    let mut node = bare("node");
    node.forwarding = true;
    node.tracking = true;
    node.rules = rules;
    let cali1: DeviceName = "cali1".parse().expect("a name");
    let mut eth0 = Device::ethernet(DeviceName::ETH0, mac("node"), 1500);
    eth0.addresses.push(ipnet::Ipv4Net::new_assert(NODE_ADDRESS, 24));
    node.devices.push(eth0);
    node.devices.push(Device { proxy_arp: true, ..Device::ethernet(cali1, Mac::CALICO, 1500) });
    node.fib.add(route(ipnet::Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 24), None, DeviceName::ETH0));
    node.fib.add(route(ipnet::Ipv4Net::default(), Some(CLIENT_ADDRESS), DeviceName::ETH0));
    for pod in PODS {
        node.fib.add(route(pod.into(), None, cali1));
    }
    node
}

fn bare(name: &str) -> Namespace {
    let kernel = KernelProfile { postrouting_sees_input: true };
    Namespace::new(name, Table::new(Timeouts::default(), true), kernel)
}

fn mac(name: &str) -> Mac {
    Mac([2, 0, 0, 0, 0, name.len() as u8])
}

fn route(destination: ipnet::Ipv4Net, via: Option<Ipv4Addr>, device: DeviceName) -> Route {
    let (kind, protocol) = (RouteKind::Unicast, "boot");
    Route { kind, via, device: Some(device), protocol, onlink: true, ..Route::to(destination) }
}
