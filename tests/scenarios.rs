//! Scenarios and what they print: every `.scn` below `tests/scenarios/` and `examples/`, compared with a `.snap` file.
//!
//! To add a case, write the scenario; `INSTA_UPDATE=always cargo test --test scenarios` writes the expected text beside
//! it (that of an example goes to `tests/examples/`). Read it before you commit it.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{root, scn};

/// The scenarios in a folder, by name.
fn scenarios(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "scn")).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no scenario");
    found
}

/// Runs every scenario of `folder` and compares what it prints with a file of its name in `expected`.
fn check(folder: &str, expected: &str) {
    for path in scenarios(folder) {
        check_one(folder, path.file_stem().and_then(|stem| stem.to_str()).expect("its name is UTF-8"), expected);
    }
}

fn check_one(folder: &str, name: &str, expected: &str) {
    let run = scn(&["run", &format!("{folder}/{name}.scn")]);
    let text = format!("{}{}exit status {}\n", run.stdout, run.stderr, run.status);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join(expected));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn scenarios_print_what_is_expected() {
    check("tests/scenarios", "tests/scenarios");
}

#[test]
fn examples_print_what_is_expected() {
    check("examples", "tests/examples");
    // The others of the folder are compared with the paper's figures, by the suite `whitepaper`.
    for name in ["guestbook", "pods", "wordpress_paths"] {
        check_one("examples/whitepaper", name, "tests/examples/whitepaper");
    }
}

/// A page of the book shows them as they are: what they say has to be so.
#[test]
fn scenarios_of_the_book_hold() {
    for path in scenarios("wasm/book/scenarios") {
        let file = path.to_str().expect("its name is UTF-8");
        let run = scn(&["run", file]);
        assert_eq!(run.status, 0, "{file}\n{}{}", run.stdout, run.stderr);
        let run = scn(&["test", file]);
        assert_eq!(run.status, 0, "{file}\n{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for path in scenarios("examples") {
        let file = path.to_str().expect("its name is UTF-8");
        let [first, second] = [(), ()].map(|()| scn(&["run", "--seed", "7", file]));
        assert_eq!(first.stdout, second.stdout, "{file}");
        assert_eq!(first.stderr, second.stderr, "{file}");
    }
}
