//! How long it takes to read and check a scenario: `cargo bench -p netscene-lang`.
//!
//! The measure is 100,000 lines of declarations, some of them faulty: they are to take less than a second on one core.

use std::fmt::Write as _;

use divan::Bencher;
use netscene_lang::{SourceFiles, compile, format, has_errors};

fn main() {
    divan::main();
}

/// A scenario of so many lines: nodes, then namespaces of pods, deployments and services. Every `fault`th object has a
/// mistake.
fn scenario(lines: usize, fault: usize) -> String {
    let mut text = String::from("cluster c {\n  podCIDR 10.0.0.0/8\n  serviceCIDR 172.16.0.0/12\n}\n");
    for node in 0..100 {
        let _ = writeln!(text, "node worker{node} at 192.168.0.{node} podCIDR 10.{node}.0.0/16");
    }
    let (mut written, mut object) = (text.lines().count(), 0);
    while written < lines {
        let _ = writeln!(text, "namespace space{object} {{");
        for _ in 0..100 {
            object += 1;
            let selector = if object % fault == 0 { "selecter" } else { "selector" };
            let (node, high, low) = (object % 100, object / 100 / 250 + 1, object / 100 % 250 + 1);
            let _ = write!(
                text,
                "  pod pod-{object} on worker{node} at 10.{node}.{high}.{low} {{\n    labels app=app-{object}, tier=front\n    \
                 container web {{ port 80 as http; serve http }}\n  }}\n  service service-{object} {{\n    \
                 {selector} app=app-{object}\n    port     80 -> http as http\n  }}\n  deployment some-{object} {{\n    \
                 replicas 2\n    labels   app=some-{object}\n  }}\n"
            );
        }
        text.push_str("}\n");
        written += 2 + 1200;
    }
    text
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn faultless(bencher: Bencher<'_, '_>) {
    let text = scenario(100_000, usize::MAX);
    assert!(text.lines().count() >= 100_000);
    bencher.bench_local(|| {
        let (program, diagnostics) = compile(&SourceFiles::default().add("x.scn", text.as_str()));
        assert!(!has_errors(&diagnostics), "{:?}", diagnostics.first());
        program
    });
}

/// A mistake in every hundredth line.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_thousand_mistakes(bencher: Bencher<'_, '_>) {
    let text = scenario(100_000, 8);
    bencher.bench_local(|| {
        let (program, diagnostics) = compile(&SourceFiles::default().add("x.scn", text.as_str()));
        assert!(has_errors(&diagnostics));
        program
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn formatting(bencher: Bencher<'_, '_>) {
    let text = scenario(100_000, usize::MAX);
    bencher.bench_local(|| format(&SourceFiles::default().add("x.scn", text.as_str())));
}
