//! How a pod resolves names: `dnsPolicy` and `dnsConfig` (core/v1 `PodSpec`).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::validate::fault;
use crate::world::OpError;

/// Where a pod's `/etc/resolv.conf` comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DnsPolicy {
    /// The cluster's DNS; that of the node where the pod is in the node's network.
    #[default]
    ClusterFirst,
    /// The cluster's DNS, in the node's network too.
    ClusterFirstWithHostNet,
    /// The node's own.
    Default,
    /// Only what `dnsConfig` says.
    None,
}

impl DnsPolicy {
    /// By their names.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("ClusterFirst", Self::ClusterFirst),
        ("ClusterFirstWithHostNet", Self::ClusterFirstWithHostNet),
        ("Default", Self::Default),
        ("None", Self::None),
    ];
}

/// `dnsPolicy` and `dnsConfig` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodDns {
    /// `dnsPolicy`; what it is when not given, [`policy`](Self::policy) tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<DnsPolicy>,
    /// `dnsConfig.nameservers`: after those of the policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<Ipv4Addr>,
    /// `dnsConfig.searches`: after those of the policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<String>,
    /// Of `dnsConfig.options`: `ndots`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ndots: Option<u8>,
    /// `timeout`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u8>,
    /// `attempts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
}

impl PodDns {
    /// The options that the model knows what they do.
    pub const OPTIONS: [&'static str; 3] = ["ndots", "timeout", "attempts"];

    /// The policy.
    pub fn policy(&self) -> DnsPolicy {
        self.dns_policy.unwrap_or_default()
    }

    /// Gives an option a value. `false`: the model does not know the option.
    pub fn set_option(&mut self, name: &str, value: u8) -> bool {
        let option = match name {
            "ndots" => &mut self.ndots,
            "timeout" => &mut self.timeout,
            "attempts" => &mut self.attempts,
            _ => return false,
        };
        *option = Some(value);
        true
    }

    /// What the API server checks (`validatePodDNSConfig`).
    pub(super) fn check(&self) -> Result<(), OpError> {
        if self.policy() == DnsPolicy::None && self.nameservers.is_empty() {
            let problem = "dnsPolicy None has no nameservers";
            return Err(fault(problem, "must provide at least one DNS nameserver when `dnsPolicy` is None"));
        }
        if self.nameservers.len() > 3 {
            let problem = format!("dnsConfig has {} nameservers", self.nameservers.len());
            return Err(fault(problem, "must not have more than 3 nameservers"));
        }
        if self.searches.len() > 32 {
            let problem = format!("dnsConfig has {} searches", self.searches.len());
            return Err(fault(problem, "must not have more than 32 search paths"));
        }
        Ok(())
    }
}
