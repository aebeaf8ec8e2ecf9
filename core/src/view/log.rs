//! The kernel's log: lines of the LOG target (`nf_log_syslog.c`).

use std::fmt::{self, Write};

use crate::netfilter::log::LogRecord;
use crate::packet::{Body, Icmp, Packet, Tcp, TcpFlags};

/// The line that `dmesg` shows for a logged packet, with the blank at its end and without a line feed.
///
/// ```
/// use std::time::Duration;
/// use netscene_core::Time;
/// use netscene_core::netfilter::log::LogRecord;
/// use netscene_core::packet::{DeviceName, Packet, Udp};
/// use netscene_core::view::log::line;
/// let record = LogRecord {
///     time: Time::ZERO + Duration::from_micros(14_000_123),
///     prefix: "_CALI_OUTPUT nat ".into(),
///     in_device: None,
///     out_device: Some(DeviceName::TUNL0),
///     link: None,
///     packet: Packet::new([10, 1, 110, 107].into(), [10, 96, 0, 10].into(), Udp::new(40005, 53, vec![0; 30])),
///     mark: 0x4000,
/// };
/// assert_eq!(
///     line(&record),
///     "[   14.000123] _CALI_OUTPUT nat IN= OUT=tunl0 SRC=10.1.110.107 DST=10.96.0.10 LEN=58 TOS=0x00 PREC=0x00 \
///      TTL=64 ID=0 DF PROTO=UDP SPT=40005 DPT=53 LEN=38 MARK=0x4000 "
/// );
/// ```
pub fn line(record: &LogRecord) -> String {
    let mut text = String::with_capacity(256);
    // A String takes everything that is written to it.
    let _ = write_line(&mut text, record);
    text
}

fn write_line(out: &mut String, record: &LogRecord) -> fmt::Result {
    let micros = record.time.as_nanos() / 1000;
    write!(out, "[{:>5}.{:06}] {}IN=", micros / 1_000_000, micros % 1_000_000, record.prefix)?;
    if let Some(device) = record.in_device {
        write!(out, "{device}")?;
    }
    out.push_str(" OUT=");
    if let Some(device) = record.out_device {
        write!(out, "{device}")?;
    }
    out.push(' ');
    if record.in_device.is_some() {
        out.push_str("MAC=");
        if let Some((destination, source)) = record.link {
            write!(out, "{destination}:{source}:08:00")?;
        }
        out.push(' ');
    }
    write_packet(out, &record.packet, true)?;
    if record.mark == 0 { Ok(()) } else { write!(out, "MARK={:#x} ", record.mark) }
}

/// `dump_ipv4_packet`. A packet that an ICMP error quotes is dumped too, but not what that one quotes.
fn write_packet(out: &mut String, packet: &Packet, outermost: bool) -> fmt::Result {
    write!(out, "SRC={} DST={} LEN={} ", packet.source, packet.destination, packet.length())?;
    // IPTOS_TOS_MASK and IPTOS_PREC_MASK: the two ECN bits are shown in part.
    write!(out, "TOS=0x{:02X} PREC=0x{:02X} ", packet.tos & 0x1e, packet.tos & 0xe0)?;
    write!(out, "TTL={} ID={} ", packet.ttl, packet.id)?;
    if packet.dont_fragment {
        out.push_str("DF ");
    }
    match &packet.body {
        Body::Tcp(tcp) => write_tcp(out, tcp),
        Body::Udp(udp) => {
            write!(out, "PROTO=UDP SPT={} DPT={} LEN={} ", udp.source, udp.destination, udp.length())
        }
        Body::Icmp(icmp) => write_icmp(out, icmp, outermost),
        Body::Ipip(_) | Body::Fragment(_) | Body::Other { .. } => write!(out, "PROTO={} ", packet.protocol()),
    }
}

fn write_tcp(out: &mut String, tcp: &Tcp) -> fmt::Result {
    write!(out, "PROTO=TCP SPT={} DPT={} WINDOW={} RES=0x00 ", tcp.source, tcp.destination, tcp.window)?;
    for (_, name) in TcpFlags::NAMED.iter().filter(|(flag, _)| tcp.flags.has(*flag)) {
        write!(out, "{name} ")?;
    }
    out.write_str("URGP=0 ")
}

fn write_icmp(out: &mut String, icmp: &Icmp, outermost: bool) -> fmt::Result {
    write!(out, "PROTO=ICMP TYPE={} CODE={} ", icmp.kind(), icmp.code())?;
    if let Icmp::EchoRequest { id, seq, .. } | Icmp::EchoReply { id, seq, .. } = icmp {
        write!(out, "ID={id} SEQ={seq} ")?;
    }
    if let Some(about) = icmp.about().filter(|_| outermost) {
        out.push('[');
        write_packet(out, about, false)?;
        out.push_str("] ");
    }
    if let Icmp::Unreachable { code: 4, mtu, .. } = icmp { write!(out, "MTU={mtu} ") } else { Ok(()) }
}
