//! Rules of which the model cannot say whether they match: both ways are tried.

use super::callers::Callers;
use super::doubt::{Doubt, DoubtfulRule};
use super::evaluate::{Answer, judge};
use super::index::Key;
use super::walk::{
    BridgePorts, Chance, Connection, Environment, Rewritten, Sender, Standing, Step, Verdict, View, run,
};
use super::{AddressType, Chain, ChainId, CtZone, LogTarget, MatchId, PacketType, Policy, Rpfilter, SetMatch, text};
use crate::Time;
use crate::packet::DeviceName;

/// The most ways that are tried for one packet.
const MAX_WAYS: usize = 64;

/// The most rules that are tried on all those ways together.
const MAX_RULES: usize = 1 << 18;

/// Why the model does not know: `what` stands in this rule.
pub(super) fn because(place: &Standing<'_>, what: &str) -> Doubt {
    let origin = place.rule.provenance.as_ref().and_then(|by| by.place());
    let origin = origin.map(|origin| format!(" ({origin})")).unwrap_or_default();
    let (table, chain, number) = (place.table.name, place.chain.name.clone(), place.at + 1);
    let why = format!("unknown because of rule {number} of {table}/{chain}{origin}: {what}").into();
    Doubt { why, rule: Some(DoubtfulRule { table, chain, number }) }
}

/// Whether it makes no difference if a rule of which that is not known matches: then the walk can go on behind it.
/// Otherwise the reason why the model does not know. `doubt` is the place of the match in doubt.
pub(super) fn settle<E: Environment>(
    place: &Standing<'_>,
    doubt: usize,
    key: Option<&Key>,
    view: &View<'_>,
    mark: u32,
    callers: &Callers,
    environment: &E,
) -> Result<(), Doubt> {
    let doubtful = &place.rule.matches[doubt..];
    let reason = || {
        let text = doubtful.first().map_or_else(String::new, text::match_text);
        let why = match doubtful.first() {
            Some(super::Match::Set(set)) => environment.set_doubt(&set.value),
            _ => None,
        };
        because(place, &why.map_or_else(|| text.clone(), |why| format!("{text} ({why})")))
    };
    // Were it tried or not, a match that remembers would leave another memory behind.
    if doubtful.iter().any(super::Match::has_effects) {
        return Err(reason());
    }
    let ends = Explorer { place: *place, key, view, environment }.ends(mark, callers).ok_or_else(reason)?;
    let same = ends.windows(2).all(|pair| pair[0] == pair[1]);
    if same { Ok(()) } else { Err(reason()) }
}

/// How a way ends.
#[derive(PartialEq)]
struct End {
    verdict: Verdict,
    mark: u32,
    changes: Changes,
}

/// What the rules on a way have done.
#[derive(Clone, Default, PartialEq)]
struct Changes {
    connection_mark: Option<u32>,
    untracked: bool,
    zone: Option<(CtZone, u32)>,
    rewritten: Option<Rewritten>,
}

/// A point on a way.
struct Fork {
    chain: ChainId,
    index: usize,
    callers: Callers,
    mark: u32,
    changes: Changes,
    /// The doubtful rule at `index` is taken to match.
    matching: bool,
}

struct Explorer<'a, E> {
    place: Standing<'a>,
    key: Option<&'a Key>,
    view: &'a View<'a>,
    environment: &'a E,
}

