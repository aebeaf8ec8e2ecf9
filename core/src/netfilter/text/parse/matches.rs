//! The options of each `-m` match.

use std::ops::Range;

use super::super::TextError;
use super::word::Word;
use super::{Args, value};
use crate::netfilter::{
    AddressType, AddressTypes, Addrtype, CtStates, Match, Multiport, MultiportSide, Negatable, Rpfilter, SetDirection,
    SetMatch, Statistic, TcpMatch, UdpMatch,
};
use crate::packet::{TcpFlags, protocol};

type Result<T> = std::result::Result<T, TextError>;

/// The matches the model knows.
pub(super) const KNOWN: [&str; 12] = [
    "comment",
    "tcp",
    "udp",
    "multiport",
    "icmp",
    "mark",
    "conntrack",
    "state",
    "addrtype",
    "statistic",
    "set",
    "rpfilter",
];

/// Names of ICMP types and codes (`libxt_icmp.h`).
const ICMP_TYPES: [(&str, u8, Option<u8>); 15] = [
    ("any", 255, None),
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("redirect", 5, None),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
];

/// A match whose options are still being read.
pub(super) struct Draft {
    kind: Kind,
    /// The word after `-m`, or the option that loaded the match.
    pub(super) span: Range<usize>,
    /// The options read so far, so that none comes twice.
    seen: Vec<&'static str>,
}

enum Kind {
    Ready(Match),
    Multiport(Option<Multiport>),
    Set(Option<Negatable<SetMatch>>),
    Statistic(StatisticDraft),
}

#[derive(Default)]
struct StatisticDraft {
    random: Option<bool>,
    probability: Option<u32>,
    every: Option<u32>,
    packet: Option<(u32, Range<usize>)>,
    negated: bool,
}

impl Draft {
    /// A match by the name after `-m`; `None` if the model does not know it.
    pub(super) fn new(name: &str, span: Range<usize>) -> Option<Self> {
        let kind = Kind::Ready(match name {
            "comment" => Match::Comment("".into()),
            "tcp" => Match::Tcp(TcpMatch::default()),
            "udp" => Match::Udp(UdpMatch::default()),
            "icmp" => Match::Icmp(Negatable::is((255, None))),
            "mark" => Match::Mark(Negatable::is((0, 0))),
            "conntrack" => Match::Conntrack(Negatable::is(CtStates::default())),
            "state" => Match::State(Negatable::is(CtStates::default())),
            "addrtype" => Match::Addrtype(Addrtype::default()),
            "rpfilter" => Match::Rpfilter(Rpfilter::default()),
            "multiport" => return Some(Self { kind: Kind::Multiport(None), span, seen: Vec::new() }),
            "set" => return Some(Self { kind: Kind::Set(None), span, seen: Vec::new() }),
            "statistic" => {
                return Some(Self { kind: Kind::Statistic(StatisticDraft::default()), span, seen: Vec::new() });
            }
            _ => return None,
        });
        Some(Self { kind, span, seen: Vec::new() })
    }

    /// The match that `-p NUMBER` brings with it as soon as one of its options is used.
    pub(super) fn implied(number: u8, span: Range<usize>) -> Option<Self> {
        let name = match number {
            protocol::TCP => "tcp",
            protocol::UDP => "udp",
            protocol::ICMP => "icmp",
            _ => return None,
        };
        Self::new(name, span)
    }

