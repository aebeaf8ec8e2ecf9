//! The NGINX ingress controller: takes a request, picks an upstream from its configuration, and fetches the page there.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::http::{Request, Response};
use super::{Event, System};
use crate::agents::ingress_nginx::{Config, Decision};
use crate::net::tcp::{ConnectionId, Failure, Happened};
use crate::trace::Observer;

/// `proxy_connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The proxy.
#[derive(Clone, Debug, Default)]
pub struct Nginx {
    received: FxHashMap<ConnectionId, Vec<u8>>,
    upstreams: Vec<Upstream>,
    /// Of each upstream, how many requests it has had: round robin.
    turns: FxHashMap<Arc<str>, usize>,
}

/// A request that is being answered elsewhere.
#[derive(Clone, Debug)]
struct Upstream {
    client: ConnectionId,
    connection: ConnectionId,
    connected: bool,
    request: Request,
    received: Vec<u8>,
}

impl Nginx {
    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Started => {}
            Event::Alarm(token) => {
                let late = |one: &Upstream| one.connection == ConnectionId(token) && !one.connected;
                if let Some(at) = self.upstreams.iter().position(late) {
                    self.finish(at, &Response::new(504, "504 Gateway Time-out"), system);
                }
            }
            Event::Socket(happened) => self.socket(happened, system),
        }
    }

    fn socket<O: Observer>(&mut self, happened: Happened, system: &mut System<'_, '_, O>) {
        match happened {
            Happened::Connected(connection) => {
                if let Some(upstream) = self.upstreams.iter_mut().find(|one| one.connection == connection) {
                    upstream.connected = true;
                    system.write(connection, upstream.request.to_bytes(""));
                }
            }
            Happened::Data(connection, bytes) => match self.place_of(connection) {
                Some(at) => {
                    self.upstreams[at].received.extend_from_slice(&bytes);
                    match Response::parse(&self.upstreams[at].received) {
                        Ok(None) => {}
                        Ok(Some(response)) => self.finish(at, &response, system),
                        Err(_) => self.finish(at, &Response::new(502, "502 Bad Gateway"), system),
                    }
                }
                None => self.client_data(connection, &bytes, system),
            },
            Happened::Failed(connection, failure) => match self.place_of(connection) {
                Some(at) => {
                    let response = match failure {
                        Failure::Refused { .. } => Response::new(502, "502 Bad Gateway"),
                        Failure::TimedOut => Response::new(504, "504 Gateway Time-out"),
                    };
                    self.finish(at, &response, system);
                }
                None => self.forget(connection, system),
            },
            Happened::PeerClosed(connection) => {
                if self.place_of(connection).is_none() {
                    self.forget(connection, system);
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
        let response = match Config::of(system.state).route(&request.host, &request.path) {
            Decision::Upstream { name, endpoints, .. } => {
                let turn = self.turns.entry(name).or_default();
                let endpoint = endpoints.get(*turn % endpoints.len().max(1));
                *turn += 1;
                let Some(endpoint) = endpoint else { return };
                let to = SocketAddrV4::new(endpoint.address, endpoint.port);
                if let Some(connection) = system.connect(to, None) {
                    system.alarm(CONNECT_TIMEOUT, connection.0);
                    let (connected, received) = (false, Vec::new());
                    self.upstreams.push(Upstream { client, connection, connected, request, received });
                    return;
                }
                Response::new(502, "502 Bad Gateway")
            }
            Decision::NotFound => Response::new(404, "default backend - 404"),
            Decision::Unavailable { .. } => Response::new(503, "503 Service Temporarily Unavailable"),
        };
        system.write(client, response.to_bytes());
    }

    /// Answers the client, and lets the upstream go.
    fn finish<O: Observer>(&mut self, at: usize, response: &Response, system: &mut System<'_, '_, O>) {
        let upstream = self.upstreams.remove(at);
        system.write(upstream.client, response.to_bytes());
        system.close(upstream.connection);
    }
}
