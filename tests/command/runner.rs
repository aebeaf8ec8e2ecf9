//! `scn test`: what it finds, chooses, runs and tells.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{root, scn};
use crate::folder::Folder;

/// A small cluster, and two pings.
const NODES: &str = "node a at 10.0.0.1\nnode b at 10.0.0.2\n";
const GOOD: &str = "test \"a reaches b\" {\n  ping a -> b as echo\n  expect echo delivered\n}\n";
const BAD: &str = "test \"a is cut off\" {\n  ping a -> b as echo\n  expect echo not delivered\n}\n";

fn small() -> Folder {
    let folder = Folder::new("runner");
    folder.write("nodes.scn", NODES);
    folder.write("good.scn", &format!("include \"nodes.scn\"\n{GOOD}"));
    folder.write("net/bad.scn", &format!("{NODES}{GOOD}{BAD}"));
    folder.write(".hidden/bad.scn", &format!("{NODES}{BAD}"));
    folder.write("net/.bad.scn", &format!("{NODES}{BAD}"));
    folder.write("net/notes.txt", "no scenario");
    folder
}

#[test]
fn what_is_found() {
    let folder = small();
    let list = folder.scn(&["test", "--list"]);
    let expected = "good.scn:2 \"a reaches b\"\nnet/bad.scn:3 \"a reaches b\"\nnet/bad.scn:7 \"a is cut off\"\n";
    assert_eq!((list.status, list.stdout.as_str(), list.stderr.as_str()), (0, expected, ""));
    // A file that is named is run, whatever else includes it.
    let named = folder.scn(&["test", "nodes.scn", "good.scn", "--list"]);
    assert_eq!((named.status, named.stdout.as_str()), (0, "good.scn:2 \"a reaches b\"\n"));
    assert_eq!(folder.scn(&["test", "nowhere"]).status, 2);
    assert_eq!(folder.scn(&["test", "--filter", "no such test"]).status, 2);
}

