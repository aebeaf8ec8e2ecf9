//! What is refused, what runs out, and who is told.

use super::agree;

#[test]
fn a_rejected_first_packet_leaves_no_connection() {
    agree(
        "*raw
-A OUTPUT
COMMIT
*mangle
-A OUTPUT
-A POSTROUTING
COMMIT
*nat
-A POSTROUTING
COMMIT
*filter
-A FORWARD -d 10.96.0.10/32 -p tcp -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -m conntrack --ctstate RELATED -j ACCEPT
COMMIT
send pod1 10.244.0.1:40000 > 10.96.0.10:80 tcp SYN
",
        |steps| {
            // The error belongs to the connection it is about, and so walks no nat chain.
            let told: Vec<_> = steps[0].tables().into_iter().skip_while(|table| table != "OUTPUT raw").collect();
            assert_eq!(told, ["OUTPUT raw", "OUTPUT mangle", "OUTPUT filter", "POSTROUTING mangle"]);
            steps[0].one("OUTPUT filter OUTPUT rule 1");
            // cali1 has no address, so the error has eth0's.
            steps[0].one("to pod1: 10.0.0.1 > 10.244.0.1 icmp 3/3");
            assert!(steps[0].starting("connection").is_empty());
        },
    );
}

#[test]
fn a_dropped_first_packet_leaves_no_connection() {
    agree(
        "*filter
-A FORWARD -p udp -j DROP
COMMIT
send pod1 10.244.0.1:40000 > 10.0.0.2:80 udp
",
        |steps| assert!(steps[0].is_silent() && steps[0].starting("connection").is_empty()),
    );
}

#[test]
fn every_kind_of_rejection_has_its_code() {
    agree(
        "*filter
-A FORWARD -p udp -m udp --dport 1 -j REJECT --reject-with icmp-net-unreachable
-A FORWARD -p udp -m udp --dport 2 -j REJECT --reject-with icmp-host-unreachable
-A FORWARD -p udp -m udp --dport 3 -j REJECT --reject-with icmp-proto-unreachable
-A FORWARD -p udp -m udp --dport 4 -j REJECT --reject-with icmp-net-prohibited
-A FORWARD -p udp -m udp --dport 5 -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -p udp -m udp --dport 6 -j REJECT --reject-with icmp-admin-prohibited
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
COMMIT
send pod1 10.244.0.1:40000 > 10.0.0.2:1 udp data 10
send pod1 10.244.0.1:40000 > 10.0.0.2:2 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:3 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:4 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:5 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:6 udp data 700
send pod1 10.244.0.1:40000 > 10.0.0.2:80 tcp SYN seq 1000
send client 10.0.0.2:40000 > 10.0.0.1:80 tcp SYN seq 1000
",
        |steps| {
            for (step, code) in steps.iter().zip([0, 1, 2, 9, 10, 13]) {
                step.one(&format!("to pod1: 10.0.0.1 > 10.244.0.1 icmp 3/{code}"));
            }
            steps[6].one("to pod1: 10.0.0.2:80 > 10.244.0.1:40000 tcp RST,ACK seq 0 ack 1001");
            steps[7].one("to client: 10.0.0.1:80 > 10.0.0.2:40000 tcp RST,ACK seq 0 ack 1001");
        },
    );
}

#[test]
fn time_to_live_is_looked_at_between_prerouting_and_forward() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -j DNAT --to-destination 10.244.0.2
COMMIT
*filter
-A FORWARD
COMMIT
send client 10.0.0.2:40000 > 10.96.0.10:80 udp ttl 1
",
        |steps| {
            steps[0].one("PREROUTING nat PREROUTING rule 1");
            assert!(steps[0].starting("FORWARD").is_empty() && steps[0].starting("connection").is_empty());
            // The error comes as from the service, and quotes the packet as the client sent it.
            assert!(steps[0].one("to client: 10.96.0.10 > 10.0.0.2 icmp 11/0").contains("> 10.96.0.10:80 udp"));
        },
    );
}

#[test]
fn a_packet_too_long_for_the_next_device_comes_back_as_3_4() {
    agree("send client 10.0.0.2:40000 > 10.244.0.1:80 udp data 1440\n", |steps| {
        steps[0].one("to client: 10.0.0.1 > 10.0.0.2 icmp 3/4 mtu 1440");
    });
}

