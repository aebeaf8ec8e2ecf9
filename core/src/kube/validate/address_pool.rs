//! What MetalLB gives services addresses from: its own objects, as its webhooks and `internal/config` refuse them, and pools of
//! scenarios.

use super::super::{AddressRange, CUSTOM_RESOURCES, IpAddressPool, L2Advertisement, LabelSelector, Labels, State};
use super::{dns_label, dns_subdomain, fault, fault_beside, policy, unique};
use crate::world::OpError;

pub(super) fn ip_address_pool(state: &State, pool: &IpAddressPool) -> Result<(), OpError> {
    custom_resource(state, "IPAddressPool", &pool.namespace, &pool.name, &pool.labels)?;
    unique(&state.ip_address_pools, "IPAddressPool", &format!("{}/{}", pool.namespace, pool.name))?;
    one_of_the_name(state, &pool.name)?;
    if pool.addresses.is_empty() {
        let problem = format!("pool {} has no prefixes defined", pool.name);
        return Err(fault(problem, "give it `addresses`, such as 10.1.110.0/28 or 10.1.110.5-10.1.110.9"));
    }
    for (at, range) in pool.addresses.iter().enumerate() {
        if let Some(other) = pool.addresses[..at].iter().find(|other| other.overlaps(range)) {
            let problem = format!("{range} of pool {} overlaps with {other}", pool.name);
            return Err(fault(problem, "leave one of them out"));
        }
        overlaps_with_none(state, &pool.name, range)?;
        outside_the_cluster(state, &pool.name, range)?;
        no_machines(state, &pool.name, range)?;
    }
    let Some(allocation) = &pool.service_allocation else { return Ok(()) };
    selectors("namespaceSelectors", &allocation.namespace_selectors)?;
    selectors("serviceSelectors", &allocation.service_selectors)
}

pub(super) fn l2_advertisement(state: &State, advertisement: &L2Advertisement) -> Result<(), OpError> {
    let L2Advertisement { namespace, name, labels, .. } = advertisement;
    custom_resource(state, "L2Advertisement", namespace, name, labels)?;
    unique(&state.l2_advertisements, "L2Advertisement", &format!("{namespace}/{name}"))?;
    selectors("ipAddressPoolSelectors", &advertisement.ip_address_pool_selectors)?;
    selectors("nodeSelectors", &advertisement.node_selectors)
}

fn selectors(what: &str, selectors: &[LabelSelector]) -> Result<(), OpError> {
    selectors.iter().try_for_each(|one| policy::selector(what, one))
}

/// What all of MetalLB's own kinds have in common.
fn custom_resource(state: &State, kind: &str, namespace: &str, name: &str, labels: &Labels) -> Result<(), OpError> {
    dns_label("a namespace's name", namespace)?;
    dns_subdomain(&format!("the name of an {kind}"), name)?;
    policy::labels(&format!("the labels of an {kind}"), labels)?;
    let release = state.cluster().metallb;
    if release >= CUSTOM_RESOURCES {
        return Ok(());
    }
    let problem = format!("MetalLB {release} knows no {kind}");
    let hint =
        format!("say `metallb {CUSTOM_RESOURCES}` or later in the cluster, or declare a `pool … for LoadBalancer`");
    Err(match state.cluster_origin() {
        Some(origin) => fault_beside(problem, hint, Some(origin), "the release is that of this cluster"),
        None => fault(problem, hint),
    })
}

/// An annotation asks for a pool by its name alone.
pub(super) fn one_of_the_name(state: &State, name: &str) -> Result<(), OpError> {
    let Some(other) = state.address_pools().find(|other| other.name == name) else { return Ok(()) };
    let problem = format!("there is a pool {name} already");
    Err(fault_beside(problem, "give each pool its own name", other.origin, "declared here"))
}

pub(super) fn outside_the_cluster(state: &State, name: &str, range: &AddressRange) -> Result<(), OpError> {
    let reserved = [("podCIDR", state.cluster().pod_cidr), ("serviceCIDR", state.cluster().service_cidr)];
    for (field, cidr) in reserved {
        if range.first <= cidr.broadcast() && cidr.network() <= range.last {
            let problem = format!("pool {name} overlaps with the cluster's {field} {cidr}");
            let hint = "use addresses that neither pods nor services have";
            return Err(fault_beside(problem, hint, state.cluster_origin(), format!("{field} is {cidr}")));
        }
    }
    Ok(())
}

/// `CIDR … in pool … overlaps with already defined CIDR …` of MetalLB's own pools.
pub(super) fn overlaps_with_none(state: &State, name: &str, range: &AddressRange) -> Result<(), OpError> {
    let mut pools = state.address_pools();
    let Some(other) = pools.find(|pool| pool.ranges.iter().any(|own| own.overlaps(range))) else { return Ok(()) };
    let problem = format!("pool {name} overlaps with pool {}", other.name);
    let there = format!("{} has {}", other.name, other.shown());
    Err(fault_beside(problem, "give each pool addresses of its own", other.origin, there))
}

pub(super) fn no_machines(state: &State, name: &str, range: &AddressRange) -> Result<(), OpError> {
    let nodes = state.nodes().map(|node| (&node.object.name, node.object.address, &node.origin));
    let hosts = state.hosts().map(|host| (&host.object.name, host.object.address, &host.origin));
    let Some((machine, address, origin)) = nodes.chain(hosts).find(|(_, address, _)| range.contains(*address)) else {
        return Ok(());
    };
    let problem = format!("pool {name} would give a service the address {address} of {machine}");
    Err(fault_beside(problem, "leave machines' addresses out", origin.as_ref(), "it has the address"))
}
