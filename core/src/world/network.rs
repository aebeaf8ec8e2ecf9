//! The network that the declared objects make: namespaces, the wires between them, and the processes inside.
//!
//! - Every [network of machines](MachineNetwork) is an Ethernet segment.
//! - The routers of all segments are one namespace, `gateway`.
//! - A pod hangs on its node by a veth pair, as Calico's CNI plug-in makes it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;

use super::aside::Birds;
use super::health::HealthPorts;
use super::routers;
use crate::agents::{cni, kube_proxy};
use crate::apps::{App, DnsServer, Files, HttpServer, Nginx};
use crate::conntrack::{KernelRules, Settings, Table, Timeouts};
use crate::kube::{
    Container, Host, Labels, MachineNetwork, NetworkDevice, Node, Object, PoolPurpose, ROUTER, RunningPod, Serve,
    State, TransportProtocol, Version,
};
use crate::net::fib::Route;
use crate::net::tcp::ProcessId;
use crate::net::{Device, KernelProfile, Namespace};
use crate::packet::{DeviceName, Mac};
use crate::world::OpError;
use crate::world::broken::Broken;

/// The MTU of Ethernet, in bytes.
const ETHERNET_MTU: u16 = 1500;

/// All that packets move through.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    namespaces: Vec<Arc<Namespace>>,
    by_name: FxHashMap<Arc<str>, usize>,
    /// Of each device, given by namespace and place, the segment it is on.
    wires: FxHashMap<(usize, usize), usize>,
    segments: Vec<Segment>,
    /// The segment of each network of machines.
    networks: FxHashMap<Ipv4Net, usize>,
    pub(super) processes: Vec<Process>,
    /// Which pod a pod's namespace was made for, and the place of its veth's end on its node.
    pods: FxHashMap<Arc<str>, Wired>,
    /// What is broken.
    broken: Broken,
    pub(super) health_ports: HealthPorts,
    pub(super) birds: Birds,
    /// The machines that have a namespace, and what has been set on each by `sysctl`.
    pub(super) machines: BTreeMap<Arc<str>, Labels>,
    /// The files of the containers of each pod and host.
    files: FxHashMap<Arc<str>, Arc<Files>>,
    /// The nodes that were loaded from dumps, each with its first address.
    loaded: FxHashMap<Arc<str>, Ipv4Addr>,
}

/// A pod that has a namespace.
#[derive(Clone, Debug)]
struct Wired {
    uid: u64,
    node: usize,
    device: usize,
}

/// A wire with the devices on it, each by its namespace and its place in there. Most frames are for one of them, which is
/// looked up: a network of machines may have a thousand.
#[derive(Clone, Debug, Default)]
struct Segment {
    all: Vec<(usize, usize)>,
    by_mac: FxHashMap<Mac, Vec<(usize, usize)>>,
}

