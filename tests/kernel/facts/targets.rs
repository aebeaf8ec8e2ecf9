//! Targets that change packets, connections and their tracking.

use super::agree;

#[test]
fn what_is_exempt_from_tracking_is_untracked_and_never_translated() {
    agree(
        "*raw
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
-A PREROUTING -p udp -m udp --dport 54 -j NOTRACK
-A PREROUTING -m conntrack --ctstate INVALID
-A PREROUTING -m state --state UNTRACKED
COMMIT
*nat
-A PREROUTING -p udp -j DNAT --to-destination 10.244.0.2
COMMIT
*filter
-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send client 10.0.0.2:40000 > 10.244.0.1:54 udp
send client 10.0.0.2:40000 > 10.244.0.1:55 udp
",
        |steps| {
            for step in &steps[..2] {
                // It is so from the rule on, in the same table.
                assert!(step.starting("PREROUTING raw PREROUTING rule 3").is_empty());
                step.one("PREROUTING raw PREROUTING rule 4");
                step.one("FORWARD filter FORWARD rule 1");
                step.one("to pod1: 10.0.0.2:40000 > 10.244.0.1");
                assert!(step.starting("connection").is_empty());
            }
            steps[2].one("PREROUTING raw PREROUTING rule 3");
            steps[2].one("to pod2: 10.0.0.2:40000 > 10.244.0.2:55");
        },
    );
}

#[test]
fn a_connections_mark_is_saved_and_restored() {
    agree(
        "*mangle
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
-A PREROUTING -m mark --mark 0x5/0xff -j ACCEPT
-A PREROUTING -j MARK --set-xmark 0x105/0xffffffff
-A PREROUTING -j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff
-A POSTROUTING -m connmark --mark 0x5
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
reply udp
",
        |steps| {
            assert!(steps[0].one("connection").contains("mark=5"));
            steps[1].one("PREROUTING mangle PREROUTING rule 2");
            steps[1].one("POSTROUTING mangle POSTROUTING rule 1");
        },
    );
}

#[test]
fn a_time_to_live_is_changed_where_the_rule_stands() {
    agree(
        "*mangle
-A PREROUTING -p udp -m udp --dport 1 -j TTL --ttl-set 1
-A PREROUTING -p udp -m udp --dport 2 -j TTL --ttl-inc 5
-A POSTROUTING -p udp -m udp --dport 3 -j TTL --ttl-dec 10
-A PREROUTING -p udp -m udp --dport 4 -j TOS --set-tos 0x10/0x3f
-A PREROUTING -p udp -m udp --dport 5 -j DSCP --set-dscp 0x2e
COMMIT
send client 10.0.0.2:40000 > 10.244.0.1:1 udp
send client 10.0.0.2:40000 > 10.244.0.1:2 udp
send client 10.0.0.2:40000 > 10.244.0.1:3 udp
send client 10.0.0.2:40000 > 10.244.0.1:4 udp tos 3
send client 10.0.0.2:40000 > 10.244.0.1:5 udp tos 3
",
        |steps| {
            steps[0].one("to client: 10.0.0.1 > 10.0.0.2 icmp 11/0");
            assert!(steps[1].one("to pod1").contains("ttl 68"));
            assert!(steps[2].one("to pod1").contains("ttl 53"));
        },
    );
}

#[test]
fn a_segment_size_is_clamped() {
    agree(
        "*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN --dport 1 -j TCPMSS --set-mss 1000
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN --dport 2 -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN --dport 3 -j TCPMSS --set-mss 1450
COMMIT
do sysctl net.ipv4.conf.all.rp_filter 0
do route 10.9.0.0/24 via 10.0.0.3 dev eth0 mtu 1000
send client 10.0.0.2:40000 > 10.244.0.1:1 tcp SYN
send client 10.9.0.1:40000 > 10.244.0.1:2 tcp SYN
send client 10.0.0.2:40000 > 10.244.0.1:3 tcp SYN
",
        |steps| {
            assert!(steps[2].one("to pod1").contains("mss 1000"));
            assert!(steps[3].one("to pod1").contains("mss 960"));
            assert!(steps[4].one("to pod1").contains("mss 1400"));
        },
    );
}

#[test]
fn a_network_is_mapped_and_a_redirect_ends_here() {
    agree(
        "*nat
-A PREROUTING -d 10.8.0.0/24 -j NETMAP --to 10.244.0.0/24
-A POSTROUTING -s 10.0.0.0/24 -d 10.244.0.2/32 -j NETMAP --to 10.7.0.0/24
-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353
-A OUTPUT -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353
COMMIT
*filter
-A INPUT
COMMIT
send client 10.0.0.2:40000 > 10.8.0.1:80 udp
send client 10.0.0.2:40000 > 10.8.0.2:80 udp
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send node 10.0.0.1:40000 > 10.244.0.1:53 udp
",
        |steps| {
            steps[0].one("to pod1: 10.0.0.2:40000 > 10.244.0.1:80");
            steps[1].one("to pod2: 10.7.0.2:40000 > 10.244.0.2:80");
            assert!(steps[2].starting("INPUT filter INPUT rule 1")[0].contains("10.0.0.2:40000 > 10.0.0.1:5353"));
            assert!(steps[3].starting("INPUT filter INPUT rule 1")[0].contains("> 127.0.0.1:5353"));
        },
    );
}

#[test]
fn the_reverse_path_follows_policy_routing_and_the_mark_where_it_counts() {
    agree(
        "*raw
-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff
-A PREROUTING -m rpfilter
-A PREROUTING -m rpfilter --validmark
-A PREROUTING -m rpfilter --loose
-A PREROUTING -m rpfilter --accept-local
COMMIT
do route 10.0.0.0/24 dev cali1 table 100
do rule 100: from all fwmark 0x1 lookup 100
send client 10.0.0.2:40000 > 10.244.0.1:53 udp
send pod1 10.0.0.2:40000 > 10.244.0.2:53 udp
send pod1 10.244.0.1:40000 > 10.244.0.2:53 udp
send client 10.0.0.1:40000 > 10.244.0.2:53 udp
send pod1 10.0.0.1:40000 > 10.244.0.2:53 udp
",
        |steps| {
            let rules = |step: usize| {
                let starting = steps[step].starting("PREROUTING raw PREROUTING rule ");
                starting.iter().filter_map(|line| line.split(' ').nth(4)?.parse().ok()).collect::<Vec<u8>>()
            };
            assert_eq!(rules(2), [1, 2, 4, 5]);
            assert_eq!(rules(3), [1, 3, 4]);
        },
    );
}

#[test]
fn a_bridged_packet_shows_its_ports() {
    agree(
        "*mangle
-A PREROUTING -m physdev --physdev-in cali1
-A PREROUTING -m physdev --physdev-is-bridged
-A FORWARD -m physdev --physdev-is-bridged --physdev-out cali2
-A FORWARD -m physdev --physdev-is-in
-A POSTROUTING -m physdev ! --physdev-in cali1
-A POSTROUTING -m physdev --physdev-is-out --physdev-is-bridged
COMMIT
do bridge cali1 cali2
bridged pod1 10.244.0.1:40000 > 10.244.0.2:53 pod2 udp data 5
send client 10.0.0.2:40000 > 10.0.0.1:53 udp data 5
",
        |steps| {
            steps[1].one("FORWARD mangle FORWARD rule 1");
            steps[1].one("to pod2: 10.244.0.1:40000 > 10.244.0.2:53");
        },
    );
}
