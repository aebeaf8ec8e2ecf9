//! The sets that Felix keeps on a node.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::policy::{Policies, SetOf};
use super::workload::Direction;
use crate::kube::{NetworkPolicyPeer, RunningPod, State};
use crate::map::IndexMap;

/// Every node's address: the machines that may send IP-in-IP.
pub(super) const ALL_HOSTS: &str = "cali40all-hosts-net";
/// Every pool.
pub(super) const ALL_POOLS: &str = "cali40all-ipam-pools";
/// The pools with `natOutgoing`.
pub(super) const MASQUERADED_POOLS: &str = "cali40masq-ipam-pools";

/// What is in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Networks: the set is of type `hash:net`.
    Nets(Vec<Ipv4Net>),
    /// Addresses with a protocol's number and a port: `hash:ip,port`.
    Ports(Vec<(Ipv4Addr, u8, u16)>),
}

/// The sets that Felix keeps on `node`: those of every node, then those of the policies about its pods.
pub fn ip_sets(state: &State, node: &str) -> Vec<(String, Members)> {
    let hosts = state.nodes().map(|node| Ipv4Net::from(node.object.address)).collect();
    let pools = vec![state.cluster().pod_cidr.trunc()];
    let fixed = [(ALL_HOSTS, hosts), (ALL_POOLS, pools.clone()), (MASQUERADED_POOLS, pools)];
    let fixed = fixed.into_iter().map(|(name, nets)| (name.to_owned(), Members::Nets(nets)));
    fixed.chain(of_policies(state, node)).collect()
}

/// The sets of the policies that are about a pod of the node, of their rules for both directions.
fn of_policies(state: &State, node: &str) -> IndexMap<String, Members> {
    let mut sets: IndexMap<String, Members> = IndexMap::default();
    let mut peers = Peers { state, labels: BTreeMap::new() };
    for policy in Policies::of(state).about_any(state.pods_on(node)) {
        let namespace = policy.0.object.namespace.as_str();
        for direction in [Direction::To, Direction::From] {
            for (name, of) in policy.rules(state.cluster().calico, direction).flat_map(|rule| rule.sets()) {
                sets.entry(name).or_insert_with(|| peers.members(namespace, &of));
            }
        }
    }
    sets
}

/// Who is meant by peers.
struct Peers<'a> {
    state: &'a State,
    /// The labels of namespaces, as far as they have been asked for.
    labels: BTreeMap<&'a str, crate::kube::Labels>,
}

impl<'a> Peers<'a> {
    fn members(&mut self, namespace: &str, set: &SetOf<'_>) -> Members {
        // A pod in its node's network is no endpoint of Calico's, and one that has ended is none any more.
        let pods = self.state.pods().filter(|pod| pod.is_networked());
        match set {
            SetOf::Peer(peer) => {
                let pods = pods.filter(|pod| self.is_meant(namespace, peer, pod));
                Members::Nets(pods.map(|pod| pod.address.into()).collect())
            }
            SetOf::NamedPort(peer, protocol, name) => {
                let mut members = Vec::new();
                for pod in pods.filter(|pod| peer.is_none_or(|peer| self.is_meant(namespace, peer, pod))) {
                    let ports = pod.containers.iter().flat_map(|container| &container.ports);
                    let named = ports.filter(|port| port.name.as_deref() == Some(name) && port.protocol == *protocol);
                    members.extend(named.map(|port| (pod.address, protocol.number(), port.port)));
                }
                Members::Ports(members)
            }
        }
    }

    fn is_meant(&mut self, namespace: &str, peer: &NetworkPolicyPeer, pod: &'a RunningPod) -> bool {
        let of_namespace = match &peer.namespace_selector {
            None => *pod.namespace == *namespace,
            Some(selector) => {
                let (state, name) = (self.state, &*pod.namespace);
                selector.selects(self.labels.entry(name).or_insert_with(|| state.namespace_labels(name)))
            }
        };
        of_namespace && peer.pod_selector.as_ref().is_none_or(|selector| selector.selects(&pod.labels))
    }
}
