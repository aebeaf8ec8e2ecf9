//! What matches remember of earlier packets: the lists of `recent`, the buckets of `limit` and `hashlimit`, the counts of
//! `nfacct`.
//!
//! Time is the kernel's coarse clock, as in the kernel's own sums.

mod buckets;
mod recent;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{ChainId, Counter, Hashlimit, Limit, Recent, TableName};
use crate::conntrack::Jiffies;
use buckets::{Bucket, HashTable};
use recent::List;

pub(super) use buckets::{BucketKey, limit_credits};
pub(super) use recent::Sighting;

/// What the matches of one network namespace remember.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    lists: FxHashMap<Arc<str>, List>,
    /// By the place of the rule. The kernel throws a bucket away with its rule; here it stays with the place.
    buckets: FxHashMap<(TableName, ChainId, usize), Bucket>,
    hash_tables: FxHashMap<Arc<str>, HashTable>,
    accounts: FxHashMap<Arc<str>, Counter>,
}

impl Memory {
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

    pub(super) fn limit(&mut self, options: Limit, place: (TableName, ChainId, usize), now: Jiffies) -> bool {
        self.buckets.entry(place).or_insert_with(|| Bucket::of_limit(options, now)).take(now)
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
