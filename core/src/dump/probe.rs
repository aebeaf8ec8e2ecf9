//! A packet in the words of a command line, and sequences of them.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::packet::{Body, DeviceName, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Udp, protocol};

/// A packet to walk through a node, as somebody describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The protocol's number: TCP, UDP or ICMP.
    pub protocol: u8,
    /// The source; none for a packet of the node's own, whose source its route gives.
    pub source: Option<Ipv4Addr>,
    /// The source port; of an echo, its identifier.
    pub source_port: u16,
    /// The destination.
    pub destination: Ipv4Addr,
    /// The destination port.
    pub destination_port: u16,
    /// The control bits of TCP.
    pub flags: TcpFlags,
    /// Hops left.
    pub ttl: u8,
    /// Bytes of payload.
    pub payload: u16,
    /// Where it comes from.
    pub entry: Entry,
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By a device.
    Device(DeviceName),
    /// From a process of the node.
    Local,
    /// Not said: from where the node would send an answer to.
    Unsaid,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// A packet.
    Packet(Probe),
    /// Whoever the last packet went to answers it.
    Reply,
    /// The last packet that was described, once more.
    Again,
    /// Time passes.
    Wait(Duration),
}

/// Words that describe no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct BadProbe {
    /// What is wrong with them.
    pub problem: String,
    /// What to write.
    pub hint: String,
}

/// The longest sequence.
const MOST_MOVES: usize = 1000;
/// The source port of whoever names none.
const SOME_PORT: u16 = 40000;
/// How a packet is written.
const FORM: &str = "write it as in: tcp 10.0.0.5:40000 to 10.96.0.10:53 in eth0";

fn bad<T>(problem: impl Into<String>, hint: impl Into<String>) -> Result<T, BadProbe> {
    Err(BadProbe { problem: problem.into(), hint: hint.into() })
}

impl Probe {
    /// Reads `PROTOCOL SOURCE to DESTINATION in DEVICE [OPTION…] [then …]`.
    ///
    /// - `to` may be written `->` or `>`; a source of `local`, or `from local` in the place of the device, is a process of
    ///   the node; without either the device is the one that leads back to the source;
    /// - options are `flags SYN,ACK` (or `syn`, `ack`, `fin`, `rst`), `ttl 64` and `length 100`, which is the payload's;
    /// - behind `then` stand `reply`, `again`, `wait 30s` or another packet.
    ///
    /// ```
    /// use netscene_core::dump::{Move, Probe};
    /// let words = ["udp 10.0.0.5:40000 -> 10.96.0.10:53 in eth0 then reply"];
    /// let moves = Probe::sequence(&words)?;
    /// assert!(matches!(&moves[..], [Move::Packet(probe), Move::Reply] if probe.destination_port == 53));
    /// // An arrow that no quotes protect is a redirection to the shell.
    /// let error = Probe::sequence(&["tcp", "10.0.0.5:40000", "-", "in", "eth0"]).unwrap_err();
    /// assert!(error.hint.contains("quotes"));
    /// # Ok::<(), netscene_core::dump::BadProbe>(())
    /// ```
    pub fn sequence(words: &[impl AsRef<str>]) -> Result<Vec<Move>, BadProbe> {
        let words: Vec<_> = words.iter().flat_map(|word| word.as_ref().split_whitespace()).collect();
        let mut moves = Vec::new();
        for part in words.split(|word| *word == "then") {
            if moves.len() == MOST_MOVES {
                return bad(format!("a sequence has at most {MOST_MOVES} steps"), "walk it in parts");
            }
            moves.push(match part {
                [] => return bad("there is no packet", FORM),
                ["reply"] => Move::Reply,
                ["again"] => Move::Again,
                ["wait", time] => match duration(time) {
                    Some(time) => Move::Wait(time),
                    None => return bad(format!("`{time}` is no time"), "write it as 30s, 500ms or 2m"),
                },
                words => Move::Packet(Self::read(words)?),
            });
        }
        match moves.first() {
            Some(Move::Packet(_)) => Ok(moves),
            _ => bad("a sequence begins with a packet", FORM),
        }
    }

