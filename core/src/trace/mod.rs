//! What happened to packets: the record that observers keep, traces print, and expectations are judged by.
//!
//! A [`Flow`] is what one `send`, `get`, `resolve` or `ping` set in motion: every [`PacketTrace`] of it, in order of
//! their first appearance. A packet's path is a list of [`Hop`]s, one for each network namespace it was in; a hop is a
//! list of [`Step`]s and an [`End`].

mod expect;
mod observer;
mod ways;
mod why;

pub use expect::{Expectation, Judgement, NoAnswer, Pattern, Share, SocketPattern};
pub use observer::{Arrival, HopRef, HopWatch, NoObserver, Observer, Recorder};
pub use ways::{Decision, Way, Ways};
pub use why::Why;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::netfilter::{Doubt, Hook, Provenance, TableName};
use crate::packet::{DeviceName, Mac, Packet};

/// The identity of a packet from the process that sent it to the process that reads it: kept by routing, NAT and
/// tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u64);

impl PacketId {
    /// The first identity of packets that no command of a scenario has sent: those of agents.
    pub(crate) const ASIDE: u64 = 1 << 63;

    /// Whether no command of a scenario has set it in motion.
    pub(crate) fn is_aside(self) -> bool {
        self.0 >= Self::ASIDE
    }
}

/// A network namespace as people know it: `worker2`, `browser`, `iks/nginx-7ndcw`, `gateway`.
pub type Place = Arc<str>;

/// What one command of a scenario set in motion.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The name after `as`, or empty.
    pub name: String,
    /// What was asked for.
    pub kind: FlowKind,
    /// Where it started.
    pub from: Place,
    /// When it started.
    pub started: Time,
    /// How it ended.
    pub outcome: FlowOutcome,
    /// Every packet, by first appearance.
    pub packets: Vec<PacketTrace>,
    /// The response to a `get`.
    pub http: Option<HttpResult>,
    /// The answer to a `resolve`.
    pub dns: Option<DnsResult>,
    /// What came back on an open connection after something was sent on it.
    pub received: Option<String>,
    /// Of the same thing done several times: each time. Its packets are then those of all times.
    pub each: Vec<Arc<Flow>>,
}

/// How deep a trace goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Depth {
    /// Where the packets went, and what changed in them.
    Hops,
    /// And every rule that matched, with routes and the states of connections.
    #[default]
    Rules,
    /// And the rules that did not match, with the condition that failed, the ends of chains, and the packets of connections
    /// that are open already.
    All,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// A TCP connection to open.
    Tcp(SocketAddrV4),
    /// A UDP datagram to deliver.
    Udp(SocketAddrV4),
    /// An ICMP echo.
    Ping(Ipv4Addr),
    /// A packet of another protocol to deliver.
    Packet(Ipv4Addr, u8),
    /// A page to fetch.
    Get(String),
    /// A name to resolve.
    Resolve(String),
}

/// How a flow ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowOutcome {
    /// The other side answered: the connection opened, the datagram reached a socket, the echo came back, the page or
    /// the name was answered.
    Delivered {
        /// Where the first packet was delivered.
        to: Place,
    },
    /// The other side, or a rule, refused: a TCP reset or an ICMP error came back, or the server closed without a word.
    Rejected {
        /// Where the refusal came from.
        by: Place,
        /// The refusal: `tcp reset`, `icmp port unreachable`, `an empty reply`.
        with: String,
    },
    /// A packet was dropped, and nothing was left to try.
    Dropped {
        /// Where.
        at: Place,
        /// Why.
        reason: DropReason,
    },
    /// Nothing was sent: the sender's own system, or library, refused.
    Unsent {
        /// Where.
        at: Place,
        /// What it said, such as `network is unreachable`.
        error: String,
    },
    /// Nothing came back in time.
    Timeout {
        /// The last place where a packet of the flow was seen.
        at: Place,
    },
}

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResult {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The address the client connected to.
    pub server: SocketAddrV4,
    /// `Content-Type`; empty where the server gave none.
    pub content_type: String,
    /// `Location`, where it sends the client elsewhere.
    pub location: Option<String>,
    /// What the page needs and the client fetched after it.
    pub assets: Vec<Asset>,
}

impl HttpResult {
    /// A response with a body and nothing else.
    pub fn new(status: u16, body: impl Into<String>, server: SocketAddrV4) -> Self {
        let (content_type, location, assets) = (String::new(), None, Vec::new());
        Self { status, body: body.into(), server, content_type, location, assets }
    }
}

/// Something that a page needs: a script, a style, an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Where it was looked for.
    pub url: String,
    /// The status; none where there was no response.
    pub status: Option<u16>,
    /// `Content-Type`; empty where the server gave none.
    pub content_type: String,
    /// The body; where there was no response, why.
    pub body: String,
}

