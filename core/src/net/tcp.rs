//! The socket layer, and TCP as far as a lossless network with filters in it needs: handshake, ordered data, orderly
//! close, reset, retransmission with back-off. There is no congestion control; what does not fit the other
//! side's window waits.

mod ends;
mod segments;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::skb::{Context, Effect, Skb, Timer};
use super::{Dropped, Namespace};
use crate::Time;
use crate::conntrack::Tracked;
use crate::netfilter::walk::Sender;
use crate::packet::{Body, Packet, Tcp, TcpFlags, TcpOptions, Timestamps};
use crate::trace::{DropReason, End, Observer, PacketId};

/// A process of the world, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// A TCP connection of a namespace's socket layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Something that happened to a socket, and whose it is.
#[derive(Clone, Debug)]
pub struct SocketEvent {
    /// Whose.
    pub process: ProcessId,
    /// What.
    pub happened: Happened,
}

/// What can happen to a socket.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A connection that the process asked for is open.
    Connected(ConnectionId),
    /// A connection has come in and is open.
    Accepted(ConnectionId),
    /// Bytes have come in.
    Data(ConnectionId, Bytes),
    /// The other side has sent all it will.
    PeerClosed(ConnectionId),
    /// The connection is over, and not by agreement.
    Failed(ConnectionId, Failure),
    /// A datagram has come in.
    Datagram {
        /// The port it came to.
        port: u16,
        /// The address it came to.
        local: Ipv4Addr,
        /// Where it came from.
        from: SocketAddrV4,
        /// Its bytes.
        payload: Bytes,
    },
    /// A datagram was refused.
    DatagramRefused {
        /// The port it was sent from.
        port: u16,
        /// The refusal's identity.
        by: PacketId,
        /// The refusal.
        with: Packet,
    },
    /// An echo has come back.
    EchoReply {
        /// Identifier of the request.
        id: u16,
        /// Sequence number.
        seq: u16,
        /// Who answered.
        from: Ipv4Addr,
    },
}

/// Why a connection failed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// A reset or an ICMP error came.
    Refused {
        /// The refusal's identity.
        by: PacketId,
        /// The refusal.
        with: Packet,
    },
    /// Nothing came, however often it was tried.
    TimedOut,
}

/// First time-out of a segment (RFC 6298, `TCP_TIMEOUT_INIT`).
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// `net.ipv4.tcp_syn_retries`.
const SYN_RETRIES: u32 = 6;
/// `net.ipv4.tcp_retries2`.
const RETRIES: u32 = 15;
/// How long a closed connection keeps its ports (`TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Duration = Duration::from_mins(1);
/// `net.ipv4.ip_local_port_range`.
const EPHEMERAL: (u16, u16) = (32768, 60999);

/// The states of RFC 9293 that the model tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait(Time),
}

/// One end of a connection.
#[derive(Clone, Debug)]
struct Connection {
    id: ConnectionId,
    process: ProcessId,
    local: SocketAddrV4,
    remote: SocketAddrV4,
    state: State,
    /// What it announces.
    mss: u16,
    /// What the other side announced (`rx_opt.mss_clamp`).
    peer_mss: u16,
    /// The path MTU that its segments are cut to (`icsk_pmtu_cookie`).
    path_mtu: u16,
    /// It is being written to: what is heard of the path MTU meanwhile waits (`TCP_MTU_REDUCED_DEFERRED`).
    busy: bool,
    /// What has been heard meanwhile.
    mtu_info: Option<u16>,
    next_seq: u32,
    next_ack: u32,
    /// What has been sent and not acknowledged.
    unacknowledged: VecDeque<Segment>,
    /// What waits for the connection to open.
    unsent: Vec<Bytes>,
    closing: bool,
    retries: u32,
    generation: u32,
    header: HeaderFields,
    /// What has last been heard of the other side's clock.
    heard: u32,
}

/// What a process has said about the IPv4 headers of a socket's packets (`IP_TOS`, `IP_TTL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderFields {
    /// The type of service.
    pub tos: u8,
    /// The time to live.
    pub ttl: u8,
}

impl Default for HeaderFields {
    /// What every other packet has: `net.ipv4.ip_default_ttl` is 64.
    fn default() -> Self {
        Self { tos: 0, ttl: 64 }
    }
}

