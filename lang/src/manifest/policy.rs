//! Network policies, as `networking.k8s.io/v1` has them.

use netscene_core::Origin;
use netscene_core::kube::{
    IpBlock, LabelOperator, LabelRequirement, LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicyRule, Object, PolicyType, TargetPort,
};

use super::fields::{Faults, Fields, parsed, text};
use super::meta::{Meta, labels};
use super::yaml::Node;
use crate::{Code, Diagnostic, SourceFile};

/// A network policy.
pub(super) fn network_policy(object: &Fields<'_>, meta: &Meta<'_>, file: &SourceFile) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let pod_selector = selector(&spec, "podSelector").unwrap_or_default();
    spec.required("podSelector");
    let policy_types = spec.list("policyTypes").iter().filter_map(|node| policy_type(node, spec.faults)).collect();
    let ingress = spec.each("ingress", "an ingress rule").into_iter().map(|one| rule(one, "from", file)).collect();
    let egress = spec.each("egress", "an egress rule").into_iter().map(|one| rule(one, "to", file)).collect();
    spec.finish(&[]);
    Some(Object::NetworkPolicy(NetworkPolicy {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        labels: meta.labels.clone(),
        annotations: meta.all_annotations(),
        pod_selector,
        policy_types,
        ingress,
        egress,
    }))
}

fn policy_type(node: &Node, faults: &Faults) -> Option<PolicyType> {
    let word = text(node, "policyTypes", faults)?;
    let found = [PolicyType::Ingress, PolicyType::Egress].into_iter().find(|of| of.as_str() == word);
    if found.is_none() {
        let label = crate::suggest::question(word, ["Ingress", "Egress"]);
        let label = label.unwrap_or_else(|| "expected Ingress or Egress".to_owned());
        faults.tell(Diagnostic::error(Code::BadValue, format!("`{word}` is no policy type")).at(node.span, label));
    }
    found
}

fn rule(fields: Fields<'_>, whom: &'static str, file: &SourceFile) -> NetworkPolicyRule {
    let origin = Some(at(&fields, file));
    let peers = fields.each(whom, "a peer").into_iter().map(|one| peer(one, file)).collect();
    let ports = fields.each("ports", "a port").into_iter().filter_map(port).collect();
    fields.finish(&[]);
    NetworkPolicyRule { peers, ports, origin }
}

/// The line that a mapping begins in.
fn at(fields: &Fields<'_>, file: &SourceFile) -> Origin {
    file.origin(fields.head())
}

fn peer(fields: Fields<'_>, file: &SourceFile) -> NetworkPolicyPeer {
    let origin = Some(at(&fields, file));
    let pod_selector = selector(&fields, "podSelector");
    let namespace_selector = selector(&fields, "namespaceSelector");
    let ip_block = fields.fields("ipBlock").and_then(|block| {
        let cidr = block.required("cidr").and_then(|node| parsed(node, "cidr", "CIDR", block.faults));
        let except = block.parsed_list("except", "CIDR");
        block.finish(&[]);
        Some(IpBlock { cidr: cidr?, except })
    });
    fields.finish(&[]);
    NetworkPolicyPeer { pod_selector, namespace_selector, ip_block, origin }
}

fn port(fields: Fields<'_>) -> Option<NetworkPolicyPort> {
    let given = fields.get("protocol").is_some();
    let protocol = fields.choice("protocol", &super::workload::PROTOCOLS);
    let port = fields.get("port").and_then(|node| match text(node, "port", fields.faults)? {
        name if name.parse::<i64>().is_err() => Some(TargetPort::Name(name.to_owned())),
        _ => parsed(node, "port", "port", fields.faults).map(TargetPort::Number),
    });
    let end_port = fields.parsed("endPort", "port");
    fields.finish(&[]);
    (protocol.is_some() || !given).then(|| NetworkPolicyPort { protocol: protocol.unwrap_or_default(), port, end_port })
}

/// A field that is a list of selectors.
pub(super) fn selectors(fields: &Fields<'_>, key: &'static str) -> Vec<LabelSelector> {
    fields.each(key, "a selector").into_iter().map(label_selector).collect()
}

/// A selector; `{}` is one, too: everything.
fn selector(fields: &Fields<'_>, key: &'static str) -> Option<LabelSelector> {
    fields.fields(key).map(label_selector)
}

fn label_selector(selector: Fields<'_>) -> LabelSelector {
    let match_labels = labels(&selector, "matchLabels");
    let expressions = selector.each("matchExpressions", "a requirement").into_iter().filter_map(requirement);
    let match_expressions = expressions.collect();
    selector.finish(&[]);
    LabelSelector { match_labels, match_expressions }
}

fn requirement(fields: Fields<'_>) -> Option<LabelRequirement> {
    let operators = [LabelOperator::In, LabelOperator::NotIn, LabelOperator::Exists, LabelOperator::DoesNotExist];
    let key = fields.required("key").and_then(|node| text(node, "key", fields.faults)).map(str::to_owned);
    fields.required("operator");
    let operator = fields.choice("operator", &operators.map(|one| (one.as_str(), one)));
    let values = fields.list("values").iter().filter_map(|node| text(node, "values", fields.faults));
    let values = values.map(str::to_owned).collect();
    fields.finish(&[]);
    Some(LabelRequirement { key: key?, operator: operator?, values })
}
