//! The chains that Felix makes for the pods of its node: the way to them, their endpoints, their profiles (felix v3.16,
//! rules/dispatch.go, endpoints.go, policy.go).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::commented;
use super::mark::{ACCEPT, PASS, clear, marked, set, unmarked};
use super::policy::{self, Policies};
use super::{AGENT, Chain, Context, chain_name};
use crate::agents::script::provenance;
use crate::kube::RunningPod;
use crate::map::IndexMap;
use crate::netfilter::Provenance;

/// A packet's direction, as seen from the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the pod: policies for ingress.
    To,
    /// From the pod: policies for egress.
    From,
}

impl Direction {
    fn root(self) -> &'static str {
        match self {
            Self::To => "cali-to-wl-dispatch",
            Self::From => "cali-from-wl-dispatch",
        }
    }

    /// The option that compares the veth: what goes to a pod leaves the node by it.
    fn interface(self) -> &'static str {
        match self {
            Self::To => "--out-interface",
            Self::From => "--in-interface",
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::To => "cali-tw-",
            Self::From => "cali-fw-",
        }
    }

    fn profile(self) -> &'static str {
        match self {
            Self::To => "cali-pri-",
            Self::From => "cali-pro-",
        }
    }
}

const UNKNOWN: &str = "-m comment --comment \"Unknown interface\" --jump DROP";

/// All chains for the pods of the node.
pub(super) fn chains(context: &Context<'_>) -> Vec<Chain> {
    let mut pods: Vec<_> = context.state.pods_on(context.node).collect();
    pods.sort_by_key(|pod| pod.device);
    let policies = Policies::of(context.state);
    let active = policies.about_any(pods.iter().copied());
    let mut chains = Vec::new();
    for direction in [Direction::To, Direction::From] {
        chains.extend(dispatch(context, direction, &pods));
        chains.extend(pods.iter().map(|pod| endpoint(direction, pod, &policies)));
        // A chain that nothing jumps to is not written.
        let isolating = active.iter().filter(|policy| policy.0.object.types().contains(&direction.policy_type()));
        chains.extend(isolating.map(|policy| policy::chain(context, *policy, direction)));
        chains.extend(profiles(context, direction, &pods));
    }
    chains
}

fn of_pod(pod: &RunningPod, field: impl Into<Arc<str>>) -> Arc<Provenance> {
    provenance(AGENT, format!("pod {}", pod.key), field, pod.origin.as_ref())
}

/// The tree from the root chain to the pods' own: by the first character in which their devices differ, so that a packet
/// meets few of them.
fn dispatch(context: &Context<'_>, direction: Direction, pods: &[&RunningPod]) -> Vec<Chain> {
    let root = direction.root();
    let common = common_prefix(pods);
    // Keyed by the devices' first characters: the common ones, and one more where there is one.
    let mut branches: BTreeMap<&str, Vec<&RunningPod>> = BTreeMap::new();
    for pod in pods {
        let device = pod.device.as_str();
        let prefix = &device[..device.len().min(common + 1)];
        branches.entry(prefix).or_default().push(pod);
    }
    let to_pod = |chain: Chain, pod: &RunningPod| {
        let (option, endpoint) = (direction.interface(), direction.endpoint());
        let rule = format!("{option} {0} --goto {endpoint}{0}", pod.device);
        chain.rule_for(rule, &of_pod(pod, ""))
    };
    let mut top = Chain::new(root, &context.fixed);
    let mut chains = Vec::new();
    for (prefix, pods) in branches {
        if let [pod] = pods[..] {
            top = to_pod(top, pod);
            continue;
        }
        let name = format!("{root}-{}", &prefix[common..]);
        top = top.rule(format!("{} {prefix}+ --goto {name}", direction.interface()));
        let branch = pods.into_iter().fold(Chain::new(name, &context.fixed), to_pod);
        chains.push(branch.rule(UNKNOWN));
    }
    chains.push(top.rule(UNKNOWN));
    chains
}

