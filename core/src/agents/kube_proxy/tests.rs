mod reference;
mod services;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::kube::validate::tests::{declare, labels, node, plain_service, pod, service_port};
use crate::kube::{
    Cluster, Endpoint, EndpointAddress, Object, PoolPurpose, Service, ServicePort, ServiceType, TargetPort,
    TransportProtocol,
};
use reference::guestbook;

/// Chains by table, each with its rules in order.
type Listing = BTreeMap<(String, String), Vec<String>>;

/// Reads a restore input; `-I` lines are under the hook's name and a star.
fn listing<'a>(lines: impl Iterator<Item = &'a str>) -> Listing {
    let (mut listing, mut table) = (Listing::new(), "");
    for line in lines {
        let mut words = line.splitn(3, ' ');
        match (words.next().unwrap(), words.next(), words.next()) {
            ("-A", Some(chain), Some(rule)) => {
                listing.entry((table.into(), chain.into())).or_default().push(rule.into());
            }
            ("-I", Some(hook), Some(rule)) => {
                listing.entry((table.into(), format!("*{hook}"))).or_default().push(rule.into());
            }
            (word, ..) => match word.split_at(1) {
                ("*", name) => table = name,
                (":", chain) => drop(listing.insert((table.into(), chain.into()), Vec::new())),
                _ => assert_eq!(word, "COMMIT"),
            },
        }
    }
    listing
}

fn generated(state: &State) -> Listing {
    let input = rules(state, "worker2");
    listing(input.lines.iter().map(|line| line.text.as_str()))
}

