//! Faults as operations: written to text and read back, and the same bytes from a replay.

use netscene_core::kube::{Node, Object, Pod, Symptom};
use netscene_core::world::{Fault, Op, Operation, World};

fn operation(op: Op) -> Operation {
    Operation { op, origin: None }
}

fn two_nodes() -> World {
    let mut world = World::new(0);
    for object in [
        Object::Node(Node::new("a", [10, 0, 0, 1])),
        Object::Node(Node::new("b", [10, 0, 0, 2])),
        Object::Pod(Pod { node: Some("b".into()), ..Pod::new("default", "there") }),
    ] {
        world.apply(&operation(Op::Declare { object })).expect("it can be declared");
    }
    world
}

fn wait(world: &mut World, seconds: u64) {
    let duration = std::time::Duration::from_secs(seconds);
    world.apply(&operation(Op::Wait { duration })).expect("time passes");
}

#[test]
fn every_fault_survives_being_written() {
    let (one, other, node) = ("a".to_owned(), "b".to_owned(), "a".to_owned());
    let faults = [
        Fault::Node { node: node.clone() },
        Fault::Link { one: one.clone(), other: other.clone() },
        Fault::Device { node: node.clone(), device: "eth0".into() },
        Fault::Bgp { one, other },
        Fault::Speaker { node: node.clone() },
        Fault::KubeProxy { node },
        Fault::Pod { pod: "default/there".into() },
    ];
    for what in faults {
        for op in [Op::Fail { what: what.clone() }, Op::Restore { what }] {
            let text = serde_json::to_string(&operation(op.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Operation>(&text).unwrap().op, op, "{text}");
            let _ = two_nodes().apply(&operation(op));
        }
    }
}

#[test]
fn who_notices_when() {
    let mut world = two_nodes();
    let what = Fault::Node { node: "b".into() };
    world.apply(&operation(Op::Fail { what: what.clone() })).unwrap();
    let (a, b) = ("a".into(), "b".into());
    for (seconds, ready, session) in [(39, true, true), (1, false, true), (199, false, true), (1, false, false)] {
        wait(&mut world, seconds);
        assert_eq!((world.state().node_is_ready(&b), world.state().has_session(&a, &b)), (ready, session));
    }
    world.apply(&operation(Op::Restore { what })).unwrap();
    for (seconds, ready, session) in [(4, false, false), (1, false, true), (4, false, true), (1, true, true)] {
        wait(&mut world, seconds);
        assert_eq!((world.state().node_is_ready(&b), world.state().has_session(&a, &b)), (ready, session));
    }
}

#[test]
fn a_symptom_of_two_faults_stays_until_both_have_gone() {
    let mut world = two_nodes();
    let link = Fault::Link { one: "a".into(), other: "b".into() };
    let bgp = Fault::Bgp { one: "b".into(), other: "a".into() };
    for what in [link.clone(), bgp.clone()] {
        world.apply(&operation(Op::Fail { what })).unwrap();
    }
    wait(&mut world, 240);
    let (a, b) = ("a".into(), "b".into());
    assert!(!world.state().has_session(&a, &b));
    world.apply(&operation(Op::Restore { what: link })).unwrap();
    wait(&mut world, 600);
    assert!(!world.state().has_session(&a, &b));
    world.apply(&operation(Op::Restore { what: bgp })).unwrap();
    wait(&mut world, 120);
    assert!(world.state().has_session(&a, &b));
    assert_eq!(Symptom::session_down(&a, &b), Symptom::session_down(&b, &a));
}
