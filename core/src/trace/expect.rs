//! Expectations: patterns over what happened, without any expression in them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::Fraction;
use crate::packet::{DeviceName, Mac};

/// `expect NAME [reply] [not] PATTERN`, of a flow; `expect NAME [always|never] [reply] [not] PATTERN [with probability …]`, of
/// the ways that were explored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expectation {
    /// The flow's name; empty where the pattern is about a node.
    pub flow: String,
    /// Whether `not` stands before the pattern.
    pub negated: bool,
    /// Whether the pattern is about the packets that came back to the client, and about no others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reply: bool,
    /// On which of the ways the pattern holds, `not` and all; nothing where the name is a flow's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// The pattern.
    pub pattern: Pattern,
}

/// How probable ways are expected to be on which a pattern holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Share {
    /// It holds on every way.
    Always,
    /// It holds on none.
    Never,
    /// `with probability P`.
    Exactly(Fraction),
    /// `with probability at least P`.
    AtLeast(Fraction),
    /// `with probability at most P`.
    AtMost(Fraction),
}

impl Share {
    /// Whether a probability is as expected.
    pub fn holds(self, probability: Fraction) -> bool {
        match self {
            Self::Always => probability == Fraction::ONE,
            Self::Never => probability == Fraction::ZERO,
            Self::Exactly(expected) => probability == expected,
            Self::AtLeast(least) => probability >= least,
            Self::AtMost(most) => probability <= most,
        }
    }
}

impl Pattern {
    /// Whether it tells how a flow ended.
    pub const fn is_end(&self) -> bool {
        matches!(
            self,
            Self::Delivered { .. } | Self::Dropped { .. } | Self::Rejected { .. } | Self::Timeout { .. } | Self::Unsent
        )
    }
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
    /// `unknown`: the model does not know what becomes of it.
    Unknown,
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
    /// `out DEVICE [at PLACE]`: a packet left by that device.
    Out {
        /// The device.
        device: DeviceName,
        /// The place.
        at: Option<String>,
    },
    /// `mark VALUE[/MASK] [at PLACE]`: a packet had that netfilter mark behind some rule.
    Mark {
        /// The bits, as far as the mask goes.
        value: u32,
        /// The bits that count.
        mask: u32,
        /// The place.
        at: Option<String>,
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
    /// `answer "TEXT" [via SERVICE]`: one of the records says this.
    Record {
        /// What the record says, as `dig +short` prints it.
        record: String,
        /// The service the question was sent to, `namespace/name`.
        via: Option<String>,
    },
    /// `answer NXDOMAIN|NODATA|SERVFAIL [via SERVICE]`: there is no record, for this reason.
    NoAnswer {
        /// The reason.
        reason: NoAnswer,
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

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NoAnswer {
    /// There is no such name.
    NxDomain,
    /// There is, and it has nothing of what was asked for (RFC 2308, 2.2).
    NoData,
    /// The server could not find out.
    ServFail,
}

impl NoAnswer {
    /// By their names.
    pub const NAMED: [(&'static str, Self); 3] =
        [("NXDOMAIN", Self::NxDomain), ("NODATA", Self::NoData), ("SERVFAIL", Self::ServFail)];
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
    /// What it was judged by, as lines of text: the path of the packet, or the ways there were. Empty where there is nothing
    /// more to see.
    pub evidence: String,
}
