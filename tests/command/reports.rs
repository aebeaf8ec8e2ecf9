//! Reports hold what they should, and are what their schemas say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::root;
use crate::folder::Folder;

/// A passing test, a failing one with marks that XML and annotations escape, one that cannot fail, one that prints, and a
/// file that cannot be read.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write(
        "a b.scn",
        "node a at 10.0.0.1\nnode b at 10.0.0.2\n\
         test \"good\" {\n  ping a -> b as echo\n  trace echo\n  expect echo delivered\n}\n\
         test \"bad, <b> & 100%: no\" {\n  ping a -> b as echo\n  assert ${ echo.hops.len() == 0 }\n}\n\
         test \"idle\" { ping a -> b as echo }\n",
    );
    folder.write("broken.scn", "node a at\ntest \"never\" { ping a -> a as echo }\n");
    folder
}

/// The folder with schemas and their validators, or nothing where they are missing and this is no CI.
fn schemas() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas");
        let ci = std::env::var("CI").as_deref() == Ok("true");
        let script = root().join("tests/command/schemas.sh");
        if ci && !folder.join("junit.xsd").exists() {
            let status = Command::new(&script).arg(&folder).status().expect("the script starts");
            assert!(status.success(), "tests/command/schemas.sh fails");
        }
        folder.join("junit.xsd").exists().then_some(folder)
    });
    #[expect(clippy::print_stderr, reason = "a test that did nothing has to say so")]
    if found.is_none() {
        eprintln!("no schema was compared: run tests/command/schemas.sh {}/schemas", env!("CARGO_TARGET_TMPDIR"));
    }
    found.as_deref()
}

