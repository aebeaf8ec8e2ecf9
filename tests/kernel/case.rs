//! A case: ipsets, rules and packets as one text, which a failing run writes and a later one replays.
//!
//! ```text
//! ipset pods 10.244.0.0/16
//! *nat
//! -A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
//! COMMIT
//! send client 10.0.0.2:40000 > 10.96.0.10:80 tcp SYN seq 1000 ttl 64
//! reply tcp SYN,ACK seq 5000 ack 1001
//! wait 2500
//! flush
//! ```

use std::fmt;
use std::net::SocketAddrV4;
use std::str::FromStr;

use netscene_core::netfilter::{Hook, TableName};
use netscene_core::packet::{Body, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Udp};

use crate::Result;
use crate::wire::Ends;

/// The tables whose rules the suite traces. `security` holds no rule of its own and is created only by what touches it.
pub(crate) const TABLES: [TableName; 4] = [TableName::Raw, TableName::Mangle, TableName::Nat, TableName::Filter];

/// Rules, and packets for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// Sets of networks by name.
    pub(crate) sets: Vec<(String, Vec<String>)>,
    /// The lines of each table between `*table` and `COMMIT`, by `TableName`.
    pub(crate) tables: [Vec<String>; TableName::ALL.len()],
    pub(crate) steps: Vec<Step>,
}

/// Something that is done to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A packet comes from the far end of a wire, or from a process of the node (`node`).
    Send { from: String, source: SocketAddrV4, destination: SocketAddrV4, what: Segment },
    /// Whoever the last packet left for answers it. Nothing happens where none left.
    Reply(Segment),
    /// So many milliseconds pass.
    Wait(u64),
    /// Every connection is forgotten, after those that there are have been compared.
    Flush,
}

/// The part of a packet behind its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: Kind,
    pub(crate) ttl: u8,
    /// Bytes of payload.
    pub(crate) data: usize,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp { flags: TcpFlags, seq: u32, ack: u32 },
    Udp,
    Echo { id: u16, seq: u16, reply: bool },
}

impl Case {
    /// What `iptables-restore` reads, with nothing of the suite's own in it.
    pub(crate) fn rules(&self) -> String {
        let blocks = TABLES.into_iter().filter(|table| !self.tables[*table as usize].is_empty());
        let blocks = blocks.map(|table| format!("*{table}\n{}\nCOMMIT\n", self.tables[table as usize].join("\n")));
        blocks.collect::<Vec<_>>().concat()
    }

    /// Whether the model takes the table for absent: no rule, no chain of a user, no policy but ACCEPT.
    pub(crate) fn is_vacant(&self, table: TableName) -> bool {
        let plain = |line: &String| {
            let mut words = line.split_whitespace();
            let chain = words.next().unwrap_or_default().trim_start_matches(':');
            line.starts_with(':')
                && table.hooks().iter().any(|hook| hook.chain() == chain)
                && words.next() == Some("ACCEPT")
        };
        self.tables[table as usize].iter().all(plain)
    }
}

impl FromStr for Case {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Self> {
        let mut case = Self::default();
        let mut open = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('*') {
                open = Some(TableName::from_name(name).ok_or_else(|| format!("there is no table {name}"))?);
            } else if line == "COMMIT" {
                open = None;
            } else if let Some(table) = open {
                case.tables[table as usize].push(line.to_owned());
            } else if let Some(set) = line.strip_prefix("ipset ") {
                let mut words = set.split_whitespace().map(str::to_owned);
                case.sets.push((words.next().unwrap_or_default(), words.collect()));
            } else {
                case.steps.push(line.parse().map_err(|error| format!("{line}: {error}"))?);
            }
        }
        Ok(case)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, members) in &self.sets {
            writeln!(f, "ipset {name} {}", members.join(" "))?;
        }
        f.write_str(&self.rules())?;
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { from, source, destination, what } => write!(f, "send {from} {source} > {destination} {what}"),
            Self::Reply(what) => write!(f, "reply {what}"),
            Self::Wait(milliseconds) => write!(f, "wait {milliseconds}"),
            Self::Flush => f.write_str("flush"),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Tcp { flags, seq, ack } => write!(f, "tcp {flags} seq {seq} ack {ack}")?,
            Kind::Udp => f.write_str("udp")?,
            Kind::Echo { id, seq, reply } => {
                write!(f, "icmp {} id {id} seq {seq}", if reply { "echo-reply" } else { "echo" })?;
            }
        }
        write!(f, " data {} ttl {}", self.data, self.ttl)
    }
}

