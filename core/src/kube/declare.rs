//! Applying a declaration: all of it, or nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::holders::Holder;
use super::ipam::{Ipam, IpamError};
use super::names::{PodNames, interface_name};
use super::pods::RunningPod;
use super::state::{Declared, Objects, State};
use super::validate::{fault, fault_beside};
use super::{
    Cluster, ConfigMap, Container, Deployment, Host, Ingress, IpAddressPool, L2Advertisement, Labels, NamedPod,
    NetworkPolicy, Node, Object, POD_NAME_LABEL, Pod, PodDns, PodStatus, Pool, PoolPurpose, Router, Service,
    ServiceType, service_addresses, stateful_set, validate,
};
use crate::map::IndexSet;
use crate::packet::DeviceName;
use crate::world::OpError;
use crate::{Origin, Time};

impl State {
    /// Declares `object`, which stands at `origin`. If it is refused, nothing has changed.
    ///
    /// What follows from it follows at once: a deployment runs its pods, a pod gets its address, a service its
    /// `clusterIP`. An object brings its namespace along if nobody has declared it.
    pub fn declare(&mut self, object: Object, origin: Option<&Origin>) -> Result<(), OpError> {
        validate::object(self, &object)?;
        match object {
            Object::Cluster(cluster) => self.set_cluster(cluster, origin),
            Object::Pool(pool) => self.add_pool(pool, origin),
            Object::Node(node) => return self.add_node(node, origin),
            Object::Host(host) => self.add_host(host, origin),
            Object::Router(router) => self.add_router(router, origin),
            Object::Namespace { name, labels } => {
                self.set_namespace(&name, labels, origin);
                // A pool may be for the namespaces that have a label.
                if !self.ip_address_pools.is_empty() {
                    self.serve_pending();
                }
            }
            Object::Pod(pod) => return self.add_pod(pod, origin),
            Object::Deployment(deployment) => return self.add_deployment(deployment, origin),
            Object::Service(service) => return self.add_service(service, origin),
            Object::Ingress(ingress) => self.add_ingress(ingress, origin),
            Object::ConfigMap(map) => self.add_config_map(map, origin),
            Object::NetworkPolicy(policy) => self.add_network_policy(policy, origin),
            Object::IpAddressPool(pool) => self.add_ip_address_pool(pool, origin),
            Object::L2Advertisement(advertisement) => self.add_l2_advertisement(advertisement, origin),
            Object::Zone(zone) => insert(&mut self.zones, &zone.name.as_str().into(), zone, origin, self.now),
        }
        Ok(())
    }

    fn set_cluster(&mut self, cluster: Cluster, origin: Option<&Origin>) {
        self.ipam = Ipam::new(&cluster);
        self.cluster = Arc::new(Declared { object: cluster, origin: origin.cloned(), created: self.now });
        self.cluster_declared = true;
    }

    fn add_pool(&mut self, pool: Pool, origin: Option<&Origin>) {
        if let Some(gateway) = pool.gateway {
            self.holders.set(gateway, Holder::Gateway(pool.name.as_str().into()), origin);
        }
        let serves_balancers = pool.purpose == PoolPurpose::LoadBalancer;
        insert(&mut self.pools, &pool.name.as_str().into(), pool, origin, self.now);
        if serves_balancers {
            self.serve_pending();
        }
    }

    /// Gives services that wait for an address one of a new pool, as MetalLB's controller does when it is told of it.
    pub(super) fn serve_pending(&mut self) {
        let waits = |service: &Declared<Service>| {
            service.object.kind == ServiceType::LoadBalancer && service.object.load_balancer_ip.is_none()
        };
        let pending: Vec<_> = self.services.iter().filter(|(_, s)| waits(s)).map(|(key, _)| key.clone()).collect();
        for key in pending {
            let address = self.services.get(&key).and_then(|service| self.balancer_address(&service.object));
            if let (Some(address), Some(service)) = (address, Arc::make_mut(&mut self.services).get_mut(&key)) {
                let service = Arc::make_mut(service);
                service.object.load_balancer_ip = Some(address);
                self.holders.set(address, Holder::LoadBalancer(key), service.origin.as_ref());
            }
        }
    }