    /// The name after `-m`.
    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Ready(found) => match found {
                Match::Comment(_) => "comment",
                Match::Tcp(_) => "tcp",
                Match::Udp(_) => "udp",
                Match::Multiport(_) => "multiport",
                Match::Icmp(_) => "icmp",
                Match::Mark(_) => "mark",
                Match::Conntrack(_) => "conntrack",
                Match::State(_) => "state",
                Match::Addrtype(_) => "addrtype",
                Match::Statistic(_) => "statistic",
                Match::Set(_) => "set",
                Match::Rpfilter(_) => "rpfilter",
            },
            Kind::Multiport(_) => "multiport",
            Kind::Set(_) => "set",
            Kind::Statistic(_) => "statistic",
        }
    }

    /// Whether the match can only stand behind one of these `-p`.
    pub(super) fn protocols(&self) -> &'static [u8] {
        match self.name() {
            "tcp" => &[protocol::TCP],
            "udp" => &[protocol::UDP],
            "icmp" => &[protocol::ICMP],
            // TCP, UDP, DCCP, SCTP and UDP-Lite are those with ports (xt_multiport.c).
            "multiport" => &[protocol::TCP, protocol::UDP, 33, protocol::SCTP, 136],
            _ => &[],
        }
    }

    /// Reads the option `args` stands at, if it is one of this match's.
    pub(super) fn take(&mut self, args: &mut Args<'_>) -> Result<bool> {
        let Some(option) = self.option(args.name()) else { return Ok(false) };
        if self.seen.contains(&option) {
            return Err(args.error(format!("`{option}` can be given only once for one `-m {}`", self.name())));
        }
        self.seen.push(option);
        match &mut self.kind {
            Kind::Ready(found) => ready(found, option, args)?,
            Kind::Multiport(found) => multiport(found, option, args)?,
            Kind::Set(found) => *found = Some(set(args)?),
            Kind::Statistic(draft) => draft.take(option, args)?,
        }
        Ok(true)
    }

    /// The option's proper name, if this match has it.
    fn option(&self, name: &str) -> Option<&'static str> {
        options(self.name()).iter().find(|(_, names)| names.contains(&name)).map(|(proper, _)| *proper)
    }

    /// The finished match, if nothing is missing.
    pub(super) fn finish(self) -> Result<Match> {
        let name = self.name();
        let missing = |what: &str| Err(TextError::new(self.span.clone(), format!("`-m {name}` needs {what}")));
        match self.kind {
            Kind::Ready(found) => match &found {
                Match::Comment(_) if self.seen.is_empty() => missing("`--comment`"),
                Match::Icmp(_) if self.seen.is_empty() => missing("`--icmp-type`"),
                Match::Mark(_) if self.seen.is_empty() => missing("`--mark`"),
                Match::Conntrack(_) if self.seen.is_empty() => missing("`--ctstate`"),
                Match::State(_) if self.seen.is_empty() => missing("`--state`"),
                Match::Addrtype(addrtype) if addrtype.source.is_none() && addrtype.destination.is_none() => {
                    missing("`--src-type` or `--dst-type`")
                }
                Match::Addrtype(addrtype) if addrtype.limit_in && addrtype.limit_out => {
                    missing("one of `--limit-iface-in` and `--limit-iface-out`, not both")
                }
                _ => Ok(found),
            },
            Kind::Multiport(Some(multiport)) => Ok(Match::Multiport(multiport)),
            Kind::Multiport(None) => missing("`--sports`, `--dports` or `--ports`"),
            Kind::Set(Some(set)) => Ok(Match::Set(set)),
            Kind::Set(None) => missing("`--match-set`"),
            Kind::Statistic(draft) => draft.finish(&self.span),
        }
    }
}

/// The options of each match: the proper name, then every way to write it.
pub(super) fn options(name: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match name {
        "comment" => &[("--comment", &["--comment"])],
        "tcp" => &[
            ("--sport", &["--sport", "--source-port"]),
            ("--dport", &["--dport", "--destination-port"]),
            ("--tcp-flags", &["--tcp-flags"]),
            ("--syn", &["--syn"]),
        ],
        "udp" => &[("--sport", &["--sport", "--source-port"]), ("--dport", &["--dport", "--destination-port"])],
        "multiport" => &[
            ("--sports", &["--sports", "--source-ports"]),
            ("--dports", &["--dports", "--destination-ports"]),
            ("--ports", &["--ports"]),
        ],
        "icmp" => &[("--icmp-type", &["--icmp-type"])],
        "mark" => &[("--mark", &["--mark"])],
        "conntrack" => &[("--ctstate", &["--ctstate"])],
        "state" => &[("--state", &["--state"])],
        "addrtype" => &[
            ("--src-type", &["--src-type"]),
            ("--dst-type", &["--dst-type"]),
            ("--limit-iface-in", &["--limit-iface-in"]),
            ("--limit-iface-out", &["--limit-iface-out"]),
        ],
        "statistic" => &[
            ("--mode", &["--mode"]),
            ("--probability", &["--probability"]),
            ("--every", &["--every"]),
            ("--packet", &["--packet"]),
        ],
        "set" => &[("--match-set", &["--match-set"])],
        "rpfilter" => &[
            ("--loose", &["--loose"]),
            ("--validmark", &["--validmark"]),
            ("--accept-local", &["--accept-local"]),
            ("--invert", &["--invert"]),
        ],
        _ => &[],
    }
}

