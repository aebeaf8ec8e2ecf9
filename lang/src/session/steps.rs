//! The hops of a flow one at a time, and where to stop at them.
//!
//! The model is deterministic: to go through what was observed is to go through what happens.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use netscene_core::netfilter::{Hook, TableName};
use netscene_core::trace::{Depth, DropReason, End, Flow, Hop, PacketTrace, Step};
use netscene_core::view::trace::{packets, summary};

use super::CandidateKind;

/// Where to stop: at a node, a hook, a chain, or a rule of one.
///
/// ```
/// use netscene_lang::session::Breakpoint;
/// for text in ["worker1", "PREROUTING", "nat/KUBE-SERVICES", "nat/KUBE-SERVICES 3", "FORWARD at worker2"] {
///     assert_eq!(text.parse::<Breakpoint>().unwrap().to_string(), text);
/// }
/// assert!("nat/KUBE-SERVICES x".parse::<Breakpoint>().unwrap_err().contains("the number of a rule"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakpoint {
    what: What,
    /// Only there.
    at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Place(String),
    Hook(Hook),
    Chain { table: TableName, chain: String, rule: Option<u32> },
}

pub(super) const HOOKS: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
const FORMS: &str = "a breakpoint is a node, a hook such as PREROUTING, TABLE/CHAIN, or TABLE/CHAIN NUMBER; `at NODE` behind \
                     it is for that node only";

impl FromStr for Breakpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words: Vec<_> = text.split_whitespace().collect();
        let at = match words.as_slice() {
            [.., "at", place] => Some((*place).to_owned()),
            _ => None,
        };
        if at.is_some() {
            words.truncate(words.len() - 2);
        }
        let what = match words.as_slice() {
            [first] if HOOKS.iter().any(|hook| hook.to_string() == *first) => {
                HOOKS.iter().find(|hook| hook.to_string() == *first).map(|hook| What::Hook(*hook))
            }
            [first, rest @ ..] if rest.len() < 2 => {
                let chain = first.split_once('/');
                let known = |name: &str| TableName::ALL.into_iter().find(|table| table.to_string() == name);
                match chain.and_then(|(table, chain)| Some((known(table)?, chain))) {
                    Some((table, chain)) => {
                        let number = rest.first().map(|number| number.parse::<u32>());
                        let rule =
                            number.transpose().map_err(|_| format!("`{}` is not the number of a rule", rest[0]))?;
                        Some(What::Chain { table, chain: chain.to_owned(), rule })
                    }
                    None if rest.is_empty() => Some(What::Place((*first).to_owned())),
                    None => None,
                }
            }
            _ => None,
        };
        what.map(|what| Self { what, at }).ok_or_else(|| FORMS.to_owned())
    }
}

impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Place(place) => f.write_str(place)?,
            What::Hook(hook) => write!(f, "{hook}")?,
            What::Chain { table, chain, rule } => {
                write!(f, "{table}/{chain}")?;
                rule.map_or(Ok(()), |rule| write!(f, " {rule}"))?;
            }
        }
        self.at.as_ref().map_or(Ok(()), |at| write!(f, " at {at}"))
    }
}

impl Breakpoint {
    /// The names in it, and of what they are.
    pub(super) fn names(&self) -> Vec<(String, CandidateKind)> {
        let what = match &self.what {
            What::Place(place) => Some((place.clone(), CandidateKind::Node)),
            What::Hook(_) => None,
            What::Chain { table, chain, .. } => Some((format!("{table}/{chain}"), CandidateKind::Chain)),
        };
        let at = self.at.clone().map(|at| (at, CandidateKind::Node));
        what.into_iter().chain(at).collect()
    }

    /// Whether a packet meets it on a hop.
    fn meets(&self, hop: &Hop) -> bool {
        self.at.as_ref().is_none_or(|at| is_called(&hop.place, at))
            && match &self.what {
                What::Place(place) => is_called(&hop.place, place),
                What::Hook(hook) => hop.steps.iter().any(|step| match step {
                    Step::Rule(hit) => hit.hook == *hook,
                    Step::ChainEnd { hook: at, .. } | Step::Misses { hook: at, .. } => at == hook,
                    _ => false,
                }),
                What::Chain { table, chain, rule } => met(hop).any(|(of, name, number)| {
                    of == *table && name == chain && (rule.is_none() || number.is_some() && number == *rule)
                }),
            }
    }
}

/// The chains that a packet met on a hop, with the rules of them that matched.
fn met(hop: &Hop) -> impl Iterator<Item = (TableName, &str, Option<u32>)> {
    let steps = hop.steps.iter().filter_map(|step| match step {
        Step::Rule(hit) => Some((hit.table, hit.chain.as_ref(), Some(hit.number))),
        Step::ChainEnd { table, chain, .. } | Step::Misses { table, chain, .. } => Some((*table, chain.as_ref(), None)),
        _ => None,
    });
    let end = match &hop.end {
        End::Dropped(DropReason::Rule { table, chain, number, .. }) => Some((*table, chain.as_ref(), *number)),
        _ => None,
    };
    steps.chain(end)
}

/// `web-1` is the place `default/web-1`, too.
fn is_called(place: &str, name: &str) -> bool {
    place == name || place.strip_prefix("default/") == Some(name)
}

/// Goes through the hops of a flow, packet by packet.
#[derive(Clone, Debug)]
pub struct Stepper {
    flow: Arc<Flow>,
    /// The hops, by the numbers of their packets and their own.
    hops: Vec<(usize, usize)>,
    /// How many of them have been passed.
    shown: usize,
}

impl Stepper {
    /// Stands before the first hop.
    pub fn new(flow: Arc<Flow>) -> Self {
        let packets = flow.packets.iter().enumerate();
        let hops = packets.flat_map(|(packet, trace)| (0..trace.hops.len()).map(move |hop| (packet, hop))).collect();
        Self { flow, hops, shown: 0 }
    }

    /// The flow.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// How many of its hops were passed, those included that nobody stopped at.
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// What the flow came to, in a line.
    pub fn summary(&self) -> String {
        summary(&self.flow)
    }

    /// The next hop, with every rule that matched; nothing behind the last.
    pub fn step(&mut self) -> Option<String> {
        let &(number, at) = self.hops.get(self.shown)?;
        self.shown += 1;
        let packet = &self.flow.packets[number];
        let hop = packet.hops[at].clone();
        let told = packets(&[PacketTrace { id: packet.id, hops: vec![hop] }], Depth::Rules, number + 1);
        // The line above the hop is about the packet's whole way, of which the rest is still to come.
        let below = told.split_once('\n').map_or(told.as_str(), |(_, below)| below);
        let title = format!("#{}, hop {} of {}\n", number + 1, at + 1, packet.hops.len());
        Some(title + below)
    }

    /// The next hop that meets a breakpoint, and which; nothing where none of those left does.
    pub fn go_on(&mut self, breakpoints: &[Breakpoint]) -> Option<(Breakpoint, String)> {
        while let Some(&(number, at)) = self.hops.get(self.shown) {
            let hop = &self.flow.packets[number].hops[at];
            if let Some(met) = breakpoints.iter().find(|one| one.meets(hop)) {
                let met = met.clone();
                return self.step().map(|text| (met, text));
            }
            self.shown += 1;
        }
        None
    }
}
