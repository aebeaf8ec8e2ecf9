//! IP in IP: `tunl0` as Calico and BIRD use it (`net/ipv4/ipip.c`, `ip_tunnel.c`, RFC 2003).

use std::net::Ipv4Addr;

use super::fib::Route;
use super::rules::Flow;
use super::skb::{Context, Skb};
use super::{Device, DeviceKind, Dropped, Namespace};
use crate::packet::{Body, DeviceName, Packet};
use crate::trace::{Arrival, DropReason, End, Observer, Step};

/// The length of the outer header.
const OUTER_HEADER: u16 = 20;
/// The bits of the TOS that tell of congestion, all set when there was some (RFC 3168).
const ECN_CE: u8 = 3;
/// And one set where the sender would understand.
const ECN_ECT_0: u8 = 2;

impl Namespace {
    /// Puts a packet into an outer one for the route's gateway, and sends that: it meets OUTPUT and POSTROUTING anew.
    pub(super) fn encapsulate<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        let destination = route.via.unwrap_or(skb.packet.destination);
        // The outer packet's route: `ip_tunnel_xmit` looks it up with the mark, and never back into a tunnel.
        let flow = Flow { mark: skb.mark, ..Flow::to(destination) };
        let way = self.find_route(&flow).ok().filter(|way| way.device != Some(DeviceName::TUNL0));
        let source = self.source_towards(destination);
        let (Some(way), Some(source)) = (way, source) else { return Err(Dropped(DropReason::NoRoute)) };
        let way = self.heed_path_mtu(way, destination, cx.now);
        // `tnl_update_pmtu`: what must not be fragmented has to fit with its second header.
        let room = self.route_mtu(&way).saturating_sub(OUTER_HEADER);
        if skb.packet.dont_fragment && skb.packet.length() > usize::from(room) {
            self.unreachable(skb, 4, room, cx);
            return Err(Dropped(DropReason::TooBig { mtu: room }));
        }
        cx.observer.step(skb.hop, || Step::Encapsulated { source, destination });
        cx.observer.close(skb.hop, Some(DeviceName::TUNL0), &skb.packet, || End::Sent { to: None });
        let inner = skb.take_packet();
        // TTL and DF are copied (`ttl inherit`, `pmtudisc` off). The TOS is not, unless the tunnel were made with `tos
        // inherit`, which tunl0 is not: only its ECN bits are (`ip_tunnel_ecn_encap`, RFC 6040).
        let ecn = if inner.tos & ECN_CE == ECN_CE { ECN_ECT_0 } else { inner.tos & ECN_CE };
        let (ttl, dont_fragment, id) = (inner.ttl, inner.dont_fragment, self.ip_id());
        let outer = Packet::new(source, destination, Body::Ipip(Box::new(inner)));
        let packet = Packet { tos: ecn, id, dont_fragment, ttl, ..outer };
        let arrival = Arrival { time: cx.now, place: &self.name, id: skb.id, in_device: None, packet: &packet };
        let hop = cx.observer.open(arrival);
        // The mark survives inside the node; connection tracking starts afresh.
        let in_device = self.device_index(DeviceName::TUNL0);
        let mut outer = Skb { mark: skb.mark, in_device, sender: skb.sender, ..Skb::new(packet, skb.id, hop) };
        if let Err(Dropped(reason)) = self.output(&mut outer, cx) {
            if let Some(tracked) = outer.tracked {
                self.conntrack.abandon(tracked);
            }
            cx.observer.close(outer.hop, None, &outer.packet, || End::Dropped(reason));
        }
        Ok(())
    }

    /// `ip_tunnel_lookup`: the device that takes what came from there to here. Of several the one that says most, then the
    /// one that says the source; `tunl0`, which says nothing, is the last.
    pub(crate) fn tunnel_between(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Option<usize> {
        let suits = |said: Ipv4Addr, is| said.is_unspecified() || said == is;
        let fits = |device: &Device| match device.kind {
            DeviceKind::Tunnel { local, remote } => (suits(local, destination) && suits(remote, source))
                .then(|| (!local.is_unspecified() && !remote.is_unspecified(), !remote.is_unspecified(), true)),
            DeviceKind::Ipip => Some((false, false, false)),
            _ => None,
        };
        let up = self.devices.iter().enumerate().filter(|(_, device)| device.up);
        up.filter_map(|(at, device)| Some((fits(device)?, at))).max_by_key(|(said, _)| *said).map(|(_, at)| at)
    }

    /// Takes the inner packet out of one that has come to this namespace: it comes in again, by `tunl0` or another device.
    pub(super) fn decapsulate<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let (source, destination) = (skb.packet.source, skb.packet.destination);
        let device = self.tunnel_between(source, destination);
        let (Some(device), Body::Ipip(inner)) = (device, &mut skb.packet.body) else {
            // Without the module nobody knows the protocol; with it nobody has the tunnel (`tunnel4_rcv`).
            let code = if self.device_index(DeviceName::TUNL0).is_some() { 3 } else { 2 };
            self.unreachable(skb, code, 0, cx);
            return Err(Dropped(DropReason::NoListener));
        };
        // `IP_ECN_decapsulate`: congestion on the way is told on, or the packet is dropped as it would have been.
        if skb.packet.tos & ECN_CE == ECN_CE {
            if inner.tos & ECN_CE == 0 {
                return Err(Dropped(DropReason::Congestion));
            }
            inner.tos |= ECN_CE;
        }
        cx.observer.step(skb.hop, || Step::Decapsulated { source, destination });
        let name = self.devices[device].name;
        cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: name.as_str().into() });
        if let Body::Ipip(inner) = skb.take_packet().body {
            self.receive(skb.id, *inner, device, None, skb.mark, cx);
        }
        Ok(())
    }
}
