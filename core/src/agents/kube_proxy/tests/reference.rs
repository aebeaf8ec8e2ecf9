//! The rule sets that kube-proxy's own code wrote, out of the services it wrote them for: `tests/reference/`.

use super::*;
use crate::kube::validate::tests::pool;
use crate::kube::{KubeProxyOptions, TrafficPolicy};

/// The services of the white paper's cluster that the reference rules were made for.
pub(super) fn guestbook() -> State {
    guestbook_of(Version::new(1, 20, 0), TrafficPolicy::Cluster)
}

fn guestbook_of(kube_proxy: Version, policy: TrafficPolicy) -> State {
    use TransportProtocol::{Tcp, Udp};
    let mut state = State::new(0);
    let cluster = Cluster { iptables: Version::new(1, 8, 9), kube_proxy, ..Cluster::default() };
    declare(&mut state, Object::Cluster(cluster));
    declare(&mut state, pool("balancers", "10.1.110.105", "10.1.110.106", PoolPurpose::LoadBalancer));
    declare(&mut state, node("control1", "10.1.110.108", "192.168.165.192/26"));
    declare(&mut state, node("worker0", "10.1.110.103", "192.168.43.128/26"));
    declare(&mut state, node("worker1", "10.1.110.102", "192.168.104.64/26"));
    declare(&mut state, node("worker2", "10.1.110.107", "192.168.8.192/26"));
    for (key, node, address, label) in [
        ("default/frontend-1", "worker0", "192.168.43.152", "app=frontend"),
        ("default/frontend-2", "worker2", "192.168.8.202", "app=frontend"),
        ("default/frontend-3", "worker2", "192.168.8.203", "app=frontend"),
        ("default/wordpress-frontend-1", "worker2", "192.168.8.222", "app=wordpress-frontend"),
        ("default/wordpress-db-1", "worker2", "192.168.8.223", "app=wordpress-db"),
        ("kube-system/coredns-1", "worker2", "192.168.8.207", "app=dns"),
        ("kube-system/coredns-2", "control1", "192.168.165.196", "app=dns"),
        ("iks/nginx-2", "worker2", "192.168.8.193", "app=nginx"),
        ("iks/nginx-1", "worker1", "192.168.104.65", "app=nginx"),
    ] {
        declare(&mut state, pod(key, node, Some(address), label));
    }
    for (key, address, selector, port) in [
        ("default/frontend", [10, 96, 127, 227], "app=frontend", 80),
        ("default/wordpress-frontend", [10, 96, 233, 40], "app=wordpress-frontend", 80),
        ("default/wordpress-db", [10, 96, 23, 229], "app=wordpress-db", 3306),
    ] {
        let service = Service { cluster_ip: Some(address.into()), ..plain_service(key, selector, port) };
        declare(&mut state, Object::Service(service));
    }
    let named = |name, port, protocol| ServicePort { protocol, ..service_port(Some(name), port) };
    let dns = Service {
        cluster_ip: Some([10, 96, 0, 10].into()),
        ports: vec![named("dns", 53, Udp), named("dns-tcp", 53, Tcp), named("metrics", 9153, Tcp)],
        ..plain_service("kube-system/kube-dns", "app=dns", 53)
    };
    let kubernetes = Service {
        cluster_ip: Some([10, 96, 0, 1].into()),
        endpoints: vec![EndpointAddress::new([10, 1, 110, 108], 6443)],
        ports: vec![ServicePort { target_port: Some(TargetPort::Number(6443)), ..named("https", 443, Tcp) }],
        ..plain_service("default/kubernetes", "", 443)
    };
    let http = ServicePort { node_port: Some(32045), ..named("http", 80, Tcp) };
    let https = ServicePort { node_port: Some(30888), ..named("https", 443, Tcp) };
    let ingress = Service {
        kind: ServiceType::LoadBalancer,
        cluster_ip: Some([10, 96, 179, 211].into()),
        external_traffic_policy: policy,
        health_check_node_port: (policy == TrafficPolicy::Local).then_some(32000),
        ports: vec![http, https],
        ..plain_service("iks/essential-nginx-ingress-ingress-nginx-controller", "app=nginx", 80)
    };
    for service in [dns, kubernetes, ingress] {
        declare(&mut state, Object::Service(service));
    }
    state
}

