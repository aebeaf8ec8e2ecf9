//! MetalLB in layer 2 mode: which node answers ARP for a service's address.
//!
//! The controller's part, which address a service gets, belongs to the declaration of the service.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::kube::endpoints::all_endpoints;
use crate::kube::{Endpoint, Holder, L2Advertisement, Node, Service, ServiceType, State, TrafficPolicy, Version};
use crate::net::Announced;
use crate::packet::DeviceName;

/// Since this release all nodes may announce, and the address decides among them instead of the service.
const BY_ADDRESS: Version = Version::new(0, 11, 0);

/// Since this release a node without a live speaker is no candidate.
const BY_MEMBERS: Version = Version::new(0, 9, 0);

/// Since this release a node with the label [`EXCLUDE`] is no candidate, unless the speaker was given `--ignore-exclude-lb`.
const BY_EXCLUSION: Version = Version::new(0, 14, 0);
/// Since this release an endpoint that serves counts, though it is on its way out (metallb#2074: not in 0.13.12, and in
/// 0.14.3, metallb#2336; the release notes that would tell the first one have not been seen).
const BY_SERVING: Version = Version::new(0, 14, 0);
/// kubeadm puts it on control planes; whatever its value, it counts.
const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// The node that announces the address of `service`: the one whose hash is the lowest (metallb, speaker,
/// `layer2_controller.go`). Nobody does if the service has no address, or no endpoint.
pub fn announcer<'a>(state: &'a State, service: &Service) -> Option<&'a Node> {
    if service.kind != ServiceType::LoadBalancer || !state.is_metallbs(service) {
        return None;
    }
    let address = service.load_balancer_ip?;
    let active = active(state, service);
    let by_address = state.cluster().metallb >= BY_ADDRESS;
    // Since 0.11 a node without an endpoint may announce, unless it would drop what comes (`ShouldAnnounce`).
    let local = service.external_traffic_policy == TrafficPolicy::Local;
    // Only an endpoint that is a pod names its node.
    let serves = |node: &&Node| {
        let here = |endpoint: &Endpoint| endpoint.pod.is_some() && endpoint.node.as_deref() == Some(node.name.as_str());
        if by_address && !local { !active.is_empty() } else { active.iter().any(here) }
    };
    let key = if by_address { address.to_string() } else { format!("{}/{}", service.namespace, service.name) };
    // Since 0.9 the speakers know who of them is alive.
    let speakers_talk = state.cluster().metallb >= BY_MEMBERS;
    let lives = |node: &&Node| !speakers_talk || state.has_speaker(&node.name.as_str().into());
    let advertisements = advertisements(state, address);
    let takes_part = |node: &&Node| {
        !is_excluded(state, node) && advertisements.as_ref().is_none_or(|all| all.iter().any(|one| is_for(one, node)))
    };
    let candidates = state.nodes().map(|node| &node.object).filter(serves).filter(lives).filter(takes_part);
    candidates.min_by_key(|node| Sha256::digest(format!("{}#{key}", node.hostname)))
}

/// The endpoints for which a speaker announces a service: those that are ready, since [`BY_SERVING`] also those that serve
/// (`EndpointCanServe`). Until some release after 0.14.3 those alone: a service with `publishNotReadyAddresses` was announced
/// for none that is not ready, which the model does not follow.
fn active(state: &State, service: &Service) -> Vec<Endpoint> {
    let by_serving = state.cluster().metallb >= BY_SERVING;
    let all = service.ports.iter().flat_map(|port| all_endpoints(state, service, port));
    all.filter(|endpoint| endpoint.ready || by_serving && endpoint.serving).collect()
}

/// The node that answers ARP requests for `address`, if it is one that MetalLB gave a service.
pub fn announcer_of(state: &State, address: Ipv4Addr) -> Option<&Node> {
    match state.holder(address)? {
        Holder::LoadBalancer(service) => announcer(state, &state.service(service)?.object),
        _ => None,
    }
}

/// The advertisements of the pool that `address` is of. `None` for a scenario's own pool, which needs none: every node
/// announces it by every device.
fn advertisements(state: &State, address: Ipv4Addr) -> Option<Vec<&L2Advertisement>> {
    let pool = state.address_pool_of(address)?.object?;
    let all = state.l2_advertisements().map(|declared| &declared.object);
    Some(all.filter(|one| one.selects(pool)).collect())
}

