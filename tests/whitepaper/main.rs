//! The white paper's figures, from scenarios that declare its clusters. The files beside this one hold what each must print;
//! `README.md` tells which command shows which figure, and what of a figure is not compared.

#[path = "../common/mod.rs"]
mod common;

mod bgp;
mod objects;
mod packets;
mod paper;
mod rules;
mod wordpress;

use std::collections::BTreeSet;
use std::fs;

use common::root;

/// Every figure has a test: a file that no test names would be compared with nothing.
#[test]
fn every_figure_is_compared() {
    let sources = ["bgp.rs", "objects.rs", "packets.rs", "rules.rs", "wordpress.rs"];
    let folder = root().join("tests/whitepaper");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a file of this suite");
    let tests: String = sources.iter().map(|name| read(name)).collect();
    let files = fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let names: BTreeSet<_> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    let figures = names.iter().filter(|name| name.starts_with("fig") && !name.contains(".rules"));
    let forgotten: Vec<_> = figures.filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert!(forgotten.is_empty(), "no test compares {forgotten:?}");
}
