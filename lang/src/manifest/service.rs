//! Services, and Endpoints of those without selector.

use std::net::Ipv4Addr;

use netscene_core::kube::{
    AFFINITY_SECONDS, EndpointAddress, EndpointPort, IpMode, Object, Service, ServicePort, ServiceType, TargetPort,
    TrafficDistribution, TrafficPolicy,
};

use super::fields::{Faults, Fields, text};
use super::meta::{Meta, labels};
use super::workload::{protocol, unmodelled};
use crate::{Code, Diagnostic, Span};

/// Fields of a service's `spec` that make no difference.
const IDLE: [&str; 2] = ["clusterIPs", "ipFamilyPolicy"];

/// A service.
pub(super) fn service(object: &Fields<'_>, meta: &Meta<'_>) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let kinds = [
        ("ClusterIP", ServiceType::ClusterIP),
        ("NodePort", ServiceType::NodePort),
        ("LoadBalancer", ServiceType::LoadBalancer),
        ("ExternalName", ServiceType::ExternalName),
    ];
    let policies = [("Cluster", TrafficPolicy::Cluster), ("Local", TrafficPolicy::Local)];
    let distributions = [
        ("PreferClose", TrafficDistribution::PreferClose),
        ("PreferSameZone", TrafficDistribution::PreferSameZone),
        ("PreferSameNode", TrafficDistribution::PreferSameNode),
    ];
    let headless = spec.text("clusterIP") == Some("None");
    for family in spec.list("ipFamilies").iter().filter(|node| text(node, "ipFamilies", spec.faults) == Some("IPv6")) {
        unmodelled(spec.faults, family.span, "IPv6");
    }
    for topology in ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"] {
        if let Some((mode, span)) = meta.annotation(topology).filter(|(mode, _)| mode.eq_ignore_ascii_case("auto")) {
            unmodelled(spec.faults, span, &format!("{topology}: {mode}"));
        }
    }
    let (load_balancer_status, ip_mode) = status(object);
    let service = Service {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        kind: spec.choice("type", &kinds).unwrap_or_default(),
        labels: meta.labels.clone(),
        annotations: meta.all_annotations(),
        cluster_ip: if headless { None } else { spec.parsed("clusterIP", "IPv4 address") },
        headless,
        external_ips: spec.parsed_list("externalIPs", "IPv4 address"),
        external_name: spec.text("externalName").map(str::to_owned),
        load_balancer_ip: load_balancer_ip(&spec, meta),
        load_balancer_status,
        load_balancer_class: spec.text("loadBalancerClass").map(str::to_owned),
        load_balancer_source_ranges: spec.parsed_list("loadBalancerSourceRanges", "CIDR"),
        ip_mode,
        session_affinity: affinity(&spec),
        external_traffic_policy: spec.choice("externalTrafficPolicy", &policies).unwrap_or_default(),
        internal_traffic_policy: spec.choice("internalTrafficPolicy", &policies).unwrap_or_default(),
        health_check_node_port: spec.port("healthCheckNodePort"),
        allocate_load_balancer_node_ports: spec.truth("allocateLoadBalancerNodePorts"),
        publish_not_ready_addresses: spec.truth("publishNotReadyAddresses").unwrap_or_default(),
        traffic_distribution: spec.choice("trafficDistribution", &distributions),
        selector: labels(&spec, "selector"),
        endpoints: Vec::new(),
        ports: spec.each("ports", "a port").into_iter().filter_map(port).collect(),
    };
    spec.finish(&IDLE);
    Some(Object::Service(service))
}

/// What `kubectl get service -o yaml` says of its load balancer.
fn status(object: &Fields<'_>) -> (Option<Ipv4Addr>, IpMode) {
    // What else stands there is told of nobody.
    let first = object.fields("status").and_then(|status| status.fields("loadBalancer"));
    let first = first.and_then(|balancer| balancer.each("ingress", "an ingress").into_iter().next());
    let Some(first) = first else { return (None, IpMode::default()) };
    let mode = first.choice("ipMode", &[("VIP", IpMode::VIP), ("Proxy", IpMode::Proxy)]);
    (first.parsed("ip", "IPv4 address"), mode.unwrap_or_default())
}

/// The address that MetalLB is asked for: by the field, or by its annotation under its new name or its old one; never by
/// both (`getDesiredLbIPs`).
fn load_balancer_ip(spec: &Fields<'_>, meta: &Meta<'_>) -> Option<Ipv4Addr> {
    let field = spec.parsed("loadBalancerIP", "IPv4 address");
    let names = ["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"];
    let Some((name, (address, span))) = names.iter().find_map(|name| Some((name, meta.annotation(name)?))) else {
        return field;
    };
    // Which address it gets then, the annotation itself says.
    if field.is_some() {
        let diagnostic =
            Diagnostic::error(Code::Duplicate, format!("service can not have both {name} and loadBalancerIP"));
        spec.faults.tell(diagnostic.at(span, "MetalLB gives it no address: leave one of them out"));
    }
    if address.trim().parse::<Ipv4Addr>().is_err() {
        let diagnostic = Diagnostic::error(Code::BadValue, "this is no IPv4 address");
        spec.faults.tell(diagnostic.at(span, "expected an address of a pool"));
    }
    field
}

