//! What stands after an option: addresses, devices, ports, marks, numbers.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::super::TextError;
use super::super::protocols::{port_number, protocol_number};
use super::word::Word;
use crate::netfilter::PortRange;
use crate::packet::DevicePattern;

type Result<T> = std::result::Result<T, TextError>;

fn wrong(word: &Word<'_>, kind: &str) -> TextError {
    TextError::new(word.span.clone(), format!("`{}` is not {kind}", word.text))
}

/// `10.96.0.0/16`, `10.96.0.10` or `10.96.0.0/255.255.0.0`; bits behind the mask are cleared, as iptables does.
pub(super) fn network(word: &Word<'_>) -> Result<Ipv4Net> {
    Ok(masked(word)?.trunc())
}

/// The same with the bits behind the mask, where iptables keeps them.
pub(super) fn masked(word: &Word<'_>) -> Result<Ipv4Net> {
    if word.text.contains(',') {
        let problem = "several addresses in one rule: the model takes one, as the kernel does";
        return Err(TextError::new(word.span.clone(), problem).hint("write one rule for each address"));
    }
    let bad = || wrong(word, "an IPv4 address or network such as 10.96.0.10 or 192.168.0.0/16");
    let (address, mask) = match word.text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (word.text.as_ref(), None),
    };
    // Before a mask the last octets may be left out, as in 10/8 (`xtables_ipparse_any` in xtables.c).
    let missing = if mask.is_some() { 3_usize.saturating_sub(address.matches('.').count()) } else { 0 };
    let address: Ipv4Addr = (address.to_owned() + &".0".repeat(missing)).parse().map_err(|_| bad())?;
    let network = match mask {
        None => Some(Ipv4Net::from(address)),
        Some(mask) if mask.contains('.') => {
            mask.parse().ok().and_then(|mask| Ipv4Net::with_netmask(address, mask).ok())
        }
        Some(mask) => mask.parse().ok().and_then(|length| Ipv4Net::new(address, length).ok()),
    };
    network.ok_or_else(bad)
}

/// A device's name, or its beginning and a `+`.
pub(super) fn device(word: &Word<'_>) -> Result<DevicePattern> {
    word.text
        .parse()
        .map_err(|error: crate::packet::BadDeviceName| TextError::new(word.span.clone(), error.to_string()))
}

/// A protocol by name or number; `None` for `all` and 0.
pub(super) fn protocol(word: &Word<'_>) -> Result<Option<u8>> {
    if word.text.eq_ignore_ascii_case("all") {
        return Ok(None);
    }
    let number = word.text.parse().ok().or_else(|| protocol_number(&word.text));
    let number = number.ok_or_else(|| wrong(word, "a protocol such as tcp, udp, icmp or 4"))?;
    Ok((number != 0).then_some(number))
}

fn port(word: &Word<'_>, text: &str) -> Result<u16> {
    text.parse().ok().or_else(|| port_number(text)).ok_or_else(|| {
        let name = if text == word.text { String::new() } else { format!("`{text}` in ") };
        TextError::new(word.span.clone(), format!("{name}`{}` is not a port from 0 to 65535", word.text))
    })
}

fn port_range(word: &Word<'_>, first: u16, last: u16) -> Result<PortRange> {
    if first > last {
        return Err(TextError::new(word.span.clone(), format!("the ports of `{}` run backwards", word.text)));
    }
    Ok(PortRange { first, last })
}

/// `80`, `1024:2047`, `:1023` or `1024:`.
pub(super) fn ports(word: &Word<'_>) -> Result<PortRange> {
    ports_in(word, &word.text)
}

/// The ports of `--to-…`: `80` or `1024-2047`.
pub(super) fn nat_ports(word: &Word<'_>, text: &str) -> Result<PortRange> {
    if text.contains('/') {
        return Err(TextError::unknown(word.span.clone(), "ports that are shifted by a base port"));
    }
    let Some((first, last)) = text.split_once('-') else { return Ok(PortRange::one(port(word, text)?)) };
    port_range(word, port(word, first)?, port(word, last)?)
}

fn ports_in(word: &Word<'_>, text: &str) -> Result<PortRange> {
    let Some((first, last)) = text.split_once(':') else { return Ok(PortRange::one(port(word, text)?)) };
    let first = if first.is_empty() { 0 } else { port(word, first)? };
    let last = if last.is_empty() { u16::MAX } else { port(word, last)? };
    port_range(word, first, last)
}

/// `80,443,1024:2047`: at most fifteen ports, a range counting as two (`XT_MULTI_PORTS`).
pub(super) fn port_list(word: &Word<'_>) -> Result<Vec<PortRange>> {
    let list: Vec<_> = word.text.split(',').map(|part| ports_in(word, part)).collect::<Result<_>>()?;
    let slots: usize = word.text.split(',').map(|part| if part.contains(':') { 2 } else { 1 }).sum();
    if slots > 15 {
        return Err(TextError::new(
            word.span.clone(),
            "`-m multiport` holds at most 15 ports, a range counting as two",
        ));
    }
    Ok(list)
}

