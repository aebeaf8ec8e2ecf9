//! Windows, resets, retransmission, clashes, zones and a full table: one fact of the kernel for each test.

use bytes::Bytes;

use super::*;
use crate::netfilter::{CtState, PortRange};
use crate::packet::{Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::random::Random;

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 2], 40000);
const SERVER: ([u8; 4], u16) = ([10, 244, 0, 2], 80);
const SYN: TcpFlags = TcpFlags::SYN;
const SYN_ACK: TcpFlags = TcpFlags::SYN.with(TcpFlags::ACK);
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN.with(TcpFlags::ACK);
const RST: TcpFlags = TcpFlags::RST;

/// Both sides of one connection.
struct Talk {
    table: Table,
    now: Jiffies,
    window: u16,
}

impl Talk {
    fn new() -> Self {
        Self { table: Table::new(Timeouts::default(), true), now: Jiffies(1000), window: 502 }
    }

    fn open() -> Self {
        let mut talk = Self::new();
        talk.client(SYN, (100, 0), 0);
        talk.server(SYN_ACK, (500, 101), 0);
        talk.client(ACK, (101, 501), 0);
        assert_eq!(talk.state(), "ESTABLISHED");
        talk
    }

    fn pass(&mut self, packet: &Packet) -> CtState {
        let Some(tracked) = self.table.track(packet, self.now).tracked() else { return CtState::Invalid };
        if tracked.state == CtState::New {
            assert_eq!(self.table.confirm(tracked, self.now), Confirmed::Entered);
        }
        tracked.state
    }

    fn segment(
        &self,
        from: ([u8; 4], u16),
        to: ([u8; 4], u16),
        flags: TcpFlags,
        at: (u32, u32),
        bytes: usize,
    ) -> Packet {
        let options = if flags.has(SYN) { TcpOptions::syn(1460) } else { TcpOptions::TIMESTAMPS };
        let tcp = Tcp {
            source: from.1,
            destination: to.1,
            seq: at.0,
            ack: at.1,
            flags,
            window: self.window,
            options,
            payload: Bytes::from(vec![0; bytes]),
        };
        Packet::new(from.0.into(), to.0.into(), tcp)
    }

    fn client(&mut self, flags: TcpFlags, at: (u32, u32), bytes: usize) -> CtState {
        self.pass(&self.segment(CLIENT, SERVER, flags, at, bytes))
    }

    fn server(&mut self, flags: TcpFlags, at: (u32, u32), bytes: usize) -> CtState {
        self.pass(&self.segment(SERVER, CLIENT, flags, at, bytes))
    }

    fn entry(&self) -> &Entry {
        self.table.entries(self.now).next().expect("there is a connection")
    }

    fn state(&self) -> &'static str {
        self.entry().tcp.expect("it is TCP").name()
    }

    fn seconds(&self) -> u64 {
        self.entry().expires.seconds_after(self.now)
    }
}

// `tcp_in_window`, the four conditions. The windows are 502 << 7 once open.

#[test]
fn a_segment_beyond_the_receivers_window_is_invalid() {
    let mut talk = Talk::open();
    assert_eq!(talk.client(ACK, (101 + 2 * 70_000, 501), 10), CtState::Invalid);
    assert_eq!(talk.table.stats.invalid, 1);
    assert_eq!(talk.client(ACK, (101, 501), 10), CtState::Established);
}

