//! Expectations: patterns over what happened, without any expression in them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::packet::Mac;

/// `expect NAME [not] PATTERN`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expectation {
    /// The flow's name; empty where the pattern is about a node.
    pub flow: String,
    /// Whether `not` stands before the pattern.
    pub negated: bool,
    /// The pattern.
    pub pattern: Pattern,
}

/// What is expected of a flow, or of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pattern {
    /// `delivered [to POD]`. The place is a pod, `namespace/name`, a deployment's `namespace/name`, a node or a host.
    Delivered {
        /// The place.
        to: Option<String>,
    },
    /// `dropped [by TABLE/CHAIN] [at PLACE]`.
    Dropped {
        /// `table/chain`, or a chain's name alone.
        by: Option<String>,
        /// The place.
        at: Option<String>,
    },
    /// `rejected [by TABLE/CHAIN]`.
    Rejected {
        /// `table/chain`, or a chain's name alone.
        by: Option<String>,
    },
    /// `unsent`: nothing left the sender.
    Unsent,
    /// `timeout [at PLACE]`.
    Timeout {
        /// The place.
        at: Option<String>,
    },
    /// `arp ADDRESS is-at MAC`.
    Arp {
        /// The address asked for.
        address: Ipv4Addr,
        /// The answer.
        mac: Mac,
    },
    /// `visits PLACE [TABLE/CHAIN, …]`: the chains are met in this order on the way of one packet.
    Visits {
        /// The place.
        place: String,
        /// `table/chain`s.
        chains: Vec<String>,
    },
    /// `dnat FROM => TO`.
    Dnat {
        /// Before.
        from: SocketPattern,
        /// After.
        to: SocketPattern,
    },
    /// `snat FROM => TO`.
    Snat {
        /// Before.
        from: SocketPattern,
        /// After.
        to: SocketPattern,
    },
    /// `tunnel ipip FROM => TO`.
    Tunnel {
        /// Source of the outer packet.
        from: Ipv4Addr,
        /// Destination of the outer packet.
        to: Ipv4Addr,
    },
    /// `status CODE`.
    Status {
        /// The status code.
        code: u16,
    },
    /// `answer ADDRESS [via SERVICE]`.
    Answer {
        /// The address.
        address: Ipv4Addr,
        /// The service the question was sent to, `namespace/name`.
        via: Option<String>,
    },
    /// `conntrack NODE PROTOCOL A -> B [reply C -> D]`: an entry that the node's table holds now.
    Conntrack {
        /// The node.
        node: String,
        /// `tcp`, `udp` or `icmp`.
        protocol: String,
        /// Source and destination of the original direction.
        original: (SocketPattern, SocketPattern),
        /// Source and destination of the reply direction.
        reply: Option<(SocketPattern, SocketPattern)>,
    },
}

/// An address, with or without a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketPattern {
    /// The address.
    pub address: Ipv4Addr,
    /// The port; any when not given.
    pub port: Option<u16>,
}

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it held.
    pub held: bool,
    /// What was there instead, in a few words: `it was delivered to default/web-1`.
    pub actual: String,
}
