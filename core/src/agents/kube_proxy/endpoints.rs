//! Which endpoints of a service port a node sends to.

use super::Layout;
use crate::kube::endpoints::all_endpoints;
use crate::kube::{
    Endpoint, IpMode, Service, ServicePort, ServiceType, State, TrafficDistribution, TrafficPolicy, Version,
};

/// The endpoints of a service port by what they are used for (kube-proxy, `CategorizeEndpoints`).
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// For policy Cluster.
    pub(super) cluster: Vec<Endpoint>,
    /// For policy Local.
    pub(super) local: Vec<Endpoint>,
    /// Both: each has a chain.
    pub(super) reachable: Vec<Endpoint>,
    /// There is one somewhere.
    pub(super) any: bool,
    /// How many kube-proxy knows of.
    pub(super) known: usize,
}

impl Endpoints {
    pub(super) fn of(state: &State, node: &str, layout: Layout, service: &Service, port: &ServicePort) -> Self {
        let all = all_endpoints(state, service, port);
        match layout {
            Layout::V1_20 => Self::as_of_1_20(node, service, &all),
            Layout::V1_36 => Self::as_of_1_36(state, node, service, port, &all),
        }
    }

    /// Only what is ready counts.
    fn as_of_1_20(node: &str, service: &Service, all: &[Endpoint]) -> Self {
        let cluster = picked(all, |endpoint| endpoint.ready);
        let local = if only_local(service) { picked(&cluster, |one| is_on(one, node)) } else { Vec::new() };
        Self { any: !cluster.is_empty(), known: cluster.len(), reachable: cluster.clone(), cluster, local }
    }

    /// Where nothing is ready, what can still serve on its way out is used (`ProxyTerminatingEndpoints`).
    fn as_of_1_36(state: &State, node: &str, service: &Service, port: &ServicePort, all: &[Endpoint]) -> Self {
        let or_leaving = |fits: &dyn Fn(&Endpoint) -> bool, preferred: &dyn Fn(&Endpoint) -> bool| {
            let ready = picked(all, |one| one.ready && fits(one) && preferred(one));
            if ready.is_empty() { picked(all, |one| one.serving && one.terminating && fits(one)) } else { ready }
        };
        let accessible = is_accessible(service, port);
        let internal_local = service.internal_traffic_policy == TrafficPolicy::Local;
        let external_local = service.external_traffic_policy == TrafficPolicy::Local;
        let mut found = Self { known: all.len(), ..Self::default() };
        if !internal_local || accessible {
            let preference = Preference::of(state, node, service, all);
            found.cluster = or_leaving(&|_| true, &|one| preference.allows(state, node, one));
        }
        if internal_local || external_local && accessible {
            found.local = or_leaving(&|one| is_on(one, node), &|_| true);
        }
        found.any = if !internal_local || accessible {
            !found.cluster.is_empty()
        } else {
            all.iter().any(|one| one.ready || one.serving && one.terminating)
        };
        // Those of the node that topology or readiness kept out of the first list.
        let added = found.local.iter().filter(|one| !found.cluster.contains(one));
        found.reachable = found.cluster.iter().chain(added).cloned().collect();
        found.reachable.sort_by_cached_key(Endpoint::to_string);
        found
    }
}

fn picked(all: &[Endpoint], fits: impl Fn(&Endpoint) -> bool) -> Vec<Endpoint> {
    all.iter().filter(|one| fits(one)).cloned().collect()
}

pub(super) fn is_on(endpoint: &Endpoint, node: &str) -> bool {
    endpoint.node.as_deref() == Some(node)
}

/// `RequestsOnlyLocalTraffic`, which in 1.20 is about node ports and load balancers alone.
pub(super) fn only_local(service: &Service) -> bool {
    service.external_traffic_policy == TrafficPolicy::Local
        && matches!(service.kind, ServiceType::NodePort | ServiceType::LoadBalancer)
}

/// The load balancer's address, where nodes take it for their own.
pub(super) fn vip(service: &Service) -> Option<std::net::Ipv4Addr> {
    let taken = service.kind == ServiceType::LoadBalancer && service.ip_mode == IpMode::VIP;
    service.load_balancer_ip.filter(|_| taken)
}

/// Whether anybody outside can ask for the port (`ExternallyAccessible`).
pub(super) fn is_accessible(service: &Service, port: &ServicePort) -> bool {
    port.node_port.is_some() || vip(service).is_some() || !service.external_ips.is_empty()
}

/// Which endpoints a node prefers (`topologyModeFromHints`). The hints are those that the `EndpointSlice` controller
/// writes for `trafficDistribution`: each endpoint is for its own zone, and with `PreferSameNode` for its own node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Preference {
    None,
    SameZone,
    SameNode,
}

impl Preference {
    fn of(state: &State, node: &str, service: &Service, all: &[Endpoint]) -> Self {
        let Some(distribution) = service.traffic_distribution else { return Self::None };
        let ready = || all.iter().filter(|endpoint| endpoint.ready);
        let here = |mode: Self| ready().any(|endpoint| mode.allows(state, node, endpoint));
        if distribution == TrafficDistribution::PreferSameNode
            && state.cluster().kube_proxy >= NODE_HINTS
            && ready().all(|endpoint| endpoint.node.is_some())
            && here(Self::SameNode)
        {
            return Self::SameNode;
        }
        let zoned = |endpoint: &Endpoint| endpoint.node.as_deref().is_some_and(|node| zone(state, node).is_some());
        if ready().all(zoned) && here(Self::SameZone) { Self::SameZone } else { Self::None }
    }

    fn allows(self, state: &State, node: &str, endpoint: &Endpoint) -> bool {
        match self {
            Self::None => true,
            Self::SameNode => is_on(endpoint, node),
            Self::SameZone => {
                let own = zone(state, node);
                own.is_some() && endpoint.node.as_deref().and_then(|node| zone(state, node)) == own
            }
        }
    }
}

/// The first release in which node hints cannot be switched off.
const NODE_HINTS: Version = Version::new(1, 35, 0);

fn zone<'a>(state: &'a State, node: &str) -> Option<&'a str> {
    state.node(node)?.object.zone.as_deref()
}
