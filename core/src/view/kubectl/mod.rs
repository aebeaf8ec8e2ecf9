//! What `kubectl get` and `kubectl describe` print of the declared objects.
//!
//! - [`Command`] is the command line as it is typed; [`print()`] answers it from what is declared;
//! - one file for each kind: its columns, and what `describe` tells of it;
//! - `table` and `sheet` make the columns; `age` tells durations.
//!
//! The layouts are those of kubectl 1.17, 1.20 and 1.36 (kubectl, `pkg/describe/describe.go`; kubernetes,
//! `pkg/printers/internalversion/printers.go`); the cluster's `kubectl` decides. What came between them and is not known to
//! the release is taken to have come with 1.22. What the model does not know, as a container's image, is `<unknown>` or left
//! out. There are no events: they are forgotten after an hour.
//!
//! ```
//! use netscene_core::Time;
//! use netscene_core::kube::{Labels, Object, Service, State};
//! use netscene_core::view::kubectl::{self, Command};
//! let mut state = State::new(0);
//! state.declare(Object::Service(Service::new("default", "web", Labels::default(), 80)), None)?;
//! let text = kubectl::print(&state, Time::ZERO, &Command::parse("get svc")?)?;
//! assert_eq!(text, "\
//! NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
//! web    ClusterIP   10.96.0.2    <none>        80/TCP    0s
//! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod age;
mod command;
mod config_maps;
mod deployments;
mod endpoint_slices;
mod endpoints;
mod ingresses;
mod kind;
mod metallb;
mod network_policies;
pub(super) mod nodes;
mod pods;
mod services;
mod sheet;
mod table;

pub use command::{Command, Verb};
pub use kind::Kind;

use table::{Columns, Row};

use crate::kube::{State, Version};
use crate::world::OpError;
use crate::{Time, did_you_mean};

/// What kubectl answers to `command` at the time `now`.
///
/// A namespace or a name that does not exist is refused; kubectl itself says of the former that it is empty.
pub fn print(state: &State, now: Time, command: &Command) -> Result<String, OpError> {
    let cluster = Cluster { state, now };
    if let Some(namespace) = &command.namespace
        && command.kind.is_namespaced()
        && !state.has_namespace(namespace)
    {
        let known: Vec<_> = state.namespaces().collect();
        return Err(not_found(&format!("namespaces \"{namespace}\" not found"), namespace, &known));
    }
    let (columns, rows) = cluster.rows(command.kind);
    let chosen = choose(rows, command)?;
    if chosen.is_empty() {
        return Ok(match &command.namespace {
            Some(namespace) if command.kind.is_namespaced() => {
                format!("No resources found in {namespace} namespace.\n")
            }
            _ => "No resources found\n".to_owned(),
        });
    }
    let text = match command.verb {
        Verb::Get => table::table(&columns, &chosen, command),
        Verb::Describe => {
            let sheets: Vec<_> = chosen.iter().map(|row| cluster.describe(command.kind, row)).collect();
            sheets.join("\n\n")
        }
    };
    Ok(cluster.warning(command.kind) + &text)
}

/// The rows that a command asks for: in the order of the names it gives, else in that in which the API server keeps them,
/// by namespace and name.
fn choose(mut rows: Vec<Row>, command: &Command) -> Result<Vec<Row>, OpError> {
    if command.kind.is_namespaced()
        && let Some(namespace) = &command.namespace
    {
        rows.retain(|row| row.namespace == *namespace);
    }
    rows.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    for name in &command.names {
        if !rows.iter().any(|row| row.name == *name) {
            let known: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
            return Err(not_found(&format!("{} \"{name}\" not found", command.kind.resource()), name, &known));
        }
    }
    if !command.names.is_empty() {
        rows.retain(|row| command.names.contains(&row.name));
        rows.sort_by_key(|row| command.names.iter().position(|name| *name == row.name));
    }
    rows.retain(|row| command.selector.iter().all(|(key, value)| row.labels.get(key) == Some(value)));
    Ok(rows)
}

/// The API server's words, and what was meant.
fn not_found(problem: &str, name: &str, known: &[&str]) -> OpError {
    let hint = match did_you_mean(name, known.iter().copied()) {
        Some(meant) => Some(format!("did you mean `{meant}`?")),
        None if known.is_empty() => None,
        None if known.len() <= 8 => Some(format!("there are: {}", known.join(", "))),
        None => Some(format!("there are {}, such as {}", known.len(), known[..4].join(", "))),
    };
    OpError::new(format!("kubectl: Error from server (NotFound): {problem}"), hint)
}

