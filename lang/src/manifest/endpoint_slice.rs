//! `EndpointSlice`s of services without selector (discovery/v1).

use std::net::Ipv4Addr;

use netscene_core::kube::{EndpointAddress, EndpointPort};

use super::Read;
use super::fields::Fields;
use super::meta::Meta;
use super::workload::{protocol, unmodelled};
use crate::{Code, Diagnostic, Span};

/// The label that names the service of a slice.
const SERVICE: &str = "kubernetes.io/service-name";
/// The label that says who looks after a slice, and who copies `Endpoints` into slices: the copy says nothing new.
const MANAGER: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "endpointslicemirroring-controller.k8s.io");

/// What a slice says is behind a service.
pub(super) fn read(object: &Fields<'_>, meta: &Meta<'_>, head: Span) -> Option<Read> {
    if object.choice("addressType", &[("IPv4", true), ("IPv6", false), ("FQDN", false)]) == Some(false) {
        let diagnostic = Diagnostic::error(Code::NotModelled, "the model knows IPv4 only").warning();
        object.faults.tell(diagnostic.at(head, "left alone"));
        for key in ["endpoints", "ports"] {
            object.get(key);
        }
        return None;
    }
    let mut given = Vec::new();
    for one in object.each("endpoints", "an endpoint") {
        let addresses: Vec<Ipv4Addr> = one.parsed_list("addresses", "IPv4 address");
        let mut endpoint = EndpointAddress::new(Ipv4Addr::UNSPECIFIED, 0);
        endpoint.node = one.text("nodeName").map(str::to_owned);
        if let Some(conditions) = one.fields("conditions") {
            // One of which nobody knows is ready, and one that is ready serves. What terminates is never ready, but may serve.
            let ready = conditions.truth("ready").unwrap_or(true);
            let serving = conditions.truth("serving").unwrap_or(ready);
            endpoint.conditions.terminating = conditions.truth("terminating").unwrap_or(false);
            endpoint.conditions.ready = if endpoint.conditions.terminating { serving } else { ready };
            conditions.finish(&[]);
        }
        endpoint.hostname = one.text("hostname").map(str::to_owned);
        if let Some(hints) = one.get("hints") {
            unmodelled(object.faults, hints.span, "hints of an EndpointSlice that it has not made itself");
        }
        one.finish(&["targetRef", "zone", "deprecatedTopology"]);
        // kube-proxy takes the first of several: they are the same endpoint.
        given.extend(addresses.first().map(|address| EndpointAddress { address: *address, ..endpoint }));
    }
    let mut found = Vec::new();
    for one in object.each("ports", "a port") {
        let port = one.required("port").and_then(|_| one.port("port"));
        let service_port = of_port(&one);
        one.finish(&["appProtocol"]);
        let of = |(port, service_port): (u16, EndpointPort)| {
            let of = move |one: &EndpointAddress| EndpointAddress {
                port,
                service_port: Some(service_port.clone()),
                ..one.clone()
            };
            given.iter().map(of).collect::<Vec<_>>()
        };
        found.extend(port.zip(service_port).map(of).unwrap_or_default());
    }
    if meta.labels.get(MANAGER.0).is_some_and(|manager| manager == MANAGER.1) {
        return None;
    }
    let Some(service) = meta.labels.get(SERVICE) else {
        let title = format!("EndpointSlice `{}` is of no service", meta.name);
        let diagnostic = Diagnostic::error(Code::UnknownKind, title).warning().at(head, "left alone");
        object.faults.tell(diagnostic.hint(format!("its label `{SERVICE}` names one")));
        return None;
    };
    Some(Read::Endpoints(service.clone(), found))
}

/// Which port of the service a port of endpoints is of.
pub(super) fn of_port(port: &Fields<'_>) -> Option<EndpointPort> {
    let name = port.text("name").unwrap_or_default().to_owned();
    protocol(port).map(|protocol| EndpointPort { name, protocol })
}
