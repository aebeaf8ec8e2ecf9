//! ICMP: errors that the kernel sends, and what it does with messages for itself (`net/ipv4/icmp.c`).

use std::net::Ipv4Addr;

use super::skb::{Context, Effect, Skb};
use super::tcp::{Happened, SocketEvent};
use super::{Dropped, Namespace};
use crate::conntrack::Tracked;
use crate::netfilter::CtState;
use crate::packet::{Body, Icmp, Packet};
use crate::trace::{DropReason, End, Observer};

/// Precedence "internetwork control", which the kernel gives to errors.
const INTERNET_CONTROL: u8 = 0xc0;

impl Namespace {
    /// Tells a packet's sender that it could not be delivered.
    pub(super) fn unreachable<O: Observer>(&mut self, skb: &mut Skb, code: u8, mtu: u16, cx: &mut Context<'_, O>) {
        let about = Box::new(skb.packet.clone());
        self.error(skb, Icmp::Unreachable { code, mtu, about }, cx);
    }

    /// Tells a packet's sender that its time to live has run out.
    pub(super) fn time_exceeded<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) {
        let about = Box::new(skb.packet.clone());
        self.error(skb, Icmp::TimeExceeded { code: 0, about }, cx);
    }

    /// `icmp_send`: never about an error, and never to or about more than one machine.
    pub(super) fn error<O: Observer>(&mut self, skb: &mut Skb, message: Icmp, cx: &mut Context<'_, O>) {
        let about = &skb.packet;
        let is_error = matches!(&about.body, Body::Icmp(icmp) if icmp.about().is_some());
        let to_many = |address: Ipv4Addr| address.is_broadcast() || address.is_multicast();
        if is_error || about.source.is_unspecified() || to_many(about.source) || to_many(about.destination) {
            return;
        }
        let source =
            if self.is_local(about.destination) { Some(about.destination) } else { self.source_towards(about.source) };
        let Some(source) = source else { return };
        let to = about.source;
        if !self.may_send_error(to, &message, cx.now) {
            return;
        }
        let about = &skb.packet;
        let mut packet = Packet::new(source, about.source, message);
        packet.tos = about.tos & 0x1e | INTERNET_CONTROL;
        packet.dont_fragment = false;
        packet.id = self.ip_id();
        // `nf_ct_attach`: the error belongs to the connection of the packet, even of one that is not confirmed.
        let tracked = skb.tracked.map(|tracked| Tracked {
            direction: tracked.direction.flipped(),
            state: CtState::Related,
            ..tracked
        });
        let id = cx.packet_id();
        self.send_related(id, packet, tracked, 0, cx);
    }

    /// An ICMP message for this namespace: `icmp_rcv`.
    pub(super) fn receive_icmp<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let Body::Icmp(message) = &skb.packet.body else { return Ok(()) };
        match message.clone() {
            Icmp::EchoRequest { id, seq, payload } => {
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "the kernel".into() });
                let mut reply =
                    Packet::new(skb.packet.destination, skb.packet.source, Icmp::EchoReply { id, seq, payload });
                reply.dont_fragment = false;
                reply.id = self.ip_id();
                self.send(reply, cx);
                Ok(())
            }
            Icmp::EchoReply { id, seq, .. } => {
                let Some(process) = self.sockets.echo(id) else { return Err(Dropped(DropReason::NoListener)) };
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "ping".into() });
                let happened = Happened::EchoReply { id, seq, from: skb.packet.source };
                cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
                Ok(())
            }
            Icmp::Unreachable { about, .. } | Icmp::TimeExceeded { about, .. } => {
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "the kernel".into() });
                self.socket_error(&about, skb, cx);
                Ok(())
            }
            // A router, and whoever forwards is one, does not believe it (`accept_redirects`).
            Icmp::Redirect { .. } => {
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "the kernel".into() });
                Ok(())
            }
        }
    }
}
