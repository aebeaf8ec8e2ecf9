//! Dumps with holes in them, and what they answer.

use super::*;

const ADDR: &str = "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0
       valid_lft forever preferred_lft forever
3: cali1@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1440 qdisc noqueue state UP group default
    link/ether ee:ee:ee:ee:ee:ee brd ff:ff:ff:ff:ff:ff
";
const ROUTES: &str = "default via 10.0.0.254 dev eth0 \n10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n\
                      10.244.0.1 dev cali1 scope link \nblackhole 10.244.0.0/26 proto bird \n";

fn report(files: &[(&str, &str)], words: &str) -> String {
    let base = [("ip-addr.txt", ADDR), ("ip-route.txt", ROUTES)];
    let missing = base.into_iter().filter(|(name, _)| files.iter().all(|(other, _)| other != name));
    let dump = Dump::of(missing.chain(files.iter().copied()));
    let node = dump.node("edge1", &[]).unwrap_or_else(|error| panic!("{error}"));
    walk(&node, &Probe::sequence(&[words]).unwrap(), 0).unwrap_or_else(|error| panic!("{error}")).to_string()
}

#[test]
fn a_service_leads_to_its_pod_and_back() {
    let save = "*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]\n-A PREROUTING -j \
                KUBE-SERVICES\n-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment \"default/web:dns cluster IP\" -m \
                udp --dport 53 -j KUBE-SVC-AAAAAAAAAAAAAAAA\n-A KUBE-SVC-AAAAAAAAAAAAAAAA -p udp -m udp -j DNAT \
                --to-destination 10.244.0.1:5353\nCOMMIT\n";
    let text = report(&[("iptables-save", save)], "udp 10.0.0.5:40000 -> 10.96.0.10:53 in eth0");
    insta::assert_snapshot!(text);
}

#[test]
fn a_rule_that_is_not_understood_is_tried_both_ways() {
    let save = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m string --string x --algo bm -j DROP\nCOMMIT\n";
    let text = report(&[("iptables-save", save)], "tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0");
    insta::assert_snapshot!(text);
}

#[test]
fn a_neighbour_that_failed_then_fails_now() {
    let neigh = "10.0.0.254 dev eth0 FAILED \n";
    let text = report(&[("ip-neigh", neigh)], "tcp local to 8.8.8.8:443");
    assert!(text.contains("is dropped: nobody answered ARP for 10.0.0.254"), "{text}");
    assert!(text.contains("does not answer, as when the dump was taken (ip-neigh:1)"), "{text}");
}

#[test]
fn an_unknown_rule_of_routing_is_named() {
    let rules = "0:\tfrom all lookup local\n600:\tfrom all uidrange 1000-1001 lookup 7\n32766:\tfrom all lookup main\n";
    let text = report(&[("ip-rule", rules)], "tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0");
    assert!(text.contains("uidrange 1000-1001 (ip-rule:2)"), "{text}");
}

