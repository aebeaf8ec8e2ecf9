//! What the tools people know would print.
//!
//! Plain functions over plain values: nothing here needs a world, and nothing here decides anything.
//!
//! - [`iptables`]: `iptables -L -nv` of two releases, and `iptables -L`; what `iptables-save` prints is in
//!   [`crate::netfilter::text`];
//! - [`conntrack`]: `conntrack -L`;
//! - [`route`]: `route -n`;
//! - [`log`]: the kernel's lines for the LOG target;
//! - [`trace`]: the story of a flow, told for people.

pub mod conntrack;
pub mod iptables;
pub mod log;
pub mod route;
pub mod trace;

#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace_tests;
