//! Command lines that people type on a node, a pod or a host to look at it: which there are, and what they ask for.
//!
//! What changes something is no view: `iptables -A …` is an operation of its own.

mod conntrack;
mod iptables;
mod pipe;

use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

use super::command_line::{CommandError, Word, Words, missing, unknown};
use crate::netfilter::TableName;
use crate::netfilter::text::port_number;
use crate::packet::{DeviceName, protocol};

pub use conntrack::{Conntrack, Ends, Filter};
pub use iptables::{Listing, ListingKind};
pub use pipe::Grep;

/// A command line, understood.
///
/// ```
/// use netscene_core::view::shell::{Command, Look};
/// let command = Command::parse("iptables-save -t nat | grep DNAT")?;
/// assert!(matches!(command.look, Look::Save { .. }));
/// assert_eq!(command.pipe.len(), 1);
/// let error = Command::parse("conntrack -L --sports 80").unwrap_err();
/// assert_eq!(error.problem, "the option `--sports` is not known here");
/// # Ok::<(), netscene_core::view::CommandError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is looked at.
    pub look: Look,
    /// The `grep`s behind it.
    pub pipe: Vec<Grep>,
}

/// What can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// `iptables -L` and `-S`.
    Iptables(Listing),
    /// `iptables-save`.
    Save {
        /// `-t`; every table when not given.
        table: Option<TableName>,
        /// `-c`.
        counters: bool,
    },
    /// `ipset save`.
    IpSets,
    /// `conntrack -L`.
    Conntrack(Filter),
    /// `route -n`.
    Routes,
    /// `ip addr`.
    Addresses,
    /// `ip route`.
    IpRoutes,
    /// `ip route get ADDRESS`.
    RouteGet(Ipv4Addr),
    /// `dmesg`: what LOG rules wrote.
    Log,
    /// `tcpdump -i DEVICE`: what has passed a device since the world, or the test, began, or in a time from now on.
    Tcpdump(Capture),
    /// `cat` of a file that the model has.
    File(File),
}

/// What `tcpdump` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// `-i`.
    pub device: DeviceName,
    /// `-n`: numbers, no names.
    pub numeric: bool,
    /// `port NUMBER`, or by name, as `port domain`.
    pub port: Option<u16>,
    /// `proto NUMBER`, `tcp`, `udp` or `icmp`: the protocol in the header of IP.
    pub protocol: Option<u8>,
    /// `host ADDRESS`: one of the ends.
    pub host: Option<Ipv4Addr>,
    /// `-v`: the header of IP, checksums, and what BGP says.
    pub verbose: bool,
    /// `-c`: so many packets and no more.
    pub count: Option<usize>,
    /// `timeout DURATION` in front of it: how long it listens, from now on. Without it, it shows what has passed so far.
    pub timeout: Option<Duration>,
}

/// A file that the model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// BIRD's configuration, as confd of calico-node writes it.
    BirdCfg,
    /// The configuration of a pod's resolver.
    ResolvConf,
    /// The configuration of nginx in a pod of ingress-nginx.
    NginxConf,
}

impl File {
    const ALL: [(&'static str, Self); 4] = [
        ("/etc/calico/confd/config/bird.cfg", Self::BirdCfg),
        ("bird.cfg", Self::BirdCfg),
        ("/etc/resolv.conf", Self::ResolvConf),
        ("/etc/nginx/nginx.conf", Self::NginxConf),
    ];
}

/// The programs that are known here.
pub const PROGRAMS: [&str; 10] =
    ["iptables", "iptables-save", "ipset", "conntrack", "ip", "route", "tcpdump", "timeout", "dmesg", "cat"];

impl Command {
    /// Understands a command line.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let mut parts = pipe::split(text);
        let first = parts.next().unwrap_or(0..0);
        let look = look(text, first)?;
        let pipe = parts.map(|part| Grep::parse(text, part)).collect::<Result<_, _>>()?;
        Ok(Self { look, pipe })
    }
}