fn is_excluded(state: &State, node: &Node) -> bool {
    state.cluster().metallb >= BY_EXCLUSION && node.labels.contains_key(EXCLUDE)
}

fn is_for(advertisement: &L2Advertisement, node: &Node) -> bool {
    advertisement.is_for_node(&node.all_labels())
}

/// What each node announces, by its name, and by which devices: the addresses in the order of their services.
pub fn announcements(state: &State) -> FxHashMap<&str, Vec<Announced>> {
    let mut all: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for service in state.services().map(|service| &service.object) {
        if let (Some(winner), Some(address)) = (announcer(state, service), service.load_balancer_ip) {
            let announced = Announced { address, devices: devices(state, address, winner) };
            all.entry(winner.name.as_str()).or_default().push(announced);
        }
    }
    all
}

/// The devices by which a node answers for `address`, by the advertisements that are for it (`ipAdvertisementFor`); `None`
/// is all of them.
fn devices(state: &State, address: Ipv4Addr, node: &Node) -> Option<Vec<DeviceName>> {
    let all = advertisements(state, address)?;
    let own: Vec<_> = all.into_iter().filter(|one| is_for(one, node)).collect();
    let everywhere = own.iter().any(|one| one.interfaces.is_empty());
    (!everywhere).then(|| own.iter().flat_map(|one| &one.interfaces).copied().collect())
}

