//! Services that lead nowhere, and ingresses that lead to ports which a service does not have.

use netscene_core::kube::{
    Container, ContainerPort, Ingress, Labels, Object, POD_NAME_LABEL, Service, ServiceBackendPort, ServicePort,
    ServiceType, TargetPort,
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Declared, Places};
use crate::ast::{StatementKind, What};
use crate::check::symbols::MOST_COMPARISONS;
use crate::suggest::{list, question};
use crate::{Code, Diagnostic, Span, Word};

/// What makes pods: one of its own, or a deployment.
struct Maker<'a> {
    namespace: &'a str,
    labels: &'a Labels,
    containers: &'a [Container],
    /// Its name, where it is a stateful set.
    stateful_set: Option<&'a str>,
    span: Span,
}

/// What makes pods, by a label that they have: a service asks for some of very many.
struct Makers<'a> {
    all: Vec<Maker<'a>>,
    /// By namespace, key and value.
    by_label: FxHashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    /// Stateful sets, by namespace and name.
    by_set: FxHashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Makers<'a> {
    fn new(objects: &[Declared<'a>]) -> Self {
        let all: Vec<_> = objects.iter().filter_map(maker).collect();
        let mut by_label: FxHashMap<_, Vec<usize>> = FxHashMap::default();
        for (at, maker) in all.iter().enumerate() {
            for (key, value) in maker.labels {
                by_label.entry((maker.namespace, key.as_str(), value.as_str())).or_default().push(at);
            }
        }
        let mut by_set: FxHashMap<_, Vec<usize>> = FxHashMap::default();
        for (at, maker) in all.iter().enumerate() {
            if let Some(set) = maker.stateful_set {
                by_set.entry((maker.namespace, set)).or_default().push(at);
            }
        }
        Self { all, by_label, by_set }
    }

    /// Those that a selector selects, in the order of the file. It asks for one label at least.
    fn selected(&self, namespace: &'a str, selector: &'a Labels) -> Vec<&Maker<'a>> {
        let having = |(key, value): (&'a String, &'a String)| {
            self.by_label.get(&(namespace, key.as_str(), value.as_str())).map_or(&[][..], Vec::as_slice)
        };
        // The controller of stateful sets gives each pod the label that says its name: nobody writes it.
        let rarest = match selector.get(POD_NAME_LABEL) {
            Some(pod) => {
                let set = pod.rsplit_once('-').and_then(|(set, _number)| self.by_set.get(&(namespace, set)));
                set.map_or(&[][..], Vec::as_slice)
            }
            None => selector.iter().map(having).min_by_key(|makers| makers.len()).unwrap_or_default(),
        };
        let makers = rarest.iter().map(|at| &self.all[*at]);
        makers.filter(|maker| selects(selector, maker.labels)).collect()
    }
}

/// `given` are the services that get endpoints which stand apart from them, as `namespace/name`.
pub(super) fn advise<'a>(
    objects: &[Declared<'a>],
    given: &FxHashSet<String>,
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let makers = Makers::new(objects);
    let services: Vec<(&'a Service, Span)> = objects.iter().filter_map(service).collect();
    let mut compared = 0;
    for &(service, span) in &services {
        diagnostics.extend(without_effect(service, span, places));
        if service.kind == ServiceType::ExternalName {
            continue;
        }
        if service.selector.is_empty() {
            if service.endpoints.is_empty() && !given.contains(&format!("{}/{}", service.namespace, service.name)) {
                diagnostics.push(no_endpoints(service, span, places));
            }
            continue;
        }
        let selected = makers.selected(&service.namespace, &service.selector);
        if selected.is_empty() {
            let diagnostic = selects_nothing(service, span, places);
            // More of these than are told need not be compared with all labels.
            compared += makers.all.len();
            let near = compared <= MOST_COMPARISONS;
            diagnostics.push(if near { with_nearest(diagnostic, service, &makers.all, places) } else { diagnostic });
            continue;
        }
        for (number, port) in service.ports.iter().enumerate() {
            diagnostics.extend(no_target(service, port, port_span(places, span, number), &selected, places));
        }
    }
    let mut by_name = FxHashMap::default();
    for &(service, span) in &services {
        by_name.entry((service.namespace.as_str(), service.name.as_str())).or_insert((service, span));
    }
    for declared in objects {
        if let Object::Ingress(ingress) = declared.object {
            ingress_ports(ingress, declared.span, &by_name, places, diagnostics);
        }
    }
}

fn maker<'a>(declared: &Declared<'a>) -> Option<Maker<'a>> {
    let span = declared.span;
    Some(match declared.object {
        Object::Pod(pod) => Maker {
            namespace: &pod.namespace,
            labels: &pod.labels,
            containers: &pod.containers,
            stateful_set: None,
            span,
        },
        Object::Deployment(one) => Maker {
            namespace: &one.namespace,
            labels: &one.labels,
            containers: &one.containers,
            stateful_set: one.stateful_set.as_ref().map(|_| one.name.as_str()),
            span,
        },
        _ => return None,
    })
}

