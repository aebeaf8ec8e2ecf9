//! NAT: what becomes of addresses and ports.

use super::agree;

#[test]
fn a_reply_is_un_translated_in_two_steps() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
-A POSTROUTING -o cali2 -j MASQUERADE
COMMIT
*mangle
-A POSTROUTING -j ACCEPT
COMMIT
send client 10.0.0.2:40003 > 10.96.0.10:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            steps[0].one("to pod2: 10.0.0.1:40003 > 10.244.0.2:8080");
            // The destination is the client's again, the source is not yet the service's.
            assert!(steps[1].one("POSTROUTING mangle").contains("10.244.0.2:8080 > 10.0.0.2:40003"));
            steps[1].one("to client: 10.96.0.10:80 > 10.0.0.2:40003");
        },
    );
}

#[test]
fn masquerade_takes_another_devices_address_where_its_own_has_none() {
    agree(
        "*nat
-A POSTROUTING -o cali1 -j MASQUERADE
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:80 udp
",
        |steps| assert_eq!(steps[0].starting("to pod1: 10.0.0.1:40000 > 10.244.0.1:80").len(), 1),
    );
}

#[test]
fn masquerade_keeps_a_port_until_another_has_it() {
    agree(
        "*nat
-A POSTROUTING -o cali1 -j MASQUERADE
COMMIT
send client 10.0.0.2:41000 > 10.244.0.1:80 udp
send client 10.0.0.3:41000 > 10.244.0.1:80 udp
reply udp
",
        |steps| {
            steps[0].one("to pod1: 10.0.0.1:41000 > 10.244.0.1:80");
            steps[1].one("to pod1: 10.0.0.1:random > 10.244.0.1:80");
            steps[2].one("to client: 10.244.0.1:80 > 10.0.0.3:41000");
        },
    );
}

#[test]
fn random_fully_never_keeps_a_port() {
    agree(
        "*nat
-A POSTROUTING -o cali1 -j MASQUERADE --random-fully
COMMIT
send client 10.0.0.2:41000 > 10.244.0.1:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:41000 > 10.244.0.1:80 tcp ACK seq 1001 ack 5001
",
        |steps| {
            steps[0].one("to pod1: 10.0.0.1:random > 10.244.0.1:80");
            steps[1].one("to client: 10.244.0.1:80 > 10.0.0.2:41000 tcp SYN,ACK");
            steps[2].one("to pod1: 10.0.0.1:random > 10.244.0.1:80");
        },
    );
}

#[test]
fn a_pod_reaches_itself_by_its_service() {
    agree(
        "*nat
:SEP - [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j SEP
-A SEP -s 10.244.0.1/32 -j MARK --set-xmark 0x4000/0x4000
-A SEP -p tcp -m tcp -j DNAT --to-destination 10.244.0.1:8080
-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A POSTROUTING -j MASQUERADE
COMMIT
send pod1 10.244.0.1:40000 > 10.96.0.10:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            steps[0].one("to pod1: 10.0.0.1:40000 > 10.244.0.1:8080");
            steps[1].one("to pod1: 10.96.0.10:80 > 10.244.0.1:40000");
        },
    );
}

#[test]
fn a_node_port_without_a_mark_keeps_the_client() {
    agree(
        "*nat
:PORTS - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j PORTS
-A PORTS -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.0.2:8080
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
COMMIT
send client 10.0.0.2:40000 > 10.0.0.1:30080 tcp SYN
",
        |steps| assert_eq!(steps[0].starting("to pod2: 10.0.0.2:40000 > 10.244.0.2:8080").len(), 1),
    );
}

#[test]
fn snat_at_input_changes_what_a_process_sees() {
    agree(
        "*nat
-A INPUT -s 10.0.0.2/32 -j SNAT --to-source 10.0.0.3
COMMIT
send client 10.0.0.2 > 10.0.0.1 icmp echo id 9 seq 1
",
        |steps| assert_eq!(steps[0].starting("to client: 10.0.0.1 > 10.0.0.2 icmp 0/0 id 9").len(), 1),
    );
}

#[test]
fn a_port_range_keeps_the_port_that_lies_in_it() {
    agree(
        "*nat
-A POSTROUTING -o cali1 -p udp -j MASQUERADE --to-ports 41000-41000
-A POSTROUTING -o cali2 -p udp -j SNAT --to-source 10.0.0.9:2000-3000
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:80 udp
send client 10.0.0.2:2500 > 10.244.0.2:80 udp
reply udp
",
        |steps| {
            steps[0].one("to pod1: 10.0.0.1:41000 > 10.244.0.1:80");
            steps[1].one("to pod2: 10.0.0.9:2500 > 10.244.0.2:80");
            steps[2].one("to client: 10.244.0.2:80 > 10.0.0.2:2500");
        },
    );
}

#[test]
fn an_echo_and_its_answer_are_translated() {
    agree(
        "*nat
-A PREROUTING -d 10.96.0.10/32 -j DNAT --to-destination 10.244.0.2
-A POSTROUTING -o cali2 -j MASQUERADE
COMMIT
send client 10.0.0.2 > 10.96.0.10 icmp echo id 77 seq 1
reply icmp echo-reply id 77 seq 1
",
        |steps| {
            steps[0].one("to pod2: 10.0.0.1 > 10.244.0.2 icmp 8/0 id 77");
            steps[1].one("to client: 10.96.0.10 > 10.0.0.2 icmp 0/0 id 77");
        },
    );
}

#[test]
fn masquerade_on_lo_takes_an_address_that_others_can_reach() {
    agree(
        "*nat
-A OUTPUT -d 10.96.0.10/32 -j DNAT --to-destination 10.0.0.1
-A POSTROUTING -o lo -j MASQUERADE
COMMIT
send node 10.0.0.1:40000 > 10.96.0.10:53 udp data 5
",
        |steps| assert!(steps[0].one("connection").contains("src=10.0.0.1 dst=10.0.0.1 sport=53 dport=40000")),
    );
}
