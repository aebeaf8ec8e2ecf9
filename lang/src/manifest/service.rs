//! Services, and Endpoints of those without selector.

use std::net::Ipv4Addr;

use netscene_core::kube::{EndpointAddress, Object, Service, ServicePort, ServiceType};

use super::Read;
use super::fields::{Faults, Fields, text};
use super::meta::{Meta, labels};
use super::workload::protocol;
use crate::{Code, Diagnostic, Span};

/// Fields of a service's `spec` that make no difference.
const IDLE: [&str; 5] =
    ["allocateLoadBalancerNodePorts", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "loadBalancerClass"];

/// A service.
pub(super) fn service(object: &Fields<'_>, meta: &Meta<'_>) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let kinds = [
        ("ClusterIP", ServiceType::ClusterIP),
        ("NodePort", ServiceType::NodePort),
        ("LoadBalancer", ServiceType::LoadBalancer),
    ];
    let mut service = Service::new(&meta.namespace, &meta.name, labels(&spec, "selector"), 0);
    service.kind = spec.choice("type", &kinds).unwrap_or_default();
    service.cluster_ip = spec.parsed("clusterIP", "IPv4 address");
    service.load_balancer_ip = spec.parsed("loadBalancerIP", "IPv4 address");
    if let Some((address, span)) = meta.annotation("metallb.universe.tf/loadBalancerIPs") {
        match address.parse() {
            Ok(address) => service.load_balancer_ip = Some(address),
            Err(_) => {
                let diagnostic = Diagnostic::error(Code::BadValue, format!("`{address}` is no IPv4 address"));
                spec.faults.tell(diagnostic.at(span, "expected an address of a pool"));
            }
        }
    }
    service.ports = spec.each("ports", "a port").into_iter().filter_map(port).collect();
    spec.finish(&IDLE);
    Some(Object::Service(service))
}

fn port(port: Fields<'_>) -> Option<ServicePort> {
    let number = port.required("port").and_then(|_| port.parsed("port", "port"));
    let target_port = port.parsed("targetPort", "port");
    let node_port = port.parsed("nodePort", "port");
    let protocol = protocol(&port);
    let name = port.text("name").map(str::to_owned);
    port.finish(&["appProtocol"]);
    Some(ServicePort { name, port: number?, target_port, protocol: protocol?, node_port })
}

/// What stands behind a service without selector.
pub(super) fn endpoints(object: &Fields<'_>, _: &Meta<'_>) -> Option<Read> {
    let mut found = Vec::new();
    for subset in object.each("subsets", "a subset") {
        let mut addresses: Vec<Ipv4Addr> = Vec::new();
        for one in subset.each("addresses", "an address") {
            addresses.extend(one.required("ip").and_then(|_| one.parsed::<Ipv4Addr>("ip", "IPv4 address")));
            one.finish(&["hostname", "nodeName", "targetRef"]);
        }
        for one in subset.each("ports", "a port") {
            let port = one.required("port").and_then(|_| one.parsed("port", "port"));
            one.finish(&["appProtocol", "name", "protocol"]);
            found.extend(addresses.iter().zip(port.into_iter().cycle()).map(|(address, port)| EndpointAddress {
                address: *address,
                port,
            }));
        }
        subset.finish(&["notReadyAddresses"]);
    }
    Some(Read::Endpoints(found))
}

/// Gives endpoints to the service of their name, if it is declared and has no selector: the endpoints of others are the
/// cluster's to make.
pub(super) fn give(
    objects: &mut [(Object, Span)],
    meta: &Meta<'_>,
    endpoints: Vec<EndpointAddress>,
    faults: &Faults,
    head: Span,
) {
    let service = objects.iter_mut().find_map(|(object, _)| match object {
        Object::Service(one) if one.namespace == meta.namespace && one.name == meta.name => Some(one),
        _ => None,
    });
    match service {
        Some(service) if service.selector.is_empty() => service.endpoints = endpoints,
        Some(_) => {}
        None => {
            let title = format!("there is no service `{}` above these endpoints", meta.name);
            faults.tell(Diagnostic::warning(Code::UnknownKind, title).at(head, "left alone"));
        }
    }
}

/// A port by number or name.
pub(super) fn number(node: &super::Node, faults: &Faults) -> Option<u16> {
    let port = text(node, "port", faults)?;
    let number = port.parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        let diagnostic = Diagnostic::error(Code::BadPort, format!("`{port}` is no port's number"));
        faults.tell(diagnostic.at(node.span, "expected 1 to 65535"));
    }
    number
}
