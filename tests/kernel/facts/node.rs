//! The node itself: what it tracks, validates, tells its neighbours, and answers.

use super::agree;

#[test]
fn a_datagram_with_a_bad_checksum_is_invalid() {
    agree(
        "*mangle
-A PREROUTING -m conntrack --ctstate INVALID
COMMIT
*nat
-A PREROUTING -p udp -j DNAT --to-destination 10.244.0.2
COMMIT
*filter
-A FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
send client 10.0.0.2:40000 > 10.96.0.10:53 udp data 5 checksum bad
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000 checksum bad
send client 10.0.0.2:40000 > 10.96.0.10:53 udp data 5
",
        |steps| {
            for step in &steps[..2] {
                step.one("FORWARD filter FORWARD rule 1");
                assert!(step.starting("PREROUTING nat").is_empty() && step.starting("connection").is_empty());
            }
            steps[2].one("to pod2: 10.0.0.2:40000 > 10.244.0.2:53");
        },
    );
}

#[test]
fn a_node_port_of_127_0_0_1_works_where_loopback_is_routed() {
    agree(
        "*nat
-A OUTPUT -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.0.2:8080
-A POSTROUTING -o cali2 -j MASQUERADE
COMMIT
*filter
-A OUTPUT
COMMIT
do sysctl net.ipv4.conf.all.route_localnet 1
send node 127.0.0.1:40000 > 127.0.0.1:30080 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
",
        |steps| {
            assert!(steps[1].one("OUTPUT nat OUTPUT rule 1").contains("(- to lo) 127.0.0.1:40000 > 127.0.0.1:30080"));
            assert!(
                steps[1].one("OUTPUT filter OUTPUT rule 1").contains("(- to lo) 127.0.0.1:40000 > 10.244.0.2:8080")
            );
            assert!(steps[1].one("POSTROUTING nat POSTROUTING rule 1").contains("(- to cali2)"));
            steps[1].one("to pod2: 10.0.0.1:40000 > 10.244.0.2:8080");
            // Nobody has the socket, and so the answer to the answer is a reset.
            steps[2].one("INPUT filter INPUT policy (cali2 to -) 10.244.0.2:8080 > 127.0.0.1:40000");
            steps[2].one("to pod2: 10.0.0.1:40000 > 10.244.0.2:8080 tcp RST");
        },
    );
}

