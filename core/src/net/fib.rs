//! The forwarding information base: routes by longest prefix.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use prefix_trie::PrefixMap;

use crate::packet::DeviceName;

/// What a route does with a packet (`RTN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Send it on.
    Unicast,
    /// Deliver it here.
    Local,
    /// Drop it in silence.
    Blackhole,
    /// Drop it and answer "host unreachable".
    Unreachable,
    /// Drop it and answer "prohibited".
    Prohibit,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destinations it is for.
    pub destination: Ipv4Net,
    /// What it does.
    pub kind: RouteKind,
    /// The next hop; `None` where the destination itself is the neighbour.
    pub via: Option<Ipv4Addr>,
    /// The device; `None` for routes that drop.
    pub device: Option<DeviceName>,
    /// The preferred source address.
    pub source: Option<Ipv4Addr>,
    /// Who made it, as `ip route` says after `proto`.
    pub protocol: &'static str,
    /// The gateway is taken to be on the link, whatever the other routes say.
    pub onlink: bool,
}

/// The main table.
#[derive(Clone, Debug, Default)]
pub struct Fib {
    routes: PrefixMap<Ipv4Net, Route>,
}

impl Fib {
    /// Adds a route, in the place of one for the same destination.
    pub fn add(&mut self, route: Route) {
        self.routes.insert(route.destination.trunc(), route);
    }

    /// The route with the longest prefix that covers `address`.
    pub fn lookup(&self, address: Ipv4Addr) -> Option<&Route> {
        self.routes.get_lpm(&Ipv4Net::from(address)).map(|(_, route)| route)
    }

    /// The routes, by destination: ascending, and of equal addresses the longer prefix first, as `/proc/net/route` has
    /// them.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        let mut routes: Vec<_> = self.routes.values().collect();
        routes.sort_by_key(|route| (route.destination.network(), std::cmp::Reverse(route.destination.prefix_len())));
        routes.into_iter()
    }

    /// Removes every route that `who` made.
    pub fn remove_by(&mut self, who: &str) {
        let gone: Vec<_> = self.routes.iter().filter(|(_, route)| route.protocol == who).map(|(p, _)| p).collect();
        for prefix in gone {
            self.routes.remove(&prefix);
        }
    }
}