    fn read(words: &[&str]) -> Result<Self, BadProbe> {
        let (name, rest) = words.split_first().map_or(("", words), |(first, rest)| (*first, rest));
        let protocol = match name {
            "tcp" => protocol::TCP,
            "udp" => protocol::UDP,
            "icmp" | "ping" => protocol::ICMP,
            _ => {
                let near = crate::did_you_mean(name, ["tcp", "udp", "icmp"]);
                let hint = near.map_or_else(|| FORM.to_owned(), |near| format!("did you mean `{near}`?"));
                return bad(format!("`{name}` is neither tcp, udp nor icmp"), hint);
            }
        };
        if rest.contains(&"-") {
            return bad(
                "the arrow has lost its head: the shell has taken it for a redirection, and made a file of the rest",
                "put the packet into quotes, or write `to` for `->`",
            );
        }
        let mut probe = Self {
            protocol,
            source: None,
            source_port: if protocol == protocol::ICMP { 1 } else { SOME_PORT },
            destination: Ipv4Addr::UNSPECIFIED,
            destination_port: 0,
            flags: TcpFlags::SYN,
            ttl: 64,
            payload: if protocol == protocol::ICMP { 56 } else { 0 },
            entry: Entry::Unsaid,
        };
        let Some(arrow) = rest.iter().position(|word| matches!(*word, "to" | "->" | ">")) else {
            return bad("it does not say where the packet goes to", FORM);
        };
        match &rest[..arrow] {
            [] | ["from", "local"] => probe.entry = Entry::Local,
            [source] | ["from", source] => {
                let (host, port) = source.split_once(':').map_or((*source, None), |(host, port)| (host, Some(port)));
                if host == "local" {
                    probe.entry = Entry::Local;
                } else {
                    probe.source = Some(address(host)?);
                }
                probe.source_port = port.map_or(Ok(probe.source_port), number)?;
            }
            [_, word, ..] => return bad(format!("`{word}` stands where `to` is expected"), FORM),
        }
        let (target, mut rest) = match &rest[arrow + 1..] {
            [target, rest @ ..] => (*target, rest),
            [] => return bad("it does not say where the packet goes to", FORM),
        };
        let (host, port) = target.split_once(':').map_or((target, None), |(host, port)| (host, Some(port)));
        probe.destination = address(host)?;
        match port {
            Some(port) => probe.destination_port = number(port)?,
            None if protocol == protocol::ICMP => {}
            None => return bad(format!("`{target}` has no port"), format!("write it as in {host}:80")),
        }
        while let [word, more @ ..] = rest {
            let value = || match more.first() {
                Some(value) => Ok(*value),
                None => bad(format!("nothing follows `{word}`"), FORM),
            };
            let mut taken = 2;
            match *word {
                "in" | "via" | "dev" => probe.entry = Entry::Device(named(value()?)?),
                "from" if value()? == "local" => probe.entry = Entry::Local,
                "flags" => probe.flags = flags(value()?)?,
                "ttl" => probe.ttl = number(value()?)?,
                "length" | "data" => probe.payload = number(value()?)?,
                word @ ("syn" | "ack" | "fin" | "rst" | "syn-ack" | "SYN" | "ACK" | "FIN" | "RST" | "SYN-ACK") => {
                    probe.flags = flags(&word.replace('-', ","))?;
                    taken = 1;
                }
                _ => {
                    let known = ["in", "from", "flags", "ttl", "length", "then"];
                    let near = crate::did_you_mean(word, known).map(|near| format!("did you mean `{near}`?"));
                    let hint = near.unwrap_or_else(|| format!("what may follow: {}", known.join(", ")));
                    return bad(format!("`{word}` is not known here"), hint);
                }
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(probe)
    }

    /// The packet, from `source` where it does not say its own.
    pub(super) fn packet(&self, source: Ipv4Addr) -> Packet {
        let payload = vec![0; usize::from(self.payload)].into();
        let body: Body = match self.protocol {
            protocol::TCP => {
                let syn = self.flags.has(TcpFlags::SYN);
                let options = if syn { TcpOptions::syn(1460) } else { TcpOptions::TIMESTAMPS };
                Tcp {
                    source: self.source_port,
                    destination: self.destination_port,
                    seq: 1,
                    ack: u32::from(self.flags.has(TcpFlags::ACK)),
                    flags: self.flags,
                    window: 64240,
                    options,
                    payload,
                }
                .into()
            }
            protocol::UDP => Udp::new(self.source_port, self.destination_port, payload).into(),
            _ => Icmp::EchoRequest { id: self.source_port, seq: 1, payload }.into(),
        };
        Packet { ttl: self.ttl, id: 1, ..Packet::new(self.source.unwrap_or(source), self.destination, body) }
    }
}

fn address(text: &str) -> Result<Ipv4Addr, BadProbe> {
    text.parse().or_else(|_| bad(format!("`{text}` is no IPv4 address"), FORM))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, BadProbe> {
    text.parse().or_else(|_| bad(format!("`{text}` is no number that fits there"), FORM))
}

fn named(text: &str) -> Result<DeviceName, BadProbe> {
    text.parse().or_else(|error| bad(format!("{error}"), FORM))
}

fn flags(text: &str) -> Result<TcpFlags, BadProbe> {
    text.split(',').try_fold(TcpFlags::default(), |all, name| {
        match TcpFlags::NAMED.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            Some((flag, _)) => Ok(all.with(*flag)),
            None => bad(
                format!("`{name}` is no flag of TCP"),
                "they are SYN, ACK, FIN, RST, PSH and URG, with commas between",
            ),
        }
    })
}

/// `500ms`, `30s`, `2m` or `1h`.
fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    Some(match &text[at..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    })
}