impl Asset {
    /// Whether it came and can be what the page asked for: a page in the place of a script or a style is neither.
    pub fn is_whole(&self) -> bool {
        self.status == Some(200) && !self.content_type.starts_with("text/html")
    }
}

/// The answer to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsResult {
    /// The name that was answered, with the search list applied.
    pub name: String,
    /// The addresses; none for a name without any.
    pub addresses: Vec<Ipv4Addr>,
    /// Every record of the answer: its type and what it says, such as `SRV 0 100 80 web.default.svc.cluster.local.`
    pub records: Vec<String>,
    /// The response code: `NOERROR`, `NXDOMAIN`, `SERVFAIL`.
    pub code: &'static str,
    /// The server that was asked.
    pub server: SocketAddrV4,
}

/// One packet, everywhere it went.
#[derive(Clone, Debug)]
pub struct PacketTrace {
    /// Its identity.
    pub id: PacketId,
    /// Its path.
    pub hops: Vec<Hop>,
}

/// A packet in one network namespace.
#[derive(Clone, Debug)]
pub struct Hop {
    /// When it got there.
    pub time: Time,
    /// The namespace.
    pub place: Place,
    /// The device it came in on; none where a local process sent it.
    pub in_device: Option<DeviceName>,
    /// The device it left by; none where it ended.
    pub out_device: Option<DeviceName>,
    /// The packet as it came.
    pub before: Packet,
    /// The packet as it left or ended.
    pub after: Packet,
    /// What happened in between, in order.
    pub steps: Vec<Step>,
    /// How its stay ended.
    pub end: End,
    /// Where it was dropped: why, and what would have let it pass, as far as that is known.
    pub why: Option<Why>,
}

/// One thing that happened to a packet.
#[derive(Clone, Debug)]
pub enum Step {
    /// A rule matched.
    Rule(RuleHit),
    /// Rules of a chain did not match.
    Misses {
        /// The hook.
        hook: Hook,
        /// The table.
        table: TableName,
        /// The chain.
        chain: Arc<str>,
        /// Which, and why.
        misses: crate::netfilter::Misses,
    },
    /// The end of a chain, or `RETURN`.
    ChainEnd {
        /// The hook.
        hook: Hook,
        /// The table.
        table: TableName,
        /// The chain that ended.
        chain: Arc<str>,
        /// The policy, if the chain is a built-in one.
        policy: Option<crate::netfilter::Policy>,
    },
    /// Connection tracking looked the packet up.
    Conntrack {
        /// The state rules will see.
        state: crate::netfilter::CtState,
    },
    /// The destination was translated.
    Dnat {
        /// Address, and port where there is one, before.
        from: SocketAddrV4,
        /// And after.
        to: SocketAddrV4,
    },
    /// The source was translated.
    Snat {
        /// Address, and port where there is one, before.
        from: SocketAddrV4,
        /// And after.
        to: SocketAddrV4,
    },
    /// A route was looked up.
    Route {
        /// The destination looked up.
        destination: Ipv4Addr,
        /// The route found; none where there is none. For an address of the namespace itself: that address.
        route: Option<Ipv4Net>,
        /// The gateway.
        via: Option<Ipv4Addr>,
        /// The output device; none for local delivery.
        device: Option<DeviceName>,
    },
    /// An address was asked for on a segment, and answered.
    Arp {
        /// The address asked for.
        address: Ipv4Addr,
        /// The device that asked.
        device: DeviceName,
        /// The answer; none where nobody answered.
        answer: Option<Mac>,
        /// Who answered.
        by: Option<Place>,
    },
    /// The packet was put into an IP-in-IP packet.
    Encapsulated {
        /// Source of the outer packet.
        source: Ipv4Addr,
        /// Destination of the outer packet.
        destination: Ipv4Addr,
    },
    /// The packet was taken out of an IP-in-IP packet.
    Decapsulated {
        /// Source of the outer packet.
        source: Ipv4Addr,
        /// Destination of the outer packet.
        destination: Ipv4Addr,
    },
}

/// A rule that matched a packet.
#[derive(Clone, Debug)]
pub struct RuleHit {
    /// The hook.
    pub hook: Hook,
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: Arc<str>,
    /// The rule's number in the chain, from 1.
    pub number: u32,
    /// What follows `-A CHAIN` in `iptables-save`.
    pub rule: Arc<str>,
    /// The mark before the rule's target ran.
    pub mark: u32,
    /// The mark after.
    pub mark_after: u32,
    /// Who wrote the rule, and why.
    pub provenance: Option<Arc<Provenance>>,
}

/// How a packet's stay in a namespace ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It left by a device.
    Sent {
        /// The Ethernet address it was sent to, where the device has one.
        to: Option<Mac>,
    },
    /// A process got it.
    Delivered {
        /// The process, such as `nginx` or `the client`.
        to: Arc<str>,
    },
    /// It was dropped.
    Dropped(DropReason),
}

