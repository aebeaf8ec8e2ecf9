//! One set: its type, its members, and whether a packet is in it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::element::{Dimension, Element, Port};
use crate::conntrack::Jiffies;
use crate::map::IndexMap;
use crate::netfilter::SetDirection;
use crate::netfilter::walk::View;
use crate::packet::{Body, protocol};

/// A packet, seen from the sides that a rule names.
pub(super) struct Probe<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) mark: u32,
    pub(super) directions: &'a [SetDirection],
    pub(super) now: Jiffies,
}

/// A set.
#[derive(Clone, Debug)]
pub(super) struct IpSet {
    /// Its type, such as `hash:ip,port`.
    pub(super) kind: Arc<str>,
    /// The rest of its `create` line.
    pub(super) options: String,
    pub(super) dimensions: Vec<Dimension>,
    /// `netmask`: so many bits of an address count.
    pub(super) netmask: u8,
    /// `markmask`: the bits of a mark that count.
    pub(super) markmask: u32,
    /// `timeout`: in how many seconds a member leaves that does not say so itself; 0 for never.
    pub(super) timeout: Option<u64>,
    /// The members with the rest of their `add` lines.
    elements: IndexMap<Element, Extra>,
    /// The prefix lengths of the members' first and second networks, the longest first.
    lengths: [Vec<u8>; 2],
    /// The names that a `list:set` holds.
    list: Option<Vec<Arc<str>>>,
}

/// What stands behind a member.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) text: String,
    /// `nomatch`: what this member covers is not in the set.
    pub(super) nomatch: bool,
    /// `timeout`: when it leaves the set.
    pub(super) expires: Option<Jiffies>,
}

impl Extra {
    /// `ip_set_timeout_expired`.
    pub(super) fn is_there(&self, now: Jiffies) -> bool {
        self.expires.is_none_or(|expires| now <= expires)
    }
}

impl IpSet {
    /// An empty one; `None` if the model does not know the type.
    pub(super) fn new(kind: &str, options: &str) -> Option<Self> {
        let (method, dimensions) = kind.split_once(':')?;
        let dimensions = match (method, dimensions) {
            ("bitmap", "port") => vec![Dimension::Port],
            ("list", "set") => Vec::new(),
            ("bitmap", "ip") => vec![Dimension::Address],
            ("hash", names) => {
                let names = names.split(',').map(|name| {
                    Some(match name {
                        "ip" => Dimension::Address,
                        "net" => Dimension::Network,
                        "port" => Dimension::Port,
                        "iface" => Dimension::Device,
                        "mark" => Dimension::Mark,
                        "mac" => Dimension::Mac,
                        _ => return None,
                    })
                });
                names.collect::<Option<Vec<_>>>().filter(|dimensions| dimensions.len() <= 3)?
            }
            _ => return None,
        };
        Some(Self {
            kind: kind.into(),
            options: options.to_owned(),
            list: dimensions.is_empty().then(Vec::new),
            dimensions,
            netmask: 32,
            markmask: u32::MAX,
            timeout: None,
            elements: IndexMap::default(),
            lengths: Default::default(),
        })
    }

    pub(super) fn of_networks(members: impl IntoIterator<Item = Ipv4Net>) -> Self {
        let elements = members.into_iter().map(|net| Element { first: Some(net.trunc()), ..Element::default() });
        Self::of("hash:net", vec![Dimension::Network], elements)
    }

    pub(super) fn of_ports(members: impl IntoIterator<Item = (Ipv4Addr, u8, u16)>) -> Self {
        let elements = members.into_iter().map(|(address, protocol, number)| Element {
            first: Some(address.into()),
            port: Some(Port { protocol, number }),
            ..Element::default()
        });
        Self::of("hash:ip,port", vec![Dimension::Address, Dimension::Port], elements)
    }

    fn of(kind: &str, dimensions: Vec<Dimension>, members: impl Iterator<Item = Element>) -> Self {
        let mut set = Self {
            kind: kind.into(),
            options: "family inet".into(),
            dimensions,
            netmask: 32,
            markmask: u32::MAX,
            timeout: None,
            elements: IndexMap::default(),
            lengths: Default::default(),
            list: None,
        };
        for member in members {
            set.insert(member, Extra::default());
        }
        set
    }

    /// Whether its ports stand without protocols.
    pub(super) fn is_bare(&self) -> bool {
        self.kind.starts_with("bitmap:")
    }

    pub(super) fn members(&self) -> Option<&[Arc<str>]> {
        self.list.as_deref()
    }

