//! What MetalLB's speakers do and log: they take addresses over, give them up, and answer ARP.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::run::Planned;
use super::{OpError, World};
use crate::Time;
use crate::agents::metallb;
use crate::map::IndexMap;
use crate::net::wire::Arp;
use crate::packet::{DeviceName, Mac};
use crate::trace::Observer;

/// Between two announcements of an address that has been taken over, and how many there are in five seconds
/// (`layer2/announcer.go`).
const BETWEEN: Duration = Duration::from_millis(1100);
const TIMES: u8 = 5;

/// By service: the address, and the node that announces it.
type ByService = IndexMap<Arc<str>, (Ipv4Addr, Arc<str>)>;

/// Who announces what.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcers {
    now: Arc<ByService>,
    /// Whether there has been a first time: before it nobody could have known anything else.
    started: bool,
    log: Vec<SpeakerRecord>,
}

/// A line of a speaker's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakerRecord {
    /// When.
    pub time: Time,
    /// The node the speaker runs on, by the scenario's name.
    pub node: Arc<str>,
    /// What it says.
    pub event: SpeakerEvent,
}

/// What a speaker logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeakerEvent {
    /// `service has IP, announcing`
    Announced {
        /// The service, `namespace/name`.
        service: Arc<str>,
        /// Its address.
        ip: Ipv4Addr,
    },
    /// `withdrawing service announcement`
    Withdrawn {
        /// The service, `namespace/name`.
        service: Arc<str>,
        /// `notOwner` or `serviceDeleted`.
        reason: &'static str,
    },
    /// `got ARP request for service IP, sending response`
    Answered {
        /// The device.
        interface: DeviceName,
        /// The address asked for.
        ip: Ipv4Addr,
        /// The answer.
        response_mac: Mac,
        /// Who asked.
        sender_ip: Ipv4Addr,
        /// And by which Ethernet address.
        sender_mac: Mac,
    },
}

impl World {
    /// What MetalLB's speakers have logged, of all nodes, by time.
    pub fn metallb_log(&self) -> &[SpeakerRecord] {
        &self.announcers.log
    }

    /// Lets speakers take addresses over and give them up, after something has changed.
    pub(super) fn announce(&mut self) {
        let mut next = ByService::default();
        for service in self.state.services().map(|service| &service.object) {
            let Some(node) = metallb::announcer(&self.state, service) else { continue };
            let Some(address) = service.load_balancer_ip else { continue };
            let place = self.network.place(&node.name);
            // Who was elected need not be able to.
            if self.agents_of(&node.name).speaker && place.is_some_and(|place| !self.network.is_down(place)) {
                let key = format!("{}/{}", service.namespace, service.name);
                next.insert(Arc::from(key), (address, Arc::from(node.name.as_str())));
            }
        }
        let before = std::mem::replace(&mut self.announcers.now, Arc::new(next));
        let now = self.announcers.now.clone();
        for (service, (_, node)) in before.iter().filter(|(service, old)| now.get(*service) != Some(old)) {
            let reason = if self.state.service(service).is_some() { "notOwner" } else { "serviceDeleted" };
            let dead = self.network.place(node).is_none_or(|place| self.network.is_down(place));
            if !dead && self.agents_of(node).speaker {
                self.note(node, SpeakerEvent::Withdrawn { service: service.clone(), reason });
            }
        }
        let started = std::mem::replace(&mut self.announcers.started, true);
        for (service, (address, node)) in now.iter().filter(|(service, new)| before.get(*service) != Some(new)) {
            self.note(node, SpeakerEvent::Announced { service: service.clone(), ip: *address });
            if let Some(namespace) = self.network.place(node).filter(|_| started) {
                self.queue.plan(self.time, Planned::Announce { namespace, address: *address, times: TIMES });
            }
        }
    }

    /// Tells a node's neighbours of an address, unless it has been given up since.
    pub(super) fn announce_again<O: Observer>(
        &mut self,
        namespace: usize,
        address: Ipv4Addr,
        times: u8,
        observer: &mut O,
    ) -> Result<(), OpError> {
        let name = self.network.get(namespace).name.clone();
        let still = self.announcers.now.values().any(|(own, node)| (*own, node) == (address, &name));
        if !still || self.network.is_down(namespace) {
            return Ok(());
        }
        // It may have been elected since it was programmed, and does not know its devices then.
        self.program(namespace)?;
        self.inside(namespace, observer, |namespace, cx| namespace.announce(address, cx));
        if times > 1 {
            let again = Planned::Announce { namespace, address, times: times - 1 };
            self.queue.plan(self.time + BETWEEN, again);
        }
        Ok(())
    }

    /// A speaker has answered.
    pub(super) fn note_answer(&mut self, place: usize, device: usize, arp: Arp) {
        let namespace = self.network.get(place);
        let (node, port) = (namespace.name.clone(), &namespace.devices[device]);
        let (interface, response_mac) = (port.name, port.mac);
        let event = SpeakerEvent::Answered {
            interface,
            ip: arp.target,
            response_mac,
            sender_ip: arp.sender,
            sender_mac: arp.sender_mac,
        };
        self.note(&node, event);
    }

    fn note(&mut self, node: &Arc<str>, event: SpeakerEvent) {
        self.announcers.log.push(SpeakerRecord { time: self.time, node: node.clone(), event });
    }
}
