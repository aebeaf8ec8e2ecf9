//! Pods, deployments.

use std::net::Ipv4Addr;

use super::super::{Container, Deployment, Pod, State, stateful_set};
use super::{dns_label, dns_subdomain, fault, fault_beside, port, unique};
use crate::map::IndexSet;
use crate::packet::DeviceName;
use crate::world::OpError;

pub(super) fn pod(state: &State, pod: &Pod) -> Result<(), OpError> {
    dns_label("a namespace's name", &pod.namespace)?;
    some_node(state, "pod", &pod.name)?;
    node_named(state, pod.node.as_deref())?;
    pod_name(state, &pod.namespace, &pod.name)?;
    host_network(pod.host_network, &pod.name, pod.address, pod.interface_name)?;
    interface_name(pod.interface_name)?;
    for name in [&pod.hostname, &pod.subdomain].into_iter().flatten() {
        dns_label("hostname and subdomain", name)?;
    }
    pod.dns.check()?;
    containers(&pod.containers)
}

/// A pod in its node's network has the node's address, and no veth.
fn host_network(
    host_network: bool,
    name: &str,
    address: Option<Ipv4Addr>,
    device: Option<DeviceName>,
) -> Result<(), OpError> {
    if host_network && (address.is_some() || device.is_some()) {
        let problem = format!("pod {name} has the network of its node, and an address or interfaceName besides");
        return Err(fault(problem, "leave out `at` and `interfaceName`, or hostNetwork"));
    }
    Ok(())
}

/// Felix takes devices for pods' by the first letters of their names (`InterfacePrefix`).
fn interface_name(name: Option<DeviceName>) -> Result<(), OpError> {
    match name {
        Some(name) if !name.as_str().starts_with("cali") => {
            Err(fault(format!("interfaceName {name} does not begin with `cali`"), "use one such as cali21ac0ad37cb"))
        }
        _ => Ok(()),
    }
}

/// What holds for every pod whose name is given: it is a name, and nobody else's.
fn pod_name(state: &State, namespace: &str, name: &str) -> Result<(), OpError> {
    dns_subdomain("a pod's name", name)?;
    match state.pods.get(&format!("{namespace}/{name}")) {
        None => Ok(()),
        Some(other) => {
            let problem = format!("there is a pod {namespace}/{name} already");
            Err(fault_beside(problem, "choose another name", other.origin.as_ref(), "declared here"))
        }
    }
}

/// How many pods a deployment may have: a slip of the finger must not take all memory.
pub const MOST_REPLICAS: u32 = 10_000;

pub(super) fn deployment(state: &State, deployment: &Deployment) -> Result<(), OpError> {
    let kind = deployment.kind();
    dns_label("a namespace's name", &deployment.namespace)?;
    dns_subdomain(&format!("the name of a {kind}"), &deployment.name)?;
    unique(&state.deployments, kind, &format!("{}/{}", deployment.namespace, deployment.name))?;
    some_node(state, kind, &deployment.name)?;
    if deployment.replicas > MOST_REPLICAS {
        let problem = format!("{kind} {} has {} replicas", deployment.name, deployment.replicas);
        return Err(fault(problem, format!("use at most {MOST_REPLICAS}")));
    }
    for node in &deployment.on {
        node_named(state, Some(node))?;
    }
    let mut names = IndexSet::default();
    for pod in &deployment.pods {
        node_named(state, pod.node.as_deref())?;
        pod_name(state, &deployment.namespace, &pod.name)?;
        host_network(deployment.host_network, &pod.name, pod.address, pod.interface_name)?;
        interface_name(pod.interface_name)?;
        if !names.insert(&pod.name) {
            return Err(fault(format!("{kind} {} has two pods {}", deployment.name, pod.name), "choose another name"));
        }
    }
    if let Some(set) = &deployment.stateful_set {
        stateful_set::check(deployment, set)?;
        for ordinal in 0..deployment.replicas {
            pod_name(state, &deployment.namespace, &stateful_set::pod_name(&deployment.name, ordinal))?;
        }
    }
    deployment.dns.check()?;
    containers(&deployment.containers)
}

/// A workload needs somewhere to run, and runs as soon as it is declared.
fn some_node(state: &State, kind: &str, name: &str) -> Result<(), OpError> {
    if state.nodes.is_empty() {
        return Err(fault(format!("there is no node for {kind} {name}"), "declare a node before it"));
    }
    Ok(())
}

fn node_named(state: &State, name: Option<&str>) -> Result<(), OpError> {
    match name {
        Some(name) if !state.nodes.contains_key(name) => {
            let known: Vec<_> = state.nodes.keys().map(AsRef::as_ref).collect();
            Err(fault(format!("there is no node {name}"), format!("use one of: {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

/// What runs in a pod.
pub(in crate::kube) fn containers(containers: &[Container]) -> Result<(), OpError> {
    let mut names = IndexSet::default();
    let mut ports = IndexSet::default();
    for container in containers {
        dns_label("a container's name", &container.name)?;
        if !names.insert(&container.name) {
            return Err(fault(format!("there are two containers {}", container.name), "choose another name"));
        }
        for listed in &container.ports {
            port("containerPort", listed.port)?;
            // All containers of a pod share its network, and so its ports.
            if !ports.insert((listed.port, listed.protocol)) {
                let problem = format!("port {}/{} is listed twice", listed.port, listed.protocol.lower());
                return Err(fault(problem, "list each port of a pod once"));
            }
        }
    }
    Ok(())
}
