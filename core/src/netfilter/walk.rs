//! A packet through one table at one hook (`ipt_do_table`).
//!
//! The walk has one meaning and two speeds. [`plain_walk`] tries rule after rule, as the kernel does. [`walk`] leaves out
//! those that cannot match, by the index of a long chain, and so finds the same.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::evaluate::matches;
use super::index::Key;
use super::{AddressType, ChainId, CtState, Hook, LogTarget, NatRange, Policy, PortRange, RejectWith, Rpfilter, Rule};
use super::{Table, Target};
use crate::packet::{DeviceName, Packet};

/// The deepest nesting of jumps. The kernel's bound is the number of a table's chains; no agent comes near this.
pub const MAX_DEPTH: usize = 128;

/// A packet as rules see it: `struct sk_buff`, as far as netfilter looks at it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The packet.
    pub packet: &'a Packet,
    /// The device it came in on.
    pub in_device: Option<DeviceName>,
    /// The device it will leave by.
    pub out_device: Option<DeviceName>,
    /// What connection tracking says of it; nothing before it was asked.
    pub ct: Option<CtView>,
}

/// What connection tracking says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtView {
    /// The packet's state.
    pub state: CtState,
    /// The connection's source is translated.
    pub src_nat: bool,
    /// The connection's destination is translated.
    pub dst_nat: bool,
}

/// What rules ask of the namespace they stand in.
pub trait Environment {
    /// The type of `address`; with a device, only an address of that device is local.
    fn address_type(&self, address: Ipv4Addr, device: Option<DeviceName>) -> AddressType;
    /// Whether a packet from `source` may come in on `device`, by the routes back to it.
    fn reverse_path(&self, source: Ipv4Addr, device: Option<DeviceName>, options: Rpfilter) -> bool;
    /// Whether the ipset `name` has `address`.
    fn set_contains(&self, name: &str, address: Ipv4Addr) -> bool;
    /// Whether a chance of `probability` / 2^31 comes true, at the rule of `chain` that leads to `target`.
    fn chance(&mut self, chain: ChainId, target: &Target, probability: u32) -> bool;
    /// How many packets have come by the `nth` rule at this place before, modulo `every`.
    fn nth(&mut self, chain: ChainId, index: usize, every: u32) -> u32;
    /// Writes a line into the kernel's log.
    fn log(&mut self, target: &LogTarget, view: &View<'_>, mark: u32);
}

/// Who wants to know what rules did. [`Unwatched`] costs nothing.
pub trait Watch {
    /// Whether anything is to be told at all.
    const WATCHES: bool;
    /// A rule matched; the marks are those before and after its target.
    fn rule(&mut self, table: &Table, hook: Hook, place: Place<'_>, marks: (u32, u32));
    /// A chain ended, by its end or by RETURN; a built-in one with its policy.
    fn chain_end(&mut self, table: &Table, hook: Hook, chain: &Arc<str>, policy: Option<Policy>);
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The chain.
    pub chain: &'a Arc<str>,
    /// The rule's number, from 1.
    pub number: u32,
    /// The rule.
    pub rule: &'a Rule,
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    const WATCHES: bool = false;
    fn rule(&mut self, _: &Table, _: Hook, _: Place<'_>, _: (u32, u32)) {}
    fn chain_end(&mut self, _: &Table, _: Hook, _: &Arc<str>, _: Option<Policy>) {}
}

/// What a table says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Accept,
    /// It is gone.
    Drop(Culprit),
    /// It is gone, and the sender is told.
    Reject(RejectWith, Culprit),
    /// It passes, and its connection's destination is translated.
    Dnat(NatRange),
    /// It passes, and its connection's source is translated.
    Snat(NatRange),
    /// It passes, and its connection's source becomes the output device's address.
    Masquerade {
        /// `--to-ports`.
        ports: Option<PortRange>,
        /// `--random-fully`.
        random_fully: bool,
    },
    /// The model does not know, for the reason given.
    Unknown(Arc<str>),
}

/// The rule or policy that dropped a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The chain.
    pub chain: Arc<str>,
    /// The rule's number, from 1; none for a policy.
    pub number: Option<u32>,
}

/// What to do after a rule has matched, free of any borrow of the table.
enum Step {
    Next,
    Enter(ChainId, bool),
    Leave,
    Done(Verdict),
}

/// Takes a packet through `table` at `hook`. A table without a chain there lets it pass.
pub fn walk<E: Environment, W: Watch>(
    table: &mut Table,
    hook: Hook,
    view: &View<'_>,
    mark: &mut u32,
    environment: &mut E,
    watch: &mut W,
) -> Verdict {
    go(table, hook, view, Some(&Key::of_packet(view)), mark, environment, watch)
}

/// The same without an index: what [`walk`] is held against.
pub fn plain_walk<E: Environment, W: Watch>(
    table: &mut Table,
    hook: Hook,
    view: &View<'_>,
    mark: &mut u32,
    environment: &mut E,
    watch: &mut W,
) -> Verdict {
    go(table, hook, view, None, mark, environment, watch)
}

/// The walk, with the index where there is a key for it.
fn go<E: Environment, W: Watch>(
    table: &mut Table,
    hook: Hook,
    view: &View<'_>,
    key: Option<&Key>,
    mark: &mut u32,
    environment: &mut E,
    watch: &mut W,
) -> Verdict {
    let Some(base) = table.builtin(hook) else { return Verdict::Accept };
    let length = view.packet.length();
    let mut callers = Callers::default();
    let (mut current, mut index) = (base, 0);
    loop {
        // A jump leads to a chain that exists: chains are deleted only when nothing refers to them.
        let Some(chain) = table.chain(current) else { return Verdict::Unknown("a jump to no chain".into()) };
        let rules = chain.rules();
        let found =
            chain.candidates(key, index).find(|&at| matches(&rules[at], view, *mark, (current, at), environment));
        let step = match found {
            None => Step::Leave,
            Some(at) => {
                index = at;
                let (rule, before) = (&rules[at], *mark);
                let step = run(rule, chain, at, view, mark, environment);
                if W::WATCHES {
                    let place = Place { chain: &chain.name, number: at as u32 + 1, rule };
                    watch.rule(table, hook, place, (before, *mark));
                }
                if let Some(chain) = table.chain_mut(current) {
                    chain.count(at, length);
                }
                step
            }
        };
        match step {
            Step::Next => index += 1,
            Step::Enter(target, goto) => {
                if !goto {
                    if callers.depth == MAX_DEPTH {
                        return Verdict::Unknown(format!("jumps nest deeper than {MAX_DEPTH}").into());
                    }
                    callers.push((current, index + 1));
                }
                (current, index) = (target, 0);
            }
            Step::Leave => {
                // A chain that was gone to from the built-in one has nobody to return to: the policy follows its end.
                if W::WATCHES
                    && current != base
                    && let Some(chain) = table.chain(current)
                {
                    watch.chain_end(table, hook, &chain.name, None);
                }
                let Some(caller) = callers.pop() else { return end_of_base(table, hook, base, length, watch) };
                (current, index) = caller;
            }
            Step::Done(verdict) => return verdict,
        }
    }
}

/// Where to go on after the chains that are being walked: the kernel's jump stack. Most of the time of a short walk went
/// into clearing an array for the deepest of them, so that only the first few have a place ready.
#[derive(Default)]
struct Callers {
    first: [(ChainId, usize); 8],
    others: Vec<(ChainId, usize)>,
    depth: usize,
}

impl Callers {
    fn push(&mut self, caller: (ChainId, usize)) {
        match self.first.get_mut(self.depth) {
            Some(place) => *place = caller,
            None => self.others.push(caller),
        }
        self.depth += 1;
    }