/// The cluster as kubectl finds it.
#[derive(Clone, Copy)]
struct Cluster<'a> {
    state: &'a State,
    now: Time,
}

impl Cluster<'_> {
    fn rows(self, kind: Kind) -> (Columns, Vec<Row>) {
        match kind {
            Kind::Pods => (pods::COLUMNS, pods::rows(self)),
            Kind::Services => (services::COLUMNS, services::rows(self)),
            Kind::Endpoints => (endpoints::COLUMNS, endpoints::rows(self)),
            Kind::EndpointSlices => (endpoint_slices::COLUMNS, endpoint_slices::rows(self)),
            Kind::Ingresses => (ingresses::COLUMNS, ingresses::rows(self)),
            Kind::Nodes => (nodes::COLUMNS, nodes::rows(self)),
            Kind::Deployments => (deployments::COLUMNS, deployments::rows(self)),
            Kind::DaemonSets => (deployments::DAEMON_SET_COLUMNS, deployments::daemon_set_rows(self)),
            Kind::StatefulSets => (deployments::STATEFUL_SET_COLUMNS, deployments::stateful_set_rows(self)),
            Kind::ConfigMaps => (config_maps::COLUMNS, config_maps::rows(self)),
            Kind::NetworkPolicies => (network_policies::COLUMNS, network_policies::rows(self)),
            Kind::IpAddressPools => (metallb::POOL_COLUMNS, metallb::pool_rows(self)),
            Kind::L2Advertisements => (metallb::ADVERTISEMENT_COLUMNS, metallb::advertisement_rows(self)),
        }
    }

    fn describe(self, kind: Kind, row: &Row) -> String {
        let key = row.key();
        let sheet = match kind {
            Kind::Pods => pods::describe(self, &key),
            Kind::Services => services::describe(self, &key),
            Kind::Endpoints => endpoints::describe(self, &key),
            Kind::EndpointSlices => endpoint_slices::describe(self, &key),
            Kind::Ingresses => ingresses::describe(self, &key),
            Kind::Nodes => nodes::describe(self, &row.name),
            Kind::Deployments | Kind::DaemonSets | Kind::StatefulSets => deployments::describe(self, &key),
            Kind::ConfigMaps => config_maps::describe(self, &key),
            Kind::NetworkPolicies => network_policies::describe(self, &key),
            Kind::IpAddressPools => metallb::describe_pool(self, &key),
            Kind::L2Advertisements => metallb::describe_advertisement(self, &key),
        };
        sheet.map(sheet::Sheet::print).unwrap_or_default()
    }

    /// The release of the API server: the one that kube-proxy is of.
    fn server(self) -> Version {
        self.state.cluster().kube_proxy
    }

    /// The release of kubectl.
    fn kubectl(self) -> Version {
        self.state.cluster().kubectl.unwrap_or_else(|| self.server())
    }

    /// Whether kubectl has the layouts of today.
    fn is_recent(self) -> bool {
        self.kubectl() >= Version::new(1, 22, 0)
    }

    fn age(self, created: Time) -> String {
        age::human(self.now - created)
    }

    /// The name that a node has in the cluster.
    fn hostname(self, node: &str) -> String {
        self.state.node(node).map_or_else(|| node.to_owned(), |node| node.object.hostname.clone())
    }

    /// Since 1.19 the server warns of what goes away, and kubectl passes it on. By their short name ingresses are found
    /// in the oldest group that the server has them in.
    fn warning(self, kind: Kind) -> String {
        let deprecated = Version::new(1, 19, 0)..Version::new(1, 22, 0);
        if kind == Kind::Ingresses && deprecated.contains(&self.server()) && deprecated.contains(&self.kubectl()) {
            "Warning: extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 \
             Ingress\n"
                .to_owned()
        } else if kind == Kind::Endpoints && self.server() >= Version::new(1, 33, 0) {
            "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n".to_owned()
        } else {
            String::new()
        }
    }
}

/// What kubectl prints for nothing.
const NONE: &str = "<none>";

/// `namespace/name`.
fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// `a,b,c`, or `<none>`.
fn joined(list: &[String]) -> String {
    if list.is_empty() { NONE.to_owned() } else { list.join(",") }
}
