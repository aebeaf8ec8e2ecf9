//! A full table: which connection makes room (`nf_ct_early_drop`).

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::{Direction, EntryId, Jiffies, Table, Tuple};

/// Buckets that are looked at (`NF_CT_EVICTION_RANGE`).
const BUCKETS: u32 = 8;

impl Table {
    /// Makes room for a connection that begins with `tuple`. False: there is none, and the packet is dropped.
    ///
    /// The kernel looks into eight buckets from the one that the tuple names, and drops what is not assured in the
    /// first that has such a thing. Its hash has a random seed, the model's has none.
    pub(super) fn make_room(&mut self, tuple: &Tuple, now: Jiffies) -> bool {
        let max = self.settings.max as usize;
        if max == 0 || self.used() < max {
            return true;
        }
        // What has expired is collected as it is met; nobody counts it.
        self.remove_where(|entry| entry.expires <= now);
        if self.used() < max {
            return true;
        }
        let start = self.bucket(tuple);
        let buckets = self.settings.buckets;
        let distance = |bucket: u32| (bucket + buckets - start) % buckets;
        let mut nearest: Option<(u32, EntryId)> = None;
        for (id, entry) in self.confirmed() {
            if entry.status.assured {
                continue;
            }
            for direction in [Direction::Original, Direction::Reply] {
                let away = distance(self.bucket(entry.tuple(direction)));
                if away < BUCKETS && nearest.is_none_or(|(least, _)| away < least) {
                    nearest = Some((away, id));
                }
            }
        }
        let Some((_, id)) = nearest else {
            self.stats.drop += 1;
            return false;
        };
        self.remove(id);
        self.stats.early_drop += 1;
        true
    }

    fn bucket(&self, tuple: &Tuple) -> u32 {
        let mut hasher = FxHasher::default();
        tuple.hash(&mut hasher);
        let mixed = (hasher.finish() >> 32) as u32;
        ((u64::from(mixed) * u64::from(self.settings.buckets)) >> 32) as u32
    }
}
