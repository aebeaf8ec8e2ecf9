//! Which UDP connections kube-proxy forgets once endpoints have changed (pkg/proxy/conntrack, `CleanStaleEntries`).
//!
//! A UDP client that goes on sending keeps its connection, and so the pod that was chosen once, for ever. TCP needs no such
//! help: its clients notice.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::endpoints::vip;
use crate::kube::endpoints::all_endpoints;
use crate::kube::{State, TransportProtocol, Version};

/// Since this release a service without any endpoint is passed over, so that its connections stay
/// (kubernetes/kubernetes#139628).
const FORGETS_EMPTY: Version = Version::new(1, 32, 0);

/// The UDP ports of services, and who serves them. It is the same as long as no endpoint of any changes; when it has
/// changed, whatever [`is_stale`](Self::is_stale) is forgotten.
///
/// Releases before 1.32 went by what had changed instead of comparing all connections; that comes to the same but for
/// connections to node ports, which some of them forgot about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdpServices {
    by_address: FxHashMap<SocketAddrV4, Serving>,
    by_node_port: FxHashMap<u16, Serving>,
}

/// Where a port is served.
type Serving = Arc<[SocketAddrV4]>;

impl UdpServices {
    /// Those that are declared.
    pub fn of(state: &State) -> Self {
        let mut found = Self::default();
        let skips_empty = state.cluster().kube_proxy >= FORGETS_EMPTY;
        for service in state.services().map(|service| &service.object).filter(|service| service.is_proxied()) {
            for port in service.ports.iter().filter(|port| port.protocol == TransportProtocol::Udp) {
                let all = all_endpoints(state, service, port);
                let serving = all.iter().filter(|endpoint| endpoint.ready || endpoint.serving);
                let serving: Serving = serving.map(|one| SocketAddrV4::new(one.address, one.port)).collect();
                if serving.is_empty() && skips_empty {
                    continue;
                }
                let addresses = service.cluster_ip.into_iter().chain(service.external_ips.iter().copied());
                for address in addresses.chain(vip(service)) {
                    found.by_address.insert(SocketAddrV4::new(address, port.port), serving.clone());
                }
                if let Some(number) = port.node_port {
                    found.by_node_port.insert(number, serving);
                }
            }
        }
        found
    }

    /// Whether a connection that was made to `to`, and is answered from `from`, leads to what is no endpoint.
    pub fn is_stale(&self, to: (Ipv4Addr, u16), from: (Ipv4Addr, u16)) -> bool {
        let [to, from] = [to, from].map(|(address, port)| SocketAddrV4::new(address, port));
        let serving = self.by_address.get(&to).or_else(|| self.by_node_port.get(&to.port()));
        serving.is_some_and(|serving| !serving.contains(&from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::validate::tests::{declare, node, pod, service_port};
    use crate::kube::{Cluster, Labels, Object, Service, ServicePort, ServiceType};

    fn cluster(kube_proxy: Version, pods: &[&str]) -> UdpServices {
        let mut state = State::new(0);
        declare(&mut state, Object::Cluster(Cluster { kube_proxy, ..Cluster::default() }));
        declare(&mut state, node("a", "10.0.0.1", "192.168.1.0/26"));
        for address in pods {
            declare(&mut state, pod(&format!("default/p{}", &address[10..]), "a", Some(address), "app=x"));
        }
        let port =
            ServicePort { protocol: TransportProtocol::Udp, node_port: Some(30053), ..service_port(Some("dns"), 53) };
        let labels = Labels::from_iter([("app".to_owned(), "x".to_owned())]);
        let service = Service::new("default", "dns", labels, 53);
        let cluster_ip = Some([10, 96, 0, 53].into());
        declare(
            &mut state,
            Object::Service(Service { kind: ServiceType::NodePort, cluster_ip, ports: vec![port], ..service }),
        );
        UdpServices::of(&state)
    }

    #[test]
    fn connections_to_endpoints_that_are_gone_are_stale() {
        let one: (Ipv4Addr, u16) = ([192, 168, 1, 10].into(), 53);
        let other: (Ipv4Addr, u16) = ([192, 168, 1, 11].into(), 53);
        let ways: [(Ipv4Addr, u16); 2] = [([10, 96, 0, 53].into(), 53), ([10, 0, 0, 1].into(), 30053)];
        for release in [Version::new(1, 20, 0), Version::new(1, 36, 0)] {
            let both = cluster(release, &["192.168.1.10", "192.168.1.11"]);
            let left = cluster(release, &["192.168.1.11"]);
            assert_ne!(both, left);
            for to in ways {
                assert!(!both.is_stale(to, one) && !both.is_stale(to, other));
                assert!(left.is_stale(to, one) && !left.is_stale(to, other));
                // One that was made while there was no endpoint has not been translated.
                assert!(left.is_stale(to, to));
            }
            assert!(!left.is_stale(([10, 96, 0, 53].into(), 54), one), "nobody's port");
            // Nobody is left: the newer release forgets to forget.
            let none = cluster(release, &[]);
            assert_eq!(none.is_stale(ways[0], one), release < FORGETS_EMPTY);
        }
    }
}
