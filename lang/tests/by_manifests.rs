//! The white paper's clusters, declared by manifests, are the ones that `objects.scn` declares: the same objects in the same
//! order, and the same bytes printed by every scenario of theirs, whatever it looks at.

use std::fs;
use std::path::PathBuf;

use netscene_core::kube::Object;
use netscene_core::world::Op;
use netscene_lang::{Channel, Folder, SourceFiles, Verdict, compile_in, has_errors, render, run_scenario};

/// `examples/whitepaper`, with the objects of both clusters as they are, or by manifests.
struct Whitepaper {
    by_manifests: bool,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/whitepaper")
}

impl Folder for Whitepaper {
    fn read(&self, path: &str) -> Result<String, String> {
        let path = if self.by_manifests { path.replace("objects.scn", "by_manifests.scn") } else { path.to_owned() };
        fs::read_to_string(folder().join(path)).map_err(|error| error.to_string())
    }
}

/// Every object that a scenario declares.
fn objects(scenario: &str, by_manifests: bool) -> Vec<Object> {
    let mut files = SourceFiles::default();
    let main =
        files.add(scenario, fs::read_to_string(folder().join(scenario)).expect("the scenario is in the repository"));
    let (program, diagnostics) = compile_in(&mut files, &main, &Whitepaper { by_manifests });
    assert!(!has_errors(&diagnostics), "{}", render(&diagnostics, &files, false));
    let object = |op: &Op| match op {
        Op::Declare { object } => Some(object.clone()),
        _ => None,
    };
    let mut objects: Vec<_> = program.declarations().iter().filter_map(|operation| object(&operation.op)).collect();
    // A scenario opens a namespace as often as it likes.
    let mut seen = Vec::new();
    objects.retain(|object| match object {
        Object::Namespace { name, .. } if seen.contains(name) => false,
        Object::Namespace { name, .. } => {
            seen.push(name.clone());
            true
        }
        _ => true,
    });
    objects
}

/// Everything that a scenario prints.
fn printed(scenario: &str, by_manifests: bool) -> String {
    let text = fs::read_to_string(folder().join(scenario)).expect("the scenario is in the repository");
    let mut output = String::new();
    let folder = Whitepaper { by_manifests };
    let verdict = run_scenario((scenario, &text), &folder, 0, false, &mut |channel, text| {
        // Warnings name places, which differ.
        if channel == Channel::Output {
            output.push_str(text);
        }
    });
    assert_eq!(verdict, Verdict::Passed, "{output}");
    output
}

#[test]
fn manifests_declare_the_same_objects() {
    for scenario in ["first_cluster.scn", "second_cluster.scn"] {
        let (declared, applied) = (objects(scenario, false), objects(scenario, true));
        assert!(declared.len() > 40);
        for (declared, applied) in declared.iter().zip(&applied) {
            assert_eq!(applied, declared, "{scenario}");
        }
        assert_eq!(applied.len(), declared.len(), "{scenario}");
    }
}

/// The paper's own manifests, Figures 17 to 53: what is old in them is a warning, and the traffic is as the paper tells.
#[test]
fn manifests_that_the_paper_prints_are_loaded() {
    let text = fs::read_to_string(folder().join("manifests.scn")).unwrap();
    let (mut output, mut warnings) = (String::new(), String::new());
    let folder = Whitepaper { by_manifests: false };
    let verdict = run_scenario(("manifests.scn", &text), &folder, 0, false, &mut |channel, text| match channel {
        Channel::Output => output.push_str(text),
        Channel::Diagnostics => warnings.push_str(text),
    });
    assert_eq!(verdict, Verdict::Passed, "{output}{warnings}");
    let deprecated = "warning[E0602]: Ingress is of networking.k8s.io/v1\n  ┌─ manifests/fig053.yaml:4:13";
    assert_eq!(warnings.matches(deprecated).count(), 1, "{warnings}");
    assert_eq!(warnings.matches("PersistentVolumeClaim is left alone").count(), 1, "{warnings}");
    // Figures 49 and 50: what is left of /guestbook/controllers.js.
    assert!(output.contains("\"GET /controllers.js HTTP/1.1\" 200"), "{output}");
}

/// Rule sets, routes, listings of kubectl and calicoctl, logs, connections, packets.
#[test]
fn every_view_of_the_clusters_is_the_same() {
    let scenarios =
        ["first_cluster.scn", "second_cluster.scn", "second_rules.scn", "second_log.scn", "second_packets.scn"];
    for scenario in scenarios {
        let declared = printed(scenario, false);
        assert!(declared.lines().count() > 20, "{declared}");
        assert_eq!(printed(scenario, true), declared, "{scenario}");
    }
}

/// Whole rule sets, which the scenarios above show in parts.
#[test]
fn every_rule_of_every_node_is_the_same() {
    let nodes = ["control1", "worker1", "worker2"];
    let all: String =
        nodes.map(|node| format!("on {node} {{ iptables-save; ipset save; route -n; cat bird.cfg }}\n")).concat();
    for cluster in ["first", "second"] {
        let scenario = format!("include \"{cluster}/objects.scn\"\n{all}");
        let print = |by_manifests| {
            let mut output = String::new();
            run_scenario(("rules.scn", &scenario), &Whitepaper { by_manifests }, 0, false, &mut |channel, text| {
                if channel == Channel::Output {
                    output += text;
                }
            });
            output
        };
        let declared = print(false);
        assert!(declared.matches("-A KUBE-SEP-").count() > 20, "{declared}");
        assert_eq!(print(true), declared, "{cluster}");
    }
}
