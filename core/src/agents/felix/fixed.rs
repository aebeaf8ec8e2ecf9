//! The chains that Felix has on every node (felix, rules/static.go).

use crate::netfilter::TableName;

use super::chain::commented;
use super::mark::{ACCEPT, ALL, SCRATCH, clear, marked, set, unmarked};
use super::sets::{ALL_HOSTS, ALL_POOLS, MASQUERADED_POOLS};
use super::{Chain, Context};

/// Ports that host endpoint policies never close: `FailsafeInboundHostPorts` by default.
const FAILSAFE_IN: [(&str, u16); 9] = [
    ("tcp", 22),
    ("udp", 68),
    ("tcp", 179),
    ("tcp", 2379),
    ("tcp", 2380),
    ("tcp", 5473),
    ("tcp", 6443),
    ("tcp", 6666),
    ("tcp", 6667),
];
/// `FailsafeOutboundHostPorts` by default.
const FAILSAFE_OUT: [(&str, u16); 9] = [
    ("udp", 53),
    ("udp", 67),
    ("tcp", 179),
    ("tcp", 2379),
    ("tcp", 2380),
    ("tcp", 5473),
    ("tcp", 6443),
    ("tcp", 6666),
    ("tcp", 6667),
];

/// Felix' own chains of `table`.
pub(super) fn chains(context: &Context<'_>, table: TableName) -> Vec<Chain> {
    match table {
        TableName::Raw => raw(context),
        TableName::Mangle => mangle(context),
        TableName::Nat => nat(context),
        TableName::Filter => filter(context),
        TableName::Security => Vec::new(),
    }
}

/// What Felix puts on top of built-in chains, under their names.
pub(super) fn inserted(context: &Context<'_>, table: TableName) -> Vec<Chain> {
    let hooks: &[&str] = match table {
        TableName::Raw => &["PREROUTING", "OUTPUT"],
        TableName::Mangle if context.release.host_policy_after_dnat => &["PREROUTING", "POSTROUTING"],
        TableName::Mangle => &["PREROUTING"],
        TableName::Nat if context.release.nat_after_others => &["PREROUTING", "OUTPUT"],
        TableName::Nat => &["PREROUTING", "POSTROUTING", "OUTPUT"],
        TableName::Filter => &["FORWARD", "INPUT", "OUTPUT"],
        TableName::Security => &[],
    };
    let jump = |hook: &&str| Chain::new(*hook, &context.fixed).rule(format!("--jump cali-{hook}"));
    hooks.iter().map(jump).collect()
}

/// What Felix puts at the end of a built-in chain. Its hashes start from a name of their own.
pub(super) fn appended(context: &Context<'_>, table: TableName) -> Option<(&'static str, Chain)> {
    match table {
        TableName::Filter => {}
        TableName::Nat if context.release.nat_after_others => {
            let chain = Chain::new("POSTROUTING*appends*", &context.fixed).rule("--jump cali-POSTROUTING");
            return Some(("POSTROUTING", chain));
        }
        _ => return None,
    }
    let chain = Chain::new("FORWARD*appends*", &context.fixed).rule(accepted("Policy explicitly accepted packet."));
    let chain = if context.release.host_policy_after_dnat { chain.rule(set(ACCEPT)) } else { chain };
    Some(("FORWARD", chain))
}

fn accepted(comment: &str) -> String {
    commented(comment, accept_marked())
}

fn host_endpoint_accepted() -> String {
    accepted("Host endpoint policy accepted packet.")
}

fn accept_marked() -> String {
    format!("{} --jump ACCEPT", marked(ACCEPT))
}

/// A failsafe chain: ports one may connect to, and where replies are not tracked, ports that replies come from.
fn failsafe(context: &Context<'_>, name: &str, to: &[(&str, u16)], from: &[(&str, u16)]) -> Chain {
    let rules = to.iter().map(|port| (port, "destination")).chain(from.iter().map(|port| (port, "source")));
    rules.fold(Chain::new(name, &context.fixed), |chain, ((protocol, port), side)| {
        chain.rule(format!("-p {protocol} -m multiport --{side}-ports {port} --jump ACCEPT"))
    })
}

/// Chains that host endpoints would fill, and nothing does.
fn empty<'a>(context: &'a Context<'_>, names: &'a [&str]) -> impl Iterator<Item = Chain> + 'a {
    names.iter().map(|name| Chain::new(*name, &context.fixed))
}

fn raw(context: &Context<'_>) -> Vec<Chain> {
    let fixed = &context.fixed;
    let heed = if context.release.valid_mark { " --validmark" } else { "" };
    let mut chains = vec![
        failsafe(context, "cali-failsafe-in", &FAILSAFE_IN, &FAILSAFE_OUT),
        failsafe(context, "cali-failsafe-out", &FAILSAFE_OUT, &FAILSAFE_IN),
        Chain::new("cali-PREROUTING", fixed)
            .rule(clear(ALL))
            .rule(format!("--in-interface cali+ {}", set(SCRATCH)))
            // A pod that pretends to be another: the way back does not lead through its own veth.
            .rule(format!("{} -m rpfilter --invert{heed} --jump DROP", marked(SCRATCH)))
            .rule(format!("{} --jump cali-from-host-endpoint", unmarked(SCRATCH)))
            .rule(accept_marked()),
        Chain::new("cali-OUTPUT", fixed).rule(clear(ALL)).rule("--jump cali-to-host-endpoint").rule(accept_marked()),
    ];
    chains.extend(empty(context, &["cali-from-host-endpoint", "cali-to-host-endpoint"]));
    chains
}