#[derive(Clone, Debug)]
struct Segment {
    seq: u32,
    flags: TcpFlags,
    payload: Bytes,
}

impl Segment {
    fn end(&self) -> u32 {
        let control = u32::from(self.flags.has(TcpFlags::SYN)) + u32::from(self.flags.has(TcpFlags::FIN));
        self.seq.wrapping_add(self.payload.len() as u32).wrapping_add(control)
    }
}

type Ends = (SocketAddrV4, SocketAddrV4);

/// The sockets of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    listeners: FxHashMap<u16, ProcessId>,
    udp: FxHashMap<u16, ProcessId>,
    /// Those of one address only, TCP and UDP.
    bound: [FxHashMap<SocketAddrV4, ProcessId>; 2],
    /// Whoever has every port that nobody else has.
    anybody: Option<ProcessId>,
    echoes: FxHashMap<u16, ProcessId>,
    names: FxHashMap<ProcessId, Arc<str>>,
    connections: FxHashMap<Ends, Connection>,
    ends: FxHashMap<ConnectionId, Ends>,
    /// Of the processes that have said something about the headers of their packets.
    headers: FxHashMap<ProcessId, [HeaderFields; 2]>,
    last: u64,
    next_tcp_port: Option<u16>,
    next_udp_port: Option<u16>,
}

impl Sockets {
    /// Gives a process the name that traces show.
    pub fn name_process(&mut self, process: ProcessId, name: &str) {
        self.names.insert(process, name.into());
    }

    /// Gives the sockets that a process opens from now on these fields in their packets' headers: those that connect, and
    /// those that listen, which hand them on to their connections.
    pub fn set_headers(&mut self, process: ProcessId, connecting: HeaderFields, listening: HeaderFields) {
        self.headers.insert(process, [connecting, listening]);
    }

    /// Gives them to one connection.
    pub fn set_connection_header(&mut self, id: ConnectionId, fields: HeaderFields) {
        if let Some(connection) = self.get_mut(id) {
            connection.header = fields;
        }
    }

    pub(super) fn process_name(&self, process: ProcessId) -> Arc<str> {
        self.names.get(&process).cloned().unwrap_or_else(|| "a process".into())
    }

    /// Lets a process listen on a TCP port. False if another one does.
    pub fn listen(&mut self, port: u16, process: ProcessId) -> bool {
        *self.listeners.entry(port).or_insert(process) == process
    }

    /// Lets a process have a UDP port. False if another one has it.
    pub fn bind_udp(&mut self, port: u16, process: ProcessId) -> bool {
        *self.udp.entry(port).or_insert(process) == process
    }

    /// Gives a UDP port of a process back (`close(2)`).
    pub fn unbind_udp(&mut self, port: u16, process: ProcessId) {
        if self.udp.get(&port) == Some(&process) {
            self.udp.remove(&port);
        }
    }

    /// Lets a process listen at one address only (`bind(2)` with an address of the machine).
    pub fn listen_at(&mut self, local: SocketAddrV4, process: ProcessId) {
        self.bound[0].entry(local).or_insert(process);
    }

    /// The same for UDP.
    pub fn bind_udp_at(&mut self, local: SocketAddrV4, process: ProcessId) {
        self.bound[1].entry(local).or_insert(process);
    }

    /// Every process that has a name, with it, in the order of their numbers.
    pub fn processes(&self) -> Vec<(ProcessId, Arc<str>)> {
        let mut all: Vec<_> = self.names.iter().map(|(process, name)| (*process, name.clone())).collect();
        all.sort_by_key(|(process, _)| *process);
        all
    }

    /// Gives all that a process has to another one.
    pub fn hand_over(&mut self, from: ProcessId, to: ProcessId) {
        let owners = self.listeners.values_mut().chain(self.udp.values_mut());
        let bound = self.bound.iter_mut().flat_map(|bound| bound.values_mut());
        for owner in owners.chain(bound).chain(&mut self.anybody) {
            if *owner == from {
                *owner = to;
            }
        }
        self.names.remove(&from);
    }

    /// Lets a process have every port that no other process has: for a machine of which is not known who listens.
    pub fn give_every_port(&mut self, process: ProcessId) {
        self.anybody = Some(process);
    }

    fn listener(&self, local: SocketAddrV4) -> Option<ProcessId> {
        let found = self.bound[0].get(&local).or_else(|| self.listeners.get(&local.port()));
        found.copied().or(self.anybody)
    }

