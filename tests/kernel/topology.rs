//! The one network of the suite, as data: the real namespaces and the model's are both made from it.
//!
//! ```text
//! client 10.0.0.2 ── eth0 10.0.0.1 [node] cali1 ── pod1 10.244.0.1
//!                                         cali2 ── pod2 10.244.0.2
//! ```
//!
//! The node is a real network stack. Client and pods are bare ends of wires: nobody there answers by himself.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use netscene_core::packet::Mac;

/// A veth pair between the node and somebody else.
pub(crate) struct Link {
    /// Who is at the far end; also the name of its device there.
    pub(crate) far: &'static str,
    /// The node's device.
    pub(crate) device: &'static str,
    pub(crate) node_mac: Mac,
    pub(crate) far_mac: Mac,
    /// The node's address on it, with its network.
    pub(crate) address: Option<&'static str>,
    /// The addresses at the far end.
    pub(crate) neighbours: &'static [Ipv4Addr],
    pub(crate) mtu: u16,
}

/// A route of the node.
pub(crate) struct RouteLine {
    /// The kind, as `ip route` writes it, with a blank after it; empty for a unicast route.
    pub(crate) kind: &'static str,
    pub(crate) to: &'static str,
    pub(crate) via: Option<Ipv4Addr>,
    pub(crate) device: Option<&'static str>,
}

/// The machine outside.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The node.
pub(crate) const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Another machine outside.
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
/// Everybody who may be in the network outside, all of them at the end of one wire. Somebody who is not there is told of to
/// the sender seconds later (`arp_error_report`), amid what another case does.
const OUTSIDE: [Ipv4Addr; 253] = {
    let mut all = [CLIENT; 253];
    let mut at = 0;
    while at < all.len() {
        all[at] = Ipv4Addr::new(10, 0, 0, 2 + at as u8);
        at += 1;
    }
    all
};
/// Who is behind `cali1`.
pub(crate) const POD1: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);
/// Who is behind `cali2`.
pub(crate) const POD2: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 2);
/// An address of nobody, as a service has it: the default route leads to it.
pub(crate) const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// The address of the bridge that a case may put devices into.
pub(crate) const BRIDGE: Mac = Mac([2, 0, 0, 0, 9, 9]);

/// The wires, in order of the devices' creation.
pub(crate) const LINKS: [Link; 3] = [
    Link {
        far: "client",
        device: "eth0",
        node_mac: Mac([2, 0, 0, 0, 0, 1]),
        far_mac: Mac([2, 0, 0, 0, 1, 1]),
        address: Some("10.0.0.1/24"),
        neighbours: &OUTSIDE,
        mtu: 1500,
    },
    Link {
        far: "pod1",
        device: "cali1",
        node_mac: Mac::CALICO,
        far_mac: Mac([2, 0, 0, 0, 1, 2]),
        address: None,
        neighbours: &[POD1],
        mtu: 1440,
    },
    Link {
        far: "pod2",
        device: "cali2",
        node_mac: Mac::CALICO,
        far_mac: Mac([2, 0, 0, 0, 1, 3]),
        address: None,
        neighbours: &[POD2],
        mtu: 1440,
    },
];

/// The node's routes, beside those that its addresses bring.
pub(crate) const ROUTES: [RouteLine; 4] = [
    RouteLine { kind: "", to: "0.0.0.0/0", via: Some(CLIENT), device: Some("eth0") },
    RouteLine { kind: "", to: "10.244.0.1/32", via: None, device: Some("cali1") },
    RouteLine { kind: "", to: "10.244.0.2/32", via: None, device: Some("cali2") },
    RouteLine { kind: "blackhole ", to: "10.244.0.0/26", via: None, device: None },
];

/// What the node's kernel is told (`sysctl`). Redirects are off, for they depend on what was sent before; errors are not
/// rationed, for a suite sends more of them in a second than a machine does.
pub(crate) const SYSCTLS: [(&str, &str); 11] = [
    ("net/ipv6/conf/all/disable_ipv6", "1"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/icmp_ratelimit", "0"),
    ("net/ipv4/icmp_ratemask", "0"),
    ("net/netfilter/nf_log/2", "nfnetlink_log"),
    ("net/netfilter/nf_conntrack_tcp_be_liberal", "0"),
];

/// The node's devices by the number that the kernel of the thread's namespace gives them.
pub(crate) fn device_names() -> HashMap<u32, String> {
    numbered(LINKS.iter().map(|link| link.device).chain(["lo", "br0"]))
}

/// Those of the named devices that the thread's namespace has, by their number there.
pub(crate) fn numbered<'a>(names: impl IntoIterator<Item = &'a str>) -> HashMap<u32, String> {
    let names = names.into_iter();
    names.filter_map(|name| Some((nix::net::if_::if_nametoindex(name).ok()?, name.to_owned()))).collect()
}
