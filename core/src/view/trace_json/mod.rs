//! The story of a flow, and of packets through a dumped node, for programs: the document that `trace.schema.json` describes.

mod once;

use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Serialize, Serializer};

use self::once::Once;
use super::trace::state_name;
use crate::Origin;
use crate::dump::{Fate, Leg, Report};
use crate::netfilter::{Policy, Provenance};
use crate::packet::{Body, DeviceName, Packet, TcpFlags, protocol};
use crate::trace::{DropReason, End, Flow, FlowKind, FlowOutcome, Hop, PacketTrace, RuleHit, Step};

/// What the documents call their form. A field may be added under the same name; none goes or changes its meaning.
pub const SCHEMA: &str = "netscene.trace/1";

/// The story of a flow.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::trace::{Flow, FlowKind, FlowOutcome};
/// use netscene_core::view::trace_json::flow;
/// let told = Flow {
///     name: "hello".to_owned(),
///     kind: FlowKind::Tcp("10.1.110.105:80".parse().unwrap()),
///     from: "browser".into(),
///     started: Time::ZERO,
///     outcome: FlowOutcome::Timeout { at: "worker1".into() },
///     packets: Vec::new(),
///     http: None,
///     dns: None,
///     received: None,
///     each: Vec::new(),
/// };
/// let text = serde_json::to_string(&flow(&told))?;
/// assert!(text.starts_with(r#"{"schema":"netscene.trace/1","name":"hello","kind":"tcp","from":"browser","to":"10.1.110.105:80""#));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn flow(flow: &Flow) -> FlowDocument<'_> {
    document(flow, &mut None)
}

/// The same in a fraction of the bytes, for whoever shows it at once: a step and a header are told once, however many packets had
/// them. What stands in the hops is their places in the lists `steps` and `headers` of the document, from 0.
///
/// ```
/// # use netscene_core::Time;
/// # use netscene_core::trace::{Flow, FlowKind, FlowOutcome};
/// use netscene_core::view::trace_json::compact;
/// # let told = Flow {
/// #     name: "hello".to_owned(),
/// #     kind: FlowKind::Ping("10.1.110.105".parse().unwrap()),
/// #     from: "browser".into(),
/// #     started: Time::ZERO,
/// #     outcome: FlowOutcome::Timeout { at: "worker1".into() },
/// #     packets: Vec::new(),
/// #     http: None,
/// #     dns: None,
/// #     received: None,
/// #     each: Vec::new(),
/// # };
/// assert!(serde_json::to_string(&compact(&told))?.ends_with(r#""packets":[],"steps":[],"headers":[]}"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn compact(flow: &Flow) -> FlowDocument<'_> {
    document(flow, &mut Some(Once::default()))
}

fn document<'a>(flow: &'a Flow, once: &mut Option<Once<'a>>) -> FlowDocument<'a> {
    let (kind, to) = match &flow.kind {
        FlowKind::Tcp(to) => ("tcp", to.to_string()),
        FlowKind::Udp(to) => ("udp", to.to_string()),
        FlowKind::Ping(to) => ("ping", to.to_string()),
        FlowKind::Packet(to, number) => ("packet", format!("{to} protocol {number}")),
        FlowKind::Get(url) => ("get", url.clone()),
        FlowKind::Resolve(name) => ("resolve", name.clone()),
    };
    let packets = flow.packets.iter().map(|packet| packet_trace(packet, once)).collect();
    let (steps, headers) = once.take().map(|once| (once.steps, once.headers)).unzip();
    FlowDocument {
        schema: SCHEMA,
        name: &flow.name,
        kind,
        from: &flow.from,
        to,
        started_ns: flow.started.as_nanos(),
        outcome: Outcome::of(&flow.outcome),
        each: flow.each.iter().map(|one| Outcome::of(&one.outcome)).collect(),
        status: flow.http.as_ref().map(|http| http.status),
        packets,
        steps,
        headers,
    }
}

/// What became of packets that were walked through a dumped node.
pub fn report(report: &Report) -> ReportDocument<'_> {
    ReportDocument {
        schema: SCHEMA,
        node: &report.node,
        doubts: &report.doubts,
        assumed: &report.assumed,
        unheeded: &report.unheeded,
        legs: report.legs.iter().map(leg).collect(),
    }
}

/// A flow, as a document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowDocument<'a> {
    schema: &'static str,
    name: &'a str,
    kind: &'static str,
    from: &'a str,
    to: String,
    started_ns: u64,
    outcome: Outcome<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    each: Vec<Outcome<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    packets: Vec<PacketJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<StepJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<Ipv4>>,
}

/// A walk through a dumped node, as a document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportDocument<'a> {
    schema: &'static str,
    node: &'a str,
    doubts: &'a [String],
    assumed: &'a [String],
    unheeded: &'a [String],
    legs: Vec<LegJson<'a>>,
}

