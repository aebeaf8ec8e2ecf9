//! Changing declared objects, field by field.

use std::sync::Arc;

use super::declare::Template;
use super::state::Declared;
use super::stateful_set::ordinal;
use super::validate::{self, fault, fault_beside};
use super::{
    ConfigMap, Container, Deployment, Holder, Ingress, LabelSelector, Labels, NetworkPolicy, Node, Object, Pod, PodDns,
    Router, RunningPod, Service, ServiceType, State,
};
use crate::world::OpError;

/// How the fields of an object change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Each becomes what is given.
    Replace,
    /// Kubernetes' strategic merge patch: what is given is added to labels, selectors, annotations and data, to ports by
    /// their number, to containers by their names; everything else becomes what is given.
    Merge,
}

impl State {
    /// Gives a declared object those fields of `object` that are named in `fields`, as Kubernetes calls them. If it is
    /// refused, nothing has changed.
    ///
    /// What follows from it follows at once. The pods of a deployment whose template changes are replaced by new ones; a
    /// pod that its deployment no longer selects is its own from then on, and another takes its place.
    pub fn change(&mut self, object: &Object, fields: &[String], strategy: Strategy) -> Result<(), OpError> {
        let mut next = self.clone();
        let change = Change { fields, strategy };
        match object {
            Object::Service(new) => next.change_service(new, change)?,
            Object::Pod(new) => next.change_pod(new, change)?,
            Object::Deployment(new) => next.change_deployment(new, change)?,
            Object::Ingress(new) => next.change_ingress(new, change)?,
            Object::ConfigMap(new) => next.change_config_map(new, change)?,
            Object::Node(new) => next.change_node(new, change)?,
            Object::Router(new) => next.change_router(new, change)?,
            Object::NetworkPolicy(new) => next.change_network_policy(new, change)?,
            _ => return Err(fault("an object of this kind does not change", "declare it as it is to be")),
        }
        *self = next;
        Ok(())
    }

    fn change_service(&mut self, new: &Service, change: Change<'_>) -> Result<(), OpError> {
        let key: Arc<str> = format!("{}/{}", new.namespace, new.name).into();
        let (place, old) = match self.services.get_full(&key) {
            Some((place, _, old)) => (place, old.clone()),
            None => return Err(unknown("service", &key, self.services.keys())),
        };
        let mut service = old.object.clone();
        for field in change.fields {
            change.service(&mut service, new, field)?;
        }
        if change.has("clusterIP")
            && (service.cluster_ip, service.headless) != (old.object.cluster_ip, old.object.headless)
        {
            // apimachinery, `ValidateServiceClusterIPsRelatedFields`.
            let problem = format!("the clusterIP of service {key} may not change once it is set");
            let hint = "delete the service and declare it anew";
            return Err(fault_beside(problem, hint, old.origin.as_ref(), "declared here"));
        }
        // `differentIPRequested`, `differentPoolRequested`: MetalLB gives it an address anew.
        if Self::asks_otherwise(&old.object, &service) && !change.has("loadBalancerIP") {
            (service.load_balancer_ip, service.load_balancer_status) = (None, None);
        }
        drop_dependent(&mut service, &old.object, change);
        self.take_service(&key);
        validate::object(self, &Object::Service(service.clone()))?;
        let now = std::mem::replace(&mut self.now, old.created);
        self.add_service(service, old.origin.as_ref())?;
        self.now = now;
        let services = Arc::make_mut(&mut self.services);
        services.move_index(services.len() - 1, place);
        self.serve_pending();
        Ok(())
    }

