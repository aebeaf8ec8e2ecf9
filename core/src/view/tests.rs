//! Listings against what the tools printed: iptables 1.8.9 on a kernel, and the white paper's figures.

use crate::conntrack::tcp::TcpState;
use crate::conntrack::{Entry, Jiffies, Layer4, Status, Tuple};
use crate::net::fib::{Fib, Route, RouteKind};
use crate::netfilter::text::{self, RestoreInput};
use crate::netfilter::{Ruleset, TableName};
use crate::view::iptables::{ListOptions, ListStyle, list, list_names, list_with, rules as rules_of};
use crate::view::route::route_n;
use crate::{Time, view};

/// A file of the reference data, which lies at the root of the workspace.
macro_rules! data {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/", $path))
    };
}

fn load(dump: &str) -> Ruleset {
    let mut rules = Ruleset::default();
    let input: RestoreInput = dump.parse().unwrap();
    if let Err(error) = text::restore(&mut rules, &input) {
        panic!("{error}: {}", input.lines[error.line - 1].text);
    }
    rules
}

/// Shows the first line that differs, not two pages.
#[track_caller]
fn assert_same(printed: &str, expected: &str) {
    for (at, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(printed, expected, "line {}", at + 1);
    }
    assert_eq!(printed.len(), expected.len());
}

#[track_caller]
fn check_kernel(dump: &str, listings: &[(TableName, &str)]) {
    let rules = load(dump);
    for (table, expected) in listings {
        assert_same(&list(rules.table(*table), None, ListStyle::V1_8_9), expected);
    }
}

#[test]
fn every_match_and_target_is_listed_as_iptables_1_8_9_lists_it() {
    check_kernel(
        data!("reference/every-match.restore"),
        &[
            (TableName::Raw, data!("reference/every-match.kernel-legacy.raw.Lnv")),
            (TableName::Mangle, data!("reference/every-match.kernel-legacy.mangle.Lnv")),
            (TableName::Nat, data!("reference/every-match.kernel-legacy.nat.Lnv")),
            (TableName::Filter, data!("reference/every-match.kernel-legacy.filter.Lnv")),
        ],
    );
}

#[test]
fn rules_of_kube_proxy_1_20_are_listed_as_iptables_1_8_9_lists_them() {
    check_kernel(
        data!("reference/guestbook-v1.20.0-rc.0-etpcluster.kernel-legacy.save"),
        &[
            (TableName::Nat, data!("reference/guestbook-v1.20.0-rc.0-etpcluster.kernel-legacy.nat.Lnv")),
            (TableName::Filter, data!("reference/guestbook-v1.20.0-rc.0-etpcluster.kernel-legacy.filter.Lnv")),
        ],
    );
}

#[test]
fn rules_of_kube_proxy_1_36_are_listed_as_iptables_1_8_9_lists_them() {
    check_kernel(
        data!("reference/guestbook-v1.36.2-etpcluster.full"),
        &[
            (TableName::Nat, data!("reference/guestbook-v1.36.2-etpcluster.kernel-legacy.nat.Lnv")),
            (TableName::Filter, data!("reference/guestbook-v1.36.2-etpcluster.kernel-legacy.filter.Lnv")),
        ],
    );
}

#[test]
fn rules_of_kube_proxy_with_affinity_are_listed_as_iptables_1_8_9_lists_them() {
    check_kernel(
        data!("reference/mix-v1.20.0-rc.0.kernel-legacy.save"),
        &[
            (TableName::Nat, data!("reference/mix-v1.20.0-rc.0.kernel-legacy.nat.Lnv")),
            (TableName::Filter, data!("reference/mix-v1.20.0-rc.0.kernel-legacy.filter.Lnv")),
        ],
    );
}

#[test]
fn the_matches_and_targets_of_few_rules_are_listed_as_iptables_1_8_9_lists_them() {
    let dump = data!("reference/more-matches.restore");
    check_kernel(
        dump,
        &[
            (TableName::Raw, data!("reference/more-matches.kernel-legacy.raw.Lnv")),
            (TableName::Mangle, data!("reference/more-matches.kernel-legacy.mangle.Lnv")),
            (TableName::Nat, data!("reference/more-matches.kernel-legacy.nat.Lnv")),
            (TableName::Filter, data!("reference/more-matches.kernel-legacy.filter.Lnv")),
            (TableName::Security, data!("reference/more-matches.kernel-legacy.security.Lnv")),
        ],
    );
    let rules = load(dump);
    let mangle = rules.table(TableName::Mangle);
    let options = ListOptions { style: ListStyle::V1_8_9, ..ListOptions::default() };
    assert_same(&list_with(mangle, None, options), data!("reference/more-matches.kernel-legacy.mangle.L"));
    assert_same(&rules_of(mangle, None, true), data!("reference/more-matches.kernel-legacy.mangle.vS"));
    let options = ListOptions { numeric: true, verbose: true, exact: true, line_numbers: true, ..options };
    let expected = data!("reference/more-matches.kernel-legacy.FORWARD.Lnvx");
    assert_same(&list_with(mangle, Some("FORWARD"), options), expected);
}

