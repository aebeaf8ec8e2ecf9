//! Nothing that can be written makes the parser or the checks panic, and what they say points into the file.

use netscene_lang::{SourceFiles, Word, compile, render};
use proptest::prelude::*;

/// Compiles and renders a text; what went wrong is in the diagnostics, never in a panic.
fn compiles(text: &str) {
    let mut files = SourceFiles::default();
    let file = files.add("x.scn", text);
    let (_, diagnostics) = compile(&file);
    for diagnostic in &diagnostics {
        for label in &diagnostic.labels {
            assert!(text.get(label.span.range()).is_some(), "{label:?} in {text:?}");
        }
    }
    let _ = render(&diagnostics, &files, false);
}

/// A token such as scenarios are made of.
fn token() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(Word::ALL).prop_map(|word| word.text().to_owned());
    let other = proptest::sample::select(vec![
        "{",
        "}",
        "\n",
        ";",
        ",",
        "->",
        "=>",
        "${ a.b }",
        "${",
        "\"text\"",
        "\"",
        "80",
        "70000",
        "53/UDP",
        "10.0.0.1",
        "10.0.0.999",
        "10.0.0.1:80",
        "10.0.0.0/24",
        "00:11:22:33:44:55",
        "1.20",
        "14s",
        "a",
        "default",
        "default/a",
        "pod/a",
        "a:80",
        ":80",
        "app=web",
        "/26",
        "/path",
        "http://a/",
        "iptables -F",
        "rhai {",
        "#",
        "always",
        "http",
        "tcp",
        "${ service(\"a\").endpoints }",
        "${ hello.hops.len() == 2 }",
        "§",
    ]);
    prop_oneof![2 => word, 3 => other.prop_map(str::to_owned)]
}

/// A sentence that begins as sentences do, with a faulty middle.
fn sentence() -> impl Strategy<Value = String> {
    let head = proptest::sample::select(vec![
        "node a at 10.0.0.1",
        "pool p 10.0.0.0/24",
        "namespace default {",
        "pod a",
        "service a { port 80",
        "}",
        "send a -> b:80 tcp as hello",
        "expect hello",
        "test \"x\" {",
        "for x in ${ [1] } {",
        "rhai { fn f() { 1 } }",
        "ingress i { path Prefix / -> a:80 }",
        "deployment d { replicas 2",
        "container c { port 80",
        "serve http {",
    ]);
    (head, proptest::collection::vec(token(), 0..4)).prop_map(|(head, rest)| format!("{head} {}", rest.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_compiles(text in "\\PC{0,200}") {
        compiles(&text);
    }

    #[test]
    fn any_characters_compile(text in "[-a-z0-9 ./:{}$\"'`#;,=>\n\\\\é(|)]{0,200}") {
        compiles(&text);
    }

    #[test]
    fn token_soup_compiles(tokens in proptest::collection::vec(token(), 0..60)) {
        compiles(&tokens.join(" "));
    }

    #[test]
    fn broken_sentences_compile(sentences in proptest::collection::vec(sentence(), 0..20)) {
        compiles(&sentences.join("\n"));
    }

    /// Cutting a file off anywhere, as an editor shows it while it is typed.
    #[test]
    fn half_a_file_compiles(at in 0usize..8000) {
        let text = include_str!("../../examples/wordpress.scn");
        compiles(text.get(..at.min(text.len())).unwrap_or_default());
    }
}
