//! What the cluster's components have noticed of what is broken: which is later than, and other than, what is broken.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{RunningPod, State};

/// A thing that somebody in the cluster has noticed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// The node controller has not heard from the node's kubelet: its condition `Ready` is not true, nor is that of its
    /// pods, which are endpoints no more.
    NodeNotReady(Arc<str>),
    /// kubelet says that the pod is not ready.
    PodNotReady(Arc<str>),
    /// The BGP session between two nodes, in the order of their names, is down: neither has routes to the other's pods.
    SessionDown(Arc<str>, Arc<str>),
    /// The BIRD of the first node has lost its session with the second, of which it has no routes. So is said where BGP's
    /// packets travel, and each side notices for itself.
    PeerLost(Arc<str>, Arc<str>),
    /// MetalLB's speakers have lost the one of this node.
    SpeakerGone(Arc<str>),
}

impl Symptom {
    /// The session between two nodes is down.
    pub fn session_down(one: &Arc<str>, other: &Arc<str>) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self::SessionDown(first.clone(), second.clone())
    }
}

/// All that has been noticed. A copy shares it until one changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Arc<BTreeSet<Symptom>>);

impl State {
    /// Notes a symptom, or that it has gone. It says whether that is news.
    pub fn notice(&mut self, symptom: Symptom, is_there: bool) -> bool {
        let known = self.health.0.contains(&symptom);
        if known == is_there {
            return false;
        }
        let symptoms = Arc::make_mut(&mut self.health.0);
        if is_there { symptoms.insert(symptom) } else { symptoms.remove(&symptom) }
    }

    fn shows(&self, symptom: &Symptom) -> bool {
        // Nothing is broken in most worlds, and endpoints ask for every pod.
        !self.health.0.is_empty() && self.health.0.contains(symptom)
    }

    /// Whether the node's condition `Ready` is true.
    pub fn node_is_ready(&self, node: &Arc<str>) -> bool {
        !self.shows(&Symptom::NodeNotReady(node.clone()))
    }

    /// Whether a pod may be an endpoint, as far as kubelet and the node controller know.
    pub fn is_healthy(&self, pod: &RunningPod) -> bool {
        self.node_is_ready(&pod.node) && !self.shows(&Symptom::PodNotReady(pod.key.clone()))
    }

    /// Whether a node has routes from another one.
    pub fn has_session(&self, node: &Arc<str>, from: &Arc<str>) -> bool {
        self.health.0.is_empty()
            || !self.shows(&Symptom::session_down(node, from))
                && !self.shows(&Symptom::PeerLost(node.clone(), from.clone()))
    }

    /// Whether MetalLB's speakers count the one of `node` among them.
    pub fn has_speaker(&self, node: &Arc<str>) -> bool {
        !self.shows(&Symptom::SpeakerGone(node.clone()))
    }
}
