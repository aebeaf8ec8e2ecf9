//! The kernel's side of the overlay: a namespace for each node, and one for the Ethernet between them and everybody's far
//! ends.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use netscene_core::net::fib::{Route, RouteKind};
use netscene_core::packet::{Mac, Packet};
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::cluster::{Cluster, Node, OUTSIDE, OUTSIDE_MAC, Pod};
use crate::Result;
use crate::compare::Network;
use crate::event::{Event, Observed};
use crate::linux::{
    arp_request, connections, far_end, forget_connections, load_legacy, raw_socket, run, send_by_process, send_frame,
    stay_on_one_processor, sysctl,
};
use crate::netlink::netfilter_socket;
use crate::nflog::NfLog;
use crate::topology::{SYSCTLS, numbered};

/// How often everything that waits in the processor's queues is let through. A packet that goes from one node to the other,
/// and whose answer comes back, waits seven times: on each of three wires, behind `tunl0`, and on the way back.
const ROUNDS: usize = 8;

/// Both nodes, and the far ends of their wires.
pub(crate) struct Linux<'a> {
    cluster: &'a Cluster,
    nodes: Vec<Real>,
    /// The machine outside.
    outside: OwnedFd,
    /// The namespace of the far ends, where the thread is.
    ethernet: File,
}

/// A node of the kernel.
struct Real {
    /// Its namespace, and sockets in there: what its processes send by, its trace, and what asks netfilter.
    namespace: File,
    raw: OwnedFd,
    trace: NfLog,
    netfilter: OwnedFd,
    /// The far ends of its wires: the port of the bridge that it is plugged into, and its pods'.
    port: OwnedFd,
    pods: Vec<OwnedFd>,
}

impl<'a> Linux<'a> {
    /// Makes a cluster in namespaces of the calling thread's own, and puts the thread into one of them.
    pub(crate) fn new(cluster: &'a Cluster) -> Result<Self> {
        stay_on_one_processor()?;
        unshare(CloneFlags::CLONE_NEWNET)?;
        let ethernet = File::open("/proc/thread-self/ns/net")?;
        let mut nodes = Vec::new();
        for node in &cluster.nodes {
            nodes.push(make(node, cluster, &ethernet)?);
        }
        run("ip", &["-batch", "-"], &ethernet_plan(cluster))?;
        let mut linux = Self { cluster, nodes, outside: far_end(OUTSIDE)?, ethernet };
        linux.wait_for_the_ethernet()?;
        linux.settle()?;
        Ok(linux)
    }

    /// A port of the bridge is in use once the kernel's `linkwatch` has seen that its wire is up, which it looks for once a
    /// second. What is sent before is lost.
    fn wait_for_the_ethernet(&self) -> Result<()> {
        setsockopt(&self.outside, sockopt::ReceiveTimeout, &TimeVal::milliseconds(100))?;
        for node in &self.cluster.nodes {
            let mut tries = (0..100).map(|_| self.ask(node));
            tries.find(Result::is_ok).ok_or_else(|| format!("{} never answers ARP", node.name))??;
        }
        // Late answers would be taken for those to later questions.
        while recv(self.outside.as_raw_fd(), &mut [0; 4096], MsgFlags::empty()).is_ok() {}
        Ok(setsockopt(&self.outside, sockopt::ReceiveTimeout, &TimeVal::seconds(10))?)
    }

    /// The machine outside asks for a node's Ethernet address, and waits for the answer.
    fn ask(&self, node: &Node) -> Result<()> {
        let question = arp_request(OUTSIDE_MAC, self.cluster.gateway, node.address.addr());
        send(self.outside.as_raw_fd(), &question, MsgFlags::empty())?;
        let mut buffer = [0; 4096];
        loop {
            let length = recv(self.outside.as_raw_fd(), &mut buffer, MsgFlags::empty())
                .map_err(|error| format!("{} does not answer ARP: {error}", node.name))?;
            // An answer has the operation 2.
            if length >= 42 && buffer[12..14] == [8, 6] && buffer[21] == 2 {
                return Ok(());
            }
        }
    }

