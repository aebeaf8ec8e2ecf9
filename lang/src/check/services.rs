//! Services and ingresses.

use netscene_core::kube::{
    EndpointAddress, Ingress, IngressPath, Labels, Object, PathType, PoolPurpose, Service, ServicePort, ServiceType,
};

use super::declare::Field;
use super::symbols::Kind;
use super::{Checker, values};
use crate::ast::{Block, Operand, PortField, Statement, StatementKind, Text, What};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// The ports that kube-apiserver gives out as node ports (`--service-node-port-range`).
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

impl Checker<'_> {
    pub(super) fn service(&mut self, namespace: &str, name: &Text, body: &Block) -> Option<Object> {
        let (mut kind, mut cluster_ip, mut load_balancer_ip) = (Field::default(), Field::default(), Field::default());
        let (mut selector, mut selected) = (Labels::new(), None);
        let (mut labels, mut labelled) = (Labels::new(), None);
        let (mut annotations, mut annotated) = (Labels::new(), None);
        let mut endpoints = Field::default();
        let mut ports = Vec::new();
        let mut faulty = false;
        for field in &body.statements {
            let span = field.span;
            match &field.kind {
                StatementKind::Type(text) => {
                    let choices = [
                        ("ClusterIP", ServiceType::ClusterIP),
                        ("NodePort", ServiceType::NodePort),
                        ("LoadBalancer", ServiceType::LoadBalancer),
                    ];
                    let value = self.ok(values::choice("type of service", text, &choices));
                    kind.set(self, "type", span, value);
                }
                StatementKind::ClusterIp(text) => {
                    let value = self.ok(values::address(&text.text, text.span));
                    cluster_ip.set(self, "clusterIP", span, value);
                    if let Some(address) = value {
                        self.take_address(address, text.span);
                        self.check_cluster_ip(name, address, text.span);
                    }
                }
                StatementKind::LoadBalancerIp(text) => {
                    let value = self.ok(values::address(&text.text, text.span));
                    load_balancer_ip.set(self, "loadBalancerIP", span, value.map(|address| (address, text.span)));
                }
                StatementKind::Labels { word: Word::Selector, pairs } => {
                    self.labels(&mut selector, &mut selected, "selector", pairs, span);
                }
                StatementKind::Labels { word: Word::Labels, pairs } => {
                    self.labels(&mut labels, &mut labelled, "labels", pairs, span);
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, span);
                }
                StatementKind::Endpoints(list) => {
                    let value = list.iter().filter_map(|endpoint| self.endpoint(endpoint)).collect();
                    endpoints.set(self, "endpoints", span, Some(value));
                }
                StatementKind::Port(port) => ports.extend(self.service_port(port).map(|port| (port, span))),
                StatementKind::Faulty(_) => faulty = true,
                _ => self.misplaced(field, BlockKind::Service),
            }
        }
        let has_port = body.statements.iter().any(|field| matches!(field.kind, StatementKind::Port(_)));
        if !has_port && !faulty {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the service `{}` has no port", name.text));
            self.report(diagnostic.at(name.span, "expected a `port` in its braces"));
        }
        self.check_ports(&ports);
        let kind = kind.value.unwrap_or_default();
        match load_balancer_ip.value {
            Some((address, span)) if kind == ServiceType::LoadBalancer => {
                self.check_load_balancer_ip(name, address, span);
            }
            Some((_, span)) => {
                let title = "only a service of type LoadBalancer has a loadBalancerIP";
                self.report(Diagnostic::error(Code::Misplaced, title).at(span, "not without `type LoadBalancer`"));
            }
            None => {}
        }
        Some(Object::Service(Service {
            namespace: namespace.to_owned(),
            name: self.ok(values::name(name))?,
            kind,
            labels,
            annotations,
            cluster_ip: cluster_ip.value,
            load_balancer_ip: load_balancer_ip.value.map(|(address, _)| address),
            selector,
            endpoints: endpoints.value.unwrap_or_default(),
            ports: ports.into_iter().map(|(port, _)| port).collect(),
        }))
    }

    fn check_cluster_ip(&mut self, name: &Text, address: std::net::Ipv4Addr, span: Span) {
        let default = netscene_core::kube::Cluster::default().service_cidr;
        let cidr = self.ranges.services.map_or(default, |(cidr, _)| cidr);
        if cidr.contains(&address) {
            return;
        }
        let title = format!("the clusterIP of service `{}` is not of the service CIDR", name.text);
        let mut diagnostic = Diagnostic::error(Code::OutsidePool, title).at(span, format!("outside {cidr}"));
        match self.ranges.services {
            Some((_, given)) => diagnostic = diagnostic.see(given, "the service CIDR"),
            None => diagnostic = diagnostic.hint(format!("{cidr} is the service CIDR of a cluster that gives none")),
        }
        self.report(diagnostic);
    }

    fn check_load_balancer_ip(&mut self, name: &Text, address: std::net::Ipv4Addr, span: Span) {
        let pools = self.ranges.pools.iter().filter(|(pool, _)| pool.purpose == PoolPurpose::LoadBalancer);
        if pools.clone().any(|(pool, _)| pool.contains(address)) {
            return;
        }
        let title = format!("the loadBalancerIP of service `{}` is in no pool for LoadBalancer", name.text);
        let mut diagnostic = Diagnostic::error(Code::OutsidePool, title).at(span, "outside");
        let mut none = true;
        for (pool, pool_span) in pools {
            let text = format!("`{}` goes from {} to {}", pool.name, pool.first, pool.last);
            diagnostic = diagnostic.see(*pool_span, text);
            none = false;
        }
        if none {
            diagnostic = diagnostic
                .hint(format!("there is none: write `pool balancers {address} to {address} for LoadBalancer`"));
        }
        self.report(diagnostic);
    }

    fn endpoint(&mut self, endpoint: &Operand) -> Option<EndpointAddress> {
        let (What::Address(address), Some(port)) = (&endpoint.what, &endpoint.port) else {
            let diagnostic = Diagnostic::error(Code::BadValue, "an endpoint is an address and a port");
            self.report(diagnostic.at(endpoint.span, "expected ADDRESS:PORT"));
            return None;
        };
        let address = self.ok(values::address(address, endpoint.span))?;
        Some(EndpointAddress { address, port: self.ok(values::port(&port.text, port.span))? })
    }

    fn service_port(&mut self, field: &PortField) -> Option<ServicePort> {
        let (port, protocol) = self.ok(values::port_protocol(&field.port))?;
        let mut number =
            |text: &Option<Text>| text.as_ref().and_then(|text| self.ok(values::port(&text.text, text.span)));
        let (target_port, node_port) = (number(&field.target), number(&field.node_port));
        if let (Some(port), Some(text)) = (node_port, &field.node_port)
            && !NODE_PORTS.contains(&port)
        {
            let title = format!("{port} is no node port");
            self.report(Diagnostic::error(Code::BadPort, title).at(text.span, "node ports go from 30000 to 32767"));
        }
        let name = field.name.as_ref().map(|name| name.text.clone());
        Some(ServicePort { name, port, target_port, protocol, node_port })
    }

    /// Several ports of a service have names, and the names and numbers differ.
    fn check_ports(&mut self, ports: &[(ServicePort, Span)]) {
        for (at, (port, span)) in ports.iter().enumerate() {
            if ports.len() > 1 && port.name.is_none() {
                let diagnostic = Diagnostic::error(Code::Missing, "a service with several ports names each of them");
                self.report(diagnostic.at(*span, "expected `as NAME` behind the port"));
            }
            let same = |other: &ServicePort| {
                (other.port, other.protocol) == (port.port, port.protocol)
                    || port.name.is_some() && other.name == port.name
            };
            if let Some((_, first)) = ports[..at].iter().find(|(other, _)| same(other)) {
                let diagnostic = Diagnostic::error(Code::Duplicate, "the service has this port already");
                self.report(diagnostic.at(*span, "given again here").see(*first, "first given here"));
            }
        }
    }

    pub(super) fn ingress(&mut self, namespace: &str, name: &Text, body: &Block) -> Option<Object> {
        let mut paths = Vec::new();
        let (mut annotations, mut annotated) = (Labels::new(), None);
        for field in &body.statements {
            match &field.kind {
                StatementKind::Path { host, path_type, path, service } => {
                    paths.extend(self.ingress_path(namespace, host.as_ref(), path_type, path, service));
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, field.span);
                }
                _ => self.misplaced(field, BlockKind::Ingress),
            }
        }
        let is_path = |field: &Statement| matches!(field.kind, StatementKind::Path { .. } | StatementKind::Faulty(_));
        if !body.statements.iter().any(is_path) {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the ingress `{}` has no path", name.text));
            self.report(diagnostic.at(body.span, "expected `path Prefix /… -> SERVICE:PORT`"));
        }
        let name = self.ok(values::name(name))?;
        Some(Object::Ingress(Ingress { namespace: namespace.to_owned(), name, annotations, paths }))
    }

    fn ingress_path(
        &mut self,
        namespace: &str,
        host: Option<&Text>,
        path_type: &Text,
        path: &Text,
        service: &Operand,
    ) -> Option<IngressPath> {
        let types = [
            ("Exact", PathType::Exact),
            ("Prefix", PathType::Prefix),
            ("ImplementationSpecific", PathType::ImplementationSpecific),
        ];
        let path_type = self.ok(values::choice("pathType", path_type, &types));
        let (What::Name(name), Some(port)) = (&service.what, &service.port) else {
            let diagnostic = Diagnostic::error(Code::BadValue, "a path leads to a service and a port of it");
            self.report(diagnostic.at(service.span, "expected SERVICE:PORT"));
            return None;
        };
        let found = self.symbols.resolve(&format!("{namespace}/{name}"), service.span, &[Kind::Service]);
        self.ok(found);
        Some(IngressPath {
            host: host.map(|host| host.text.clone()),
            path_type: path_type?,
            path: path.text.clone(),
            service: name.clone(),
            port: self.ok(values::port(&port.text, port.span))?,
        })
    }
}
