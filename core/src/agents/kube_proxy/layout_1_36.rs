//! The rules of a service port in kube-proxy 1.36 (pkg/proxy/iptables/proxier.go of that release).
//!
//! What changed since 1.20: the masquerade rule stands in the service's own chain, outside traffic comes by a chain
//! `KUBE-EXT`, endpoints of the node have a chain `KUBE-SVL`, a firewall is made only where there are source ranges,
//! addresses have no `/32`, and comments name the endpoint.

use ipnet::Ipv4Net;

use super::balance::{balance, endpoint_chains};
use super::endpoints::{is_accessible, vip};
use super::fixed::{Writer, comment};
use super::ports::PortRules;
use crate::kube::TrafficPolicy;

/// What a service port's fields and endpoints come to on a node.
struct Plan {
    /// The chain for the cluster IP.
    internal: String,
    /// The chain for what comes from outside.
    external: String,
    /// The cluster IP leads somewhere from this node.
    has_internal: bool,
    /// What comes from outside does.
    has_external: bool,
    external_local: bool,
    /// Source ranges, if they keep anybody out.
    ranges: Vec<Ipv4Net>,
}

impl Plan {
    fn of(port: &PortRules<'_>) -> Self {
        let chain = |policy| port.chain(if policy == TrafficPolicy::Local { "SVL" } else { "SVC" });
        let leads =
            |policy| port.endpoints.any && (policy == TrafficPolicy::Cluster || !port.endpoints.local.is_empty());
        let (internal, external) = (port.service.internal_traffic_policy, port.service.external_traffic_policy);
        let ranges = &port.service.load_balancer_source_ranges;
        let everybody = ranges.iter().any(|range| range.prefix_len() == 0);
        Self {
            internal: chain(internal),
            external: chain(external),
            has_internal: leads(internal),
            has_external: leads(external),
            external_local: external == TrafficPolicy::Local,
            ranges: if everybody { Vec::new() } else { ranges.clone() },
        }
    }
}

/// Writes the rules of a service port.
pub(super) fn write(writer: &mut Writer<'_>, port: &PortRules<'_>) {
    let plan = Plan::of(port);
    refusals(writer, port, &plan);
    if let Some(number) = port.service.health_check_node_port {
        let named = comment(&format!("{} health check node port", port.name));
        let rule = format!("{named}-m tcp -p tcp --dport {number} -j ACCEPT");
        writer.filter.append("KUBE-NODEPORTS", &rule, &port.why("healthCheckNodePort"));
    }
    if !port.endpoints.any {
        return;
    }
    front_ends(writer, port, &plan);
    if is_accessible(port.service, port.port) {
        external_chain(writer, port, &plan);
    }
    if !plan.ranges.is_empty() && vip(port.service).is_some() {
        firewall_chain(writer, port, &plan);
    }
    for (kind, endpoints) in [("SVC", &port.endpoints.cluster), ("SVL", &port.endpoints.local)] {
        if endpoints.is_empty() {
            continue;
        }
        let chain = port.chain(kind);
        writer.nat.chain(&chain, &port.why(""));
        if chain == plan.internal {
            masquerade_rule(writer, port, &chain);
        }
        let named: Vec<_> = endpoints
            .iter()
            .map(|endpoint| writer.unless_large(comment(&format!("{} -> {endpoint}", port.name))))
            .collect();
        let named = |at: usize, _: &_| named[at].clone();
        balance(writer, port, &chain, endpoints, named, named);
    }
    endpoint_chains(writer, port);
}

/// Who asks for what leads nowhere: without endpoints a refusal, without any on this node nothing.
fn refusals(writer: &mut Writer<'_>, port: &PortRules<'_>, plan: &Plan) {
    let (text, target, cause) = if port.endpoints.any {
        ("has no local endpoints", "DROP", "no endpoint on the node")
    } else {
        ("has no endpoints", "REJECT", "no endpoints")
    };
    if let (false, Some(address)) = (plan.has_internal, port.service.cluster_ip) {
        writer.filter.append("KUBE-SERVICES", &format!("{} -j {target}", port.to(text, &address)), &port.why(cause));
    }
    if plan.has_external {
        return;
    }
    let external = port.service.external_ips.iter().map(|address| (*address, "externalIPs"));
    for (address, field) in external.chain(vip(port.service).map(|address| (address, "loadBalancerIP"))) {
        let rule = format!("{} -j {target}", port.to(text, &address));
        writer.filter.append("KUBE-EXTERNAL-SERVICES", &rule, &port.why(&format!("{field}, {cause}")));
    }
    if let Some(number) = port.port.node_port {
        let rule = format!("{} -j {target}", port.to_node_port_here(text, number));
        writer.filter.append("KUBE-EXTERNAL-SERVICES", &rule, &port.why(&format!("nodePort, {cause}")));
    }
}

