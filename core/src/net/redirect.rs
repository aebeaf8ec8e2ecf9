//! How many ICMP errors and redirects a machine sends to another: `icmpv4_xrlim_allow` of `net/ipv4/icmp.c` and
//! `ip_rt_send_redirect` of `net/ipv4/route.c`, which share what they remember of a peer (`struct inet_peer`).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::fib::Route;
use super::skb::{Context, Skb};
use super::{DeviceKind, Namespace};
use crate::Time;
use crate::packet::Icmp;
use crate::trace::Observer;

/// Errors that may be sent at once (`XRLIM_BURST_FACTOR`).
const BURST: u32 = 6;
/// `ip_rt_redirect_load`: 20 ms, doubled with every redirect that was not heeded.
const LOAD: Duration = Duration::from_millis(20);
/// `ip_rt_redirect_number`.
const REDIRECTS: u32 = 9;

/// What a namespace remembers of a machine that it sends errors to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// When it was last sent one; before the first, long ago.
    last: Option<Time>,
    /// Time saved up.
    tokens: Duration,
    redirects: u32,
}

impl Peer {
    const NEW: Self = Self { last: None, tokens: Duration::ZERO, redirects: 0 };

    fn since(&self, now: Time) -> Duration {
        self.last.map_or(Duration::from_mins(1), |last| now - last)
    }
}

impl Namespace {
    /// Whether an ICMP error of this type may be sent (`inet_peer_xrlim_allow`).
    pub(super) fn may_send_error(&mut self, to: Ipv4Addr, message: &Icmp, now: Time) -> bool {
        let limit = self.icmp.ratelimit;
        // Path MTU discovery is never limited, nor is what goes out by lo.
        let limited = self.icmp.ratemask >> message.kind() & 1 == 1 && (message.kind(), message.code()) != (3, 4);
        if !limited || limit.is_zero() || self.is_local(to) {
            return true;
        }
        let peer = self.peers.entry(to).or_insert(Peer::NEW);
        peer.tokens = (peer.tokens + peer.since(now)).min(limit * BURST);
        peer.last = Some(now);
        let allowed = peer.tokens >= limit;
        if allowed {
            peer.tokens -= limit;
        }
        allowed
    }

    /// Tells a neighbour that its packet leaves by the device it came by: "redirect for the host".
    pub(super) fn redirect<O: Observer>(&mut self, skb: &mut Skb, route: &Route, cx: &mut Context<'_, O>) {
        let (to, now) = (skb.packet.source, cx.now);
        let peer = self.peers.entry(to).or_insert(Peer::NEW);
        if peer.since(now) > LOAD * (1 << (REDIRECTS + 1)) {
            (peer.tokens, peer.redirects) = (Duration::ZERO, 0);
        }
        if peer.redirects >= REDIRECTS {
            peer.last = Some(now);
            return;
        }
        if peer.redirects > 0 && peer.since(now) <= LOAD * (1 << peer.redirects) {
            return;
        }
        (peer.last, peer.redirects) = (Some(now), peer.redirects + 1);
        let gateway = route.via.unwrap_or(skb.packet.destination);
        let about = Box::new(skb.packet.clone());
        self.error(skb, Icmp::Redirect { code: 1, gateway, about }, cx);
    }

    /// Whether a packet that is to leave by the device it came by deserves a redirect (`__mkroute_input`).
    pub(super) fn deserves_redirect(&self, skb: &Skb, route: &Route, neighbour: bool) -> bool {
        let Some(device) = skb.in_device.filter(|index| route.device == Some(self.devices[*index].name)) else {
            return false;
        };
        let conf = self.conf_of(device);
        let shared = conf.shared_media || {
            let on_link = |address: Ipv4Addr| self.devices[device].addresses.iter().any(|own| own.contains(&address));
            on_link(skb.packet.source) && route.via.is_none_or(on_link)
        };
        neighbour
            && conf.send_redirects
            && shared
            && matches!(self.devices[device].kind, DeviceKind::Ethernet | DeviceKind::Bridge)
    }
}
