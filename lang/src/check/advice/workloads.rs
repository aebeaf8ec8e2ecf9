//! Deployments without pods, and pods that want the same port of a node.

use netscene_core::kube::{Container, Object, TransportProtocol};
use netscene_core::map::{IndexMap, IndexSet};

use super::{Declared, Places};
use crate::ast::{Statement, StatementKind, What};
use crate::{Code, Diagnostic, Span};

pub(super) fn advise(
    objects: &[Declared<'_>],
    statements: &[Statement],
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut scaled = IndexSet::default();
    gather_scaled(statements, &mut scaled);
    let mut taken: IndexMap<(&str, u16, TransportProtocol), Span> = IndexMap::default();
    let nodes = objects.iter().filter(|declared| matches!(declared.object, Object::Node(_))).count();
    for declared in objects {
        match declared.object {
            Object::Deployment(one) if !one.daemon_set => {
                if one.replicas == 0 && one.pods.is_empty() && !scaled.contains(one.name.as_str()) {
                    let at = places
                        .field(declared.span, &["replicas:"], |kind| matches!(kind, StatementKind::Replicas { .. }));
                    let title = format!("deployment `{}` has no pods", one.name);
                    let diagnostic = Diagnostic::error(Code::NoReplicas, title).warning();
                    let hint = format!("`scale deployment {} 1` would give it one", one.name);
                    diagnostics.push(diagnostic.at(at, "0 replicas, and nothing scales it").hint(hint));
                }
                let room = if one.on.is_empty() { nodes } else { one.on.iter().collect::<IndexSet<_>>().len() };
                if one.host_network && one.replicas as usize > room && first_port(&one.containers).is_some() {
                    let title = format!("two pods of deployment `{}` want the same ports of a node", one.name);
                    let diagnostic = Diagnostic::error(Code::PortClash, title).warning();
                    let label = format!("{} replicas for {room} nodes, each on the host's network", one.replicas);
                    diagnostics.push(diagnostic.at(places.head(declared.span), label));
                }
            }
            Object::Pod(pod) if pod.host_network => {
                let Some(node) = &pod.node else { continue };
                for port in pod.containers.iter().flat_map(|container| &container.ports) {
                    let span = *taken.entry((node, port.port, port.protocol)).or_insert(declared.span);
                    if span != declared.span {
                        let what = format!("port {}/{}", port.port, port.protocol.upper());
                        let title = format!("two pods on the host's network of `{node}` want {what}");
                        let diagnostic = Diagnostic::error(Code::PortClash, title).warning();
                        let diagnostic = diagnostic.at(places.head(declared.span), "this one finds it taken");
                        diagnostics.push(diagnostic.see(places.head(span), "this one has it"));
                    }
                }
            }
            _ => {}
        }
    }
}

fn first_port(containers: &[Container]) -> Option<u16> {
    containers.iter().flat_map(|container| &container.ports).next().map(|port| port.port)
}

/// The deployments that a file scales, without their namespaces.
fn gather_scaled<'a>(statements: &'a [Statement], scaled: &mut IndexSet<&'a str>) {
    for statement in statements {
        if let StatementKind::Scale { deployment, .. } = &statement.kind
            && let What::Name(name) = &deployment.what
        {
            scaled.insert(name.rsplit('/').next().unwrap_or_default());
        }
        for block in statement.kind.blocks() {
            gather_scaled(&block.statements, scaled);
        }
    }
}
