//! Deleting a namespace with everything in it.

use std::sync::Arc;

use super::validate::fault;
use super::{ObjectKind, State};
use crate::world::OpError;

/// Namespaces that the API server does not let go (`NamespaceLifecycle`).
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

impl State {
    /// Deletes a namespace with everything in it.
    pub(super) fn delete_namespace(&mut self, name: &str) -> Result<(), OpError> {
        if !self.namespaces.contains_key(name) {
            return Err(self.nothing_to_delete(ObjectKind::Namespace, name));
        }
        if IMMORTAL.contains(&name) {
            let problem = format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
            return Err(fault(problem, "delete what is in it"));
        }
        let inside = |key: &str| key.split_once('/').is_some_and(|(namespace, _)| namespace == name);
        // MetalLB keeps the pools whose addresses services have.
        for (_, pool) in self.ip_address_pools.iter().filter(|(key, _)| inside(key)) {
            pool.object.addresses.iter().try_for_each(|range| self.gives_nobody(range))?;
        }
        Arc::make_mut(&mut self.deployments).retain(|key, _| !inside(key));
        let pods: Vec<_> = self.pods().filter(|pod| *pod.namespace == *name).map(|pod| pod.key.clone()).collect();
        for pod in &pods {
            self.remove_pod(pod);
        }
        let services: Vec<_> = self.services.keys().filter(|key| inside(key)).cloned().collect();
        for service in &services {
            self.take_service(service);
        }
        Arc::make_mut(&mut self.ingresses).retain(|key, _| !inside(key));
        Arc::make_mut(&mut self.config_maps).retain(|key, _| !inside(key));
        Arc::make_mut(&mut self.network_policies).retain(|key, _| !inside(key));
        Arc::make_mut(&mut self.ip_address_pools).retain(|key, _| !inside(key));
        Arc::make_mut(&mut self.l2_advertisements).retain(|key, _| !inside(key));
        Arc::make_mut(&mut self.namespaces).shift_remove(name);
        self.serve_pending();
        Ok(())
    }
}
