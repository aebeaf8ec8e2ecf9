//! The cluster, its pools, its machines.

use std::net::Ipv4Addr;

use super::super::state::Declared;
use super::super::{Cluster, Host, MachineNetwork, Node, Pool, PoolPurpose, ROUTER, State, Version};
use super::{address_pool, dns_subdomain, fault, fault_beside, unique};
use crate::packet::{DeviceName, Mac};
use crate::world::OpError;

/// Calico takes 20 to 32; a block of one address is chosen by the clock there, so that nothing could foretell it.
const BLOCK_SIZES: std::ops::RangeInclusive<u8> = 20..=31;
/// IPv4's least MTU, and the longest packet.
const MTUS: std::ops::RangeInclusive<u16> = 68..=u16::MAX;

pub(super) fn cluster(state: &State, cluster: &Cluster) -> Result<(), OpError> {
    if state.cluster_declared {
        let hint = "put all settings of the cluster into one declaration";
        return Err(fault_beside("the cluster is declared twice", hint, state.cluster_origin(), "declared here first"));
    }
    if state.nodes.len() + state.pods.iter().len() + state.services.len() > 0 {
        let hint = "declare the cluster before its nodes and services";
        return Err(fault("what is declared already has taken addresses of the default cluster", hint));
    }
    let (pods, services) = (cluster.pod_cidr, cluster.service_cidr);
    if pods.contains(&services) || services.contains(&pods) {
        let problem = format!("podCIDR {pods} and serviceCIDR {services} overlap");
        return Err(fault(problem, "give pods and services addresses of their own"));
    }
    if !BLOCK_SIZES.contains(&cluster.block_size) || cluster.block_size < pods.prefix_len() {
        let problem = format!("podCIDR {pods} cannot be cut into blocks of /{}", cluster.block_size);
        let hint = "use a block size from /20 to /31 that is no larger than podCIDR, such as /26";
        return Err(fault(problem, hint));
    }
    // As installers have it: 254 services at least, in a private network at most.
    if !(8..=24).contains(&services.prefix_len()) {
        let nearest = ipnet::Ipv4Net::new_assert(services.network(), services.prefix_len().clamp(8, 24)).trunc();
        let problem = format!("serviceCIDR {services} is not between /8 and /24");
        return Err(fault(problem, format!("use {nearest}")));
    }
    if !MTUS.contains(&cluster.mtu) {
        return Err(fault(format!("an MTU of {} is too small for IPv4", cluster.mtu), "use at least 68, such as 1440"));
    }
    dns_subdomain("the cluster's domain", &cluster.domain)?;
    node_port_range(cluster.node_port_range)?;
    release("kubeProxy", cluster.kube_proxy, "1.20 or 1.36", |v| v.major == 1 && matches!(v.minor, 20 | 36))?;
    let calico = Version::new(3, 16, 0)..Version::new(3, 23, 0);
    release("calico", cluster.calico, "3.16 to 3.22", |v| calico.contains(&v))?;
    release("metallb", cluster.metallb, "0.8 or later", |v| v >= Version::new(0, 8, 0))?;
    super::proxy::options(cluster)
}

fn node_port_range((first, last): (u16, u16)) -> Result<(), OpError> {
    if first == 0 || first > last {
        let problem = format!("{first} to {last} is no range of node ports");
        return Err(fault(problem, "use one such as 30000 to 32767"));
    }
    Ok(())
}

/// Refuses a release of which this model does not know what it writes: a near guess would be a wrong rule.
fn release(field: &str, version: Version, known: &str, is_known: impl Fn(Version) -> bool) -> Result<(), OpError> {
    if is_known(version) {
        return Ok(());
    }
    Err(fault(format!("what {field} {version} does is not known here"), format!("use {field} {known}")))
}

