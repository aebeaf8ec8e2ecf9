//! The routing decision: for a packet that has come in (`ip_route_input_slow`), and for one that is made here
//! (`ip_route_output_key`).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::conf::DeviceConf;
use super::fib::{Route, RouteKind};
use super::rules::{Flow, NoWay};
use super::skb::{Context, Skb};
use super::{Device, DeviceKind, Dropped, Namespace};
use crate::packet::DeviceName;
use crate::trace::{DropReason, Observer, Step};

/// What routing decides about a packet that has come in.
pub(super) enum Routed {
    /// It is for this namespace.
    Local,
    /// It goes on.
    Forward {
        /// Where.
        route: Route,
        /// Its sender could have sent it there itself, and is told.
        redirects: bool,
    },
}

impl Namespace {
    /// What counts for a device of `net.ipv4.conf`.
    pub(super) fn conf_of(&self, device: usize) -> DeviceConf {
        self.devices[device].conf.with(self.conf)
    }

    fn forwards(&self, device: usize) -> bool {
        self.devices[device].conf.forwarding.unwrap_or(self.forwarding)
    }

    /// `ip_route_input_slow`.
    pub(super) fn route_input<O: Observer>(
        &mut self,
        skb: &mut Skb,
        cx: &mut Context<'_, O>,
    ) -> Result<Routed, Dropped> {
        let destination = skb.packet.destination;
        let device = skb.in_device.unwrap_or(0);
        let local = |observer: &mut O, route| {
            let route = Some(route);
            observer.step(skb.hop, || Step::Route { destination, route, via: None, device: None });
        };
        if device == 0 && self.is_local(destination) {
            // What comes round by lo has its route already.
            local(cx.observer, destination.into());
            return Ok(Routed::Local);
        }
        self.check_martian(skb, device)?;
        if destination.is_broadcast() {
            local(cx.observer, destination.into());
            return Ok(Routed::Local);
        }
        let name = self.devices[device].name;
        let found = self.find_route(&Flow::of(skb, Some(name)));
        let route = match found {
            Ok(route) if matches!(route.kind, RouteKind::Local | RouteKind::Broadcast) => {
                self.validate_source(skb, device, None)?;
                local(cx.observer, route.destination);
                return Ok(Routed::Local);
            }
            _ if !self.forwards(device) => return Err(Dropped(DropReason::ForwardingOff)),
            found => self.see_route(found, skb, cx)?,
        };
        let neighbour = self.validate_source(skb, device, route.device)?;
        let redirects = self.deserves_redirect(skb, &route, neighbour);
        Ok(Routed::Forward { route, redirects })
    }

    /// The way of a packet that is made here.
    pub(super) fn route_output<O: Observer>(
        &mut self,
        skb: &mut Skb,
        cx: &mut Context<'_, O>,
    ) -> Result<Route, Dropped> {
        let found = self.find_way_out(skb);
        let route = self.see_route(found, skb, cx)?;
        Ok(self.heed_path_mtu(route, skb.packet.destination, cx.now))
    }

    /// `ip_route_output_key`. With a source of the loopback network it ends in `__mkroute_output`, unless the way is by lo.
    pub(super) fn find_way_out(&self, skb: &Skb) -> Result<Route, NoWay> {
        let route = self.find_route(&Flow::of(skb, None))?;
        if skb.packet.source.is_loopback()
            && route.kind != RouteKind::Local
            && let Some((index, device)) = self.route_device(&route)
            && device.kind != DeviceKind::Loopback
            && !self.conf_of(index).route_localnet
        {
            return Err(NoWay::Loopback);
        }
        Ok(route)
    }

    /// Tells of the route; drops the packet where there is none, or one that says so, and tells the sender what the
    /// kernel tells it (`ip_error`).
    fn see_route<O: Observer>(
        &mut self,
        found: Result<Route, NoWay>,
        skb: &mut Skb,
        cx: &mut Context<'_, O>,
    ) -> Result<Route, Dropped> {
        let destination = skb.packet.destination;
        cx.observer.step(skb.hop, || {
            let covering = match &found {
                Ok(route) => Some(route.destination),
                Err(NoWay::Drops(_, covering)) => *covering,
                Err(_) => None,
            };
            let way = found.as_ref().ok();
            Step::Route {
                destination,
                route: covering,
                via: way.and_then(|route| route.via),
                device: way.and_then(|route| route.device),
            }
        });
        let (code, reason) = match found {
            Ok(route) => return Ok(route),
            Err(NoWay::Drops(RouteKind::Unreachable, _)) => (1, DropReason::Unreachable),
            Err(NoWay::Drops(RouteKind::Prohibit, _)) => (13, DropReason::Prohibit),
            Err(NoWay::Drops(..)) => return Err(Dropped(DropReason::Blackhole)),
            Err(NoWay::None) => (0, DropReason::NoRoute),
            Err(NoWay::Loopback) => return Err(Dropped(DropReason::Martian)),
            Err(NoWay::Unknown(why)) => return Err(Dropped(DropReason::Unknown(why.into()))),
        };
        self.unreachable(skb, code, 0, cx);
        Err(Dropped(reason))
    }

    /// The device of a route.
    pub(super) fn route_device(&self, route: &Route) -> Option<(usize, &Device)> {
        let index = self.device_index(route.device?)?;
        Some((index, &self.devices[index]))
    }

