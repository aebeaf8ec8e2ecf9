//! A law: what becomes of a packet is what the words of the API say of network policies. Random policies are declared for
//! the pods of three namespaces, every pod connects to every other one's ports through the rules that Felix writes, and a
//! small evaluator of `networking.k8s.io/v1`, which knows nothing of chains, says who should have got through.

use std::net::Ipv4Addr;

use netscene_core::kube::{
    Cluster, Container, ContainerPort, IpBlock, LabelOperator, LabelRequirement, LabelSelector, Labels, NetworkPolicy,
    NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, Node, Object, Pod, PolicyType, RunningPod, Serve,
    TargetPort, TransportProtocol, Version,
};
use netscene_core::trace::FlowOutcome;
use netscene_core::world::{Op, Operation, Outcome, Source, Target, TargetHost, World};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];
const KEYS: [&str; 2] = ["app", "tier"];
const VALUES: [&str; 3] = ["x", "y", "z"];
/// The ports of every pod, with the name that some of them have for theirs.
const PORTS: [(u16, &str); 3] = [(80, "http"), (443, "https"), (8080, "admin")];

/// What a case declares.
#[derive(Clone, Debug)]
struct Case {
    namespaces: Vec<Labels>,
    /// The namespace, the labels, and how far the names of the ports are turned.
    pods: Vec<(usize, Labels, usize)>,
    policies: Vec<NetworkPolicy>,
}

fn labels() -> impl Strategy<Value = Labels> {
    let pair = (select(&KEYS[..]), select(&VALUES[..]));
    btree_map(pair.0.prop_map(str::to_owned), pair.1.prop_map(str::to_owned), 0..=2)
        .prop_map(|map| map.into_iter().collect())
}

fn selector() -> impl Strategy<Value = LabelSelector> {
    let operators = [LabelOperator::In, LabelOperator::NotIn, LabelOperator::Exists, LabelOperator::DoesNotExist];
    let requirement = (select(&KEYS[..]), select(operators.to_vec()), vec(select(&VALUES[..]), 1..=2));
    let requirement = requirement.prop_map(|(key, operator, values)| LabelRequirement {
        key: key.into(),
        operator,
        values: if operator.takes_values() { values.into_iter().map(str::to_owned).collect() } else { Vec::new() },
    });
    // More often it is short: what selects nobody shows little.
    let pair = btree_map(select(&KEYS[..]).prop_map(str::to_owned), select(&VALUES[..]).prop_map(str::to_owned), 0..=1);
    (pair, vec(requirement, 0..=1)).prop_map(|(pairs, match_expressions)| LabelSelector {
        match_labels: pairs.into_iter().collect(),
        match_expressions,
    })
}

fn peer() -> impl Strategy<Value = NetworkPolicyPeer> {
    // The pods are in 192.168.8.192/26 and 192.168.165.192/26, from .193 on.
    let nets = ["192.168.0.0/16", "192.168.8.0/24", "192.168.8.192/30", "192.168.165.192/29", "10.0.0.0/8"];
    let excepts = ["192.168.8.194/32", "192.168.8.192/31", "192.168.165.193/32", "192.168.165.194/31"];
    let block = (select(nets.to_vec()), vec(select(excepts.to_vec()), 0..=2)).prop_map(|(cidr, excepts)| {
        let cidr: ipnet::Ipv4Net = cidr.parse().expect("a network");
        let excepts = excepts.into_iter().map(|net| net.parse::<ipnet::Ipv4Net>().expect("a network"));
        // The API takes an exception only from what it is excepted from.
        let except = excepts.filter(|net| net.prefix_len() > cidr.prefix_len() && cidr.contains(net)).collect();
        NetworkPolicyPeer { ip_block: Some(IpBlock { cidr, except }), ..NetworkPolicyPeer::default() }
    });
    let pods = selector().prop_map(|pods| (Some(pods), None));
    let namespaces = selector().prop_map(|namespaces| (None, Some(namespaces)));
    let both = (selector(), selector()).prop_map(|(pods, namespaces)| (Some(pods), Some(namespaces)));
    let selected = prop_oneof![pods, namespaces, both].prop_map(|(pod_selector, namespace_selector)| {
        NetworkPolicyPeer { pod_selector, namespace_selector, ..NetworkPolicyPeer::default() }
    });
    prop_oneof![1 => block, 3 => selected]
}

