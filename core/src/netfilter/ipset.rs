//! ipsets: named sets of networks that `-m set` looks into.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use prefix_trie::PrefixSet;
use rustc_hash::FxHashMap;

/// The ipsets of a network namespace.
///
/// ```
/// use netscene_core::netfilter::ipset::IpSets;
/// let mut sets = IpSets::default();
/// sets.replace("cali40all-ipam-pools", ["192.168.0.0/16".parse()?]);
/// assert_eq!(sets.contains("cali40all-ipam-pools", [192, 168, 8, 222].into()), Some(true));
/// assert_eq!(sets.contains("no-such-set", [192, 168, 8, 222].into()), None);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IpSets {
    sets: FxHashMap<Arc<str>, PrefixSet<Ipv4Net>>,
}

impl IpSets {
    /// Creates the set `name` of type `hash:net`, or gives it new members.
    pub fn replace(&mut self, name: &str, members: impl IntoIterator<Item = Ipv4Net>) {
        self.sets.insert(name.into(), members.into_iter().collect());
    }

    /// Whether a member of the set covers `address`; `None` if there is no such set.
    pub fn contains(&self, name: &str, address: Ipv4Addr) -> Option<bool> {
        Some(self.sets.get(name)?.get_lpm(&Ipv4Net::from(address)).is_some())
    }
}
