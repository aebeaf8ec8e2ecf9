//! The options of each target.

mod changing;

use std::ops::Range;

use super::super::TextError;
use super::word::Word;
use super::{Args, Named, ParsedTarget, value};
use crate::netfilter::{LogTarget, NatRange, PortRange, RejectWith, Target};

type Result<T> = std::result::Result<T, TextError>;

/// The targets the model knows.
pub(in super::super) const KNOWN: [&str; 20] = [
    "ACCEPT",
    "DROP",
    "RETURN",
    "REJECT",
    "LOG",
    "MARK",
    "DNAT",
    "SNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
    "NFLOG",
    "CONNMARK",
    "NOTRACK",
    "CT",
    "TCPMSS",
    "TRACE",
    "TOS",
    "DSCP",
    "TTL",
];

/// Targets of iptables 1.8 that the model does not know: no chain can have their names.
pub(in super::super) const FOREIGN: [&str; 22] = [
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNSECMARK",
    "DNPT",
    "ECN",
    "HMARK",
    "IDLETIMER",
    "LED",
    "NFQUEUE",
    "QUEUE",
    "RATEEST",
    "SECMARK",
    "SET",
    "SNPT",
    "SYNPROXY",
    "TCPOPTSTRIP",
    "TEE",
    "TPROXY",
    "ULOG",
    "MIRROR",
];

/// Aliases of `--reject-with` (`libipt_REJECT.c`).
const REJECT_ALIASES: [(RejectWith, &str); 8] = [
    (RejectWith::NetUnreachable, "net-unreach"),
    (RejectWith::HostUnreachable, "host-unreach"),
    (RejectWith::ProtocolUnreachable, "proto-unreach"),
    (RejectWith::PortUnreachable, "port-unreach"),
    (RejectWith::NetProhibited, "net-prohib"),
    (RejectWith::HostProhibited, "host-prohib"),
    (RejectWith::AdminProhibited, "admin-prohib"),
    (RejectWith::TcpReset, "tcp-rst"),
];

/// Names of log levels (xtables' `SYSLOG_LEVEL`).
const LOG_LEVELS: [(u8, &str); 11] = [
    (0, "emerg"),
    (0, "panic"),
    (1, "alert"),
    (2, "crit"),
    (3, "error"),
    (3, "err"),
    (4, "warning"),
    (4, "warn"),
    (5, "notice"),
    (6, "info"),
    (7, "debug"),
];

/// A target whose options are still being read.
pub(super) struct Draft {
    kind: Kind,
    /// The word after `-j` or `-g`.
    pub(super) span: Range<usize>,
    /// Whether an option has named a port, which needs a protocol that has them.
    pub(super) ports: Option<Range<usize>>,
    /// The words of the options read so far.
    used: Vec<Range<usize>>,
}

enum Kind {
    Verdict(Target),
    Chain {
        name: String,
        goto: bool,
    },
    Reject(RejectWith),
    Log(LogTarget),
    Mark(Option<(u32, u32)>),
    Nat {
        source: bool,
        range: Option<NatRange>,
        random_fully: bool,
    },
    Masquerade {
        ports: Option<PortRange>,
        random_fully: bool,
    },
    Changing(changing::Changing),
    /// A target that is kept as it is written.
    Unknown(String),
}

impl Draft {
    /// The target after `-j`: one of iptables' own, or else a chain. With `keep`, one that the model does not know is kept.
    pub(super) fn jump(word: &Word<'_>, keep: bool) -> Result<Self> {
        let name = word.text.as_ref();
        let kind = match name {
            "ACCEPT" => Kind::Verdict(Target::Accept),
            "DROP" => Kind::Verdict(Target::Drop),
            "RETURN" => Kind::Verdict(Target::Return),
            "TRACE" => Kind::Verdict(Target::Trace),
            "NOTRACK" => Kind::Verdict(Target::Notrack { ct: false }),
            "REJECT" => Kind::Reject(RejectWith::default()),
            // LOG_WARNING is the default level (libxt_LOG.c).
            "LOG" => Kind::Log(LogTarget { prefix: "".into(), level: 4, flags: 0 }),
            "MARK" => Kind::Mark(None),
            "DNAT" => Kind::Nat { source: false, range: None, random_fully: false },
            "SNAT" => Kind::Nat { source: true, range: None, random_fully: false },
            "MASQUERADE" => Kind::Masquerade { ports: None, random_fully: false },
            _ if FOREIGN.contains(&name) && keep => Kind::Unknown(name.to_owned()),
            _ if FOREIGN.contains(&name) => {
                return Err(TextError::unknown(word.span.clone(), format!("the target `{name}`")));
            }
            _ => match changing::Changing::new(name) {
                Some(draft) => Kind::Changing(draft),
                None => Kind::Chain { name: name.to_owned(), goto: false },
            },
        };
        Ok(Self { kind, span: word.span.clone(), ports: None, used: Vec::new() })
    }

