//! IP in IP: `tunl0` as Calico and BIRD use it (`net/ipv4/ipip.c`, `ip_tunnel.c`, RFC 2003).

use super::fib::Route;
use super::skb::{Context, Skb};
use super::{Dropped, Namespace};
use crate::packet::{Body, DeviceName, Packet};
use crate::trace::{Arrival, DropReason, End, Observer, Step};

impl Namespace {
    /// Puts a packet into an outer one for the route's gateway, and sends that: it meets OUTPUT and POSTROUTING anew.
    pub(super) fn encapsulate<O: Observer>(
        &mut self,
        skb: &mut Skb,
        route: &Route,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        let destination = route.via.unwrap_or(skb.packet.destination);
        let out = self.fib.lookup(destination).and_then(|route| route.device).filter(|out| *out != DeviceName::TUNL0);
        let Some(source) = out.and_then(|out| self.source_for(out)) else {
            return Err(Dropped(DropReason::NoRoute));
        };
        cx.observer.step(skb.hop, || Step::Encapsulated { source, destination });
        cx.observer.close(skb.hop, Some(DeviceName::TUNL0), &skb.packet, || End::Sent { to: None });
        let inner = skb.packet.clone();
        let (tos, ttl, dont_fragment) = (inner.tos, inner.ttl, inner.dont_fragment);
        let outer = Packet { tos, ttl, dont_fragment, ..Packet::new(source, destination, Body::Ipip(Box::new(inner))) };
        let mut packet = outer;
        packet.id = self.ip_id();
        let arrival = Arrival { time: cx.now, place: &self.name, id: skb.id, in_device: None, packet: &packet };
        let hop = cx.observer.open(arrival);
        // The mark survives inside the node; connection tracking starts afresh.
        let in_device = self.device_index(DeviceName::TUNL0);
        let mut outer =
            Skb { packet, id: skb.id, mark: skb.mark, in_device, link: None, tracked: None, untracked: false, hop };
        if let Err(Dropped(reason)) = self.output(&mut outer, cx) {
            if let Some(tracked) = outer.tracked {
                self.conntrack.abandon(tracked);
            }
            cx.observer.close(outer.hop, None, &outer.packet, || End::Dropped(reason));
        }
        Ok(())
    }

    /// Takes the inner packet out of one that has come to this namespace: it comes in again, by `tunl0`.
    pub(super) fn decapsulate<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let (source, destination) = (skb.packet.source, skb.packet.destination);
        let device = self.device_index(DeviceName::TUNL0).filter(|index| self.devices[*index].up);
        let (Some(device), Body::Ipip(inner)) = (device, &skb.packet.body) else {
            self.unreachable(skb, 2, 0, cx);
            return Err(Dropped(DropReason::NoListener));
        };
        let inner = (**inner).clone();
        cx.observer.step(skb.hop, || Step::Decapsulated { source, destination });
        cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "tunl0".into() });
        self.receive(skb.id, inner, device, None, skb.mark, cx);
        Ok(())
    }
}
