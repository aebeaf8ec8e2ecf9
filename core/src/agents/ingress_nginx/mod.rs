//! The NGINX ingress controller: from ingresses to servers and locations, and from a request to an endpoint.
//!
//! It sends to endpoints itself: no `clusterIP` and no kube-proxy on the second leg. Without the annotation for regular
//! expressions, which is not modelled, a location is a plain path.

mod location;
mod publish;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::Origin;
use crate::kube::endpoints::endpoints;
use crate::kube::{Declared, Endpoint, Ingress, IngressPath, State};

use location::Location;
pub use publish::address;

/// nginx' configuration, as made from the ingresses.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// By host in lower case. That of ingresses without a host is `_`.
    servers: IndexMap<String, Server>,
}

#[derive(Clone, Debug, Default)]
struct Server {
    locations: Vec<Location>,
}

/// The server for hosts that no ingress names.
const DEFAULT_SERVER: &str = "_";

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent to one of these endpoints, in turn.
    Upstream {
        /// `namespace-service-port`, nginx' name for them.
        name: Arc<str>,
        /// The endpoints, never none.
        endpoints: Arc<[Endpoint]>,
        /// The rule that decided.
        rule: Rule,
    },
    /// No rule: 404 from the default backend.
    NotFound,
    /// A rule, but nobody behind the service: 503.
    Unavailable {
        /// The rule that decided.
        rule: Rule,
    },
}

/// A path of an ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The ingress, `namespace/name`.
    pub ingress: Arc<str>,
    /// The path.
    pub path: Arc<str>,
    /// Where the ingress was declared.
    pub origin: Option<Origin>,
}

impl Config {
    /// The configuration for all ingresses. Of two with the same host and path, the older one counts.
    pub fn of(state: &State) -> Self {
        let mut config = Self::default();
        for Declared { object: ingress, origin, .. } in state.ingresses() {
            for path in &ingress.paths {
                let host = path.host.as_deref().unwrap_or(DEFAULT_SERVER).to_ascii_lowercase();
                let decision = decision(state, ingress, path, origin.as_ref());
                let locations = &mut config.servers.entry(host).or_default().locations;
                location::add(locations, path, &decision);
            }
        }
        for server in config.servers.values_mut() {
            location::complete(&mut server.locations);
        }
        config
    }

    /// What becomes of a request for `path` with the header `Host: host`. A port in `host`, and a query behind `path`,
    /// make no difference.
    pub fn route(&self, host: &str, path: &str) -> Decision {
        let path = path.split('?').next().unwrap_or_default();
        let locations = self.server(host).map_or(&[][..], |server| &server.locations);
        location::find(locations, path).map_or(Decision::NotFound, |location| location.decision.clone())
    }

    /// The server for a host: by its name, by a wildcard for its first label, or the default one. nginx looks no further:
    /// a path that the server does not have is not looked for elsewhere.
    fn server(&self, host: &str) -> Option<&Server> {
        let host = host.rsplit_once(':').map_or(host, |(name, _port)| name).to_ascii_lowercase();
        let wildcard = || {
            let (label, parent) = host.split_once('.')?;
            // The controller's expression for `*` is [\w-]+.
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let fits = !label.is_empty() && label.chars().all(is_word);
            fits.then(|| self.servers.get(&format!("*.{parent}"))).flatten()
        };
        self.servers.get(&host).or_else(wildcard).or_else(|| self.servers.get(DEFAULT_SERVER))
    }
}

fn decision(state: &State, ingress: &Ingress, path: &IngressPath, origin: Option<&Origin>) -> Decision {
    let rule = Rule {
        ingress: format!("{}/{}", ingress.namespace, ingress.name).into(),
        path: path.path.as_str().into(),
        origin: origin.cloned(),
    };
    let service = state.service(&format!("{}/{}", ingress.namespace, path.service)).map(|service| &service.object);
    let port = service.and_then(|service| service.ports.iter().find(|port| port.port == path.port));
    let found = service.zip(port).map(|(service, port)| endpoints(state, service, port)).unwrap_or_default();
    if found.is_empty() {
        return Decision::Unavailable { rule };
    }
    let name = format!("{}-{}-{}", ingress.namespace, path.service, path.port).into();
    Decision::Upstream { name, endpoints: found.into(), rule }
}