/// The rules of a figure of the white paper, listed chain by chain as its author did.
#[track_caller]
fn check_figure(table: TableName, rules: &str, figure: &str) {
    let rules = load(rules);
    let chains = figure.lines().filter_map(|line| line.strip_prefix("Chain ")?.split(' ').next());
    let verbose = figure.contains("pkts");
    let printed: String = chains
        .map(|chain| {
            let table = rules.table(table);
            if verbose { list(table, Some(chain), ListStyle::V1_6_1) } else { list_names(table, Some(chain)) }
        })
        .collect();
    assert_same(&printed, figure);
}

#[test]
fn figures_of_nat_are_listed() {
    // Figure 19 lists the whole table, with blank lines between the chains.
    let figure_19 = data!("whitepaper/fig019_iptables_nat.txt").replace("\n\n", "\n");
    check_figure(TableName::Nat, data!("whitepaper/fig019.rules"), &figure_19);
    check_figure(TableName::Nat, data!("whitepaper/fig020.rules"), data!("whitepaper/fig020_KUBE-SERVICES.txt"));
    check_figure(TableName::Nat, data!("whitepaper/fig021.rules"), data!("whitepaper/fig021_KUBE-SVC_dns.txt"));
    check_figure(TableName::Nat, data!("whitepaper/fig083.rules"), data!("whitepaper/fig083_cali-nat-outgoing.txt"));
    check_figure(TableName::Nat, data!("whitepaper/fig084.rules"), data!("whitepaper/fig084_KUBE-POSTROUTING.txt"));
    check_figure(TableName::Nat, data!("whitepaper/fig101.rules"), data!("whitepaper/fig101_KUBE-SERVICES.txt"));
    let figure_102 = data!("whitepaper/fig102_KUBE-SVC_word_wordpress-db.txt");
    check_figure(TableName::Nat, data!("whitepaper/fig102.rules"), figure_102);
    check_figure(TableName::Nat, data!("whitepaper/fig108.rules"), data!("whitepaper/fig108_KUBE-SVC_nginx.txt"));
}

#[test]
fn figures_with_names_for_ports_are_listed() {
    let figure_24 = data!("whitepaper/fig024_KUBE-SERVICES_nonnumeric.txt");
    check_figure(TableName::Nat, data!("whitepaper/fig024.rules"), figure_24);
    check_figure(TableName::Nat, data!("whitepaper/fig025.rules"), data!("whitepaper/fig025_KUBE-SVC_frontend.txt"));
}

#[test]
fn figures_of_calico_are_listed() {
    check_figure(TableName::Raw, data!("whitepaper/fig065.rules"), data!("whitepaper/fig065_raw_cali-PREROUTING.txt"));
    let figure_66 = data!("whitepaper/fig066_mangle_cali-PREROUTING.txt");
    check_figure(TableName::Mangle, data!("whitepaper/fig066.rules"), figure_66);
    check_figure(TableName::Filter, data!("whitepaper/fig078.rules"), data!("whitepaper/fig078_cali-FORWARD.txt"));
    let figure_79 = data!("whitepaper/fig079_cali-to-wl-dispatch.txt");
    check_figure(TableName::Filter, data!("whitepaper/fig079.rules"), figure_79);
    let figure_80 = data!("whitepaper/fig080_cali-tw-cali21ac0ad37cb.txt");
    check_figure(TableName::Filter, data!("whitepaper/fig080.rules"), figure_80);
}

/// Routes from the rows of a `route -n`.
fn routes(figure: &str) -> Fib {
    let mut fib = Fib::default();
    for row in figure.lines().skip(2) {
        let columns: Vec<_> = row.split_whitespace().collect();
        let mask: std::net::Ipv4Addr = columns[2].parse().unwrap();
        let drops = columns[7] == "*";
        fib.add(Route {
            destination: ipnet::Ipv4Net::with_netmask(columns[0].parse().unwrap(), mask).unwrap(),
            kind: if drops { RouteKind::Blackhole } else { RouteKind::Unicast },
            via: columns[3].contains('G').then(|| columns[1].parse().unwrap()),
            device: (!drops).then(|| columns[7].parse().unwrap()),
            source: None,
            protocol: "bird",
            onlink: false,
            ..Route::to(ipnet::Ipv4Net::default())
        });
    }
    fib
}

