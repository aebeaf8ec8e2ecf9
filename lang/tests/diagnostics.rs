//! Every fault has a file, and its exact text is kept beside it.
//!
//! To accept new texts: `INSTA_UPDATE=always cargo test -p netscene-lang --test diagnostics`, and read what changed.

use netscene_lang::{Diagnostic, SourceFiles, check, parse, render};

/// Reads and checks a file; everything that is found, and its text.
fn found(name: &str, text: &str) -> (Vec<Diagnostic>, String) {
    let mut files = SourceFiles::default();
    let (ast, mut diagnostics) = parse(&files.add(name, text));
    diagnostics.extend(check(&ast).1);
    let text = render(&diagnostics, &files, false);
    (diagnostics, text)
}

#[test]
fn every_fault_is_told() {
    insta::glob!("diagnostics/*.scn", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        insta::assert_snapshot!(found(&name, &text).1);
    });
}

#[test]
fn three_mistakes_are_three_diagnostics() {
    let (diagnostics, text) = found("three.scn", include_str!("diagnostics/three.scn"));
    assert_eq!(diagnostics.len(), 3, "{text}");
    for part in [
        "three.scn:9:17",
        "did you mean `selector`?",
        "three.scn:4:17",
        "`machines` goes from 10.0.0.0 to 10.0.0.255",
        "three.scn:13:16",
        "did you mean `status`?",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}

#[test]
fn every_diagnostic_points_into_its_file() {
    for entry in std::fs::read_dir(format!("{}/tests/diagnostics", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for diagnostic in found("x.scn", &text).0 {
            assert!(diagnostic.span().is_some(), "{diagnostic:?}");
            for label in diagnostic.labels {
                assert!(text.get(label.span.range()).is_some(), "{label:?}");
            }
        }
    }
}
