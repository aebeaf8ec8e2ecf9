//! What a scenario does itself: open a connection, send a datagram, ping, fetch a page, resolve a name.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bytes::Bytes;

use super::browser::Browser;
use super::http::Response;
use super::resolver::{NotAsked, Progress, Resolver, Wanted};
use super::{Crafted, Event, System, Url};
use crate::Time;
use crate::agents::coredns::QueryType;
use crate::net::tcp::{ConnectionId, Failure, Happened};
use crate::packet::{Body, Icmp, Packet, TcpFlags, Udp, protocol};
use crate::trace::{DnsResult, HttpResult, Observer, PacketId};

/// How long a scenario's client waits for an answer: SYNs at 0, 1, 3 and 7 seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long for a name: two attempts at every name of a search list take longer than one connection.
const NAME_PATIENCE: Duration = Duration::from_mins(1);
/// How long for a page once the connection is open: three attempts of nginx at a minute each, and a little more.
const PAGE_PATIENCE: Duration = Duration::from_secs(200);
const PORT_TAKEN: &str = "the source port is taken";
/// The token of the alarm that ends the client's patience.
const GIVE_UP: u64 = 0;
/// The token of the resolver's alarms.
const NAME: u64 = 1;

/// What to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// Open a TCP connection.
    Connect(SocketAddrV4),
    /// Open a TCP connection and leave it to the scenario what is said on it, and when it ends.
    Open(SocketAddrV4),
    /// Send a UDP datagram.
    Datagram(SocketAddrV4),
    /// Send a TCP segment that belongs to no connection, with these control bits.
    Segment(SocketAddrV4, TcpFlags),
    /// Send a packet that is made to measure; of TCP with these control bits.
    Craft(Crafted, SocketAddrV4, TcpFlags),
    /// Send an ICMP echo request.
    Ping(Ipv4Addr),
    /// Fetch a page.
    Get {
        /// Where it is.
        url: Url,
        /// The address of its host, where no resolver is to be asked.
        at: Option<Ipv4Addr>,
        /// As a browser does it: go where it is sent, and fetch what the page needs.
        assets: bool,
    },
    /// Resolve a name: to its addresses, or to its records of a type.
    Resolve(String, Option<QueryType>),
    /// Find the name of an address.
    Reverse(Ipv4Addr),
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The connection is open, or the echo has come back.
    Reached,
    /// The datagram is gone; nobody says whether it arrived.
    Sent,
    /// The page.
    Page(HttpResult),
    /// The name's addresses, or that it has none.
    Name(DnsResult),
    /// A reset or an ICMP error came.
    Refused {
        /// The refusal's identity.
        by: PacketId,
        /// The refusal.
        with: Packet,
    },
    /// Nothing came in time.
    TimedOut,
    /// The other side closed the connection and had answered nothing.
    Closed(SocketAddrV4),
    /// Nothing was sent, for a reason that the system gave.
    Unsent(String),
    /// It could not even be tried.
    Impossible(&'static str),
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    task: Task,
    /// The source port that the scenario names.
    port: Option<u16>,
    resolver: Option<Resolver>,
    connection: Option<ConnectionId>,
    /// When patience ends.
    deadline: Option<Time>,
    server: Option<SocketAddrV4>,
    received: Vec<u8>,
    browser: Browser,
    /// How it ended, once it has.
    pub answer: Option<Answer>,
    /// What has ended its connection since it was open, in the words of the C library.
    pub broken: Option<&'static str>,
}

impl Client {
    /// A client with a task, and perhaps a source port.
    pub fn new(task: Task, port: Option<u16>) -> Self {
        let (resolver, connection, deadline, server) = (None, None, None, None);
        let browser = Browser::default();
        let (received, answer, broken) = (Vec::new(), None, None);
        Self { task, port, resolver, connection, deadline, server, received, browser, answer, broken }
    }

