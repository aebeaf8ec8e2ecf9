//! What single fields of a service and options of kube-proxy come to.

use super::*;
use crate::kube::{
    Conditions, DetectLocal, IpMode, KubeProxyOptions, NetworkDevice, Node, Pod, PodStatus, TrafficDistribution,
    TrafficPolicy,
};

/// Two nodes with a pod each, and a cluster of that release and options.
fn cluster(kube_proxy: Version, options: KubeProxyOptions) -> State {
    let mut state = State::new(0);
    let cluster = Cluster { kube_proxy, kube_proxy_options: options, ..Cluster::default() };
    declare(&mut state, Object::Cluster(cluster));
    let balancers = crate::kube::validate::tests::pool("b", "10.0.0.100", "10.0.0.110", PoolPurpose::LoadBalancer);
    declare(&mut state, balancers);
    for (name, last, zone, block) in [("a", 1, "z1", "192.168.1.0/26"), ("b", 2, "z2", "192.168.2.0/26")] {
        let node = Node::new(name, [10, 0, 0, last]);
        let pod_cidr = Some(block.parse().unwrap());
        declare(&mut state, Object::Node(Node { zone: Some(zone.into()), pod_cidr, ..node }));
        declare(&mut state, pod(&format!("default/on-{name}"), name, None, "app=x"));
    }
    state
}

fn today() -> State {
    cluster(Version::new(1, 36, 0), KubeProxyOptions::default())
}

fn balancer() -> Service {
    Service {
        kind: ServiceType::LoadBalancer,
        cluster_ip: Some([10, 96, 0, 20].into()),
        ports: vec![ServicePort { node_port: Some(30080), ..ServicePort::new(80) }],
        ..plain_service("default/frontend", "app=x", 80)
    }
}

const HASH: &str = "ENODL3HWJ5BZY56Q";

/// The rules of a chain on node a; none if there is no such chain.
fn rules_of(state: &State, service: Service, table: &str, chain: &str) -> Option<Vec<String>> {
    let mut state = state.clone();
    declare(&mut state, Object::Service(service));
    let input = rules(&state, "a");
    let mut found = listing(input.lines.iter().map(|line| line.text.as_str()));
    found.remove(&(table.to_owned(), chain.replace('#', HASH)))
}

#[test]
fn source_ranges_are_a_firewall_of_their_own_in_1_36() {
    let service = || Service { load_balancer_source_ranges: vec!["10.0.0.0/24".parse().unwrap()], ..balancer() };
    let firewall = rules_of(&today(), service(), "nat", "KUBE-FW-#").unwrap();
    // The node's address is in the range, and so is what meets it again by the balancer's.
    let from = |rule: &str| rule.split(" -s ").nth(1).map(|rest| rest.split(' ').next().unwrap().to_owned());
    let sources: Vec<_> = firewall.iter().map(|rule| from(rule)).collect();
    assert_eq!(sources, [Some("10.0.0.0/24".to_owned()), Some("10.0.0.100".to_owned()), None]);
    assert!(firewall[2].ends_with("other traffic to default/frontend will be dropped by KUBE-PROXY-FIREWALL\""));
    let dropped = rules_of(&today(), service(), "filter", "KUBE-PROXY-FIREWALL").unwrap();
    let text = format!(
        "-m comment --comment \"default/frontend traffic not accepted by KUBE-FW-{HASH}\" -m tcp -p tcp -d 10.0.0.100 \
         --dport 80 -j DROP"
    );
    assert_eq!(dropped, [text]);
    let everybody = Service { load_balancer_source_ranges: vec!["0.0.0.0/0".parse().unwrap()], ..balancer() };
    assert_eq!(rules_of(&today(), everybody, "nat", "KUBE-FW-#"), None);
}