/// Why nobody answers for the address of a service, and what would help.
pub fn silence(state: &State, service: &Service) -> Option<(String, &'static str)> {
    let address = service.load_balancer_ip.filter(|_| service.kind == ServiceType::LoadBalancer)?;
    let name = format!("{}/{}", service.namespace, service.name);
    if let Some(node) = announcer(state, service) {
        let devices = devices(state, address, node)?;
        let devices: Vec<_> = devices.iter().map(ToString::to_string).collect();
        let cause = format!("{} announces {address} of service {name} by {} alone", node.name, devices.join(", "));
        return Some((cause, "`interfaces` of its L2Advertisement named the device that the question comes to"));
    }
    if active(state, service).is_empty() {
        let cause = format!("service {name} has {address} and no ready endpoint, so that no speaker announces it");
        return Some((cause, "a pod of it were ready"));
    }
    let pool = state.address_pool_of(address)?;
    let advertisements = advertisements(state, address);
    if advertisements.as_ref().is_some_and(Vec::is_empty) {
        let cause = format!("service {name} has {address} of pool {}, which no L2Advertisement is for", pool.name);
        return Some((cause, "there were an L2Advertisement for it"));
    }
    let takes_part = |node: &&Node| advertisements.as_ref().is_none_or(|all| all.iter().any(|one| is_for(one, node)));
    let nodes: Vec<_> = state.nodes().map(|node| &node.object).filter(takes_part).collect();
    if nodes.is_empty() {
        let cause = format!("no node has the labels that an L2Advertisement of pool {} selects", pool.name);
        return Some((cause, "nodeSelectors selected a node"));
    }
    if nodes.iter().all(|node| is_excluded(state, node)) {
        let cause = format!("every node that could announce {address} of service {name} has the label {EXCLUDE}");
        return Some((cause, "one of them had not, or the speaker were given --ignore-exclude-lb"));
    }
    let cause = format!("no node that could announce {address} of service {name} has a live speaker");
    if service.external_traffic_policy == TrafficPolicy::Local {
        let cause = format!("{cause} and a ready endpoint, which externalTrafficPolicy Local asks for");
        return Some((cause, "one of them had both"));
    }
    Some((cause, "the speaker of one of them ran"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::kube::validate::tests::{declare, labels, node, plain_pod, plain_service, pod, pool};
    use crate::kube::{Cluster, Conditions, Object, Pod, PodStatus, PoolPurpose};

    /// The white paper's cluster, with an endpoint on every node that `endpoints_on` names by its place.
    fn cluster(metallb: Version, endpoints_on: &[usize]) -> (State, Value) {
        let reference: Value = serde_json::from_str(include_str!("../../../tests/reference/calico.json")).unwrap();
        let vectors = reference["metallb_vectors"].clone();
        let mut state = State::new(0);
        declare(&mut state, Object::Cluster(Cluster { metallb, ..Cluster::default() }));
        declare(&mut state, pool("balancers", "10.1.110.105", "10.1.110.106", PoolPurpose::LoadBalancer));
        for (index, winner) in vectors["by_service_v0.8-v0.10"].as_array().unwrap().iter().enumerate() {
            let name = winner["node"].as_str().unwrap();
            declare(&mut state, node(name, &format!("10.1.110.{}", 110 + index), ""));
            if endpoints_on.contains(&index) {
                declare(&mut state, pod(&format!("iks/nginx-{index}"), name, None, "app=nginx"));
            }
        }
        let key = vectors["service"].as_str().unwrap();
        let service = Service { kind: ServiceType::LoadBalancer, ..plain_service(key, "app=nginx", 80) };
        declare(&mut state, Object::Service(service));
        (state, vectors)
    }

    fn winner(state: &State, vectors: &Value) -> Option<String> {
        let service = &state.service(vectors["service"].as_str().unwrap()).unwrap().object;
        announcer(state, service).map(|node| node.name.clone())
    }

    #[test]
    fn until_0_10_the_service_decides_among_nodes_with_an_endpoint() {
        for version in [Version::new(0, 8, 0), Version::new(0, 10, 3)] {
            for first in 0..3 {
                let (state, vectors) = cluster(version, &(first..3).collect::<Vec<_>>());
                let expected = vectors["by_service_v0.8-v0.10"][first]["node"].as_str().unwrap();
                assert_eq!(winner(&state, &vectors).as_deref(), Some(expected));
                let address = Ipv4Addr::new(10, 1, 110, 105);
                assert_eq!(announcements(&state)[expected], [Announced { address, devices: None }]);
                assert_eq!(announcer_of(&state, [10, 1, 110, 105].into()).unwrap().name, expected);
            }
        }
    }

    #[test]
    fn since_0_11_the_address_decides_among_all_nodes() {
        let (state, vectors) = cluster(Version::new(0, 11, 0), &[0]);
        assert_eq!(winner(&state, &vectors).as_deref(), vectors["by_ip_v0.11+"][0]["node"].as_str());
    }

    #[test]
    fn since_0_11_a_local_service_is_announced_where_it_has_an_endpoint() {
        for (first, version) in [(2, Version::new(0, 12, 0)), (0, Version::new(0, 8, 0))] {
            let (state, vectors) = cluster(version, &[first]);
            let here = vectors["by_service_v0.8-v0.10"][first]["node"].as_str();
            let service = &state.service(vectors["service"].as_str().unwrap()).unwrap().object;
            let local = Service { external_traffic_policy: TrafficPolicy::Local, ..service.clone() };
            assert_eq!(announcer(&state, &local).map(|node| node.name.as_str()), here);
        }
    }

    /// MetalLB's own cases of `ShouldAnnounce`, with a pod that is on its way out.
    #[test]
    fn since_0_14_an_endpoint_that_serves_is_enough() {
        for (version, conditions, announced) in [
            (Version::new(0, 13, 0), (true, true), false),
            (Version::new(0, 14, 0), (true, true), true),
            (Version::new(0, 14, 0), (false, true), false),
            (Version::new(0, 14, 0), (false, false), false),
        ] {
            let (mut state, vectors) = cluster(version, &[]);
            let (ready, terminating) = conditions;
            let status = PodStatus { conditions: Conditions { ready, terminating }, ..PodStatus::default() };
            let name = state.nodes().next().unwrap().object.name.clone();
            let pod = Pod { status, labels: labels("app=nginx"), ..plain_pod("iks/nginx", &name) };
            declare(&mut state, Object::Pod(pod));
            assert_eq!(winner(&state, &vectors).is_some(), announced, "{version} {conditions:?}");
            let service = state.service(vectors["service"].as_str().unwrap()).unwrap().object.clone();
            let local = Service { external_traffic_policy: TrafficPolicy::Local, ..service };
            assert_eq!(announcer(&state, &local).map(|node| &node.name), announced.then_some(&name));
            assert_eq!(silence(&state, &local).is_some(), !announced);
        }
    }

    #[test]
    fn nobody_announces_a_service_without_endpoints() {
        for version in [Version::new(0, 8, 0), Version::new(0, 13, 0)] {
            let (state, vectors) = cluster(version, &[]);
            assert_eq!(winner(&state, &vectors), None);
        }
    }
}
