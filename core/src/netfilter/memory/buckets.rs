//! Buckets of tokens (`xt_limit.c`, `xt_hashlimit.c`).

use rustc_hash::FxHashMap;

use crate::conntrack::{HZ, Jiffies};
use crate::netfilter::{Hashlimit, Limit};

/// Tokens for one rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    credit: u64,
    most: u64,
    cost: u64,
    per_jiffy: u64,
    last: Jiffies,
}

/// `CREDITS_PER_JIFFY` of `xt_limit.c`: the greatest power of two with which a day's credit fits into 32 bits.
const LIMIT_CREDITS: u64 = 1 << (u32::MAX as u64 / (HZ * 86_400)).ilog2();

/// The same of `xt_hashlimit.c`, for 64 bits.
const HASHLIMIT_CREDITS: u64 = 1 << (u64::MAX / (HZ * 86_400)).ilog2();

/// `user2credits` of `xt_limit.c`, in its 32 bits.
pub(in crate::netfilter) const fn limit_credits(period: u32) -> u32 {
    const SCALE: u32 = 10_000;
    const CREDITS: u32 = (HZ * LIMIT_CREDITS) as u32;
    // The first product may not fit either: then it wraps, as in C.
    if period > u32::MAX / CREDITS { (period / SCALE).wrapping_mul(CREDITS) } else { period * CREDITS / SCALE }
}

/// `user2credits` of `xt_hashlimit.c`.
const fn hashlimit_credits(period: u64) -> u64 {
    // The scale is far below the credits of a second.
    period.saturating_mul(HZ * HASHLIMIT_CREDITS / 1_000_000)
}

impl Bucket {
    /// A full one. The kernel fills it when the rule is loaded.
    pub(super) fn of_limit(options: Limit, now: Jiffies) -> Self {
        let full = limit_credits(options.period.wrapping_mul(options.burst)).into();
        let cost = limit_credits(options.period).into();
        Self { credit: full, most: full, cost, per_jiffy: LIMIT_CREDITS, last: now }
    }

    fn of_hashlimit(options: &Hashlimit, now: Jiffies) -> Self {
        let full = hashlimit_credits(options.period.saturating_mul(options.burst));
        let cost = hashlimit_credits(options.period);
        Self { credit: full, most: full, cost, per_jiffy: HASHLIMIT_CREDITS, last: now }
    }

    /// Takes the tokens for one packet, if they are there.
    pub(super) fn take(&mut self, now: Jiffies) -> bool {
        let earned = now.0.saturating_sub(self.last.0).saturating_mul(self.per_jiffy);
        self.last = now;
        self.credit = self.credit.saturating_add(earned).min(self.most);
        let enough = self.credit >= self.cost;
        if enough {
            self.credit -= self.cost;
        }
        enough
    }
}

/// What tells the buckets of a `hashlimit` apart; fields that do not count are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::netfilter) struct BucketKey {
    pub(in crate::netfilter) source: u32,
    pub(in crate::netfilter) destination: u32,
    pub(in crate::netfilter) source_port: u32,
    pub(in crate::netfilter) destination_port: u32,
}

/// The buckets under one `--hashlimit-name`.
#[derive(Clone, Debug, Default)]
pub(super) struct HashTable {
    buckets: FxHashMap<BucketKey, (Bucket, Jiffies)>,
}

impl HashTable {
    /// Takes the tokens for one packet from its bucket; `None` if there is no room for a new one.
    ///
    /// A bucket out of use is gone at its time; the kernel looks for such only every `--hashlimit-htable-gcinterval`.
    pub(super) fn take(&mut self, options: &Hashlimit, key: BucketKey, now: Jiffies) -> Option<bool> {
        let expires = Jiffies(now.0 + u64::from(options.expire) * HZ / 1000);
        if self.buckets.get(&key).is_none_or(|(_, expires)| *expires <= now) {
            if options.most > 0 && self.buckets.len() >= options.most as usize {
                self.buckets.retain(|_, (_, expires)| *expires > now);
                if self.buckets.len() >= options.most as usize {
                    return None;
                }
            }
            self.buckets.insert(key, (Bucket::of_hashlimit(options, now), expires));
        }
        let (bucket, until) = self.buckets.get_mut(&key)?;
        *until = expires;
        Some(bucket.take(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the packets sent at these milliseconds pass.
    fn passing(bucket: &mut Bucket, milliseconds: impl IntoIterator<Item = u64>) -> usize {
        milliseconds.into_iter().filter(|at| bucket.take(Jiffies(at * HZ / 1000))).count()
    }

    #[test]
    fn a_limit_lets_its_burst_through_and_then_its_rate() {
        let ten_a_second = Limit { period: 1000, burst: 5 };
        let mut bucket = Bucket::of_limit(ten_a_second, Jiffies(0));
        assert_eq!(passing(&mut bucket, [0; 20]), 5);
        assert_eq!(passing(&mut bucket, (0..=1000).step_by(4)), 10);
        assert_eq!(passing(&mut bucket, [1_000_000; 20]), 5);
    }

    #[test]
    fn the_credits_are_the_kernels() {
        // 250 ticks a second: 128 credits a tick for 32 bits, 2^39 for 64.
        assert_eq!((LIMIT_CREDITS, HASHLIMIT_CREDITS), (128, 1 << 39));
        // Three an hour, five at once: the kernel divides before it multiplies.
        assert_eq!(limit_credits(12_000_000), 1200 * 32_000);
        assert_eq!(limit_credits(12_000_000 * 5), 6000 * 32_000);
    }

    #[test]
    fn each_key_of_a_hashlimit_has_a_bucket_of_its_own_until_it_expires() {
        let options = Hashlimit {
            period: 1_000_000,
            above: false,
            burst: 2,
            fields: crate::netfilter::HashlimitFields::SOURCE,
            name: "x".into(),
            size: 0,
            most: 2,
            collect: 1000,
            expire: 1000,
            source_length: 32,
            destination_length: 32,
        };
        let key = |source| BucketKey { source, destination: 0, source_port: 0, destination_port: 0 };
        let mut table = HashTable::default();
        let mut ask = |source, seconds| table.take(&options, key(source), Jiffies(0).plus_seconds(seconds));
        assert_eq!([ask(1, 0), ask(1, 0), ask(1, 0)], [Some(true), Some(true), Some(false)]);
        assert_eq!(ask(2, 0), Some(true));
        assert_eq!(ask(3, 0), None);
        assert_eq!(ask(3, 2), Some(true));
        assert_eq!([ask(1, 2), ask(1, 2), ask(1, 2)], [Some(true), Some(true), Some(false)]);
    }
}