    /// The longest packet that may take a route (`ip_dst_mtu_maybe_forward`).
    pub(super) fn route_mtu(&self, route: &Route) -> u16 {
        route.mtu.unwrap_or_else(|| self.route_device(route).map_or(u16::MAX, |(_, device)| device.mtu))
    }

    /// The source address of a packet to `destination`, or why `connect` and `sendto` fail at once: the errors that
    /// `fib_props` (`net/ipv4/fib_semantics.c`) gives to kinds of routes, in the words of errno(3).
    pub fn source_or_error(&self, destination: Ipv4Addr) -> Result<Ipv4Addr, String> {
        match self.find_route(&Flow::to(destination)) {
            Ok(_) => self.source_towards(destination).ok_or_else(|| "no address to send from".to_owned()),
            Err(NoWay::Drops(RouteKind::Unreachable, _)) => Err("no route to host".to_owned()),
            Err(NoWay::Drops(RouteKind::Prohibit, _)) => Err("permission denied".to_owned()),
            Err(NoWay::Drops(..)) => Err("invalid argument: its destination is in a blackhole route".to_owned()),
            Err(NoWay::None) => Err("network is unreachable".to_owned()),
            Err(NoWay::Loopback) => Err("invalid argument: no wire has the loopback network".to_owned()),
            Err(NoWay::Unknown(why)) => Err(format!("the model does not know: {why}")),
        }
    }

    /// Why `connect` of TCP fails at once, besides: it connects two machines (`tcp_v4_connect`).
    pub fn may_connect(&self, destination: Ipv4Addr) -> Result<(), String> {
        self.source_or_error(destination)?;
        if self.is_for_many(destination) { Err("network is unreachable".to_owned()) } else { Ok(()) }
    }

    /// The route of a packet to `destination` that is made here, and its source address; why there is none, as
    /// [`source_or_error`](Self::source_or_error) says it.
    pub fn way_to(&self, destination: Ipv4Addr) -> Result<(Route, Ipv4Addr), String> {
        let source = self.source_or_error(destination)?;
        let route = self.find_route(&Flow::to(destination)).map_err(|_| "network is unreachable".to_owned())?;
        Ok((route, source))
    }

    /// The device by which a packet to `destination` would leave; none where there is no such route, or it is local.
    pub fn device_towards(&self, destination: Ipv4Addr) -> Option<DeviceName> {
        let route = self.find_route(&Flow::to(destination)).ok()?;
        route.device.filter(|_| route.kind == RouteKind::Unicast)
    }

    /// The source address of a packet to `destination`, as the kernel chooses it.
    pub fn source_towards(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        let route = self.find_route(&Flow::to(destination)).ok()?;
        if route.kind == RouteKind::Local {
            return Some(destination);
        }
        let next = route.via.unwrap_or(destination);
        route.source.or_else(|| self.address_towards(route.device?, Some(next)))
    }

    /// The address a packet gets that leaves by `device`, whoever it is for.
    pub fn source_for(&self, device: DeviceName) -> Option<Ipv4Addr> {
        self.address_towards(device, None)
    }

    /// `inet_select_addr`: the address of the device in whose network `neighbour` is, else the device's first, else the
    /// first that any other device has, in order of creation. Those of the loopback device are for this host alone (scope
    /// host), and never asked for.
    pub(super) fn address_towards(&self, device: DeviceName, neighbour: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let own = self.devices.iter().find(|one| one.name == device && one.kind != DeviceKind::Loopback);
        let suits = |one: &Ipv4Net| neighbour.is_some_and(|neighbour| one.contains(&neighbour));
        let near = own.and_then(|one| one.primary_addresses().find(|address| suits(address)));
        let others = self.devices.iter().filter(|one| one.kind != DeviceKind::Loopback);
        near.or_else(|| own.into_iter().chain(others).find_map(|one| one.addresses.first())).map(Ipv4Net::addr)
    }

    /// Takes an address from a device; what was masqueraded with it is forgotten.
    pub fn remove_address(&mut self, device: DeviceName, address: Ipv4Addr) {
        if let Some(place) = self.devices.place(device) {
            self.devices.change(place, |one| one.addresses.retain(|own| own.addr() != address));
        }
        self.conntrack.flush_masquerade(device, Some(address));
    }

    /// Takes a device down; what was masqueraded for it is forgotten.
    pub fn set_down(&mut self, device: DeviceName) {
        if let Some(place) = self.devices.place(device) {
            self.devices.change(place, |one| one.up = false);
        }
        self.conntrack.flush_masquerade(device, None);
    }
}

impl Flow {
    /// What a packet's route is looked up by.
    pub(super) fn of(skb: &Skb, in_device: Option<DeviceName>) -> Self {
        let (source, destination) = (skb.packet.source, skb.packet.destination);
        Self { source, destination, mark: skb.mark, tos: skb.packet.tos, in_device, out_device: None }
    }
}

impl Device {
    /// Its addresses without those in the network of an earlier one, which are secondary.
    fn primary_addresses(&self) -> impl Iterator<Item = &Ipv4Net> {
        self.addresses
            .iter()
            .enumerate()
            .filter(|(at, one)| self.addresses[..*at].iter().all(|earlier| earlier.trunc() != one.trunc()))
            .map(|(_, one)| one)
    }
}