/// Runs Python with the validators.
fn validates(program: &str, arguments: &[&Path]) {
    let Some(folder) = schemas() else { return };
    let run =
        Command::new("python3").env("PYTHONPATH", folder.join("python")).args(["-c", program]).args(arguments).output();
    let run = run.expect("python3 starts");
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

const JSON: &str = "import json, sys, jsonschema\n\
    schema, value = (json.load(open(name)) for name in sys.argv[1:])\n\
    kind = jsonschema.validators.validator_for(schema)\n\
    kind.check_schema(schema)\n\
    errors = [error.message for error in kind(schema).iter_errors(value)]\n\
    sys.exit('\\n'.join(errors) or 0)\n";
const XML: &str = "import sys, xmlschema\nxmlschema.XMLSchema(sys.argv[1]).validate(sys.argv[2])\n";

#[test]
fn junit() {
    let folder = folder("junit");
    let run = folder.scn(&["test", "--report", "junit=out.xml"]);
    assert_eq!(run.status, 2);
    let text = folder.read("out.xml");
    assert!(text.contains("<testsuites name=\"scn\" tests=\"5\" failures=\"1\" errors=\"1\""), "{text}");
    assert!(text.contains("name=\"bad, &lt;b&gt; &amp; 100%: no\""), "{text}");
    assert!(text.contains("<system-out>echo: ping a"), "{text}");
    if let Some(schemas) = schemas() {
        validates(XML, &[&schemas.join("junit.xsd"), &folder.path().join("out.xml")]);
    }
}

#[test]
fn sarif() {
    let folder = folder("sarif");
    folder.scn(&["test", "--report", "sarif=out.sarif"]);
    let log: Value = serde_json::from_str(&folder.read("out.sarif")).expect("it is JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("a list");
    let codes: Vec<_> = results.iter().map(|result| result["ruleId"].as_str().expect("a code")).collect();
    assert!(codes.contains(&"E0503") && codes.contains(&"E0506"), "{codes:?}");
    for result in results {
        let number = result["ruleIndex"].as_u64().expect("a number") as usize;
        assert_eq!(run["tool"]["driver"]["rules"][number]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a path");
        assert!(["a%20b.scn", "broken.scn"].contains(&uri), "{uri}");
        assert!(place["region"]["startLine"].as_u64() > Some(0), "{result}");
    }
    if let Some(schemas) = schemas() {
        validates(JSON, &[&schemas.join("sarif.json"), &folder.path().join("out.sarif")]);
    }
}

#[test]
fn json() {
    let folder = folder("json");
    folder.scn(&["test", "--coverage", "--report", "json=out.json"]);
    let report: Value = serde_json::from_str(&folder.read("out.json")).expect("it is JSON");
    assert_eq!((&report["passed"], &report["failed"], &report["notRun"]), (&2.into(), &1.into(), &1.into()));
    let tests = report["files"][0]["tests"].as_array().expect("a list");
    let outcomes: Vec<_> = tests.iter().map(|test| test["outcome"].as_str().expect("a word")).collect();
    assert_eq!(outcomes, ["passed", "failed", "passed"]);
    assert_eq!(tests[1]["problems"][0]["code"], "E0503");
    assert_eq!(tests[1]["at"]["line"], 8);
    assert!(tests[2]["vacuous"].is_string());
    let rules = report["coverage"]["rules"].as_array().expect("a list");
    assert!(
        rules.iter().any(|rule| rule["state"] == "touched") && rules.iter().any(|rule| rule["state"] == "untouched")
    );
    if schemas().is_some() {
        validates(JSON, &[&root().join("repl/report.schema.json"), &folder.path().join("out.json")]);
    }
}

#[test]
fn github() {
    let folder = folder("github");
    let run = folder.scn(&["test", "--report", "github"]);
    let lines: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("::")).collect();
    let bad =
        "::error file=a b.scn,line=10,col=3,endColumn=9,title=E0503%3A bad%2C <b> & 100%25%3A no::this is not true";
    assert!(lines.contains(&bad), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("::warning file=a b.scn,line=12,")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("::error file=broken.scn,line=1,")), "{lines:#?}");
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let folder = folder("unwritten");
    for report in ["json=no/such/folder/out.json", "junit=no/such/folder/out.xml"] {
        let run = folder.scn(&["test", "a b.scn", "--report", report]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("no/such/folder") && run.stderr.contains("cannot be written"), "{}", run.stderr);
    }
    for wrong in ["json", "xml=out.xml", "junit="] {
        assert_eq!(folder.scn(&["test", "--report", wrong]).status, 2, "{wrong}");
    }
}

/// Whenever the process is killed, what stands under a report's name is a whole report: the one before, or the new one.
#[test]
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "it kills at a moment of the clock on the wall")]
fn a_killed_run_leaves_no_half_written_file() {
    use std::process::Stdio;
    use std::thread;
    use std::time::{Duration, Instant};

    let folder = Folder::new("killed");
    let tests: Vec<_> = (0..12)
        .map(|number| {
            format!("test \"{number}\" {{\n  ping a -> b as echo\n  trace echo all\n  expect echo delivered\n}}\n")
        })
        .collect();
    folder.write("many.scn", &format!("node a at 10.0.0.1\nnode b at 10.0.0.2\n{}", tests.concat()));
    let arguments =
        ["test", "many.scn", "--coverage", "--bless", "--report", "json=out.json", "--report", "sarif=out.sarif"];
    let start = Instant::now();
    assert_eq!(folder.scn(&arguments).status, 0);
    let whole = start.elapsed();
    let (json, golden) = (folder.read("out.json"), folder.read("many.expected"));
    let (mut killed, mut seen_without) = (0, 0);
    for round in 0..16u32 {
        // Every second time there is nothing yet to be replaced.
        if round % 2 == 0 {
            for name in ["out.json", "out.sarif", "many.expected"] {
                let _ = fs::remove_file(folder.path().join(name));
            }
        }
        let mut child =
            folder.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        // Most of the kills fall where files are written, which is at the end.
        thread::sleep(whole.mul_f64(0.5 + f64::from(round) / 16.0).min(Duration::from_secs(20)));
        let _ = child.kill();
        killed += i32::from(child.wait().expect("it ends").code().is_none());
        for entry in fs::read_dir(folder.path()).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let text = fs::read_to_string(&path).expect("it is text");
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
            if name.starts_with("out.json") {
                assert_eq!(text, json, "{name}");
            } else if name.starts_with("out.sarif") {
                assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name}");
            } else if name.starts_with("many.expected") {
                assert_eq!(text, golden, "{name}");
            }
        }
        seen_without += i32::from(!folder.path().join("out.sarif").exists());
    }
    assert!(killed > 0 && seen_without > 0, "some were killed before they were done: {killed}, {seen_without}");
}
