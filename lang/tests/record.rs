//! What is recorded replays to the same bytes.

#![allow(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::fs;
use std::path::{Path, PathBuf};

use netscene_lang::{Channel, Folder, NoFolder, Record, RecordError, Verdict, record_scenario, replay};
use proptest::prelude::*;

/// The folder of a scenario of this repository.
struct Disk(PathBuf);

impl Folder for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Everything that is printed, with the stream it goes to.
type Printed = Vec<(Channel, String)>;

/// Puts pieces together that go to one stream, for where one ends and the next begins is nobody's concern.
fn print(printed: &mut Printed, channel: Channel, text: &str) {
    match printed.last_mut() {
        Some((last, before)) if *last == channel => before.push_str(text),
        _ => printed.push((channel, text.to_owned())),
    }
}

fn recorded(name: &str, text: &str, folder: &dyn Folder, seed: u64) -> (Verdict, Record, Printed) {
    let mut printed = Printed::new();
    let (verdict, record) = record_scenario((name, text), folder, seed, false, &mut |channel, text| {
        print(&mut printed, channel, text);
    });
    (verdict, record, printed)
}

fn replayed(record: &Record) -> (Verdict, Printed) {
    let mut printed = Printed::new();
    let verdict = replay(record, false, &mut |channel, text| print(&mut printed, channel, text));
    (verdict, printed)
}

/// Every scenario below a folder of the repository.
fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in entries {
        if path.is_dir() {
            scenarios(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "scn") {
            found.push(path);
        }
    }
}

#[test]
fn every_scenario_replays_to_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    scenarios(&root.join("examples"), &mut found);
    scenarios(&root.join("tests/scenarios"), &mut found);
    assert!(found.len() > 30, "the scenarios are there");
    found.sort();
    for path in found {
        let (text, folder) = (fs::read_to_string(&path).unwrap(), Disk(path.parent().unwrap().to_owned()));
        let name = path.file_name().unwrap().to_string_lossy();
        let (verdict, record, printed) = recorded(&name, &text, &folder, 0);

        let written = record.write();
        let record = Record::read(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(replayed(&record), (verdict, printed), "{name} replayed");
        assert_eq!(record.write(), written, "{name} written again");
    }
}

const FAILING: &str = r#"
node worker1 at 10.0.0.1
test "fails" {
  for name in ${ ["one", "two"] } { ping worker1 -> worker1 as echo }
  expect echo timeout
}
assert ${ 1 + 1 == 3 }
show routes on worker1
"#;

#[test]
fn failures_are_told_again_with_the_lines_they_are_about() {
    let (verdict, record, printed) = recorded("failing.scn", FAILING, &NoFolder, 7);
    assert_eq!(verdict, Verdict::Unmet);
    let record = Record::read(&record.write()).unwrap();
    assert_eq!(replayed(&record), (verdict, printed.clone()));
    let told: String = printed.into_iter().map(|(_, text)| text).collect();
    assert!(told.contains("expect echo timeout") && told.contains("assert ${ 1 + 1 == 3 }"), "{told}");
    assert_eq!(record.operations().count(), 5, "a node, two pings, an expectation, routes");
}

#[test]
fn a_record_that_does_not_hold_any_more_says_so() {
    let (_, record, _) = recorded("failing.scn", FAILING, &NoFolder, 7);
    let text = record.write().replacen("\"outcome\":\"unmet\"", "\"outcome\":\"held\"", 1);
    let (verdict, printed) = replayed(&Record::read(&text).unwrap());
    assert_eq!(verdict, Verdict::BadInput);
    let told = printed.last().unwrap().1.lines().last().unwrap().to_owned();
    assert!(
        told.starts_with("error: failing.scn:5: the record says as expected, and now it is not as expected: "),
        "{told}"
    );
}

#[test]
fn what_is_no_record_is_refused_with_a_reason() {
    let (_, record, _) = recorded("failing.scn", FAILING, &NoFolder, 0);
    let text = record.write();
    let error = |text: &str| Record::read(text).unwrap_err();
    assert_eq!(error("{}"), RecordError::NoRecord);
    assert!(matches!(error("node worker1"), RecordError::Malformed(_)));
    assert_eq!(error(&text.replacen("\"version\":2", "\"version\":99", 1)), RecordError::Version(99));
    assert_eq!(error(&text[..text.len() - 5]), RecordError::Truncated(text.lines().count()));
    let RecordError::Malformed(problem) = error(&text.replacen("\"op\":\"ping\"", "\"op\":\"pong\"", 1)) else {
        panic!("not malformed")
    };
    assert!(problem.contains("unknown variant `pong`") && problem.contains("line 8"), "{problem}");
    let label = text.find("\"labels\":[{\"span\":{\"file\":0").unwrap();
    let elsewhere = format!("{}{}", &text[..label], text[label..].replacen("\"file\":0", "\"file\":3", 1));
    assert!(matches!(error(&elsewhere), RecordError::Place { file: 3, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A record that somebody has damaged replays, differs or is refused; it never makes anything panic.
    #[test]
    fn damaged_records_do_no_harm(changes in proptest::collection::vec((any::<prop::sample::Index>(), "[0-9a-z\"{},:.\\[\\]-]{0,3}"), 1..4)) {
        let (_, record, _) = recorded("failing.scn", FAILING, &NoFolder, 0);
        let mut text = record.write();
        for (at, with) in changes {
            let at = at.index(text.len());
            text.replace_range(at..=at, &with);
        }
        if let Ok(record) = Record::read(&text) {
            let _ = replayed(&record);
        }
    }
}

#[test]
fn a_bound_that_a_file_passes_is_one_in_its_record_too() {
    let scenario = ("long.scn", "wait 900000h\n");
    let (verdict, record) = record_scenario(scenario, &NoFolder, 0, false, &mut |_, _| {});
    assert_eq!(verdict, Verdict::LimitHit);
    assert_eq!(replay(&record, false, &mut |_, _| {}), Verdict::LimitHit);
}
