//! Packets through a dumped node.

use super::fork::both_ways;
use super::routing::made_up;
use super::{DumpedNode, Entry, Fate, Leg, Move, Probe, Report};
use crate::net::tcp::ProcessId;
use crate::net::wire::{Arp, Frame, Payload};
use crate::net::{Context, DeviceKind, Effect, Namespace, Timer};
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::random::Random;
use crate::trace::{PacketId, PacketTrace, Recorder};
use crate::{Time, did_you_mean};

/// Why a sequence cannot be walked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct WalkError {
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// The most rules in doubt that are tried both ways, one after the other.
const MOST_FORKS: u32 = 3;
/// The most events that a packet may cause.
const MOST_EFFECTS: usize = 10_000;

/// Whoever it is that has sent a packet of the node's own.
const SENDER: ProcessId = ProcessId(u32::MAX - 1);

/// Walks a sequence of packets through the node. All chance comes from `seed`. A sequence of one packet that leaves the node
/// is followed by its answer; what the node itself has answered is the answer.
pub fn walk(node: &DumpedNode, moves: &[Move], seed: u64) -> Result<Report, WalkError> {
    let mut walker = Walker {
        node,
        namespace: node.namespace.clone(),
        random: Random::new(seed),
        next_packet: 0,
        now: Time::ZERO,
        last: None,
        sent: None,
    };
    walker.namespace.sockets.name_process(SENDER, "the process that sent the packet");
    let mut moves = moves.to_vec();
    if matches!(&moves[..], [Move::Packet(_)]) {
        moves.push(Move::Reply);
    }
    let asked = moves.len();
    let alone = asked == 2 && moves[1] == Move::Reply;
    let mut legs: Vec<Leg> = Vec::new();
    let mut left_out = 0;
    for (at, one) in moves.iter().enumerate() {
        let leg = match one {
            Move::Wait(time) => {
                walker.now += *time;
                continue;
            }
            Move::Packet(probe) => {
                walker.last = Some(probe.clone());
                walker.probe(probe, if at == 0 { "the packet" } else { "the next packet" })?
            }
            Move::Again => {
                let last = walker.last.clone().ok_or_else(|| nothing_before("again"))?;
                walker.probe(&last, "the packet again")?
            }
            Move::Reply => match legs.last_mut().and_then(own_answer).or_else(|| walker.reply()) {
                Some(leg) => leg,
                // Nobody outside has got it, or it is of a kind that nobody answers.
                None if alone => continue,
                None => return Err(nothing_before("reply")),
            },
        };
        let unknown = matches!(leg.fate, Fate::Unknown(_));
        legs.push(leg);
        if unknown {
            left_out = if alone { 0 } else { asked - at - 1 };
            break;
        }
    }
    Ok(Report {
        node: node.namespace.name.clone(),
        assumed: node.assumed.clone(),
        unheeded: node.unheeded.clone(),
        doubts: node.doubts.clone(),
        legs,
        left_out,
    })
}

/// What the node itself has answered to a packet that one of its processes got, as a leg of its own.
fn own_answer(leg: &mut Leg) -> Option<Leg> {
    let answers = |packet: &PacketTrace| packet.hops.first().is_some_and(|hop| hop.in_device.is_none());
    if !matches!(leg.fate, Fate::Delivered { .. }) || !leg.packets.get(1).is_some_and(answers) {
        return None;
    }
    let packets = leg.packets.split_off(1);
    let packet = packets.first()?.hops.first()?.before.clone();
    let fate = Fate::of(&packets);
    Some(Leg { title: "the reply", packet, entry: None, packets, fate, assumed: Vec::new(), ways: None })
}

fn nothing_before(word: &str) -> WalkError {
    let problem = format!("`{word}` has nothing to refer to: no packet before it has left the node");
    WalkError { problem, hint: Some("put a packet before it that does, or leave it out".to_owned()) }
}

#[derive(Clone)]
struct Walker<'a> {
    node: &'a DumpedNode,
    namespace: Namespace,
    random: Random,
    next_packet: u64,
    now: Time,
    /// The last packet that was described.
    last: Option<Probe>,
    /// What left last, and where: the place of the device, and whom the frame was for.
    sent: Option<(usize, Mac, Packet)>,
}

/// How a packet comes.
#[derive(Clone)]
enum Coming {
    Local,
    By { device: usize, from: Mac },
}