#[test]
fn routes_are_printed_as_route_n_prints_them() {
    let figure_13 = data!("whitepaper/fig013_route-n_worker1_minimum.txt");
    assert_same(&route_n(&routes(figure_13)), figure_13);
    let figure_77 = data!("whitepaper/fig077_fig110_route-n_worker2.txt");
    assert_same(&route_n(&routes(figure_77)), figure_77);
}

#[test]
fn a_route_that_refuses_has_no_gateway_and_no_device() {
    let mut fib = Fib::default();
    let refuse = |destination: &str, kind| Route {
        destination: destination.parse().unwrap(),
        kind,
        via: None,
        device: None,
        source: None,
        protocol: "static",
        onlink: false,
        ..Route::to(ipnet::Ipv4Net::default())
    };
    fib.add(refuse("10.0.0.0/8", RouteKind::Unreachable));
    fib.add(refuse("10.1.2.3/32", RouteKind::Prohibit));
    let printed = route_n(&fib);
    let rows: Vec<_> = printed.lines().skip(2).collect();
    let expected = [
        "10.0.0.0        -               255.0.0.0       !     0      -        0 -",
        "10.1.2.3        -               255.255.255.255 !H    0      -        0 -",
    ];
    assert_eq!(rows, expected);
}

fn tuple(source: [u8; 4], destination: [u8; 4], ports: (u16, u16)) -> Tuple {
    let layer4 = Layer4::Ports { source: ports.0, destination: ports.1 };
    Tuple { source: source.into(), destination: destination.into(), protocol: 6, layer4 }
}

#[test]
fn connections_are_printed_as_figures_67_and_105_have_them() {
    let now = Jiffies(1000);
    let entry = |original: Tuple, reply: Tuple, tcp, seconds| Entry {
        reply,
        status: Status { seen_reply: true, assured: true, confirmed: true, ..Status::default() },
        tcp: Some(tcp),
        ..Entry::new(original, now.plus_seconds(seconds))
    };
    let browser = |port: u16, pod: [u8; 4], node: [u8; 4], state, seconds| {
        let original = tuple([10, 1, 0, 89], [10, 1, 110, 105], (port, 80));
        entry(original, tuple(pod, node, (80, port)), state, seconds)
    };
    let (near, far) = ([192, 168, 8, 193], [192, 168, 104, 65]);
    let entries = [
        browser(59545, near, [10, 1, 110, 107], TcpState::Close, 3),
        browser(59693, near, [10, 1, 110, 107], TcpState::TimeWait, 118),
        browser(59694, far, [192, 168, 8, 192], TcpState::TimeWait, 117),
        browser(58927, near, [10, 1, 110, 107], TcpState::Established, 292),
        browser(59692, near, [10, 1, 110, 107], TcpState::Established, 86392),
    ];
    let printed = view::conntrack::list(entries.iter(), now, view::conntrack::VERSION);
    assert_same(&printed, data!("whitepaper/fig067_conntrack.txt"));

    let database = entry(
        tuple([192, 168, 8, 222], [10, 96, 23, 229], (33468, 3306)),
        tuple([192, 168, 8, 223], [192, 168, 8, 222], (3306, 33468)),
        TcpState::TimeWait,
        106,
    );
    let printed = view::conntrack::list(std::iter::once(&database), now, view::conntrack::VERSION);
    assert_same(&printed, data!("whitepaper/fig105_conntrack.txt"));
}

#[test]
fn connections_without_ports_are_printed() {
    let now = Jiffies::from(Time::ZERO);
    let (a, b) = ([10, 0, 0, 2].into(), [10, 244, 0, 1].into());
    let bare = |protocol, layer4| Tuple { source: a, destination: b, protocol, layer4 };
    let line = |original: Tuple, seen_reply, seconds| {
        let status = Status { seen_reply, ..Status::default() };
        view::conntrack::line(&Entry { status, ..Entry::new(original, now.plus_seconds(seconds)) }, now)
    };
    assert_eq!(
        line(bare(1, Layer4::Icmp { kind: 8, code: 0, id: 77 }), true, 29),
        "icmp     1 29 src=10.0.0.2 dst=10.244.0.1 type=8 code=0 id=77 \
         src=10.244.0.1 dst=10.0.0.2 type=0 code=0 id=77 mark=0 use=1"
    );
    assert_eq!(
        line(bare(4, Layer4::None), false, 599),
        "unknown  4 599 src=10.0.0.2 dst=10.244.0.1 [UNREPLIED] src=10.244.0.1 dst=10.0.0.2 mark=0 use=1"
    );
}
