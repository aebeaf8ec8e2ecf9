//! The NGINX ingress controller: from ingresses to servers and locations, and from a request to an endpoint.
//!
//! It sends to endpoints itself: no `clusterIP` and no kube-proxy on the second leg. TLS is a port and a scheme here: what
//! certificates are for is known, and nothing is encrypted.

mod location;
mod publish;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::Origin;
use crate::kube::endpoints::endpoints;
use crate::kube::{Declared, Endpoint, IngressBackend, NginxAnnotations, PathType, State};
use crate::map::IndexMap;

pub use location::{Location, Matcher};
pub use publish::address;

/// nginx' configuration, as made from the ingresses.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// By host in lower case. That of ingresses without a host is `_`.
    pub servers: IndexMap<String, Server>,
    /// The names that are nobody's but those of `from-to-www-redirect`, each with where it leads to.
    pub redirects: IndexMap<String, WwwRedirect>,
}

/// Where a name with or without `www.` leads to.
#[derive(Clone, Debug)]
pub struct WwwRedirect {
    /// The host that an ingress has.
    pub to: String,
    /// The rule of that host which asks for it.
    pub rule: Rule,
}

/// A server block.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// Whether there is a certificate for its name.
    pub tls: bool,
    /// Its locations, in the order of nginx.conf.
    pub locations: Vec<Location>,
}

/// The server for hosts that no ingress names.
pub const DEFAULT_SERVER: &str = "_";

/// Where the requests of a location go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its service and port.
    pub to: IngressBackend,
    /// `namespace-service-port`, nginx' name for its endpoints.
    pub upstream: Arc<str>,
    /// The endpoints; none where nobody is behind the service, or there is no such service.
    pub endpoints: Arc<[Endpoint]>,
}

