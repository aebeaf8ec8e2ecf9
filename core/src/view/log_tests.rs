//! Lines of the LOG target against the white paper's figure 56 and the kernel's own.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;

use crate::Time;
use crate::netfilter::log::LogRecord;
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, Tcp, TcpFlags, TcpOptions, Udp};
use crate::view::log::line;

fn syn(source: u16, destination: u16, window: u16) -> Tcp {
    Tcp {
        source,
        destination,
        seq: 0,
        ack: 0,
        flags: TcpFlags::SYN,
        window,
        options: TcpOptions::syn(1460),
        payload: Bytes::new(),
    }
}

fn record(micros: u64, prefix: &str, packet: Packet) -> LogRecord {
    let time = Time::ZERO + Duration::from_micros(micros);
    LogRecord { time, prefix: prefix.into(), in_device: None, out_device: None, link: None, packet, mark: 0 }
}

#[test]
fn lines_are_those_of_figure_56() {
    let figure = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/whitepaper/fig056_kernel_log_lines.txt"));
    let kernel: Vec<_> = figure.lines().filter_map(|line| line.split_once(" kernel: ")).map(|(_, line)| line).collect();

    let packet = Packet::new([192, 168, 8, 227].into(), [10, 1, 110, 108].into(), syn(47978, 6443, 64400));
    let forwarded = LogRecord {
        in_device: Some("calia3d29bea0dc".parse().unwrap()),
        out_device: Some("ens192".parse().unwrap()),
        link: Some((Mac::CALICO, "22:3f:9a:8c:cd:fd".parse().unwrap())),
        mark: 0x10000,
        ..record(1_318_289_108_117, "_KUBE_FORWARD_CSTATE filter ", Packet { ttl: 63, id: 33347, ..packet })
    };
    let local: Ipv4Addr = [127, 0, 0, 1].into();
    let packet = Packet { id: 42729, ..Packet::new(local, local, syn(47832, 9099, 65495)) };
    let sent = LogRecord {
        out_device: Some(DeviceName::LO),
        ..record(1_318_294_096_430, "_KUBE_NODEPORTS_NGINX nat ", packet)
    };
    assert_eq!([line(&forwarded), line(&sent)], kernel[..]);
}

#[test]
fn a_device_without_a_link_header_has_an_empty_mac() {
    let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Udp::new(1, 53, vec![0; 5]));
    let record = LogRecord { in_device: Some(DeviceName::TUNL0), ..record(0, "", packet) };
    assert_eq!(
        line(&record),
        "[    0.000000] IN=tunl0 OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF \
         PROTO=UDP SPT=1 DPT=53 LEN=13 "
    );
}

#[track_caller]
fn check(body: impl Into<Body>, expected: &str) {
    let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), body);
    let printed = line(&record(0, "", packet));
    assert_eq!(printed.split_once(" DF ").map(|(_, rest)| rest), Some(expected));
}

#[test]
fn each_protocol_has_its_fields() {
    check(Icmp::EchoRequest { id: 77, seq: 1, payload: Bytes::new() }, "PROTO=ICMP TYPE=8 CODE=0 ID=77 SEQ=1 ");
    let about = Packet::new([10, 0, 0, 2].into(), [10, 0, 0, 9].into(), Udp::new(9, 53, vec![0; 12]));
    let quoted = "[SRC=10.0.0.2 DST=10.0.0.9 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=UDP SPT=9 DPT=53 LEN=20 ] ";
    let error = |code, mtu| Icmp::Unreachable { code, mtu, about: Box::new(about.clone()) };
    check(error(3, 0), &format!("PROTO=ICMP TYPE=3 CODE=3 {quoted}"));
    check(error(4, 1480), &format!("PROTO=ICMP TYPE=3 CODE=4 {quoted}MTU=1480 "));
    check(Body::Ipip(Box::new(about)), "PROTO=4 ");
    let ended = Tcp { flags: TcpFlags::ACK.with(TcpFlags::PSH).with(TcpFlags::FIN), ..syn(80, 40000, 501) };
    check(ended, "PROTO=TCP SPT=80 DPT=40000 WINDOW=501 RES=0x00 ACK PSH FIN URGP=0 ");
}