#[test]
fn an_address_in_mode_proxy_is_left_to_the_balancer() {
    let services = |mode| rules_of(&today(), Service { ip_mode: mode, ..balancer() }, "nat", "KUBE-SERVICES").unwrap();
    assert!(services(IpMode::VIP).iter().any(|rule| rule.contains("-d 10.0.0.100 ")));
    assert!(!services(IpMode::Proxy).iter().any(|rule| rule.contains("-d 10.0.0.100 ")));
}

#[test]
fn without_an_endpoint_on_the_node_policy_local_drops() {
    let only_on_b = Service { endpoints: vec![EndpointAddress::new([192, 168, 2, 0], 80)], ..balancer() };
    let only_on_b = || Service { selector: labels(""), ..only_on_b.clone() };
    let external = Service { external_traffic_policy: TrafficPolicy::Local, ..only_on_b() };
    let refused = rules_of(&today(), external.clone(), "filter", "KUBE-EXTERNAL-SERVICES").unwrap();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|rule| rule.contains("has no local endpoints") && rule.ends_with("-j DROP")));
    // Pods and the node itself go on to the other node all the same, and nobody else goes anywhere.
    let entry = rules_of(&today(), external.clone(), "nat", "KUBE-EXT-#").unwrap();
    assert_eq!(entry.len(), 3);
    assert!(entry[0].ends_with(&format!("-s 192.168.0.0/16 -j KUBE-SVC-{HASH}")));
    let internal = Service { internal_traffic_policy: TrafficPolicy::Local, ..only_on_b() };
    let refused = rules_of(&today(), internal, "filter", "KUBE-SERVICES").unwrap();
    assert!(refused[0].contains("has no local endpoints") && refused[0].ends_with("-j DROP"));
    let then = cluster(Version::new(1, 20, 0), KubeProxyOptions::default());
    let chain = rules_of(&then, external, "nat", "KUBE-XLB-#").unwrap();
    assert!(chain.last().unwrap().ends_with("\"default/frontend has no local endpoints\" -j KUBE-MARK-DROP"));
}

#[test]
fn internal_policy_local_keeps_to_the_node() {
    let service = Service { internal_traffic_policy: TrafficPolicy::Local, ..balancer() };
    let chain = rules_of(&today(), service.clone(), "nat", "KUBE-SVL-#").unwrap();
    assert!(chain[0].ends_with("! -s 192.168.0.0/16 -j KUBE-MARK-MASQ"), "the cluster IP's chain masquerades others");
    assert_eq!(chain.len(), 2);
    // The load balancer's address still leads everywhere.
    assert_eq!(rules_of(&today(), service, "nat", "KUBE-SVC-#").unwrap().len(), 2);
    let plain = plain_service("default/frontend", "app=x", 80);
    let inside = Service { internal_traffic_policy: TrafficPolicy::Local, ..plain };
    assert_eq!(rules_of(&today(), inside, "nat", "KUBE-SVC-#"), None);
}

#[test]
fn what_is_leaving_serves_when_nothing_stays() {
    let leaving = |conditions: [(bool, bool); 2]| {
        let mut state = today();
        for (at, (ready, terminating)) in conditions.into_iter().enumerate() {
            let status = PodStatus { conditions: Conditions { ready, terminating }, ..PodStatus::default() };
            let plain = crate::kube::validate::tests::plain_pod(&format!("default/y{at}"), "a");
            declare(&mut state, Object::Pod(Pod { labels: labels("app=y"), status, ..plain }));
        }
        let service = Service { selector: labels("app=y"), ..balancer() };
        rules_of(&state, service, "nat", "KUBE-SVC-#").map_or(0, |rules| rules.len() - 1)
    };
    assert_eq!(leaving([(true, false), (true, true)]), 1);
    assert_eq!(leaving([(true, true), (true, true)]), 2);
    assert_eq!(leaving([(false, false), (true, true)]), 1);
    assert_eq!(leaving([(false, false), (false, true)]), 0);
}

