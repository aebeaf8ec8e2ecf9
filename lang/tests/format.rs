//! Formatting never changes what a scenario says, and what is formatted stays as it is.

#![allow(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netscene_lang::{SourceFile, SourceFiles, compile, emit_ir, format};
use proptest::prelude::*;

fn file(text: &str) -> Arc<SourceFile> {
    SourceFiles::default().add("x.scn", text)
}

/// The program of a text as data, without places: a formatted text has others.
fn ir(text: &str) -> String {
    let (program, _) = compile(&file(text));
    let ir = emit_ir(&program);
    let mut parts = ir.split("\"origin\":{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// What holds for every text.
fn holds(name: &str, text: &str) -> Option<String> {
    let formatted = format(&file(text)).ok()?;
    let again = format(&file(&formatted)).unwrap_or_else(|_| panic!("{name} reads no more:\n{formatted}"));
    assert_eq!(again, formatted, "{name} formatted twice");
    // The sentence of a step that is not lowered yet is shown with its blanks.
    let squeezed =
        |text: &str| text.replace("\\t", " ").replace("\\r", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&ir(&formatted)), squeezed(&ir(text)), "{name} formatted");
    Some(formatted)
}

fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            scenarios(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "scn") {
            found.push(path);
        }
    }
}

#[test]
fn every_scenario_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["examples", "tests", "lang/tests"] {
        scenarios(&root.join(folder), &mut found);
    }
    let formatted =
        found.iter().filter(|path| holds(&path.display().to_string(), &fs::read_to_string(path).unwrap()).is_some());
    assert!(formatted.count() > 40);
}

#[test]
fn the_examples_are_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    scenarios(&root.join("examples"), &mut found);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let file = SourceFiles::default().add(&path.display().to_string(), text.as_str());
        assert!(format(&file).unwrap() == text, "run `scn fmt {}`", path.display());
    }
}

#[test]
fn columns_and_blanks() {
    let text = "\
# a remark
node   a at 10.0.0.1 zone east   # here
node worker1 at 10.0.0.2


namespace default {

service web {
  type NodePort   # stays in its column
      clusterIP 10.96.0.9;
    # between
  selector app=web,tier=front
   port 80 as http ; port 443 as https

}
 pod a on worker1{labels app=web;container c{port 80;serve http;}}
}
rhai   {
     fn f() { 1 }
}
";
    let expected = "\
# a remark
node a       at 10.0.0.1 zone east # here
node worker1 at 10.0.0.2

namespace default {
  service web {
    type      NodePort # stays in its column
    clusterIP 10.96.0.9
    # between
    selector  app=web, tier=front
    port 80 as http; port 443 as https
  }
  pod a on worker1 { labels app=web; container c { port 80; serve http } }
}
rhai   {
     fn f() { 1 }
}
";
    assert_eq!(format(&file(text)).unwrap(), expected);
}

#[test]
fn a_faulty_file_is_left_alone() {
    let diagnostics = format(&file("node a ta 10.0.0.1\n")).unwrap_err();
    assert_eq!(diagnostics.len(), 1);
}

/// What may stand between two tokens of a sentence.
fn blanks() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![" ", "  ", "\t", "     ", " \r"]).prop_map(str::to_owned)
}

/// What may stand between two sentences.
fn ends() -> impl Strategy<Value = String> {
    let ends =
        vec!["\n", "\n\n\n", ";", " ; ", "\n  ", " # a remark\n", "\n# a remark\n", "\n\t\n", ";;\n", "  #\n\n\n"];
    proptest::sample::select(ends).prop_map(str::to_owned)
}

/// A sentence without a block, as its tokens.
fn plain(block: &'static [&'static str]) -> impl Strategy<Value = String> {
    (proptest::sample::select(block), proptest::collection::vec(blanks(), 12)).prop_map(|(sentence, blanks)| {
        let tokens = sentence.split(' ').zip(blanks.iter().cycle());
        tokens.flat_map(|(token, blank)| [token, blank]).collect::<String>().trim_end().to_owned()
    })
}

/// A block with sentences in it.
fn block(head: &'static [&'static str], inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let parts = (plain(head), blanks(), ends(), proptest::collection::vec((inner, ends()), 0..5), blanks());
    let text = parts.prop_map(|(head, blank, end, inner, last)| {
        let inner: String = inner.into_iter().map(|(sentence, end)| sentence + end.as_str()).collect();
        format!("{head}{blank}{{{end}{inner}{last}}}")
    });
    text.boxed()
}

const FILE: &[&str] = &[
    "node worker1 at 10.0.0.1 podCIDR 192.168.1.0/26",
    "node w2 at 10.0.0.2 zone east",
    "host browser at 10.1.0.9",
    "pool machines 10.0.0.0/24 gateway 10.0.0.254",
    "ping worker1 -> w2 as echo",
    "expect echo delivered to w2",
    "show routes on worker1",
    "show kubectl get pods -n  default",
    "trace echo hops",
    "wait 14s",
    "assert ${ echo.hops.len()  <= 4 }",
    "choose port 4000/TCP on worker1",
    "send worker1:4000 -> web:80 tcp as hello",
];
const FIELDS: &[&str] = &[
    "type NodePort",
    "clusterIP 10.96.0.9",
    "selector app=web, tier=front",
    "port 80 -> http as http nodePort 30080",
    "externalIPs 10.0.0.3 , 10.0.0.4",
    "annotations a/b='x ; y # z'",
];
const POD: &[&str] = &["labels app=web", "serviceAccount default", "volume data", "hostNetwork false"];
const CONTAINER: &[&str] =
    &["port 80", "serve http root /x", "documentRoot /srv", "file /srv/index.html \"a # b ; c\""];
const COMMANDS: &[&str] = &["iptables -t nat -F", "iptables-save | grep -c \"a  b\"", "route -n"];

/// Declarations, commands and tests, well-formed and badly laid out.
fn program() -> impl Strategy<Value = String> {
    let container = block(&["container nginx"], plain(CONTAINER).boxed());
    let pod = prop_oneof![3 => plain(POD), 1 => container].boxed();
    let object = prop_oneof![
        block(&["service web", "service b"], plain(FIELDS).boxed()),
        block(&["pod web-1 on worker1 at 192.168.1.6", "pod b on w2"], pod.clone()),
        block(&["deployment web"], pod),
        plain(&["pod client on worker1", "pod c on w2 at 192.168.1.9"]),
    ];
    let test = block(&["test \"a test\"", "if ${ 1 < 2 }", "for x in ${ [1, 2] }"], plain(&FILE[4..]).boxed());
    let sentence = prop_oneof![
        3 => plain(FILE),
        3 => block(&["namespace default", "namespace kube-system"], object.boxed()),
        1 => test,
        // What a shell reads keeps every character, and a lone carriage return is none that it takes for a blank.
        1 => block(&["on worker1"], plain(COMMANDS).prop_map(|text| text.replace('\r', "")).boxed()),
    ];
    proptest::collection::vec((sentence, ends()), 0..8)
        .prop_map(|sentences| sentences.into_iter().map(|(sentence, end)| sentence + end.as_str()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_programs(text in program()) {
        prop_assert!(holds("a program", &text).is_some(), "it can be read:\n{}", text);
    }

    #[test]
    fn any_characters(text in "[-a-z0-9 ./:{}$\"'`#;,=>\n\\\\é(|)]{0,200}") {
        let _ = holds("any text", &text);
    }
}
