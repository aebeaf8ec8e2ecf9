//! The ends of open connections, as somebody finds and uses them who is not the process that opened them.

use std::net::SocketAddrV4;

use bytes::Bytes;

use super::{ConnectionId, Namespace, ProcessId, Segment, Sockets, State};
use crate::Time;
use crate::net::skb::Context;
use crate::packet::{Body, Icmp, Packet, Tcp, TcpFlags};
use crate::trace::Observer;

impl Sockets {
    /// The connection from an address and port of this side to one of the other.
    pub fn between(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<ConnectionId> {
        self.connections.get(&(local, remote)).map(|connection| connection.id)
    }

    /// The process that has a connection.
    pub fn process_of(&self, id: ConnectionId) -> Option<ProcessId> {
        self.connections.get(self.ends.get(&id)?).map(|connection| connection.process)
    }

    /// Whether a process is known to have the socket that a packet is for.
    pub(in crate::net) fn has_socket_for(&self, packet: &Packet) -> bool {
        let (local, remote) = (packet.destination_socket(), packet.source_socket());
        match &packet.body {
            Body::Tcp(_) => {
                self.between(local, remote).is_some()
                    || self.bound[0].contains_key(&local)
                    || self.listeners.contains_key(&local.port())
            }
            Body::Udp(_) => self.bound[1].contains_key(&local) || self.udp.contains_key(&local.port()),
            _ => false,
        }
    }

    /// Whether the other side has acknowledged all that was sent on a connection; `None` where it is over.
    pub fn is_acknowledged(&self, id: ConnectionId) -> Option<bool> {
        let connection = self.connections.get(self.ends.get(&id)?)?;
        Some(connection.unacknowledged.is_empty() && connection.unsent.is_empty())
    }
}

impl Namespace {
    /// Gives a process the socket that it has who sends this packet from here, so that an answer finds it. A socket that is
    /// there already keeps its process, a connection begins anew.
    pub(crate) fn open_socket_of(&mut self, packet: &Packet, process: ProcessId) {
        let ends = (packet.source_socket(), packet.destination_socket());
        match &packet.body {
            Body::Tcp(segment) if segment.flags.has(TcpFlags::RST) => {}
            Body::Tcp(segment) => {
                let listener =
                    self.sockets.bound[0].get(&ends.0).or_else(|| self.sockets.listeners.get(&ends.0.port()));
                let process = listener.copied().unwrap_or(process);
                if let Some(old) = self.sockets.between(ends.0, ends.1) {
                    self.sockets.remove(old);
                }
                let numbers = (segment.seq.wrapping_add(segment.occupies()), segment.ack);
                // Nobody has told this machine of a path MTU yet.
                self.insert_connection(process, ends, State::behind(segment), numbers, Time::ZERO);
            }
            Body::Udp(_) if self.sockets.udp_at(ends.0).is_none() => self.sockets.bind_udp_at(ends.0, process),
            Body::Icmp(Icmp::EchoRequest { id, .. }) => self.sockets.bind_echo(*id, process),
            _ => {}
        }
    }

    /// Ends a connection by a reset: `tcp_send_active_reset`, as `close` does with `SO_LINGER` and a time of 0.
    pub fn abort<O: Observer>(&mut self, id: ConnectionId, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.get_mut(id) else { return };
        let flags = TcpFlags::RST.with(TcpFlags::ACK);
        let packet = connection.packet(&Segment { seq: connection.next_seq, flags, payload: Bytes::new() }, cx.now);
        self.sockets.remove(id);
        self.send_segment(packet, cx);
    }
}

impl State {
    /// That of a connection whose last segment was this one of ours.
    const fn behind(segment: &Tcp) -> Self {
        let Tcp { flags, .. } = segment;
        match (flags.has(TcpFlags::SYN), flags.has(TcpFlags::ACK), flags.has(TcpFlags::FIN)) {
            (true, false, _) => Self::SynSent,
            (true, true, _) => Self::SynReceived,
            (false, _, true) => Self::FinWait,
            (false, _, false) => Self::Established,
        }
    }
}
