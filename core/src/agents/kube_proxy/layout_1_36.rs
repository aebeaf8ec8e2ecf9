//! The rules of kube-proxy 1.36 (pkg/proxy/iptables/proxier.go of that release).
//!
//! What changed since 1.20: the masquerade rule stands in the service's own chain, outside traffic comes by a chain
//! `KUBE-EXT`, addresses have no `/32`, and comments name the endpoint.

use std::sync::Arc;

use super::{AGENT, PortRules, endpoint_chain, masquerade_rules, probability, reject, service_ports};
use crate::agents::script::{Section, provenance};
use crate::kube::{ServiceType, State};
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Provenance, TableName};

/// More endpoints than this, and the comments of their rules are left out (`largeClusterEndpointsThreshold`).
const LARGE_CLUSTER: usize = 1000;

/// The rules of a node.
pub(super) fn rules(state: &State) -> RestoreInput {
    let fixed = provenance(AGENT, "", "", None);
    let mut filter = Section::new(TableName::Filter);
    let mut nat = Section::new(TableName::Nat);
    base_chains(state, &mut filter, &mut nat, &fixed);
    let ports = service_ports(state);
    let large = ports.iter().map(|port| port.endpoints.len()).sum::<usize>() > LARGE_CLUSTER;
    for port in &ports {
        if port.endpoints.is_empty() {
            reject(port, "", &mut filter);
        } else {
            front_ends(port, &mut nat);
            balance(state, port, large, &mut nat);
        }
    }
    nat.append(
        "KUBE-SERVICES",
        "-m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" \
         -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        &fixed,
    );
    fixed_filter_rules(&mut filter, &fixed);

    let mut input = RestoreInput::default();
    filter.finish(&mut input);
    nat.finish(&mut input);
    input
}

/// Chains that are always there, and the jumps to them, in the order in which kube-proxy prepends them.
fn base_chains(state: &State, filter: &mut Section, nat: &mut Section, fixed: &Arc<Provenance>) {
    let chains = ["SERVICES", "EXTERNAL-SERVICES", "FORWARD", "NODEPORTS", "PROXY-FIREWALL", "FIREWALL"];
    for chain in chains {
        filter.chain(&format!("KUBE-{chain}"), fixed);
    }
    let new = "-m conntrack --ctstate NEW -m comment --comment";
    let external = format!("{new} \"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES");
    let services = format!("{new} \"kubernetes service portals\" -j KUBE-SERVICES");
    let firewall = format!("{new} \"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL");
    filter.insert("INPUT", &external, fixed);
    filter.insert("FORWARD", &external, fixed);
    filter.insert("INPUT", "-m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS", fixed);
    filter.insert("FORWARD", &services, fixed);
    filter.insert("OUTPUT", &services, fixed);
    filter.insert("FORWARD", "-m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD", fixed);
    for hook in ["INPUT", "OUTPUT", "FORWARD"] {
        filter.insert(hook, &firewall, fixed);
    }
    for hook in ["INPUT", "OUTPUT"] {
        filter.insert(hook, "-j KUBE-FIREWALL", fixed);
    }

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

fn fixed_filter_rules(filter: &mut Section, fixed: &Arc<Provenance>) {
    let comment = "-m comment --comment \"kubernetes forwarding";
    for rule in [
        "-m conntrack --ctstate INVALID -j DROP".to_owned(),
        format!("{comment} rules\" -m mark --mark 0x00004000/0x00004000 -j ACCEPT"),
        format!("{comment} conntrack rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
    ] {
        filter.append("KUBE-FORWARD", &rule, fixed);
    }
    filter.append(
        "KUBE-FIREWALL",
        "-m comment --comment \"block incoming localnet connections\" -d 127.0.0.0/8 ! -s 127.0.0.0/8 \
         -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
        fixed,
    );
}

/// The ways in: the cluster IP, and from outside the load balancer's address and the node port.
fn front_ends(port: &PortRules<'_>, nat: &mut Section) {
    let chain = format!("KUBE-SVC-{}", port.hash);
    let external = format!("KUBE-EXT-{}", port.hash);
    nat.chain(&chain, &port.provenance(&port.field("")));
    if let Some(address) = port.service.cluster_ip {
        let why = port.provenance(&port.field("clusterIP"));
        nat.append("KUBE-SERVICES", &format!("{} -j {chain}", port.destination("cluster IP", &address)), &why);
    }
    let mut reached = false;
    if let (ServiceType::LoadBalancer, Some(address)) = (port.service.kind, port.service.load_balancer_ip) {
        let why = port.provenance(&port.field("loadBalancerIP"));
        nat.append("KUBE-SERVICES", &format!("{} -j {external}", port.destination("loadbalancer IP", &address)), &why);
        reached = true;
    }
    if let Some(number) = port.port.node_port {
        let why = port.provenance(&port.field(&format!("nodePort {number}")));
        let (name, protocol) = (&port.name, port.port.protocol.lower());
        let rule = format!("-m comment --comment {name} -m {protocol} -p {protocol} --dport {number} -j {external}");
        nat.append("KUBE-NODEPORTS", &rule, &why);
        reached = true;
    }
    if reached {
        let why = port.provenance(&port.field("from outside"));
        nat.chain(&external, &why);
        let comment = format!("masquerade traffic for {} external destinations", port.name);
        nat.append(&external, &format!("-m comment --comment \"{comment}\" -j KUBE-MARK-MASQ"), &why);
        nat.append(&external, &format!("-j {chain}"), &why);
    }
}

/// Masquerading what comes from outside the cluster, the toss of the coin, and what follows from each side.
fn balance(state: &State, port: &PortRules<'_>, large: bool, nat: &mut Section) {
    let chain = format!("KUBE-SVC-{}", port.hash);
    if let Some(address) = port.service.cluster_ip {
        let why = port.provenance(&port.field("clusterIP"));
        let to = port.destination("cluster IP", &address);
        nat.append(&chain, &format!("{to} ! -s {} -j KUBE-MARK-MASQ", state.cluster().pod_cidr), &why);
    }
    let comment = |text: &str, quote: &str| {
        if large { String::new() } else { format!("-m comment --comment {quote}{}{text}{quote} ", port.name) }
    };
    let protocol = port.port.protocol.lower();
    for (index, endpoint) in port.endpoints.iter().enumerate() {
        let why = port.provenance(&port.field(&format!("endpoint {endpoint}")));
        let own = endpoint_chain(port.service, port.port, endpoint);
        let choice = probability(port.endpoints.len() - index);
        let named = comment(&format!(" -> {endpoint}"), "\"");
        nat.append(&chain, &format!("{named}{choice}-j {own}"), &why);
        nat.chain(&own, &why);
        let named = comment("", "");
        // A pod that reaches itself through its service must not see its own address as the sender.
        nat.append(&own, &format!("{named}-s {} -j KUBE-MARK-MASQ", endpoint.address), &why);
        nat.append(&own, &format!("{named}-m {protocol} -p {protocol} -j DNAT --to-destination {endpoint}"), &why);
    }
}
