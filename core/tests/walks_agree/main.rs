//! A law: the walk by the index finds what the plain walk finds. The same rules match, in the same order; the same marks,
//! counters, verdict and lines of the log come of it; and as much chance is used up.
//!
//! `NETSCENE_PAIRS` is the number of (rule set, packet) pairs, `NETSCENE_SEED` the seed. Without them it is a million
//! pairs of seed 0, and 50,000 where nothing is optimized.

#![expect(clippy::unwrap_used, reason = "writing into a string does not fail")]
#![expect(clippy::print_stdout, reason = "the seed is to be seen")]

mod around;
mod rules;

use std::sync::Arc;

use around::Around;
use netscene_core::Random;
use netscene_core::netfilter::walk::{Place, Verdict, View, Watch, plain_walk, walk};
use netscene_core::netfilter::{Hook, Match, Misses, Policy, Ruleset, Seen, Table, TableName, Target, text};
use rules::{any_packet, any_rules, pick};

/// The packets that each rule set is tried with, one after the other.
const PACKETS: u64 = 25;

/// Everything that a walk tells, in the order in which it tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    rules: Vec<(Arc<str>, u32, (u32, u32))>,
    ends: Vec<(usize, Arc<str>, Option<Policy>)>,
    /// Rules that did not match: the chain, the first and the last.
    missed: Vec<(Arc<str>, u32, u32)>,
}

impl Watch for Told {
    const WATCHES: bool = true;

    fn rule(&mut self, _: &Table, _: Hook, place: Place<'_>, marks: (u32, u32)) {
        self.rules.push((place.chain.name.clone(), place.at as u32 + 1, marks));
    }

    fn missed(&mut self, _: &Table, _: Hook, chain: &Arc<str>, mut misses: Misses, view: &View<'_>) {
        self.missed.push((chain.clone(), misses.first, misses.last));
        // Whatever the index leaves out has a condition that fails when it is looked at. A part of them is enough to see.
        if self.missed.len() % 8 == 1 {
            misses.seen = Some(Arc::new(Seen::of(view)));
            for miss in misses.all() {
                assert!(
                    miss.clause.is_some(),
                    "rule {} of {chain} is left out, and nothing in it fails: {view:?}",
                    miss.number
                );
            }
        }
    }

    fn chain_end(&mut self, _: &Table, _: Hook, chain: &Arc<str>, policy: Option<Policy>) {
        self.ends.push((self.rules.len(), chain.clone(), policy));
    }
}

/// A table with its surroundings, before or after a walk.
#[derive(Clone)]
struct Side {
    rules: Ruleset,
    around: Around,
    mark: u32,
    told: Told,
}

impl Side {
    fn take(&mut self, table: TableName, hook: Hook, view: &View<'_>, indexed: bool) -> Verdict {
        self.told = Told::default();
        let Self { rules, around, mark, told } = self;
        if indexed {
            walk(rules.table_mut(table), hook, view, mark, around, told)
        } else {
            plain_walk(rules.table_mut(table), hook, view, mark, around, told)
        }
    }
}

#[test]
fn both_walks_find_the_same() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("NETSCENE_SEED").unwrap_or(0);
    let pairs = number("NETSCENE_PAIRS").unwrap_or(if cfg!(debug_assertions) { 50_000 } else { 1_000_000 });
    let (mut hits, mut met) = (0, Met::default());
    for case in 0..pairs.div_ceil(PACKETS) {
        hits += agree(seed, case, &mut met);
    }
    println!("seed {seed}: {pairs} pairs, {hits} rules matched");
    assert!(hits > pairs as usize, "the generator makes rules that match: {hits} of {pairs}");
    met.is_everything();
}