/// The ways in: the cluster IP; and from outside external IPs, the load balancer's address, the node port.
fn front_ends(writer: &mut Writer<'_>, port: &PortRules<'_>, plan: &Plan) {
    let external = port.chain("EXT");
    if let (true, Some(address)) = (plan.has_internal, port.service.cluster_ip) {
        let rule = format!("{} -j {}", port.to("cluster IP", &address), plan.internal);
        writer.nat.append("KUBE-SERVICES", &rule, &port.why("clusterIP"));
    }
    for address in &port.service.external_ips {
        let rule = format!("{} -j {external}", port.to("external IP", address));
        writer.nat.append("KUBE-SERVICES", &rule, &port.why("externalIPs"));
    }
    if let Some(address) = vip(port.service) {
        let why = port.why("loadBalancerIP");
        let to = port.to("loadbalancer IP", &address);
        if plan.ranges.is_empty() {
            writer.nat.append("KUBE-SERVICES", &format!("{to} -j {external}"), &why);
        } else {
            let firewall = port.chain("FW");
            writer.nat.append("KUBE-SERVICES", &format!("{to} -j {firewall}"), &why);
            let rest = port.to(&format!("traffic not accepted by {firewall}"), &address);
            let why = port.why("loadBalancerSourceRanges");
            writer.filter.append("KUBE-PROXY-FIREWALL", &format!("{rest} -j DROP"), &why);
        }
    }
    if let Some(number) = port.port.node_port {
        let rule = format!("{} -j {external}", port.to_node_port(number));
        writer.nat.append("KUBE-NODEPORTS", &rule, &port.why(&format!("nodePort {number}")));
    }
}

/// Who asks for the cluster IP and is no pod is masqueraded, since the answer must come back this way.
fn masquerade_rule(writer: &mut Writer<'_>, port: &PortRules<'_>, chain: &str) {
    if let (Some(address), Some(others)) = (port.service.cluster_ip, writer.masquerade_others()) {
        let rule = format!("{} {others}", port.to("cluster IP", &address));
        writer.nat.append(chain, &rule, &port.why("clusterIP"));
    }
}

/// What comes from outside. With policy Local pods and the node itself may go anywhere all the same.
fn external_chain(writer: &mut Writer<'_>, port: &PortRules<'_>, plan: &Plan) {
    let why = port.why("from outside");
    let (chain, cluster, name) = (port.chain("EXT"), port.chain("SVC"), &port.name);
    let traffic = |of: &str| comment(&format!("{of} traffic for {name} external destinations"));
    writer.nat.chain(&chain, &why);
    if plan.external_local {
        if let Some(local) = writer.local() {
            writer.nat.append(&chain, &format!("{}{local} -j {cluster}", traffic("pod")), &why);
        }
        let own = "-m addrtype --src-type LOCAL";
        writer.nat.append(&chain, &format!("{}{own} -j KUBE-MARK-MASQ", traffic("masquerade LOCAL")), &why);
        writer.nat.append(&chain, &format!("{}{own} -j {cluster}", traffic("route LOCAL")), &why);
    } else {
        writer.nat.append(&chain, &format!("{}-j KUBE-MARK-MASQ", traffic("masquerade")), &why);
    }
    if plan.has_external {
        writer.nat.append(&chain, &format!("-j {}", plan.external), &why);
    }
}

/// Who may use the load balancer's address. What it lets through to its end still has that address as destination, and
/// is dropped by KUBE-PROXY-FIREWALL for it.
fn firewall_chain(writer: &mut Writer<'_>, port: &PortRules<'_>, plan: &Plan) {
    let why = port.why("loadBalancerSourceRanges");
    let (chain, external) = (port.chain("FW"), port.chain("EXT"));
    writer.nat.chain(&chain, &why);
    let named = comment(&format!("{} loadbalancer IP", port.name));
    for range in &plan.ranges {
        let why = port.why(&format!("loadBalancerSourceRanges {range}"));
        writer.nat.append(&chain, &format!("{named}-s {range} -j {external}"), &why);
    }
    if let (true, Some(address)) = (writer.is_allowed_from_node(&plan.ranges), vip(port.service)) {
        // A node that stands behind the balancer meets its own address again.
        writer.nat.append(&chain, &format!("{named}-s {address} -j {external}"), &why);
    }
    let rest = comment(&format!("other traffic to {} will be dropped by KUBE-PROXY-FIREWALL", port.name));
    writer.nat.append(&chain, rest.trim_end(), &why);
}
