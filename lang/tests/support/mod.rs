//! A world that does nothing but remember: enough to run programs against.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use netscene_core::Time;
use netscene_core::kube::Object;
use netscene_core::packet::{DeviceName, Packet, Udp};
use netscene_core::trace::{
    End, Flow, FlowKind, FlowOutcome, Hop, HttpResult, Judgement, PacketId, PacketTrace, Pattern,
};
use netscene_core::world::{Op, OpError, Operation, Outcome};
use netscene_lang::{Diagnostic, Endpoint, Engine, Node, Pod, Service, Sink};

/// Delivers everything, and answers every page with 200.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) operations: Vec<Operation>,
    pub(crate) flows: Vec<Arc<Flow>>,
}

impl Fake {
    fn objects(&self) -> impl Iterator<Item = &Object> {
        self.operations.iter().filter_map(|operation| match &operation.op {
            Op::Declare { object } => Some(object),
            _ => None,
        })
    }

    fn send(&mut self, name: &str, kind: FlowKind, http: Option<HttpResult>) -> Outcome {
        let hop = |place: &str, out: Option<DeviceName>| Hop {
            time: Time::ZERO,
            place: place.into(),
            in_device: None,
            out_device: out,
            before: packet(),
            after: packet(),
            steps: Vec::new(),
            end: End::Delivered { to: "nginx".into() },
            why: None,
        };
        let hops =
            vec![hop("client", Some(DeviceName::ETH0)), hop("worker1", Some(DeviceName::TUNL0)), hop("worker2", None)];
        let flow = Arc::new(Flow {
            name: name.to_owned(),
            kind,
            from: "default/client".into(),
            started: Time::ZERO,
            outcome: FlowOutcome::Delivered { to: "default/web-1".into() },
            packets: vec![PacketTrace { id: PacketId(1), hops }],
            http,
            dns: None,

            received: None,
            each: Vec::new(),
        });
        self.flows.push(flow.clone());
        Outcome::Flow(flow)
    }
}

fn packet() -> Packet {
    Packet::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), Udp::new(33333, 80, vec![0; 8]))
}

impl Engine for Fake {
    fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        self.operations.push(operation.clone());
        let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);
        Ok(match &operation.op {
            Op::Send { name, .. } => self.send(name, FlowKind::Tcp(server), None),
            Op::Get { name, url, .. } => {
                let http = HttpResult::new(200, "hello", server);
                self.send(name, FlowKind::Get(url.clone()), Some(http))
            }
            Op::Trace { name, .. } => Outcome::Text(format!("trace of {name}\n")),
            Op::Show(_) => Outcome::Text("shown\n".to_owned()),
            Op::Expect(expectation) => {
                let held = matches!(expectation.pattern, Pattern::Delivered { .. } | Pattern::Status { code: 200 });
                let held = held != expectation.negated;
                Outcome::Judged(Judgement {
                    held,
                    actual: "it was delivered to default/web-1".to_owned(),
                    evidence: String::new(),
                })
            }
            Op::Declare { object: Object::Node(node) } if node.address.octets()[3] == 99 => {
                self.operations.pop();
                return Err(OpError::new("the world is full".into(), Some("use less".into())));
            }
            _ => Outcome::Done,
        })
    }

    fn flow(&self, name: &str) -> Option<Arc<Flow>> {
        self.flows.iter().rev().find(|flow| flow.name == name).cloned()
    }

    fn service(&self, name: &str) -> Option<Service> {
        let exists = self.objects().any(|object| matches!(object, Object::Service(service) if format!("{}/{}", service.namespace, service.name) == name));
        let endpoint = |number: u8| Endpoint {
            name: format!("default/web-{number}"),
            node: format!("worker{number}"),
            address: Ipv4Addr::new(192, 168, number, 1),
            port: 80,
        };
        exists.then(|| Service {
            name: name.to_owned(),
            cluster_ip: Some(Ipv4Addr::new(10, 96, 0, 9)),
            load_balancer_ip: None,
            endpoints: vec![endpoint(1), endpoint(2)],
        })
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        Some(Pod { name: name.to_owned(), node: "worker1".into(), address: Ipv4Addr::new(192, 168, 1, 1) })
    }

    fn node(&self, name: &str) -> Option<Node> {
        self.objects().find_map(|object| match object {
            Object::Node(node) if node.name == name => Some(Node { name: name.to_owned(), address: node.address }),
            _ => None,
        })
    }
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
    pub(crate) failures: Vec<Diagnostic>,
}

impl Sink for Log {
    fn text(&mut self, text: &str) {
        self.lines.push(text.trim_end().to_owned());
    }

    fn test_started(&mut self, name: &str) {
        self.lines.push(format!("test {name}"));
    }

    fn test_ended(&mut self, name: &str, passed: bool) {
        self.lines.push(format!("{} {name}", if passed { "pass" } else { "FAIL" }));
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        self.lines.push(format!("failure {}: {}", diagnostic.code, diagnostic.title));
        self.failures.push(diagnostic);
    }
}