    /// Lets a process have the answers to echoes with this identifier.
    pub fn bind_echo(&mut self, id: u16, process: ProcessId) {
        self.echoes.insert(id, process);
    }

    /// Takes away all that a process has.
    pub fn release(&mut self, process: ProcessId) {
        self.listeners.retain(|_, owner| *owner != process);
        self.udp.retain(|_, owner| *owner != process);
        self.bound.iter_mut().for_each(|bound| bound.retain(|_, owner| *owner != process));
        self.echoes.retain(|_, owner| *owner != process);
        self.names.remove(&process);
        self.headers.remove(&process);
    }

    pub(super) fn udp(&self, port: u16) -> Option<ProcessId> {
        self.udp.get(&port).copied()
    }

    pub(super) fn udp_at(&self, local: SocketAddrV4) -> Option<ProcessId> {
        self.bound[1].get(&local).copied().or_else(|| self.udp(local.port())).or(self.anybody)
    }

    pub(super) fn echo(&self, id: u16) -> Option<ProcessId> {
        self.echoes.get(&id).copied()
    }

    /// Pins the source port of the next TCP connection that a process opens without naming one.
    pub fn pin_next_tcp_port(&mut self, port: u16) {
        self.next_tcp_port = Some(port);
    }

    /// Pins the port of the next UDP socket that a process opens without naming one. A port in use is passed over.
    pub fn pin_next_udp_port(&mut self, port: u16) {
        self.next_udp_port = Some(port);
    }

    /// The address and port that a connection has on this side.
    pub fn local(&self, id: ConnectionId) -> Option<SocketAddrV4> {
        self.ends.get(&id).map(|ends| ends.0)
    }

    /// Those of the other side.
    pub fn remote(&self, id: ConnectionId) -> Option<SocketAddrV4> {
        self.ends.get(&id).map(|ends| ends.1)
    }

    fn remove(&mut self, id: ConnectionId) {
        if let Some(ends) = self.ends.remove(&id) {
            self.connections.remove(&ends);
        }
    }

    fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(self.ends.get(&id)?)
    }
}

impl Namespace {
    /// A port that no UDP socket has.
    pub fn free_udp_port<O>(&mut self, cx: &mut Context<'_, O>) -> Option<u16> {
        let Sockets { udp, next_udp_port, .. } = &mut self.sockets;
        next_udp_port.take().into_iter().chain(ephemeral(cx)).find(|port| !udp.contains_key(port))
    }

    /// Opens a TCP connection. `None`: no route, or no free port.
    pub fn connect<O: Observer>(
        &mut self,
        process: ProcessId,
        remote: SocketAddrV4,
        port: Option<u16>,
        cx: &mut Context<'_, O>,
    ) -> Option<ConnectionId> {
        let source = self.source_towards(*remote.ip())?;
        let now = cx.now;
        let free = |sockets: &Sockets, port| {
            let ends = (SocketAddrV4::new(source, port), remote);
            sockets.connections.get(&ends).is_none_or(|old| matches!(old.state, State::TimeWait(end) if end <= now))
        };
        let pinned = port.or_else(|| self.sockets.next_tcp_port.take());
        let port = if let Some(port) = pinned {
            Some(port).filter(|port| free(&self.sockets, *port))
        } else {
            ephemeral(cx).find(|port| free(&self.sockets, *port))
        }?;
        let local = SocketAddrV4::new(source, port);
        let id = self.add_connection(process, local, remote, State::SynSent, 0, cx);
        self.queue(id, TcpFlags::SYN, Bytes::new(), cx);
        Some(id)
    }

    /// Sends a segment that belongs to no connection: sequence numbers by chance, a full window, no payload.
    pub fn send_lone_segment<O: Observer>(
        &mut self,
        port: Option<u16>,
        to: SocketAddrV4,
        flags: TcpFlags,
        cx: &mut Context<'_, O>,
    ) {
        let source = self.source_towards(*to.ip()).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let Some(segment) = self.lone_segment(port, to, flags, Bytes::new(), cx) else { return };
        let mut packet = Packet::new(source, *to.ip(), segment);
        packet.id = self.ip_id();
        packet.dont_fragment = true;
        self.send(packet, cx);
    }

