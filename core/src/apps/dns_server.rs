//! CoreDNS on its port: questions in, the agent's answers out.

use std::net::SocketAddrV4;

use simple_dns::Packet;

use super::{Event, System};
use crate::agents::coredns;
use crate::net::tcp::Happened;
use crate::trace::Observer;

/// CoreDNS.
#[derive(Clone, Debug, Default)]
pub struct DnsServer;

impl DnsServer {
    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Socket(Happened::Datagram { port, local, from, payload }) => {
                let Ok(query) = Packet::parse(&payload) else { return };
                if let Some(reply) = coredns::reply(system.state, &query) {
                    answer(system, (local, port), from, reply);
                }
            }
            Event::Socket(Happened::PeerClosed(connection)) => system.close(connection),
            _ => {}
        }
    }
}

/// Answers from the address and port that were asked.
fn answer<O: Observer>(
    system: &mut System<'_, '_, O>,
    (local, port): (std::net::Ipv4Addr, u16),
    to: SocketAddrV4,
    reply: Vec<u8>,
) {
    system.send_udp(Some(local), port, to, reply);
}
