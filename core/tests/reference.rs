//! All of `tests/reference/calico.json` comes out of declared objects. Every value in it is taken once, by a comparison;
//! one that no comparison takes fails the test.

#![allow(clippy::unwrap_used, reason = "the data is the repository's own: what is not in it as expected ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netscene_core::agents::felix::{self, Members, chain_name};
use netscene_core::agents::metallb;
use netscene_core::kube::ipam::first_choice;
use netscene_core::kube::{
    Cluster, LabelSelector, Labels, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, Node,
    Object, Pod, Pool, PoolPurpose, Service, ServiceType, State, TargetPort, Version, interface_name,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The file, and the places of the values in it that nothing has been compared with yet.
struct Reference {
    all: Value,
    left: BTreeSet<String>,
}

impl Reference {
    fn read() -> Self {
        let all: Value = serde_json::from_str(include_str!("../../tests/reference/calico.json")).unwrap();
        let mut left = BTreeSet::new();
        leaves(&all, String::new(), &mut left);
        Self { all, left }
    }

    /// The value at a place, for good. It has to be there, and nobody may have had it.
    #[track_caller]
    fn take(&mut self, place: &str) -> Value {
        let value = self.all.pointer(place).unwrap_or_else(|| panic!("there is no {place}")).clone();
        let below = format!("{place}/");
        let before = self.left.len();
        self.left.retain(|leaf| leaf != place && !leaf.starts_with(&below));
        assert!(self.left.len() < before, "{place} has been taken before");
        value
    }

    #[track_caller]
    fn text(&mut self, place: &str) -> String {
        self.take(place).as_str().unwrap_or_else(|| panic!("{place} is no text")).to_owned()
    }

    fn keys(&self, place: &str) -> Vec<String> {
        self.all.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect()
    }

    fn count(&self, place: &str) -> usize {
        self.all.pointer(place).unwrap().as_array().unwrap().len()
    }

    /// The places of chains, their names and rules, under a place.
    fn chains(&mut self, place: &str) -> Vec<(String, Vec<String>)> {
        (0..self.count(place)).map(|at| self.chain(&format!("{place}/{at}"))).collect()
    }

    fn chain(&mut self, place: &str) -> (String, Vec<String>) {
        let listed = format!("{place}/rules");
        let count = self.count(&listed);
        let rules = (0..count).map(|at| self.rule(&format!("{listed}/{at}"))).collect();
        if count == 0 {
            self.take(&listed);
        }
        (self.text(&format!("{place}/chain")), rules)
    }

    /// A rule as iptables gets it.
    fn rule(&mut self, place: &str) -> String {
        let (hash, text) = (self.text(&format!("{place}/hash")), self.text(&format!("{place}/text")));
        format!("-m comment --comment \"{hash}\" {text}")
    }
}

/// The places of all values that hold no others.
fn leaves(value: &Value, place: String, into: &mut BTreeSet<String>) {
    let mut below: Vec<(String, &Value)> = Vec::new();
    match value {
        Value::Object(map) => {
            below.extend(map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)));
        }
        Value::Array(list) => below.extend(list.iter().enumerate().map(|(at, value)| (at.to_string(), value))),
        _ => {}
    }
    if below.is_empty() {
        into.insert(place);
        return;
    }
    for (key, value) in below {
        leaves(value, format!("{place}/{key}"), into);
    }
}

/// By table: the rules of each chain, those for a built-in chain under `-I` or `-A` and its name.
type Tables = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn written(state: &State, node: &str) -> Tables {
    let mut tables = Tables::new();
    let mut table = String::new();
    for line in felix::rules(state, node).lines {
        if let Some(name) = line.text.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(chain) = line.text.strip_prefix(':') {
            let chain = chain.split(' ').next().unwrap().to_owned();
            tables.entry(table.clone()).or_default().insert(chain, Vec::new());
        } else if let [command @ ("-A" | "-I"), chain, rule] = line.text.splitn(3, ' ').collect::<Vec<_>>()[..] {
            let chain = if chain.starts_with("cali-") { chain.to_owned() } else { format!("{command} {chain}") };
            let rules = tables.entry(table.clone()).or_default().entry(chain).or_default();
            rules.push(rule.to_owned());
        }
    }
    tables
}

fn declare(state: &mut State, object: Object) {
    state.declare(object, None).unwrap();
}

fn labels(key: &str, value: &str) -> Labels {
    Labels::from_iter([(key.to_owned(), value.to_owned())])
}

