//! The NGINX ingress controller: takes a request, picks an upstream from its configuration, and fetches the page there.

use std::net::SocketAddrV4;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::http::{Request, Response};
use super::{Event, System};
use crate::agents::ingress_nginx::{self, Backend, Config, Decision, Rule};
use crate::kube::{Endpoint, NginxAnnotations};
use crate::net::tcp::{ConnectionId, Failure, Happened};
use crate::trace::Observer;
use crate::{Crossroads, Time};

/// The port that requests by https come to.
const HTTPS: u16 = 443;
/// The most tries of a request whose ingress sets no limit: each of its endpoints, and once more.
const MOST_TRIES: u32 = 100;

/// The proxy.
#[derive(Clone, Debug, Default)]
pub struct Nginx {
    received: FxHashMap<ConnectionId, Vec<u8>>,
    upstreams: Vec<Upstream>,
    /// Of each upstream, whose turn is next: round robin, from an endpoint that chance has picked. nginx has as many of these
    /// as workers; this one has a single worker.
    turns: FxHashMap<Arc<str>, usize>,
    /// The paths by which requests have been decided.
    used: Vec<Rule>,
}

/// A request that is being answered elsewhere.
#[derive(Clone, Debug)]
struct Upstream {
    client: ConnectionId,
    connection: ConnectionId,
    /// When the server must have opened the connection, or answered.
    deadline: Time,
    request: Request,
    received: Vec<u8>,
    backend: Backend,
    settings: Arc<NginxAnnotations>,
    /// How many tries there have been, this one with them.
    tries: u32,
}

/// Why a try came to nothing.
#[derive(Clone, Copy)]
enum Fault {
    /// Refused, or closed before the answer was whole.
    Error,
    /// Silence.
    Timeout,
}

impl Fault {
    fn response(self) -> Response {
        match self {
            Self::Error => Response::new(502, "502 Bad Gateway"),
            Self::Timeout => Response::new(504, "504 Gateway Time-out"),
        }
    }
}

