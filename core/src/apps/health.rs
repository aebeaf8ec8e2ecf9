//! kube-proxy's answer at a service's health-check port.

use rustc_hash::FxHashMap;

use super::http::{Request, Response};
use super::{Event, System};
use crate::agents::kube_proxy::health;
use crate::net::tcp::{ConnectionId, Happened};
use crate::trace::Observer;

/// Says to whoever asks whether its node has an endpoint of a service.
#[derive(Clone, Debug)]
pub struct HealthCheck {
    service: String,
    received: FxHashMap<ConnectionId, Vec<u8>>,
}

impl HealthCheck {
    /// For the service of that name, `namespace/name`.
    pub fn new(service: String) -> Self {
        Self { service, received: FxHashMap::default() }
    }

    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Socket(Happened::Data(client, bytes)) => {
                let received = self.received.entry(client).or_default();
                received.extend_from_slice(&bytes);
                let response = match Request::parse(received) {
                    Ok(None) => return,
                    Ok(Some(_)) => {
                        let (status, text) = health::answer(system.state, &self.service, &system.namespace.name);
                        Response::new(status, text)
                    }
                    Err(_) => Response::new(400, "Bad Request"),
                };
                self.received.remove(&client);
                system.write(client, response.to_bytes());
            }
            Event::Socket(Happened::PeerClosed(connection) | Happened::Failed(connection, _)) => {
                self.received.remove(&connection);
                system.close(connection);
            }
            _ => {}
        }
    }
}
