//! Programming a node: what the agents write there, once their objects have changed.

use std::sync::{Arc, Weak};

use rustc_hash::{FxHashMap, FxHashSet};

use super::faults::Agents;
use super::fresh::{Fresh, is_blank};
use super::network::Network;
use super::{Choice, OpError};
use crate::agents::felix::Members;
use crate::agents::kube_proxy::conntrack::UdpServices;
use crate::agents::{bird, felix, kube_proxy, kubelet};
use crate::kube::{Node, State};
use crate::net::Namespace;
use crate::net::fib::Fib;
use crate::netfilter::text::{RestoreInput, restore};
use crate::netfilter::{Ruleset, TableName};
use crate::packet::protocol::UDP;

/// What each agent has last written on a node, so that it writes only what has changed: rules that somebody else has put
/// into its chains survive until then. Here the model departs from Felix, which reads its chains again every 90 seconds and
/// replaces what is not its own (`iptablesRefreshInterval`).
#[derive(Clone, Debug, Default)]
pub(super) struct Programmed {
    pub(super) generation: u64,
    kubelet: Option<Arc<RestoreInput>>,
    kube_proxy: Option<Arc<RestoreInput>>,
    felix: Option<Arc<RestoreInput>>,
    /// The sets of Felix, by name.
    sets: Vec<String>,
    udp: Option<Arc<UdpServices>>,
    /// Of which declared objects, and by which agents, it was written.
    declared: Option<Declared>,
}

/// What was declared, known by what keeps the same for other copies of the world, and who worked.
type Declared = (Weak<Fresh>, Agents);

impl Programmed {
    /// Whether the same was declared when it was written, and the same agents worked.
    fn is_of(&self, (fresh, agents): &Declared) -> bool {
        self.declared.as_ref().is_some_and(|(one, some)| one.ptr_eq(fresh) && some == agents)
    }
}

/// What an agent writes on a node of that name.
type Rules = fn(&State, &str) -> RestoreInput;

/// The nodes that have been programmed, by their places in the network.
pub(super) type Nodes = FxHashMap<usize, Programmed>;

/// Brings a node up to `generation` of the declared objects, if it is not there yet. Other namespaces need nothing.
pub(super) fn program(
    network: &mut Network,
    nodes: &mut Nodes,
    (state, fresh): (&State, &Arc<Fresh>),
    choices: &[Choice],
    generation: u64,
    place: usize,
    agents: Agents,
) -> Result<(), OpError> {
    let last = nodes.entry(place).or_default();
    if last.generation == generation {
        return Ok(());
    }
    let name = network.get(place).name.clone();
    if let Some(node) = state.node(&name).map(|node| node.object.clone()) {
        let namespace = network.get_mut(place);
        let declared = (Arc::downgrade(fresh), agents);
        // Of what is declared nothing has changed if only choices have.
        if !last.is_of(&declared) {
            let blank = last.generation == 0 && is_blank(namespace);
            if let Some(written) = fresh.get(place, agents).filter(|_| blank) {
                written.write(namespace, last);
            } else {
                write(namespace, last, (state, fresh), &node, agents, blank)?;
                if blank {
                    fresh.keep(place, agents, namespace, last);
                }
            }
            last.declared = Some(declared);
        }
        pin(namespace, state, choices);
    }
    last.generation = generation;
    Ok(())
}

/// Lets the agents write on a node; `blank` if nobody has written there.
fn write(
    namespace: &mut Namespace,
    last: &mut Programmed,
    (state, fresh): (&State, &Fresh),
    node: &Node,
    agents: Agents,
    blank: bool,
) -> Result<(), OpError> {
    let name = node.name.as_str();
    namespace.tracking = true;
    let sets = if agents.felix { felix::ip_sets(state, name) } else { Vec::new() };
    for (set, members) in &sets {
        match members {
            Members::Nets(nets) => namespace.sets.replace(set, nets.iter().copied()),
            Members::Ports(ports) => namespace.sets.replace_ports(set, ports.iter().copied()),
        }
    }
    let mut alone = blank.then(Vec::new);
    // Felix last: it inserts its jumps above whatever is there (`chainInsertMode: insert`).
    for (agent, works, rules, last) in [
        ("kubelet", true, (|state, _| kubelet::rules(state)) as Rules, &mut last.kubelet),
        ("kube-proxy", agents.kube_proxy, kube_proxy::rules, &mut last.kube_proxy),
        ("felix", agents.felix, felix::rules, &mut last.felix),
    ] {
        // One that does not hear of a change leaves what it has written.
        if !works {
            continue;
        }
        let input = Arc::new(rules(state, name));
        if last.as_ref() != Some(&input) {
            let inputs = alone.as_mut().map(|alone| {
                alone.push(input.clone());
                alone.as_slice()
            });
            if let Some(same) = inputs.and_then(|inputs| fresh.restored(inputs)) {
                namespace.rules = same;
            } else {
                restore(&mut namespace.rules, &input).map_err(|error| {
                    OpError::new(
                        format!("{agent} wrote rules on {name} that iptables refuses: {error}"),
                        Some("this is a defect of netscene; please report it with the scenario".into()),
                    )
                })?;
                if let Some(inputs) = inputs {
                    fresh.keep_restored(inputs, &namespace.rules);
                }
            }
            let before = last.replace(input);
            if agent == "felix"
                && let (Some(before), Some(now)) = (before, &last)
            {
                remove_chains(&mut namespace.rules, &before, now);
            }
        }
    }
    if agents.felix {
        // Its rules look into none of those that are not among its sets any more.
        let names: Vec<_> = sets.into_iter().map(|(name, _)| name).collect();
        for gone in last.sets.iter().filter(|name| !names.contains(name)) {
            namespace.sets.remove(gone);
        }
        last.sets = names;
    }
    if agents.kube_proxy {
        forget_udp(namespace, state, &mut last.udp);
    }
    let mut fib = Fib::default();
    for route in Network::own_routes(state, node) {
        fib.add(route);
    }
    for route in bird::routes(state, name).into_iter().chain(felix::routes(state, name)) {
        fib.add(route);
    }
    namespace.fib = fib;
    namespace.announced = if agents.speaker { fresh.announced(state, name) } else { Vec::new() };
    Ok(())
}

