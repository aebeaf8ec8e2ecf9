//! The rules that are there whatever is declared, and what is common to writing all others.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::{AGENT, Layout};
use crate::agents::script::{Section, provenance};
use crate::kube::{Cluster, DetectLocal, State, Version};
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Provenance, TableName};

/// The first iptables whose MASQUERADE takes `--random-fully` (kube-proxy, util/iptables).
const RANDOM_FULLY: Version = Version::new(1, 6, 2);

/// What both layouts write with.
pub(super) struct Writer<'a> {
    pub(super) state: &'a State,
    pub(super) node: &'a str,
    pub(super) layout: Layout,
    pub(super) filter: Section,
    pub(super) nat: Section,
    /// The provenance of rules that nothing declared asks for.
    fixed: Arc<Provenance>,
    /// So many endpoints that their rules have no comments.
    large: bool,
    local: Option<String>,
}

impl<'a> Writer<'a> {
    /// A writer that has written the chains that are always there, and the jumps to them.
    pub(super) fn new(state: &'a State, node: &'a str, layout: Layout, large: bool) -> Self {
        let fixed = provenance(AGENT, "", "", None);
        let (filter, nat) = (Section::new(TableName::Filter), Section::new(TableName::Nat));
        let mut writer = Self { state, node, layout, filter, nat, fixed, large, local: None };
        writer.local = writer.detect_local();
        writer.filter_jumps();
        let (fixed, nat) = (&writer.fixed, &mut writer.nat);
        for chain in ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"] {
            nat.chain(chain, fixed);
        }
        let services = "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES";
        nat.insert("OUTPUT", services, fixed);
        nat.insert("PREROUTING", services, fixed);
        let postrouting = "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING";
        nat.insert("POSTROUTING", postrouting, fixed);
        masquerade_rules(state, nat, fixed);
        writer
    }

    fn cluster(&self) -> &'a Cluster {
        self.state.cluster()
    }

    /// The chains of table filter and the jumps to them, in the order of kube-proxy's `iptablesJumpChains`: it prepends
    /// them one by one, so that the last comes first in the end.
    fn filter_jumps(&mut self) {
        let (newer, localnet) = (self.layout == Layout::V1_36, self.guards_localhost());
        let (filter, fixed) = (&mut self.filter, &self.fixed);
        for (chain, there) in [
            ("KUBE-SERVICES", true),
            ("KUBE-EXTERNAL-SERVICES", true),
            ("KUBE-FORWARD", true),
            ("KUBE-NODEPORTS", newer),
            ("KUBE-PROXY-FIREWALL", newer),
            ("KUBE-FIREWALL", localnet),
        ] {
            if there {
                filter.chain(chain, fixed);
            }
        }
        let new = "-m conntrack --ctstate NEW -m comment --comment";
        let external = &format!("{new} \"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES");
        let services = &format!("{new} \"kubernetes service portals\" -j KUBE-SERVICES");
        let firewall = &format!("{new} \"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL");
        let health = "-m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS";
        let forward = "-m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD";
        for (hook, rule, there) in [
            ("INPUT", external.as_str(), true),
            ("FORWARD", external, true),
            ("INPUT", health, newer),
            ("FORWARD", services, true),
            ("OUTPUT", services, true),
            ("FORWARD", forward, true),
            ("INPUT", firewall, newer),
            ("OUTPUT", firewall, newer),
            ("FORWARD", firewall, newer),
            ("INPUT", "-j KUBE-FIREWALL", localnet),
            ("OUTPUT", "-j KUBE-FIREWALL", localnet),
        ] {
            if there {
                filter.insert(hook, rule, fixed);
            }
        }
    }

    /// Writes what comes after the service ports, and gives everything.
    pub(super) fn finish(mut self) -> RestoreInput {
        let comment =
            "-m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\"";
        for addresses in self.node_port_addresses() {
            let rule = format!("{comment} {addresses} -j KUBE-NODEPORTS");
            self.nat.append("KUBE-SERVICES", &rule, &self.fixed);
        }
        self.forward_rules();
        if self.guards_localhost() {
            self.filter.append(
                "KUBE-FIREWALL",
                "-m comment --comment \"block incoming localnet connections\" -d 127.0.0.0/8 ! -s 127.0.0.0/8 \
                 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
                &self.fixed,
            );
        }
        let mut input = RestoreInput::default();
        self.filter.finish(&mut input);
        self.nat.finish(&mut input);
        input
    }

    fn forward_rules(&mut self) {
        let mark = mark(self.cluster());
        let comment = "-m comment --comment \"kubernetes forwarding";
        let established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        let mut rules = Vec::new();
        if !self.is_liberal() {
            rules.push("-m conntrack --ctstate INVALID -j DROP".to_owned());
        }
        rules.push(format!("{comment} rules\" -m mark --mark {mark}/{mark} -j ACCEPT"));
        let whose: &[&str] = match self.layout {
            // The two are the same but for their comments: the addresses of pods are no longer in them.
            Layout::V1_20 => &["pod source ", "pod destination "],
            Layout::V1_36 => &[""],
        };
        rules.extend(whose.iter().map(|whose| format!("{comment} conntrack {whose}rule\" {established}")));
        for rule in rules {
            self.filter.append("KUBE-FORWARD", &rule, &self.fixed);
        }
    }

    /// Whether conntrack calls no segment INVALID for its place in the window: then kube-proxy drops none for being INVALID.
    /// It asks since 1.29 (kubernetes#120354), and after it has set what its own option says.
    fn is_liberal(&self) -> bool {
        let set = self.cluster().kube_proxy_options.tcp_be_liberal || self.state.found_liberal(self.node);
        self.layout == Layout::V1_36 && set
    }

    /// Since 1.27 kube-proxy keeps kubelet's rule for loopback addresses itself, where it opens them to node ports.
    fn guards_localhost(&self) -> bool {
        self.layout == Layout::V1_36 && localhost_node_ports(self.cluster())
    }

    /// The matches of what comes to an address that has node ports (`nodePortAddresses`).
    fn node_port_addresses(&self) -> Vec<String> {
        let cidrs = &self.cluster().kube_proxy_options.node_port_addresses;
        let loopback = self.layout == Layout::V1_20 || localhost_node_ports(self.cluster());
        if cidrs.is_empty() || cidrs.iter().any(|cidr| cidr.prefix_len() == 0) {
            let but = if loopback { "" } else { " ! -d 127.0.0.0/8" };
            return vec![format!("-m addrtype --dst-type LOCAL{but}")];
        }
        // In the order of devices; kube-proxy itself walks a Go map, in any order (`GetNodeAddresses`, `GetNodeIPs`).
        let node = self.state.node(self.node).map(|node| &node.object);
        let devices = node.iter().flat_map(|node| node.devices.iter().map(|device| device.address.addr()));
        let own = node.iter().map(|node| node.address).chain(devices);
        let own = own.chain(self.state.tunnel_address(self.node)).chain(Some(Ipv4Addr::LOCALHOST).filter(|_| loopback));
        let own = own.filter(|address| cidrs.iter().any(|cidr| cidr.contains(address)));
        own.map(|address| format!("-d {address}")).collect()
    }

    /// The match of what pods send; none where they cannot be told from others.
    fn detect_local(&self) -> Option<String> {
        match &self.cluster().kube_proxy_options.detect_local {
            DetectLocal::ClusterCidr => Some(format!("-s {}", self.cluster().pod_cidr)),
            DetectLocal::NodeCidr => self.state.blocks(self.node).next().map(|block| format!("-s {block}")),
            DetectLocal::BridgeInterface(bridge) => Some(format!("-i {bridge}")),
            DetectLocal::InterfaceNamePrefix(prefix) => Some(format!("-i {prefix}+")),
        }
    }

    /// The match of what pods of this node or the cluster send.
    pub(super) fn local(&self) -> Option<String> {
        self.local.clone()
    }

    /// The end of a rule for the cluster IP that marks what has to be masqueraded, if anything has.
    pub(super) fn masquerade_others(&self) -> Option<String> {
        if self.cluster().kube_proxy_options.masquerade_all {
            return Some("-j KUBE-MARK-MASQ".to_owned());
        }
        self.local().map(|local| format!("! {local} -j KUBE-MARK-MASQ"))
    }

    /// A comment, or nothing in a large cluster.
    pub(super) fn unless_large(&self, comment: String) -> String {
        if self.large { String::new() } else { comment }
    }

    /// An address as the release writes it.
    pub(super) fn address(&self, address: Ipv4Addr) -> String {
        match self.layout {
            Layout::V1_20 => format!("{address}/32"),
            Layout::V1_36 => address.to_string(),
        }
    }

    /// The node's own address.
    pub(super) fn is_allowed_from_node(&self, ranges: &[Ipv4Net]) -> bool {
        let node = self.state.node(self.node).map(|node| node.object.address);
        node.is_some_and(|node| ranges.iter().any(|range| range.contains(&node)))
    }
}

