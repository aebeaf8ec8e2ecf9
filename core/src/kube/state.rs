use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::health::Health;
use super::holders::{Holder, Holders};
use super::ipam::Ipam;
use super::names::PodNames;
use super::namespaces::Namespace;
use super::pods::{Pods, RunningPod};
use super::service_addresses::ServiceAddresses;
use super::{
    Cluster, ConfigMap, Deployment, Host, Ingress, IpAddressPool, L2Advertisement, NetworkPolicy, Node, Pool,
    PoolPurpose, Router, Service, Zone,
};
use crate::map::IndexMap;
use crate::{Origin, Time};

/// An object, and where it was declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared<T> {
    /// The object. What Kubernetes fills in by itself (a `clusterIP`, a `nodePort`) is filled in.
    pub object: T,
    /// The place in the scenario or manifest.
    pub origin: Option<Origin>,
    /// When it was declared.
    pub created: Time,
}

/// Objects of one kind by name, in the order of their declaration. A copy of the state shares them until one changes.
pub(super) type Objects<T> = Arc<IndexMap<Arc<str>, Arc<Declared<T>>>>;

/// Everything that has been declared.
///
/// It changes by [`declare`](Self::declare), [`delete`](Self::delete) and [`scale`](Self::scale), and by what is
/// [noticed](Self::notice). A copy costs a few reference counts.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) seed: u64,
    /// The time, as far as declarations have been told of it: theirs.
    pub(super) now: Time,
    pub(super) cluster: Arc<Declared<Cluster>>,
    pub(super) cluster_declared: bool,
    pub(super) pools: Objects<Pool>,
    pub(super) nodes: Objects<Node>,
    pub(super) hosts: Objects<Host>,
    pub(super) routers: Objects<Router>,
    pub(super) namespaces: Arc<IndexMap<Arc<str>, Namespace>>,
    pub(super) deployments: Objects<Deployment>,
    pub(super) services: Objects<Service>,
    pub(super) ingresses: Objects<Ingress>,
    pub(super) config_maps: Objects<ConfigMap>,
    pub(super) network_policies: Objects<NetworkPolicy>,
    pub(super) zones: Objects<Zone>,
    pub(super) ip_address_pools: Objects<IpAddressPool>,
    pub(super) l2_advertisements: Objects<L2Advertisement>,
    pub(super) pods: Arc<Pods>,
    pub(super) ipam: Ipam,
    pub(super) holders: Holders,
    pub(super) service_addresses: ServiceAddresses,
    pub(super) health: Health,
    /// The nodes on which kube-proxy found `nf_conntrack_tcp_be_liberal` set when it started.
    pub(super) liberal: Arc<BTreeSet<Arc<str>>>,
    /// How many pods have ever run.
    pub(super) births: u64,
}

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

impl State {
    /// A state in which nothing is declared but what every cluster has. Generated names come from `seed`.
    pub fn new(seed: u64) -> Self {
        let cluster = Cluster::default();
        Self {
            seed,
            now: Time::ZERO,
            ipam: Ipam::new(&cluster),
            cluster: Arc::new(Declared { object: cluster, origin: None, created: Time::ZERO }),
            cluster_declared: false,
            pools: Objects::default(),
            nodes: Objects::default(),
            hosts: Objects::default(),
            routers: Objects::default(),
            namespaces: Arc::new(NAMESPACES.into_iter().map(|name| (name.into(), Namespace::default())).collect()),
            deployments: Objects::default(),
            services: Objects::default(),
            ingresses: Objects::default(),
            config_maps: Objects::default(),
            network_policies: Objects::default(),
            zones: Objects::default(),
            ip_address_pools: Objects::default(),
            l2_advertisements: Objects::default(),
            pods: Arc::default(),
            holders: Holders::default(),
            service_addresses: ServiceAddresses::default(),
            health: Health::default(),
            liberal: Arc::default(),
            births: 0,
        }
    }

    /// Tells the time: what is declared from now on was created then.
    pub fn set_time(&mut self, now: Time) {
        self.now = now;
    }

