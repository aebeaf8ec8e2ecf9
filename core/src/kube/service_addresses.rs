//! What a service gets by itself: a `clusterIP` and `nodePort`s from Kubernetes, an address from MetalLB's controller.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::validate::{fault, fault_beside};
use super::{PoolPurpose, Service, ServiceType, State};
use crate::Origin;
use crate::world::OpError;

/// kube-apiserver's `--service-node-port-range`, by default.
pub(super) const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
/// The lowest address of the service CIDR belongs to `default/kubernetes`; kubeadm gives the tenth to `kube-dns`.
const RESERVED: [u32; 2] = [1, 10];

/// Which node ports are taken, and from where to look for a free address. Nothing is ever given back, so that what was
/// taken below the marks stays taken.
#[derive(Clone, Debug)]
pub(super) struct ServiceAddresses {
    /// Only looked into, never walked.
    node_ports: Arc<FxHashMap<u16, PortHolder>>,
    next_node_port: u16,
    next_cluster_ip: u32,
}

/// A service, and where it was declared.
type PortHolder = (Arc<str>, Option<Origin>);

impl Default for ServiceAddresses {
    fn default() -> Self {
        Self { node_ports: Arc::default(), next_node_port: *NODE_PORTS.start(), next_cluster_ip: 1 }
    }
}

impl ServiceAddresses {
    /// Refuses a node port that another service has.
    pub(super) fn check_free(&self, port: u16) -> Result<(), OpError> {
        let Some((service, origin)) = self.node_ports.get(&port) else { return Ok(()) };
        let hint = "choose another nodePort, or leave it out";
        Err(fault_beside(
            format!("nodePort {port} belongs to service {service}"),
            hint,
            origin.as_ref(),
            format!("service {service} has it"),
        ))
    }

    fn node_port(&mut self, wanted: &[u16]) -> Result<u16, OpError> {
        let free = (self.next_node_port..=*NODE_PORTS.end())
            .find(|port| !self.node_ports.contains_key(port) && !wanted.contains(port))
            .ok_or_else(|| fault("every nodePort from 30000 to 32767 is taken", "declare fewer of them"))?;
        self.next_node_port = free;
        Ok(free)
    }

    fn cluster_ip(&mut self, state: &State) -> Result<Ipv4Addr, OpError> {
        let cidr = state.cluster().service_cidr;
        let base = cidr.network().to_bits();
        // The last address of the CIDR is never handed out (kube-apiserver, ipallocator).
        let count = cidr.broadcast().to_bits() - base;
        let free = (self.next_cluster_ip..count)
            .find(|step| !RESERVED.contains(step) && state.holders.is_free(Ipv4Addr::from_bits(base + step)))
            .ok_or_else(|| {
                let problem = format!("no address is left in the service CIDR {cidr}");
                fault_beside(problem, "give the cluster a larger serviceCIDR", state.cluster_origin(), "declared here")
            })?;
        self.next_cluster_ip = free;
        Ok(Ipv4Addr::from_bits(base + free))
    }

    fn keep(&mut self, service: &Service, key: &Arc<str>, origin: Option<&Origin>) {
        let taken = Arc::make_mut(&mut self.node_ports);
        for port in service.ports.iter().filter_map(|port| port.node_port) {
            taken.insert(port, (key.clone(), origin.cloned()));
        }
    }
}

/// Fills in what `service` does not say, and notes the node ports it has.
pub(super) fn complete(
    state: &State,
    service: &mut Service,
    key: &Arc<str>,
    origin: Option<&Origin>,
) -> Result<ServiceAddresses, OpError> {
    let mut addresses = state.service_addresses.clone();
    if service.cluster_ip.is_none() {
        service.cluster_ip = Some(addresses.cluster_ip(state)?);
    }
    if service.kind != ServiceType::ClusterIP {
        let mut taken: Vec<u16> = service.ports.iter().filter_map(|port| port.node_port).collect();
        for port in &mut service.ports {
            if port.node_port.is_none() {
                let free = addresses.node_port(&taken)?;
                taken.push(free);
                port.node_port = Some(free);
            }
        }
    }
    if service.kind == ServiceType::LoadBalancer && service.load_balancer_ip.is_none() {
        service.load_balancer_ip = load_balancer_ip(state);
    }
    addresses.keep(service, key, origin);
    Ok(addresses)
}

/// The lowest free address of the first pool that has one. MetalLB itself walks a Go map of pools, in any order; here it
/// is the order of declaration. A service for which there is none stays without, `<pending>` as kubectl calls it.
pub(super) fn load_balancer_ip(state: &State) -> Option<Ipv4Addr> {
    let balancers = state.pools_for(PoolPurpose::LoadBalancer).map(|pool| &pool.object);
    balancers
        .flat_map(|pool| (pool.first.to_bits()..=pool.last.to_bits()).map(Ipv4Addr::from_bits))
        .find(|&address| state.holders.is_free(address))
}