/// A comment, with a blank behind it. It is quoted where it has blanks itself.
pub(super) fn comment(text: &str) -> String {
    let quote = if text.contains(' ') { "\"" } else { "" };
    format!("-m comment --comment {quote}{text}{quote} ")
}

/// The mark of what is to be masqueraded, as kube-proxy prints it (`%#08x`).
fn mark(cluster: &Cluster) -> String {
    format!("{:#010x}", 1_u32 << cluster.kube_proxy_options.masquerade_bit.min(31))
}

/// Whether node ports are open at 127.0.0.1. Since 1.26 an option says so, unless no address of that network has any.
pub(crate) fn localhost_node_ports(cluster: &Cluster) -> bool {
    let options = &cluster.kube_proxy_options;
    let cidrs = &options.node_port_addresses;
    let has_loopback = cidrs.is_empty() || cidrs.iter().any(|cidr| cidr.contains(&Ipv4Addr::LOCALHOST));
    Layout::of(cluster.kube_proxy) == Layout::V1_20 || options.localhost_node_ports && has_loopback
}

/// The rules by which both kube-proxy and kubelet masquerade what has been marked for it.
pub(in crate::agents) fn masquerade_rules(state: &State, nat: &mut Section, why: &Arc<Provenance>) {
    let mark = mark(state.cluster());
    let random = if state.cluster().iptables >= RANDOM_FULLY { " --random-fully" } else { "" };
    nat.append("KUBE-POSTROUTING", &format!("-m mark ! --mark {mark}/{mark} -j RETURN"), why);
    // The mark is taken off again, so that a packet that is encapsulated afterwards is not masqueraded twice.
    nat.append("KUBE-POSTROUTING", &format!("-j MARK --xor-mark {mark}"), why);
    nat.append(
        "KUBE-POSTROUTING",
        &format!("-m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE{random}"),
        why,
    );
    nat.append("KUBE-MARK-MASQ", &format!("-j MARK --or-mark {mark}"), why);
}
