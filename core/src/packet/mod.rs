//! Packets as values: IPv4 with TCP, UDP, ICMP or IP-in-IP inside, and the names of what they travel through.
//!
//! A [`Packet`] is what a rule can look at and a target can change. Lengths are those of the wire, so that counters and
//! `LEN=` fields come out right.

mod bytes;
mod device;
mod icmp;
mod ipv4;
mod mac;
mod tcp;
mod udp;

pub use device::{BadDeviceName, DeviceName, DevicePattern};
pub use icmp::Icmp;
pub use ipv4::{Body, Fragment, Packet};
pub use mac::{BadMac, Mac};
pub use tcp::{Tcp, TcpFlags, TcpOptions, Timestamps};
pub use udp::Udp;

/// Protocol numbers of IPv4 (IANA's list, the names of `/etc/protocols`).
pub mod protocol {
    /// Internet Control Message Protocol.
    pub const ICMP: u8 = 1;
    /// IP in IP, RFC 2003.
    pub const IPIP: u8 = 4;
    /// Transmission Control Protocol.
    pub const TCP: u8 = 6;
    /// User Datagram Protocol.
    pub const UDP: u8 = 17;
    /// Stream Control Transmission Protocol.
    pub const SCTP: u8 = 132;

    /// The name in lower case, where the number has one here.
    pub fn name(number: u8) -> Option<&'static str> {
        Some(match number {
            ICMP => "icmp",
            IPIP => "ipencap",
            TCP => "tcp",
            UDP => "udp",
            SCTP => "sctp",
            _ => return None,
        })
    }
}
