//! The steps of a case: packets and what else is done to the node, as lines of text.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;
use std::sync::Arc;

use netscene_core::packet::{Body, Fragment, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Udp};

use crate::Result;
use crate::wire::Ends;

/// Something that is done to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A packet comes from the far end of a wire, or from a process of the node (`node`).
    Send { from: String, source: SocketAddrV4, destination: SocketAddrV4, what: Segment },
    /// The same from one pod to another on the same bridge: to its Ethernet address, not the node's.
    Bridged { from: String, source: SocketAddrV4, destination: SocketAddrV4, to: String, what: Segment },
    /// Whoever the last packet left for answers it. Nothing happens where none left.
    Reply(Segment),
    /// So many milliseconds pass.
    Wait(u64),
    /// Somebody at the far end of a wire asks who has an address (RFC 826).
    Ask { from: String, sender: Ipv4Addr, target: Ipv4Addr },
    /// A command for the node: `sysctl NAME VALUE`, `ip route add ...`, `rule PRIORITY: ...`, `iptables ...`, `ipset ...`.
    Do(String),
    /// What LOG rules have written since the beginning is compared.
    Log,
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
    /// The type of service.
    pub(crate) tos: u8,
    /// Sent in parts of so many bytes; 0 for a whole packet.
    pub(crate) parts: u16,
    /// The checksum of what the packet carries is wrong.
    pub(crate) bad_checksum: bool,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp {
        flags: TcpFlags,
        seq: u32,
        ack: u32,
    },
    Udp,
    Echo {
        id: u16,
        seq: u16,
        reply: bool,
    },
    /// Another protocol, by number.
    Other(u8),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { from, source, destination, what } => write!(f, "send {from} {source} > {destination} {what}"),
            Self::Bridged { from, source, destination, to, what } => {
                write!(f, "bridged {from} {source} > {destination} {to} {what}")
            }
            Self::Reply(what) => write!(f, "reply {what}"),
            Self::Wait(milliseconds) => write!(f, "wait {milliseconds}"),
            Self::Ask { from, sender, target } => write!(f, "ask {from} {sender} {target}"),
            Self::Do(command) => write!(f, "do {command}"),
            Self::Log => f.write_str("log"),
            Self::Flush => f.write_str("flush"),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Tcp { flags, seq, ack } => write!(f, "tcp {flags} seq {seq} ack {ack}")?,
            Kind::Udp => f.write_str("udp")?,
            Kind::Other(number) => write!(f, "protocol {number}")?,
            Kind::Echo { id, seq, reply } => {
                write!(f, "icmp {} id {id} seq {seq}", if reply { "echo-reply" } else { "echo" })?;
            }
        }
        write!(f, " data {} ttl {}", self.data, self.ttl)?;
        if self.tos > 0 {
            write!(f, " tos {}", self.tos)?;
        }
        if self.parts > 0 {
            write!(f, " parts {}", self.parts)?;
        }
        f.write_str(if self.bad_checksum { " checksum bad" } else { "" })
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
            ["bridged", from, source, ">", destination, to, what @ ..] => Self::Bridged {
                from: (*from).to_owned(),
                source: socket(source)?,
                destination: socket(destination)?,
                to: (*to).to_owned(),
                what: segment(what)?,
            },
            ["reply", what @ ..] => Self::Reply(segment(what)?),
            ["wait", milliseconds] => Self::Wait(milliseconds.parse()?),
            ["ask", from, sender, target] => {
                Self::Ask { from: (*from).to_owned(), sender: sender.parse()?, target: target.parse()? }
            }
            ["do", ..] => Self::Do(line.trim_start_matches("do ").to_owned()),
            ["log"] => Self::Log,
            ["flush"] => Self::Flush,
            _ => return Err("a step is send, reply, ask, do, wait, log or flush".into()),
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
        ["protocol", number, pairs @ ..] => (Kind::Other(number.parse()?), pairs),
        _ => return Err("a packet is tcp, udp, icmp or of a protocol by number".into()),
    };
    let mut found = Segment { kind, ttl: 64, data: 0, tos: 0, parts: 0, bad_checksum: false };
    for pair in pairs.chunks(2) {
        let [name, number] = pair else { return Err("a name without its number".into()) };
        match (*name, &mut found.kind) {
            ("ttl", _) => found.ttl = number.parse()?,
            ("data", _) => found.data = number.parse()?,
            ("tos", _) => found.tos = number.parse()?,
            ("parts", _) => found.parts = number.parse()?,
            ("checksum", _) => found.bad_checksum = *number == "bad",
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
                    TcpOptions::syn(1400)
                } else if flags.has(TcpFlags::RST) {
                    TcpOptions::None
                } else {
                    TcpOptions::TIMESTAMPS
                };
                let (source, destination) = (source.port(), destination.port());
                Tcp { source, destination, seq, ack, flags, window: 64240, options, payload }.into()
            }
            Kind::Other(protocol) => Body::Other { protocol, payload },
            Kind::Udp => Udp { source: source.port(), destination: destination.port(), payload }.into(),
            Kind::Echo { id, seq, reply: false } => Icmp::EchoRequest { id, seq, payload }.into(),
            Kind::Echo { id, seq, reply: true } => Icmp::EchoReply { id, seq, payload }.into(),
        };
        let whole = Packet::new(*source.ip(), *destination.ip(), body);
        let (ttl, tos, bad_checksum) = (self.ttl, self.tos, self.bad_checksum);
        Packet { ttl, tos, bad_checksum, id: 1, dont_fragment: self.parts == 0, ..whole }
    }

    /// The packet, or its parts.
    pub(crate) fn packets(&self, source: SocketAddrV4, destination: SocketAddrV4) -> Vec<Packet> {
        let whole = self.packet(source, destination);
        if self.parts == 0 {
            return vec![whole];
        }
        let (of, total, size) = (Arc::new(whole.body.clone()), whole.length() as u16 - 20, self.parts & !7);
        let part = |offset: u16| {
            let length = size.min(total - offset);
            let body = Fragment { of: of.clone(), offset, length, more: offset + length < total };
            Packet { body: Body::Fragment(body), ..whole.clone() }
        };
        (0..total).step_by(size.max(8).into()).map(part).collect()
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