    fn change_pod(&mut self, new: &Pod, change: Change<'_>) -> Result<(), OpError> {
        let key = format!("{}/{}", new.namespace, new.name);
        let Some(old) = self.pods.get(&key) else {
            let known: Vec<_> = self.pods.iter().map(|pod| pod.key.clone()).collect();
            return Err(unknown("pod", &key, known.iter()));
        };
        let mut pod: RunningPod = old.clone();
        for field in change.fields {
            match field.as_str() {
                "labels" => pod.labels = Arc::new(change.map(&pod.labels, &new.labels)),
                "ready" => pod.status.conditions.ready = new.status.conditions.ready,
                "terminating" => pod.status.conditions.terminating = new.status.conditions.terminating,
                "restarts" => pod.status.restarts = new.status.restarts,
                other => {
                    // apimachinery, `ValidatePodUpdate`: "pod updates may not change fields other than …".
                    let problem = format!("`{other}` of pod {key} may not change while it is there");
                    let hint = "labels, ready, terminating and restarts may; delete the pod and declare it anew";
                    return Err(fault_beside(problem, hint, pod.origin.as_ref(), "declared here"));
                }
            }
        }
        let owner = pod.owner.clone().and_then(|owner| self.deployments.get(&owner).cloned());
        // ReplicaSet controller, `ReleasePod`.
        let released = owner.filter(|owner| !super::selects(&owner.object.labels, &pod.labels));
        if released.is_some() {
            pod.owner = None;
        }
        let node = pod.node.clone();
        Arc::make_mut(&mut self.pods).replace(pod);
        if let Some(owner) = released {
            let on = owner.object.daemon_set.then_some(&node);
            self.run_more(&owner.object, owner.origin.as_ref(), 1, on)?;
        }
        Ok(())
    }