/// A number in decimal, or in hexadecimal after `0x`, or in octal after `0` (`strtoul` with base 0).
fn number_in(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        u32::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        u32::from_str_radix(digits, 8).ok()
    } else {
        text.parse().ok()
    }
}

/// A 32-bit number.
pub(super) fn number(word: &Word<'_>) -> Result<u32> {
    number_in(&word.text).ok_or_else(|| wrong(word, "a number"))
}

/// A 64-bit count.
pub(super) fn count(word: &Word<'_>) -> Result<u64> {
    word.text.parse().map_err(|_| wrong(word, "a count"))
}

/// `VALUE[/MASK]`, the mask being all ones if it is not written.
pub(super) fn mark(word: &Word<'_>) -> Result<(u32, u32)> {
    let (value, mask) = match word.text.split_once('/') {
        Some((value, mask)) => (number_in(value), number_in(mask)),
        None => (number_in(&word.text), Some(u32::MAX)),
    };
    value.zip(mask).ok_or_else(|| wrong(word, "a mark such as 0x4000 or 0x4000/0x4000"))
}

/// One of the names of a list; `kind` says what they name.
pub(super) fn one_of<T: Copy>(word: &Word<'_>, text: &str, known: &[(T, &'static str)], kind: &str) -> Result<T> {
    let found = known.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(value, _)| *value);
    found.ok_or_else(|| {
        let problem = format!("`{text}` is not {kind}");
        TextError::new(word.span.clone(), problem).did_you_mean(text, known.iter().map(|(_, name)| *name))
    })
}

/// A number that is not 0.
pub(super) fn at_least_one(word: &Word<'_>) -> Result<u32> {
    Some(number(word)?).filter(|number| *number > 0).ok_or_else(|| wrong(word, "a number from 1 on"))
}

/// A number from 0 to 255.
pub(super) fn byte(word: &Word<'_>) -> Result<u8> {
    number(word)?.try_into().map_err(|_| wrong(word, "a number from 0 to 255"))
}

/// A number from 0 to 65535.
pub(super) fn short(word: &Word<'_>) -> Result<u16> {
    number(word)?.try_into().map_err(|_| wrong(word, "a number from 0 to 65535"))
}

/// `10`, `10:60`, `10:` or `:60`, with this sign between the ends.
pub(super) fn range(word: &Word<'_>, sign: char) -> Result<(u32, u32)> {
    let bad = || wrong(word, "a number or a range of numbers");
    let end = |text: &str, open: u32| if text.is_empty() { Some(open) } else { number_in(text) };
    let (first, last) = match word.text.split_once(sign) {
        Some((first, last)) => (end(first, 0).ok_or_else(bad)?, end(last, u32::MAX).ok_or_else(bad)?),
        None => (number(word)?, number(word)?),
    };
    if first > last {
        return Err(TextError::new(word.span.clone(), format!("the numbers of `{}` run backwards", word.text)));
    }
    Ok((first, last))
}

/// The names of types of service, which leave the precedence out (`tos_values.c`).
pub(crate) const TOS_NAMES: [(u8, &str); 5] = [
    (0x10, "Minimize-Delay"),
    (0x08, "Maximize-Throughput"),
    (0x04, "Maximize-Reliability"),
    (0x02, "Minimize-Cost"),
    (0x00, "Normal-Service"),
];

/// `VALUE[/MASK]` or a name; a name covers the lower six bits, a value all eight unless it has a mask.
pub(super) fn tos(word: &Word<'_>) -> Result<(u8, u8)> {
    if let Some((value, _)) = TOS_NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(&word.text)) {
        return Ok((*value, 0x3f));
    }
    let part = |text: &str| number_in(text).and_then(|number| u8::try_from(number).ok());
    let (value, mask) = match word.text.split_once('/') {
        Some((value, mask)) => (part(value), part(mask)),
        None => (part(&word.text), Some(0xff)),
    };
    value.zip(mask).ok_or_else(|| wrong(word, "a type of service such as 0x10 or Minimize-Delay"))
}

/// A value of the six bits of DSCP.
pub(super) fn dscp(word: &Word<'_>) -> Result<u8> {
    Some(byte(word)?).filter(|value| *value < 64).ok_or_else(|| wrong(word, "a number from 0 to 63"))
}

/// A class of DSCP (`dscp_helper.c`).
pub(super) fn dscp_class(word: &Word<'_>) -> Result<u8> {
    const CLASSES: [(u8, &str); 22] = [
        (0x00, "BE"),
        (0x2e, "EF"),
        (0x00, "CS0"),
        (0x08, "CS1"),
        (0x10, "CS2"),
        (0x18, "CS3"),
        (0x20, "CS4"),
        (0x28, "CS5"),
        (0x30, "CS6"),
        (0x38, "CS7"),
        (0x0a, "AF11"),
        (0x0c, "AF12"),
        (0x0e, "AF13"),
        (0x12, "AF21"),
        (0x14, "AF22"),
        (0x16, "AF23"),
        (0x1a, "AF31"),
        (0x1c, "AF32"),
        (0x1e, "AF33"),
        (0x22, "AF41"),
        (0x24, "AF42"),
        (0x26, "AF43"),
    ];
    one_of(word, &word.text, &CLASSES, "a class of DSCP such as EF, CS1 or AF11")
}
