//! Network policies, and the labels of namespaces.

use netscene_core::kube::{
    IpBlock, LabelOperator, LabelRequirement, LabelSelector, Labels, NetworkPolicy, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicyRule, Object, PolicyType, TargetPort,
};

use super::declare::Field;
use super::{Checker, values};
use crate::ast::{Block, Peer, PortField, Requirement, Statement, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

impl Checker<'_> {
    /// The labels that a namespace is given in its braces.
    pub(super) fn namespace_labels(&mut self, body: &Block) -> Labels {
        let (mut labels, mut given) = (Labels::default(), None);
        for field in &body.statements {
            if let StatementKind::Labels { word: Word::Labels, pairs } = &field.kind {
                self.labels(&mut labels, &mut given, "labels", pairs, field.span);
            }
        }
        labels
    }

    pub(super) fn network_policy(&mut self, namespace: &str, name: &Text, body: &Block) -> Option<Object> {
        let (mut labels, mut labelled) = (Labels::default(), None);
        let (mut annotations, mut annotated) = (Labels::default(), None);
        let (mut selector, mut types) = (Field::default(), Field::default());
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        for field in &body.statements {
            let span = field.span;
            match &field.kind {
                StatementKind::Labels { word: Word::Labels, pairs } => {
                    self.labels(&mut labels, &mut labelled, "labels", pairs, span);
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, span);
                }
                StatementKind::PodSelector(requirements) => {
                    let value = self.selector(requirements);
                    selector.set(self, "podSelector", span, Some(value));
                }
                StatementKind::PolicyTypes(list) => {
                    let value = list.iter().filter_map(|text| self.policy_type(text)).collect();
                    types.set(self, "policyTypes", span, Some(value));
                }
                StatementKind::PolicyRule { word: Word::Ingress, body } => {
                    ingress.push(self.policy_rule(Word::From, body, span));
                }
                StatementKind::PolicyRule { body, .. } => egress.push(self.policy_rule(Word::To, body, span)),
                _ => self.misplaced(field, BlockKind::NetworkPolicy),
            }
        }
        let policy_types: Vec<PolicyType> = types.value.unwrap_or_default();
        if !policy_types.is_empty() {
            self.check_types(body, &policy_types);
        }
        Some(Object::NetworkPolicy(NetworkPolicy {
            namespace: namespace.to_owned(),
            name: self.ok(values::name(name))?,
            labels,
            annotations,
            pod_selector: selector.value.unwrap_or_default(),
            policy_types,
            ingress,
            egress,
        }))
    }

    fn policy_type(&mut self, text: &Text) -> Option<PolicyType> {
        let choices = [PolicyType::Ingress, PolicyType::Egress].map(|of| (of.as_str(), of));
        self.ok(values::choice("policyType", text, &choices))
    }

    /// Kubernetes keeps rules of a type that the policy is not of, and nobody heeds them.
    fn check_types(&mut self, body: &Block, types: &[PolicyType]) {
        for field in &body.statements {
            let StatementKind::PolicyRule { word, .. } = &field.kind else { continue };
            let of = if *word == Word::Ingress { PolicyType::Ingress } else { PolicyType::Egress };
            if !types.contains(&of) {
                let title = format!("this `{}` has no effect", word.text());
                let label = format!("the policyTypes have no {}", of.as_str());
                let span = self.head(field.span);
                self.report(Diagnostic::error(Code::NotModelled, title).warning().at(span, label));
            }
        }
    }

    /// The first line of a sentence with braces.
    fn head(&self, span: Span) -> Span {
        let text = self.files.at(span);
        let end = text.find(['\n', '{']).map_or(text.len(), |end| text[..end].trim_end().len());
        Span { end: span.start + end as u32, ..span }
    }

    fn policy_rule(&mut self, word: Word, body: &Block, span: Span) -> NetworkPolicyRule {
        let mut rule = NetworkPolicyRule { origin: self.files.origin(self.head(span)), ..NetworkPolicyRule::default() };
        for field in &body.statements {
            match &field.kind {
                StatementKind::Peer { word: given, peer } if *given == word => {
                    rule.peers.extend(self.peer(peer, field.span));
                }
                StatementKind::Peer { word: given, .. } => {
                    let (of, place) = if word == Word::From { (word, "ingress") } else { (word, "egress") };
                    let title = format!("`{}` does not belong in `{place}`", given.text());
                    let end = field.span.start as usize + given.text().len();
                    let at = Span::new(field.span.file, field.span.start as usize, end);
                    let label = format!("write `{}`", of.text());
                    self.report(Diagnostic::error(Code::Misplaced, title).at(at, label));
                }
                _ => match self.policy_port(field) {
                    Some(port) => rule.ports.extend(port),
                    None => self.misplaced(field, BlockKind::PolicyRule),
                },
            }
        }
        rule
    }

    /// A port of a rule; `None` if the sentence is no such thing.
    #[expect(clippy::option_option, reason = "no port, a faulty one, and one are three things")]
    fn policy_port(&mut self, field: &Statement) -> Option<Option<NetworkPolicyPort>> {
        Some(match &field.kind {
            StatementKind::Port(PortField { port, target: None, name: None, node_port: None }) => {
                self.ok(values::port_protocol(port)).map(|(port, protocol)| NetworkPolicyPort {
                    protocol,
                    port: Some(TargetPort::Number(port)),
                    end_port: None,
                })
            }
            StatementKind::PortRange { first, last } => self.port_range(first, last),
            StatementKind::NamedPort(text) => {
                let (name, protocol) = text.text.split_once('/').unwrap_or((&text.text, "TCP"));
                let all = matches!(name, "TCP" | "UDP") && !text.text.contains('/');
                let protocol = self.ok(values::object_protocol(if all { name } else { protocol }, text.span));
                let port = (!all).then(|| TargetPort::Name(name.to_owned()));
                protocol.map(|protocol| NetworkPolicyPort { protocol, port, end_port: None })
            }
            StatementKind::Faulty(_) => None,
            _ => return None,
        })
    }

    fn port_range(&mut self, first: &Text, last: &Text) -> Option<NetworkPolicyPort> {
        let (start, before) = self.ok(values::port_protocol(first))?;
        let (end, protocol) = self.ok(values::port_protocol(last))?;
        if first.text.contains('/') && before != protocol {
            let diagnostic = Diagnostic::error(Code::BadValue, "the two ends of a range are of one protocol");
            self.report(diagnostic.at(last.span, format!("the other is of {}", before.upper())));
            return None;
        }
        if end < start {
            let diagnostic = Diagnostic::error(Code::BadPort, "the range of ports ends before it begins");
            self.report(diagnostic.at(last.span, format!("this is less than {start}")));
            return None;
        }
        Some(NetworkPolicyPort { protocol, port: Some(TargetPort::Number(start)), end_port: Some(end) })
    }

    fn peer(&mut self, peer: &Peer, span: Span) -> Option<NetworkPolicyPeer> {
        let ip_block = match &peer.block {
            Some((cidr, except)) => {
                let except = except.iter().filter_map(|text| self.ok(values::cidr(text))).collect();
                Some(IpBlock { cidr: self.ok(values::cidr(cidr))?, except })
            }
            None => None,
        };
        Some(NetworkPolicyPeer {
            pod_selector: peer.pods.as_ref().map(|requirements| self.selector(requirements)),
            namespace_selector: peer.namespaces.as_ref().map(|requirements| self.selector(requirements)),
            ip_block,
            origin: self.files.origin(span),
        })
    }

    fn selector(&mut self, requirements: &[Requirement]) -> LabelSelector {
        let mut selector = LabelSelector::default();
        for requirement in requirements {
            match requirement {
                Requirement::Equals(pair) => {
                    self.labels(
                        &mut selector.match_labels,
                        &mut None,
                        "selector",
                        std::slice::from_ref(pair),
                        pair.span,
                    );
                }
                Requirement::Operator { key, operator, values } => {
                    selector.match_expressions.extend(self.requirement(key, operator, values));
                }
            }
        }
        selector
    }

    fn requirement(&mut self, key: &Text, operator: &Text, values: &[Text]) -> Option<LabelRequirement> {
        let all = [LabelOperator::In, LabelOperator::NotIn, LabelOperator::Exists, LabelOperator::DoesNotExist];
        let found = self.ok(values::choice("operator of a selector", operator, &all.map(|one| (one.as_str(), one))))?;
        if found.takes_values() == values.is_empty() {
            let title = if values.is_empty() {
                format!("`{}` needs a value", operator.text)
            } else {
                format!("`{}` takes no value", operator.text)
            };
            let label = if values.is_empty() { "expected VALUE … behind it" } else { "leave out what follows" };
            self.report(Diagnostic::error(Code::BadValue, title).at(operator.span, label));
            return None;
        }
        let values = values.iter().map(|value| value.text.clone()).collect();
        Some(LabelRequirement { key: key.text.clone(), operator: found, values })
    }
}
