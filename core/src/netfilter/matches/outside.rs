//! Conditions on what lies around a packet: ipsets, bridges, sockets, the link it came by.

use std::sync::Arc;

use crate::netfilter::Negatable;
use crate::packet::DevicePattern;

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

/// Options of `-m physdev`: the bridge's ports that a bridged packet came in by and goes out by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Physdev {
    /// `--physdev-in`.
    pub in_device: Option<Negatable<DevicePattern>>,
    /// `--physdev-is-in`; `Some(true)` with `!`.
    pub is_in: Option<bool>,
    /// `--physdev-out`.
    pub out_device: Option<Negatable<DevicePattern>>,
    /// `--physdev-is-out`; `Some(true)` with `!`.
    pub is_out: Option<bool>,
    /// `--physdev-is-bridged`; `Some(true)` with `!`.
    pub is_bridged: Option<bool>,
}

/// How the link delivered a packet (`skb->pkt_type`, `linux/if_packet.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketType {
    /// To this machine alone, or made by it.
    #[default]
    Unicast,
    /// To every machine on the link.
    Broadcast,
    /// To a group.
    Multicast,
}

impl PacketType {
    /// The types with the names `--pkt-type` takes; iptables prints the first of several.
    pub const NAMED: [(Self, &'static str); 4] = [
        (Self::Unicast, "unicast"),
        (Self::Broadcast, "broadcast"),
        (Self::Multicast, "multicast"),
        (Self::Unicast, "host"),
    ];
}

/// Options of `-m owner`: the socket that a packet of this machine was sent by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `--socket-exists`; `Some(true)` with `!`.
    pub socket: Option<bool>,
    /// `--uid-owner`.
    pub user: Option<Negatable<IdRange>>,
    /// `--gid-owner`.
    pub group: Option<Negatable<IdRange>>,
}

/// Numbers of users or groups, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The lowest.
    pub first: u32,
    /// The highest.
    pub last: u32,
}
