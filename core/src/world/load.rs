//! A real node's dump as a node of the world.
//!
//! Its own rules, routes and connections hold, and no agent writes on it. Its devices are on the networks that their
//! addresses are of. Behind each of the others stands somebody who has the addresses that the node's routes lead there, and
//! answers on every port: the dump does not know him better.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::network::{Network, Process, on_link, plain, through};
use super::{OpError, World};
use crate::apps::App;
use crate::dump::Dump;
use crate::kube::{ROUTER, State};
use crate::net::fib::RouteKind;
use crate::net::{Device, DeviceKind};
use crate::packet::{DeviceName, Mac};

/// The gateway of a pod, as Calico's CNI plug-in gives it.
const LINK_LOCAL: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

impl World {
    /// Puts the node that a dump describes into the network.
    pub(super) fn load(&mut self, name: &str, dump: &Dump) -> Result<(), OpError> {
        let taken = self.state.node(name).is_some() || self.state.host(name).is_some();
        let taken = taken || self.state.router(name).is_some() || name == ROUTER;
        if taken || self.network.is_loaded(name) {
            let problem = format!("there is a machine called `{name}` already");
            return Err(OpError::new(problem, None));
        }
        let node = dump
            .node(name, &[])
            .map_err(|error| OpError::new(format!("the dump of {name} cannot be understood: {error}"), error.hint))?;
        if let Some(doubt) = node.doubts.first() {
            let problem = format!("the dump of {name} cannot be trusted: {doubt}");
            return Err(OpError::new(problem, None));
        }
        let address = node.namespace.devices.iter().filter(|device| device.kind == DeviceKind::Ethernet);
        let Some(address) = address.flat_map(|device| &device.addresses).map(Ipv4Net::addr).next() else {
            let problem = format!("the dump of {name} has no address on any network");
            return Err(OpError::new(problem, Some("`ip addr` tells them".to_owned())));
        };
        self.grow();
        if let Some(device) = node.namespace.devices.iter().find(|device| self.network.has_address(device)) {
            let problem = format!("an address of {} of {name} is another machine's already", device.name);
            return Err(OpError::new(problem, None));
        }
        self.network.load(&self.state, node.namespace, address);
        Ok(())
    }
}

impl Network {
    fn load(&mut self, state: &State, mut namespace: crate::net::Namespace, address: Ipv4Addr) {
        let name = namespace.name.clone();
        if self.place(ROUTER).is_none() {
            let mut router = plain(ROUTER);
            router.forwarding = true;
            self.add(router);
        }
        let devices: Vec<_> = std::mem::take(&mut namespace.devices).iter().cloned().collect();
        let place = self.add(namespace);
        // Whoever listens there is a process of the world.
        let listeners = self.get(place).sockets.processes();
        for (was, called) in listeners {
            let process = Process { namespace: place, owner: name.clone(), app: App::Tcp };
            let process = self.start(process);
            self.get_mut(place).sockets.hand_over(was, process);
            self.get_mut(place).sockets.name_process(process, &called);
        }
        for device in devices {
            let wired = device.kind == DeviceKind::Ethernet && device.up;
            let own = device.addresses.iter().find(|own| own.prefix_len() < 32);
            match own {
                Some(own) if wired && device.master.is_none() => {
                    let segment = self.segment(state.network_of(own.addr()));
                    self.plug(place, device, segment);
                }
                _ if wired => {
                    let segment = self.new_segment();
                    let (at, mac) = (device.name, device.mac);
                    self.plug(place, device, segment);
                    self.somebody_behind(place, at, mac, segment);
                }
                _ => self.get_mut(place).devices.push(device),
            }
        }
        self.note_loaded(name, address);
    }

    /// Whoever is at the other end of a device of a loaded node.
    fn somebody_behind(&mut self, node: usize, device: DeviceName, node_mac: Mac, segment: usize) {
        let namespace = self.get(node);
        let routes = namespace.fib.routes().filter(|route| route.kind == RouteKind::Unicast && route.via.is_none());
        let there = routes.filter(|route| route.device == Some(device) && route.destination.prefix_len() == 32);
        let addresses: Vec<Ipv4Net> = there.map(|route| route.destination).collect();
        let Some(first) = addresses.first().copied() else { return };
        let place = namespace.device_index(device).unwrap_or(0);
        let mac = namespace.neighbour_mac(place, first.addr()).unwrap_or(somebodys_mac(first.addr()));
        let name: Arc<str> = format!("{device}@{}", namespace.name).into();
        let mut other = plain(&name);
        other.fib.add(on_link(LINK_LOCAL.into(), DeviceName::ETH0, "boot"));
        other.fib.add(through(LINK_LOCAL, DeviceName::ETH0, "boot"));
        let other = self.add(other);
        self.plug(other, Device { addresses, ..Device::ethernet(DeviceName::ETH0, mac, 1500) }, segment);
        // Calico's gateway is whatever is at the node's end, and the node answers only where proxy_arp is on.
        self.get_mut(other).know_neighbour(DeviceName::ETH0, LINK_LOCAL, node_mac);
        self.get_mut(node).know_neighbour(device, first.addr(), mac);
        let process = self.start(Process { namespace: other, owner: name, app: App::Tcp });
        let sockets = &mut self.get_mut(other).sockets;
        sockets.name_process(process, "whoever is there");
        sockets.give_every_port(process);
    }
}

/// An Ethernet address for somebody of whom only the other one is known: locally administered.
fn somebodys_mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    Mac([0x02, 0x77, a, b, c, d])
}
