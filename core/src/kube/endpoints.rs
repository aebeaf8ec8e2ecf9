//! The endpoints of a service: what the `EndpointSlice` controller finds behind its selector.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Conditions, EndpointAddress, RunningPod, Service, ServicePort, State, TargetPort};
use crate::map::IndexMap;

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
    /// What it is called under the service's name; by its address when not given.
    pub hostname: Option<Arc<str>>,
    /// New connections may go to it.
    pub ready: bool,
    /// It can serve, whether it stays or not.
    pub serving: bool,
    /// It is on its way out.
    pub terminating: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.port)
    }
}

impl Endpoint {
    /// A ready one that is no pod's.
    pub fn outside(address: Ipv4Addr, port: u16) -> Self {
        Self::new(address, port, Conditions::default(), false)
    }

    /// An endpoint at an address, with the conditions that an `EndpointSlice` has for it (`podToEndpoint`: what is
    /// terminating is never ready, but for `publishNotReadyAddresses`).
    fn new(address: Ipv4Addr, port: u16, conditions: Conditions, publish_not_ready: bool) -> Self {
        let Conditions { ready: serving, terminating } = conditions;
        let ready = publish_not_ready || serving && !terminating;
        Self { address, port, node: None, pod: None, hostname: None, ready, serving, terminating }
    }
}

/// The ready endpoints of one port of `service`, in kube-proxy's order: that of `address:port` as text, in which
/// 192.168.165.196 comes before 192.168.8.207.
pub fn endpoints(state: &State, service: &Service, port: &ServicePort) -> Vec<Endpoint> {
    let mut found = all_endpoints(state, service, port);
    found.retain(|endpoint| endpoint.ready);
    found
}

/// The same with those that are not ready.
pub fn all_endpoints(state: &State, service: &Service, port: &ServicePort) -> Vec<Endpoint> {
    let mut found: Vec<_> = if service.selector.is_empty() {
        // Without a selector the endpoints are declared. Their port tells which of several service ports they are for.
        let declared = service.endpoints.iter().filter(|endpoint| endpoint.is_of(service, port));
        declared.map(|endpoint| given(state, endpoint)).collect()
    } else {
        let selected = state.pods_selected(&service.namespace, &service.selector);
        selected.filter_map(|pod| of_pod(state, service, port, pod)).collect()
    };
    found.sort_by_cached_key(Endpoint::to_string);
    found.dedup_by_key(|endpoint| (endpoint.address, endpoint.port));
    found
}

/// The ready endpoints, one for each address, whatever their port: those of pods too where a headless service has no
/// port.
pub fn named(state: &State, service: &Service) -> Vec<Endpoint> {
    let portless = [ServicePort::default()];
    let ports = if service.ports.is_empty() { &portless[..] } else { &service.ports[..] };
    let mut found = IndexMap::default();
    for endpoint in ports.iter().flat_map(|port| endpoints(state, service, port)) {
        found.entry(endpoint.address).or_insert(endpoint);
    }
    found.into_values().collect()
}

fn given(state: &State, endpoint: &EndpointAddress) -> Endpoint {
    let EndpointAddress { address, port, node, conditions, hostname, .. } = endpoint;
    let found = || state.node_of_address(*address).map(|node| node.object.name.as_str().into());
    Endpoint {
        node: node.as_deref().map(Into::into).or_else(found),
        pod: state.pod_at(*address).map(|pod| pod.key.clone()),
        hostname: hostname.as_deref().map(Into::into),
        ..Endpoint::new(*address, *port, *conditions, false)
    }
}

/// A pod that has no port of the name that is wanted is no endpoint of it.
fn of_pod(state: &State, service: &Service, port: &ServicePort, pod: &RunningPod) -> Option<Endpoint> {
    let target = match &port.target_port {
        None => port.port,
        Some(TargetPort::Number(number)) => *number,
        Some(TargetPort::Name(name)) => pod.port_named(name, port.protocol)?,
    };
    let Conditions { ready, terminating } = pod.status.conditions;
    let conditions = Conditions { ready: ready && state.is_healthy(pod), terminating };
    // EndpointSlice controller, `ShouldSetHostname`.
    let hostname = pod.hostname.clone().filter(|_| pod.subdomain.as_deref() == Some(service.name.as_str()));
    Some(Endpoint {
        hostname,
        node: Some(pod.node.clone()),
        pod: Some(pod.key.clone()),
        ..Endpoint::new(pod.address, target, conditions, service.publish_not_ready_addresses)
    })
}

impl ServicePort {
    /// Whether an endpoint that is given with `number` is for this port.
    pub(super) fn leads_to(&self, number: u16) -> bool {
        match &self.target_port {
            None => self.port == number,
            Some(TargetPort::Number(target)) => *target == number,
            Some(TargetPort::Name(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::{declare, node, plain_pod, pod, service};
    use super::super::{Container, ContainerPort, Labels, Object, Pod, PodStatus, TransportProtocol};
    use super::*;

    fn shown(state: &State, service: &str, all: bool) -> Vec<String> {
        let x = &state.service(service).unwrap().object;
        let found = if all { all_endpoints } else { endpoints }(state, x, &x.ports[0]);
        found.iter().map(Endpoint::to_string).collect()
    }

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
        assert_eq!(shown(&state, "x", false), ["192.168.165.193:80", "192.168.8.193:80"]);
    }

    #[test]
    fn a_named_port_is_each_pods_own_number() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        let labels = Labels::from_iter([("app".to_owned(), "x".to_owned())]);
        for (name, port, label) in [("one", 8080, "http"), ("two", 8081, "http"), ("three", 80, "web")] {
            let port = ContainerPort { name: Some(label.into()), port, protocol: TransportProtocol::Tcp };
            let container = Container { name: "c".into(), ports: vec![port], ..Container::default() };
            let pod = plain_pod(&format!("default/{name}"), "a");
            declare(&mut state, Object::Pod(Pod { labels: labels.clone(), containers: vec![container], ..pod }));
        }
        let mut service = Service::new("default", "x", labels, 80);
        service.ports[0].target_port = Some(TargetPort::Name("http".into()));
        declare(&mut state, Object::Service(service));
        assert_eq!(shown(&state, "x", false), ["192.168.8.193:8080", "192.168.8.194:8081"]);
    }

    #[test]
    fn only_ready_pods_are_told_of_unless_all_are_published() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        let labels = Labels::from_iter([("app".to_owned(), "x".to_owned())]);
        let conditions = [(true, false), (false, false), (true, true), (false, true)];
        for (at, (ready, terminating)) in conditions.into_iter().enumerate() {
            let status = PodStatus { conditions: Conditions { ready, terminating }, ..PodStatus::default() };
            let pod = plain_pod(&format!("default/p{at}"), "a");
            declare(&mut state, Object::Pod(Pod { labels: labels.clone(), status, ..pod }));
        }
        declare(&mut state, Object::Service(Service::new("default", "x", labels.clone(), 80)));
        let published = Service { publish_not_ready_addresses: true, ..Service::new("default", "y", labels, 80) };
        declare(&mut state, Object::Service(published));
        assert_eq!(shown(&state, "x", false), ["192.168.8.193:80"]);
        assert_eq!((shown(&state, "x", true).len(), shown(&state, "y", false).len()), (4, 4));
        let x = &state.service("x").unwrap().object;
        let serving = all_endpoints(&state, x, &x.ports[0]).iter().filter(|e| e.serving && e.terminating).count();
        assert_eq!(serving, 1);
    }
}