    /// Such a segment.
    pub fn lone_segment<O: Observer>(
        &mut self,
        port: Option<u16>,
        to: SocketAddrV4,
        flags: TcpFlags,
        payload: Bytes,
        cx: &mut Context<'_, O>,
    ) -> Option<Tcp> {
        let pinned = port.or_else(|| self.sockets.next_tcp_port.take());
        let port = pinned.or_else(|| ephemeral(cx).next())?;
        let mut number = || cx.random.below(u32::MAX);
        let (seq, ack) = (number(), if flags.has(TcpFlags::ACK) { number() } else { 0 });
        Some(Tcp {
            source: port,
            destination: to.port(),
            seq,
            ack,
            flags,
            window: u16::MAX,
            options: TcpOptions::default(),
            payload,
        })
    }

    fn add_connection<O: Observer>(
        &mut self,
        process: ProcessId,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        state: State,
        next_ack: u32,
        cx: &mut Context<'_, O>,
    ) -> ConnectionId {
        let next_seq = cx.random.below(u32::MAX);
        self.insert_connection(process, (local, remote), state, (next_seq, next_ack), cx.now)
    }

    fn insert_connection(
        &mut self,
        process: ProcessId,
        (local, remote): Ends,
        state: State,
        (next_seq, next_ack): (u32, u32),
        now: Time,
    ) -> ConnectionId {
        self.sockets.last += 1;
        let id = ConnectionId(self.sockets.last);
        let mtu = self.path_mtu(*remote.ip(), now).unwrap_or(1500);
        let listening = usize::from(state == State::SynReceived);
        let header = self.sockets.headers.get(&process).map_or_else(HeaderFields::default, |both| both[listening]);
        let connection = Connection {
            id,
            process,
            local,
            remote,
            state,
            // `ipv4_default_advmss`.
            mss: mtu - 40,
            peer_mss: u16::MAX,
            path_mtu: mtu,
            busy: false,
            mtu_info: None,
            next_seq,
            next_ack,
            unacknowledged: VecDeque::new(),
            unsent: Vec::new(),
            closing: false,
            retries: 0,
            generation: 0,
            header,
            heard: 0,
        };
        self.sockets.connections.insert((local, remote), connection);
        self.sockets.ends.insert(id, (local, remote));
        id
    }

    /// Sends bytes on a connection, as soon as it is open.
    pub fn write<O: Observer>(&mut self, id: ConnectionId, bytes: Bytes, cx: &mut Context<'_, O>) {
        self.undisturbed(id, cx, |namespace, cx| namespace.cut(id, bytes, cx));
    }