/// Felix removes its chains that nothing jumps to any more. One that somebody else's rule jumps to stays, and is empty.
fn remove_chains(rules: &mut Ruleset, before: &RestoreInput, now: &RestoreInput) {
    let kept: FxHashSet<_> = chains(now).collect();
    let gone: Vec<_> = chains(before).filter(|chain| !kept.contains(chain)).collect();
    let restored = |rules: &mut Ruleset, lines: &mut dyn Iterator<Item = (&str, String)>| {
        let mut input = RestoreInput::default();
        for (table, line) in lines {
            for text in [format!("*{table}"), line, "COMMIT".to_owned()] {
                input.push(text, None);
            }
        }
        restore(rules, &input).is_ok()
    };
    let lines = || {
        let emptied = gone.iter().map(|(table, chain)| (*table, format!(":{chain} - [0:0]")));
        emptied.chain(gone.iter().map(|(table, chain)| (*table, format!("-X {chain}"))))
    };
    if !gone.is_empty() && !restored(rules, &mut lines()) {
        for line in lines() {
            restored(rules, &mut std::iter::once(line));
        }
    }
}

/// The chains that an input makes, each with its table.
fn chains(input: &RestoreInput) -> impl Iterator<Item = (&'static str, &str)> {
    let mut table = "";
    input.lines.iter().filter_map(move |line| {
        if let Some(name) = line.text.strip_prefix('*') {
            table = TableName::from_name(name).map_or("", TableName::as_str);
        }
        Some((table, line.text.strip_prefix(':')?.split(' ').next()?))
    })
}

/// What kube-proxy does after it has written its rules: it forgets UDP connections to endpoints that are gone, if any has
/// changed.
fn forget_udp(namespace: &mut Namespace, state: &State, last: &mut Option<Arc<UdpServices>>) {
    let services = UdpServices::of(state);
    if last.as_deref() == Some(&services) {
        return;
    }
    namespace.conntrack.remove_where(|entry| {
        let ends = (entry.original.destination_port(), entry.reply.source_port());
        let (UDP, (Some(port), Some(from))) = (entry.original.protocol, ends) else { return false };
        services.is_stale((entry.original.destination, port), (entry.reply.source, from))
    });
    *last = Some(Arc::new(services));
}

/// Turns the pinned choices of endpoints into pinned jumps.
fn pin(namespace: &mut Namespace, state: &State, choices: &[Choice]) {
    namespace.pins.clear();
    let node = namespace.name.clone();
    let nat = namespace.rules.table(TableName::Nat);
    let here = choices.iter().filter_map(|choice| match choice {
        Choice::Endpoint { service, endpoint, on: None } => Some((false, service, endpoint)),
        Choice::Endpoint { service, endpoint, on: Some(on) } if **on == *node => Some((true, service, endpoint)),
        _ => None,
    });
    let mut here: Vec<_> = here.collect();
    // What was said of one node counts before what was said of all.
    here.sort_by_key(|(on_node, ..)| *on_node);
    for (_, service, endpoint) in here {
        // It was checked when it was made; if its pod has gone since, chance decides again.
        for (chain, target) in kube_proxy::pins(state, service, endpoint).unwrap_or_default() {
            if let (Some(chain), Some(target)) = (nat.chain_id(&chain), nat.chain_id(&target)) {
                namespace.pins.insert(chain, target);
            }
        }
    }
}
