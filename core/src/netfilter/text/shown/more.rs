//! The same of the matches and targets that few rules have.

use std::fmt::{self, Display, Write};

use ipnet::Ipv4Net;

use super::{commas, ports, states};
use crate::netfilter::{
    Conntrack, CtDirection, CtStatuses, CtZone, Hashlimit, HashlimitFields, IdRange, LengthRange, Negatable,
    NflogLength, NflogTarget, PacketType, Physdev, RecentAction, SetDirection, ZoneSide,
};
use crate::packet::DevicePattern;

/// ` !` where it stands before the name.
const fn bang(negated: bool) -> &'static str {
    if negated { " !" } else { "" }
}

/// The options of `-m conntrack` in the order of `conntrack_dump`, each name behind `dashes`.
pub(crate) fn conntrack(out: &mut String, found: &Conntrack, dashes: &str) -> fmt::Result {
    let mut one =
        |name: &str, negated: bool, value: &dyn Display| write!(out, "{} {dashes}{name} {value}", bang(negated));
    if let Some(wanted) = found.states {
        one("ctstate", wanted.negated, &states(wanted.value))?;
    }
    if let Some(wanted) = found.protocol {
        one("ctproto", wanted.negated, &wanted.value)?;
    }
    for (name, wanted) in [
        ("ctorigsrc", found.original_source),
        ("ctorigdst", found.original_destination),
        ("ctreplsrc", found.reply_source),
        ("ctrepldst", found.reply_destination),
    ] {
        if let Some(wanted) = wanted {
            one(name, wanted.negated, &network(wanted.value))?;
        }
    }
    for (name, wanted) in [
        ("ctorigsrcport", found.original_source_port),
        ("ctorigdstport", found.original_destination_port),
        ("ctreplsrcport", found.reply_source_port),
        ("ctrepldstport", found.reply_destination_port),
    ] {
        if let Some(wanted) = wanted {
            one(name, wanted.negated, &ports(wanted.value))?;
        }
    }
    if let Some(wanted) = found.status {
        one("ctstatus", wanted.negated, &statuses(wanted.value))?;
    }
    if let Some(Negatable { value: (first, last), negated }) = found.expires {
        one(
            "ctexpire",
            negated,
            &fmt::from_fn(|f| if first == last { write!(f, "{first}") } else { write!(f, "{first}:{last}") }),
        )?;
    }
    if let Some(direction) = found.direction {
        one("ctdir", false, &if direction == CtDirection::Original { "ORIGINAL" } else { "REPLY" })?;
    }
    Ok(())
}

/// `10.0.0.1` or `10.0.0.0/8`; of all addresses, `anywhere` is not what is printed here but the number.
fn network(net: Ipv4Net) -> impl Display {
    fmt::from_fn(move |f| if net.prefix_len() == 32 { write!(f, "{}", net.addr()) } else { write!(f, "{net}") })
}

fn statuses(statuses: CtStatuses) -> impl Display {
    let names = CtStatuses::NAMED.into_iter().filter(move |(one, _)| statuses.meets(*one) || statuses.0 == one.0);
    fmt::from_fn(move |f| commas(f, names.clone().map(|(_, name)| name)))
}

/// What `-m recent` does, as an option without dashes.
pub(crate) const fn recent_action(action: RecentAction) -> &'static str {
    match action {
        RecentAction::Set => "set",
        RecentAction::Check => "rcheck",
        RecentAction::Update => "update",
        RecentAction::Remove => "remove",
    }
}

/// `source` or `dest`.
pub(crate) const fn side(side: SetDirection) -> &'static str {
    match side {
        SetDirection::Source => "source",
        SetDirection::Destination => "dest",
    }
}

/// The unit in which a rate is printed: its name, and its seconds (`print_rate` of `libxt_limit.c`).
fn unit(period: u64, scale: u64) -> (&'static str, u64) {
    const UNITS: [(&str, u64); 4] = [("day", 86_400), ("hour", 3600), ("min", 60), ("sec", 1)];
    let fits = |&&(_, seconds): &&(&str, u64)| {
        let whole = scale * seconds;
        period <= whole && whole / period >= whole % period
    };
    *UNITS[1..].iter().take_while(fits).last().unwrap_or(&UNITS[0])
}