#[test]
fn a_hairpin_makes_the_node_send_a_redirect_that_nat_drops() {
    agree(
        "*raw
-A OUTPUT
COMMIT
*mangle
-A OUTPUT
-A POSTROUTING
COMMIT
*nat
:SEP - [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j SEP
-A SEP -s 10.244.0.1/32 -j MARK --set-xmark 0x4000/0x4000
-A SEP -p tcp -m tcp -j DNAT --to-destination 10.244.0.1:8080
-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A POSTROUTING -j MASQUERADE --random-fully
COMMIT
*filter
-A OUTPUT
COMMIT
do sysctl net.ipv4.conf.all.send_redirects 1
send pod1 10.244.0.1:40000 > 10.96.0.10:80 tcp SYN seq 1000
",
        |steps| {
            steps[1].one("OUTPUT raw OUTPUT rule 1");
            steps[1].one("OUTPUT mangle OUTPUT rule 1");
            assert!(steps[1].starting("OUTPUT filter").is_empty() && steps[1].starting("OUTPUT nat").is_empty());
            assert_eq!(steps[1].starting("to ").len(), 1);
            steps[1].one("to pod1: 10.0.0.1:random > 10.244.0.1:8080");
        },
    );
}

#[test]
fn a_second_connection_of_a_client_finds_it_among_the_recent() {
    agree(
        "*nat
:ONE - [0:0]
:TWO - [0:0]
:SVC - [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j SVC
-A SVC -m recent --rcheck --seconds 10800 --reap --name ONE --mask 255.255.255.255 --rsource -j ONE
-A SVC -m recent --rcheck --seconds 10800 --reap --name TWO --mask 255.255.255.255 --rsource -j TWO
-A SVC -m statistic --mode random --probability 1 -j TWO
-A SVC -j ONE
-A ONE -p tcp -m recent --set --name ONE --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination 10.244.0.1:80
-A TWO -p tcp -m recent --set --name TWO --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination 10.244.0.2:80
COMMIT
send client 10.0.0.2:40000 > 10.96.0.10:80 tcp SYN seq 1000
send client 10.0.0.2:40001 > 10.96.0.10:80 tcp SYN seq 1000
send client 10.0.0.3:40000 > 10.96.0.10:80 tcp SYN seq 1000
",
        |steps| {
            steps[0].one("PREROUTING nat SVC rule 3");
            steps[1].one("PREROUTING nat SVC rule 2");
            steps[2].one("PREROUTING nat SVC rule 3");
        },
    );
}

#[test]
fn fragments_are_one_packet_to_the_rules_and_leave_as_fragments() {
    agree(
        "*raw
-A PREROUTING -p udp -m udp --dport 53
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 2000 parts 1400
",
        |steps| {
            steps[0].one("PREROUTING raw PREROUTING rule 1");
            assert_eq!(steps[0].starting("to pod1:").len(), 2);
        },
    );
}

#[test]
fn what_a_process_sends_in_parts_is_one_packet_to_output() {
    agree(
        "*raw
-A OUTPUT -p udp -m udp --dport 53
COMMIT
send node 10.0.0.1:40000 > 10.244.0.1:53 udp data 2000 parts 1400
send node 10.0.0.1:40000 > 10.0.0.1:53 udp data 2000 parts 1400
",
        |steps| {
            steps[0].one("OUTPUT raw OUTPUT rule 1");
            assert_eq!(steps[0].starting("to pod1:").len(), 2);
        },
    );
}

/// Rules, whether they make a namespace track connections.
macro_rules! tracked {
    ($($name:ident: $rules:literal, $tracks:literal;)*) => {$(
        #[test]
        fn $name() {
            agree(
                concat!("tracking as needed\n", $rules, "send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5\n"),
                |steps| assert_eq!(steps[0].starting("connection").len(), usize::from($tracks)),
            );
        }
    )*};
}

tracked! {
    plain_rules_track_nothing: "*filter\n-A FORWARD -p udp -j ACCEPT\nCOMMIT\n", false;
    a_translation_tracks: "*nat\n-A PREROUTING -p tcp -m tcp --dport 1 -j DNAT --to-destination 10.244.0.2\nCOMMIT\n", true;
    a_condition_on_a_connection_tracks: "*filter\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n", true;
    a_condition_on_its_mark_tracks: "*filter\n-A INPUT -m connmark --mark 0x1\nCOMMIT\n", true;
    an_exemption_tracks_nothing: "*raw\n-A OUTPUT -p tcp -j CT --notrack\nCOMMIT\n", false;
    a_zone_tracks: "*raw\n-A OUTPUT -p tcp -j CT --zone 5\nCOMMIT\n", true;
}

#[test]
fn without_tracking_fragments_stay_fragments() {
    agree(
        "tracking as needed
*raw
-A PREROUTING -p udp
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 2000 parts 1400
",
        |steps| assert_eq!(steps[0].starting("PREROUTING raw PREROUTING rule 1").len(), 2),
    );
}

#[test]
fn a_proxy_answers_for_what_leads_elsewhere() {
    agree(
        "ask pod1 10.244.0.1 169.254.1.1
ask pod1 10.244.0.1 10.244.0.1
do unroute default via 10.0.0.2 dev eth0
ask pod1 10.244.0.1 169.254.1.1
",
        |steps| {
            steps[0].one("arp to pod1: 169.254.1.1 is at ee:ee:ee:ee:ee:ee");
            assert!(steps[1].starting("arp").is_empty() && steps[3].starting("arp").is_empty());
        },
    );
}

#[test]
fn the_log_tells_of_packets() {
    agree(
        "*mangle
-A PREROUTING -j LOG --log-prefix \"suite pre \"
-A POSTROUTING -j LOG --log-prefix \"suite post \"
-A OUTPUT -j LOG --log-prefix \"suite out \"
COMMIT
*nat
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
-A PREROUTING -j LOG --log-prefix \"suite nat \"
COMMIT
*filter
-A FORWARD -j MARK --set-xmark 0x4000/0x4000
-A FORWARD -p tcp -j LOG --log-prefix \"suite forward \"
COMMIT
send client 10.0.0.2:40004 > 10.96.0.10:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:40005 > 10.244.0.1:53 udp data 5
send client 10.0.0.2 > 10.244.0.1 icmp echo id 77 seq 1 data 56
send client 10.0.0.2 > 10.244.0.1 protocol 4 data 60
send node 10.0.0.1:40005 > 10.244.0.1:53 udp data 5
log
",
        |steps| {
            assert_eq!(steps[6].starting("suite pre ").len(), 5);
            assert!(steps[6].one("suite forward IN=eth0").contains("MARK=0x4000"));
        },
    );
}

#[test]
fn connections_are_listed_with_states_and_timeouts() {
    agree(
        "send client 10.0.0.2 > 10.244.0.1 icmp echo id 77 seq 1 data 56
reply icmp echo-reply id 77 seq 1 data 56
send client 10.0.0.2 > 10.244.0.1 protocol 4 data 60
reply protocol 4 data 60
send client 10.0.0.2:40000 > 10.244.0.1:53 udp data 5
send client 10.0.0.2:40000 > 10.244.0.1:80 tcp SYN seq 1000
",
        |steps| {
            assert!(
                steps[1].one("connection icmp 1 src=10.0.0.2").ends_with("timeout 29")
                    || steps[1].one("connection icmp").ends_with("timeout 30")
            );
            assert!(!steps[3].one("connection unknown 4 ").contains("ASSURED"));
            assert_eq!(steps[5].starting("connection").len(), 4);
        },
    );
}

#[test]
fn gre_is_tracked_by_its_keys() {
    agree("send client 10.0.0.2 > 10.244.0.1 protocol 47 data 60\n", |steps| {
        steps[0].one("connection gre 47");
    });
}

#[test]
fn udplite_is_tracked_by_its_ports() {
    agree("send client 10.0.0.2 > 10.244.0.1 protocol 136 data 16\n", |steps| {
        assert!(steps[0].starting("connection").is_empty());
    });
}

#[test]
fn sctp_is_tracked_by_its_chunks() {
    agree("send client 10.0.0.2 > 10.244.0.1 protocol 132 data 16\n", |steps| {
        assert!(steps[0].starting("connection").is_empty());
    });
}
