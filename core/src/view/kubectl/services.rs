//! Services.

use super::endpoints::behind;
use super::sheet::Sheet;
use super::table::{Columns, Row, pairs};
use super::{Cluster, NONE};
use crate::kube::{IpMode, Service, ServiceType, TargetPort, TrafficPolicy, Version};

pub(super) const COLUMNS: Columns =
    Columns { usual: &["TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"], wide: &["SELECTOR"] };

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &crate::kube::Declared<Service>| {
        let service = &declared.object;
        let ports: Vec<_> = service.ports.iter().map(port).collect();
        let usual = vec![
            service.kind.to_string(),
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

/// `None` is what a headless service asks for.
fn cluster_ip(service: &Service) -> String {
    match service.cluster_ip {
        Some(address) => address.to_string(),
        None if service.headless => "None".to_owned(),
        None => NONE.to_owned(),
    }
}

/// The addresses that lead here from outside; `<pending>` until a load balancer has given one.
fn external_ip(service: &Service) -> String {
    if let Some(name) = &service.external_name {
        return name.clone();
    }
    let own = service.load_balancer_ip.filter(|_| service.kind == ServiceType::LoadBalancer);
    let all: Vec<_> = own.iter().chain(&service.external_ips).map(ToString::to_string).collect();
    match (service.kind, all.is_empty()) {
        (ServiceType::LoadBalancer, true) => "<pending>".to_owned(),
        _ => super::joined(&all),
    }
}

fn port(port: &crate::kube::ServicePort) -> String {
    let protocol = port.protocol.upper();
    match port.node_port {
        Some(node_port) => format!("{}:{node_port}/{protocol}", port.port),
        None => format!("{}/{protocol}", port.port),
    }
}

fn policy(policy: TrafficPolicy) -> &'static str {
    match policy {
        TrafficPolicy::Cluster => "Cluster",
        TrafficPolicy::Local => "Local",
    }
}

fn listed<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

pub(super) fn describe(cluster: Cluster<'_>, key: &str) -> Option<Sheet> {
    let service = &cluster.state.service(key)?.object;
    let mut sheet = Sheet::default();
    sheet.field("Name", &service.name);
    sheet.field("Namespace", &service.namespace);
    sheet.labels("Labels", &service.labels);
    sheet.annotations(cluster, &service.annotations);
    sheet.field("Selector", pairs(&service.selector));
    sheet.field("Type", service.kind);
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
    if !service.external_ips.is_empty() {
        sheet.field("External IPs", listed(&service.external_ips));
    }
    if let Some(name) = &service.external_name {
        sheet.field("External Name", name);
    }
    if service.kind == ServiceType::LoadBalancer
        && let Some(address) = service.load_balancer_ip
    {
        // Since 1.32 with the mode that the server defaults since 1.30.
        let tells = cluster.kubectl() >= Version::new(1, 32, 0) && cluster.server() >= Version::new(1, 30, 0);
        let mode = match service.ip_mode {
            _ if !tells => "",
            IpMode::VIP => " (VIP)",
            IpMode::Proxy => " (Proxy)",
        };
        sheet.field("LoadBalancer Ingress", format!("{address}{mode}"));
    }
    for port in &service.ports {
        let (name, protocol) = (port.name.as_deref().unwrap_or("<unset>"), port.protocol.upper());
        sheet.field("Port", format!("{name}\t{}/{protocol}", port.port));
        let target = match &port.target_port {
            None => port.port.to_string(),
            Some(TargetPort::Number(number)) => number.to_string(),
            Some(TargetPort::Name(name)) => name.clone(),
        };
        sheet.field("TargetPort", format!("{target}/{protocol}"));
        if let Some(node_port) = port.node_port {
            sheet.field("NodePort", format!("{name}\t{node_port}/{protocol}"));
        }
        sheet.field("Endpoints", behind(cluster.state, service, [port]));
    }
    sheet.field("Session Affinity", if service.session_affinity.is_some() { "ClientIP" } else { "None" });
    if matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer) {
        sheet.field("External Traffic Policy", policy(service.external_traffic_policy));
    }
    if cluster.is_recent() && service.is_proxied() {
        sheet.field("Internal Traffic Policy", policy(service.internal_traffic_policy));
    }
    if let Some(port) = service.health_check_node_port {
        sheet.field("HealthCheck NodePort", port);
    }
    if !service.load_balancer_source_ranges.is_empty() {
        sheet.field("LoadBalancer Source Ranges", listed(&service.load_balancer_source_ranges));
    }
    if let Some(preferred) = service.traffic_distribution.filter(|_| cluster.is_recent()) {
        sheet.field("Traffic Distribution", format!("{preferred:?}"));
    }
    sheet.events();
    Some(sheet)
}
