//! What a node says to a load balancer that asks whether it has an endpoint (pkg/proxy/healthcheck).

use std::net::Ipv4Addr;

use super::Layout;
use super::endpoints::is_on;
use crate::kube::endpoints::endpoints;
use crate::kube::{Service, State};
use crate::map::IndexSet;

/// The ports on which every node listens for such questions, each with its service, `namespace/name`.
pub fn ports(state: &State) -> impl Iterator<Item = (u16, String)> + '_ {
    let asked = state.services().map(|service| &service.object).filter(|service| service.needs_health_check());
    asked.filter_map(|service| {
        Some((service.health_check_node_port?, format!("{}/{}", service.namespace, service.name)))
    })
}

/// The status and the text of a node's answer about a service: 200 if it has a ready endpoint, else 503.
pub fn answer(state: &State, service: &str, node: &str) -> (u16, String) {
    let count = state.service(service).map_or(0, |service| local_endpoints(state, &service.object, node));
    let (namespace, name) = service.split_once('/').unwrap_or_default();
    let healthy = match Layout::of(state.cluster().kube_proxy) {
        Layout::V1_20 => "",
        // The kube-proxy of the model always is.
        Layout::V1_36 => ",\n\t\"serviceProxyHealthy\": true",
    };
    let text = format!(
        "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{namespace}\",\n\t\t\"name\": \"{name}\"\n\t}},\n\
         \t\"localEndpoints\": {count}{healthy}\n}}"
    );
    (if count > 0 { 200 } else { 503 }, text)
}

/// How many addresses on the node are ready endpoints of any port.
fn local_endpoints(state: &State, service: &Service, node: &str) -> usize {
    let all = service.ports.iter().flat_map(|port| endpoints(state, service, port));
    all.filter(|endpoint| is_on(endpoint, node)).map(|endpoint| endpoint.address).collect::<IndexSet<Ipv4Addr>>().len()
}
