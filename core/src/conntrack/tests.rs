//! Connections as the kernel keeps them: facts from section F of the project's notes on conntrack, one test each.

use bytes::Bytes;

use super::*;
use crate::netfilter::CtState;
use crate::packet::{Body, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::random::Random;

const CLIENT: [u8; 4] = [10, 1, 0, 89];
const SERVICE: [u8; 4] = [10, 1, 110, 105];
const POD: [u8; 4] = [192, 168, 8, 193];
const NODE: [u8; 4] = [10, 1, 110, 107];

/// A segment of a conversation in which each side has sent `sent` bytes, SYN and FIN counted.
fn segment(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: TcpFlags, (seq, ack): (u32, u32), bytes: usize) -> Packet {
    let tcp = Tcp {
        source: from.1,
        destination: to.1,
        seq,
        ack,
        flags,
        window: 502,
        options: TcpOptions::TIMESTAMPS,
        payload: Bytes::from(vec![0; bytes]),
    };
    Packet::new(from.0.into(), to.0.into(), tcp)
}

/// A table, a clock and the addresses of one connection.
struct Talk {
    table: Table,
    now: Jiffies,
}

impl Talk {
    fn new() -> Self {
        Self { table: Table::new(Timeouts { established: 86_400, ..Timeouts::default() }, true), now: Jiffies(1000) }
    }

    /// What connection tracking says of a packet that gets through.
    fn pass(&mut self, packet: &Packet) -> CtState {
        let Some(tracked) = self.table.track(packet, self.now).tracked() else { return CtState::Invalid };
        let confirmed = tracked.state != CtState::New || self.table.confirm(tracked, self.now) == Confirmed::Entered;
        assert!(confirmed, "nobody else has its tuples");
        tracked.state
    }

    fn client(&mut self, flags: TcpFlags, at: (u32, u32), bytes: usize) -> CtState {
        self.pass(&segment((CLIENT, 58927), (SERVICE, 80), flags, at, bytes))
    }

    fn server(&mut self, flags: TcpFlags, at: (u32, u32), bytes: usize) -> CtState {
        self.pass(&segment((SERVICE, 80), (CLIENT, 58927), flags, at, bytes))
    }

    /// State and remaining seconds of the only connection.
    fn entry(&self) -> (Option<TcpStateName>, u64, bool) {
        let mut entries = self.table.entries(self.now);
        let entry = entries.next().expect("there is a connection");
        assert!(entries.next().is_none(), "there is only one");
        (entry.tcp.map(tcp::TcpState::name), entry.expires.seconds_after(self.now), entry.status.assured)
    }

    fn shake_hands(&mut self) {
        assert_eq!(self.client(TcpFlags::SYN, (100, 0), 0), CtState::New);
        assert_eq!(self.server(TcpFlags::SYN.with(TcpFlags::ACK), (500, 101), 0), CtState::Established);
        assert_eq!(self.client(TcpFlags::ACK, (101, 501), 0), CtState::Established);
    }
}

type TcpStateName = &'static str;

const FIN: TcpFlags = TcpFlags::FIN.with(TcpFlags::ACK);
const DATA: TcpFlags = TcpFlags::PSH.with(TcpFlags::ACK);

#[test]
fn an_exchange_goes_through_the_states_that_conntrack_prints() {
    let mut talk = Talk::new();
    talk.client(TcpFlags::SYN, (100, 0), 0);
    assert_eq!(talk.entry(), (Some("SYN_SENT"), 120, false));
    talk.server(TcpFlags::SYN.with(TcpFlags::ACK), (500, 101), 0);
    assert_eq!(talk.entry(), (Some("SYN_RECV"), 60, false));
    talk.client(TcpFlags::ACK, (101, 501), 0);
    assert_eq!(talk.entry(), (Some("ESTABLISHED"), 86_400, true));
    talk.client(DATA, (101, 501), 80);
    assert_eq!(talk.entry(), (Some("ESTABLISHED"), 300, true), "data is outstanding");
    talk.server(TcpFlags::ACK, (501, 181), 0);
    assert_eq!(talk.entry(), (Some("ESTABLISHED"), 86_400, true));
    talk.client(FIN, (181, 501), 0);
    assert_eq!(talk.entry(), (Some("FIN_WAIT"), 120, true));
    talk.server(FIN, (501, 182), 0);
    assert_eq!(talk.entry(), (Some("LAST_ACK"), 30, true));
    talk.client(TcpFlags::ACK, (182, 502), 0);
    assert_eq!(talk.entry(), (Some("TIME_WAIT"), 120, true));
}

#[test]
fn a_lone_ack_is_picked_up_for_five_minutes() {
    let mut talk = Talk::new();
    assert_eq!(talk.client(TcpFlags::ACK, (101, 501), 0), CtState::New);
    assert_eq!(talk.entry(), (Some("ESTABLISHED"), 300, false));
}

#[test]
fn what_fits_no_connection_is_invalid() {
    let mut talk = Talk::new();
    assert_eq!(talk.server(TcpFlags::SYN.with(TcpFlags::ACK), (500, 101), 0), CtState::Invalid);
    assert_eq!(talk.server(TcpFlags::RST, (500, 101), 0), CtState::Invalid);
    let reply = Icmp::EchoReply { id: 7, seq: 1, payload: Bytes::new() };
    assert_eq!(talk.pass(&Packet::new(SERVICE.into(), CLIENT.into(), reply)), CtState::Invalid);
    assert_eq!(talk.table.entries(talk.now).count(), 0);
}

#[test]
fn a_reset_that_answers_a_syn_removes_the_connection() {
    let mut talk = Talk::new();
    talk.client(TcpFlags::SYN, (100, 0), 0);
    assert_eq!(talk.server(TcpFlags::RST.with(TcpFlags::ACK), (0, 101), 0), CtState::Established);
    assert_eq!(talk.table.entries(talk.now).count(), 0);
}

#[test]
fn a_reset_of_an_open_connection_leaves_it_ten_seconds() {
    let mut talk = Talk::new();
    talk.shake_hands();
    talk.server(TcpFlags::RST, (501, 101), 0);
    assert_eq!(talk.entry(), (Some("CLOSE"), 10, true));
}

#[test]
fn a_syn_reopens_a_connection_in_time_wait() {
    let mut talk = Talk::new();
    talk.shake_hands();
    talk.client(FIN, (101, 501), 0);
    talk.server(FIN, (501, 102), 0);
    talk.client(TcpFlags::ACK, (102, 502), 0);
    assert_eq!(talk.client(TcpFlags::SYN, (9000, 0), 0), CtState::New);
    assert_eq!(talk.entry(), (Some("SYN_SENT"), 120, false));
}

#[test]
fn udp_is_a_stream_two_seconds_after_its_first_packet() {
    let mut talk = Talk::new();
    let query = Packet::new(CLIENT.into(), SERVICE.into(), Udp::new(39764, 53, vec![0; 56]));
    let answer = Packet::new(SERVICE.into(), CLIENT.into(), Udp::new(53, 39764, vec![0; 110]));
    assert_eq!(talk.pass(&query), CtState::New);
    assert_eq!(talk.pass(&query), CtState::New, "nobody has answered yet");
    assert_eq!(talk.pass(&answer), CtState::Established);
    assert_eq!(talk.pass(&query), CtState::Established);
    assert_eq!(talk.entry(), (None, 30, false));
    talk.now = Jiffies(talk.now.0 + 2 * HZ + 1);
    talk.pass(&query);
    assert_eq!(talk.entry(), (None, 120, true));
}

#[test]
fn kernels_before_5_0_take_udp_for_a_stream_at_once() {
    let mut talk = Talk::new();
    talk.table = Table::new(Timeouts { udp_stream: 180, ..Timeouts::default() }, false);
    let query = Packet::new(CLIENT.into(), SERVICE.into(), Udp::new(39764, 53, vec![0; 56]));
    let answer = Packet::new(SERVICE.into(), CLIENT.into(), Udp::new(53, 39764, vec![0; 110]));
    talk.pass(&query);
    talk.pass(&answer);
    assert_eq!(talk.entry(), (None, 30, false));
    talk.pass(&query);
    assert_eq!(talk.entry(), (None, 180, true));
}

/// To one address, and perhaps one port.
fn to(address: [u8; 4], port: Option<u16>, random_fully: bool) -> Binding {
    let address = Some(address.into());
    let ports = port.map(crate::netfilter::PortRange::one);
    Binding { first: address, last: address, ports, random_fully, persistent: false }
}

/// Sends a SYN through DNAT to the pod and MASQUERADE to the node; what the pod sees.
fn through_nat(table: &mut Table, port: u16, random: &mut Random, random_fully: bool) -> (Tracked, Packet) {
    let now = Jiffies(0);
    let mut packet = segment((CLIENT, port), (SERVICE, 80), TcpFlags::SYN, (100, 0), 0);
    let tracked = table.track(&packet, now).tracked().expect("a SYN begins a connection");
    assert!(table.bind(tracked.entry, Manip::Destination, Some(to(POD, Some(80), false)), now, random));
    assert!(table.translate(tracked, Manip::Destination, &mut packet));
    assert!(table.bind(tracked.entry, Manip::Source, Some(to(NODE, None, random_fully)), now, random));
    assert!(table.translate(tracked, Manip::Source, &mut packet));
    assert_eq!(table.confirm(tracked, now), Confirmed::Entered);
    (tracked, packet)
}

#[test]
fn replies_are_translated_back_without_any_rule() {
    let (mut table, mut random) = (Table::new(Timeouts::default(), true), Random::new(0));
    let (_, seen) = through_nat(&mut table, 58927, &mut random, false);
    assert_eq!(seen.to_string(), "10.1.110.107:58927 > 192.168.8.193:80 tcp SYN");
    let mut reply = segment((POD, 80), (NODE, 58927), TcpFlags::SYN.with(TcpFlags::ACK), (500, 101), 0);
    let tracked = table.track(&reply, Jiffies(0)).tracked().expect("it is expected");
    assert_eq!((tracked.direction, tracked.state), (Direction::Reply, CtState::Established));
    assert!(table.translate(tracked, Manip::Destination, &mut reply));
    assert_eq!(reply.to_string(), "192.168.8.193:80 > 10.1.0.89:58927 tcp SYN,ACK", "what FORWARD sees");
    assert!(table.translate(tracked, Manip::Source, &mut reply));
    assert_eq!(reply.to_string(), "10.1.110.105:80 > 10.1.0.89:58927 tcp SYN,ACK", "what the client sees");
}

#[test]
fn a_source_port_is_kept_unless_it_is_taken() {
    let (mut table, mut random) = (Table::new(Timeouts::default(), true), Random::new(0));
    let (_, first) = through_nat(&mut table, 41000, &mut random, false);
    assert_eq!(first.ports(), Some((41000, 80)));
    // Another client with the same port, to the same pod.
    let mut packet = segment(([10, 1, 0, 90], 41000), (POD, 80), TcpFlags::SYN, (100, 0), 0);
    let tracked = table.track(&packet, Jiffies(0)).tracked().unwrap();
    assert!(table.bind(tracked.entry, Manip::Source, Some(to(NODE, None, false)), Jiffies(0), &mut random));
    table.translate(tracked, Manip::Source, &mut packet);
    let (port, _) = packet.ports().unwrap();
    assert!(port != 41000 && port >= 1024, "a free port of the same range, not {port}");
}

#[test]
fn random_fully_never_asks_whether_the_port_is_free() {
    let mut random = Random::new(0);
    let ports: Vec<_> = (0..8)
        .map(|_| {
            let mut table = Table::new(Timeouts::default(), true);
            through_nat(&mut table, 54852, &mut random, true).1.ports().unwrap().0
        })
        .collect();
    assert!(ports.iter().any(|port| *port != 54852) && ports.iter().all(|port| *port >= 1024), "{ports:?}");
}

#[test]
fn an_icmp_error_is_related_and_its_quotation_is_translated() {
    let (mut table, mut random) = (Table::new(Timeouts::default(), true), Random::new(0));
    let (_, seen) = through_nat(&mut table, 58927, &mut random, false);
    let about = Box::new(seen);
    let mut error = Packet::new(POD.into(), NODE.into(), Icmp::Unreachable { code: 3, mtu: 0, about });
    let tracked = table.track(&error, Jiffies(0)).tracked().expect("it is about a connection");
    assert_eq!((tracked.direction, tracked.state), (Direction::Reply, CtState::Related));
    table.translate(tracked, Manip::Destination, &mut error);
    table.translate(tracked, Manip::Source, &mut error);
    assert_eq!((error.source, error.destination), (SERVICE.into(), CLIENT.into()));
    let Body::Icmp(Icmp::Unreachable { about, .. }) = &error.body else { panic!("it is still that error") };
    assert_eq!(about.to_string(), "10.1.0.89:58927 > 10.1.110.105:80 tcp SYN");
}

#[test]
fn a_first_packet_that_is_dropped_leaves_nothing() {
    let mut table = Table::new(Timeouts::default(), true);
    let packet = segment((CLIENT, 1), (SERVICE, 80), TcpFlags::SYN, (0, 0), 0);
    let tracked = table.track(&packet, Jiffies(0)).tracked().unwrap();
    table.abandon(tracked);
    assert_eq!(table.find(&Tuple::of(&packet).unwrap(), Jiffies(0)), None);
    assert!(table.get(tracked.entry).is_none());
}
