use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::validate::{fault, fault_beside};
use crate::Origin;
use crate::world::OpError;

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The router of the pool of this name.
    Gateway(Arc<str>),
    /// The Ethernet device of a node.
    Node(Arc<str>),
    /// `tunl0` of a node.
    Tunnel(Arc<str>),
    /// A machine outside the cluster.
    Host(Arc<str>),
    /// A device of a router, or another device of a node, by the name of the machine.
    Device(Arc<str>),
    /// A pod, `namespace/name`.
    Pod(Arc<str>),
    /// A service's `clusterIP`, `namespace/name`.
    ClusterIp(Arc<str>),
    /// The address MetalLB gave a service, `namespace/name`.
    LoadBalancer(Arc<str>),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(pool) => write!(f, "the gateway of pool {pool}"),
            Self::Node(node) => write!(f, "node {node}"),
            Self::Tunnel(node) => write!(f, "tunl0 of node {node}"),
            Self::Host(host) => write!(f, "host {host}"),
            Self::Device(machine) => write!(f, "a device of {machine}"),
            Self::Pod(pod) => write!(f, "pod {pod}"),
            Self::ClusterIp(service) => write!(f, "service {service}, as its clusterIP"),
            Self::LoadBalancer(service) => write!(f, "service {service}, from MetalLB"),
        }
    }
}

/// Every address that somebody has, and where that was declared. Only looked into, never walked: its order would be no
/// order.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders(Arc<FxHashMap<Ipv4Addr, Held>>);

type Held = (Holder, Option<Origin>);

impl Holders {
    pub(super) fn get(&self, address: Ipv4Addr) -> Option<&Holder> {
        self.0.get(&address).map(|(holder, _)| holder)
    }

    pub(super) fn is_free(&self, address: Ipv4Addr) -> bool {
        !self.0.contains_key(&address)
    }

    /// Refuses an address that somebody has.
    pub(super) fn check_free(&self, address: Ipv4Addr) -> Result<(), OpError> {
        let Some((holder, origin)) = self.0.get(&address) else { return Ok(()) };
        let problem = format!("{address} belongs to {holder}");
        Err(match origin {
            Some(_) => fault_beside(problem, "choose another address", origin.as_ref(), format!("{holder} has it")),
            None => fault(problem, "choose another address"),
        })
    }

    pub(super) fn remove(&mut self, address: Ipv4Addr) {
        Arc::make_mut(&mut self.0).remove(&address);
    }

    pub(super) fn set(&mut self, address: Ipv4Addr, holder: Holder, origin: Option<&Origin>) {
        Arc::make_mut(&mut self.0).insert(address, (holder, origin.cloned()));
    }
}
