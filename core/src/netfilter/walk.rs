//! A packet through one table at one hook (`ipt_do_table`).
//!
//! The walk has one meaning and two speeds. [`plain_walk`] tries rule after rule, as the kernel does. [`walk`] leaves out
//! those that cannot match, by the index of a long chain, and so finds the same.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::callers::Callers;
use super::doubt::Doubt;
use super::evaluate::{Answer, judge};
use super::index::Key;
use super::rewrite;
use super::unknown::{because, settle};
use super::{AddressType, Chain, ChainId, Connmark, CtDirection, CtState, CtStatuses, CtZone, Hook, LogTarget, Memory};
use super::{
    MatchId, Misses, NatRange, NflogTarget, PacketType, Policy, PortRange, RejectWith, Rpfilter, Rule, SetMatch, Table,
    Target,
};
use crate::Time;
use crate::packet::{DeviceName, Packet};

pub use super::callers::MAX_ENTERED;

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

/// A packet's connection, as `-m conntrack` looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The protocol's number.
    pub protocol: u8,
    /// The ends of the packets that began it, before any translation.
    pub original: Ends,
    /// The ends of its answers as they arrive here.
    pub reply: Ends,
    /// The packet's direction.
    pub direction: CtDirection,
    /// What is known of it.
    pub status: CtStatuses,
    /// Whole seconds until it is forgotten.
    pub expires: u32,
    /// Its mark.
    pub mark: u32,
}

/// Addresses and ports of one direction. Of ICMP the ports are its identifier, and its type and code in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The source address.
    pub source: Ipv4Addr,
    /// The source port; 0 where there is none.
    pub source_port: u16,
    /// The destination address.
    pub destination: Ipv4Addr,
    /// The destination port; 0 where there is none.
    pub destination_port: u16,
}

/// The ports of a bridge that a bridged packet passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BridgePorts {
    /// The port it came in by.
    pub in_device: Option<DeviceName>,
    /// The port it goes out by, where that is known.
    pub out_device: Option<DeviceName>,
}

/// Who sent a packet of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sender {
    /// Nobody here: the packet came in.
    #[default]
    Nobody,
    /// A socket of the kernel's own.
    Kernel,
    /// A process; its user and group where they are known.
    Process(Option<(u32, u32)>),
}

/// What rules have changed in a packet's headers so far: `None` where nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The type of service.
    pub tos: Option<u8>,
    /// The time to live.
    pub ttl: Option<u8>,
    /// The maximum segment size that a SYN announces.
    pub mss: Option<u16>,
}

/// A rule that hangs on chance.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// Its chain.
    pub chain: ChainId,
    /// The name of that.
    pub name: &'a Arc<str>,
    /// The rule's number, from 1.
    pub number: u32,
    /// Where it leads.
    pub target: &'a Target,
    /// The probability, as a fraction of 2^31.
    pub probability: u32,
}