/// The test services of kube-proxy itself (`TestOverallIPTablesRulesWithMultipleServices` and its like), on a node that
/// has the first two endpoints of svc7.
fn mix() -> State {
    use ServiceType::{LoadBalancer, NodePort};
    use TrafficPolicy::{Cluster as Everywhere, Local};
    let mut state = State::new(0);
    declare(
        &mut state,
        Object::Cluster(Cluster {
            pod_cidr: "10.0.0.0/8".parse().unwrap(),
            service_cidr: "172.30.0.0/16".parse().unwrap(),
            node_port_range: (3000, 3999),
            iptables: Version::new(1, 8, 9),
            ..Cluster::default()
        }),
    );
    for address in ["1.2.3.4", "5.6.7.8", "9.10.11.12", "13.14.15.16"] {
        declare(&mut state, pool(address, address, address, PoolPurpose::LoadBalancer));
    }
    declare(&mut state, node("worker2", "192.168.0.2", ""));
    declare(&mut state, node("elsewhere", "192.168.0.3", ""));
    let service = |number: u8, endpoints: &[(u8, bool)]| {
        let endpoint = |(last, here): &(u8, bool)| {
            let node = if *here { "worker2" } else { "elsewhere" };
            EndpointAddress { node: Some(node.into()), ..EndpointAddress::new([10, 180, 0, *last], 80) }
        };
        Service {
            cluster_ip: Some([172, 30, 0, 40 + number].into()),
            endpoints: endpoints.iter().map(endpoint).collect(),
            ports: vec![service_port(Some("p80"), 80)],
            ..plain_service(&format!("ns{number}/svc{number}"), "", 80)
        }
    };
    let open = |service: Service, kind, node_port, address: Option<&str>, policy| Service {
        kind,
        load_balancer_ip: address.map(|address| address.parse().unwrap()),
        external_traffic_policy: policy,
        ports: vec![ServicePort { node_port: Some(node_port), ..service_port(Some("p80"), 80) }],
        ..service
    };
    let second = open(service(2, &[(2, false)]), LoadBalancer, 3001, Some("1.2.3.4"), Local);
    let fifth = open(service(5, &[(3, false)]), LoadBalancer, 3002, Some("5.6.7.8"), Everywhere);
    let sixth = open(service(6, &[]), LoadBalancer, 3006, Some("9.10.11.12"), Everywhere);
    let seventh = service(7, &[(7, true), (8, true), (9, false)]);
    for service in [
        service(1, &[(1, false)]),
        Service { external_ips: vec![[192, 168, 99, 22].into()], ..second },
        open(service(3, &[(3, false)]), NodePort, 3003, None, Everywhere),
        Service { external_ips: vec![[192, 168, 99, 33].into()], ..service(4, &[(4, true), (5, false)]) },
        Service {
            session_affinity: Some(crate::kube::AFFINITY_SECONDS),
            load_balancer_source_ranges: vec!["203.0.113.0/25".parse().unwrap()],
            ..fifth
        },
        Service { external_ips: vec![[192, 168, 99, 44].into()], ..sixth },
        open(seventh, LoadBalancer, 3007, Some("13.14.15.16"), Local),
    ] {
        declare(&mut state, Object::Service(service));
    }
    state
}

/// The writer walked a map of services: rules of different services may be in another order. A stable sort by the
/// service port keeps the order within each.
fn sort_services(listing: &mut Listing) {
    let port =
        |rule: &String| rule.split_once("--comment ").map(|(_, rest)| rest.split(' ').next().unwrap().to_owned());
    let shared = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"];
    for ((_, chain), rules) in listing.iter_mut() {
        if shared.contains(&chain.as_str()) {
            rules.sort_by_key(port);
        }
    }
}

#[track_caller]
fn assert_same(mut found: Listing, mut expected: Listing) {
    let services = ("nat".to_owned(), "KUBE-SERVICES".to_owned());
    assert!(found[&services].last().unwrap().contains("must be the last rule"));
    sort_services(&mut found);
    sort_services(&mut expected);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (chain, rules) in &expected {
        assert_eq!(&found[chain], rules, "{chain:?}");
    }
}

