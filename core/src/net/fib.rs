//! The forwarding information base: one table of routes, by longest prefix and smallest metric (`net/ipv4/fib_trie.c`).

use std::net::Ipv4Addr;
use std::sync::Arc;

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
    /// Deliver it here, and it was for everybody.
    Broadcast,
    /// Drop it in silence.
    Blackhole,
    /// Drop it and answer "host unreachable".
    Unreachable,
    /// Drop it and answer "prohibited".
    Prohibit,
    /// Look no further in this table; the next rule is asked.
    Throw,
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
    /// Of routes for one destination the one with the smallest metric counts.
    pub metric: u32,
    /// The longest packet that may take it, where that is not the device's.
    pub mtu: Option<u16>,
    /// Its device has no carrier (`RTNH_F_LINKDOWN`): it counts all the same, unless `ignore_routes_with_linkdown` is set.
    pub linkdown: bool,
    /// What `ip route` says of it that the model does not know: a packet that takes it ends there, unknown.
    pub unknown: Option<Arc<str>>,
}

impl Route {
    /// A route to `destination` without anything else: to neighbours, by no device yet.
    pub const fn to(destination: Ipv4Net) -> Self {
        Self {
            destination,
            kind: RouteKind::Unicast,
            via: None,
            device: None,
            source: None,
            protocol: "boot",
            onlink: false,
            metric: 0,
            mtu: None,
            linkdown: false,
            unknown: None,
        }
    }
}

/// A table of routes: the main one, or one that a rule of `ip rule` names.
#[derive(Clone, Debug, Default)]
pub struct Fib {
    routes: PrefixMap<Ipv4Net, Vec<Route>>,
    /// Whether there has been a route by a device without a carrier.
    linkdown: bool,
}

impl Fib {
    /// Adds a route, in the place of one for the same destination with the same metric.
    pub fn add(&mut self, route: Route) {
        self.linkdown |= route.linkdown;
        let routes = self.routes.entry(route.destination.trunc()).or_default();
        let at = routes.partition_point(|other| other.metric < route.metric);
        match routes.get_mut(at) {
            Some(other) if other.metric == route.metric => *other = route,
            _ => routes.insert(at, route),
        }
    }

    /// The route with the longest prefix that covers `address`, and of those the one with the smallest metric.
    pub fn lookup(&self, address: Ipv4Addr) -> Option<&Route> {
        self.routes.get_lpm(&Ipv4Net::from(address)).and_then(|(_, routes)| routes.first())
    }

    /// As [`Fib::lookup`], but only routes by `device`, where one is given; those that drop are by every device.
    pub fn lookup_by(&self, address: Ipv4Addr, device: Option<DeviceName>) -> Option<&Route> {
        self.lookup_past(address, device, |_| false)
    }

    /// As [`Fib::lookup_by`], but past routes by devices without a carrier that ignore those.
    pub(super) fn lookup_past(
        &self,
        address: Ipv4Addr,
        device: Option<DeviceName>,
        ignores: impl Fn(DeviceName) -> bool,
    ) -> Option<&Route> {
        if device.is_none() && !self.linkdown {
            return self.lookup(address);
        }
        let covering: Vec<_> = self.routes.cover_values(&Ipv4Net::from(address)).collect();
        // `fib_lookup_good_nhc`.
        let fits = |route: &&Route| {
            (device.is_none() || route.device.is_none_or(|by| Some(by) == device))
                && !(route.linkdown && route.device.is_some_and(&ignores))
        };
        covering.into_iter().rev().find_map(|routes| routes.iter().find(fits))
    }

    /// The routes, by destination: ascending, and of equal addresses the longer prefix first, as `/proc/net/route` has
    /// them.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        let mut routes: Vec<_> = self.routes.values().flatten().collect();
        routes.sort_by_key(|route| (route.destination.network(), std::cmp::Reverse(route.destination.prefix_len())));
        routes.into_iter()
    }

    /// Removes every route that `who` made.
    pub fn remove_by(&mut self, who: &str) {
        for routes in self.routes.values_mut() {
            routes.retain(|route| route.protocol != who);
        }
        self.routes.retain(|_, routes| !routes.is_empty());
    }
}