    fn change_deployment(&mut self, new: &Deployment, change: Change<'_>) -> Result<(), OpError> {
        let key: Arc<str> = format!("{}/{}", new.namespace, new.name).into();
        let Some(old) = self.deployments.get(&key).cloned() else {
            return Err(unknown("deployment", &key, self.deployments.keys()));
        };
        let mut deployment = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "labels" => deployment.labels = change.map(&deployment.labels, &new.labels),
                "serviceAccount" => deployment.service_account.clone_from(&new.service_account),
                "hostNetwork" => deployment.host_network = new.host_network,
                "dnsPolicy" => deployment.dns.dns_policy = new.dns.dns_policy,
                "dnsConfig" => deployment.dns = PodDns { dns_policy: deployment.dns.dns_policy, ..new.dns.clone() },
                "container" => deployment.containers = change.containers(&deployment.containers, &new.containers),
                "replicas" => {
                    self.scale(&key, new.replicas)?;
                    deployment.replicas = new.replicas;
                    if !new.on.is_empty() {
                        deployment.on.clone_from(&new.on);
                    }
                }
                other => return Err(immutable("deployment", &key, other, old.origin.as_ref())),
            }
        }
        validate::containers(&deployment.containers)?;
        deployment.dns.check()?;
        let template = |one: &Deployment| {
            let service = (one.service_account.clone(), one.host_network, one.dns.clone());
            (one.labels.clone(), service, one.containers.clone())
        };
        let rolls_out = template(&deployment) != template(&old.object);
        if rolls_out {
            // Which pods have names of their own is said of the old ones.
            deployment.pods.clear();
        }
        let declared = Declared { object: deployment.clone(), origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.deployments).insert(key.clone(), Arc::new(declared));
        if !rolls_out {
            return Ok(());
        }
        // Where the old pods are there was room for them.
        let pods: Vec<_> = self.pods.of(&key).map(|pod| (pod.key.clone(), pod.node.clone())).collect();
        let template = Template::of(&deployment, old.origin.as_ref(), self.now);
        if deployment.stateful_set.is_some() {
            // From the highest number to the lowest, each after it has gone (`updateStatefulSet`).
            let name = |key: &Arc<str>| key.rsplit('/').next().and_then(|pod| ordinal(&deployment.name, pod));
            let mut pods = pods;
            pods.sort_by_key(|(key, _)| std::cmp::Reverse(name(key)));
            for (pod, node) in pods {
                self.remove_pod(&pod);
                let next = self.another_pod(&deployment, node);
                self.run(&template, vec![next])?;
            }
            return Ok(());
        }
        for (pod, node) in pods {
            let next = self.another_pod(&deployment, node);
            self.remove_pod(&pod);
            self.run(&template, vec![next])?;
        }
        Ok(())
    }

    fn change_ingress(&mut self, new: &Ingress, change: Change<'_>) -> Result<(), OpError> {
        let key = format!("{}/{}", new.namespace, new.name);
        let Some((place, _, old)) = self.ingresses.get_full(key.as_str()).map(|(at, key, old)| (at, key, old.clone()))
        else {
            return Err(unknown("ingress", &key, self.ingresses.keys()));
        };
        let mut ingress = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "annotations" => ingress.annotations = change.map(&ingress.annotations, &new.annotations),
                "ingressClassName" => ingress.ingress_class_name.clone_from(&new.ingress_class_name),
                "tls" => ingress.tls.clone_from(&new.tls),
                "defaultBackend" => ingress.default_backend.clone_from(&new.default_backend),
                "path" => ingress.paths.clone_from(&new.paths),
                other => return Err(immutable("ingress", &key, other, old.origin.as_ref())),
            }
        }
        Arc::make_mut(&mut self.ingresses).shift_remove(key.as_str());
        validate::object(self, &Object::Ingress(ingress.clone()))?;
        let declared = Declared { object: ingress, origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.ingresses).shift_insert(place, key.into(), Arc::new(declared));
        Ok(())
    }

    /// The rules of a policy are lists without a key: given rules take the place of all that there were, by `patch` too.
    fn change_network_policy(&mut self, new: &NetworkPolicy, change: Change<'_>) -> Result<(), OpError> {
        let key = format!("{}/{}", new.namespace, new.name);
        let found = self.network_policies.get_full(key.as_str()).map(|(at, _, old)| (at, old.clone()));
        let Some((place, old)) = found else {
            return Err(unknown("network policy", &key, self.network_policies.keys()));
        };
        let mut policy = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "labels" => policy.labels = change.map(&policy.labels, &new.labels),
                "annotations" => policy.annotations = change.map(&policy.annotations, &new.annotations),
                "podSelector" => {
                    let LabelSelector { match_labels, match_expressions } = &new.pod_selector;
                    policy.pod_selector.match_labels = change.map(&policy.pod_selector.match_labels, match_labels);
                    policy.pod_selector.match_expressions.clone_from(match_expressions);
                }
                "policyTypes" => policy.policy_types.clone_from(&new.policy_types),
                "ingress" => policy.ingress.clone_from(&new.ingress),
                "egress" => policy.egress.clone_from(&new.egress),
                other => return Err(immutable("network policy", &key, other, old.origin.as_ref())),
            }
        }
        // The API server has set the types when the policy was made: rules that come later do not change them.
        if policy.policy_types.is_empty() {
            policy.policy_types = old.object.types();
        }
        Arc::make_mut(&mut self.network_policies).shift_remove(key.as_str());
        validate::object(self, &Object::NetworkPolicy(policy.clone()))?;
        let declared = Declared { object: policy, origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.network_policies).shift_insert(place, key.into(), Arc::new(declared));
        Ok(())
    }

    fn change_config_map(&mut self, new: &ConfigMap, change: Change<'_>) -> Result<(), OpError> {
        let key = format!("{}/{}", new.namespace, new.name);
        let Some((place, _, old)) =
            self.config_maps.get_full(key.as_str()).map(|(at, key, old)| (at, key, old.clone()))
        else {
            return Err(unknown("config map", &key, self.config_maps.keys()));
        };
        let mut map = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "labels" => map.labels = change.map(&map.labels, &new.labels),
                "annotations" => map.annotations = change.map(&map.annotations, &new.annotations),
                "data" => {
                    if change.strategy == Strategy::Replace {
                        map.data.clear();
                    }
                    map.data.extend(new.data.clone());
                }
                other => return Err(immutable("config map", &key, other, old.origin.as_ref())),
            }
        }
        Arc::make_mut(&mut self.config_maps).shift_remove(key.as_str());
        validate::object(self, &Object::ConfigMap(map.clone()))?;
        let declared = Declared { object: map, origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.config_maps).shift_insert(place, key.into(), Arc::new(declared));
        Ok(())
    }

    fn change_node(&mut self, new: &Node, change: Change<'_>) -> Result<(), OpError> {
        let Some(old) = self.nodes.get(new.name.as_str()).cloned() else {
            return Err(unknown("node", &new.name, self.nodes.keys()));
        };
        let mut node = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "zone" => node.zone.clone_from(&new.zone),
                "labels" => {
                    validate::labels("the labels of a node", &new.labels)?;
                    node.labels = change.map(&node.labels, &new.labels);
                    node.settle_zone();
                }
                // One by one is how they are set on a machine.
                "sysctl" => node.sysctls.extend(new.sysctls.clone()),
                other => return Err(immutable("node", &new.name, other, old.origin.as_ref())),
            }
        }
        let declared = Declared { object: node, origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.nodes).insert(new.name.as_str().into(), Arc::new(declared));
        Ok(())
    }

    fn change_router(&mut self, new: &Router, change: Change<'_>) -> Result<(), OpError> {
        let Some(old) = self.routers.get(new.name.as_str()).cloned() else {
            return Err(unknown("router", &new.name, self.routers.keys()));
        };
        let mut router = old.object.clone();
        for field in change.fields.iter().map(String::as_str) {
            match field {
                "sysctl" => router.sysctls.extend(new.sysctls.clone()),
                other => return Err(immutable("router", &new.name, other, old.origin.as_ref())),
            }
        }
        let declared = Declared { object: router, origin: old.origin.clone(), created: old.created };
        Arc::make_mut(&mut self.routers).insert(new.name.as_str().into(), Arc::new(declared));
        Ok(())
    }

    /// Takes a service out of everything, without giving what it had to others.
    pub(super) fn take_service(&mut self, key: &str) -> Option<Arc<Declared<Service>>> {
        let service = Arc::make_mut(&mut self.services).shift_remove(key)?;
        self.service_addresses.release(&service.object);
        for address in [service.object.cluster_ip, service.object.load_balancer_ip].into_iter().flatten() {
            // MetalLB may have given one address to several services.
            if matches!(self.holders.get(address), Some(Holder::ClusterIp(k) | Holder::LoadBalancer(k)) if **k == *key)
            {
                self.holders.remove(address);
            }
            let shares = |other: &&Declared<Service>| other.object.load_balancer_ip == Some(address);
            let other = self
                .services()
                .find(shares)
                .map(|other| (format!("{}/{}", other.object.namespace, other.object.name), other.origin.clone()));
            if let Some((other, origin)) = other {
                self.holders.set(address, Holder::LoadBalancer(other.into()), origin.as_ref());
            }
        }
        Some(service)
    }
}

