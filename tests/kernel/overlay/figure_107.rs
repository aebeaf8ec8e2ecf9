//! The white paper's Figure 107: what its LOG rules on worker2 tell of the first connection through the tunnel, in the order
//! in which they match in today's kernel.

use super::cluster::CLUSTER;
use super::{agree_with, at};
use crate::facts::Step;

const EXAMPLE: &str = include_str!("../../../examples/wordpress.scn");
const FIGURE: &str = include_str!("../../whitepaper/fig107_log.tsv");
const NAMES: &str = include_str!("../../whitepaper/sed_patterns");

/// The paper's commands, less those for chains of services and endpoints that are not here.
fn commands() -> Vec<&'static str> {
    let typed = EXAMPLE.lines().filter_map(|line| line.trim().strip_prefix("iptables "));
    typed
        .filter(|command| command.starts_with("-t ") && !command.contains("_WKR_2_") && !command.contains("_WP_DB"))
        .collect()
}

/// Table, chain and number of a command's rule, and what it writes before each line.
fn rule(command: &'static str) -> (String, &'static str) {
    let words: Vec<_> = command.split_whitespace().collect();
    let prefix = command.split('"').nth(1).expect("a prefix in quotes");
    (format!("{} {} rule {} ", words[1], words[3], words[4]), prefix.trim_end())
}

/// The rows of a step as the figure has them: chain, table, devices, addresses and ports. At POSTROUTING a kernel of the
/// paper's time knew no input device.
fn rows(step: &Step, rules: &[(String, &str)]) -> Vec<String> {
    let mut rows = Vec::new();
    for line in &at(step, "worker2").0 {
        let Some((hook, event)) = line.split_once(' ') else { continue };
        let Some((rule, prefix)) = rules.iter().find(|(rule, _)| event.starts_with(rule)) else { continue };
        let mut event = event[rule.len()..].to_owned();
        for (from, to) in NAMES.lines().filter_map(|line| line.split_once(' ')) {
            event = event.replace(from, to);
        }
        let words: Vec<_> = event.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
        let [from, "to", to, source, ">", destination, ..] = words[..] else { panic!("{event}") };
        let device = |name| if name == "-" { "" } else { name };
        let from = if hook == "POSTROUTING" { "" } else { device(from) };
        let ends = [source, destination].map(|end| end.split_once(':').unwrap_or((end, "")));
        let [(source, from_port), (destination, to_port)] = ends;
        let (chain, table) = prefix.split_once(' ').expect("chain and table");
        rows.push([chain, table, from, device(to), source, destination, from_port, to_port].join("\t"));
    }
    rows
}

#[test]
fn a_connection_through_the_tunnel_is_logged_in_the_order_of_figure_107() {
    // iptables of the paper's time knew no --random-fully: the port stays what it is.
    let scenario = CLUSTER.replace("iptables    1.8.9", "iptables    1.6.1");
    assert_ne!(scenario, CLUSTER);
    agree_with(
        scenario,
        commands(),
        "send outside 10.1.0.89:60864 > 10.1.110.105:80 tcp SYN seq 1000 ttl 62
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            let rules: Vec<_> = commands().into_iter().map(rule).collect();
            let found: Vec<_> = steps.iter().flat_map(|step| rows(step, &rules)).collect();
            let figure = FIGURE.lines().filter(|line| !line.starts_with('#')).skip(1);
            // Without the protocol and the flags.
            let columns = |row: &str| {
                let fields: Vec<_> = row.split('\t').collect();
                [0, 1, 2, 3, 4, 5, 7, 8].map(|column| fields[column]).join("\t")
            };
            assert_eq!(found, figure.map(columns).collect::<Vec<_>>());
        },
    );
}
