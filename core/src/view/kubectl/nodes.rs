//! Nodes.

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, NONE, joined};
use crate::kube::{Labels, Node, State, Version};

pub(super) const COLUMNS: Columns = Columns {
    usual: &["STATUS", "ROLES", "AGE", "VERSION"],
    wide: &["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"],
};

/// What kubectl prints for a field of a node that is empty.
const UNKNOWN: &str = "<unknown>";

/// All three numbers of a release.
fn full(version: Version) -> String {
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let version = format!("v{}", full(cluster.server()));
    let kernel = full(cluster.state.cluster().kernel);
    let row = |declared: &crate::kube::Declared<Node>| {
        let node = &declared.object;
        // Whether the node controller has heard from its kubelet (`printNode`).
        let ready = if cluster.state.node_is_ready(&node.name.as_str().into()) { "Ready" } else { "NotReady" };
        let usual = vec![ready.to_owned(), roles(node), cluster.age(declared.created), version.clone()];
        let (none, unknown) = (NONE.to_owned(), UNKNOWN.to_owned());
        let wide = vec![node.address.to_string(), none, unknown.clone(), kernel.clone(), unknown];
        Row { wide, labels: node.all_labels(), ..Row::new("", &node.hostname, usual) }
    };
    cluster.state.nodes().map(row).collect()
}

/// The names behind `node-role.kubernetes.io/` (`findNodeRoles`).
fn roles(node: &Node) -> String {
    let mut roles: Vec<_> =
        node.labels.keys().filter_map(|key| key.strip_prefix("node-role.kubernetes.io/")).map(str::to_owned).collect();
    roles.sort();
    joined(&roles)
}

/// The node's address, with the length of its network.
pub(in crate::view) fn with_prefix(state: &State, node: &Node) -> String {
    format!("{}/{}", node.address, state.network_of(node.address).network.prefix_len())
}

/// What the model knows of a node: its addresses, what Calico notes of it, its kernel and its pods.
pub(super) fn describe(cluster: Cluster<'_>, hostname: &str) -> Option<Sheet> {
    let state = cluster.state;
    let node = state.nodes().map(|declared| &declared.object).find(|node| node.hostname == hostname)?;
    let mut sheet = Sheet::default();
    sheet.field("Name", hostname);
    sheet.field("Roles", roles(node));
    sheet.labels("Labels", &node.all_labels());
    // calico-node notes what the other nodes have to know.
    let tunnel = state.tunnel_address(&node.name).map(|address| address.to_string());
    let annotation = |(key, value): (&str, String)| (format!("projectcalico.org/{key}"), value);
    let notes =
        [("IPv4Address", with_prefix(state, node))].into_iter().chain(tunnel.map(|at| ("IPv4IPIPTunnelAddr", at)));
    sheet.annotations(cluster, &notes.map(annotation).collect::<Labels>());
    sheet.line("Addresses:");
    sheet.line(&format!("  InternalIP:\t{}", node.address));
    sheet.line(&format!("  Hostname:\t{hostname}"));
    sheet.line("System Info:");
    sheet.line(&format!("  Kernel Version:\t{}", full(state.cluster().kernel)));
    sheet.line(&format!("  Kube-Proxy Version:\tv{}", full(cluster.server())));
    let mut pods: Vec<_> = state.pods().filter(|pod| *pod.node == *node.name && pod.runs()).collect();
    pods.sort_by_key(|pod| &pod.key);
    sheet.line(&format!("Non-terminated Pods:\t({} in total)", pods.len()));
    sheet.line("  Namespace\tName\tAGE");
    sheet.line("  ---------\t----\t---");
    for pod in pods {
        sheet.line(&format!("  {}\t{}\t{}", pod.namespace, pod.name, cluster.age(pod.created)));
    }
    sheet.events();
    Some(sheet)
}
