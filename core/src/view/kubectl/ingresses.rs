//! Ingresses.

use super::endpoints::behind;
use super::sheet::{LAST_APPLIED, Sheet, sorted};
use super::table::{Columns, Row};
use super::{Cluster, NONE, key};
use crate::agents::ingress_nginx;
use crate::kube::{Ingress, IngressPath, ServiceBackendPort, Version};
use crate::map::IndexMap;

pub(super) const COLUMNS: Columns = Columns { usual: &["CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"], wide: &[] };

/// How many hosts are told in one line.
const MOST_HOSTS: usize = 3;
/// What an ingress without a default backend is said to have (kubectl, `describeIngress`).
const DEFAULT_BACKEND: &str = "default-http-backend";

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let address = ingress_nginx::address(cluster.state).map(|address| address.to_string()).unwrap_or_default();
    let row = |declared: &crate::kube::Declared<Ingress>| {
        let ingress = &declared.object;
        let age = cluster.age(declared.created);
        // Neither classes nor TLS are modelled.
        let usual = vec![NONE.to_owned(), hosts(ingress), address.clone(), "80".to_owned(), age];
        Row::new(&ingress.namespace, &ingress.name, usual)
    };
    cluster.state.ingresses().map(row).collect()
}

/// The rules of an ingress: its paths by host, in the order in which they are written.
fn rules(ingress: &Ingress) -> IndexMap<&str, Vec<&IngressPath>> {
    let mut rules: IndexMap<&str, Vec<&IngressPath>> = IndexMap::default();
    for path in &ingress.paths {
        rules.entry(path.host.as_deref().unwrap_or_default()).or_default().push(path);
    }
    rules
}

fn hosts(ingress: &Ingress) -> String {
    let rules = rules(ingress);
    let named: Vec<_> = rules.keys().copied().filter(|host| !host.is_empty()).collect();
    match named.len() {
        0 => "*".to_owned(),
        count if count > MOST_HOSTS => {
            format!("{} + {} more...", named[..MOST_HOSTS].join(","), rules.len() - MOST_HOSTS)
        }
        _ => named.join(","),
    }
}

pub(super) fn describe(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let ingress = cluster.state.ingresses().map(|declared| &declared.object);
    let ingress = ingress.into_iter().find(|ingress| key(&ingress.namespace, &ingress.name) == of)?;
    let mut sheet = Sheet::default();
    let recent = cluster.is_recent();
    sheet.field("Name", &ingress.name);
    if recent {
        sheet.field("Labels", NONE);
    }
    sheet.field("Namespace", &ingress.namespace);
    let address = ingress_nginx::address(cluster.state).map(|address| address.to_string());
    sheet.field("Address", address.unwrap_or_default());
    if recent {
        sheet.field("Ingress Class", NONE);
        sheet.field("Default backend", "<default>");
    } else {
        let default = backend(cluster, "kube-system", DEFAULT_BACKEND, &ServiceBackendPort::Number(80));
        sheet.field("Default backend", format!("{DEFAULT_BACKEND}:80 ({default})"));
    }
    sheet.line("Rules:");
    sheet.line("  Host\tPath\tBackends");
    sheet.line("  ----\t----\t--------");
    for (host, paths) in rules(ingress) {
        sheet.line(&format!("  {}\t", if host.is_empty() { "*" } else { host }));
        for path in paths {
            let behind = backend(cluster, &ingress.namespace, &path.service, &path.port);
            sheet.line(&format!("    \t{} \t{}:{} ({behind})", path.path, path.service, path.port));
        }
    }
    if cluster.kubectl() < Version::new(1, 18, 0) {
        sheet.line("Annotations:");
        for (key, value) in sorted(&ingress.annotations) {
            // The text that `kubectl apply` keeps ends a line.
            let end = if key == LAST_APPLIED { "\n" } else { "" };
            sheet.line(&format!("  {key}:\t{value}{end}"));
        }
    } else {
        sheet.annotations(cluster, &ingress.annotations);
    }
    sheet.events();
    Some(sheet)
}

/// The endpoints of a backend. Since 1.18 kubectl tells when there is no such service.
fn backend(cluster: Cluster<'_>, namespace: &str, service: &str, port: &ServiceBackendPort) -> String {
    match cluster.state.service(&key(namespace, service)) {
        Some(found) => {
            let ports = found.object.ports.iter().filter(|one| port.is(one));
            behind(cluster.state, &found.object, ports)
        }
        None if cluster.kubectl() < Version::new(1, 18, 0) => NONE.to_owned(),
        // Slices are looked for by label, which cannot fail; so it is the service that is not found.
        None if cluster.is_recent() => format!("<error: services \"{service}\" not found>"),
        None => format!("<error: endpoints \"{service}\" not found>"),
    }
}
