//! Network policies (kubectl, `describeNetworkPolicySpec`).

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, NONE, key};
use crate::kube::{
    Declared, LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, PolicyType,
    TargetPort,
};

pub(super) const COLUMNS: Columns = Columns { usual: &["POD-SELECTOR", "AGE"], wide: &[] };

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<NetworkPolicy>| {
        let policy = &declared.object;
        let usual = vec![selector(&policy.pod_selector), cluster.age(declared.created)];
        Row { labels: policy.labels.clone(), ..Row::new(&policy.namespace, &policy.name, usual) }
    };
    cluster.state.network_policies().map(row).collect()
}

fn selector(selector: &LabelSelector) -> String {
    if selector.is_empty() { NONE.to_owned() } else { selector.to_string() }
}

pub(super) fn describe(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let mut policies = cluster.state.network_policies().map(|declared| &declared.object);
    let policy = policies.find(|policy| key(&policy.namespace, &policy.name) == of)?;
    let mut sheet = Sheet::default();
    sheet.field("Name", &policy.name);
    sheet.field("Namespace", &policy.namespace);
    // The date of virtual time is not known.
    sheet.field("Created on", "<unknown>");
    sheet.labels("Labels", &policy.labels);
    sheet.annotations(cluster, &policy.annotations);
    sheet.line("Spec:");
    let about = match &policy.pod_selector {
        selector if selector.is_empty() => {
            format!("{NONE} (Allowing the specific traffic to all pods in this namespace)")
        }
        selector => selector.to_string(),
    };
    // kubectl indents the value, too.
    sheet.line(&format!("  PodSelector:     {about}"));
    let types = policy.types();
    for (of, word) in [(PolicyType::Ingress, "ingress"), (PolicyType::Egress, "egress")] {
        if types.contains(&of) {
            sheet.line(&format!("  Allowing {word} traffic:"));
            rules(&mut sheet, word, policy.rules(of));
        } else {
            sheet.line(&format!("  Not affecting {word} traffic"));
        }
    }
    let types: Vec<_> = types.into_iter().map(PolicyType::as_str).collect();
    sheet.line(&format!("  Policy Types: {}", types.join(", ")));
    Some(sheet)
}

fn rules(sheet: &mut Sheet, word: &str, rules: &[NetworkPolicyRule]) {
    if rules.is_empty() {
        sheet.line(&format!("    {NONE} (Selected pods are isolated for {word} connectivity)"));
    }
    let (side, restricted) = if word == "ingress" { ("From", "source") } else { ("To", "destination") };
    for (at, rule) in rules.iter().enumerate() {
        if at > 0 {
            sheet.line("    ----------");
        }
        if rule.ports.is_empty() {
            sheet.line("    To Port: <any> (traffic allowed to all ports)");
        }
        for port in &rule.ports {
            sheet.line(&format!("    To Port: {}", written(port)));
        }
        if rule.peers.is_empty() {
            sheet.line(&format!("    {side}: <any> (traffic not restricted by {restricted})"));
        }
        for peer in &rule.peers {
            sheet.line(&format!("    {side}:"));
            self::peer(sheet, peer);
        }
    }
}

fn written(port: &NetworkPolicyPort) -> String {
    let number = match &port.port {
        None => "<nil>".to_owned(),
        Some(TargetPort::Number(number)) => number.to_string(),
        Some(TargetPort::Name(name)) => name.clone(),
    };
    let end = port.end_port.map(|end| format!("-{end}")).unwrap_or_default();
    format!("{number}{end}/{}", port.protocol.upper())
}

fn peer(sheet: &mut Sheet, peer: &NetworkPolicyPeer) {
    for (name, one) in [("NamespaceSelector", &peer.namespace_selector), ("PodSelector", &peer.pod_selector)] {
        if let Some(one) = one {
            sheet.line(&format!("      {name}: {}", selector(one)));
        }
    }
    if let Some(block) = &peer.ip_block {
        let except: Vec<_> = block.except.iter().map(ToString::to_string).collect();
        sheet.line("      IPBlock:");
        sheet.line(&format!("        CIDR: {}", block.cidr));
        sheet.line(&format!("        Except: {}", except.join(", ")));
    }
}
