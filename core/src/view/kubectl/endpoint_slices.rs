//! EndpointSlices: for each service one, or several where pods give a named port different numbers.

use super::endpoints::first;
use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, NONE, key};
use crate::kube::endpoints::all_endpoints;
use crate::kube::{Endpoint, Labels, Service};
use crate::map::IndexMap;

pub(super) const COLUMNS: Columns = Columns { usual: &["ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"], wide: &[] };

/// What kubectl prints for a list that is empty.
const UNSET: &str = "<unset>";

/// A slice: endpoints that serve all ports of a service on the same numbers.
struct Slice {
    name: String,
    /// Each port of the service, and its number here.
    ports: Vec<(usize, u16)>,
    /// One for each address.
    endpoints: Vec<Endpoint>,
}

/// The slices of a service. Without endpoints it has one, and that is empty.
fn slices(cluster: Cluster<'_>, service: &Service) -> Vec<Slice> {
    let mut ports: IndexMap<_, (Vec<(usize, u16)>, Endpoint)> = IndexMap::default();
    for (at, port) in service.ports.iter().enumerate() {
        for endpoint in all_endpoints(cluster.state, service, port) {
            let number = endpoint.port;
            ports.entry(endpoint.address).or_insert_with(|| (Vec::new(), endpoint)).0.push((at, number));
        }
    }
    let mut by_ports: IndexMap<Vec<(usize, u16)>, Vec<Endpoint>> = IndexMap::default();
    for (ports, endpoint) in ports.into_values() {
        by_ports.entry(ports).or_default().push(endpoint);
    }
    if by_ports.is_empty() {
        by_ports.insert(Vec::new(), Vec::new());
    }
    let name = |at| cluster.state.generated_name(&service.namespace, &service.name, at);
    let all = by_ports.into_iter().enumerate();
    all.map(|(at, (ports, endpoints))| Slice { name: name(at), ports, endpoints }).collect()
}

/// Services that the controller makes slices for, or that bring their own.
fn sliced(service: &Service) -> bool {
    !service.selector.is_empty() || !service.endpoints.is_empty()
}

fn labels(service: &Service) -> Labels {
    let name = ("kubernetes.io/service-name".to_owned(), service.name.clone());
    service.labels.clone().into_iter().chain([name]).collect()
}

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let services = cluster.state.services().filter(|declared| sliced(&declared.object));
    let rows = services.flat_map(|declared| {
        let service = &declared.object;
        slices(cluster, service).into_iter().map(|slice| {
            let numbers: Vec<_> = slice.ports.iter().map(|(_, number)| number.to_string()).collect();
            let addresses: Vec<_> = slice.endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
            let [ports, endpoints] = [numbers, addresses].map(|list| first(&list).unwrap_or_else(|| UNSET.to_owned()));
            let usual = vec!["IPv4".to_owned(), ports, endpoints, cluster.age(declared.created)];
            Row { labels: labels(service), ..Row::new(&service.namespace, &slice.name, usual) }
        })
    });
    rows.collect()
}

pub(super) fn describe(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let services = cluster.state.services().map(|declared| &declared.object).filter(|service| sliced(service));
    let mut found =
        services.flat_map(|service| slices(cluster, service).into_iter().map(move |slice| (service, slice)));
    let (service, slice) = found.find(|(service, slice)| key(&service.namespace, &slice.name) == of)?;
    let mut sheet = Sheet::default();
    sheet.field("Name", &slice.name);
    sheet.field("Namespace", &service.namespace);
    sheet.labels("Labels", &labels(service));
    sheet.field("Annotations", NONE);
    sheet.field("AddressType", "IPv4");
    if slice.ports.is_empty() {
        sheet.line(&format!("Ports: {UNSET}"));
    } else {
        sheet.line("Ports:");
        sheet.line("  Name\tPort\tProtocol");
        sheet.line("  ----\t----\t--------");
        for (at, number) in &slice.ports {
            let port = &service.ports[*at];
            sheet.line(&format!("  {}\t{number}\t{}", port.name.as_deref().unwrap_or(UNSET), port.protocol.upper()));
        }
    }
    sheet.line(if slice.endpoints.is_empty() { "Endpoints: <none>" } else { "Endpoints:" });
    for endpoint in &slice.endpoints {
        sheet.line(&format!("  - Addresses:\t{}", endpoint.address));
        sheet.line("    Conditions:");
        sheet.line(&format!("      Ready:\t{}", endpoint.ready));
        sheet.line(&format!("    Hostname:\t{UNSET}"));
        if let Some(pod) = &endpoint.pod {
            sheet.line(&format!("    TargetRef:\tPod/{}", pod.rsplit('/').next().unwrap_or(pod)));
        }
        let node = endpoint.node.as_deref().map_or_else(|| UNSET.to_owned(), |node| cluster.hostname(node));
        sheet.line(&format!("    NodeName:\t{node}"));
        sheet.line(&format!("    Zone:\t{UNSET}"));
    }
    sheet.events();
    Some(sheet)
}
