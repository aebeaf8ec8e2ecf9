//! Conditions on the IPv4 header that a rule's own header does not cover.

use std::net::Ipv4Addr;

use crate::netfilter::Negatable;

/// Addresses from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest address.
    pub last: Ipv4Addr,
}

impl AddressRange {
    /// Whether `address` lies within.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.first <= address && address <= self.last
    }
}

/// Options of `-m iprange`. `None` matches everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Iprange {
    /// `--src-range`.
    pub source: Option<Negatable<AddressRange>>,
    /// `--dst-range`.
    pub destination: Option<Negatable<AddressRange>>,
}

/// Lengths in bytes from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthRange {
    /// The shortest.
    pub first: u16,
    /// The longest.
    pub last: u16,
}

/// `-m ttl` compares the time to live in one of these ways (`ipt_ttl.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlMatch {
    /// `--ttl-eq`.
    Equal(u8),
    /// `! --ttl-eq`.
    Other(u8),
    /// `--ttl-lt`.
    Less(u8),
    /// `--ttl-gt`.
    Greater(u8),
}
