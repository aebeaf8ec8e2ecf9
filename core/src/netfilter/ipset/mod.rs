//! ipsets: named sets that `-m set` looks into, and the text of `ipset save`.

mod element;
mod set;
mod text;

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::SetMatch;
use super::walk::View;
use crate::Time;
use crate::map::IndexMap;
use set::{IpSet, Probe};

pub use text::IpSetError;

/// The most lists that are looked through for one packet: a `list:set` may hold another one's name, but not its own.
const MAX_NESTING: usize = 8;

/// The ipsets of a network namespace, in order of creation.
///
/// ```
/// use netscene_core::netfilter::ipset::IpSets;
/// let mut sets = IpSets::default();
/// sets.replace("cali40all-ipam-pools", ["192.168.0.0/16".parse()?]);
/// assert_eq!(sets.contains("cali40all-ipam-pools", [192, 168, 8, 222].into()), Some(true));
/// assert_eq!(sets.contains("no-such-set", [192, 168, 8, 222].into()), None);
///
/// sets.restore("create dns hash:ip,port family inet\nadd dns 10.96.0.10,udp:53\n")?;
/// assert!(sets.save().ends_with("create dns hash:ip,port family inet\nadd dns 10.96.0.10,udp:53\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IpSets {
    sets: IndexMap<Arc<str>, IpSet>,
}

impl IpSets {
    /// Creates the set `name` of type `hash:net`, or gives it new members.
    pub fn replace(&mut self, name: &str, members: impl IntoIterator<Item = Ipv4Net>) {
        self.sets.insert(name.into(), IpSet::of_networks(members));
    }

    /// Creates the set `name` of type `hash:ip,port`, or gives it new members: addresses with the number of a protocol and
    /// a port of it.
    ///
    /// ```
    /// use netscene_core::netfilter::ipset::IpSets;
    /// let mut sets = IpSets::default();
    /// sets.replace_ports("web", [([192, 168, 8, 222].into(), 6, 8080)]);
    /// assert_eq!(sets.save(), "create web hash:ip,port family inet\nadd web 192.168.8.222,tcp:8080\n");
    /// sets.remove("web");
    /// assert!(!sets.has("web"));
    /// ```
    pub fn replace_ports(&mut self, name: &str, members: impl IntoIterator<Item = (Ipv4Addr, u8, u16)>) {
        self.sets.insert(name.into(), IpSet::of_ports(members));
    }

    /// Destroys the set `name`, if there is one.
    pub fn remove(&mut self, name: &str) {
        self.sets.shift_remove(name);
    }

    /// Whether a member of the set covers `address`, of a set with one dimension; `None` if there is no such set.
    pub fn contains(&self, name: &str, address: Ipv4Addr) -> Option<bool> {
        Some(self.sets.get(name)?.contains(address, Time::ZERO.into()))
    }

    /// Whether the packet with that mark is in the set, seen from the sides that `--match-set` names; `None` if there is no
    /// such set, or if it hangs on an Ethernet address.
    pub fn matches(&self, wanted: &SetMatch, view: &View<'_>, mark: u32, now: Time) -> Option<bool> {
        let probe = Probe { view, mark, directions: &wanted.directions, now: now.into() };
        self.probe(&wanted.name, &probe, 0)
    }

    fn probe(&self, name: &str, probe: &Probe<'_>, depth: usize) -> Option<bool> {
        let set = self.sets.get(name)?;
        match set.members() {
            None => set.matches(probe),
            Some(_) if depth == MAX_NESTING => None,
            // `list_set_ktest`: the first member that has the packet.
            Some(members) => {
                let mut answer = Some(false);
                for member in members {
                    match self.probe(member, probe, depth + 1) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => answer = None,
                    }
                }
                answer
            }
        }
    }

    /// Why the model may not know whether a packet is in the set; nothing if it always does.
    pub fn doubt(&self, name: &str) -> Option<String> {
        self.doubt_within(name, 0)
    }

    fn doubt_within(&self, name: &str, depth: usize) -> Option<String> {
        let Some(set) = self.sets.get(name) else { return Some(format!("there is no ipset {name}")) };
        if set.has_macs() {
            return Some(format!("{name} is of type {}, and the model compares no Ethernet addresses", set.kind));
        }
        let members = set.members().unwrap_or_default();
        if depth == MAX_NESTING && !members.is_empty() {
            return Some(format!("{name} is a list within too many others"));
        }
        members.iter().find_map(|member| self.doubt_within(member, depth + 1))
    }

    /// Whether there is a set of that name.
    pub fn has(&self, name: &str) -> bool {
        self.sets.contains_key(name)
    }
}
