//! Every fault of a manifest has a file, and its exact text is kept beside it.
//!
//! To accept new texts: `INSTA_UPDATE=always cargo test -p netscene-lang --test manifests`, and read what changed.

use netscene_lang::{SourceFiles, manifest, render};

#[test]
fn every_fault_is_told_with_its_line() {
    insta::glob!("manifests/*.yaml", |path| {
        let mut files = SourceFiles::default();
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let (_, diagnostics) = manifest::read(&files.add(&name, text));
        assert!(!diagnostics.is_empty(), "{name} has a fault");
        assert!(diagnostics.iter().all(|diagnostic| diagnostic.span().is_some()), "{diagnostics:?}");
        insta::assert_snapshot!(render(&diagnostics, &files, false));
    });
}
