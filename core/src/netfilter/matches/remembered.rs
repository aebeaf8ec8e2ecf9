//! Conditions on what went before: chance, counting, rates, lists of addresses.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::SetDirection;

/// Options of `-m statistic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// `--mode random --probability P`. The kernel keeps `round(P * 2^31)`, and so does this.
    Random {
        /// The probability as a fraction of 2^31.
        probability: u32,
        /// Whether `!` stands before `--probability`.
        negated: bool,
    },
    /// `--mode nth --every N --packet P`.
    Nth {
        /// One packet of how many.
        every: u32,
        /// The first that matches, from 0.
        packet: u32,
        /// Whether `!` stands before `--every`.
        negated: bool,
    },
}

/// Options of `-m recent`: a list of addresses with the times they were seen at (`xt_recent.h`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// What is asked or done.
    pub action: RecentAction,
    /// Whether `!` stands before the action.
    pub negated: bool,
    /// `--seconds`: only sightings of the last so many seconds count; 0 for all.
    pub seconds: u32,
    /// `--reap`: forgets the oldest entry if it is older than that.
    pub reap: bool,
    /// `--hitcount`: so many sightings, at least; 0 for one.
    pub hit_count: u32,
    /// `--rttl`: the time to live must be the one seen before.
    pub ttl: bool,
    /// `--name`.
    pub name: Arc<str>,
    /// `--mask`: the bits of the address that count.
    pub mask: Ipv4Addr,
    /// `--rsource` or `--rdest`.
    pub side: SetDirection,
}

/// What `-m recent` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecentAction {
    /// `--set`: notes the address. Matches.
    Set,
    /// `--rcheck`: is the address in the list?
    Check,
    /// `--update`: the same, and a sighting is noted if so.
    Update,
    /// `--remove`: is it, and takes it out.
    Remove,
}

/// Options of `-m limit`: a bucket of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// `--limit`: the time for one packet, in ten-thousandths of a second (`XT_LIMIT_SCALE`), as the kernel keeps it.
    pub period: u32,
    /// `--limit-burst`.
    pub burst: u32,
}

impl Limit {
    /// Whether the kernel can count the credit of such a burst: in its 32 bits it must not come out below that of one
    /// packet (`limit_mt_check`).
    pub(crate) fn is_countable(self) -> bool {
        crate::netfilter::memory::limit_credits(self.period.wrapping_mul(self.burst))
            >= crate::netfilter::memory::limit_credits(self.period)
    }
}

/// Options of `-m hashlimit`: a bucket of tokens for each address, port or pair of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashlimit {
    /// `--hashlimit-upto` or `--hashlimit-above`: the time for one packet, in millionths of a second
    /// (`XT_HASHLIMIT_SCALE_v2`).
    pub period: u64,
    /// Whether it is `--hashlimit-above`.
    pub above: bool,
    /// `--hashlimit-burst`.
    pub burst: u64,
    /// `--hashlimit-mode`: what tells buckets apart.
    pub fields: HashlimitFields,
    /// `--hashlimit-name`.
    pub name: Arc<str>,
    /// `--hashlimit-htable-size`; 0 leaves it to the kernel.
    pub size: u32,
    /// `--hashlimit-htable-max`; 0 leaves it to the kernel.
    pub most: u32,
    /// `--hashlimit-htable-gcinterval` in milliseconds.
    pub collect: u32,
    /// `--hashlimit-htable-expire` in milliseconds: when an unused bucket is forgotten.
    pub expire: u32,
    /// `--hashlimit-srcmask`.
    pub source_length: u8,
    /// `--hashlimit-dstmask`.
    pub destination_length: u8,
}

/// A set of the fields that `--hashlimit-mode` names (`XT_HASHLIMIT_HASH_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashlimitFields(pub u8);

impl HashlimitFields {
    /// The fields, in the order in which iptables prints them (`print_mode` of `libxt_hashlimit.c`).
    pub const NAMED: [(Self, &'static str); 4] = [
        (Self::SOURCE, "srcip"),
        (Self::SOURCE_PORT, "srcport"),
        (Self::DESTINATION, "dstip"),
        (Self::DESTINATION_PORT, "dstport"),
    ];
    /// The destination address.
    pub const DESTINATION: Self = Self(1);
    /// The destination port.
    pub const DESTINATION_PORT: Self = Self(1 << 1);
    /// The source address.
    pub const SOURCE: Self = Self(1 << 2);
    /// The source port.
    pub const SOURCE_PORT: Self = Self(1 << 3);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every field of `other` is among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
