//! What runs inside pods and on hosts: servers, clients, the resolver, the nginx proxy.
//!
//! A process is an [`App`]: a state machine that is told what happened to its sockets and answers with calls on its
//! [`System`]. It sees names, bytes and sockets, and never a packet.

mod bgp;
mod bird;
mod browser;
mod client;
mod craft;
mod dns_server;
mod echo;
mod files;
mod health;
mod http;
mod http_server;
mod nginx;
mod resolver;
mod url;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use bird::{Bird, HEADER as BIRD_HEADER, LISTENING_HEADER as BIRD_LISTENING_HEADER, PORT as BGP_PORT, SessionNews};
pub use client::{Answer, Client, Task};
pub use craft::Crafted;
pub use dns_server::DnsServer;
pub use files::Files;
pub use health::HealthCheck;
pub use http_server::HttpServer;
pub use nginx::Nginx;
pub use url::Url;

use crate::Crossroads;
use crate::agents::coredns::Asker;
use crate::kube::State;
use crate::net::tcp::{ConnectionId, Happened, ProcessId};
use crate::net::{Context, Effect, Namespace};
use crate::packet::TcpFlags;
use crate::trace::Observer;

/// Something a process is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// It has just been started.
    Started,
    /// Something happened to a socket of its.
    Socket(Happened),
    /// The alarm that it set has gone off.
    Alarm(u64),
}

/// A process.
#[derive(Clone, Debug)]
pub enum App {
    /// A web server.
    Http(HttpServer),
    /// Accepts connections and closes when the other side has.
    Tcp,
    /// Accepts connections and closes them at once.
    Close,
    /// Says back what it is told.
    Echo,
    /// CoreDNS, or another name server.
    Dns(DnsServer),
    /// kube-proxy, where it says whether its node has an endpoint.
    HealthCheck(HealthCheck),
    /// The NGINX ingress controller.
    Nginx(Nginx),
    /// BIRD of calico-node, where its packets travel.
    Bird(Bird),
    /// Something a scenario does: a connection, a request, a question.
    Client(Box<Client>),
}

impl App {
    /// Tells the process what happened.
    pub fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match self {
            Self::Http(server) => server.handle(event, system),
            Self::Tcp => {
                if let Event::Socket(Happened::PeerClosed(connection)) = event {
                    system.close(connection);
                }
            }
            Self::Close => {
                if let Event::Socket(Happened::Accepted(connection)) = event {
                    system.close(connection);
                }
            }
            Self::Echo => echo::handle(event, system),
            Self::Dns(server) => server.handle(event, system),
            Self::HealthCheck(server) => server.handle(event, system),
            Self::Nginx(proxy) => proxy.handle(event, system),
            Self::Bird(bird) => bird.handle(event, system),
            Self::Client(client) => client.handle(event, system),
        }
    }

    /// What it has written into its log.
    pub fn log(&self) -> &[String] {
        match self {
            Self::Http(server) => &server.log,
            _ => &[],
        }
    }
}

/// What a process can do: the system calls, and what the cluster has written into its files.
#[derive(Debug)]
pub struct System<'a, 'b, O> {
    /// The process.
    pub process: ProcessId,
    /// The network namespace it is in.
    pub namespace: &'a mut Namespace,
    /// Time, chance, observers.
    pub context: &'a mut Context<'b, O>,
    /// The cluster's objects, for the processes that watch them.
    pub state: &'a State,
    /// The files of the containers beside it, and its own.
    pub files: Option<&'a Files>,
    /// The pod, host or node whose it is.
    pub owner: &'a Arc<str>,
    /// What it is to choose where it would leave that to chance.
    pub pins: &'a [Pin],
}

/// An endpoint that is to be chosen among those of its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The service, `namespace/name`.
    pub service: String,
    /// The endpoint's address.
    pub address: Ipv4Addr,
    /// The pod that is to choose so; every one when not given.
    pub on: Option<Arc<str>>,
}

impl<'a, O: Observer> System<'a, '_, O> {
    /// Who it is to a resolver.
    pub fn asker(&self) -> Asker<'a> {
        let pod = self.state.pod(self.owner).filter(|pod| pod.key == *self.owner);
        pod.map_or(Asker::Machine, Asker::Pod)
    }

    /// Opens a TCP connection; `None` without a route or a free port.
    pub fn connect(&mut self, to: SocketAddrV4, port: Option<u16>) -> Option<ConnectionId> {
        self.namespace.connect(self.process, to, port, self.context)
    }

    /// Sends bytes on a connection.
    pub fn write(&mut self, connection: ConnectionId, bytes: impl Into<Bytes>) {
        self.namespace.write(connection, bytes.into(), self.context);
    }

    /// Sends no more on a connection.
    pub fn close(&mut self, connection: ConnectionId) {
        self.namespace.close(connection, self.context);
    }

    /// Resets a connection.
    pub fn reset(&mut self, connection: ConnectionId) {
        self.namespace.abort(connection, self.context);
    }

    /// Takes a UDP port: this one, or one that is free.
    pub fn bind_udp(&mut self, port: Option<u16>) -> Option<u16> {
        let port = port.or_else(|| self.namespace.free_udp_port(self.context))?;
        self.namespace.sockets.bind_udp(port, self.process).then_some(port)
    }

    /// Sends a datagram.
    pub fn send_udp(&mut self, source: Option<Ipv4Addr>, port: u16, to: SocketAddrV4, payload: impl Into<Bytes>) {
        self.namespace.send_udp(source, port, to, payload.into(), self.context);
    }

    /// Sends a TCP segment of no connection, with nothing in it.
    pub fn send_segment(&mut self, port: Option<u16>, to: SocketAddrV4, flags: TcpFlags) {
        self.namespace.send_lone_segment(port, to, flags, self.context);
    }

    /// Wakes the process after a time.
    pub fn alarm(&mut self, after: Duration, token: u64) {
        let at = self.context.now + after;
        self.context.effects.push(Effect::Alarm { at, process: self.process, token });
    }

    /// The place of the address, among those of a service for which `is_meant` says so, that is to be chosen here.
    pub fn pinned(&self, addresses: &[Ipv4Addr], is_meant: impl Fn(&str) -> bool) -> Option<usize> {
        let here = |pin: &&Pin| pin.on.as_ref().is_none_or(|on| on == self.owner) && is_meant(&pin.service);
        self.pins.iter().filter(here).find_map(|pin| addresses.iter().position(|one| *one == pin.address))
    }

    /// One of `count` things that are alike, by chance: its number from 0.
    pub fn pick(&mut self, count: usize, at: impl FnOnce(Arc<str>) -> Crossroads) -> usize {
        self.context.random.pick(count as u32, || at(self.owner.clone())) as usize
    }

    /// A random number from 0 to `bound` - 1.
    pub fn random(&mut self, bound: u32) -> u32 {
        self.context.random.below(bound)
    }
}
