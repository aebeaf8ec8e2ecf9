//! The outer packet: where the tables see it, what its header has, and what it shares with the inner one.

use super::{agree, at};

#[test]
fn the_inner_packet_finishes_before_the_outer_one_begins() {
    agree("send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5\n", |steps| {
        let order = [
            "PREROUTING raw",
            "PREROUTING mangle",
            "PREROUTING nat",
            "FORWARD mangle",
            "FORWARD filter",
            "POSTROUTING mangle",
            "POSTROUTING nat",
            "OUTPUT raw",
            "OUTPUT mangle",
            "OUTPUT nat",
            "OUTPUT filter",
            "POSTROUTING mangle",
            "POSTROUTING nat",
        ];
        let sender = at(&steps[0], "worker2");
        assert_eq!(sender.tables(), order);
        assert!(!sender.starting("OUTPUT raw OUTPUT rule 1 (- to ens192) 10.1.110.107 > 10.1.110.102").is_empty());
        assert!(!sender.starting("POSTROUTING nat POSTROUTING rule 1 (tunl0 to ens192)").is_empty());
    });
}

#[test]
fn the_outer_header_takes_ttl_and_df_from_the_inner() {
    agree(
        "send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5 ttl 64
send client 192.168.8.193:40001 > 192.168.104.65:80 tcp SYN ttl 17
send client 192.168.8.193:40001 > 192.168.104.65:80 tcp SYN ttl 255
",
        |steps| {
            for (step, ttl) in steps.iter().zip([63, 16, 254]) {
                let outer = step.one("to worker1: 10.1.110.107 > 10.1.110.102 ipip");
                let (inner, header) = outer.split_once("] ").expect("an inner packet");
                assert!(header.starts_with(&format!("ttl {ttl} tos 0x0 df length ")), "{outer}");
                assert!(inner.contains(&format!(" ttl {ttl} tos 0x0 df length ")), "{outer}");
            }
        },
    );
}

#[test]
fn the_receiver_delivers_the_outer_packet_to_itself_and_takes_in_the_inner_by_tunl0() {
    agree("send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5\n", |steps| {
        let order = [
            "PREROUTING raw",
            "PREROUTING mangle",
            "PREROUTING nat",
            "INPUT mangle",
            "INPUT filter",
            "INPUT nat",
            "PREROUTING raw",
            "PREROUTING mangle",
            "PREROUTING nat",
            "FORWARD mangle",
            "FORWARD filter",
            "POSTROUTING mangle",
            "POSTROUTING nat",
        ];
        let receiver = at(&steps[0], "worker1");
        assert_eq!(receiver.tables(), order);
        // It is for the node itself, and so looked up among the node ports. Calico lets in what comes from a node.
        receiver.one("PREROUTING nat KUBE-NODEPORTS return (ens192 to -) 10.1.110.107 > 10.1.110.102");
        receiver.one("INPUT filter cali-INPUT rule 1 (ens192 to -) 10.1.110.107 > 10.1.110.102");
        assert!(!receiver.starting("PREROUTING raw PREROUTING rule 1 (tunl0 to -) 192.168.8.193:40000").is_empty());
    });
}

#[test]
fn all_packets_between_two_nodes_are_one_connection() {
    agree(
        "send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5
send web 192.168.8.194:40000 > 192.168.104.65:53 udp data 5
reply udp data 7
",
        |steps| {
            for node in ["worker1", "worker2"] {
                at(&steps[1], node).one("connection unknown 4 src=10.1.110.107 dst=10.1.110.102 [UNREPLIED]");
                at(&steps[2], node).one("connection unknown 4 src=10.1.110.107 dst=10.1.110.102 src=10.1.110.102");
            }
            // The inner packet is the first of its connection, the outer is not.
            let nat = |step: usize, node: &str, outer: &str| {
                let events = at(&steps[step], node);
                events.0.iter().any(|line| line.contains(" nat ") && line.contains(outer))
            };
            assert!(nat(0, "worker2", " 10.1.110.107 > ") && nat(0, "worker1", " 10.1.110.107 > "));
            assert!(!nat(1, "worker2", " 10.1.110.107 > ") && !nat(1, "worker1", " 10.1.110.107 > "));
            assert!(nat(1, "worker2", " 192.168.8.194:") && nat(1, "worker1", " 192.168.8.194:"));
        },
    );
}

#[test]
fn the_mark_stays_with_the_packet_inside_a_node_and_does_not_cross_the_wire() {
    agree(
        "send worker2 0.0.0.0:40003 > 10.96.179.211:80 udp data 5\nsend worker2 0.0.0.0:40003 > 10.96.179.211:80 tcp SYN\n",
        |steps| {
            // Calico's MASQUERADE comes before kube-proxy's, which would have taken the mark away.
            let sender = at(&steps[1], "worker2");
            sender.one("OUTPUT nat KUBE-MARK-MASQ rule 1 (- to ens192) 10.1.110.107:40003 > 10.96.179.211:80 mark 0x0");
            let outer = sender.starting("OUTPUT raw OUTPUT rule 1 (- to ens192) 10.1.110.107 > 10.1.110.102");
            assert!(outer[0].ends_with(" mark 0x4000"), "{outer:?}");
            sender
                .one("POSTROUTING nat KUBE-POSTROUTING rule 3 (tunl0 to ens192) 10.1.110.107 > 10.1.110.102 mark 0x0");
            let receiver = at(&steps[1], "worker1");
            let first = receiver.starting("PREROUTING raw PREROUTING rule 1 (ens192 to -)");
            assert!(first[0].ends_with(" mark 0x0"), "{first:?}");
        },
    );
}
