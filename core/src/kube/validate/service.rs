//! Services (apimachinery's `ValidateService`, and what a release of kube-proxy knows of them).

use std::net::Ipv4Addr;

use super::super::{
    EndpointAddress, IpMode, Service, ServicePort, ServiceType, State, TargetPort, TrafficPolicy, Version,
};
use super::{dns_label, dns_subdomain, fault, fault_beside, port, unique};
use crate::map::IndexSet;
use crate::world::OpError;

/// The longest `timeoutSeconds` of ClientIP affinity: a day (`MaxClientIPServiceAffinitySeconds`).
const MOST_AFFINITY: u32 = 86_400;

pub(super) fn service(state: &State, service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    dns_label("a namespace's name", &service.namespace)?;
    dns_label("a service's name", name)?;
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(fault(format!("`{name}` cannot be a service's name"), "begin it with a letter (RFC 1035)"));
    }
    unique(&state.services, "service", &format!("{}/{name}", service.namespace))?;
    kind(service)?;
    known_to_kube_proxy(state, service)?;
    service_ports(state, service)?;
    if let Some(address) = service.cluster_ip {
        cluster_ip(state, address)?;
    }
    if let Some(address) = service.load_balancer_ip {
        load_balancer_ip(state, service, address)?;
    }
    for address in &service.external_ips {
        external_ip(*address)?;
    }
    if let Some(seconds) = service.session_affinity
        && !(1..=MOST_AFFINITY).contains(&seconds)
    {
        let problem = format!("the affinity of service {name} lasts {seconds} s");
        return Err(fault(problem, format!("use 1 to {MOST_AFFINITY} seconds, which is a day")));
    }
    declared_endpoints(state, service)
}

/// Fields that need a type, and types that need a field.
fn kind(service: &Service) -> Result<(), OpError> {
    let Service { name, kind, .. } = service;
    let external = *kind == ServiceType::ExternalName;
    if external && service.external_name.is_none() {
        return Err(fault(format!("service {name} of type ExternalName names nothing"), "add `externalName NAME`"));
    }
    if let Some(target) = &service.external_name {
        dns_subdomain("an externalName", target.trim_end_matches('.'))?;
    }
    if let Some(class) = &service.load_balancer_class {
        if *kind != ServiceType::LoadBalancer {
            let problem = format!("service {name} has a loadBalancerClass, but is not of type LoadBalancer");
            return Err(fault(problem, "add `type LoadBalancer`"));
        }
        if service.load_balancer_ip.is_some() {
            let problem = format!("service {name} is of class {class}, and asks MetalLB for an address");
            return Err(fault(problem, "leave out loadBalancerClass or loadBalancerIP"));
        }
        super::policy::label_key("a loadBalancerClass", class)?;
    }
    let outside = matches!(kind, ServiceType::NodePort | ServiceType::LoadBalancer);
    let balancer = *kind == ServiceType::LoadBalancer;
    let front = outside || !service.external_ips.is_empty();
    let local = service.external_traffic_policy == TrafficPolicy::Local;
    for (field, given, fits, wanted) in [
        ("externalName", service.external_name.is_some(), external, "make its type ExternalName"),
        ("a clusterIP", service.cluster_ip.is_some(), !external && !service.headless, "leave clusterIP out"),
        ("`clusterIP None`", service.headless, *kind == ServiceType::ClusterIP, "make its type ClusterIP"),
        ("externalIPs", !service.external_ips.is_empty(), !external, "leave them out"),
        ("loadBalancerSourceRanges", !service.load_balancer_source_ranges.is_empty(), balancer, NEEDS_BALANCER),
        ("ipMode", service.ip_mode != IpMode::VIP, balancer, NEEDS_BALANCER),
        (
            "allocateLoadBalancerNodePorts",
            service.allocate_load_balancer_node_ports.is_some(),
            balancer,
            NEEDS_BALANCER,
        ),
        ("externalTrafficPolicy Local", local, front, "make its type NodePort or LoadBalancer"),
        (
            "a healthCheckNodePort",
            service.health_check_node_port.is_some(),
            service.needs_health_check(),
            "make its type LoadBalancer and its externalTrafficPolicy Local",
        ),
        ("sessionAffinity", service.session_affinity.is_some(), !external, "leave it out"),
    ] {
        if given && !fits {
            let headless = if service.headless { "headless " } else { "" };
            return Err(fault(format!("{headless}service {name} of type {kind} has {field}"), wanted));
        }
    }
    Ok(())
}

const NEEDS_BALANCER: &str = "make its type LoadBalancer";

/// An older kube-proxy takes no notice of a newer field: the rules would not do what the declaration says.
fn known_to_kube_proxy(state: &State, service: &Service) -> Result<(), OpError> {
    let release = state.cluster().kube_proxy;
    for (field, since, given) in [
        (
            "internalTrafficPolicy Local",
            Version::new(1, 22, 0),
            service.internal_traffic_policy == TrafficPolicy::Local,
        ),
        ("ipMode Proxy", Version::new(1, 30, 0), service.ip_mode == IpMode::Proxy),
        ("trafficDistribution", Version::new(1, 31, 0), service.traffic_distribution.is_some()),
    ] {
        if given && release < since {
            let problem = format!("kubeProxy {release} knows no {field}, which service {} has", service.name);
            let hint = format!("leave it out, or use kubeProxy {since} or later");
            return Err(fault_beside(problem, hint, state.cluster_origin(), format!("kubeProxy is {release}")));
        }
    }
    Ok(())
}

