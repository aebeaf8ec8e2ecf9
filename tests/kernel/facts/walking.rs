//! How rules follow each other: jumps, gotos, RETURN, policies, marks.

use super::agree;

#[test]
fn a_goto_returns_to_the_callers_caller() {
    agree(
        "*mangle
:one - [0:0]
:two - [0:0]
-A PREROUTING -j one
-A PREROUTING -p udp
-A one -g two
-A one -p udp
-A two -p udp
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| {
            let rules: Vec<_> =
                steps[0].starting("PREROUTING mangle").iter().map(|line| line.split(" (").next()).collect();
            let expected = [
                "PREROUTING mangle PREROUTING rule 1",
                "PREROUTING mangle one rule 1",
                "PREROUTING mangle two rule 1",
                "PREROUTING mangle two return",
                "PREROUTING mangle PREROUTING rule 2",
                "PREROUTING mangle PREROUTING policy",
            ];
            assert_eq!(rules, expected.map(Some));
        },
    );
}

#[test]
fn a_goto_from_a_built_in_chain_ends_in_its_policy() {
    agree(
        "*filter
:FORWARD DROP [0:0]
:two - [0:0]
-A FORWARD -p udp -g two
-A FORWARD -j ACCEPT
-A two -p tcp
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| {
            steps[0].one("FORWARD filter two return");
            steps[0].one("FORWARD filter FORWARD policy");
            assert!(steps[0].is_silent());
        },
    );
}

#[test]
fn return_leaves_a_chain_and_in_a_built_in_one_means_the_policy() {
    agree(
        "*filter
:FORWARD DROP [0:0]
:one - [0:0]
-A FORWARD -j one
-A FORWARD -p udp -j RETURN
-A FORWARD -j ACCEPT
-A one -p udp -j RETURN
-A one -j DROP
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 tcp SYN
",
        |steps| {
            steps[0].one("FORWARD filter one rule 1");
            steps[0].one("FORWARD filter FORWARD policy");
            assert!(steps[0].is_silent() && steps[1].is_silent());
        },
    );
}

#[test]
fn a_mark_is_seen_by_the_rules_behind_it_and_by_every_later_table() {
    agree(
        "*raw
-A PREROUTING -j MARK --set-xmark 0x10/0xff
COMMIT
*mangle
-A PREROUTING -m mark --mark 0x10 -j MARK --set-xmark 0xf00/0x0
-A PREROUTING -m mark --mark 0xf00/0xf00 -j MARK --and-mark 0x300
-A PREROUTING -m mark ! --mark 0x10/0x10
COMMIT
*filter
-A FORWARD -m mark --mark 0x300
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| assert!(steps[0].one("FORWARD filter FORWARD rule 1").ends_with("mark 0x300")),
    );
}

#[test]
fn every_nth_packet_is_counted_for_each_rule() {
    agree(
        "*mangle
-A PREROUTING -m statistic --mode nth --every 3 --packet 0
-A PREROUTING -m statistic --mode nth --every 2 --packet 1
-A PREROUTING -m statistic --mode nth ! --every 2 --packet 0
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| {
            let hits = |rule: &str| {
                let rule = format!("PREROUTING mangle PREROUTING rule {rule} ");
                steps.iter().map(|step| step.starting(&rule).len()).collect::<Vec<_>>()
            };
            assert_eq!(hits("1"), [1, 0, 0, 1]);
            assert_eq!(hits("2"), [0, 1, 0, 1]);
        },
    );
}

#[test]
fn a_set_is_asked_for_the_side_that_the_rule_names() {
    agree(
        "ipset pods 10.244.0.0/24
*raw
-A PREROUTING -m set --match-set pods src
-A PREROUTING -m set --match-set pods dst
-A PREROUTING -m set ! --match-set pods src
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:53 udp
",
        |steps| {
            let rules = |step: usize| steps[step].starting("PREROUTING raw PREROUTING rule").len();
            assert_eq!((rules(0), rules(1)), (2, 1));
        },
    );
}

#[test]
fn the_icmp_type_any_is_every_type() {
    agree(
        "*raw
-A PREROUTING -p icmp -m icmp --icmp-type any
-A PREROUTING -p icmp -m icmp --icmp-type 8
-A PREROUTING -p icmp -m icmp ! --icmp-type 8
COMMIT
send client 10.0.0.2 > 10.244.0.1 icmp echo id 7 seq 1
send client 10.0.0.2 > 10.244.0.1 icmp echo-reply id 7 seq 1
",
        |steps| assert!(steps.iter().all(|step| step.starting("PREROUTING raw PREROUTING rule").len() == 2)),
    );
}

#[test]
fn two_counts_in_one_rule_are_counted_apart() {
    agree(
        "*mangle
-A PREROUTING -m statistic --mode nth --every 2 --packet 0 -m statistic --mode nth --every 2 --packet 0
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| assert_eq!(steps[0].starting("PREROUTING mangle PREROUTING rule 1").len(), 1),
    );
}

#[test]
fn counts_of_rules_in_two_tables_are_counted_apart() {
    agree(
        "*raw
-A PREROUTING -m statistic --mode nth --every 2 --packet 0
COMMIT
*mangle
-A PREROUTING -m statistic --mode nth --every 2 --packet 0
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| {
            steps[0].one("PREROUTING raw PREROUTING rule 1");
            steps[0].one("PREROUTING mangle PREROUTING rule 1");
        },
    );
}
