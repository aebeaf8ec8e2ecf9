//! `-m iprange`, `-m length`, `-m ttl`, `-m tos` and `-m dscp`.

use std::net::Ipv4Addr;

use super::super::word::Word;
use super::super::{Args, value};
use super::{Result, Spelling};
use crate::netfilter::text::TextError;
use crate::netfilter::{AddressRange, LengthRange, Match, Negatable, TtlMatch};

pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "iprange" => &[("--src-range", &["--src-range"]), ("--dst-range", &["--dst-range"])],
        "length" => &[("--length", &["--length"])],
        "ttl" => &[("--ttl-eq", &["--ttl-eq", "--ttl"]), ("--ttl-lt", &["--ttl-lt"]), ("--ttl-gt", &["--ttl-gt"])],
        "tos" => &[("--tos", &["--tos"])],
        "dscp" => &[("--dscp", &["--dscp"]), ("--dscp-class", &["--dscp-class"])],
        _ => &[],
    }
}

pub(super) fn ready(found: &mut Match, option: &str, args: &mut Args<'_>) -> Result<()> {
    match found {
        Match::Iprange(iprange) => {
            let negated = args.negatable(()).negated;
            let value = addresses(&args.value("a range such as 10.0.0.1-10.0.0.9")?)?;
            let side = if option == "--src-range" { &mut iprange.source } else { &mut iprange.destination };
            *side = Some(Negatable { value, negated });
        }
        Match::Length(length) => {
            let negated = args.negatable(()).negated;
            let word = args.value("a length, or a range such as 100:200")?;
            let (first, last) = value::range(&word, ':')?;
            let (Ok(first), Ok(last)) = (first.try_into(), last.min(65535).try_into()) else {
                return Err(TextError::new(word.span, "a packet has at most 65535 bytes"));
            };
            *length = Negatable { value: LengthRange { first, last }, negated };
        }
        Match::Ttl(ttl) => {
            let negated = option == "--ttl-eq" && args.negatable(()).negated;
            args.plain()?;
            let value = value::byte(&args.value("a time to live from 0 to 255")?)?;
            *ttl = match option {
                "--ttl-lt" => TtlMatch::Less(value),
                "--ttl-gt" => TtlMatch::Greater(value),
                _ if negated => TtlMatch::Other(value),
                _ => TtlMatch::Equal(value),
            };
        }
        Match::Tos(tos) => {
            let negated = args.negatable(()).negated;
            *tos = Negatable { value: value::tos(&args.value("a type of service")?)?, negated };
        }
        Match::Dscp(dscp) => {
            let negated = args.negatable(()).negated;
            let word = args.value("a value from 0 to 63 or a class such as EF")?;
            let value = if option == "--dscp" { value::dscp(&word)? } else { value::dscp_class(&word)? };
            *dscp = Negatable { value, negated };
        }
        _ => {}
    }
    Ok(())
}

fn addresses(word: &Word<'_>) -> Result<AddressRange> {
    let bad = || TextError::new(word.span.clone(), format!("`{}` is not a range such as 10.0.0.1-10.0.0.9", word.text));
    let (first, last) = word.text.split_once('-').unwrap_or((&word.text, &word.text));
    let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
    if first > last {
        return Err(TextError::new(word.span.clone(), format!("the addresses of `{}` run backwards", word.text)));
    }
    Ok(AddressRange { first, last })
}