fn ready(found: &mut Match, option: &'static str, args: &mut Args<'_>) -> Result<()> {
    match found {
        Match::Comment(text) => {
            args.plain()?;
            // XT_MAX_COMMENT_LEN is 256 with the closing zero; what is longer is cut in silence.
            *text = args.value("a text")?.cut(255).into();
        }
        Match::Tcp(tcp) => match option {
            "--sport" => once(&mut tcp.source, args.ports()?, args)?,
            "--dport" => once(&mut tcp.destination, args.ports()?, args)?,
            "--syn" => {
                let mask =
                    [TcpFlags::RST, TcpFlags::ACK, TcpFlags::FIN].into_iter().fold(TcpFlags::SYN, TcpFlags::with);
                let flags = args.negatable((mask, TcpFlags::SYN));
                once(&mut tcp.flags, flags, args)?;
            }
            _ => {
                let negated = args.negatable(());
                let (mask, set) = (tcp_flags(args)?, tcp_flags(args)?);
                once(&mut tcp.flags, Negatable { value: (mask, set), negated: negated.negated }, args)?;
            }
        },
        Match::Udp(udp) if option == "--sport" => udp.source = Some(args.ports()?),
        Match::Udp(udp) => udp.destination = Some(args.ports()?),
        Match::Icmp(icmp) => {
            let negated = args.negatable(()).negated;
            *icmp = Negatable { value: icmp_type(&args.value("a type such as echo-request or 3/4")?)?, negated };
        }
        Match::Mark(mark) => {
            let negated = args.negatable(()).negated;
            *mark = Negatable { value: value::mark(&args.value("a mark")?)?, negated };
        }
        Match::Conntrack(states) => *states = ct_states(args, &CtStates::NAMED)?,
        // SNAT and DNAT are states of `-m conntrack` alone (libxt_state.c).
        Match::State(states) => *states = ct_states(args, &CtStates::NAMED[..5])?,
        Match::Addrtype(addrtype) => match option {
            "--src-type" => addrtype.source = Some(address_types(args)?),
            "--dst-type" => addrtype.destination = Some(address_types(args)?),
            "--limit-iface-in" => addrtype.limit_in = args.plain()?,
            _ => addrtype.limit_out = args.plain()?,
        },
        Match::Rpfilter(rpfilter) => {
            let flag = match option {
                "--loose" => &mut rpfilter.loose,
                "--validmark" => &mut rpfilter.validmark,
                "--accept-local" => &mut rpfilter.accept_local,
                _ => &mut rpfilter.invert,
            };
            *flag = args.plain()?;
        }
        // These are drafts of their own until they are finished.
        Match::Multiport(_) | Match::Set(_) | Match::Statistic(_) => {}
    }
    Ok(())
}

fn once<T>(place: &mut Option<Negatable<T>>, found: Negatable<T>, args: &Args<'_>) -> Result<()> {
    match place.replace(found) {
        None => Ok(()),
        Some(_) => Err(args.error("`--syn` and `--tcp-flags` say the same twice")),
    }
}

fn multiport(found: &mut Option<Multiport>, option: &'static str, args: &mut Args<'_>) -> Result<()> {
    let side = match option {
        "--sports" => MultiportSide::Source,
        "--dports" => MultiportSide::Destination,
        _ => MultiportSide::Either,
    };
    let negated = args.negatable(()).negated;
    let ports = value::port_list(&args.value("a list of ports")?)?;
    match found.replace(Multiport { side, ports, negated }) {
        None => Ok(()),
        Some(_) => Err(args.error("one `-m multiport` has one list of ports")),
    }
}

fn set(args: &mut Args<'_>) -> Result<Negatable<SetMatch>> {
    let negated = args.negatable(()).negated;
    let name = args.value("the name of an ipset")?;
    let sides = args.value("`src`, `dst` or a list of them")?;
    let known = [(SetDirection::Source, "src"), (SetDirection::Destination, "dst")];
    let directions = sides.text.split(',').map(|side| value::one_of(&sides, side, &known, "`src` or `dst`"));
    let directions = directions.collect::<Result<_>>()?;
    Ok(Negatable { value: SetMatch { name: name.text.as_ref().into(), directions }, negated })
}

fn icmp_type(word: &Word<'_>) -> Result<(u8, Option<u8>)> {
    if let Some((_, kind, code)) = ICMP_TYPES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&word.text)) {
        return Ok((*kind, *code));
    }
    let number = |text: &str| text.parse().ok();
    let found = match word.text.split_once('/') {
        Some((kind, code)) => number(kind).zip(number(code)).map(|(kind, code)| (kind, Some(code))),
        None => number(&word.text).map(|kind| (kind, None)),
    };
    found.ok_or_else(|| {
        let problem = format!("`{}` is not an ICMP type the model knows", word.text);
        TextError::new(word.span.clone(), problem).did_you_mean(&word.text, ICMP_TYPES.iter().map(|(name, ..)| *name))
    })
}