/// What changes, and how.
#[derive(Clone, Copy)]
struct Change<'a> {
    fields: &'a [String],
    strategy: Strategy,
}

impl Change<'_> {
    fn has(self, field: &str) -> bool {
        self.fields.iter().any(|other| other == field)
    }

    fn map(self, old: &Labels, new: &Labels) -> Labels {
        let mut map = if self.strategy == Strategy::Merge { old.clone() } else { Labels::default() };
        map.extend(new.clone());
        map
    }

    fn containers(self, old: &[Container], new: &[Container]) -> Vec<Container> {
        if self.strategy == Strategy::Replace {
            return new.to_vec();
        }
        let mut all = old.to_vec();
        for container in new {
            match all.iter_mut().find(|other| other.name == container.name) {
                Some(other) => other.clone_from(container),
                None => all.push(container.clone()),
            }
        }
        all
    }

    fn service(self, service: &mut Service, new: &Service, field: &str) -> Result<(), OpError> {
        match field {
            "type" => service.kind = new.kind,
            "labels" => service.labels = self.map(&service.labels, &new.labels),
            "annotations" => service.annotations = self.map(&service.annotations, &new.annotations),
            "selector" => service.selector = self.map(&service.selector, &new.selector),
            "clusterIP" => (service.cluster_ip, service.headless) = (new.cluster_ip, new.headless),
            "externalIPs" => service.external_ips.clone_from(&new.external_ips),
            "externalName" => service.external_name.clone_from(&new.external_name),
            "loadBalancerIP" => service.load_balancer_ip = new.load_balancer_ip,
            "loadBalancerSourceRanges" => {
                service.load_balancer_source_ranges.clone_from(&new.load_balancer_source_ranges);
            }
            "ipMode" => service.ip_mode = new.ip_mode,
            "sessionAffinity" => service.session_affinity = new.session_affinity,
            "externalTrafficPolicy" => service.external_traffic_policy = new.external_traffic_policy,
            "internalTrafficPolicy" => service.internal_traffic_policy = new.internal_traffic_policy,
            "healthCheckNodePort" => service.health_check_node_port = new.health_check_node_port,
            "allocateLoadBalancerNodePorts" => {
                service.allocate_load_balancer_node_ports = new.allocate_load_balancer_node_ports;
            }
            "publishNotReadyAddresses" => service.publish_not_ready_addresses = new.publish_not_ready_addresses,
            "trafficDistribution" => service.traffic_distribution = new.traffic_distribution,
            "endpoints" => service.endpoints.clone_from(&new.endpoints),
            "port" => {
                let old = std::mem::take(&mut service.ports);
                let mut ports = if self.strategy == Strategy::Merge { old.clone() } else { Vec::new() };
                for port in &new.ports {
                    let mut port = port.clone();
                    let same = |other: &&super::ServicePort| (other.port, other.protocol) == (port.port, port.protocol);
                    // kube-apiserver, `patchAllocatedValues`: a port that stays keeps its node port.
                    if let Some(before) = old.iter().find(same).filter(|_| port.node_port.is_none()) {
                        port.node_port = before.node_port;
                    }
                    match ports.iter_mut().find(|other| (other.port, other.protocol) == (port.port, port.protocol)) {
                        Some(other) => *other = port,
                        None => ports.push(port),
                    }
                }
                service.ports = ports;
            }
            other => {
                let key = format!("{}/{}", service.namespace, service.name);
                return Err(immutable("service", &key, other, None));
            }
        }
        Ok(())
    }
}

