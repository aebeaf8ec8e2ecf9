//! Events: what happens when, one after the other, until all is quiet.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::faults::Notice;
use super::{OpError, World};
use crate::Time;
use crate::apps::{Answer, App, Event, System};
use crate::net::tcp::{ProcessId, SocketEvent};
use crate::net::wire::{Frame, Payload};
use crate::net::{Context, DeviceKind, Effect, Namespace, Timer};
use crate::packet::Mac;
use crate::trace::{Arrival, DropReason, End, NoObserver, Observer};

/// How long a frame travels along a veth pair.
const VETH: Duration = Duration::from_micros(5);
/// How long a frame travels along a network of machines.
const WIRE: Duration = Duration::from_micros(100);
/// The most events that one operation may cause.
const MAX_EVENTS: u32 = 1_000_000;

/// What is to happen, in order: by time, and at one time in the order in which it was planned.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    events: BTreeMap<(Time, u64), Planned>,
    planned: u64,
    /// How many of them are not for later: frames on their way, and news for processes.
    pressing: usize,
    /// How many of them go on beside what a scenario does.
    aside: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Planned {
    /// Somebody notices that something is broken, or that it is not any more.
    Notice(Notice),
    /// MetalLB's speaker tells a node's neighbours of an address, as often as this.
    Announce {
        namespace: usize,
        address: Ipv4Addr,
        times: u8,
    },
    Frame {
        namespace: usize,
        device: usize,
        frame: Frame,
    },
    Timer {
        namespace: usize,
        timer: Timer,
    },
    /// A process is told something.
    News {
        process: ProcessId,
        event: Event,
    },
    /// Something that goes on beside what a scenario does. Nobody waits for it.
    Aside(Box<Planned>),
}

impl Planned {
    /// Whether the world is not quiet before it has happened. Timers and alarms may never come to anything.
    fn presses(&self) -> bool {
        matches!(self, Self::Frame { .. } | Self::News { event: Event::Socket(_), .. })
    }

    /// The same, beside what a scenario does.
    pub(super) fn aside(self) -> Self {
        Self::Aside(Box::new(self))
    }
}

impl Queue {
    pub(super) fn plan(&mut self, at: Time, event: Planned) {
        self.planned += 1;
        self.pressing += usize::from(event.presses());
        self.aside += usize::from(matches!(event, Planned::Aside(_)));
        self.events.insert((at, self.planned), event);
    }

    fn next(&mut self, until: Option<Time>) -> Option<(Time, Planned)> {
        let first = self.events.first_entry()?;
        if until.is_some_and(|until| first.key().0 > until) {
            return None;
        }
        let ((at, _), event) = first.remove_entry();
        self.pressing -= usize::from(event.presses());
        self.aside -= usize::from(matches!(event, Planned::Aside(_)));
        Some((at, event))
    }

    /// Whether nothing is to happen that has to do with what a scenario has done.
    fn is_idle(&self) -> bool {
        self.events.len() == self.aside
    }
}

fn too_many_events(cure: &str) -> OpError {
    OpError::bound(format!("more than {MAX_EVENTS} events came of it"), "events for each operation", cure)
}

impl World {
    /// Lets the world run until `process` has its answer and no frame is on its way any more.
    pub(super) fn run_for<O: Observer>(&mut self, process: ProcessId, observer: &mut O) -> Result<(), OpError> {
        if self.muted {
            return Ok(());
        }
        self.wake(process, Event::Started, observer)?;
        let first = self.next_packet;
        for _ in 0..MAX_EVENTS {
            super::burst::too_many_packets((self.next_packet - first) as usize)?;
            let waits = match self.answer(process) {
                None => true,
                Some(Answer::Sent) => self.queue.pressing > 0 || self.network.iter().any(Namespace::has_waiting),
                Some(_) => self.queue.pressing > 0,
            };
            if !waits || self.queue.is_idle() {
                return Ok(());
            }
            let Some((at, event)) = self.queue.next(None) else { return Ok(()) };
            self.happen(at, event, observer)?;
        }
        Err(too_many_events("something goes in circles"))
    }

