//! Network namespaces: devices, the FIB, neighbours, sockets, and the path of a packet through all of it.
//!
//! - [`Namespace`] reads as the netfilter picture: start with its `receive`;
//! - [`fib`] finds routes; `arp` finds Ethernet addresses; [`tcp`] is the socket layer;
//! - [`wire`] is what travels between namespaces. Who is at the other end, the world knows.

mod arp;
mod conf;
mod device;
pub mod fib;
mod icmp;
mod ipip;
mod namespace;
mod netfilter;
mod redirect;
mod routing;
pub mod rules;
mod skb;
mod source_validation;
pub mod tcp;
mod udp;
pub mod wire;

pub use conf::{DeviceConf, IcmpConf};
pub use device::{Device, DeviceKind, Devices};
pub use namespace::{Dropped, KernelProfile, Namespace};
pub use skb::{Context, Effect, Skb, Timer};
#[cfg(test)]
mod routing_tests;
#[cfg(test)]
mod tests;