/// How many characters all devices begin with.
fn common_prefix(pods: &[&RunningPod]) -> usize {
    let Some((first, rest)) = pods.split_first() else { return 0 };
    let first = first.device.as_str();
    let shared =
        |other: &&RunningPod| first.bytes().zip(other.device.as_str().bytes()).take_while(|(a, b)| a == b).count();
    rest.iter().map(shared).min().unwrap_or(first.len())
}

/// The chain of one pod and direction. Where policies isolate the pod, they decide; else the profiles do.
fn endpoint(direction: Direction, pod: &RunningPod, policies: &Policies<'_>) -> Chain {
    let mut chain = Chain::new(format!("{}{}", direction.endpoint(), pod.device), &of_pod(pod, ""))
        .rule("-m conntrack --ctstate RELATED,ESTABLISHED --jump ACCEPT")
        .rule("-m conntrack --ctstate INVALID --jump DROP")
        .rule(clear(ACCEPT));
    if let Direction::From = direction {
        // A pod could otherwise reach every pod of another node, past all policies.
        chain = chain
            .rule(
                "-m comment --comment \"Drop VXLAN encapped packets originating in workloads\" -p 17 -m multiport \
                 --destination-ports 4789 --jump DROP",
            )
            .rule("-m comment --comment \"Drop IPinIP encapped packets originating in workloads\" -p 4 --jump DROP");
    }
    let isolating: Vec<_> = policies.isolating(pod, direction).collect();
    if !isolating.is_empty() {
        chain = chain.rule(commented("Start of policies", clear(PASS)));
        for policy in &isolating {
            let why = policy.provenance(direction.word());
            let jump = format!("{} --jump {}", unmarked(PASS), policy.chain_name(direction));
            let done = commented("Return if policy accepted", format!("{} --jump RETURN", marked(ACCEPT)));
            chain = chain.rule_for(jump, &why).rule_for(done, &why);
        }
        let drop = commented("Drop if no policies passed packet", format!("{} --jump DROP", unmarked(PASS)));
        chain = chain.rule_for(drop, &policy::none_allowed(&isolating, direction));
    }
    for profile in profiles_of(pod) {
        let why = of_pod(pod, format!("profile {profile}"));
        let jump = format!("--jump {}", chain_name(direction.profile(), &profile));
        let done = format!(
            "-m comment --comment \"Return if profile accepted\" -m mark --mark {ACCEPT:#x}/{ACCEPT:#x} --jump RETURN"
        );
        chain = chain.rule_for(jump, &why).rule_for(done, &why);
    }
    chain.rule("-m comment --comment \"Drop if no profiles matched\" --jump DROP")
}

/// A pod has two profiles: its namespace's and its service account's.
fn profiles_of(pod: &RunningPod) -> [String; 2] {
    [format!("kns.{}", pod.namespace), format!("ksa.{}.{}", pod.namespace, pod.service_account)]
}

/// The chains of all profiles that the pods have. A namespace's allows everything, a service account's says nothing.
fn profiles(context: &Context<'_>, direction: Direction, pods: &[&RunningPod]) -> Vec<Chain> {
    let mut chains: IndexMap<String, Chain> = IndexMap::default();
    for pod in pods {
        let [namespace, account] = profiles_of(pod);
        let name = chain_name(direction.profile(), &namespace);
        chains.entry(name).or_insert_with_key(|name| {
            let origin = context.state.namespace_origin(&pod.namespace);
            let why = provenance(AGENT, format!("namespace {}", pod.namespace), "", origin);
            let rules = [set(ACCEPT), format!("{} --jump RETURN", marked(ACCEPT))];
            let rules = rules.map(|rule| (rule, why.clone())).into();
            let comment = format!("Profile {namespace} {}", direction.word());
            policy::told(context, Chain::new(name.as_str(), &why), &comment, rules)
        });
        let name = chain_name(direction.profile(), &account);
        chains.entry(name).or_insert_with_key(|name| {
            let object = format!("serviceaccount {}/{}", pod.namespace, pod.service_account);
            let comment = format!("Profile {account} {}", direction.word());
            let chain = Chain::new(name.as_str(), &provenance(AGENT, object, "", None));
            policy::told(context, chain, &comment, Vec::new())
        });
    }
    chains.into_values().collect()
}
