//! `conntrack -L`, `-D` and `-F`: which connections are meant, and what is printed of them.

use std::net::Ipv4Addr;

use super::super::command_line::{CommandError, Word, Words, missing, unknown};
use crate::conntrack::{Entry, Layer4};
use crate::kube::TransportProtocol;

/// What `conntrack` is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conntrack {
    /// `-L`: list.
    List(Filter),
    /// `-D`: forget, and list what is forgotten.
    Delete(Filter),
    /// `-F`: forget everything.
    Flush,
}

/// Which connections are meant: those that have all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `-p`
    pub protocol: Option<u8>,
    /// `-s` and `-d`: the addresses of the original direction.
    pub original: Ends,
    /// `-r` and `-q`: those of the reply.
    pub reply: Ends,
    /// `--state`
    pub state: Option<String>,
    /// `--src-nat`: only connections whose source is translated.
    pub src_nat: bool,
    /// `--dst-nat`: only connections whose destination is translated.
    pub dst_nat: bool,
}

/// Addresses and ports of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Source address.
    pub source: Option<Ipv4Addr>,
    /// Destination address.
    pub destination: Option<Ipv4Addr>,
    /// Source port.
    pub source_port: Option<u16>,
    /// Destination port.
    pub destination_port: Option<u16>,
}

impl Filter {
    /// Whether a connection is meant.
    pub fn picks(&self, entry: &Entry) -> bool {
        let state = |state: &String| entry.tcp.is_some_and(|tcp| tcp.name() == state);
        self.protocol.is_none_or(|protocol| protocol == entry.original.protocol)
            && self.original.are(&entry.original)
            && self.reply.are(&entry.reply)
            && self.state.as_ref().is_none_or(state)
            && (!self.src_nat || entry.status.src_nat)
            && (!self.dst_nat || entry.status.dst_nat)
    }
}

impl Ends {
    fn are(&self, tuple: &crate::conntrack::Tuple) -> bool {
        let ports = match tuple.layer4 {
            Layer4::Ports { source, destination } => Some((source, destination)),
            _ => None,
        };
        self.source.is_none_or(|source| source == tuple.source)
            && self.destination.is_none_or(|destination| destination == tuple.destination)
            && self.source_port.is_none_or(|port| ports.is_some_and(|ports| ports.0 == port))
            && self.destination_port.is_none_or(|port| ports.is_some_and(|ports| ports.1 == port))
    }
}

const OPTIONS: [&str; 17] = [
    "-L",
    "-D",
    "-F",
    "-p",
    "-s",
    "-d",
    "-r",
    "-q",
    "--sport",
    "--dport",
    "--orig-port-src",
    "--orig-port-dst",
    "--reply-port-src",
    "--reply-port-dst",
    "--state",
    "--src-nat",
    "--dst-nat",
];

const ALL: &str = "known are: -L, -D, -F; -p PROTOCOL, -s, -d, -r and -q ADDRESS, --sport, --dport, --reply-port-src and \
                   --reply-port-dst PORT, --state STATE, --src-nat, --dst-nat";

/// The states of TCP, as `--state` knows them (`libct_proto_tcp.c`).
const STATES: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];

impl Conntrack {
    /// Whether a command line asks for something that changes the table.
    pub fn changes(line: &str) -> bool {
        let mut words = line.split_whitespace();
        words.next() == Some("conntrack") && words.any(|word| matches!(word, "-D" | "--delete" | "-F" | "--flush"))
    }

    /// Understands what follows the word `conntrack`.
    pub fn parse(arguments: &str) -> Result<Self, CommandError> {
        Self::read(arguments, Words::of(arguments))
    }