#[test]
fn traffic_keeps_to_its_zone_or_node_where_it_can() {
    let targets = |distribution| {
        let service = Service { traffic_distribution: Some(distribution), ..balancer() };
        rules_of(&today(), service, "nat", "KUBE-SVC-#").unwrap().len() - 1
    };
    assert_eq!(targets(TrafficDistribution::PreferSameNode), 1);
    assert_eq!(targets(TrafficDistribution::PreferClose), 1);
    let mut state = today();
    declare(&mut state, Object::Node(Node::new("c", [10, 0, 0, 3])));
    declare(&mut state, pod("default/on-c", "c", None, "app=x"));
    let service = || Service { traffic_distribution: Some(TrafficDistribution::PreferSameZone), ..balancer() };
    // The third has no zone, and so no hint: none is heeded.
    assert_eq!(rules_of(&state, service(), "nat", "KUBE-SVC-#").unwrap().len() - 1, 3);
}

#[test]
fn headless_services_and_names_of_others_have_no_rules() {
    let headless = Service { headless: true, ..plain_service("default/frontend", "app=x", 80) };
    let name = Service {
        kind: ServiceType::ExternalName,
        external_name: Some("db.example.com".into()),
        ports: Vec::new(),
        ..plain_service("default/frontend", "", 80)
    };
    for service in [headless, name] {
        assert_eq!(rules_of(&today(), service.clone(), "nat", "KUBE-SERVICES").unwrap().len(), 1);
        assert_eq!(rules_of(&today(), service, "filter", "KUBE-SERVICES").unwrap().len(), 0);
    }
}

#[test]
fn local_traffic_is_told_by_what_the_options_say() {
    let masquerade = |options: KubeProxyOptions| {
        let state = cluster(Version::new(1, 36, 0), options);
        let rule = rules_of(&state, balancer(), "nat", "KUBE-SVC-#").unwrap().swap_remove(0);
        rule.split("--dport 80 ").nth(1).unwrap().to_owned()
    };
    let detect = |detect_local| masquerade(KubeProxyOptions { detect_local, ..KubeProxyOptions::default() });
    assert_eq!(detect(DetectLocal::ClusterCidr), "! -s 192.168.0.0/16 -j KUBE-MARK-MASQ");
    assert_eq!(detect(DetectLocal::NodeCidr), "! -s 192.168.1.0/26 -j KUBE-MARK-MASQ");
    assert_eq!(detect(DetectLocal::BridgeInterface("cni0".parse().unwrap())), "! -i cni0 -j KUBE-MARK-MASQ");
    assert_eq!(detect(DetectLocal::InterfaceNamePrefix("cali".into())), "! -i cali+ -j KUBE-MARK-MASQ");
    let all = KubeProxyOptions { masquerade_all: true, ..KubeProxyOptions::default() };
    assert_eq!(masquerade(all), "-j KUBE-MARK-MASQ");
}

