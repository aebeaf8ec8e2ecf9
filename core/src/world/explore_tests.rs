//! Laws of exploring: the ways are all there are, their probabilities are 1 together, and nothing comes of walking them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Fraction;
use crate::kube::{
    Cluster, Container, Deployment, HttpHandler, Ingress, IngressPath, Labels, Node, Object, PathType, Pod, Serve,
    Service, ServiceBackendPort, ServicePort, TransportProtocol, Version,
};
use crate::trace::{Depth, FlowOutcome, Step};
use crate::view;

fn labels(app: &str) -> Labels {
    [("app".to_owned(), app.to_owned())].into_iter().collect()
}

fn apply(world: &mut World, op: Op) -> Result<Outcome, OpError> {
    world.apply(&Operation { op, origin: None })
}

/// Three nodes, a client on the first, a service with `endpoints` pods, CoreDNS with two, and an ingress.
fn world(endpoints: u32, version: Version) -> World {
    let mut world = World::new(0);
    let http = vec![Container::serving("web", 80, Serve::Http { root: "/".into(), on: Vec::<HttpHandler>::new() })];
    let mut dns = Container::serving("coredns", 53, Serve::Dns { pods: crate::kube::PodRecords::default() });
    dns.ports[0].protocol = TransportProtocol::Udp;
    let nginx = Container::serving("nginx", 80, Serve::IngressNginx);
    let dns_port = ServicePort { protocol: TransportProtocol::Udp, ..ServicePort::new(53) };
    let kube_dns = Service { ports: vec![dns_port], ..Service::new("kube-system", "kube-dns", labels("dns"), 53) };
    let path = IngressPath {
        host: None,
        path: "/".into(),
        path_type: PathType::Prefix,
        service: "web".into(),
        port: ServiceBackendPort::Number(80),
    };
    let objects = [
        Object::Cluster(Cluster { kube_proxy: version, ..Cluster::default() }),
        Object::Node(Node::new("worker1", [10, 0, 0, 1])),
        Object::Node(Node::new("worker2", [10, 0, 0, 2])),
        Object::Node(Node::new("worker3", [10, 0, 0, 3])),
        Object::Pod(Pod { node: Some("worker1".into()), ..Pod::new("default", "client") }),
        Object::Deployment(Deployment::new("default", "web", endpoints, labels("web"), http)),
        Object::Service(Service::new("default", "web", labels("web"), 80)),
        Object::Deployment(Deployment::new("kube-system", "coredns", 2, labels("dns"), vec![dns])),
        Object::Service(kube_dns),
        Object::Deployment(Deployment::new("iks", "nginx", 1, labels("nginx"), vec![nginx])),
        Object::Service(Service::new("iks", "nginx", labels("nginx"), 80)),
        Object::Ingress(Ingress {
            namespace: "default".into(),
            name: "site".into(),
            annotations: Labels::default(),
            ingress_class_name: None,
            tls: Vec::new(),
            default_backend: None,
            paths: vec![path],
        }),
    ];
    for object in objects {
        apply(&mut world, Op::Declare { object }).unwrap();
    }
    world
}

fn source() -> Source {
    Source { name: "client".into(), port: None }
}

fn tcp() -> Op {
    let to = Target { host: TargetHost::Name("service/web".into()), port: Some(80) };
    Op::Send { from: source(), to, protocol: TransportProtocol::Tcp, name: "it".into() }
}

fn get(url: &str) -> Op {
    Op::Get { from: source(), url: url.into(), at: None, assets: false, name: "it".into() }
}

fn explore(world: &mut World, what: Op) -> Arc<Ways> {
    match apply(world, Op::Explore { what: Box::new(what) }) {
        Ok(Outcome::Ways(ways)) => ways,
        other => panic!("no ways: {other:?}"),
    }
}

fn sent(world: &mut World, what: &Op) -> Arc<Flow> {
    match apply(world, what.clone()) {
        Ok(Outcome::Flow(flow)) => flow,
        other => panic!("no flow: {other:?}"),
    }
}

fn dice(world: &mut World, chain: &str, probability: &str, target: &str) {
    let arguments = format!("-I {chain} -m statistic --mode random --probability {probability} {target}");
    apply(world, Op::Iptables { node: "worker1".into(), arguments }).unwrap();
}

fn sum(ways: &Ways) -> Option<Fraction> {
    ways.ways.iter().try_fold(Fraction::ZERO, |sum, way| sum.plus(way.probability))
}

