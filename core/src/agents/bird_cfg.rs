//! `bird.cfg`, as confd of calico-node writes it (Calico 3.16, `bird.cfg.template`): the sessions, which are what differs
//! from node to node. What stands above them in the file is the same everywhere and is not modelled.

use std::fmt::Write;

use crate::kube::{State, Version};

/// From 3.18 on each session says from which address it is to be opened.
const WITH_SOURCE: Version = Version::new(3, 18, 0);

/// The part of `bird.cfg` on `node` from the mesh on; nothing for what is no node.
pub fn sessions(state: &State, node: &str) -> String {
    let Some(own) = state.node(node).map(|node| &node.object) else { return String::new() };
    let mut text = "# ------------- Node-to-node mesh -------------\n\n\n\n\n".to_owned();
    let mut peers: Vec<_> = state.nodes().map(|node| &node.object).collect();
    peers.sort_by(|a, b| a.hostname.cmp(&b.hostname));
    for peer in peers {
        // A String takes everything that is written to it.
        let _ = write!(text, "\n# For peer /host/{}/ip_addr_v4\n", peer.hostname);
        if peer.name == own.name {
            let _ = write!(text, "# Skipping ourselves ({})\n\n\n", peer.address);
            continue;
        }
        let address = peer.address.to_string();
        let _ = writeln!(text, "protocol bgp Mesh_{} from bgp_template {{", address.replace('.', "_"));
        let _ = writeln!(text, "  neighbor {address} as 64512;");
        if state.cluster().calico >= WITH_SOURCE {
            let _ = writeln!(text, "  source address {};", own.address);
        }
        // As texts, not as numbers: the template compares strings.
        if address > own.address.to_string() {
            text.push_str("  passive on; # Mesh is unidirectional, peer will connect to us.\n");
        }
        text.push_str("}\n\n\n");
    }
    text.push_str("\n# ------------- Global peers -------------\n# No global peers configured.\n\n\n");
    text.push_str("# ------------- Node-specific peers -------------\n\n# No node-specific peers configured.\n\n");
    text
}
