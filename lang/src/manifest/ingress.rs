//! Ingresses, as `networking.k8s.io/v1` has them and as its two forerunners had.

use netscene_core::kube::{Ingress, IngressBackend, IngressPath, Object, PathType, ServiceBackendPort};

use super::fields::{Fields, text};
use super::meta::Meta;
use super::service::{named, number};
use crate::check::annotation_fault;
use crate::{Code, Diagnostic};

/// An ingress of an `apiVersion`.
pub(super) fn ingress(object: &Fields<'_>, meta: &Meta<'_>, group: &str) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let old = group != "networking.k8s.io/v1";
    let mut paths = Vec::new();
    for rule in spec.each("rules", "a rule") {
        let host = rule.text("host").map(str::to_owned);
        if let Some(http) = rule.fields("http") {
            for path in http.each("paths", "a path") {
                paths.extend(one_path(path, host.clone(), old));
            }
            http.finish(&[]);
        }
        rule.finish(&[]);
    }
    let mut tls = Vec::new();
    for one in spec.each("tls", "an entry of tls") {
        let hosts = one.list("hosts").iter().filter_map(|host| text(host, "hosts", one.faults));
        tls.extend(hosts.map(str::to_owned));
        one.finish(&["secretName"]);
    }
    // What is `defaultBackend` in v1 was `backend` before.
    let field = if old { "backend" } else { "defaultBackend" };
    let default_backend = spec.fields(field).and_then(|fields| backend(fields, old));
    let ingress_class_name = spec.text("ingressClassName").map(str::to_owned);
    spec.finish(&[]);
    let ingress = Ingress {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        annotations: meta.all_annotations(),
        ingress_class_name,
        tls,
        default_backend,
        paths,
    };
    for (key, value, span) in meta.annotations.iter().filter(|_| ingress.is_nginx()) {
        if let Some(fault) = annotation_fault(key, value, *span) {
            object.faults.tell(fault);
        }
    }
    Some(Object::Ingress(ingress))
}

fn one_path(fields: Fields<'_>, host: Option<String>, old: bool) -> Option<IngressPath> {
    let types = [
        ("Exact", PathType::Exact),
        ("Prefix", PathType::Prefix),
        ("ImplementationSpecific", PathType::ImplementationSpecific),
    ];
    // Before v1 there was no other type, and no path meant every path.
    if !old {
        fields.required("pathType");
    }
    let path_type = fields.choice("pathType", &types).unwrap_or(PathType::ImplementationSpecific);
    let path = fields.text("path").unwrap_or("/").to_owned();
    fields.required("backend");
    let found = fields.fields("backend").and_then(|fields| backend(fields, old));
    fields.finish(&[]);
    let IngressBackend { service, port } = found?;
    Some(IngressPath { host, path_type, path, service, port })
}

/// A service and its port. The forerunners had `serviceName` and `servicePort`; one that is written as v1 has it is meant
/// so, though their servers would refuse it.
fn backend(backend: Fields<'_>, old: bool) -> Option<IngressBackend> {
    let faults = backend.faults;
    if backend.get("resource").is_some() {
        let diagnostic = Diagnostic::error(Code::Unmodelled, "the model has no backend but services");
        faults.tell(diagnostic.at(backend.head(), "expected a `service`"));
        return None;
    }
    let (service, port) = if old && !backend.has("service") {
        let name = backend.required("serviceName").and_then(|_| backend.text("serviceName"));
        backend.required("servicePort");
        let port = match backend.text("servicePort") {
            Some(name) if named(name) => Some(ServiceBackendPort::Name(name.to_owned())),
            _ => backend.port("servicePort").map(ServiceBackendPort::Number),
        };
        (name, port)
    } else {
        backend.required("service");
        let Some(service) = backend.fields("service") else {
            backend.finish(&[]);
            return None;
        };
        let name = service.required("name").and_then(|_| service.text("name"));
        service.required("port");
        let port = service.fields("port");
        let number = port.as_ref().and_then(|port| match port.text("name") {
            Some(name) => Some(ServiceBackendPort::Name(name.to_owned())),
            None => number(port.required("number")?, faults).map(ServiceBackendPort::Number),
        });
        if let Some(port) = port {
            port.finish(&[]);
        }
        service.finish(&[]);
        (name, number)
    };
    backend.finish(&[]);
    Some(IngressBackend { service: service?.to_owned(), port: port? })
}