pub(super) fn pool(state: &State, pool: &Pool) -> Result<(), OpError> {
    unique(&state.pools, "pool", &pool.name)?;
    if pool.first > pool.last {
        let problem = format!("pool {} ends at {}, before it begins at {}", pool.name, pool.last, pool.first);
        return Err(fault(problem, "put the lowest address first"));
    }
    for other in state.pools_for(PoolPurpose::Machines).filter(|_| pool.purpose == PoolPurpose::Machines) {
        let Declared { object: Pool { name, first, last, .. }, origin, .. } = other;
        if pool.first <= *last && *first <= pool.last {
            let problem = format!("pool {} overlaps with pool {name}", pool.name);
            let there = format!("{name} goes from {first} to {last}");
            return Err(fault_beside(problem, "give each pool addresses of its own", origin.as_ref(), there));
        }
    }
    address_pool::outside_the_cluster(state, &pool.name, &pool.into())?;
    if let Some(mac) = pool.gateway_mac {
        ethernet_address_of_router(state, pool, mac)?;
    }
    match pool.purpose {
        PoolPurpose::Machines => match pool.gateway {
            Some(gateway) if pool.network.is_some_and(|network| !network.contains(&gateway)) => {
                let problem = format!("gateway {gateway} is not on the network of pool {}", pool.name);
                Err(fault(problem, "use an address of the pool's CIDR"))
            }
            Some(gateway) => state.holders.check_free(gateway),
            None => Ok(()),
        },
        PoolPurpose::LoadBalancer => {
            address_pool::one_of_the_name(state, &pool.name)?;
            address_pool::overlaps_with_none(state, &pool.name, &pool.into())?;
            address_pool::no_machines(state, &pool.name, &pool.into())
        }
    }
}

/// One router may have one Ethernet address on several networks; a machine has its own.
fn ethernet_address_of_router(state: &State, pool: &Pool, mac: Mac) -> Result<(), OpError> {
    let who = format!("the gateway of pool {}", pool.name);
    station(&who, mac)?;
    let nodes = state.nodes().map(|node| (node.object.ethernet_address(), &node.object.name, &node.origin));
    let hosts = state.hosts().map(|host| (host.object.ethernet_address(), &host.object.name, &host.origin));
    let Some((_, name, origin)) = nodes.chain(hosts).find(|other| other.0 == mac) else { return Ok(()) };
    let problem = format!("{who} would have the MAC address {mac} of {name}");
    Err(fault_beside(problem, "give each machine a MAC address of its own", origin.as_ref(), "it has the address"))
}

pub(super) fn node(state: &State, node: &Node) -> Result<(), OpError> {
    dns_subdomain("a node's name", &node.name)?;
    dns_subdomain("a node's hostname", &node.hostname)?;
    machine_name(state, "node", &node.name)?;
    super::policy::labels("the labels of a node", &node.labels)?;
    if let Some(other) = state.nodes().find(|other| other.object.hostname == node.hostname) {
        let problem = format!("node {} has the hostname {} too", other.object.name, node.hostname);
        return Err(fault_beside(problem, "give each node its own", other.origin.as_ref(), "declared here"));
    }
    machine_address(state, "node", &node.name, node.address)?;
    ethernet_address(state, &format!("node {}", node.name), node.mac, node.ethernet_address())?;
    in_a_pool_of_machines(state, node)?;
    let who = format!("node {}", node.name);
    if let Some(one) = node.devices.iter().find(|one| one.name == node.device || one.address.addr() == node.address) {
        let problem = format!("{who} has {} with {} already", node.device, node.address);
        return Err(fault(problem, format!("give the device {} another name and address", one.name)));
    }
    super::router::mtu(&who, node.device, node.mtu)?;
    super::router::devices(state, &who, &node.devices)?;
    let own = state.network_of(node.address).network;
    let near = |via| own.contains(&via) || node.devices.iter().any(|device| device.address.contains(&via));
    super::router::routes(&who, &node.routes, near)?;
    let Some(block) = node.pod_cidr else { return Ok(()) };
    let cluster = state.cluster();
    if !cluster.pod_cidr.contains(&block) {
        let problem =
            format!("podCIDR {block} of node {} is not part of the cluster's {}", node.name, cluster.pod_cidr);
        let there = format!("podCIDR is {}", cluster.pod_cidr);
        return Err(fault_beside(problem, "use a block of the cluster's podCIDR", state.cluster_origin(), there));
    }
    if block.prefix_len() != cluster.block_size || block != block.trunc() {
        let problem = format!("podCIDR {block} of node {} is not a block of the cluster", node.name);
        let hint = format!("use a /{0} such as {1}/{0}", cluster.block_size, block.network());
        return Err(fault_beside(problem, hint, state.cluster_origin(), format!("blocks are /{}", cluster.block_size)));
    }
    match state.ipam.overlap(block) {
        None => Ok(()),
        Some((other, theirs)) => {
            let problem = format!("podCIDR {block} of node {} is held by node {other}", node.name);
            let hint = "give each node a block of its own; nodes without podCIDR come last";
            let origin = state.node(other).and_then(|node| node.origin.as_ref());
            Err(fault_beside(problem, hint, origin, format!("{other} holds {theirs}")))
        }
    }
}

