//! Services.

use super::endpoints::behind;
use super::sheet::Sheet;
use super::table::{Columns, Row, pairs};
use super::{Cluster, NONE};
use crate::kube::{Service, ServiceType, Version};

pub(super) const COLUMNS: Columns =
    Columns { usual: &["TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"], wide: &["SELECTOR"] };

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &crate::kube::Declared<Service>| {
        let service = &declared.object;
        let ports: Vec<_> = service.ports.iter().map(port).collect();
        let usual = vec![
            type_of(service).to_owned(),
            cluster_ip(service),
            external_ip(service),
            super::joined(&ports),
            cluster.age(declared.created),
        ];
        let wide = vec![pairs(&service.selector)];
        Row { labels: service.labels.clone(), wide, ..Row::new(&service.namespace, &service.name, usual) }
    };
    cluster.state.services().map(row).collect()
}

fn type_of(service: &Service) -> &'static str {
    match service.kind {
        ServiceType::ClusterIP => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
    }
}

fn cluster_ip(service: &Service) -> String {
    service.cluster_ip.map_or_else(|| NONE.to_owned(), |address| address.to_string())
}

/// The address of a load balancer; `<pending>` until there is one.
fn external_ip(service: &Service) -> String {
    match (service.kind, service.load_balancer_ip) {
        (ServiceType::LoadBalancer, Some(address)) => address.to_string(),
        (ServiceType::LoadBalancer, None) => "<pending>".to_owned(),
        _ => NONE.to_owned(),
    }
}

fn port(port: &crate::kube::ServicePort) -> String {
    let protocol = port.protocol.upper();
    match port.node_port {
        Some(node_port) => format!("{}:{node_port}/{protocol}", port.port),
        None => format!("{}/{protocol}", port.port),
    }
}

pub(super) fn describe(cluster: Cluster<'_>, key: &str) -> Option<Sheet> {
    let service = &cluster.state.service(key)?.object;
    let mut sheet = Sheet::default();
    sheet.field("Name", &service.name);
    sheet.field("Namespace", &service.namespace);
    sheet.labels("Labels", &service.labels);
    sheet.annotations(cluster, &service.annotations);
    sheet.field("Selector", pairs(&service.selector));
    sheet.field("Type", type_of(service));
    let families = cluster.kubectl() >= Version::new(1, 20, 0);
    if families && cluster.server() >= Version::new(1, 21, 0) {
        sheet.field("IP Family Policy", "SingleStack");
        sheet.field("IP Families", "IPv4");
    } else if families {
        sheet.field("IP Families", NONE);
    }
    sheet.field("IP", cluster_ip(service));
    if families {
        sheet.field("IPs", cluster_ip(service));
    }
    if service.kind == ServiceType::LoadBalancer
        && let Some(address) = service.load_balancer_ip
    {
        sheet.field("LoadBalancer Ingress", address);
    }
    for port in &service.ports {
        let (name, protocol) = (port.name.as_deref().unwrap_or("<unset>"), port.protocol.upper());
        sheet.field("Port", format!("{name}\t{}/{protocol}", port.port));
        sheet.field("TargetPort", format!("{}/{protocol}", port.target_port.unwrap_or(port.port)));
        if let Some(node_port) = port.node_port {
            sheet.field("NodePort", format!("{name}\t{node_port}/{protocol}"));
        }
        sheet.field("Endpoints", behind(cluster.state, service, [port]));
    }
    sheet.field("Session Affinity", "None");
    if service.kind != ServiceType::ClusterIP {
        sheet.field("External Traffic Policy", "Cluster");
    }
    sheet.events();
    Some(sheet)
}