/// What chance decided about a flow, without the ports that make no difference.
fn signature(flow: &Flow) -> String {
    let mut signature = format!("{:?}", flow.outcome);
    for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
        signature.push_str(&hop.place);
        for step in &hop.steps {
            match step {
                Step::Dnat { to, .. } => signature.push_str(&to.to_string()),
                Step::Rule(hit) => signature += &[&*hit.chain, &hit.number.to_string()].concat(),
                _ => {}
            }
        }
    }
    signature
}

const OLD: Version = Version::new(1, 20, 0);
const NEW: Version = Version::new(1, 36, 0);

#[test]
fn each_endpoint_has_its_share() {
    for version in [OLD, NEW] {
        let ways = explore(&mut world(3, version), tcp());
        let shares: Vec<_> = ways.ways.iter().map(|way| way.probability.to_string()).collect();
        assert_eq!(shares, ["1/3", "1/3", "1/3"]);
        let to = |way: &crate::trace::Way| match &way.flow.outcome {
            FlowOutcome::Delivered { to } => to.to_string(),
            other => panic!("{other:?}"),
        };
        for way in &ways.ways {
            assert_eq!(way.decisions.len(), 1);
            assert_eq!(way.decisions[0].about, "service default/web");
            assert_eq!(way.decisions[0].taken, to(way), "in the words of what was delivered to");
        }
    }
}

#[test]
fn names_proxies_and_services_are_crossroads() {
    let mut direct = world(2, OLD);
    let ways = explore(&mut direct, get("http://web/"));
    let about: BTreeSet<_> = ways.ways.iter().flat_map(|way| &way.decisions).map(|one| one.about.as_str()).collect();
    assert_eq!(about, BTreeSet::from(["service kube-system/kube-dns", "service default/web"]));
    assert_eq!(ways.ways.len(), 4);
    let address = direct.state().service("iks/nginx").unwrap().object.cluster_ip.unwrap();
    let ways = explore(&mut direct, get(&format!("http://{address}/")));
    let about: BTreeSet<_> = ways.ways.iter().flat_map(|way| &way.decisions).map(|one| one.about.as_str()).collect();
    assert_eq!(about, BTreeSet::from(["upstream default-web-80"]));
    assert_eq!(ways.ways.len(), 2);
}

#[test]
fn a_headless_name_is_a_crossroads_too() {
    let mut world = world(3, OLD);
    let headless = Service { cluster_ip: None, headless: true, ..Service::new("default", "bare", labels("web"), 80) };
    apply(&mut world, Op::Declare { object: Object::Service(headless) }).unwrap();
    let ways = explore(&mut world, Op::Resolve { from: source(), host: "bare".into(), kind: None, name: "it".into() });
    assert_eq!(ways.ways.len(), 6, "two servers, three addresses");
    assert_eq!(sum(&ways), Some(Fraction::ONE));
    let firsts: BTreeSet<_> = ways.ways.iter().map(|way| way.flow.dns.as_ref().unwrap().addresses[0]).collect();
    assert_eq!(firsts.len(), 3);
}

#[test]
fn exploring_changes_nothing_and_what_happens_is_one_of_the_ways() {
    for what in [tcp(), get("http://web/")] {
        let (mut explored, mut plain) = (world(3, OLD), world(3, OLD));
        let ways = explore(&mut explored, what.clone());
        assert_eq!((explored.time, explored.next_packet), (plain.time, plain.next_packet));
        let (one, other) = (sent(&mut explored, &what), sent(&mut plain, &what));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        let same = ways.ways.iter().filter(|way| format!("{:?}", way.flow) == format!("{one:?}"));
        assert_eq!(same.count(), 1, "the way that the seed takes is among them, port by port");
    }
}

/// Over many seeds, what is sent goes the ways that were explored, and no other; and it goes all of them.
#[test]
fn seeds_take_the_ways_that_were_explored() {
    let mut base = world(3, OLD);
    dice(&mut base, "PREROUTING -t nat", "0.25", "-j MARK --set-mark 1");
    dice(&mut base, "FORWARD -p icmp", "0.25", "-j DROP");
    let address = base.state().service("iks/nginx").unwrap().object.cluster_ip.unwrap();
    let worker3 = Target { host: TargetHost::Name("worker3".into()), port: None };
    let ping = Op::Ping { from: source(), to: worker3, name: "it".into() };
    for what in [tcp(), ping, get("http://web/"), get(&format!("http://{address}/"))] {
        let ways = explore(&mut base, what.clone());
        let known: BTreeSet<_> = ways.ways.iter().map(|way| signature(&way.flow)).collect();
        assert_eq!(sum(&ways), Some(Fraction::ONE));
        // A way that is never taken in so many tries would have to be a rare one.
        let likely = ways.ways.iter().filter(|way| way.probability >= Fraction::new(1, 20).unwrap());
        let mut unseen: BTreeSet<_> = likely.map(|way| signature(&way.flow)).collect();
        for seed in 0..120 {
            let mut world = base.clone();
            world.random = Random::new(seed);
            let taken = signature(&sent(&mut world, &what));
            assert!(known.contains(&taken), "a way that was not explored");
            unseen.remove(&taken);
        }
        assert!(unseen.is_empty(), "{} of {} ways never taken", unseen.len(), ways.ways.len());
    }
}

