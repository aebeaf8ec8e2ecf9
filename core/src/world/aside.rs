//! What goes on beside what a scenario does: the BGP sessions of the nodes, in a cluster with `bgp packets`.
//!
//! Their packets go through the same namespaces, rules and connection tracking as any other, but nobody is told of them,
//! nobody waits for them, and they draw from a stream of chance of their own: what a scenario sends is the same with them
//! and without. `tcpdump` sees them, and whoever captures frames.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::World;
use super::network::{Network, Process};
use super::run::Planned;
use crate::apps::{App, BGP_PORT, BIRD_HEADER, BIRD_LISTENING_HEADER, Bird, Event, SessionNews};
use crate::kube::{Bgp, State, Symptom};
use crate::net::tcp::ProcessId;
use crate::net::wire::{Frame, Payload};
use crate::packet::Packet;
use crate::trace::PacketId;
use crate::{Random, Time};

/// How many of these packets `tcpdump` remembers, each once for every device that it passed.
const REMEMBERED: usize = 20_000;

/// Every node's BIRD, by its name, with the place it runs at.
pub(super) type Birds = BTreeMap<Arc<str>, (usize, ProcessId)>;

/// What there is of it.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    random: Random,
    next_packet: u64,
    /// Whether what happens now is beside.
    now: bool,
    /// What would have happened on machines while they were frozen, each with its place.
    frozen: Vec<(usize, Planned)>,
    passed: Arc<VecDeque<PassedBy>>,
    /// The pairs of addresses between which BGP is not heard.
    silenced: Vec<(Ipv4Addr, Ipv4Addr)>,
}

/// A packet that has passed a device.
#[derive(Clone, Debug)]
pub(super) struct PassedBy {
    pub(super) time: Time,
    pub(super) place: usize,
    pub(super) device: usize,
    pub(super) packet: Packet,
}

impl Aside {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            // Any stream but the scenario's.
            random: Random::new(!seed),
            next_packet: PacketId::ASIDE,
            now: false,
            frozen: Vec::new(),
            passed: Arc::default(),
            silenced: Vec::new(),
        }
    }

    /// The packets that `tcpdump` remembers, in the order in which they passed.
    pub(super) fn passed(&self) -> impl Iterator<Item = &PassedBy> {
        self.passed.iter()
    }
}

impl Network {
    /// Starts BIRD on every node that is declared and has none. Those that have to read their configuration again are
    /// returned: all of them, if there are other nodes than before.
    fn start_birds(&mut self, state: &State) -> Vec<ProcessId> {
        if state.cluster().bgp == Bgp::Routes {
            return Vec::new();
        }
        let nodes: Vec<_> = state.nodes().filter_map(|node| self.place(&node.object.name)).collect();
        let names: Vec<_> = nodes.iter().map(|&place| (self.get(place).name.clone(), place)).collect();
        let runs = |(name, place): &(Arc<str>, usize)| self.birds.get(name).is_some_and(|(at, _)| at == place);
        if names.len() == self.birds.len() && names.iter().all(runs) {
            return Vec::new();
        }
        let mut before = std::mem::take(&mut self.birds);
        for (name, place) in names {
            let running = before.remove(&name).filter(|(at, _)| *at == place);
            let (_, process) = running.unwrap_or_else(|| {
                let app = App::Bird(Bird::default());
                let process = self.start(Process { namespace: place, owner: name.clone(), app });
                let sockets = &mut self.get_mut(place).sockets;
                sockets.name_process(process, "bird");
                sockets.set_headers(process, BIRD_HEADER, BIRD_LISTENING_HEADER);
                sockets.listen(BGP_PORT, process);
                (place, process)
            });
            self.birds.insert(name, (place, process));
        }
        self.birds.values().map(|(_, process)| *process).collect()
    }

