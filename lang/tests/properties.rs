//! Nothing that can be written makes the parser or the checks panic, and what they say points into the file.

use netscene_core::world::World;
use netscene_lang::{Diagnostic, Sink, SourceFiles, Word, compile, has_errors, render, run};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Compiles and renders a text; what went wrong is in the diagnostics, never in a panic.
fn compiles(text: &str) {
    let mut files = SourceFiles::default();
    let file = files.add("x.scn", text);
    let (program, diagnostics) = compile(&file);
    for diagnostic in &diagnostics {
        for label in &diagnostic.labels {
            assert!(text.get(label.span.range()).is_some(), "{label:?} in {text:?}");
        }
    }
    let told = diagnostics.iter().filter(|diagnostic| !diagnostic.labels.is_empty());
    assert!(told.map(Diagnostic::span).is_sorted(), "in the order of the file: {diagnostics:?}");
    for (at, one) in diagnostics.iter().enumerate() {
        assert!(!diagnostics[..at].contains(one), "told twice: {one:?} in {text:?}");
    }
    // What has no errors runs to its end, whatever it does.
    if !has_errors(&diagnostics) {
        run(&program, &mut World::new(0), &mut Deaf);
    }
    let _ = render(&diagnostics, &files, false);
}

/// Hears nothing.
struct Deaf;

impl Sink for Deaf {
    fn text(&mut self, _: &str) {}
    fn test_started(&mut self, _: &str) {}
    fn test_ended(&mut self, _: &str, _: bool) {}
    fn failure(&mut self, _: Diagnostic) {}
}

/// A scenario that is whole, for mutations.
const WHOLE: &str = include_str!("../../examples/hello.scn");

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
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

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

    #[test]
    fn any_bytes_compile(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        compiles(&String::from_utf8_lossy(&bytes));
    }

    /// A scenario with words taken out, doubled, swapped or replaced.
    #[test]
    fn mutations_compile(
        changes in proptest::collection::vec((0usize..1000, 0usize..1000, 0u8..4, token()), 1..6)
    ) {
        let mut words: Vec<String> = WHOLE.split_inclusive([' ', '\n']).map(str::to_owned).collect();
        for (one, other, how, token) in changes {
            let (one, other) = (one % words.len(), other % words.len());
            match how {
                0 => words[one].clear(),
                1 => words[one] = words[other].clone(),
                2 => words.swap(one, other),
                _ => words[one] = format!("{token} "),
            }
        }
        compiles(&words.concat());
    }

    /// A scenario with characters taken out or replaced.
    #[test]
    fn misprints_compile(changes in proptest::collection::vec((0usize..2000, proptest::option::of(any::<char>())), 1..8)) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for (at, with) in changes {
            let at = at % text.len();
            match with {
                Some(with) => text[at] = with,
                None => drop(text.remove(at)),
            }
        }
        compiles(&text.into_iter().collect::<String>());
    }

    /// Cutting a file off anywhere, as an editor shows it while it is typed.
    #[test]
    fn half_a_file_compiles(at in 0usize..8000) {
        let text = include_str!("../../examples/wordpress.scn");
        compiles(text.get(..at.min(text.len())).unwrap_or_default());
    }
}

/// Depth is what fells parsers: each of these is one construct, repeated.
#[test]
fn deep_text_compiles() {
    let island = |text: String| compiles(&format!("node a at 10.0.0.1\nping a -> a as f\nassert ${{ {text} }}\n"));
    for depth in [10, 100, 1_000, 20_000] {
        island(format!("f{}", ".hops".repeat(depth)));
        island(format!("f{}", "[0]".repeat(depth)));
        island(format!("f.x{}", "()".repeat(depth)));
        island(format!("f{}", ".filter(|h| h)".repeat(depth)));
        island(format!("1{}", " + 1".repeat(depth)));
        island(format!("1{}", " && 1".repeat(depth)));
        island(format!("{}1", "!".repeat(depth)));
        island(format!("{}1{}", "(".repeat(depth), ")".repeat(depth)));
        island(format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
        island(format!("{}1", "|x| ".repeat(depth)));
        island(format!("{}1{}", "if true { ".repeat(depth), " }".repeat(depth)));
        island(format!("{}1{}", "#{a: ".repeat(depth), "}".repeat(depth)));
        island(format!("`{}`", "${1}".repeat(depth)));
        compiles(&"if ${ true } {\n".repeat(depth));
        compiles(&format!("{}{}", "if ${ true } {\n".repeat(depth), "}\n".repeat(depth)));
        compiles(&"on a {".repeat(depth));
        compiles(&"}".repeat(depth.min(500)));
        compiles(&format!("service a {}", "=> ".repeat(depth)));
        compiles(&"node a at 10.0.0.1\n".repeat(depth.min(500)));
    }
}
