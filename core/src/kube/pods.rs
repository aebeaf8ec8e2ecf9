use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Container, Labels, PodDns, PodPhase, PodStatus, TransportProtocol, selects};
use crate::map::IndexMap;
use crate::packet::DeviceName;
use crate::{Origin, Time};

/// A pod on its node, with what it got there.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningPod {
    /// `namespace/name`.
    pub key: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its node, by the scenario's name.
    pub node: Arc<str>,
    /// Its address: one of its node's block, or the node's own.
    pub address: Ipv4Addr,
    /// Whether it runs in the network of its node.
    pub host_network: bool,
    /// What it has come to.
    pub status: PodStatus,
    /// When it was declared.
    pub created: Time,
    /// The host's end of its veth.
    pub device: DeviceName,
    /// What it is called under its subdomain.
    pub hostname: Option<Arc<str>>,
    /// The service under which it is called so.
    pub subdomain: Option<Arc<str>>,
    /// How it resolves names.
    pub dns: Arc<PodDns>,
    /// Its labels.
    pub labels: Arc<Labels>,
    /// Its service account.
    pub service_account: Arc<str>,
    /// Its containers.
    pub containers: Arc<[Container]>,
    /// Which of all pods that ever ran it is, from 1: another pod of the same name is another one.
    pub uid: u64,
    /// Where it, or its deployment, was declared.
    pub origin: Option<Origin>,
    /// The deployment, daemon set or stateful set it belongs to, `namespace/name`.
    pub owner: Option<Arc<str>>,
}

impl RunningPod {
    /// Whether its containers run; of one that has ended, only its name and address are left.
    pub fn runs(&self) -> bool {
        self.status.phase == PodPhase::Running
    }

    /// Whether its containers run and say that they can serve.
    pub fn is_ready(&self) -> bool {
        self.runs() && self.status.conditions.ready
    }

    /// Whether it has a network of its own: a veth, a route to it, chains of Felix.
    pub fn is_networked(&self) -> bool {
        self.runs() && !self.host_network
    }

    /// The number of the port of that name and protocol (endpoints controller, `FindPort`).
    pub fn port_named(&self, name: &str, protocol: TransportProtocol) -> Option<u16> {
        let mut ports = self.containers.iter().flat_map(|container| &container.ports);
        ports.find(|port| port.name.as_deref() == Some(name) && port.protocol == protocol).map(|port| port.port)
    }
}

/// All pods in the order of their declaration, and the ways agents look for them. The maps of places are only looked
/// into, never walked.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    running: IndexMap<Arc<str>, Arc<RunningPod>>,
    /// Those with a network of their own.
    by_node: FxHashMap<Arc<str>, Vec<usize>>,
    by_owner: FxHashMap<Arc<str>, Vec<usize>>,
    /// By namespace, key and value of each of their labels.
    by_label: FxHashMap<(Arc<str>, String, String), Vec<usize>>,
}

impl Pods {
    pub(super) fn insert(&mut self, pod: RunningPod) {
        let place = self.running.len();
        if pod.is_networked() {
            self.by_node.entry(pod.node.clone()).or_default().push(place);
        }
        if let Some(owner) = &pod.owner {
            self.by_owner.entry(owner.clone()).or_default().push(place);
        }
        for (key, value) in pod.labels.as_ref() {
            let label = (pod.namespace.clone(), key.clone(), value.clone());
            self.by_label.entry(label).or_default().push(place);
        }
        self.running.insert(pod.key.clone(), Arc::new(pod));
    }

    /// Takes a pod out. The places of all after it change.
    pub(super) fn remove(&mut self, key: &str) {
        let mut rest = std::mem::take(self).running;
        rest.shift_remove(key);
        for pod in rest.into_values() {
            self.insert(Arc::unwrap_or_clone(pod));
        }
    }

    /// Puts a pod in the place of the one that is called so.
    pub(super) fn replace(&mut self, pod: RunningPod) {
        let mut all = std::mem::take(self).running;
        if let Some(place) = all.get_mut(&pod.key) {
            *place = Arc::new(pod);
        }
        for pod in all.into_values() {
            self.insert(Arc::unwrap_or_clone(pod));
        }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &RunningPod> {
        self.running.values().map(Arc::as_ref)
    }

    pub(super) fn get(&self, key: &str) -> Option<&RunningPod> {
        self.running.get(key).map(Arc::as_ref)
    }

    pub(super) fn on(&self, node: &str) -> impl ExactSizeIterator<Item = &RunningPod> {
        self.at(self.by_node.get(node))
    }

    pub(super) fn of(&self, owner: &str) -> impl ExactSizeIterator<Item = &RunningPod> {
        self.at(self.by_owner.get(owner))
    }

    /// The pods of `namespace` that `selector` selects, without those that have ended.
    pub(super) fn selected(&self, namespace: &str, selector: &Labels) -> impl Iterator<Item = &RunningPod> {
        let first = selector.first().map(|(key, value)| (Arc::from(namespace), key.clone(), value.clone()));
        let places = first.and_then(|label| self.by_label.get(&label));
        self.at(places).filter(|pod| pod.runs() && selects(selector, &pod.labels))
    }

    fn at(&self, places: Option<&Vec<usize>>) -> impl ExactSizeIterator<Item = &RunningPod> {
        places.map_or(&[][..], Vec::as_slice).iter().map(|&place| self.running[place].as_ref())
    }
}