    fn add_node(&mut self, mut node: Node, origin: Option<&Origin>) -> Result<(), OpError> {
        let name: Arc<str> = node.name.as_str().into();
        node.settle_zone();
        self.ipam.add_node(&name, &node.hostname, node.pod_cidr).map_err(|_| {
            let cluster = self.cluster();
            let problem =
                format!("no block of /{} is left in {} for node {name}", cluster.block_size, cluster.pod_cidr);
            let hint = "give the cluster a larger podCIDR, or smaller blocks";
            fault_beside(problem, hint, self.cluster_origin(), "declared here")
        })?;
        self.holders.set(node.address, Holder::Node(name.clone()), origin);
        if let Some(tunnel) = self.ipam.tunnel_address(&name) {
            self.holders.set(tunnel, Holder::Tunnel(name.clone()), origin);
        }
        for device in &node.devices {
            self.holders.set(device.address.addr(), Holder::Device(name.clone()), origin);
        }
        insert(&mut self.nodes, &name, node, origin, self.now);
        self.start_kube_proxy(&name);
        Ok(())
    }

    fn add_host(&mut self, host: Host, origin: Option<&Origin>) {
        let name: Arc<str> = host.name.as_str().into();
        self.holders.set(host.address, Holder::Host(name.clone()), origin);
        insert(&mut self.hosts, &name, host, origin, self.now);
    }

    fn add_router(&mut self, router: Router, origin: Option<&Origin>) {
        let name: Arc<str> = router.name.as_str().into();
        for device in &router.devices {
            self.holders.set(device.address.addr(), Holder::Device(name.clone()), origin);
        }
        insert(&mut self.routers, &name, router, origin, self.now);
    }

    fn add_pod(&mut self, pod: Pod, origin: Option<&Origin>) -> Result<(), OpError> {
        let template = Template {
            namespace: pod.namespace.as_str().into(),
            owner: None,
            labels: Arc::new(pod.labels),
            service_account: account(&pod.service_account),
            containers: pod.containers.into(),
            host_network: pod.host_network,
            dns: Arc::new(pod.dns),
            hostname: pod.hostname.as_deref().map(Into::into),
            subdomain: pod.subdomain.as_deref().map(Into::into),
            stateful: false,
            origin,
            created: self.now,
        };
        let node = pod.node.as_deref().map_or_else(|| self.least_loaded_node(), Into::into);
        let Pod { name, address, interface_name, status, .. } = pod;
        let wanted = Wanted { name, node, address, interface_name, status };
        self.run(&template, vec![wanted])
    }

    /// Where the scheduler puts a pod that names no node: where the fewest pods with a network of their own are, and of
    /// those nodes the first declared.
    fn least_loaded_node(&self) -> Arc<str> {
        let node = self.nodes.keys().min_by_key(|name| self.pods.on(name).len());
        node.cloned().unwrap_or_default()
    }

    fn add_deployment(&mut self, deployment: Deployment, origin: Option<&Origin>) -> Result<(), OpError> {
        let key: Arc<str> = format!("{}/{}", deployment.namespace, deployment.name).into();
        let template = Template::of(&deployment, origin, self.now);
        let wanted = self.pods_of_deployment(&deployment);
        self.run(&template, wanted)?;
        insert(&mut self.deployments, &key, deployment, origin, self.now);
        Ok(())
    }