impl Nginx {
    /// Whether a request has been decided by a path.
    pub(crate) fn has_used(&self, rule: &Rule) -> bool {
        self.used.contains(rule)
    }

    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Started => {}
            Event::Alarm(token) => {
                let now = system.context.now;
                let late = |one: &Upstream| one.connection == ConnectionId(token) && one.deadline <= now;
                if let Some(at) = self.upstreams.iter().position(late) {
                    self.next_upstream(at, Fault::Timeout, system);
                }
            }
            Event::Socket(happened) => self.socket(happened, system),
        }
    }

    fn socket<O: Observer>(&mut self, happened: Happened, system: &mut System<'_, '_, O>) {
        match happened {
            Happened::Connected(connection) => {
                if let Some(upstream) = self.upstreams.iter_mut().find(|one| one.connection == connection) {
                    upstream.deadline = system.context.now + upstream.settings.read_timeout;
                    system.alarm(upstream.settings.read_timeout, connection.0);
                    system.write(connection, upstream.request.to_bytes(""));
                }
            }
            Happened::Data(connection, bytes) => match self.place_of(connection) {
                Some(at) => {
                    self.upstreams[at].received.extend_from_slice(&bytes);
                    match Response::parse(&self.upstreams[at].received) {
                        Ok(None) => {}
                        Ok(Some(response)) => self.finish(at, &response, system),
                        // `invalid_header` is not among what is tried again.
                        Err(_) => self.finish(at, &Fault::Error.response(), system),
                    }
                }
                None => self.client_data(connection, &bytes, system),
            },
            Happened::Failed(connection, failure) => match self.place_of(connection) {
                Some(at) => {
                    let fault = match failure {
                        Failure::Refused { .. } => Fault::Error,
                        Failure::TimedOut => Fault::Timeout,
                    };
                    self.next_upstream(at, fault, system);
                }
                None => self.forget(connection, system),
            },
            Happened::PeerClosed(connection) => {
                match self.place_of(connection) {
                    // "upstream prematurely closed connection".
                    Some(at) => self.next_upstream(at, Fault::Error, system),
                    None => self.forget(connection, system),
                }
                system.close(connection);
            }
            Happened::Accepted(_)
            | Happened::Datagram { .. }
            | Happened::DatagramRefused { .. }
            | Happened::EchoReply { .. } => {}
        }
    }

    fn place_of(&self, connection: ConnectionId) -> Option<usize> {
        self.upstreams.iter().position(|one| one.connection == connection)
    }

    /// A client has gone: so has its request.
    fn forget<O: Observer>(&mut self, client: ConnectionId, system: &mut System<'_, '_, O>) {
        self.received.remove(&client);
        while let Some(at) = self.upstreams.iter().position(|one| one.client == client) {
            system.close(self.upstreams.remove(at).connection);
        }
    }

    fn client_data<O: Observer>(&mut self, client: ConnectionId, bytes: &[u8], system: &mut System<'_, '_, O>) {
        let received = self.received.entry(client).or_default();
        received.extend_from_slice(bytes);
        let request = match Request::parse(received) {
            Ok(None) => return,
            Ok(Some(request)) => request,
            Err(_) => return system.write(client, Response::new(400, "400 Bad Request").to_bytes()),
        };
        self.received.remove(&client);
        let https = system.namespace.sockets.local(client).is_some_and(|local| local.port() == HTTPS);
        let asked = ingress_nginx::Request { https, host: &request.host, target: &request.path };
        let decision = Config::of(system.state).route(&asked);
        if let Decision::Upstream { rule, .. } | Decision::Redirect { rule, .. } | Decision::Unavailable { rule } =
            &decision
            && !self.used.contains(rule)
        {
            self.used.push(rule.clone());
        }
        // `ngx_http_access_module` comes before anything is asked of an upstream, and after the phase of rewriting, in which
        // redirects and the 503 of a service without endpoints are said. nginx knows the client by the address that its
        // packets have here.
        if let Decision::Upstream { settings, .. } = &decision
            && system.namespace.sockets.remote(client).is_some_and(|client| settings.forbids(*client.ip()))
        {
            return system.write(client, Response::new(403, "403 Forbidden").to_bytes());
        }
        let response = match decision {
            Decision::Upstream { backend, target, settings, .. } => {
                let (connection, deadline) = (ConnectionId(0), system.context.now);
                let request = Request { path: target, ..request };
                let received = Vec::new();
                let upstream =
                    Upstream { client, connection, deadline, request, received, backend, settings, tries: 0 };
                return self.connect(upstream, Fault::Error, system);
            }
            Decision::Redirect { status, location, .. } => Response::redirect(status, location),
            Decision::NotFound => Response::new(404, "default backend - 404"),
            Decision::Unavailable { .. } => Response::new(503, "503 Service Temporarily Unavailable"),
        };
        system.write(client, response.to_bytes());
    }

    /// Tries an endpoint, the next one in turn, until one can be connected to or the tries are used up.
    fn connect<O: Observer>(&mut self, mut upstream: Upstream, mut fault: Fault, system: &mut System<'_, '_, O>) {
        // `proxy_next_upstream error timeout`. Every try asks the balancer anew: a lone endpoint is tried so often, too.
        let most = if upstream.settings.tries == 0 { MOST_TRIES } else { upstream.settings.tries };
        while upstream.tries < most {
            upstream.tries += 1;
            let Some(endpoint) = self.turn(&upstream.backend, system) else { break };
            if let Some(connection) = system.connect(SocketAddrV4::new(endpoint.address, endpoint.port), None) {
                upstream.connection = connection;
                upstream.deadline = system.context.now + upstream.settings.connect_timeout;
                upstream.received.clear();
                system.alarm(upstream.settings.connect_timeout, connection.0);
                return self.upstreams.push(upstream);
            }
            fault = Fault::Error;
        }
        system.write(upstream.client, fault.response().to_bytes());
    }

    /// The endpoint whose turn it is. `resty.roundrobin` begins with a random one; a pinned one is always next.
    fn turn<'b, O: Observer>(&mut self, backend: &'b Backend, system: &mut System<'_, '_, O>) -> Option<&'b Endpoint> {
        let Backend { upstream: name, endpoints, to } = backend;
        let addresses: Vec<_> = endpoints.iter().map(|endpoint| endpoint.address).collect();
        let is_meant = |service: &str| format!("{}-{}", service.replace('/', "-"), to.port) == **name;
        if let Some(pinned) = system.pinned(&addresses, is_meant) {
            return endpoints.get(pinned);
        }
        let at = |place| Crossroads::Upstream {
            place,
            upstream: name.clone(),
            endpoints: endpoints.iter().map(|endpoint| (endpoint.address, endpoint.port)).collect(),
        };
        let turn = self.turns.entry(name.clone()).or_insert_with(|| system.pick(endpoints.len(), at));
        let endpoint = endpoints.get(*turn % endpoints.len().max(1));
        *turn += 1;
        endpoint
    }

    /// `ngx_http_upstream_next`. Nothing is tried again once a part of the answer has gone to the client, which is when
    /// its head is whole; then the client's connection ends where the answer does.
    fn next_upstream<O: Observer>(&mut self, at: usize, fault: Fault, system: &mut System<'_, '_, O>) {
        let upstream = self.upstreams.remove(at);
        system.close(upstream.connection);
        if upstream.received.windows(4).any(|four| four == b"\r\n\r\n") {
            system.write(upstream.client, upstream.received);
            return system.close(upstream.client);
        }
        self.connect(upstream, fault, system);
    }

    /// Answers the client, and lets the upstream go.
    fn finish<O: Observer>(&mut self, at: usize, response: &Response, system: &mut System<'_, '_, O>) {
        let upstream = self.upstreams.remove(at);
        system.write(upstream.client, response.to_bytes());
        system.close(upstream.connection);
    }
}
