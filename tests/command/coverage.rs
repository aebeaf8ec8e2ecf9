//! Coverage, and whether what it calls tested is.

use serde_json::Value;

use crate::common::{root, scn};
use crate::folder::Folder;

/// The report of a run with coverage over the paper's cluster, of which the seed chooses what is deleted.
fn report(folder: &Folder, more: &[&str]) -> Value {
    let file = folder.path().join("out.json");
    let report = format!("json={}", file.display());
    let run = scn(&[&["test", "examples/wordpress.scn", "--report", &report], more].concat());
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    serde_json::from_str(&folder.read("out.json")).expect("it is JSON")
}

#[test]
fn what_the_paper_s_suite_touches() {
    let folder = Folder::new("coverage");
    let coverage = &report(&folder, &["--coverage"])["coverage"];
    let rules = coverage["rules"].as_array().expect("a list");
    let touched = rules.iter().filter(|rule| rule["state"] == "touched").count();
    assert_eq!(coverage["touched"], touched);
    assert!(touched > 50 && touched < rules.len(), "{touched} of {}", rules.len());
    // The browser's way in is touched; nobody asks the API server.
    let of = |object: &str| rules.iter().filter(|rule| rule["object"] == object).collect::<Vec<_>>();
    let nginx = of("service iks/essential-nginx-ingress-ingress-nginx-controller");
    assert!(
        nginx.iter().any(|rule| rule["state"] == "touched" && rule["file"] == "examples/wordpress.scn"),
        "{nginx:#?}"
    );
    let paths = coverage["ingressPaths"].as_array().expect("a list");
    assert!(paths.iter().any(|path| path["path"] == "/wordpress" && path["touched"] == true), "{paths:#?}");
}

/// What coverage calls tested is missed by a test, also if it is deleted as people delete rules.
#[test]
fn a_tested_rule_is_missed() {
    let folder = Folder::new("mutate");
    let report = report(&folder, &["--mutate", "--sample", "40", "--seed", "3"]);
    let coverage = &report["coverage"];
    assert_eq!(coverage["tried"], 40);
    let tested: Vec<_> =
        coverage["rules"].as_array().expect("a list").iter().filter(|rule| rule["state"] == "tested").collect();
    assert_eq!(coverage["tested"], tested.len());
    assert!(tested.len() >= 5, "the suite misses some rules: {}", tested.len());
    let scenario = std::fs::read_to_string(root().join("examples/wordpress.scn")).expect("it is there");
    let first = scenario.find("\ntest ").expect("it has tests") + 1;
    for rule in tested {
        let text = |name: &str| rule[name].as_str().expect("a text");
        let (node, table, chain, line) = (text("node"), text("table"), text("chain"), text("rule"));
        let delete = format!("on {node} {{ iptables -t {table} -D {chain} {line} }}\n");
        let (above, below) = scenario.split_at(first);
        folder.write("without.scn", &format!("{above}{delete}{below}"));
        let run = folder.scn(&["run", "--seed", "3", "without.scn"]);
        assert_eq!(run.status, 1, "no test misses {delete}{}", run.stderr);
    }
}

#[test]
fn a_sample_is_the_seed_s() {
    let folder = Folder::new("sample");
    let states = |seed: &str, jobs: &str| {
        report(&folder, &["--mutate", "--sample", "10", "--seed", seed, "--jobs", jobs])["coverage"].to_string()
    };
    assert_eq!(states("1", "1"), states("1", "4"));
}
