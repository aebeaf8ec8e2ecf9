//! kube-proxy in iptables mode: from services and their endpoints to the `KUBE-` chains.
//!
//! What is the same in all releases is in `fixed` and `balance`; how a release lays out the rules of a service port
//! is a module of its own. `endpoints` says which endpoints a node uses, `ports` in which order service ports come:
//! that of `namespace/name:port`, unless the cluster gives another. kube-proxy itself walks a Go map, in any order.
//!
//! Besides its rules, it forgets UDP connections to endpoints that are gone ([`conntrack`]), and answers load balancers
//! that ask a node whether it has an endpoint ([`health`]).

mod balance;
pub mod conntrack;
mod endpoints;
mod fixed;
pub mod health;
mod layout_1_20;
mod layout_1_36;
mod names;
mod pins;
mod ports;
#[cfg(test)]
mod tests;

use crate::kube::{State, Version};
use crate::netfilter::text::RestoreInput;

use fixed::Writer;
pub(crate) use fixed::localhost_node_ports;
pub(super) use fixed::masquerade_rules;
pub use names::{chain_of, endpoint_chain};
pub use pins::pins;

const AGENT: &str = "kube-proxy";
/// More endpoints than this, and the comments of their rules are left out (`largeClusterEndpointsThreshold`).
const LARGE_CLUSTER: usize = 1000;

/// The rules of kube-proxy on `node`.
pub fn rules(state: &State, node: &str) -> RestoreInput {
    let layout = Layout::of(state.cluster().kube_proxy);
    let ports = ports::service_ports(state, node, layout);
    let large = ports.iter().map(|port| port.endpoints.known).sum::<usize>() > LARGE_CLUSTER;
    let mut writer = Writer::new(state, node, layout, large);
    for port in &ports {
        match layout {
            Layout::V1_20 => layout_1_20::write(&mut writer, port),
            Layout::V1_36 => layout_1_36::write(&mut writer, port),
        }
    }
    writer.finish()
}

/// The layouts of rules that the model knows, by the release they were checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    V1_20,
    V1_36,
}

impl Layout {
    /// That of a release. [`validate`](crate::kube::validate) refuses the releases in between.
    pub(super) fn of(release: Version) -> Self {
        if release < Version::new(1, 36, 0) { Self::V1_20 } else { Self::V1_36 }
    }
}
