//! Calico's CNI plugin: how a pod is wired to its node.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use sha2::{Digest, Sha256};

use crate::kube::{RunningPod, State};
use crate::net::fib::{Route, RouteKind};
use crate::packet::{DeviceName, Mac};

/// The next hop of every pod: no machine has it, and the host's end of the veth answers ARP for it (`proxy_arp`).
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// The pod's end of a veth, and what is set there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodNetwork {
    /// The pod's own device.
    pub device: DeviceName,
    /// The host's end, with the Ethernet address [`Mac::CALICO`] and no IPv4 address.
    pub host_device: DeviceName,
    /// The pod's Ethernet address.
    pub mac: Mac,
    /// The pod's address, alone in its network.
    pub address: Ipv4Net,
    /// MTU of both ends, in bytes.
    pub mtu: u16,
    /// The pod's routes: everything by way of [`GATEWAY`].
    pub routes: Vec<Route>,
}

/// The network of a pod.
pub fn pod_network(state: &State, pod: &RunningPod) -> PodNetwork {
    let device = DeviceName::ETH0;
    let route = |destination, via| Route {
        destination,
        kind: RouteKind::Unicast,
        via,
        device: Some(device),
        source: None,
        protocol: "boot",
        onlink: false,
        ..Route::to(destination)
    };
    PodNetwork {
        device,
        host_device: pod.device,
        mac: mac(pod),
        address: pod.address.into(),
        mtu: state.cluster().mtu,
        routes: vec![route(Ipv4Net::default(), Some(GATEWAY)), route(GATEWAY.into(), None)],
    }
}

/// The kernel draws a veth's address at random and marks it as local (`eth_random_addr`). Here it is drawn from the
/// pod's name, so that it is the same in every run.
fn mac(pod: &RunningPod) -> Mac {
    let digest = Sha256::digest(format!("eth0 {}", pod.key));
    let mut octets = [0; 6];
    octets.copy_from_slice(&digest[..6]);
    octets[0] = octets[0] & 0xfc | 0x02;
    Mac(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::validate::tests::{declare, node, pod};

    #[test]
    fn a_pod_reaches_everything_by_an_address_that_nobody_has() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        declare(&mut state, pod("default/one", "a", None, ""));
        declare(&mut state, pod("default/two", "a", None, ""));
        let network = |name| pod_network(&state, state.pod(name).unwrap());
        let one = network("one");
        assert_eq!(one.address.to_string(), "192.168.8.193/32");
        assert_eq!((one.mtu, one.host_device), (1440, state.pod("one").unwrap().device));
        let routes: Vec<_> = one.routes.iter().map(|route| (route.destination.to_string(), route.via)).collect();
        assert_eq!(routes, [("0.0.0.0/0".into(), Some(GATEWAY)), ("169.254.1.1/32".into(), None)]);
        assert_eq!(one.mac.0[0] & 3, 2, "local, and of one station");
        assert_ne!(one.mac, network("two").mac);
    }
}