/// A request, as far as it decides where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whether it came by the port for https.
    pub https: bool,
    /// The header `Host`.
    pub host: &'a str,
    /// The path, with the query.
    pub target: &'a str,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It is sent to one of the endpoints, in turn.
    Upstream {
        /// The endpoints, never none.
        backend: Backend,
        /// The path it is sent with.
        target: String,
        /// Time-outs and tries.
        settings: Arc<NginxAnnotations>,
        /// The rule that decided.
        rule: Rule,
    },
    /// The client is told to go elsewhere.
    Redirect {
        /// 301, 302 or 308.
        status: u16,
        /// The header `Location`.
        location: String,
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
    /// The configuration for all ingresses of the controller's class. Of two with the same host and path, the older one
    /// counts.
    pub fn of(state: &State) -> Self {
        let mut config = Self::default();
        for Declared { object: ingress, origin, .. } in state.ingresses().filter(|ingress| ingress.object.is_nginx()) {
            // A declared ingress has been validated.
            let settings = Arc::new(NginxAnnotations::read(&ingress.annotations).unwrap_or_default());
            let mut add = |host: Option<&str>, path: &str, path_type: PathType, to: &IngressBackend| {
                let ingress_name = format!("{}/{}", ingress.namespace, ingress.name);
                let rule = Rule { ingress: ingress_name.into(), path: path.into(), origin: origin.clone() };
                let backend = backend(state, &ingress.namespace, to, settings.service_upstream);
                let server = config.servers.entry(server_name(host)).or_default();
                server.tls |= host.is_some_and(|host| ingress.tls.iter().any(|one| one.eq_ignore_ascii_case(host)));
                location::add(&mut server.locations, location::plain(rule, path_type, backend, settings.clone()));
            };
            for path in &ingress.paths {
                let to = IngressBackend { service: path.service.clone(), port: path.port.clone() };
                add(path.host.as_deref(), &path.path, path.path_type, &to);
            }
            // What no path is for: of the ingress' own hosts, or of all where it has none.
            if let Some(to) = &ingress.default_backend {
                let mut hosts: Vec<_> = ingress.paths.iter().map(|path| path.host.as_deref()).collect();
                hosts.dedup();
                for host in if hosts.is_empty() { vec![None] } else { hosts } {
                    add(host, "/", PathType::Prefix, to);
                }
            }
        }
        for server in config.servers.values_mut() {
            location::complete(&mut server.locations);
        }
        config.redirects = config.www_redirects();
        config
    }

    /// A server for each host that asks for it, under its name with `www.`, or without it where it has it; but not where
    /// that is a host of its own (`createServers`, `getRedirectServers`).
    fn www_redirects(&self) -> IndexMap<String, WwwRedirect> {
        let mut redirects = IndexMap::default();
        for (host, server) in &self.servers {
            let asks = server.locations.iter().find(|location| location.settings.from_to_www_redirect);
            let Some(asks) = asks.filter(|_| host != DEFAULT_SERVER && !host.starts_with("*.")) else { continue };
            let from = host.strip_prefix("www.").map_or_else(|| format!("www.{host}"), str::to_owned);
            if !self.servers.contains_key(&from) {
                redirects.insert(from, WwwRedirect { to: host.clone(), rule: asks.rule.clone() });
            }
        }
        redirects
    }

    /// What becomes of a request. A port in `Host` makes no difference; nor does a query, which is passed on.
    pub fn route(&self, request: &Request<'_>) -> Decision {
        let (path, arguments) = request.target.split_once('?').map_or((request.target, None), |(p, a)| (p, Some(a)));
        let uri = merged(path);
        // The one name of a server comes before an expression for many.
        if let Some(WwwRedirect { to, rule }) = self.redirects.get(&without_port(request.host).to_ascii_lowercase()) {
            let scheme = if request.https { "https" } else { "http" };
            let target = request.target.strip_suffix('/').unwrap_or(request.target);
            return Decision::Redirect {
                status: 308,
                location: format!("{scheme}://{to}{target}"),
                rule: rule.clone(),
            };
        }
        let Some(server) = self.server(request.host) else { return Decision::NotFound };
        // `if ($uri = /)` stands in the server, before any location.
        let app_root = |one: &Location| Some((one.settings.app_root.clone()?, one.rule.clone()));
        if uri == "/"
            && let Some((root, rule)) = server.locations.iter().find_map(app_root)
        {
            let scheme = if request.https { "https" } else { "http" };
            let location = format!("{scheme}://{}{root}", request.host);
            return Decision::Redirect { status: 302, location, rule };
        }
        // In front of what the location itself says: `https` or elsewhere is for the next request. `port_in_redirect off`.
        if let Some(location) = location::below(&server.locations, &uri) {
            let scheme = if request.https { "https" } else { "http" };
            let host = without_port(request.host).to_ascii_lowercase();
            let (to, rule) = (format!("{scheme}://{host}{uri}/"), location.rule.clone());
            return Decision::Redirect { status: 301, location: location::with_arguments(&to, arguments), rule };
        }
        let Some(location) = location::find(&server.locations, &uri) else { return Decision::NotFound };
        let (settings, rule) = (&location.settings, location.rule.clone());
        if !request.https && (settings.force_ssl_redirect || settings.ssl_redirect && server.tls) {
            let mut target = request.target;
            if !settings.preserve_trailing_slash {
                target = target.strip_suffix('/').unwrap_or(target);
            }
            let location = format!("https://{}{target}", without_port(request.host));
            return Decision::Redirect { status: 308, location, rule };
        }
        if let Some((status, url)) = &settings.redirect {
            return Decision::Redirect { status: *status, location: url.clone(), rule };
        }
        if location.backend.endpoints.is_empty() {
            return Decision::Unavailable { rule };
        }
        let target = match settings.rewrite_target {
            Some(_) => location.rewritten(&uri, arguments),
            None => request.target.to_owned(),
        };
        Decision::Upstream { backend: location.backend.clone(), target, settings: settings.clone(), rule }
    }

    /// The server for a host: by its name, by a wildcard for its first label, or the default one. nginx looks no further:
    /// a path that the server does not have is not looked for elsewhere.
    fn server(&self, host: &str) -> Option<&Server> {
        let host = without_port(host).to_ascii_lowercase();
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

fn server_name(host: Option<&str>) -> String {
    host.unwrap_or(DEFAULT_SERVER).to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _port)| name)
}

/// `merge_slashes on`: what locations are compared with.
fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for char in path.chars() {
        if char != '/' || !merged.ends_with('/') {
            merged.push(char);
        }
    }
    merged
}

fn backend(state: &State, namespace: &str, to: &IngressBackend, to_service: bool) -> Backend {
    let service = state.service(&format!("{namespace}/{}", to.service)).map(|service| &service.object);
    let port = service.and_then(|service| service.ports.iter().find(|port| to.port.leads_to(port)));
    let found = service.zip(port).map(|(service, port)| match service.cluster_ip.filter(|_| to_service) {
        Some(address) => vec![Endpoint::outside(address, port.port)],
        None => endpoints(state, service, port),
    });
    Backend {
        to: to.clone(),
        upstream: format!("{namespace}-{}-{}", to.service, to.port).into(),
        endpoints: found.unwrap_or_default().into(),
    }
}
