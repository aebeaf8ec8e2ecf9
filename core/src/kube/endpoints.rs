//! The endpoints of a service: what the endpoints controller finds behind its selector.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Service, ServicePort, State};

/// One place where a service port is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// The node it is on, by the scenario's name, if it is on one.
    pub node: Option<Arc<str>>,
    /// The pod, `namespace/name`, if it is one.
    pub pod: Option<Arc<str>>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.port)
    }
}

/// The endpoints of one port of `service`, in kube-proxy's order: that of `address:port` as text, in which
/// 192.168.165.196 comes before 192.168.8.207. Every pod is ready.
pub fn endpoints(state: &State, service: &Service, port: &ServicePort) -> Vec<Endpoint> {
    let target = port.target_port.unwrap_or(port.port);
    let mut found: Vec<_> = if service.selector.is_empty() {
        // Without a selector the endpoints are declared. Their port tells which of several service ports they are for.
        let declared = service.endpoints.iter().filter(|e| service.ports.len() == 1 || e.port == target);
        let endpoint = |e: &super::EndpointAddress| Endpoint {
            address: e.address,
            port: e.port,
            node: state.node_of_address(e.address).map(|node| node.object.name.as_str().into()),
            pod: state.pod_at(e.address).map(|pod| pod.key.clone()),
        };
        declared.map(endpoint).collect()
    } else {
        let selected = state.pods_selected(&service.namespace, &service.selector);
        let endpoint = |pod: &super::RunningPod| Endpoint {
            address: pod.address,
            port: target,
            node: Some(pod.node.clone()),
            pod: Some(pod.key.clone()),
        };
        selected.map(endpoint).collect()
    };
    found.sort_by_cached_key(Endpoint::to_string);
    found.dedup_by_key(|endpoint| (endpoint.address, endpoint.port));
    found
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::{declare, node, pod, service};
    use super::*;

    #[test]
    fn endpoints_come_in_the_order_of_their_text() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        declare(&mut state, node("b", "10.0.0.2", "192.168.165.192/26"));
        declare(&mut state, pod("default/one", "a", None, "app=x"));
        declare(&mut state, pod("default/two", "b", None, "app=x,tier=y"));
        declare(&mut state, pod("default/other", "b", None, "app=z"));
        declare(&mut state, pod("elsewhere/three", "b", None, "app=x"));
        declare(&mut state, service("default/x", "app=x", 80));
        let x = &state.service("x").unwrap().object;
        let found: Vec<_> = endpoints(&state, x, &x.ports[0]).iter().map(Endpoint::to_string).collect();
        assert_eq!(found, ["192.168.165.193:80", "192.168.8.193:80"]);
    }
}