fn port() -> impl Strategy<Value = NetworkPolicyPort> {
    use TransportProtocol::{Tcp, Udp};
    let number = select(PORTS.map(|(number, _)| number).to_vec());
    let one = number.clone().prop_map(|number| (Some(TargetPort::Number(number)), None));
    let range = (number, 0..9000_u16).prop_map(|(first, more)| (Some(TargetPort::Number(first)), Some(first + more)));
    let name =
        select(PORTS.map(|(_, name)| name).to_vec()).prop_map(|name| (Some(TargetPort::Name(name.into())), None));
    let which = prop_oneof![3 => one, 1 => range, 2 => name, 1 => Just((None, None))];
    (which, prop_oneof![5 => Just(Tcp), 1 => Just(Udp)]).prop_map(|((port, end_port), protocol)| NetworkPolicyPort {
        protocol,
        port,
        end_port,
    })
}

fn rules() -> impl Strategy<Value = Vec<NetworkPolicyRule>> {
    let rule = (vec(peer(), 0..=2), vec(port(), 0..=3));
    vec(rule.prop_map(|(peers, ports)| NetworkPolicyRule { peers, ports, origin: None }), 0..=2)
}

fn policy() -> impl Strategy<Value = NetworkPolicy> {
    let types =
        [vec![], vec![PolicyType::Ingress], vec![PolicyType::Egress], vec![PolicyType::Ingress, PolicyType::Egress]];
    (select(&NAMESPACES[..]), selector(), select(types.to_vec()), rules(), rules()).prop_map(
        |(namespace, pod_selector, policy_types, ingress, egress)| NetworkPolicy {
            namespace: namespace.into(),
            pod_selector,
            policy_types,
            ingress,
            egress,
            ..NetworkPolicy::default()
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let pods = vec((0..NAMESPACES.len(), labels(), 0..PORTS.len()), 5);
    (vec(labels(), NAMESPACES.len()), pods, vec(policy(), 1..=4)).prop_map(|(namespaces, pods, mut policies)| {
        for (at, policy) in policies.iter_mut().enumerate() {
            policy.name = format!("policy-{at}");
        }
        Case { namespaces, pods, policies }
    })
}

// What the API says. Of the model it uses the declared objects and the addresses of the pods, and none of its selectors.

fn holds(selector: &LabelSelector, labels: &Labels) -> bool {
    let pairs = selector.match_labels.iter().all(|(key, value)| labels.get(key).is_some_and(|other| other == value));
    pairs
        && selector.match_expressions.iter().all(|one| match (one.operator, labels.get(&one.key)) {
            (LabelOperator::In, value) => value.is_some_and(|value| one.values.iter().any(|other| other == value)),
            (LabelOperator::NotIn, value) => !value.is_some_and(|value| one.values.iter().any(|other| other == value)),
            (LabelOperator::Exists, value) => value.is_some(),
            (LabelOperator::DoesNotExist, value) => value.is_none(),
        })
}

/// A connection: who opens it, to whom, to which port.
#[derive(Clone, Copy)]
struct Connection<'a> {
    from: &'a RunningPod,
    to: &'a RunningPod,
    port: u16,
}

struct Words<'a> {
    case: &'a Case,
}

impl Words<'_> {
    fn namespace_labels(&self, name: &str) -> &Labels {
        &self.case.namespaces[NAMESPACES.iter().position(|other| *other == name).expect("a namespace")]
    }

    /// "If no policies exist in a direction, all is allowed in it; what is allowed by one policy of a pod is allowed."
    fn allows(&self, connection: Connection<'_>) -> bool {
        self.one_side(connection, PolicyType::Egress) && self.one_side(connection, PolicyType::Ingress)
    }

    fn one_side(&self, connection: Connection<'_>, side: PolicyType) -> bool {
        let own = if side == PolicyType::Ingress { connection.to } else { connection.from };
        let applies = |policy: &&NetworkPolicy| {
            policy.namespace == *own.namespace && holds(&policy.pod_selector, &own.labels) && isolates(policy, side)
        };
        let mut policies = self.case.policies.iter().filter(applies).peekable();
        policies.peek().is_none() || policies.any(|policy| self.policy_allows(policy, connection, side))
    }

    fn policy_allows(&self, policy: &NetworkPolicy, connection: Connection<'_>, side: PolicyType) -> bool {
        let (rules, other) = match side {
            PolicyType::Ingress => (&policy.ingress, connection.from),
            PolicyType::Egress => (&policy.egress, connection.to),
        };
        rules.iter().any(|rule| {
            let peers = rule.peers.is_empty() || rule.peers.iter().any(|peer| self.is_peer(policy, peer, other));
            peers && (rule.ports.is_empty() || rule.ports.iter().any(|port| is_port(port, connection)))
        })
    }

    fn is_peer(&self, policy: &NetworkPolicy, peer: &NetworkPolicyPeer, other: &RunningPod) -> bool {
        if let Some(IpBlock { cidr, except }) = &peer.ip_block {
            return within(*cidr, other.address) && !except.iter().any(|net| within(*net, other.address));
        }
        let namespace = match &peer.namespace_selector {
            Some(selector) => holds(selector, self.namespace_labels(&other.namespace)),
            None => policy.namespace == *other.namespace,
        };
        namespace && peer.pod_selector.as_ref().is_none_or(|selector| holds(selector, &other.labels))
    }
}