    /// What has come in on its connection since it was asked last.
    pub fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Started => self.start(system),
            // An alarm that was set before the patience grew means nothing.
            Event::Alarm(GIVE_UP) if self.deadline.is_some_and(|deadline| system.context.now < deadline) => {}
            Event::Alarm(GIVE_UP) => {
                if let Some(connection) = self.connection
                    && self.answer.is_none()
                {
                    system.close(connection);
                }
                self.end(Answer::TimedOut, system);
            }
            Event::Alarm(_) => self.name_step(system, Resolver::silence),
            Event::Socket(happened) => self.socket(happened, system),
        }
    }

    /// The first answer counts. What a page needs may fail without the page.
    fn end<O: Observer>(&mut self, answer: Answer, system: &mut System<'_, '_, O>) {
        if self.answer.is_none() && self.browser.has_page() && !matches!(answer, Answer::Page(_)) {
            let next = self.browser.miss(&answer);
            return match next {
                Some(next) => self.fetch(next, system),
                None => self.answer = Some(Answer::Page(self.browser.page())),
            };
        }
        self.answer.get_or_insert(answer);
    }

    /// Asks for a page, or for something that it needs.
    fn fetch<O: Observer>(&mut self, url: Url, system: &mut System<'_, '_, O>) {
        let (host, port) = (url.host.clone(), url.port);
        self.browser.begin(url);
        self.received.clear();
        let given = match &self.task {
            Task::Get { url, at: Some(at), .. } if url.host == host => Some(*at),
            _ => host.parse().ok(),
        };
        match given {
            Some(address) => self.connect(SocketAddrV4::new(address, port), system),
            // /etc/hosts has this name everywhere.
            None if host == "localhost" => self.connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), system),
            None => self.resolve(&Wanted::Addresses(host), system),
        }
    }

    fn start<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        match self.task.clone() {
            Task::Connect(to) | Task::Open(to) => self.connect(to, system),
            Task::Datagram(to) => {
                if let Err(error) = system.namespace.source_or_error(*to.ip()) {
                    return self.end(Answer::Unsent(error), system);
                }
                let Some(port) = system.bind_udp(self.port) else {
                    return self.end(Answer::Impossible(PORT_TAKEN), system);
                };
                system.send_udp(None, port, to, Bytes::from_static(b"hello"));
                self.end(Answer::Sent, system);
            }
            Task::Segment(to, flags) => {
                if let Err(error) = system.namespace.source_or_error(*to.ip()) {
                    return self.end(Answer::Unsent(error), system);
                }
                system.send_segment(self.port, to, flags);
                self.end(Answer::Sent, system);
            }
            Task::Craft(crafted, to, flags) => self.craft(&crafted, to, flags, system),
            Task::Ping(to) => self.ping(to, system),
            Task::Get { url, .. } => self.fetch(url, system),
            Task::Resolve(host, None) => self.resolve(&Wanted::Addresses(host), system),
            Task::Resolve(host, Some(kind)) => self.resolve(&Wanted::Records(host, kind), system),
            Task::Reverse(address) => self.resolve(&Wanted::Name(address), system),
        }
    }

    fn connect<O: Observer>(&mut self, to: SocketAddrV4, system: &mut System<'_, '_, O>) {
        if let Err(error) = system.namespace.may_connect(*to.ip()) {
            return self.end(Answer::Unsent(error), system);
        }
        self.server = Some(to);
        self.connection = system.connect(to, self.port);
        match self.connection {
            Some(_) => self.wait(PATIENCE, system),
            None => self.end(Answer::Impossible(PORT_TAKEN), system),
        }
    }

    /// Waits for an answer so long from now on.
    fn wait<O: Observer>(&mut self, patience: Duration, system: &mut System<'_, '_, O>) {
        self.deadline = Some(system.context.now + patience);
        system.alarm(patience, GIVE_UP);
    }

    fn craft<O: Observer>(
        &mut self,
        crafted: &Crafted,
        to: SocketAddrV4,
        flags: TcpFlags,
        system: &mut System<'_, '_, O>,
    ) {
        let source = match system.namespace.source_or_error(*to.ip()) {
            Ok(source) => source,
            Err(error) => return self.end(Answer::Unsent(error), system),
        };
        let payload = crafted.payload();
        let mut waits = false;
        let body = match crafted.protocol {
            protocol::TCP => {
                let Some(segment) = system.namespace.lone_segment(self.port, to, flags, payload, system.context) else {
                    return self.end(Answer::Impossible(PORT_TAKEN), system);
                };
                Body::Tcp(segment)
            }
            protocol::UDP => {
                let Some(port) = system.bind_udp(self.port) else {
                    return self.end(Answer::Impossible(PORT_TAKEN), system);
                };
                Udp::new(port, to.port(), payload).into()
            }
            protocol::ICMP => {
                let id = system.random(0x1_0000) as u16;
                system.namespace.sockets.bind_echo(id, system.process);
                waits = true;
                Icmp::EchoRequest { id, seq: 1, payload }.into()
            }
            protocol => Body::Other { protocol, payload },
        };
        let mut packet = Packet::new(source, *to.ip(), body);
        packet.ttl = crafted.ttl.unwrap_or(packet.ttl);
        packet.tos = crafted.tos.unwrap_or(packet.tos);
        packet.bad_checksum = crafted.bad_checksum;
        match system.namespace.send_to_measure(packet, crafted.dont_fragment, system.context) {
            Err(error) => self.end(Answer::Unsent(error), system),
            Ok(()) if waits => self.wait(PATIENCE, system),
            Ok(()) => self.end(Answer::Sent, system),
        }
    }

    fn ping<O: Observer>(&mut self, to: Ipv4Addr, system: &mut System<'_, '_, O>) {
        let source = match system.namespace.source_or_error(to) {
            Ok(source) => source,
            Err(error) => return self.end(Answer::Unsent(error), system),
        };
        let id = system.random(0x1_0000) as u16;
        system.namespace.sockets.bind_echo(id, system.process);
        let echo = Icmp::EchoRequest { id, seq: 1, payload: Bytes::from_static(&[0; 56]) };
        system.namespace.send(Packet::new(source, to, echo), system.context);
        self.wait(PATIENCE, system);
    }

    fn resolve<O: Observer>(&mut self, wanted: &Wanted, system: &mut System<'_, '_, O>) {
        match Resolver::start(wanted, NAME, system) {
            Ok(resolver) => {
                self.resolver = Some(resolver);
                self.wait(NAME_PATIENCE, system);
            }
            Err(NotAsked::Unsent(error)) => self.end(Answer::Unsent(error), system),
            Err(NotAsked::Impossible(problem)) => self.end(Answer::Impossible(problem), system),
        }
    }

    fn name_step<O: Observer>(
        &mut self,
        system: &mut System<'_, '_, O>,
        step: impl FnOnce(&mut Resolver, &mut System<'_, '_, O>) -> Progress,
    ) {
        let Some(mut resolver) = self.resolver.take() else { return };
        match step(&mut resolver, system) {
            Progress::Pending => self.resolver = Some(resolver),
            Progress::TimedOut => self.end(Answer::TimedOut, system),
            Progress::Answered(result) => match (&self.task, result.addresses.first()) {
                (Task::Get { .. }, Some(address)) => {
                    let to = SocketAddrV4::new(*address, self.browser.port());
                    self.connect(to, system);
                }
                _ => self.end(Answer::Name(result), system),
            },
        }
    }

    fn socket<O: Observer>(&mut self, happened: Happened, system: &mut System<'_, '_, O>) {
        match happened {
            Happened::Connected(connection) => match &self.task {
                Task::Get { .. } => {
                    let Some(request) = self.browser.request() else { return };
                    system.write(connection, request.to_bytes("Accept: */*\r\n"));
                    self.wait(PAGE_PATIENCE, system);
                }
                _ => self.end(Answer::Reached, system),
            },
            Happened::Data(connection, bytes) => {
                self.received.extend_from_slice(&bytes);
                if let (Ok(Some(response)), Some(server), Task::Get { assets, .. }) =
                    (Response::parse(&self.received), self.server, &self.task)
                {
                    system.close(connection);
                    self.connection = None;
                    match self.browser.take(response, server, *assets) {
                        Some(next) => self.fetch(next, system),
                        None => self.end(Answer::Page(self.browser.page()), system),
                    }
                }
            }
            Happened::PeerClosed(_) if matches!(self.task, Task::Open(_)) => {}
            Happened::PeerClosed(connection) => {
                system.close(connection);
                if let (Task::Get { .. }, Some(server), true) =
                    (&self.task, self.server, self.connection == Some(connection))
                {
                    self.end(Answer::Closed(server), system);
                }
            }
            Happened::Failed(_, failure) if self.answer.is_some() => {
                self.broken = Some(match failure {
                    Failure::Refused { .. } => "connection reset by peer",
                    Failure::TimedOut => "connection timed out",
                });
            }
            Happened::Failed(_, Failure::Refused { by, with }) => self.end(Answer::Refused { by, with }, system),
            Happened::DatagramRefused { by, with, .. } => self.answer = Some(Answer::Refused { by, with }),
            Happened::Failed(_, Failure::TimedOut) => self.end(Answer::TimedOut, system),
            Happened::Datagram { payload, .. } => {
                self.name_step(system, |resolver, system| resolver.answer(&payload, system));
            }
            Happened::EchoReply { .. } => self.end(Answer::Reached, system),
            Happened::Accepted(_) => {}
        }
    }
}
