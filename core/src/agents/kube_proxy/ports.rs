//! Service ports, in the order in which their rules are written.

use std::fmt;
use std::sync::Arc;

use super::endpoints::Endpoints;
use super::names::{endpoint_chain, hash, port_name};
use super::{AGENT, Layout};
use crate::agents::script::provenance;
use crate::kube::{Declared, Endpoint, Service, ServicePort, State};
use crate::map::IndexMap;
use crate::netfilter::Provenance;

/// One port of one service, with what its rules are made of.
pub(super) struct PortRules<'a> {
    pub(super) service: &'a Service,
    pub(super) port: &'a ServicePort,
    /// `namespace/name:port`.
    pub(super) name: String,
    hash: String,
    pub(super) endpoints: Endpoints,
    declared: &'a Declared<Service>,
}

impl PortRules<'_> {
    /// Where a rule comes from: a field of the port, as in `port http, clusterIP`.
    pub(super) fn why(&self, field: &str) -> Arc<Provenance> {
        let object = format!("service {}/{}", self.service.namespace, self.service.name);
        let port = self.port.name.clone().unwrap_or_else(|| self.port.port.to_string());
        let field = if field.is_empty() { format!("port {port}") } else { format!("port {port}, {field}") };
        provenance(AGENT, object, field, self.declared.origin.as_ref())
    }

    /// The service's own chain of a kind, such as `KUBE-SVC-…`.
    pub(super) fn chain(&self, kind: &str) -> String {
        format!("KUBE-{kind}-{}", self.hash)
    }

    pub(super) fn endpoint_chain(&self, endpoint: &Endpoint) -> String {
        endpoint_chain(self.service, self.port, endpoint)
    }

    /// What stands in every rule that looks for an address.
    pub(super) fn to(&self, comment: &str, address: &impl fmt::Display) -> String {
        let (name, protocol, number) = (&self.name, self.port.protocol.lower(), self.port.port);
        format!("-m comment --comment \"{name} {comment}\" -m {protocol} -p {protocol} -d {address} --dport {number}")
    }

    /// What stands in every rule that looks for a port of the node.
    pub(super) fn to_node_port(&self, number: u16) -> String {
        let protocol = self.port.protocol.lower();
        format!("-m comment --comment {} -m {protocol} -p {protocol} --dport {number}", self.name)
    }

    /// The same for rules that stand where other destinations come by too.
    pub(super) fn to_node_port_here(&self, comment: &str, number: u16) -> String {
        let (name, protocol) = (&self.name, self.port.protocol.lower());
        format!(
            "-m comment --comment \"{name} {comment}\" -m addrtype --dst-type LOCAL -m {protocol} -p {protocol} \
             --dport {number}"
        )
    }

    /// Whether a client keeps its endpoint, and for how many seconds.
    pub(super) fn affinity(&self) -> Option<u32> {
        self.service.session_affinity
    }
}

/// All service ports: by name, after those for which the cluster gives an order.
pub(super) fn service_ports<'a>(state: &'a State, node: &str, layout: Layout) -> Vec<PortRules<'a>> {
    let mut ports = Vec::new();
    for declared in state.services().filter(|declared| declared.object.is_proxied()) {
        let service = &declared.object;
        ports.extend(service.ports.iter().map(|port| PortRules {
            service,
            port,
            name: port_name(service, port),
            hash: hash(service, port, ""),
            endpoints: Endpoints::of(state, node, layout, service, port),
            declared,
        }));
    }
    let order = &state.cluster().kube_proxy_options.order;
    let places: IndexMap<&str, usize> = order.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let place = |port: &PortRules<'_>| {
        let service = || port.name.split(':').next().unwrap_or_default();
        places.get(port.name.as_str()).or_else(|| places.get(service())).copied().unwrap_or(order.len())
    };
    ports.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    ports
}
