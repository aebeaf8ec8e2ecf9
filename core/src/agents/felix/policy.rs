//! Network policies: which of them are about a pod, and the chains that Felix makes of their rules (libcalico-go,
//! `conversion.go`; felix, `calc/rule_scanner.go` and rules/policy.go).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::{Chain, chain_name, commented};
use super::mark::{ACCEPT, SCRATCH, SCRATCH_1, clear, marked, set};
use super::selector::{Selector, named_port_id, set_name};
use super::workload::Direction;
use super::{AGENT, Context};
use crate::agents::script::provenance;
use crate::kube::{
    Declared, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, PolicyType, RunningPod, State,
    TargetPort, TransportProtocol, Version,
};
use crate::netfilter::Provenance;

/// The first release that reads `endPort`; an earlier one sees the first port alone (libcalico-go, pull request 1357).
const END_PORT: Version = Version::new(3, 19, 0);
/// How many ports fit into one `-m multiport`; a range counts twice.
const MULTIPORT: usize = 15;

/// All policies, by namespace; of one namespace by name: all of them have the same order, and then the name decides.
pub(super) struct Policies<'a>(BTreeMap<&'a str, Vec<Policy<'a>>>);

/// A network policy.
#[derive(Clone, Copy)]
pub(super) struct Policy<'a>(pub(super) &'a Declared<NetworkPolicy>);

impl<'a> Policies<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for declared in state.network_policies() {
            all.entry(declared.object.namespace.as_str()).or_default().push(Policy(declared));
        }
        for policies in all.values_mut() {
            policies.sort_by(|one, other| one.0.object.name.cmp(&other.0.object.name));
        }
        Self(all)
    }

    /// The policies that select a pod.
    pub(super) fn about<'b>(&'b self, pod: &'b RunningPod) -> impl Iterator<Item = Policy<'a>> + 'b {
        let here = self.0.get(&*pod.namespace).into_iter().flatten().copied();
        here.filter(|policy| policy.0.object.pod_selector.selects(&pod.labels))
    }

    /// Those of them that isolate it in a direction.
    pub(super) fn isolating<'b>(
        &'b self,
        pod: &'b RunningPod,
        direction: Direction,
    ) -> impl Iterator<Item = Policy<'a>> + 'b {
        self.about(pod).filter(move |policy| policy.0.object.types().contains(&direction.policy_type()))
    }

    /// Those that select any of some pods, in the order of their names.
    pub(super) fn about_any<'b>(&self, pods: impl Iterator<Item = &'b RunningPod>) -> Vec<Policy<'a>> {
        let mut found: BTreeMap<String, Policy<'a>> = BTreeMap::new();
        for pod in pods {
            for policy in self.0.get(&*pod.namespace).into_iter().flatten() {
                if policy.0.object.pod_selector.selects(&pod.labels) {
                    found.insert(policy.id(), *policy);
                }
            }
        }
        found.into_values().collect()
    }
}

impl<'a> Policy<'a> {
    /// What Calico calls it (`K8sNetworkPolicyNamePrefix`).
    pub(super) fn id(self) -> String {
        format!("{}/knp.default.{}", self.0.object.namespace, self.0.object.name)
    }

    pub(super) fn chain_name(self, direction: Direction) -> String {
        chain_name(direction.policy(), &self.id())
    }

    /// The policy, as a cause.
    pub(super) fn provenance(self, field: impl Into<Arc<str>>) -> Arc<Provenance> {
        provenance(AGENT, self.name(), field, self.0.origin.as_ref())
    }

    fn name(self) -> String {
        format!("networkpolicy {}/{}", self.0.object.namespace, self.0.object.name)
    }