    /// The name that `generateName` makes of an object's for the one of that number that belongs to it.
    pub fn generated_name(&self, namespace: &str, owner: &str, number: usize) -> String {
        PodNames { seed: self.seed, namespace, owner, replica_set: false }.name(number, 0)
    }

    /// The cluster's settings.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster.object
    }

    /// Where the cluster's settings were declared.
    pub fn cluster_origin(&self) -> Option<&Origin> {
        self.cluster.origin.as_ref()
    }

    /// The pools.
    pub fn pools(&self) -> impl ExactSizeIterator<Item = &Declared<Pool>> {
        self.pools.values().map(Arc::as_ref)
    }

    /// The pools for `purpose`.
    pub fn pools_for(&self, purpose: PoolPurpose) -> impl Iterator<Item = &Declared<Pool>> + Clone {
        self.pools.values().map(Arc::as_ref).filter(move |pool| pool.object.purpose == purpose)
    }

    /// The nodes.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Declared<Node>> {
        self.nodes.values().map(Arc::as_ref)
    }

    /// The machines outside the cluster.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Declared<Host>> {
        self.hosts.values().map(Arc::as_ref)
    }

    /// The namespaces: the four that every cluster has, then those declared.
    pub fn namespaces(&self) -> impl ExactSizeIterator<Item = &str> {
        self.namespaces.keys().map(Arc::as_ref)
    }

    /// Whether there is a namespace of this name.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains_key(name)
    }

    /// Where the namespace was declared, or first used.
    pub fn namespace_origin(&self, name: &str) -> Option<&Origin> {
        self.namespaces.get(name)?.origin.as_ref()
    }

    /// The pods, those of deployments and daemon sets with them.
    pub fn pods(&self) -> impl ExactSizeIterator<Item = &RunningPod> {
        self.pods.iter()
    }

    /// The deployments and daemon sets.
    pub fn deployments(&self) -> impl ExactSizeIterator<Item = &Declared<Deployment>> {
        self.deployments.values().map(Arc::as_ref)
    }

    /// The services, in the order of their declaration.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Declared<Service>> {
        self.services.values().map(Arc::as_ref)
    }

    /// The ingresses, the oldest first.
    pub fn ingresses(&self) -> impl ExactSizeIterator<Item = &Declared<Ingress>> {
        self.ingresses.values().map(Arc::as_ref)
    }

    /// The config maps.
    pub fn config_maps(&self) -> impl ExactSizeIterator<Item = &Declared<ConfigMap>> {
        self.config_maps.values().map(Arc::as_ref)
    }

    /// The network policies.
    pub fn network_policies(&self) -> impl ExactSizeIterator<Item = &Declared<NetworkPolicy>> {
        self.network_policies.values().map(Arc::as_ref)
    }

    /// The zones of names outside the cluster.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &Declared<Zone>> {
        self.zones.values().map(Arc::as_ref)
    }

    /// MetalLB's `IPAddressPool`s.
    pub fn ip_address_pools(&self) -> impl ExactSizeIterator<Item = &Declared<IpAddressPool>> {
        self.ip_address_pools.values().map(Arc::as_ref)
    }

    /// MetalLB's `L2Advertisement`s.
    pub fn l2_advertisements(&self) -> impl ExactSizeIterator<Item = &Declared<L2Advertisement>> {
        self.l2_advertisements.values().map(Arc::as_ref)
    }

    /// The pod of that name: `namespace/name`, a bare name in `default`, or the name of a deployment or daemon set that
    /// has exactly one pod; with or without the kind in front, as in `pod/namespace/name`.
    pub fn pod(&self, name: &str) -> Option<&RunningPod> {
        let mut named = self.pods_named(name);
        let pod = named.next()?;
        named.next().is_none().then_some(pod)
    }

    /// The pod of that name, and no deployment's.
    pub fn pod_itself(&self, name: &str) -> Option<&RunningPod> {
        self.pods.get(&qualified(name, &["pod"])?)
    }

    /// The pods of that name: one pod, or all of a deployment or daemon set.
    pub fn pods_named(&self, name: &str) -> impl Iterator<Item = &RunningPod> {
        let pod = qualified(name, &["pod"]).and_then(|key| self.pods.get(&key));
        let owner = match pod {
            Some(_) => None,
            None => qualified(name, &["deployment", "daemonSet", "daemonset"]),
        };
        pod.into_iter().chain(owner.into_iter().flat_map(|owner| self.pods.of(&owner).collect::<Vec<_>>()))
    }

    /// The pods on `node` that have a network of their own: neither those in the node's, nor those that have ended.
    pub fn pods_on(&self, node: &str) -> impl ExactSizeIterator<Item = &RunningPod> {
        self.pods.on(node)
    }

    /// The pods of `namespace` that `selector` selects.
    pub(super) fn pods_selected(&self, namespace: &str, selector: &super::Labels) -> impl Iterator<Item = &RunningPod> {
        self.pods.selected(namespace, selector)
    }

    /// The pod that has `address`.
    pub fn pod_at(&self, address: Ipv4Addr) -> Option<&RunningPod> {
        match self.holders.get(address)? {
            Holder::Pod(key) => self.pods.get(key),
            _ => None,
        }
    }

    /// The service of that name: `namespace/name` or a bare name in `default`, with or without `service/` in front.
    pub fn service(&self, name: &str) -> Option<&Declared<Service>> {
        self.services.get(qualified(name, &["service"])?.as_str()).map(Arc::as_ref)
    }

    /// The node of that name, with or without `node/` in front.
    pub fn node(&self, name: &str) -> Option<&Declared<Node>> {
        self.nodes.get(name.strip_prefix("node/").unwrap_or(name)).map(Arc::as_ref)
    }

    /// The machine outside the cluster of that name, with or without `host/` in front.
    pub fn host(&self, name: &str) -> Option<&Declared<Host>> {
        self.hosts.get(name.strip_prefix("host/").unwrap_or(name)).map(Arc::as_ref)
    }

    /// The routers.
    pub fn routers(&self) -> impl ExactSizeIterator<Item = &Declared<Router>> {
        self.routers.values().map(Arc::as_ref)
    }

    /// The router of that name, with or without `host/` in front.
    pub fn router(&self, name: &str) -> Option<&Declared<Router>> {
        self.routers.get(name.strip_prefix("host/").unwrap_or(name)).map(Arc::as_ref)
    }

    /// Who has `address`.
    pub fn holder(&self, address: Ipv4Addr) -> Option<&Holder> {
        self.holders.get(address)
    }

    /// The node where `address` is found: its own, its tunnel's, or that of a pod it runs.
    pub fn node_of_address(&self, address: Ipv4Addr) -> Option<&Declared<Node>> {
        match self.holders.get(address)? {
            Holder::Node(node) | Holder::Tunnel(node) => self.node(node),
            Holder::Pod(key) => self.node(&self.pods.get(key)?.node),
            _ => None,
        }
    }

    /// The blocks of pod addresses that `node` holds, ascending.
    pub fn blocks(&self, node: &str) -> impl Iterator<Item = Ipv4Net> + '_ {
        self.ipam.blocks(node)
    }

    /// The addresses that pods of `node` have out of other nodes' blocks, because none was left to claim.
    pub fn borrowed(&self, node: &str) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.ipam.borrowed(node)
    }

    /// The address of `tunl0` on `node`; it has none in a cluster without overlay.
    pub fn tunnel_address(&self, node: &str) -> Option<Ipv4Addr> {
        self.ipam.tunnel_address(node)
    }
}

/// `namespace/name` of a name that may leave out `default/` and may have one of `kinds` in front. `None` if the name has
/// the form of something else.
fn qualified(name: &str, kinds: &[&str]) -> Option<String> {
    let bare = kinds.iter().find_map(|kind| name.strip_prefix(kind)?.strip_prefix('/')).unwrap_or(name);
    match bare.matches('/').count() {
        0 => Some(format!("default/{bare}")),
        1 => Some(bare.to_owned()),
        _ => None,
    }
}
