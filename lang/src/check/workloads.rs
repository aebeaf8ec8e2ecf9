//! What runs in a namespace: pods, deployments, daemon sets and their containers.

use netscene_core::kube::validate::MOST_REPLICAS;
use netscene_core::kube::{
    Connect, Container, ContainerPort, Deployment, DnsPolicy, Labels, NamedPod, Object, Pod, PodDns, PodPhase,
    PodRecords, PodStatus, Serve, StatefulSet,
};
use netscene_core::packet::DeviceName;

use super::declare::Field;
use super::disk::DiskFields;
use super::routers::Links;
use super::{Checker, values};
use crate::ast::{Block, Clause, Operand, Statement, StatementKind, Text, What};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// The fields that a pod and the template of a deployment have in common.
#[derive(Default)]
struct Template {
    labels: Labels,
    labelled: Option<Span>,
    service_account: Field<String>,
    host_network: Field<bool>,
    dns_policy: Field<DnsPolicy>,
    dns_config: Field<PodDns>,
    /// Volumes stand above the containers that have them.
    volumes: Vec<Text>,
    containers: Vec<Container>,
}

impl Template {
    fn service_account(&mut self) -> String {
        self.service_account.value.take().unwrap_or_else(|| "default".to_owned())
    }

    fn dns(&mut self) -> PodDns {
        PodDns { dns_policy: self.dns_policy.value, ..self.dns_config.value.take().unwrap_or_default() }
    }
}