fn service<'a>(declared: &Declared<'a>) -> Option<(&'a Service, Span)> {
    match declared.object {
        Object::Service(service) => Some((service, declared.span)),
        _ => None,
    }
}

/// But for the label with a pod's name.
fn selects(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().filter(|(key, _)| *key != POD_NAME_LABEL).all(|(key, value)| labels.get(key) == Some(value))
}

fn pairs(labels: &Labels) -> impl Iterator<Item = String> {
    labels.iter().map(|(key, value)| format!("{key}={value}"))
}

fn labels_span(places: &Places<'_>, maker: Span) -> Span {
    places.field(maker, &["labels:"], |kind| matches!(kind, StatementKind::Labels { word: Word::Labels, .. }))
}

fn selects_nothing(service: &Service, span: Span, places: &Places<'_>) -> Diagnostic {
    let selector =
        places.field(span, &["selector:"], |kind| matches!(kind, StatementKind::Labels { word: Word::Selector, .. }));
    let title = format!("the selector of service `{}` selects no pod", service.name);
    let wanted = list(pairs(&service.selector).collect::<Vec<_>>().iter().map(String::as_str), "and");
    let label = format!("no pod of namespace `{}` has {wanted}", service.namespace);
    Diagnostic::error(Code::SelectsNothing, title).warning().at(selector, label)
}

