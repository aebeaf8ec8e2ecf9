//! The rules of a service port in kube-proxy 1.20 (pkg/proxy/iptables/proxier.go of that release).

use super::balance::{balance, endpoint_chains};
use super::endpoints::{only_local, vip};
use super::fixed::{Writer, comment};
use super::ports::PortRules;

/// Writes the rules of a service port.
pub(super) fn write(writer: &mut Writer<'_>, port: &PortRules<'_>) {
    let local = only_local(port.service);
    if local {
        // It is made even where nothing goes to it.
        writer.nat.chain(&port.chain("XLB"), &port.why("externalTrafficPolicy Local"));
    }
    if !port.endpoints.any {
        return reject(writer, port);
    }
    let service_chain = port.chain("SVC");
    writer.nat.chain(&service_chain, &port.why(""));
    front_ends(writer, port, local);
    let named = writer.unless_large(comment(&port.name));
    balance(writer, port, &service_chain, &port.endpoints.cluster, |_, _| named.clone(), |_, _| named.clone());
    endpoint_chains(writer, port);
    if local {
        local_chain(writer, port);
    }
}

/// A service port without endpoints: whoever asks is told at once.
fn reject(writer: &mut Writer<'_>, port: &PortRules<'_>) {
    let text = "has no endpoints";
    let mut refuse = |chain: &str, address, field: &str| {
        let rule = format!("{} -j REJECT", port.to(text, &writer.address(address)));
        writer.filter.append(chain, &rule, &port.why(field));
    };
    if let Some(address) = port.service.cluster_ip {
        refuse("KUBE-SERVICES", address, "no endpoints");
    }
    for address in &port.service.external_ips {
        refuse("KUBE-EXTERNAL-SERVICES", *address, "externalIPs, no endpoints");
    }
    if let Some(address) = vip(port.service) {
        refuse("KUBE-EXTERNAL-SERVICES", address, "loadBalancerIP, no endpoints");
    }
    if let Some(number) = port.port.node_port {
        let rule = format!("{} -j REJECT", port.to_node_port_here(text, number));
        writer.filter.append("KUBE-EXTERNAL-SERVICES", &rule, &port.why("nodePort, no endpoints"));
    }
}

/// The ways in: the cluster IP, external IPs, the load balancer's address, the node port.
fn front_ends(writer: &mut Writer<'_>, port: &PortRules<'_>, local: bool) {
    let (cluster, external) = (port.chain("SVC"), port.chain(if local { "XLB" } else { "SVC" }));
    if let Some(address) = port.service.cluster_ip {
        let why = port.why("clusterIP");
        let to = port.to("cluster IP", &writer.address(address));
        if let Some(others) = writer.masquerade_others() {
            writer.nat.append("KUBE-SERVICES", &format!("{to} {others}"), &why);
        }
        writer.nat.append("KUBE-SERVICES", &format!("{to} -j {cluster}"), &why);
    }
    for address in &port.service.external_ips {
        let why = port.why("externalIPs");
        let to = port.to("external IP", &writer.address(*address));
        if !local {
            writer.nat.append("KUBE-SERVICES", &format!("{to} -j KUBE-MARK-MASQ"), &why);
        }
        // Neither from a bridge, as of a container, nor from the node itself; or to an address that is the node's.
        for way in ["-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL", "-m addrtype --dst-type LOCAL"] {
            writer.nat.append("KUBE-SERVICES", &format!("{to} {way} -j {external}"), &why);
        }
    }
    if let Some(address) = vip(port.service) {
        let why = port.why("loadBalancerIP");
        let firewall = port.chain("FW");
        let to = port.to("loadbalancer IP", &writer.address(address));
        writer.nat.append("KUBE-SERVICES", &format!("{to} -j {firewall}"), &why);
        let address = writer.address(address);
        firewall_chain(writer, port, &address, &external, local);
    }
    if let Some(number) = port.port.node_port {
        let why = port.why(&format!("nodePort {number}"));
        let from = if local { " -s 127.0.0.0/8" } else { "" };
        let to = port.to_node_port(number);
        writer.nat.append("KUBE-NODEPORTS", &format!("{to}{from} -j KUBE-MARK-MASQ"), &why);
        writer.nat.append("KUBE-NODEPORTS", &format!("{to} -j {external}"), &why);
    }
}

/// Who may use the load balancer's address. It is there without source ranges too; the last rule is then never met.
fn firewall_chain(writer: &mut Writer<'_>, port: &PortRules<'_>, address: &str, external: &str, local: bool) {
    let why = port.why("loadBalancerIP");
    let chain = port.chain("FW");
    writer.nat.chain(&chain, &why);
    let named = comment(&format!("{} loadbalancer IP", port.name));
    if !local {
        writer.nat.append(&chain, &format!("{named}-j KUBE-MARK-MASQ"), &why);
    }
    let ranges = &port.service.load_balancer_source_ranges;
    if ranges.is_empty() {
        writer.nat.append(&chain, &format!("{named}-j {external}"), &why);
    }
    for range in ranges {
        let why = port.why(&format!("loadBalancerSourceRanges {range}"));
        writer.nat.append(&chain, &format!("{named}-s {range} -j {external}"), &why);
    }
    if writer.is_allowed_from_node(ranges) {
        // A node that stands behind the balancer meets its own address again.
        let why = port.why("loadBalancerSourceRanges, the node's own address");
        writer.nat.append(&chain, &format!("{named}-s {address} -j {external}"), &why);
    }
    writer.nat.append(&chain, &format!("{named}-j KUBE-MARK-DROP"), &why);
}

/// externalTrafficPolicy Local: pods and the node itself may go anywhere, others to endpoints of this node.
fn local_chain(writer: &mut Writer<'_>, port: &PortRules<'_>) {
    let why = port.why("externalTrafficPolicy Local");
    let (chain, service_chain, name) = (port.chain("XLB"), port.chain("SVC"), &port.name);
    if let Some(local) = writer.local() {
        let named = comment("Redirect pods trying to reach external loadbalancer VIP to clusterIP");
        writer.nat.append(&chain, &format!("{named}{local} -j {service_chain}"), &why);
    }
    let own = "-m addrtype --src-type LOCAL";
    let named = comment(&format!("masquerade LOCAL traffic for {name} LB IP"));
    writer.nat.append(&chain, &format!("{named}{own} -j KUBE-MARK-MASQ"), &why);
    let named = comment(&format!("route LOCAL traffic for {name} LB IP to service chain"));
    writer.nat.append(&chain, &format!("{named}{own} -j {service_chain}"), &why);
    if port.endpoints.local.is_empty() {
        let named = comment(&format!("{name} has no local endpoints"));
        writer.nat.append(&chain, &format!("{named}-j KUBE-MARK-DROP"), &port.why("no endpoint on the node"));
    }
    let tossed = |at: usize, _: &_| comment(&format!("Balancing rule {at} for {name}"));
    balance(writer, port, &chain, &port.endpoints.local, |_, _| comment(name), tossed);
}