#[derive(Debug, Serialize)]
struct Outcome<'a> {
    result: &'static str,
    at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl<'a> Outcome<'a> {
    fn of(outcome: &'a FlowOutcome) -> Self {
        match outcome {
            FlowOutcome::Delivered { to } => Self::plain("delivered", to, None),
            FlowOutcome::Rejected { by, with } => Self::plain("rejected", by, Some(with.clone())),
            FlowOutcome::Dropped { at, reason } => Self::plain("dropped", at, Some(reason.to_string())),
            FlowOutcome::Unsent { at, error } => Self::plain("unsent", at, Some(error.clone())),
            FlowOutcome::Timeout { at } => Self::plain("timeout", at, None),
        }
    }

    fn plain(result: &'static str, at: &'a str, why: Option<String>) -> Self {
        Self { result, at, why }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LegJson<'a> {
    title: &'static str,
    #[serde(rename = "in")]
    entry: Option<String>,
    packet: Ipv4,
    fate: FateJson<'a>,
    assumed: &'a [String],
    packets: Vec<PacketJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_it_matches: Option<Box<LegJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_it_does_not: Option<Box<LegJson<'a>>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "camelCase")]
enum FateJson<'a> {
    Left { device: String, to: Option<String>, packet: Ipv4 },
    Delivered { to: &'a str },
    Dropped { why: String },
    Unknown { why: &'a str },
}

fn leg(leg: &Leg) -> LegJson<'_> {
    let fate = match &leg.fate {
        Fate::Left { device, to, packet } => {
            FateJson::Left { device: device.to_string(), to: to.map(|to| to.to_string()), packet: ipv4(packet) }
        }
        Fate::Delivered { to } => FateJson::Delivered { to },
        Fate::Dropped(reason) => FateJson::Dropped { why: reason.to_string() },
        Fate::Unknown(doubt) => FateJson::Unknown { why: &doubt.why },
    };
    let mut ways = leg.ways.iter().flat_map(|ways| ways.iter()).map(|way| Box::new(self::leg(way)));
    LegJson {
        title: leg.title,
        entry: leg.entry.map(|device| device.to_string()),
        packet: ipv4(&leg.packet),
        fate,
        assumed: &leg.assumed,
        packets: leg.packets.iter().map(|packet| packet_trace(packet, &mut None)).collect(),
        if_it_matches: ways.next(),
        if_it_does_not: ways.next(),
    }
}

#[derive(Debug, Serialize)]
struct PacketJson<'a> {
    id: u64,
    hops: Vec<HopJson<'a>>,
}

fn packet_trace<'a>(packet: &'a PacketTrace, once: &mut Option<Once<'a>>) -> PacketJson<'a> {
    PacketJson { id: packet.id.0, hops: packet.hops.iter().map(|one| hop(one, once)).collect() }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HopJson<'a> {
    time_ns: u64,
    place: &'a str,
    #[serde(rename = "in")]
    in_device: Option<&'a str>,
    out: Option<&'a str>,
    before: HeaderJson,
    after: HeaderJson,
    steps: StepsJson<'a>,
    end: EndJson<'a>,
}

/// A header: in words, or where it is told in words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum HeaderJson {
    Words(Ipv4),
    Place(usize),
}

/// What befell a packet in a namespace: in words, or where it is told in words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum StepsJson<'a> {
    Words(Vec<StepJson<'a>>),
    Places(Vec<usize>),
}

fn hop<'a>(hop: &'a Hop, once: &mut Option<Once<'a>>) -> HopJson<'a> {
    HopJson {
        time_ns: hop.time.as_nanos(),
        place: &hop.place,
        in_device: hop.in_device.as_ref().map(DeviceName::as_str),
        out: hop.out_device.as_ref().map(DeviceName::as_str),
        before: header(&hop.before, once),
        after: header(&hop.after, once),
        steps: match once {
            None => StepsJson::Words(hop.steps.iter().map(step).collect()),
            Some(once) => StepsJson::Places(hop.steps.iter().map(|step| once.step(step)).collect()),
        },
        end: end(hop),
    }
}

