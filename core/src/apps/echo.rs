//! The echo service, over TCP and UDP (RFC 862).

use super::{Event, System};
use crate::net::tcp::Happened;
use crate::trace::Observer;

/// Says back what it is told.
pub(super) fn handle<O: Observer>(event: Event, system: &mut System<'_, '_, O>) {
    match event {
        Event::Socket(Happened::Data(connection, bytes)) => system.write(connection, bytes),
        Event::Socket(Happened::Datagram { port, local, from, payload }) => {
            system.send_udp(Some(local), port, from, payload);
        }
        Event::Socket(Happened::PeerClosed(connection)) => system.close(connection),
        _ => {}
    }
}
