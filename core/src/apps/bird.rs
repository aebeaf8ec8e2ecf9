//! BIRD as calico-node runs it: the BGP sessions of a node with the other nodes of the mesh (BIRD 1.6, `proto/bgp/bgp.c` and
//! `packets.c`; Calico's `bird.cfg.template`).
//!
//! The routes of nodes are not made of its messages: agents write them from what is declared. It tells only which sessions
//! are up, and the blocks it announces are those that a node has when a session begins.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::bgp::{self, Message};
use super::{Event, System};
use crate::Time;
use crate::net::tcp::{ConnectionId, Happened, HeaderFields};
use crate::trace::Observer;

/// BGP's port.
pub const PORT: u16 = 179;
/// BIRD's `hold time`, in seconds; a third of it passes between keepalives.
const HOLD: u32 = 240;
/// Of Calico's template, in seconds: `connect delay time`, `connect retry time`, `error wait time`.
const CONNECT_DELAY: u32 = 2;
const CONNECT_RETRY: u32 = 5;
const ERROR_WAIT: (u32, u32) = (5, 30);
/// BIRD's `error forget time`.
const ERROR_FORGET: Duration = Duration::from_mins(5);
/// BIRD's `graceful restart time`, in seconds: so long are the routes of a peer kept whose connection broke.
const GRACEFUL: u32 = 120;

/// What BIRD's packets have in their headers: network control (`IP_PREC_INTERNET_CONTROL`), and 64 hops (`multihop`).
pub const HEADER: HeaderFields = HeaderFields { tos: 0xc0, ttl: 64 };
/// What its listening socket's have (`bgp_setup_listen_sk`), which answers before there is a session.
pub const LISTENING_HEADER: HeaderFields = HeaderFields { tos: 0xc0, ttl: 255 };

/// Code of a NOTIFICATION: the hold timer has run out (RFC 4271, 4.5); the others that BIRD sends here.
const HOLD_EXPIRED: (u8, u8) = (4, 0);
const HEADER_ERROR: u8 = 1;
const STATE_ERROR: u8 = 5;
const DECONFIGURED: (u8, u8) = (6, 3);

/// A node's BIRD.
#[derive(Clone, Debug, Default)]
pub struct Bird {
    peers: BTreeMap<Ipv4Addr, Peer>,
    news: Vec<SessionNews>,
}

/// A session of a node's BIRD has gone down, or up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionNews {
    /// The other node.
    pub peer: Arc<str>,
    /// Whether it is up now.
    pub up: bool,
}

/// Where a session is (RFC 4271, 8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing: waits for the peer, or for the time to connect.
    Idle,
    Connect,
    OpenSent,
    OpenConfirm,
    Established,
}

/// What a session waits for, by place in [`Peer::timers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Connect,
    Hold,
    Keepalive,
    /// The end of a graceful restart: what has not come back by then is lost.
    Restart,
}

impl Timer {
    const ALL: [Self; 4] = [Self::Connect, Self::Hold, Self::Keepalive, Self::Restart];
}

#[derive(Clone, Debug)]
struct Peer {
    name: Arc<str>,
    address: Ipv4Addr,
    /// Whether this side waits to be connected to.
    passive: bool,
    phase: Phase,
    connection: Option<ConnectionId>,
    received: Vec<u8>,
    timers: [Option<Time>; 4],
    /// No connection is accepted before, after an error.
    not_before: Time,
    /// How long it waits after an error, in seconds, and when the last one was.
    delay: u32,
    last_error: Option<Time>,
    /// Whether its routes are there. A mesh stands when a world begins: so do they.
    up: bool,
}

