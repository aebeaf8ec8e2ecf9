//! The examples are the contract: they parse, check and lower without a word.

use netscene_lang::{SourceFiles, check, parse, render};

#[test]
fn the_examples_have_no_faults() {
    for name in ["hello.scn", "wordpress.scn"] {
        let text = std::fs::read_to_string(format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut files = SourceFiles::default();
        let (ast, mut diagnostics) = parse(&files.add(name, text));
        let (program, more) = check(&ast);
        diagnostics.extend(more);
        assert!(diagnostics.is_empty(), "{}", render(&diagnostics, &files, false));
        let lowered: Vec<_> = program.declarations().iter().map(|operation| format!("{:#?}", operation.op)).collect();
        insta::assert_snapshot!(format!("{name}.declarations"), lowered.join("\n"));
    }
}
