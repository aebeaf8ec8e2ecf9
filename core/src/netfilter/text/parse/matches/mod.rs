//! The options of each `-m` match.

mod connection;
mod header;
mod outside;
mod remembered;
mod transport;

use std::ops::Range;

use super::super::TextError;
use super::{Args, value};
use crate::netfilter::{
    AddressType, AddressTypes, Addrtype, CtStates, Iprange, LengthRange, Limit, Match, Multiport, Negatable, Owner,
    PacketType, Rpfilter, SetMatch, TcpMatch, TtlMatch, UdpMatch,
};
use crate::packet::{TcpFlags, protocol};

type Result<T> = std::result::Result<T, TextError>;

/// The matches the model knows.
pub(super) const KNOWN: [&str; 26] = [
    "comment",
    "tcp",
    "udp",
    "sctp",
    "multiport",
    "icmp",
    "mark",
    "connmark",
    "conntrack",
    "state",
    "addrtype",
    "statistic",
    "set",
    "rpfilter",
    "recent",
    "limit",
    "hashlimit",
    "physdev",
    "iprange",
    "length",
    "ttl",
    "tos",
    "dscp",
    "pkttype",
    "owner",
    "nfacct",
];

/// A match whose options are still being read.
pub(super) struct Draft {
    name: &'static str,
    kind: Kind,
    /// The word after `-m`, or the option that loaded the match.
    pub(super) span: Range<usize>,
    /// The options read so far, so that none comes twice, each with its words.
    seen: Vec<(&'static str, Range<usize>)>,
}

enum Kind {
    Ready(Match),
    Multiport(Option<Multiport>),
    Set(Option<Negatable<SetMatch>>),
    Statistic(remembered::StatisticDraft),
    Recent(Box<remembered::RecentDraft>),
    /// A match that is kept as it is written.
    Unknown(String),
}

impl Draft {
    /// A match by the name after `-m`; `None` if the model does not know it.
    pub(super) fn new(name: &str, span: Range<usize>) -> Option<Self> {
        let name = KNOWN.into_iter().find(|known| *known == name)?;
        let kind = match name {
            "multiport" => Kind::Multiport(None),
            "set" => Kind::Set(None),
            "statistic" => Kind::Statistic(remembered::StatisticDraft::default()),
            "recent" => Kind::Recent(Box::default()),
            _ => Kind::Ready(blank(name)?),
        };
        Some(Self { name, kind, span, seen: Vec::new() })
    }

    /// A match that is kept as it is written.
    pub(super) fn unknown(text: String, span: Range<usize>) -> Self {
        Self { name: "", kind: Kind::Unknown(text), span, seen: Vec::new() }
    }

    /// The match that `-p NUMBER` brings with it as soon as one of its options is used.
    pub(super) fn implied(number: u8, span: Range<usize>) -> Option<Self> {
        let name = match number {
            protocol::TCP => "tcp",
            protocol::UDP => "udp",
            protocol::SCTP => "sctp",
            protocol::ICMP => "icmp",
            _ => return None,
        };
        Self::new(name, span)
    }

    /// The name after `-m`; empty for one that the model does not know.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_))
    }

    /// Keeps the match as it is written, with the option `args` has just read.
    pub(super) fn keep(&mut self, args: &Args<'_>) {
        if let Kind::Unknown(text) = &mut self.kind {
            args.copy(args.words_read(), text);
            return;
        }
        let mut text = format!("-m {}", self.name);
        for (_, words) in &self.seen {
            args.copy(words.clone(), &mut text);
        }
        args.copy(args.words_read(), &mut text);
        self.name = "";
        self.kind = Kind::Unknown(text);
    }

    /// Whether only packets with SYN get past this match (`find_syn_match` of `xt_TCPMSS.c`).
    pub(super) fn asks_for_syn(&self) -> bool {
        matches!(&self.kind, Kind::Ready(Match::Tcp(TcpMatch { flags: Some(flags), .. }))
            if flags.value.1.has(TcpFlags::SYN) && !flags.negated)
    }

