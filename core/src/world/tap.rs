//! Listening to devices: what a capture of the whole run would have.

use std::sync::{Arc, Mutex, PoisonError};

use super::World;
use crate::Time;
use crate::net::DeviceKind;
use crate::net::wire::Frame;
use crate::packet::{DeviceName, Packet};
use crate::trace::{End, Flow};

/// What passed a device.
#[derive(Clone, Debug)]
pub struct Captured {
    /// When.
    pub time: Time,
    /// Which of the devices listened to.
    pub device: usize,
    /// What.
    pub what: Passed,
}

/// A frame, or a packet on a device that has no frames.
#[derive(Clone, Debug)]
pub enum Passed {
    /// Of an Ethernet device.
    Frame(Frame),
    /// Of a tunnel, or of lo.
    Packet(Packet),
}

/// Ears at devices. A copy of a world shares them.
#[derive(Clone, Debug)]
pub struct Tap {
    devices: Arc<[(String, DeviceName)]>,
    heard: Arc<Mutex<Vec<Captured>>>,
}

impl Tap {
    /// Listens to devices, each given by its place and its name.
    pub fn new(devices: impl IntoIterator<Item = (String, DeviceName)>) -> Self {
        Self { devices: devices.into_iter().collect(), heard: Arc::default() }
    }

    /// What has been heard of one of them, in the order in which it happened.
    pub fn heard(&self, device: usize) -> Vec<Captured> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|one| one.device == device).cloned().collect()
    }

    fn note(&self, place: &str, device: DeviceName, time: Time, what: impl Fn() -> Passed) {
        for (at, wanted) in self.devices.iter().enumerate() {
            if wanted.0 == place && wanted.1 == device {
                let one = Captured { time, device: at, what: what() };
                self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(one);
            }
        }
    }
}

impl World {
    /// Lets somebody listen. The devices need not be there yet.
    pub fn listen(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// A frame passes a device of a namespace, on its way out or in.
    pub(super) fn overhear(&mut self, place: usize, device: usize, frame: &Frame) {
        self.remember(place, device, frame);
        let Some(tap) = &self.tap else { return };
        let namespace = self.network.get(place);
        if let Some(port) = namespace.devices.get(device) {
            tap.note(&namespace.name, port.name, self.time, || Passed::Frame(frame.clone()));
        }
    }

    /// What passed devices that have no frames, by the story of a flow.
    pub(super) fn overhear_flow(&self, flow: &Flow) {
        let Some(tap) = &self.tap else { return };
        let mut passed = Vec::new();
        for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
            let Some(place) = self.network.place(&hop.place) else { continue };
            let bare = |name: &DeviceName| {
                let namespace = self.network.get(place);
                let kind = namespace.device_index(*name).map(|at| namespace.devices[at].kind);
                matches!(kind, Some(DeviceKind::Ipip | DeviceKind::Tunnel { .. } | DeviceKind::Loopback))
            };
            if let Some(device) = hop.in_device.filter(bare) {
                passed.push((hop.time, &hop.place, device, &hop.before));
            }
            // What leaves by lo comes in by it at once, and is heard then.
            let out = hop.out_device.filter(|device| bare(device) && *device != DeviceName::LO);
            if let (Some(device), End::Sent { .. }) = (out, &hop.end) {
                passed.push((hop.time, &hop.place, device, &hop.after));
            }
        }
        passed.sort_by_key(|one| one.0);
        for (time, place, device, packet) in passed {
            tap.note(place, device, time, || Passed::Packet(packet.clone()));
        }
    }
}