    /// Cuts bytes into segments.
    fn cut<O: Observer>(&mut self, id: ConnectionId, bytes: Bytes, cx: &mut Context<'_, O>) {
        let size = self.current_size(id, cx.now);
        let Some(connection) = self.sockets.get_mut(id) else { return };
        match connection.state {
            State::SynSent | State::SynReceived => connection.unsent.push(bytes),
            State::Established | State::CloseWait => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let part = rest.len().min(size);
                    // What the window does not allow waits; connection tracking on the way judges it, too.
                    let waits = |one: &&mut Connection| !one.unsent.is_empty() || !one.may_send(part);
                    let Some(connection) = self.sockets.get_mut(id).filter(waits) else {
                        self.queue(id, TcpFlags::PSH.with(TcpFlags::ACK), rest.split_to(part), cx);
                        continue;
                    };
                    connection.unsent.push(rest);
                    return;
                }
            }
            State::FinWait | State::LastAck | State::TimeWait(_) => {}
        }
    }

    /// Sends no more on a connection.
    pub fn close<O: Observer>(&mut self, id: ConnectionId, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.get_mut(id) else { return };
        connection.state = match connection.state {
            State::SynSent => return self.sockets.remove(id),
            State::SynReceived => {
                connection.closing = true;
                return;
            }
            State::Established | State::CloseWait if !connection.unsent.is_empty() => {
                connection.closing = true;
                return;
            }
            State::Established => State::FinWait,
            State::CloseWait => State::LastAck,
            _ => return,
        };
        self.queue(id, TcpFlags::FIN.with(TcpFlags::ACK), Bytes::new(), cx);
    }

    /// Sends a segment that must be acknowledged.
    fn queue<O: Observer>(&mut self, id: ConnectionId, flags: TcpFlags, payload: Bytes, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.get_mut(id) else { return };
        let segment = Segment { seq: connection.next_seq, flags, payload };
        connection.next_seq = segment.end();
        let first = connection.unacknowledged.is_empty();
        connection.unacknowledged.push_back(segment.clone());
        if first {
            connection.retries = 0;
            connection.set_timer(cx);
        }
        let packet = connection.packet(&segment, cx.now);
        self.send_segment(packet, cx);
    }

    fn acknowledge<O: Observer>(&mut self, ends: Ends, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.connections.get(&ends) else { return };
        let segment = Segment { seq: connection.next_seq, flags: TcpFlags::ACK, payload: Bytes::new() };
        let packet = connection.packet(&segment, cx.now);
        self.send_segment(packet, cx);
    }

    fn send_segment<O: Observer>(&mut self, mut packet: Packet, cx: &mut Context<'_, O>) {
        packet.id = self.ip_id();
        packet.dont_fragment = !self.is_path_locked(packet.destination, cx.now);
        self.send(packet, cx);
    }

    /// A timer of this namespace's kernel has gone off.
    pub fn timer<O: Observer>(&mut self, timer: Timer, cx: &mut Context<'_, O>) {
        match timer {
            Timer::Retransmit { connection, generation } => {
                self.retransmit(ConnectionId(connection), generation, cx);
            }
            Timer::Fragments { number } => self.fragment_timer(number, cx),
            Timer::Neighbour { device, address, tries } => self.neighbour_timer(device, address, tries, cx),
        }
    }

    fn retransmit<O: Observer>(&mut self, id: ConnectionId, generation: u32, cx: &mut Context<'_, O>) {
        let size = self.current_size(id, cx.now);
        let Some(connection) = self.sockets.get_mut(id).filter(|one| one.generation == generation) else { return };
        // `__tcp_retransmit_skb` cuts what has become too long.
        connection.cut_anew(size);
        let Some(segment) = connection.unacknowledged.front().cloned() else { return };
        let limit = if segment.flags.has(TcpFlags::SYN) { SYN_RETRIES } else { RETRIES };
        if connection.retries >= limit {
            let process = connection.process;
            self.sockets.remove(id);
            let happened = Happened::Failed(id, Failure::TimedOut);
            cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
            return;
        }
        connection.retries += 1;
        connection.set_timer(cx);
        let packet = connection.packet(&segment, cx.now);
        self.send_segment(packet, cx);
    }

    /// `tcp_v4_rcv`.
    pub(super) fn receive_tcp<O: Observer>(&mut self, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        let Body::Tcp(segment) = skb.packet.body.clone() else { return Ok(()) };
        // Only what is for this host alone is looked at (`PACKET_HOST`).
        if self.is_for_many(skb.packet.destination) {
            return Err(Dropped(DropReason::Broadcast));
        }
        let ends = (skb.packet.destination_socket(), skb.packet.source_socket());
        if let Some(old) = self.sockets.connections.get(&ends)
            && let State::TimeWait(end) = old.state
            && (end <= cx.now || segment.flags.has(TcpFlags::SYN))
        {
            let id = old.id;
            self.sockets.remove(id);
        }
        if let Some(connection) = self.sockets.connections.get(&ends) {
            let to = self.sockets.process_name(connection.process);
            cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to });
            self.receive_segment(ends, &segment, skb, cx);
            return Ok(());
        }
        let listener = self.sockets.listener(ends.0);
        match listener {
            Some(process) if segment.flags.0 & 0x17 == TcpFlags::SYN.0 => {
                let to = self.sockets.process_name(process);
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to });
                let next = segment.seq.wrapping_add(1);
                let id = self.add_connection(process, ends.0, ends.1, State::SynReceived, next, cx);
                if let Some(new) = self.sockets.get_mut(id) {
                    new.hear_options(&segment);
                }
                self.queue(id, TcpFlags::SYN.with(TcpFlags::ACK), Bytes::new(), cx);
                Ok(())
            }
            // Where nobody knows who listens, nobody knows which connections are open.
            _ if self.sockets.anybody.is_some() => {
                let to = self.sockets.anybody.map_or_else(Arc::default, |anybody| self.sockets.process_name(anybody));
                cx.observer.close(skb.hop, None, &skb.packet, || End::Delivered { to });
                Ok(())
            }
            _ => {
                self.reset(Sender::Kernel, skb, None, cx);
                Err(Dropped(DropReason::NoListener))
            }
        }
    }

    fn receive_segment<O: Observer>(&mut self, ends: Ends, segment: &Tcp, skb: &Skb, cx: &mut Context<'_, O>) {
        let Some(connection) = self.sockets.connections.get_mut(&ends) else { return };
        let (id, process) = (connection.id, connection.process);
        connection.hear_options(segment);
        let mut tell = Vec::new();
        if segment.flags.has(TcpFlags::RST) {
            self.sockets.remove(id);
            tell.push(Happened::Failed(id, Failure::Refused { by: skb.id, with: skb.packet.clone() }));
        } else {
            let mut answer = false;
            let mut opened = false;
            if connection.state == State::SynSent && segment.flags.has(TcpFlags::SYN) {
                connection.next_ack = segment.seq.wrapping_add(1);
                connection.state = State::Established;
                tell.push(Happened::Connected(id));
                (answer, opened) = (true, true);
            } else if segment.flags.has(TcpFlags::SYN) {
                // The other side has not had our answer: once more.
                answer = true;
            }
            if segment.flags.has(TcpFlags::ACK) {
                connection.acknowledged(segment.ack, cx);
                if connection.state == State::SynReceived {
                    connection.state = State::Established;
                    tell.push(Happened::Accepted(id));
                    opened = true;
                }
            }
            let fin = segment.flags.has(TcpFlags::FIN);
            if !segment.payload.is_empty() || fin {
                answer = true;
                // What was cut anew may begin with what has come already (`tcp_data_queue`).
                let known = connection.next_ack.wrapping_sub(segment.seq) as usize;
                if known <= segment.payload.len() {
                    let fresh = segment.payload.slice(known..);
                    connection.next_ack = connection.next_ack.wrapping_add(fresh.len() as u32);
                    if !fresh.is_empty() {
                        tell.push(Happened::Data(id, fresh));
                    }
                    if fin {
                        connection.next_ack = connection.next_ack.wrapping_add(1);
                        connection.state = match connection.state {
                            State::FinWait => State::TimeWait(cx.now + TIME_WAIT),
                            State::Established => State::CloseWait,
                            state => state,
                        };
                        tell.push(Happened::PeerClosed(id));
                    }
                }
            }
            let over = connection.state == State::LastAck && connection.unacknowledged.is_empty();
            let waits = opened || !connection.unsent.is_empty() && connection.may_send(1);
            let (unsent, closing) =
                if waits { (std::mem::take(&mut connection.unsent), connection.closing) } else { (Vec::new(), false) };
            if answer {
                self.acknowledge(ends, cx);
            }
            for bytes in unsent {
                self.write(id, bytes, cx);
            }
            if closing {
                self.close(id, cx);
            }
            if over {
                self.sockets.remove(id);
            }
        }
        cx.effects.extend(tell.into_iter().map(|happened| Effect::Socket(SocketEvent { process, happened })));
    }

    /// Refuses a segment: `tcp_v4_send_reset`. A reset is never answered.
    pub(super) fn reset<O: Observer>(
        &mut self,
        sender: Sender,
        skb: &Skb,
        tracked: Option<Tracked>,
        cx: &mut Context<'_, O>,
    ) {
        let Body::Tcp(segment) = &skb.packet.body else { return };
        if segment.flags.has(TcpFlags::RST) {
            return;
        }
        let (seq, ack, flags) = if segment.flags.has(TcpFlags::ACK) {
            (segment.ack, 0, TcpFlags::RST)
        } else {
            (0, segment.seq.wrapping_add(segment.occupies()), TcpFlags::RST.with(TcpFlags::ACK))
        };
        let reset = Tcp {
            source: segment.destination,
            destination: segment.source,
            seq,
            ack,
            flags,
            window: 0,
            options: TcpOptions::None,
            payload: Bytes::new(),
        };
        let mut packet = Packet::new(skb.packet.destination, skb.packet.source, reset);
        if sender == Sender::Kernel {
            // `ip_send_unicast_reply` answers with the same service, `nf_send_reset` does not.
            packet.tos = skb.packet.tos & !3;
        }
        self.send_by(sender, packet, tracked, cx);
    }

    /// ICMP says that a packet of one of our sockets did not arrive.
    pub(super) fn socket_error<O>(&mut self, about: &Packet, skb: &Skb, cx: &mut Context<'_, O>) {
        let ends = (about.source_socket(), about.destination_socket());
        if let Some(connection) = self.sockets.connections.get(&ends) {
            // An open connection shrugs it off; one that is opening fails (`tcp_v4_err`).
            if matches!(connection.state, State::SynSent | State::SynReceived) {
                let (id, process) = (connection.id, connection.process);
                self.sockets.remove(id);
                let happened = Happened::Failed(id, Failure::Refused { by: skb.id, with: skb.packet.clone() });
                cx.effects.push(Effect::Socket(SocketEvent { process, happened }));
            }
        } else {
            self.udp_error(about, skb, cx);
        }
    }
}