    /// Whether the match can only stand behind one of these `-p`.
    pub(super) fn protocols(&self) -> &'static [u8] {
        match self.name {
            "tcp" => &[protocol::TCP],
            "udp" => &[protocol::UDP],
            "sctp" => &[protocol::SCTP],
            "icmp" => &[protocol::ICMP],
            // TCP, UDP, DCCP, SCTP and UDP-Lite are those with ports (xt_multiport.c).
            "multiport" => &[protocol::TCP, protocol::UDP, 33, protocol::SCTP, 136],
            _ => &[],
        }
    }

    /// Reads the option `args` stands at, if it is one of this match's.
    pub(super) fn take(&mut self, args: &mut Args<'_>) -> Result<bool> {
        let Some(option) = self.option(args.name()) else { return Ok(false) };
        if self.has(option) {
            return Err(args.error(format!("`{option}` can be given only once for one `-m {}`", self.name)));
        }
        match &mut self.kind {
            Kind::Ready(found) => ready(found, option, args)?,
            Kind::Multiport(found) => transport::multiport(found, option, args)?,
            Kind::Set(found) => *found = Some(outside::set(args)?),
            Kind::Statistic(draft) => draft.take(option, args)?,
            Kind::Recent(draft) => draft.take(option, args)?,
            Kind::Unknown(_) => {}
        }
        self.seen.push((option, args.words_read()));
        Ok(true)
    }

    fn has(&self, option: &str) -> bool {
        self.seen.iter().any(|(seen, _)| *seen == option)
    }

    /// The option's proper name, if this match has it.
    fn option(&self, name: &str) -> Option<&'static str> {
        options(self.name).iter().find(|(_, names)| names.contains(&name)).map(|(proper, _)| *proper)
    }

    /// The finished match, if nothing is missing.
    pub(super) fn finish(self) -> Result<Match> {
        let Self { name, kind, span, seen } = self;
        let missing = |what: &str| TextError::new(span.clone(), format!("`-m {name}` needs {what}"));
        match kind {
            Kind::Ready(found) => match required(&found, seen.is_empty()) {
                Some(what) => Err(missing(what)),
                None => Ok(found),
            },
            Kind::Multiport(Some(multiport)) => Ok(Match::Multiport(multiport)),
            Kind::Multiport(None) => Err(missing("`--sports`, `--dports` or `--ports`")),
            Kind::Set(Some(set)) => Ok(Match::Set(set)),
            Kind::Set(None) => Err(missing("`--match-set`")),
            Kind::Statistic(draft) => draft.finish(&span),
            Kind::Recent(draft) => draft.finish(&span),
            Kind::Unknown(text) => Ok(Match::Unknown(text.into())),
        }
    }
}

/// A match without options, to be filled in.
fn blank(name: &str) -> Option<Match> {
    Some(match name {
        "comment" => Match::Comment("".into()),
        "tcp" => Match::Tcp(TcpMatch::default()),
        "udp" => Match::Udp(UdpMatch::default()),
        "sctp" => Match::Sctp(UdpMatch::default()),
        "icmp" => Match::Icmp(Negatable::is((255, None))),
        "mark" => Match::Mark(Negatable::is((0, 0))),
        "connmark" => Match::Connmark(Negatable::is((0, 0))),
        "conntrack" => Match::Conntrack(Box::default()),
        "state" => Match::State(Negatable::is(CtStates::default())),
        "addrtype" => Match::Addrtype(Addrtype::default()),
        "rpfilter" => Match::Rpfilter(Rpfilter::default()),
        // 3/hour and a burst of 5 (libxt_limit.c).
        "limit" => Match::Limit(Limit { period: 12_000_000, burst: 5 }),
        "hashlimit" => Match::Hashlimit(Box::new(remembered::blank_hashlimit())),
        "physdev" => Match::Physdev(Box::default()),
        "iprange" => Match::Iprange(Iprange::default()),
        "length" => Match::Length(Negatable::is(LengthRange { first: 0, last: 0 })),
        "ttl" => Match::Ttl(TtlMatch::Equal(0)),
        "tos" => Match::Tos(Negatable::is((0, 0))),
        "dscp" => Match::Dscp(Negatable::is(0)),
        "pkttype" => Match::Pkttype(Negatable::is(PacketType::Unicast)),
        "owner" => Match::Owner(Owner::default()),
        "nfacct" => Match::Nfacct("".into()),
        _ => return None,
    })
}

/// What a match still needs; `bare` if it has been given no option.
fn required(found: &Match, bare: bool) -> Option<&'static str> {
    match found {
        Match::Addrtype(addrtype) if addrtype.source.is_none() && addrtype.destination.is_none() => {
            Some("`--src-type` or `--dst-type`")
        }
        Match::Addrtype(addrtype) if addrtype.limit_in && addrtype.limit_out => {
            Some("one of `--limit-iface-in` and `--limit-iface-out`, not both")
        }
        Match::Limit(limit) if !limit.is_countable() => {
            Some("a smaller burst: the kernel cannot count as much credit as this one")
        }
        Match::Hashlimit(limit) if limit.period == 0 => Some("`--hashlimit-upto` or `--hashlimit-above`"),
        Match::Hashlimit(limit) if limit.name.is_empty() => Some("`--hashlimit-name`"),
        _ if !bare => None,
        Match::Comment(_) => Some("`--comment`"),
        Match::Icmp(_) => Some("`--icmp-type`"),
        Match::Mark(_) | Match::Connmark(_) => Some("`--mark`"),
        Match::Conntrack(_) => Some("`--ctstate` or another of its options"),
        Match::State(_) => Some("`--state`"),
        Match::Physdev(_) => Some("`--physdev-in` or another of its options"),
        Match::Iprange(_) => Some("`--src-range` or `--dst-range`"),
        Match::Length(_) => Some("`--length`"),
        Match::Ttl(_) => Some("`--ttl-eq`, `--ttl-lt` or `--ttl-gt`"),
        Match::Tos(_) => Some("`--tos`"),
        Match::Dscp(_) => Some("`--dscp` or `--dscp-class`"),
        Match::Pkttype(_) => Some("`--pkt-type`"),
        Match::Owner(_) => Some("`--uid-owner`, `--gid-owner` or `--socket-exists`"),
        Match::Nfacct(_) => Some("`--nfacct-name`"),
        _ => None,
    }
}

