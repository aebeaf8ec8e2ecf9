//! Routers that are declared, and the routes of machines.

use ipnet::Ipv4Net;

use super::network::{Network, on_link, plain};
use crate::kube::{Labels, NetworkDevice, Router, State, StaticRoute};
use crate::net::fib::Route;
use crate::packet::DeviceName;

/// The routes to the networks of devices, then those that are declared. `first` is the network of a device that has its
/// route already.
pub(super) fn routes_of(
    devices: &[NetworkDevice],
    first: Option<(Ipv4Net, DeviceName)>,
    routes: &[StaticRoute],
) -> Vec<Route> {
    let connected = devices.iter().map(|device| Route {
        source: Some(device.address.addr()),
        ..on_link(device.address.trunc(), device.name, "kernel")
    });
    let near: Vec<_> = first.into_iter().chain(devices.iter().map(|one| (one.address.trunc(), one.name))).collect();
    let declared = routes.iter().filter_map(|route| {
        let (_, device) = near.iter().find(|(network, _)| network.contains(&route.via))?;
        Some(Route { via: Some(route.via), ..on_link(route.destination, *device, "static") })
    });
    connected.chain(declared).collect()
}

impl Network {
    pub(super) fn add_router(&mut self, state: &State, router: &Router) {
        let mut namespace = plain(&router.name);
        namespace.forwarding = true;
        for route in routes_of(&router.devices, None, &router.routes) {
            namespace.fib.add(route);
        }
        let place = self.add(namespace);
        self.machines.insert(router.name.as_str().into(), Labels::default());
        for device in &router.devices {
            self.plug_device(state, place, device);
        }
    }
}
