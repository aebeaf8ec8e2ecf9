//! The matches and targets that few rules have.

use std::fmt::{self, Write};

use super::super::shown;
use super::bang;
use crate::netfilter::{
    Connmark, Hashlimit, Limit, Match, Negatable, NflogTarget, Target, Tcpmss, TtlChange, TtlMatch,
};

pub(super) fn write_match(out: &mut String, found: &Match) -> fmt::Result {
    match found {
        Match::Recent(recent) => {
            write!(out, " -m recent{} --{}", bang(recent.negated), shown::recent_action(recent.action))?;
            if recent.seconds > 0 {
                write!(out, " --seconds {}", recent.seconds)?;
            }
            out.push_str(if recent.reap { " --reap" } else { "" });
            if recent.hit_count > 0 {
                write!(out, " --hitcount {}", recent.hit_count)?;
            }
            out.push_str(if recent.ttl { " --rttl" } else { "" });
            write!(out, " --name {} --mask {} --r{}", recent.name, recent.mask, shown::side(recent.side))
        }
        Match::Limit(Limit { period, burst }) => {
            write!(out, " -m limit --limit {}", shown::rate((*period).into(), 10_000))?;
            // 5 is XT_LIMIT_BURST.
            if *burst == 5 { Ok(()) } else { write!(out, " --limit-burst {burst}") }
        }
        Match::Hashlimit(limit) => write_hashlimit(out, limit),
        Match::Physdev(physdev) => {
            out.push_str(" -m physdev");
            shown::physdev(out, physdev)
        }
        Match::Iprange(iprange) => {
            out.push_str(" -m iprange");
            for (option, range) in [("--src-range", iprange.source), ("--dst-range", iprange.destination)] {
                if let Some(Negatable { value, negated }) = range {
                    write!(out, "{} {option} {}-{}", bang(negated), value.first, value.last)?;
                }
            }
            Ok(())
        }
        Match::Length(length) => {
            write!(out, " -m length{} --length {}", bang(length.negated), shown::length(length.value))
        }
        Match::Ttl(ttl) => match ttl {
            TtlMatch::Equal(value) => write!(out, " -m ttl --ttl-eq {value}"),
            TtlMatch::Other(value) => write!(out, " -m ttl ! --ttl-eq {value}"),
            TtlMatch::Less(value) => write!(out, " -m ttl --ttl-lt {value}"),
            TtlMatch::Greater(value) => write!(out, " -m ttl --ttl-gt {value}"),
        },
        Match::Tos(Negatable { value: (value, mask), negated }) => {
            write!(out, " -m tos{} --tos 0x{value:02x}/0x{mask:02x}", bang(*negated))
        }
        Match::Dscp(dscp) => write!(out, " -m dscp{} --dscp 0x{:02x}", bang(dscp.negated), dscp.value),
        Match::Pkttype(kind) => {
            write!(out, " -m pkttype{} --pkt-type {}", bang(kind.negated), shown::packet_type(kind.value))
        }
        Match::Owner(owner) => {
            out.push_str(" -m owner");
            if let Some(negated) = owner.socket {
                write!(out, "{} --socket-exists", bang(negated))?;
            }
            for (option, range) in [("--uid-owner", owner.user), ("--gid-owner", owner.group)] {
                if let Some(Negatable { value, negated }) = range {
                    write!(out, "{} {option} {}", bang(negated), shown::ids(value))?;
                }
            }
            Ok(())
        }
        Match::Nfacct(name) => write!(out, " -m nfacct --nfacct-name {name}"),
        _ => Ok(()),
    }
}

fn write_hashlimit(out: &mut String, limit: &Hashlimit) -> fmt::Result {
    let option = if limit.above { "above" } else { "upto" };
    write!(out, " -m hashlimit --hashlimit-{option} {}", shown::rate(limit.period, 1_000_000))?;
    write!(out, " --hashlimit-burst {}", limit.burst)?;
    if limit.fields.0 != 0 {
        write!(out, " --hashlimit-mode {}", shown::fields(limit.fields, ","))?;
    }
    write!(out, " --hashlimit-name {}", limit.name)?;
    shown::hashlimit(limit).try_for_each(|(name, value)| write!(out, " --hashlimit-{name} {value}"))
}

/// The name after `-j`.
pub(super) const fn target_name(target: &Target) -> &'static str {
    match target {
        Target::Redirect { .. } => "REDIRECT",
        Target::Netmap(_) => "NETMAP",
        Target::Nflog(_) => "NFLOG",
        Target::Connmark(_) => "CONNMARK",
        Target::Notrack { ct: false } => "NOTRACK",
        Target::Notrack { ct: true } | Target::Ct(_) => "CT",
        Target::Tcpmss(_) => "TCPMSS",
        Target::Trace => "TRACE",
        Target::Tos { .. } => "TOS",
        Target::Dscp(_) => "DSCP",
        Target::Ttl(_) => "TTL",
        _ => "",
    }
}

pub(super) fn write_target(out: &mut String, target: &Target) -> fmt::Result {
    match target {
        Target::Redirect { ports: Some(ports) } => write!(out, " --to-ports {}", shown::nat_ports(*ports)),
        Target::Netmap(net) => write!(out, " --to {net}"),
        Target::Nflog(nflog) => write_nflog(out, nflog),
        Target::Connmark(change) => match change {
            Connmark::Set { value, mask } => write!(out, " --set-xmark {value:#x}/{mask:#x}"),
            Connmark::Save { nfmask, ctmask } => {
                write!(out, " --save-mark --nfmask {nfmask:#x} --ctmask {ctmask:#x}")
            }
            Connmark::Restore { nfmask, ctmask } => {
                write!(out, " --restore-mark --nfmask {nfmask:#x} --ctmask {ctmask:#x}")
            }
        },
        Target::Notrack { ct: true } => out.write_str(" --notrack"),
        Target::Ct(Some(zone)) => write!(out, " --{}", shown::zone(*zone)),
        Target::Tcpmss(Tcpmss::Set(size)) => write!(out, " --set-mss {size}"),
        Target::Tcpmss(Tcpmss::ClampToPmtu) => out.write_str(" --clamp-mss-to-pmtu"),
        Target::Tos { value, mask } => write!(out, " --set-tos 0x{value:02x}/0x{mask:02x}"),
        Target::Dscp(value) => write!(out, " --set-dscp 0x{value:02x}"),
        Target::Ttl(TtlChange::Set(value)) => write!(out, " --ttl-set {value}"),
        Target::Ttl(TtlChange::Increase(by)) => write!(out, " --ttl-inc {by}"),
        Target::Ttl(TtlChange::Decrease(by)) => write!(out, " --ttl-dec {by}"),
        _ => Ok(()),
    }
}

fn write_nflog(out: &mut String, nflog: &NflogTarget) -> fmt::Result {
    if !nflog.prefix.is_empty() {
        write!(out, " --nflog-prefix {}", shown::quoted(&nflog.prefix))?;
    }
    shown::nflog(nflog).try_for_each(|(name, value)| write!(out, " --nflog-{name} {value}"))
}