/// The same with the labels that may have been meant.
fn with_nearest(diagnostic: Diagnostic, service: &Service, makers: &[Maker<'_>], places: &Places<'_>) -> Diagnostic {
    let here = || makers.iter().filter(|maker| maker.namespace == service.namespace);
    if let Some(other) = makers.iter().find(|maker| selects(&service.selector, maker.labels)) {
        let text = format!("namespace `{}` has one", other.namespace);
        let hint = "a selector selects in the service's own namespace only";
        return diagnostic.see(labels_span(places, other.span), text).hint(hint.to_owned());
    }
    let known: Vec<_> = here().flat_map(|maker| pairs(maker.labels)).collect();
    // Of several labels the one that no pod has is the wrong one, or else they are never together.
    let missing = pairs(&service.selector).find(|pair| !known.contains(pair));
    let near = |pair: &String| crate::did_you_mean(pair, known.iter().map(String::as_str)).map(str::to_owned);
    let meant = missing.as_ref().and_then(near);
    let meant_by = meant.as_ref().and_then(|meant| here().find(|maker| pairs(maker.labels).any(|pair| pair == *meant)));
    match (meant, meant_by, &missing) {
        (Some(meant), Some(maker), _) => {
            diagnostic.see(labels_span(places, maker.span), format!("did you mean `{meant}`?"))
        }
        (_, _, None) => diagnostic.hint("each of these labels is there, but no pod has all of them".to_owned()),
        _ if known.is_empty() => diagnostic.hint("give the pods `labels`".to_owned()),
        _ => {
            let mut known = known;
            known.sort();
            known.dedup();
            diagnostic.hint(format!("pods have: {}", list(known.iter().take(8).map(String::as_str), "and")))
        }
    }
}

fn no_endpoints(service: &Service, span: Span, places: &Places<'_>) -> Diagnostic {
    let title = format!("service `{}` has no endpoints", service.name);
    let diagnostic = Diagnostic::error(Code::NoEndpoints, title).warning();
    let diagnostic = diagnostic.at(places.head(span), "it has neither a selector nor endpoints of its own");
    diagnostic.hint("write `selector KEY=VALUE`, or `endpoints ADDRESS:PORT`".to_owned())
}

/// The place of the port of that number: in a manifest all ports are one.
fn port_span(places: &Places<'_>, service: Span, number: usize) -> Span {
    let fields = places.sentence(service).into_iter().flat_map(|sentence| sentence.kind.blocks());
    let ports = fields.flat_map(|block| &block.statements).filter(|field| matches!(field.kind, StatementKind::Port(_)));
    let port = ports.into_iter().nth(number).map(|field| field.span);
    port.unwrap_or_else(|| places.field(service, &["ports:"], |_| false))
}

/// A port that no container behind it has.
fn no_target(
    service: &Service,
    port: &ServicePort,
    span: Span,
    selected: &[&Maker<'_>],
    places: &Places<'_>,
) -> Option<Diagnostic> {
    let ports = || selected.iter().flat_map(|maker| maker.containers).flat_map(|container| &container.ports);
    // A pod that says nothing of ports may be one that nobody wanted to describe.
    ports().next()?;
    let first = selected.iter().find(|maker| maker.containers.iter().any(|container| !container.ports.is_empty()))?;
    let there = container_span(places, first.span);
    match &port.target_port {
        Some(TargetPort::Name(name)) => {
            let fits = |other: &ContainerPort| other.name.as_ref() == Some(name) && other.protocol == port.protocol;
            if ports().any(fits) {
                return None;
            }
            let title = format!("no container behind service `{}` has a port `{name}`", service.name);
            let diagnostic = Diagnostic::error(Code::NoSuchPortName, title).warning();
            let names: Vec<_> = ports().filter_map(|port| port.name.as_deref()).collect();
            let label = question(name, names.iter().copied()).unwrap_or_else(|| "not the name of a port".to_owned());
            let known = list(names.iter().copied(), "and");
            let hint = if names.is_empty() {
                format!("name the container's port: `port {} as {name}`", first_port(first))
            } else {
                format!("its ports are called {known}")
            };
            Some(diagnostic.at(span, label).see(there, "the container").hint(hint))
        }
        target => {
            let number = match target {
                Some(TargetPort::Number(number)) => *number,
                _ => port.port,
            };
            if ports().any(|other| (other.port, other.protocol) == (number, port.protocol)) {
                return None;
            }
            let protocol = port.protocol.upper();
            let title = format!("no container behind service `{}` has port {number}/{protocol}", service.name);
            let listens = first_port(first);
            let same_number = ports().find(|other| other.port == number);
            let hint = match same_number {
                Some(other) => format!("the container's port {number} is {}", other.protocol.upper()),
                None => format!("write `port {} -> {listens}`", port.port),
            };
            let diagnostic = Diagnostic::error(Code::NoSuchTarget, title).warning();
            let diagnostic = diagnostic.at(span, "connections to it will be refused");
            Some(diagnostic.see(there, format!("the container has port {listens}")).hint(hint))
        }
    }
}

fn first_port(maker: &Maker<'_>) -> u16 {
    maker.containers.iter().flat_map(|container| &container.ports).next().map_or(0, |port| port.port)
}

/// The first line of the first container with a port.
fn container_span(places: &Places<'_>, maker: Span) -> Span {
    let container = places.field(maker, &["containers:", "name:"], |kind| {
        let StatementKind::Container { body, .. } = kind else { return false };
        let is_port = |field: &crate::ast::Statement| matches!(field.kind, StatementKind::Port(_));
        body.as_ref().is_some_and(|body| body.statements.iter().any(is_port))
    });
    places.head(container)
}

fn without_effect(service: &Service, span: Span, places: &Places<'_>) -> Option<Diagnostic> {
    if !(service.headless && service.session_affinity.is_some()) {
        return None;
    }
    let at = places.field(span, &["sessionAffinity:"], |kind| matches!(kind, StatementKind::SessionAffinity { .. }));
    let title = format!("the sessionAffinity of service `{}` has no effect", service.name);
    let diagnostic = Diagnostic::error(Code::NoEffect, title).warning();
    let diagnostic = diagnostic.at(at, "kube-proxy writes no rules for a headless service");
    Some(diagnostic.hint("leave it out, or give the service a clusterIP".to_owned()))
}

fn ingress_ports(
    ingress: &Ingress,
    span: Span,
    services: &FxHashMap<(&str, &str), (&Service, Span)>,
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let backends = ingress.paths.iter().map(|path| (path.service.as_str(), &path.port));
    let backends = backends.chain(ingress.default_backend.iter().map(|to| (to.service.as_str(), &to.port)));
    for (name, port) in backends {
        let backend = |kind: &StatementKind| match kind {
            StatementKind::Path { service, .. } | StatementKind::DefaultBackend(service) => {
                matches!(&service.what, What::Name(text) if text == name)
                    && service.port.as_ref().is_some_and(|text| text.text == port.to_string())
            }
            _ => false,
        };
        let at = || places.field(span, &["backend", name], backend);
        match services.get(&(ingress.namespace.as_str(), name)) {
            // Of an ingress in a scenario the checks have told it.
            None if places.sentence(span).is_none() => {
                let title = format!("there is no service `{}/{name}`", ingress.namespace);
                let diagnostic = Diagnostic::error(Code::UnknownName, title).warning();
                // A map has no order that a result may depend on.
                let mut names: Vec<_> = services.keys().filter(|key| key.0 == ingress.namespace).collect();
                names.sort_unstable();
                let label = question(name, names.into_iter().map(|key| key.1));
                diagnostics.push(diagnostic.at(at(), label.unwrap_or_else(|| "nginx answers 503".to_owned())));
            }
            Some((service, there))
                if !service.ports.iter().any(|other| port.is(other)) && !service.ports.is_empty() =>
            {
                let title = format!("service `{name}` has no port {port}");
                let known = service.ports.iter().map(|other| match (port, &other.name) {
                    (ServiceBackendPort::Name(_), Some(name)) => name.clone(),
                    _ => other.port.to_string(),
                });
                let known: Vec<_> = known.collect();
                let known = list(known.iter().map(String::as_str), "and");
                let diagnostic = Diagnostic::error(Code::NoSuchServicePort, title).warning();
                let taken = service.ports.iter().any(|other| port.leads_to(other));
                let label = if taken {
                    "ingress-nginx takes the targetPort for it, and no other controller does"
                } else {
                    "nginx answers 503"
                };
                let diagnostic = diagnostic.at(at(), label);
                diagnostics.push(diagnostic.see(port_span(places, *there, 0), format!("it has {known}")));
            }
            _ => {}
        }
    }
}
