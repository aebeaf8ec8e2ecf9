//! Deleting objects and scaling deployments.

use std::sync::Arc;

use super::declare::Template;
use super::validate::{fault, fault_beside};
use super::{Deployment, ObjectKind, RunningPod, State};
use crate::Origin;
use crate::world::OpError;

impl State {
    /// Deletes an object: `namespace/name`, a bare name in `default`. If it is refused, nothing has changed.
    ///
    /// What it had is free again: a pod's address goes to the end of its block's queue, a service's address from MetalLB
    /// to one that waits. A pod of a deployment is followed by another.
    pub fn delete(&mut self, kind: ObjectKind, name: &str) -> Result<(), OpError> {
        let key = match name.matches('/').count() {
            0 if kind.is_namespaced() => format!("default/{name}"),
            _ => name.to_owned(),
        };
        match kind {
            ObjectKind::ConfigMap => match Arc::make_mut(&mut self.config_maps).shift_remove(key.as_str()) {
                Some(_) => Ok(()),
                None => Err(self.nothing_to_delete(kind, &key)),
            },
            ObjectKind::Namespace => self.delete_namespace(&key),
            ObjectKind::Node => self.delete_node(&key),
            ObjectKind::Host => self.delete_host(&key),
            ObjectKind::Router => self.delete_router(&key),
            ObjectKind::Pool => self.delete_pool(&key),
            ObjectKind::IpAddressPool => self.delete_ip_address_pool(&key),
            ObjectKind::L2Advertisement => {
                match Arc::make_mut(&mut self.l2_advertisements).shift_remove(key.as_str()) {
                    Some(_) => Ok(()),
                    None => Err(self.nothing_to_delete(kind, &key)),
                }
            }
            ObjectKind::Pod => self.delete_pod(&key),
            ObjectKind::Deployment => {
                if self.deployments.get(key.as_str()).is_none() {
                    return Err(self.nothing_to_delete(kind, &key));
                }
                let pods: Vec<_> = self.pods.of(&key).map(|pod| pod.key.clone()).collect();
                for pod in &pods {
                    self.remove_pod(pod);
                }
                Arc::make_mut(&mut self.deployments).shift_remove(key.as_str());
                Ok(())
            }
            ObjectKind::Service => self.delete_service(&key),
            ObjectKind::Ingress => match Arc::make_mut(&mut self.ingresses).shift_remove(key.as_str()) {
                Some(_) => Ok(()),
                None => Err(self.nothing_to_delete(kind, &key)),
            },
            ObjectKind::NetworkPolicy => match Arc::make_mut(&mut self.network_policies).shift_remove(key.as_str()) {
                Some(_) => Ok(()),
                None => Err(self.nothing_to_delete(kind, &key)),
            },
        }
    }

    pub(super) fn nothing_to_delete(&self, kind: ObjectKind, key: &str) -> OpError {
        let known: Vec<String> = match kind {
            ObjectKind::Pod => self.pods().map(|pod| pod.key.to_string()).collect(),
            ObjectKind::Deployment => self.deployments.keys().map(ToString::to_string).collect(),
            ObjectKind::Service => self.services.keys().map(ToString::to_string).collect(),
            ObjectKind::Ingress => self.ingresses.keys().map(ToString::to_string).collect(),
            ObjectKind::ConfigMap => self.config_maps.keys().map(ToString::to_string).collect(),
            ObjectKind::Namespace => self.namespaces.keys().map(ToString::to_string).collect(),
            ObjectKind::Node => self.nodes.keys().map(ToString::to_string).collect(),
            ObjectKind::Router => self.routers.keys().map(ToString::to_string).collect(),
            ObjectKind::Host => self.hosts.keys().map(ToString::to_string).collect(),
            ObjectKind::Pool => self.pools.keys().map(ToString::to_string).collect(),
            ObjectKind::NetworkPolicy => self.network_policies.keys().map(ToString::to_string).collect(),
            ObjectKind::IpAddressPool => self.ip_address_pools.keys().map(ToString::to_string).collect(),
            ObjectKind::L2Advertisement => self.l2_advertisements.keys().map(ToString::to_string).collect(),
        };
        let meant = crate::did_you_mean(key, known.iter().map(String::as_str));
        let hint =
            meant.map_or_else(|| "it may have been deleted before".into(), |name| format!("did you mean `{name}`?"));
        fault(format!("there is no {kind} `{key}` to delete"), hint)
    }

    fn delete_pod(&mut self, key: &str) -> Result<(), OpError> {
        let Some(pod) = self.pods.get(key) else { return Err(self.nothing_to_delete(ObjectKind::Pod, key)) };
        let (key, owner) = (pod.key.clone(), pod.owner.clone());
        let node = pod.node.clone();
        let mut next = self.clone();
        next.remove_pod(&key);
        let deployment = owner.and_then(|owner| next.deployments.get(&owner).cloned());
        if let Some(deployment) = deployment {
            // A daemon set runs its pod on the node that lacks one, a replica set wherever there is room.
            let on = deployment.object.daemon_set.then_some(&node);
            next.run_more(&deployment.object, deployment.origin.as_ref(), 1, on)?;
        }
        *self = next;
        Ok(())
    }