    pub(super) fn members_mut(&mut self) -> Option<&mut Vec<Arc<str>>> {
        self.list.as_mut()
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = (&Element, &Extra)> {
        self.elements.iter()
    }

    pub(super) fn insert(&mut self, element: Element, extra: Extra) {
        for (net, lengths) in [element.first, element.second].into_iter().zip(&mut self.lengths) {
            if let Some(length) = net.map(|net| net.prefix_len())
                && let Err(place) = lengths.binary_search_by(|known| length.cmp(known))
            {
                lengths.insert(place, length);
            }
        }
        self.elements.insert(element, extra);
    }

    pub(super) fn remove(&mut self, element: &Element) -> bool {
        self.elements.shift_remove(element).is_some()
    }

    pub(super) fn clear(&mut self) {
        self.elements.clear();
        self.lengths = Default::default();
        if let Some(list) = &mut self.list {
            list.clear();
        }
    }

    pub(super) fn contains(&self, address: Ipv4Addr, now: Jiffies) -> bool {
        self.dimensions.len() == 1 && self.covers(Some(address), None, &Element::default(), now)
    }

    /// Whether it has Ethernet addresses, which the model does not compare: what a frame's header says where the packet is
    /// now, a kernel before 4.19 asks of the source alone (`hash_mac4_kadt`), and of a dump nobody knows it.
    pub(super) fn has_macs(&self) -> bool {
        self.dimensions.contains(&Dimension::Mac)
    }

    /// `hash_*_kadt`: the members' dimensions against the packet's. `None`: a member has all of the packet but its Ethernet
    /// address, of which that is not known.
    pub(super) fn matches(&self, probe: &Probe<'_>) -> Option<bool> {
        // `ip_set_test`: a rule that names fewer sides than the set has dimensions matches nothing.
        if probe.directions.len() < self.dimensions.len() {
            return Some(false);
        }
        let packet = probe.view.packet;
        let mut addresses = [None; 2];
        let mut rest = Element::default();
        for (dimension, side) in self.dimensions.iter().zip(probe.directions) {
            let from = *side == SetDirection::Source;
            match dimension {
                Dimension::Address | Dimension::Network => {
                    let address = if from { packet.source } else { packet.destination };
                    addresses[usize::from(addresses[0].is_some())] = Some(address);
                }
                Dimension::Port => {
                    let found = port(probe.view, from);
                    rest.port = Some(match found.protocol {
                        protocol::TCP | protocol::UDP if self.is_bare() => Port { protocol: 0, ..found },
                        _ if self.is_bare() => return Some(false),
                        _ => found,
                    });
                }
                Dimension::Device => {
                    let device = if from { probe.view.in_device } else { probe.view.out_device };
                    let Some(device) = device else { return Some(false) };
                    rest.device = Some(device);
                }
                // `hash_ipmark4_kadt`: of whichever side.
                Dimension::Mark => rest.mark = Some(probe.mark & self.markmask),
                Dimension::Mac => {}
            }
        }
        if self.has_macs() {
            // Such a set has at most an address beside them (`hash:mac`, `hash:ip,mac`).
            let address = addresses[0].map(Ipv4Net::from);
            let mut others =
                self.elements.iter().filter(|(member, extra)| member.first == address && extra.is_there(probe.now));
            return if others.next().is_some() { None } else { Some(false) };
        }
        Some(self.covers(addresses[0], addresses[1], &rest, probe.now))
    }

    /// Looks with every prefix length that members have, the longest first, as the kernel does.
    fn covers(&self, first: Option<Ipv4Addr>, second: Option<Ipv4Addr>, rest: &Element, now: Jiffies) -> bool {
        const NONE: &[u8] = &[0];
        let lengths = |address: Option<Ipv4Addr>, known| if address.is_some() { known } else { NONE };
        let masked = |address: Option<Ipv4Addr>, length| {
            address.and_then(|address| Ipv4Net::new(address, length).ok()).map(|net: Ipv4Net| net.trunc())
        };
        // Of a set with a netmask, members and packets alike are cut to it.
        let first = masked(first, self.netmask).map(|net| net.addr());
        let mut wanted = rest.clone();
        for &length in lengths(first, &self.lengths[0]) {
            wanted.first = masked(first, length);
            for &length in lengths(second, &self.lengths[1]) {
                wanted.second = masked(second, length);
                if let Some(extra) = self.elements.get(&wanted).filter(|extra| extra.is_there(now)) {
                    return !extra.nomatch;
                }
            }
        }
        false
    }
}

/// `ip_set_get_ip4_port`: of ICMP, type and code; of what has neither, 0.
fn port(view: &View<'_>, from: bool) -> Port {
    let protocol = view.packet.protocol();
    let number = match (&view.packet.body, view.packet.ports()) {
        (Body::Icmp(message), _) => u16::from_be_bytes([message.kind(), message.code()]),
        (_, Some((source, destination))) => {
            if from {
                source
            } else {
                destination
            }
        }
        _ => 0,
    };
    Port { protocol, number }
}