    /// What its rules for one direction become, each with its cause.
    pub(super) fn rules(self, release: Version, direction: Direction) -> impl Iterator<Item = Rule<'a>> {
        let rules = self.0.object.rules(direction.policy_type());
        rules.iter().enumerate().flat_map(move |(at, rule)| self.converted(release, direction, at, rule))
    }

    /// One rule for each protocol and, of each, for each peer (`k8sRuleToCalico`).
    fn converted(
        self,
        release: Version,
        direction: Direction,
        at: usize,
        rule: &'a NetworkPolicyRule,
    ) -> Vec<Rule<'a>> {
        let peers: Vec<_> = if rule.peers.is_empty() { vec![None] } else { rule.peers.iter().map(Some).collect() };
        let mut rules = Vec::new();
        for (protocol, ports) in by_protocol(release, &rule.ports) {
            for peer in &peers {
                let whom = match peer {
                    Some(peer) => format!("{} {peer}", direction.preposition()),
                    None => format!("{} everybody", direction.preposition()),
                };
                let field = format!("{} rule {}, {whom}", direction.word(), at + 1);
                let origin = peer.and_then(|peer| peer.origin.as_ref()).or(rule.origin.as_ref());
                let why = provenance(AGENT, self.name(), field, origin.or(self.0.origin.as_ref()));
                let selector = peer.and_then(|peer| Selector::of_peer(&self.0.object.namespace, peer));
                rules.push(Rule { direction, protocol, ports: ports.clone(), peer: *peer, selector, why });
            }
        }
        rules
    }
}

/// The cause of a drop because no policy allowed it: all policies that could have.
pub(super) fn none_allowed(policies: &[Policy<'_>], direction: Direction) -> Arc<Provenance> {
    let word = direction.word();
    match policies {
        [policy] => policy.provenance(format!("no {word} rule of it allows this")),
        all => {
            let place =
                |policy: &Policy<'_>| policy.0.origin.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
            let name = |policy: &Policy<'_>| {
                format!("{}/{}{}", policy.0.object.namespace, policy.0.object.name, place(policy))
            };
            let names: Vec<_> = all.iter().map(name).collect();
            let field = format!("no {word} rule of theirs allows this");
            provenance(AGENT, format!("networkpolicies {}", names.join(" and ")), field, None)
        }
    }
}

/// A rule as Felix' calculation graph has it: one protocol, one peer.
pub(super) struct Rule<'a> {
    direction: Direction,
    protocol: Option<TransportProtocol>,
    ports: Vec<Ports<'a>>,
    peer: Option<&'a NetworkPolicyPeer>,
    selector: Option<Selector>,
    why: Arc<Provenance>,
}

/// Some of the ports of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ports<'a> {
    Range(u16, u16),
    Named(&'a str),
}

/// A set that a rule looks into.
pub(super) enum SetOf<'a> {
    /// The addresses of the pods that a peer means.
    Peer(&'a NetworkPolicyPeer),
    /// The addresses and ports of those pods, or of all where there is no peer, that have a port of this name.
    NamedPort(Option<&'a NetworkPolicyPeer>, TransportProtocol, &'a str),
}

/// The protocols of a rule by name, each with its ports; none of either where a rule has no ports.
fn by_protocol(release: Version, listed: &[NetworkPolicyPort]) -> Vec<(Option<TransportProtocol>, Vec<Ports<'_>>)> {
    if listed.is_empty() {
        return vec![(None, Vec::new())];
    }
    let mut rules = Vec::new();
    // By their names (libcalico-go, `k8sRuleToCalico`).
    for protocol in [TransportProtocol::Sctp, TransportProtocol::Tcp, TransportProtocol::Udp] {
        let of: Vec<_> = listed.iter().filter(|port| port.protocol == protocol).collect();
        if of.is_empty() {
            continue;
        }
        // One without a port is for all of them, whatever else is listed.
        let ports = of.iter().map(|listed| {
            Some(match listed.port.as_ref()? {
                TargetPort::Number(first) => {
                    let last = listed.end_port.filter(|_| release >= END_PORT).unwrap_or(*first);
                    Ports::Range(*first, last)
                }
                TargetPort::Name(name) => Ports::Named(name),
            })
        });
        let ports = ports.collect::<Option<Vec<_>>>().map(simplified).unwrap_or_default();
        rules.push((Some(protocol), ports));
    }
    rules
}

