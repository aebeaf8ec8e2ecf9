use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

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
    /// `REDIRECT`: DNAT to this machine itself.
    Redirect {
        /// `--to-ports`.
        ports: Option<PortRange>,
    },
    /// `NETMAP --to NETWORK`: the network's part of the address is exchanged, its host part stays.
    Netmap(Ipv4Net),
    /// `NFLOG`: hands the packet to a program; the walk goes on.
    Nflog(NflogTarget),
    /// `CONNMARK`: the mark of the packet's connection; the walk goes on.
    Connmark(Connmark),
    /// `NOTRACK`, or `CT --notrack`: the packet is exempt from tracking; the walk goes on.
    Notrack {
        /// Whether it is written `CT --notrack`.
        ct: bool,
    },
    /// `CT` without `--notrack`; the walk goes on.
    Ct(Option<CtZone>),
    /// `TCPMSS`: lowers the segment size that a SYN announces; the walk goes on.
    Tcpmss(Tcpmss),
    /// `TOS`: the type of service becomes `(tos & !mask) ^ value`; the walk goes on.
    Tos {
        /// The bits to turn over after clearing.
        value: u8,
        /// The bits to clear first.
        mask: u8,
    },
    /// `DSCP`: sets the upper six bits of the type of service; the walk goes on.
    Dscp(u8),
    /// `TTL`: changes the time to live; the walk goes on.
    Ttl(TtlChange),
    /// `TRACE`: every rule that this packet meets is logged. A trace of the model tells them anyway; the walk goes on.
    Trace,
    /// A target that the model does not know, or with an option that it does not know: what stands behind `-j`.
    Unknown(Arc<str>),
}

/// Targets that the model does not know, but of which it knows that they leave the packet, its marks and its way alone:
/// they write labels that only other programs read, or parts of a packet that the model does not have.
const HARMLESS: [&str; 8] = ["AUDIT", "CHECKSUM", "CLASSIFY", "CONNSECMARK", "IDLETIMER", "LED", "RATEEST", "SECMARK"];

impl Target {
    /// Whether an unknown target, given as it is written behind `-j`, surely lets the walk go on and changes nothing.
    pub(super) fn is_harmless(text: &str) -> bool {
        text.split(' ').next().is_some_and(|name| HARMLESS.contains(&name))
    }
}

/// What `CONNMARK` does (`xt_connmark.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connmark {
    /// `--set-xmark` and its like: the connection's mark becomes `(mark & !mask) ^ value`.
    Set {
        /// The bits to turn over after clearing.
        value: u32,
        /// The bits to clear first.
        mask: u32,
    },
    /// `--save-mark`: the connection's mark becomes `(mark & !ctmask) ^ (packet's mark & nfmask)`.
    Save {
        /// `--nfmask`.
        nfmask: u32,
        /// `--ctmask`.
        ctmask: u32,
    },
    /// `--restore-mark`: the packet's mark becomes `(mark & !nfmask) ^ (connection's mark & ctmask)`.
    Restore {
        /// `--nfmask`.
        nfmask: u32,
        /// `--ctmask`.
        ctmask: u32,
    },
}

/// The zone that `CT` gives a packet: connections of two zones never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtZone {
    /// Which of the connection's tuples are kept in it.
    pub side: ZoneSide,
    /// The zone's number; `None` is the packet's mark.
    pub number: Option<u16>,
}

/// The directions of a connection that a zone tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneSide {
    /// `--zone`.
    Both,
    /// `--zone-orig`.
    Original,
    /// `--zone-reply`.
    Reply,
}

/// The segment size of `TCPMSS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tcpmss {
    /// `--set-mss`.
    Set(u16),
    /// `--clamp-mss-to-pmtu`: what fits into the smaller MTU of both ways.
    ClampToPmtu,
}

/// What `TTL` does (`ipt_TTL.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlChange {
    /// `--ttl-set`.
    Set(u8),
    /// `--ttl-inc`, up to 255.
    Increase(u8),
    /// `--ttl-dec`, down to 0.
    Decrease(u8),
}

/// Options of `NFLOG`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NflogTarget {
    /// `--nflog-prefix`, cut to 63 bytes.
    pub prefix: Arc<str>,
    /// `--nflog-group`.
    pub group: u16,
    /// `--nflog-range`, which the kernel does not heed, or `--nflog-size`.
    pub length: Option<NflogLength>,
    /// `--nflog-threshold`; 0 leaves it to the kernel.
    pub threshold: u16,
}

/// How much of a packet `NFLOG` hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NflogLength {
    /// `--nflog-range`.
    Range(u32),
    /// `--nflog-size`.
    Size(u32),
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
