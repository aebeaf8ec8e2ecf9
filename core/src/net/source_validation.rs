//! May a packet with this source come by this device? `fib_validate_source` of `net/ipv4/fib_frontend.c`, and the
//! addresses that may come from nowhere (`ip_route_input_slow` of `net/ipv4/route.c`).

use std::net::Ipv4Addr;

use super::fib::RouteKind;
use super::rules::Flow;
use super::skb::Skb;
use super::{Dropped, Namespace};
use crate::packet::DeviceName;
use crate::trace::DropReason;

impl Namespace {
    /// Refuses what no route has to be looked up for.
    pub(super) fn check_martian(&self, skb: &Skb, device: usize) -> Result<(), Dropped> {
        let (source, destination) = (skb.packet.source, skb.packet.destination);
        let zero = |address: Ipv4Addr| address.octets()[0] == 0;
        let conf = self.conf_of(device);
        let for_all = destination.is_broadcast() || source.is_unspecified() && destination.is_unspecified();
        let martian = source.is_multicast()
            || source.is_broadcast()
            || !for_all && (zero(source) || zero(destination))
            || !conf.route_localnet && (destination.is_loopback() || source.is_loopback());
        if martian { Err(Dropped(DropReason::Martian)) } else { Ok(()) }
    }

    /// Whether the source is good, and then whether it is a neighbour (a route to it has no gateway).
    /// `out` is the device that the packet is to leave by.
    pub(super) fn validate_source(&self, skb: &Skb, device: usize, out: Option<DeviceName>) -> Result<bool, Dropped> {
        let conf = self.conf_of(device);
        let (source, by) = (skb.packet.source, &self.devices[device]);
        if conf.rp_filter == 0 && self.policy.plain && (out != Some(by.name) || !conf.send_redirects) {
            // Nobody wants to know the way back: the namespace's own addresses are all that is looked for.
            let own = self.devices.have(source);
            return if own && !conf.accept_local { Err(Dropped(DropReason::Martian)) } else { Ok(false) };
        }
        let mark = if conf.src_valid_mark { skb.mark } else { 0 };
        let flow = Flow {
            source: skb.packet.destination,
            mark,
            tos: skb.packet.tos,
            in_device: Some(by.name),
            ..Flow::to(source)
        };
        let strayed = if conf.rp_filter == 0 { Ok(false) } else { Err(Dropped(DropReason::ReversePath)) };
        let Ok(route) = self.find_route(&flow) else { return strayed };
        match route.kind {
            RouteKind::Unicast => {}
            RouteKind::Local if conf.accept_local => {}
            _ => return Err(Dropped(DropReason::Martian)),
        }
        if route.device == Some(by.name) {
            return Ok(route.via.is_none());
        }
        if by.addresses.is_empty() {
            // Nothing to compare with: `no_addr`.
            return strayed;
        }
        if conf.rp_filter == 1 {
            return Err(Dropped(DropReason::ReversePath));
        }
        let here = self.find_route(&Flow { out_device: Some(by.name), ..flow });
        Ok(here.is_ok_and(|route| route.kind == RouteKind::Unicast && route.via.is_none()))
    }
}
