//! The sets that Felix keeps on every node.

use ipnet::Ipv4Net;

use crate::kube::State;

/// Every node's address: the machines that may send IP-in-IP.
pub(super) const ALL_HOSTS: &str = "cali40all-hosts-net";
/// Every pool.
pub(super) const ALL_POOLS: &str = "cali40all-ipam-pools";
/// The pools with `natOutgoing`.
pub(super) const MASQUERADED_POOLS: &str = "cali40masq-ipam-pools";

/// The sets that Felix keeps on every node, all of type `hash:net`.
pub fn ip_sets(state: &State) -> Vec<(String, Vec<Ipv4Net>)> {
    let hosts = state.nodes().map(|node| Ipv4Net::from(node.object.address)).collect();
    let pools = vec![state.cluster().pod_cidr.trunc()];
    vec![(ALL_HOSTS.into(), hosts), (ALL_POOLS.into(), pools.clone()), (MASQUERADED_POOLS.into(), pools)]
}
