//! The lists of `-m recent` (`xt_recent.c`).

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use crate::conntrack::{HZ, Jiffies};
use crate::map::IndexMap;
use crate::netfilter::{Recent, RecentAction};

/// `ip_list_tot`: the addresses of one list.
const MOST: usize = 100;

/// Times kept for one address. The kernel keeps as many as the greatest `--hitcount` of the list's rules asks for, 32 at
/// least; as only the latest of them count, more of them change nothing.
const TIMES: usize = 256;

/// An address in a packet, when, and with which time to live.
#[derive(Clone, Copy, Debug)]
pub(in crate::netfilter) struct Sighting {
    pub(in crate::netfilter) address: Ipv4Addr,
    pub(in crate::netfilter) ttl: u8,
    pub(in crate::netfilter) now: Jiffies,
}

#[derive(Clone, Debug)]
struct Entry {
    ttl: u8,
    /// The oldest first.
    times: VecDeque<Jiffies>,
}

/// One list, the address that was noted longest ago first.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    entries: IndexMap<u32, Entry>,
}

impl List {
    /// `recent_mt`.
    pub(super) fn ask(&mut self, options: &Recent, sighting: Sighting) -> bool {
        let Sighting { address, ttl, now } = sighting;
        let key = address.to_bits() & options.mask.to_bits();
        // `recent_entry_lookup`: of 0, either side matches any.
        let same_ttl = |entry: &&Entry| !options.ttl || entry.ttl == ttl || ttl == 0 || entry.ttl == 0;
        let entry = self.entries.get(&key).filter(same_ttl);
        let found = match (options.action, entry) {
            (RecentAction::Check | RecentAction::Update, Some(entry)) => {
                let fresh = |time: &&Jiffies| options.seconds == 0 || !older(**time, options.seconds, now);
                let wanted = options.hit_count.max(1) as usize;
                entry.times.iter().filter(fresh).take(wanted).count() == wanted
            }
            (RecentAction::Set, _) | (RecentAction::Remove, Some(_)) => true,
            (_, None) => return options.negated,
        };
        let matches = found != options.negated;
        match options.action {
            RecentAction::Remove => drop(self.entries.shift_remove(&key)),
            RecentAction::Set => self.note(key, ttl, now),
            RecentAction::Check | RecentAction::Update => {
                let updates = options.action == RecentAction::Update && matches;
                if options.reap {
                    self.reap(options.seconds, now, updates.then_some(key));
                }
                if updates {
                    self.note(key, ttl, now);
                }
            }
        }
        matches
    }

    fn note(&mut self, key: u32, ttl: u8, now: Jiffies) {
        let entry = self.entries.shift_remove(&key);
        if entry.is_none() && self.entries.len() >= MOST {
            self.entries.shift_remove_index(0);
        }
        let mut entry = entry.unwrap_or_else(|| Entry { ttl, times: VecDeque::new() });
        if entry.times.len() == TIMES {
            entry.times.pop_front();
        }
        entry.ttl = ttl;
        entry.times.push_back(now);
        self.entries.insert(key, entry);
    }

    /// `recent_entry_reap`: forgets the address noted longest ago, if that was before the time that counts.
    fn reap(&mut self, seconds: u32, now: Jiffies, kept: Option<u32>) {
        let oldest = self.entries.first().filter(|(key, _)| Some(**key) != kept);
        if oldest.and_then(|(_, entry)| entry.times.back()).is_some_and(|time| older(*time, seconds, now)) {
            self.entries.shift_remove_index(0);
        }
    }
}

/// Whether `time` lies more than `seconds` before `now`.
fn older(time: Jiffies, seconds: u32, now: Jiffies) -> bool {
    time.0 + u64::from(seconds) * HZ < now.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::SetDirection;

    fn rule(action: RecentAction) -> Recent {
        Recent {
            action,
            negated: false,
            seconds: 0,
            reap: false,
            hit_count: 0,
            ttl: false,
            name: "x".into(),
            mask: Ipv4Addr::BROADCAST,
            side: SetDirection::Source,
        }
    }

    fn at(last: u8, seconds: u64) -> Sighting {
        Sighting { address: Ipv4Addr::new(10, 0, 0, last), ttl: 64, now: Jiffies(0).plus_seconds(seconds) }
    }

    #[test]
    fn an_address_is_known_for_the_seconds_asked() {
        let mut list = List::default();
        let affinity = Recent { seconds: 10_800, reap: true, ..rule(RecentAction::Check) };
        assert!(!list.ask(&affinity, at(1, 0)));
        assert!(list.ask(&rule(RecentAction::Set), at(1, 0)));
        assert!(list.ask(&affinity, at(1, 10_800)));
        assert!(!list.ask(&affinity, at(2, 10_800)));
        assert!(!list.ask(&affinity, at(1, 10_801)));
        assert!(list.entries.is_empty(), "reaped");
    }

    #[test]
    fn hits_are_counted_and_only_an_update_that_matches_is_one() {
        let mut list = List::default();
        let third = Recent { seconds: 60, hit_count: 3, ..rule(RecentAction::Update) };
        list.ask(&rule(RecentAction::Set), at(1, 0));
        list.ask(&rule(RecentAction::Set), at(1, 1));
        assert!(!list.ask(&third, at(1, 2)));
        list.ask(&rule(RecentAction::Set), at(1, 3));
        assert!(list.ask(&third, at(1, 4)));
        assert!(list.ask(&Recent { negated: true, ..rule(RecentAction::Check) }, at(9, 4)));
    }

    #[test]
    fn the_oldest_of_a_hundred_addresses_makes_room_and_masks_join_them() {
        let mut list = List::default();
        for last in 0..=100 {
            list.ask(&rule(RecentAction::Set), at(last, u64::from(last)));
        }
        assert!(!list.ask(&rule(RecentAction::Check), at(0, 200)));
        assert!(list.ask(&rule(RecentAction::Remove), at(1, 200)));
        assert!(!list.ask(&rule(RecentAction::Remove), at(1, 200)));
        let network = Recent { mask: Ipv4Addr::new(255, 255, 255, 0), ..rule(RecentAction::Check) };
        assert!(!list.ask(&network, at(2, 200)), "the list holds no .0");
    }

    #[test]
    fn rttl_tells_one_sender_from_another() {
        let mut list = List::default();
        list.ask(&rule(RecentAction::Set), at(1, 0));
        let strict = Recent { ttl: true, ..rule(RecentAction::Check) };
        assert!(list.ask(&strict, at(1, 0)));
        assert!(!list.ask(&strict, Sighting { ttl: 63, ..at(1, 0) }));
    }
}