impl FromStr for Step {
    type Err = Box<dyn std::error::Error>;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["send", from, source, ">", destination, what @ ..] => Self::Send {
                from: (*from).to_owned(),
                source: socket(source)?,
                destination: socket(destination)?,
                what: segment(what)?,
            },
            ["reply", what @ ..] => Self::Reply(segment(what)?),
            ["wait", milliseconds] => Self::Wait(milliseconds.parse()?),
            ["flush"] => Self::Flush,
            _ => return Err("a step is send, reply, wait or flush".into()),
        })
    }
}

/// `address:port`; the port of an ICMP message may be missing.
fn socket(text: &str) -> Result<SocketAddrV4> {
    match text.parse() {
        Ok(socket) => Ok(socket),
        Err(_) => Ok(SocketAddrV4::new(text.parse()?, 0)),
    }
}

/// Reads `tcp FLAGS`, `udp` or `icmp echo`, and pairs of a name and a number.
fn segment(words: &[&str]) -> Result<Segment> {
    let (kind, pairs) = match words {
        ["tcp", flags, pairs @ ..] => (Kind::Tcp { flags: tcp_flags(flags)?, seq: 1, ack: 0 }, pairs),
        ["udp", pairs @ ..] => (Kind::Udp, pairs),
        ["icmp", "echo", pairs @ ..] => (Kind::Echo { id: 1, seq: 1, reply: false }, pairs),
        ["icmp", "echo-reply", pairs @ ..] => (Kind::Echo { id: 1, seq: 1, reply: true }, pairs),
        _ => return Err("a packet is tcp, udp or icmp".into()),
    };
    let mut found = Segment { kind, ttl: 64, data: 0 };
    for pair in pairs.chunks(2) {
        let [name, number] = pair else { return Err("a name without its number".into()) };
        match (*name, &mut found.kind) {
            ("ttl", _) => found.ttl = number.parse()?,
            ("data", _) => found.data = number.parse()?,
            ("seq", Kind::Tcp { seq, .. }) => *seq = number.parse()?,
            ("ack", Kind::Tcp { ack, .. }) => *ack = number.parse()?,
            ("id", Kind::Echo { id, .. }) => *id = number.parse()?,
            ("seq", Kind::Echo { seq, .. }) => *seq = number.parse()?,
            _ => return Err(format!("`{name}` is not known here").into()),
        }
    }
    Ok(found)
}

fn tcp_flags(text: &str) -> Result<TcpFlags> {
    if text == "none" {
        return Ok(TcpFlags::default());
    }
    text.split(',').try_fold(TcpFlags::default(), |flags, name| {
        let found = TcpFlags::NAMED.iter().find(|(_, known)| *known == name);
        Ok(flags.with(found.ok_or_else(|| format!("`{name}` is not a TCP flag"))?.0))
    })
}

impl Segment {
    /// The packet between two ends.
    pub(crate) fn packet(&self, source: SocketAddrV4, destination: SocketAddrV4) -> Packet {
        let payload = vec![b'x'; self.data].into();
        let body: Body = match self.kind {
            Kind::Tcp { flags, seq, ack } => {
                let options = if flags.has(TcpFlags::SYN) {
                    TcpOptions::Syn { mss: 1400 }
                } else if flags.has(TcpFlags::RST) {
                    TcpOptions::None
                } else {
                    TcpOptions::Timestamps
                };
                let (source, destination) = (source.port(), destination.port());
                Tcp { source, destination, seq, ack, flags, window: 64240, options, payload }.into()
            }
            Kind::Udp => Udp { source: source.port(), destination: destination.port(), payload }.into(),
            Kind::Echo { id, seq, reply: false } => Icmp::EchoRequest { id, seq, payload }.into(),
            Kind::Echo { id, seq, reply: true } => Icmp::EchoReply { id, seq, payload }.into(),
        };
        Packet { ttl: self.ttl, id: 1, ..Packet::new(*source.ip(), *destination.ip(), body) }
    }

    /// The answer to a packet that went between these ends. An echo is answered by the identifier it has, which NAT may
    /// have chosen.
    pub(crate) fn answer(&self, to: Ends, echo: Option<u16>) -> Packet {
        let (from_port, to_port) = to.ports.unwrap_or_default();
        let mut answer = self.clone();
        if let (Kind::Echo { id, .. }, Some(echo)) = (&mut answer.kind, echo) {
            *id = echo;
        }
        answer.packet(SocketAddrV4::new(to.destination, to_port), SocketAddrV4::new(to.source, from_port))
    }
}

/// The hook that netfilter gives that number (`enum nf_inet_hooks`).
pub(crate) fn hook(number: u8) -> Result<Hook> {
    use Hook::{Forward, Input, Output, Postrouting, Prerouting};
    let all = [Prerouting, Input, Forward, Output, Postrouting];
    all.get(usize::from(number)).copied().ok_or_else(|| format!("there is no hook {number}").into())
}