    /// The pods of a deployment: those that are named, then as many more as its replicas ask for. Pod number i goes to
    /// the i-th node of `on`, starting over at its end.
    ///
    /// A daemon set has one on every node of `on` where no named one is. If it names pods and no nodes, those are all it
    /// has: taints, which keep it off other nodes, are not modelled. Nor does it reach a node that is declared after it.
    fn pods_of_deployment(&self, deployment: &Deployment) -> Vec<Wanted> {
        let on: Vec<Arc<str>> = if deployment.on.is_empty() {
            self.nodes.keys().cloned().collect()
        } else {
            deployment.on.iter().map(|name| name.as_str().into()).collect()
        };
        let turn = |index: usize| on[index % on.len()].clone();
        if deployment.stateful_set.is_some() {
            return stateful_set::pods(deployment, &on);
        }
        let given = |(index, pod): (usize, &NamedPod)| Wanted {
            name: pod.name.clone(),
            node: pod.node.as_deref().map_or_else(|| turn(index), Into::into),
            address: pod.address,
            interface_name: pod.interface_name,
            status: pod.status,
        };
        let mut wanted: Vec<_> = deployment.pods.iter().enumerate().map(given).collect();
        let more: Vec<Arc<str>> = if !deployment.daemon_set {
            (wanted.len()..deployment.replicas as usize).map(turn).collect()
        } else if wanted.is_empty() || !deployment.on.is_empty() {
            let nodes: IndexSet<_> = on.iter().cloned().collect();
            nodes.into_iter().filter(|node| wanted.iter().all(|pod| pod.node != *node)).collect()
        } else {
            Vec::new()
        };
        for node in more {
            let pod = self.pod_beside(deployment, node, &wanted);
            wanted.push(pod);
        }
        wanted
    }

    /// One more pod of a deployment, with a name that nobody has.
    pub(super) fn another_pod(&self, deployment: &Deployment, node: Arc<str>) -> Wanted {
        self.pod_beside(deployment, node, &[])
    }

    /// A pod of a deployment whose name neither a pod has nor one of `wanted`.
    fn pod_beside(&self, deployment: &Deployment, node: Arc<str>, wanted: &[Wanted]) -> Wanted {
        if deployment.stateful_set.is_some() {
            let name = self.next_of_stateful_set(deployment);
            return Wanted { name, node, address: None, interface_name: None, status: PodStatus::default() };
        }
        let names = PodNames {
            seed: self.seed,
            namespace: &deployment.namespace,
            owner: &deployment.name,
            replica_set: !deployment.daemon_set,
        };
        // A pod that follows another is not called as that was: its number is one that no pod has had.
        let key = format!("{}/{}", deployment.namespace, deployment.name);
        let index = if self.pods.of(&key).len() == 0 { wanted.len() } else { self.births as usize };
        let is_free = |name: &String| {
            wanted.iter().all(|pod| pod.name != *name)
                && self.pods.get(&format!("{}/{name}", deployment.namespace)).is_none()
        };
        let mut attempts = (0..).map(|attempt| names.name(index, attempt));
        let name = attempts.find(is_free).unwrap_or_default();
        Wanted { name, node, address: None, interface_name: None, status: PodStatus::default() }
    }

    /// Gives every wanted pod its address, and only when all have one, runs them.
    pub(super) fn run(&mut self, template: &Template<'_>, wanted: Vec<Wanted>) -> Result<(), OpError> {
        let mut ipam = self.ipam.clone();
        let mut addresses = vec![None; wanted.len()];
        if template.host_network {
            for (pod, address) in wanted.iter().zip(&mut addresses) {
                *address = self.node(&pod.node).map(|node| node.object.address);
            }
        }
        // Those that ask for an address are served first, lest another takes it.
        for (pod, address) in wanted.iter().zip(&mut addresses).filter(|(_, address)| address.is_none()) {
            if let Some(wish) = pod.address {
                ipam.take(&pod.node, wish).map_err(|error| self.refusal(&error, &pod.node, wish))?;
                *address = Some(wish);
            }
        }
        let mut planned: Vec<RunningPod> = Vec::with_capacity(wanted.len());
        for (pod, address) in wanted.into_iter().zip(addresses) {
            let address = match address {
                Some(address) => address,
                None => ipam.assign(&pod.node).map_err(|_| self.exhausted(&pod.name))?,
            };
            let running = template.pod(pod, address, self.births + planned.len() as u64 + 1);
            if !running.runs() && !running.host_network {
                ipam.release(address);
            }
            if running.is_networked() {
                self.check_device(&running, &planned)?;
            }
            planned.push(running);
        }
        self.ipam = ipam;
        self.births += planned.len() as u64;
        self.bring_namespace(&template.namespace, template.origin);
        let pods = Arc::make_mut(&mut self.pods);
        for pod in planned {
            if pod.is_networked() {
                self.holders.set(pod.address, Holder::Pod(pod.key.clone()), template.origin);
            }
            pods.insert(pod);
        }
        Ok(())
    }

