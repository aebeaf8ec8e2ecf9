//! What `calicoctl get` prints of the declared objects (calicoctl v3.16, `commands/common/printer.go`).

use super::command_line::{CommandError, Words, missing, unknown};
use super::kubectl::nodes::with_prefix;
use super::tabwriter::TabWriter;
use crate::did_you_mean;
use crate::kube::{Overlay, State};
use crate::world::OpError;

/// A command line of calicoctl, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is asked for.
    pub resource: Resource,
    /// `-n`, for what is in namespaces; `default` when not given.
    pub namespace: Option<String>,
    /// `-a`
    pub all_namespaces: bool,
    /// `-o wide`
    pub wide: bool,
}

/// What calicoctl can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `workloadEndpoint`: the pods that Calico has made a network for.
    WorkloadEndpoints,
    /// `ipPool`
    IpPools,
    /// `node`
    Nodes,
}

/// The names of resources, in any case: the plural is one of them.
const RESOURCES: [(&str, Resource); 8] = [
    ("workloadEndpoint", Resource::WorkloadEndpoints),
    ("workloadEndpoints", Resource::WorkloadEndpoints),
    ("wep", Resource::WorkloadEndpoints),
    ("weps", Resource::WorkloadEndpoints),
    ("ipPool", Resource::IpPools),
    ("ipPools", Resource::IpPools),
    ("node", Resource::Nodes),
    ("nodes", Resource::Nodes),
];

const FLAGS: [&str; 7] = ["-n", "--namespace", "-a", "--all-namespaces", "-o", "--output", "--allow-version-mismatch"];

impl Command {
    /// Reads what follows the word `calicoctl`.
    ///
    /// ```
    /// use netscene_core::view::calicoctl::{Command, Resource};
    /// let command = Command::parse("--allow-version-mismatch get workloadEndpoint -n iks")?;
    /// assert_eq!((command.resource, command.namespace.as_deref()), (Resource::WorkloadEndpoints, Some("iks")));
    /// # Ok::<(), netscene_core::view::CommandError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let mut words = Words::of(text);
        let (mut verb, mut resource) = (None, None);
        let (mut namespace, mut all_namespaces, mut wide) = (None, false, false);
        while let Some(word) = words.next() {
            let (flag, glued) =
                word.text.split_once('=').map_or((word.text, None), |(flag, value)| (flag, Some(value)));
            let mut value = || match glued {
                Some(value) => Ok((value, word.at.clone())),
                None => words
                    .next()
                    .map(|next| (next.text, next.at))
                    .ok_or_else(|| missing(text, &format!("the value of {flag}"), "write it behind the flag")),
            };
            match flag {
                "-n" | "--namespace" => namespace = Some(value()?.0.to_owned()),
                "-o" | "--output" => match value()? {
                    ("wide", _) => wide = true,
                    (other, at) => return Err(unknown(at, "output format", other, &["wide"], "known is wide")),
                },
                "-a" | "--all-namespaces" => all_namespaces = true,
                "--allow-version-mismatch" => {}
                _ if flag.starts_with('-') => {
                    let all = format!("known are {}", FLAGS.join(", "));
                    return Err(unknown(word.at, "flag", flag, &FLAGS, &all));
                }
                _ if verb.is_none() => {
                    if word.text != "get" {
                        return Err(unknown(word.at, "command", word.text, &["get"], "known is get"));
                    }
                    verb = Some(());
                }
                _ if resource.is_none() => {
                    let found = RESOURCES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.text));
                    resource = Some(found.map(|(_, resource)| *resource).ok_or_else(|| {
                        let names = RESOURCES.map(|(name, _)| name);
                        let all = "known are workloadEndpoint, ipPool and node";
                        unknown(word.at.clone(), "resource", word.text, &names, all)
                    })?);
                }
                _ => {
                    return Err(unknown(word.at, "argument", word.text, &[], "names are not understood: leave it out"));
                }
            }
        }
        verb.ok_or_else(|| missing(text, "a command", "write `get`"))?;
        let resource = resource.ok_or_else(|| missing(text, "a resource", "write one such as `workloadEndpoint`"))?;
        if wide && resource == Resource::WorkloadEndpoints {
            let problem = "more columns of workloadEndpoint are not known here".to_owned();
            return Err(CommandError { at: 0..text.len(), problem, hint: "leave out `-o wide`".to_owned() });
        }
        Ok(Self { resource, namespace, all_namespaces, wide })
    }
}