    /// Whether a process is what goes on beside.
    pub(super) fn is_aside(&self, process: ProcessId) -> bool {
        matches!(self.processes.get(process.0 as usize), Some(Process { app: App::Bird(_), .. }))
    }
}

impl World {
    pub(super) fn start_birds(&mut self) {
        for process in self.network.start_birds(&self.state) {
            self.queue.plan(self.time, Planned::News { process, event: Event::Started }.aside());
        }
    }

    /// Does what goes on beside: with its own chance, and identities of packets of its own.
    pub(super) fn beside<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.aside.now, true);
        if !before {
            self.turn_aside();
        }
        let done = act(self);
        if !before {
            self.turn_aside();
        }
        self.aside.now = before;
        done
    }

    fn turn_aside(&mut self) {
        std::mem::swap(&mut self.random, &mut self.aside.random);
        std::mem::swap(&mut self.next_packet, &mut self.aside.next_packet);
    }

    /// Plans something, beside if what it is about is.
    pub(super) fn plan(&mut self, at: Time, event: Planned) {
        let beside = match &event {
            Planned::Frame { frame: Frame { payload: Payload::Ipv4(id, _), .. }, .. } => id.is_aside(),
            Planned::News { process, .. } => self.aside.now || self.network.is_aside(*process),
            _ => self.aside.now,
        };
        self.queue.plan(at, if beside { event.aside() } else { event });
    }

    /// Whether what was planned beside has become what a scenario waits for: its packets wait for the same answer.
    pub(super) fn is_awaited(&self, event: &Planned) -> bool {
        match event {
            Planned::Frame { namespace, frame: Frame { payload: Payload::Arp(_), .. }, .. }
            | Planned::Timer { namespace, .. } => self.network.get(*namespace).has_waiting(),
            _ => false,
        }
    }

    /// A timer goes off on a machine that is frozen: it will do so later.
    pub(super) fn freeze(&mut self, place: usize, timer: Planned) {
        if self.aside.now {
            self.aside.frozen.push((place, timer));
        }
    }

    /// Lets timers go off that have waited for their machines to run again.
    pub(super) fn thaw(&mut self) {
        for (place, timer) in std::mem::take(&mut self.aside.frozen) {
            if self.network.is_down(place) {
                self.aside.frozen.push((place, timer));
            } else {
                self.queue.plan(self.time, timer.aside());
            }
        }
    }

    /// Says between which addresses BGP is not heard.
    pub(super) fn silence(&mut self, pairs: Vec<(Ipv4Addr, Ipv4Addr)>) {
        self.aside.silenced = pairs;
    }

    /// Whether a frame of BGP is not heard by whom it is for.
    pub(super) fn is_silenced(&self, frame: &Frame) -> bool {
        let Payload::Ipv4(id, packet) = &frame.payload else { return false };
        let ends = (packet.source, packet.destination);
        let is_meant = |&(one, other): &(Ipv4Addr, Ipv4Addr)| ends == (one, other) || ends == (other, one);
        id.is_aside() && self.aside.silenced.iter().any(is_meant)
    }

    /// Remembers for `tcpdump` what passes a device beside.
    pub(super) fn remember(&mut self, place: usize, device: usize, frame: &Frame) {
        let Payload::Ipv4(id, packet) = &frame.payload else { return };
        if !id.is_aside() {
            return;
        }
        let passed = Arc::make_mut(&mut self.aside.passed);
        if passed.len() == REMEMBERED {
            passed.pop_front();
        }
        passed.push_back(PassedBy { time: self.time, place, device, packet: packet.clone() });
    }

    /// What a node's BIRD says of its sessions.
    pub(super) fn hear_of_sessions(&mut self, node: &Arc<str>, news: Vec<SessionNews>) {
        let mut changed = false;
        for SessionNews { peer, up } in news {
            changed |= self.state.notice(Symptom::PeerLost(node.clone(), peer), !up);
        }
        if changed {
            self.generation += 1;
            self.grow();
        }
    }
}
