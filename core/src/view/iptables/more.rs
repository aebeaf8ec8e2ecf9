//! What the `print` functions of the matches and targets print that few rules have.

use std::fmt::{self, Write};

use super::bang;
use crate::netfilter::text::{TOS_NAMES, shown};
use crate::netfilter::{Connmark, Hashlimit, Match, Negatable, RecentAction, Target, Tcpmss, TtlChange, TtlMatch};

pub(super) fn found(out: &mut String, found: &Match, numeric: bool) -> fmt::Result {
    match found {
        Match::Recent(recent) => {
            let action = match recent.action {
                RecentAction::Set => "SET",
                RecentAction::Check => "CHECK",
                RecentAction::Update => "UPDATE",
                RecentAction::Remove => "REMOVE",
            };
            write!(out, "{} recent: {action}", bang(recent.negated))?;
            if recent.seconds > 0 {
                write!(out, " seconds: {}", recent.seconds)?;
            }
            out.push_str(if recent.reap { " reap" } else { "" });
            if recent.hit_count > 0 {
                write!(out, " hit_count: {}", recent.hit_count)?;
            }
            out.push_str(if recent.ttl { " TTL-Match" } else { "" });
            write!(out, " name: {} side: {} mask: {}", recent.name, shown::side(recent.side), recent.mask)
        }
        Match::Limit(limit) => {
            write!(out, " limit: avg {} burst {}", shown::rate(limit.period.into(), 10_000), limit.burst)
        }
        Match::Hashlimit(limit) => hashlimit(out, limit),
        Match::Physdev(physdev) => {
            out.push_str(" PHYSDEV match");
            shown::physdev(out, physdev)
        }
        Match::Iprange(iprange) => {
            for (name, range) in [("source", iprange.source), ("destination", iprange.destination)] {
                if let Some(Negatable { value, negated }) = range {
                    write!(out, " {name} IP range{} {}-{}", bang(negated), value.first, value.last)?;
                }
            }
            Ok(())
        }
        Match::Length(length) => {
            write!(out, " length {}{}", if length.negated { "!" } else { "" }, shown::length(length.value))
        }
        Match::Ttl(ttl) => match ttl {
            TtlMatch::Equal(value) => write!(out, " TTL match TTL == {value}"),
            TtlMatch::Other(value) => write!(out, " TTL match TTL != {value}"),
            TtlMatch::Less(value) => write!(out, " TTL match TTL < {value}"),
            TtlMatch::Greater(value) => write!(out, " TTL match TTL > {value}"),
        },
        // Between the words and the value libxt_tos.c puts no blank.
        Match::Tos(Negatable { value, negated }) => {
            write!(out, " tos match{}", if *negated { "!" } else { "" })?;
            match tos_name(*value).filter(|_| !numeric) {
                Some(name) => write!(out, " {name}"),
                None => write!(out, "0x{:02x}/0x{:02x}", value.0, value.1),
            }
        }
        Match::Dscp(dscp) => write!(out, " DSCP match {}0x{:02x}", if dscp.negated { "!" } else { "" }, dscp.value),
        Match::Pkttype(kind) => {
            write!(out, " PKTTYPE {} {}", if kind.negated { "!=" } else { "=" }, shown::packet_type(kind.value))
        }
        Match::Owner(owner) => {
            if let Some(negated) = owner.socket {
                write!(out, "{} owner socket exists", bang(negated))?;
            }
            for (name, range) in [("UID", owner.user), ("GID", owner.group)] {
                let Some(Negatable { value, negated }) = range else { continue };
                write!(out, "{} owner {name} match ", bang(negated))?;
                // Of users the model knows the name of one.
                if (value.first, value.last, numeric) == (0, 0, false) {
                    out.push_str("root");
                } else {
                    write!(out, "{}", shown::ids(value))?;
                }
            }
            Ok(())
        }
        Match::Nfacct(name) => write!(out, " nfacct-name {name}"),
        _ => Ok(()),
    }
}

fn tos_name((value, mask): (u8, u8)) -> Option<&'static str> {
    TOS_NAMES.iter().find(|(known, _)| *known == value && mask == 0x3f).map(|(_, name)| *name)
}

