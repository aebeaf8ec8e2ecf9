//! Confirmation: a connection whose first packet has got through enters the table, unless another one has taken its
//! place meanwhile (`__nf_conntrack_confirm`, `nf_ct_resolve_clash`).

use super::zone::Key;
use super::{Clash, Direction, EntryId, Jiffies, Table, Tracked};
use crate::packet::protocol;

/// What becomes of the first packet of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Its connection is in the table.
    Entered,
    /// Another packet of the same flow was faster: it belongs to that one's connection.
    Merged(Tracked),
    /// Its connection cannot be in the table, and it is to be dropped.
    Dropped,
}

/// UDP-Lite.
const UDP_LITE: u8 = 136;

impl Table {
    /// Puts an unconfirmed connection into the table: its first packet has got through (`nf_conntrack_confirm`).
    pub fn confirm(&mut self, tracked: Tracked, now: Jiffies) -> Confirmed {
        let Some(entry) = self.get_mut(tracked.entry) else { return Confirmed::Dropped };
        if entry.status.confirmed {
            return Confirmed::Entered;
        }
        let zone = entry.zone;
        let original = Key { tuple: entry.original, zone: zone.of(Direction::Original) };
        let reply = Key { tuple: entry.reply, zone: zone.of(Direction::Reply) };
        let clashing = self.holder(&original, now).or_else(|| self.holder(&reply, now));
        if let Some(winner) = clashing {
            let outcome = self.resolve(tracked, winner, &reply, now);
            if outcome == Confirmed::Dropped {
                self.stats.insert_failed += 1;
                self.stats.drop += 1;
                self.forget_unconfirmed(tracked.entry);
            } else {
                self.stats.clash_resolve += 1;
            }
            return outcome;
        }
        if let Some(entry) = self.get_mut(tracked.entry) {
            entry.status.confirmed = true;
        }
        self.insert(original, tracked.entry, Direction::Original);
        self.insert(reply, tracked.entry, Direction::Reply);
        Confirmed::Entered
    }

    /// The live connection that is in the table by `key`. One that has expired is cleared away.
    fn holder(&mut self, key: &Key, now: Jiffies) -> Option<EntryId> {
        let (id, _) = self.at(key)?;
        if self.get(id).is_some_and(|entry| entry.expires > now) {
            return Some(id);
        }
        self.remove(id);
        None
    }

    /// `nf_ct_resolve_clash`: only UDP's connections may be taken for each other.
    fn resolve(&mut self, tracked: Tracked, winner: EntryId, reply: &Key, now: Jiffies) -> Confirmed {
        let (Some(first), Some(second)) = (self.get(winner), self.get(tracked.entry)) else {
            return Confirmed::Dropped;
        };
        if !matches!(second.original.protocol, protocol::UDP | UDP_LITE) {
            return Confirmed::Dropped;
        }
        let rule = self.kernel.clash;
        let untouched = !first.status.src_nat_done && !first.status.dst_nat_done;
        let alike = (first.original, first.reply, first.zone) == (second.original, second.reply, second.zone);
        if untouched || rule >= Clash::SameTuples && alike {
            self.forget_unconfirmed(tracked.entry);
            return Confirmed::Merged(Tracked { entry: winner, ..tracked });
        }
        if rule < Clash::SameOriginal || self.at(reply).is_some() {
            return Confirmed::Dropped;
        }
        // Both stand, the loser hidden behind its answers, and not for long (`nf_ct_resolve_clash_harder`).
        if let Some(loser) = self.get_mut(tracked.entry) {
            loser.status.nat_clash = true;
            loser.status.confirmed = true;
            loser.expires = now.plus_seconds(1);
        }
        self.insert(*reply, tracked.entry, Direction::Reply);
        Confirmed::Entered
    }
}
