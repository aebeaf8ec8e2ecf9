//! Which chain goes to which when a scenario has chosen an endpoint.

use super::names::{endpoint_chain, hash};
use crate::kube::endpoints::all_endpoints;
use crate::kube::{Declared, Endpoint, State};
use crate::world::OpError;

/// The chains of both layouts that choose among endpoints: all of them, and those of the node.
const BALANCERS: [&str; 3] = ["SVC", "SVL", "XLB"];

/// To send all connections of a service to one endpoint: in which chains to go to which other.
///
/// `service` is named as for [`State::service`]; `endpoint` is a pod named as for [`State::pod`], or an address with or
/// without a port.
pub fn pins(state: &State, service: &str, endpoint: &str) -> Result<Vec<(String, String)>, OpError> {
    let Some(Declared { object: service, .. }) = state.service(service) else {
        return Err(OpError::new(
            format!("there is no service {service}"),
            Some("name it `namespace/name`, or by its name alone in `default`".into()),
        ));
    };
    let pod = state.pod(endpoint).map(|pod| pod.key.clone());
    let is_meant = |candidate: &Endpoint| match &pod {
        Some(pod) => candidate.pod.as_ref() == Some(pod),
        None => candidate.to_string() == endpoint || candidate.address.to_string() == endpoint,
    };
    let mut pins = Vec::new();
    let mut known = Vec::new();
    for port in &service.ports {
        for candidate in all_endpoints(state, service, port) {
            if is_meant(&candidate) {
                let (own, target) = (hash(service, port, ""), endpoint_chain(service, port, &candidate));
                pins.extend(BALANCERS.map(|kind| (format!("KUBE-{kind}-{own}"), target.clone())));
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
    Err(OpError::new(format!("{endpoint} is not an endpoint of service {name}"), Some(hint)))
}