impl Checker<'_> {
    pub(super) fn pod(
        &mut self,
        namespace: &str,
        name: &Text,
        clauses: &[Clause],
        body: Option<&Block>,
    ) -> Option<Object> {
        let mut template = Template::default();
        let clauses = &Self::pod_clauses(clauses, body)[..];
        if let Some(clause) = clauses.iter().find(|clause| clause.word == Word::HostNetwork) {
            let value = self.ok(truth(&clause.value));
            template.host_network.set(self, "hostNetwork", clause.span, value);
        }
        let named = self.named_pod(name, clauses, &[Word::HostNetwork])?;
        let (mut hostname, mut subdomain) = (Field::default(), Field::default());
        for field in body.iter().flat_map(|body| &body.statements) {
            let stated = matches!(&field.kind, StatementKind::State(clause) if clause.word != Word::Zone);
            if let StatementKind::Choice { word: word @ (Word::Hostname | Word::Subdomain), value } = &field.kind {
                let into = if *word == Word::Hostname { &mut hostname } else { &mut subdomain };
                let value = self.ok(values::name(value));
                into.set(self, word.text(), field.span, value);
                continue;
            }
            if !stated && !self.template_field(&mut template, field) {
                self.misplaced(field, BlockKind::Pod);
            }
        }
        let service_account = template.service_account();
        Some(Object::Pod(Pod {
            namespace: namespace.to_owned(),
            name: named.name,
            node: named.node,
            address: named.address,
            interface_name: named.interface_name,
            status: named.status,
            hostname: hostname.value,
            subdomain: subdomain.value,
            dns: template.dns(),
            host_network: template.host_network.value.unwrap_or_default(),
            labels: template.labels,
            service_account,
            containers: template.containers,
        }))
    }

    pub(super) fn workload(&mut self, namespace: &str, word: Word, name: &Text, body: &Block) -> Option<Object> {
        let daemon_set = word == Word::DaemonSet;
        let mut template = Template::default();
        let mut replicas = Field::default();
        let mut service_name = Field::default();
        let mut on = Vec::new();
        let mut pods = Vec::new();
        for field in &body.statements {
            match &field.kind {
                StatementKind::Replicas { count, on: nodes } => {
                    let value = self.ok(replica_count(count));
                    replicas.set(self, "replicas", field.span, value);
                    for node in nodes {
                        let found = self.symbols.node(node);
                        self.ok(found);
                        on.push(node.text.clone());
                    }
                    if daemon_set {
                        let diagnostic = Diagnostic::error(Code::Misplaced, "a daemonSet has no `replicas`");
                        self.report(diagnostic.at(field.span, "a daemonSet has one pod on every node"));
                    }
                }
                StatementKind::Choice { word: Word::ServiceName, value } if word == Word::StatefulSet => {
                    let value = self.ok(values::name(value));
                    service_name.set(self, "serviceName", field.span, value);
                }
                StatementKind::Choice { word: Word::ServiceName, .. } => {
                    let title = format!("a {} has no `serviceName`", word.text());
                    let diagnostic = Diagnostic::error(Code::Misplaced, title);
                    self.report(diagnostic.at(field.span, "only the pods of a statefulSet have names that stay"));
                }
                StatementKind::Pod { name, clauses, body } => {
                    if let Some(body) = body {
                        let diagnostic =
                            Diagnostic::error(Code::Misplaced, "a pod of a deployment has no fields of its own");
                        self.report(diagnostic.at(body.span, "write them beside the pod: they are those of every pod"));
                    }
                    pods.extend(self.named_pod(name, clauses, &[]));
                }
                _ if self.template_field(&mut template, field) => {}
                _ => self.misplaced(field, BlockKind::Workload),
            }
        }
        let default = if pods.is_empty() { 1 } else { pods.len() as u32 };
        let name = self.ok(values::name(name))?;
        Some(Object::Deployment(Deployment {
            namespace: namespace.to_owned(),
            name,
            daemon_set,
            stateful_set: (word == Word::StatefulSet)
                .then(|| StatefulSet { service_name: service_name.value.unwrap_or_default() }),
            replicas: replicas.value.unwrap_or(default),
            on,
            pods,
            host_network: template.host_network.value.unwrap_or_default(),
            dns: template.dns(),
            service_account: template.service_account(),
            labels: template.labels,
            containers: template.containers,
        }))
    }

    /// A pod and its clauses; those that `besides` names are for others to read.
    fn named_pod(&mut self, name: &Text, clauses: &[Clause], besides: &[Word]) -> Option<NamedPod> {
        let own =
            [Word::On, Word::At, Word::InterfaceName, Word::Status, Word::Restarts, Word::Ready, Word::Terminating];
        let words = [&own, besides].concat();
        let mut clauses = self.clauses("pod", clauses, &words);
        let node = clauses.take(Word::On);
        if let Some(node) = node {
            let found = self.symbols.node(node);
            self.ok(found);
        }
        let at = clauses.take(Word::At);
        let address = at.and_then(|at| self.ok(values::address(&at.text, at.span)));
        if let (Some(at), Some(address)) = (at, address) {
            self.take_address(address, at.span);
            if let Some(node) = node
                && let Some(&(cidr, span)) = self.symbols.pod_cidrs.get(&node.text)
                && !cidr.contains(&address)
            {
                let title = format!("the address of pod `{}` is not of its node's block", name.text);
                let diagnostic = Diagnostic::error(Code::OutsidePool, title).at(at.span, "outside");
                self.report(diagnostic.see(span, format!("`{}` holds {cidr}", node.text)));
            }
        }
        let interface = clauses.take(Word::InterfaceName);
        let interface_name = interface.and_then(|text| self.ok(values::parsed("device", text)));
        let phases = PodPhase::ALL.map(|phase| (phase.as_str(), phase));
        let phase =
            clauses.take(Word::Status).and_then(|text| self.ok(values::choice("status of a pod", text, &phases)));
        let restarts =
            clauses.take(Word::Restarts).and_then(|text| self.ok(values::parsed("number of restarts", text)));
        let conditions = self.conditions(&mut clauses);
        let status = PodStatus { phase: phase.unwrap_or_default(), restarts: restarts.unwrap_or_default(), conditions };
        let name = self.ok(values::name(name))?;
        Some(NamedPod { name, node: node.map(|node| node.text.clone()), address, interface_name, status })
    }

    /// Takes a field of a pod or a template. It says whether the field is one.
    fn template_field(&mut self, template: &mut Template, field: &Statement) -> bool {
        match &field.kind {
            StatementKind::Labels { word: Word::Labels, pairs } => {
                self.labels(&mut template.labels, &mut template.labelled, "labels", pairs, field.span);
            }
            StatementKind::ServiceAccount(name) => {
                template.service_account.set(self, "serviceAccount", field.span, Some(name.text.clone()));
            }
            StatementKind::HostNetwork(text) => {
                let value = self.ok(truth(text));
                template.host_network.set(self, "hostNetwork", field.span, value);
            }
            StatementKind::Choice { word: Word::DnsPolicy, value } => {
                let value = self.dns_policy(value);
                template.dns_policy.set(self, "dnsPolicy", field.span, value);
            }
            StatementKind::DnsConfig(body) => {
                let mut dns = PodDns::default();
                self.dns_config(&mut dns, body);
                template.dns_config.set(self, "dnsConfig", field.span, Some(dns));
            }
            StatementKind::Volume(name) => {
                if template.volumes.iter().any(|other| other.text == name.text) {
                    let title = format!("there are two volumes `{}` in this pod", name.text);
                    self.report(Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here"));
                }
                template.volumes.push(name.clone());
            }
            StatementKind::Container { name, body } => {
                if template.containers.iter().any(|other| other.name == name.text) {
                    let title = format!("there are two containers `{}` in this pod", name.text);
                    self.report(Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here"));
                }
                let container = self.container(name, &template.volumes, body.as_ref());
                template.containers.push(container);
            }
            _ => return false,
        }
        true
    }

    /// Labels or a selector.
    pub(super) fn labels(
        &mut self,
        labels: &mut Labels,
        given: &mut Option<Span>,
        what: &str,
        pairs: &[Text],
        span: Span,
    ) {
        if let Some(first) = given.replace(span) {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{what}` is given twice"));
            self.report(diagnostic.at(span, "given again here").see(first, "first given here"));
        }
        for pair in pairs {
            let (key, value) = pair.text.split_once('=').unwrap_or((&pair.text, ""));
            if value.starts_with(['"', '\'']) {
                let diagnostic = Diagnostic::error(Code::BadValue, format!("`{value}` is no value of a label"));
                self.report(diagnostic.at(pair.span, "Kubernetes takes letters, digits, `-`, `_` and `.`"));
            }
            if labels.insert(key.to_owned(), value.to_owned()).is_some() {
                let diagnostic = Diagnostic::error(Code::Duplicate, format!("the label `{key}` is given twice"));
                self.report(diagnostic.at(pair.span, "given again here"));
            }
        }
    }

    /// Annotations: pairs whose values may be any text, in quotes.
    pub(super) fn annotations(&mut self, into: &mut Labels, given: &mut Option<Span>, pairs: &[Text], span: Span) {
        let unquoted = |pair: &Text| {
            let (key, value) = pair.text.split_once('=')?;
            let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
            Some((key.to_owned(), value.trim_matches(quote).to_owned()))
        };
        let plain: Vec<_> = pairs.iter().filter(|pair| unquoted(pair).is_none()).cloned().collect();
        self.labels(into, given, "annotations", &plain, span);
        into.extend(pairs.iter().filter_map(unquoted));
    }

    /// What runs on a host.
    pub(super) fn host_containers(&mut self, name: &Text, body: Option<&Block>) -> (Vec<Container>, Links) {
        let (mut template, mut links) = (Template::default(), Links::of(DeviceName::ETH0));
        for field in body.iter().flat_map(|body| &body.statements) {
            let belongs = matches!(field.kind, StatementKind::Container { .. });
            if let StatementKind::Device { name, .. } | StatementKind::OwnDevice { name, .. } = &field.kind
                && name.text != DeviceName::ETH0.as_str()
            {
                let diagnostic = Diagnostic::error(Code::Misplaced, "a host has one device, `eth0`");
                let diagnostic = diagnostic.at(name.span, "not in the braces of a host");
                self.report(diagnostic.hint("a machine with several is a `router`".to_owned()));
                continue;
            }
            let links = self.link(&mut links, field);
            if !(links || belongs && self.template_field(&mut template, field) || self.machine_rule(name, field)) {
                self.misplaced(field, BlockKind::Host);
            }
        }
        (template.containers, links)
    }

    fn container(&mut self, name: &Text, volumes: &[Text], body: Option<&Block>) -> Container {
        let mut disk = DiskFields::default();
        let mut ports: Vec<ContainerPort> = Vec::new();
        let mut serve = Field::default();
        for field in body.iter().flat_map(|body| &body.statements) {
            match &field.kind {
                StatementKind::Port(port) => {
                    for (extra, what) in [(&port.target, "-> …"), (&port.node_port, "nodePort")] {
                        if let Some(extra) = extra {
                            let title = format!("`{what}` does not belong to the port of a container");
                            let diagnostic = Diagnostic::error(Code::Misplaced, title).at(extra.span, "not here");
                            self.report(diagnostic.hint("it belongs to the port of a service".to_owned()));
                        }
                    }
                    let Some((number, protocol)) = self.ok(values::port_protocol(&port.port)) else { continue };
                    if ports.iter().any(|other| (other.port, other.protocol) == (number, protocol)) {
                        let diagnostic = Diagnostic::error(Code::Duplicate, "the container has this port already");
                        self.report(diagnostic.at(field.span, "given again here"));
                    }
                    let name = port.name.as_ref().map(|name| name.text.clone());
                    ports.push(ContainerPort { name, port: number, protocol });
                }
                StatementKind::Serve { app, root, body } => {
                    let value = self.serve(app, root.as_ref(), body.as_ref());
                    serve.set(self, "serve", field.span, value);
                }
                _ if self.disk_field(&mut disk, volumes, field) => {}
                _ => self.misplaced(field, BlockKind::Container),
            }
        }
        if let (Some(body), true, true) = (body, serve.given(), ports.is_empty())
            && !body
                .statements
                .iter()
                .any(|field| matches!(field.kind, StatementKind::Port(_) | StatementKind::Faulty(_)))
        {
            let title = format!("the container `{}` serves, but has no port to listen on", name.text);
            self.report(Diagnostic::error(Code::Missing, title).at(body.span, "expected a `port`"));
        }
        Container { name: name.text.clone(), ports, serve: serve.value, disk: disk.disk() }
    }

    fn serve(&mut self, app: &Text, root: Option<&Text>, body: Option<&Block>) -> Option<Serve> {
        let http = Serve::Http { root: root.map_or_else(|| "/".to_owned(), |root| root.text.clone()), on: Vec::new() };
        let apps = [
            ("http", http),
            ("tcp", Serve::Tcp),
            ("echo", Serve::Echo),
            ("close", Serve::Close),
            ("dns", Serve::Dns { pods: PodRecords::default() }),
            ("zones", Serve::Zones),
            ("ingress-nginx", Serve::IngressNginx),
        ];
        let mut serve = self.ok(values::choice("program to serve", app, &apps))?;
        if let (Serve::Dns { pods }, Some(body), None) = (&mut serve, body, root) {
            for field in &body.statements {
                match &field.kind {
                    StatementKind::Choice { word: Word::Pods, value } => {
                        *pods = self.ok(values::choice("kind of pods' records", value, &PodRecords::NAMED))?;
                    }
                    _ => self.misplaced(field, BlockKind::Serve),
                }
            }
            return Some(serve);
        }
        let Serve::Http { on, .. } = &mut serve else {
            for span in [root.map(|root| root.span), body.map(|body| body.span)].into_iter().flatten() {
                let title = format!("`serve {}` has neither root nor pages", app.text);
                self.report(Diagnostic::error(Code::Misplaced, title).at(span, "only `serve http` has"));
            }
            return Some(serve);
        };
        for field in body.iter().flat_map(|body| &body.statements) {
            match &field.kind {
                StatementKind::Handler { method, path, answer } => on.extend(self.handler(method, path, answer)),
                _ => self.misplaced(field, BlockKind::Serve),
            }
        }
        Some(serve)
    }

    /// A server by name, as a resolver would be asked for it: whether there is one is for DNS to say.
    pub(super) fn connect(&mut self, server: &Operand) -> Option<Connect> {
        let host = match &server.what {
            What::Name(name) => name.clone(),
            What::Address(address) => self.ok(values::address(address, server.span))?.to_string(),
            What::Island(_) => {
                let diagnostic = Diagnostic::error(Code::BadIsland, "a declaration has no islands");
                self.report(diagnostic.at(server.span, "expected a name or an address, with a port"));
                return None;
            }
        };
        let Some(port) = &server.port else {
            let diagnostic = Diagnostic::error(Code::Missing, format!("`{host}` has no port"));
            self.report(diagnostic.at(server.span, format!("expected `{host}:PORT`")));
            return None;
        };
        Some(Connect { host, port: self.ok(values::port(&port.text, port.span))? })
    }
}

/// `true` or `false`.
fn truth(text: &Text) -> Result<bool, Diagnostic> {
    values::choice("truth value", text, &[("true", true), ("false", false)])
}

fn replica_count(count: &Text) -> Result<u32, Diagnostic> {
    count.text.parse().ok().filter(|count| *count <= MOST_REPLICAS).ok_or_else(|| {
        let title = format!("`{}` is no number of replicas", count.text);
        Diagnostic::error(Code::BadValue, title).at(count.span, format!("expected 0 to {MOST_REPLICAS}"))
    })
}
