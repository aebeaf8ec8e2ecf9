use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{ChainId, PortRange};

/// What happens to a packet that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// No `-j`: the rule only counts.
    Continue,
    /// `ACCEPT`: the packet has passed this table at this hook.
    Accept,
    /// `DROP`: the packet is gone.
    Drop,
    /// `RETURN`: back to the calling chain, or to the policy of a built-in one.
    Return,
    /// `-j CHAIN`.
    Jump(ChainId),
    /// `-g CHAIN`: as a jump, but the end of that chain returns to this chain's caller.
    Goto(ChainId),
    /// `REJECT --reject-with KIND`: the packet is gone, and the sender is told.
    Reject(RejectWith),
    /// `LOG`: a line in the kernel's log; the walk goes on.
    Log(LogTarget),
    /// `MARK`: the mark becomes `(mark & !mask) ^ value`; the walk goes on.
    Mark {
        /// The bits to turn over after clearing.
        value: u32,
        /// The bits to clear first.
        mask: u32,
    },
    /// `DNAT --to-destination`.
    Dnat(NatRange),
    /// `SNAT --to-source`.
    Snat(NatRange),
    /// `MASQUERADE`: SNAT to the address of the output device.
    Masquerade {
        /// `--to-ports`.
        ports: Option<PortRange>,
        /// `--random-fully`.
        random_fully: bool,
    },
}

/// Where NAT may send a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatRange {
    /// The lowest address; `None` keeps the packet's.
    pub first: Option<Ipv4Addr>,
    /// The highest address, equal to `first` for a single one.
    pub last: Option<Ipv4Addr>,
    /// The ports; `None` keeps the packet's if it can.
    pub ports: Option<PortRange>,
    /// `--random-fully`.
    pub random_fully: bool,
}

/// `--reject-with`, for IPv4 (`libipt_REJECT.c`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RejectWith {
    /// `icmp-net-unreachable`.
    NetUnreachable,
    /// `icmp-host-unreachable`.
    HostUnreachable,
    /// `icmp-proto-unreachable`.
    ProtocolUnreachable,
    /// `icmp-port-unreachable`, the default.
    #[default]
    PortUnreachable,
    /// `icmp-net-prohibited`.
    NetProhibited,
    /// `icmp-host-prohibited`.
    HostProhibited,
    /// `icmp-admin-prohibited`.
    AdminProhibited,
    /// `tcp-reset`.
    TcpReset,
}

impl RejectWith {
    /// The kinds with the names iptables gives them.
    pub const NAMED: [(Self, &'static str); 8] = [
        (Self::NetUnreachable, "icmp-net-unreachable"),
        (Self::HostUnreachable, "icmp-host-unreachable"),
        (Self::ProtocolUnreachable, "icmp-proto-unreachable"),
        (Self::PortUnreachable, "icmp-port-unreachable"),
        (Self::NetProhibited, "icmp-net-prohibited"),
        (Self::HostProhibited, "icmp-host-prohibited"),
        (Self::AdminProhibited, "icmp-admin-prohibited"),
        (Self::TcpReset, "tcp-reset"),
    ];

    /// The code of the ICMP "unreachable" that is sent; `None` for a TCP reset.
    pub const fn icmp_code(self) -> Option<u8> {
        Some(match self {
            Self::NetUnreachable => 0,
            Self::HostUnreachable => 1,
            Self::ProtocolUnreachable => 2,
            Self::PortUnreachable => 3,
            Self::NetProhibited => 9,
            Self::HostProhibited => 10,
            Self::AdminProhibited => 13,
            Self::TcpReset => return None,
        })
    }
}

/// Options of `LOG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// `--log-prefix`, cut to 29 bytes as the kernel cuts it.
    pub prefix: Arc<str>,
    /// `--log-level`, by number.
    pub level: u8,
    /// `--log-tcp-options`, `--log-ip-options` and their like, the bits of `NF_LOG_*`.
    pub flags: u8,
}
