use std::fmt;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::{Match, Target};
use crate::Origin;
use crate::packet::DevicePattern;

/// A condition that a `!` may turn round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negatable<T> {
    /// What is compared.
    pub value: T,
    /// Whether `!` stands before it.
    pub negated: bool,
}

impl<T> Negatable<T> {
    /// The plain condition.
    pub const fn is(value: T) -> Self {
        Self { value, negated: false }
    }

    /// The condition turned round.
    pub const fn not(value: T) -> Self {
        Self { value, negated: true }
    }

    /// `outcome` of the comparison, turned round if `!` stands before it.
    pub const fn holds(&self, outcome: bool) -> bool {
        outcome != self.negated
    }
}

/// The part of a rule that needs no `-m` (`struct ipt_ip`). `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `-s`.
    pub source: Option<Negatable<Ipv4Net>>,
    /// `-d`.
    pub destination: Option<Negatable<Ipv4Net>>,
    /// `-i`.
    pub in_device: Option<Negatable<DevicePattern>>,
    /// `-o`.
    pub out_device: Option<Negatable<DevicePattern>>,
    /// `-p`, by number. Never 0: `-p all` is `None`.
    pub protocol: Option<Negatable<u8>>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Addresses, devices, protocol.
    pub header: Header,
    /// The `-m` matches, in the order written: they are tried, and printed, in that order.
    pub matches: Vec<Match>,
    /// What happens to a packet that matches.
    pub target: Target,
    /// Who wrote the rule and why, if that is known.
    pub provenance: Option<Arc<Provenance>>,
}

/// Who wrote a rule, from which field of which object, and where that object was declared.
///
/// To this module all of it is opaque text: the agents fill it in, traces print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The program that wrote the rule, such as `kube-proxy`.
    pub agent: Arc<str>,
    /// The object it came from, such as `service default/frontend`; empty for a program's fixed rules.
    pub object: Arc<str>,
    /// The field of the object, such as `port 80`; empty when the whole object is the cause.
    pub field: Arc<str>,
    /// Where the object was declared.
    pub origin: Option<Origin>,
    /// The line of a dump that the rule itself was read from.
    pub read: Option<Origin>,
}

impl Provenance {
    /// Where to look the rule up: the line it was read from, or else the object's.
    pub fn place(&self) -> Option<&Origin> {
        self.read.as_ref().or(self.origin.as_ref())
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.agent)?;
        if !self.object.is_empty() {
            write!(f, ": {}", self.object)?;
        }
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        match (&self.origin, &self.read) {
            (Some(origin), Some(read)) => write!(f, " ({origin}; {read})"),
            (Some(place), None) | (None, Some(place)) => write!(f, " ({place})"),
            (None, None) => Ok(()),
        }
    }
}
