//! Pods.

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, NONE};
use crate::kube::{PodPhase, RunningPod};

pub(super) const COLUMNS: Columns = Columns {
    usual: &["READY", "STATUS", "RESTARTS", "AGE"],
    wide: &["IP", "NODE", "NOMINATED NODE", "READINESS GATES"],
};

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |pod: &RunningPod| {
        let age = cluster.age(pod.created);
        let usual = vec![ready(pod), status(pod), pod.status.restarts.to_string(), age];
        // Nobody is nominated where everybody runs at once, and no readiness gate is modelled.
        let wide = vec![pod.address.to_string(), cluster.hostname(&pod.node), NONE.to_owned(), NONE.to_owned()];
        Row { labels: pod.labels.as_ref().clone(), wide, ..Row::new(&pod.namespace, &pod.name, usual) }
    };
    cluster.state.pods().map(row).collect()
}

/// How many of its containers are ready: all or none, as the model knows only of the pod. It has at least one, whether it
/// is declared or not.
fn ready(pod: &RunningPod) -> String {
    let all = pod.containers.len().max(1);
    format!("{}/{all}", if pod.is_ready() { all } else { 0 })
}

/// The word for how it fares: one that is being deleted tells of nothing else.
fn status(pod: &RunningPod) -> String {
    if pod.status.conditions.terminating { "Terminating".to_owned() } else { pod.status.phase.to_string() }
}

/// What the model does not know is left out: volumes, tolerations, images, and times of day.
pub(super) fn describe(cluster: Cluster<'_>, key: &str) -> Option<Sheet> {
    let pod = cluster.state.pods().find(|pod| *pod.key == *key)?;
    let node = cluster.state.node(&pod.node).map(|node| node.object.address.to_string()).unwrap_or_default();
    let mut sheet = Sheet::default();
    sheet.field("Name", &pod.name);
    sheet.field("Namespace", &pod.namespace);
    sheet.field("Node", format!("{}/{node}", cluster.hostname(&pod.node)));
    sheet.labels("Labels", &pod.labels);
    sheet.field("Annotations", NONE);
    let phase = match pod.status.phase {
        _ if pod.status.conditions.terminating => "Terminating",
        PodPhase::Running => "Running",
        PodPhase::Completed => "Succeeded",
        PodPhase::Error => "Failed",
    };
    sheet.field("Status", phase);
    sheet.field("IP", pod.address);
    sheet.line("IPs:");
    sheet.line(&format!("  IP:\t{}", pod.address));
    if let Some(owner) = &pod.owner {
        sheet.field("Controlled By", controller(cluster, pod, owner));
    }
    sheet.line("Containers:");
    for container in pod.containers.iter() {
        sheet.line(&format!("  {}:", container.name));
        let ports = container.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol.upper()));
        let ports: Vec<_> = ports.collect();
        let title = if ports.len() > 1 { "Ports" } else { "Port" };
        sheet.line(&format!("    {title}:\t{}", if ports.is_empty() { NONE.to_owned() } else { ports.join(", ") }));
        let (state, ready) = match pod.status.phase {
            PodPhase::Running => ("Running", if pod.is_ready() { "True" } else { "False" }),
            PodPhase::Completed | PodPhase::Error => ("Terminated", "False"),
        };
        sheet.line(&format!("    State:\t{state}"));
        if state == "Terminated" {
            sheet.line(&format!("      Reason:\t{}", pod.status.phase));
        }
        sheet.line(&format!("    Ready:\t{ready}"));
        sheet.line(&format!("    Restart Count:\t{}", pod.status.restarts));
    }
    sheet.line("Conditions:");
    sheet.line("  Type\tStatus");
    let ready = if pod.is_ready() { "True" } else { "False" };
    for (condition, status) in
        [("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", "True")]
    {
        sheet.line(&format!("  {condition} \t{status} "));
    }
    sheet.events();
    Some(sheet)
}

/// A deployment's pods are its replica set's: their names tell which.
fn controller(cluster: Cluster<'_>, pod: &RunningPod, owner: &str) -> String {
    let name = owner.rsplit('/').next().unwrap_or(owner);
    let mut owners = cluster.state.deployments().map(|declared| &declared.object);
    let kind = owners.find(|one| super::key(&one.namespace, &one.name) == owner).map_or("", |one| one.kind());
    match (kind, pod.name.rsplit_once('-')) {
        ("stateful set", _) => format!("StatefulSet/{name}"),
        ("daemon set", _) | (_, None) => format!("DaemonSet/{name}"),
        (_, Some((replica_set, _))) => format!("ReplicaSet/{replica_set}"),
    }
}