    /// Waits until the nodes have done everything they had to do, and gives what came out of them meanwhile: first what one
    /// sent to the other, then what arrived at the far ends.
    ///
    /// As in the suite with one node, the answer to an ARP request comes behind whatever was waiting before it. What has then
    /// been dealt with may wait elsewhere.
    fn settle(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let cluster = self.cluster;
        (0..ROUNDS).flat_map(|_| &cluster.nodes).try_for_each(|node| self.ask(node))?;
        let (mut between, mut arrived) = (Vec::new(), Vec::new());
        for (node, real) in cluster.nodes.iter().zip(&self.nodes) {
            for (to, from, packet) in packets(&real.port)? {
                // The port sees both directions.
                match cluster.nodes.iter().find(|other| other.mac == to) {
                    _ if from != node.mac => {}
                    Some(other) => between.push((other.name, packet)),
                    None if to == OUTSIDE_MAC => arrived.push((OUTSIDE, packet)),
                    None => {}
                }
            }
            for (pod, socket) in node.pods.iter().zip(&real.pods) {
                arrived.extend(packets(socket)?.into_iter().map(|(_, _, packet)| (pod.name, packet)));
            }
        }
        Ok([between, arrived].concat())
    }

    /// Does something in the namespace of a node.
    fn inside<T>(&self, node: usize, action: impl FnOnce() -> Result<T>) -> Result<T> {
        setns(&self.nodes[node].namespace, CloneFlags::CLONE_NEWNET)?;
        let done = action();
        setns(&self.ethernet, CloneFlags::CLONE_NEWNET)?;
        done
    }

    /// A packet comes from the far end of a wire, or from a process of a node.
    fn hand_over(&self, from: &str, mut packet: Packet) -> Result<()> {
        let cluster = self.cluster;
        if from == OUTSIDE {
            let node = &cluster.nodes[cluster.node_for(packet.destination)];
            send_frame(&self.outside, OUTSIDE_MAC, node.mac, &packet)?;
        } else if let Some((at, pod)) = cluster.pod(from) {
            send_frame(&self.nodes[at].pods[pod], cluster.nodes[at].pods[pod].mac, Mac::CALICO, &packet)?;
        } else {
            let at = cluster.node(from)?;
            if packet.source.is_unspecified() {
                packet.source = self.inside(at, || source_towards(packet.destination))?;
            }
            send_by_process(&self.nodes[at].raw, &packet)?;
        }
        Ok(())
    }
}

impl Network for Linux<'_> {
    fn perform(&mut self, from: &str, packets: Vec<Packet>, _: Duration) -> Result<Observed> {
        packets.into_iter().try_for_each(|packet| self.hand_over(from, packet))?;
        let sent = self.settle()?;
        let mut events = Vec::new();
        for (node, real) in self.cluster.nodes.iter().zip(&mut self.nodes) {
            events.extend(real.trace.take()?.into_iter().map(|event| Event { node: node.name, ..event }));
        }
        Ok(Observed { events, sent, ..Observed::default() })
    }

    fn connections(&mut self, _: Duration) -> Result<Vec<(&'static str, String)>> {
        let mut all = Vec::new();
        for (at, node) in self.cluster.nodes.iter().enumerate() {
            all.extend(self.inside(at, connections)?.into_iter().map(|line| (node.name, line)));
        }
        Ok(all)
    }

    fn flush(&mut self) -> Result<()> {
        self.nodes.iter().try_for_each(|node| forget_connections(&node.netfilter))
    }
}

/// Makes a node in a new namespace, and puts the thread into `ethernet`, where the far ends of its wires are.
fn make(node: &Node, cluster: &Cluster, ethernet: &File) -> Result<Real> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let namespace = File::open("/proc/thread-self/ns/net")?;
    // The guest's kernel has no IPv6.
    for (name, value) in SYSCTLS.iter().filter(|(name, _)| !name.starts_with("net/ipv6")) {
        sysctl(name, value)?;
    }
    let outside = format!("/proc/{}/fd/{}", std::process::id(), ethernet.as_raw_fd());
    run("ip", &["-batch", "-"], &plan(node, cluster, &outside))?;
    for pod in &node.pods {
        sysctl(&format!("net/ipv4/conf/{}/proxy_arp", pod.device), "1")?;
    }
    let pods: Vec<_> = node.pods.iter().map(|pod| pod.device.to_string()).collect();
    let card = node.device.to_string();
    let names = ["lo", "tunl0", &card].into_iter().chain(pods.iter().map(String::as_str));
    let mut trace = NfLog::new(numbered(names))?;
    load_legacy(&node.rules, &mut trace)?;
    let (raw, netfilter) = (raw_socket()?, netfilter_socket()?);
    setns(ethernet, CloneFlags::CLONE_NEWNET)?;
    let far = std::iter::once(node.name).chain(node.pods.iter().map(|pod| pod.name));
    run("ip", &["-batch", "-"], &far.map(|name| format!("link set {name} up\n")).collect::<Vec<_>>().concat())?;
    let pods = node.pods.iter().map(|pod| far_end(pod.name)).collect::<Result<_>>()?;
    Ok(Real { namespace, raw, trace, netfilter, port: far_end(node.name)?, pods })
}

