//! Network policies (networking/v1 `ValidateNetworkPolicySpec`, metav1 `ValidateLabelSelector`), and what a release of
//! Kubernetes knows of them.

use super::super::{
    IpBlock, LabelRequirement, LabelSelector, Labels, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicyRule, PolicyType, State, TargetPort, Version,
};
use super::{dns_label, dns_subdomain, fault, fault_beside, is_dns_part, port, unique};
use crate::world::OpError;

/// The first release whose API server takes `endPort` without being asked to (KEP-2079: beta).
const END_PORT: Version = Version::new(1, 22, 0);

pub(super) fn network_policy(state: &State, policy: &NetworkPolicy) -> Result<(), OpError> {
    dns_label("a namespace's name", &policy.namespace)?;
    dns_subdomain("a network policy's name", &policy.name)?;
    unique(&state.network_policies, "network policy", &format!("{}/{}", policy.namespace, policy.name))?;
    if policy.policy_types.len() > 2 {
        let problem = format!("network policy {} has {} policyTypes", policy.name, policy.policy_types.len());
        return Err(fault(problem, "there are no more than Ingress and Egress"));
    }
    selector("podSelector", &policy.pod_selector)?;
    for of in [PolicyType::Ingress, PolicyType::Egress] {
        for (at, rule) in policy.rules(of).iter().enumerate() {
            let at = format!("{} rule {} of network policy {}", word(of), at + 1, policy.name);
            self::rule(state, rule, &at)?;
        }
    }
    Ok(())
}

fn word(of: PolicyType) -> &'static str {
    match of {
        PolicyType::Ingress => "ingress",
        PolicyType::Egress => "egress",
    }
}

fn rule(state: &State, rule: &NetworkPolicyRule, at: &str) -> Result<(), OpError> {
    for listed in &rule.ports {
        rule_port(state, listed, at)?;
    }
    rule.peers.iter().try_for_each(|one| peer(one, at))
}

fn rule_port(state: &State, listed: &NetworkPolicyPort, at: &str) -> Result<(), OpError> {
    match &listed.port {
        Some(TargetPort::Number(number)) => port(&format!("a port of {at}"), *number)?,
        Some(TargetPort::Name(name)) => port_name(name)?,
        None => {}
    }
    let Some(end) = listed.end_port else { return Ok(()) };
    let release = state.cluster().kube_proxy;
    if release < END_PORT {
        let problem = format!("Kubernetes {release} knows no endPort, which {at} has");
        let hint = format!("give each port by itself, or use kubeProxy {END_PORT} or later");
        return Err(fault_beside(problem, hint, state.cluster_origin(), format!("kubeProxy is {release}")));
    }
    match &listed.port {
        Some(TargetPort::Number(first)) if end < *first => {
            let problem = format!("{at} has an endPort {end} below its port {first}");
            Err(fault(problem, format!("use {first} or more")))
        }
        Some(TargetPort::Number(_)) => Ok(()),
        _ => Err(fault(format!("{at} has an endPort and no port by number"), "give the first port, too")),
    }
}

/// `IsValidPortName`: an IANA service name.
fn port_name(name: &str) -> Result<(), OpError> {
    let good =
        is_dns_part(name) && name.len() <= 15 && !name.contains("--") && name.bytes().any(|c| c.is_ascii_lowercase());
    if good {
        return Ok(());
    }
    let hint = "use at most 15 lower-case letters, digits and single `-`, a letter among them";
    Err(fault(format!("`{name}` cannot be a port's name"), hint))
}

fn peer(peer: &NetworkPolicyPeer, at: &str) -> Result<(), OpError> {
    let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
    match (&peer.ip_block, selects) {
        (None, false) => Err(fault(format!("{at} has a peer that is nobody"), "give it a selector or an ipBlock")),
        (Some(_), true) => {
            let problem = format!("{at} has a peer with both a selector and an ipBlock");
            Err(fault(problem, "make two peers of it"))
        }
        (Some(block), false) => ip_block(block, at),
        (None, true) => {
            for (name, one) in [("podSelector", &peer.pod_selector), ("namespaceSelector", &peer.namespace_selector)] {
                one.as_ref().map_or(Ok(()), |one| selector(name, one))?;
            }
            Ok(())
        }
    }
}

fn ip_block(block: &IpBlock, at: &str) -> Result<(), OpError> {
    let cidr = block.cidr;
    for except in &block.except {
        if except.prefix_len() <= cidr.prefix_len() || !cidr.contains(&except.addr()) {
            let problem = format!("{at} excepts {except}, which is no part of {cidr}");
            return Err(fault(problem, "except networks that lie in the block and are smaller"));
        }
    }
    Ok(())
}

pub(super) fn selector(what: &str, selector: &LabelSelector) -> Result<(), OpError> {
    labels(what, &selector.match_labels)?;
    for LabelRequirement { key, operator, values } in &selector.match_expressions {
        label_key(what, key)?;
        if operator.takes_values() == values.is_empty() {
            let (has, cure) = if values.is_empty() { ("no values", "give some") } else { ("values", "leave them out") };
            let problem = format!("{} of {key} in a {what} has {has}", operator.as_str());
            return Err(fault(problem, cure));
        }
        values.iter().try_for_each(|value| label_value(what, value))?;
    }
    Ok(())
}

/// Labels that Kubernetes takes.
pub(in crate::kube) fn labels(what: &str, labels: &Labels) -> Result<(), OpError> {
    for (key, value) in labels {
        label_key(what, key)?;
        label_value(what, value)?;
    }
    Ok(())
}

/// apimachinery, `IsQualifiedName`.
pub(super) fn label_key(what: &str, key: &str) -> Result<(), OpError> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let good = !name.is_empty()
        && is_label_text(name)
        && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_part));
    if good {
        return Ok(());
    }
    let hint = "use at most 63 letters, digits, `-`, `_` and `.`, perhaps behind a domain and a `/`";
    Err(fault(format!("`{key}` in {what} cannot be a label's key"), hint))
}

fn label_value(what: &str, value: &str) -> Result<(), OpError> {
    if is_label_text(value) {
        return Ok(());
    }
    let hint = "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    Err(fault(format!("`{value}` in {what} cannot be a label's value"), hint))
}

fn is_label_text(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let end = |c: Option<&u8>| c.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63 && bytes.iter().copied().all(inner) && end(bytes.first()) && end(bytes.last())
}
