//! One member of a set, and what the dimensions of a set hold.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::netfilter::text::{protocol_name, protocol_number};
use crate::packet::{DeviceName, Mac, protocol};

/// What one dimension of a set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Address,
    Network,
    Port,
    Device,
    Mark,
    Mac,
}

/// A protocol and a port; of ICMP, its type and code in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Port {
    pub(super) protocol: u8,
    pub(super) number: u16,
}

/// A member, dimension by dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Element {
    pub(super) first: Option<Ipv4Net>,
    pub(super) port: Option<Port>,
    pub(super) device: Option<DeviceName>,
    pub(super) second: Option<Ipv4Net>,
    pub(super) mark: Option<u32>,
    pub(super) mac: Option<Mac>,
}

/// Names of ICMP types in `ipset` (lib/icmp.c of ipset).
const ICMP: [(u8, u8, &str); 32] = [
    (0, 0, "echo-reply"),
    (3, 0, "network-unreachable"),
    (3, 1, "host-unreachable"),
    (3, 2, "protocol-unreachable"),
    (3, 3, "port-unreachable"),
    (3, 4, "fragmentation-needed"),
    (3, 5, "source-route-failed"),
    (3, 6, "network-unknown"),
    (3, 7, "host-unknown"),
    (3, 9, "network-prohibited"),
    (3, 10, "host-prohibited"),
    (3, 11, "TOS-network-unreachable"),
    (3, 12, "TOS-host-unreachable"),
    (3, 13, "communication-prohibited"),
    (3, 14, "host-precedence-violation"),
    (3, 15, "precedence-cutoff"),
    (4, 0, "source-quench"),
    (5, 0, "network-redirect"),
    (5, 1, "host-redirect"),
    (5, 2, "TOS-network-redirect"),
    (5, 3, "TOS-host-redirect"),
    (8, 0, "echo-request"),
    (9, 0, "router-advertisement"),
    (10, 0, "router-solicitation"),
    (11, 0, "ttl-zero-during-transit"),
    (11, 1, "ttl-zero-during-reassembly"),
    (12, 0, "ip-header-bad"),
    (12, 1, "required-option-missing"),
    (13, 0, "timestamp-request"),
    (14, 0, "timestamp-reply"),
    (17, 0, "address-mask-request"),
    (18, 0, "address-mask-reply"),
];

impl Port {
    /// `80`, `tcp:80`, `icmp:8/0` or `icmp:echo-request`; with `bare`, of a set that holds ports without protocols.
    pub(super) fn parse(text: &str, bare: bool) -> Option<Self> {
        if bare {
            return Some(Self { protocol: 0, number: text.parse().ok()? });
        }
        let (name, number) = text.split_once(':').unwrap_or(("tcp", text));
        let protocol = name.parse().ok().or_else(|| protocol_number(name))?;
        let number = match (protocol, number.split_once('/')) {
            (protocol::ICMP, Some((kind, code))) => u16::from_be_bytes([kind.parse().ok()?, code.parse().ok()?]),
            (protocol::ICMP, None) => {
                let (kind, code, _) = ICMP.into_iter().find(|(.., name)| *name == number)?;
                u16::from_be_bytes([kind, code])
            }
            (_, _) => number.parse().ok()?,
        };
        Some(Self { protocol, number })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, number } = *self;
        let [kind, code] = number.to_be_bytes();
        match (protocol, ICMP.into_iter().find(|known| (known.0, known.1) == (kind, code))) {
            (0, _) => write!(f, "{number}"),
            (protocol::ICMP, Some((.., name))) => write!(f, "icmp:{name}"),
            (protocol::ICMP, None) => write!(f, "icmp:{kind}/{code}"),
            _ => match protocol_name(protocol) {
                Some(name) => write!(f, "{name}:{number}"),
                None => write!(f, "{protocol}:{number}"),
            },
        }
    }
}

/// Reads what `dimensions` say; `None` if the text does not fit them.
pub(super) fn parse(text: &str, dimensions: &[Dimension], bare: bool) -> Option<Element> {
    let parts: Vec<_> = text.split(',').collect();
    if parts.len() != dimensions.len() {
        return None;
    }
    let mut element = Element::default();
    for (part, dimension) in parts.into_iter().zip(dimensions) {
        match dimension {
            Dimension::Address | Dimension::Network => {
                let net = network(part)?;
                if *dimension == Dimension::Address && net.prefix_len() != 32 {
                    return None;
                }
                let slot = if element.first.is_none() { &mut element.first } else { &mut element.second };
                *slot = Some(net);
            }
            Dimension::Port => element.port = Some(Port::parse(part, bare)?),
            Dimension::Device => element.device = Some(part.parse().ok()?),
            Dimension::Mark => element.mark = Some(number(part)?),
            Dimension::Mac => element.mac = Some(part.parse().ok()?),
        }
    }
    Some(element)
}

/// A mark, or a mask of marks: `0x10` or `16`.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn network(text: &str) -> Option<Ipv4Net> {
    if text.contains('/') {
        text.parse().ok().map(|net: Ipv4Net| net.trunc())
    } else {
        text.parse().ok().map(|address: Ipv4Addr| Ipv4Net::from(address))
    }
}

/// Prints an element as `ipset save` does.
pub(super) fn written(element: &Element, dimensions: &[Dimension]) -> String {
    let mut nets = [element.first, element.second].into_iter().flatten();
    let parts = dimensions.iter().map(|dimension| match dimension {
        Dimension::Address | Dimension::Network => match nets.next() {
            Some(net) if net.prefix_len() == 32 => net.addr().to_string(),
            Some(net) => net.to_string(),
            None => String::new(),
        },
        Dimension::Port => element.port.map(|port| port.to_string()).unwrap_or_default(),
        Dimension::Device => element.device.map(|device| device.to_string()).unwrap_or_default(),
        // `ipset_print_mark` and `ipset_print_ether` (lib/print.c of ipset).
        Dimension::Mark => element.mark.map(|mark| format!("{mark:#010x}")).unwrap_or_default(),
        Dimension::Mac => element.mac.map(|mac| mac.to_string().to_uppercase()).unwrap_or_default(),
    });
    parts.collect::<Vec<_>>().join(",")
}