fn mangle(context: &Context<'_>) -> Vec<Chain> {
    let mut chains = vec![
        failsafe(context, "cali-failsafe-in", &FAILSAFE_IN, &[]),
        Chain::new("cali-PREROUTING", &context.fixed)
            .rule("-m conntrack --ctstate RELATED,ESTABLISHED --jump ACCEPT")
            .rule(accept_marked())
            .rule("--jump cali-from-host-endpoint")
            .rule(host_endpoint_accepted()),
    ];
    chains.extend(empty(context, &["cali-from-host-endpoint"]));
    if context.release.host_policy_after_dnat {
        let done = format!("{} --jump RETURN", marked(ACCEPT));
        chains.push(failsafe(context, "cali-failsafe-out", &FAILSAFE_OUT, &[]));
        chains.push(
            Chain::new("cali-POSTROUTING", &context.fixed)
                .rule(&done)
                .rule(clear(ALL))
                .rule("-m conntrack --ctstate DNAT --jump cali-to-host-endpoint")
                .rule(commented("Host endpoint policy accepted packet.", &done)),
        );
        chains.extend(empty(context, &["cali-to-host-endpoint"]));
    }
    chains
}

fn nat(context: &Context<'_>) -> Vec<Chain> {
    let fixed = &context.fixed;
    let masquerade = context.masquerade();
    let mut postrouting =
        Chain::new("cali-POSTROUTING", fixed).rule("--jump cali-fip-snat").rule("--jump cali-nat-outgoing");
    if context.tunnelled() {
        // A process of the node that sends to a remote pod from the address of another device.
        let rule = format!(
            "--out-interface tunl0 -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL \
             {masquerade}"
        );
        postrouting = postrouting.rule_for(rule, &context.cluster("overlay"));
    }
    let outgoing =
        format!("-m set --match-set {MASQUERADED_POOLS} src -m set ! --match-set {ALL_POOLS} dst {masquerade}");
    let mut chains = vec![
        Chain::new("cali-PREROUTING", fixed).rule("--jump cali-fip-dnat"),
        postrouting,
        Chain::new("cali-OUTPUT", fixed).rule("--jump cali-fip-dnat"),
        Chain::new("cali-nat-outgoing", fixed).rule_for(outgoing, &context.cluster("podCIDR")),
    ];
    chains.extend(empty(context, &["cali-fip-dnat", "cali-fip-snat"]));
    chains
}

fn filter(context: &Context<'_>) -> Vec<Chain> {
    let fixed = &context.fixed;
    let mut forward = Chain::new("cali-FORWARD", fixed)
        // All bits but the accept bit, which raw may have set for a host endpoint.
        .rule(clear(ALL & !ACCEPT))
        .rule(format!("{} --jump cali-from-hep-forward", unmarked(ACCEPT)))
        .rule("--in-interface cali+ --jump cali-from-wl-dispatch")
        .rule("--out-interface cali+ --jump cali-to-wl-dispatch")
        .rule("--jump cali-to-hep-forward");
    let mut block = None;
    if context.release.blocks_service_cidrs {
        forward = forward.rule("--jump cali-cidr-block");
        let why = context.cluster("serviceClusterIPs");
        let cidrs = context.state.cluster().service_cluster_ips.iter();
        block = Some(cidrs.fold(Chain::new("cali-cidr-block", fixed), |chain, cidr| {
            chain.rule_for(format!("--destination {cidr} --jump DROP"), &why)
        }));
    }
    let mut chains = vec![
        forward,
        input(context),
        Chain::new("cali-wl-to-host", fixed)
            .rule("--jump cali-from-wl-dispatch")
            // Felix' own default is DROP; the manifests that install it say ACCEPT.
            .rule(commented("Configured DefaultEndpointToHostAction", "--jump ACCEPT")),
        failsafe(context, "cali-failsafe-in", &FAILSAFE_IN, &[]),
        output(context),
        failsafe(context, "cali-failsafe-out", &FAILSAFE_OUT, &[]),
    ];
    let names = ["cali-from-hep-forward", "cali-to-hep-forward", "cali-from-host-endpoint", "cali-to-host-endpoint"];
    chains.extend(empty(context, &names));
    chains.extend(block);
    chains
}

fn input(context: &Context<'_>) -> Chain {
    let mut chain = Chain::new("cali-INPUT", &context.fixed);
    if context.tunnelled() {
        let overlay = context.cluster("overlay");
        let allow = format!("-p 4 -m set --match-set {ALL_HOSTS} src -m addrtype --dst-type LOCAL --jump ACCEPT");
        let deny = commented("Drop IPIP packets from non-Calico hosts", "-p 4 --jump DROP");
        chain =
            chain.rule_for(commented("Allow IPIP packets from Calico hosts", allow), &overlay).rule_for(deny, &overlay);
    }
    chain
        .rule("--in-interface cali+ --goto cali-wl-to-host")
        .rule(accept_marked())
        .rule(clear(ALL))
        .rule("--jump cali-from-host-endpoint")
        .rule(host_endpoint_accepted())
}

fn output(context: &Context<'_>) -> Chain {
    let mut chain =
        Chain::new("cali-OUTPUT", &context.fixed).rule(accept_marked()).rule("--out-interface cali+ --jump RETURN");
    if context.tunnelled() {
        let allow = format!("-p 4 -m set --match-set {ALL_HOSTS} dst -m addrtype --src-type LOCAL --jump ACCEPT");
        let allow = commented("Allow IPIP packets to other Calico hosts", allow);
        chain = chain.rule_for(allow, &context.cluster("overlay"));
    }
    // From v3.18 on, what goes to a service is judged in mangle POSTROUTING, by where it really goes.
    let not_to_services = if context.release.host_policy_after_dnat { "-m conntrack ! --ctstate DNAT " } else { "" };
    chain.rule(clear(ALL)).rule(format!("{not_to_services}--jump cali-to-host-endpoint")).rule(host_endpoint_accepted())
}
