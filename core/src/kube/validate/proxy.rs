//! How kube-proxy is configured.

use super::super::{Cluster, DetectLocal, Version};
use super::fault;
use crate::world::OpError;

/// Refuses what kube-proxy of that release would refuse, or would not know.
pub(super) fn options(cluster: &Cluster) -> Result<(), OpError> {
    let options = &cluster.kube_proxy_options;
    if options.masquerade_bit > 31 {
        let problem = format!("masqueradeBit {} is no bit of a mark", options.masquerade_bit);
        return Err(fault(problem, "use one from 0 to 31, such as 14"));
    }
    if let DetectLocal::InterfaceNamePrefix(prefix) = &options.detect_local
        && !(1..=14).contains(&prefix.len())
    {
        let problem = format!("`{prefix}` cannot be the beginning of a device's name");
        return Err(fault(problem, "use 1 to 14 characters, such as cali"));
    }
    let by_device =
        matches!(options.detect_local, DetectLocal::BridgeInterface(_) | DetectLocal::InterfaceNamePrefix(_));
    let newer = [
        ("localhostNodePorts", Version::new(1, 26, 0), !options.localhost_node_ports),
        ("conntrackTCPBeLiberal", Version::new(1, 29, 0), options.tcp_be_liberal),
        ("detectLocalMode by device", Version::new(1, 24, 0), by_device),
    ];
    match newer.into_iter().find(|(_, since, given)| *given && cluster.kube_proxy < *since) {
        None => Ok(()),
        Some((option, since, _)) => {
            let problem = format!("kubeProxy {} has no {option}", cluster.kube_proxy);
            Err(fault(problem, format!("leave it out, or use a release from {since}")))
        }
    }
}