fn tcp_flags(args: &mut Args<'_>) -> Result<TcpFlags> {
    const ALL: TcpFlags = TcpFlags(0x3f);
    let word = args.value("a list of flags such as SYN,ACK")?;
    let mut known = vec![(ALL, "ALL"), (TcpFlags(0), "NONE")];
    known.extend(TcpFlags::NAMED);
    word.text.split(',').try_fold(TcpFlags(0), |flags, name| {
        Ok(flags.with(value::one_of(&word, name, &known, "a TCP flag such as SYN, ALL or NONE")?))
    })
}

fn ct_states(args: &mut Args<'_>, known: &[(CtStates, &'static str)]) -> Result<Negatable<CtStates>> {
    let negated = args.negatable(()).negated;
    let word = args.value("a list of states such as RELATED,ESTABLISHED")?;
    let states = word.text.split(',').try_fold(CtStates::default(), |states, name| {
        value::one_of(&word, name, known, "a state of connections").map(|state| states.with(state))
    })?;
    Ok(Negatable { value: states, negated })
}

fn address_types(args: &mut Args<'_>) -> Result<Negatable<AddressTypes>> {
    let negated = args.negatable(()).negated;
    let word = args.value("a type of addresses such as LOCAL")?;
    let types = word.text.split(',').try_fold(AddressTypes::default(), |types, name| {
        value::one_of(&word, name, &AddressType::NAMED, "a type of addresses").map(|kind| types.with(kind))
    })?;
    Ok(Negatable { value: types, negated })
}

impl StatisticDraft {
    fn take(&mut self, option: &'static str, args: &mut Args<'_>) -> Result<()> {
        match option {
            "--mode" => {
                args.plain()?;
                let word = args.value("`random` or `nth`")?;
                self.random = Some(value::one_of(&word, &word.text, &[(true, "random"), (false, "nth")], "a mode")?);
            }
            "--probability" => {
                self.negated = args.negatable(()).negated;
                self.probability = Some(probability(&args.value("a probability")?)?);
            }
            "--every" => {
                self.negated = args.negatable(()).negated;
                let word = args.value("a number")?;
                let every = value::number(&word)?;
                if every == 0 {
                    return Err(TextError::new(word.span, "`--every` counts from 1"));
                }
                self.every = Some(every);
            }
            _ => {
                args.plain()?;
                let word = args.value("a number")?;
                self.packet = Some((value::number(&word)?, word.span));
            }
        }
        Ok(())
    }

    fn finish(self, span: &Range<usize>) -> Result<Match> {
        let missing = |what: &str| TextError::new(span.clone(), format!("`-m statistic` needs {what}"));
        let negated = self.negated;
        let statistic = match self.random {
            None => return Err(missing("`--mode random` or `--mode nth`")),
            Some(true) if self.every.is_some() || self.packet.is_some() => {
                return Err(missing("`--mode nth` for `--every` and `--packet`"));
            }
            Some(true) => {
                let probability = self.probability.ok_or_else(|| missing("`--probability` with `--mode random`"))?;
                Statistic::Random { probability, negated }
            }
            Some(false) if self.probability.is_some() => {
                return Err(missing("`--mode random` for `--probability`"));
            }
            Some(false) => {
                let every = self.every.ok_or_else(|| missing("`--every` with `--mode nth`"))?;
                let (packet, at) = self.packet.ok_or_else(|| missing("`--packet` with `--every`"))?;
                if packet >= every {
                    return Err(TextError::new(at, format!("`--packet` goes from 0 to {}", every - 1)));
                }
                Statistic::Nth { every, packet, negated }
            }
        };
        Ok(Match::Statistic(statistic))
    }
}

/// A probability as the kernel keeps it: in parts of 2^31, rounded (`lround` in `libxt_statistic.c`).
#[allow(clippy::cast_sign_loss, reason = "what is negative has been refused")]
fn probability(word: &Word<'_>) -> Result<u32> {
    let value: f64 = word.text.parse().unwrap_or(f64::NAN);
    if (0.0..=1.0).contains(&value) {
        Ok((value * f64::from(1_u32 << 31)).round() as u32)
    } else {
        Err(TextError::new(word.span.clone(), format!("`{}` is not a probability from 0 to 1", word.text)))
    }
}