impl Walker<'_> {
    fn probe(&mut self, probe: &Probe, title: &'static str) -> Result<Leg, WalkError> {
        let mut assumed = Vec::new();
        let entry = match (probe.entry, probe.source) {
            (Entry::Unsaid, Some(source)) if self.namespace.is_local(source) => Entry::Local,
            (Entry::Unsaid, Some(source)) => {
                let device = self.namespace.device_towards(source).ok_or_else(|| WalkError {
                    problem: format!("no route leads back to {source}, so nobody knows by which device it comes in"),
                    hint: Some(format!("say it: in {}", self.names("one of "))),
                })?;
                assumed.push(format!("{source} comes in by {device}, which leads back to it"));
                Entry::Device(device)
            }
            (Entry::Unsaid, None) => Entry::Local,
            (entry, _) => entry,
        };
        let (coming, source, entry) = if let Entry::Device(name) = entry {
            let device = self.namespace.device_index(name).ok_or_else(|| {
                let known: Vec<_> = self.namespace.devices.iter().map(|one| one.name.to_string()).collect();
                let near = did_you_mean(name.as_str(), known.iter().map(String::as_str));
                let hint = near.map_or_else(|| self.names("it has "), |near| format!("did you mean `{near}`?"));
                WalkError { problem: format!("{} has no device {name}", self.namespace.name), hint: Some(hint) }
            })?;
            let source = probe.source.ok_or_else(|| WalkError {
                problem: "a packet that comes in has a source".to_owned(),
                hint: Some("write its address before `to`".to_owned()),
            })?;
            let from = self.namespace.neighbour_mac(device, source).unwrap_or_else(|| made_up(usize::MAX));
            (Coming::By { device, from }, source, Some(name))
        } else {
            let source = probe.source.map_or_else(|| self.namespace.source_or_error(probe.destination), Ok);
            let source = source.map_err(|why| WalkError {
                problem: format!("a process of {} cannot send to {}: {why}", self.namespace.name, probe.destination),
                hint: None,
            })?;
            (Coming::Local, source, None)
        };
        Ok(self.leg(title, &probe.packet(source), &coming, entry, assumed, MOST_FORKS))
    }

    fn names(&self, before: &str) -> String {
        let names: Vec<_> = self.namespace.devices.iter().map(|device| device.name.to_string()).collect();
        format!("{before}{}", names.join(", "))
    }

    /// The answer to what left last, from whom it left for.
    fn reply(&mut self) -> Option<Leg> {
        let (device, from, sent) = self.sent.take()?;
        let packet = answer(&sent)?;
        let name = self.namespace.devices[device].name;
        Some(self.leg("the reply", &packet, &Coming::By { device, from }, Some(name), Vec::new(), MOST_FORKS))
    }

    fn leg(
        &mut self,
        title: &'static str,
        packet: &Packet,
        coming: &Coming,
        entry: Option<DeviceName>,
        mut assumed: Vec<String>,
        forks: u32,
    ) -> Leg {
        let before = (forks > 0).then(|| self.clone());
        let packets = self.send(packet.clone(), coming, &mut assumed);
        let fate = Fate::of(&packets);
        let ways = match (&fate, before) {
            (Fate::Unknown(why), Some(before)) => both_ways(&before.namespace, why).map(|ways| {
                let way = |namespace: Namespace| {
                    let mut walker = Walker { namespace, ..before.clone() };
                    walker.leg(title, packet, coming, entry, Vec::new(), forks - 1)
                };
                Box::new(ways.map(way))
            }),
            _ => None,
        };
        Leg { title, packet: packet.clone(), entry, packets, fate, assumed, ways }
    }

    /// Lets the node have a packet, and plays its neighbours until it is quiet.
    fn send(&mut self, packet: Packet, coming: &Coming, assumed: &mut Vec<String>) -> Vec<PacketTrace> {
        let (mut recorder, mut effects) = (Recorder::default(), Vec::new());
        self.sent = None;
        self.next_packet += 1;
        let id = PacketId(self.next_packet);
        self.act(&mut recorder, &mut effects, |namespace, cx| match coming {
            Coming::Local => {
                namespace.open_socket_of(&packet, SENDER);
                namespace.send(packet, cx);
            }
            Coming::By { device, from } => namespace.arrive(*device, *from, id, packet, cx),
        });
        let mut done = 0;
        while done < effects.len().min(MOST_EFFECTS) {
            let effect = effects[done].clone();
            done += 1;
            match effect {
                Effect::Transmit { device, frame: Frame { payload: Payload::Arp(arp), .. } } if arp.request => {
                    self.ask(device, arp, assumed, &mut recorder, &mut effects);
                }
                Effect::Transmit { device, frame: Frame { payload: Payload::Ipv4(_, packet), destination, .. } } => {
                    // Of a flood over a bridge's ports the first will do.
                    self.sent.get_or_insert((device, destination, packet));
                }
                // A question by a bridge without ports leaves by none.
                Effect::Timer { timer: Timer::Neighbour { device, address, tries: 1 }, .. }
                    if self.is_empty(device) =>
                {
                    let by = self.namespace.devices[device].name;
                    assumed.push(format!("{address} on {by} does not answer, for {by} has no ports"));
                    let timer = Timer::Neighbour { device, address, tries: u8::MAX };
                    self.act(&mut recorder, &mut effects, |namespace, cx| namespace.timer(timer, cx));
                }
                _ => {}
            }
        }
        recorder.into_packets()
    }

    /// Whether a device is a bridge without ports.
    fn is_empty(&self, device: usize) -> bool {
        let devices = &self.namespace.devices;
        let bridge = &devices[device];
        bridge.kind == DeviceKind::Bridge && devices.iter().all(|one| one.master != Some(bridge.name))
    }

    fn act(
        &mut self,
        recorder: &mut Recorder,
        effects: &mut Vec<Effect>,
        action: impl FnOnce(&mut Namespace, &mut Context<'_, Recorder>),
    ) {
        let mut cx = Context {
            now: self.now,
            random: &mut self.random,
            observer: recorder,
            next_packet: &mut self.next_packet,
            effects,
        };
        action(&mut self.namespace, &mut cx);
    }

    /// Somebody outside is asked for his Ethernet address: he answers, unless he did not when the dump was taken.
    fn ask(
        &mut self,
        device: usize,
        arp: Arp,
        assumed: &mut Vec<String>,
        recorder: &mut Recorder,
        effects: &mut Vec<Effect>,
    ) {
        let port = &self.namespace.devices[device];
        let by = port.master.unwrap_or(port.name);
        let silent = self.node.silent.iter().find(|(device, address, _)| (*device, *address) == (by, arp.target));
        let silent = silent.map(|(.., place)| format!("as when the dump was taken ({place})"));
        let alone = self.node.alone.iter().find(|(device, _)| *device == by || *device == port.name);
        let alone = alone.map(|(device, place)| format!("for {device} has no carrier ({place})"));
        if let Some(why) = alone.or(silent) {
            let said = format!("{} on {by} does not answer, {why}", arp.target);
            if !assumed.contains(&said) {
                assumed.push(said);
                let timers: Vec<_> = effects
                    .iter()
                    .filter_map(|effect| match effect {
                        Effect::Timer { timer: Timer::Neighbour { device, address, .. }, .. }
                            if *address == arp.target =>
                        {
                            Some((*device, *address))
                        }
                        _ => None,
                    })
                    .collect();
                for (device, address) in timers {
                    let timer = Timer::Neighbour { device, address, tries: u8::MAX };
                    self.act(recorder, effects, |namespace, cx| namespace.timer(timer, cx));
                }
            }
            return;
        }
        let said = format!("{} on {by} answers ARP, though `ip neigh` does not have it", arp.target);
        if assumed.contains(&said) {
            // A bridge asks by all its ports; one answer is enough.
            return;
        }
        assumed.push(said);
        let [.., a, b] = arp.target.octets();
        let mac = made_up(usize::from(u16::from_be_bytes([a, b])));
        let answer = Arp { request: false, sender_mac: mac, sender: arp.target, target: arp.sender };
        let frame = Frame { source: mac, destination: arp.sender_mac, payload: Payload::Arp(answer) };
        self.act(recorder, effects, |namespace, cx| namespace.receive_frame(device, frame, cx));
    }
}

