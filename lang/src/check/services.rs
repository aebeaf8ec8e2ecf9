//! Services and ingresses.

use std::net::Ipv4Addr;

use netscene_core::kube::{
    AFFINITY_SECONDS, Conditions, EndpointAddress, Ingress, IngressBackend, IngressPath, IpMode, Labels,
    NginxAnnotations, Object, PathType, PoolPurpose, Service, ServiceBackendPort, ServicePort, ServiceType, TargetPort,
    TrafficDistribution, TrafficPolicy,
};

use super::declare::{Clauses, Field};
use super::symbols::Kind;
use super::{Checker, values};
use crate::ast::{Block, EndpointField, Operand, PortField, Statement, StatementKind, Text, What};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// The fields of a service as they are gathered: each may be given once.
#[derive(Default)]
struct Fields {
    kind: Field<ServiceType>,
    cluster_ip: Field<Option<Ipv4Addr>>,
    load_balancer_ip: Field<(Ipv4Addr, Span)>,
    load_balancer_class: Field<String>,
    external_ips: Field<Vec<Ipv4Addr>>,
    external_name: Field<String>,
    source_ranges: Field<Vec<ipnet::Ipv4Net>>,
    ip_mode: Field<IpMode>,
    affinity: Field<Option<u32>>,
    external_policy: Field<TrafficPolicy>,
    internal_policy: Field<TrafficPolicy>,
    health_check: Field<u16>,
    allocate: Field<bool>,
    publish: Field<bool>,
    distribution: Field<TrafficDistribution>,
    endpoints: Field<Vec<EndpointAddress>>,
}

