//! The whole engine, from objects to flows.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::kube::{Container, Deployment, Labels, Node, Object, Pod, Serve, Service, TransportProtocol};
use crate::trace::{Depth, DropReason, Expectation, Flow, FlowOutcome, Pattern, Step};
use crate::view;

fn labels(app: &str) -> Labels {
    [("app".to_owned(), app.to_owned())].into_iter().collect()
}

/// Two nodes; a client on worker1; two web pods, one on each node, behind a service; and a service without pods.
fn operations() -> Vec<Operation> {
    let web = vec![Container::serving("nginx", 80, Serve::Http { root: "/".into(), on: Vec::new() })];
    let on = vec!["worker1".to_owned(), "worker2".to_owned()];
    let objects = [
        Object::Node(Node::new("worker1", [10, 0, 0, 1])),
        Object::Node(Node::new("worker2", [10, 0, 0, 2])),
        Object::Pod(Pod { node: Some("worker1".into()), ..Pod::new("default", "client") }),
        Object::Deployment(Deployment { on, ..Deployment::new("default", "web", 2, labels("web"), web) }),
        Object::Service(Service::new("default", "web", labels("web"), 80)),
        Object::Service(Service::new("default", "empty", labels("nobody"), 80)),
    ];
    objects.into_iter().map(|object| Operation { op: Op::Declare { object }, origin: None }).collect()
}

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    for operation in operations() {
        world.apply(&operation).unwrap();
    }
    world
}

fn flow(world: &mut World, op: Op) -> Arc<Flow> {
    match world.apply(&Operation { op, origin: None }) {
        Ok(Outcome::Flow(flow)) => flow,
        other => panic!("not a flow: {other:?}"),
    }
}

fn from(name: &str) -> Source {
    Source { name: name.into(), port: None }
}

fn send(world: &mut World, who: &str, to: TargetHost, port: u16, protocol: TransportProtocol) -> Arc<Flow> {
    let to = Target { host: to, port: Some(port) };
    flow(world, Op::Send { from: from(who), to, protocol, name: "it".into() })
}

fn tcp(world: &mut World, who: &str, to: &str) -> Arc<Flow> {
    send(world, who, TargetHost::Name(to.into()), 80, TransportProtocol::Tcp)
}

/// The pod of `web` on a node.
fn web_on(world: &World, node: &str) -> (String, Ipv4Addr) {
    let pod = world.state().pods_on(node).find(|pod| pod.owner.is_some()).unwrap();
    (pod.key.to_string(), pod.address)
}

#[test]
fn some_seed_takes_each_endpoint() {
    let mut seen = Vec::new();
    for seed in 0..16 {
        let mut world = world(seed);
        let FlowOutcome::Delivered { to } = tcp(&mut world, "client", "service/web").outcome.clone() else {
            panic!("it arrives with every seed")
        };
        seen.push(world.state().pod(&to).unwrap().node.to_string());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["worker1", "worker2"]);
}

#[test]
fn a_pinned_choice_holds_for_every_connection() {
    let mut world = world(0);
    let (pod, _) = web_on(&world, "worker2");
    let pin = Choice::Endpoint { service: "default/web".into(), endpoint: pod.clone(), on: None };
    world.apply(&Operation { op: Op::Choose(pin), origin: None }).unwrap();
    for _ in 0..8 {
        assert_eq!(
            tcp(&mut world, "client", "service/web").outcome,
            FlowOutcome::Delivered { to: pod.as_str().into() }
        );
    }
}

#[test]
fn a_service_without_endpoints_refuses_by_its_rule() {
    let mut world = world(0);
    let flow = tcp(&mut world, "client", "service/empty");
    assert_eq!(flow.outcome, FlowOutcome::Rejected { by: "worker1".into(), with: "icmp port unreachable".into() });
    let reject = flow.packets.iter().flat_map(|packet| &packet.hops).find_map(|hop| match &hop.end {
        crate::trace::End::Dropped(DropReason::Rule { chain, rule, told: true, .. }) => Some((chain, rule)),
        _ => None,
    });
    let (chain, rule) = reject.expect("a rule rejected it");
    assert_eq!(&**chain, "KUBE-SERVICES");
    assert!(rule.contains("default/empty has no endpoints"), "{rule}");
}