/// What rules ask of the namespace they stand in, and what they do to it. Where a method has a body, that is the answer of
/// a namespace which has nothing of the kind.
pub trait Environment {
    /// The type of `address`; with a device, only an address of that device is local.
    fn address_type(&self, address: Ipv4Addr, device: Option<DeviceName>) -> AddressType;
    /// Whether the packet may have come in by its device, by the routes back to its source; `None` if that is not known.
    fn reverse_path(&self, view: &View<'_>, mark: u32, options: Rpfilter) -> Option<bool>;
    /// Whether the packet is in an ipset; `None` if that is not known, for the reason of `set_doubt`.
    fn in_set(&self, _set: &SetMatch, _view: &View<'_>, _mark: u32) -> Option<bool> {
        None
    }
    /// Why it may not be known whether a packet is in an ipset.
    fn set_doubt(&self, _set: &SetMatch) -> Option<String> {
        None
    }
    /// Whether a chance comes true.
    fn chance(&mut self, chance: &Chance<'_>) -> bool;
    /// How many packets have come to this `nth` match before, modulo `every`.
    fn nth(&mut self, which: MatchId, every: u32) -> u32;
    /// Writes a line into the kernel's log.
    fn log(&mut self, target: &LogTarget, view: &View<'_>, mark: u32);
    /// Hands the packet to the programs that listen to an NFLOG group.
    fn nflog(&mut self, _target: &NflogTarget, _view: &View<'_>, _mark: u32) {}
    /// The time.
    fn now(&self) -> Time {
        Time::ZERO
    }
    /// The packet's connection.
    fn connection(&self) -> Option<Connection> {
        None
    }
    /// Gives the packet's connection another mark.
    fn set_connection_mark(&mut self, _mark: u32) {}
    /// Exempts the packet from connection tracking, if it is not tracked yet.
    fn untrack(&mut self) {}
    /// Whether a rule of this walk has done so: tracking has not been asked yet, and the packet is UNTRACKED already.
    fn is_untracked(&self) -> bool {
        false
    }
    /// Gives the packet a zone. False: the namespace has none.
    fn assign_zone(&mut self, _zone: CtZone, _mark: u32) -> bool {
        false
    }
    /// What `recent`, `limit`, `hashlimit` and `nfacct` remember.
    fn memory(&mut self) -> Option<&mut Memory> {
        None
    }
    /// The ports of the bridge that the packet crosses; `None` if it crosses none.
    fn bridge(&self) -> Option<BridgePorts> {
        None
    }
    /// Who sent the packet.
    fn sender(&self) -> Sender {
        Sender::Nobody
    }
    /// How the link delivered the packet.
    fn packet_type(&self) -> PacketType {
        PacketType::Unicast
    }
    /// The first address of a device.
    fn device_address(&self, _device: DeviceName) -> Option<Ipv4Addr> {
        None
    }
    /// The smaller MTU of the packet's route and of the route back, in bytes.
    fn path_mtu(&self, _view: &View<'_>) -> Option<u16> {
        None
    }
    /// Whether rules are only tried, and nothing may be drawn or counted.
    fn is_trial(&self) -> bool {
        false
    }
    /// What has been changed in the packet since the table was entered.
    fn rewritten(&self) -> Rewritten {
        Rewritten::default()
    }
    /// Changes the packet: the whole of what differs from [`View::packet`].
    fn rewrite(&mut self, _fields: Rewritten) {}
}

/// Who wants to know what rules did. [`Unwatched`] costs nothing.
pub trait Watch {
    /// Whether anything is to be told at all.
    const WATCHES: bool;
    /// A rule matched; the marks are those before and after its target.
    fn rule(&mut self, table: &Table, hook: Hook, place: Place<'_>, marks: (u32, u32));
    /// Rules of a chain did not match.
    fn missed(&mut self, _table: &Table, _hook: Hook, _chain: &Arc<str>, _misses: Misses, _view: &View<'_>) {}
    /// A chain ended, by its end or by RETURN; a built-in one with its policy.
    fn chain_end(&mut self, table: &Table, hook: Hook, chain: &Arc<str>, policy: Option<Policy>);
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// The rule's place there, from 0.
    pub at: usize,
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
    Unknown(Doubt),
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
pub(super) enum Step {
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
    let mut callers = Callers::new();
    let (mut current, mut index) = (base, 0);
    loop {
        // A jump leads to a chain that exists: chains are deleted only when nothing refers to them.
        let Some(chain) = table.chain(current) else { return Verdict::Unknown("a jump to no chain".into()) };
        let rules = chain.rules();
        let tried = chain.candidates(key, index).map(|at| {
            let place = Standing { table, hook, chain, at, rule: &rules[at] };
            (at, judge(&place, view, *mark, environment))
        });
        // A vector that nothing is put into takes no memory.
        let mut missed = Vec::new();
        let found = { tried }.find(|(at, answer)| match answer {
            Answer::No(failed) => {
                if W::WATCHES {
                    missed.push((*at as u32, *failed));
                }
                false
            }
            _ => true,
        });
        if W::WATCHES {
            let end = found.as_ref().map_or(rules.len(), |(at, _)| *at);
            if end > index {
                watch.missed(table, hook, &chain.name, chain.misses(index, end, missed, *mark), view);
            }
        }
        let next = found.as_ref().map_or(index, |(at, _)| at + 1);
        let step = match found {
            None => Step::Leave,
            Some((at, Answer::Unknown(doubt))) => {
                let place = Standing { table, hook, chain, at, rule: &rules[at] };
                match settle(&place, doubt, key, view, *mark, &callers, environment) {
                    Ok(()) => Step::Next,
                    Err(reason) => Step::Done(Verdict::Unknown(reason)),
                }
            }
            Some((at, _)) => {
                let (rule, before) = (&rules[at], *mark);
                let step = run(&Standing { table, hook, chain, at, rule }, view, mark, environment);
                if W::WATCHES {
                    let place = Place { chain, at, rule };
                    watch.rule(table, hook, place, (before, *mark));
                }
                if let Some(chain) = table.counting(current) {
                    chain.count(at, length);
                }
                step
            }
        };
        match step {
            Step::Next => index = next,
            Step::Enter(target, goto) => {
                if let Err(bound) = callers.enter((!goto).then_some((current, next)), table) {
                    return Verdict::Unknown(bound.into());
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
                let Some(caller) = callers.leave() else { return end_of_base(table, hook, base, length, watch) };
                (current, index) = caller;
            }
            Step::Done(verdict) => return verdict,
        }
    }
}

fn end_of_base<W: Watch>(table: &mut Table, hook: Hook, base: ChainId, length: usize, watch: &mut W) -> Verdict {
    let Some(chain) = table.counting(base) else { return Verdict::Accept };
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

/// A rule where it stands.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) table: &'a Table,
    pub(super) hook: Hook,
    pub(super) chain: &'a Chain,
    /// Its place in the chain, from 0.
    pub(super) at: usize,
    pub(super) rule: &'a Rule,
}

/// Does what the target of a rule says.
pub(super) fn run<E: Environment>(place: &Standing<'_>, view: &View<'_>, mark: &mut u32, environment: &mut E) -> Step {
    let culprit = || Culprit { chain: place.chain.name.clone(), number: Some(place.at as u32 + 1) };
    let unknown = |what: &str| Step::Done(Verdict::Unknown(because(place, what)));
    match &place.rule.target {
        Target::Continue | Target::Trace | Target::Ct(None) => {}
        Target::Log(target) => environment.log(target, view, *mark),
        Target::Nflog(target) => environment.nflog(target, view, *mark),
        Target::Mark { value, mask } => *mark = (*mark & !mask) ^ value,
        Target::Connmark(change) => connmark(*change, mark, environment),
        Target::Notrack { .. } => environment.untrack(),
        Target::Ct(Some(zone)) => {
            if !environment.assign_zone(*zone, *mark) {
                return unknown("a zone");
            }
        }
        target @ (Target::Tos { .. } | Target::Dscp(_) | Target::Ttl(_) | Target::Tcpmss(_)) => {
            if !rewrite::apply(target, view, environment) {
                return Step::Done(Verdict::Drop(culprit()));
            }
        }
        Target::Unknown(text) if Target::is_harmless(text) => {}
        Target::Unknown(text) => return unknown(&format!("-j {text}")),
        Target::Jump(target) => return Step::Enter(*target, false),
        Target::Goto(target) => return Step::Enter(*target, true),
        Target::Return => return Step::Leave,
        Target::Accept => return Step::Done(Verdict::Accept),
        Target::Drop => return Step::Done(Verdict::Drop(culprit())),
        Target::Reject(with) => return Step::Done(Verdict::Reject(*with, culprit())),
        Target::Dnat(range) => return Step::Done(Verdict::Dnat(*range)),
        Target::Snat(range) => return Step::Done(Verdict::Snat(*range)),
        Target::Masquerade { ports, random_fully } => {
            return Step::Done(Verdict::Masquerade { ports: *ports, random_fully: *random_fully });
        }
        Target::Redirect { ports } => {
            // `nf_nat_redirect_ipv4`: what this machine sends goes to 127.0.0.1, what comes in to its device's address.
            let address = match (place.hook, view.in_device) {
                (Hook::Output, _) => Some(Ipv4Addr::LOCALHOST),
                (_, Some(device)) => environment.device_address(device),
                (_, None) => None,
            };
            let range =
                |address| NatRange { first: Some(address), last: Some(address), ports: *ports, random_fully: false };
            return Step::Done(
                address.map_or_else(|| Verdict::Drop(culprit()), |address| Verdict::Dnat(range(address))),
            );
        }
        Target::Netmap(net) => {
            // `netmap_tg4`.
            let mapped = |address: Ipv4Addr| {
                let host = address.to_bits() & net.hostmask().to_bits();
                let address = Some(Ipv4Addr::from_bits(net.network().to_bits() | host));
                NatRange { first: address, last: address, ports: None, random_fully: false }
            };
            return Step::Done(match place.hook {
                Hook::Prerouting | Hook::Output => Verdict::Dnat(mapped(view.packet.destination)),
                _ => Verdict::Snat(mapped(view.packet.source)),
            });
        }
    }
    Step::Next
}

/// `connmark_tg_shift`. A packet without a connection is left alone.
fn connmark<E: Environment>(change: Connmark, mark: &mut u32, environment: &mut E) {
    let Some(connection) = environment.connection() else { return };
    match change {
        Connmark::Set { value, mask } => environment.set_connection_mark((connection.mark & !mask) ^ value),
        Connmark::Save { nfmask, ctmask } => {
            environment.set_connection_mark((connection.mark & !ctmask) ^ (*mark & nfmask));
        }
        Connmark::Restore { nfmask, ctmask } => *mark = (*mark & !nfmask) ^ (connection.mark & ctmask),
    }
}