impl Connection {
    fn packet(&self, segment: &Segment, now: Time) -> Packet {
        let syn = segment.flags.has(TcpFlags::SYN);
        // The largest multiple of the segment size below 64 KiB (`tcp_select_initial_window`), scaled by 7 once open.
        let window = u16::MAX / self.mss * self.mss;
        let clock = clock_offset(*self.local.ip(), *self.remote.ip()).wrapping_add((now.as_nanos() / 1_000_000) as u32);
        let timestamps = Timestamps { value: clock, echo: self.heard };
        let tcp = Tcp {
            source: self.local.port(),
            destination: self.remote.port(),
            seq: segment.seq,
            ack: if segment.flags.has(TcpFlags::ACK) { self.next_ack } else { 0 },
            flags: segment.flags,
            window: if syn { window } else { window >> 7 },
            options: if syn {
                TcpOptions::Syn { mss: self.mss, timestamps }
            } else {
                TcpOptions::Timestamps(timestamps)
            },
            payload: segment.payload.clone(),
        };
        let HeaderFields { tos, ttl } = self.header;
        Packet { tos, ttl, ..Packet::new(*self.local.ip(), *self.remote.ip(), tcp) }
    }

    /// Whether so many bytes more are in the other side's window, taken to be as large as this one's. What is alone on its
    /// way always is, and nothing overtakes what waits.
    fn may_send(&self, bytes: usize) -> bool {
        let Some(first) = self.unacknowledged.front() else { return true };
        let under_way = self.next_seq.wrapping_sub(first.seq) as usize;
        let window = usize::from(u16::MAX / self.mss * self.mss) >> 7 << 7;
        under_way + bytes <= window
    }