impl Checker<'_> {
    pub(super) fn service(&mut self, namespace: &str, name: &Text, body: &Block) -> Option<Object> {
        let mut fields = Fields::default();
        let (mut selector, mut selected) = (Labels::default(), None);
        let (mut labels, mut labelled) = (Labels::default(), None);
        let (mut annotations, mut annotated) = (Labels::default(), None);
        let mut ports = Vec::new();
        let mut faulty = false;
        for field in &body.statements {
            let span = field.span;
            match &field.kind {
                StatementKind::Labels { word: Word::Selector, pairs } => {
                    self.labels(&mut selector, &mut selected, "selector", pairs, span);
                }
                StatementKind::Labels { word: Word::Labels, pairs } => {
                    self.labels(&mut labels, &mut labelled, "labels", pairs, span);
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, span);
                }
                StatementKind::Port(port) => ports.extend(self.service_port(port).map(|port| (port, span))),
                StatementKind::Faulty(_) => faulty = true,
                _ if self.service_field(&mut fields, name, field) => {}
                _ => self.misplaced(field, BlockKind::Service),
            }
        }
        let kind = fields.kind.value.unwrap_or_default();
        let headless = fields.cluster_ip.value == Some(None);
        let has_port = body.statements.iter().any(|field| matches!(field.kind, StatementKind::Port(_)));
        if !has_port && !faulty && !headless && !self.partial && kind != ServiceType::ExternalName {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the service `{}` has no port", name.text));
            self.report(diagnostic.at(name.span, "expected a `port` in its braces"));
        }
        self.check_ports(&ports);
        match fields.load_balancer_ip.value {
            Some((address, span)) if kind == ServiceType::LoadBalancer => {
                self.check_load_balancer_ip(name, address, span);
            }
            Some((_, span)) if !self.partial => {
                let title = "only a service of type LoadBalancer has a loadBalancerIP";
                self.report(Diagnostic::error(Code::Misplaced, title).at(span, "not without `type LoadBalancer`"));
            }
            _ => {}
        }
        Some(Object::Service(Service {
            namespace: namespace.to_owned(),
            name: self.ok(values::name(name))?,
            kind,
            labels,
            annotations,
            cluster_ip: fields.cluster_ip.value.flatten(),
            headless,
            external_ips: fields.external_ips.value.unwrap_or_default(),
            external_name: fields.external_name.value,
            load_balancer_ip: fields.load_balancer_ip.value.map(|(address, _)| address),
            load_balancer_status: None,
            load_balancer_class: fields.load_balancer_class.value,
            load_balancer_source_ranges: fields.source_ranges.value.unwrap_or_default(),
            ip_mode: fields.ip_mode.value.unwrap_or_default(),
            session_affinity: fields.affinity.value.flatten(),
            external_traffic_policy: fields.external_policy.value.unwrap_or_default(),
            internal_traffic_policy: fields.internal_policy.value.unwrap_or_default(),
            health_check_node_port: fields.health_check.value,
            allocate_load_balancer_node_ports: fields.allocate.value,
            publish_not_ready_addresses: fields.publish.value.unwrap_or_default(),
            traffic_distribution: fields.distribution.value,
            selector,
            endpoints: fields.endpoints.value.unwrap_or_default(),
            ports: ports.into_iter().map(|(port, _)| port).collect(),
        }))
    }

    /// Takes a field. It says whether the field is one of a service.
    fn service_field(&mut self, fields: &mut Fields, name: &Text, field: &Statement) -> bool {
        let span = field.span;
        match &field.kind {
            StatementKind::Type(text) => {
                let choices = [
                    ServiceType::ClusterIP,
                    ServiceType::NodePort,
                    ServiceType::LoadBalancer,
                    ServiceType::ExternalName,
                ];
                let choices = choices.map(|kind| (kind.as_str(), kind));
                let value = self.ok(values::choice("type of service", text, &choices));
                fields.kind.set(self, "type", span, value);
            }
            StatementKind::ClusterIp(text) if text.text == "None" => {
                fields.cluster_ip.set(self, "clusterIP", span, Some(None));
            }
            StatementKind::ClusterIp(text) => {
                let value = values::address(&text.text, text.span);
                let value =
                    self.ok(value.map_err(|fault| fault.hint("a service without one has `clusterIP None`".to_owned())));
                fields.cluster_ip.set(self, "clusterIP", span, value.map(Some));
                if let Some(address) = value {
                    self.take_address(address, text.span);
                    self.check_cluster_ip(name, address, text.span);
                }
            }
            StatementKind::LoadBalancerIp(text) => {
                let value = self.ok(values::address(&text.text, text.span));
                fields.load_balancer_ip.set(self, "loadBalancerIP", span, value.map(|address| (address, text.span)));
            }
            StatementKind::LoadBalancerClass(text) => {
                fields.load_balancer_class.set(self, "loadBalancerClass", span, Some(text.text.clone()));
            }
            StatementKind::ExternalIps(list) => {
                let value = list.iter().filter_map(|text| self.ok(values::address(&text.text, text.span))).collect();
                fields.external_ips.set(self, "externalIPs", span, Some(value));
            }
            StatementKind::ExternalName(text) => {
                fields.external_name.set(self, "externalName", span, Some(text.text.clone()));
            }
            StatementKind::SessionAffinity { kind, timeout } => {
                let value = self.affinity(kind, timeout.as_ref());
                fields.affinity.set(self, "sessionAffinity", span, value);
            }
            StatementKind::HealthCheckNodePort(text) => {
                let value = self.ok(values::port(&text.text, text.span));
                self.check_node_port("healthCheckNodePort", value, text.span);
                fields.health_check.set(self, "healthCheckNodePort", span, value);
            }
            StatementKind::Cidrs { word: Word::LoadBalancerSourceRanges, cidrs } => {
                let value = cidrs.iter().filter_map(|cidr| self.ok(values::cidr(cidr))).collect();
                fields.source_ranges.set(self, "loadBalancerSourceRanges", span, Some(value));
            }
            StatementKind::Switch { word: Word::AllocateLoadBalancerNodePorts, value } => {
                let value = self.ok(values::truth("value of allocateLoadBalancerNodePorts", value));
                fields.allocate.set(self, "allocateLoadBalancerNodePorts", span, value);
            }
            StatementKind::Switch { word: Word::PublishNotReadyAddresses, value } => {
                let value = self.ok(values::truth("value of publishNotReadyAddresses", value));
                fields.publish.set(self, "publishNotReadyAddresses", span, value);
            }
            StatementKind::Choice { word, value } => self.service_choice(fields, *word, value, span),
            StatementKind::Endpoints(list) => {
                let value = list.iter().filter_map(|endpoint| self.endpoint(endpoint)).collect();
                fields.endpoints.set(self, "endpoints", span, Some(value));
            }
            _ => return false,
        }
        true
    }

    fn service_choice(&mut self, fields: &mut Fields, word: Word, value: &Text, span: Span) {
        let what = word.text();
        let policies = [("Cluster", TrafficPolicy::Cluster), ("Local", TrafficPolicy::Local)];
        match word {
            Word::ExternalTrafficPolicy => {
                let value = self.ok(values::choice(what, value, &policies));
                fields.external_policy.set(self, what, span, value);
            }
            Word::InternalTrafficPolicy => {
                let value = self.ok(values::choice(what, value, &policies));
                fields.internal_policy.set(self, what, span, value);
            }
            Word::IpMode => {
                let value = self.ok(values::choice(what, value, &[("VIP", IpMode::VIP), ("Proxy", IpMode::Proxy)]));
                fields.ip_mode.set(self, what, span, value);
            }
            _ => {
                let choices = [
                    ("PreferClose", TrafficDistribution::PreferClose),
                    ("PreferSameZone", TrafficDistribution::PreferSameZone),
                    ("PreferSameNode", TrafficDistribution::PreferSameNode),
                ];
                let value = self.ok(values::choice(what, value, &choices));
                fields.distribution.set(self, what, span, value);
            }
        }
    }

    /// `ClientIP`, and for how many seconds; or `None`. Nothing at all where that cannot be read.
    #[expect(clippy::option_option, reason = "a faulty value, no affinity, and an affinity are three things")]
    fn affinity(&mut self, kind: &Text, timeout: Option<&Text>) -> Option<Option<u32>> {
        let client = self.ok(values::choice("session affinity", kind, &[("ClientIP", true), ("None", false)]))?;
        if !client {
            return Some(None);
        }
        let Some(text) = timeout else { return Some(Some(AFFINITY_SECONDS)) };
        let duration = self.ok(values::duration(&text.text, text.span))?;
        let seconds = u32::try_from(duration.as_secs()).ok().filter(|_| duration.subsec_nanos() == 0);
        if seconds.is_none() {
            let title = format!("`{}` is no timeout of an affinity", text.text);
            self.report(
                Diagnostic::error(Code::BadValue, title).at(text.span, "expected whole seconds, a day at most"),
            );
        }
        Some(Some(seconds?))
    }

    /// Node ports come out of one range.
    fn check_node_port(&mut self, what: &str, port: Option<u16>, span: Span) {
        let (first, last) = self.ranges.node_ports;
        let Some(port) = port.filter(|port| !(first..=last).contains(port)) else { return };
        let diagnostic = Diagnostic::error(Code::BadPort, format!("{port} is no {what}"));
        self.report(diagnostic.at(span, format!("node ports go from {first} to {last}")));
    }

    fn check_cluster_ip(&mut self, name: &Text, address: Ipv4Addr, span: Span) {
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

    fn check_load_balancer_ip(&mut self, name: &Text, address: Ipv4Addr, span: Span) {
        let pools = self.ranges.pools.iter().filter(|(pool, _)| pool.purpose == PoolPurpose::LoadBalancer);
        let in_manifest = self.ranges.address_pools.iter().any(|range| range.contains(address));
        if in_manifest || pools.clone().any(|(pool, _)| pool.contains(address)) {
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

    pub(super) fn endpoint(&mut self, field: &EndpointField) -> Option<EndpointAddress> {
        let mut clauses = self.clauses("endpoint", &field.clauses, &[Word::On, Word::Ready, Word::Terminating]);
        let node = clauses.take(Word::On);
        if let Some(node) = node {
            let found = self.symbols.node(node);
            self.ok(found);
        }
        let conditions = self.conditions(&mut clauses);
        let (What::Address(address), Some(port)) = (&field.at.what, &field.at.port) else {
            let diagnostic = Diagnostic::error(Code::BadValue, "an endpoint is an address and a port");
            self.report(diagnostic.at(field.at.span, "expected ADDRESS:PORT"));
            return None;
        };
        let address = self.ok(values::address(address, field.at.span))?;
        let port = self.ok(values::port(&port.text, port.span))?;
        Some(EndpointAddress {
            node: node.map(|node| node.text.clone()),
            conditions,
            ..EndpointAddress::new(address, port)
        })
    }

    /// `ready` and `terminating` of a pod or an endpoint.
    pub(super) fn conditions(&mut self, clauses: &mut Clauses<'_>) -> Conditions {
        let mut truth = |word: Word, default: bool| {
            let given =
                clauses.take(word).and_then(|text| self.ok(values::truth(&format!("value of {}", word.text()), text)));
            given.unwrap_or(default)
        };
        Conditions { ready: truth(Word::Ready, true), terminating: truth(Word::Terminating, false) }
    }

    fn service_port(&mut self, field: &PortField) -> Option<ServicePort> {
        let (port, protocol) = self.ok(values::port_protocol(&field.port))?;
        let target_port = field.target.as_ref().and_then(|text| {
            if text.text.bytes().all(|byte| byte.is_ascii_digit()) {
                return self.ok(values::port(&text.text, text.span)).map(TargetPort::Number);
            }
            Some(TargetPort::Name(text.text.clone()))
        });
        let node_port = field.node_port.as_ref().and_then(|text| {
            let port = self.ok(values::port(&text.text, text.span));
            self.check_node_port("node port", port, text.span);
            port
        });
        let name = field.name.as_ref().map(|name| name.text.clone());
        Some(ServicePort { name, port, target_port, protocol, node_port })
    }

    /// Several ports of a service have names, and the names and numbers differ.
    fn check_ports(&mut self, ports: &[(ServicePort, Span)]) {
        let nameless: Vec<_> = ports.iter().filter(|(port, _)| port.name.is_none()).collect();
        let same_port =
            |one: &ServicePort, other: &ServicePort| (one.port, one.protocol) == (other.port, other.protocol);
        let repeated =
            ports.iter().enumerate().any(|(at, (one, _))| ports[..at].iter().any(|(two, _)| same_port(one, two)));
        // A port that is given twice is one too many, and not one without a name.
        if let ([(_, span), others @ ..], false) = (nameless.as_slice(), repeated)
            && ports.len() > 1
            && !self.partial
        {
            let diagnostic = Diagnostic::error(Code::Missing, "a service with several ports names each of them");
            let diagnostic = diagnostic.at(*span, "expected `as NAME` behind the port");
            self.report(others.iter().fold(diagnostic, |diagnostic, (_, span)| diagnostic.see(*span, "and here")));
        }
        for (at, (port, span)) in ports.iter().enumerate() {
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
        let (mut annotations, mut annotated) = (Labels::default(), None);
        let (mut class, mut default_backend) = (Field::default(), Field::default());
        let mut tls: Vec<String> = Vec::new();
        for field in &body.statements {
            match &field.kind {
                StatementKind::IngressClassName(name) => {
                    class.set(self, "ingressClassName", field.span, Some(name.text.clone()));
                }
                StatementKind::Tls(hosts) => tls.extend(hosts.iter().map(|host| host.text.clone())),
                StatementKind::DefaultBackend(to) => {
                    let value = self.ingress_backend(namespace, to);
                    default_backend.set(self, "defaultBackend", field.span, value);
                }
                StatementKind::Path { host, path_type, path, service } => {
                    paths.extend(self.ingress_path(namespace, host.as_ref(), path_type, path, service));
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, field.span);
                    for pair in pairs {
                        self.nginx_annotation(pair);
                    }
                }
                _ => self.misplaced(field, BlockKind::Ingress),
            }
        }
        let is_path = |field: &Statement| matches!(field.kind, StatementKind::Path { .. } | StatementKind::Faulty(_));
        if !body.statements.iter().any(is_path) && !self.partial {
            let diagnostic = Diagnostic::error(Code::Missing, format!("the ingress `{}` has no path", name.text));
            self.report(diagnostic.at(body.span, "expected `path Prefix /… -> SERVICE:PORT`"));
        }
        Some(Object::Ingress(Ingress {
            namespace: namespace.to_owned(),
            name: self.ok(values::name(name))?,
            annotations,
            ingress_class_name: class.value,
            tls,
            default_backend: default_backend.value,
            paths,
        }))
    }

    fn nginx_annotation(&mut self, pair: &Text) {
        let Some((key, value)) = pair.text.split_once('=') else { return };
        if let Some(fault) = annotation_fault(key, value.trim_matches(['"', '\'']), pair.span) {
            self.report(fault);
        }
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
        let IngressBackend { service, port } = self.ingress_backend(namespace, service)?;
        let host = host.map(|host| host.text.clone());
        Some(IngressPath { host, path_type: path_type?, path: path.text.clone(), service, port })
    }

    fn ingress_backend(&mut self, namespace: &str, service: &Operand) -> Option<IngressBackend> {
        let (What::Name(name), Some(port)) = (&service.what, &service.port) else {
            let diagnostic = Diagnostic::error(Code::BadValue, "a path leads to a service and a port of it");
            self.report(diagnostic.at(service.span, "expected SERVICE:PORT, such as web:80 or web:http"));
            return None;
        };
        let found = self.symbols.resolve(&format!("{namespace}/{name}"), service.span, &[Kind::Service]);
        if let Err(unknown) = found {
            // Kubernetes takes such an ingress, and nginx answers 503.
            self.report(unknown.warning());
        }
        let named = !port.text.starts_with(|first: char| first.is_ascii_digit());
        let port = if named {
            ServiceBackendPort::Name(port.text.clone())
        } else {
            ServiceBackendPort::Number(self.ok(values::port(&port.text, port.span))?)
        };
        Some(IngressBackend { service: name.clone(), port })
    }
}

/// What is wrong with an annotation that ingress-nginx reads: one that the model does not know changes what packets do.
pub(crate) fn annotation_fault(key: &str, value: &str, span: Span) -> Option<Diagnostic> {
    let error = NginxAnnotations::read(&Labels::from_iter([(key.to_owned(), value.to_owned())])).err()?;
    let known = NginxAnnotations::NAMES.iter().any(|name| key.ends_with(&format!("/{name}")));
    let (code, label) = if known { (Code::BadValue, "the value") } else { (Code::NotModelled, "not known") };
    Some(Diagnostic::error(code, error.problem).at(span, label).hint(error.hint))
}
