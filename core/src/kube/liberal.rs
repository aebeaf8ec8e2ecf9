//! What kube-proxy reads of a node's kernel once, when it starts.

use std::sync::Arc;

use super::State;

/// Set, no TCP segment is INVALID for its place in the window.
const TCP_BE_LIBERAL: &str = "net.netfilter.nf_conntrack_tcp_be_liberal";

impl State {
    /// kube-proxy starts on a node, and reads what is set there by `sysctl` (`NewProxier`). What is set afterwards it does
    /// not hear of.
    pub fn start_kube_proxy(&mut self, node: &str) {
        let Some(declared) = self.nodes.get(node) else { return };
        let liberal = declared.object.sysctls.get(TCP_BE_LIBERAL).is_some_and(|value| value != "0");
        if liberal != self.found_liberal(node) {
            let nodes = Arc::make_mut(&mut self.liberal);
            if liberal {
                nodes.insert(node.into())
            } else {
                nodes.remove(node)
            };
        }
    }

    /// Whether kube-proxy found `nf_conntrack_tcp_be_liberal` set when it started on a node.
    pub fn found_liberal(&self, node: &str) -> bool {
        self.liberal.contains(node)
    }

    /// The node is no more.
    pub(super) fn forget_kube_proxy(&mut self, node: &str) {
        if self.found_liberal(node) {
            Arc::make_mut(&mut self.liberal).remove(node);
        }
    }
}
