//! What the tests share: scenarios that have run once, the figures, and what is not compared.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, OnceLock};

use super::common::{root, scn};

/// What a scenario of `examples/` prints; it runs once.
pub(crate) fn printed(scenario: &str) -> String {
    static PRINTED: OnceLock<Mutex<BTreeMap<String, String>>> = OnceLock::new();
    let mut printed = PRINTED.get_or_init(Mutex::default).lock().expect("no test panics while it runs one");
    let entry = printed.entry(scenario.to_owned());
    entry
        .or_insert_with(|| {
            let run = scn(&["run", &format!("examples/{scenario}")]);
            assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
            run.stdout
        })
        .clone()
}

/// The file of a figure.
pub(crate) fn expected(file: &str) -> String {
    fs::read_to_string(root().join("tests/whitepaper").join(file)).expect("the figure is there")
}

/// The part of `printed` that belongs to a test.
pub(crate) fn part<'a>(printed: &'a str, test: &str) -> &'a str {
    let start = printed.find(&format!("test {test:?}")).unwrap_or_else(|| panic!("no test {test:?} in\n{printed}"));
    let rest = &printed[start..];
    rest[1..].find("\ntest \"").map_or(rest, |end| &rest[..=end])
}

/// The lines of `printed` from the first that begins as `first` does, as many as `count`.
pub(crate) fn lines_from<'a>(printed: &'a str, first: &str, count: usize) -> Vec<&'a str> {
    let lines: Vec<_> = printed.lines().collect();
    let start = lines.iter().position(|line| line.starts_with(first));
    let start = start.unwrap_or_else(|| panic!("no {first:?} in\n{printed}"));
    lines[start..lines.len().min(start + count)].to_vec()
}

/// A listing of `iptables` without what it has counted: the two columns of a rule, and what stands in the parentheses of
/// a built-in chain behind its policy.
pub(crate) fn without_counters(listing: &str) -> Vec<String> {
    let line = |line: &str| match line.split_once("(policy ") {
        Some((chain, rest)) => format!("{chain}(policy {}", rest.split(' ').next().unwrap_or_default()),
        None if line.starts_with("Chain ") || line.is_empty() => line.to_owned(),
        None => line.get(11..).unwrap_or_default().to_owned(),
    };
    listing.lines().map(line).collect()
}

/// The rows that the paper cuts out of the kernel's log, as its shell pipeline does: of each line the fields of the
/// figure's columns. With `named`, addresses and devices get the names that its `sed` gave them.
pub(crate) fn rows(log: &str, named: bool) -> Vec<String> {
    let names = expected("sed_patterns");
    let mut rows = Vec::new();
    for line in log.lines().filter(|line| line.starts_with('[') && line.contains(" IN=")) {
        let mut line = line.split_once("] ").expect("a time stands before the line").1.to_owned();
        if let (Some(start), Some(end)) = (line.find("MAC="), line.find("SRC=")) {
            line.replace_range(start..end, "");
        }
        for name in names.lines().filter(|_| named) {
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
pub(crate) fn figure(file: &str) -> Vec<String> {
    expected(file).lines().filter(|line| !line.starts_with('#')).skip(1).map(str::to_owned).collect()
}