/// What the other side says to a packet that has reached it: it accepts what it is offered.
fn answer(to: &Packet) -> Option<Packet> {
    let body: Body = match &to.body {
        Body::Tcp(tcp) if tcp.flags.has(TcpFlags::RST) => return None,
        Body::Tcp(tcp) => {
            // What answers a SYN,ACK opens nothing any more: it acknowledges.
            let syn = tcp.flags.has(TcpFlags::SYN) && !tcp.flags.has(TcpFlags::ACK);
            let flags = if syn { TcpFlags::SYN.with(TcpFlags::ACK) } else { TcpFlags::ACK };
            Tcp {
                source: tcp.destination,
                destination: tcp.source,
                seq: if syn { 1 } else { tcp.ack },
                ack: tcp.seq.wrapping_add(tcp.occupies()),
                flags,
                window: 64240,
                options: if syn { TcpOptions::syn(1460) } else { TcpOptions::TIMESTAMPS },
                payload: bytes::Bytes::new(),
            }
            .into()
        }
        Body::Udp(udp) => Udp::new(udp.destination, udp.source, udp.payload.clone()).into(),
        Body::Icmp(Icmp::EchoRequest { id, seq, payload }) => {
            Icmp::EchoReply { id: *id, seq: *seq, payload: payload.clone() }.into()
        }
        // What was wrapped up for the other node is answered there, and comes back wrapped up.
        Body::Ipip(inner) => Body::Ipip(Box::new(answer(inner)?)),
        _ => return None,
    };
    Some(Packet { id: 1, ..Packet::new(to.destination, to.source, body) })
}

impl Namespace {
    /// A packet comes in by a device, from the machine with that Ethernet address; by a tunnel, already unwrapped.
    fn arrive(&mut self, device: usize, from: Mac, id: PacketId, packet: Packet, cx: &mut Context<'_, Recorder>) {
        let port = &self.devices[device];
        match port.kind {
            DeviceKind::Ethernet | DeviceKind::Bridge => {
                let destination = port.mac;
                let frame = Frame { source: from, destination, payload: Payload::Ipv4(id, packet) };
                self.receive_frame(device, frame, cx);
            }
            DeviceKind::Loopback | DeviceKind::Ipip | DeviceKind::Tunnel { .. } | DeviceKind::Unknown => {
                self.receive_bare(id, packet, device, cx);
            }
        }
    }
}
