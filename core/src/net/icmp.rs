//! ICMP: errors that the kernel sends, and what it does with messages for itself (`net/ipv4/icmp.c`).

use std::net::Ipv4Addr;

use super::skb::{Context, Effect, Skb};
use super::tcp::{Happened, SocketEvent};
use super::{Dropped, Namespace};
use crate::conntrack::Tracked;
use crate::netfilter::walk::Sender;
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

    /// Whether more than one machine has an address (`RTCF_BROADCAST`, `RTCF_MULTICAST`).
    pub(super) fn is_for_many(&self, address: Ipv4Addr) -> bool {
        address.is_broadcast() || address.is_multicast() || self.devices.broadcast_to(address).is_some()
    }

    /// The address from which a packet that has come in is answered (`fib_compute_spec_dst`): the one that it came to, unless
    /// others have that, too.
    pub(super) fn own_address(&self, packet: &Packet) -> Ipv4Addr {
        let own = self.is_for_many(packet.destination).then(|| self.source_towards(packet.source)).flatten();
        own.unwrap_or(packet.destination)
    }

    /// `icmp_send`: never about an error, and never to or about more than one machine.
    pub(super) fn error<O: Observer>(&mut self, skb: &mut Skb, message: Icmp, cx: &mut Context<'_, O>) {
        // `icmp_xmit_trylock`: not while an ICMP message is being sent.
        if self.sending_icmp {
            return;
        }
        let about = &skb.packet;
        let is_error = matches!(&about.body, Body::Icmp(icmp) if icmp.about().is_some());
        let (source, destination) = (about.source, about.destination);
        if is_error || source.is_unspecified() || self.is_for_many(source) || self.is_for_many(destination) {
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
        let tracked = skb.tracked.map(Tracked::answered);
        self.send_icmp(packet, tracked, cx);
    }

    /// `icmp_push_reply`: by a socket of the kernel's own.
    fn send_icmp<O: Observer>(&mut self, packet: Packet, tracked: Option<Tracked>, cx: &mut Context<'_, O>) {
        self.sending_icmp = true;
        self.send_by(Sender::Kernel, packet, tracked, cx);
        self.sending_icmp = false;
    }

    /// An ICMP message for this namespace: `icmp_rcv`.
    pub(super) fn receive_icmp<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let Body::Icmp(message) = &skb.packet.body else { return Ok(()) };
        match message.clone() {
            Icmp::EchoRequest { .. }
                if self.icmp.echo_ignore_broadcasts && self.is_for_many(skb.packet.destination) =>
            {
                Err(Dropped(DropReason::Broadcast))
            }
            Icmp::EchoRequest { id, seq, payload } => {
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "the kernel".into() });
                let own = self.own_address(&skb.packet);
                let mut reply = Packet::new(own, skb.packet.source, Icmp::EchoReply { id, seq, payload });
                reply.dont_fragment = false;
                reply.tos = skb.packet.tos;
                reply.id = self.ip_id();
                self.send_icmp(reply, None, cx);
                Ok(())
            }
            Icmp::EchoReply { id, seq, .. } => {
                let Some(process) = self.sockets.echo(id) else { return Err(Dropped(DropReason::NoListener)) };
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "ping".into() });
                let happened = Happened::EchoReply { id, seq, from: skb.packet.source };
                cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
                Ok(())
            }
            Icmp::Unreachable { code: 4, mtu, about } => {
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: "the kernel".into() });
                self.packet_too_big(&about, mtu, skb, cx);
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
