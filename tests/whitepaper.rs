//! The white paper's figures, from `examples/wordpress.scn`. `tests/whitepaper/` holds what each must print.

mod common;

use std::fs;
use std::sync::OnceLock;

use common::{root, scn};

/// A seed with which the first request meets the nginx pod on worker2, so that the tunnel is still cold in the tests.
const SEED: &str = "0";

fn printed() -> &'static str {
    static PRINTED: OnceLock<String> = OnceLock::new();
    PRINTED.get_or_init(|| {
        let run = scn(&["run", "--seed", SEED, "examples/wordpress.scn"]);
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        run.stdout
    })
}

fn expected(file: &str) -> String {
    fs::read_to_string(root().join("tests/whitepaper").join(file)).expect("the figure is there")
}

/// The part of what was printed that belongs to a test.
fn part(test: &str) -> &'static str {
    let start = printed().find(&format!("test {test:?}")).unwrap_or_else(|| panic!("no test {test:?}"));
    let rest = &printed()[start..];
    rest[1..].find("\ntest \"").map_or(rest, |end| &rest[..=end])
}

/// The rows that the paper cuts out of the kernel's log, as its shell pipeline does: the addresses and devices get names,
/// the Ethernet header goes, and of each line the fields of the figure's columns are kept.
fn rows(log: &str) -> Vec<String> {
    let names = expected("sed_patterns");
    let mut rows = Vec::new();
    for line in log.lines().filter(|line| line.starts_with('[') && line.contains(" IN=")) {
        let mut line = line.split_once("] ").expect("a time stands before the line").1.to_owned();
        if let (Some(start), Some(end)) = (line.find("MAC="), line.find("SRC=")) {
            line.replace_range(start..end, "");
        }
        for name in names.lines() {
            let (from, to) = name.split_once(' ').expect("an address or a device, and its name");
            line = line.replace(from, to);
        }
        let fields: Vec<_> = line.split(' ').collect();
        let value = |key: &str| fields.iter().find_map(|field| field.strip_prefix(key)).unwrap_or_default();
        let after = fields.iter().position(|field| field.starts_with("RES=")).map_or(&[][..], |at| &fields[at + 1..]);
        let flag = |at: usize| after.get(at).copied().unwrap_or_default();
        let row = [
            fields[0],
            fields[1],
            value("IN="),
            value("OUT="),
            value("SRC="),
            value("DST="),
            value("PROTO="),
            value("SPT="),
            value("DPT="),
            flag(0),
            flag(1),
        ];
        rows.push(row.join("\t"));
    }
    rows
}

/// The rows of a figure, without its remarks and column titles.
fn figure(file: &str) -> Vec<String> {
    expected(file).lines().filter(|line| !line.starts_with('#')).skip(1).map(str::to_owned).collect()
}

#[test]
fn figure_77_routes_of_worker2() {
    let figure = expected("fig077_fig110_route-n_worker2.txt");
    assert!(printed().contains(&figure), "{figure}");
}

#[test]
fn figure_108_the_chain_of_the_nginx_service() {
    // Counters aside: the figure's are zero, and these are not.
    let without_counters =
        |text: &str| text.lines().map(|line| line.get(11..).unwrap_or_default().to_owned()).collect::<Vec<_>>();
    let figure = expected("fig108_KUBE-SVC_nginx.txt");
    let title = figure.lines().next().expect("a title");
    let start = printed().find(title).unwrap_or_else(|| panic!("no {title}"));
    let listing: String = printed()[start..].lines().take(figure.lines().count()).map(|line| format!("{line}\n")).collect();
    assert_eq!(without_counters(&listing), without_counters(&figure));
}

#[test]
fn figure_105_the_connection_to_the_database_after_14_seconds() {
    let figure = expected("fig105_conntrack.txt");
    assert!(printed().contains(&figure), "{figure}");
}

#[test]
fn figures_99_and_104_the_first_packet_to_the_database() {
    let log = rows(part("a page needs the ingress, the name and the database"));
    let syn = |row: &&String| row.contains("\t33468\t3306\tSYN");
    let rows: Vec<_> = log.iter().filter(syn).cloned().collect();
    let figures: Vec<_> = figure("fig099_log.tsv").into_iter().chain(figure("fig104_log.tsv")).collect();
    assert_eq!(rows, figures);
}

#[test]
fn figure_107_a_connection_through_the_tunnel() {
    let log = rows(part("the first connection through the tunnel"));
    let figure = figure("fig107_log.tsv");
    assert_eq!(log[..figure.len()], figure[..]);
}