fn hashlimit(out: &mut String, limit: &Hashlimit) -> fmt::Result {
    let side = if limit.above { "above" } else { "up to" };
    write!(out, " limit: {side} {} burst {}", shown::rate(limit.period, 1_000_000), limit.burst)?;
    if limit.fields.0 != 0 {
        write!(out, " mode {}", shown::fields(limit.fields, "-"))?;
    }
    shown::hashlimit(limit).try_for_each(|(name, value)| write!(out, " {name} {value}"))
}

pub(super) fn target(out: &mut String, target: &Target, numeric: bool) -> fmt::Result {
    match target {
        Target::Redirect { ports: Some(ports) } => write!(out, " redir ports {}", shown::nat_ports(*ports)),
        Target::Netmap(net) => write!(out, " to:{net}"),
        Target::Nflog(nflog) => {
            if !nflog.prefix.is_empty() {
                write!(out, " nflog-prefix {}", shown::quoted(&nflog.prefix))?;
            }
            shown::nflog(nflog).try_for_each(|(name, value)| write!(out, " nflog-{name} {value}"))
        }
        Target::Connmark(change) => connmark(out, *change),
        Target::Notrack { ct: false } => out.write_str(" NOTRACK"),
        Target::Notrack { ct: true } => out.write_str(" CT notrack"),
        Target::Ct(None) => out.write_str(" CT"),
        Target::Ct(Some(zone)) => write!(out, " CT {}", shown::zone(*zone)),
        Target::Tcpmss(Tcpmss::Set(size)) => write!(out, " TCPMSS set {size}"),
        Target::Tcpmss(Tcpmss::ClampToPmtu) => out.write_str(" TCPMSS clamp to PMTU"),
        // Names stand where libxt_TOS.c puts them.
        Target::Tos { value, mask } if !numeric => match tos_name((*value, *mask)) {
            Some(name) => write!(out, "  TOS set{name}"),
            None if *mask == 0xff => write!(out, " TOS set 0x{value:02x}/0x{mask:02x}"),
            None if *value == 0 => write!(out, " TOS and 0x{:02x}", !mask),
            None if value == mask => write!(out, " TOS or 0x{value:02x}"),
            None if *mask == 0 => write!(out, " TOS xor 0x{value:02x}"),
            None => write!(out, " TOS set 0x{value:02x}/0x{mask:02x}"),
        },
        Target::Tos { value, mask } => write!(out, " TOS set 0x{value:02x}/0x{mask:02x}"),
        Target::Dscp(value) => write!(out, " DSCP set 0x{value:02x}"),
        Target::Ttl(TtlChange::Set(value)) => write!(out, " TTL set to {value}"),
        Target::Ttl(TtlChange::Increase(by)) => write!(out, " TTL increment by {by}"),
        Target::Ttl(TtlChange::Decrease(by)) => write!(out, " TTL decrement by {by}"),
        Target::Unknown(text) => match text.split_once(' ') {
            Some((_, options)) => write!(out, " {options}"),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The order of the questions is `connmark_tg_print`'s (`libxt_CONNMARK.c`).
fn connmark(out: &mut String, change: Connmark) -> fmt::Result {
    match change {
        Connmark::Set { value: 0, mask } => write!(out, " CONNMARK and {:#x}", !mask),
        Connmark::Set { value, mask } if value == mask => write!(out, " CONNMARK or {value:#x}"),
        Connmark::Set { value, mask: 0 } => write!(out, " CONNMARK xor {value:#x}"),
        Connmark::Set { value, mask: u32::MAX } => write!(out, " CONNMARK set {value:#x}"),
        Connmark::Set { value, mask } => write!(out, " CONNMARK xset {value:#x}/{mask:#x}"),
        Connmark::Save { nfmask: u32::MAX, ctmask: u32::MAX } => out.write_str(" CONNMARK save"),
        Connmark::Save { nfmask, ctmask } if nfmask == ctmask => write!(out, " CONNMARK save mask {nfmask:#x}"),
        Connmark::Save { nfmask, ctmask } => write!(out, " CONNMARK save nfmask {nfmask:#x} ctmask ~{ctmask:#x}"),
        Connmark::Restore { nfmask: u32::MAX, ctmask: u32::MAX } => out.write_str(" CONNMARK restore"),
        Connmark::Restore { nfmask, ctmask } if nfmask == ctmask => {
            write!(out, " CONNMARK restore mask {ctmask:#x}")
        }
        Connmark::Restore { nfmask, ctmask } => {
            write!(out, " CONNMARK restore ctmask {ctmask:#x} nfmask ~{nfmask:#x}")
        }
    }
}
