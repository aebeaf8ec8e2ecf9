//! The network of the overlay's scenarios: what `cluster.scn` declares, as the agents write it on the nodes.
//!
//! ```text
//! outside 10.1.110.254 ─┬─ ens192 10.1.110.102 [worker1] cali… ── nginx 192.168.104.65
//!                       │                       tunl0 192.168.104.64
//!                       └─ ens192 10.1.110.107 [worker2] cali… ── client 192.168.8.193
//!                                               tunl0 192.168.8.192 cali… ── web 192.168.8.194
//! ```
//!
//! The nodes are real network stacks on one Ethernet. Pods and the machine outside are bare ends of wires.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netscene_core::agents::felix::Members;
use netscene_core::agents::{bird, cni, felix, kube_proxy, kubelet};
use netscene_core::kube::State;
use netscene_core::net::fib::Route;
use netscene_core::netfilter::ipset::IpSets;
use netscene_core::netfilter::{Ruleset, TableName, text};
use netscene_core::packet::{DeviceName, Mac};
use netscene_core::world::World;
use netscene_lang::{SourceFiles, compile, has_errors, render};

use crate::Result;
use crate::case::{Case, TABLES};

/// The scenario that declares it.
pub(crate) const CLUSTER: &str = include_str!("cluster.scn");
/// The nodes.
const NODES: [(&str, Mac); 2] = [("worker1", Mac([2, 0, 0, 0, 0, 1])), ("worker2", Mac([2, 0, 0, 0, 0, 2]))];
/// The pods, all of namespace `iks`.
const PODS: [&str; 3] = ["nginx", "client", "web"];

/// The MTU of the pods' wires: wider than the tunnel's, so that a pod's packet can be too long for it.
const POD_MTU: u16 = 1500;

/// The machine outside: the gateway, and whoever is behind it.
pub(crate) const OUTSIDE: &str = "outside";
/// Its Ethernet address.
pub(crate) const OUTSIDE_MAC: Mac = Mac([2, 0, 0, 0, 1, 0]);

/// All of it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) gateway: Ipv4Addr,
    pub(crate) nodes: Vec<Node>,
}

/// A node, and what its agents have written there.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) device: DeviceName,
    pub(crate) mac: Mac,
    pub(crate) address: Ipv4Net,
    /// The address of `tunl0`.
    pub(crate) tunnel: Ipv4Addr,
    pub(crate) tunnel_mtu: u16,
    pub(crate) pods: Vec<Pod>,
    /// Its routes, beside those that its addresses bring.
    pub(crate) routes: Vec<Route>,
    /// Its sets and rules.
    pub(crate) rules: Case,
}

/// A pod's wire.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    /// The node's end.
    pub(crate) device: DeviceName,
    pub(crate) mac: Mac,
    pub(crate) mtu: u16,
}

impl Cluster {
    /// Reads a scenario, and lets the agents write on its nodes. On worker2 somebody gives these commands of `iptables` too.
    pub(crate) fn new(scenario: &str, commands: &[&str]) -> Result<Self> {
        let state = state(scenario)?;
        let gateway = state.pools().find_map(|pool| pool.object.gateway).ok_or("no pool has a gateway")?;
        let mut nodes = Vec::new();
        for (name, mac) in NODES {
            let commands = if name == "worker2" { commands } else { &[] };
            nodes.push(Node::new(&state, name, mac, gateway, commands)?);
        }
        Ok(Self { gateway, nodes })
    }

    /// The node that a machine on the Ethernet sends a packet to: the one that has the address, or worker2, which answers
    /// for the addresses of services.
    pub(crate) fn node_for(&self, destination: Ipv4Addr) -> usize {
        self.nodes.iter().position(|node| node.address.addr() == destination).unwrap_or(1)
    }

    /// The place of a node.
    pub(crate) fn node(&self, name: &str) -> Result<usize> {
        self.nodes.iter().position(|node| node.name == name).ok_or_else(|| format!("nobody is called {name}").into())
    }

    /// The places of a pod's node, and of the pod there.
    pub(crate) fn pod(&self, name: &str) -> Option<(usize, usize)> {
        let mut pods = self.nodes.iter().enumerate();
        pods.find_map(|(at, node)| Some((at, node.pods.iter().position(|pod| pod.name == name)?)))
    }
}

impl Node {
    fn new(state: &State, name: &'static str, mac: Mac, gateway: Ipv4Addr, commands: &[&str]) -> Result<Self> {
        let node = &state.node(name).ok_or_else(|| format!("no node {name}"))?.object;
        let default = Route { via: Some(gateway), device: Some(node.device), ..Route::to(Ipv4Net::default()) };
        let mut routes = vec![default];
        routes.extend(bird::routes(state, name).into_iter().chain(felix::routes(state, name)));
        let mut pods = Vec::new();
        for pod in state.pods_on(name) {
            let known = PODS.iter().find(|known| **known == &*pod.name);
            let network = cni::pod_network(state, pod);
            pods.push(Pod {
                name: known.ok_or_else(|| format!("no wire is known for pod {}", pod.name))?,
                address: pod.address,
                device: network.host_device,
                mac: network.mac,
                mtu: POD_MTU,
            });
        }
        Ok(Self {
            name,
            device: node.device,
            mac,
            address: Ipv4Net::new(node.address, 24)?,
            tunnel: state.tunnel_address(name).ok_or("a node without a tunnel")?,
            tunnel_mtu: state.cluster().mtu,
            pods,
            routes,
            rules: rules(state, name, commands)?,
        })
    }
}

/// What a scenario declares.
fn state(scenario: &str) -> Result<State> {
    let mut files = SourceFiles::default();
    let (program, diagnostics) = compile(&files.add("cluster.scn", scenario));
    if has_errors(&diagnostics) {
        return Err(render(&diagnostics, &files, false).into());
    }
    let mut world = World::new(0);
    for operation in program.declarations() {
        world.apply(operation)?;
    }
    Ok(world.state().clone())
}

/// Sets and rules of a node, as text for the kernel and the model alike.
fn rules(state: &State, node: &str, commands: &[&str]) -> Result<Case> {
    let mut rules = Ruleset::default();
    for input in [kubelet::rules(state), kube_proxy::rules(state, node), felix::rules(state, node)] {
        text::restore(&mut rules, &input)?;
    }
    for command in commands {
        text::apply(&mut rules, command).map_err(|error| format!("{command}: {error}"))?;
    }
    let mut case: Case = text::save(&rules, &TABLES, false).parse()?;
    // The suite writes the built-in chains itself.
    for table in TABLES {
        let built_in = |line: &String| is_built_in(table, line);
        case.tables[table as usize].retain(|line| !built_in(line));
    }
    let mut sets = IpSets::default();
    for (name, members) in felix::ip_sets(state, node) {
        match members {
            Members::Nets(nets) => sets.replace(&name, nets),
            Members::Ports(ports) => sets.replace_ports(&name, ports),
        }
    }
    case.sets.extend(sets.save().lines().map(str::to_owned));
    Ok(case)
}

fn is_built_in(table: TableName, line: &str) -> bool {
    table.hooks().iter().any(|hook| line.starts_with(&format!(":{} ", hook.chain())))
}
