//! What matches remember of earlier packets: the lists of `recent`, the buckets of `limit` and `hashlimit`, the counts of
//! `nfacct`.
//!
//! Time is the kernel's coarse clock, as in the kernel's own sums.

mod buckets;
mod recent;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Counter, Hashlimit, Limit, MatchId, Recent, TableName};
use crate::conntrack::Jiffies;
use buckets::{Bucket, HashTable};
use recent::List;

pub(super) use buckets::{BucketKey, limit_credits};
pub(super) use recent::Sighting;

/// What the matches of one network namespace remember.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    lists: FxHashMap<Arc<str>, List>,
    /// What single matches keep, by table.
    matches: [Kept; TableName::ALL.len()],
    hash_tables: FxHashMap<Arc<str>, HashTable>,
    accounts: FxHashMap<Arc<str>, Counter>,
}

/// What the matches of one table keep for themselves. It is gone with them.
#[derive(Clone, Debug, Default)]
struct Kept {
    generation: u32,
    buckets: FxHashMap<MatchId, Bucket>,
    nth: FxHashMap<MatchId, u32>,
}

impl Memory {
    fn kept(&mut self, which: MatchId) -> &mut Kept {
        let kept = &mut self.matches[which.table as usize];
        if kept.generation != which.generation {
            *kept = Kept { generation: which.generation, ..Kept::default() };
        }
        kept
    }

    /// Counts a packet at a `statistic --mode nth`: how many have come before, modulo `every`.
    pub(crate) fn nth(&mut self, which: MatchId, every: u32) -> u32 {
        let seen = self.kept(which).nth.entry(which).or_default();
        let place = *seen;
        *seen = (place + 1) % every;
        place
    }

    /// What `-m nfacct` has counted under a name, as `nfacct get` tells.
    pub fn account(&self, name: &str) -> Counter {
        self.accounts.get(name).copied().unwrap_or_default()
    }

    pub(super) fn count(&mut self, name: &Arc<str>, length: usize) {
        self.accounts.entry(name.clone()).or_default().add(length);
    }

    pub(super) fn recent(&mut self, options: &Recent, sighting: Sighting) -> bool {
        match self.lists.get_mut(&options.name) {
            Some(list) => list.ask(options, sighting),
            None => self.lists.entry(options.name.clone()).or_default().ask(options, sighting),
        }
    }

    pub(super) fn limit(&mut self, options: Limit, which: MatchId, now: Jiffies) -> bool {
        self.kept(which).buckets.entry(which).or_insert_with(|| Bucket::of_limit(options, now)).take(now)
    }

    /// `None` if there is no room for another bucket.
    pub(super) fn hashlimit(&mut self, options: &Hashlimit, key: BucketKey, now: Jiffies) -> Option<bool> {
        let table = match self.hash_tables.get_mut(&options.name) {
            Some(table) => table,
            None => self.hash_tables.entry(options.name.clone()).or_default(),
        };
        table.take(options, key, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::{Backend, ChainId, Ruleset, TableName, text};

    #[test]
    fn a_bucket_moves_with_its_rule_and_the_older_filter_makes_it_anew() {
        for (backend, left) in [(Backend::Nft, false), (Backend::Legacy, true)] {
            let mut rules = Ruleset::default();
            rules.backend = backend;
            let mut memory = Memory::default();
            let limit = Limit { period: 10_000 * 3600, burst: 1 };
            text::apply(&mut rules, "-A INPUT -m limit --limit 1/hour --limit-burst 1").unwrap();
            let which = |rules: &Ruleset, at| rules.table(TableName::Filter).match_id(ChainId(0), at, 0);
            assert!(memory.limit(limit, which(&rules, 0), Jiffies(0)));
            text::apply(&mut rules, "-I INPUT -p tcp").unwrap();
            assert_eq!(memory.limit(limit, which(&rules, 1), Jiffies(0)), left);
        }
    }
}
