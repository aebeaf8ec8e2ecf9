//! Conditions on a packet's connection (`xt_conntrack.h`).

use ipnet::Ipv4Net;

use crate::netfilter::{Negatable, PortRange};

/// Options of `-m conntrack`. `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conntrack {
    /// `--ctstate`.
    pub states: Option<Negatable<CtStates>>,
    /// `--ctproto`, by number.
    pub protocol: Option<Negatable<u8>>,
    /// `--ctorigsrc`.
    pub original_source: Option<Negatable<Ipv4Net>>,
    /// `--ctorigdst`.
    pub original_destination: Option<Negatable<Ipv4Net>>,
    /// `--ctreplsrc`.
    pub reply_source: Option<Negatable<Ipv4Net>>,
    /// `--ctrepldst`.
    pub reply_destination: Option<Negatable<Ipv4Net>>,
    /// `--ctorigsrcport`.
    pub original_source_port: Option<Negatable<PortRange>>,
    /// `--ctorigdstport`.
    pub original_destination_port: Option<Negatable<PortRange>>,
    /// `--ctreplsrcport`.
    pub reply_source_port: Option<Negatable<PortRange>>,
    /// `--ctrepldstport`.
    pub reply_destination_port: Option<Negatable<PortRange>>,
    /// `--ctstatus`; the empty set is `NONE`, which no connection has (`0 & status`).
    pub status: Option<Negatable<CtStatuses>>,
    /// `--ctexpire`: seconds left, both ends included.
    pub expires: Option<Negatable<(u32, u32)>>,
    /// `--ctdir`.
    pub direction: Option<CtDirection>,
}

impl Conntrack {
    /// `--ctstate STATES` and nothing else.
    pub fn states(states: Negatable<CtStates>) -> Self {
        Self { states: Some(states), ..Self::default() }
    }
}

/// Which way a packet goes in its connection, as `--ctdir` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtDirection {
    /// As the packet that began it.
    Original,
    /// The other way.
    Reply,
}

/// A set of the bits of `ct->status` that `--ctstatus` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtStatuses(pub u8);

impl CtStatuses {
    /// Announced by another connection.
    pub const EXPECTED: Self = Self(1);
    /// A packet of the reply direction has been seen.
    pub const SEEN_REPLY: Self = Self(1 << 1);
    /// It will not be dropped early.
    pub const ASSURED: Self = Self(1 << 2);
    /// It is in the table.
    pub const CONFIRMED: Self = Self(1 << 3);

    /// The names, in the order in which iptables prints them (`print_status` of `libxt_conntrack.c`).
    pub const NAMED: [(Self, &'static str); 5] = [
        (Self::EXPECTED, "EXPECTED"),
        (Self::SEEN_REPLY, "SEEN_REPLY"),
        (Self::ASSURED, "ASSURED"),
        (Self::CONFIRMED, "CONFIRMED"),
        (Self(0), "NONE"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a member in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What connection tracking says of a packet, as `--ctstate` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CtState {
    /// Belongs to no connection and cannot begin one.
    Invalid,
    /// First packet of a connection, or a further one before any reply.
    New,
    /// Belongs to a connection that has seen both directions.
    Established,
    /// Begins a connection that another one announced, or is an ICMP error about one.
    Related,
    /// Exempted from tracking.
    Untracked,
}

/// A set of states, the bits of `xt_conntrack`; SNAT and DNAT are conditions on the connection, not on the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtStates(pub u8);

impl CtStates {
    /// `INVALID`.
    pub const INVALID: Self = Self(1);
    /// `ESTABLISHED`.
    pub const ESTABLISHED: Self = Self(1 << 1);
    /// `RELATED`.
    pub const RELATED: Self = Self(1 << 2);
    /// `NEW`.
    pub const NEW: Self = Self(1 << 3);
    /// `SNAT`: the connection's source is translated.
    pub const SNAT: Self = Self(1 << 4);
    /// `DNAT`: the connection's destination is translated.
    pub const DNAT: Self = Self(1 << 5);
    /// `UNTRACKED`.
    pub const UNTRACKED: Self = Self(1 << 6);

    /// The names, in the order in which iptables prints them (`libxt_conntrack.c`, `libxt_state.c`).
    pub const NAMED: [(Self, &'static str); 7] = [
        (Self::INVALID, "INVALID"),
        (Self::NEW, "NEW"),
        (Self::RELATED, "RELATED"),
        (Self::ESTABLISHED, "ESTABLISHED"),
        (Self::UNTRACKED, "UNTRACKED"),
        (Self::SNAT, "SNAT"),
        (Self::DNAT, "DNAT"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a member in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl From<CtState> for CtStates {
    fn from(state: CtState) -> Self {
        match state {
            CtState::Invalid => Self::INVALID,
            CtState::New => Self::NEW,
            CtState::Established => Self::ESTABLISHED,
            CtState::Related => Self::RELATED,
            CtState::Untracked => Self::UNTRACKED,
        }
    }
}
