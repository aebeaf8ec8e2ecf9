//! Endpoints: one object for each service that finds them, of the same name.

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, NONE};
use crate::kube::endpoints::endpoints;
use crate::kube::{Service, ServicePort, State};

pub(super) const COLUMNS: Columns = Columns { usual: &["ENDPOINTS", "AGE"], wide: &[] };

/// How many endpoints are told in one line (kubernetes, `formatEndpoints`).
const MOST: usize = 3;

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let has = |service: &&crate::kube::Declared<Service>| {
        !service.object.selector.is_empty() || !service.object.endpoints.is_empty()
    };
    let row = |declared: &crate::kube::Declared<Service>| {
        let service = &declared.object;
        let usual = vec![behind(cluster.state, service, &service.ports), cluster.age(declared.created)];
        Row { labels: service.labels.clone(), ..Row::new(&service.namespace, &service.name, usual) }
    };
    cluster.state.services().filter(has).map(row).collect()
}

/// The first three endpoints behind `ports` of a service, port by port. The controller orders the ports of one service by
/// a hash of Go's; here they come as they are declared.
pub(super) fn behind<'a>(state: &State, service: &Service, ports: impl IntoIterator<Item = &'a ServicePort>) -> String {
    let found = ports.into_iter().flat_map(|port| endpoints(state, service, port));
    first(&found.map(|endpoint| endpoint.to_string()).collect::<Vec<_>>()).unwrap_or_else(|| NONE.to_owned())
}

/// The first three, and how many more there are.
pub(super) fn first(found: &[String]) -> Option<String> {
    match found.len() {
        0 => None,
        count if count > MOST => Some(format!("{} + {} more...", found[..MOST].join(","), count - MOST)),
        _ => Some(found.join(",")),
    }
}

pub(super) fn describe(cluster: Cluster<'_>, key: &str) -> Option<Sheet> {
    let service = &cluster.state.service(key)?.object;
    let mut sheet = Sheet::default();
    sheet.field("Name", &service.name);
    sheet.field("Namespace", &service.namespace);
    sheet.labels("Labels", &service.labels);
    sheet.field("Annotations", NONE);
    sheet.line("Subsets:");
    let found: Vec<_> = service.ports.iter().map(|port| (port, endpoints(cluster.state, service, port))).collect();
    let mut addresses: Vec<_> = found.iter().flat_map(|(_, all)| all).map(|one| one.address.to_string()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if !addresses.is_empty() {
        sheet.line(&format!("  Addresses:\t{}", addresses.join(",")));
        sheet.line(&format!("  NotReadyAddresses:\t{NONE}"));
        sheet.line("  Ports:");
        sheet.line("    Name\tPort\tProtocol");
        sheet.line("    ----\t----\t--------");
        for (port, all) in found {
            let mut numbers: Vec<_> = all.iter().map(|endpoint| endpoint.port).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                let name = port.name.as_deref().unwrap_or("<unset>");
                sheet.line(&format!("    {name}\t{number}\t{}", port.protocol.upper()));
            }
        }
        sheet.line("");
    }
    sheet.events();
    Some(sheet)
}
