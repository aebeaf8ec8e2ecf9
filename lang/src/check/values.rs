//! From the text of a value to the value: addresses, ports, versions, labels.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use netscene_core::kube::{TransportProtocol, Version};
use netscene_core::packet::Mac;

use crate::ast::Text;
use crate::suggest::{list, question};
use crate::{Code, Diagnostic, Span};

/// A value that is wrong.
type Result<T> = std::result::Result<T, Diagnostic>;

fn bad(code: Code, what: &str, text: &str, span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, format!("`{text}` is no {what}")).at(span, label)
}

/// Whatever can be read with `FromStr`, called `what` where it cannot.
pub(crate) fn parsed<T: FromStr<Err: Display>>(what: &str, text: &Text) -> Result<T> {
    text.text.parse().map_err(|error: T::Err| bad(Code::BadValue, what, &text.text, text.span, error.to_string()))
}

/// `0x4000` or `0x4000/0xc000`: a netfilter mark and the bits of it that count.
pub(crate) fn mark(text: &Text) -> Result<(u32, u32)> {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => part.parse(),
    };
    let (value, mask) = text.text.split_once('/').map_or((text.text.as_str(), "0xffffffff"), |parts| parts);
    match (number(value), number(mask)) {
        (Ok(value), Ok(mask)) => Ok((value, mask)),
        _ => Err(bad(Code::BadValue, "mark", &text.text, text.span, "expected bits such as 0x4000 or 0x4000/0x4000")),
    }
}

pub(crate) fn address(text: &str, span: Span) -> Result<Ipv4Addr> {
    text.parse().map_err(|_| bad(Code::BadValue, "address", text, span, "each of its four numbers goes from 0 to 255"))
}

pub(crate) fn cidr(text: &Text) -> Result<ipnet::Ipv4Net> {
    let label = "expected an address, `/` and a length from 0 to 32";
    let cidr: ipnet::Ipv4Net =
        text.text.parse().map_err(|_| bad(Code::BadValue, "CIDR", &text.text, text.span, label))?;
    if cidr.addr() != cidr.network() {
        let label = format!("its network is {}", cidr.trunc());
        return Err(bad(Code::BadValue, "CIDR", &text.text, text.span, label));
    }
    Ok(cidr)
}

pub(crate) fn port(text: &str, span: Span) -> Result<u16> {
    let number = text.parse::<u16>().ok().filter(|port| *port != 0);
    number.ok_or_else(|| bad(Code::BadPort, "port", text, span, "a port goes from 1 to 65535"))
}

pub(crate) fn protocol(text: &str, span: Span) -> Result<TransportProtocol> {
    match text {
        "TCP" | "tcp" => Ok(TransportProtocol::Tcp),
        "UDP" | "udp" => Ok(TransportProtocol::Udp),
        _ => {
            let label = question(text, ["tcp", "udp"]).unwrap_or_else(|| "expected TCP or UDP".to_owned());
            Err(bad(Code::BadValue, "protocol that has ports here", text, span, label))
        }
    }
}

/// The protocol of a port of a service, a container or a policy.
pub(crate) fn object_protocol(text: &str, span: Span) -> Result<TransportProtocol> {
    match text {
        "TCP" | "tcp" => Ok(TransportProtocol::Tcp),
        "UDP" | "udp" => Ok(TransportProtocol::Udp),
        "SCTP" | "sctp" => Ok(TransportProtocol::Sctp),
        _ => {
            let near = question(text, ["TCP", "UDP", "SCTP"]);
            let label = near.unwrap_or_else(|| "expected TCP, UDP or SCTP".to_owned());
            Err(bad(Code::BadValue, "protocol that has ports here", text, span, label))
        }
    }
}

/// `80`, `53/UDP` or `9/SCTP`.
pub(crate) fn port_protocol(text: &Text) -> Result<(u16, TransportProtocol)> {
    match text.text.split_once('/') {
        Some((number, name)) => Ok((port(number, text.span)?, object_protocol(name, text.span)?)),
        None => Ok((port(&text.text, text.span)?, TransportProtocol::Tcp)),
    }
}

