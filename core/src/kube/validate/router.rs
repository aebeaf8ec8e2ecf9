//! Routers, devices and routes.

use std::net::Ipv4Addr;

use super::super::{Holder, NetworkDevice, Router, State, StaticRoute};
use super::network::{machine_address, machine_name};
use super::{dns_subdomain, fault};
use crate::packet::DeviceName;
use crate::world::OpError;

/// The most devices of a machine.
const MOST_DEVICES: usize = 64;

pub(super) fn router(state: &State, router: &Router) -> Result<(), OpError> {
    let name = &router.name;
    dns_subdomain("a router's name", name)?;
    machine_name(state, "router", name)?;
    if router.devices.is_empty() {
        return Err(fault(format!("router {name} has no device"), "add one, such as `device eth0 at 10.0.0.1/24`"));
    }
    devices(state, &format!("router {name}"), &router.devices)?;
    let addresses: Vec<_> = router.devices.iter().map(|device| device.address).collect();
    routes(&format!("router {name}"), &router.routes, |via| addresses.iter().any(|net| net.contains(&via)))
}

/// The devices of a machine: names and addresses of their own, on networks as those are.
pub(super) fn devices(state: &State, who: &str, devices: &[NetworkDevice]) -> Result<(), OpError> {
    if devices.len() > MOST_DEVICES {
        return Err(fault(format!("{who} has {} devices", devices.len()), format!("use at most {MOST_DEVICES}")));
    }
    for (at, device) in devices.iter().enumerate() {
        let address = device.address.addr();
        let name = device.name.as_str();
        if name == "lo" || name == "tunl0" || name.starts_with("cali") {
            let problem = format!("a device of {who} cannot be called {name}: it has one, or may get one");
            return Err(fault(problem, "choose another name, such as eth1"));
        }
        if devices[..at].iter().any(|other| other.name == device.name) {
            return Err(fault(format!("{who} has two devices {}", device.name), "call one of them something else"));
        }
        if devices[..at].iter().any(|other| other.address.addr() == address) {
            return Err(fault(format!("{who} has {address} twice"), "give each device an address of its own"));
        }
        // A router may be the gateway that a pool names.
        let is_gateway = matches!(state.holder(address), Some(Holder::Gateway(_)));
        if !is_gateway {
            machine_address(state, "a device of", who, address)?;
        }
        let found = state.network_of(address);
        if found.network != device.address.trunc() {
            let problem = format!("{} of {who} has a network {}", device.name, device.address.trunc());
            return Err(fault(
                problem,
                format!("its network is {}: write {address}/{}", found.network, found.network.prefix_len()),
            ));
        }
        mtu(who, device.name, device.mtu)?;
        if let Some(why) = device.mac.and_then(crate::packet::Mac::flaw) {
            return Err(fault(
                format!("{} of {who} cannot have its MAC address: {why}", device.name),
                "use another one",
            ));
        }
    }
    Ok(())
}

/// A device takes what IPv4 needs.
pub(super) fn mtu(who: &str, device: DeviceName, mtu: Option<u16>) -> Result<(), OpError> {
    match mtu {
        Some(..68) => Err(fault(format!("the MTU of {device} of {who} is below 68"), "use 68 bytes or more")),
        _ => Ok(()),
    }
}

/// Routes lead to a neighbour.
pub(super) fn routes(who: &str, routes: &[StaticRoute], is_near: impl Fn(Ipv4Addr) -> bool) -> Result<(), OpError> {
    match routes.iter().find(|route| !is_near(route.via)) {
        None => Ok(()),
        Some(route) => {
            // The kernel's words.
            let problem = format!("{who}: Nexthop has invalid gateway: {} is on none of its networks", route.via);
            Err(fault(problem, "route by way of a machine on a network that it is on"))
        }
    }
}
