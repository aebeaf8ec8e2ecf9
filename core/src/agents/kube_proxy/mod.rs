//! kube-proxy in iptables mode: from services and their endpoints to the `KUBE-` chains.
//!
//! What is the same in all releases is here; how a release lays out its rules is a module of its own. The rules are in a
//! canonical order, that of `namespace/name:port`: kube-proxy itself walks a Go map, in any order.

mod layout_1_20;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use data_encoding::BASE32;
use sha2::{Digest, Sha256};

use super::script::{Section, provenance};
use crate::kube::endpoints::endpoints;
use crate::kube::{Declared, Endpoint, Service, ServicePort, State, Version};
use crate::netfilter::Provenance;
use crate::netfilter::text::RestoreInput;
use crate::world::OpError;

const AGENT: &str = "kube-proxy";
/// The first iptables whose MASQUERADE takes `--random-fully` (kube-proxy, util/iptables).
const RANDOM_FULLY: Version = Version::new(1, 6, 2);

/// The rules of kube-proxy on `node`. Without a field that makes a difference between nodes, they are the same on all.
pub fn rules(state: &State, _node: &str) -> RestoreInput {
    layout_1_20::rules(state)
}

/// The name of the chain that chooses among the endpoints of a service port.
///
/// ```
/// use netscene_core::agents::kube_proxy::chain_of;
/// use netscene_core::kube::{Labels, Service, ServicePort, ServiceType, TransportProtocol};
/// let port = ServicePort {
///     name: None,
///     port: 80,
///     target_port: None,
///     protocol: TransportProtocol::Tcp,
///     node_port: None,
/// };
/// let frontend = Service {
///     namespace: "default".into(),
///     name: "frontend".into(),
///     kind: ServiceType::ClusterIP,
///     cluster_ip: None,
///     load_balancer_ip: None,
///     selector: Labels::new(),
///     endpoints: Vec::new(),
///     ports: vec![port],
/// };
/// assert_eq!(chain_of(&frontend, &frontend.ports[0]), "KUBE-SVC-ENODL3HWJ5BZY56Q");
/// ```
pub fn chain_of(service: &Service, port: &ServicePort) -> String {
    format!("KUBE-SVC-{}", hash(service, port, ""))
}

/// The name of the chain that sends to one endpoint.
pub fn endpoint_chain(service: &Service, port: &ServicePort, endpoint: &Endpoint) -> String {
    format!("KUBE-SEP-{}", hash(service, port, &endpoint.to_string()))
}

/// To send all connections of a service to one endpoint: in which chains to go to which other.
///
/// `service` is named as for [`State::service`]; `endpoint` is a pod named as for [`State::pod`], or an address with or
/// without a port.
pub fn pins(state: &State, service: &str, endpoint: &str) -> Result<Vec<(String, String)>, OpError> {
    let Some(Declared { object: service, .. }) = state.service(service) else {
        return Err(OpError {
            problem: format!("there is no service {service}"),
            hint: Some("name it `namespace/name`, or by its name alone in `default`".into()),
            related: None,
        });
    };
    let pod = state.pod(endpoint).map(|pod| pod.key.clone());
    let is_meant = |candidate: &Endpoint| match &pod {
        Some(pod) => candidate.pod.as_ref() == Some(pod),
        None => candidate.to_string() == endpoint || candidate.address.to_string() == endpoint,
    };
    let mut pins = Vec::new();
    let mut known = Vec::new();
    for port in &service.ports {
        for candidate in endpoints(state, service, port) {
            if is_meant(&candidate) {
                pins.push((chain_of(service, port), endpoint_chain(service, port, &candidate)));
            }
            known.push(candidate.pod.as_ref().map_or_else(|| candidate.to_string(), ToString::to_string));
        }
    }
    if !pins.is_empty() {
        return Ok(pins);
    }
    known.sort();
    known.dedup();
    let name = format!("{}/{}", service.namespace, service.name);
    let hint = if known.is_empty() {
        "it has no endpoints: no pod matches its selector".to_owned()
    } else {
        format!("choose one of: {}", known.join(", "))
    };
    Err(OpError {
        problem: format!("{endpoint} is not an endpoint of service {name}"),
        hint: Some(hint),
        related: None,
    })
}

/// `namespace/name`, and `:port` if the port has a name: what comments and hashes call a service port. Releases up to
/// 1.18 put the colon after it in any case.
fn port_name(service: &Service, port: &ServicePort) -> String {
    let Service { namespace, name, .. } = service;
    match &port.name {
        Some(port) => format!("{namespace}/{name}:{port}"),
        None => format!("{namespace}/{name}"),
    }
}

/// Sixteen characters of base 32 of a SHA-256, as long as a chain's name can take (proxier.go, `portProtoHash`).
fn hash(service: &Service, port: &ServicePort, endpoint: &str) -> String {
    let text = format!("{}{}{endpoint}", port_name(service, port), port.protocol.lower());
    let mut encoded = BASE32.encode(&Sha256::digest(text));
    encoded.truncate(16);
    encoded
}

/// One port of one service, with what its rules are made of.
struct PortRules<'a> {
    service: &'a Service,
    port: &'a ServicePort,
    /// As [`port_name`] has it.
    name: String,
    hash: String,
    endpoints: Vec<Endpoint>,
    declared: &'a Declared<Service>,
}

impl PortRules<'_> {
    fn provenance(&self, field: &str) -> Arc<Provenance> {
        let object = format!("service {}/{}", self.service.namespace, self.service.name);
        provenance(AGENT, object, field, self.declared.origin.as_ref())
    }

    /// `port http`, or `port 80` if it has no name; and more of it after a comma.
    fn field(&self, more: &str) -> String {
        let port = self.port.name.clone().unwrap_or_else(|| self.port.port.to_string());
        if more.is_empty() { format!("port {port}") } else { format!("port {port}, {more}") }
    }
}

/// All service ports, in canonical order.
fn service_ports(state: &State) -> Vec<PortRules<'_>> {
    let mut ports = Vec::new();
    for declared in state.services() {
        let service = &declared.object;
        ports.extend(service.ports.iter().map(|port| PortRules {
            service,
            port,
            name: port_name(service, port),
            hash: hash(service, port, ""),
            endpoints: endpoints(state, service, port),
            declared,
        }));
    }
    ports.sort_by(|a, b| a.name.cmp(&b.name));
    ports
}

/// The rules by which both kube-proxy and kubelet masquerade what has been marked for it.
pub(super) fn masquerade_rules(state: &State, nat: &mut Section, why: &Arc<Provenance>) {
    let random = if state.cluster().iptables >= RANDOM_FULLY { " --random-fully" } else { "" };
    nat.append("KUBE-POSTROUTING", "-m mark ! --mark 0x00004000/0x00004000 -j RETURN", why);
    // The mark is taken off again, so that a packet that is encapsulated afterwards is not masqueraded twice.
    nat.append("KUBE-POSTROUTING", "-j MARK --xor-mark 0x00004000", why);
    nat.append(
        "KUBE-POSTROUTING",
        &format!("-m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE{random}"),
        why,
    );
    nat.append("KUBE-MARK-MASQ", "-j MARK --or-mark 0x00004000", why);
}