    pub(super) fn read<'a>(text: &str, mut words: impl Iterator<Item = Word<'a>>) -> Result<Self, CommandError> {
        let mut filter = Filter::default();
        let mut what = None;
        while let Some(word) = words.next() {
            let mut port = |slot: &mut Option<u16>| -> Result<(), CommandError> {
                let port = words.next().ok_or_else(|| missing(text, "the port", "a number from 1 to 65535"))?;
                let number = port.text.parse().ok().filter(|number| *number > 0);
                let wrong = || unknown(port.at.clone(), "port", port.text, &[], "a number from 1 to 65535");
                *slot = Some(number.ok_or_else(wrong)?);
                Ok(())
            };
            match word.text {
                "--sport" | "--orig-port-src" => port(&mut filter.original.source_port)?,
                "--dport" | "--orig-port-dst" => port(&mut filter.original.destination_port)?,
                "--reply-port-src" => port(&mut filter.reply.source_port)?,
                "--reply-port-dst" => port(&mut filter.reply.destination_port)?,
                "-s" | "--src" | "--orig-src" => address(text, words.next(), &mut filter.original.source)?,
                "-d" | "--dst" | "--orig-dst" => address(text, words.next(), &mut filter.original.destination)?,
                "-r" | "--reply-src" => address(text, words.next(), &mut filter.reply.source)?,
                "-q" | "--reply-dst" => address(text, words.next(), &mut filter.reply.destination)?,
                "-n" | "--src-nat" => filter.src_nat = true,
                "-g" | "--dst-nat" => filter.dst_nat = true,
                "-p" | "--proto" => filter.protocol = Some(protocol(text, words.next())?),
                "--state" => {
                    let all = format!("a state is one of: {}", STATES.join(", "));
                    let state = words.next().ok_or_else(|| missing(text, "the state", &all))?;
                    if !STATES.contains(&state.text) {
                        return Err(unknown(state.at, "state", state.text, &STATES, &all));
                    }
                    filter.state = Some(state.text.to_owned());
                }
                "-L" | "--dump" | "-D" | "--delete" | "-F" | "--flush" if what.is_some() => {
                    return Err(CommandError {
                        at: word.at,
                        problem: "conntrack does one thing at a time".into(),
                        hint: "leave one of -L, -D and -F".into(),
                    });
                }
                "-L" | "--dump" | "-D" | "--delete" | "-F" | "--flush" => what = Some(word),
                other => return Err(unknown(word.at, "option", other, &OPTIONS, ALL)),
            }
        }
        let what = what.ok_or_else(|| missing(text, "`-L`, `-D` or `-F`", "list, delete, or flush the table"))?;
        match what.text {
            "-L" | "--dump" => Ok(Self::List(filter)),
            "-D" | "--delete" => Ok(Self::Delete(filter)),
            _ if filter == Filter::default() => Ok(Self::Flush),
            _ => Err(CommandError {
                at: what.at,
                problem: "-F forgets every connection".into(),
                hint: "write -D for some of them".into(),
            }),
        }
    }
}

fn address(text: &str, word: Option<Word<'_>>, slot: &mut Option<Ipv4Addr>) -> Result<(), CommandError> {
    let word = word.ok_or_else(|| missing(text, "the address", "an IPv4 address, such as 10.0.0.1"))?;
    let wrong = |_| unknown(word.at.clone(), "address", word.text, &[], "an IPv4 address, such as 10.0.0.1");
    *slot = Some(word.text.parse().map_err(wrong)?);
    Ok(())
}

fn protocol(text: &str, word: Option<Word<'_>>) -> Result<u8, CommandError> {
    const KNOWN: [(&str, u8); 3] =
        [("tcp", TransportProtocol::Tcp.number()), ("udp", TransportProtocol::Udp.number()), ("icmp", 1)];
    let word = word.ok_or_else(|| missing(text, "the protocol", "tcp, udp or icmp"))?;
    let found = KNOWN.iter().find(|(name, _)| *name == word.text);
    found
        .map(|(_, number)| *number)
        .ok_or_else(|| unknown(word.at, "protocol", word.text, &KNOWN.map(|(name, _)| name), "tcp, udp or icmp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conntrack::{Jiffies, Tuple};

    fn entry() -> Entry {
        let original = Tuple {
            source: [10, 1, 0, 89].into(),
            destination: [10, 1, 110, 105].into(),
            protocol: 6,
            layer4: Layer4::Ports { source: 58927, destination: 80 },
        };
        Entry::new(original, Jiffies(0))
    }

    #[test]
    fn all_that_is_asked_for_must_be_there() {
        let picked = |arguments: &str| match Conntrack::parse(arguments).unwrap() {
            Conntrack::Delete(filter) => filter.picks(&entry()),
            other => panic!("{other:?}"),
        };
        assert!(picked("-D"));
        assert!(picked("-D -p tcp --sport 58927"));
        assert!(picked("-D -s 10.1.0.89 -d 10.1.110.105 --dport 80 -r 10.1.110.105 --reply-port-dst 58927"));
        assert!(!picked("-D -p udp"));
        assert!(!picked("-D -p tcp --sport 58928"));
        assert!(!picked("-D -q 10.1.0.88"));
        assert!(!picked("-D --state ESTABLISHED"));
        assert!(!picked("-D --dst-nat"));
    }

    #[test]
    fn one_thing_at_a_time() {
        let problem = |arguments: &str| Conntrack::parse(arguments).unwrap_err().problem;
        assert_eq!(problem("-L -D"), "conntrack does one thing at a time");
        assert_eq!(problem("-F -p tcp"), "-F forgets every connection");
        assert_eq!(problem("-p tcp"), "`-L`, `-D` or `-F` is missing");
        assert_eq!(problem("-D --state ESTABLISH"), "the state `ESTABLISH` is not known here");
    }

    #[test]
    fn only_what_changes_the_table_is_no_view() {
        assert!(Conntrack::changes("conntrack -F"));
        assert!(Conntrack::changes("conntrack -p tcp -D"));
        assert!(!Conntrack::changes("conntrack -L"));
        assert!(!Conntrack::changes("grep -D"));
    }
}
