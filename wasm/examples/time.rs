//! How long the native engine takes for a scenario and for the traces of its flows as JSON, which a page is given too: what
//! `wasm/test.sh --speed` compares with. `time FILE ROUNDS` prints the median in milliseconds.

#![allow(clippy::disallowed_methods, reason = "it measures, and takes what it measures from a file")]

use std::hint::black_box;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use netscene_core::trace::Flow;
use netscene_core::view::trace_json;
use netscene_lang::{Diagnostic, Listener, NoFolder, SourceFiles, run_scenario_heard};

/// Writes each flow as the page gets it.
struct Traces;

impl Listener for Traces {
    fn flow(&mut self, _test: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()> {
        black_box(serde_json::to_string(&trace_json::compact(flow)).expect("a trace is plain data"));
        ControlFlow::Continue(())
    }

    fn diagnostic(&mut self, _diagnostic: &Diagnostic, _files: &SourceFiles) {}
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_default();
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(15);
    let text = std::fs::read_to_string(&file).expect("the scenario can be read");
    let once = |_| {
        let (begun, mut printed) = (Instant::now(), String::new());
        run_scenario_heard((&file, &text), &NoFolder, 0, &mut |_, text: &str| printed.push_str(text), &mut Traces);
        black_box(printed);
        begun.elapsed()
    };
    let mut times: Vec<_> = (0..rounds).map(once).collect();
    times.sort();
    let median = times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    let _ = writeln!(std::io::stdout(), "{median:.3}");
}