#[test]
fn a_pod_reaches_itself_through_its_service() {
    let mut world = world(0);
    let (pod, address) = web_on(&world, "worker1");
    let pin = Choice::Endpoint { service: "web".into(), endpoint: pod.clone(), on: None };
    world.apply(&Operation { op: Op::Choose(pin), origin: None }).unwrap();
    let flow = tcp(&mut world, &pod, "service/web");
    assert_eq!(flow.outcome, FlowOutcome::Delivered { to: pod.as_str().into() });
    let source = flow.packets[0].hops.iter().flat_map(|hop| &hop.steps).find_map(|step| match step {
        Step::Snat { from, to } => Some((*from.ip(), *to.ip())),
        _ => None,
    });
    assert_eq!(source, Some((address, Ipv4Addr::new(10, 0, 0, 1))), "hairpin: the pod sees its node");
}

#[test]
fn an_address_that_nobody_has_is_dropped_by_its_block() {
    let mut world = world(0);
    let unused = Ipv4Addr::from_bits(web_on(&world, "worker2").1.to_bits() + 9);
    let flow = send(&mut world, "client", TargetHost::Address(unused), 80, TransportProtocol::Tcp);
    assert_eq!(flow.outcome, FlowOutcome::Dropped { at: "worker2".into(), reason: DropReason::Blackhole });
    // SYNs at 0, 1, 3 and 7 seconds, then patience ends at 10.
    assert_eq!(flow.packets.len(), 4);
    assert_eq!((world.time() - Time::ZERO).as_secs(), 10);
}

#[test]
fn a_closed_port_refuses() {
    let mut world = world(0);
    let (pod, address) = web_on(&world, "worker2");
    let flow = send(&mut world, "client", TargetHost::Address(address), 81, TransportProtocol::Tcp);
    assert_eq!(flow.outcome, FlowOutcome::Rejected { by: pod.as_str().into(), with: "tcp reset".into() });
    let flow = send(&mut world, "client", TargetHost::Address(address), 81, TransportProtocol::Udp);
    assert_eq!(flow.outcome, FlowOutcome::Rejected { by: pod.as_str().into(), with: "icmp port unreachable".into() });
}

#[test]
fn echoes_come_back_through_the_tunnel() {
    let mut world = world(0);
    let (pod, address) = web_on(&world, "worker2");
    let to = Target { host: TargetHost::Address(address), port: None };
    let flow = flow(&mut world, Op::Ping { from: from("client"), to, name: "it".into() });
    assert_eq!(flow.outcome, FlowOutcome::Delivered { to: pod.as_str().into() });
    let places: Vec<_> = flow.packets[1].hops.iter().map(|hop| &*hop.place).collect();
    assert_eq!(places, [&*pod, "worker2", "worker2", "worker1", "worker1", "default/client"]);
}

#[test]
fn connections_are_forgotten_in_their_time() {
    let mut world = world(0);
    let page =
        Op::Get { from: from("client"), url: "http://10.96.0.2/".into(), at: None, assets: false, name: "page".into() };
    let flow = flow(&mut world, page);
    assert_eq!(flow.http.as_ref().map(|page| page.status), Some(200));
    let show = Op::Show(Show::Conntrack { on: "worker1".into(), protocol: None, destination_port: Some(80) });
    let show = Operation { op: show, origin: None };
    let listed = |world: &mut World| match world.apply(&show) {
        Ok(Outcome::Text(text)) => text,
        other => panic!("not a text: {other:?}"),
    };
    assert!(listed(&mut world).contains("tcp      6 120 TIME_WAIT src="), "{}", listed(&mut world));
    world.apply(&Operation { op: Op::Wait { duration: Duration::from_secs(119) }, origin: None }).unwrap();
    assert!(listed(&mut world).contains("tcp      6 1 TIME_WAIT src="), "{}", listed(&mut world));
    world.apply(&Operation { op: Op::Wait { duration: Duration::from_secs(1) }, origin: None }).unwrap();
    assert!(!listed(&mut world).contains("TIME_WAIT"));
}