    fn pop(&mut self) -> Option<(ChainId, usize)> {
        self.depth = self.depth.checked_sub(1)?;
        self.others.pop().or_else(|| self.first.get(self.depth).copied())
    }
}

fn end_of_base<W: Watch>(table: &mut Table, hook: Hook, base: ChainId, length: usize, watch: &mut W) -> Verdict {
    let Some(chain) = table.chain_mut(base) else { return Verdict::Accept };
    let policy = chain.policy.unwrap_or_default();
    chain.policy_counter.add(length);
    let name = chain.name.clone();
    if W::WATCHES {
        watch.chain_end(table, hook, &name, Some(policy));
    }
    match policy {
        Policy::Accept => Verdict::Accept,
        Policy::Drop => Verdict::Drop(Culprit { chain: name, number: None }),
    }
}

fn run<E: Environment>(
    rule: &Rule,
    chain: &super::Chain,
    index: usize,
    view: &View<'_>,
    mark: &mut u32,
    environment: &mut E,
) -> Step {
    let culprit = || Culprit { chain: chain.name.clone(), number: Some(index as u32 + 1) };
    match &rule.target {
        Target::Continue => Step::Next,
        Target::Log(target) => {
            environment.log(target, view, *mark);
            Step::Next
        }
        Target::Mark { value, mask } => {
            *mark = (*mark & !mask) ^ value;
            Step::Next
        }
        Target::Jump(target) => Step::Enter(*target, false),
        Target::Goto(target) => Step::Enter(*target, true),
        Target::Return => Step::Leave,
        Target::Accept => Step::Done(Verdict::Accept),
        Target::Drop => Step::Done(Verdict::Drop(culprit())),
        Target::Reject(with) => Step::Done(Verdict::Reject(*with, culprit())),
        Target::Dnat(range) => Step::Done(Verdict::Dnat(*range)),
        Target::Snat(range) => Step::Done(Verdict::Snat(*range)),
        Target::Masquerade { ports, random_fully } => {
            Step::Done(Verdict::Masquerade { ports: *ports, random_fully: *random_fully })
        }
    }
}