fn look(text: &str, at: Range<usize>) -> Result<Look, CommandError> {
    let mut words = shifted(text, at);
    let all = format!("known are: {}", PROGRAMS.join(", "));
    let Some(program) = words.next() else { return Err(missing(text, "the command", &all)) };
    match program.text {
        "iptables" => Listing::parse(text, words).map(Look::Iptables),
        "iptables-save" => save(text, words),
        "ipset" => only(text, words, "save").map(|()| Look::IpSets),
        "conntrack" => conntrack(text, words),
        "ip" => ip(text, words),
        "route" => only(text, words, "-n").map(|()| Look::Routes),
        "tcpdump" => tcpdump(text, words, None),
        "timeout" => timeout(text, words),
        "dmesg" => match words.next() {
            None => Ok(Look::Log),
            Some(word) => Err(unknown(word.at, "option", word.text, &[], "expected nothing more")),
        },
        "cat" => {
            let names: Vec<_> = File::ALL.iter().map(|(name, _)| *name).collect();
            let all = format!("known are: {}", names.join(", "));
            let Some(file) = words.next() else { return Err(missing(text, "the file", &all)) };
            let found = File::ALL.iter().find(|(name, _)| *name == file.text);
            let found = found.ok_or_else(|| unknown(file.at.clone(), "file", file.text, &names, &all))?;
            Ok(Look::File(found.1))
        }
        other => Err(unknown(program.at, "command", other, &PROGRAMS, &all)),
    }
}

/// The words of a part of a command line, with their places in the whole.
fn shifted(text: &str, part: Range<usize>) -> impl Iterator<Item = Word<'_>> {
    let start = part.start;
    Words::of(&text[part]).map(move |Word { text, at }| Word { text, at: at.start + start..at.end + start })
}

/// One word, and no other.
fn only<'a>(text: &str, mut words: impl Iterator<Item = Word<'a>>, expected: &str) -> Result<(), CommandError> {
    match (words.next(), words.next()) {
        (Some(word), None) if word.text == expected => Ok(()),
        (None, _) => Err(missing(text, &format!("`{expected}`"), "nothing else can be asked for")),
        (Some(word), None) | (_, Some(word)) => {
            Err(unknown(word.at, "option", word.text, &[expected], &format!("expected `{expected}`")))
        }
    }
}

/// `ip`, with the objects' names as short as people write them.
fn ip<'a>(text: &str, mut words: impl Iterator<Item = Word<'a>>) -> Result<Look, CommandError> {
    const ALL: &str = "known are: addr, route, route get ADDRESS";
    let object = words.next().ok_or_else(|| missing(text, "what `ip` is asked for", ALL))?;
    let names = ["addr", "route"];
    let look = match object.text {
        "a" | "addr" | "address" => Look::Addresses,
        "r" | "route" => Look::IpRoutes,
        other => return Err(unknown(object.at, "object", other, &names, ALL)),
    };
    let verb = words.next();
    let look = match (look, verb) {
        (look, None) => look,
        (look, Some(verb)) if matches!(verb.text, "show" | "list" | "ls") => look,
        (Look::IpRoutes, Some(verb)) if verb.text == "get" => {
            let address = words.next().ok_or_else(|| missing(text, "the address", ALL))?;
            let found = address.text.parse();
            Look::RouteGet(found.map_err(|_| unknown(address.at, "address", address.text, &[], "expected an address"))?)
        }
        (_, Some(verb)) => return Err(unknown(verb.at, "word", verb.text, &["show", "get"], ALL)),
    };
    match words.next() {
        None => Ok(look),
        Some(word) => Err(unknown(word.at, "word", word.text, &[], "expected nothing more")),
    }
}

fn save<'a>(text: &str, mut words: impl Iterator<Item = Word<'a>>) -> Result<Look, CommandError> {
    let (mut table, mut counters) = (None, false);
    while let Some(word) = words.next() {
        match word.text {
            "-c" | "--counters" => counters = true,
            "-t" | "--table" => table = Some(iptables::table(text, words.next())?),
            other => {
                return Err(unknown(word.at, "option", other, &["-c", "-t"], "known are: -c, -t TABLE"));
            }
        }
    }
    Ok(Look::Save { table, counters })
}

/// What changes the table is no view.
fn conntrack<'a>(text: &str, words: impl Iterator<Item = Word<'a>>) -> Result<Look, CommandError> {
    match Conntrack::read(text, words)? {
        Conntrack::List(filter) => Ok(Look::Conntrack(filter)),
        Conntrack::Delete(_) | Conntrack::Flush => Err(CommandError {
            at: 0..text.len(),
            problem: "nothing stands behind a command that changes the table".into(),
            hint: "leave out what is behind the `|`".into(),
        }),
    }
}

