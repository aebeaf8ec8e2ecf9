//! Targets that change the packet, its connection or who sees it, and let it go on; and those of NAT with a fixed aim.

use std::ops::Range;

use ipnet::Ipv4Net;

use super::super::super::TextError;
use super::super::{Args, value};
use super::Result;
use crate::netfilter::{Connmark, CtZone, NflogLength, NflogTarget, PortRange, Target, Tcpmss, TtlChange, ZoneSide};

/// One of these targets whose options are still being read.
pub(in super::super) enum Changing {
    Redirect(Option<PortRange>),
    Netmap(Option<Ipv4Net>),
    Nflog(NflogTarget),
    Connmark(ConnmarkDraft),
    Ct { notrack: bool, zone: Option<CtZone> },
    Tcpmss(Option<Tcpmss>),
    Tos(Option<(u8, u8)>),
    Dscp(Option<u8>),
    Ttl(Option<TtlChange>),
}

/// What has been read of a CONNMARK.
#[derive(Default)]
pub(in super::super) struct ConnmarkDraft {
    set: Option<(u32, u32)>,
    save: bool,
    restore: bool,
    nfmask: Option<u32>,
    ctmask: Option<u32>,
}

impl Changing {
    pub(super) fn new(name: &str) -> Option<Self> {
        Some(match name {
            "REDIRECT" => Self::Redirect(None),
            "NETMAP" => Self::Netmap(None),
            "NFLOG" => Self::Nflog(NflogTarget::default()),
            "CONNMARK" => Self::Connmark(ConnmarkDraft::default()),
            "CT" => Self::Ct { notrack: false, zone: None },
            "TCPMSS" => Self::Tcpmss(None),
            "TOS" => Self::Tos(None),
            "DSCP" => Self::Dscp(None),
            "TTL" => Self::Ttl(None),
            _ => return None,
        })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Redirect(_) => "REDIRECT",
            Self::Netmap(_) => "NETMAP",
            Self::Nflog(_) => "NFLOG",
            Self::Connmark(_) => "CONNMARK",
            Self::Ct { .. } => "CT",
            Self::Tcpmss(_) => "TCPMSS",
            Self::Tos(_) => "TOS",
            Self::Dscp(_) => "DSCP",
            Self::Ttl(_) => "TTL",
        }
    }

    pub(super) const fn options(&self) -> &'static [&'static str] {
        match self {
            Self::Redirect(_) => &["--to-ports"],
            Self::Netmap(_) => &["--to"],
            Self::Nflog(_) => {
                &["--nflog-prefix", "--nflog-group", "--nflog-range", "--nflog-size", "--nflog-threshold"]
            }
            Self::Connmark(_) => &[
                "--set-mark",
                "--set-xmark",
                "--and-mark",
                "--or-mark",
                "--xor-mark",
                "--save-mark",
                "--restore-mark",
                "--mask",
                "--nfmask",
                "--ctmask",
            ],
            Self::Ct { .. } => &["--notrack", "--zone", "--zone-orig", "--zone-reply"],
            Self::Tcpmss(_) => &["--set-mss", "--clamp-mss-to-pmtu"],
            Self::Tos(_) => &["--set-tos", "--and-tos", "--or-tos", "--xor-tos"],
            Self::Dscp(_) => &["--set-dscp", "--set-dscp-class"],
            Self::Ttl(_) => &["--ttl-set", "--ttl-inc", "--ttl-dec"],
        }
    }

    /// Reads one of its options; where a port stands in it, if one does.
    pub(super) fn take(&mut self, option: &str, args: &mut Args<'_>) -> Result<Option<Range<usize>>> {
        match self {
            Self::Redirect(ports) => {
                let word = args.value("a port or a range such as 8080-8090")?;
                *ports = Some(value::nat_ports(&word, &word.text)?);
                return Ok(Some(word.span));
            }
            Self::Netmap(net) => *net = Some(value::network(&args.value("a network")?)?),
            Self::Nflog(nflog) => nflog_option(nflog, option, args)?,
            Self::Connmark(draft) => draft.take(option, args)?,
            Self::Ct { notrack, .. } if option == "--notrack" => *notrack = true,
            Self::Ct { zone, .. } => {
                let side = match option {
                    "--zone" => ZoneSide::Both,
                    "--zone-orig" => ZoneSide::Original,
                    _ => ZoneSide::Reply,
                };
                let word = args.value("the number of a zone, or `mark`")?;
                let number = if word.text == "mark" { None } else { Some(value::short(&word)?) };
                if zone.replace(CtZone { side, number }).is_some() {
                    return Err(args.error("`CT` gives a packet one zone"));
                }
            }
            Self::Tcpmss(found) => {
                let size = match option {
                    "--set-mss" => Tcpmss::Set(value::short(&args.value("a size in bytes")?)?),
                    _ => Tcpmss::ClampToPmtu,
                };
                if found.replace(size).is_some() {
                    return Err(args.error("`TCPMSS` takes one size"));
                }
            }
            Self::Tos(found) => {
                let word = args.value("a type of service")?;
                let value = match option {
                    "--set-tos" => value::tos(&word)?,
                    "--and-tos" => (0, !value::byte(&word)?),
                    "--or-tos" => (value::byte(&word)?, value::byte(&word)?),
                    _ => (value::byte(&word)?, 0),
                };
                if found.replace(value).is_some() {
                    return Err(args.error("`TOS` takes one change"));
                }
            }
            Self::Dscp(found) => {
                let word = args.value("a value from 0 to 63 or a class such as EF")?;
                *found = Some(if option == "--set-dscp" { value::dscp(&word)? } else { value::dscp_class(&word)? });
            }
            Self::Ttl(found) => {
                let word = args.value("a number from 0 to 255")?;
                let by = value::byte(&word)?;
                if option != "--ttl-set" && by == 0 {
                    return Err(TextError::new(word.span, "a change by 0 is none, and iptables refuses it"));
                }
                *found = Some(match option {
                    "--ttl-set" => TtlChange::Set(by),
                    "--ttl-inc" => TtlChange::Increase(by),
                    _ => TtlChange::Decrease(by),
                });
            }
        }
        Ok(None)
    }

    /// The finished target, or what is wrong with it.
    pub(super) fn finish(self) -> std::result::Result<Target, String> {
        let name = self.name();
        let missing = |what: &str| format!("`{name}` needs {what}");
        Ok(match self {
            Self::Redirect(ports) => Target::Redirect { ports },
            Self::Netmap(net) => Target::Netmap(net.ok_or_else(|| missing("`--to`"))?),
            Self::Nflog(nflog) => Target::Nflog(nflog),
            Self::Connmark(draft) => Target::Connmark(draft.finish()?),
            Self::Ct { notrack: true, zone: Some(_) } => return Err("`CT --notrack` leaves no zone to give".to_owned()),
            Self::Ct { notrack: true, zone: None } => Target::Notrack { ct: true },
            Self::Ct { zone, .. } => Target::Ct(zone),
            Self::Tcpmss(size) => Target::Tcpmss(size.ok_or_else(|| missing("`--set-mss` or `--clamp-mss-to-pmtu`"))?),
            Self::Tos(change) => {
                let (value, mask) = change.ok_or_else(|| missing("`--set-tos` or one of its kind"))?;
                Target::Tos { value, mask }
            }
            Self::Dscp(value) => Target::Dscp(value.ok_or_else(|| missing("`--set-dscp` or `--set-dscp-class`"))?),
            Self::Ttl(change) => Target::Ttl(change.ok_or_else(|| missing("`--ttl-set`, `--ttl-inc` or `--ttl-dec`"))?),
        })
    }
}