#[test]
fn operations_replayed_from_text_give_the_same_bytes() {
    let send = Op::Send {
        from: from("client"),
        to: Target { host: TargetHost::Name("web".into()), port: Some(80) },
        protocol: TransportProtocol::Tcp,
        name: "hello".into(),
    };
    let mut all = operations();
    all.push(Operation { op: send, origin: None });
    all.push(Operation { op: Op::Wait { duration: Duration::from_millis(1500) }, origin: None });
    all.push(Operation { op: Op::Trace { name: "hello".into(), depth: Some(Depth::All) }, origin: None });
    let text = serde_json::to_string(&all).unwrap();
    let read: Vec<Operation> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, all);
    let told = |operations: &[Operation]| {
        let mut world = World::new(3);
        let texts = operations.iter().map(|operation| world.apply(operation).unwrap());
        texts
            .filter_map(|outcome| if let Outcome::Text(text) = outcome { Some(text) } else { None })
            .collect::<String>()
    };
    assert!(told(&all).contains("KUBE-SVC-"));
    assert_eq!(told(&all), told(&read));
}

#[test]
fn a_copy_is_a_world_of_its_own() {
    let mut one = world(0);
    let mut other = one.clone();
    let rule = "-t filter -I FORWARD -p tcp --dport 80 -j DROP".to_owned();
    let iptables = Op::Iptables { node: "worker1".into(), arguments: rule };
    other.apply(&Operation { op: iptables, origin: None }).unwrap();
    assert!(matches!(tcp(&mut other, "client", "web").outcome, FlowOutcome::Dropped { .. }));
    assert!(matches!(tcp(&mut one, "client", "web").outcome, FlowOutcome::Delivered { .. }));
}

#[test]
fn rules_of_ones_own_survive_until_their_chain_is_written_anew() {
    let mut world = world(0);
    let log = r#"-t nat -I KUBE-SERVICES -j LOG --log-prefix "seen ""#.to_owned();
    world.apply(&Operation { op: Op::Iptables { node: "worker1".into(), arguments: log }, origin: None }).unwrap();
    let first = |world: &mut World| {
        let show = Show::Iptables {
            on: "worker1".into(),
            table: crate::netfilter::TableName::Nat,
            chain: Some("KUBE-SERVICES".into()),
        };
        match world.apply(&Operation { op: Op::Show(show), origin: None }) {
            Ok(Outcome::Text(text)) => text.lines().nth(2).unwrap_or_default().contains("LOG"),
            other => panic!("not a text: {other:?}"),
        }
    };
    assert!(first(&mut world));
    let pod = Object::Pod(Pod { node: Some("worker1".into()), ..Pod::new("default", "another") });
    world.apply(&Operation { op: Op::Declare { object: pod }, origin: None }).unwrap();
    assert!(first(&mut world), "a pod that no service selects is nothing to kube-proxy");
    let service = Object::Service(Service::new("default", "more", labels("web"), 81));
    world.apply(&Operation { op: Op::Declare { object: service }, origin: None }).unwrap();
    assert!(!first(&mut world), "kube-proxy 1.20 writes all its chains");
}

#[test]
fn what_cannot_be_done_says_why_and_what_to_write() {
    let mut world = world(0);
    let to = Target { host: TargetHost::Name("wep".into()), port: Some(80) };
    let op = Op::Send { from: from("client"), to, protocol: TransportProtocol::Tcp, name: String::new() };
    let error = world.apply(&Operation { op, origin: None }).unwrap_err();
    assert_eq!(error.problem, "there is no service, pod, node or host called `wep`");
    let get = Op::Get { from: from("client"), url: "http://web/".into(), at: None, assets: false, name: String::new() };
    let error = world.apply(&Operation { op: get, origin: None }).unwrap_err();
    assert!(error.problem.contains("no service kube-system/kube-dns"), "{}", error.problem);
}

fn expect(world: &mut World, negated: bool, pattern: Pattern) -> Result<Judgement, OpError> {
    let expectation = Expectation { flow: "it".into(), negated, reply: false, share: None, pattern };
    match world.apply(&Operation { op: Op::Expect(expectation), origin: None }) {
        Ok(Outcome::Judged(judgement)) => Ok(judgement),
        Ok(other) => panic!("not a judgement: {other:?}"),
        Err(error) => Err(error),
    }
}

