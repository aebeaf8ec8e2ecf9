//! The engine's own world, as programs run against it.

use std::sync::Arc;

use netscene_core::kube::endpoints::endpoints;
use netscene_core::trace::{Flow, Ways};
use netscene_core::world::{IngressPath, OpError, Operation, Outcome, World, WrittenRule};

use super::{Endpoint, Engine, Node, Pod, Service};

impl Engine for World {
    fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        Self::apply(self, operation)
    }

    fn flow(&self, name: &str) -> Option<Arc<Flow>> {
        Self::flow(self, name).cloned()
    }

    fn ways(&self, name: &str) -> Option<Arc<Ways>> {
        Self::ways(self, name).cloned()
    }

    fn service(&self, name: &str) -> Option<Service> {
        let service = &self.state().service(name)?.object;
        let mut found: Vec<Endpoint> = Vec::new();
        for endpoint in service.ports.iter().flat_map(|port| endpoints(self.state(), service, port)) {
            // A pod that serves several ports is one endpoint to choose.
            if found.iter().all(|one| one.address != endpoint.address) {
                found.push(Endpoint {
                    name: endpoint.pod.as_deref().unwrap_or_default().to_owned(),
                    node: endpoint.node.as_deref().unwrap_or_default().to_owned(),
                    address: endpoint.address,
                    port: endpoint.port,
                });
            }
        }
        let name = format!("{}/{}", service.namespace, service.name);
        let (cluster_ip, load_balancer_ip) = (service.cluster_ip, service.load_balancer_ip);
        Some(Service { name, cluster_ip, load_balancer_ip, endpoints: found })
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        let pod = self.state().pod(name)?;
        Some(Pod { name: pod.key.to_string(), node: pod.node.to_string(), address: pod.address })
    }

    fn node(&self, name: &str) -> Option<Node> {
        let node = &self.state().node(name)?.object;
        Some(Node { name: node.name.clone(), address: node.address })
    }

    fn written_rules(&mut self) -> Vec<WrittenRule> {
        // A node that cannot be programmed refuses the first packet, and says why.
        Self::written_rules(self).unwrap_or_default()
    }

    fn ingress_paths(&self) -> Vec<IngressPath> {
        Self::ingress_paths(self)
    }

    fn mute(&mut self) {
        Self::mute(self);
    }
}