impl ConnmarkDraft {
    fn take(&mut self, option: &str, args: &mut Args<'_>) -> Result<()> {
        match option {
            "--save-mark" => self.save = true,
            "--restore-mark" => self.restore = true,
            "--mask" => {
                let mask = value::number(&args.value("a mask")?)?;
                (self.nfmask, self.ctmask) = (Some(mask), Some(mask));
            }
            "--nfmask" => self.nfmask = Some(value::number(&args.value("a mask")?)?),
            "--ctmask" => self.ctmask = Some(value::number(&args.value("a mask")?)?),
            _ => {
                let found = super::mark_option(option, args)?;
                if self.set.replace(found).is_some() {
                    return Err(args.error("`CONNMARK` takes one change of the mark"));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> std::result::Result<Connmark, String> {
        let (nfmask, ctmask) = (self.nfmask.unwrap_or(u32::MAX), self.ctmask.unwrap_or(u32::MAX));
        match (self.set, self.save, self.restore) {
            (Some(_), false, false) if self.nfmask.is_some() || self.ctmask.is_some() => {
                Err("the masks of `CONNMARK` belong to `--save-mark` and `--restore-mark`".to_owned())
            }
            (Some((value, mask)), false, false) => Ok(Connmark::Set { value, mask }),
            (None, true, false) => Ok(Connmark::Save { nfmask, ctmask }),
            (None, false, true) => Ok(Connmark::Restore { nfmask, ctmask }),
            (None, false, false) => Err("`CONNMARK` needs `--set-mark`, `--save-mark` or `--restore-mark`".to_owned()),
            _ => Err("`CONNMARK` does one thing to the mark".to_owned()),
        }
    }
}

fn nflog_option(nflog: &mut NflogTarget, option: &str, args: &mut Args<'_>) -> Result<()> {
    let length = match option {
        "--nflog-prefix" => {
            let word = args.value("a text")?;
            if word.text.is_empty() || word.text.contains('\n') {
                return Err(TextError::new(word.span, "a prefix is one line, and not empty"));
            }
            // `char prefix[64]` in struct xt_nflog_info, with its closing zero.
            nflog.prefix = word.cut(63).into();
            return Ok(());
        }
        "--nflog-group" => {
            nflog.group = value::short(&args.value("the number of a group")?)?;
            return Ok(());
        }
        "--nflog-threshold" => {
            nflog.threshold = value::short(&args.value("a number of packets")?)?;
            return Ok(());
        }
        "--nflog-range" => NflogLength::Range(value::number(&args.value("a length in bytes")?)?),
        _ => NflogLength::Size(value::number(&args.value("a length in bytes")?)?),
    };
    match nflog.length.replace(length) {
        None => Ok(()),
        Some(_) => Err(args.error("`--nflog-range` and `--nflog-size` say the same twice")),
    }
}
