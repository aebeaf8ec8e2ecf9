//! `-m tcp`, `-m udp`, `-m sctp`, `-m multiport` and `-m icmp`.

use super::super::word::Word;
use super::super::{Args, value};
use super::{Result, Spelling};
use crate::netfilter::text::TextError;
use crate::netfilter::{Multiport, MultiportSide, Negatable, PortRange, TcpMatch};
use crate::packet::TcpFlags;

/// Names of ICMP types and codes (`libxt_icmp.h`).
const ICMP_TYPES: [(&str, u8, Option<u8>); 40] = [
    ("any", 255, None),
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "tcp" => &[
            ("--sport", &["--sport", "--source-port"]),
            ("--dport", &["--dport", "--destination-port"]),
            ("--tcp-flags", &["--tcp-flags"]),
            ("--syn", &["--syn"]),
        ],
        // `--chunk-types` is left as it is written, and not understood.
        "udp" | "sctp" => {
            &[("--sport", &["--sport", "--source-port"]), ("--dport", &["--dport", "--destination-port"])]
        }
        "multiport" => &[
            ("--sports", &["--sports", "--source-ports"]),
            ("--dports", &["--dports", "--destination-ports"]),
            ("--ports", &["--ports"]),
        ],
        _ => &[("--icmp-type", &["--icmp-type"])],
    }
}

pub(super) fn tcp(tcp: &mut TcpMatch, option: &str, args: &mut Args<'_>) -> Result<()> {
    match option {
        "--sport" => tcp.source = ports(args)?,
        "--dport" => tcp.destination = ports(args)?,
        "--syn" => {
            let mask = [TcpFlags::RST, TcpFlags::ACK, TcpFlags::FIN].into_iter().fold(TcpFlags::SYN, TcpFlags::with);
            let flags = args.negatable((mask, TcpFlags::SYN));
            once(&mut tcp.flags, flags, args)?;
        }
        _ => {
            let negated = args.negatable(());
            let (mask, set) = (tcp_flags(args)?, tcp_flags(args)?);
            once(&mut tcp.flags, Negatable { value: (mask, set), negated: negated.negated }, args)?;
        }
    }
    Ok(())
}

/// The ports of `--sport` and `--dport`. Every port is no condition, and iptables-save does not print it.
pub(super) fn ports(args: &mut Args<'_>) -> Result<Option<Negatable<PortRange>>> {
    let found = args.ports()?;
    Ok(Some(found).filter(|found| found.negated || found.value != PortRange { first: 0, last: u16::MAX }))
}

pub(super) fn icmp(args: &mut Args<'_>) -> Result<Negatable<(u8, Option<u8>)>> {
    let negated = args.negatable(()).negated;
    Ok(Negatable { value: icmp_type(&args.value("a type such as echo-request or 3/4")?)?, negated })
}

fn once<T>(place: &mut Option<Negatable<T>>, found: Negatable<T>, args: &Args<'_>) -> Result<()> {
    match place.replace(found) {
        None => Ok(()),
        Some(_) => Err(args.error("`--syn` and `--tcp-flags` say the same twice")),
    }
}

pub(super) fn multiport(found: &mut Option<Multiport>, option: &'static str, args: &mut Args<'_>) -> Result<()> {
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