/// "If no policyTypes are specified, Ingress is always set, and Egress if there are egress rules."
fn isolates(policy: &NetworkPolicy, side: PolicyType) -> bool {
    match (policy.policy_types.is_empty(), side) {
        (false, _) => policy.policy_types.contains(&side),
        (true, PolicyType::Ingress) => true,
        (true, PolicyType::Egress) => !policy.egress.is_empty(),
    }
}

/// A port of a rule is one of the pod that is connected to; every connection here is of TCP.
fn is_port(port: &NetworkPolicyPort, connection: Connection<'_>) -> bool {
    if port.protocol != TransportProtocol::Tcp {
        return false;
    }
    match (&port.port, port.end_port) {
        (None, _) => true,
        (Some(TargetPort::Number(first)), Some(last)) => (*first..=last).contains(&connection.port),
        (Some(TargetPort::Number(number)), None) => *number == connection.port,
        (Some(TargetPort::Name(name)), _) => {
            let mut ports = connection.to.containers.iter().flat_map(|container| &container.ports);
            ports.any(|one| one.name.as_ref() == Some(name) && one.port == connection.port)
        }
    }
}

fn within(net: ipnet::Ipv4Net, address: Ipv4Addr) -> bool {
    let shift = 32 - u32::from(net.prefix_len());
    let high = |address: Ipv4Addr| u64::from(address.to_bits()) >> shift;
    high(net.addr()) == high(address)
}

fn apply(world: &mut World, op: Op) -> Outcome {
    world.apply(&Operation { op, origin: None }).expect("it is taken")
}

fn world(case: &Case) -> World {
    let mut world = World::new(0);
    let mut declare = |object| drop(apply(&mut world, Op::Declare { object }));
    // `endPort` is younger than the default releases.
    let cluster = Cluster { kube_proxy: Version::new(1, 36, 0), calico: Version::new(3, 22, 0), ..Cluster::default() };
    declare(Object::Cluster(cluster));
    for (name, address, block) in
        [("one", [10, 0, 0, 1], "192.168.8.192/26"), ("two", [10, 0, 0, 2], "192.168.165.192/26")]
    {
        declare(Object::Node(Node { pod_cidr: block.parse().ok(), ..Node::new(name, address) }));
    }
    for (name, labels) in NAMESPACES.iter().zip(&case.namespaces) {
        declare(Object::Namespace { name: (*name).into(), labels: labels.clone() });
    }
    for (at, (namespace, labels, turn)) in case.pods.iter().enumerate() {
        let port = |(place, (port, _)): (usize, &(u16, &str))| ContainerPort {
            name: Some(PORTS[(place + turn) % PORTS.len()].1.into()),
            port: *port,
            protocol: TransportProtocol::Tcp,
        };
        let ports = PORTS.iter().enumerate().map(port).collect();
        let container = Container { name: "c".into(), ports, serve: Some(Serve::Tcp), ..Container::default() };
        declare(Object::Pod(Pod {
            node: Some(["one", "two"][at % 2].into()),
            labels: labels.clone(),
            containers: vec![container],
            ..Pod::new(NAMESPACES[*namespace], &format!("p{at}"))
        }));
    }
    for policy in &case.policies {
        declare(Object::NetworkPolicy(policy.clone()));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_fare_as_the_api_says(case in case()) {
        let mut world = world(&case);
        let pods: Vec<RunningPod> = world.state().pods().cloned().collect();
        let words = Words { case: &case };
        for from in &pods {
            for to in pods.iter().filter(|to| to.key != from.key) {
                for (port, _) in PORTS {
                    let send = Op::Send {
                        from: Source { name: from.key.to_string(), port: None },
                        to: Target { host: TargetHost::Address(to.address), port: Some(port) },
                        protocol: TransportProtocol::Tcp,
                        name: "it".into(),
                    };
                    let Outcome::Flow(flow) = apply(&mut world, send) else { unreachable!() };
                    let through = matches!(flow.outcome, FlowOutcome::Delivered { .. });
                    let allowed = words.allows(Connection { from, to, port });
                    prop_assert_eq!(through, allowed, "{} to {}:{}, {:?}", from.key, to.key, port, flow.outcome);
                }
            }
        }
    }
}
