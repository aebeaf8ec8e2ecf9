//! The rules of kube-proxy 1.20 (pkg/proxy/iptables/proxier.go of that release).

use std::sync::Arc;

use super::{AGENT, PortRules, endpoint_chain, masquerade_rules, probability, reject, service_ports};
use crate::agents::script::{Section, provenance};
use crate::kube::{ServiceType, State};
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Provenance, TableName};

/// The rules of a node.
pub(super) fn rules(state: &State) -> RestoreInput {
    let fixed = provenance(AGENT, "", "", None);
    let mut filter = Section::new(TableName::Filter);
    let mut nat = Section::new(TableName::Nat);
    base_chains(state, &mut filter, &mut nat, &fixed);
    for port in service_ports(state) {
        if port.endpoints.is_empty() {
            reject(&port, "/32", &mut filter);
        } else {
            front_ends(state, &port, &mut nat);
            balance(&port, &mut nat);
        }
    }
    nat.append(
        "KUBE-SERVICES",
        "-m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" \
         -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        &fixed,
    );
    forward_rules(&mut filter, &fixed);

    let mut input = RestoreInput::default();
    filter.finish(&mut input);
    nat.finish(&mut input);
    input
}

/// Chains that are always there, and the jumps to them. kube-proxy prepends the jumps one by one in the order of its
/// tables `iptablesJumpChains`, so that the last comes first in the end.
fn base_chains(state: &State, filter: &mut Section, nat: &mut Section, fixed: &Arc<Provenance>) {
    for chain in ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD"] {
        filter.chain(chain, fixed);
    }
    let new = "-m conntrack --ctstate NEW -m comment --comment";
    let external = format!("{new} \"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES");
    let services = format!("{new} \"kubernetes service portals\" -j KUBE-SERVICES");
    filter.insert("INPUT", &external, fixed);
    filter.insert("FORWARD", &external, fixed);
    filter.insert("FORWARD", &services, fixed);
    filter.insert("OUTPUT", &services, fixed);
    filter.insert("FORWARD", "-m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD", fixed);

    for chain in ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"] {
        nat.chain(chain, fixed);
    }
    let services = "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES";
    nat.insert("OUTPUT", services, fixed);
    nat.insert("PREROUTING", services, fixed);
    let postrouting = "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING";
    nat.insert("POSTROUTING", postrouting, fixed);
    masquerade_rules(state, nat, fixed);
}

fn forward_rules(filter: &mut Section, fixed: &Arc<Provenance>) {
    let established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    let comment = "-m comment --comment \"kubernetes forwarding";
    filter.append("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP", fixed);
    let marked = format!("{comment} rules\" -m mark --mark 0x00004000/0x00004000 -j ACCEPT");
    filter.append("KUBE-FORWARD", &marked, fixed);
    // Since 1.20 the two are the same but for their comments: the addresses of pods are no longer in them.
    for side in ["source", "destination"] {
        let rule = format!("{comment} conntrack pod {side} rule\" {established}");
        filter.append("KUBE-FORWARD", &rule, fixed);
    }
}

/// The ways in: the cluster IP, the load balancer's address, the node port.
fn front_ends(state: &State, port: &PortRules<'_>, nat: &mut Section) {
    let chain = format!("KUBE-SVC-{}", port.hash);
    nat.chain(&chain, &port.provenance(&port.field("")));
    if let Some(address) = port.service.cluster_ip {
        let why = port.provenance(&port.field("clusterIP"));
        let to = port.destination("cluster IP", &format!("{address}/32"));
        let from_outside = format!("{to} ! -s {} -j KUBE-MARK-MASQ", state.cluster().pod_cidr);
        nat.append("KUBE-SERVICES", &from_outside, &why);
        nat.append("KUBE-SERVICES", &format!("{to} -j {chain}"), &why);
    }
    if let (ServiceType::LoadBalancer, Some(address)) = (port.service.kind, port.service.load_balancer_ip) {
        let why = port.provenance(&port.field("loadBalancerIP"));
        let firewall = format!("KUBE-FW-{}", port.hash);
        nat.chain(&firewall, &why);
        let to = port.destination("loadbalancer IP", &format!("{address}/32"));
        nat.append("KUBE-SERVICES", &format!("{to} -j {firewall}"), &why);
        // Without source ranges the chain always ends at the second jump; the third is there all the same.
        for target in ["KUBE-MARK-MASQ", chain.as_str(), "KUBE-MARK-DROP"] {
            let rule = format!("-m comment --comment \"{} loadbalancer IP\" -j {target}", port.name);
            nat.append(&firewall, &rule, &why);
        }
    }
    if let Some(number) = port.port.node_port {
        let why = port.provenance(&port.field(&format!("nodePort {number}")));
        let protocol = port.port.protocol.lower();
        for target in ["KUBE-MARK-MASQ", chain.as_str()] {
            let rule =
                format!("-m comment --comment {} -m {protocol} -p {protocol} --dport {number} -j {target}", port.name);
            nat.append("KUBE-NODEPORTS", &rule, &why);
        }
    }
}

/// The toss of the coin, and what follows from each side. The last endpoint takes all that the others left.
fn balance(port: &PortRules<'_>, nat: &mut Section) {
    let chain = format!("KUBE-SVC-{}", port.hash);
    let comment = format!("-m comment --comment {}", port.name);
    let protocol = port.port.protocol.lower();
    for (index, endpoint) in port.endpoints.iter().enumerate() {
        let why = port.provenance(&port.field(&format!("endpoint {endpoint}")));
        let own = endpoint_chain(port.service, port.port, endpoint);
        nat.chain(&own, &why);
        let choice = probability(port.endpoints.len() - index);
        nat.append(&chain, &format!("{comment} {choice}-j {own}"), &why);
        // A pod that reaches itself through its service must not see its own address as the sender.
        nat.append(&own, &format!("{comment} -s {}/32 -j KUBE-MARK-MASQ", endpoint.address), &why);
        let rule = format!("{comment} -m {protocol} -p {protocol} -j DNAT --to-destination {endpoint}");
        nat.append(&own, &rule, &why);
    }
}