#[test]
fn too_many_ways_are_refused_by_name() {
    let mut world = world(1, OLD);
    for number in 0..5 {
        dice(&mut world, "PREROUTING -t nat", "0.5", &format!("-j MARK --set-mark {number}"));
    }
    let error = world.explore_up_to(31, &tcp()).unwrap_err();
    assert_eq!(error.problem, "it has more than 31 ways");
    assert!(world.ways("it").is_none());
    assert!(world.explore_up_to(32, &tcp()).is_ok());
    let error = apply(&mut world, Op::Explore { what: Box::new(Op::Explore { what: Box::new(tcp()) }) }).unwrap_err();
    assert_eq!(error.problem, "only what is sent can be explored");
}

#[test]
fn a_pinned_choice_is_no_crossroads() {
    let mut world = world(3, OLD);
    let pod = world.state().pods_named("default/web").next().unwrap().key.to_string();
    let choose = |on: Option<&str>| {
        Op::Choose(Choice::Endpoint { service: "default/web".into(), endpoint: pod.clone(), on: on.map(str::to_owned) })
    };
    let address = world.state().service("iks/nginx").unwrap().object.cluster_ip.unwrap();
    let proxied = get(&format!("http://{address}/"));
    apply(&mut world, choose(Some("worker2"))).unwrap();
    assert_eq!(explore(&mut world, tcp()).ways.len(), 3, "the client's node is worker1");
    apply(&mut world, choose(Some("worker1"))).unwrap();
    assert_eq!(explore(&mut world, tcp()).ways.len(), 1);
    assert_eq!(explore(&mut world, proxied.clone()).ways.len(), 3, "ingress-nginx is no kube-proxy");
    apply(&mut world, choose(Some("iks/nginx"))).unwrap();
    assert_eq!(explore(&mut world, proxied.clone()).ways.len(), 1);
    let release =
        |on: Option<&str>| Op::Choose(Choice::AnyEndpoint { service: "web".into(), on: on.map(str::to_owned) });
    apply(&mut world, release(Some("worker1"))).unwrap();
    assert_eq!(explore(&mut world, tcp()).ways.len(), 3);
    apply(&mut world, release(None)).unwrap();
    assert_eq!(explore(&mut world, proxied).ways.len(), 3);
    assert!(apply(&mut world, release(None)).unwrap_err().problem.contains("already"));
    let error = apply(&mut world, choose(Some("default/client"))).unwrap_err();
    assert_eq!(error.problem, "default/client does not choose among endpoints");
}

#[test]
fn ways_are_told_one_a_line() {
    let mut world = world(2, OLD);
    let ways = explore(&mut world, tcp());
    let list = view::ways::list(&ways, None);
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.starts_with("it: tcp default/client -> 10.96.0."), "{list}");
    let told = view::ways::trace(&ways, Some(Depth::Hops));
    assert!(told.contains("\nway #2, with probability 1/2: it: tcp"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn probabilities_are_one_together(
        endpoints in 1_u32..7,
        old in any::<bool>(),
        dices in proptest::collection::vec((0_u32..=1000, any::<bool>(), any::<bool>()), 0..4),
        proxied in any::<bool>(),
    ) {
        let mut world = world(endpoints, if old { OLD } else { NEW });
        for (thousandths, drops, negated) in &dices {
            let probability = f64::from(*thousandths) / 1000.0;
            let bang = if *negated { "! " } else { "" };
            let target = if *drops { "-j DROP" } else { "-j MARK --set-xmark 0x1/0x1" };
            let arguments =
                format!("-t mangle -I PREROUTING -m statistic --mode random {bang}--probability {probability} {target}");
            apply(&mut world, Op::Iptables { node: "worker1".into(), arguments }).unwrap();
        }
        let what = if proxied { get("http://web/") } else { tcp() };
        // Dice on the way of many packets may make more ways than are walked.
        if let Ok(outcome) = world.explore_up_to(200, &what) {
            let Outcome::Ways(ways) = outcome else { panic!("no ways") };
            prop_assert_eq!(sum(&ways), Some(Fraction::ONE));
            prop_assert!(ways.ways.iter().all(|way| way.probability > Fraction::ZERO));
        } else {
            prop_assert!(!dices.is_empty());
        }
    }
}
