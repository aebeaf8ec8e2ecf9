//! The network that the declared objects make: namespaces, the wires between them, and the processes inside.
//!
//! - Every pool for machines is an Ethernet segment; nodes that no pool covers share a segment for each /24.
//! - The routers of all segments are one namespace, `gateway`. A host that no pool covers has a wire of its own to it.
//! - A pod hangs on its node by a veth pair, as Calico's CNI plug-in makes it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;

use crate::agents::cni;
use crate::apps::{App, HttpServer, Nginx};
use crate::conntrack::{KernelRules, Settings, Table, Timeouts};
use crate::kube::{Host, Node, Pool, RunningPod, Serve, State, TransportProtocol, Version};
use crate::net::fib::Route;
use crate::net::tcp::ProcessId;
use crate::net::{Device, KernelProfile, Namespace};
use crate::packet::{DeviceName, Mac};

/// The name of the router's namespace.
pub(super) const GATEWAY: &str = "gateway";
/// The MTU of Ethernet, in bytes.
const ETHERNET_MTU: u16 = 1500;

/// All that packets move through.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    namespaces: Vec<Arc<Namespace>>,
    by_name: FxHashMap<Arc<str>, usize>,
    /// Of each device, given by namespace and place, the segment it is on.
    wires: FxHashMap<(usize, usize), usize>,
    segments: Vec<Vec<(usize, usize)>>,
    /// The segment of each network of machines.
    networks: FxHashMap<Ipv4Net, usize>,
    pub(super) processes: Vec<Process>,
}

/// A process and where it runs.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) namespace: usize,
    /// The namespace of Kubernetes its pod is in.
    pub(super) kube_namespace: Option<Arc<str>>,
    pub(super) app: App,
}

