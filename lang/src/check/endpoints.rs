//! Endpoints that stand apart from their service, as Kubernetes keeps them.

use netscene_core::kube::{EndpointAddress, Object, Service};
use netscene_core::world::{Op, Operation};
use rustc_hash::FxHashMap;

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

    /// Gives endpoints to their services, once all is declared: as changes to those, behind the declarations.
    pub(super) fn give_endpoints(&mut self) {
        let given = std::mem::take(&mut self.given);
        if given.is_empty() {
            return;
        }
        let mut clashes: FxHashMap<String, (&str, &str)> = FxHashMap::default();
        for Operation { op, .. } in &self.declarations {
            let Op::Declare { object: Object::Service(service) } = op else { continue };
            let clash = if !service.selector.is_empty() {
                ("has a selector, which finds its endpoints by itself", "leave the selector out, or this")
            } else if !service.endpoints.is_empty() {
                ("has endpoints of its own", "leave one of them out")
            } else {
                continue;
            };
            clashes.insert(format!("{}/{}", service.namespace, service.name), clash);
        }
        let mut taken: FxHashMap<String, Span> = FxHashMap::default();
        for Given { namespace, service: name, endpoints } in given {
            let key = format!("{namespace}/{}", name.text);
            if let Some(first) = taken.get(&key) {
                let title = format!("there are two endpoints `{key}`");
                let diagnostic = Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here");
                self.report(diagnostic.see(*first, "first declared here"));
                continue;
            }
            taken.insert(key.clone(), name.span);
            if let Some((why, cure)) = clashes.get(&key) {
                let title = format!("service `{key}` {why}");
                self.report(Diagnostic::error(Code::Duplicate, title).at(name.span, *cure));
            } else if self.symbols.has_service(&key) {
                let service = Service { namespace, name: name.text, endpoints, ..Service::default() };
                let (object, fields) = (Object::Service(service), vec![Word::Endpoints.text().to_owned()]);
                let origin = self.files.origin(name.span);
                self.declarations.push(Operation { op: Op::Patch { object, fields, merge: false }, origin });
            } else if !self.symbols.may_be(&name.text) {
                let title = format!("there is no service `{key}` for these endpoints");
                let label = "endpoints have the name of their service, and its namespace";
                self.report(Diagnostic::error(Code::UnknownName, title).at(name.span, label));
            }
        }
    }
}
