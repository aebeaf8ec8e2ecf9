use std::sync::Arc;

use super::Negatable;
use crate::packet::TcpFlags;

/// One `-m` match with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `-m comment --comment TEXT`. Matches everything.
    Comment(Arc<str>),
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// `-m udp`.
    Udp(UdpMatch),
    /// `-m multiport`.
    Multiport(Multiport),
    /// `-m icmp --icmp-type TYPE[/CODE]`; no code is any code.
    Icmp(Negatable<(u8, Option<u8>)>),
    /// `-m mark --mark VALUE[/MASK]`: `mark & mask == value`.
    Mark(Negatable<(u32, u32)>),
    /// `-m conntrack --ctstate LIST`.
    Conntrack(Negatable<CtStates>),
    /// `-m state --state LIST`, the older form of the same.
    State(Negatable<CtStates>),
    /// `-m addrtype`.
    Addrtype(Addrtype),
    /// `-m statistic`.
    Statistic(Statistic),
    /// `-m set --match-set NAME DIRECTIONS`.
    Set(Negatable<SetMatch>),
    /// `-m rpfilter`.
    Rpfilter(Rpfilter),
}

/// Ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
}

impl PortRange {
    /// One port.
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// Whether `port` lies within.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

/// Options of `-m tcp`. `None` matches everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpMatch {
    /// `--sport`.
    pub source: Option<Negatable<PortRange>>,
    /// `--dport`.
    pub destination: Option<Negatable<PortRange>>,
    /// `--tcp-flags MASK COMP`: of the flags in the first, exactly the second are set.
    pub flags: Option<Negatable<(TcpFlags, TcpFlags)>>,
}

/// Options of `-m udp`. `None` matches everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpMatch {
    /// `--sport`.
    pub source: Option<Negatable<PortRange>>,
    /// `--dport`.
    pub destination: Option<Negatable<PortRange>>,
}

/// Options of `-m multiport`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiport {
    /// Which port is compared.
    pub side: MultiportSide,
    /// The ports; a packet matches when its port is in any of them.
    pub ports: Vec<PortRange>,
    /// Whether `!` stands before the list.
    pub negated: bool,
}

/// Which port `-m multiport` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiportSide {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: either.
    Either,
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

/// What the routing tables say of an address (`RTN_*`, linux/rtnetlink.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressType {
    /// 0.0.0.0.
    Unspec,
    /// A gateway or a machine on a connected network.
    Unicast,
    /// An address of this namespace.
    Local,
    /// A broadcast address of a connected network.
    Broadcast,
    /// A multicast group.
    Multicast,
    /// A route that drops in silence.
    Blackhole,
    /// A route that answers "unreachable".
    Unreachable,
    /// A route that answers "prohibited".
    Prohibit,
}

impl AddressType {
    /// The types with the names that `-m addrtype` takes, in the order of the kernel's numbers.
    pub const NAMED: [(Self, &'static str); 8] = [
        (Self::Unspec, "UNSPEC"),
        (Self::Unicast, "UNICAST"),
        (Self::Local, "LOCAL"),
        (Self::Broadcast, "BROADCAST"),
        (Self::Multicast, "MULTICAST"),
        (Self::Blackhole, "BLACKHOLE"),
        (Self::Unreachable, "UNREACHABLE"),
        (Self::Prohibit, "PROHIBIT"),
    ];
}

/// A set of address types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressTypes(pub u16);

impl AddressTypes {
    /// The set with `kind` added.
    #[must_use]
    pub const fn with(self, kind: AddressType) -> Self {
        Self(self.0 | 1 << kind as u16)
    }

    /// Whether `kind` is a member.
    pub const fn contains(self, kind: AddressType) -> bool {
        self.0 & 1 << kind as u16 != 0
    }
}

/// Options of `-m addrtype`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addrtype {
    /// `--src-type`.
    pub source: Option<Negatable<AddressTypes>>,
    /// `--dst-type`.
    pub destination: Option<Negatable<AddressTypes>>,
    /// `--limit-iface-in`: only the routes of the input device count.
    pub limit_in: bool,
    /// `--limit-iface-out`: only the routes of the output device count.
    pub limit_out: bool,
}

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

/// Options of `-m set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMatch {
    /// The ipset's name.
    pub name: Arc<str>,
    /// Which side of the packet each dimension of the set looks at.
    pub directions: Vec<SetDirection>,
}

/// `src` or `dst` in `--match-set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetDirection {
    /// The source address, port or device.
    Source,
    /// The destination address, port or device.
    Destination,
}

/// Options of `-m rpfilter`: would a reply leave by the device the packet came in on?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the options, by name")]
pub struct Rpfilter {
    /// `--loose`: any device will do.
    pub loose: bool,
    /// `--validmark`: the packet's mark takes part in the look-up.
    pub validmark: bool,
    /// `--accept-local`: a local source address is good.
    pub accept_local: bool,
    /// `--invert`.
    pub invert: bool,
}
