//! Network policies that Kubernetes takes and that do nothing: those that select no pod.

use netscene_core::kube::{Labels, NAMESPACE_NAME, NetworkPolicy, NetworkPolicyPeer, Object, PolicyType, State};
use netscene_core::map::IndexMap;

use super::{Declared, Places};
use crate::{Code, Diagnostic, Span};

pub(super) fn advise(objects: &[Declared<'_>], places: &Places<'_>, diagnostics: &mut Vec<Diagnostic>) {
    // Which labels namespaces have is the API server's to say, which depends on its release.
    let mut state = State::new(0);
    for object in objects.iter().map(|one| one.object) {
        if matches!(object, Object::Cluster(_) | Object::Namespace { .. }) {
            // Of two that say the same, as tests may, the first is enough.
            let _ = state.declare(object.clone(), None);
        }
    }
    let pods = objects.iter().filter_map(|one| match one.object {
        Object::Pod(pod) => Some((pod.namespace.as_str(), &pod.labels)),
        Object::Deployment(one) => Some((one.namespace.as_str(), &one.labels)),
        _ => None,
    });
    let mut by_namespace: IndexMap<&str, Vec<&Labels>> = IndexMap::default();
    for (namespace, labels) in pods {
        by_namespace.entry(namespace).or_default().push(labels);
    }
    let pods = by_namespace;
    for declared in objects {
        let Object::NetworkPolicy(policy) = declared.object else { continue };
        let here = pods.get(policy.namespace.as_str()).into_iter().flatten();
        if !here.into_iter().any(|labels| policy.pod_selector.selects(labels)) {
            diagnostics.push(selects_none(policy, places.head(declared.span)));
        }
        let rules = [PolicyType::Ingress, PolicyType::Egress].into_iter().flat_map(|of| policy.rules(of));
        for peer in rules.flat_map(|rule| &rule.peers) {
            let span = peer.origin.as_ref().and_then(|origin| places.of(origin));
            if let Some(span) = span.filter(|_| !is_anybody(&state, policy, peer, &pods)) {
                diagnostics.push(is_nobody(&state, peer, places.head(span)));
            }
        }
    }
}

fn selects_none(policy: &NetworkPolicy, span: Span) -> Diagnostic {
    let title = format!("the networkPolicy `{}` selects no pod", policy.name);
    let label = if policy.pod_selector.is_empty() {
        format!("the namespace `{}` has none", policy.namespace)
    } else {
        format!("no pod of the namespace `{}` has {}", policy.namespace, policy.pod_selector)
    };
    Diagnostic::error(Code::SelectsNothing, title).warning().at(span, label)
}

/// Whether a peer means a pod, or addresses.
fn is_anybody(
    state: &State,
    policy: &NetworkPolicy,
    peer: &NetworkPolicyPeer,
    pods: &IndexMap<&str, Vec<&Labels>>,
) -> bool {
    let of_namespace = |namespace: &str| match &peer.namespace_selector {
        None => *namespace == policy.namespace,
        Some(selector) => selector.selects(&labels_of(state, namespace)),
    };
    let selected = |labels: &Labels| peer.pod_selector.as_ref().is_none_or(|selector| selector.selects(labels));
    let meant = |(namespace, pods): (&&str, &Vec<&Labels>)| {
        pods.iter().any(|labels| selected(labels)) && of_namespace(namespace)
    };
    peer.ip_block.is_some() || pods.iter().any(meant)
}

/// A namespace that only comes with its objects has the labels that every namespace has.
fn labels_of(state: &State, namespace: &str) -> Labels {
    if state.has_namespace(namespace) {
        return state.namespace_labels(namespace);
    }
    let named = state.namespace_labels("default").contains_key(NAMESPACE_NAME);
    let own = || (NAMESPACE_NAME.to_owned(), namespace.to_owned());
    named.then(own).into_iter().collect()
}

fn is_nobody(state: &State, peer: &NetworkPolicyPeer, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::SelectsNothing, "no pod is meant by this").warning();
    let by_name = peer.namespace_selector.as_ref().is_some_and(|selector| {
        let expressions = selector.match_expressions.iter().map(|one| &one.key);
        selector.match_labels.keys().chain(expressions).any(|key| key == NAMESPACE_NAME)
    });
    let sets = state.namespace_labels("default").contains_key(NAMESPACE_NAME);
    let label = if by_name && !sets {
        format!("Kubernetes {} does not label namespaces with their names", state.cluster().kube_proxy)
    } else {
        format!("no pod that is declared is one of `{peer}`")
    };
    diagnostic.at(span, label)
}
