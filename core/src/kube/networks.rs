//! The networks that machines are on.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Holder, Pool, PoolPurpose, State};
use crate::packet::Mac;

/// What the router of every network is called: no machine can be.
pub const ROUTER: &str = "gateway";

/// A network of machines: an Ethernet segment, and the router on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineNetwork {
    /// Its addresses.
    pub network: Ipv4Net,
    /// The router's address on it, if there is a router.
    pub gateway: Option<Ipv4Addr>,
    /// The router's Ethernet address on it, where it is given.
    pub gateway_mac: Option<Mac>,
    /// Whether a router that is declared has that address: then nobody else answers there.
    pub routed: bool,
    /// Whether a pool says so; else the network is the /24 around an address.
    pub declared: bool,
}

impl State {
    /// The network that `address` is on, whoever asks: the network of the pool of machines that covers it. Without such
    /// a pool it is the address's /24, or what pools have left of it, with a router at the highest address that no
    /// machine and no load balancer has.
    ///
    /// A pool that is a range and no CIDR is a part of a /24, on which its neighbours are too.
    ///
    /// ```
    /// use netscene_core::kube::{Node, Object, State};
    /// let mut state = State::new(0);
    /// state.declare(Object::Node(Node::new("worker1", [10, 0, 0, 254])), None)?;
    /// let network = state.network_of([10, 0, 0, 7].into());
    /// assert_eq!(network.network.to_string(), "10.0.0.0/24");
    /// assert_eq!(network.gateway, Some([10, 0, 0, 253].into()), "worker1 has .254");
    /// # Ok::<(), netscene_core::world::OpError>(())
    /// ```
    pub fn network_of(&self, address: Ipv4Addr) -> MachineNetwork {
        let machines = self.pools_for(PoolPurpose::Machines).map(|pool| &pool.object);
        let of_pool = |pool: &Pool, network| MachineNetwork {
            network,
            gateway: pool.gateway,
            gateway_mac: pool.gateway_mac,
            routed: pool.gateway.is_some_and(|gateway| self.is_routed(gateway)),
            declared: true,
        };
        if let Some((pool, network)) = machines.clone().find_map(|pool| Some((pool, network_with(pool, address)?))) {
            return of_pool(pool, network);
        }
        let overlaps = |network: Ipv4Net| {
            machines.clone().any(|pool| pool.first <= network.broadcast() && network.network() <= pool.last)
        };
        let around = |prefix| Ipv4Net::new_assert(address, prefix).trunc();
        let network = (24..32).map(around).find(|network| !overlaps(*network)).unwrap_or_else(|| address.into());
        MachineNetwork {
            network,
            gateway: self.free_for_router(network),
            gateway_mac: None,
            routed: false,
            declared: false,
        }
    }

    fn is_routed(&self, address: Ipv4Addr) -> bool {
        matches!(self.holder(address), Some(Holder::Device(_)))
    }

    /// The highest address of `network` that a router can have.
    fn free_for_router(&self, network: Ipv4Net) -> Option<Ipv4Addr> {
        let balancers: Vec<_> = self.address_pools().collect();
        let free = |address: &Ipv4Addr| {
            !matches!(self.holder(*address), Some(Holder::Node(_) | Holder::Host(_) | Holder::Device(_)))
                && !balancers.iter().any(|pool| pool.ranges.iter().any(|range| range.contains(*address)))
        };
        network.hosts().rev().find(free)
    }
}

/// The network of a pool of machines, if `address` is on it.
fn network_with(pool: &Pool, address: Ipv4Addr) -> Option<Ipv4Net> {
    if let Some(network) = pool.network {
        return network.contains(&address).then(|| network.trunc());
    }
    let around = |address| Ipv4Net::new_assert(address, 24).trunc();
    let own = around(address);
    (around(pool.first) <= own && own <= around(pool.last)).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::validate::tests::{declare, node, pool};
    use crate::kube::{Host, Object};

    fn shown(state: &State, address: [u8; 4]) -> (String, Option<String>) {
        let found = state.network_of(address.into());
        (found.network.to_string(), found.gateway.map(|gateway| gateway.to_string()))
    }

    #[test]
    fn without_pools_it_is_the_24_for_nodes_and_hosts_alike() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", ""));
        declare(&mut state, Object::Host(Host::new("b", [10, 0, 0, 254])));
        let expected = ("10.0.0.0/24".to_owned(), Some("10.0.0.253".to_owned()));
        assert_eq!(shown(&state, [10, 0, 0, 1]), expected);
        assert_eq!(shown(&state, [10, 0, 0, 254]), expected);
        assert_eq!(shown(&state, [10, 0, 1, 1]), ("10.0.1.0/24".into(), Some("10.0.1.254".into())));
    }

    #[test]
    fn a_pool_tells_its_network_and_leaves_the_rest() {
        let mut state = State::new(0);
        let Object::Pool(plain) = pool("near", "10.0.0.0", "10.0.0.127", PoolPurpose::Machines) else { return };
        let network = "10.0.0.0/25".parse().ok();
        declare(&mut state, Object::Pool(Pool { network, gateway: Some([10, 0, 0, 100].into()), ..plain.clone() }));
        let range = Pool { name: "range".into(), first: [10, 0, 2, 10].into(), last: [10, 0, 2, 20].into(), ..plain };
        declare(&mut state, Object::Pool(Pool { network: None, ..range }));
        assert_eq!(shown(&state, [10, 0, 0, 9]), ("10.0.0.0/25".into(), Some("10.0.0.100".into())));
        assert_eq!(shown(&state, [10, 0, 0, 200]), ("10.0.0.128/25".into(), Some("10.0.0.254".into())));
        assert_eq!(shown(&state, [10, 0, 2, 200]), ("10.0.2.0/24".into(), None));
    }

    #[test]
    fn the_router_leaves_addresses_to_load_balancers() {
        let mut state = State::new(0);
        declare(&mut state, pool("balancers", "10.0.0.200", "10.0.0.254", PoolPurpose::LoadBalancer));
        assert_eq!(shown(&state, [10, 0, 0, 1]).1.as_deref(), Some("10.0.0.199"));
    }
}