/// As few ranges as cover the ports, behind the named ones (`SimplifyPorts`).
fn simplified(ports: Vec<Ports<'_>>) -> Vec<Ports<'_>> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    let mut named = Vec::new();
    for port in ports {
        match port {
            Ports::Range(first, last) => ranges.push((first, last)),
            Ports::Named(_) => named.push(port),
        }
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if u32::from(first) <= u32::from(*end) + 1 => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    named.into_iter().chain(merged.into_iter().map(|(first, last)| Ports::Range(first, last))).collect()
}

impl<'a> Rule<'a> {
    fn numbers(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.ports.iter().filter_map(|port| match port {
            Ports::Range(first, last) => Some((*first, *last)),
            Ports::Named(_) => None,
        })
    }

    /// The peer, where it stands on the side of the ports: for egress, both are the destination's.
    fn beside_ports(&self) -> (Option<&Selector>, Option<&'a NetworkPolicyPeer>) {
        match self.direction {
            Direction::To => (None, None),
            Direction::From => (self.selector.as_ref(), self.peer.filter(|_| self.selector.is_some())),
        }
    }

    /// The ids of the sets for its named ports, and what is in them.
    fn named(&self) -> Vec<(String, SetOf<'a>)> {
        let (selector, peer) = self.beside_ports();
        let protocol = self.protocol.unwrap_or_default();
        let named = self.ports.iter().filter_map(|port| match port {
            Ports::Named(name) => Some(*name),
            Ports::Range(..) => None,
        });
        let id = |name| named_port_id(selector.unwrap_or(&Selector::All), protocol, name);
        named.map(|name| (id(name), SetOf::NamedPort(peer, protocol, name))).collect()
    }

    /// The id of the set for its peer, and what is in it. Named ports of the same side have it in theirs already.
    fn peer_set(&self) -> Option<(String, SetOf<'a>)> {
        let covered = self.direction == Direction::From && !self.ports.is_empty() && self.numbers().next().is_none();
        let selector = self.selector.as_ref().filter(|_| !covered)?;
        Some((selector.id(), SetOf::Peer(self.peer?)))
    }

    /// All sets that it looks into, by their names.
    pub(super) fn sets(&self) -> impl Iterator<Item = (String, SetOf<'a>)> + use<'a> {
        self.peer_set().into_iter().chain(self.named()).map(|(id, of)| (set_name(&id), of))
    }

    /// The rules of a chain that mark what it allows and return with it (`ProtoRuleToIptablesRules`).
    ///
    /// What does not fit into one rule is tried before it: a bit says whether all of that has passed.
    fn written(&self) -> Vec<String> {
        let splits = split(self.numbers());
        let named: Vec<_> = self.named().into_iter().map(|(id, _)| set_name(&id)).collect();
        let ports_apart = splits.len() + named.len() > 1;
        let (side, nets) = (self.direction.peer_side(), self.peer.and_then(|peer| peer.ip_block.as_ref()));
        let except = nets.map(|block| &block.except[..]).unwrap_or_default();
        let mut rules = Vec::new();
        if ports_apart {
            rules.push(set_masked(0));
            let numbers = splits.iter().map(|ports| joined([&self.protocol_match(), &multiport(ports)]));
            let sets = named.iter().map(|name| in_ports(name));
            rules.extend(numbers.chain(sets).map(|found| format!("{found} {}", set(SCRATCH))));
        }
        if !except.is_empty() {
            if !ports_apart {
                rules.push(set_masked(SCRATCH));
            }
            rules.extend(except.iter().map(|net| format!("--{side} {} {}", net.trunc(), clear(SCRATCH))));
        }
        let net = nets.map(|block| format!("--{side} {}", block.cidr.trunc())).unwrap_or_default();
        let peer = self.peer_set().map(|(id, _)| in_peer(&set_name(&id), self.direction)).unwrap_or_default();
        let whole = splits.first().filter(|_| !ports_apart).map(|ports| multiport(ports)).unwrap_or_default();
        let by_name = named.first().filter(|_| !ports_apart).map(|name| in_ports(name)).unwrap_or_default();
        let passed = if rules.is_empty() { String::new() } else { marked(SCRATCH) };
        let found = joined([&self.protocol_match(), &net, &peer, &whole, &by_name, &passed]);
        rules.push(joined([&found, &set(ACCEPT)]));
        rules.push(format!("{} --jump RETURN", marked(ACCEPT)));
        rules
    }

    fn protocol_match(&self) -> String {
        self.protocol.map(|protocol| format!("-p {}", protocol.lower())).unwrap_or_default()
    }
}

/// Ports in portions that one match can hold (`SplitPortList`).
fn split(ports: impl Iterator<Item = (u16, u16)>) -> Vec<Vec<(u16, u16)>> {
    let mut splits: Vec<Vec<_>> = Vec::new();
    let mut room = 0;
    for (first, last) in ports {
        let needed = if first == last { 1 } else { 2 };
        if room < needed {
            splits.push(Vec::new());
            room = MULTIPORT;
        }
        if let Some(open) = splits.last_mut() {
            open.push((first, last));
            room -= needed;
        }
    }
    splits
}

fn multiport(ports: &[(u16, u16)]) -> String {
    let text = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}:{last}") };
    let ports: Vec<_> = ports.iter().map(text).collect();
    format!("-m multiport --destination-ports {}", ports.join(","))
}

fn in_ports(set: &str) -> String {
    format!("-m set --match-set {set} dst,dst")
}

fn in_peer(set: &str, direction: Direction) -> String {
    let side = match direction {
        Direction::To => "src",
        Direction::From => "dst",
    };
    format!("-m set --match-set {set} {side}")
}

/// The target: give the two scratch bits this value.
fn set_masked(bits: u32) -> String {
    format!("--jump MARK --set-mark {bits:#x}/{:#x}", SCRATCH | SCRATCH_1)
}

fn joined<const N: usize>(parts: [&str; N]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// The chain of a policy for one direction.
pub(super) fn chain(context: &Context<'_>, policy: Policy<'_>, direction: Direction) -> Chain {
    let why = policy.provenance(direction.word());
    let release = context.state.cluster().calico;
    let rules = policy.rules(release, direction).flat_map(|rule| {
        let why = rule.why.clone();
        rule.written().into_iter().map(move |text| (text, why.clone()))
    });
    let comment = format!("Policy {} {}", policy.id(), direction.word());
    told(context, Chain::new(policy.chain_name(direction), &why), &comment, rules.collect())
}

/// Fills a chain whose first rule tells what the chain is for, in the releases that do so; a chain without any then has
/// one that does nothing else.
pub(super) fn told(
    context: &Context<'_>,
    chain: Chain,
    comment: &str,
    mut rules: Vec<(String, Arc<Provenance>)>,
) -> Chain {
    if context.release.tells_chains {
        match rules.first_mut() {
            Some((first, _)) => *first = commented(comment, &*first),
            None => rules.push((format!("-m comment --comment \"{comment}\""), chain.provenance.clone())),
        }
    }
    rules.into_iter().fold(chain, |chain, (rule, why)| chain.rule_for(rule, &why))
}

impl Direction {
    pub(super) fn policy_type(self) -> PolicyType {
        match self {
            Self::To => PolicyType::Ingress,
            Self::From => PolicyType::Egress,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::To => "ingress",
            Self::From => "egress",
        }
    }

    fn policy(self) -> &'static str {
        match self {
            Self::To => "cali-pi-",
            Self::From => "cali-po-",
        }
    }

    /// What stands before a peer.
    fn preposition(self) -> &'static str {
        match self {
            Self::To => "from",
            Self::From => "to",
        }
    }

    /// The side of a packet that a peer is on.
    fn peer_side(self) -> &'static str {
        match self {
            Self::To => "source",
            Self::From => "destination",
        }
    }
}
