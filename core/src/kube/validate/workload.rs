//! Pods, deployments, services, ingresses.

use std::net::Ipv4Addr;

use indexmap::IndexSet;

use super::super::service_addresses::NODE_PORTS;
use super::super::state::Declared;
use super::super::{
    Container, Deployment, Ingress, PathType, Pod, PoolPurpose, Service, ServicePort, ServiceType, State,
};
use super::{dns_label, dns_subdomain, fault, fault_beside, is_dns_label, port, unique};
use crate::packet::DeviceName;
use crate::world::OpError;

pub(super) fn pod(state: &State, pod: &Pod) -> Result<(), OpError> {
    dns_label("a namespace's name", &pod.namespace)?;
    some_node(state, "pod", &pod.name)?;
    node_named(state, pod.node.as_deref())?;
    pod_name(state, &pod.namespace, &pod.name)?;
    host_network(pod.host_network, &pod.name, pod.address, pod.interface_name)?;
    interface_name(pod.interface_name)?;
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

pub(super) fn deployment(state: &State, deployment: &Deployment) -> Result<(), OpError> {
    let kind = if deployment.daemon_set { "daemon set" } else { "deployment" };
    dns_label("a namespace's name", &deployment.namespace)?;
    dns_subdomain(&format!("the name of a {kind}"), &deployment.name)?;
    unique(&state.deployments, kind, &format!("{}/{}", deployment.namespace, deployment.name))?;
    some_node(state, kind, &deployment.name)?;
    for node in &deployment.on {
        node_named(state, Some(node))?;
    }
    let mut names = IndexSet::new();
    for pod in &deployment.pods {
        node_named(state, pod.node.as_deref())?;
        pod_name(state, &deployment.namespace, &pod.name)?;
        host_network(deployment.host_network, &pod.name, pod.address, pod.interface_name)?;
        interface_name(pod.interface_name)?;
        if !names.insert(&pod.name) {
            return Err(fault(format!("{kind} {} has two pods {}", deployment.name, pod.name), "choose another name"));
        }
    }
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

fn containers(containers: &[Container]) -> Result<(), OpError> {
    let mut names = IndexSet::new();
    let mut ports = IndexSet::new();
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

pub(super) fn service(state: &State, service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    dns_label("a namespace's name", &service.namespace)?;
    dns_label("a service's name", name)?;
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(fault(format!("`{name}` cannot be a service's name"), "begin it with a letter (RFC 1035)"));
    }
    unique(&state.services, "service", &format!("{}/{name}", service.namespace))?;
    service_ports(state, service)?;
    if let Some(address) = service.cluster_ip {
        cluster_ip(state, address)?;
    }
    if let Some(address) = service.load_balancer_ip {
        load_balancer_ip(state, service, address)?;
    }
    declared_endpoints(service)
}

fn service_ports(state: &State, service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    if service.ports.is_empty() {
        return Err(fault(format!("service {name} has no port"), "add one, such as `port 80`"));
    }
    let (mut names, mut numbers) = (IndexSet::new(), IndexSet::new());
    let mut node_ports = IndexSet::new();
    for listed in &service.ports {
        port("a service's port", listed.port)?;
        port("targetPort", listed.target_port.unwrap_or(1))?;
        match &listed.name {
            Some(port_name) => {
                dns_label("a port's name", port_name)?;
                if !names.insert(port_name) {
                    return Err(fault(format!("service {name} has two ports {port_name}"), "choose another name"));
                }
            }
            None if service.ports.len() > 1 => {
                let problem = format!("port {} of service {name} has no name", listed.port);
                return Err(fault(problem, "name every port of a service that has several"));
            }
            None => {}
        }
        if !numbers.insert((listed.port, listed.protocol)) {
            let problem = format!("service {name} has port {}/{} twice", listed.port, listed.protocol.lower());
            return Err(fault(problem, "use another number or protocol"));
        }
        node_port(state, service, listed)?;
        // One service may have the same node port for TCP and for UDP.
        if listed.node_port.is_some_and(|number| !node_ports.insert((number, listed.protocol))) {
            return Err(fault(format!("service {name} has a nodePort twice"), "choose another one, or leave it out"));
        }
    }
    Ok(())
}

fn node_port(state: &State, service: &Service, listed: &ServicePort) -> Result<(), OpError> {
    let Some(number) = listed.node_port else { return Ok(()) };
    if service.kind == ServiceType::ClusterIP {
        let problem = format!("service {} of type ClusterIP has a nodePort", service.name);
        return Err(fault(problem, "make its type NodePort or LoadBalancer"));
    }
    if !NODE_PORTS.contains(&number) {
        return Err(fault(format!("nodePort {number} is out of range"), "use a port from 30000 to 32767"));
    }
    state.service_addresses.check_free(number)
}

fn cluster_ip(state: &State, address: Ipv4Addr) -> Result<(), OpError> {
    let cidr = state.cluster().service_cidr;
    if !cidr.contains(&address) || address == cidr.network() || address == cidr.broadcast() {
        let problem = format!("clusterIP {address} is not an address of the service CIDR");
        let hint = "use an address inside it, or leave clusterIP out";
        return Err(fault_beside(problem, hint, state.cluster_origin(), format!("serviceCIDR is {cidr}")));
    }
    state.holders.check_free(address).map_err(|error| OpError {
        hint: Some("choose another address; services without clusterIP come last".into()),
        ..error
    })
}

fn load_balancer_ip(state: &State, service: &Service, address: Ipv4Addr) -> Result<(), OpError> {
    if service.kind != ServiceType::LoadBalancer {
        let problem = format!("service {} has a loadBalancerIP, but is not of type LoadBalancer", service.name);
        return Err(fault(problem, "add `type LoadBalancer`"));
    }
    let balancers: Vec<_> = state.pools_for(PoolPurpose::LoadBalancer).collect();
    if balancers.iter().any(|pool| pool.object.contains(address)) {
        return state.holders.check_free(address);
    }
    // The controller's words, and where its configuration is.
    let problem = format!("loadBalancerIP \"{address}\" is not allowed in config: no pool for LoadBalancer has it");
    Err(match balancers.first() {
        Some(Declared { object: pool, origin, .. }) => {
            let there = format!("{} goes from {} to {}", pool.name, pool.first, pool.last);
            fault_beside(problem, "use an address of a pool for LoadBalancer", origin.as_ref(), there)
        }
        None => fault(problem, "declare a pool for LoadBalancer before the service"),
    })
}

fn declared_endpoints(service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    if service.endpoints.is_empty() {
        return Ok(());
    }
    if !service.selector.is_empty() {
        let problem = format!("service {name} has both a selector and endpoints");
        return Err(fault(problem, "leave one of them out: a selector finds the endpoints by itself"));
    }
    for endpoint in &service.endpoints {
        port("an endpoint's port", endpoint.port)?;
        let wanted = |listed: &ServicePort| listed.target_port.unwrap_or(listed.port) == endpoint.port;
        if service.ports.len() > 1 && !service.ports.iter().any(wanted) {
            let problem = format!("endpoint {}:{} is for no port of service {name}", endpoint.address, endpoint.port);
            return Err(fault(problem, "give one of the service's ports that target"));
        }
    }
    Ok(())
}

pub(super) fn ingress(state: &State, ingress: &Ingress) -> Result<(), OpError> {
    dns_label("a namespace's name", &ingress.namespace)?;
    dns_subdomain("an ingress's name", &ingress.name)?;
    unique(&state.ingresses, "ingress", &format!("{}/{}", ingress.namespace, ingress.name))?;
    for path in &ingress.paths {
        if !path.path.starts_with('/') {
            let problem = format!("path `{}` of ingress {} does not begin with `/`", path.path, ingress.name);
            return Err(fault(problem, format!("write `/{}`", path.path)));
        }
        if path.path_type != PathType::ImplementationSpecific && path.path.contains("//") {
            return Err(fault(format!("path `{}` has an empty element", path.path), "write one `/` between elements"));
        }
        if path.path.contains(|c: char| c.is_whitespace() || c == '?') {
            return Err(fault(format!("path `{}` has a blank or a `?`", path.path), "leave the query out"));
        }
        if let Some(host) = &path.host {
            ingress_host(host)?;
        }
        dns_label("a service's name", &path.service)?;
        port("a backend's port", path.port)?;
    }
    Ok(())
}

/// A DNS name, or `*.` and one.
fn ingress_host(host: &str) -> Result<(), OpError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.len() <= 253 && name.split('.').all(is_dns_label) && name.parse::<Ipv4Addr>().is_err() {
        return Ok(());
    }
    Err(fault(format!("`{host}` cannot be an ingress's host"), "use a name, or a wildcard such as *.example.com"))
}
