//! UDP sockets.

use std::net::{Ipv4Addr, SocketAddrV4};

use bytes::Bytes;

use super::skb::{Context, Effect, Skb};
use super::tcp::{Happened, SocketEvent};
use super::{Dropped, Namespace};
use crate::packet::{Body, Packet, Udp};
use crate::trace::{DropReason, End, Observer};

impl Namespace {
    /// Sends a datagram from `port`. The source address is `source`, or the one the route gives.
    pub fn send_udp<O: Observer>(
        &mut self,
        source: Option<Ipv4Addr>,
        port: u16,
        to: SocketAddrV4,
        payload: Bytes,
        cx: &mut Context<'_, O>,
    ) {
        let source = source.or_else(|| self.source_towards(*to.ip())).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut packet = Packet::new(source, *to.ip(), Udp::new(port, to.port(), payload));
        packet.id = self.ip_id();
        // What does not fit is sent in parts: DF is set only on what fits (`ip_setup_cork`, IP_PMTUDISC_WANT).
        let mtu = self.path_mtu(*to.ip(), cx.now).unwrap_or(u16::MAX);
        let locked = self.is_path_locked(*to.ip(), cx.now);
        packet.dont_fragment = packet.length() <= usize::from(mtu) && !locked;
        self.send(packet, cx);
    }

    /// Sends a packet that is made to measure. One that may not be sent in parts, and does not fit, is refused with what
    /// `ping -M do` says.
    pub fn send_to_measure<O: Observer>(
        &mut self,
        mut packet: Packet,
        dont_fragment: bool,
        cx: &mut Context<'_, O>,
    ) -> Result<(), String> {
        let mtu = self.path_mtu(packet.destination, cx.now).unwrap_or(u16::MAX);
        let fits = packet.length() <= usize::from(mtu);
        if dont_fragment && !fits {
            return Err(format!("message too long, mtu={mtu}"));
        }
        packet.id = self.ip_id();
        packet.dont_fragment = fits && (dont_fragment || !self.is_path_locked(packet.destination, cx.now));
        self.send(packet, cx);
        Ok(())
    }

    /// `udp_rcv`: to the socket on the port, or a refusal.
    pub(super) fn receive_udp<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let Body::Udp(datagram) = &skb.packet.body else { return Ok(()) };
        let Some(process) = self.sockets.udp_at(skb.packet.destination_socket()) else {
            // `__udp4_lib_rcv` takes the connection off before it refuses: the error is looked up like any packet.
            skb.tracked = None;
            self.unreachable(skb, 3, 0, cx);
            return Err(Dropped(DropReason::NoListener));
        };
        let happened = Happened::Datagram {
            port: datagram.destination,
            local: self.own_address(&skb.packet),
            from: skb.packet.source_socket(),
            payload: datagram.payload.clone(),
        };
        let to = || self.sockets.process_name(process);
        cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to: to() });
        cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
        Ok(())
    }

    /// A UDP socket was told by ICMP that its datagram did not arrive.
    pub(super) fn udp_error<O>(&mut self, about: &Packet, skb: &Skb, cx: &mut Context<'_, O>) {
        let Body::Udp(datagram) = &about.body else { return };
        let Some(process) = self.sockets.udp(datagram.source) else { return };
        let happened = Happened::DatagramRefused { port: datagram.source, by: skb.id, with: skb.packet.clone() };
        cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
    }
}
