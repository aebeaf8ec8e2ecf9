//! Chance that a scenario has taken out of the world: pinned choices, and giving them back.

use std::sync::Arc;

use super::{Choice, OpError, Outcome, World};
use crate::agents::kube_proxy;
use crate::apps::Pin;
use crate::kube::{Serve, State, TransportProtocol};

/// Why nothing is sent by SCTP.
pub(super) fn no_sctp() -> OpError {
    let hint = "services and policies may have ports of it, and nothing in the model speaks it: TCP and UDP are sent";
    OpError::new("nobody opens sockets of SCTP here".into(), Some(hint.into()))
}

impl World {
    pub(super) fn choose(&mut self, choice: &Choice) -> Result<Outcome, OpError> {
        match choice {
            Choice::Port { place, protocol, port } => {
                let place = self.namespace_named(place)?;
                let sockets = &mut self.network.get_mut(place).sockets;
                match protocol {
                    TransportProtocol::Tcp => sockets.pin_next_tcp_port(*port),
                    TransportProtocol::Udp => sockets.pin_next_udp_port(*port),
                    TransportProtocol::Sctp => return Err(no_sctp()),
                }
            }
            Choice::Endpoint { service, endpoint, on } => {
                kube_proxy::pins(&self.state, service, endpoint)?;
                self.check_chooser(on.as_deref())?;
                self.choices.retain(|one| !is_for(&self.state, one, service, on.as_deref()));
                self.choices.push(choice.clone());
                self.only_choices_change();
            }
            Choice::AnyEndpoint { service, on } => {
                if self.state.service(service).is_none() {
                    return Err(OpError::new(
                        format!("there is no service {service}"),
                        Some("name it `namespace/name`, or by its name alone in `default`".into()),
                    ));
                }
                self.check_chooser(on.as_deref())?;
                let state = &self.state;
                // Without a place it is released everywhere, wherever it was pinned.
                let released = |one: &Choice| match (one, on) {
                    (Choice::Endpoint { on: Some(place), .. }, None) => is_for(state, one, service, Some(place)),
                    (_, on) => is_for(state, one, service, on.as_deref()),
                };
                let before = self.choices.len();
                self.choices.retain(|one| !released(one));
                if self.choices.len() == before {
                    let place = on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
                    return Err(OpError::new(
                        format!("chance decides about service {service}{place} already"),
                        Some("this releases what `choose SERVICE -> ENDPOINT` has pinned, at the same place".into()),
                    ));
                }
                self.only_choices_change();
            }
        }
        Ok(Outcome::Done)
    }

    /// Notes that nodes have pins to take over. Choices are no part of what agents write.
    fn only_choices_change(&mut self) {
        self.freshen();
        self.generation += 1;
        self.fresh_of = self.generation;
    }

    /// Refuses a place where nobody chooses among endpoints.
    fn check_chooser(&self, on: Option<&str>) -> Result<(), OpError> {
        let Some(on) = on else { return Ok(()) };
        if self.state.node(on).is_some() {
            return Ok(());
        }
        let mut pods = self.state.pods_named(on).peekable();
        if pods.peek().is_none() {
            return Err(OpError::new(
                format!("there is no node, pod or deployment called `{on}`"),
                Some("kube-proxy chooses on each node, ingress-nginx and CoreDNS in each of their pods".into()),
            ));
        }
        let chooses = |serve: &Serve| matches!(serve, Serve::IngressNginx | Serve::Dns { .. });
        if pods.flat_map(|pod| pod.containers.iter()).any(|container| container.serve.as_ref().is_some_and(chooses)) {
            return Ok(());
        }
        Err(OpError::new(
            format!("{on} does not choose among endpoints"),
            Some("kube-proxy of its node does: write `on NODE`; pods of ingress-nginx and CoreDNS do, too".into()),
        ))
    }

    /// What processes are to choose: ingress-nginx among endpoints, CoreDNS among addresses.
    pub(super) fn pins(&self) -> Vec<Pin> {
        let mut pins = Vec::new();
        for choice in &self.choices {
            let Choice::Endpoint { service, endpoint, on } = choice else { continue };
            let Some(service) = self.state.service(service) else { continue };
            let service = format!("{}/{}", service.object.namespace, service.object.name);
            let address = self.state.pod(endpoint).map(|pod| pod.address);
            let text = endpoint.split(':').next().unwrap_or_default();
            let Some(address) = address.or_else(|| text.parse().ok()) else { continue };
            match on {
                None => pins.push(Pin { service, address, on: None }),
                // What was said of one place counts before what was said of all.
                Some(on) => {
                    let places: Vec<Arc<str>> = self.state.pods_named(on).map(|pod| pod.key.clone()).collect();
                    let pin = |place| Pin { service: service.clone(), address, on: Some(place) };
                    pins.splice(0..0, places.into_iter().map(pin));
                }
            }
        }
        pins
    }
}

/// Whether a pinned choice is one of that service at that place. Services have names of two forms.
fn is_for(state: &State, choice: &Choice, service: &str, on: Option<&str>) -> bool {
    let Choice::Endpoint { service: other, on: place, .. } = choice else { return false };
    let key = |name: &str| {
        let found = state.service(name).map(|found| (found.object.namespace.clone(), found.object.name.clone()));
        found.unwrap_or_else(|| (String::new(), name.to_owned()))
    };
    key(other) == key(service) && place.as_deref() == on
}