/// What `ip -batch` reads to make a node. `tunl0` is there: the module makes one in every namespace.
fn plan(node: &Node, cluster: &Cluster, outside: &str) -> String {
    let Node { name, device, mac, address, tunnel, tunnel_mtu, .. } = node;
    let mut lines = vec![
        "link set lo up".to_owned(),
        format!("address add {tunnel}/32 dev tunl0"),
        format!("link set tunl0 mtu {tunnel_mtu} up"),
        format!("link add {device} address {mac} type veth peer name {name} netns {outside}"),
        format!("address add {address} dev {device}"),
        format!("link set {device} up"),
        format!("neighbour add {} lladdr {OUTSIDE_MAC} dev {device} nud permanent", cluster.gateway),
    ];
    for other in cluster.nodes.iter().filter(|other| other.name != *name) {
        let address = other.address.addr();
        lines.push(format!("neighbour add {address} lladdr {} dev {device} nud permanent", other.mac));
    }
    for Pod { name, address, device, mac, mtu } in &node.pods {
        lines.extend([
            format!(
                "link add {device} mtu {mtu} address {} type veth peer name {name} address {mac} netns {outside}",
                Mac::CALICO
            ),
            format!("link set {device} up"),
            format!("neighbour add {address} lladdr {mac} dev {device} nud permanent"),
        ]);
    }
    lines.extend(node.routes.iter().map(route));
    lines.join("\n") + "\n"
}

/// `ip route add`, for a route of the agents.
fn route(route: &Route) -> String {
    let kind = if route.kind == RouteKind::Blackhole { "blackhole " } else { "" };
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    let device = route.device.map(|device| format!(" dev {device}")).unwrap_or_default();
    let onlink = if route.onlink { " onlink" } else { "" };
    format!("route add {kind}{}{via}{device}{onlink}", route.destination)
}

/// What `ip -batch` reads to make the Ethernet: a bridge with a port for each node and one for the machine outside.
fn ethernet_plan(cluster: &Cluster) -> String {
    let mut lines = vec![
        "link add ethernet type bridge mcast_snooping 0".to_owned(),
        "link set ethernet up".to_owned(),
        format!("link add {OUTSIDE} address {OUTSIDE_MAC} type veth peer name plug"),
        format!("link set {OUTSIDE} up"),
    ];
    let ports = cluster.nodes.iter().map(|node| node.name).chain(["plug"]);
    lines.extend(ports.map(|port| format!("link set {port} master ethernet up")));
    lines.join("\n") + "\n"
}

/// The IPv4 packets that a socket has seen, with destination and source of their frames.
fn packets(socket: &OwnedFd) -> Result<Vec<(Mac, Mac, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => {
                if let (Some((to, rest)), true) = (buffer[..length].split_first_chunk(), buffer[12..14] == [8, 0])
                    && let Some((from, rest)) = rest.split_first_chunk()
                {
                    found.push((Mac(*to), Mac(*from), rest[2..].to_vec()));
                }
            }
            Err(Errno::EAGAIN) => return Ok(found),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The address that a process of the thread's namespace would send from.
fn source_towards(destination: Ipv4Addr) -> Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((destination, 1))?;
    match socket.local_addr()? {
        SocketAddr::V4(address) => Ok(*address.ip()),
        SocketAddr::V6(_) => Err("an address of IPv6".into()),
    }
}