fn service_ports(state: &State, service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    if service.ports.is_empty() && service.kind != ServiceType::ExternalName && !service.headless {
        return Err(fault(format!("service {name} has no port"), "add one, such as `port 80`"));
    }
    let (mut names, mut numbers) = (IndexSet::default(), IndexSet::default());
    let mut node_ports = IndexSet::default();
    for listed in &service.ports {
        port("a service's port", listed.port)?;
        target_port(listed)?;
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
        if let Some(number) = listed.node_port {
            if !matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer) {
                let problem = format!("service {name} of type {} has a nodePort", service.kind);
                return Err(fault(problem, "make its type NodePort or LoadBalancer"));
            }
            node_port(state, "nodePort", number)?;
        }
        // One service may have the same node port for TCP and for UDP.
        if listed.node_port.is_some_and(|number| !node_ports.insert((number, listed.protocol))) {
            return Err(fault(format!("service {name} has a nodePort twice"), "choose another one, or leave it out"));
        }
    }
    let Some(health) = service.health_check_node_port else { return Ok(()) };
    if service.ports.iter().any(|port| port.node_port == Some(health)) {
        let problem = format!("healthCheckNodePort {health} of service {name} is a nodePort of it too");
        return Err(fault(problem, "choose another one, or leave it out"));
    }
    node_port(state, "healthCheckNodePort", health)
}

/// A number, or a port's name (`IsValidPortName`: 15 letters, digits and `-`).
fn target_port(listed: &ServicePort) -> Result<(), OpError> {
    match &listed.target_port {
        None => Ok(()),
        Some(TargetPort::Number(number)) => port("targetPort", *number),
        Some(TargetPort::Name(name)) if name.len() > 15 || !name.contains(|c: char| c.is_ascii_lowercase()) => {
            let hint = "use at most 15 lower-case letters, digits and `-`, and at least one letter";
            Err(fault(format!("`{name}` cannot be a port's name"), hint))
        }
        Some(TargetPort::Name(name)) => dns_label("a port's name", name),
    }
}

fn node_port(state: &State, field: &str, number: u16) -> Result<(), OpError> {
    let (first, last) = state.cluster().node_port_range;
    if !(first..=last).contains(&number) {
        return Err(fault(format!("{field} {number} is out of range"), format!("use a port from {first} to {last}")));
    }
    state.service_addresses.check_free(field, number)
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
    if let Some(pool) = state.address_pool_of(address) {
        if State::pool_asked_by(service).is_some_and(|asked| asked != pool.name) {
            let problem =
                format!("requested loadBalancer IP \"{address}\" is not compatible with the requested address pool");
            return Err(fault_beside(
                problem,
                "ask for one of them",
                pool.origin,
                format!("{address} is of this pool"),
            ));
        }
        if !state.may_serve(&pool, service) {
            let problem = format!("pool {} not compatible for ip assignment", pool.name);
            let hint = "its serviceAllocation is for other services: use an address of another pool";
            return Err(fault_beside(problem, hint, pool.origin, format!("{address} is of this pool")));
        }
        return if state.can_have(service, address) { Ok(()) } else { state.holders.check_free(address) };
    }
    // The controller's words, and where its configuration is.
    let problem = format!("loadBalancerIP \"{address}\" is not allowed in config: no pool for LoadBalancer has it");
    Err(match state.address_pools().next() {
        Some(pool) => {
            let there = format!("{} has {}", pool.name, pool.shown());
            fault_beside(problem, "use an address of a pool for LoadBalancer", pool.origin, there)
        }
        None => fault(problem, "declare a pool for LoadBalancer before the service"),
    })
}

/// `ValidateNonSpecialIP`: what can never lead to a node.
fn external_ip(address: Ipv4Addr) -> Result<(), OpError> {
    let special =
        address.is_unspecified() || address.is_loopback() || address.is_link_local() || address.is_multicast();
    if special {
        return Err(fault(format!("{address} cannot be an externalIP"), "use an address that leads to a node"));
    }
    Ok(())
}

fn declared_endpoints(state: &State, service: &Service) -> Result<(), OpError> {
    let name = &service.name;
    if service.endpoints.is_empty() {
        return Ok(());
    }
    if !service.selector.is_empty() {
        let problem = format!("service {name} has both a selector and endpoints");
        return Err(fault(problem, "leave one of them out: a selector finds the endpoints by itself"));
    }
    for EndpointAddress { address, port: number, node, service_port, .. } in &service.endpoints {
        port("an endpoint's port", *number)?;
        if service_port.is_none()
            && service.ports.len() > 1
            && !service.ports.iter().any(|listed| listed.leads_to(*number))
        {
            let problem = format!("endpoint {address}:{number} is for no port of service {name}");
            return Err(fault(problem, "give one of the service's ports that target"));
        }
        if let Some(node) = node
            && state.node(node).is_none()
        {
            let problem = format!("there is no node {node} for endpoint {address}:{number} of service {name}");
            return Err(fault(problem, "declare the node before the service"));
        }
    }
    Ok(())
}