/// `10/sec`: a rate from the time for one packet, in parts of a second.
pub(crate) fn rate(period: u64, scale: u64) -> impl Display {
    let (name, seconds) = unit(period.max(1), scale);
    fmt::from_fn(move |f| write!(f, "{}/{name}", scale * seconds / period.max(1)))
}

/// The fields of `--hashlimit-mode`.
pub(crate) fn fields(fields: HashlimitFields, between: &'static str) -> impl Display {
    let names = HashlimitFields::NAMED.into_iter().filter(move |(field, _)| fields.has(*field));
    let names: Vec<_> = names.map(|(_, name)| name).collect();
    names.join(between)
}

/// What `-m hashlimit` says behind its name: options without `--hashlimit-`, with their values.
pub(crate) fn hashlimit(limit: &Hashlimit) -> impl Iterator<Item = (&'static str, u32)> {
    let quantum = unit(limit.period.max(1), 1_000_000).1 as u32 * 1000;
    [
        (limit.size > 0).then_some(("htable-size", limit.size)),
        (limit.most > 0).then_some(("htable-max", limit.most)),
        // XT_HASHLIMIT_GCINTERVAL.
        (limit.collect != 1000).then_some(("htable-gcinterval", limit.collect)),
        (limit.expire != quantum).then_some(("htable-expire", limit.expire)),
        (limit.source_length != 32).then_some(("srcmask", limit.source_length.into())),
        (limit.destination_length != 32).then_some(("dstmask", limit.destination_length.into())),
    ]
    .into_iter()
    .flatten()
}

/// The options of `-m physdev`, which are listed with their dashes too.
pub(crate) fn physdev(out: &mut String, found: &Physdev) -> fmt::Result {
    let device = |out: &mut String, name, wanted: Option<Negatable<DevicePattern>>| match wanted {
        Some(wanted) => write!(out, "{} --physdev-{name} {}", bang(wanted.negated), wanted.value),
        None => Ok(()),
    };
    let flag = |out: &mut String, name, wanted: Option<bool>| match wanted {
        Some(negated) => write!(out, "{} --physdev-{name}", bang(negated)),
        None => Ok(()),
    };
    flag(out, "is-in", found.is_in)?;
    device(out, "in", found.in_device)?;
    flag(out, "is-out", found.is_out)?;
    device(out, "out", found.out_device)?;
    flag(out, "is-bridged", found.is_bridged)
}

/// `100` or `100:200`.
pub(crate) fn length(range: LengthRange) -> impl Display {
    fmt::from_fn(move |f| match range {
        LengthRange { first, last } if first == last => write!(f, "{first}"),
        LengthRange { first, last } => write!(f, "{first}:{last}"),
    })
}

/// `0` or `0-100`.
pub(crate) fn ids(range: IdRange) -> impl Display {
    fmt::from_fn(move |f| match range {
        IdRange { first, last } if first == last => write!(f, "{first}"),
        IdRange { first, last } => write!(f, "{first}-{last}"),
    })
}

/// `zone 5`, `zone-orig mark`.
pub(crate) fn zone(zone: CtZone) -> impl Display {
    let name = match zone.side {
        ZoneSide::Both => "zone",
        ZoneSide::Original => "zone-orig",
        ZoneSide::Reply => "zone-reply",
    };
    fmt::from_fn(move |f| match zone.number {
        Some(number) => write!(f, "{name} {number}"),
        None => write!(f, "{name} mark"),
    })
}

/// The name after `--pkt-type`.
pub(crate) fn packet_type(kind: PacketType) -> &'static str {
    PacketType::NAMED.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// What `NFLOG` says behind its prefix.
pub(crate) fn nflog(nflog: &NflogTarget) -> impl Iterator<Item = (&'static str, u32)> {
    let (range, size) = match nflog.length {
        Some(NflogLength::Range(length)) => (length, None),
        Some(NflogLength::Size(length)) => (0, Some(length)),
        None => (0, None),
    };
    let group = (nflog.group > 0).then_some(("group", u32::from(nflog.group)));
    let range = (range > 0).then_some(("range", range));
    let size = size.map(|size| ("size", size));
    let threshold = (nflog.threshold > 0).then_some(("threshold", u32::from(nflog.threshold)));
    [group, range, size, threshold].into_iter().flatten()
}
