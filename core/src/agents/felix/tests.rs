use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::kube::validate::tests::{declare, node, plain_pod};
use crate::kube::{Cluster, Object, Pod};

/// A table's chains (and hooks) and, for each, its rules in order.
type Listing = BTreeMap<String, Vec<String>>;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../../../tests/reference/calico.json")).unwrap()
}

/// The rules of `cali-` and built-in chains by table.
fn generated(state: &State, node: &str) -> BTreeMap<String, Listing> {
    let mut tables: BTreeMap<String, Listing> = BTreeMap::new();
    let mut table = String::new();
    for line in rules(state, node).lines {
        if let Some(name) = line.text.strip_prefix('*') {
            table = name.to_owned();
            continue;
        }
        let chains = tables.entry(table.clone()).or_default();
        if let Some(chain) = line.text.strip_prefix(':') {
            chains.insert(chain.split(' ').next().unwrap().to_owned(), Vec::new());
        } else if let Some((command, rest)) = line.text.split_once(' ')
            && command.starts_with('-')
        {
            let (chain, rule) = rest.split_once(' ').unwrap();
            // What goes into a hook says whether on top or at the end.
            let chain = if chain.starts_with("cali-") { chain.to_owned() } else { format!("{command} {chain}") };
            assert!(line.provenance.is_some());
            chains.entry(chain).or_default().push(rule.to_owned());
        }
    }
    tables
}

/// A rule of the reference as it is given to iptables.
fn rendered(rule: &Value) -> String {
    format!("-m comment --comment \"{}\" {}", rule["hash"].as_str().unwrap(), rule["text"].as_str().unwrap())
}

#[track_caller]
fn assert_chains(generated: &Listing, expected: &Value) {
    for chain in expected.as_array().unwrap() {
        let name = chain["chain"].as_str().unwrap();
        let rules: Vec<_> = chain["rules"].as_array().unwrap().iter().map(rendered).collect();
        assert_eq!(generated.get(name), Some(&rules), "{name}");
    }
}

/// Worker 2 of the white paper: nineteen pods of which only the devices are known, but for the first.
fn worker2() -> State {
    let mut state = State::new(0);
    declare(&mut state, node("worker2", "10.1.110.107", "192.168.8.192/26"));
    let reference = reference();
    let mut devices = reference["worker2"]["worker2_interfaces"].as_array().unwrap().iter();
    let nginx = Pod {
        service_account: "essential-nginx-ingress-ingress-nginx".into(),
        ..plain_pod("iks/essential-nginx-ingress-ingress-nginx-controller-7ndcw", "worker2")
    };
    declare(&mut state, Object::Pod(nginx));
    assert_eq!(devices.next().unwrap(), state.pods().next().unwrap().device.as_str());
    for (index, device) in devices.enumerate() {
        let interface_name = device.as_str().unwrap().parse().ok();
        let namespace = ["default", "kube-system"][index % 2];
        declare(
            &mut state,
            Object::Pod(Pod { interface_name, ..plain_pod(&format!("{namespace}/pod-{index}"), "worker2") }),
        );
    }
    state
}

/// A cluster of one node without pods, as the reference supposes it.
fn one_node(calico: Version) -> State {
    let mut state = State::new(0);
    let service_cluster_ips = vec!["10.96.0.0/14".parse().unwrap()];
    declare(&mut state, Object::Cluster(Cluster { service_cluster_ips, calico, ..Cluster::default() }));
    declare(&mut state, node("worker2", "10.1.110.107", "192.168.8.192/26"));
    state
}

/// What the reference puts into built-in chains of `table`, by command and chain.
fn hooks(expected: &Value, table: &str) -> Listing {
    let mut hooks = Listing::new();
    for (kind, command) in [("kernel_inserts", "-I"), ("kernel_appends", "-A")] {
        for rule in expected[kind].as_array().unwrap().iter().filter(|rule| rule["table"] == table) {
            let hook = format!("{command} {}", rule["chain"].as_str().unwrap());
            hooks.entry(hook).or_default().push(rendered(rule));
        }
    }
    hooks
}

#[test]
fn the_fixed_chains_and_their_hashes_are_those_of_each_release() {
    for (releases, expected) in reference()["versions"].as_object().unwrap() {
        for version in releases.split('-') {
            let mut tables = generated(&one_node(version.parse().unwrap()), "worker2");
            for table in TABLES.map(TableName::as_str) {
                let mut listing = tables.remove(table).unwrap();
                assert_chains(&listing, &expected[table]);
                let chains = expected[table].as_array().unwrap();
                listing.retain(|chain, _| !chains.iter().any(|known| known["chain"] == chain.as_str()));
                // What is left: the trees to pods, chains without rules, which the reference leaves out, and the hooks.
                listing.retain(|chain, rules| !chain.ends_with("-wl-dispatch") && !rules.is_empty());
                assert_eq!(listing, hooks(expected, table), "{version} {table}");
            }
            assert!(tables.is_empty(), "{version}: {tables:?}");
        }
    }
}

