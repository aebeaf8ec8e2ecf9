//! How long the native engine takes for a scenario: what `wasm/test.sh --speed` compares with. `time FILE ROUNDS` prints the median
//! in milliseconds.

#![allow(clippy::disallowed_methods, reason = "it measures, and takes what it measures from a file")]

use std::io::Write;
use std::time::Instant;

use netscene_lang::{NoFolder, run_scenario};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_default();
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(15);
    let text = std::fs::read_to_string(&file).expect("the scenario can be read");
    let once = |_| {
        let (begun, mut printed) = (Instant::now(), String::new());
        run_scenario((&file, &text), &NoFolder, 0, false, &mut |_, text| printed.push_str(text));
        begun.elapsed()
    };
    let mut times: Vec<_> = (0..rounds).map(once).collect();
    times.sort();
    let median = times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    let _ = writeln!(std::io::stdout(), "{median:.3}");
}