    /// Takes a pod out of everything.
    pub(super) fn remove_pod(&mut self, key: &Arc<str>) {
        let Some(pod) = self.pods.get(key) else { return };
        // One that has ended has given its address back, and one in its node's network has none of its own.
        if pod.is_networked() {
            let address = pod.address;
            self.ipam.release(address);
            self.holders.remove(address);
        }
        Arc::make_mut(&mut self.pods).remove(key);
    }

    fn delete_service(&mut self, key: &str) -> Result<(), OpError> {
        if self.take_service(key).is_none() {
            return Err(self.nothing_to_delete(ObjectKind::Service, key));
        }
        self.serve_pending();
        Ok(())
    }

    /// Scales a deployment or a stateful set. Fewer pods: first go those that are not ready, then of the node with most of
    /// them, then the newest (`pkg/controller/controller_utils.go`, `ActivePodsWithRanks`); of a stateful set those with the
    /// highest numbers. More: on the nodes of its `on`, in turn, or on the one with the fewest pods.
    pub fn scale(&mut self, name: &str, replicas: u32) -> Result<(), OpError> {
        let key = if name.contains('/') { name.to_owned() } else { format!("default/{name}") };
        let Some(declared) = self.deployments.get(key.as_str()).cloned() else {
            let meant = crate::did_you_mean(&key, self.deployments.keys().map(AsRef::as_ref));
            let hint = meant.map_or_else(|| "scale what is declared".into(), |name| format!("did you mean `{name}`?"));
            return Err(fault(format!("there is no deployment `{key}` to scale"), hint));
        };
        if declared.object.daemon_set {
            let problem = format!("daemon set {key} cannot be scaled: it has one pod on every node");
            return Err(fault_beside(problem, "scale a deployment", declared.origin.as_ref(), "declared here"));
        }
        let mut next = self.clone();
        let now = next.pods.of(&key).len();
        let wanted = replicas as usize;
        for _ in wanted..now {
            let stateful = declared.object.stateful_set.is_some();
            let first = if stateful { next.last_of_stateful_set(&declared.object) } else { next.first_to_go(&key) };
            if let Some(key) = first {
                next.remove_pod(&key);
            }
        }
        if let Some(more) = wanted.checked_sub(now) {
            next.run_more(&declared.object, declared.origin.as_ref(), more, None)?;
        }
        let object = Deployment { replicas, ..declared.object.clone() };
        let scaled = super::Declared { object, origin: declared.origin.clone(), created: declared.created };
        Arc::make_mut(&mut next.deployments).insert(key.into(), Arc::new(scaled));
        *self = next;
        Ok(())
    }

    fn first_to_go(&self, owner: &str) -> Option<Arc<str>> {
        let beside = |pod: &RunningPod| self.pods.of(owner).filter(|other| other.node == pod.node).count();
        let all = self.pods.of(owner).enumerate();
        let first = all.max_by_key(|(age, pod)| (!self.is_healthy(pod), beside(pod), *age));
        first.map(|(_, pod)| pod.key.clone())
    }

    /// Runs `more` pods of a deployment, on `node` or where there is room.
    pub(super) fn run_more(
        &mut self,
        deployment: &Deployment,
        origin: Option<&Origin>,
        more: usize,
        node: Option<&Arc<str>>,
    ) -> Result<(), OpError> {
        let template = Template::of(deployment, origin, self.now);
        for _ in 0..more {
            let node = match node {
                Some(node) => node.clone(),
                None => self.node_for(deployment)?,
            };
            let wanted = self.another_pod(deployment, node);
            self.run(&template, vec![wanted])?;
        }
        Ok(())
    }

    /// Where the scheduler puts one more pod: of the nodes it may go to and that are ready, the one with the fewest pods
    /// of the deployment, then with the fewest at all, then the first declared.
    fn node_for(&self, deployment: &Deployment) -> Result<Arc<str>, OpError> {
        let owner = format!("{}/{}", deployment.namespace, deployment.name);
        let may = |node: &&Arc<str>| deployment.on.is_empty() || deployment.on.iter().any(|on| **on == ***node);
        let ready = self.nodes.keys().filter(may).filter(|node| self.node_is_ready(node));
        let load = |node: &&Arc<str>| {
            (self.pods.of(&owner).filter(|pod| pod.node == **node).count(), self.pods.on(node).len())
        };
        ready.min_by_key(load).cloned().ok_or_else(|| {
            // The scheduler's words.
            let problem = format!("a pod of {owner} stays Pending: 0/{} nodes are available", self.nodes.len());
            fault(problem, "restore a node that it may run on")
        })
    }
}
