//! How long segments are, and what becomes of those on their way when they turn out to be too long (`net/ipv4/tcp_output.c`,
//! `tcp_v4_err` of `tcp_ipv4.c`).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{Connection, ConnectionId, Namespace, Segment, State};
use crate::Time;
use crate::net::skb::Context;
use crate::packet::{Packet, Tcp, TcpFlags, TcpOptions, Timestamps};
use crate::trace::Observer;

/// Of a side that announces nothing (`TCP_MSS_DEFAULT`).
const DEFAULT_MSS: u16 = 536;
/// `net.ipv4.tcp_min_snd_mss`.
const LEAST_MSS: u16 = 48;
/// IPv4 and TCP without options.
const HEADERS: u16 = 40;
/// What timestamps take of every segment.
const TIMESTAMPS: u16 = 12;

impl Namespace {
    /// How many bytes a segment carries now: `tcp_current_mss` asks the route each time, which others may have learnt of.
    pub(super) fn current_size(&mut self, id: ConnectionId, now: Time) -> usize {
        let Some(remote) = self.sockets.remote(id) else { return 0 };
        let path_mtu = self.path_mtu(*remote.ip(), now);
        let Some(connection) = self.sockets.get_mut(id) else { return 0 };
        connection.path_mtu = path_mtu.unwrap_or(connection.path_mtu);
        connection.size()
    }

    /// ICMP says that a segment is too long: `tcp_v4_err`. Only of one that is on its way it is believed.
    pub(in crate::net) fn segment_too_big<O: Observer>(
        &mut self,
        about: &Packet,
        seq: u32,
        mtu: u16,
        cx: &mut Context<'_, O>,
    ) {
        let ends = (about.source_socket(), about.destination_socket());
        let Some(connection) = self.sockets.connections.get_mut(&ends) else { return };
        let next = connection.next_seq;
        let first = connection.unacknowledged.front().map_or(next, |segment| segment.seq);
        let under_way = seq.wrapping_sub(first) <= next.wrapping_sub(first);
        // A request for a connection, or what is left of one, does not hear of it.
        if !under_way || matches!(connection.state, State::SynReceived | State::TimeWait(_)) {
            return;
        }
        let id = connection.id;
        connection.mtu_info = Some(mtu);
        if !connection.busy {
            self.undisturbed(id, cx, |_, _| {});
        }
    }

    /// Works on a connection, and heeds afterwards what has been heard of the path MTU meanwhile (`tcp_release_cb`).
    pub(super) fn undisturbed<O: Observer>(
        &mut self,
        id: ConnectionId,
        cx: &mut Context<'_, O>,
        work: impl FnOnce(&mut Self, &mut Context<'_, O>),
    ) {
        let busy = |namespace: &mut Self, busy| {
            namespace.sockets.get_mut(id).map(|connection| std::mem::replace(&mut connection.busy, busy))
        };
        let before = busy(self, true);
        work(self, cx);
        if before == Some(false) {
            while let Some(mtu) = self.sockets.get_mut(id).and_then(|connection| connection.mtu_info.take()) {
                self.mtu_reduced(id, mtu, cx);
            }
            busy(self, false);
        }
    }

    /// `tcp_v4_mtu_reduced`: the route learns it, and what is on its way and too long is sent again at once.
    fn mtu_reduced<O: Observer>(&mut self, id: ConnectionId, mtu: u16, cx: &mut Context<'_, O>) {
        let Some(remote) = self.sockets.remote(id) else { return };
        self.learn_path_mtu(*remote.ip(), mtu, cx.now);
        let path_mtu = self.path_mtu(*remote.ip(), cx.now);
        let Some(connection) = self.sockets.get_mut(id) else { return };
        let Some(path_mtu) = path_mtu.filter(|mtu| *mtu < connection.path_mtu) else { return };
        connection.path_mtu = path_mtu;
        // `tcp_simple_retransmit`.
        let lost = connection.cut_anew(connection.size());
        if lost.is_empty() {
            return;
        }
        connection.set_timer(cx);
        for segment in lost {
            let Some(connection) = self.sockets.get_mut(id) else { return };
            let packet = connection.packet(&segment, cx.now);
            self.send_segment(packet, cx);
        }
    }
}

impl Connection {
    /// How many bytes a segment carries: `tcp_mtu_to_mss`.
    fn size(&self) -> usize {
        let mss = self.path_mtu.saturating_sub(HEADERS).min(self.peer_mss).max(LEAST_MSS);
        usize::from(mss - TIMESTAMPS)
    }

    /// What the other side says in options.
    pub(super) fn hear_options(&mut self, segment: &Tcp) {
        if let Some(Timestamps { value, .. }) = segment.options.timestamps() {
            self.heard = value;
        }
        if segment.flags.has(TcpFlags::SYN) {
            self.peer_mss = match segment.options {
                TcpOptions::Syn { mss, .. } => mss,
                _ => DEFAULT_MSS,
            };
        }
    }

    /// Cuts what has not been acknowledged, and is too long, to segments of `size` bytes; those are given back. The kernel's
    /// segments are parts of a larger packet that its device cuts (GSO), and lost or not as a whole: what was full goes on in
    /// the next.
    pub(super) fn cut_anew(&mut self, size: usize) -> Vec<Segment> {
        if self.unacknowledged.iter().all(|segment| segment.payload.len() <= size) || size == 0 {
            return Vec::new();
        }
        let mut old = std::mem::take(&mut self.unacknowledged);
        let (mut new, mut cut) = (VecDeque::with_capacity(old.len()), Vec::new());
        while let Some(segment) = old.pop_front() {
            let full = segment.payload.len();
            if full <= size {
                new.push_back(segment);
                continue;
            }
            let Segment { mut seq, flags, payload } = segment;
            let mut bytes = BytesMut::from(payload);
            let mut last = full;
            while last == full
                && let Some(next) = old.pop_front_if(|next| (1..=full).contains(&next.payload.len()))
            {
                last = next.payload.len();
                bytes.extend_from_slice(&next.payload);
            }
            let mut rest: Bytes = bytes.freeze();
            while !rest.is_empty() {
                let payload = rest.split_to(size.min(rest.len()));
                let part = Segment { seq, flags, payload };
                seq = part.end();
                new.push_back(part.clone());
                cut.push(part);
            }
        }
        self.unacknowledged = new;
        cut
    }
}
