//! What a service gets by itself: a `clusterIP` and `nodePort`s from Kubernetes, an address from MetalLB's controller.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::validate::{fault, fault_beside};
use super::{Service, ServiceType, State, Version};
use crate::Origin;
use crate::world::OpError;

/// Since this release ports from the lower end of the range are left for those who ask for one (KEP-3668).
const LOWER_BAND: Version = Version::new(1, 27, 0);
/// The lowest address of the service CIDR belongs to `default/kubernetes`; kubeadm gives the tenth to `kube-dns`.
const RESERVED: [u32; 2] = [1, 10];

/// Which node ports are taken, and from where to look for a free address. What is given
/// back below the marks is not chosen again.
#[derive(Clone, Debug)]
pub(super) struct ServiceAddresses {
    /// Only looked into, never walked.
    node_ports: Arc<FxHashMap<u16, PortHolder>>,
    next_cluster_ip: u32,
}

/// A service, and where it was declared.
type PortHolder = (Arc<str>, Option<Origin>);

impl Default for ServiceAddresses {
    fn default() -> Self {
        Self { node_ports: Arc::default(), next_cluster_ip: 1 }
    }
}

impl ServiceAddresses {
    /// Refuses a node port that another service has.
    pub(super) fn check_free(&self, field: &str, port: u16) -> Result<(), OpError> {
        let Some((service, origin)) = self.node_ports.get(&port) else { return Ok(()) };
        let hint = format!("choose another {field}, or leave it out");
        Err(fault_beside(
            format!("{field} {port} belongs to service {service}"),
            hint,
            origin.as_ref(),
            format!("service {service} has it"),
        ))
    }

    /// A free node port. kube-apiserver throws dice; here they fall by the seed and by what the port is `of`, so that
    /// another service does not change them.
    fn node_port(&self, state: &State, of: &str, wanted: &[u16]) -> Result<u16, OpError> {
        let (first, last) = state.cluster().node_port_range;
        let size = u32::from(last - first) + 1;
        let band = if state.cluster().kube_proxy < LOWER_BAND { 0 } else { lower_band(size) };
        let digest = Sha256::digest(format!("{}/{of}", state.seed));
        let dice = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % (size - band);
        // The upper band from where the dice fell and around, then the lower one.
        let upper = (0..size - band).map(|step| band + (dice + step) % (size - band));
        upper
            .chain(0..band)
            .map(|step| first + step as u16)
            .find(|port| !self.node_ports.contains_key(port) && !wanted.contains(port))
            .ok_or_else(|| fault(format!("every nodePort from {first} to {last} is taken"), "declare fewer of them"))
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

    /// Gives the node ports of a service back. They and its `clusterIP` may be asked for again; what is chosen goes on from
    /// where it was.
    pub(super) fn release(&mut self, service: &Service) {
        let taken = Arc::make_mut(&mut self.node_ports);
        for port in given_node_ports(service) {
            taken.remove(&port);
        }
    }

    fn keep(&mut self, service: &Service, key: &Arc<str>, origin: Option<&Origin>) {
        let taken = Arc::make_mut(&mut self.node_ports);
        for port in given_node_ports(service) {
            taken.insert(port, (key.clone(), origin.cloned()));
        }
    }
}

/// KEP-3668: a 32nd of the range, at least 16 and at most 128; none where the range is smaller than that.
fn lower_band(size: u32) -> u32 {
    let band = (size / 32).clamp(16, 128);
    if band < size { band } else { 0 }
}

fn given_node_ports(service: &Service) -> impl Iterator<Item = u16> {
    service.ports.iter().filter_map(|port| port.node_port).chain(service.health_check_node_port)
}

/// Fills in what `service` does not say, and notes the node ports it has.
pub(super) fn complete(
    state: &State,
    service: &mut Service,
    key: &Arc<str>,
    origin: Option<&Origin>,
) -> Result<ServiceAddresses, OpError> {
    let mut addresses = state.service_addresses.clone();
    if service.cluster_ip.is_none() && service.is_proxied() {
        service.cluster_ip = Some(addresses.cluster_ip(state)?);
    }
    let mut taken: Vec<u16> = given_node_ports(service).collect();
    if service.gets_node_ports() {
        for port in &mut service.ports {
            if port.node_port.is_none() {
                let of = format!("{key}/{}/{}", port.port, port.protocol.lower());
                let free = addresses.node_port(state, &of, &taken)?;
                taken.push(free);
                port.node_port = Some(free);
            }
        }
    }
    if service.needs_health_check() && service.health_check_node_port.is_none() {
        service.health_check_node_port = Some(addresses.node_port(state, &format!("{key}/health"), &taken)?);
    }
    if service.kind == ServiceType::LoadBalancer && service.load_balancer_ip.is_none() {
        service.load_balancer_ip = state.balancer_address(service);
    }
    addresses.keep(service, key, origin);
    Ok(addresses)
}
