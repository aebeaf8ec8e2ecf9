//! What makes a declaration good. A bad one is refused whole, with the place, the cause and the cure.

mod address_pool;
mod ingress;
mod network;
mod policy;
mod proxy;
mod router;
mod service;
mod workload;

pub(super) use policy::labels;
pub use workload::MOST_REPLICAS;
pub(super) use workload::containers;

#[cfg(test)]
pub(crate) mod tests;

use super::{ConfigMap, Labels, NAMESPACE_NAME, Object, State};
use crate::Origin;
use crate::world::OpError;

/// Checks `object` against itself and against what has been declared.
pub fn object(state: &State, object: &Object) -> Result<(), OpError> {
    match object {
        Object::Cluster(cluster) => network::cluster(state, cluster),
        Object::Pool(pool) => network::pool(state, pool),
        Object::Node(node) => network::node(state, node),
        Object::Host(host) => network::host(state, host),
        Object::Router(one) => router::router(state, one),
        Object::Namespace { name, labels } => namespace(state, name, labels),
        Object::Pod(pod) => workload::pod(state, pod),
        Object::Deployment(deployment) => workload::deployment(state, deployment),
        Object::Service(service) => service::service(state, service),
        Object::Ingress(ingress) => ingress::ingress(state, ingress),
        Object::ConfigMap(map) => config_map(state, map),
        Object::NetworkPolicy(policy) => policy::network_policy(state, policy),
        Object::IpAddressPool(pool) => address_pool::ip_address_pool(state, pool),
        Object::L2Advertisement(advertisement) => address_pool::l2_advertisement(state, advertisement),
        Object::Zone(zone) => {
            unique(&state.zones, "zone", &zone.name)?;
            zone.check()
        }
    }
}

/// A namespace's label with its own name is the API server's to set.
fn namespace(state: &State, name: &str, labels: &Labels) -> Result<(), OpError> {
    dns_label("a namespace's name", name)?;
    policy::labels("the labels of a namespace", labels)?;
    match labels.get(NAMESPACE_NAME) {
        Some(value) if value != name && state.names_namespaces() => {
            let problem = format!("the label {NAMESPACE_NAME} of namespace {name} is {value}");
            Err(fault(problem, "leave it out: Kubernetes sets it to the namespace's name"))
        }
        _ => Ok(()),
    }
}

fn config_map(state: &State, map: &ConfigMap) -> Result<(), OpError> {
    dns_label("a namespace's name", &map.namespace)?;
    dns_subdomain("a config map's name", &map.name)?;
    unique(&state.config_maps, "config map", &format!("{}/{}", map.namespace, map.name))?;
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match map.data.keys().find(|key| key.is_empty() || key.len() > 253 || !key.chars().all(letter)) {
        Some(key) => {
            Err(fault(format!("`{key}` cannot be a key of a config map"), "use letters, digits, `-`, `_` and `.`"))
        }
        None => Ok(()),
    }
}

/// An error that one place explains.
pub(super) fn fault(problem: impl Into<String>, hint: impl Into<String>) -> OpError {
    OpError::new(problem.into(), Some(hint.into()))
}

/// An error that a second place explains, if it is known.
pub(super) fn fault_beside(
    problem: impl Into<String>,
    hint: impl Into<String>,
    origin: Option<&Origin>,
    there: impl Into<String>,
) -> OpError {
    let related = origin.map(|origin| (origin.clone(), there.into()));
    OpError { related, ..fault(problem, hint) }
}

/// RFC 1123 as apimachinery's validation reads it: a label of at most 63 characters.
fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_dns_part(text)
}

/// The same of any length.
fn is_dns_part(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

pub(super) fn dns_label(what: &str, text: &str) -> Result<(), OpError> {
    if is_dns_label(text) {
        return Ok(());
    }
    let hint = "use at most 63 lower-case letters, digits and `-`, with no `-` at either end";
    Err(fault(format!("`{text}` cannot be {what}"), hint))
}

/// Parts joined by dots, 253 characters at most. Kubernetes asks for no more, though RFC 1123 has no part above 63: the
/// names of static pods carry whole names of nodes.
pub(super) fn dns_subdomain(what: &str, text: &str) -> Result<(), OpError> {
    if text.len() <= 253 && text.split('.').all(is_dns_part) {
        return Ok(());
    }
    let hint = "use lower-case letters, digits, `-` and `.`; letters or digits at both ends of each part";
    Err(fault(format!("`{text}` cannot be {what}"), hint))
}

fn port(what: &str, number: u16) -> Result<(), OpError> {
    if number == 0 { Err(fault(format!("{what} cannot be 0"), "use a port from 1 to 65535")) } else { Ok(()) }
}

/// Refuses a second object of the same kind and name.
fn unique<T>(objects: &super::state::Objects<T>, kind: &str, key: &str) -> Result<(), OpError> {
    match objects.get(key) {
        None => Ok(()),
        Some(other) => {
            let problem = format!("there is a {kind} {key} already");
            Err(fault_beside(problem, "choose another name", other.origin.as_ref(), "declared here"))
        }
    }
}
