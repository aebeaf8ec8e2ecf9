//! What the tools people know would print.
//!
//! Plain functions over plain values: nothing here needs a world, and nothing here decides anything.
//!
//! - [`iptables`]: `iptables -L -nv` of two releases, and `iptables -L`; what `iptables-save` prints is in
//!   [`crate::netfilter::text`];
//! - [`conntrack`]: `conntrack -L`;
//! - [`route`]: `route -n`; [`ip`]: `ip addr`, `ip route`, `ip route get`;
//! - [`kubectl`]: `kubectl get` and `kubectl describe`; [`calicoctl`]: `calicoctl get`; [`tabwriter`] makes their columns;
//! - [`log`]: the kernel's lines for the LOG target;
//! - [`nginx`]: what ingresses make of `nginx.conf`;
//! - [`tcpdump`]: `tcpdump` of the packets that passed a device;
//! - [`trace`]: the story of a flow, told for people; [`ways`]: all that chance may make of one.

pub mod calicoctl;
mod command_line;
pub mod conntrack;
pub mod ip;
pub mod iptables;
pub mod kubectl;
pub mod log;
pub mod mermaid;
pub mod metallb;
pub mod nginx;
pub mod route;
pub mod shell;
pub mod tabwriter;
pub mod tcpdump;
pub mod trace;
pub mod trace_json;
mod walk;
pub mod ways;

pub use command_line::CommandError;

#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace_tests;