/// A process and where it runs.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) namespace: usize,
    /// Whose it is: the pod, host or node.
    pub(super) owner: Arc<str>,
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

    /// The devices that hear a frame for `to` which a device puts onto its wire.
    pub(super) fn hearers(
        &self,
        namespace: usize,
        device: usize,
        to: Mac,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        let segment = self.wires.get(&(namespace, device)).and_then(|segment| self.segments.get(*segment));
        let heard = segment.and_then(|segment| match to {
            Mac::BROADCAST => Some(&segment.all),
            _ => segment.by_mac.get(&to),
        });
        let from = (namespace, device);
        heard.into_iter().flatten().copied().filter(move |&other| other != from && !self.broken.between(from, other))
    }

    /// Who has an Ethernet address on the wire of a device.
    pub(super) fn neighbour(&self, namespace: usize, device: usize, mac: Mac) -> Option<&Namespace> {
        self.hearers(namespace, device, mac).next().map(|(owner, _)| self.get(owner))
    }

    /// Refuses an object that would change a network which stands already without having been declared: machines have
    /// been told of its router.
    pub(super) fn check(&self, object: &Object) -> Result<(), OpError> {
        let Some(router) = self.place(ROUTER) else { return Ok(()) };
        let taken = |first, last| {
            let own = self.get(router).devices.iter().flat_map(|device| &device.addresses).map(Ipv4Net::addr);
            own.into_iter().find(|own| (first..=last).contains(own) && !own.is_loopback())
        };
        let found = match object {
            Object::Node(node) => {
                let own = node.devices.iter().map(|device| device.address.addr());
                own.chain([node.address]).find_map(|address| taken(address, address))
            }
            Object::Host(host) => taken(host.address, host.address),
            Object::Router(router) => {
                let mut addresses = router.devices.iter().map(|device| device.address.addr());
                addresses.find_map(|address| taken(address, address))
            }
            Object::Pool(pool) if pool.purpose == PoolPurpose::LoadBalancer => taken(pool.first, pool.last),
            Object::IpAddressPool(pool) => pool.addresses.iter().find_map(|range| taken(range.first, range.last)),
            Object::Pool(pool) => {
                let overlaps = |net: &&Ipv4Net| pool.first <= net.broadcast() && net.network() <= pool.last;
                self.networks.keys().filter(overlaps).map(Ipv4Net::network).min()
            }
            _ => None,
        };
        let Some(address) = found else { return Ok(()) };
        Err(OpError::new(
            format!("the network of {address} is in use already, with a router on it"),
            Some("declare pools and machines before anything is sent".into()),
        ))
    }

    /// Makes what has been declared since the last time.
    pub(super) fn grow(&mut self, state: &State) {
        if state.nodes().len() + state.hosts().len() + state.routers().len() > 0 && self.place(ROUTER).is_none() {
            let mut router = plain(ROUTER);
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
        for router in state.routers() {
            if self.place(&router.object.name).is_none() {
                self.add_router(state, &router.object);
            }
        }
        self.keep_machines(state);
        let gone = |(key, wired): (&Arc<str>, &Wired)| {
            let there = state.pod_itself(key).is_some_and(|pod| pod.uid == wired.uid);
            (!there).then(|| key.clone())
        };
        let mut gone: Vec<_> = self.pods.iter().filter_map(gone).collect();
        gone.sort();
        for key in gone {
            self.remove_pod(&key);
        }
        for pod in state.pods().filter(|pod| pod.runs()) {
            if self.place(&pod.key).is_none() {
                self.add_pod(state, pod);
            }
        }
        self.listen_for_health(state);
    }

    /// Says which namespaces are dead. One that dies loses the packets for which it waits to hear from a neighbour.
    pub(super) fn set_down(&mut self, places: Vec<usize>) {
        for &place in &places {
            if !self.is_down(place) {
                self.get_mut(place).lose_waiting();
            }
        }
        self.broken.down = places.into_iter().collect();
    }

    /// Whether a namespace neither sends nor receives: it is dead, or was a pod's that is no more.
    pub(super) fn is_down(&self, place: usize) -> bool {
        self.broken.is_down(place)
    }

    /// Says between which namespaces no frame passes, and which devices have no carrier.
    pub(super) fn set_cut(&mut self, links: Vec<(usize, usize)>, devices: Vec<(usize, usize)>) {
        self.broken.links = links;
        self.broken.devices = devices;
    }

    /// Everybody forgets who has an Ethernet address.
    pub(super) fn forget_neighbour(&mut self, mac: Mac) {
        for place in 0..self.namespaces.len() {
            if self.get(place).knows_neighbour(mac) {
                self.get_mut(place).forget_neighbour(mac);
            }
        }
    }

    /// The first address of a node that was loaded from a dump.
    pub(super) fn loaded(&self, name: &str) -> Option<Ipv4Addr> {
        self.loaded.get(name).copied()
    }

    pub(super) fn is_loaded(&self, name: &str) -> bool {
        self.loaded.contains_key(name)
    }

    pub(super) fn note_loaded(&mut self, name: Arc<str>, address: Ipv4Addr) {
        self.loaded.insert(name, address);
    }

    /// Whether some machine has an address of this device already.
    pub(super) fn has_address(&self, device: &Device) -> bool {
        let shared = |own: &&Ipv4Net| !own.addr().is_loopback();
        let own: Vec<_> = device.addresses.iter().filter(shared).map(Ipv4Net::addr).collect();
        !own.is_empty() && self.iter().any(|namespace| own.iter().any(|own| namespace.is_local(*own)))
    }

    pub(super) fn add(&mut self, namespace: Namespace) -> usize {
        let place = self.namespaces.len();
        self.by_name.insert(namespace.name.clone(), place);
        self.namespaces.push(Arc::new(namespace));
        place
    }

    /// Adds a device on a network of machines.
    pub(super) fn plug_device(&mut self, state: &State, place: usize, device: &NetworkDevice) {
        let segment = self.segment(state.network_of(device.address.addr()));
        let mut card = Device::ethernet(device.name, device.ethernet_address(), device.mtu.unwrap_or(ETHERNET_MTU));
        card.addresses = vec![device.address];
        self.plug(place, card, segment);
    }

    /// Adds a device to a namespace and puts it onto a segment.
    pub(super) fn plug(&mut self, namespace: usize, device: Device, segment: usize) {
        let devices = &mut self.get_mut(namespace).devices;
        let (place, mac) = (devices.len(), device.mac);
        devices.push(device);
        self.wires.insert((namespace, place), segment);
        let segment = &mut self.segments[segment];
        segment.all.push((namespace, place));
        segment.by_mac.entry(mac).or_default().push((namespace, place));
    }

    pub(super) fn new_segment(&mut self) -> usize {
        self.segments.push(Segment::default());
        self.segments.len() - 1
    }

    /// The segment of a network of machines, with its router on it.
    pub(super) fn segment(&mut self, found: MachineNetwork) -> usize {
        let MachineNetwork { network, gateway, gateway_mac, routed, .. } = found;
        if let Some(segment) = self.networks.get(&network) {
            return *segment;
        }
        let segment = self.new_segment();
        self.networks.insert(network, segment);
        if let (Some(router), Some(address), false) = (self.place(ROUTER), gateway, routed) {
            let name = self.router_device(router);
            let mac = gateway_mac.unwrap_or_else(|| router_mac(address));
            let mut device = Device::ethernet(name, mac, ETHERNET_MTU);
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
        let tcp_be_liberal = cluster.kube_proxy_options.tcp_be_liberal;
        let settings = Settings { timeouts, tcp_be_liberal, ..Settings::default() };
        let conntrack = Table::with(settings, KernelRules::of(version));
        let mut namespace = Namespace::new(node.name.as_str(), conntrack, kernel);
        namespace.forwarding = true;
        // kube-proxy: `net.ipv4.conf.all.route_localnet`, for node ports at 127.0.0.1.
        namespace.conf.route_localnet = kube_proxy::localhost_node_ports(cluster);
        let place = self.add(namespace);
        self.machines.insert(node.name.as_str().into(), Labels::default());
        let network = state.network_of(node.address);
        let segment = self.segment(network);
        let mut device = Device::ethernet(node.device, node.ethernet_address(), node.mtu.unwrap_or(ETHERNET_MTU));
        device.addresses = vec![with_prefix(node.address, network.network.prefix_len())];
        self.plug(place, device, segment);
        for device in &node.devices {
            self.plug_device(state, place, device);
        }
        if let Some(address) = state.tunnel_address(&node.name) {
            self.get_mut(place).devices.push(Device::tunl0(Some(address), cluster.mtu));
        }
    }

    /// The routes that a node has before any agent runs on it.
    pub(super) fn own_routes(state: &State, node: &Node) -> Vec<Route> {
        let MachineNetwork { network, gateway, .. } = state.network_of(node.address);
        let connected = Route { source: Some(node.address), ..on_link(network, node.device, "kernel") };
        let default = gateway.map(|gateway| through(gateway, node.device, "static"));
        let more = routers::routes_of(&node.devices, Some((network, node.device)), &node.routes);
        // A route for everything takes the place of the default one.
        [connected].into_iter().chain(default).chain(more).collect()
    }

    fn add_host(&mut self, state: &State, host: &Host) {
        let mut namespace = plain(&host.name);
        let name = DeviceName::ETH0;
        let network = state.network_of(host.address);
        namespace.fib.add(on_link(network.network, name, "kernel"));
        if let Some(gateway) = network.gateway {
            namespace.fib.add(through(gateway, name, "static"));
        }
        for route in routers::routes_of(&[], Some((network.network, name)), &host.routes) {
            namespace.fib.add(route);
        }
        let mut device = Device::ethernet(name, host.ethernet_address(), host.mtu.unwrap_or(ETHERNET_MTU));
        device.addresses = vec![with_prefix(host.address, network.network.prefix_len())];
        let place = self.add(namespace);
        self.machines.insert(host.name.as_str().into(), Labels::default());
        let segment = self.segment(network);
        self.plug(place, device, segment);
        self.start_containers(place, &host.name, &host.containers);
    }

    fn add_pod(&mut self, state: &State, pod: &RunningPod) {
        let Some(node) = self.place(&pod.node) else { return };
        if pod.host_network {
            self.by_name.insert(pod.key.clone(), node);
            return self.start_containers(node, &pod.key, &pod.containers);
        }
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
        let device = self.get(node).devices.len();
        self.plug(node, Device { proxy_arp: true, ..host_device }, segment);
        self.pods.insert(pod.key.clone(), Wired { uid: pod.uid, node, device });
        self.start_pod(place, pod);
    }

    /// Takes a machine's namespace away, as that of a pod, and its devices off their segments.
    pub(super) fn remove_machine(&mut self, name: &str) {
        self.machines.remove(name);
        let Some(place) = self.by_name.remove(name) else { return };
        // Pods in the network of a node are found there.
        self.by_name.retain(|_, other| *other != place);
        self.stop_processes(place);
        self.broken.gone.insert(place);
        let macs: Vec<Mac> = self.get(place).devices.iter().map(|device| device.mac).collect();
        for segment in &mut self.segments {
            segment.all.retain(|(namespace, _)| *namespace != place);
            for mac in &macs {
                if let Some(devices) = segment.by_mac.get_mut(mac) {
                    devices.retain(|(namespace, _)| *namespace != place);
                }
            }
        }
    }

    /// Takes a pod's namespace and veth away. Their places stay, as places of nothing: others are counted from them.
    fn remove_pod(&mut self, key: &str) {
        let Some(Wired { node, device, .. }) = self.pods.remove(key) else { return };
        let Some(place) = self.by_name.remove(key) else { return };
        self.stop_processes(place);
        self.broken.gone.insert(place);
        self.get_mut(node).devices.change(device, Device::remove);
    }

    /// The containers of a pod stop: nobody listens any more.
    pub(super) fn stop_processes(&mut self, place: usize) {
        for id in 0..self.processes.len() {
            if self.processes[id].namespace == place {
                self.get_mut(place).sockets.release(ProcessId(id as u32));
            }
        }
    }

    /// Starts the containers of a pod.
    pub(super) fn start_pod(&mut self, place: usize, pod: &RunningPod) {
        self.start_containers(place, &pod.key, &pod.containers);
    }

    fn start_containers(&mut self, place: usize, name: &str, containers: &[Container]) {
        let owner: Arc<str> = name.into();
        self.files.insert(owner.clone(), Arc::new(Files::of(containers)));
        for container in containers {
            let app = match &container.serve {
                None => continue,
                Some(Serve::Http { root, on }) => App::Http(HttpServer::new(name, container, root, on)),
                Some(Serve::Tcp) => App::Tcp,
                Some(Serve::Close) => App::Close,
                Some(Serve::Echo) => App::Echo,
                Some(Serve::Dns { pods }) => App::Dns(DnsServer::coredns(*pods)),
                Some(Serve::Zones) => App::Dns(DnsServer::of_zones()),
                Some(Serve::IngressNginx) => App::Nginx(Nginx::default()),
            };
            let process = self.start(Process { namespace: place, owner: owner.clone(), app });
            let sockets = &mut self.get_mut(place).sockets;
            sockets.name_process(process, &container.name);
            for port in &container.ports {
                match port.protocol {
                    TransportProtocol::Tcp => sockets.listen(port.port, process),
                    TransportProtocol::Udp => sockets.bind_udp(port.port, process),
                    // Nothing in the model speaks it.
                    TransportProtocol::Sctp => false,
                };
            }
        }
    }

    /// The files of the containers of a pod or host.
    pub(super) fn files(&self, owner: &str) -> Option<Arc<Files>> {
        self.files.get(owner).cloned()
    }

    /// The same, to be changed.
    pub(super) fn files_mut(&mut self, owner: &str) -> &mut Files {
        Arc::make_mut(self.files.entry(owner.into()).or_default())
    }

    /// The names of the containers of a pod or host.
    pub(super) fn containers(&self, owner: &str) -> impl Iterator<Item = &str> {
        self.files.get(owner).into_iter().flat_map(|files| files.containers())
    }

    /// What the programs of a pod or host have written, program by program.
    pub(super) fn logs(&self, owner: &str) -> String {
        let its = self.processes.iter().filter(|process| *process.owner == *owner);
        its.flat_map(|process| process.app.log()).flat_map(|line| [line, "\n"]).collect()
    }

    pub(super) fn start(&mut self, process: Process) -> ProcessId {
        self.processes.push(process);
        ProcessId(self.processes.len() as u32 - 1)
    }
}

/// A namespace in which nothing is tracked: a pod, a host, the router.
pub(super) fn plain(name: &str) -> Namespace {
    let kernel = KernelProfile { postrouting_sees_input: true };
    Namespace::new(name, Table::new(Timeouts::default(), true), kernel)
}

fn with_prefix(address: Ipv4Addr, prefix: u8) -> Ipv4Net {
    Ipv4Net::new(address, prefix).unwrap_or_else(|_| address.into())
}

/// The Ethernet address of a router whose pool gives none: locally administered, and no machine's.
fn router_mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    Mac([0x02, 0x44, a, b, c, d])
}

pub(super) fn on_link(destination: Ipv4Net, device: DeviceName, protocol: &'static str) -> Route {
    Route { device: Some(device), protocol, ..Route::to(destination) }
}

pub(super) fn through(gateway: Ipv4Addr, device: DeviceName, protocol: &'static str) -> Route {
    Route { via: Some(gateway), onlink: true, ..on_link(Ipv4Net::default(), device, protocol) }
}