    /// Lets the world run until a namespace is as it is waited for, but no longer than to a moment, and no frame is on its
    /// way any more.
    pub(super) fn run_until_settled<O: Observer>(
        &mut self,
        place: usize,
        deadline: Time,
        settled: impl Fn(&Namespace) -> bool,
        observer: &mut O,
    ) -> Result<(), OpError> {
        for _ in 0..MAX_EVENTS {
            let quiet = self.queue.pressing == 0 && !self.network.iter().any(Namespace::has_waiting);
            let until = match (settled(self.network.get(place)), quiet) {
                (true, true) => return Ok(()),
                (true, false) => None,
                (false, _) => Some(deadline),
            };
            let Some((at, event)) = self.queue.next(until) else {
                self.time = until.unwrap_or(self.time);
                return Ok(());
            };
            self.happen(at, event, observer)?;
        }
        Err(too_many_events("something goes in circles"))
    }

    /// Lets the world run to a moment.
    pub(super) fn run_until<O: Observer>(&mut self, until: Time, observer: &mut O) -> Result<(), OpError> {
        for _ in 0..MAX_EVENTS {
            let Some((at, event)) = self.queue.next(Some(until)) else {
                self.time = until;
                return Ok(());
            };
            self.happen(at, event, observer)?;
        }
        Err(too_many_events("wait in smaller steps"))
    }

    /// Lets the world run to a moment, or until something is no longer so.
    pub(super) fn run_while(&mut self, until: Time, goes_on: impl Fn(&Self) -> bool) -> Result<(), OpError> {
        for _ in 0..MAX_EVENTS {
            if !goes_on(self) {
                return Ok(());
            }
            let Some((at, event)) = self.queue.next(Some(until)) else {
                self.time = until;
                return Ok(());
            };
            self.happen(at, event, &mut NoObserver)?;
        }
        Err(too_many_events("wait in smaller steps"))
    }

    fn answer(&self, process: ProcessId) -> Option<&Answer> {
        match &self.network.processes.get(process.0 as usize)?.app {
            App::Client(client) => client.answer.as_ref(),
            _ => None,
        }
    }

    fn happen<O: Observer>(&mut self, at: Time, event: Planned, observer: &mut O) -> Result<(), OpError> {
        self.time = self.time.max(at);
        match event {
            Planned::Aside(event) if self.is_awaited(&event) => self.happen(at, *event, observer)?,
            Planned::Aside(event) => self.beside(|world| world.happen(at, *event, &mut NoObserver))?,
            Planned::Notice(notice) => self.notice(notice),
            Planned::Announce { namespace, address, times } => {
                self.announce_again(namespace, address, times, observer)?;
            }
            Planned::Frame { namespace, frame, .. } if self.network.is_down(namespace) => {
                self.lose(namespace, &frame, observer);
            }
            Planned::Timer { namespace, .. } if self.network.is_down(namespace) => self.freeze(namespace, event),
            Planned::Frame { namespace, device, frame } => {
                self.program(namespace)?;
                self.overhear(namespace, device, &frame);
                self.inside(namespace, observer, |namespace, cx| namespace.receive_frame(device, frame, cx));
            }
            Planned::Timer { namespace, timer } => {
                self.inside(namespace, observer, |namespace, cx| namespace.timer(timer, cx));
            }
            Planned::News { process, event } => self.wake(process, event, observer)?,
        }
        Ok(())
    }

    /// A frame has reached a machine that is down.
    fn lose<O: Observer>(&self, place: usize, frame: &Frame, observer: &mut O) {
        let Payload::Ipv4(id, packet) = &frame.payload else { return };
        if frame.destination == Mac::BROADCAST {
            return;
        }
        let name = &self.network.get(place).name;
        let hop = observer.open(Arrival { time: self.time, place: name, id: *id, in_device: None, packet });
        observer.close(hop, None, packet, || End::Dropped(DropReason::MachineDown));
    }

