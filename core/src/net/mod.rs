//! Network namespaces: devices, the FIB, neighbours, sockets, and the path of a packet through all of it.
//!
//! - [`Namespace`] reads as the netfilter picture: start with its `receive`;
//! - [`fib`] finds routes, [`rules`] tells in which table; `arp` finds Ethernet addresses; [`tcp`] is the socket layer;
//! - [`text`] reads what the tools of a real machine print, and makes the namespace it describes;
//! - [`wire`] is what travels between namespaces. Who is at the other end, the world knows.

mod arp;
mod bridge;
mod conf;
mod device;
pub mod fib;
mod fragments;
mod icmp;
mod ipip;
mod ipvs;
mod namespace;
mod netfilter;
mod pmtu;
mod redirect;
mod routing;
pub mod rules;
mod skb;
mod source_validation;
pub mod tcp;
pub mod text;
mod udp;
pub mod wire;

pub use conf::{DeviceConf, IcmpConf};
pub use device::{Device, DeviceKind, Devices};
pub use ipvs::Ipvs;
pub use namespace::{Announced, Dropped, KernelProfile, Namespace};
pub use skb::{Context, Effect, Skb, Timer};
#[cfg(test)]
mod bridge_tests;
#[cfg(test)]
mod fragment_tests;
#[cfg(test)]
mod pmtu_tests;
#[cfg(test)]
mod routing_tests;
#[cfg(test)]
mod tests;
