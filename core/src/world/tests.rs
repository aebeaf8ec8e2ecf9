use super::*;
use crate::kube::*;
use crate::packet::DeviceName;
use crate::trace::FlowOutcome;

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    for (name, last) in [("worker1", 1), ("worker2", 2)] {
        declare(
            &mut world,
            Object::Node(Node {
                name: name.into(),
                hostname: name.into(),
                address: [10, 0, 0, last].into(),
                pod_cidr: None,
                mac: None,
                device: DeviceName::ETH0,
            }),
        );
    }
    let labels = |text: &str| [("app".to_owned(), text.to_owned())].into_iter().collect::<Labels>();
    declare(
        &mut world,
        Object::Pod(Pod {
            namespace: "default".into(),
            name: "client".into(),
            node: Some("worker1".into()),
            address: None,
            interface_name: None,
            labels: Labels::new(),
            service_account: "default".into(),
            containers: Vec::new(),
        }),
    );
    declare(
        &mut world,
        Object::Deployment(Deployment {
            namespace: "default".into(),
            name: "web".into(),
            daemon_set: false,
            replicas: 2,
            on: vec!["worker1".into(), "worker2".into()],
            pods: Vec::new(),
            labels: labels("web"),
            service_account: "default".into(),
            containers: vec![Container {
                name: "nginx".into(),
                ports: vec![ContainerPort { name: None, port: 80, protocol: TransportProtocol::Tcp }],
                serve: Some(Serve::Http { root: "/".into(), on: Vec::new() }),
            }],
        }),
    );
    declare(
        &mut world,
        Object::Service(Service {
            namespace: "default".into(),
            name: "web".into(),
            kind: ServiceType::ClusterIP,
            cluster_ip: None,
            load_balancer_ip: None,
            selector: labels("web"),
            endpoints: Vec::new(),
            ports: vec![ServicePort {
                name: None,
                port: 80,
                target_port: None,
                protocol: TransportProtocol::Tcp,
                node_port: None,
            }],
        }),
    );
    world
}

fn declare(world: &mut World, object: Object) {
    world.apply(&Operation { op: Op::Declare { object }, origin: None }).unwrap();
}

#[test]
fn a_client_reaches_a_service() {
    let mut world = world(1);
    let send = Op::Get {
        from: Source { name: "client".into(), port: None },
        url: "http://10.96.0.2/".into(),
        name: "hello".into(),
    };
    let Outcome::Flow(flow) = world.apply(&Operation { op: send, origin: None }).unwrap() else { panic!() };
    for packet in &flow.packets {
        for hop in &packet.hops {
            println!(
                "{} {} {:?}->{:?} {} | {} {:?}",
                hop.time, hop.place, hop.in_device, hop.out_device, hop.before, hop.after, hop.end
            );
            for step in &hop.steps {
                if let crate::trace::Step::Rule(hit) = step {
                    println!("      {} {} {} {}: {}", hit.hook, hit.table, hit.chain, hit.number, hit.rule);
                } else {
                    println!("      {step:?}");
                }
            }
        }
    }
    println!("{:?}", flow.outcome);
    assert!(matches!(flow.outcome, FlowOutcome::Delivered { .. }));
}
