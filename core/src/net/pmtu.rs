//! Path MTU discovery (RFC 1191): what ICMP has said of the longest packet that reaches an address, as the kernel keeps it in
//! the exceptions of next hops (`net/ipv4/route.c`), and who heeds it.
//!
//! What is only forwarded does not (`net.ipv4.ip_forward_use_pmtu` is 0), nor does TCPMSS `--clamp-mss-to-pmtu` here. Where
//! ICMP does not come through nobody finds out by himself (`net.ipv4.tcp_mtu_probing` is 0): that is a black hole.

use std::net::Ipv4Addr;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::fib::Route;
use super::rules::Flow;
use super::skb::{Context, Skb};
use super::{DeviceKind, Namespace};
use crate::Time;
use crate::packet::{Body, DeviceName, Icmp, Packet};
use crate::trace::Observer;

/// `net.ipv4.route.mtu_expires`.
const EXPIRES: Duration = Duration::from_mins(10);
/// `net.ipv4.route.min_pmtu`.
const LEAST: u16 = 552;

/// What is known of the ways by a next hop to addresses (`fnhe_hash_bucket`): by device and gateway, and destination.
pub(super) type PathMtus = FxHashMap<(Option<DeviceName>, Option<Ipv4Addr>, Ipv4Addr), PathMtu>;

/// `struct fib_nh_exception`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathMtu {
    mtu: u16,
    /// Somebody asked for less than the least: packets may be fragmented on their way (`fnhe_mtu_locked`).
    locked: bool,
    until: Time,
}

impl Namespace {
    /// `find_exception`.
    fn path_exception(&self, route: &Route, destination: Ipv4Addr, now: Time) -> Option<PathMtu> {
        if self.path_mtus.is_empty() {
            return None;
        }
        let exception = self.path_mtus.get(&(route.device, route.via, destination));
        exception.filter(|one| now < one.until).copied()
    }

    /// What has been learnt of the way to `destination` by a route: its MTU, whether it is locked, and for how long it counts
    /// still.
    pub fn learnt_path_mtu(&self, route: &Route, destination: Ipv4Addr, now: Time) -> Option<(u16, bool, Duration)> {
        let learnt = self.path_exception(route, destination, now)?;
        Some((learnt.mtu, learnt.locked, learnt.until - now))
    }

    /// The route as a packet that is made here takes it: it is no longer than what has been learnt (`ip_dst_mtu_maybe_forward`).
    pub(super) fn heed_path_mtu(&self, mut route: Route, destination: Ipv4Addr, now: Time) -> Route {
        if let Some(learnt) = self.path_exception(&route, destination, now) {
            route.mtu = Some(learnt.mtu.min(self.route_mtu(&route)));
        }
        route
    }

    /// The longest packet that is sent from here to `destination`; none where there is no route (`dst_mtu`).
    pub(super) fn path_mtu(&self, destination: Ipv4Addr, now: Time) -> Option<u16> {
        let route = self.find_route(&Flow::to(destination)).ok()?;
        Some(self.route_mtu(&self.heed_path_mtu(route, destination, now)))
    }

    /// Whether packets to `destination` go without DF, however short (`ip_dont_fragment`, `ip_mtu_locked`).
    pub(super) fn is_path_locked(&self, destination: Ipv4Addr, now: Time) -> bool {
        if self.path_mtus.is_empty() {
            return false;
        }
        let route = self.find_route(&Flow::to(destination));
        route.is_ok_and(|route| self.path_exception(&route, destination, now).is_some_and(|one| one.locked))
    }

    /// Keeps what ICMP says of the way to `destination`, for ten minutes: `__ip_rt_update_pmtu`.
    pub(super) fn learn_path_mtu(&mut self, destination: Ipv4Addr, mtu: u16, now: Time) {
        let Ok(route) = self.find_route(&Flow::to(destination)) else { return };
        let known = self.path_exception(&route, destination, now);
        let old = known.map_or_else(|| self.route_mtu(&route), |known| known.mtu);
        if old < mtu || known.is_some_and(|known| known.locked) {
            return;
        }
        let locked = mtu < LEAST;
        let mtu = if locked { old.min(LEAST) } else { mtu };
        if known.is_some_and(|known| known.mtu == mtu && !locked && now + EXPIRES / 2 < known.until) {
            return;
        }
        let exception = PathMtu { mtu, locked, until: now + EXPIRES };
        self.path_mtus.insert((route.device, route.via, destination), exception);
    }

    /// ICMP says "fragmentation needed" of a packet that was made here (`icmp_socket_deliver`): who has sent it decides
    /// whether that is believed.
    pub(super) fn packet_too_big<O: Observer>(&mut self, about: &Packet, mtu: u16, skb: &Skb, cx: &mut Context<'_, O>) {
        let believed = match &about.body {
            Body::Tcp(segment) => return self.segment_too_big(about, segment.seq, mtu, cx),
            // `__udp4_lib_err`: the socket learns it, and its process is told (EMSGSIZE).
            Body::Udp(_) => self.sockets.udp_at(about.source_socket()).is_some(),
            // `ping_err`, `raw_err`; and `icmp_err` of the kernel's own.
            Body::Icmp(Icmp::EchoRequest { id, .. }) => self.sockets.echo(*id).is_some(),
            Body::Icmp(Icmp::EchoReply { .. }) => true,
            // `ipip_err`: the tunnel learns what is left for the packets inside, and tells their senders of it.
            Body::Ipip(_) => {
                self.devices.iter().any(|one| matches!(one.kind, DeviceKind::Ipip | DeviceKind::Tunnel { .. }))
            }
            _ => false,
        };
        if believed {
            self.learn_path_mtu(about.destination, mtu, cx.now);
            self.udp_error(about, skb, cx);
        }
    }
}
