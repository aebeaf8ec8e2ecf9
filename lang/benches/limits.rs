//! How long it takes until a scenario that would go on for ever, or that is faulty from end to end, is told so: `cargo bench -p
//! netscene-lang --bench limits`. Each is to take less than a second.

use std::fmt::Write as _;

use divan::Bencher;
use netscene_lang::{Channel, Folder, SourceFiles, compile, has_errors, run_scenario};

fn main() {
    divan::main();
}

/// A folder in which the scenario itself is, and nothing else.
struct Itself;

impl Folder for Itself {
    fn read(&self, path: &str) -> Result<String, String> {
        match path {
            "x.scn" => Ok(ITSELF.to_owned()),
            other => Err(format!("{other} is not here")),
        }
    }
}

const ITSELF: &str = "include \"x.scn\"\nnode worker1 at 10.0.0.1\n";
const NODES: &str = "node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2\nping worker1 -> worker2 as hello\n";

/// What doubles a text or a list, so often.
const GROW: &str = "rhai { fn grow(x, n) { if n == 0 { x } else { grow(x + x, n - 1) } } }\n";

/// What goes on for ever, or grows for ever, or leaves its folder.
const ENDLESS: &[(&str, &str)] = &[
    (
        "loop",
        "rhai { fn all(k, l, m) { k.map(|a| l.map(|b| m.map(|c| c).len()).len()).len() } }\n\
         assert ${ all(grow([1], 10), grow([1], 10), grow([1], 10)) > 0 }\n",
    ),
    ("for", "for a in ${ 0..9000 } { for b in ${ 0..9000 } { assert ${ a >= 0 } } }\n"),
    ("while", "rhai { fn f() { while true { } } }\nassert ${ f() }\n"),
    ("recursion", "rhai { fn f(n) { f(n + 1) } }\nassert ${ f(0) > 0 }\n"),
    ("recursion, twice", "rhai { fn f(n) { f(n) + f(n) } }\nassert ${ f(0) > 0 }\n"),
    ("string", "assert ${ grow(\"ab\", 31).len() > 0 }\n"),
    ("list", "assert ${ grow([1], 31).len() > 0 }\n"),
    ("declarations", "for a in ${ 0..9000 } { host h${ a } at 10.1.${ a / 250 }.${ a % 250 + 1 } }\n"),
    ("include of itself", ITSELF),
    ("include of /etc/passwd", "include \"/etc/passwd\"\n"),
];

#[divan::bench(args = ENDLESS.iter().map(|(name, _)| *name), sample_count = 3, sample_size = 1)]
fn endless(bencher: Bencher<'_, '_>, name: &str) {
    let rest = ENDLESS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    ends(bencher, &format!("{NODES}{GROW}{rest}"));
}

/// Closures in closures, so many.
#[divan::bench(args = [8, 12, 20], sample_count = 3, sample_size = 1)]
fn closures(bencher: Bencher<'_, '_>, depth: usize) {
    let inner = (0..depth).fold("1".to_owned(), |inner, at| format!("hello.hops.map(|h{at}| {inner})"));
    ends(bencher, &format!("{NODES}assert ${{ {inner} == 1 }}\n"));
}

/// Files of 20,000 faulty lines.
#[divan::bench(args = ["words", "sentences", "fields", "names", "values", "islands", "pools", "selectors"], sample_count = 3, sample_size = 1)]
fn faulty(bencher: Bencher<'_, '_>, kind: &str) {
    let mut text = NODES.to_owned();
    if matches!(kind, "fields" | "names" | "selectors") {
        text += "namespace default {\n";
    }
    for i in 0..20_000 {
        let (high, low) = (i / 250, i % 250 + 1);
        let _ = match kind {
            "words" => writeln!(text, "nod worker{i} at 10.1.{high}.{low}"),
            "sentences" => writeln!(text, "node worker{i} ta 10.1.{high}.{low}"),
            "fields" => writeln!(text, "service s{i} {{ selecter app=a{i}; port 80 }}"),
            "names" => writeln!(text, "pod pod-{i} on worker{i}"),
            "values" => writeln!(text, "host h{i} at 10.1.{high}.{}", low + 256),
            "islands" => writeln!(text, "assert ${{ helo{i}.status == 200 }}"),
            "pools" => writeln!(text, "pool p{i} 10.0.0.0/8 for LoadBalancer"),
            _ => writeln!(text, "pod p{i} {{ labels app=a{i} }}\nservice s{i} {{ selector app=b{i}; port 80 }}"),
        };
    }
    if matches!(kind, "fields" | "names" | "selectors") {
        text += "}\n";
    }
    // A warning keeps no scenario from running: what is measured is what comes before.
    if kind == "selectors" {
        return bencher.bench_local(|| {
            let (_, diagnostics) = compile(&SourceFiles::default().add("x.scn", text.as_str()));
            assert!(!diagnostics.is_empty() && !has_errors(&diagnostics));
        });
    }
    ends(bencher, &text);
}

fn ends(bencher: Bencher<'_, '_>, text: &str) {
    bencher.bench_local(|| {
        let mut said = 0;
        let mut hear = |channel: Channel, _: &str| said += usize::from(channel != Channel::Output);
        run_scenario(("x.scn", text), &Itself, 0, false, &mut hear);
        assert!(said > 0, "nothing is told");
    });
}
