use std::net::Ipv4Addr;
use std::ops::Deref;

use ipnet::Ipv4Net;
use rustc_hash::{FxHashMap, FxHashSet};

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
    /// It is put into another packet between two addresses, 0.0.0.0 where the route says it: an IP-in-IP device beside
    /// `tunl0`. Which TTL, TOS and DF that packet has are settings of the device which the model does not know, so a packet
    /// for it ends there, unknown; what it takes out of another packet comes in.
    Tunnel {
        /// The source of the outer packets.
        local: Ipv4Addr,
        /// Their destination.
        remote: Ipv4Addr,
    },
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

    /// Makes it the place of a device that is no more: it does nothing, and is listed nowhere.
    pub(crate) fn remove(&mut self) {
        self.up = false;
        self.addresses.clear();
        self.name = DeviceName::NONE;
        self.proxy_arp = false;
    }

    /// Whether it is still there.
    pub fn exists(&self) -> bool {
        self.name != DeviceName::NONE
    }

    /// Whether `address` is local for being this device's, or on a loopback network of its.
    pub(super) fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|own| own.addr() == address || own.addr().is_loopback() && own.contains(&address))
    }

    /// Whether `address` is the broadcast address of a network of this device.
    pub(super) fn broadcasts_to(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|own| broadcast(*own) == Some(address))
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

/// The devices of a namespace, in order of creation. A node has one for each of its pods, and every packet asks several
/// times which of them has a name or an address: that is looked up, not searched for.
///
/// ```
/// use netscene_core::net::{Device, Devices};
/// use netscene_core::packet::{DeviceName, Mac};
/// let mut devices = Devices::from_iter([Device::loopback()]);
/// devices.push(Device::ethernet(DeviceName::ETH0, Mac::CALICO, 1500));
/// assert_eq!(devices.place(DeviceName::ETH0), Some(1));
/// devices.change(1, |eth0| eth0.addresses.push("10.0.0.1/24".parse().expect("an address")));
/// assert!(devices.have([10, 0, 0, 1].into()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Devices {
    list: Vec<Device>,
    places: FxHashMap<DeviceName, usize>,
    addresses: FxHashSet<Ipv4Addr>,
    /// Broadcast addresses, each with the device whose network it belongs to.
    broadcasts: FxHashMap<Ipv4Addr, DeviceName>,
    /// The networks that belong to the machine itself, as 127.0.0.0/8 does.
    loopbacks: Vec<Ipv4Net>,
}

impl Devices {
    /// Adds a device.
    pub fn push(&mut self, device: Device) {
        if device.exists() {
            self.places.entry(device.name).or_insert(self.list.len());
        }
        for own in &device.addresses {
            self.addresses.insert(own.addr());
            self.broadcasts.extend(broadcast(*own).map(|address| (address, device.name)));
            self.loopbacks.extend(own.addr().is_loopback().then_some(*own));
        }
        self.list.push(device);
    }

    /// Changes the device at `place`, if there is one.
    pub fn change(&mut self, place: usize, change: impl FnOnce(&mut Device)) {
        if let Some(device) = self.list.get_mut(place) {
            change(device);
            *self = std::mem::take(&mut self.list).into_iter().collect();
        }
    }

    /// The place of the device of that name.
    pub fn place(&self, name: DeviceName) -> Option<usize> {
        self.places.get(&name).copied()
    }

    /// Whether one of them has `address`.
    pub fn have(&self, address: Ipv4Addr) -> bool {
        self.addresses.contains(&address)
    }

    /// Whether `address` is local for having it, or for being on a loopback network.
    pub(super) fn hold(&self, address: Ipv4Addr) -> bool {
        self.have(address) || self.loopbacks.iter().any(|own| own.contains(&address))
    }

    /// The device on whose network `address` is the broadcast address.
    pub(super) fn broadcast_to(&self, address: Ipv4Addr) -> Option<DeviceName> {
        self.broadcasts.get(&address).copied()
    }
}

impl Deref for Devices {
    type Target = [Device];

    fn deref(&self) -> &[Device] {
        &self.list
    }
}

impl Extend<Device> for Devices {
    fn extend<I: IntoIterator<Item = Device>>(&mut self, devices: I) {
        for device in devices {
            self.push(device);
        }
    }
}

impl FromIterator<Device> for Devices {
    fn from_iter<I: IntoIterator<Item = Device>>(devices: I) -> Self {
        let mut all = Self::default();
        all.extend(devices);
        all
    }
}

/// The broadcast address of a network that has one.
fn broadcast(own: Ipv4Net) -> Option<Ipv4Addr> {
    (own.prefix_len() < 31).then(|| own.broadcast())
}