#[test]
fn an_unserved_port_of_the_node_refuses() {
    agree(
        "send client 10.0.0.2:40000 > 10.0.0.1:81 udp data 5
send client 10.0.0.2:40000 > 10.0.0.1:81 tcp SYN seq 1000
send client 10.0.0.2:40001 > 10.0.0.1:81 tcp ACK seq 1000 ack 7
",
        |steps| {
            steps[0].one("to client: 10.0.0.1 > 10.0.0.2 icmp 3/3");
            steps[1].one("to client: 10.0.0.1:81 > 10.0.0.2:40000 tcp RST,ACK seq 0 ack 1001");
            steps[2].one("to client: 10.0.0.1:81 > 10.0.0.2:40001 tcp RST seq 7 ack 0");
        },
    );
}

#[test]
fn only_an_error_that_a_rule_sends_has_its_connection_already_at_raw() {
    agree(
        "*raw
-A OUTPUT -m conntrack --ctstate RELATED
-A OUTPUT -m conntrack --ctstate INVALID
COMMIT
*mangle
-A OUTPUT -m conntrack --ctstate RELATED
COMMIT
*filter
-A INPUT -p udp -m udp --dport 81 -j REJECT
COMMIT
send client 10.0.0.2:40000 > 10.0.0.1:80 udp data 5
send client 10.0.0.2:40000 > 10.0.0.1:81 udp data 5
",
        |steps| {
            steps[0].one("OUTPUT raw OUTPUT rule 2");
            steps[1].one("OUTPUT raw OUTPUT rule 1");
            for step in steps {
                step.one("OUTPUT mangle OUTPUT rule 1");
            }
        },
    );
}

#[test]
fn a_reset_about_a_first_packet_walks_nat_where_that_packet_has_not_been() {
    agree(
        "*nat
-A PREROUTING
-A OUTPUT
-A POSTROUTING
COMMIT
*filter
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
",
        |steps| {
            assert!(steps[0].starting("OUTPUT nat").is_empty());
            steps[0].one("POSTROUTING nat POSTROUTING rule 1");
        },
    );
}

#[test]
fn a_rule_that_resets_a_connection_closes_it() {
    agree(
        "*filter
-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK,PSH seq 1001 ack 5001 data 9
",
        |steps| assert!(steps[3].one("connection").contains(" CLOSE ")),
    );
}

#[test]
fn an_echo_reply_of_the_kernel_that_a_rule_rejects_is_told_to_nobody() {
    agree(
        "*filter
-A OUTPUT -p icmp -m icmp --icmp-type 0 -j REJECT --reject-with icmp-host-prohibited
-A OUTPUT -p icmp -m icmp --icmp-type 3
COMMIT
send client 10.0.0.2 > 10.0.0.1 icmp echo id 7 seq 1
",
        |steps| assert!(steps[0].starting("OUTPUT filter OUTPUT rule 2").is_empty()),
    );
}

/// `__mkroute_output`: what has 127.0.0.1 for its source leaves by no wire, and the error is never made.
#[test]
fn an_error_that_127_0_0_1_would_have_to_send_is_not_sent() {
    agree(
        "*nat
-A OUTPUT -p udp -m udp --dport 80 -j REDIRECT
-A OUTPUT -p udp -m udp --dport 81 -j DNAT --to-destination 10.0.0.1
-A POSTROUTING -p udp -j SNAT --to-source 10.0.0.3
COMMIT
*filter
-A OUTPUT -p icmp
COMMIT
send node 10.0.0.1:10023 > 10.0.0.2:80 udp
send node 10.0.0.1:10023 > 10.0.0.2:81 udp
",
        |steps| {
            assert!(steps[0].starting("OUTPUT filter OUTPUT rule 1").is_empty());
            steps[1].one("OUTPUT filter OUTPUT rule 1");
        },
    );
}

#[test]
fn a_rejection_of_what_is_damaged_tells_nobody() {
    agree(
        "*filter
-A FORWARD -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset
-A FORWARD -j REJECT --reject-with icmp-host-unreachable
COMMIT
send pod1 10.244.0.1:40000 > 10.0.0.2:80 tcp SYN checksum bad
send pod1 10.244.0.1:40000 > 10.0.0.2:81 tcp SYN checksum bad
send pod1 10.244.0.1:40000 > 10.0.0.2:81 udp data 5 checksum bad
send pod1 10.244.0.1:40000 > 10.0.0.2:81 udp data 5
",
        |steps| {
            for step in &steps[..3] {
                assert!(step.is_silent());
            }
            steps[3].one("to pod1: 10.0.0.1 > 10.244.0.1 icmp 3/1");
        },
    );
}

#[test]
fn a_reset_that_a_rule_would_reset_has_ended_its_connection_already() {
    agree(
        "*filter
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
COMMIT
send node 10.0.0.1:10027 > 10.96.0.10:443 tcp SYN seq 1000
reply tcp RST,ACK seq 0 ack 1001
",
        |steps| assert!(steps[1].starting("connection").is_empty() && steps[1].starting("to").is_empty()),
    );
}
