use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::packet::DeviceName;

/// How kube-proxy is configured (`KubeProxyConfiguration`), with its own defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeProxyOptions {
    /// `iptables.masqueradeAll`: whoever asks for a cluster IP is masqueraded.
    pub masquerade_all: bool,
    /// `iptables.masqueradeBit`: the bit of the mark.
    pub masquerade_bit: u8,
    /// `detectLocalMode`: how a pod's traffic is told from that of others.
    pub detect_local: DetectLocal,
    /// `nodePortAddresses`: the networks whose addresses of a node have node ports; every address when empty.
    pub node_port_addresses: Vec<Ipv4Net>,
    /// `iptables.localhostNodePorts` (since 1.26): node ports at 127.0.0.1.
    pub localhost_node_ports: bool,
    /// `conntrack.tcpBeLiberal` (since 1.29): no TCP segment is INVALID for its place in the window.
    pub tcp_be_liberal: bool,
    /// The order in which the rules of service ports are written: `namespace/name:port`, or `namespace/name` for all
    /// ports of a service. The others follow by name. kube-proxy itself has no such option: it walks a Go map, which is
    /// in another order at each run, and a listing shows one of them.
    pub order: Vec<String>,
}

impl Default for KubeProxyOptions {
    fn default() -> Self {
        Self {
            masquerade_all: false,
            masquerade_bit: 14,
            detect_local: DetectLocal::ClusterCidr,
            node_port_addresses: Vec::new(),
            localhost_node_ports: true,
            tcp_be_liberal: false,
            order: Vec::new(),
        }
    }
}

/// `detectLocalMode` of kube-proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetectLocal {
    /// Sources in the cluster's podCIDR are pods.
    #[default]
    #[serde(rename = "ClusterCIDR")]
    ClusterCidr,
    /// Sources in the node's podCIDR are.
    #[serde(rename = "NodeCIDR")]
    NodeCidr,
    /// What comes in by this bridge does.
    BridgeInterface(DeviceName),
    /// What comes in by a device whose name begins so does.
    InterfaceNamePrefix(String),
}