impl<E: Environment> Explorer<'_, E> {
    /// How every way ends; `None` if one of them leads to something unknown, or there are too many.
    fn ends(&self, mark: u32, callers: &Callers) -> Option<Vec<End>> {
        let chain = self.place.table.chain_id(&self.place.chain.name)?;
        let fork = |matching, index| {
            let (callers, changes) = (callers.clone(), Changes::default());
            Fork { chain, index, callers, mark, changes, matching }
        };
        let mut forks = vec![fork(false, self.place.at + 1), fork(true, self.place.at)];
        let mut ends = Vec::new();
        let mut rules = 0;
        while let Some(fork) = forks.pop() {
            if ends.len() + forks.len() >= MAX_WAYS {
                return None;
            }
            ends.push(self.follow(fork, &mut forks, &mut rules)?);
        }
        Some(ends)
    }

    /// Follows a way to its end. Where a further rule is in doubt, this way passes it and another one begins.
    fn follow(&self, fork: Fork, forks: &mut Vec<Fork>, tried: &mut usize) -> Option<End> {
        let Standing { table, hook, .. } = self.place;
        let Fork { mut chain, mut index, mut callers, mut mark, changes, mut matching } = fork;
        let mut around = Untouched { environment: self.environment, changes };
        loop {
            let found = table.chain(chain)?;
            let mut candidates = found.candidates(self.key, index);
            let step = loop {
                let Some(at) = candidates.next() else { break Step::Leave };
                *tried += 1;
                if *tried > MAX_RULES {
                    return None;
                }
                let place = Standing { table, hook, chain: found, at, rule: &found.rules()[at] };
                let taken = std::mem::take(&mut matching);
                if !taken {
                    match judge(&place, self.view, mark, &mut around) {
                        Answer::No(_) => continue,
                        Answer::Yes => {}
                        // A match that remembers has been reached, or may be.
                        Answer::Unknown(at) if place.rule.matches[at..].iter().any(super::Match::has_effects) => {
                            return None;
                        }
                        Answer::Unknown(_) => {
                            let (callers, changes) = (callers.clone(), around.changes.clone());
                            forks.push(Fork { chain, index: at, callers, mark, changes, matching: true });
                            continue;
                        }
                    }
                }
                index = at + 1;
                break run(&place, self.view, &mut mark, &mut around);
            };
            match step {
                Step::Next => {}
                Step::Enter(to, goto) => {
                    callers.enter((!goto).then_some((chain, index)), table).ok()?;
                    (chain, index) = (to, 0);
                }
                Step::Leave => match callers.leave() {
                    Some(back) => (chain, index) = back,
                    None => return Some(End { verdict: policy(found), mark, changes: around.changes }),
                },
                Step::Done(Verdict::Unknown(_)) => return None,
                Step::Done(verdict) => {
                    return Some(End { verdict: anonymous(verdict), mark, changes: around.changes });
                }
            }
        }
    }
}

fn policy(chain: &Chain) -> Verdict {
    match chain.policy {
        Some(Policy::Drop) => Verdict::Drop(nobody()),
        _ => Verdict::Accept,
    }
}

fn nobody() -> super::walk::Culprit {
    super::walk::Culprit { chain: "".into(), number: None }
}

/// The verdict, whoever's it is.
fn anonymous(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Drop(_) => Verdict::Drop(nobody()),
        Verdict::Reject(with, _) => Verdict::Reject(with, nobody()),
        verdict => verdict,
    }
}

/// The namespace, with what rules do to it kept apart.
struct Untouched<'a, E> {
    environment: &'a E,
    changes: Changes,
}

impl<E: Environment> Environment for Untouched<'_, E> {
    fn address_type(&self, address: std::net::Ipv4Addr, device: Option<DeviceName>) -> AddressType {
        self.environment.address_type(address, device)
    }

    fn reverse_path(&self, view: &View<'_>, mark: u32, options: Rpfilter) -> Option<bool> {
        self.environment.reverse_path(view, mark, options)
    }

    fn in_set(&self, set: &SetMatch, view: &View<'_>, mark: u32) -> Option<bool> {
        self.environment.in_set(set, view, mark)
    }

    fn is_trial(&self) -> bool {
        true
    }

    // Neither is asked where rules are only tried.
    fn chance(&mut self, _: &Chance<'_>) -> bool {
        false
    }

    fn nth(&mut self, _: MatchId, _: u32) -> u32 {
        0
    }

    fn log(&mut self, _: &LogTarget, _: &View<'_>, _: u32) {}

    fn now(&self) -> Time {
        self.environment.now()
    }

    fn connection(&self) -> Option<Connection> {
        let connection = self.environment.connection()?;
        Some(Connection { mark: self.changes.connection_mark.unwrap_or(connection.mark), ..connection })
    }

    fn set_connection_mark(&mut self, mark: u32) {
        self.changes.connection_mark = Some(mark);
    }

    fn untrack(&mut self) {
        self.changes.untracked = true;
    }

    fn is_untracked(&self) -> bool {
        self.changes.untracked || self.environment.is_untracked()
    }

    fn assign_zone(&mut self, zone: CtZone, mark: u32) -> bool {
        self.changes.zone = Some((zone, mark));
        true
    }

    fn bridge(&self) -> Option<BridgePorts> {
        self.environment.bridge()
    }

    fn sender(&self) -> Sender {
        self.environment.sender()
    }

    fn packet_type(&self) -> PacketType {
        self.environment.packet_type()
    }

    fn device_address(&self, device: DeviceName) -> Option<std::net::Ipv4Addr> {
        self.environment.device_address(device)
    }

    fn path_mtu(&self, view: &View<'_>) -> Option<u16> {
        self.environment.path_mtu(view)
    }

    fn rewritten(&self) -> Rewritten {
        self.changes.rewritten.unwrap_or_else(|| self.environment.rewritten())
    }

    fn rewrite(&mut self, fields: Rewritten) {
        self.changes.rewritten = Some(fields);
    }
}
