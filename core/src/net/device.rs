use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::DeviceConf;
use crate::packet::{DeviceName, Mac};

/// A network device of a namespace.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: DeviceName,
    /// What happens to a packet sent by it.
    pub kind: DeviceKind,
    /// Its Ethernet address; zeroes for a device without one.
    pub mac: Mac,
    /// The longest packet it sends, in bytes.
    pub mtu: u16,
    /// Its addresses with their networks, the primary one first.
    pub addresses: Vec<Ipv4Net>,
    /// `proxy_arp`: answers for addresses that it can route by another device.
    pub proxy_arp: bool,
    /// Whether it is up.
    pub up: bool,
    /// `net.ipv4.conf` of this device.
    pub conf: DeviceConf,
    /// The bridge it is a port of.
    pub master: Option<DeviceName>,
    /// As a port of a bridge: a frame may leave by it that has come by it (`bridge link set dev PORT hairpin on`).
    pub hairpin: bool,
}

/// What happens to a packet sent by a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// It comes back in.
    Loopback,
    /// It goes onto a wire: a network card, or one end of a veth pair.
    Ethernet,
    /// It goes out by the ports of a bridge.
    Bridge,
    /// The model does not know: a packet for it ends there, unknown.
    Unknown,
    /// It is put into another packet, whose destination is the route's gateway: `tunl0` as BIRD uses it.
    Ipip,
}

impl Device {
    /// The loopback device.
    pub fn loopback() -> Self {
        Self {
            kind: DeviceKind::Loopback,
            mtu: u16::MAX,
            addresses: vec![Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8)],
            ..Self::ethernet(DeviceName::LO, Mac([0; 6]), u16::MAX)
        }
    }

    /// A network card or one end of a veth pair, up and without addresses.
    pub fn ethernet(name: DeviceName, mac: Mac, mtu: u16) -> Self {
        Self {
            name,
            kind: DeviceKind::Ethernet,
            mac,
            mtu,
            addresses: Vec::new(),
            proxy_arp: false,
            up: true,
            conf: DeviceConf::default(),
            master: None,
            hairpin: false,
        }
    }

    /// The IP-in-IP device `tunl0`.
    pub fn tunl0(address: Option<Ipv4Addr>, mtu: u16) -> Self {
        Self {
            kind: DeviceKind::Ipip,
            addresses: address.map(Ipv4Net::from).into_iter().collect(),
            ..Self::ethernet(DeviceName::TUNL0, Mac([0; 6]), mtu)
        }
    }
}
