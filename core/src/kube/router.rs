//! Routers that are declared, and what any machine may have besides its one device and default route.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{Labels, is_default};
use crate::packet::{DeviceName, Mac};

/// A machine that forwards between networks of machines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Router {
    /// Its name.
    pub name: String,
    /// Its devices, one at least.
    pub devices: Vec<NetworkDevice>,
    /// Its routes, besides those to the networks it is on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<StaticRoute>,
    /// What is set by `sysctl` on it, by name.
    #[serde(skip_serializing_if = "is_default")]
    pub sysctls: Labels,
}

impl Router {
    /// The address that its name stands for: that of its first device.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.devices.first().map(|device| device.address.addr())
    }
}

/// A device of a machine on a network of machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkDevice {
    /// Its name.
    pub name: DeviceName,
    /// Its address, with the length of its network's prefix.
    pub address: Ipv4Net,
    /// Its Ethernet address; made from its address when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Its MTU in bytes; that of Ethernet when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
}

impl NetworkDevice {
    /// Its Ethernet address: the given one, else one made from its address.
    pub fn ethernet_address(&self) -> Mac {
        self.mac.unwrap_or_else(|| super::objects::machine_mac(self.address.addr()))
    }
}

/// `ip route add DESTINATION via GATEWAY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaticRoute {
    /// The destinations.
    pub destination: Ipv4Net,
    /// The next hop.
    pub via: Ipv4Addr,
}
