//! What matches remember, and for how long.

use super::agree;

#[test]
fn a_limit_lets_its_burst_through() {
    agree(
        "*mangle
-A PREROUTING -m limit --limit 3/hour --limit-burst 2
-A PREROUTING -m hashlimit --hashlimit-upto 3/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name one
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.3:40000 > 10.244.0.1:53 udp
",
        |steps| {
            let rules = |rule: &str| steps.iter().map(|step| step.starting(rule).len()).collect::<Vec<_>>();
            assert_eq!(rules("PREROUTING mangle PREROUTING rule 1 "), [1, 1, 0, 0]);
            assert_eq!(rules("PREROUTING mangle PREROUTING rule 2 "), [1, 0, 0, 1]);
        },
    );
}

/// `ip_tables` makes all matches of the table anew; `nf_tables` leaves a rule that stays alone. Both move the rule.
#[test]
fn what_a_rule_remembers_when_another_is_put_before_it() {
    agree(
        "*mangle
-A PREROUTING -m limit --limit 3/hour --limit-burst 1
-A PREROUTING -m statistic --mode nth --every 3 --packet 0
COMMIT
*raw
-A PREROUTING -m limit --limit 3/hour --limit-burst 1
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
do iptables -t mangle -I PREROUTING -p tcp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
do iptables -t mangle -D PREROUTING 1
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
",
        |steps| {
            // Another table is another matter with both.
            assert!(steps[2].starting("PREROUTING raw PREROUTING rule 1").is_empty());
        },
    );
}

#[test]
fn a_member_of_a_set_leaves_it_in_time() {
    agree(
        "create suite-timed hash:ip timeout 2
add suite-timed 10.0.0.3 timeout 0
*mangle
-A PREROUTING -m set --match-set suite-timed src
COMMIT
do ipset add suite-timed 10.0.0.2
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
wait 2500
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.3:40000 > 10.244.0.1:53 udp
",
        |steps| {
            let hits = |step: usize| steps[step].starting("PREROUTING mangle PREROUTING rule 1").len();
            assert_eq!([hits(1), hits(3), hits(4)], [1, 0, 1]);
        },
    );
}

#[test]
fn who_has_sent_a_packet() {
    agree(
        "*mangle
-A OUTPUT -m owner --uid-owner 0
-A OUTPUT -m owner ! --gid-owner 0
-A OUTPUT -m owner --socket-exists
-A OUTPUT -m owner --uid-owner 1000
-A POSTROUTING -m owner --uid-owner 0
COMMIT
*filter
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
COMMIT
send node 10.0.0.1:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.0.0.1:53 udp
send client 10.0.0.2:40000 > 10.0.0.1:53 tcp SYN
send client 10.0.0.2:40000 > 10.244.0.1:53 tcp SYN
send client 10.0.0.2 > 10.0.0.1 icmp echo id 7 seq 1
",
        |steps| assert_eq!(steps[0].starting("OUTPUT mangle OUTPUT rule").len(), 2),
    );
}