/// Takes packets through one rule set by both walks. The number of rules that matched.
fn agree(seed: u64, case: u64, met: &mut Met) -> usize {
    let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ case);
    let (table, hook, input) = any_rules(&mut random);
    let mut rules = Ruleset::default();
    let parsed = input.parse().unwrap_or_else(|never| match never {});
    if let Err(error) = text::restore(&mut rules, &parsed) {
        panic!("the generator made rules that are refused: {error}\n{input}");
    }
    met.note(rules.table(table));
    let mut plain = Side { rules, around: Around::new(case), mark: 0, told: Told::default() };
    let mut indexed = plain.clone();
    let mut hits = 0;
    for packet in 0..PACKETS {
        let (packet_made, in_device, out_device, ct) = any_packet(&mut random, hook);
        let view = View { packet: &packet_made, in_device, out_device, ct };
        let mark = pick(&mut random, &[0, 0x4000, 0x8000, 0x1]);
        (plain.mark, indexed.mark) = (mark, mark);
        let verdicts = (plain.take(table, hook, &view, false), indexed.take(table, hook, &view, true));
        let left = (plain.around.random.below(u32::MAX), indexed.around.random.below(u32::MAX));
        let same = verdicts.0 == verdicts.1
            && plain.told == indexed.told
            && plain.mark == indexed.mark
            && left.0 == left.1
            && plain.around == indexed.around;
        assert!(
            same,
            "seed {seed}, case {case}, packet {packet}: {view:?}\nplain: {:?} {:?}\nindexed: {:?} {:?}\n{input}",
            verdicts.0, plain.told, verdicts.1, indexed.told
        );
        hits += plain.told.rules.len();
    }
    let saved = [&plain, &indexed].map(|side| text::save(&side.rules, &[table], true));
    assert_eq!(saved[0], saved[1], "seed {seed}, case {case}: counters");
    hits
}

/// Which matches and targets have come up.
#[derive(Default)]
struct Met {
    matches: Vec<&'static str>,
    targets: Vec<&'static str>,
}

impl Met {
    fn note(&mut self, table: &Table) {
        if self.matches.len() == MATCHES && self.targets.len() == TARGETS {
            return;
        }
        for rule in table.chains().flat_map(|(_, chain)| chain.rules()) {
            for name in rule.matches.iter().map(match_name) {
                if !self.matches.contains(&name) {
                    self.matches.push(name);
                }
            }
            let name = target_name(&rule.target);
            if !self.targets.contains(&name) {
                self.targets.push(name);
            }
        }
    }

    fn is_everything(&self) {
        assert_eq!(self.matches.len(), MATCHES, "matches that were tried: {:?}", self.matches);
        assert_eq!(self.targets.len(), TARGETS, "targets that were tried: {:?}", self.targets);
    }
}

/// How many names [`match_name`] has.
const MATCHES: usize = 27;
/// How many names [`target_name`] has.
const TARGETS: usize = 24;

/// A new kind of match does not compile here until the generator makes it.
fn match_name(one: &Match) -> &'static str {
    match one {
        Match::Comment(_) => "comment",
        Match::Tcp(_) => "tcp",
        Match::Udp(_) => "udp",
        Match::Sctp(_) => "sctp",
        Match::Multiport(_) => "multiport",
        Match::Icmp(_) => "icmp",
        Match::Mark(_) => "mark",
        Match::Conntrack(_) => "conntrack",
        Match::State(_) => "state",
        Match::Addrtype(_) => "addrtype",
        Match::Statistic(_) => "statistic",
        Match::Set(_) => "set",
        Match::Rpfilter(_) => "rpfilter",
        Match::Connmark(_) => "connmark",
        Match::Recent(_) => "recent",
        Match::Limit(_) => "limit",
        Match::Hashlimit(_) => "hashlimit",
        Match::Physdev(_) => "physdev",
        Match::Iprange(_) => "iprange",
        Match::Length(_) => "length",
        Match::Ttl(_) => "ttl",
        Match::Tos(_) => "tos",
        Match::Dscp(_) => "dscp",
        Match::Pkttype(_) => "pkttype",
        Match::Owner(_) => "owner",
        Match::Nfacct(_) => "nfacct",
        Match::Unknown(_) => "unknown",
    }
}

/// The same for targets.
fn target_name(target: &Target) -> &'static str {
    match target {
        Target::Continue => "none",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Jump(_) => "jump",
        Target::Goto(_) => "goto",
        Target::Reject(_) => "REJECT",
        Target::Log(_) => "LOG",
        Target::Mark { .. } => "MARK",
        Target::Dnat(_) => "DNAT",
        Target::Snat(_) => "SNAT",
        Target::Masquerade { .. } => "MASQUERADE",
        Target::Redirect { .. } => "REDIRECT",
        Target::Netmap(_) => "NETMAP",
        Target::Nflog(_) => "NFLOG",
        Target::Connmark(_) => "CONNMARK",
        Target::Notrack { .. } => "NOTRACK",
        Target::Ct(_) => "CT",
        Target::Tcpmss(_) => "TCPMSS",
        Target::Tos { .. } => "TOS",
        Target::Dscp(_) => "DSCP",
        Target::Ttl(_) => "TTL",
        Target::Trace => "TRACE",
        Target::Unknown(_) => "unknown",
    }
}
