//! The parts of a rule that `iptables-save` and `iptables -L` print alike.

mod more;

use std::fmt::{self, Display, Formatter};

use crate::netfilter::{
    AddressType, AddressTypes, CtStates, NatRange, PortRange, RejectWith, Rpfilter, SetDirection, SetMatch,
};

use crate::packet::TcpFlags;
pub(crate) use more::{
    conntrack, fields, hashlimit, ids, length, nflog, packet_type, physdev, rate, recent_action, side, zone,
};

/// The items with commas between them.
fn commas<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            f.write_str(",")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// `text` in double quotes if anything in it needs them (`xtables_save_string`).
pub(crate) fn quoted(text: &str) -> impl Display {
    fmt::from_fn(move |f| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !text.is_empty() && text.bytes().all(plain) {
            return f.write_str(text);
        }
        f.write_str("\"")?;
        for part in text.split_inclusive(['"', '\\', '\'']) {
            match part.strip_suffix(['"', '\\', '\'']) {
                Some(before) => write!(f, "{before}\\{}", &part[before.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    })
}

/// `80` or `1024:2047`.
pub(crate) fn ports(range: PortRange) -> impl Display {
    fmt::from_fn(move |f| match range {
        PortRange { first, last } if first == last => write!(f, "{first}"),
        PortRange { first, last } => write!(f, "{first}:{last}"),
    })
}

/// The list of `-m multiport`.
pub(crate) fn port_list(list: &[PortRange]) -> impl Display {
    fmt::from_fn(move |f| commas(f, list.iter().map(|range| ports(*range))))
}

/// `80` or `1024-2047`.
pub(crate) fn nat_ports(range: PortRange) -> impl Display {
    fmt::from_fn(move |f| match range {
        PortRange { first, last } if first == last => write!(f, "{first}"),
        PortRange { first, last } => write!(f, "{first}-{last}"),
    })
}

/// What DNAT and SNAT print of where they send.
pub(crate) fn nat_range(range: &NatRange) -> impl Display {
    fmt::from_fn(move |f| {
        if let Some(first) = range.first {
            write!(f, "{first}")?;
        }
        if let Some(last) = range.last.filter(|last| range.first != Some(*last)) {
            write!(f, "-{last}")?;
        }
        match range.ports {
            Some(ports) => write!(f, ":{}", nat_ports(ports)),
            None => Ok(()),
        }
    })
}

/// `0x4000/0x4000`, or without a mask that is all ones.
pub(crate) fn mark((value, mask): (u32, u32)) -> impl Display {
    fmt::from_fn(move |f| {
        // `%#x` of C prints 0 without `0x`, but libxt_mark.c writes the `0x` itself.
        if mask == u32::MAX { write!(f, "{value:#x}") } else { write!(f, "{value:#x}/{mask:#x}") }
    })
}

/// A probability in parts of 2^31, as `%.11f`.
pub(crate) fn probability(parts: u32) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{:.11}", f64::from(parts) / f64::from(1_u32 << 31)))
}

/// States of connections.
pub(crate) fn states(states: CtStates) -> impl Display {
    let names = CtStates::NAMED.into_iter().filter(move |(state, _)| states.meets(*state));
    fmt::from_fn(move |f| commas(f, names.clone().map(|(_, name)| name)))
}

/// Types of addresses.
pub(crate) fn address_types(types: AddressTypes) -> impl Display {
    let names = AddressType::NAMED.into_iter().filter(move |(kind, _)| types.contains(*kind));
    fmt::from_fn(move |f| commas(f, names.clone().map(|(_, name)| name)))
}

/// TCP flags, by rising bit (`print_tcpf` in `libxt_tcp.c`).
pub(crate) fn tcp_flags(flags: TcpFlags) -> impl Display {
    let names = TcpFlags::NAMED.into_iter().rev().filter(move |(flag, _)| flags.has(*flag));
    fmt::from_fn(move |f| {
        if names.clone().next().is_none() {
            f.write_str("NONE")
        } else {
            commas(f, names.clone().map(|(_, name)| name))
        }
    })
}

/// The ipset and the sides of the packet it is asked about.
pub(crate) fn set(set: &SetMatch) -> impl Display {
    fmt::from_fn(move |f| {
        write!(f, "{} ", set.name)?;
        commas(f, set.directions.iter().map(|side| if *side == SetDirection::Source { "src" } else { "dst" }))
    })
}

/// The name after `--reject-with`.
pub(crate) fn reject_name(with: RejectWith) -> &'static str {
    RejectWith::NAMED.iter().find(|(known, _)| *known == with).map_or("", |(_, name)| name)
}

/// The words of `-m rpfilter`, without dashes.
pub(crate) fn rpfilter(rpfilter: &Rpfilter) -> impl Iterator<Item = &'static str> {
    let Rpfilter { loose, validmark, accept_local, invert } = *rpfilter;
    let words = [(loose, "loose"), (validmark, "validmark"), (accept_local, "accept-local"), (invert, "invert")];
    words.into_iter().filter(|(set, _)| *set).map(|(_, word)| word)
}
