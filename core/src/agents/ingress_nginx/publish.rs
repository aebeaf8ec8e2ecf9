use std::net::Ipv4Addr;

use crate::kube::endpoints::endpoints;
use crate::kube::{Serve, Service, ServiceType, State};

/// The address that the controller writes into the status of every ingress: that of the service in front of it
/// (ingress-nginx, `--publish-service`). None while it waits for one, or if nothing leads to a controller.
pub fn address(state: &State) -> Option<Ipv4Addr> {
    let leads_to_nginx = |service: &&Service| {
        let found = service.ports.iter().flat_map(|port| endpoints(state, service, port));
        let mut pods = found.filter_map(|endpoint| state.pod(&endpoint.pod?));
        pods.any(|pod| pod.containers.iter().any(|container| container.serve == Some(Serve::IngressNginx)))
    };
    let mut services: Vec<_> = state.services().map(|service| &service.object).filter(leads_to_nginx).collect();
    // The one for the outside, if there are several.
    services.sort_by_key(|service| service.kind != ServiceType::LoadBalancer);
    let service = services.first()?;
    match service.kind {
        ServiceType::LoadBalancer => service.load_balancer_ip,
        _ => service.cluster_ip,
    }
}
