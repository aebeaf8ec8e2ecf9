//! A network policy: which pods it isolates, and what it lets through to and from them (networking/v1
//! `NetworkPolicySpec`).

use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{LabelSelector, Labels, TargetPort, TransportProtocol, is_default};
use crate::Origin;

/// A network policy. A pod that one of its types is said for gets, or sends, what some policy of that type allows it, and
/// nothing else.
///
/// ```
/// use netscene_core::kube::{LabelSelector, Labels, NetworkPolicy, PolicyType};
/// let web = LabelSelector::of(Labels::from_iter([("app".to_owned(), "web".to_owned())]));
/// let deny = NetworkPolicy { pod_selector: web, ..NetworkPolicy::new("default", "deny") };
/// assert_eq!(deny.types(), [PolicyType::Ingress]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its annotations.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// `podSelector`: the pods of the namespace that it is about; all of them when it says nothing.
    pub pod_selector: LabelSelector,
    /// `policyTypes` as given. What they are when they are not given, [`types`](Self::types) tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_types: Vec<PolicyType>,
    /// `ingress`: what may come to the pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<NetworkPolicyRule>,
    /// `egress`: what they may send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<NetworkPolicyRule>,
}

/// One of the `policyTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PolicyType {
    /// It isolates pods for what comes to them.
    Ingress,
    /// And for what they send.
    Egress,
}

impl PolicyType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }
}

/// A rule: what it allows has to be of one of its peers, and for one of its ports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyRule {
    /// `from` of an ingress rule, `to` of an egress rule; everybody when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<NetworkPolicyPeer>,
    /// `ports`: the destination's; all of them, of every protocol, when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<NetworkPolicyPort>,
    /// Where the rule is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A peer: pods by their labels, by those of their namespaces, or by both; or addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPeer {
    /// `podSelector`: pods of the policy's namespace, or of those that `namespaceSelector` selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    /// `namespaceSelector`: namespaces, whose pods are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// `ipBlock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// Where the peer is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// `ipBlock` of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpBlock {
    /// `cidr`: these addresses.
    pub cidr: Ipv4Net,
    /// `except`: but not these among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Ipv4Net>,
}

/// A port of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPort {
    /// TCP, UDP or SCTP.
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: TransportProtocol,
    /// The port of the pod, or its name there; every port of the protocol when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<TargetPort>,
    /// `endPort`: and all from that port up to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}

impl NetworkPolicy {
    /// A policy for all pods of the namespace, which lets nothing come to them.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    /// Its types: those given; without any, Ingress, and Egress if it has rules for it (networking/v1,
    /// `SetDefaults_NetworkPolicy`).
    pub fn types(&self) -> Vec<PolicyType> {
        match (self.policy_types.is_empty(), self.egress.is_empty()) {
            (false, _) => self.policy_types.clone(),
            (true, true) => vec![PolicyType::Ingress],
            (true, false) => vec![PolicyType::Ingress, PolicyType::Egress],
        }
    }

    /// Its rules of one type.
    pub fn rules(&self, of: PolicyType) -> &[NetworkPolicyRule] {
        match of {
            PolicyType::Ingress => &self.ingress,
            PolicyType::Egress => &self.egress,
        }
    }
}

impl fmt::Display for NetworkPolicyPeer {
    /// The peer in a scenario's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let selectors = [("namespaceSelector", &self.namespace_selector), ("podSelector", &self.pod_selector)];
        for (name, selector) in selectors {
            match selector {
                Some(selector) if selector.is_empty() => parts.push(format!("{name} {{}}")),
                Some(selector) => parts.push(format!("{name} {selector}")),
                None => {}
            }
        }
        if let Some(block) = &self.ip_block {
            parts.push(block.to_string());
        }
        f.write_str(&parts.join(" "))
    }
}

impl fmt::Display for IpBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ipBlock {}", self.cidr)?;
        for (at, net) in self.except.iter().enumerate() {
            write!(f, "{}{net}", if at == 0 { " except " } else { ", " })?;
        }
        Ok(())
    }
}