    /// Runs a namespace's code, then plans what it wants to happen outside.
    pub(super) fn inside<O: Observer>(
        &mut self,
        place: usize,
        observer: &mut O,
        code: impl FnOnce(&mut Namespace, &mut Context<'_, O>),
    ) {
        let mut effects = Vec::new();
        let mut cx = Context {
            now: self.time,
            random: &mut self.random,
            observer: &mut *observer,
            next_packet: &mut self.next_packet,
            effects: &mut effects,
        };
        code(self.network.get_mut(place), &mut cx);
        self.bring_about(place, effects);
    }

    /// Tells a process something, and plans what comes of what it does.
    fn wake<O: Observer>(&mut self, process: ProcessId, event: Event, observer: &mut O) -> Result<(), OpError> {
        let Some(record) = self.network.processes.get(process.0 as usize) else { return Ok(()) };
        let place = record.namespace;
        if self.network.is_down(place) {
            if matches!(event, Event::Alarm(_)) {
                self.freeze(place, Planned::News { process, event });
            }
            return Ok(());
        }
        let Some(record) = self.network.processes.get_mut(process.0 as usize) else { return Ok(()) };
        let owner = record.owner.clone();
        // The process is taken out while it runs, for it may look at all the rest.
        let mut app = std::mem::replace(&mut record.app, App::Tcp);
        self.program(place)?;
        let files = self.network.files(&owner);
        let pins = self.pins();
        let mut effects = Vec::new();
        let mut context = Context {
            now: self.time,
            random: &mut self.random,
            observer: &mut *observer,
            next_packet: &mut self.next_packet,
            effects: &mut effects,
        };
        let mut system = System {
            process,
            namespace: self.network.get_mut(place),
            context: &mut context,
            state: &self.state,
            files: files.as_deref(),
            owner: &owner,
            pins: &pins,
        };
        app.handle(event, &mut system);
        let news = if let App::Bird(bird) = &mut app { bird.take_news() } else { Vec::new() };
        self.network.processes[process.0 as usize].app = app;
        self.bring_about(place, effects);
        if !news.is_empty() {
            self.hear_of_sessions(&owner, news);
        }
        Ok(())
    }

    /// Plans what a namespace wants to happen outside of it.
    fn bring_about(&mut self, place: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Announced { device, arp } => self.note_answer(place, device, arp),
                Effect::Transmit { device, frame } => self.carry(place, device, &frame),
                Effect::Timer { at, timer } => self.plan(at, Planned::Timer { namespace: place, timer }),
                Effect::Alarm { at, process, token } => {
                    self.plan(at, Planned::News { process, event: Event::Alarm(token) });
                }
                Effect::Socket(SocketEvent { process, happened }) => {
                    self.plan(self.time, Planned::News { process, event: Event::Socket(happened) });
                }
            }
        }
    }

    /// Puts a frame onto the wire of a device: a switch that knows everybody's address.
    fn carry(&mut self, place: usize, device: usize, frame: &Frame) {
        self.overhear(place, device, frame);
        if self.is_silenced(frame) {
            return;
        }
        let sender = &self.network.get(place).devices[device];
        debug_assert_eq!(sender.kind, DeviceKind::Ethernet, "only Ethernet devices have wires");
        let heard: Vec<_> = self.network.hearers(place, device, frame.destination).collect();
        let veth =
            sender.mac == Mac::CALICO || heard.iter().any(|&(n, d)| self.network.get(n).devices[d].mac == Mac::CALICO);
        let at = self.time + if veth { VETH } else { WIRE };
        for (namespace, device) in heard {
            self.plan(at, Planned::Frame { namespace, device, frame: frame.clone() });
        }
    }
}