/// A cluster with one node, worker 2 of the white paper.
fn worker2(cluster: Cluster) -> State {
    let mut state = State::new(0);
    declare(&mut state, Object::Cluster(cluster));
    let node = Node::new("worker2", [10, 1, 110, 107]);
    declare(&mut state, Object::Node(Node { pod_cidr: "192.168.8.192/26".parse().ok(), ..node }));
    state
}

#[test]
fn every_value_of_the_reference_comes_out() {
    let mut reference = Reference::read();
    assert!(reference.left.len() > 1_000, "the file is whole: {}", reference.left.len());
    let releases = versions(&mut reference);
    assert_eq!(releases, ["3.16", "3.17", "3.18", "3.19", "3.20", "3.21"]);
    workload_chains(&mut reference);
    policies(&mut reference);
    devices_and_blocks(&mut reference);
    election(&mut reference);
    assert!(reference.left.is_empty(), "nothing has been compared with: {:?}", reference.left);
}

/// The fixed chains, release by release; the releases that there are.
fn versions(reference: &mut Reference) -> Vec<String> {
    let mut seen = Vec::new();
    for key in reference.keys("/versions") {
        let place = format!("/versions/{key}");
        let mut expected: Tables = BTreeMap::new();
        for table in ["raw", "mangle", "nat", "filter"] {
            let chains = reference.chains(&format!("{place}/{table}"));
            expected.insert(table.to_owned(), chains.into_iter().collect());
        }
        for (kind, command) in [("kernel_inserts", "-I"), ("kernel_appends", "-A")] {
            for at in 0..reference.count(&format!("{place}/{kind}")) {
                let place = format!("{place}/{kind}/{at}");
                let hook = format!("{command} {}", reference.text(&format!("{place}/chain")));
                if command == "-I" {
                    assert_eq!(reference.take(&format!("{place}/position")), 1);
                }
                let table = reference.text(&format!("{place}/table"));
                let rule = reference.rule(&place);
                expected.get_mut(&table).unwrap().entry(hook).or_default().push(rule);
            }
        }
        let (first, last) = key.split_once('-').unwrap_or((&key, &key));
        let [first, last]: [Version; 2] = [first, last].map(|text| text.parse().unwrap());
        for minor in first.minor..=last.minor {
            let calico = Version::new(3, minor, 0);
            let service_cluster_ips = vec!["10.96.0.0/14".parse().unwrap()];
            let state = worker2(Cluster { calico, service_cluster_ips, ..Cluster::default() });
            let tables = written(&state, "worker2");
            assert!(tables.keys().eq(expected.keys()), "{calico}");
            for (table, chains) in &tables {
                let known = &expected[table];
                for (chain, rules) in known {
                    assert_eq!(chains.get(chain), Some(rules), "{calico} {table}/{chain}");
                }
                // Of chains without rules the reference does not name all, and it has no pod: the trees are empty.
                let beyond = chains.iter().filter(|(chain, rules)| !rules.is_empty() && !known.contains_key(*chain));
                let beyond: Vec<_> = beyond.map(|(chain, _)| chain).collect();
                let trees = ["cali-from-wl-dispatch", "cali-to-wl-dispatch"];
                assert_eq!(beyond, if table == "filter" { &trees[..] } else { &[] }, "{calico} {table}");
            }
            seen.push(calico.to_string());
        }
    }
    seen
}

/// The trees, an endpoint and the profiles of worker 2, which no release up to 3.21 writes in another way.
fn workload_chains(reference: &mut Reference) {
    let devices = reference.take("/worker2/worker2_interfaces");
    let parts = ["cali-to-wl-dispatch", "cali-from-wl-dispatch", "endpoint", "profiles"];
    let expected: Vec<_> = parts.iter().flat_map(|part| reference.chains(&format!("/worker2/{part}"))).collect();
    assert!(expected.len() > 14, "{}", expected.len());
    for minor in 16..=21 {
        let mut state = worker2(Cluster { calico: Version::new(3, minor, 0), ..Cluster::default() });
        for (at, device) in devices.as_array().unwrap().iter().enumerate() {
            let (namespace, name) = match at {
                0 => ("iks", "essential-nginx-ingress-ingress-nginx-controller-7ndcw".to_owned()),
                _ => (["default", "kube-system"][at % 2], format!("pod-{at}")),
            };
            let interface_name = device.as_str().unwrap().parse().ok();
            declare(&mut state, Object::Pod(Pod { interface_name, ..Pod::new(namespace, &name) }));
        }
        // The endpoint that is told of has an account of its own.
        let first = state.pods().next().unwrap().key.to_string();
        state.delete(netscene_core::kube::ObjectKind::Pod, &first).unwrap();
        let account = "essential-nginx-ingress-ingress-nginx".to_owned();
        let nginx = Pod::new("iks", "essential-nginx-ingress-ingress-nginx-controller-7ndcw");
        declare(&mut state, Object::Pod(Pod { service_account: account, ..nginx }));
        let filter = &written(&state, "worker2")["filter"];
        for (chain, rules) in &expected {
            assert_eq!(filter.get(chain), Some(rules), "3.{minor}: {chain}");
        }
    }
    for profile in reference.keys("/worker2/profile_chain_names") {
        let names = reference.take(&format!("/worker2/profile_chain_names/{profile}"));
        assert_eq!(names, serde_json::json!([chain_name("cali-pri-", &profile), chain_name("cali-pro-", &profile)]));
    }
}

