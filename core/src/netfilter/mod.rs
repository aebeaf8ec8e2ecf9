//! netfilter: tables, chains, rules, matches, targets and ipsets; walking them; iptables' text in and out.
//!
//! Nothing here knows of Kubernetes: a [`Ruleset`] can be read from an `iptables-save` dump and walked alone.
//!
//! - [`Rule`] is one line of `iptables-save`: a [`Header`], [`Match`]es in the order written, a [`Target`];
//! - [`Table`] holds chains, [`Ruleset`] the five tables of a namespace;
//! - [`walk::walk`] takes a packet through one table at one [`Hook`], with an index for long chains;
//! - [`text`] reads what `iptables` and `iptables-restore` take.

mod callers;
mod doubt;
mod evaluate;
mod index;
pub mod ipset;
pub mod log;
mod matches;
mod memory;
mod misses;
mod rewrite;
mod rule;
mod table;
mod target;
pub mod text;
mod tracking;
mod unknown;
#[cfg(test)]
mod unknown_tests;
pub mod walk;

pub use doubt::{Doubt, DoubtfulRule};
pub use matches::{
    AddressRange, AddressType, AddressTypes, Addrtype, Conntrack, CtDirection, CtState, CtStates, CtStatuses,
    Hashlimit, HashlimitFields, IdRange, Iprange, LengthRange, Limit, Match, Multiport, MultiportSide, Owner,
    PacketType, Physdev, PortRange, Recent, RecentAction, Rpfilter, SetDirection, SetMatch, Statistic, TcpMatch,
    TtlMatch, UdpMatch,
};
pub use memory::Memory;
pub use misses::{Miss, Misses, Seen};
pub use rule::{Header, Negatable, Provenance, Rule};
pub use table::{Backend, Chain, ChainId, Counter, MatchId, Policy, Ruleset, SharedRules, Table};
pub use target::{
    Connmark, CtZone, LogTarget, NatRange, NflogLength, NflogTarget, RejectWith, Target, Tcpmss, TtlChange, ZoneSide,
};

use std::fmt;

use serde::{Deserialize, Serialize};

/// The five places where netfilter looks at an IPv4 packet (linux/netfilter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Hook {
    /// On arrival, before routing.
    Prerouting,
    /// Routed to a local process.
    Input,
    /// Routed to another machine.
    Forward,
    /// Sent by a local process.
    Output,
    /// On departure, after routing.
    Postrouting,
}

impl Hook {
    /// The name of the built-in chain at this hook.
    pub const fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.chain())
    }
}

/// The tables, in the order in which a packet meets them at a hook that has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableName {
    /// Before connection tracking.
    Raw,
    /// Changing packets.
    Mangle,
    /// First packets of connections only.
    Nat,
    /// The firewall proper.
    Filter,
    /// Labels of `SELinux`, and what else a second firewall may want to say.
    Security,
}

impl TableName {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Mangle, Self::Nat, Self::Filter, Self::Security];

    /// The name as `iptables -t` takes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
            Self::Security => "security",
        }
    }

    /// The table of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.as_str() == name)
    }

    /// The hooks where the table has a built-in chain, in the order `iptables -L` lists them.
    pub const fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Raw => &[Hook::Prerouting, Hook::Output],
            Self::Mangle => &[Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting],
            Self::Nat => &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
            Self::Filter | Self::Security => &[Hook::Input, Hook::Forward, Hook::Output],
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