/// If the scenario says what networks there are, a node is on one of them.
fn in_a_pool_of_machines(state: &State, node: &Node) -> Result<(), OpError> {
    let mut machines = state.pools_for(PoolPurpose::Machines);
    let Some(Declared { object: pool, origin, .. }) = machines.next() else { return Ok(()) };
    if pool.contains(node.address) || machines.any(|pool| pool.object.contains(node.address)) {
        return Ok(());
    }
    let problem = format!("{} of node {} is outside pool {}", node.address, node.name, pool.name);
    let there = format!("{} goes from {} to {}", pool.name, pool.first, pool.last);
    Err(fault_beside(problem, "use an address of the pool, or declare another pool", origin.as_ref(), there))
}

pub(super) fn host(state: &State, host: &Host) -> Result<(), OpError> {
    dns_subdomain("a host's name", &host.name)?;
    machine_name(state, "host", &host.name)?;
    machine_address(state, "host", &host.name, host.address)?;
    super::router::mtu(&format!("host {}", host.name), DeviceName::ETH0, host.mtu)?;
    let own = state.network_of(host.address).network;
    super::router::routes(&format!("host {}", host.name), &host.routes, |via| own.contains(&via))?;
    ethernet_address(state, &format!("host {}", host.name), host.mac, host.ethernet_address())
}

/// A machine has a name of its own. The routers of all networks go by one, which nobody declares.
pub(super) fn machine_name(state: &State, kind: &str, name: &str) -> Result<(), OpError> {
    unique(&state.nodes, "node", name)?;
    unique(&state.hosts, "host", name)?;
    unique(&state.routers, "router", name)?;
    if name == ROUTER {
        let problem = format!("a {kind} cannot be called `{ROUTER}`: the router of every network is called so");
        return Err(fault(problem, "choose another name, such as `gateway1`"));
    }
    Ok(())
}

/// Refuses an Ethernet address that cannot be a station's, or is another one's. `given` is what the declaration says.
fn ethernet_address(state: &State, who: &str, given: Option<Mac>, mac: Mac) -> Result<(), OpError> {
    if let Some(given) = given {
        station(who, given)?;
    }
    let nodes = state.nodes().map(|node| (node.object.ethernet_address(), "node", &node.object.name, &node.origin));
    let hosts = state.hosts().map(|host| (host.object.ethernet_address(), "host", &host.object.name, &host.origin));
    let routers = state
        .pools()
        .filter_map(|pool| Some((pool.object.gateway_mac?, "the gateway of pool", &pool.object.name, &pool.origin)));
    let Some((_, kind, name, origin)) = nodes.chain(hosts).chain(routers).find(|other| other.0 == mac) else {
        return Ok(());
    };
    let problem = format!("{who} would have the MAC address {mac} of {kind} {name}");
    Err(fault_beside(problem, "give each machine a MAC address of its own", origin.as_ref(), "it has the address"))
}

/// Refuses an Ethernet address that no single card has.
fn station(who: &str, mac: Mac) -> Result<(), OpError> {
    let Some(why) = mac.flaw() else { return Ok(()) };
    Err(fault(format!("{mac} cannot be the MAC address of {who}: {why}"), format!("use one such as {}", mac.mended())))
}

pub(super) fn machine_address(state: &State, kind: &str, name: &str, address: Ipv4Addr) -> Result<(), OpError> {
    let unusable =
        address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast();
    if unusable {
        return Err(fault(format!("{address} cannot be the address of a machine"), "use a unicast address"));
    }
    state.holders.check_free(address)?;
    let MachineNetwork { network, declared, .. } = state.network_of(address);
    if network.prefix_len() < 31 && (address == network.network() || address == network.broadcast()) {
        let problem = format!("{address} cannot be the address of {kind} {name}: it stands for all of {network}");
        let hint = if declared {
            "use an address in between"
        } else {
            "use an address in between, or declare a larger pool of machines around it"
        };
        return Err(fault(problem, hint));
    }
    let reserved = [("podCIDR", state.cluster().pod_cidr), ("serviceCIDR", state.cluster().service_cidr)];
    for (field, cidr) in reserved {
        if cidr.contains(&address) {
            let problem = format!("{address} of {kind} {name} lies in the cluster's {field}");
            let hint = "use an address that neither pods nor services have";
            return Err(fault_beside(problem, hint, state.cluster_origin(), format!("{field} is {cidr}")));
        }
    }
    match state.address_pool_of(address) {
        None => Ok(()),
        Some(pool) => {
            let problem = format!("{address} of {kind} {name} is for services: pool {} has it", pool.name);
            let there = format!("{} has {}", pool.name, pool.shown());
            Err(fault_beside(problem, "use an address outside that pool", pool.origin, there))
        }
    }
}