/// The set, the name and the rules of a policy that a public dump shows.
fn policies(reference: &mut Reference) {
    let mut state = worker2(Cluster { calico: Version::new(3, 22, 0), ..Cluster::default() });
    declare(&mut state, Object::Pod(Pod { labels: labels("app", "server"), ..Pod::new("demo", "server") }));
    declare(&mut state, Object::Pod(Pod { labels: labels("app", "client"), ..Pod::new("demo", "client") }));
    let client = LabelSelector::of(labels("app", "client"));
    let peers = vec![NetworkPolicyPeer { pod_selector: Some(client), ..NetworkPolicyPeer::default() }];
    let ports = vec![NetworkPolicyPort { port: Some(TargetPort::Number(80)), ..NetworkPolicyPort::default() }];
    let policy = NetworkPolicy {
        pod_selector: LabelSelector::of(labels("app", "server")),
        ingress: vec![NetworkPolicyRule { peers, ports, origin: None }],
        ..NetworkPolicy::new("demo", "demo-policy")
    };
    declare(&mut state, Object::NetworkPolicy(policy));
    let (sets, tables) = (felix::ip_sets(&state, "worker2"), written(&state, "worker2"));
    let mut kinds = Vec::new();
    for at in 0..reference.count("/policy_vectors") {
        let place = format!("/policy_vectors/{at}");
        assert_eq!(reference.take(&format!("{place}/ok")), true);
        let kind = reference.text(&format!("{place}/kind"));
        match kind.as_str() {
            "ipset name" => {
                // The set's name is a hash of this text.
                let selector = reference.text(&format!("{place}/selector"));
                assert!(selector.starts_with("(projectcalico.org/namespace == \"demo\" && ("), "{selector}");
                let names = [reference.text(&format!("{place}/computed")), reference.text(&format!("{place}/printed"))];
                let client = state.pod("demo/client").unwrap().address;
                for name in names {
                    let (_, members) = sets.iter().find(|(set, _)| *set == name).unwrap();
                    assert_eq!(*members, Members::Nets(vec![client.into()]));
                }
            }
            "policy chain name" => {
                let policy = reference.text(&format!("{place}/policy"));
                for of in ["computed", "printed"] {
                    assert_eq!(chain_name("cali-pi-", &policy), reference.text(&format!("{place}/{of}")));
                }
            }
            _ => {
                let (chain, rules) = reference.chain(&place);
                assert_eq!(tables["filter"].get(&chain), Some(&rules), "{chain}");
                let first = reference.text(&format!("{place}/printed_first_hash"));
                assert!(rules[0].contains(&format!("\"cali:{first}\"")));
            }
        }
        kinds.push(kind);
    }
    assert_eq!(kinds, ["ipset name", "policy chain name", "policy chain"]);
}

