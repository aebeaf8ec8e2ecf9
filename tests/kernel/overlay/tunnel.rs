//! What goes into the tunnel, and what comes out of it.

use super::{agree, at};

#[test]
fn a_load_balancers_packet_for_the_other_node_gets_the_address_of_tunl0() {
    agree(
        "send outside 10.1.0.89:60864 > 10.1.110.105:80 tcp SYN seq 1000 ttl 62
reply tcp SYN,ACK seq 5000 ack 1001
send outside 10.1.0.89:60864 > 10.1.110.105:80 tcp ACK seq 1001 ack 5001 ttl 62
",
        |steps| {
            steps[0].one("to nginx: 192.168.8.192:random > 192.168.104.65:80 tcp SYN");
            steps[1].one("to outside: 10.1.110.105:80 > 10.1.0.89:60864 tcp SYN,ACK");
            steps[2].one("to nginx: 192.168.8.192:random > 192.168.104.65:80 tcp ACK");
        },
    );
}

#[test]
fn a_process_of_a_node_reaches_a_service_with_the_address_of_tunl0() {
    agree(
        "send worker2 0.0.0.0:40003 > 10.96.179.211:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            // First it has the address that suits the way to the service, then Calico's rule for tunl0 gives it another.
            at(&steps[0], "worker2")
                .one("OUTPUT raw OUTPUT rule 1 (- to ens192) 10.1.110.107:40003 > 10.96.179.211:80");
            at(&steps[0], "worker2").one("POSTROUTING nat cali-POSTROUTING rule 3 (- to tunl0) 10.1.110.107:40003");
            steps[0].one("to nginx: 192.168.8.192:random > 192.168.104.65:80 tcp SYN");
            // Nobody on worker2 had really asked.
            steps[1].one("to nginx: 192.168.8.192:random > 192.168.104.65:80 tcp RST");
        },
    );
}

#[test]
fn a_process_of_a_node_reaches_a_pod_without_nat() {
    agree(
        "send worker2 0.0.0.0:40003 > 192.168.104.65:80 udp data 5
reply udp data 7
",
        |steps| {
            steps[0].one("to nginx: 192.168.8.192:40003 > 192.168.104.65:80 udp");
            at(&steps[1], "worker2").one("INPUT filter INPUT rule 1 (tunl0 to -) 192.168.104.65:80");
        },
    );
}

#[test]
fn a_pod_reaches_a_pod_and_a_service_with_its_own_address() {
    agree(
        "send client 192.168.8.193:40000 > 192.168.104.65:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 192.168.8.193:40001 > 10.96.179.211:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send nginx 192.168.104.65:40002 > 10.96.179.212:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            steps[0].one("to nginx: 192.168.8.193:40000 > 192.168.104.65:80");
            steps[1].one("to client: 192.168.104.65:80 > 192.168.8.193:40000");
            steps[2].one("to nginx: 192.168.8.193:40001 > 192.168.104.65:80");
            steps[3].one("to client: 10.96.179.211:80 > 192.168.8.193:40001");
            steps[4].one("to web: 192.168.104.65:40002 > 192.168.8.194:8080");
            steps[5].one("to nginx: 10.96.179.212:80 > 192.168.104.65:40002");
        },
    );
}

#[test]
fn a_node_port_leads_to_a_pod_of_the_other_node() {
    agree(
        "send outside 10.1.0.89:50000 > 10.1.110.107:32045 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send outside 10.1.0.89:50000 > 10.1.110.102:32045 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            steps[0].one("to nginx: 192.168.8.192:random > 192.168.104.65:80");
            steps[1].one("to outside: 10.1.110.107:32045 > 10.1.0.89:50000");
            // No tunnel on the way: the pod's device has no address, and the first that has one lends it.
            steps[2].one("to nginx: 192.168.104.64:random > 192.168.104.65:80");
            assert!(steps[2].starting("to worker").is_empty());
            steps[3].one("to outside: 10.1.110.102:32045 > 10.1.0.89:50000");
        },
    );
}

#[test]
fn an_echo_goes_through_the_tunnel_and_back() {
    agree(
        "send client 192.168.8.193 > 192.168.104.65 icmp echo id 77 seq 1 data 56
reply icmp echo-reply id 77 seq 1 data 56
send client 192.168.8.193 > 192.168.104.64 icmp echo id 78 seq 1 data 56
",
        |steps| {
            steps[0].one("to nginx: 192.168.8.193 > 192.168.104.65 icmp 8/0 id 77");
            steps[1].one("to client: 192.168.104.65 > 192.168.8.193 icmp 0/0 id 77");
            // The other node's tunl0 has an address, and answers by itself.
            steps[2].one("to client: 192.168.104.64 > 192.168.8.193 icmp 0/0 id 78");
        },
    );
}
