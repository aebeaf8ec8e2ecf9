//! Endpoints that stand apart from their service, as Kubernetes keeps them.

use netscene_core::kube::{EndpointAddress, Object, Service};
use netscene_core::world::{Op, Operation};

use super::{Checker, values};
use crate::ast::{Block, EndpointField, Operand, PortField, StatementKind, Text, What};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// What is behind a service, by an object of its own.
pub(super) struct Given {
    namespace: String,
    service: Text,
    endpoints: Vec<EndpointAddress>,
}

impl Checker<'_> {
    pub(super) fn endpoints(&mut self, namespace: &str, service: &Operand, body: &Block) {
        let What::Name(name) = &service.what else {
            let diagnostic = Diagnostic::error(Code::BadValue, "endpoints have the name of their service");
            return self.report(diagnostic.at(service.span, "expected a name"));
        };
        let name = Text { span: service.span, text: name.clone() };
        let (mut addresses, mut ports) = (Vec::new(), Vec::new());
        let mut faulty = false;
        for field in &body.statements {
            match &field.kind {
                StatementKind::Addresses(list) => addresses.extend(list.iter().filter_map(|one| self.bare(one))),
                StatementKind::Port(port) => ports.extend(self.endpoint_port(port)),
                StatementKind::Faulty(_) => faulty = true,
                _ => {
                    self.misplaced(field, BlockKind::Endpoints);
                    faulty = true;
                }
            }
        }
        let has = |word: Word| body.statements.iter().any(|field| field.kind.word() == Some(word));
        for (word, what) in [(Word::Addresses, "expected `addresses ADDRESS, …`"), (Word::Port, "expected `port PORT`")]
        {
            if !has(word) && !faulty {
                let title = format!("the endpoints `{}` have no {}", name.text, word.text());
                self.report(Diagnostic::error(Code::Missing, title).at(body.span, what));
            }
        }
        let each = |port: &u16| addresses.iter().map(|one| EndpointAddress { port: *port, ..one.clone() }).collect();
        let endpoints: Vec<EndpointAddress> = ports.iter().flat_map(|port| -> Vec<_> { each(port) }).collect();
        self.given.push(Given { namespace: namespace.to_owned(), service: name, endpoints });
    }

    /// An endpoint without its port.
    fn bare(&mut self, field: &EndpointField) -> Option<EndpointAddress> {
        if let (What::Address(_), Some(port)) = (&field.at.what, &field.at.port) {
            let diagnostic = Diagnostic::error(Code::BadValue, "an address of endpoints has no port of its own");
            self.report(diagnostic.at(port.span, "write it as `port PORT`, for all of the addresses"));
            return None;
        }
        if !matches!(field.at.what, What::Address(_)) {
            let diagnostic = Diagnostic::error(Code::BadValue, "endpoints are addresses");
            self.report(diagnostic.at(field.at.span, "expected an address"));
            return None;
        }
        // Any port will do: its own are put in afterwards.
        let mut field = field.clone();
        field.at.port = Some(Text { span: field.at.span, text: "1".to_owned() });
        self.endpoint(&field)
    }

    fn endpoint_port(&mut self, field: &PortField) -> Option<u16> {
        for (extra, what) in [(&field.target, "-> …"), (&field.node_port, "nodePort"), (&field.name, "as")] {
            if let Some(extra) = extra {
                let title = format!("`{what}` does not belong to the port of endpoints");
                let diagnostic = Diagnostic::error(Code::Misplaced, title).at(extra.span, "not here");
                self.report(diagnostic.hint("it belongs to the port of the service".to_owned()));
            }
        }
        self.ok(values::port_protocol(&field.port)).map(|(port, _)| port)
    }

    /// Gives endpoints to their services, once all is declared.
    pub(super) fn give_endpoints(&mut self) {
        let mut taken: Vec<(String, Span)> = Vec::new();
        for Given { namespace, service: name, endpoints } in std::mem::take(&mut self.given) {
            let key = format!("{namespace}/{}", name.text);
            if let Some((_, first)) = taken.iter().find(|(other, _)| *other == key) {
                let title = format!("there are two endpoints `{key}`");
                let diagnostic = Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here");
                self.report(diagnostic.see(*first, "first declared here"));
                continue;
            }
            taken.push((key.clone(), name.span));
            let found =
                self.declarations.iter_mut().find_map(|operation| as_service(operation, &namespace, &name.text));
            let Some(service) = found else {
                if !self.symbols.may_be(&name.text) {
                    let title = format!("there is no service `{key}` for these endpoints");
                    let label = "endpoints have the name of their service, and its namespace";
                    self.report(Diagnostic::error(Code::UnknownName, title).at(name.span, label));
                }
                continue;
            };
            let clash = if !service.selector.is_empty() {
                Some(("has a selector, which finds its endpoints by itself", "leave the selector out, or this"))
            } else if !service.endpoints.is_empty() {
                Some(("has endpoints of its own", "leave one of them out"))
            } else {
                service.endpoints = endpoints;
                None
            };
            if let Some((why, cure)) = clash {
                let title = format!("service `{key}` {why}");
                self.report(Diagnostic::error(Code::Duplicate, title).at(name.span, cure));
            }
        }
    }
}

fn as_service<'a>(operation: &'a mut Operation, namespace: &str, name: &str) -> Option<&'a mut Service> {
    match &mut operation.op {
        Op::Declare { object: Object::Service(one) } if one.namespace == namespace && one.name == name => Some(one),
        _ => None,
    }
}