/// Names of veth devices, and the blocks of nodes, which follow from names.
fn devices_and_blocks(reference: &mut Reference) {
    let mut state = State::new(0);
    let mut blocks: Vec<Ipv4Net> = Vec::new();
    for at in 0..reference.count("/ipam_vectors") {
        let place = format!("/ipam_vectors/{at}");
        assert_eq!(reference.take(&format!("{place}/ok")), true);
        let name = reference.text(&format!("{place}/node"));
        let pool: Ipv4Net = reference.text(&format!("{place}/pool")).parse().unwrap();
        let [block, paper] = ["block", "paper"].map(|of| reference.text(&format!("{place}/{of}")));
        let address: Ipv4Addr = reference.text(&format!("{place}/node_ip")).parse().unwrap();
        // FNV-1 of the name is the seed of the choice.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, c| hash.wrapping_mul(0x0100_0193) ^ u32::from(c));
        assert_eq!(reference.take(&format!("{place}/fnv1_32")), hash);
        let first = first_choice(pool, 26, &name);
        assert_eq!(first.to_string(), block);
        let index = (first.addr().to_bits() - pool.addr().to_bits()) >> (32 - 26);
        assert_eq!(reference.take(&format!("{place}/index")), index);
        // Two clusters of the paper gave their nodes the same addresses.
        let (mut alone, node) = (State::new(0), Node::new(&name, address));
        declare(&mut alone, Object::Node(node.clone()));
        assert_eq!(alone.blocks(&name).map(|block| block.to_string()).collect::<Vec<_>>(), [block.as_str()]);
        assert_eq!(block, paper);
        if state.node_of_address(address).is_none() {
            declare(&mut state, Object::Node(node));
        }
        blocks.push(block.parse().unwrap());
    }
    for at in 0..reference.count("/veth_vectors") {
        let place = format!("/veth_vectors/{at}");
        assert_eq!(reference.take(&format!("{place}/ok")), true);
        let [namespace, pod, ip] = ["namespace", "pod", "ip"].map(|of| reference.text(&format!("{place}/{of}")));
        let [device, computed] = ["iface", "computed"].map(|of| reference.text(&format!("{place}/{of}")));
        assert_eq!((interface_name(&namespace, &pod).as_str(), device.as_str()), (device.as_str(), computed.as_str()));
        let address: Ipv4Addr = ip.parse().unwrap();
        let holder = state.nodes().find(|node| state.blocks(&node.object.name).any(|block| block.contains(&address)));
        let node = holder.map(|node| node.object.name.clone());
        declare(&mut state, Object::Pod(Pod { node, address: Some(address), ..Pod::new(&namespace, &pod) }));
        assert_eq!(state.pod_at(address).unwrap().device.as_str(), device);
    }
    assert_eq!(blocks.len(), 5);
}

/// Who announces the service's address, if those before it in the list have no endpoint or are not there.
fn election(reference: &mut Reference) {
    let place = "/metallb_vectors";
    let [key, ip] = ["service", "ip"].map(|of| reference.text(&format!("{place}/{of}")));
    let (namespace, name) = key.split_once('/').unwrap();
    let address: Ipv4Addr = ip.parse().unwrap();
    let mut winners = BTreeMap::new();
    for (list, metallb, by) in
        [("by_service_v0.8-v0.10", Version::new(0, 8, 0), &key), ("by_ip_v0.11+", Version::new(0, 11, 0), &ip)]
    {
        let order: Vec<_> = (0..reference.count(&format!("{place}/{list}")))
            .map(|at| {
                let node = reference.text(&format!("{place}/{list}/{at}/node"));
                let digest = reference.text(&format!("{place}/{list}/{at}/sha256"));
                let hash = Sha256::digest(format!("{node}#{by}"));
                let hash = hash.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                assert_eq!(format!("{hash}..."), digest);
                node
            })
            .collect();
        assert_eq!(order.len(), 3);
        for first in 0..order.len() {
            let mut state = State::new(0);
            declare(&mut state, Object::Cluster(Cluster { metallb, ..Cluster::default() }));
            let pool = Pool {
                name: "balancers".into(),
                first: address,
                last: address,
                network: None,
                gateway: None,
                gateway_mac: None,
                purpose: PoolPurpose::LoadBalancer,
                auto_assign: true,
            };
            declare(&mut state, Object::Pool(pool));
            for (at, node) in order.iter().enumerate().skip(first) {
                declare(&mut state, Object::Node(Node::new(node, [10, 1, 110, 110 + at as u8])));
                let pod = Pod { node: Some(node.clone()), ..Pod::new(namespace, &format!("nginx-{at}")) };
                declare(&mut state, Object::Pod(Pod { labels: labels("app", "nginx"), ..pod }));
            }
            let service = Service::new(namespace, name, labels("app", "nginx"), 80);
            declare(&mut state, Object::Service(Service { kind: ServiceType::LoadBalancer, ..service }));
            assert_eq!(metallb::announcer_of(&state, address).unwrap().name, order[first], "{list}");
        }
        // Of the two workers, without the control plane.
        let worker = order.iter().find(|node| !node.contains("controlpl")).unwrap().clone();
        winners.insert(list.split("_v").next().unwrap(), worker);
    }
    for by in ["by_service", "by_ip"] {
        assert_eq!(reference.text(&format!("{place}/winner_among_workers/{by}")), winners[by]);
    }
    let worker2 = &winners["by_service"];
    assert!(worker2.ends_with("ac625d72ba"), "{worker2}");
    assert!(reference.text(&format!("{place}/paper")).starts_with("worker 2 answers ARP"));
}