#[test]
fn the_jumps_end_up_in_the_order_of_a_fresh_node() {
    let found = generated(&guestbook());
    let order = |table: &str, hook: &str| {
        let jumps = &found[&(table.to_owned(), format!("*{hook}"))];
        // The last that is put on top is the first in the end.
        jumps.iter().rev().map(|rule| rule.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order("filter", "INPUT"), ["KUBE-EXTERNAL-SERVICES"]);
    assert_eq!(order("filter", "FORWARD"), ["KUBE-FORWARD", "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"]);
    assert_eq!(order("filter", "OUTPUT"), ["KUBE-SERVICES"]);
    assert_eq!(order("nat", "PREROUTING"), ["KUBE-SERVICES"]);
    assert_eq!(order("nat", "OUTPUT"), ["KUBE-SERVICES"]);
    assert_eq!(order("nat", "POSTROUTING"), ["KUBE-POSTROUTING"]);
}

#[test]
fn every_rule_says_where_it_came_from() {
    let state = guestbook();
    let input = rules(&state, "worker2");
    let text = "-A KUBE-SEP-JKWKVBBQCO4U3ZLS -m comment --comment \
                iks/essential-nginx-ingress-ingress-nginx-controller:http -m tcp -p tcp -j DNAT --to-destination \
                192.168.8.193:80";
    let line = input.lines.iter().find(|line| line.text == text).unwrap();
    assert_eq!(
        line.provenance.as_ref().unwrap().to_string(),
        "kube-proxy: service iks/essential-nginx-ingress-ingress-nginx-controller, port http, endpoint \
         192.168.8.193:80 (test.scn:1)"
    );
    let rule = |text: &str| text.starts_with('-');
    assert!(input.lines.iter().filter(|line| rule(&line.text)).all(|line| line.provenance.is_some()));
}

#[test]
fn names_are_those_of_the_white_paper() {
    // Service, port name, protocol, number, endpoint: the table of repaired names.
    for (key, port, number, endpoint, name) in [
        ("iks/essential-nginx-ingress-ingress-nginx-controller", "http", 80, "", "D3XY3KFIPC4U6KQS"),
        ("iks/essential-nginx-ingress-ingress-nginx-controller", "https", 443, "", "H45SSTISMGJOSLDZ"),
        ("kube-system/kube-dns", "dns", 53, "", "TCOU7JCQXEZGVUNU"),
        ("kube-system/kube-dns", "dns-tcp", 53, "", "ERIFXISQEP7F7OF4"),
        ("kube-system/kube-dns", "metrics", 9153, "", "JD5MR3NA4I4DYORP"),
        ("default/kubernetes", "https", 443, "", "NPX46M4PTMTKRN6Y"),
        ("default/frontend", "", 80, "", "ENODL3HWJ5BZY56Q"),
        ("default/wordpress-frontend", "", 80, "", "Y5XG6JG74RRE5O3W"),
        ("default/wordpress-db", "", 3306, "", "235M4OZWKIE6GYSD"),
        ("word/wordpress-frontend", "", 80, "", "D3Z3LABBJXRFJNXY"),
        ("word/wordpress-db", "", 3306, "", "3USFPP53J36ZR347"),
        ("iks/essential-cert-manager", "", 9402, "", "FYCJONYNEQUZF7VY"),
        ("iks/essential-cert-manager-webhook", "https", 443, "", "IBTXSCSTWIAGDBTU"),
        ("iks/essential-registry-docker-registry", "registry", 443, "", "VKFXMMEYDXUZVBEN"),
        ("iks/essential-nginx-ingress-ingress-nginx-defaultbackend", "http", 80, "", "6BL2RYAG4OF7QWKA"),
        ("kube-system/kube-dns", "dns", 53, "192.168.165.196", "GD4HYCW4WSZW4UQN"),
        ("kube-system/kube-dns", "dns", 53, "192.168.8.207", "A34722GV4XXAYJWX"),
        ("kube-system/kube-dns", "dns-tcp", 53, "192.168.165.196", "J5VKI4WVPBZKAW56"),
        ("kube-system/kube-dns", "dns-tcp", 53, "192.168.8.207", "CU3CTFBR5K672XKC"),
        ("default/frontend", "", 80, "192.168.43.150", "XOLBHGOCI64CSKKM"),
        ("default/frontend", "", 80, "192.168.8.198", "VP2QAUKOETMAGR3B"),
        ("default/frontend", "", 80, "192.168.8.199", "UTYYDRQJ3GWCQAS7"),
        ("iks/essential-nginx-ingress-ingress-nginx-controller", "http", 80, "192.168.104.65", "AH3PTBOUGNT5BH3N"),
        ("iks/essential-nginx-ingress-ingress-nginx-controller", "http", 80, "192.168.8.193", "JKWKVBBQCO4U3ZLS"),
        ("default/wordpress-frontend", "", 80, "192.168.8.222", "QAOWPL7S7I7Y6Q3X"),
        ("default/wordpress-db", "", 3306, "192.168.8.223", "WAAL3DOSOAXDLALS"),
        ("word/wordpress-db", "", 3306, "192.168.104.70", "36E46GCZWTKQG44A"),
    ] {
        let protocol = if port == "dns" { TransportProtocol::Udp } else { TransportProtocol::Tcp };
        let listed = ServicePort { protocol, ..service_port((!port.is_empty()).then_some(port), number) };
        let service = plain_service(key, "", number);
        if endpoint.is_empty() {
            assert_eq!(chain_of(&service, &listed), format!("KUBE-SVC-{name}"));
        } else {
            let address = endpoint.parse().unwrap();
            let endpoint = Endpoint {
                address,
                port: number,
                node: None,
                hostname: None,
                pod: None,
                ready: true,
                serving: true,
                terminating: false,
            };
            assert_eq!(endpoint_chain(&service, &listed, &endpoint), format!("KUBE-SEP-{name}"));
        }
    }
}

/// The white paper's services as Figure 20 lists them, with endpoints for all but calico-typha.
#[test]
fn figure_20_is_the_chain_of_services() {
    let mut state = guestbook();
    for (key, address, port, name) in [
        ("word/wordpress-db", [10, 96, 185, 193], 3306, None),
        ("word/wordpress-frontend", [10, 96, 73, 108], 80, None),
        ("iks/essential-cert-manager", [10, 96, 177, 6], 9402, None),
        ("iks/essential-cert-manager-webhook", [10, 96, 198, 217], 443, Some("https")),
        ("iks/essential-registry-docker-registry", [10, 96, 0, 12], 443, Some("registry")),
        ("iks/essential-nginx-ingress-ingress-nginx-defaultbackend", [10, 96, 222, 183], 80, Some("http")),
    ] {
        let namespace = key.split('/').next().unwrap();
        let label = format!("pod={}", key.replace('/', "-"));
        declare(&mut state, pod(&format!("{namespace}/p{port}-{}", address[2]), "worker2", None, &label));
        let ports = vec![service_port(name, port)];
        let service = Service { cluster_ip: Some(address.into()), ports, ..plain_service(key, &label, port) };
        declare(&mut state, Object::Service(service));
    }
    let typha = Service {
        cluster_ip: Some([10, 96, 0, 11].into()),
        ports: vec![service_port(Some("calico-typha"), 5473)],
        ..plain_service("kube-system/calico-typha", "k8s-app=calico-typha", 5473)
    };
    declare(&mut state, Object::Service(typha));
    let found = generated(&state);

    // Target, source, destination, comment and port of each row.
    let figure = include_str!("../../../../tests/reference/fig020_KUBE-SERVICES.txt");
    let row = |line: &str| {
        let (left, comment) = line.split_once("/* ").unwrap();
        let (comment, right) = comment.split_once(" */ ").unwrap();
        let words: Vec<_> = left.split_whitespace().collect();
        let port = right.split("dpt:").nth(1).unwrap_or(right);
        [words[2], words[3], words[7], words[8], comment, port].join(" ")
    };
    let expected: BTreeSet<_> = figure.lines().skip(2).map(row).collect();
    assert_eq!(expected.len(), 33);
    let printed = |rule: &String| {
        let after = |option: &str| rule.split(option).nth(1).map(|rest| rest.split(' ').next().unwrap());
        let comment = rule.split('"').nth(1).unwrap();
        let source = after(" ! -s ").map_or_else(|| "0.0.0.0/0".to_owned(), |source| format!("!{source}"));
        let destination = after(" -d ").map_or("0.0.0.0/0", |address| address.trim_end_matches("/32"));
        let port = after("--dport ").unwrap_or("ADDRTYPE match dst-type LOCAL");
        let protocol = after(" -p ").unwrap_or("all");
        [after(" -j ").unwrap(), protocol, &source, destination, comment, port].join(" ")
    };
    let services = &found[&("nat".to_owned(), "KUBE-SERVICES".to_owned())];
    assert_eq!(services.len(), 33);
    assert_eq!(services.iter().map(printed).collect::<BTreeSet<_>>(), expected);
    assert_eq!(
        found[&("filter".to_owned(), "KUBE-SERVICES".to_owned())],
        ["-m comment --comment \"kube-system/calico-typha:calico-typha has no endpoints\" -m tcp -p tcp \
             -d 10.96.0.11/32 --dport 5473 -j REJECT"]
    );
}

#[test]
fn a_service_without_endpoints_is_refused_at_every_way_in() {
    let mut state = guestbook();
    let service = Service {
        kind: ServiceType::LoadBalancer,
        cluster_ip: Some([10, 96, 0, 46].into()),
        ports: vec![ServicePort { node_port: Some(30006), ..service_port(Some("p80"), 80) }],
        ..plain_service("ns6/svc6", "app=none", 80)
    };
    declare(&mut state, Object::Service(service));
    let external = &generated(&state)[&("filter".to_owned(), "KUBE-EXTERNAL-SERVICES".to_owned())];
    // As in the reference of kube-proxy's own test services.
    assert_eq!(
        external[..],
        [
            "-m comment --comment \"ns6/svc6:p80 has no endpoints\" -m tcp -p tcp -d 10.1.110.106/32 --dport 80 -j REJECT",
            "-m comment --comment \"ns6/svc6:p80 has no endpoints\" -m addrtype --dst-type LOCAL -m tcp -p tcp \
             --dport 30006 -j REJECT"
        ]
    );
}

#[test]
fn a_choice_is_pinned_for_every_port_of_the_service() {
    let state = guestbook();
    let name = "iks/essential-nginx-ingress-ingress-nginx-controller";
    let pinned = pins(&state, name, "iks/nginx-2").unwrap();
    // Each port has three chains that may choose.
    assert_eq!(pinned.len(), 6);
    assert_eq!(pinned[0], ("KUBE-SVC-D3XY3KFIPC4U6KQS".to_owned(), "KUBE-SEP-JKWKVBBQCO4U3ZLS".to_owned()));
    assert_eq!(pins(&state, name, "192.168.8.193").unwrap(), pinned);
    assert_eq!(pins(&state, name, "192.168.8.193:80").unwrap(), pinned[..3]);
    let error = pins(&state, name, "frontend-1").unwrap_err();
    assert_eq!(error.hint.unwrap(), "choose one of: iks/nginx-1, iks/nginx-2");
    assert!(pins(&state, "no/such", "x").is_err());
}

#[test]
fn an_old_iptables_does_not_know_random_fully() {
    let mut state = State::new(0);
    declare(&mut state, Object::Cluster(Cluster { iptables: Version::new(1, 6, 1), ..Cluster::default() }));
    let postrouting = &generated(&state)[&("nat".to_owned(), "KUBE-POSTROUTING".to_owned())];
    assert!(postrouting[2].ends_with("-j MASQUERADE"));
}

#[test]
fn every_chain_that_a_rule_names_is_there() {
    let state = guestbook();
    let kubelet = crate::agents::kubelet::rules(&state);
    let lines: Vec<_> = kubelet.lines.into_iter().chain(rules(&state, "worker2").lines).collect();
    let found = listing(lines.iter().map(|line| line.text.as_str()));
    for ((table, _), rules) in &found {
        for rule in rules {
            let target = rule.split(" -j ").nth(1).or_else(|| rule.strip_prefix("-j ")).unwrap();
            let target = target.split(' ').next().unwrap().to_owned();
            assert!(!target.starts_with("KUBE-") || found.contains_key(&(table.clone(), target)), "{table}: {rule}");
        }
    }
}

proptest::proptest! {
    /// However many endpoints there are, each gets the same share of the connections.
    #[test]
    fn every_endpoint_has_the_same_chance(count in 1_u32..50) {
        let mut state = State::new(0);
        declare(&mut state, node("worker2", "10.1.110.107", "192.168.8.192/26"));
        for index in 0..count {
            declare(&mut state, pod(&format!("default/pod-{index}"), "worker2", None, "app=x"));
        }
        declare(&mut state, Object::Service(plain_service("default/frontend", "app=x", 80)));
        let rules = &generated(&state)[&("nat".to_owned(), "KUBE-SVC-ENODL3HWJ5BZY56Q".to_owned())];
        let mut left = 1.0;
        for rule in rules {
            let chance = rule.split("--probability ").nth(1).map_or(1.0, |p| p.split(' ').next().unwrap().parse().unwrap());
            let share: f64 = left * chance;
            assert!((share - 1.0 / f64::from(count)).abs() < 1e-8, "{rule}");
            left -= share;
        }
        assert_eq!(rules.len(), count as usize);
    }
}
