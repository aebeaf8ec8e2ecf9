//! The rules kube-proxy writes, loaded and printed as the kernel's own tools print them.

use super::{RestoreInput, restore, save};
use crate::netfilter::{Ruleset, TableName};

/// The jumps that kubelet and kube-proxy of 1.20 make one by one, and kubelet's chain.
const JUMPS_OF_1_20: &str = include_str!("../../../../tests/reference/guestbook-v1.20.0-rc.0.jumps");

fn load(rules: &mut Ruleset, dump: &str) {
    let input: RestoreInput = dump.parse().unwrap();
    if let Err(error) = restore(rules, &input) {
        panic!("{error}: {}", input.lines[error.line - 1].text);
    }
}

/// Loads what the kernel saved and prints it again.
#[test]
fn every_match_and_target_is_printed_as_the_kernel_has_it() {
    let mut rules = Ruleset::default();
    load(&mut rules, include_str!("../../../../tests/reference/every-match.restore"));
    let kernel = undated(include_str!("../../../../tests/reference/every-match.kernel-legacy.save"));
    assert_same(&save(&rules, &TableName::ALL, true), &kernel);
    let mut again = Ruleset::default();
    load(&mut again, &kernel);
    assert_same(&save(&again, &TableName::ALL, true), &kernel);
}

/// A dump without the comments that carry a date.
fn undated(dump: &str) -> String {
    dump.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// Shows the first line that differs, not two pages.
#[track_caller]
fn assert_same(printed: &str, expected: &str) {
    for (at, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(printed, expected, "line {}", at + 1);
    }
    assert_eq!(printed.len(), expected.len());
}

#[test]
fn rules_of_kube_proxy_1_20_are_printed_as_the_kernel_has_them() {
    let mut rules = Ruleset::default();
    load(&mut rules, JUMPS_OF_1_20);
    load(&mut rules, include_str!("../../../../tests/reference/guestbook-v1.20.0-rc.0-etpcluster.restore"));
    let kernel = include_str!("../../../../tests/reference/guestbook-v1.20.0-rc.0-etpcluster.kernel-legacy.save");
    assert_same(&save(&rules, &[TableName::Nat, TableName::Filter], false), &undated(kernel));
}

#[test]
fn rules_of_kube_proxy_1_36_are_printed_as_the_kernel_has_them() {
    let mut rules = Ruleset::default();
    load(&mut rules, include_str!("../../../../tests/reference/guestbook-v1.36.2-etpcluster.full"));
    let kernel = include_str!("../../../../tests/reference/guestbook-v1.36.2-etpcluster.kernel-legacy.save");
    assert_same(&save(&rules, &[TableName::Filter, TableName::Nat], false), &undated(kernel));
}