fn header(packet: &Packet, once: &mut Option<Once<'_>>) -> HeaderJson {
    let header = ipv4(packet);
    match once {
        None => HeaderJson::Words(header),
        Some(once) => HeaderJson::Place(once.header(header)),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ipv4 {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Flags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<String>,
    ttl: u8,
    tos: u8,
    length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Box<Ipv4>>,
}

/// The protocol that an IPv4 header names: by its name, or by its number where it has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Protocol(u8);

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match if self.0 == protocol::IPIP { Some("ipip") } else { protocol::name(self.0) } {
            Some(name) => to.serialize_str(name),
            None => to.collect_str(&self.0),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flags(TcpFlags);

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

fn ipv4(packet: &Packet) -> Ipv4 {
    let ports = packet.ports();
    Ipv4 {
        source: packet.source,
        destination: packet.destination,
        protocol: Protocol(packet.protocol()),
        source_port: ports.map(|ports| ports.0),
        destination_port: ports.map(|ports| ports.1),
        flags: packet.tcp().map(|tcp| Flags(tcp.flags)),
        icmp: match &packet.body {
            Body::Icmp(icmp) => Some(icmp.to_string()),
            _ => None,
        },
        ttl: packet.ttl,
        tos: packet.tos,
        length: packet.length(),
        inner: match &packet.body {
            Body::Ipip(inner) => Some(Box::new(ipv4(inner))),
            _ => None,
        },
    }
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    file: &'a str,
    line: u32,
}

fn place(origin: &Origin) -> Place<'_> {
    Place { file: &origin.file, line: origin.line }
}

#[derive(Debug, Serialize)]
struct By<'a> {
    agent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    object: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Place<'a>>,
}

fn by(by: &Provenance) -> By<'_> {
    By {
        agent: &by.agent,
        object: &by.object,
        field: &by.field,
        declared: by.origin.as_ref().map(place),
        read: by.read.as_ref().map(place),
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "camelCase")]
enum StepJson<'a> {
    Rule(RuleJson<'a>),
    Misses {
        hook: &'static str,
        table: &'static str,
        chain: &'a str,
        first: u32,
        last: u32,
        tried: usize,
    },
    ChainEnd {
        hook: &'static str,
        table: &'static str,
        chain: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<&'static str>,
    },
    Conntrack {
        state: &'static str,
    },
    Dnat {
        from: SocketAddrV4,
        to: SocketAddrV4,
    },
    Snat {
        from: SocketAddrV4,
        to: SocketAddrV4,
    },
    Route {
        destination: Ipv4Addr,
        route: Option<String>,
        via: Option<Ipv4Addr>,
        device: Option<&'a str>,
    },
    Arp {
        address: Ipv4Addr,
        device: &'a str,
        answer: Option<String>,
        by: Option<&'a str>,
    },
    Encapsulated {
        source: Ipv4Addr,
        destination: Ipv4Addr,
    },
    Decapsulated {
        source: Ipv4Addr,
        destination: Ipv4Addr,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleJson<'a> {
    hook: &'static str,
    table: &'static str,
    chain: &'a str,
    number: u32,
    rule: &'a str,
    mark: u32,
    mark_after: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By<'a>>,
}

fn rule(hit: &RuleHit) -> RuleJson<'_> {
    RuleJson {
        hook: hit.hook.chain(),
        table: hit.table.as_str(),
        chain: &hit.chain,
        number: hit.number,
        rule: &hit.rule,
        mark: hit.mark,
        mark_after: hit.mark_after,
        by: hit.provenance.as_deref().map(by),
    }
}

fn step(step: &Step) -> StepJson<'_> {
    match step {
        Step::Rule(hit) => StepJson::Rule(rule(hit)),
        Step::Misses { hook, table, chain, misses } => StepJson::Misses {
            hook: hook.chain(),
            table: table.as_str(),
            chain,
            first: misses.first,
            last: misses.last,
            tried: misses.tried(),
        },
        Step::ChainEnd { hook, table, chain, policy } => StepJson::ChainEnd {
            hook: hook.chain(),
            table: table.as_str(),
            chain,
            policy: policy.map(|policy| if policy == Policy::Drop { "DROP" } else { "ACCEPT" }),
        },
        Step::Conntrack { state } => StepJson::Conntrack { state: state_name(*state) },
        Step::Dnat { from, to } => StepJson::Dnat { from: *from, to: *to },
        Step::Snat { from, to } => StepJson::Snat { from: *from, to: *to },
        Step::Route { destination, route, via, device } => StepJson::Route {
            destination: *destination,
            route: route.map(|route| route.to_string()),
            via: *via,
            device: device.as_ref().map(DeviceName::as_str),
        },
        Step::Arp { address, device, answer, by } => StepJson::Arp {
            address: *address,
            device: device.as_str(),
            answer: answer.map(|mac| mac.to_string()),
            by: by.as_deref(),
        },
        Step::Encapsulated { source, destination } => {
            StepJson::Encapsulated { source: *source, destination: *destination }
        }
        Step::Decapsulated { source, destination } => {
            StepJson::Decapsulated { source: *source, destination: *destination }
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "end", rename_all = "camelCase")]
enum EndJson<'a> {
    Sent {
        to: Option<String>,
    },
    Delivered {
        to: &'a str,
    },
    Dropped {
        why: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        table: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        chain: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cure: Option<&'a str>,
    },
}

fn end(hop: &Hop) -> EndJson<'_> {
    match &hop.end {
        End::Sent { to } => EndJson::Sent { to: to.map(|mac| mac.to_string()) },
        End::Delivered { to } => EndJson::Delivered { to },
        End::Dropped(reason) => {
            let (table, chain, number) = match reason {
                DropReason::Rule { table, chain, number, .. } => (Some(table.as_str()), Some(&**chain), *number),
                _ => (None, None, None),
            };
            let why = hop.why.as_ref();
            EndJson::Dropped {
                why: reason.to_string(),
                table,
                chain,
                number,
                cause: why.map(|why| why.cause.as_str()),
                cure: why.and_then(|why| why.cure.as_deref()),
            }
        }
    }
}