/// What calicoctl answers to `command`. A namespace that does not exist is refused.
pub fn print(state: &State, command: &Command) -> Result<String, OpError> {
    if let Some(namespace) = command.namespace.as_deref().filter(|namespace| !state.has_namespace(namespace)) {
        let hint = did_you_mean(namespace, state.namespaces()).map(|meant| format!("did you mean `{meant}`?"));
        return Err(OpError::new(format!("calicoctl: there is no namespace `{namespace}`"), hint));
    }
    let lines = match command.resource {
        Resource::WorkloadEndpoints => workload_endpoints(state, command),
        Resource::IpPools => ip_pools(state, command.wide),
        Resource::Nodes => nodes(state, command.wide),
    };
    // A tab ends the last cell too, and an empty line the table.
    let text: String = lines.into_iter().map(|cells| cells.join("\t") + "\t\n").collect();
    Ok(TabWriter { min_width: 5, padding: 3 }.align(&(text + "\n")))
}

/// One line for each pod with a network of its own, in the order in which the Kubernetes API lists pods.
fn workload_endpoints(state: &State, command: &Command) -> Vec<Vec<String>> {
    let with_namespace = command.all_namespaces || command.namespace.is_some();
    let namespace = command.namespace.as_deref().unwrap_or("default");
    let hostname = |node: &str| state.node(node).map_or(String::new(), |node| node.object.hostname.clone());
    let shown =
        |pod: &&crate::kube::RunningPod| pod.is_networked() && (command.all_namespaces || *pod.namespace == *namespace);
    let mut pods: Vec<_> = state.pods().filter(shown).collect();
    pods.sort_by_key(|pod| (&pod.namespace, &pod.name));
    let titles = ["NAMESPACE", "WORKLOAD", "NODE", "NETWORKS", "INTERFACE"].map(str::to_owned).to_vec();
    let line = |pod: &crate::kube::RunningPod| {
        let network = format!("{}/32", pod.address);
        vec![pod.namespace.to_string(), pod.name.to_string(), hostname(&pod.node), network, pod.device.to_string()]
    };
    let lines = std::iter::once(titles).chain(pods.into_iter().map(line));
    lines.map(|cells| cells.into_iter().skip(usize::from(!with_namespace)).collect()).collect()
}

/// The one pool that a cluster has.
fn ip_pools(state: &State, wide: bool) -> Vec<Vec<String>> {
    let cluster = state.cluster();
    let mode = match cluster.overlay {
        Overlay::Always => "Always",
        Overlay::CrossSubnet => "CrossSubnet",
        Overlay::Never => "Never",
    };
    let cidr = cluster.pod_cidr.to_string();
    let lines = if wide {
        let titles = ["NAME", "CIDR", "NAT", "IPIPMODE", "VXLANMODE", "DISABLED", "SELECTOR"];
        [titles.to_vec(), vec!["default-ipv4-ippool", &cidr, "true", mode, "Never", "false", "all()"]]
    } else {
        [vec!["NAME", "CIDR", "SELECTOR"], vec!["default-ipv4-ippool", &cidr, "all()"]]
    };
    lines.map(|line| line.into_iter().map(str::to_owned).collect()).to_vec()
}

/// The nodes by name; `(64512)` is the AS of all that name none.
fn nodes(state: &State, wide: bool) -> Vec<Vec<String>> {
    let mut nodes: Vec<_> = state.nodes().map(|node| &node.object).collect();
    nodes.sort_by_key(|node| &node.hostname);
    let titles: &[&str] = if wide { &["NAME", "ASN", "IPV4", "IPV6"] } else { &["NAME"] };
    let line = |node: &crate::kube::Node| {
        let mut cells = vec![node.hostname.clone()];
        if wide {
            cells.extend(["(64512)".to_owned(), with_prefix(state, node), String::new()]);
        }
        cells
    };
    let titles = titles.iter().map(|title| (*title).to_owned()).collect();
    std::iter::once(titles).chain(nodes.into_iter().map(line)).collect()
}