impl Bird {
    /// What has happened to sessions since the last time.
    pub fn take_news(&mut self) -> Vec<SessionNews> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Started => self.configure(system),
            Event::Alarm(token) => {
                let address = Ipv4Addr::from_bits((token >> 2) as u32);
                let timer = Timer::ALL[(token & 3) as usize];
                if let Some(peer) = self.peers.get_mut(&address) {
                    peer.alarm(timer, system);
                }
            }
            Event::Socket(Happened::Accepted(id)) => self.accept(id, system),
            Event::Socket(Happened::Connected(id)) => self.with(id, |peer| {
                peer.stop(Timer::Connect);
                peer.open(system);
            }),
            Event::Socket(Happened::Data(id, bytes)) => self.with(id, |peer| {
                peer.received.extend_from_slice(&bytes);
                peer.read(system);
            }),
            Event::Socket(Happened::PeerClosed(id)) => {
                system.close(id);
                self.with(id, |peer| peer.broken(system));
            }
            Event::Socket(Happened::Failed(id, _)) => self.with(id, |peer| peer.broken(system)),
            Event::Socket(_) => {}
        }
        for peer in self.peers.values_mut() {
            let up = match peer.phase {
                Phase::Established => true,
                _ => peer.up && peer.timers[Timer::Restart as usize].is_some(),
            };
            if peer.up != up {
                peer.up = up;
                self.news.push(SessionNews { peer: peer.name.clone(), up });
            }
        }
    }

    /// Lets the peer that has a connection act on it.
    fn with(&mut self, id: ConnectionId, act: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.values_mut().find(|peer| peer.connection == Some(id)) {
            act(peer);
        }
    }

    /// Reads its configuration, which has a session with every other node.
    fn configure<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        let state = system.state;
        let Some(own) = state.node(system.owner).map(|node| node.object.address) else { return };
        let others: Vec<_> = state.nodes().map(|node| &node.object).filter(|node| node.address != own).collect();
        let gone = |address: &Ipv4Addr| others.iter().all(|other| other.address != *address);
        for address in self.peers.keys().copied().filter(gone).collect::<Vec<_>>() {
            if let Some(Peer { connection: Some(id), .. }) = self.peers.remove(&address) {
                system.write(id, bgp::notification(DECONFIGURED.0, DECONFIGURED.1));
                system.close(id);
            }
        }
        for other in others {
            if self.peers.contains_key(&other.address) {
                continue;
            }
            let mut peer = Peer {
                name: other.name.as_str().into(),
                address: other.address,
                // As texts, not as numbers: the template compares strings.
                passive: other.address.to_string() > own.to_string(),
                phase: Phase::Idle,
                connection: None,
                received: Vec::new(),
                timers: [None; 4],
                not_before: system.context.now,
                delay: 0,
                last_error: None,
                up: true,
            };
            peer.activate(system);
            peer.start(Timer::Restart, HOLD, system);
            self.peers.insert(other.address, peer);
        }
    }

    /// Somebody has connected (`bgp_incoming_connection`).
    fn accept<O: Observer>(&mut self, id: ConnectionId, system: &mut System<'_, '_, O>) {
        let from = system.namespace.sockets.remote(id).map(|remote| *remote.ip());
        let Some(peer) = from.and_then(|from| self.peers.get_mut(&from)) else { return system.close(id) };
        let free = match peer.phase {
            // The peer has begun anew: so does this side, and keeps its routes meanwhile.
            Phase::Established => {
                peer.broken(system);
                true
            }
            Phase::Idle => peer.not_before <= system.context.now,
            _ => false,
        };
        if !free {
            return system.close(id);
        }
        peer.stop(Timer::Connect);
        peer.connection = Some(id);
        system.namespace.sockets.set_connection_header(id, HEADER);
        peer.open(system);
    }
}

impl Peer {
    /// `bgp_start_timer`: the time, minus up to a quarter of it, in whole seconds (RFC 1771, 9.2.3.3).
    fn start<O: Observer>(&mut self, timer: Timer, seconds: u32, system: &mut System<'_, '_, O>) {
        let quarter = seconds / 4;
        let after = seconds - quarter + if quarter > 0 { system.random(quarter + 1) } else { 0 };
        self.start_exactly(timer, after, system);
    }

    fn start_exactly<O: Observer>(&mut self, timer: Timer, seconds: u32, system: &mut System<'_, '_, O>) {
        let after = Duration::from_secs(seconds.into());
        self.timers[timer as usize] = Some(system.context.now + after);
        system.alarm(after, u64::from(self.address.to_bits()) << 2 | timer as u64);
    }

    fn stop(&mut self, timer: Timer) {
        self.timers[timer as usize] = None;
    }

    /// An alarm; it counts if its timer has not been stopped or started anew.
    fn alarm<O: Observer>(&mut self, timer: Timer, system: &mut System<'_, '_, O>) {
        let due = &mut self.timers[timer as usize];
        if due.is_none_or(|due| due > system.context.now) {
            return;
        }
        *due = None;
        match timer {
            Timer::Connect => self.connect(system),
            Timer::Hold => self.fail(HOLD_EXPIRED, system),
            Timer::Keepalive => self.keep_alive(system),
            // What depends on it is seen after every event.
            Timer::Restart => {}
        }
    }