#[test]
fn failures_come_first_and_details_after() {
    let folder = small();
    let run = folder.scn(&["test"]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    let mut lines = run.stdout.lines();
    assert_eq!(lines.next(), Some("FAILED net/bad.scn:7 \"a is cut off\""));
    assert_eq!(lines.next(), Some(""));
    assert_eq!(lines.next(), Some("net/bad.scn:7 \"a is cut off\""));
    assert!(lines.next().is_some_and(|line| line.starts_with("error[E0502]")), "{}", run.stdout);
    assert_eq!(lines.next_back(), Some("2 of 3 tests passed in 2 files; 3 expectations judged"));
    assert!(!run.stdout.contains('\u{1b}'), "no colours where there is no terminal");
    assert!(folder.scn(&["test", "--color", "always"]).stdout.contains('\u{1b}'));
}

#[test]
fn tests_are_chosen() {
    let folder = small();
    let list = |arguments: &[&str]| folder.scn(&[&["test", "--list"], arguments].concat()).stdout;
    assert_eq!(list(&["--filter", "cut"]), "net/bad.scn:7 \"a is cut off\"\n");
    assert_eq!(list(&["--filter", "good"]), "good.scn:2 \"a reaches b\"\n");
    let parts = [1, 2].map(|part| list(&["--partition", &format!("{part}/2")]));
    let mut together: Vec<_> = parts.iter().flat_map(|part| part.lines()).collect();
    together.sort_unstable();
    assert_eq!(together.len(), 3);
    let all = list(&[]);
    assert_eq!(together, all.lines().collect::<Vec<_>>());
    for wrong in ["0/2", "3/2", "1", "x/y"] {
        assert_eq!(folder.scn(&["test", "--partition", wrong]).status, 2, "{wrong}");
    }
    let filtered = folder.scn(&["test", "--filter", "reaches"]);
    assert_eq!(
        (filtered.status, filtered.stdout.as_str()),
        (0, "2 of 2 tests passed in 2 files; 2 expectations judged\n")
    );
}

#[test]
fn any_number_of_threads_prints_the_same() {
    let run = |jobs: &str| scn(&["test", "tests/scenarios", "--jobs", jobs, "--coverage"]);
    let one = run("1");
    assert!(one.stdout.lines().count() > 20, "{}{}", one.stdout, one.stderr);
    for jobs in ["2", "5"] {
        let other = run(jobs);
        assert_eq!((one.status, &one.stdout, &one.stderr), (other.status, &other.stdout, &other.stderr), "{jobs}");
    }
}

#[test]
fn a_run_that_stops_at_the_first_failure_is_the_same_for_all_threads() {
    let folder = small();
    let many: Vec<_> = (0..40).map(|number| BAD.replace("cut off", &format!("cut off {number}"))).collect();
    folder.write("net/bad.scn", &format!("{NODES}{GOOD}{}", many.concat()));
    let run = |jobs: &str| folder.scn(&["test", "--fail-fast", "--jobs", jobs]);
    let one = run("1");
    assert!(one.stdout.contains("2 of 42 tests passed in 2 files, 39 did not run"), "{}", one.stdout);
    for _ in 0..5 {
        assert_eq!(run("4").stdout, one.stdout);
    }
}

#[test]
fn statuses_are_those_of_the_worst() {
    let folder = small();
    folder.write("limit.scn", "rhai {\n  fn down(n) { down(n + 1) }\n}\ntest \"deep\" { assert ${ down(0) == 0 } }\n");
    assert_eq!(folder.scn(&["test", "net", "limit.scn"]).status, 3);
    folder.write("broken.scn", "node a at\ntest \"never\" { ping a -> a as echo }\n");
    let broken = folder.scn(&["test", "broken.scn", "good.scn"]);
    assert_eq!(broken.status, 2, "{}", broken.stdout);
    assert!(broken.stdout.starts_with("FAILED broken.scn\n"), "{}", broken.stdout);
    assert!(
        broken.stdout.ends_with("1 of 2 tests passed in 2 files, 1 did not run; 1 expectation judged\n"),
        "{}",
        broken.stdout
    );
    // What the world refuses keeps the tests from running, and is told once, whoever finds it.
    let twice = "node a at 10.0.0.1\nnode b at 10.0.0.1\n";
    let tests = "test \"reach\" { ping a -> b as echo }\n".repeat(9);
    folder.write("refused.scn", &format!("{twice}{tests}"));
    let refused = folder.scn(&["test", "refused.scn", "--jobs", "4"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stdout.contains("0 of 9 tests passed in 1 file, 9 did not run"), "{}", refused.stdout);
    assert_eq!(refused.stdout.matches("FAILED").count(), 1, "{}", refused.stdout);
}

#[test]
fn tests_that_cannot_fail_are_told() {
    let folder = Folder::new("vacuous");
    let send = "ping a -> b as echo";
    for (text, why) in [
        ("show routes on a", Some("it expects and asserts nothing")),
        ("assert ${ node(\"a\").address != \"\" }", Some("it sends nothing")),
        (&format!("{send}\n assert ${{ 1 + 1 == 2 }}"), Some("says nothing of what was sent")),
        (&format!("{send}\n assert ${{ echo.hops.len() >= 0 }}"), Some("even if nothing that is sent arrives")),
        (&format!("{send}\n assert ${{ echo.hops.len() > 0 }}"), None),
        (&format!("{send}\n expect echo delivered"), None),
        (&format!("fail link a b\n{send}\n assert ${{ !echo.delivered }}"), None),
    ] {
        folder.write("one.scn", &format!("{NODES}test \"one\" {{\n {text}\n}}\n"));
        let run = folder.scn(&["test", "one.scn"]);
        assert_eq!(run.status, 0, "{text}: {}{}", run.stdout, run.stderr);
        let told = run.stdout.lines().find_map(|line| line.strip_prefix("VACUOUS one.scn:3 \"one\": "));
        match why {
            None => assert_eq!(told, None, "{text}"),
            Some(why) => assert!(told.is_some_and(|told| told.contains(why)), "{text}: {}", run.stdout),
        }
        assert_eq!(folder.scn(&["test", "one.scn", "--strict"]).status, i32::from(why.is_some()), "{text}");
    }
}

#[test]
fn expected_output_is_kept_and_compared() {
    let folder = Folder::new("golden");
    folder.write("one.scn", &format!("{NODES}show routes on a\ntest \"b\" {{\n  show routes on b\n}}\n{GOOD}"));
    assert_eq!(folder.scn(&["test", "one.scn", "--bless"]).status, 0);
    let expected = folder.read("one.expected");
    assert!(expected.contains("\noutside of tests\n  Kernel IP routing table\n"), "{expected}");
    assert!(expected.contains("\ntest \"b\"\n  Kernel IP routing table\n"), "{expected}");
    assert!(!expected.contains("reaches"), "it prints nothing: {expected}");
    let same = folder.scn(&["test", "one.scn", "--strict"]);
    assert_eq!(same.status, 0, "a test whose output is compared can fail: {}", same.stdout);

    folder.write("one.expected", &expected.replacen("test \"b\"\n  Kernel", "test \"b\"\n  Colonel", 1));
    let other = folder.scn(&["test", "one.scn"]);
    assert_eq!(other.status, 1);
    assert!(other.stdout.starts_with("FAILED one.scn:4 \"b\"\n"), "{}", other.stdout);
    assert!(other.stdout.contains("  - Colonel IP routing table\n  + Kernel IP routing table\n"), "{}", other.stdout);
    // The rest of the file's is not told of, and a part of the tests does not lose what the others print.
    assert_eq!(folder.scn(&["test", "one.scn", "--bless", "--filter", "reaches"]).status, 0);
    assert!(folder.read("one.expected").contains("Colonel"));
    assert_eq!(folder.scn(&["test", "one.scn", "--bless"]).status, 0);
    assert_eq!(folder.read("one.expected"), expected);
    folder.write("one.expected", "nonsense\n");
    let broken = folder.scn(&["test", "one.scn"]);
    assert_eq!((broken.status, broken.stdout.as_str()), (2, ""), "{}", broken.stderr);
    assert!(broken.stderr.contains("one.expected:1 is neither"), "{}", broken.stderr);
}

#[test]
fn a_changed_file_is_run_again() {
    let folder = small();
    let mut child = folder.command(&["test", "good.scn", "--watch"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (told, lines) = mpsc::channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    let mut said = String::new();
    // It waits for ever for a change that it misses: then the test ends, and with it the command.
    let mut until = |end: &str| {
        while let Ok(line) = lines.recv_timeout(Duration::from_mins(5)) {
            said.push_str(&line);
            said.push('\n');
            if line.contains(end) {
                return;
            }
        }
        let _ = child.kill();
        panic!("`{end}` is not said:\n{said}");
    };
    until("1 of 1 test passed");
    until("waiting for a change");
    // A file that the scenario includes, not the scenario itself.
    folder.write("nodes.scn", "node a at 10.0.0.1\nnode b at 10.0.0.1\n");
    until("FAILED good.scn");
    until("waiting for a change");
    folder.write("nodes.scn", NODES);
    until("1 of 1 test passed");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn the_repository_s_own_examples_hold() {
    let run = scn(&["test", "examples"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(root().join("examples/hello.scn").exists());
}
