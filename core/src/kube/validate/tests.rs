use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::*;
use super::MOST_REPLICAS;
use crate::Origin;
use crate::map::IndexSet;

pub(crate) fn labels(text: &str) -> Labels {
    text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn split(key: &str) -> (String, String) {
    let (namespace, name) = key.split_once('/').unwrap();
    (namespace.to_owned(), name.to_owned())
}

pub(crate) fn node(name: &str, address: &str, block: &str) -> Object {
    let node = Node::new(name, address.parse::<Ipv4Addr>().unwrap());
    Object::Node(Node { pod_cidr: block.parse().ok(), device: "ens192".parse().unwrap(), ..node })
}

fn host(name: &str, address: &str) -> Object {
    Object::Host(Host::new(name, address.parse::<Ipv4Addr>().unwrap()))
}

pub(crate) fn plain_pod(key: &str, node: &str) -> Pod {
    let (namespace, name) = split(key);
    Pod { node: Some(node.into()), ..Pod::new(&namespace, &name) }
}

pub(crate) fn pod(key: &str, node: &str, address: Option<&str>, label_text: &str) -> Object {
    let address = address.map(|address| address.parse().unwrap());
    Object::Pod(Pod { address, labels: labels(label_text), ..plain_pod(key, node) })
}

pub(crate) fn plain_service(key: &str, selector: &str, port: u16) -> Service {
    let (namespace, name) = split(key);
    Service::new(&namespace, &name, labels(selector), port)
}

pub(crate) fn service_port(name: Option<&str>, port: u16) -> ServicePort {
    ServicePort { name: name.map(Into::into), ..ServicePort::new(port) }
}

pub(crate) fn service(key: &str, selector: &str, port: u16) -> Object {
    Object::Service(plain_service(key, selector, port))
}

pub(crate) fn pool(name: &str, first: &str, last: &str, purpose: PoolPurpose) -> Object {
    let (first, last) = (first.parse().unwrap(), last.parse().unwrap());
    let network = (purpose == PoolPurpose::Machines).then(|| "10.0.0.0/24".parse().unwrap());
    Object::Pool(Pool {
        name: name.into(),
        first,
        last,
        network,
        gateway: None,
        gateway_mac: None,
        purpose,
        auto_assign: true,
    })
}

fn deployment(name: &str, replicas: u32) -> Deployment {
    Deployment {
        service_account: String::new(),
        ..Deployment::new("default", name, replicas, labels("app=x"), Vec::new())
    }
}

fn origin(line: u32) -> Origin {
    Origin { file: "test.scn".into(), line, start: 0, end: 1 }
}

pub(crate) fn declare(state: &mut State, object: Object) {
    state.declare(object, Some(&origin(1))).unwrap();
}

/// Two nodes on a network, and a pool for services.
fn two_nodes() -> State {
    let mut state = State::new(7);
    declare(&mut state, pool("machines", "10.0.0.0", "10.0.0.255", PoolPurpose::Machines));
    declare(&mut state, pool("balancers", "10.0.0.200", "10.0.0.201", PoolPurpose::LoadBalancer));
    declare(&mut state, node("a", "10.0.0.1", "192.168.0.0/26"));
    declare(&mut state, node("b", "10.0.0.2", "192.168.1.0/26"));
    state
}

/// Expects a refusal that says `problem`, that points to line 1, or nowhere, and that changes nothing.
#[track_caller]
fn refused(state: &mut State, object: Object, problem: &str, related: bool) {
    let before = format!("{state:?}");
    let error = state.declare(object, Some(&origin(9))).unwrap_err();
    assert!(error.problem.contains(problem), "{}", error.problem);
    assert!(!error.problem.ends_with('.') && error.hint.is_some());
    assert_eq!(error.related.map(|(origin, _)| origin.line), related.then_some(1), "{problem}");
    assert_eq!(format!("{state:?}"), before);
}

#[test]
fn machines_are_where_their_pools_say() {
    let mut state = two_nodes();
    refused(&mut state, node("c", "10.0.1.3", ""), "outside pool machines", true);
    refused(&mut state, node("c", "10.0.0.200", ""), "is for services: pool balancers", true);
    refused(&mut state, node("c", "10.0.0.1", ""), "belongs to node a", true);
    refused(&mut state, node("a", "10.0.0.3", ""), "there is a node a already", true);
    refused(&mut state, node("c", "10.96.0.7", ""), "serviceCIDR", false);
    refused(&mut state, node("c", "10.0.0.255", ""), "stands for all of 10.0.0.0/24", false);
    refused(&mut state, node("c", "127.0.0.1", ""), "cannot be the address of a machine", false);
    declare(&mut state, host("browser", "10.9.0.1"));
    refused(&mut state, host("browser", "10.9.0.2"), "there is a host browser already", true);
    refused(&mut state, pool("x", "10.9.0.0", "10.9.0.7", PoolPurpose::LoadBalancer), "10.9.0.1 of browser", true);
    refused(&mut state, node("c", "10.0.0.3", "192.168.1.0/26"), "is held by node b", true);
    refused(&mut state, node("c", "10.0.0.3", "192.168.1.0/24"), "is not a block", false);
    refused(&mut state, node("c", "10.0.0.3", "172.16.0.0/26"), "is not part of", false);
    refused(&mut state, node("Node_C", "10.0.0.3", ""), "cannot be a node's name", false);
    refused(&mut state, pool("more", "10.0.0.201", "10.0.0.210", PoolPurpose::LoadBalancer), "overlaps", true);
    let late = Object::Cluster(Cluster::default());
    refused(&mut state, late, "has taken addresses", false);
}

#[test]
fn an_unknown_release_is_refused_and_not_guessed() {
    let cluster = Cluster { kube_proxy: Version::new(1, 28, 0), ..Cluster::default() };
    refused(&mut State::new(0), Object::Cluster(cluster), "kubeProxy 1.28 does is not known", false);
    let cluster = Cluster { pod_cidr: "10.96.0.0/12".parse().unwrap(), ..Cluster::default() };
    refused(&mut State::new(0), Object::Cluster(cluster), "overlap", false);
}

#[test]
fn pods_are_where_their_nodes_blocks_say() {
    let mut state = two_nodes();
    declare(&mut state, pod("default/one", "a", Some("192.168.0.9"), ""));
    refused(&mut state, pod("default/one", "a", None, ""), "there is a pod default/one already", true);
    refused(&mut state, pod("default/two", "a", Some("192.168.0.9"), ""), "belongs to pod default/one", true);
    refused(&mut state, pod("default/two", "a", Some("192.168.0.0"), ""), "belongs to tunl0", true);
    refused(&mut state, pod("default/two", "a", Some("192.168.1.1"), ""), "outside the block of node a", true);
    refused(&mut state, pod("default/two", "c", None, ""), "there is no node c", false);
    refused(&mut State::new(0), pod("default/two", "c", None, ""), "there is no node for", false);

    let device = |key, name: &str| Object::Pod(Pod { interface_name: name.parse().ok(), ..plain_pod(key, "b") });
    declare(&mut state, device("default/known", "cali0123"));
    refused(&mut state, device("default/two", "cali0123"), "is the device of pod default/known", true);
    refused(&mut state, device("default/two", "eth7"), "does not begin with `cali`", false);
}

#[test]
fn a_deployment_that_cannot_run_whole_does_not_run_at_all() {
    let mut state = State::new(0);
    let small = Cluster { pod_cidr: "192.168.0.0/28".parse().unwrap(), block_size: 29, ..Cluster::default() };
    declare(&mut state, Object::Cluster(small));
    declare(&mut state, node("a", "10.0.0.1", "192.168.0.0/29"));
    refused(&mut state, Object::Deployment(deployment("web", 16)), "IPAM allocated only 0", true);
    declare(&mut state, Object::Deployment(deployment("web", 15)));
    assert_eq!(state.pods_named("web").count(), 15);
    assert_eq!(state.blocks("a").count(), 2);
}

#[test]
fn pods_go_to_nodes_in_turn_and_are_found_by_their_names() {
    let mut state = two_nodes();
    let named = NamedPod { name: "web-first".into(), ..NamedPod::default() };
    declare(&mut state, Object::Deployment(Deployment { pods: vec![named], ..deployment("web", 3) }));
    declare(&mut state, Object::Deployment(Deployment { daemon_set: true, ..deployment("agent", 1) }));
    let nodes: Vec<_> = state.pods_named("deployment/web").map(|pod| pod.node.as_ref()).collect();
    assert_eq!(nodes, ["a", "b", "a"]);
    let nodes: Vec<_> = state.pods_named("agent").map(|pod| pod.node.as_ref()).collect();
    assert_eq!(nodes, ["a", "b"]);
    assert_eq!(state.pod("pod/default/web-first").unwrap().owner.as_deref(), Some("default/web"));
    assert!(state.pod("web").is_none(), "three pods have that name");
    declare(&mut state, Object::Deployment(deployment("single", 1)));
    let single = state.pod("single").unwrap();
    assert_eq!(single.service_account.as_ref(), "default");
    assert_eq!(state.node_of_address(single.address).unwrap().object.name, *single.node);
    assert_eq!(state.pods_on("a").len(), 4);
}

#[test]
fn a_name_does_not_depend_on_what_else_there_is() {
    let names = |state: &State| state.pods_named("web").map(|pod| pod.name.clone()).collect::<Vec<Arc<str>>>();
    let (mut alone, mut crowded) = (two_nodes(), two_nodes());
    declare(&mut crowded, pod("default/other", "a", None, ""));
    declare(&mut crowded, Object::Deployment(deployment("another", 4)));
    declare(&mut alone, Object::Deployment(deployment("web", 4)));
    declare(&mut crowded, Object::Deployment(deployment("web", 4)));
    assert_eq!(names(&alone), names(&crowded));
}

#[test]
fn services_get_what_they_do_not_say() {
    let mut state = two_nodes();
    let lb = |key, address: Option<&str>| {
        let load_balancer_ip = address.map(|address| address.parse().unwrap());
        Service { kind: ServiceType::LoadBalancer, load_balancer_ip, ..plain_service(key, "app=x", 80) }
    };
    declare(&mut state, Object::Service(lb("default/one", Some("10.0.0.201"))));
    declare(&mut state, Object::Service(lb("default/two", None)));
    declare(&mut state, Object::Service(lb("default/three", None)));
    let found = |name| {
        let service = &state.service(name).unwrap().object;
        (service.cluster_ip.unwrap().octets()[3], service.load_balancer_ip)
    };
    assert_eq!(found("one"), (2, Some([10, 0, 0, 201].into())));
    assert_eq!(found("two"), (3, Some([10, 0, 0, 200].into())));
    assert_eq!(found("three"), (4, None), "the pool is empty");
    let node_ports = state.services().map(|service| service.object.ports[0].node_port.unwrap());
    let node_ports: IndexSet<u16> = node_ports.filter(|port| (30_000..=32_767).contains(port)).collect();
    assert_eq!(node_ports.len(), 3);
    refused(&mut state, Object::Service(lb("default/four", Some("10.0.0.201"))), "service default/one, from", true);
    refused(&mut state, Object::Service(lb("default/four", Some("10.0.0.7"))), "not allowed in config", true);
    declare(&mut state, pool("more", "10.0.0.210", "10.0.0.211", PoolPurpose::LoadBalancer));
    assert_eq!(state.service("three").unwrap().object.load_balancer_ip, Some([10, 0, 0, 210].into()));
    assert_eq!(state.holder([10, 0, 0, 210].into()), Some(&Holder::LoadBalancer("default/three".into())));
}

#[test]
fn services_are_checked() {
    let mut state = two_nodes();
    let x = || plain_service("default/x", "app=x", 80);
    declare(&mut state, Object::Service(Service { cluster_ip: Some([10, 96, 0, 10].into()), ..x() }));
    for _ in 0..10 {
        let name = format!("default/s{}", state.services().len());
        declare(&mut state, service(&name, "app=x", 80));
    }
    assert_eq!(state.service("s9").unwrap().object.cluster_ip, Some([10, 96, 0, 11].into()));
    let y = || Service { name: "y".into(), ..x() };
    let bad = |change: fn(&mut Service)| {
        let mut service = y();
        change(&mut service);
        Object::Service(service)
    };
    refused(&mut state, bad(|s| s.cluster_ip = Some([10, 96, 0, 10].into())), "belongs to service default/x", true);
    refused(&mut state, bad(|s| s.cluster_ip = Some([10, 97, 0, 1].into())), "service CIDR", false);
    refused(&mut state, bad(|s| s.ports.push(service_port(None, 81))), "has no name", false);
    refused(&mut state, bad(|s| s.ports.clear()), "has no port", false);
    refused(&mut state, bad(|s| s.ports[0].port = 0), "cannot be 0", false);
    refused(&mut state, bad(|s| s.ports[0].node_port = Some(30000)), "type ClusterIP", false);
    refused(&mut state, bad(|s| s.name = "9y".into()), "cannot be a service's name", false);
    refused(&mut state, Object::Service(x()), "there is a service default/x already", true);
}

#[test]
fn machines_have_names_and_ethernet_addresses_of_their_own() {
    let mut state = two_nodes();
    let with = |mac: &str| Object::Host(Host { mac: mac.parse().ok(), ..Host::new("c", [10, 0, 0, 3]) });
    refused(&mut state, host("gateway", "10.0.0.3"), "cannot be called `gateway`", false);
    refused(&mut state, with("01:00:5e:00:00:01"), "it is a group's", false);
    refused(&mut state, with("ee:ee:ee:ee:ee:ee"), "Calico gives it", false);
    refused(&mut state, with("02:42:0a:00:00:01"), "of node a", true);
    declare(&mut state, with("02:42:0a:00:00:03"));
}

/// What fields of a service need of each other, and of the release of kube-proxy.
#[test]
fn fields_of_a_service_fit_together() {
    let mut state = two_nodes();
    let x = || plain_service("default/x", "app=x", 80);
    let balancer = || Service { kind: ServiceType::LoadBalancer, ..x() };
    let local = TrafficPolicy::Local;
    for (service, problem) in [
        (Service { kind: ServiceType::ExternalName, ..x() }, "names nothing"),
        (Service { external_name: Some("a.b".into()), ..x() }, "of type ClusterIP has externalName"),
        (Service { headless: true, ..balancer() }, "type LoadBalancer has `clusterIP None`"),
        (Service { headless: true, cluster_ip: Some([10, 96, 0, 9].into()), ..x() }, "headless service x"),
        (
            Service { load_balancer_source_ranges: vec!["10.0.0.0/8".parse().unwrap()], ..x() },
            "loadBalancerSourceRanges",
        ),
        (Service { external_traffic_policy: local, ..x() }, "has externalTrafficPolicy Local"),
        (Service { health_check_node_port: Some(30001), ..balancer() }, "has a healthCheckNodePort"),
        (Service { session_affinity: Some(0), ..x() }, "lasts 0 s"),
        (Service { session_affinity: Some(86_401), ..x() }, "lasts 86401 s"),
        (Service { external_ips: vec![[127, 0, 0, 1].into()], ..x() }, "cannot be an externalIP"),
        (
            Service {
                selector: Labels::default(),
                endpoints: vec![EndpointAddress { node: Some("c".into()), ..EndpointAddress::new([9, 9, 9, 9], 80) }],
                ..x()
            },
            "there is no node c",
        ),
        (
            Service {
                ports: vec![ServicePort { target_port: Some(TargetPort::Name("80".into())), ..service_port(None, 80) }],
                ..x()
            },
            "cannot be a port's name",
        ),
        (Service { internal_traffic_policy: local, ..x() }, "kubeProxy 1.20 knows no internalTrafficPolicy Local"),
        (
            Service { traffic_distribution: Some(TrafficDistribution::PreferClose), ..x() },
            "kubeProxy 1.20 knows no trafficDistribution",
        ),
    ] {
        refused(&mut state, Object::Service(service), problem, false);
    }
    let checked = |name, port| Service {
        name: String::from(name),
        external_traffic_policy: local,
        health_check_node_port: Some(port),
        ..balancer()
    };
    refused(&mut state, Object::Service(checked("a", 29_999)), "healthCheckNodePort 29999 is out of range", false);
    declare(&mut state, Object::Service(checked("a", 32_000)));
    refused(&mut state, Object::Service(checked("b", 32_000)), "healthCheckNodePort 32000 belongs to service", true);
    declare(
        &mut state,
        Object::Service(Service { headless: true, ports: Vec::new(), ..plain_service("default/h", "app=x", 80) }),
    );
    assert_eq!(state.service("h").unwrap().object.cluster_ip, None);
}

#[test]
fn options_of_kube_proxy_are_those_of_its_release() {
    let refuse = |options: KubeProxyOptions, problem: &str| {
        let cluster = Cluster { kube_proxy_options: options, ..Cluster::default() };
        refused(&mut State::new(0), Object::Cluster(cluster), problem, false);
    };
    let default = KubeProxyOptions::default;
    refuse(KubeProxyOptions { masquerade_bit: 32, ..default() }, "masqueradeBit 32 is no bit");
    refuse(KubeProxyOptions { localhost_node_ports: false, ..default() }, "kubeProxy 1.20 has no localhostNodePorts");
    let prefix = DetectLocal::InterfaceNamePrefix(String::new());
    refuse(KubeProxyOptions { detect_local: prefix, ..default() }, "cannot be the beginning of a device's name");
    let cluster = Cluster { node_port_range: (2, 1), ..Cluster::default() };
    refused(&mut State::new(0), Object::Cluster(cluster), "2 to 1 is no range of node ports", false);
}

/// A slip of the finger must not take all memory.
#[test]
fn a_deployment_has_its_bounds() {
    refused(&mut two_nodes(), Object::Deployment(deployment("web", MOST_REPLICAS + 1)), "has 10001 replicas", false);
}

proptest! {
    /// Whatever is declared in whatever order, no two pods ever have one address, and each is in a block of its node.
    #[test]
    fn no_two_pods_ever_get_one_address(
        sizes in prop::collection::vec((0_u32..90, any::<bool>(), 1_u8..60), 1..6),
        block_size in 26_u8..30,
    ) {
        let mut state = State::new(1);
        let cluster = Cluster { pod_cidr: "192.168.0.0/22".parse().unwrap(), block_size, ..Cluster::default() };
        declare(&mut state, Object::Cluster(cluster));
        declare(&mut state, node("a", "10.0.0.1", ""));
        declare(&mut state, node("b", "10.0.0.2", ""));
        for (index, (replicas, daemon_set, step)) in sizes.into_iter().enumerate() {
            let wish = state.blocks("a").next().unwrap().network().to_bits() + u32::from(step);
            let named = NamedPod {
                name: format!("p{index}"), node: Some("a".into()), address: Some(wish.into()), ..NamedPod::default()
            };
            let name = format!("d{index}");
            // It may be refused, for a wish that cannot be granted; then nothing of it runs.
            let _ = state.declare(
                Object::Deployment(Deployment { daemon_set, pods: vec![named], ..deployment(&name, replicas) }), None);
        }
        let mut addresses: Vec<_> = state.pods().map(|pod| pod.address).collect();
        for pod in state.pods() {
            prop_assert!(state.blocks(&pod.node).any(|block| block.contains(&pod.address)));
            prop_assert!(state.tunnel_address(&pod.node) != Some(pod.address));
        }
        let count = addresses.len();
        addresses.sort_unstable();
        addresses.dedup();
        prop_assert_eq!(addresses.len(), count);
    }
}