/// An option: the proper name, then every way to write it.
type Spelling = (&'static str, &'static [&'static str]);

/// The options of each match.
pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "comment" => &[("--comment", &["--comment"])],
        "tcp" | "udp" | "sctp" | "multiport" | "icmp" => transport::options(name),
        "mark" | "connmark" => &[("--mark", &["--mark"])],
        "conntrack" | "state" => connection::options(name),
        "addrtype" => &[
            ("--src-type", &["--src-type"]),
            ("--dst-type", &["--dst-type"]),
            ("--limit-iface-in", &["--limit-iface-in"]),
            ("--limit-iface-out", &["--limit-iface-out"]),
        ],
        "rpfilter" => &[
            ("--loose", &["--loose"]),
            ("--validmark", &["--validmark"]),
            ("--accept-local", &["--accept-local"]),
            ("--invert", &["--invert"]),
        ],
        "statistic" | "recent" | "limit" | "hashlimit" => remembered::options(name),
        "set" | "physdev" | "pkttype" | "owner" | "nfacct" => outside::options(name),
        _ => header::options(name),
    }
}

fn ready(found: &mut Match, option: &'static str, args: &mut Args<'_>) -> Result<()> {
    match found {
        Match::Comment(text) => {
            args.plain()?;
            // XT_MAX_COMMENT_LEN is 256 with the closing zero; what is longer is cut in silence.
            *text = args.value("a text")?.cut(255).into();
        }
        Match::Tcp(tcp) => transport::tcp(tcp, option, args)?,
        Match::Udp(both) | Match::Sctp(both) if option == "--sport" => both.source = transport::ports(args)?,
        Match::Udp(both) | Match::Sctp(both) => both.destination = transport::ports(args)?,
        Match::Icmp(icmp) => *icmp = transport::icmp(args)?,
        Match::Mark(mark) | Match::Connmark(mark) => {
            let negated = args.negatable(()).negated;
            *mark = Negatable { value: value::mark(&args.value("a mark")?)?, negated };
        }
        Match::Conntrack(conntrack) => connection::conntrack(conntrack, option, args)?,
        // SNAT and DNAT are states of `-m conntrack` alone (libxt_state.c).
        Match::State(states) => *states = connection::states(args, &CtStates::NAMED[..5])?,
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
        Match::Limit(limit) => remembered::limit(limit, option, args)?,
        Match::Hashlimit(limit) => remembered::hashlimit(limit, option, args)?,
        Match::Physdev(physdev) => outside::physdev(physdev, option, args)?,
        Match::Pkttype(kind) => {
            let negated = args.negatable(()).negated;
            let word = args.value("`unicast`, `broadcast` or `multicast`")?;
            let value = value::one_of(&word, &word.text, &PacketType::NAMED, "a type of packets")?;
            *kind = Negatable { value, negated };
        }
        Match::Owner(owner) => outside::owner(owner, option, args)?,
        Match::Nfacct(name) => {
            args.plain()?;
            *name = args.value("a name")?.cut(31).into();
        }
        Match::Iprange(_) | Match::Length(_) | Match::Ttl(_) | Match::Tos(_) | Match::Dscp(_) => {
            header::ready(found, option, args)?;
        }
        // These are drafts of their own until they are finished.
        Match::Multiport(_) | Match::Set(_) | Match::Statistic(_) | Match::Recent(_) | Match::Unknown(_) => {}
    }
    Ok(())
}

fn address_types(args: &mut Args<'_>) -> Result<Negatable<AddressTypes>> {
    let negated = args.negatable(()).negated;
    let word = args.value("a type of addresses such as LOCAL")?;
    let types = word.text.split(',').try_fold(AddressTypes::default(), |types, name| {
        value::one_of(&word, name, &AddressType::NAMED, "a type of addresses").map(|kind| types.with(kind))
    })?;
    Ok(Negatable { value: types, negated })
}
