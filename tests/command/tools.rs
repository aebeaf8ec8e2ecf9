//! `scn check`, `fmt`, `compile`, `run --record` and `replay`, as a shell sees them.

use std::fs;

use crate::common::scn;
use crate::folder::Folder;

#[test]
fn a_record_replays_to_the_same_bytes_and_status() {
    let scratch = Folder::new("record");
    for (scenario, status) in
        [("examples/hello.scn", 0), ("tests/scenarios/unmet.scn", 1), ("tests/scenarios/three_mistakes.scn", 2)]
    {
        let record = scratch.file("run.json", None);
        let run = scn(&["run", "--seed", "3", "--record", &record, scenario]);
        assert_eq!(run.status, status, "{}", run.stderr);
        let plain = scn(&["run", "--seed", "3", scenario]);
        assert_eq!((&plain.stdout, &plain.stderr), (&run.stdout, &run.stderr), "recording changes nothing");
        let replay = scn(&["replay", &record]);
        assert_eq!(
            (replay.status, &replay.stdout, &replay.stderr),
            (run.status, &run.stdout, &run.stderr),
            "{scenario}"
        );
    }
    let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["run.json"], "nothing is left beside the record");
}

#[test]
fn what_is_no_record_ends_with_2() {
    let scratch = Folder::new("hostile");
    let record = scratch.file("run.json", None);
    assert_eq!(scn(&["run", "--record", &record, "examples/hello.scn"]).status, 0);
    let text = fs::read_to_string(&record).unwrap();
    let cases = [
        (text.replacen("\"version\":2", "\"version\":1", 1), "the record has version 1"),
        (text[..text.len() / 2].to_owned(), "the record ends too early"),
        (text.replacen("\"op\":\"send\"", "\"op\":\"sned\"", 1), "unknown variant `sned`"),
        ("node worker1 at 10.0.0.1\n".to_owned(), "the record cannot be read"),
        ("[]".to_owned(), "this is no record of netscene"),
        (String::new(), "the record ends too early"),
    ];
    for (text, problem) in cases {
        let file = scratch.file("bad.json", Some(&text));
        let replay = scn(&["replay", &file]);
        assert_eq!((replay.status, replay.stdout.as_str()), (2, ""), "{problem}");
        assert!(replay.stderr.starts_with("error: ") && replay.stderr.contains(problem), "{}", replay.stderr);
    }
    let nowhere = scratch.file("no/such/folder.json", None);
    let run = scn(&["run", "--record", &nowhere, "examples/hello.scn"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("folder.json cannot be written"), "{}", run.stderr);
}

#[test]
fn check_tells_and_runs_nothing() {
    let all = scn(&["check", "examples/hello.scn", "tests/scenarios/three_mistakes.scn", "no-such.scn"]);
    assert_eq!((all.status, all.stdout.as_str()), (2, ""));
    for part in ["error[E0206]", "error[E0102]", "error[E0404]", "no-such.scn cannot be read"] {
        assert!(all.stderr.contains(part), "{part} in {}", all.stderr);
    }
    let scratch = Folder::new("check");
    let refused = scratch.file("x.scn", Some("cluster c { calico 3.99 }\ntest \"it is not run\" { log \"ran\" }\n"));
    let refused = scn(&["check", &refused]);
    assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "what a run would refuse");
    assert!(refused.stderr.contains("what calico 3.99 does is not known here"), "{}", refused.stderr);
    let good = scn(&["check", "examples/hello.scn", "tests/scenarios/unmet.scn"]);
    assert_eq!((good.status, good.stdout.as_str(), good.stderr.as_str()), (0, "", ""));
}

#[test]
fn fmt_writes_the_one_form() {
    let scratch = Folder::new("fmt");
    let file = scratch.file("x.scn", Some("node   worker1 at 10.0.0.1\n\n\nnamespace default {\npod a}\n"));
    let check = scn(&["fmt", "--check", &file]);
    assert_eq!((check.status, check.stderr.as_str()), (1, ""));
    for line in ["-node   worker1 at 10.0.0.1", "+node worker1 at 10.0.0.1", "+  pod a }"] {
        assert!(check.stdout.lines().any(|shown| shown == line), "{line} in {}", check.stdout);
    }
    assert_eq!(scn(&["fmt", &file]).status, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "node worker1 at 10.0.0.1\n\nnamespace default {\n  pod a }\n");
    let check = scn(&["fmt", "--check", &file]);
    assert_eq!((check.status, check.stdout.as_str()), (0, ""));

    let faulty = "nod worker1\n";
    let file = scratch.file("faulty.scn", Some(faulty));
    let fmt = scn(&["fmt", &file]);
    assert_eq!(fmt.status, 2);
    assert!(fmt.stderr.contains("did you mean `node`?"), "{}", fmt.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), faulty, "a faulty file is left alone");
}

#[test]
fn compile_prints_each_stage() {
    let tokens = scn(&["compile", "--emit", "tokens", "examples/hello.scn"]);
    assert_eq!(tokens.status, 0);
    assert!(tokens.stdout.contains("\n3:6    Name     worker1\n"), "{}", tokens.stdout);
    let ast = scn(&["compile", "--emit", "ast", "examples/hello.scn"]);
    assert!(ast.status == 0 && ast.stdout.contains("Node {"), "{}", ast.stdout);
    let ir = scn(&["compile", "examples/hello.scn"]);
    assert_eq!(ir.status, 0);
    for part in
        ["\"format\":\"netscene ir\",\"version\":2", "\"op\":\"send\"", "{\"assert\":\"hello.hops.len() <= 4\"}"]
    {
        assert!(ir.stdout.contains(part), "{part} in {}", ir.stdout);
    }
    let faulty = scn(&["compile", "tests/scenarios/three_mistakes.scn"]);
    assert_eq!((faulty.status, faulty.stdout.as_str()), (2, ""));
}
