//! The rules kube-proxy writes, loaded and printed as the kernel's own tools print them.

use std::sync::Arc;

use super::{OnUnknown, RestoreInput, apply, restore, restore_with, save};
use crate::netfilter::{Provenance, Ruleset, TableName};

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
    assert_same(&save(&rules, &TableName::ALL[..4], true), &kernel);
    let mut again = Ruleset::default();
    load(&mut again, &kernel);
    assert_same(&save(&again, &TableName::ALL[..4], true), &kernel);
}

/// A dump without the comments that carry a date.
fn undated(dump: &str) -> String {
    let lines: Vec<_> = dump.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    lines.concat()
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
    load(&mut rules, include_str!("../../../../tests/reference/kube-proxy-1.20-guestbook.restore"));
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

#[test]
fn rules_of_kube_proxy_for_local_endpoints_load() {
    let mut rules = Ruleset::default();
    load(&mut rules, include_str!("../../../../tests/reference/guestbook-v1.36.2-etplocal.full"));
    let local = rules.table(TableName::Nat).chain_id("KUBE-SVL-D3XY3KFIPC4U6KQS");
    assert!(local.is_some());

    let mut rules = Ruleset::default();
    load(&mut rules, JUMPS_OF_1_20);
    load(&mut rules, include_str!("../../../../tests/reference/guestbook-v1.20.0-rc.0-etplocal.restore"));
    let local = rules.table(TableName::Nat).chain_id("KUBE-XLB-D3XY3KFIPC4U6KQS");
    assert!(local.is_some());
}

#[test]
fn rules_of_kube_proxy_with_affinity_and_bridges_are_printed_as_the_kernel_has_them() {
    let mut rules = Ruleset::default();
    load(&mut rules, JUMPS_OF_1_20);
    load(&mut rules, include_str!("../../../../tests/reference/mix-v1.20.0-rc.0.restore"));
    let kernel = include_str!("../../../../tests/reference/mix-v1.20.0-rc.0.kernel-legacy.save");
    assert_same(&save(&rules, &[TableName::Nat, TableName::Filter], false), kernel);
}

#[test]
fn the_matches_and_targets_of_few_rules_are_printed_as_the_kernel_has_them() {
    let mut rules = Ruleset::default();
    load(&mut rules, include_str!("../../../../tests/reference/more-matches.restore"));
    let kernel = include_str!("../../../../tests/reference/more-matches.kernel-legacy.save");
    assert_same(&save(&rules, &TableName::ALL, true), kernel);
    let mut again = Ruleset::default();
    load(&mut again, kernel);
    assert_same(&save(&again, &TableName::ALL, true), kernel);
}

/// What the kernel saved is refused as somebody's own rules, and kept as a dump, to the letter.
#[test]
fn what_the_model_does_not_know_is_kept_or_refused_but_never_skipped() {
    let kernel = include_str!("../../../../tests/reference/unknown.kernel-legacy.save");
    let mut rules = Ruleset::default();
    load(&mut rules, kernel);
    let tables = [TableName::Raw, TableName::Mangle, TableName::Nat];
    assert_same(&save(&rules, &tables, false), kernel);
    let mut table = "";
    for line in kernel.lines() {
        match line.strip_prefix('*') {
            Some(name) => table = name,
            // This one is known by now, and written as the kernel did.
            None if line.contains(" -m sctp ") => {
                assert_eq!(apply(&mut Ruleset::default(), &format!("-t {table} {line}")), Ok(()));
            }
            None if line.starts_with("-A") => {
                let refusal = apply(&mut Ruleset::default(), &format!("-t {table} {line}"));
                assert!(refusal.as_ref().is_err_and(|error| error.unknown), "{line}: {refusal:?}");
            }
            None => {}
        }
    }
    let mut fresh = Ruleset::default();
    let refused = restore_with(&mut fresh, &kernel.parse().unwrap(), OnUnknown::Refuse).unwrap_err();
    assert_eq!(refused.to_string(), "line 4: the model does not know the option `--helper`");
    assert_eq!(save(&fresh, &tables, false), save(&Ruleset::default(), &tables, false));
}

/// Restores into empty tables; what came of table filter, or the refusal.
fn restored(dump: &str) -> Result<String, String> {
    let mut rules = Ruleset::default();
    let before = save(&rules, &TableName::ALL, true);
    match restore(&mut rules, &dump.parse().unwrap()) {
        Ok(()) => Ok(save(&rules, &[TableName::Filter], true)),
        Err(error) => {
            assert_eq!(save(&rules, &TableName::ALL, true), before, "half applied");
            let line = dump.lines().nth(error.line - 1).unwrap_or_default();
            Err(format!("{error} [{}]", &line[error.error.span.clone()]))
        }
    }
}

#[test]
fn a_chain_line_makes_or_empties_a_users_chain_and_sets_a_policy() {
    let dump = "*filter\n:web - [0:0]\n:INPUT DROP [5:300]\n[1:60] -A web -j DROP\nCOMMIT\n\
                # again\n\n*filter\n:web - [0:0]\n:INPUT - [0:0]\n-A INPUT -j web\n-A INPUT -j web\nCOMMIT\n";
    let expected = "*filter\n:INPUT DROP [5:300]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:web - [0:0]\n\
                    [0:0] -A INPUT -j web\n[0:0] -A INPUT -j web\nCOMMIT\n";
    assert_eq!(restored(dump).unwrap(), expected);
}

#[test]
fn a_rule_that_is_to_be_there_once_stays_where_it_is() {
    let why =
        Arc::new(Provenance { agent: "felix".into(), object: "".into(), field: "".into(), origin: None, read: None });
    let mut input: RestoreInput = "*filter\n:a - [0:0]\n:b - [0:0]".parse().unwrap();
    for line in ["-I INPUT -j a", "-I INPUT -j b", "-I INPUT -j a", "-A INPUT -j b"] {
        input.push_once(line, &why);
    }
    input.push("-I INPUT 3 -j a", None);
    input.push("COMMIT", None);
    let mut rules = Ruleset::default();
    restore(&mut rules, &input).unwrap();
    let printed = save(&rules, &[TableName::Filter], false);
    let jumps: Vec<_> = printed.lines().filter_map(|line| line.split_once("-A INPUT ")).map(|(_, rule)| rule).collect();
    assert_eq!(jumps, ["-j b", "-j a", "-j a"]);
}

#[test]
fn a_chain_that_is_out_of_use_can_be_deleted_at_the_end() {
    let used = "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n";
    assert!(restored(&format!("{used}-F a\n-D INPUT -j a\n-X a\n-X b\nCOMMIT\n")).is_ok());
    let refused = restored(&format!("{used}-F a\n-X b\n-X a\nCOMMIT\n"));
    assert_eq!(refused.unwrap_err(), "line 8: chain `a` is still the target of a rule [a]");
}

#[test]
fn a_refused_restore_names_its_line_and_changes_nothing() {
    for (dump, expected) in [
        ("*filter\n-A INPUT -j ACCEPT\n[7:x] -A INPUT\nCOMMIT", "line 3: `[7:x]` is not [packets:bytes] [[7:x]]"),
        (
            "*filter\n[7:8] -A INPUT -j NOWHERE\nCOMMIT",
            "line 2: there is no chain or target `NOWHERE` in table filter [NOWHERE]",
        ),
        ("*filter\n-t nat -A OUTPUT\nCOMMIT", "line 2: the table is the one after `*`, not `-t` [nat]"),
        ("-A INPUT", "line 1: this stands in no table [-A INPUT]"),
        ("*filter\n*nat", "line 2: table filter has no COMMIT before this [*nat]"),
        ("*filter\n-A INPUT", "line 2: table filter has no COMMIT []"),
        ("*broute\nCOMMIT", "line 1: there is no table `broute` [broute]"),
        (
            "*filter\n:web ACCEPT [0:0]\nCOMMIT",
            "line 2: `web` is not a built-in chain, and only those have a policy [web]",
        ),
        ("*filter\n:INPUT QUEUE [0:0]\nCOMMIT", "line 2: `QUEUE` is not a policy: ACCEPT, DROP or - [QUEUE]"),
        ("*filter\n:web\nCOMMIT", "line 2: a chain is declared as `:NAME POLICY [0:0]` [:web]"),
        (
            "*filter\n:a - [0:0]\n:b - [0:0]\n-A a -p udp -j b\n-A b -p tcp -j a\nCOMMIT",
            "line 5: the jump to `a` makes a loop [a]",
        ),
        (
            "*nat\n:a - [0:0]\n-A a -j MASQUERADE\n-A OUTPUT -j a\nCOMMIT",
            "line 3: `MASQUERADE` cannot be reached from OUTPUT, and this chain is [MASQUERADE]",
        ),
    ] {
        assert_eq!(restored(dump).unwrap_err(), expected);
    }
}

#[test]
fn rules_remember_who_wrote_their_line() {
    let by = Arc::new(Provenance {
        agent: "kube-proxy".into(),
        object: "service default/frontend".into(),
        field: "port 80".into(),
        origin: None,
        read: None,
    });
    let mut input = RestoreInput::default();
    input.push("*nat", None);
    input.push("-A OUTPUT -j ACCEPT", Some(&by));
    input.push("-A OUTPUT -j RETURN", None);
    input.push("COMMIT", None);
    let mut rules = Ruleset::default();
    restore(&mut rules, &input).unwrap();
    let nat = rules.table(TableName::Nat);
    let written = nat.chain_id("OUTPUT").and_then(|id| nat.chain(id)).unwrap();
    let names: Vec<_> = written.rules().iter().map(|rule| rule.provenance.as_ref().map(ToString::to_string)).collect();
    assert_eq!(names, [Some("kube-proxy: service default/frontend, port 80".to_owned()), None]);
}

#[test]
fn a_large_dump_takes_time_in_proportion() {
    use std::fmt::Write;
    let mut dump = "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-OLD - [0:0]\n".to_owned();
    let count = 10_000;
    for at in 0..count {
        writeln!(dump, ":KUBE-SVC-{at:016} - [0:0]").unwrap();
    }
    for at in 0..count {
        let address = std::net::Ipv4Addr::from_bits(0x0a60_0000 + at);
        let port = "-m tcp -p tcp";
        writeln!(
            dump,
            "-A KUBE-SERVICES -m comment --comment \"a service\" {port} -d {address} --dport 80 -j KUBE-SVC-{at:016}"
        )
        .unwrap();
        writeln!(dump, "-A KUBE-SVC-{at:016} {port} -j DNAT --to-destination {address}:80").unwrap();
    }
    for at in 0..count {
        writeln!(dump, "-F KUBE-SVC-{at:016}").unwrap();
    }
    dump.push_str("-F KUBE-SERVICES\n");
    for at in 0..count {
        writeln!(dump, "-X KUBE-SVC-{at:016}").unwrap();
    }
    dump.push_str("COMMIT\n");
    // Were one line to look at every rule, this would be a thousand million looks.
    let mut rules = Ruleset::default();
    load(&mut rules, &dump);
    assert_eq!(rules.table(TableName::Nat).chains().count(), 6);
}