impl Network {
    /// The place of the namespace of that name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, place: usize) -> &Namespace {
        &self.namespaces[place]
    }

    /// The namespace, to be changed: copied first where another world shares it.
    pub(super) fn get_mut(&mut self, place: usize) -> &mut Namespace {
        Arc::make_mut(&mut self.namespaces[place])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.iter().map(Arc::as_ref)
    }

    /// The other devices on the wire of a device.
    pub(super) fn others(&self, namespace: usize, device: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let segment = self.wires.get(&(namespace, device)).and_then(|segment| self.segments.get(*segment));
        segment.into_iter().flatten().copied().filter(move |other| *other != (namespace, device))
    }

    /// Who has an Ethernet address on the wire of a device.
    pub(super) fn neighbour(&self, namespace: usize, device: usize, mac: Mac) -> Option<&Namespace> {
        let mut others = self.others(namespace, device);
        let (owner, _) = others.find(|&(other, port)| self.get(other).devices[port].mac == mac)?;
        Some(self.get(owner))
    }

    /// Makes what has been declared since the last time.
    pub(super) fn grow(&mut self, state: &State) {
        if state.nodes().len() + state.hosts().len() > 0 && self.place(GATEWAY).is_none() {
            let mut router = plain(GATEWAY);
            router.forwarding = true;
            self.add(router);
        }
        for node in state.nodes() {
            if self.place(&node.object.name).is_none() {
                self.add_node(state, &node.object);
            }
        }
        for host in state.hosts() {
            if self.place(&host.object.name).is_none() {
                self.add_host(state, &host.object);
            }
        }
        for pod in state.pods() {
            if self.place(&pod.key).is_none() {
                self.add_pod(state, pod);
            }
        }
    }

    fn add(&mut self, namespace: Namespace) -> usize {
        let place = self.namespaces.len();
        self.by_name.insert(namespace.name.clone(), place);
        self.namespaces.push(Arc::new(namespace));
        place
    }

    /// Adds a device to a namespace and puts it onto a segment.
    fn plug(&mut self, namespace: usize, device: Device, segment: usize) {
        let devices = &mut self.get_mut(namespace).devices;
        let place = devices.len();
        devices.push(device);
        self.wires.insert((namespace, place), segment);
        self.segments[segment].push((namespace, place));
    }

    fn new_segment(&mut self) -> usize {
        self.segments.push(Vec::new());
        self.segments.len() - 1
    }

    /// The segment of a network of machines, with its router on it.
    fn segment(&mut self, network: Ipv4Net, gateway: Option<Ipv4Addr>, mac: Option<Mac>) -> usize {
        if let Some(segment) = self.networks.get(&network) {
            return *segment;
        }
        let segment = self.new_segment();
        self.networks.insert(network, segment);
        if let (Some(router), Some(address)) = (self.place(GATEWAY), gateway) {
            let name = self.router_device(router);
            let mut device = Device::ethernet(name, mac.unwrap_or_else(|| made_mac(0x44, address)), ETHERNET_MTU);
            device.addresses = vec![with_prefix(address, network.prefix_len())];
            self.plug(router, device, segment);
            self.get_mut(router).fib.add(on_link(network, name, "kernel"));
        }
        segment
    }

    fn router_device(&self, router: usize) -> DeviceName {
        let number = self.get(router).devices.len() - 1;
        format!("eth{number}").parse().unwrap_or(DeviceName::ETH0)
    }

    fn add_node(&mut self, state: &State, node: &Node) {
        let cluster = state.cluster();
        let modern = cluster.kernel >= Version::new(5, 0, 0);
        let timeouts = Timeouts {
            // kube-proxy: --conntrack-tcp-timeout-established=24h, --conntrack-tcp-timeout-close-wait=1h.
            established: 86_400,
            close_wait: 3_600,
            udp_stream: if modern { 120 } else { 180 },
            ..Timeouts::default()
        };
        let kernel = KernelProfile { postrouting_sees_input: cluster.kernel >= Version::new(5, 7, 0) };
        let version = (cluster.kernel.major, cluster.kernel.minor);
        let settings = Settings { timeouts, ..Settings::default() };
        let conntrack = Table::with(settings, KernelRules::of(version));
        let mut namespace = Namespace::new(node.name.as_str(), conntrack, kernel);
        namespace.forwarding = true;
        // kube-proxy: `net.ipv4.conf.all.route_localnet`, for node ports at 127.0.0.1.
        namespace.conf.route_localnet = true;
        let place = self.add(namespace);
        let (network, gateway, mac) = network_of(state, node.address);
        let segment = self.segment(network, gateway, mac);
        let mac = node.mac.unwrap_or_else(|| made_mac(0x42, node.address));
        let mut device = Device::ethernet(node.device, mac, ETHERNET_MTU);
        device.addresses = vec![with_prefix(node.address, network.prefix_len())];
        self.plug(place, device, segment);
        if let Some(address) = state.tunnel_address(&node.name) {
            self.get_mut(place).devices.push(Device::tunl0(Some(address), cluster.mtu));
        }
    }

    /// The routes that a node has before any agent runs on it.
    pub(super) fn own_routes(state: &State, node: &Node) -> Vec<Route> {
        let (network, gateway, _) = network_of(state, node.address);
        let connected = Route { source: Some(node.address), ..on_link(network, node.device, "kernel") };
        let default = gateway.map(|gateway| through(gateway, node.device, "static"));
        [connected].into_iter().chain(default).collect()
    }

    fn add_host(&mut self, state: &State, host: &Host) {
        let mut namespace = plain(&host.name);
        let name = DeviceName::ETH0;
        let mut device = Device::ethernet(name, host.mac.unwrap_or_else(|| made_mac(0x42, host.address)), ETHERNET_MTU);
        if let Some(pool) = state.network_of(host.address) {
            let (network, gateway, mac) = network_and_router(pool, host.address);
            device.addresses = vec![with_prefix(host.address, network.prefix_len())];
            namespace.fib.add(on_link(network, name, "kernel"));
            if let Some(gateway) = gateway {
                namespace.fib.add(through(gateway, name, "static"));
            }
            let place = self.add(namespace);
            let segment = self.segment(network, gateway, mac);
            self.plug(place, device, segment);
            return;
        }
        device.addresses = vec![host.address.into()];
        let router = self.place(GATEWAY).unwrap_or_default();
        let inside = self.get(router).devices.iter().skip(1).find_map(|one| one.addresses.first());
        let next_hop = inside.map_or(Ipv4Addr::new(169, 254, 1, 1), Ipv4Net::addr);
        namespace.fib.add(through(next_hop, name, "static"));
        let place = self.add(namespace);
        let segment = self.new_segment();
        self.plug(place, device, segment);
        let port = self.router_device(router);
        self.plug(router, Device::ethernet(port, made_mac(0x44, host.address), ETHERNET_MTU), segment);
        self.get_mut(router).fib.add(on_link(host.address.into(), port, "static"));
    }

    fn add_pod(&mut self, state: &State, pod: &RunningPod) {
        let Some(node) = self.place(&pod.node) else { return };
        let network = cni::pod_network(state, pod);
        let mut namespace = plain(&pod.key);
        for route in network.routes {
            namespace.fib.add(route);
        }
        let mut device = Device::ethernet(network.device, network.mac, network.mtu);
        device.addresses = vec![network.address];
        let place = self.add(namespace);
        let segment = self.new_segment();
        self.plug(place, device, segment);
        let host_device = Device::ethernet(network.host_device, Mac::CALICO, network.mtu);
        self.plug(node, Device { proxy_arp: true, ..host_device }, segment);
        self.start_containers(place, pod);
    }

    fn start_containers(&mut self, place: usize, pod: &RunningPod) {
        for container in pod.containers.iter() {
            let app = match &container.serve {
                None => continue,
                Some(Serve::Http { root, on }) => App::Http(HttpServer::new(&*pod.key, root, on)),
                Some(Serve::Tcp) => App::Tcp,
                Some(Serve::Dns) => App::Dns,
                Some(Serve::IngressNginx) => App::Nginx(Nginx::default()),
            };
            let process = self.start(Process { namespace: place, kube_namespace: Some(pod.namespace.clone()), app });
            let sockets = &mut self.get_mut(place).sockets;
            sockets.name_process(process, &container.name);
            for port in &container.ports {
                match port.protocol {
                    TransportProtocol::Tcp => sockets.listen(port.port, process),
                    TransportProtocol::Udp => sockets.bind_udp(port.port, process),
                };
            }
        }
    }

    pub(super) fn start(&mut self, process: Process) -> ProcessId {
        self.processes.push(process);
        ProcessId(self.processes.len() as u32 - 1)
    }
}

