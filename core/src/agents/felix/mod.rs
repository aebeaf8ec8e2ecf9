//! Felix: from pods and pools to the `cali-` chains, the sets they look into, and the routes to local pods.
//!
//! What Felix writes carries a hash of itself, from which it sees at its next look whether anybody has changed it: that is
//! module `chain`. The chains of `fixed` are on every node, those of `workload` are made for its pods, those of `policy` for
//! the network policies about them. The rules are those of v3.16; later releases differ in single rules of these chains.

mod chain;
mod fixed;
mod mark;
mod policy;
mod release;
mod selector;
mod sets;
#[cfg(test)]
mod tests;
mod workload;

use std::sync::Arc;

use super::script::{Section, provenance};
use crate::kube::{Overlay, State, Version};
use crate::net::fib::{Route, RouteKind};
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Provenance, TableName};

use chain::Chain;
use release::Release;

pub use chain::chain_name;
pub use sets::{Members, ip_sets};

const AGENT: &str = "felix";
/// What Felix goes by on one node.
struct Context<'a> {
    state: &'a State,
    node: &'a str,
    release: Release,
    /// The provenance of rules that are the same everywhere.
    fixed: Arc<Provenance>,
}

impl<'a> Context<'a> {
    fn new(state: &'a State, node: &'a str) -> Self {
        Self { state, node, release: Release::of(state.cluster().calico), fixed: provenance(AGENT, "", "", None) }
    }

    /// The provenance of what follows from a field of the cluster.
    fn cluster(&self, field: &str) -> Arc<Provenance> {
        provenance(AGENT, format!("cluster {}", self.state.cluster().name), field, self.state.cluster_origin())
    }

    fn tunnelled(&self) -> bool {
        self.state.cluster().overlay != Overlay::Never
    }

    /// `MASQUERADE`. Felix asks the iptables of its own image, which has been new enough for `--random-fully` ever since
    /// v3.16, and the kernel of the node; the iptables that the node has is not asked.
    fn masquerade(&self) -> &'static str {
        if self.state.cluster().kernel >= Version::new(3, 14, 0) {
            "--jump MASQUERADE --random-fully"
        } else {
            "--jump MASQUERADE"
        }
    }
}

/// The tables in which Felix keeps chains.
const TABLES: [TableName; 4] = [TableName::Raw, TableName::Mangle, TableName::Nat, TableName::Filter];

/// The rules of Felix on `node`.
pub fn rules(state: &State, node: &str) -> RestoreInput {
    let context = Context::new(state, node);
    let mut input = RestoreInput::default();
    for table in TABLES {
        let mut section = Section::new(table);
        let mut chains = fixed::chains(&context, table);
        if table == TableName::Filter {
            chains.extend(workload::chains(&context));
        }
        for chain in &chains {
            section.chain(&chain.name, &chain.provenance);
            for (rule, why) in chain.rendered() {
                section.append(&chain.name, &rule, why);
            }
        }
        for inserted in fixed::inserted(&context, table) {
            for (rule, why) in inserted.rendered() {
                section.insert(&inserted.name, &rule, why);
            }
        }
        if let Some((hook, appended)) = fixed::appended(&context, table) {
            for (rule, why) in appended.rendered() {
                section.append_once(hook, &rule, why);
            }
        }
        section.finish(&mut input);
    }
    input
}

/// The routes to the pods of `node`. Protocol `boot` is Felix' default for them then (`DeviceRouteProtocol` 3), and `ip
/// route` does not print it.
pub fn routes(state: &State, node: &str) -> Vec<Route> {
    let route = |pod: &crate::kube::RunningPod| Route {
        destination: pod.address.into(),
        kind: RouteKind::Unicast,
        via: None,
        device: Some(pod.device),
        source: None,
        protocol: "boot",
        onlink: false,
        ..Route::to(pod.address.into())
    };
    state.pods_on(node).map(route).collect()
}
