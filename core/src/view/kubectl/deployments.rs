//! Deployments, daemon sets and stateful sets.

use super::sheet::Sheet;
use super::table::{Columns, Row, pairs};
use super::{Cluster, NONE, key};
use crate::kube::{Declared, Deployment, PodPhase, RunningPod};

pub(super) const COLUMNS: Columns =
    Columns { usual: &["READY", "UP-TO-DATE", "AVAILABLE", "AGE"], wide: &["CONTAINERS", "IMAGES", "SELECTOR"] };

pub(super) const DAEMON_SET_COLUMNS: Columns = Columns {
    usual: &["DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"],
    wide: &["CONTAINERS", "IMAGES", "SELECTOR"],
};

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<Deployment>| {
        let (wanted, ready) = counts(cluster, &declared.object);
        let age = cluster.age(declared.created);
        line(&declared.object, vec![format!("{ready}/{wanted}"), wanted.to_string(), ready.to_string(), age])
    };
    let plain = |declared: &&Declared<Deployment>| declared.object.kind() == "deployment";
    cluster.state.deployments().filter(plain).map(row).collect()
}

pub(super) const STATEFUL_SET_COLUMNS: Columns = Columns { usual: &["READY", "AGE"], wide: &["CONTAINERS", "IMAGES"] };

pub(super) fn stateful_set_rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<Deployment>| {
        let (wanted, ready) = counts(cluster, &declared.object);
        let mut row = line(&declared.object, vec![format!("{ready}/{wanted}"), cluster.age(declared.created)]);
        row.wide.truncate(2);
        row
    };
    let stateful = |declared: &&Declared<Deployment>| declared.object.stateful_set.is_some();
    cluster.state.deployments().filter(stateful).map(row).collect()
}

pub(super) fn daemon_set_rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<Deployment>| {
        let (wanted, ready) = counts(cluster, &declared.object);
        let [wanted, ready] = [wanted, ready].map(|count| count.to_string());
        let (age, none) = (cluster.age(declared.created), NONE.to_owned());
        line(&declared.object, vec![wanted.clone(), wanted.clone(), ready.clone(), wanted, ready, none, age])
    };
    cluster.state.deployments().filter(|declared| declared.object.daemon_set).map(row).collect()
}

fn line(deployment: &Deployment, usual: Vec<String>) -> Row {
    let names: Vec<_> = deployment.containers.iter().map(|container| container.name.clone()).collect();
    // Images are not modelled.
    let wide = vec![super::joined(&names), "<unknown>".to_owned(), pairs(&deployment.labels)];
    Row { wide, ..Row::new(&deployment.namespace, &deployment.name, usual) }
}

fn pods<'a>(cluster: Cluster<'a>, deployment: &Deployment) -> impl Iterator<Item = &'a RunningPod> {
    let owner = key(&deployment.namespace, &deployment.name);
    cluster.state.pods().filter(move |pod| pod.owner.as_deref() == Some(owner.as_str()))
}

/// How many pods there are, and how many of them are ready.
fn counts(cluster: Cluster<'_>, deployment: &Deployment) -> (usize, usize) {
    (pods(cluster, deployment).count(), pods(cluster, deployment).filter(|pod| pod.is_ready()).count())
}

pub(super) fn describe(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let mut all = cluster.state.deployments().map(|declared| &declared.object);
    let deployment = all.find(|deployment| key(&deployment.namespace, &deployment.name) == of)?;
    let (wanted, ready) = counts(cluster, deployment);
    let mut sheet = Sheet::default();
    sheet.field("Name", &deployment.name);
    if deployment.daemon_set {
        if cluster.is_recent() {
            sheet.field("Namespace", &deployment.namespace);
        }
        sheet.field("Selector", pairs(&deployment.labels));
        sheet.field("Node-Selector", NONE);
        sheet.line(&format!("Desired Number of Nodes Scheduled: {wanted}"));
        sheet.line(&format!("Current Number of Nodes Scheduled: {wanted}"));
        sheet.line(&format!("Number of Nodes Scheduled with Up-to-date Pods: {wanted}"));
        sheet.line(&format!("Number of Nodes Scheduled with Available Pods: {ready}"));
        sheet.line("Number of Nodes Misscheduled: 0");
        let count = |phase| pods(cluster, deployment).filter(|pod| pod.status.phase == phase).count();
        let [running, succeeded, failed] = PodPhase::ALL.map(count);
        sheet.field("Pods Status", format!("{running} Running / 0 Waiting / {succeeded} Succeeded / {failed} Failed"));
    } else if deployment.stateful_set.is_some() {
        sheet.field("Namespace", &deployment.namespace);
        sheet.field("Selector", pairs(&deployment.labels));
        sheet.field("Replicas", format!("{wanted} desired | {wanted} total"));
        let count = |phase| pods(cluster, deployment).filter(|pod| pod.status.phase == phase).count();
        let [running, succeeded, failed] = PodPhase::ALL.map(count);
        sheet.field("Pods Status", format!("{running} Running / 0 Waiting / {succeeded} Succeeded / {failed} Failed"));
    } else {
        sheet.field("Namespace", &deployment.namespace);
        sheet.field("Selector", pairs(&deployment.labels));
        let missing = wanted - ready;
        let replicas = format!("{wanted} desired | {wanted} updated | {wanted} total | {ready} available");
        sheet.field("Replicas", format!("{replicas} | {missing} unavailable"));
    }
    sheet.line("Pod Template:");
    sheet.labels("  Labels", &deployment.labels);
    sheet.line(&format!("  Service Account:\t{}", deployment.service_account));
    sheet.line("  Containers:");
    for container in &deployment.containers {
        sheet.line(&format!("   {}:", container.name));
        let ports: Vec<_> =
            container.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol.upper())).collect();
        let title = if ports.len() > 1 { "Ports" } else { "Port" };
        sheet.line(&format!("    {title}:\t{}", if ports.is_empty() { NONE.to_owned() } else { ports.join(", ") }));
    }
    sheet.events();
    Some(sheet)
}