    /// Two veths of one node cannot have one name.
    fn check_device(&self, pod: &RunningPod, planned: &[RunningPod]) -> Result<(), OpError> {
        let beside = planned.iter().filter(|other| other.node == pod.node && other.is_networked());
        let Some(other) = self.pods.on(&pod.node).chain(beside).find(|other| other.device == pod.device) else {
            return Ok(());
        };
        let problem = format!("{} is the device of pod {} already", pod.device, other.key);
        Err(fault_beside(problem, "give each pod its own interfaceName", other.origin.as_ref(), "declared here"))
    }

    fn refusal(&self, error: &IpamError, node: &str, address: Ipv4Addr) -> OpError {
        let origin = self.node(node).and_then(|node| node.origin.as_ref());
        let blocks: Vec<_> = self.blocks(node).map(|block| block.to_string()).collect();
        let blocks = blocks.join(", ");
        match error {
            IpamError::Tunnel => {
                let problem = format!("{address} belongs to tunl0 of node {node}");
                let hint = "use a later address of the block: Calico gives the first to the tunnel";
                fault_beside(problem, hint, origin, format!("{node} holds {blocks}"))
            }
            IpamError::Taken => {
                let hint = "choose another address; pods without an address come last";
                match self.holders.check_free(address) {
                    Err(error) => OpError { hint: Some(hint.into()), ..error },
                    Ok(()) => fault(format!("two pods of this object ask for {address}"), hint),
                }
            }
            IpamError::Outside | IpamError::Exhausted => {
                let problem = format!("{address} is outside the block of node {node}");
                fault_beside(problem, format!("use an address of {blocks}"), origin, format!("{node} holds {blocks}"))
            }
        }
    }

    /// Calico's words, when the pool is empty.
    fn exhausted(&self, pod: &str) -> OpError {
        let problem = format!("pod {pod}: failed to request 1 IPv4 addresses. IPAM allocated only 0");
        let hint = "give the cluster a larger podCIDR: no block of it is left";
        fault_beside(problem, hint, self.cluster_origin(), format!("podCIDR is {}", self.cluster().pod_cidr))
    }

    pub(super) fn add_service(&mut self, mut service: Service, origin: Option<&Origin>) -> Result<(), OpError> {
        let key: Arc<str> = format!("{}/{}", service.namespace, service.name).into();
        self.service_addresses = service_addresses::complete(self, &mut service, &key, origin)?;
        self.bring_namespace(&service.namespace, origin);
        if let Some(address) = service.cluster_ip {
            self.holders.set(address, Holder::ClusterIp(key.clone()), origin);
        }
        if let Some(address) = service.load_balancer_ip {
            self.holders.set(address, Holder::LoadBalancer(key.clone()), origin);
        }
        insert(&mut self.services, &key, service, origin, self.now);
        Ok(())
    }

    fn add_config_map(&mut self, map: ConfigMap, origin: Option<&Origin>) {
        self.bring_namespace(&map.namespace, origin);
        let key = format!("{}/{}", map.namespace, map.name).into();
        insert(&mut self.config_maps, &key, map, origin, self.now);
    }

    fn add_network_policy(&mut self, policy: NetworkPolicy, origin: Option<&Origin>) {
        self.bring_namespace(&policy.namespace, origin);
        let key = format!("{}/{}", policy.namespace, policy.name).into();
        insert(&mut self.network_policies, &key, policy, origin, self.now);
    }

