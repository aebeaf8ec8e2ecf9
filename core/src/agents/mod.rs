//! From declared objects to rules, routes, sets and configuration: what each program of a node would write.
//!
//! An agent is a function of the [`State`](crate::kube::State) and a node's name. It never meets a packet, and every
//! rule it writes is the text that the real program gives to `iptables-restore`, with its
//! [`Provenance`](crate::netfilter::Provenance): which program, for which object, declared where.
//!
//! - [`kubelet`] and [`kube_proxy`] write the `KUBE-` chains, [`felix`] the `cali-` chains, sets and pod routes;
//!   in this order, since each puts its jumps above those that are there;
//! - [`bird`] routes to the pods of other nodes, [`cni`] wires a pod to its node;
//! - [`metallb`] elects who answers ARP for a service's address;
//! - [`coredns`] answers names, and [`zones`] those outside the cluster; [`ingress_nginx`] answers requests.
//!
//! Rules for built-in chains are written once, wherever they stand: these programs ask `iptables -C` before. A `:chain`
//! line makes or empties a chain, as `iptables-restore --noflush` does.

pub mod bird;
pub mod bird_cfg;
pub mod cni;
pub mod coredns;
pub mod felix;
pub mod ingress_nginx;
pub mod kube_proxy;
pub mod kubelet;
pub mod metallb;
mod script;
pub mod zones;
