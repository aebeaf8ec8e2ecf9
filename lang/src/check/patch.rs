//! `set` and `patch`: fields of objects that are declared already.

use netscene_core::kube::{Labels, Node, Object, Router};
use netscene_core::world::Op;

use super::{Checker, values};
use crate::ast::{Block, Clause, Statement, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

impl Checker<'_> {
    /// What a `set` or a `patch` is, but for the name of what it changes.
    pub(super) fn patch(&mut self, span: Span, word: Word, kind: Word, body: &Block) -> Option<Op> {
        let name = Text { span, text: "it".to_owned() };
        if body.statements.is_empty() {
            let diagnostic = Diagnostic::error(Code::Missing, "nothing is to be changed");
            self.report(diagnostic.at(body.span, "expected a field and its value"));
            return None;
        }
        let found = self.diagnostics.len();
        self.partial = true;
        let object = match kind {
            Word::Service => self.service("", &name, body),
            Word::Pod => self.pod("", &name, &[], Some(body)),
            Word::Deployment | Word::DaemonSet | Word::StatefulSet => self.workload("", kind, &name, body),
            Word::Ingress => self.ingress("", &name, body),
            Word::ConfigMap => self.config_map("", &name, body),
            Word::Router => self.node_fields(body).map(|object| match object {
                Object::Node(node) => Object::Router(Router { sysctls: node.sysctls, ..Router::default() }),
                other => other,
            }),
            Word::NetworkPolicy => self.network_policy("", &name, body),
            _ => self.node_fields(body),
        };
        self.partial = false;
        if self.diagnostics[found..].iter().any(|one| one.severity == crate::Severity::Error) {
            return None;
        }
        let mut fields: Vec<String> = Vec::new();
        for field in body.statements.iter().filter_map(|field| field.kind.word()) {
            if !fields.iter().any(|other| other == field.text()) {
                fields.push(field.text().to_owned());
            }
        }
        Some(Op::Patch { object: object?, fields, merge: word == Word::Patch })
    }

    fn node_fields(&mut self, body: &Block) -> Option<Object> {
        let mut node = Node::new("", [0, 0, 0, 0]);
        let mut given = None;
        for field in &body.statements {
            match &field.kind {
                StatementKind::State(clause) if clause.word == Word::Zone => {
                    node.zone = Some(clause.value.text.clone());
                }
                StatementKind::Labels { word: Word::Labels, pairs } => {
                    self.labels(&mut node.labels, &mut given, "labels", pairs, field.span);
                }
                StatementKind::Command(_) => {
                    let diagnostic = Diagnostic::error(Code::Misplaced, "a rule is no field of a node");
                    self.report(diagnostic.at(field.span, "write it so: `on NODE { iptables … }`"));
                }
                _ if self.sysctl(&mut node.sysctls, field) => {}
                StatementKind::Faulty(_) => return None,
                _ => self.misplaced(field, BlockKind::Node),
            }
        }
        Some(Object::Node(node))
    }

    /// Takes a `sysctl`. It says whether the sentence is one.
    pub(super) fn sysctl(&mut self, sysctls: &mut Labels, field: &Statement) -> bool {
        let StatementKind::Sysctl { name, value } = &field.kind else { return false };
        if !netscene_core::net::text::Sysctls::knows(&name.text) {
            let title = format!("the model does not heed the sysctl `{}`", name.text);
            let hint = "it heeds net.ipv4.ip_forward, net.ipv4.conf.*, net.ipv4.icmp_ratelimit, \
                        net.ipv4.icmp_echo_ignore_broadcasts and net.netfilter.nf_conntrack_*";
            self.report(Diagnostic::error(Code::BadValue, title).at(name.span, "unknown here").hint(hint.to_owned()));
        }
        if let Some(number) = self.ok(values::parsed::<u32>("value of a sysctl", value))
            && sysctls.insert(name.text.clone(), number.to_string()).is_some()
        {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{}` is set twice", name.text));
            self.report(diagnostic.at(field.span, "set again here"));
        }
        true
    }

    /// The clauses of a pod: those behind its name, and those between its braces.
    pub(super) fn pod_clauses(clauses: &[Clause], body: Option<&Block>) -> Vec<Clause> {
        let inside = body.iter().flat_map(|body| &body.statements).filter_map(|field| match &field.kind {
            StatementKind::State(clause) if clause.word != Word::Zone => Some(clause.clone()),
            _ => None,
        });
        clauses.iter().cloned().chain(inside).collect()
    }
}