    fn add_ip_address_pool(&mut self, pool: IpAddressPool, origin: Option<&Origin>) {
        self.bring_namespace(&pool.namespace, origin);
        let key = format!("{}/{}", pool.namespace, pool.name).into();
        insert(&mut self.ip_address_pools, &key, pool, origin, self.now);
        self.serve_pending();
    }

    fn add_l2_advertisement(&mut self, advertisement: L2Advertisement, origin: Option<&Origin>) {
        self.bring_namespace(&advertisement.namespace, origin);
        let key = format!("{}/{}", advertisement.namespace, advertisement.name).into();
        insert(&mut self.l2_advertisements, &key, advertisement, origin, self.now);
    }

    fn add_ingress(&mut self, ingress: Ingress, origin: Option<&Origin>) {
        self.bring_namespace(&ingress.namespace, origin);
        let key = format!("{}/{}", ingress.namespace, ingress.name).into();
        insert(&mut self.ingresses, &key, ingress, origin, self.now);
    }
}

fn insert<T>(objects: &mut Objects<T>, key: &Arc<str>, object: T, origin: Option<&Origin>, created: Time) {
    Arc::make_mut(objects).insert(key.clone(), Arc::new(Declared { object, origin: origin.cloned(), created }));
}

/// A pod that names no service account has the namespace's own (the admission controller of that name).
fn account(name: &str) -> Arc<str> {
    if name.is_empty() { "default".into() } else { name.into() }
}

/// A pod that is to run.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) node: Arc<str>,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) interface_name: Option<DeviceName>,
    pub(super) status: PodStatus,
}

/// What the pods of one object have in common.
pub(super) struct Template<'a> {
    namespace: Arc<str>,
    owner: Option<Arc<str>>,
    labels: Arc<Labels>,
    service_account: Arc<str>,
    containers: Arc<[Container]>,
    host_network: bool,
    dns: Arc<PodDns>,
    /// Of a pod that stands alone; those of a stateful set have their own name for it.
    hostname: Option<Arc<str>>,
    subdomain: Option<Arc<str>>,
    stateful: bool,
    origin: Option<&'a Origin>,
    created: Time,
}

impl<'a> Template<'a> {
    pub(super) fn of(deployment: &Deployment, origin: Option<&'a Origin>, created: Time) -> Self {
        let subdomain = deployment.stateful_set.as_ref().filter(|set| !set.service_name.is_empty());
        Self {
            namespace: deployment.namespace.as_str().into(),
            owner: Some(format!("{}/{}", deployment.namespace, deployment.name).into()),
            labels: Arc::new(deployment.labels.clone()),
            service_account: account(&deployment.service_account),
            containers: deployment.containers.clone().into(),
            host_network: deployment.host_network,
            dns: Arc::new(deployment.dns.clone()),
            hostname: None,
            subdomain: subdomain.map(|set| set.service_name.as_str().into()),
            stateful: deployment.stateful_set.is_some(),
            origin,
            created,
        }
    }

    fn pod(&self, wanted: Wanted, address: Ipv4Addr, uid: u64) -> RunningPod {
        let Wanted { name, node, interface_name: device, status, .. } = wanted;
        let mut labels = self.labels.clone();
        let mut hostname = self.hostname.clone();
        if self.stateful {
            Arc::make_mut(&mut labels).insert(POD_NAME_LABEL.to_owned(), name.clone());
            hostname = Some(name.as_str().into());
        }
        RunningPod {
            hostname,
            subdomain: self.subdomain.clone(),
            dns: self.dns.clone(),
            key: format!("{}/{name}", self.namespace).into(),
            namespace: self.namespace.clone(),
            device: device.unwrap_or_else(|| interface_name(&self.namespace, &name)),
            name: name.into(),
            node,
            address,
            host_network: self.host_network,
            status,
            created: self.created,
            labels,
            service_account: self.service_account.clone(),
            containers: self.containers.clone(),
            uid,
            origin: self.origin.cloned(),
            owner: self.owner.clone(),
        }
    }
}