    /// The chain after `-g`.
    pub(super) fn goto(word: &Word<'_>) -> Self {
        let kind = Kind::Chain { name: word.text.clone().into_owned(), goto: true };
        Self { kind, span: word.span.clone(), ports: None, used: Vec::new() }
    }

    pub(super) const fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_))
    }

    /// Keeps the target as it is written, with the option `args` has just read. False for a chain, which has no options.
    pub(super) fn keep(&mut self, args: &Args<'_>) -> bool {
        let mut text = match &mut self.kind {
            Kind::Chain { .. } => return false,
            Kind::Unknown(text) => std::mem::take(text),
            _ => {
                let mut text = self.name().to_owned();
                for words in &self.used {
                    args.copy(words.clone(), &mut text);
                }
                text
            }
        };
        args.copy(args.words_read(), &mut text);
        self.kind = Kind::Unknown(text);
        self.ports = None;
        true
    }

    /// The target's name, for messages.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Verdict(Target::Drop) => "DROP",
            Kind::Verdict(Target::Return) => "RETURN",
            Kind::Verdict(Target::Trace) => "TRACE",
            Kind::Verdict(Target::Notrack { .. }) => "NOTRACK",
            Kind::Verdict(_) => "ACCEPT",
            Kind::Chain { name, .. } | Kind::Unknown(name) => name,
            Kind::Reject(_) => "REJECT",
            Kind::Log(_) => "LOG",
            Kind::Mark(_) => "MARK",
            Kind::Nat { source: true, .. } => "SNAT",
            Kind::Nat { source: false, .. } => "DNAT",
            Kind::Masquerade { .. } => "MASQUERADE",
            Kind::Changing(draft) => draft.name(),
        }
    }

    /// The options of the target, for messages.
    pub(super) fn options(&self) -> &'static [&'static str] {
        match &self.kind {
            Kind::Verdict(_) | Kind::Chain { .. } | Kind::Unknown(_) => &[],
            Kind::Reject(_) => &["--reject-with"],
            Kind::Log(_) => &[
                "--log-prefix",
                "--log-level",
                "--log-tcp-sequence",
                "--log-tcp-options",
                "--log-ip-options",
                "--log-uid",
                "--log-macdecode",
            ],
            Kind::Mark(_) => &["--set-mark", "--set-xmark", "--and-mark", "--or-mark", "--xor-mark"],
            Kind::Nat { source: true, .. } => &["--to-source", "--random-fully"],
            Kind::Nat { source: false, .. } => &["--to-destination"],
            Kind::Masquerade { .. } => &["--to-ports", "--random-fully"],
            Kind::Changing(draft) => draft.options(),
        }
    }

    /// Whether only a packet of TCP can have this target.
    pub(super) const fn needs_tcp(&self) -> bool {
        matches!(self.kind, Kind::Reject(RejectWith::TcpReset))
    }

    /// Whether only a packet that opens a TCP connection can have this target (`find_syn_match` of `xt_TCPMSS.c`).
    pub(super) const fn needs_syn(&self) -> bool {
        matches!(&self.kind, Kind::Changing(changing::Changing::Tcpmss(_)))
    }

    /// Reads the option `args` stands at, if it is one of this target's.
    pub(super) fn take(&mut self, args: &mut Args<'_>) -> Result<bool> {
        if !self.options().contains(&args.name()) {
            return Ok(false);
        }
        args.plain()?;
        let option = args.name().to_owned();
        match &mut self.kind {
            Kind::Verdict(_) | Kind::Chain { .. } | Kind::Unknown(_) => {}
            Kind::Reject(with) => *with = reject_with(&args.value("a kind of refusal")?)?,
            Kind::Log(log) => log_option(log, &option, args)?,
            Kind::Mark(mark) => {
                let found = mark_option(&option, args)?;
                if mark.replace(found).is_some() {
                    return Err(args.error("`MARK` takes one change of the mark"));
                }
            }
            Kind::Nat { random_fully, .. } | Kind::Masquerade { random_fully, .. } if option == "--random-fully" => {
                *random_fully = true;
            }
            Kind::Nat { range, .. } => {
                let word = args.value("an address, with a port or without")?;
                let found = nat_range(&word)?;
                if found.ports.is_some() {
                    self.ports = Some(word.span);
                }
                if range.replace(found).is_some() {
                    return Err(args.error(format!("`{option}` can be given only once")));
                }
            }
            Kind::Masquerade { ports, .. } => {
                let word = args.value("a port or a range such as 1024-2047")?;
                *ports = Some(value::nat_ports(&word, &word.text)?);
                self.ports = Some(word.span);
            }
            Kind::Changing(draft) => {
                if let Some(ports) = draft.take(&option, args)? {
                    self.ports = Some(ports);
                }
            }
        }
        self.used.push(args.words_read());
        Ok(true)
    }

    /// The finished target, if nothing is missing.
    pub(super) fn finish(self) -> Result<ParsedTarget> {
        let missing = |what: &str| Err(TextError::new(self.span.clone(), format!("`{}` needs {what}", self.name())));
        Ok(ParsedTarget::Known(match self.kind {
            Kind::Verdict(target) => target,
            Kind::Chain { name, goto } => {
                let chain = Named { text: name, span: self.span };
                return Ok(if goto { ParsedTarget::Goto(chain) } else { ParsedTarget::Jump(chain) });
            }
            Kind::Reject(with) => Target::Reject(with),
            Kind::Log(log) => Target::Log(log),
            Kind::Mark(Some((value, mask))) => Target::Mark { value, mask },
            Kind::Mark(None) => return missing("`--set-mark` or one of its kind"),
            Kind::Nat { source: true, range: None, .. } => return missing("`--to-source`"),
            Kind::Nat { source: false, range: None, .. } => return missing("`--to-destination`"),
            Kind::Nat { source, range: Some(range), random_fully } => {
                let range = NatRange { random_fully, ..range };
                if source { Target::Snat(range) } else { Target::Dnat(range) }
            }
            Kind::Masquerade { ports, random_fully } => Target::Masquerade { ports, random_fully },
            Kind::Changing(draft) => match draft.finish() {
                Ok(target) => target,
                Err(what) => return Err(TextError::new(self.span.clone(), what)),
            },
            Kind::Unknown(text) => Target::Unknown(text.into()),
        }))
    }
}

