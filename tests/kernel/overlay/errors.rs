//! What does not get through the tunnel, and who is told.

use super::{agree, at};

#[test]
fn an_address_that_no_pod_has_is_swallowed_by_the_block_of_its_node() {
    agree("send client 192.168.8.193:40000 > 192.168.104.99:80 tcp SYN\n", |steps| {
        let receiver = at(&steps[0], "worker1");
        // The outer packet was delivered; the inner one ends behind PREROUTING, and nobody is told.
        assert!(receiver.starting("PREROUTING nat PREROUTING policy (tunl0 to -)").len() == 1, "{:#?}", receiver.0);
        assert!(receiver.starting("FORWARD").is_empty());
        assert_eq!(steps[0].starting("to ").len(), 1, "the outer packet, and no more");
    });
}

#[test]
fn what_is_too_long_for_the_tunnel_comes_back_before_forward() {
    agree(
        "send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 1460
send outside 10.1.0.89:60864 > 10.1.110.105:80 tcp ACK data 1440
send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 1412
",
        |steps| {
            assert!(steps[..2].iter().all(|step| at(step, "worker2").starting("FORWARD").is_empty()));
            // The pod's device has no address. The first that has one lends it, and here that is tunl0.
            steps[0].one("to client: 192.168.8.192 > 192.168.8.193 icmp 3/4 mtu 1440");
            steps[1].one("to outside: 10.1.110.105 > 10.1.0.89 icmp 3/4 mtu 1440");
            steps[2].one("to nginx: 192.168.8.193:40000 > 192.168.104.65:80 udp");
        },
    );
}

#[test]
fn a_time_to_live_that_runs_out_behind_the_tunnel_is_told_through_the_tunnel() {
    agree(
        "send outside 10.1.0.89:60864 > 10.1.110.105:80 tcp SYN seq 1000 ttl 2
send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5 ttl 2
send client 192.168.8.193:40000 > 192.168.104.65:80 udp data 5 ttl 1
",
        |steps| {
            // worker1's tunl0 sends it; worker2 has it look as if it came from the service.
            steps[0].one("to worker2: 10.1.110.102 > 10.1.110.107 ipip [192.168.104.64 > 192.168.8.192 icmp 11/0");
            assert!(
                steps[0].one("to outside: 10.1.110.105 > 10.1.0.89 icmp 11/0").contains("> 10.1.110.105:80"),
                "{:#?}",
                steps[0].0
            );
            steps[1].one("to client: 192.168.104.64 > 192.168.8.193 icmp 11/0");
            steps[2].one("to client: 192.168.8.192 > 192.168.8.193 icmp 11/0");
        },
    );
}