#[test]
fn listeners_are_those_of_ss() {
    let ss = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
              tcp LISTEN 0 4096 127.0.0.1:10248 0.0.0.0:* users:((\"kubelet\",pid=1,fd=2))\n\
              tcp LISTEN 0 4096 *:10250 *:* users:((\"kubelet\",pid=1,fd=3))\n";
    let to = |port: u16| report(&[("ss.txt", ss)], &format!("tcp 10.0.0.5:40000 to 10.0.0.1:{port} in eth0"));
    assert!(to(10250).contains("is delivered to kubelet"), "{}", to(10250));
    assert!(to(10248).contains("no process listens on its port"), "{}", to(10248));
    let unsaid = report(&[], "tcp 10.0.0.5:40000 to 10.0.0.1:22 in eth0");
    assert!(unsaid.contains("no `ss -lntup`: a process listens on every port"), "{unsaid}");
}

#[test]
fn faults_are_told_with_file_and_line() {
    let error = |files: &[(&str, &str)]| Dump::of(files.iter().copied()).node("edge1", &[]).unwrap_err().to_string();
    assert_eq!(
        error(&[("d/ip-route", "10.0.0.0/24 dev eth0\nnonsense dev eth0\n")]),
        "d/ip-route:2: ip route prints no such line: `nonsense` is no IPv4 network"
    );
    assert_eq!(
        error(&[("save.iptables", "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n")]),
        "save.iptables:2: there is no chain or target `NOWHERE` in table filter"
    );
}

#[test]
fn a_set_of_marks_is_asked_for_the_packets_mark() {
    let sets = "create marked hash:ip,mark family inet markmask 0x000000ff hashsize 1024 maxelem 65536\nadd marked \
                10.0.0.5,0x00000110\n";
    let save = "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j MARK --set-xmark 0x3310/0xffffffff\nCOMMIT\n*filter\n\
                :FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set marked src,dst -j DROP\nCOMMIT\n";
    let files = [("iptables-save", save), ("ipset-save", sets)];
    let marked = report(&files, "tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0");
    assert!(marked.contains("is dropped: rule 1 of filter/FORWARD"), "{marked}");
    for other in ["udp 10.0.0.5:40000 to 10.244.0.1:80 in eth0", "tcp 10.0.0.6:40000 to 10.244.0.1:80 in eth0"] {
        let text = report(&files, other);
        assert!(text.contains("leaves by cali1"), "{text}");
    }
}

#[test]
fn a_set_of_ethernet_addresses_is_tried_both_ways() {
    let sets = "create cards hash:mac hashsize 1024 maxelem 65536\ncreate pairs hash:ip,mac hashsize 1024 maxelem 65536\nadd \
                cards 02:00:00:00:0A:05\nadd pairs 10.0.0.6,02:00:00:00:0A:06\n";
    let walked = |rule: &str| {
        let save = format!("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {rule} -j DROP\nCOMMIT\n");
        report(&[("iptables-save", &save), ("ipset-save", sets)], "tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0")
    };
    let cards = walked("-m set --match-set cards src");
    assert!(cards.contains("(cards is of type hash:mac, and the model compares no Ethernet addresses)"), "{cards}");
    assert!(cards.contains("is dropped: rule 1 of filter/FORWARD") && cards.contains("leaves by cali1"), "{cards}");
    // No member has the packet's address.
    let pairs = walked("-m set --match-set pairs src,src");
    assert!(pairs.contains("leaves by cali1") && !pairs.contains("unknown"), "{pairs}");
    let both = "create either list:set size 8\nadd either cards\n";
    let sets = format!("{sets}{both}");
    let save = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set either src -j DROP\nCOMMIT\n";
    let files = [("iptables-save", save), ("ipset-save", sets.as_str())];
    let listed = report(&files, "tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0");
    assert!(listed.contains("(cards is of type hash:mac"), "{listed}");
}

#[test]
fn a_route_by_a_device_without_a_carrier_is_taken_unless_a_sysctl_says_otherwise() {
    let addr = format!(
        "{ADDR}4: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default\n    link/ether \
         02:42:a1:b2:c3:d4 brd ff:ff:ff:ff:ff:ff\n    inet 172.17.0.1/16 scope global docker0\n       valid_lft forever \
         preferred_lft forever\n"
    );
    let routes = format!("{ROUTES}172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown \n");
    let with = |sysctl: &str| {
        let sysctl = format!("net.ipv4.ip_forward = 1\n{sysctl}\n");
        let files = [("ip-addr", addr.as_str()), ("ip-route", &routes), ("sysctl", &sysctl)];
        let node = Dump::of(files).node("edge1", &[]).unwrap();
        let words = ["tcp 10.244.0.1:40000 to 172.17.0.5:80 in cali1"];
        walk(&node, &Probe::sequence(&words).unwrap(), 0).unwrap().to_string()
    };
    let taken = with("");
    assert!(taken.contains("172.17.0.0/16 dev docker0"), "{taken}");
    assert!(taken.contains("is dropped: nobody answered ARP for 172.17.0.5"), "{taken}");
    assert!(taken.contains("for docker0 has no carrier (ip-addr:11)"), "{taken}");
    for of in ["all", "docker0"] {
        let ignored = with(&format!("net.ipv4.conf.{of}.ignore_routes_with_linkdown = 1"));
        assert!(ignored.contains("leaves by eth0") && ignored.contains("default via 10.0.0.254"), "{ignored}");
    }
    let of_others = with("net.ipv4.conf.cali1.ignore_routes_with_linkdown = 1");
    assert!(of_others.contains("172.17.0.0/16 dev docker0"), "{of_others}");
    // As a bridge it has no port to ask by.
    let link =
        "4: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500\n    bridge forward_delay 1500 hello_time 200\n";
    let files = [("ip-addr", addr.as_str()), ("ip-route", &routes), ("ip-d-link", link)];
    let node = Dump::of(files).node("edge1", &[]).unwrap();
    let words = ["tcp 10.244.0.1:40000 to 172.17.0.5:80 in cali1"];
    let bridge = walk(&node, &Probe::sequence(&words).unwrap(), 0).unwrap().to_string();
    assert!(bridge.contains("is dropped: nobody answered ARP for 172.17.0.5"), "{bridge}");
    assert!(bridge.contains("172.17.0.5 on docker0 does not answer, for docker0 has no ports"), "{bridge}");
    // Of a device that is down itself nobody takes the route.
    let routes = routes.replace("linkdown", "dead linkdown");
    let files = [("ip-addr", addr.as_str()), ("ip-route", &routes)];
    let node = Dump::of(files).node("edge1", &[]).unwrap();
    let words = ["tcp 10.244.0.1:40000 to 172.17.0.5:80 in cali1"];
    let dead = walk(&node, &Probe::sequence(&words).unwrap(), 0).unwrap().to_string();
    assert!(dead.contains("leaves by eth0"), "{dead}");
}

#[test]
fn what_the_node_itself_answers_is_the_reply() {
    let ss = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
              tcp LISTEN 0 4096 *:22 *:* users:((\"sshd\",pid=1,fd=3))\n";
    let walked = |words: &str| report(&[("ss.txt", ss)], words);
    let server = walked("tcp 10.0.0.5:40000 to 10.0.0.1:22 in eth0");
    let answer = "the reply   10.0.0.1:22 > 10.0.0.5:40000 tcp SYN,ACK from local\n            leaves by eth0";
    assert!(server.contains(answer) && !server.contains("\n#3"), "{server}");
    let echo = walked("icmp 10.0.0.5 to 10.0.0.1 in eth0");
    assert!(echo.contains("the reply   10.0.0.1 > 10.0.0.5 icmp echo reply id 1 seq 1 from local"), "{echo}");
    let refused = walked("tcp 10.0.0.5:40000 to 10.0.0.1:23 in eth0");
    assert!(!refused.contains("the reply"), "{refused}");
}

#[test]
fn an_answer_reaches_the_process_that_sent_the_packet() {
    let ss = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";
    for words in ["tcp local to 10.0.0.5:443", "udp local to 10.0.0.5:53", "tcp local to 10.0.0.5:443 ack"] {
        let text = report(&[("ss.txt", ss)], words);
        assert!(text.contains("is delivered to the process that sent the packet"), "{text}");
        assert!(!text.contains("RST") && !text.contains("unreachable"), "{text}");
    }
    let ping = report(&[("ss.txt", ss)], "icmp local to 10.0.0.5");
    assert!(ping.contains("is delivered to ping"), "{ping}");
}

#[test]
fn nobody_answers_a_syn_ack_with_another_one() {
    let base = [("ip-addr.txt", ADDR), ("ip-route.txt", ROUTES)];
    let node = Dump::of(base).node("edge1", &[]).unwrap();
    let words = ["tcp 10.244.0.1:40000 to 10.0.0.5:80 in cali1 then reply then reply"];
    let walked = walk(&node, &Probe::sequence(&words).unwrap(), 0).unwrap();
    let segments: Vec<_> = walked.legs.iter().filter_map(|leg| leg.packet.tcp()).collect();
    let told: Vec<_> = segments.iter().map(|one| (one.flags.to_string(), one.seq, one.ack)).collect();
    let expected = [("SYN", 1, 0), ("SYN,ACK", 1, 2), ("ACK", 2, 2)];
    assert_eq!(told, expected.map(|(flags, seq, ack)| (flags.to_owned(), seq, ack)));
}

#[test]
fn what_ipvs_takes_is_not_known() {
    let addr = format!(
        "{ADDR}4: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default\n    link/ether 02:42:a1:b2:c3:d4 brd \
         ff:ff:ff:ff:ff:ff\n    inet 10.96.200.1/32 scope global kube-ipvs0\n       valid_lft forever preferred_lft forever\n"
    );
    let ss = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
              tcp LISTEN 0 4096 *:22 *:* users:((\"sshd\",pid=1,fd=3))\n";
    let walked = |words: &str| report(&[("ip-addr.txt", &addr), ("ss.txt", ss)], words);
    for words in ["tcp 10.244.0.1:40000 to 10.96.200.1:80 in cali1", "udp local to 10.96.200.1:53"] {
        let text = walked(words);
        assert!(
            text.contains("IPVS takes what is for 10.96.200.1, an address of kube-ipvs0 (ip-addr.txt:11)"),
            "{text}"
        );
    }
    // A port of the node, perhaps.
    let port = walked("tcp 10.0.0.5:40000 to 10.0.0.1:30080 in eth0");
    assert!(port.contains("10.0.0.1:30080 may be a service of IPVS") && !port.contains("no process listens"), "{port}");
    let server = walked("tcp 10.0.0.5:40000 to 10.0.0.1:22 in eth0");
    assert!(server.contains("is delivered to sshd"), "{server}");
    let echo = walked("icmp 10.244.0.1 to 10.96.200.1 in cali1");
    assert!(echo.contains("is delivered to the kernel"), "{echo}");
    let forwarded = walked("tcp 10.0.0.5:40000 to 10.244.0.1:80 in eth0");
    assert!(forwarded.contains("leaves by cali1"), "{forwarded}");
    // The filter table comes first.
    let save = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
    let files = [("ip-addr.txt", addr.as_str()), ("iptables-save", save)];
    let dropped = report(&files, "tcp 10.244.0.1:40000 to 10.96.200.1:80 in cali1");
    assert!(dropped.contains("is dropped: ") && !dropped.contains("IPVS"), "{dropped}");
}

#[test]
fn an_ip_in_ip_device_beside_tunl0_is_not_taken_for_it() {
    let link = |number: u32, name: &str, flags: &str, ends: &str| {
        format!(
            "{number}: {name}@NONE: <{flags}NOARP,UP,LOWER_UP> mtu 1480 qdisc noqueue state UNKNOWN\n    link/ipip {ends}\n"
        )
    };
    let tunl0 = link(4, "tunl0", "", "0.0.0.0 brd 0.0.0.0");
    let ipip1 = link(5, "ipip1", "POINTOPOINT,", "10.0.0.1 peer 10.9.9.9");
    let addr = format!("{ADDR}{tunl0}{ipip1}");
    let routes = format!("{ROUTES}10.50.0.0/16 dev ipip1 scope link \n10.60.0.0/16 via 10.0.0.7 dev tunl0 onlink \n");
    let walked = |words: &str| report(&[("ip-addr.txt", &addr), ("ip-route.txt", &routes)], words);
    let out = walked("tcp 10.244.0.1:40000 to 10.50.0.1:80 in cali1");
    assert!(out.contains("what header ipip1, an IP-in-IP device beside tunl0, puts before a packet"), "{out}");
    let tunnelled = walked("tcp 10.244.0.1:40000 to 10.60.0.1:80 in cali1");
    assert!(tunnelled.contains("10.0.0.1 > 10.0.0.7 ipip"), "{tunnelled}");
    // What comes in goes by the ends.
    let node = Dump::of([("ip-addr.txt", addr.as_str())]).node("edge1", &[]).unwrap();
    let comes_by = |source: [u8; 4]| {
        let device = node.namespace.tunnel_between(source.into(), [10, 0, 0, 1].into()).unwrap();
        node.namespace.devices[device].name.to_string()
    };
    assert_eq!((comes_by([10, 9, 9, 9]), comes_by([10, 0, 0, 7])), ("ipip1".to_owned(), "tunl0".to_owned()));
}