/// `sessionAffinity: ClientIP` and its seconds.
fn affinity(spec: &Fields<'_>) -> Option<u32> {
    let sticks = spec.choice("sessionAffinity", &[("None", false), ("ClientIP", true)]);
    let config = spec.fields("sessionAffinityConfig").and_then(|config| {
        let client = config.fields("clientIP");
        config.finish(&[]);
        client
    });
    let seconds = config.and_then(|client| {
        let seconds = client.parsed("timeoutSeconds", "number of seconds");
        client.finish(&[]);
        seconds
    });
    (sticks == Some(true)).then(|| seconds.unwrap_or(AFFINITY_SECONDS))
}

/// Whether a port that may be a number or a name is a name: every name has a letter.
pub(super) fn named(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn port(port: Fields<'_>) -> Option<ServicePort> {
    let number = port.required("port").and_then(|_| port.port("port"));
    let target = port.text("targetPort");
    let target_port = match target {
        Some(text) if named(text) => Some(TargetPort::Name(text.to_owned())),
        Some(_) => port.port("targetPort").map(TargetPort::Number),
        None => None,
    };
    let node_port = port.port("nodePort");
    let protocol = protocol(&port);
    let name = port.text("name").map(str::to_owned);
    port.finish(&["appProtocol"]);
    Some(ServicePort { name, port: number?, target_port, protocol: protocol?, node_port })
}

/// What stands behind a service without selector.
pub(super) fn endpoints(object: &Fields<'_>) -> Vec<EndpointAddress> {
    let mut found = Vec::new();
    for subset in object.each("subsets", "a subset") {
        let mut given = Vec::new();
        for (key, ready) in [("addresses", true), ("notReadyAddresses", false)] {
            for one in subset.each(key, "an address") {
                let address = one.required("ip").and_then(|_| one.parsed::<Ipv4Addr>("ip", "IPv4 address"));
                let mut endpoint = EndpointAddress::new(address.unwrap_or(Ipv4Addr::UNSPECIFIED), 0);
                endpoint.node = one.text("nodeName").map(str::to_owned);
                endpoint.conditions.ready = ready;
                endpoint.hostname = one.text("hostname").map(str::to_owned);
                one.finish(&["targetRef"]);
                given.extend(address.map(|_| endpoint));
            }
        }
        for one in subset.each("ports", "a port") {
            let port = one.required("port").and_then(|_| one.port("port"));
            let service_port = super::endpoint_slice::of_port(&one);
            one.finish(&["appProtocol"]);
            let (Some(port), Some(of)) = (port, service_port) else { continue };
            let each = given.iter().cloned();
            found.extend(each.map(|endpoint| EndpointAddress { port, service_port: Some(of.clone()), ..endpoint }));
        }
        subset.finish(&[]);
    }
    found
}

/// Endpoints, and whose they are: the service may stand below them.
pub(super) struct Given {
    pub(super) namespace: String,
    pub(super) service: String,
    pub(super) endpoints: Vec<EndpointAddress>,
    pub(super) head: Span,
}

/// Gives endpoints to the service of their name, if it is declared and has no selector: the endpoints of others are the
/// cluster's to make.
pub(super) fn give(objects: &mut [(Object, Span)], given: Given, faults: &Faults) {
    let Given { namespace, service: name, mut endpoints, head } = given;
    let service = objects.iter_mut().find_map(|(object, _)| match object {
        Object::Service(one) if one.namespace == namespace && one.name == name => Some(one),
        _ => None,
    });
    match service {
        Some(service) if service.selector.is_empty() => {
            let is = |of: &EndpointPort, port: &ServicePort| {
                of.name == port.name.as_deref().unwrap_or_default() && of.protocol == port.protocol
            };
            let nobodys = |of: &&EndpointPort| !service.ports.iter().any(|port| is(of, port));
            if let Some(of) = endpoints.iter().filter_map(|one| one.service_port.as_ref()).find(nobodys) {
                let (port, protocol) = (&of.name, of.protocol.lower());
                let title = format!("service `{name}` has no port called `{port}` of {protocol}");
                let diagnostic = Diagnostic::error(Code::NoEffect, title).warning();
                faults.tell(diagnostic.at(head, "kube-proxy passes endpoints of that port over"));
            }
            // With one port there is nothing to tell apart, if it is that one.
            if let [only] = &service.ports[..] {
                for endpoint in &mut endpoints {
                    endpoint.service_port = endpoint.service_port.take().filter(|of| !is(of, only));
                }
            }
            // A service may have several slices.
            service.endpoints.append(&mut endpoints);
        }
        Some(_) => {}
        None => {
            let title = format!("there is no service `{name}` in this manifest for these endpoints");
            faults.tell(Diagnostic::error(Code::UnknownName, title).warning().at(head, "left alone"));
        }
    }
}

/// A port by its number.
pub(super) fn number(node: &super::Node, faults: &Faults) -> Option<u16> {
    let port = text(node, "port", faults)?;
    let number = port.parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        let diagnostic = Diagnostic::error(Code::BadPort, format!("`{port}` is no port's number"));
        faults.tell(diagnostic.at(node.span, "expected 1 to 65535"));
    }
    number
}
