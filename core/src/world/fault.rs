//! What can be broken, and who notices when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kube::{Bgp, State, Symptom, Version};

/// kube-controller-manager's `--node-monitor-grace-period`: what it is by default, and since which release
/// (kubernetes#126287).
const NODE_MONITOR_GRACE: Duration = Duration::from_secs(40);
const LONGER_GRACE: (Version, Duration) = (Version::new(1, 32, 0), Duration::from_secs(50));
/// kubelet's `nodeStatusUpdateFrequency`: a node that is back is ready after its next report at the latest.
const NODE_STATUS: Duration = Duration::from_secs(10);
/// BIRD's `hold time`.
const HOLD_TIME: Duration = Duration::from_mins(4);
/// BIRD's `connect retry time` in Calico's `bird.cfg.template`: a session that can be is, after its next attempt at the
/// latest.
const CONNECT_RETRY: Duration = Duration::from_secs(5);
/// Until memberlist, with its probes every second and its suspicion, gives a member up (MetalLB since 0.9).
const MEMBERLIST: Duration = Duration::from_secs(10);
/// kubelet looks at its containers (`PLEG`) once in a second; memberlist probes its members as often.
const SECOND: Duration = Duration::from_secs(1);

/// Something that is broken until it is restored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "camelCase")]
pub enum Fault {
    /// A node and its pods neither send nor receive, as if it had been frozen: what they know they still know afterwards.
    Node {
        /// The node.
        node: String,
    },
    /// No frame gets from one node to the other, nor back.
    Link {
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// A device of a node has no carrier.
    Device {
        /// The node.
        node: String,
        /// The device.
        device: String,
    },
    /// Two nodes' BIRDs do not hear each other.
    Bgp {
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// MetalLB's speaker does not run on a node.
    Speaker {
        /// The node.
        node: String,
    },
    /// kube-proxy does not run on a node: its rules stay as they are.
    KubeProxy {
        /// The node.
        node: String,
    },
    /// A pod's containers do not run. The pod keeps its address and its network.
    Pod {
        /// The pod, `namespace/name`.
        pod: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { node } => write!(f, "node {node}"),
            Self::Link { one, other } => write!(f, "the link of {one} and {other}"),
            Self::Device { node, device } => write!(f, "device {device} of {node}"),
            Self::Bgp { one, other } => write!(f, "BGP between {one} and {other}"),
            Self::Speaker { node } => write!(f, "the speaker of {node}"),
            Self::KubeProxy { node } => write!(f, "kube-proxy of {node}"),
            Self::Pod { pod } => write!(f, "pod {pod}"),
        }
    }
}

impl Fault {
    /// Whether it cuts a node off from the cluster: the node is dead, or its network device is.
    pub(super) fn cuts_off(&self, state: &State, name: &str) -> bool {
        match self {
            Self::Node { node } => node == name,
            Self::Device { node, device } => {
                let uplink = state.node(node).map(|node| node.object.device);
                node == name && uplink.is_some_and(|uplink| uplink.as_str() == device)
            }
            _ => false,
        }
    }

    /// What is noticed of it, and how long after it began. Where BGP's packets travel, they tell of the sessions.
    pub(super) fn symptoms(&self, state: &State) -> Vec<(Duration, Symptom)> {
        let mut all = self.all_symptoms(state);
        if state.cluster().bgp == Bgp::Packets {
            all.retain(|(_, symptom)| !matches!(symptom, Symptom::SessionDown(..)));
        }
        all
    }

    fn all_symptoms(&self, state: &State) -> Vec<(Duration, Symptom)> {
        let speakers_talk = state.cluster().metallb >= Version::new(0, 9, 0);
        let gone = |node: &str| speakers_talk.then(|| (MEMBERLIST, Symptom::SpeakerGone(node.into())));
        match self {
            Self::Node { node } | Self::Device { node, .. } if self.cuts_off(state, node) => {
                let own: Arc<str> = node.as_str().into();
                let others = state.nodes().map(|other| Arc::from(other.object.name.as_str()));
                let sessions = others.filter(|other| *other != own);
                let sessions = sessions.map(|other| (HOLD_TIME, Symptom::session_down(&own, &other)));
                let not_ready = (node_monitor_grace(state), Symptom::NodeNotReady(own.clone()));
                std::iter::once(not_ready).chain(sessions).chain(gone(node)).collect()
            }
            // Members of a list that cannot reach each other are probed by way of the others.
            Self::Link { one, other } | Self::Bgp { one, other } => {
                vec![(HOLD_TIME, Symptom::session_down(&one.as_str().into(), &other.as_str().into()))]
            }
            Self::Speaker { node } => gone(node).into_iter().collect(),
            Self::Pod { pod } => vec![(SECOND, Symptom::PodNotReady(pod.as_str().into()))],
            Self::Node { .. } | Self::Device { .. } | Self::KubeProxy { .. } => Vec::new(),
        }
    }
}

/// How long nothing is heard of a node until it is not ready. The controller is of the release that kube-proxy is of.
fn node_monitor_grace(state: &State) -> Duration {
    let (since, longer) = LONGER_GRACE;
    if state.cluster().kube_proxy < since { NODE_MONITOR_GRACE } else { longer }
}

/// How long after the fault has gone it is noticed that a symptom has.
pub(super) fn recovery(symptom: &Symptom) -> Duration {
    match symptom {
        Symptom::NodeNotReady(_) => NODE_STATUS,
        Symptom::SessionDown(..) | Symptom::PeerLost(..) => CONNECT_RETRY,
        Symptom::SpeakerGone(_) | Symptom::PodNotReady(_) => SECOND,
    }
}
