//! `scn explain`: every code, and that what it prints is true.

use crate::common::scn;
use crate::folder::Folder;

/// The indented lines below a line that begins so, without their indent.
fn block(text: &str, below: &str) -> Option<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with(below)).skip(2);
    let block: Vec<_> = lines
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(|line| line.strip_prefix("    ").unwrap_or_default())
        .collect();
    (!block.is_empty()).then(|| block.join("\n").trim_end().to_owned() + "\n")
}

#[test]
fn every_code_is_explained_by_an_example_that_yields_it() {
    let list = scn(&["explain"]);
    assert_eq!((list.status, list.stderr.as_str()), (0, ""));
    let codes: Vec<_> = list.stdout.lines().filter_map(|line| line.split_once("  ")).collect();
    assert!(codes.len() > 40 && codes.iter().all(|(_, meaning)| meaning.ends_with('.')), "{}", list.stdout);
    for (code, meaning) in codes {
        let told = scn(&["explain", &code.to_lowercase()]);
        assert_eq!((told.status, told.stderr.as_str()), (0, ""), "{code}");
        let flat = told.stdout.replace('\n', " ");
        assert!(flat.starts_with(&format!("{code}: {meaning}")), "{}", told.stdout);
        let folder = Folder::new("explain");
        let example = block(&told.stdout, "For example, in example.scn:");
        let manifest = block(&told.stdout, "For example, in example.yaml:");
        let scenario = example.or_else(|| block(&told.stdout, "which a scenario brings in:")).expect("an example");
        folder.write("example.scn", &scenario);
        if let Some(manifest) = manifest {
            folder.write("example.yaml", &manifest);
        }
        let run = if told.stdout.contains("`scn test` tells it.") {
            folder.write("example.expected", "something else\n");
            let run = folder.scn(&["test", "example.scn"]);
            run.stdout + &run.stderr
        } else {
            let run = folder.scn(&["run", "example.scn"]);
            let shown = block(&told.stdout, "It is told so:").expect("it is shown");
            assert!(
                run.stderr.trim_end().lines().map(str::trim_end).eq(shown.trim_end().lines()),
                "{code}: {shown}\n{}",
                run.stderr
            );
            run.stdout + &run.stderr
        };
        // What only `scn test` finds has a word of its own.
        let by_word = matches!(code, "E0506" if run.contains("VACUOUS")) || run.contains("example.expected");
        assert!(run.contains(code) || by_word, "{code} is not told:\n{run}");
    }
}

#[test]
fn words_are_explained_and_what_is_neither_has_the_nearest() {
    let word = scn(&["explain", "expect"]);
    assert_eq!(word.status, 0);
    assert!(word.stdout.starts_with("expect: compare what happened with what should have\n"), "{}", word.stdout);
    let wrong = scn(&["explain", "E0299"]);
    assert_eq!((wrong.status, wrong.stdout.as_str()), (2, ""));
    let hint = "error: `E0299` is no code and no word of the language; did you mean `E02";
    assert!(wrong.stderr.starts_with(hint), "{}", wrong.stderr);
    assert!(scn(&["completions", "bash"]).stdout.contains("E0206"), "shells complete the codes");
}
