//! The white paper's figures, from `examples/wordpress.scn`. `tests/whitepaper/` holds what each must print.

use super::common::scn;
use super::paper::{expected, figure, lines_from, part, rows, without_counters};

/// What the scenario prints with a seed.
fn printed_with(seed: u32) -> String {
    let run = scn(&["run", "--seed", &seed.to_string(), "examples/wordpress.scn"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    run.stdout
}

fn printed() -> String {
    super::paper::printed("wordpress.scn")
}

#[test]
fn figure_77_routes_of_worker2() {
    let figure = expected("fig077_fig110_route-n_worker2.txt");
    assert!(printed().contains(&figure), "{figure}");
}

#[test]
fn figure_108_the_chain_of_the_nginx_service() {
    let figure = expected("fig108_KUBE-SVC_nginx.txt");
    let printed = printed();
    let listing = lines_from(&printed, "Chain KUBE-SVC-D3XY3KFIPC4U6KQS", figure.lines().count()).join(
        "
",
    );
    assert_eq!(without_counters(&listing), without_counters(&figure));
}

#[test]
fn figure_105_the_connection_to_the_database_after_14_seconds() {
    let figure = expected("fig105_conntrack.txt");
    assert!(printed().contains(&figure), "{figure}");
}

#[test]
fn figures_99_and_104_the_first_packet_to_the_database() {
    let log = rows(part(&printed(), "a page needs the ingress, the name and the database"), true);
    let syn = |row: &&String| row.contains("\t33468\t3306\tSYN");
    let rows: Vec<_> = log.iter().filter(syn).cloned().collect();
    let figures: Vec<_> = figure("fig099_log.tsv").into_iter().chain(figure("fig104_log.tsv")).collect();
    assert_eq!(rows, figures);
}

#[test]
fn figure_107_a_connection_through_the_tunnel() {
    let log = rows(part(&printed(), "the first connection through the tunnel"), true);
    let figure = figure("fig107_log.tsv");
    assert_eq!(log[..figure.len()], figure[..]);
}

/// The lines of a trace that begin a hop: who has the packet, between which devices, and what packet it is.
fn hops(trace: &str) -> Vec<Vec<&str>> {
    let is_hop = |line: &&str| line.starts_with("  0.") || line.starts_with("  1.");
    trace.lines().filter(is_hop).map(|line| line.split_whitespace().skip(1).collect()).collect()
}

#[test]
fn a_second_connection_may_take_the_tunnel() {
    let test = "kube-proxy tosses a coin for every connection";
    let endings: Vec<_> = (0..16).map(|seed| part(&printed_with(seed), test).to_owned()).collect();
    let remote = endings.iter().find(|printed| printed.contains("-pxj46; ")).expect("a seed that takes the remote pod");
    assert!(endings.iter().any(|printed| printed.contains("-7ndcw; ")), "and one that takes the local one");
    let pod = "iks/essential-nginx-ingress-ingress-nginx-controller-pxj46";
    let way: Vec<_> = hops(remote).iter().map(|hop| hop[..4].join(" ")).take(14).collect();
    let there = [
        "browser local -> eth0",
        "gateway eth1 -> eth0",
        "worker2 ens192 -> tunl0",
        "worker2 local -> ens192",
        "worker1 ens192 -> local",
        "worker1 tunl0 -> cali7394c99cdd4",
        &format!("{pod} eth0 -> local"),
    ];
    let back = [
        &format!("{pod} local -> eth0"),
        "worker1 cali7394c99cdd4 -> tunl0",
        "worker1 local -> ens192",
        "worker2 ens192 -> local",
        "worker2 tunl0 -> ens192",
        "gateway eth0 -> eth1",
        "browser eth0 -> local",
    ];
    assert_eq!(way, [there, back].concat());
    // The outer packet, protocol 4, on both nodes and in both directions.
    for (node, outer) in [(3, "10.1.110.107 > 10.1.110.102 ipip"), (4, "10.1.110.107 > 10.1.110.102 ipip")] {
        assert!(hops(remote)[node].join(" ").contains(outer), "{:?}", hops(remote)[node]);
    }
    for (node, outer) in [(9, "10.1.110.102 > 10.1.110.107 ipip"), (10, "10.1.110.102 > 10.1.110.107 ipip")] {
        assert!(hops(remote)[node].join(" ").contains(outer), "{:?}", hops(remote)[node]);
    }
}

#[test]
fn the_trace_tells_every_hop_and_every_rule() {
    let printed = printed();
    let trace = part(&printed, "the browser gets the page");
    for line in [
        "arp         10.1.110.105 on eth0 is at 00:50:56:93:1c:47 (worker2)",
        "KUBE-FW-D3XY3KFIPC4U6KQS",
        "by kube-proxy: service iks/essential-nginx-ingress-ingress-nginx-controller, port http",
        "(examples/wordpress.scn:",
        "(mark 0x0 => 0x4000)",
        "dnat        10.96.0.10:53 => ",
        "dnat        10.96.23.229:3306 => 192.168.8.223:3306",
        "delivered   to mysql",
        "status 200",
    ] {
        assert!(trace.contains(line), "no {line:?} in\n{trace}");
    }
}