#[test]
fn every_chain_that_a_rule_names_is_there() {
    for (table, chains) in generated(&worker2(), "worker2") {
        for rule in chains.values().flatten() {
            let mut words = rule.split(' ').skip_while(|word| !["--jump", "--goto"].contains(word)).skip(1);
            let target = words.next().unwrap();
            assert!(!target.starts_with("cali-") || chains.contains_key(target), "{table}: {rule}");
        }
    }
}

#[test]
fn worker_twos_dispatch_tree_is_that_of_figure_79() {
    let filter = &generated(&worker2(), "worker2")["filter"];
    let expected = &reference()["worker2"];
    for chains in ["cali-to-wl-dispatch", "cali-from-wl-dispatch", "endpoint", "profiles"] {
        assert_chains(filter, &expected[chains]);
    }
    assert_eq!(filter["cali-pri-_qhvtEkBt11p8TGLQ38"], [""; 0]);
    assert_eq!(filter.keys().filter(|chain| chain.starts_with("cali-to-wl-dispatch")).count(), 6);
}

#[test]
fn one_pod_has_one_rule_and_no_pod_has_none() {
    let mut state = State::new(0);
    declare(&mut state, node("a", "10.0.0.1", ""));
    // The hash for an empty tree is one that public dumps show.
    let unknown =
        "-m comment --comment \"cali:7KNphB1nNHw80nIO\" -m comment --comment \"Unknown interface\" --jump DROP";
    assert_eq!(generated(&state, "a")["filter"]["cali-to-wl-dispatch"], [unknown]);
    declare(&mut state, Object::Pod(plain_pod("default/only", "a")));
    let tree = &generated(&state, "a")["filter"]["cali-to-wl-dispatch"];
    let device = state.pod("only").unwrap().device;
    assert_eq!(tree.len(), 2);
    assert!(tree[0].ends_with(&format!("--out-interface {device} --goto cali-tw-{device}")), "{}", tree[0]);
}

#[test]
fn policy_chains_have_the_names_that_public_dumps_show() {
    for (prefix, id, name) in [
        ("cali-pi-", "demo/knp.default.demo-policy", "cali-pi-_f33B8osgBB9KBtqM0k-"),
        ("cali-po-", "kube-system/knp.default.konnectivity-agent", "cali-po-_rWDSk9LLgWIl_lpnJE2"),
    ] {
        assert_eq!(chain_name(prefix, id), name);
    }
    let names = &reference()["worker2"]["profile_chain_names"];
    for (id, expected) in names.as_object().unwrap() {
        assert_eq!(chain_name("cali-pri-", id), expected[0].as_str().unwrap());
        assert_eq!(chain_name("cali-pro-", id), expected[1].as_str().unwrap());
    }
}

#[test]
fn routes_and_sets_follow_the_pods_and_nodes() {
    let state = worker2();
    assert_eq!(routes(&state, "worker2").len(), 19);
    let first = &routes(&state, "worker2")[0];
    assert_eq!((first.destination.to_string().as_str(), first.via), ("192.168.8.193/32", None));
    let sets: Vec<_> =
        ip_sets(&state, "worker2").into_iter().map(|(name, members)| format!("{name} {members:?}")).collect();
    assert_eq!(
        sets,
        [
            "cali40all-hosts-net Nets([10.1.110.107/32])",
            "cali40all-ipam-pools Nets([192.168.0.0/16])",
            "cali40masq-ipam-pools Nets([192.168.0.0/16])"
        ]
    );
}

/// Where the tree sends a packet with `device`: the target of the last rule it meets.
fn dispatched(filter: &Listing, root: &str, device: &str) -> String {
    let takes = |rule: &str| match rule.split("-interface ").nth(1).map(|rest| rest.split(' ').next().unwrap()) {
        Some(pattern) => pattern.strip_suffix('+').map_or(pattern == device, |prefix| device.starts_with(prefix)),
        None => true,
    };
    let rule = filter[root].iter().find(|rule| takes(rule)).unwrap();
    let target = rule.rsplit(' ').next().unwrap();
    if target.contains("-dispatch-") { dispatched(filter, target, device) } else { target.to_owned() }
}

proptest::proptest! {
    /// However devices are called, each is sent to its own chains, and any other is dropped.
    #[test]
    fn the_tree_leads_every_device_to_its_own_chain(
        names in proptest::collection::btree_set("[0-9a-c]{1,4}", 1..30),
        other in "[0-9a-d]{1,4}",
    ) {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", ""));
        for name in &names {
            let interface_name = format!("cali{name}").parse().ok();
            declare(&mut state, Object::Pod(Pod { interface_name, ..plain_pod(&format!("default/{name}"), "a") }));
        }
        let filter = &generated(&state, "a")["filter"];
        for (direction, endpoint) in [("to", "tw"), ("from", "fw")] {
            let root = format!("cali-{direction}-wl-dispatch");
            for name in &names {
                assert_eq!(dispatched(filter, &root, &format!("cali{name}")), format!("cali-{endpoint}-cali{name}"));
            }
            if !names.contains(&other) {
                assert_eq!(dispatched(filter, &root, &format!("cali{other}")), "DROP");
            }
        }
    }
}