fn reject_with(word: &Word<'_>) -> Result<RejectWith> {
    let known: Vec<_> = RejectWith::NAMED.into_iter().chain(REJECT_ALIASES).collect();
    value::one_of(word, &word.text, &known, "something that `REJECT` can answer")
}

fn log_option(log: &mut LogTarget, option: &str, args: &mut Args<'_>) -> Result<()> {
    match option {
        "--log-prefix" => {
            let word = args.value("a text")?;
            if word.text.is_empty() || word.text.contains('\n') {
                return Err(TextError::new(word.span, "a log prefix is one line, and not empty"));
            }
            // `char prefix[30]` in struct xt_log_info, with its closing zero.
            log.prefix = word.cut(29).into();
        }
        "--log-level" => {
            let word = args.value("a level such as 4 or warning")?;
            let number = word.text.parse().ok().filter(|level| *level < 8);
            let named = || value::one_of(&word, &word.text, &LOG_LEVELS, "a log level from 0 to 7 or its name");
            log.level = number.map_or_else(named, Ok)?;
        }
        // XT_LOG_TCPSEQ and its like, linux/netfilter/xt_LOG.h.
        "--log-tcp-sequence" => log.flags |= 0x01,
        "--log-tcp-options" => log.flags |= 0x02,
        "--log-ip-options" => log.flags |= 0x04,
        "--log-uid" => log.flags |= 0x08,
        _ => log.flags |= 0x20,
    }
    Ok(())
}

/// The value and the mask of `mark_tginfo2`, in which every form ends (`libxt_MARK.c`).
fn mark_option(option: &str, args: &mut Args<'_>) -> Result<(u32, u32)> {
    let word = args.value("a mark")?;
    Ok(match option {
        "--set-xmark" => value::mark(&word)?,
        "--set-mark" => {
            let (value, mask) = value::mark(&word)?;
            (value, value | mask)
        }
        "--and-mark" => (0, !value::number(&word)?),
        "--or-mark" => {
            let bits = value::number(&word)?;
            (bits, bits)
        }
        _ => (value::number(&word)?, 0),
    })
}

/// `ADDRESS[-ADDRESS][:PORT[-PORT]]`, where the addresses or the ports may be missing.
fn nat_range(word: &Word<'_>) -> Result<NatRange> {
    let (addresses, ports) = match word.text.split_once(':') {
        Some((addresses, ports)) => (addresses, Some(value::nat_ports(word, ports)?)),
        None => (word.text.as_ref(), None),
    };
    let (first, last) = if addresses.is_empty() && ports.is_some() {
        (None, None)
    } else {
        let bad = || {
            let problem = format!("`{}` is not an address such as 192.168.8.193 or 192.168.8.193:80", word.text);
            TextError::new(word.span.clone(), problem)
        };
        let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
        (Some(first.parse().map_err(|_| bad())?), Some(last.parse().map_err(|_| bad())?))
    };
    Ok(NatRange { first, last, ports, random_fully: false })
}
