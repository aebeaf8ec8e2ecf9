//! Ingresses, as `networking.k8s.io/v1` has them and as its two forerunners had.

use netscene_core::kube::{Ingress, IngressPath, Object, PathType};

use super::fields::Fields;
use super::meta::Meta;
use super::service::number;

/// An ingress.
pub(super) fn ingress(object: &Fields<'_>, meta: &Meta<'_>) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let mut paths = Vec::new();
    for rule in spec.each("rules", "a rule") {
        let host = rule.text("host").map(str::to_owned);
        if let Some(http) = rule.fields("http") {
            for path in http.each("paths", "a path") {
                paths.extend(one_path(path, host.clone()));
            }
            http.finish(&[]);
        }
        rule.finish(&[]);
    }
    let ingress_class_name = spec.text("ingressClassName").map(str::to_owned);
    spec.finish(&["tls"]);
    Some(Object::Ingress(Ingress {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        annotations: meta.all_annotations(),
        ingress_class_name,
        paths,
        ..Ingress::default()
    }))
}

fn one_path(fields: Fields<'_>, host: Option<String>) -> Option<IngressPath> {
    let types = [
        ("Exact", PathType::Exact),
        ("Prefix", PathType::Prefix),
        ("ImplementationSpecific", PathType::ImplementationSpecific),
    ];
    // Before v1 there was no other type, and no path meant every path.
    let path_type = fields.choice("pathType", &types).unwrap_or(PathType::ImplementationSpecific);
    let path = fields.text("path").unwrap_or("/").to_owned();
    fields.required("backend");
    let backend = fields.fields("backend");
    fields.finish(&[]);
    let backend = backend?;
    let faults = backend.faults;
    let (service, port) = if let Some(service) = backend.fields("service") {
        let name = service.required("name").and_then(|_| service.text("name"));
        service.required("port");
        let port = service.fields("port");
        let number = port.as_ref().and_then(|port| number(port.required("number")?, faults));
        if let Some(port) = port {
            port.finish(&[]);
        }
        service.finish(&[]);
        (name, number)
    } else {
        let name = backend.required("serviceName").and_then(|_| backend.text("serviceName"));
        (name, backend.required("servicePort").and_then(|port| number(port, faults)))
    };
    backend.finish(&[]);
    Some(IngressPath { host, path_type, path, service: service?.to_owned(), port: port? })
}
