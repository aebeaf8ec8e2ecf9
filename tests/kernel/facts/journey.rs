//! Which tables a packet meets, in which order, and where the path forks.

use super::agree;

/// A rule in every chain, so that no table counts as absent.
macro_rules! everywhere {
    ($($rest:literal)*) => {
        concat!(
            "*raw\n-A PREROUTING\n-A OUTPUT\nCOMMIT\n",
            "*mangle\n-A PREROUTING\n-A INPUT\n-A FORWARD\n-A OUTPUT\n-A POSTROUTING\nCOMMIT\n",
            "*nat\n-A PREROUTING\n-A INPUT\n-A OUTPUT\n-A POSTROUTING\nCOMMIT\n",
            "*filter\n-A INPUT\n-A FORWARD\n-A OUTPUT\nCOMMIT\n",
            $($rest, "\n",)*
        )
    };
}

#[test]
fn a_forwarded_packet_meets_the_tables_in_this_order() {
    agree(everywhere!("send client 10.0.0.2:40000 > 10.244.0.1:80 udp"), |steps| {
        let order = [
            "PREROUTING raw",
            "PREROUTING mangle",
            "PREROUTING nat",
            "FORWARD mangle",
            "FORWARD filter",
            "POSTROUTING mangle",
            "POSTROUTING nat",
        ];
        assert_eq!(steps[0].tables(), order);
    });
}

#[test]
fn nat_comes_last_at_input() {
    agree(everywhere!("send client 10.0.0.2:40000 > 10.0.0.1:80 udp"), |steps| {
        let order =
            ["PREROUTING raw", "PREROUTING mangle", "PREROUTING nat", "INPUT mangle", "INPUT filter", "INPUT nat"];
        assert_eq!(steps[0].tables()[..6], order);
    });
}

#[test]
fn a_packet_of_the_node_meets_nat_before_filter() {
    agree(everywhere!("send node 10.0.0.1:40000 > 10.244.0.1:80 udp"), |steps| {
        let order =
            ["OUTPUT raw", "OUTPUT mangle", "OUTPUT nat", "OUTPUT filter", "POSTROUTING mangle", "POSTROUTING nat"];
        assert_eq!(steps[0].tables(), order);
    });
}

#[test]
fn nat_is_walked_once_for_each_connection() {
    agree(
        everywhere!(
            "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000"
            "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000"
            "reply tcp SYN,ACK seq 5000 ack 1001"
            "send client 10.0.0.2:40000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001"
        ),
        |steps| {
            let walks: Vec<_> =
                steps.iter().map(|step| step.tables().iter().any(|table| table.ends_with(" nat"))).collect();
            assert_eq!(walks, [true, false, false, false], "not even a SYN that is sent again walks nat");
        },
    );
}

#[test]
fn a_packet_of_the_node_is_routed_again_behind_nat() {
    agree(
        "*nat
-A OUTPUT -d 10.96.0.10/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.244.0.2:5353
COMMIT
*filter
-A OUTPUT
COMMIT
*mangle
-A INPUT
-A POSTROUTING
COMMIT
send node 10.0.0.1:40000 > 10.96.0.10:53 udp data 5
reply udp data 5
",
        |steps| {
            // Filter still has the device that the first look-up gave; POSTROUTING has the other.
            assert!(
                steps[0].one("OUTPUT filter OUTPUT rule 1").contains("(- to eth0) 10.0.0.1:40000 > 10.244.0.2:5353")
            );
            assert!(steps[0].one("POSTROUTING mangle POSTROUTING rule 1").contains("(- to cali2)"));
            // The reply ends in INPUT. Its destination was never translated, and its source is only after it.
            assert!(steps[1].one("INPUT mangle INPUT rule 1").contains("10.244.0.2:5353 > 10.0.0.1:40000"));
        },
    );
}

#[test]
fn a_blackhole_is_silent() {
    agree("send client 10.0.0.2:40000 > 10.244.0.9:80 tcp SYN\n", |steps| assert!(steps[0].is_silent()));
}

#[test]
fn the_nodes_own_address_as_source_is_gone_after_prerouting() {
    agree(everywhere!("send client 10.0.0.1:40000 > 10.244.0.1:80 udp"), |steps| {
        assert_eq!(steps[0].tables(), ["PREROUTING raw", "PREROUTING mangle", "PREROUTING nat"]);
        assert!(steps[0].is_silent() && steps[0].starting("connection").is_empty());
    });
}

#[test]
fn an_unserved_port_of_a_service_is_forwarded_by_the_default_route() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
COMMIT
send pod1 10.244.0.1:40000 > 10.96.0.10:81 tcp SYN
send pod1 10.244.0.1 > 10.96.0.10 icmp echo id 77 seq 1 data 56
",
        |steps| {
            steps[0].one("to client: 10.0.0.1:40000 > 10.96.0.10:81 tcp SYN");
            steps[1].one("to client: 10.0.0.1 > 10.96.0.10 icmp 8/0 id 77");
        },
    );
}

#[test]
fn the_kernel_answers_an_echo() {
    agree(everywhere!("send client 10.0.0.2 > 10.0.0.1 icmp echo id 77 seq 1 data 56"), |steps| {
        steps[0].one("to client: 10.0.0.1 > 10.0.0.2 icmp 0/0 id 77 seq 1");
    });
}

#[test]
fn what_a_process_sends_to_its_own_node_goes_round_by_lo() {
    agree(everywhere!("send node 10.0.0.1:40000 > 10.0.0.1:81 udp"), |steps| {
        // The datagram and the refusal, both.
        assert_eq!(steps[0].starting("INPUT filter INPUT rule 1 (lo to -)").len(), 2);
        assert!(steps[0].is_silent());
    });
}

#[test]
fn a_pod_may_not_forge_its_source() {
    agree(
        "*raw
-A PREROUTING -i cali+ -m rpfilter --invert -j DROP
COMMIT
send pod1 10.244.0.2:40000 > 10.0.0.2:80 udp
send pod1 10.0.0.2:40000 > 10.0.0.2:80 udp
send pod1 10.244.0.1:40000 > 10.0.0.2:80 udp
",
        |steps| {
            assert!(steps[0].is_silent() && steps[1].is_silent());
            steps[2].one("to client:");
        },
    );
}
