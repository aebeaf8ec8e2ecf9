//! How long it takes until a scenario that would go on for ever, or that is faulty from end to end, is told so: `cargo bench -p
//! netscene-lang --bench limits`. Each is to take less than a second.

use std::fmt::Write as _;

use divan::Bencher;
use netscene_lang::{Channel, Folder, run_scenario};

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

/// What goes on for ever, or grows for ever, or leaves its folder.
const ENDLESS: &[(&str, &str)] = &[
    (
        "loop",
        "rhai { fn f(n) { let x = 0; for i in 0..n { for j in 0..n { x += 1; } } x } }\nassert ${ f(1000000) > 0 }\n",
    ),
    ("while", "rhai { fn f() { while true { } } }\nassert ${ f() }\n"),
    ("recursion", "rhai { fn f(n) { f(n + 1) } }\nassert ${ f(0) > 0 }\n"),
    ("recursion, twice", "rhai { fn f(n) { f(n) + f(n) } }\nassert ${ f(0) > 0 }\n"),
    ("string", "rhai { fn f() { let x = \"ab\"; for i in 0..100 { x += x; } x.len() } }\nassert ${ f() > 0 }\n"),
    ("list", "rhai { fn f() { let x = [1]; for i in 0..100 { x += x; } x.len() } }\nassert ${ f() > 0 }\n"),
    ("include of itself", ITSELF),
    ("include of /etc/passwd", "include \"/etc/passwd\"\n"),
];

#[divan::bench(args = ENDLESS.iter().map(|(name, _)| *name), sample_count = 3, sample_size = 1)]
fn endless(bencher: Bencher<'_, '_>, name: &str) {
    let rest = ENDLESS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    ends(bencher, &format!("{NODES}{rest}"));
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
