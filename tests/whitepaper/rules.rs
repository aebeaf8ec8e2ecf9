//! Figures of rules and routes, from `examples/whitepaper/second_rules.scn` and `first_cluster.scn`. What rules have counted
//! is not compared: the paper's cluster had been running for weeks.

use super::paper::{expected, lines_from, part, printed, without_counters};

fn rules() -> String {
    printed("whitepaper/second_rules.scn")
}

/// Compares the chains of a figure, each wherever it stands in `printed`.
fn chains(printed: &str, file: &str) {
    let figure = expected(file);
    let lines: Vec<_> = figure.lines().collect();
    let is_title = |line: &&str| line.starts_with("Chain ");
    let starts: Vec<_> = (0..lines.len()).filter(|&at| is_title(&lines[at])).chain([lines.len()]).collect();
    for pair in starts.windows(2) {
        let chain: Vec<_> = lines[pair[0]..pair[1]].iter().copied().filter(|line| !line.is_empty()).collect();
        let title = chain[0].split(" (").next().expect("a name");
        let found = lines_from(printed, &format!("{title} ("), chain.len()).join("\n");
        assert_eq!(without_counters(&found), without_counters(&chain.join("\n")), "{title}");
    }
}

/// The figure was lost: what its file has is what can be told for certain, and other pods may have routes between.
#[test]
fn figure_13_the_routes_of_worker1_at_least() {
    let printed = rules();
    let table = lines_from(&printed, "Kernel IP routing table", 12);
    let mut rows = table.iter();
    for row in expected("fig013_route-n_worker1_minimum.txt").lines() {
        assert!(rows.any(|found| *found == row), "no {row:?} in {table:#?}");
    }
}

#[test]
fn figure_14_the_end_of_birds_configuration() {
    let figure = expected("fig014_bird.cfg_tail_v3.16.txt");
    assert!(rules().contains(&figure), "{figure}\nis not in\n{}", rules());
}

#[test]
fn figure_19_the_built_in_chains_of_nat() {
    chains(&rules(), "fig019_iptables_nat.txt");
}

#[test]
fn figure_20_the_services() {
    chains(&rules(), "fig020_KUBE-SERVICES.txt");
}

#[test]
fn figure_21_the_chains_of_kube_dns() {
    chains(&rules(), "fig021_KUBE-SVC_dns.txt");
}

#[test]
fn figure_22_the_endpoints_of_kube_dns() {
    let figure = expected("fig022_iptables-save_DNAT.txt");
    assert!(rules().contains(&figure), "{figure}\nis not in\n{}", rules());
}

#[test]
fn figure_65_raw_prerouting() {
    chains(part(&rules(), "LOG rules on worker2"), "fig065_raw_cali-PREROUTING.txt");
}

#[test]
fn figure_66_mangle_prerouting() {
    let printed = rules();
    let mangle = part(&printed, "LOG rules on worker2").split("state NEW LOG").next().map(str::len).expect("the chain");
    let printed = part(&printed, "LOG rules on worker2");
    let start = printed[..mangle].rfind("Chain cali-PREROUTING").expect("its title");
    chains(&printed[start..], "fig066_mangle_cali-PREROUTING.txt");
}

#[test]
fn figures_77_and_110_the_routes_of_worker2() {
    let figure = expected("fig077_fig110_route-n_worker2.txt");
    assert!(rules().contains(&figure), "{figure}\nis not in\n{}", rules());
}

#[test]
fn figure_78_calicos_forward_chain() {
    chains(&rules(), "fig078_cali-FORWARD.txt");
}

#[test]
fn figure_79_which_pod_a_packet_is_for() {
    chains(&rules(), "fig079_cali-to-wl-dispatch.txt");
}

#[test]
fn figure_80_what_may_come_to_nginx() {
    chains(&rules(), "fig080_cali-tw-cali21ac0ad37cb.txt");
}

#[test]
fn figure_83_what_leaves_the_cluster() {
    chains(part(&rules(), "LOG rules on worker2"), "fig083_cali-nat-outgoing.txt");
}

#[test]
fn figure_84_what_is_masqueraded() {
    chains(part(&rules(), "LOG rules on worker2"), "fig084_KUBE-POSTROUTING.txt");
}

/// The scan lost how wide the gaps between words were, and some of the empty lines: neither is compared.
#[test]
fn figure_88_the_location_of_wordpress_in_a_layout_that_is_not_certain() {
    let words = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    };
    let printed = rules();
    let figure = words(&expected("fig088_nginx.conf_location.txt"));
    let start = printed.find("location /wordpress {").expect("the location");
    assert_eq!(words(&printed[start..])[..figure.len()], figure[..]);
}

#[test]
fn figure_97_the_resolver_of_a_pod() {
    let figure = expected("fig097_resolv.conf.txt");
    assert!(rules().contains(&figure), "{figure}\nis not in\n{}", rules());
}

#[test]
fn figure_101_the_services_in_another_order() {
    chains(&printed("whitepaper/second_packets.scn"), "fig101_KUBE-SERVICES.txt");
}

#[test]
fn figure_102_the_database_of_another_namespace() {
    chains(&printed("whitepaper/second_packets.scn"), "fig102_KUBE-SVC_word_wordpress-db.txt");
}

/// The figure is an extract, in the order of one run of kube-proxy: every row of it is there.
#[test]
fn figure_24_some_rows_of_the_services_by_name() {
    let printed = printed("whitepaper/first_cluster.scn");
    let services = lines_from(part(&printed, FRONTEND), "Chain KUBE-SERVICES (2 references)", 100);
    for row in expected("fig024_KUBE-SERVICES_nonnumeric.txt").lines() {
        assert!(services.contains(&row), "no {row:?} in {services:#?}");
    }
}

#[test]
fn figure_25_the_chains_of_the_frontend() {
    let printed = printed("whitepaper/first_cluster.scn");
    let figure = expected("fig025_KUBE-SVC_frontend.txt");
    let shown = part(&printed, FRONTEND);
    assert!(shown.contains(figure.trim_end()), "{figure}\nis not in\n{shown}");
}

const FRONTEND: &str = "Figures 24, 25 and 27: the frontend as a NodePort";