/// `timeout DURATION tcpdump …`, as of coreutils: seconds, or a number with `s`, `m` or `h` behind it.
fn timeout<'a>(text: &str, mut words: impl Iterator<Item = Word<'a>>) -> Result<Look, CommandError> {
    const ALL: &str = "expected seconds, or a number with s, m or h behind it";
    let time = words.next().ok_or_else(|| missing(text, "the duration", ALL))?;
    let (number, factor) = match time.text.split_at(time.text.len().saturating_sub(1)) {
        (number, "s") => (number, 1),
        (number, "m") => (number, 60),
        (number, "h") => (number, 3600),
        _ => (time.text, 1),
    };
    let seconds = number.parse::<u32>().ok().map(|number| u64::from(number) * factor);
    let seconds = seconds.ok_or_else(|| unknown(time.at, "duration", time.text, &[], ALL))?;
    match words.next() {
        Some(word) if word.text == "tcpdump" => tcpdump(text, words, Some(Duration::from_secs(seconds))),
        Some(word) => Err(unknown(word.at, "command", word.text, &["tcpdump"], "only `tcpdump` is waited for")),
        None => Err(missing(text, "the command", "only `tcpdump` is waited for")),
    }
}

fn tcpdump<'a>(
    text: &str,
    mut words: impl Iterator<Item = Word<'a>>,
    timeout: Option<Duration>,
) -> Result<Look, CommandError> {
    const ALL: &str =
        "known are: -i DEVICE, -n, -v, -c COUNT, -s LENGTH, [tcp|udp] port NUMBER, host ADDRESS, icmp, proto NUMBER";
    let (mut device, mut numeric, mut port, mut protocol) = (None, false, None, None);
    let (mut verbose, mut host, mut count) = (false, None, None);
    while let Some(word) = words.next() {
        match word.text {
            "-n" | "-nn" => numeric = true,
            "-v" => verbose = true,
            "-i" | "-ni" | "-nni" | "-vni" | "-nvi" | "-vi" => {
                numeric |= word.text.contains('n');
                verbose |= word.text.contains('v');
                let name = words.next().ok_or_else(|| missing(text, "the device", ALL))?;
                let found = name.text.parse().map_err(|_| unknown(name.at, "device", name.text, &[], ALL))?;
                device = Some(found);
            }
            "port" => {
                let number = words.next().ok_or_else(|| missing(text, "the port", ALL))?;
                let found = port_number(number.text).or_else(|| number.text.parse().ok());
                port = Some(found.ok_or_else(|| unknown(number.at, "port", number.text, &["domain", "bgp"], ALL))?);
            }
            "tcp" => protocol = Some(protocol::TCP),
            "udp" => protocol = Some(protocol::UDP),
            "icmp" => protocol = Some(protocol::ICMP),
            // All that is said has to be so, with the word and without.
            "and" => {}
            "host" => {
                let address = words.next().ok_or_else(|| missing(text, "the address", ALL))?;
                let found = address.text.parse().ok();
                host = Some(found.ok_or_else(|| unknown(address.at, "address", address.text, &[], ALL))?);
            }
            "-c" => {
                let number = words.next().ok_or_else(|| missing(text, "how many", ALL))?;
                let found = number.text.parse().ok().filter(|count| *count > 0);
                count = Some(found.ok_or_else(|| unknown(number.at, "count", number.text, &[], ALL))?);
            }
            "proto" => {
                let number = words.next().ok_or_else(|| missing(text, "the protocol", ALL))?;
                let found = number.text.parse().map_err(|_| unknown(number.at, "protocol", number.text, &[], ALL))?;
                protocol = Some(found);
            }
            // How much of a packet is kept: the model keeps all of it.
            "-s" => {
                let length = words.next().ok_or_else(|| missing(text, "the length", ALL))?;
                let is_number = length.text.parse::<u32>().is_ok();
                if !is_number {
                    return Err(unknown(length.at, "length", length.text, &[], ALL));
                }
            }
            other => {
                return Err(unknown(
                    word.at,
                    "word",
                    other,
                    &["-i", "-n", "-v", "-c", "-s", "port", "host", "proto"],
                    ALL,
                ));
            }
        }
    }
    let device = device.ok_or_else(|| missing(text, "the device", ALL))?;
    Ok(Look::Tcpdump(Capture { device, numeric, port, protocol, host, verbose, count, timeout }))
}

#[cfg(test)]
mod tests;