/// Why a packet was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// A rule, or a chain's policy, said so.
    Rule {
        /// The table.
        table: TableName,
        /// The chain.
        chain: Arc<str>,
        /// The rule's number, from 1; none for a policy.
        number: Option<u32>,
        /// What follows `-A CHAIN` in `iptables-save`.
        rule: Arc<str>,
        /// Whether the sender was told (`REJECT`).
        told: bool,
        /// Who wrote the rule, and why.
        provenance: Option<Arc<Provenance>>,
    },
    /// There was no route.
    NoRoute,
    /// A route of type blackhole covers the destination.
    Blackhole,
    /// A route of type unreachable covers the destination.
    Unreachable,
    /// A route of type prohibit covers the destination.
    Prohibit,
    /// The packet was to be forwarded, and forwarding is off.
    ForwardingOff,
    /// The source address cannot come from there.
    Martian,
    /// The time to live ran out.
    TtlExceeded,
    /// It did not fit the MTU and must not be fragmented.
    TooBig {
        /// The longest packet that would have fitted, as its sender was told.
        mtu: u16,
    },
    /// Nobody on the segment answered for the next hop.
    NoNeighbour {
        /// The next hop.
        address: Ipv4Addr,
    },
    /// No process listens on the port; a refusal went back.
    NoListener,
    /// It went to everybody on a network, and asks for what only one machine answers.
    Broadcast,
    /// Connection tracking could not keep it.
    Conntrack,
    /// It is an ICMP redirect about a connection that is translated, or whose translation is not settled.
    RedirectOfNat,
    /// MASQUERADE found no address on the device that it leaves by.
    NothingToMasquerade,
    /// Its connection was masqueraded for another device than the one that it leaves by.
    MasqueradeMoved,
    /// It would have begun a connection, and the table of connections was full.
    ConntrackFull,
    /// Its source should have come by another device (`rp_filter`).
    ReversePath,
    /// Its checksum is wrong.
    BadChecksum,
    /// It was a fragment, and the others did not come in time.
    FragmentTimeout,
    /// A tunnel's outer header says that routers were congested, and the inner one cannot say so (RFC 6040).
    Congestion,
    /// The device is down or leads nowhere.
    DeviceDown,
    /// The machine is down.
    MachineDown,
    /// The model does not know, for the reason given.
    Unknown(Doubt),
}

impl fmt::Display for DropReason {
    /// The reason in words that follow "dropped:"; with `{:#}` without who wrote the rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { table, chain, number, rule, told, provenance } => {
                match number {
                    Some(number) => write!(f, "rule {number} of {table}/{chain}: {rule}")?,
                    None => write!(f, "the policy of {table}/{chain}")?,
                }
                f.write_str(if *told { ", and the sender was told" } else { "" })?;
                let by = provenance.as_ref().filter(|_| !f.alternate());
                by.map_or(Ok(()), |by| write!(f, "; by {by}"))
            }
            Self::NoRoute => f.write_str("no route to its destination"),
            Self::Blackhole => f.write_str("its destination is in a blackhole route"),
            Self::Unreachable => f.write_str("its destination is in an unreachable route"),
            Self::Prohibit => f.write_str("its destination is in a prohibited route"),
            Self::ForwardingOff => f.write_str("it is for another machine, and ip_forward is 0"),
            Self::Martian => f.write_str("its source address cannot come from there (martian)"),
            Self::TtlExceeded => f.write_str("its TTL ran out"),
            Self::TooBig { .. } => f.write_str("it does not fit the MTU and must not be fragmented"),
            Self::NoNeighbour { address } => write!(f, "nobody answered ARP for {address}"),
            Self::NoListener => f.write_str("no process listens on its port"),
            Self::Broadcast => f.write_str("it is for everybody, and that is not answered"),
            Self::Conntrack => f.write_str("connection tracking could not keep it"),
            Self::RedirectOfNat => f.write_str("NAT lets no redirect about this connection through"),
            Self::NothingToMasquerade => f.write_str("MASQUERADE found no address on the device it leaves by"),
            Self::MasqueradeMoved => f.write_str("its connection was masqueraded for another device"),
            Self::ConntrackFull => f.write_str("nf_conntrack: table full"),
            Self::ReversePath => f.write_str("its source is not reached by the device it came from (rp_filter)"),
            Self::BadChecksum => f.write_str("its checksum is wrong"),
            Self::FragmentTimeout => f.write_str("its other fragments did not come in time"),
            Self::Congestion => f.write_str("its tunnel was congested, and it cannot say so (ECN)"),
            Self::MachineDown => f.write_str("the machine is down"),
            Self::DeviceDown => f.write_str("the device is down or leads nowhere"),
            Self::Unknown(why) => write!(f, "the model does not know: {why}"),
        }
    }
}