/// What a service of its new type cannot have and nobody asked for (kube-apiserver, `dropTypeDependentFields`).
fn drop_dependent(service: &mut Service, old: &Service, change: Change<'_>) {
    if service.kind == ServiceType::ExternalName {
        service.cluster_ip = None;
    }
    if !service.gets_node_ports() && old.gets_node_ports() && !change.has("port") {
        service.ports.iter_mut().for_each(|port| port.node_port = None);
    }
    if !service.needs_health_check() && !change.has("healthCheckNodePort") {
        service.health_check_node_port = None;
    }
    if service.kind != ServiceType::LoadBalancer && old.kind == ServiceType::LoadBalancer {
        if !change.has("loadBalancerIP") {
            service.load_balancer_ip = None;
        }
        service.load_balancer_class = None;
        service.load_balancer_status = None;
        if !change.has("allocateLoadBalancerNodePorts") {
            service.allocate_load_balancer_node_ports = None;
        }
    }
    let outside = matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer);
    if !outside && service.kind != old.kind && !change.has("externalTrafficPolicy") {
        service.external_traffic_policy = super::TrafficPolicy::default();
    }
}

fn unknown<'a>(kind: &str, key: &str, known: impl Iterator<Item = &'a Arc<str>>) -> OpError {
    let meant = crate::did_you_mean(key, known.map(AsRef::as_ref));
    let hint = meant.map_or_else(|| "change what is declared".to_owned(), |name| format!("did you mean `{name}`?"));
    fault(format!("there is no {kind} `{key}` to change"), hint)
}

fn immutable(kind: &str, key: &str, field: &str, origin: Option<&crate::Origin>) -> OpError {
    let problem = format!("`{field}` of {kind} {key} may not change");
    fault_beside(problem, "delete it and declare it anew", origin, "declared here")
}
