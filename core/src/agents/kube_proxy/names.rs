//! What kube-proxy calls its chains.

use data_encoding::BASE32;
use sha2::{Digest, Sha256};

use crate::kube::{Endpoint, Service, ServicePort};

/// The name of the chain that chooses among the endpoints of a service port.
///
/// ```
/// use netscene_core::agents::kube_proxy::chain_of;
/// use netscene_core::kube::{Labels, Service};
/// let frontend = Service::new("default", "frontend", Labels::default(), 80);
/// assert_eq!(chain_of(&frontend, &frontend.ports[0]), "KUBE-SVC-ENODL3HWJ5BZY56Q");
/// ```
pub fn chain_of(service: &Service, port: &ServicePort) -> String {
    format!("KUBE-SVC-{}", hash(service, port, ""))
}

/// The name of the chain that sends to one endpoint.
pub fn endpoint_chain(service: &Service, port: &ServicePort, endpoint: &Endpoint) -> String {
    format!("KUBE-SEP-{}", hash(service, port, &endpoint.to_string()))
}

/// `namespace/name`, and `:port` if the port has a name: what comments and hashes call a service port. Releases up to
/// 1.18 put the colon after it in any case.
pub(super) fn port_name(service: &Service, port: &ServicePort) -> String {
    let Service { namespace, name, .. } = service;
    match &port.name {
        Some(port) => format!("{namespace}/{name}:{port}"),
        None => format!("{namespace}/{name}"),
    }
}

/// Sixteen characters of base 32 of a SHA-256, as long as a chain's name can take (proxier.go, `portProtoHash`).
pub(super) fn hash(service: &Service, port: &ServicePort, endpoint: &str) -> String {
    let text = format!("{}{}{endpoint}", port_name(service, port), port.protocol.lower());
    let mut encoded = BASE32.encode(&Sha256::digest(text));
    encoded.truncate(16);
    encoded
}
