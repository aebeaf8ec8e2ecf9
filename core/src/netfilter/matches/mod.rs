//! The `-m` matches, as values.

mod connection;
mod header;
mod outside;
mod remembered;

use std::sync::Arc;

use super::Negatable;
use crate::packet::TcpFlags;

pub use connection::{Conntrack, CtDirection, CtState, CtStates, CtStatuses};
pub use header::{AddressRange, Iprange, LengthRange, TtlMatch};
pub use outside::{IdRange, Owner, PacketType, Physdev, SetDirection, SetMatch};
pub use remembered::{Hashlimit, HashlimitFields, Limit, Recent, RecentAction, Statistic};

/// One `-m` match with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `-m comment --comment TEXT`. Matches everything.
    Comment(Arc<str>),
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// `-m udp`.
    Udp(UdpMatch),
    /// `-m sctp`, as far as it is about ports.
    Sctp(UdpMatch),
    /// `-m multiport`.
    Multiport(Multiport),
    /// `-m icmp --icmp-type TYPE[/CODE]`; no code is any code.
    Icmp(Negatable<(u8, Option<u8>)>),
    /// `-m mark --mark VALUE[/MASK]`: `mark & mask == value`.
    Mark(Negatable<(u32, u32)>),
    /// `-m connmark --mark VALUE[/MASK]`: the same of the connection's mark.
    Connmark(Negatable<(u32, u32)>),
    /// `-m conntrack`.
    Conntrack(Box<Conntrack>),
    /// `-m state --state LIST`, the older form of `--ctstate`.
    State(Negatable<CtStates>),
    /// `-m addrtype`.
    Addrtype(Addrtype),
    /// `-m statistic`.
    Statistic(Statistic),
    /// `-m set --match-set NAME DIRECTIONS`.
    Set(Negatable<SetMatch>),
    /// `-m rpfilter`.
    Rpfilter(Rpfilter),
    /// `-m recent`.
    Recent(Box<Recent>),
    /// `-m limit`.
    Limit(Limit),
    /// `-m hashlimit`.
    Hashlimit(Box<Hashlimit>),
    /// `-m physdev`.
    Physdev(Box<Physdev>),
    /// `-m iprange`.
    Iprange(Iprange),
    /// `-m length --length FIRST[:LAST]`: the packet's length, IPv4 header included.
    Length(Negatable<LengthRange>),
    /// `-m ttl`.
    Ttl(TtlMatch),
    /// `-m tos --tos VALUE[/MASK]`: `tos & mask == value`.
    Tos(Negatable<(u8, u8)>),
    /// `-m dscp --dscp VALUE`: the upper six bits of the type of service.
    Dscp(Negatable<u8>),
    /// `-m pkttype --pkt-type TYPE`.
    Pkttype(Negatable<PacketType>),
    /// `-m owner`.
    Owner(Owner),
    /// `-m nfacct --nfacct-name NAME`: matches everything, and counts it under that name.
    Nfacct(Arc<str>),
    /// A match that the model does not know, or with an option that it does not know, as `iptables-save` writes it.
    Unknown(Arc<str>),
}

impl Match {
    /// Whether trying the match changes what it or another one answers later.
    pub(super) const fn has_effects(&self) -> bool {
        matches!(self, Self::Statistic(_) | Self::Recent(_) | Self::Limit(_) | Self::Hashlimit(_) | Self::Nfacct(_))
    }
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

/// Options of `-m udp`, and of `-m sctp`. `None` matches everything.
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