pub(crate) fn duration(text: &str, span: Span) -> Result<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let nanoseconds = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        _ => return Err(bad(Code::BadValue, "duration", text, span, "expected one such as 14s, 500ms or 2m")),
    };
    let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(nanoseconds));
    number.map(Duration::from_nanos).ok_or_else(|| bad(Code::BadValue, "duration", text, span, "it is too long"))
}

pub(crate) fn version(text: &Text) -> Result<Version> {
    let label = "expected one such as 1.20 or 3.16.1";
    text.text.parse().map_err(|_| bad(Code::BadValue, "version", &text.text, text.span, label))
}

/// An Ethernet address that a card can have.
pub(crate) fn mac(text: &Text) -> Result<Mac> {
    let mac: Mac = parsed("MAC address", text)?;
    let Some(why) = mac.flaw() else { return Ok(mac) };
    let title = format!("`{mac}` cannot be the MAC address of a machine");
    let diagnostic = Diagnostic::error(Code::BadValue, title).at(text.span, why);
    Err(diagnostic.hint(format!("use one such as {}", mac.mended())))
}

/// An MTU that IPv4 allows (RFC 791: every link takes 68 bytes).
pub(crate) fn mtu(text: &Text) -> Result<u16> {
    let bytes = text.text.parse::<u16>().ok().filter(|bytes| *bytes >= 68);
    bytes.ok_or_else(|| bad(Code::BadValue, "MTU", &text.text, text.span, "expected 68 to 65535 bytes"))
}

/// One of a few words.
pub(crate) fn choice<T: Clone>(what: &str, text: &Text, choices: &[(&'static str, T)]) -> Result<T> {
    let words = || choices.iter().map(|(word, _)| *word);
    let found = choices.iter().find(|(word, _)| *word == text.text).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        let label = question(&text.text, words()).unwrap_or_else(|| format!("expected {}", list(words(), "or")));
        bad(Code::BadValue, what, &text.text, text.span, label)
    })
}

/// `true` or `false`.
pub(crate) fn truth(what: &str, text: &Text) -> Result<bool> {
    choice(what, text, &[("true", true), ("false", false)])
}

/// A name that Kubernetes would take (RFC 1123).
pub(crate) fn name(text: &Text) -> Result<String> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if text.text.chars().all(letter) && text.text.len() <= 253 {
        return Ok(text.text.clone());
    }
    let label = "Kubernetes takes lower-case letters, digits, `-` and `.`";
    let mended = text.text.to_ascii_lowercase().replace('_', "-");
    let hint = Some(format!("use `{mended}`")).filter(|_| mended.chars().all(letter) && mended.len() <= 253);
    Err(bad(Code::BadValue, "name for an object", &text.text, text.span, label).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text { span: Span::default(), text: text.to_owned() }
    }

    #[test]
    fn ports_and_protocols() {
        assert_eq!(port_protocol(&text("53/UDP")), Ok((53, TransportProtocol::Udp)));
        assert_eq!(port_protocol(&text("80")), Ok((80, TransportProtocol::Tcp)));
        assert!(port_protocol(&text("0")).is_err());
        assert!(port_protocol(&text("65536/TCP")).is_err());
    }

    #[test]
    fn durations() {
        assert_eq!(duration("14s", Span::default()), Ok(Duration::from_secs(14)));
        assert_eq!(duration("500ms", Span::default()), Ok(Duration::from_millis(500)));
        assert!(duration("99999999999999999999h", Span::default()).is_err());
    }

    #[test]
    fn a_cidr_is_a_network() {
        assert!(cidr(&text("10.0.0.0/24")).is_ok());
        assert!(cidr(&text("10.0.0.1/24")).is_err());
        assert!(cidr(&text("10.0.0.0/33")).is_err());
    }
}