    fn set_timer<O>(&mut self, cx: &mut Context<'_, O>) {
        self.generation += 1;
        let timer = Timer::Retransmit { connection: self.id.0, generation: self.generation };
        let after = FIRST_TIMEOUT * 2_u32.pow(self.retries.min(7));
        cx.effects.push(Effect::Timer { at: cx.now + after, timer });
    }

    fn acknowledged<O>(&mut self, ack: u32, cx: &mut Context<'_, O>) {
        let before = self.unacknowledged.len();
        while self.unacknowledged.front().is_some_and(|first| ack.wrapping_sub(first.end()).cast_signed() >= 0) {
            self.unacknowledged.pop_front();
        }
        if self.unacknowledged.is_empty() {
            self.generation += 1;
        } else if self.unacknowledged.len() < before {
            self.retries = 0;
            self.set_timer(cx);
        }
    }
}

/// Where the clock of timestamps begins between two machines: anywhere, and always at the same (`secure_tcp_ts_off`). The
/// kernel mixes in a secret of its own; here the addresses decide alone (`SplitMix64`).
fn clock_offset(local: Ipv4Addr, remote: Ipv4Addr) -> u32 {
    let mut mixed =
        (u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits())).wrapping_add(0x9e37_79b9_7f4a_7c15);
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb_u64)] {
        mixed = (mixed ^ mixed >> shift).wrapping_mul(factor);
    }
    (mixed ^ mixed >> 31) as u32
}

/// The ephemeral ports, all of them once, from a random one on.
fn ephemeral<O>(cx: &mut Context<'_, O>) -> impl Iterator<Item = u16> + use<O> {
    let count = u32::from(EPHEMERAL.1 - EPHEMERAL.0) + 1;
    let start = cx.random.below(count);
    (0..count).map(move |step| EPHEMERAL.0 + ((start + step) % count) as u16)
}
