use super::{Direction, Tuple};

/// A zone: connections with equal tuples in different zones are different (`struct nf_conntrack_zone`).
///
/// ```
/// use netscene_core::conntrack::{Direction, Zone};
/// let zone = Zone { id: 7, original: true, reply: false };
/// assert_eq!((zone.of(Direction::Original), zone.of(Direction::Reply)), (7, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    /// Its number; 0 is the default zone.
    pub id: u16,
    /// Whether it counts for packets of the original direction (`CT --zone`, `CT --zone-orig`).
    pub original: bool,
    /// Whether it counts for answers (`CT --zone`, `CT --zone-reply`).
    pub reply: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self { id: 0, original: true, reply: true }
    }
}

impl Zone {
    /// The number that counts in a direction (`nf_ct_zone_id`).
    pub const fn of(self, direction: Direction) -> u16 {
        let counts = match direction {
            Direction::Original => self.original,
            Direction::Reply => self.reply,
        };
        if counts { self.id } else { 0 }
    }
}

/// What the table finds a connection by: a tuple, and the number of the zone in its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tuple: Tuple,
    pub(super) zone: u16,
}