    /// `bgp_active`: the side that connects does so after a while.
    fn activate<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        if !self.passive {
            self.start(Timer::Connect, CONNECT_DELAY, system);
        }
    }

    /// `bgp_connect`, also in place of an attempt that has taken too long.
    fn connect<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        if let Some(id) = self.connection.take() {
            system.close(id);
        }
        self.connection = system.connect(SocketAddrV4::new(self.address, PORT), None);
        if self.connection.is_some() {
            self.phase = Phase::Connect;
            self.start(Timer::Connect, CONNECT_RETRY, system);
        } else {
            self.phase = Phase::Idle;
            self.activate(system);
        }
    }

    fn send<O: Observer>(&self, message: Vec<u8>, system: &mut System<'_, '_, O>) {
        if let Some(id) = self.connection {
            system.write(id, message);
        }
    }

    /// `bgp_send_open`.
    fn open<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        let own = self.connection.and_then(|id| system.namespace.sockets.local(id));
        let id = own.map_or(Ipv4Addr::UNSPECIFIED, |own| *own.ip());
        self.received.clear();
        self.phase = Phase::OpenSent;
        self.send(bgp::open(HOLD as u16, id), system);
        self.start(Timer::Hold, HOLD, system);
    }

    fn keep_alive<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        self.send(bgp::keepalive(), system);
        self.start(Timer::Keepalive, HOLD / 3, system);
    }

    fn read<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        loop {
            match bgp::take(&mut self.received) {
                Ok(None) => return,
                Ok(Some(message)) => self.receive(message, system),
                Err(bgp::Malformed(subcode)) => self.fail((HEADER_ERROR, subcode), system),
            }
            if self.connection.is_none() {
                return;
            }
        }
    }

    fn receive<O: Observer>(&mut self, message: Message, system: &mut System<'_, '_, O>) {
        match (message, self.phase) {
            (Message::Open, Phase::OpenSent) => {
                self.phase = Phase::OpenConfirm;
                self.start(Timer::Hold, HOLD, system);
                self.keep_alive(system);
            }
            (Message::Keepalive | Message::Update, Phase::OpenConfirm) => {
                self.phase = Phase::Established;
                self.stop(Timer::Restart);
                self.start(Timer::Hold, HOLD, system);
                self.announce(system);
            }
            (Message::Keepalive | Message::Update, Phase::Established) => self.start(Timer::Hold, HOLD, system),
            (Message::Notification, _) => self.down(system),
            // RFC 6608: the subcodes count the states from OpenSent on.
            (_, phase) => self.fail((STATE_ERROR, (phase as u8).saturating_sub(1)), system),
        }
    }

    /// Says which blocks the node has, and which addresses of others' blocks.
    fn announce<O: Observer>(&self, system: &mut System<'_, '_, O>) {
        let Some(id) = self.connection else { return };
        let Some(own) = system.namespace.sockets.local(id).map(|local| *local.ip()) else { return };
        let node: &str = system.owner;
        let borrowed = system.state.borrowed(node).map(Ipv4Net::from);
        let prefixes: Vec<_> = system.state.blocks(node).chain(borrowed).collect();
        for update in bgp::updates(own, &prefixes) {
            system.write(id, update);
        }
    }

    /// `bgp_error`: tells the peer, and begins anew after a while.
    fn fail<O: Observer>(&mut self, (code, subcode): (u8, u8), system: &mut System<'_, '_, O>) {
        self.send(bgp::notification(code, subcode), system);
        self.down(system);
    }

    /// The session is over, and its routes go (`bgp_update_startup_delay`, `bgp_startup`).
    fn down<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        self.let_go(system);
        self.stop(Timer::Restart);
        let now = system.context.now;
        let forgotten = self.last_error.is_none_or(|last| now - last >= ERROR_FORGET);
        self.delay = if forgotten { ERROR_WAIT.0 } else { (2 * self.delay).min(ERROR_WAIT.1) };
        self.last_error = Some(now);
        let quarter = self.delay / 4;
        let wait = self.delay - quarter + system.random(quarter + 1);
        self.not_before = now + Duration::from_secs(wait.into());
        if !self.passive {
            self.start_exactly(Timer::Connect, wait + CONNECT_DELAY, system);
        }
    }

    /// The connection broke (`bgp_sock_err`): of a session that was there the routes stay for the time of a graceful restart.
    fn broken<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        let established = self.phase == Phase::Established;
        self.let_go(system);
        if established {
            self.start(Timer::Restart, GRACEFUL, system);
        }
        self.activate(system);
    }

    fn let_go<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        if let Some(id) = self.connection.take() {
            system.close(id);
        }
        self.phase = Phase::Idle;
        self.received.clear();
        for timer in [Timer::Connect, Timer::Hold, Timer::Keepalive] {
            self.stop(timer);
        }
    }
}