#[test]
fn node_ports_are_where_the_options_say() {
    let last = |options: KubeProxyOptions| {
        let state = cluster(Version::new(1, 36, 0), options);
        let rules = rules_of(&state, balancer(), "nat", "KUBE-SERVICES").unwrap();
        let node_ports = rules.iter().filter(|rule| rule.ends_with("-j KUBE-NODEPORTS"));
        node_ports.map(|rule| rule.rsplit('"').next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    let closed = KubeProxyOptions { localhost_node_ports: false, ..KubeProxyOptions::default() };
    assert_eq!(last(closed), ["-m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS"]);
    let cidrs = vec!["10.0.0.0/24".parse().unwrap(), "127.0.0.0/8".parse().unwrap()];
    let some = KubeProxyOptions { node_port_addresses: cidrs, ..KubeProxyOptions::default() };
    assert_eq!(last(some), ["-d 10.0.0.1 -j KUBE-NODEPORTS", "-d 127.0.0.1 -j KUBE-NODEPORTS"]);
}

#[test]
fn the_addresses_of_all_devices_have_node_ports() {
    for release in [Version::new(1, 20, 0), Version::new(1, 36, 0)] {
        let cidrs = vec!["172.16.0.0/24".parse().unwrap(), "10.0.0.0/24".parse().unwrap()];
        let options = KubeProxyOptions { node_port_addresses: cidrs, ..KubeProxyOptions::default() };
        let mut state = cluster(release, options);
        let device = |name: &str, address: &str| {
            let (name, address) = (name.parse().unwrap(), address.parse().unwrap());
            NetworkDevice { name, address, mac: None, mtu: None }
        };
        let devices = vec![device("eth1", "172.16.0.9/24"), device("eth2", "172.17.0.9/24")];
        declare(&mut state, Object::Node(Node { devices, ..Node::new("c", [10, 0, 0, 3]) }));
        declare(&mut state, Object::Service(balancer()));
        let rules = rules(&state, "c");
        let all = rules.lines.iter().filter_map(|line| line.text.strip_suffix(" -j KUBE-NODEPORTS"));
        let found: Vec<_> = all.filter_map(|rule| rule.split_once("the last rule in this chain\" ")).collect();
        assert_eq!(found.iter().map(|(_, to)| *to).collect::<Vec<_>>(), ["-d 10.0.0.3", "-d 172.16.0.9"], "{release}");
    }
}

#[test]
fn where_windows_are_not_judged_nothing_is_dropped_for_being_invalid() {
    let drops = |state: &State| {
        let input = rules(state, "c");
        input.lines.iter().any(|line| line.text == "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
    };
    let liberal = |value: &str| {
        let sysctls = labels(&format!("net.netfilter.nf_conntrack_tcp_be_liberal={value}"));
        Object::Node(Node { sysctls, ..Node::new("c", [10, 0, 0, 3]) })
    };
    for (release, value, dropped) in
        [(Version::new(1, 36, 0), "1", false), (Version::new(1, 36, 0), "0", true), (Version::new(1, 20, 0), "1", true)]
    {
        let mut state = cluster(release, KubeProxyOptions::default());
        declare(&mut state, liberal(value));
        assert_eq!(drops(&state), dropped, "{release} {value}");
    }
    let option = KubeProxyOptions { tcp_be_liberal: true, ..KubeProxyOptions::default() };
    let mut state = cluster(Version::new(1, 36, 0), option);
    declare(&mut state, liberal("0"));
    assert!(!drops(&state), "kube-proxy sets it itself");
}

#[test]
fn the_mark_is_the_bit_that_the_options_say() {
    let options = KubeProxyOptions { masquerade_bit: 4, ..KubeProxyOptions::default() };
    let state = cluster(Version::new(1, 36, 0), options);
    let rules = rules_of(&state, balancer(), "nat", "KUBE-POSTROUTING").unwrap();
    assert_eq!(rules[0], "-m mark ! --mark 0x00000010/0x00000010 -j RETURN");
}

#[test]
fn many_endpoints_leave_no_room_for_comments() {
    for release in [Version::new(1, 20, 0), Version::new(1, 36, 0)] {
        let state = cluster(release, KubeProxyOptions::default());
        let endpoint = |number: u16| EndpointAddress::new([172, 16, (number >> 8) as u8, number as u8], 80);
        let many = |count| Service {
            selector: labels(""),
            session_affinity: Some(60),
            endpoints: (0..count).map(endpoint).collect(),
            ..balancer()
        };
        let commented = |count| {
            let rules = rules_of(&state, many(count), "nat", "KUBE-SVC-#").unwrap();
            rules.iter().filter(|rule| !rule.contains("cluster IP") && rule.contains("--comment")).count()
        };
        assert_eq!(commented(1000), 2000, "{release}");
        assert_eq!(commented(1001), 0, "{release}");
    }
}
