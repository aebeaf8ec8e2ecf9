//! kube-proxy in iptables mode: from services and their endpoints to the `KUBE-` chains.
//!
//! What is the same in all releases is here; how a release lays out its rules is a module of its own. The rules are in a
//! canonical order, that of `namespace/name:port`: kube-proxy itself walks a Go map, in any order.

mod layout_1_20;
mod layout_1_36;
#[cfg(test)]
mod tests;

use std::fmt;
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
    match Layout::of(state.cluster().kube_proxy) {
        Layout::V1_20 => layout_1_20::rules(state),
        Layout::V1_36 => layout_1_36::rules(state),
    }
}

/// The layouts of rules that the model knows, by the release they were checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    V1_20,
    V1_36,
}

impl Layout {
    /// That of a release. [`validate`](crate::kube::validate) refuses the releases in between.
    pub(super) fn of(release: Version) -> Self {
        if release < Version::new(1, 36, 0) { Self::V1_20 } else { Self::V1_36 }
    }
}

/// The name of the chain that chooses among the endpoints of a service port.
///
/// ```
/// use netscene_core::agents::kube_proxy::chain_of;
/// use netscene_core::kube::{Labels, Service, ServicePort, ServiceType, TransportProtocol};
/// let frontend = Service::new("default", "frontend", Labels::new(), 80);
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

impl PortRules<'_> {
    /// What stands in every rule that looks for a destination.
    fn destination(&self, comment: &str, address: &impl fmt::Display) -> String {
        let (name, protocol, number) = (&self.name, self.port.protocol.lower(), self.port.port);
        format!("-m comment --comment \"{name} {comment}\" -m {protocol} -p {protocol} -d {address} --dport {number}")
    }
}

/// A service port without endpoints: whoever asks is told at once. `suffix` goes behind addresses.
fn reject(port: &PortRules<'_>, suffix: &str, filter: &mut Section) {
    let comment = "has no endpoints";
    let addresses = [
        ("KUBE-SERVICES", port.service.cluster_ip, "no endpoints"),
        ("KUBE-EXTERNAL-SERVICES", port.service.load_balancer_ip, "loadBalancerIP, no endpoints"),
    ];
    for (chain, address, field) in addresses {
        if let Some(address) = address {
            let rule = format!("{} -j REJECT", port.destination(comment, &format!("{address}{suffix}")));
            filter.append(chain, &rule, &port.provenance(&port.field(field)));
        }
    }
    if let Some(number) = port.port.node_port {
        let (name, protocol) = (&port.name, port.port.protocol.lower());
        let rule = format!(
            "-m comment --comment \"{name} {comment}\" -m addrtype --dst-type LOCAL -m {protocol} -p {protocol} \
             --dport {number} -j REJECT"
        );
        filter.append("KUBE-EXTERNAL-SERVICES", &rule, &port.provenance(&port.field("nodePort, no endpoints")));
    }
}

/// The match that takes one in `left` of what comes by, with a blank behind it. The last endpoint takes all that the
/// others left.
fn probability(left: usize) -> String {
    match left {
        1 => String::new(),
        left => format!("-m statistic --mode random --probability {:.10} ", 1.0 / f64::from(left as u32)),
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