#[test]
fn a_little_more_than_the_window_allows_passes_and_may_be_acknowledged_from_6_2() {
    let mut talk = Talk::open();
    let window = 502 << 7;
    talk.server(ACK, (501, 101), 0);
    assert_eq!(talk.client(ACK, (101 + window + 10, 501), 1000), CtState::Established);
    assert_eq!(talk.server(ACK, (501, 101 + window + 1010), 0), CtState::Established);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_invalid() {
    let mut talk = Talk::open();
    assert_eq!(talk.client(ACK, (101, 502), 0), CtState::Invalid);
}

#[test]
fn a_segment_far_below_the_window_passes_unjudged_from_6_2_and_is_invalid_before() {
    for (version, expected) in [((6, 12), CtState::Established), ((6, 1), CtState::Invalid)] {
        let mut talk = Talk::open();
        talk.table.kernel = KernelRules::of(version);
        // Acknowledgements this old are over the bound as well (66,000 bytes).
        assert_eq!(talk.client(ACK, (101_u32.wrapping_sub(70_000), 501), 1), expected, "{version:?}");
        assert_eq!(talk.client(ACK, (101, 501_u32.wrapping_sub(70_000)), 0), expected, "{version:?}");
    }
}

#[test]
fn be_liberal_judges_no_window() {
    let mut talk = Talk::open();
    talk.table.settings.tcp_be_liberal = true;
    assert_eq!(talk.client(ACK, (900_000, 501), 10), CtState::Established);
}

#[test]
fn what_was_picked_up_in_the_middle_is_not_judged() {
    let mut talk = Talk::new();
    assert_eq!(talk.client(ACK, (101, 501), 0), CtState::New);
    assert_eq!(talk.server(ACK, (900_000, 70), 10), CtState::Established);
}

#[test]
fn without_loose_nothing_is_picked_up() {
    let mut talk = Talk::new();
    talk.table.settings.tcp_loose = false;
    assert_eq!(talk.client(ACK, (101, 501), 0), CtState::Invalid);
    assert_eq!(talk.table.used(), 0);
}

#[test]
fn window_scaling_counts_only_where_both_sides_offer_it() {
    // RFC 7323, 1.3: the server's SYN-ACK has no options.
    let mut talk = Talk::new();
    talk.client(SYN, (100, 0), 0);
    let mut answer = talk.segment(SERVER, CLIENT, SYN_ACK, (500, 101), 0);
    if let crate::packet::Body::Tcp(tcp) = &mut answer.body {
        tcp.options = TcpOptions::None;
    }
    talk.pass(&answer);
    talk.client(ACK, (101, 501), 0);
    assert_eq!(talk.server(ACK, (501 + 1300, 101), 10), CtState::Invalid, "502 bytes are the window");
    assert_eq!(talk.server(ACK, (501 + 500, 101), 2), CtState::Established);
}

#[test]
fn senseless_flags_are_invalid() {
    // `tcp_valid_flags`.
    for flags in [TcpFlags(0), TcpFlags::FIN, SYN.with(FIN), SYN.with(RST), TcpFlags(0x3f)] {
        assert_eq!(Talk::new().client(flags, (1, 1), 0), CtState::Invalid, "{flags}");
    }
    assert_eq!(Talk::new().client(SYN.with(TcpFlags::PSH).with(TcpFlags::URG), (1, 0), 0), CtState::New);
}

// Resets: `nf_conntrack_tcp_packet`, TCP_CONNTRACK_CLOSE.

#[test]
fn a_reset_below_what_was_acknowledged_is_invalid() {
    let mut talk = Talk::open();
    assert_eq!(talk.server(RST, (500, 0), 0), CtState::Invalid);
    talk.table.settings.tcp_ignore_invalid_rst = true;
    assert_eq!(talk.server(RST, (500, 0), 0), CtState::Established);
}

#[test]
fn an_exact_reset_closes_and_an_inexact_one_leaves_the_connection_to_the_challenge() {
    let mut talk = Talk::open();
    assert_eq!(talk.server(RST, (600, 0), 0), CtState::Established);
    assert_eq!((talk.state(), talk.seconds()), ("ESTABLISHED", 10), "the state stays, the time is that of CLOSE");
    talk.server(RST, (501, 0), 0);
    assert_eq!((talk.state(), talk.seconds()), ("CLOSE", 10));
}

#[test]
fn a_reset_right_after_its_senders_data_closes() {
    let mut talk = Talk::open();
    talk.server(ACK, (501, 101), 19);
    talk.server(RST, (520, 0), 0);
    assert_eq!(talk.state(), "CLOSE");
}

#[test]
fn a_reset_ends_an_unanswered_connection_at_once() {
    let mut talk = Talk::new();
    talk.client(ACK, (101, 501), 0);
    assert_eq!(talk.client(RST, (101, 0), 0), CtState::New);
    assert_eq!(talk.table.entries(talk.now).count(), 0);
}

#[test]
fn a_fin_and_a_reset_out_of_the_window_shorten_the_connections_life() {
    // `nf_tcp_handle_invalid`.
    let mut talk = Talk::open();
    assert_eq!(talk.client(FIN, (900_000, 501), 0), CtState::Invalid);
    assert_eq!(talk.seconds(), 432_000);
    assert_eq!(talk.server(FIN, (900_000, 101), 0), CtState::Invalid);
    assert_eq!(talk.seconds(), 300);
}

// A SYN into an old connection.

#[test]
fn a_syn_into_an_open_connection_passes_and_its_answer_brings_conntrack_in_sync() {
    let mut talk = Talk::open();
    assert_eq!(talk.client(SYN, (9000, 0), 0), CtState::Established);
    assert_eq!(talk.state(), "ESTABLISHED");
    assert_eq!(talk.server(SYN_ACK, (70_000, 9001), 0), CtState::Established);
    assert_eq!(talk.state(), "SYN_RECV");
    assert_eq!(talk.client(ACK, (9001, 70_001), 0), CtState::Established);
    assert_eq!(talk.state(), "ESTABLISHED");
}

#[test]
fn a_challenge_in_last_ack_does_not_close() {
    // RFC 5961, 4.2; `IP_CT_EXP_CHALLENGE_ACK`.
    let mut talk = Talk::open();
    talk.client(FIN, (101, 501), 0);
    talk.server(FIN, (501, 102), 0);
    assert_eq!(talk.state(), "LAST_ACK");
    talk.client(SYN, (9000, 0), 0);
    talk.server(ACK, (502, 102), 0);
    assert_eq!(talk.state(), "LAST_ACK");
    talk.client(ACK, (102, 502), 0);
    assert_eq!(talk.state(), "TIME_WAIT");
}

#[test]
fn a_syn_reopens_what_was_closed_in_order_or_reset_by_its_own_sender() {
    let mut closed = Talk::open();
    closed.client(RST, (101, 0), 0);
    assert_eq!(closed.client(SYN, (9000, 0), 0), CtState::New, "its own reset");
    let mut refused = Talk::open();
    refused.server(RST, (501, 0), 0);
    assert_eq!(refused.state(), "CLOSE");
    assert_eq!(refused.client(SYN, (9000, 0), 0), CtState::Established, "the other side's: ignored");
    assert_eq!(refused.state(), "CLOSE");
}

#[test]
fn two_syns_that_cross_open_one_connection() {
    // `IP_CT_TCP_SIMULTANEOUS_OPEN`.
    let mut talk = Talk::new();
    talk.client(SYN, (100, 0), 0);
    assert_eq!(talk.server(SYN, (500, 0), 0), CtState::Established);
    assert_eq!(talk.state(), "SYN_SENT2");
    talk.client(SYN_ACK, (100, 501), 0);
    assert_eq!(talk.state(), "SYN_RECV");
    talk.server(SYN_ACK, (500, 101), 0);
    talk.server(ACK, (501, 101), 0);
    assert_eq!(talk.state(), "ESTABLISHED");
}

#[test]
fn a_repeated_syn_does_not_prolong_the_wait_from_5_17() {
    for (version, expected) in [((5, 17), 110), ((5, 16), 120)] {
        let mut talk = Talk::new();
        talk.table.kernel = KernelRules::of(version);
        talk.client(SYN, (100, 0), 0);
        talk.now = talk.now.plus_seconds(10);
        assert_eq!(talk.client(SYN, (100, 0), 0), CtState::New);
        assert_eq!(talk.seconds(), expected, "{version:?}");
    }
}

// Timeouts.

#[test]
fn the_third_repetition_of_an_acknowledgement_shortens_the_timeout() {
    // `nf_conntrack_tcp_max_retrans` 3.
    let mut talk = Talk::open();
    talk.table.settings.timeouts.max_retrans = 200;
    for left in [432_000, 432_000, 200] {
        talk.client(ACK, (101, 501), 0);
        assert_eq!(talk.seconds(), left);
    }
}

#[test]
fn a_closed_window_shortens_the_timeout() {
    let mut talk = Talk::open();
    talk.window = 0;
    talk.server(ACK, (501, 101), 0);
    assert_eq!(talk.seconds(), 300);
}

// UDP.

#[test]
fn a_datagram_with_a_bad_checksum_is_invalid_where_it_arrives() {
    let mut table = Table::new(Timeouts::default(), true);
    let mut packet = datagram(1000);
    packet.bad_checksum = true;
    assert_eq!(table.track(&packet, Jiffies(0)), Tracking::Invalid);
    let sent = Template { arriving: false, ..Template::default() };
    assert!(table.track_as(&packet, sent, Jiffies(0)).tracked().is_some());
    table.settings.checksum = false;
    assert!(table.track(&packet, Jiffies(0)).tracked().is_some());
}

fn datagram(port: u16) -> Packet {
    Packet::new(CLIENT.0.into(), SERVER.0.into(), Udp::new(port, 53, vec![0; 40]))
}

fn to(address: [u8; 4]) -> Binding {
    let address = Some(address.into());
    Binding { first: address, last: address, ..Binding::default() }
}

/// Two packets of one new flow on two processors, sent to the pods given: what becomes of the second.
fn race(version: (u16, u16), pods: [Option<[u8; 4]>; 2]) -> (Confirmed, Table) {
    let mut table = Table::with(Settings::default(), KernelRules::of(version));
    let (now, mut random) = (Jiffies(10), Random::new(0));
    let both = [0, 1].map(|_| table.track(&datagram(1000), now).tracked().expect("it can begin a connection"));
    for (tracked, pod) in both.into_iter().zip(pods) {
        if let Some(pod) = pod {
            table.bind(tracked.entry, Manip::Destination, Some(to(pod)), now, &mut random);
            table.bind(tracked.entry, Manip::Source, None, now, &mut random);
        }
    }
    assert_eq!(table.confirm(both[0], now), Confirmed::Entered);
    (table.confirm(both[1], now), table)
}

#[test]
fn two_packets_of_one_new_flow_race() {
    // `nf_ct_resolve_clash`: the DNS "5 s" delays.
    let (one, other) = (Some([10, 244, 0, 2]), Some([10, 244, 0, 3]));
    for version in [(4, 19), (5, 4), (6, 12)] {
        assert!(matches!(race(version, [None, None]).0, Confirmed::Merged(_)), "no NAT, {version:?}");
    }
    assert_eq!(race((4, 19), [one, one]).0, Confirmed::Dropped);
    assert!(matches!(race((5, 4), [one, one]).0, Confirmed::Merged(_)));
    let (outcome, table) = race((5, 4), [one, other]);
    assert_eq!((outcome, table.stats.insert_failed, table.stats.drop), (Confirmed::Dropped, 1, 1));
    let (outcome, table) = race((5, 7), [one, other]);
    assert_eq!((outcome, table.stats.clash_resolve), (Confirmed::Entered, 1));
    assert_eq!(table.entries(Jiffies(10)).count(), 1, "the loser is hidden");
    let late = Tuple::of(&datagram(1000)).map(Tuple::inverted).expect("it has one");
    let answer = Tuple { source: [10, 244, 0, 3].into(), ..late };
    assert!(table.find(&answer, Jiffies(10)).is_some(), "but its answers find it");
    assert!(table.find(&answer, Jiffies(10).plus_seconds(1)).is_none(), "for a second");
}

#[test]
fn two_new_tcp_connections_with_one_tuple_are_never_merged() {
    let mut talk = Talk::new();
    let syn = talk.segment(CLIENT, SERVER, SYN, (100, 0), 0);
    let both = [0, 1].map(|_| talk.table.track(&syn, talk.now).tracked().expect("a SYN begins one"));
    assert_eq!(talk.table.confirm(both[0], talk.now), Confirmed::Entered);
    assert_eq!(talk.table.confirm(both[1], talk.now), Confirmed::Dropped);
}

// Zones, the size of the table, NAT.

#[test]
fn equal_tuples_in_different_zones_are_different_connections() {
    let mut table = Table::new(Timeouts::default(), true);
    for id in [0, 1, 2] {
        let template = Template { zone: Zone { id, ..Zone::default() }, ..Template::default() };
        let tracked = table.track_as(&datagram(1000), template, Jiffies(0)).tracked().expect("it begins one");
        assert_eq!((tracked.state, table.confirm(tracked, Jiffies(0))), (CtState::New, Confirmed::Entered));
    }
    assert_eq!(table.entries(Jiffies(0)).count(), 3);
}

#[test]
fn a_zone_of_the_original_direction_alone_leaves_the_answers_in_the_default_zone() {
    let mut table = Table::new(Timeouts::default(), true);
    let zone = Zone { id: 7, original: true, reply: false };
    let tracked = table.track_as(&datagram(1000), Template { zone, ..Template::default() }, Jiffies(0)).tracked();
    table.confirm(tracked.expect("it begins one"), Jiffies(0));
    let answer = Packet::new(SERVER.0.into(), CLIENT.0.into(), Udp::new(53, 1000, vec![0; 40]));
    let seen = table.track(&answer, Jiffies(0)).tracked().expect("it is expected");
    assert_eq!((seen.direction, seen.state), (Direction::Reply, CtState::Established));
}

#[test]
fn a_full_table_drops_new_connections_unless_an_unassured_one_is_near() {
    // `nf_ct_early_drop`: eight buckets; with eight or fewer every connection is near.
    let mut table = Table::new(Timeouts::default(), true);
    (table.settings.max, table.settings.buckets) = (2, 8);
    let begin = |table: &mut Table, port| {
        let tracking = table.track(&datagram(port), Jiffies(0));
        if let Some(tracked) = tracking.tracked() {
            table.confirm(tracked, Jiffies(0));
        }
        tracking
    };
    for port in [1, 2, 3] {
        assert!(begin(&mut table, port).tracked().is_some(), "the third takes the place of an unassured one");
    }
    assert_eq!((table.used(), table.stats.early_drop), (2, 1));
    let mut full = Table::new(Timeouts::default(), true);
    (full.settings.max, full.settings.buckets) = (2, 8);
    for port in [1, 2] {
        let mut entry = Entry::new(Tuple::of(&datagram(port)).expect("it has one"), Jiffies(0).plus_seconds(60));
        entry.status.assured = true;
        assert!(full.add(entry));
    }
    assert_eq!(begin(&mut full, 3), Tracking::Full);
    assert_eq!(full.stats.drop, 1);
    assert_eq!(full.track(&datagram(1), Jiffies(0)).tracked().map(|seen| seen.state), Some(CtState::New));
}

#[test]
fn a_port_of_a_used_up_range_is_taken_again_and_the_packet_dropped_at_confirmation() {
    // `nf_nat_l4proto_unique_tuple` gives up; "we will end up with a final duplicate in confirm and drop the packet".
    let mut table = Table::new(Timeouts::default(), true);
    let mut random = Random::new(0);
    let ports = Some(PortRange { first: 2000, last: 2001 });
    let binding = Some(Binding { ports, ..to([10, 0, 0, 1]) });
    let outcomes: Vec<_> = [1, 2, 3]
        .into_iter()
        .map(|port| {
            let tracked = table.track(&datagram(port), Jiffies(0)).tracked().expect("it begins one");
            assert!(table.bind(tracked.entry, Manip::Source, binding, Jiffies(0), &mut random));
            table.confirm(tracked, Jiffies(0))
        })
        .collect();
    assert_eq!(outcomes, [Confirmed::Entered, Confirmed::Entered, Confirmed::Dropped]);
    assert_eq!(table.stats.insert_failed, 1);
}

#[test]
fn a_source_keeps_its_mapping_for_another_destination() {
    // `find_appropriate_src`.
    let mut table = Table::new(Timeouts::default(), true);
    let mut random = Random::new(0);
    let ports = Some(PortRange { first: 2000, last: 2999 });
    let binding = Some(Binding { ports, ..to([10, 0, 0, 1]) });
    let mapped = [53, 54, 55].map(|port| {
        let packet = Packet::new(CLIENT.0.into(), SERVER.0.into(), Udp::new(1000, port, vec![0; 40]));
        let tracked = table.track(&packet, Jiffies(0)).tracked().expect("it begins one");
        table.bind(tracked.entry, Manip::Source, binding, Jiffies(0), &mut random);
        table.confirm(tracked, Jiffies(0));
        table.get(tracked.entry).and_then(|entry| entry.reply.destination_port())
    });
    assert!(mapped[0].is_some() && mapped.iter().all(|port| *port == mapped[0]), "{mapped:?}");
}

#[test]
fn a_persistent_range_gives_a_client_one_address_whatever_it_asks_for() {
    let mut random = Random::new(0);
    for persistent in [true, false] {
        let (first, last) = (Some([10, 9, 0, 1].into()), Some([10, 9, 0, 200].into()));
        let binding = Some(Binding { first, last, persistent, ..Binding::default() });
        let mut given: Vec<_> = (0..20)
            .map(|host| {
                let mut table = Table::new(Timeouts::default(), true);
                let packet = Packet::new(CLIENT.0.into(), [10, 244, 1, host].into(), Udp::new(1000, 53, vec![0; 40]));
                let tracked = table.track(&packet, Jiffies(0)).tracked().expect("it begins one");
                table.bind(tracked.entry, Manip::Source, binding, Jiffies(0), &mut random);
                table.get(tracked.entry).map(|entry| entry.reply.destination)
            })
            .collect();
        given.sort();
        given.dedup();
        assert_eq!(given.len() == 1, persistent, "{given:?}");
    }
}

#[test]
fn an_address_that_goes_takes_along_what_it_masqueraded() {
    // `masq_inet_event`, `masq_device_event`.
    let mut table = Table::new(Timeouts::default(), true);
    let mut random = Random::new(0);
    let eth0 = crate::packet::DeviceName::ETH0;
    for (port, address) in [(1, [10, 0, 0, 1]), (2, [10, 0, 0, 9])] {
        let tracked = table.track(&datagram(port), Jiffies(0)).tracked().expect("it begins one");
        table.bind(tracked.entry, Manip::Source, Some(to(address)), Jiffies(0), &mut random);
        table.set_masquerade(tracked.entry, eth0);
        table.confirm(tracked, Jiffies(0));
    }
    table.flush_masquerade(eth0, Some([10, 0, 0, 9].into()));
    assert_eq!(table.entries(Jiffies(0)).count(), 1);
    table.flush_masquerade(eth0, None);
    assert_eq!(table.entries(Jiffies(0)).count(), 0);
}

#[test]
fn an_icmp_error_for_somebody_else_is_invalid() {
    // `nf_conntrack_inet_error`: "outer daddr mismatch".
    let mut table = Table::new(Timeouts::default(), true);
    let tracked = table.track(&datagram(1), Jiffies(0)).tracked().expect("it begins one");
    table.confirm(tracked, Jiffies(0));
    let about = Box::new(datagram(1));
    let error = crate::packet::Icmp::Unreachable { code: 3, mtu: 0, about };
    let fits = Packet::new(SERVER.0.into(), CLIENT.0.into(), error.clone());
    assert_eq!(table.track(&fits, Jiffies(0)).tracked().map(|seen| seen.state), Some(CtState::Related));
    let forged = Packet::new(SERVER.0.into(), [10, 0, 0, 77].into(), error);
    assert_eq!(table.track(&forged, Jiffies(0)), Tracking::Invalid);
    assert_eq!(table.stats.error, 1);
}

#[test]
fn counters_name_what_conntrack_s_prints() {
    let stats = Stats { insert_failed: 3, ..Stats::default() };
    assert!(stats.to_string().starts_with("cpu=0   \tfound=0 invalid=0 insert=0 insert_failed=3 drop=0 early_drop=0"));
}

#[test]
fn a_range_of_addresses_is_spread_by_the_kernels_own_hash() {
    // What Linux 6.18 gave to 10.0.0.2:1000 for `SNAT --to-source 10.9.0.1-10.9.0.200`, without and with `--persistent`;
    // the second destination gets the first one's address (`find_appropriate_src`).
    for (persistent, given) in [(false, [10, 9, 0, 6]), (true, [10, 9, 0, 196])] {
        let mut table = Table::new(Timeouts::default(), true);
        let mut random = Random::new(0);
        let (first, last) = (Some([10, 9, 0, 1].into()), Some([10, 9, 0, 200].into()));
        let binding = Some(Binding { first, last, persistent, ..Binding::default() });
        for host in [1, 2] {
            let packet = Packet::new([10, 0, 0, 2].into(), [10, 2, 0, host].into(), Udp::new(1000, 53, vec![0; 1]));
            let tracked = table.track(&packet, Jiffies(0)).tracked().expect("it begins one");
            table.bind(tracked.entry, Manip::Source, binding, Jiffies(0), &mut random);
            table.confirm(tracked, Jiffies(0));
            let address = table.get(tracked.entry).map(|entry| entry.reply.destination);
            assert_eq!(address, Some(given.into()), "persistent {persistent}, destination {host}");
        }
    }
}