/// A namespace in which nothing is tracked: a pod, a host, the router.
fn plain(name: &str) -> Namespace {
    let kernel = KernelProfile { postrouting_sees_input: true };
    Namespace::new(name, Table::new(Timeouts::default(), true), kernel)
}

/// The network that a machine's address is on, with its router. Without a pool: the address's /24, whose router has .254.
fn network_of(state: &State, address: Ipv4Addr) -> (Ipv4Net, Option<Ipv4Addr>, Option<Mac>) {
    if let Some(pool) = state.network_of(address) {
        return network_and_router(pool, address);
    }
    let network = with_prefix(address, 24).trunc();
    let [a, b, c, _] = address.octets();
    (network, Some(Ipv4Addr::new(a, b, c, 254)), None)
}

fn network_and_router(pool: &Pool, address: Ipv4Addr) -> (Ipv4Net, Option<Ipv4Addr>, Option<Mac>) {
    let network = pool.network.unwrap_or_else(|| with_prefix(address, 24)).trunc();
    (network, pool.gateway, pool.gateway_mac)
}

fn with_prefix(address: Ipv4Addr, prefix: u8) -> Ipv4Net {
    Ipv4Net::new(address, prefix).unwrap_or_else(|_| address.into())
}

/// A locally administered Ethernet address that nobody else's address makes.
fn made_mac(kind: u8, address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    Mac([0x02, kind, a, b, c, d])
}

fn on_link(destination: Ipv4Net, device: DeviceName, protocol: &'static str) -> Route {
    Route { device: Some(device), protocol, ..Route::to(destination) }
}

fn through(gateway: Ipv4Addr, device: DeviceName, protocol: &'static str) -> Route {
    Route { via: Some(gateway), onlink: true, ..on_link(Ipv4Net::default(), device, protocol) }
}
