//! The ends of open connections, as somebody finds and uses them who is not the process that opened them.

use std::net::SocketAddrV4;

use bytes::Bytes;

use super::{ConnectionId, Namespace, ProcessId, Segment, Sockets};
use crate::net::skb::Context;
use crate::packet::TcpFlags;
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

    /// Whether the other side has acknowledged all that was sent on a connection; `None` where it is over.
    pub fn is_acknowledged(&self, id: ConnectionId) -> Option<bool> {
        let connection = self.connections.get(self.ends.get(&id)?)?;
        Some(connection.unacknowledged.is_empty() && connection.unsent.is_empty())
    }
}

impl Namespace {
    /// Ends a connection by a reset: `tcp_send_active_reset`, as `close` does with `SO_LINGER` and a time of 0.
    pub fn abort<O: Observer>(&mut self, id: ConnectionId, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.get_mut(id) else { return };
        let flags = TcpFlags::RST.with(TcpFlags::ACK);
        let packet = connection.packet(&Segment { seq: connection.next_seq, flags, payload: Bytes::new() }, cx.now);
        self.sockets.remove(id);
        self.send_segment(packet, cx);
    }
}