#[test]
fn what_was_rejected_was_not_dropped() {
    let mut world = world(0);
    tcp(&mut world, "client", "service/empty");
    let by = Some("filter/KUBE-SERVICES".to_owned());
    assert!(expect(&mut world, false, Pattern::Rejected { by: by.clone() }).unwrap().held);
    assert!(!expect(&mut world, false, Pattern::Dropped { by: None, at: None }).unwrap().held);
    assert!(expect(&mut world, true, Pattern::Dropped { by, at: None }).unwrap().held);
}

#[test]
fn a_chain_that_nobody_has_is_refused() {
    let mut world = world(0);
    tcp(&mut world, "client", "service/web");
    let visits = |chain: &str| Pattern::Visits { place: "worker1".into(), chains: vec![chain.into()] };
    for pattern in [visits("nat/KUBE-SERVICE"), Pattern::Dropped { by: Some("KUBE-SERVICE".into()), at: None }] {
        let error = expect(&mut world, true, pattern).unwrap_err();
        assert!(error.problem.contains("a chain") || error.problem.contains("no chain"), "{}", error.problem);
        assert!(error.hint.unwrap().contains("KUBE-SERVICES`?"));
    }
    // A chain that is there and was not met is another matter.
    assert!(expect(&mut world, true, visits("nat/KUBE-MARK-DROP")).unwrap().held);
    assert!(expect(&mut world, false, visits("nat/KUBE-SERVICES")).unwrap().held);
}

#[test]
fn nothing_is_expected_of_a_status_that_is_not_there() {
    let mut world = world(0);
    tcp(&mut world, "client", "service/web");
    let address = Ipv4Addr::new(10, 96, 0, 1);
    for pattern in [Pattern::Status { code: 404 }, Pattern::Answer { address, via: None }] {
        for negated in [false, true] {
            let judgement = expect(&mut world, negated, pattern.clone()).unwrap();
            assert!(!judgement.held);
            assert!(judgement.actual.starts_with("there was no"), "{}", judgement.actual);
        }
    }
}

/// A host on a network without a router: it has no way to anywhere else.
#[test]
fn without_a_route_nothing_is_sent_and_nothing_is_drawn() {
    let mut world = world(0);
    let pool = crate::kube::Pool {
        name: "island".into(),
        first: [10, 9, 0, 0].into(),
        last: [10, 9, 0, 255].into(),
        network: Some("10.9.0.0/24".parse().unwrap()),
        gateway: None,
        gateway_mac: None,
        auto_assign: true,
        purpose: crate::kube::PoolPurpose::Machines,
    };
    for object in [Object::Pool(pool), Object::Host(crate::kube::Host::new("castaway", [10, 9, 0, 1]))] {
        world.apply(&Operation { op: Op::Declare { object }, origin: None }).unwrap();
    }
    let random = format!("{:?}", world.random);
    let away = TargetHost::Address([10, 96, 0, 2].into());
    for protocol in [TransportProtocol::Tcp, TransportProtocol::Udp] {
        let flow = send(&mut world, "castaway", away.clone(), 80, protocol);
        let error = "network is unreachable".to_owned();
        assert_eq!(flow.outcome, FlowOutcome::Unsent { at: "castaway".into(), error });
        assert!(flow.packets.is_empty());
        assert!(expect(&mut world, false, Pattern::Unsent).unwrap().held);
        assert!(expect(&mut world, true, Pattern::Timeout { at: None }).unwrap().held);
    }
    let to = Target { host: away, port: None };
    let echo = flow(&mut world, Op::Ping { from: from("castaway"), to, name: "it".into() });
    assert!(matches!(echo.outcome, FlowOutcome::Unsent { .. }));
    assert_eq!(format!("{:?}", world.random), random);
    assert!(view::trace::summary(&echo).contains("castaway did not send it, network is unreachable; no packets"));
}

#[test]
fn a_flow_is_told_in_words() {
    let mut world = world(0);
    let flow = tcp(&mut world, "client", "service/web");
    let told = view::trace::trace(&flow, Depth::Hops);
    assert!(told.starts_with("it: tcp default/client -> 10.96.0.2:80: delivered to default/web-"), "{told}");
}
