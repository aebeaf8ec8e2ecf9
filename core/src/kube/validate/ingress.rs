//! Ingresses.

use std::net::Ipv4Addr;

use super::{dns_label, dns_subdomain, fault, is_dns_label, port, unique};
use crate::kube::{Ingress, NginxAnnotations, PathType, ServiceBackendPort, State};
use crate::world::OpError;

pub(super) fn ingress(state: &State, ingress: &Ingress) -> Result<(), OpError> {
    dns_label("a namespace's name", &ingress.namespace)?;
    dns_subdomain("an ingress's name", &ingress.name)?;
    unique(&state.ingresses, "ingress", &format!("{}/{}", ingress.namespace, ingress.name))?;
    // What another controller makes of its own annotations is nothing to this one.
    let ours = ingress.is_nginx();
    let known = if ours { NginxAnnotations::read(&ingress.annotations) } else { Ok(NginxAnnotations::default()) };
    let known = known.map_err(|error| fault(error.problem, error.hint))?;
    let regex = known.use_regex || known.rewrite_target.is_some();
    if ingress.paths.is_empty() && ingress.default_backend.is_none() {
        return Err(fault(format!("ingress {} has neither paths nor a default backend", ingress.name), "add a path"));
    }
    for host in &ingress.tls {
        ingress_host(host)?;
    }
    for path in &ingress.paths {
        if !path.path.starts_with('/') {
            let problem = format!("path `{}` of ingress {} does not begin with `/`", path.path, ingress.name);
            return Err(fault(problem, format!("write `/{}`", path.path)));
        }
        if path.path_type != PathType::ImplementationSpecific && path.path.contains("//") {
            return Err(fault(format!("path `{}` has an empty element", path.path), "write one `/` between elements"));
        }
        if path.path.contains(|c: char| c.is_whitespace() || c == '?' && !regex) {
            return Err(fault(format!("path `{}` has a blank or a `?`", path.path), "leave the query out"));
        }
        if regex && let Err(error) = regex_lite::Regex::new(&path.path) {
            let problem = format!("path `{}` is no regular expression that the model knows: {error}", path.path);
            return Err(fault(problem, "it knows neither look-around nor back references"));
        }
        if let Some(host) = &path.host {
            ingress_host(host)?;
        }
        backend(&path.service, &path.port)?;
    }
    ingress.default_backend.as_ref().map_or(Ok(()), |to| backend(&to.service, &to.port))
}

fn backend(service: &str, named: &ServiceBackendPort) -> Result<(), OpError> {
    dns_label("a service's name", service)?;
    match named {
        ServiceBackendPort::Number(number) => port("a backend's port", *number),
        ServiceBackendPort::Name(name) => dns_label("the name of a service's port", name),
    }
}

/// A DNS name, or `*.` and one.
fn ingress_host(host: &str) -> Result<(), OpError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.len() <= 253 && name.split('.').all(is_dns_label) && name.parse::<Ipv4Addr>().is_err() {
        return Ok(());
    }
    Err(fault(format!("`{host}` cannot be an ingress's host"), "use a name, or a wildcard such as *.example.com"))
}
