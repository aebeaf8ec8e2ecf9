//! Connection tracking: states of packets, states of connections, and how long they last.

use super::agree;

#[test]
fn what_cannot_begin_a_connection_is_invalid() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -j DNAT --to-destination 10.244.0.2
COMMIT
*filter
-A FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
send client 10.0.0.2:40000 > 10.96.0.10:80 tcp SYN,ACK seq 1000 ack 7
send client 10.0.0.2:40001 > 10.96.0.10:80 tcp RST seq 1000
send client 10.0.0.2 > 10.96.0.10 icmp echo-reply id 77 seq 1
send client 10.0.0.2:40002 > 10.96.0.10:80 tcp none seq 1000
",
        |steps| {
            for step in steps {
                step.one("FORWARD filter FORWARD rule 1");
                assert!(step.starting("PREROUTING nat").is_empty());
            }
        },
    );
}

#[test]
fn a_lone_ack_begins_a_connection_and_its_reset_ends_it() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -j DNAT --to-destination 10.244.0.2
COMMIT
send client 10.0.0.2:40000 > 10.96.0.10:80 tcp ACK seq 1000 ack 7
reply tcp RST seq 7
",
        |steps| {
            steps[0].one("PREROUTING nat PREROUTING rule 1");
            steps[0].one("to pod2: 10.0.0.2:40000 > 10.244.0.2:80");
            assert!(steps[1].starting("connection").is_empty());
        },
    );
}

#[test]
fn a_tcp_connection_goes_through_its_states() {
    agree(
        "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK,PSH seq 1001 ack 5001 data 100
reply tcp ACK seq 5001 ack 1101
send pod1 10.244.0.1:80 > 10.0.0.2:40000 tcp ACK,PSH seq 5001 ack 1101 data 200
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1101 ack 5201
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp FIN,ACK seq 1101 ack 5201
send pod1 10.244.0.1:80 > 10.0.0.2:40000 tcp FIN,ACK seq 5201 ack 1102
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1102 ack 5202
",
        |steps| {
            let state = |step: usize, state: &str| {
                assert!(steps[step].one("connection").contains(&format!(" {state} ")), "{:?}", steps[step].0);
            };
            state(0, "SYN_SENT");
            state(1, "SYN_RECV");
            state(2, "ESTABLISHED");
            state(7, "FIN_WAIT");
            state(8, "LAST_ACK");
            state(9, "TIME_WAIT");
        },
    );
}

#[test]
fn a_refused_connection_is_forgotten_at_once() {
    agree(
        "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp RST,ACK seq 0 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 3000
",
        |steps| {
            assert!(steps[1].starting("connection").is_empty());
            assert!(steps[2].one("connection").contains("[UNREPLIED]"));
        },
    );
}

#[test]
fn a_half_closed_connection_waits() {
    agree(
        "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp FIN,ACK seq 1001 ack 5001
reply tcp ACK seq 5001 ack 1002
",
        |steps| assert!(steps[4].one("connection").contains(" CLOSE_WAIT ")),
    );
}

#[test]
fn a_reset_in_the_middle_closes() {
    agree(
        "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp RST seq 1001
",
        |steps| assert!(steps[3].one("connection").contains(" CLOSE ")),
    );
}

#[test]
fn an_acknowledgement_far_outside_the_window_is_invalid() {
    agree(
        "*filter
-A FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 900001001 ack 900005001
",
        |steps| assert!(steps[3].is_silent()),
    );
}

#[test]
fn datagrams_become_a_stream_two_seconds_after_the_first() {
    agree(
        "send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5
reply udp data 5
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5
wait 2100
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5
",
        |steps| {
            assert!(steps[0].one("connection").contains("[UNREPLIED]"));
            assert!(!steps[2].one("connection").contains("[ASSURED]"));
            assert!(steps[4].one("connection").contains("[ASSURED]"));
        },
    );
}

#[test]
fn an_error_about_a_connection_is_related_to_it() {
    agree(
        "*filter
-A FORWARD -m conntrack --ctstate NEW -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT
-A INPUT -p udp -j REJECT
-A OUTPUT -m state --state RELATED -j ACCEPT
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5
send client 10.0.0.2:40000 > 10.0.0.1:53 udp data 5
",
        |steps| assert_eq!(steps[1].starting("OUTPUT filter OUTPUT rule 1").len(), 1),
    );
}

#[test]
fn an_acknowledgement_of_what_nobody_sent_is_invalid() {
    agree(
        "*filter
-A INPUT -p tcp -m tcp --tcp-flags SYN SYN -j REJECT --reject-with tcp-reset
-A OUTPUT -m conntrack --ctstate INVALID
COMMIT
send node 10.0.0.1:40000 > 10.0.0.1:53 tcp SYN seq 1000
send node 10.0.0.1:40000 > 10.0.0.1:53 tcp ACK seq 1001 ack 5001
",
        |steps| assert!(!steps[1].starting("OUTPUT filter OUTPUT rule 1").is_empty()),
    );
}