/// The input of `iptables-restore` that 1.20 wrote; the jumps were made by other commands.
#[track_caller]
fn assert_restored(state: &State, reference: &str) {
    let mut found = generated(state);
    found.retain(|(_, chain), _| !chain.starts_with('*'));
    assert_same(found, listing(reference.lines()));
}

/// All tables as 1.36 left them, with the jumps in their final order.
#[track_caller]
fn assert_full(state: &State, reference: &str) {
    let mut expected = listing(reference.lines());
    expected.retain(|(_, chain), rules| chain.starts_with("KUBE-") || !rules.is_empty());
    // There the jumps are in their final order; here they are in the order in which they are put on top.
    let mut found = Listing::new();
    for ((table, chain), mut rules) in generated(state) {
        let chain = match chain.strip_prefix('*') {
            Some(hook) => {
                rules.reverse();
                hook.to_owned()
            }
            None => chain,
        };
        // The reference was written by code under test, which has the mark in another form.
        let rules = rules.into_iter().map(|rule| rule.replace("0x00004000", "0x4000")).collect();
        found.insert((table, chain), rules);
    }
    assert_same(found, expected);
}

macro_rules! reference {
    ($name:literal) => {
        include_str!(concat!("../../../../../tests/reference/", $name))
    };
}

#[test]
fn the_guestbook_in_1_20() {
    assert_restored(&guestbook(), reference!("kube-proxy-1.20-guestbook.restore"));
}

#[test]
fn the_guestbook_in_1_20_with_policy_local() {
    let state = guestbook_of(Version::new(1, 20, 0), TrafficPolicy::Local);
    assert_restored(&state, reference!("guestbook-v1.20.0-rc.0-etplocal.restore"));
}

#[test]
fn kube_proxys_own_test_services_in_1_20() {
    assert_restored(&mix(), reference!("mix-v1.20.0-rc.0.restore"));
}

#[test]
fn the_guestbook_in_1_36() {
    let state = guestbook_of(Version::new(1, 36, 2), TrafficPolicy::Cluster);
    assert_full(&state, reference!("guestbook-v1.36.2-etpcluster.full"));
}

#[test]
fn the_guestbook_in_1_36_with_policy_local() {
    let state = guestbook_of(Version::new(1, 36, 2), TrafficPolicy::Local);
    assert_full(&state, reference!("guestbook-v1.36.2-etplocal.full"));
}

/// The chain as figures of the white paper list it, in the order of one run of kube-proxy.
#[test]
fn an_order_that_is_given_is_kept() {
    let mut state = State::new(0);
    let order = ["default/wordpress-db", "kube-system/kube-dns:metrics", "default/kubernetes"];
    let kube_proxy_options =
        KubeProxyOptions { order: order.map(str::to_owned).to_vec(), ..KubeProxyOptions::default() };
    declare(&mut state, Object::Cluster(Cluster { kube_proxy_options, ..Cluster::default() }));
    declare(&mut state, node("worker2", "10.1.110.107", "192.168.8.192/26"));
    declare(&mut state, pod("default/p", "worker2", None, "app=x"));
    declare(&mut state, pod("kube-system/p", "worker2", None, "app=x"));
    let dns = vec![service_port(Some("dns"), 53), service_port(Some("metrics"), 9153)];
    declare(&mut state, Object::Service(Service { ports: dns, ..plain_service("kube-system/kube-dns", "app=x", 53) }));
    for key in ["default/frontend", "default/wordpress-db", "default/kubernetes"] {
        declare(&mut state, Object::Service(plain_service(key, "app=x", 80)));
    }
    let services = &generated(&state)[&("nat".to_owned(), "KUBE-SERVICES".to_owned())];
    let names: Vec<_> = services.iter().step_by(2).map(|rule| rule.split(['"', ' ']).nth(4).unwrap()).collect();
    assert_eq!(names[..3], order);
    assert_eq!(names[3..5], ["default/frontend", "kube-system/kube-dns:dns"]);
}
