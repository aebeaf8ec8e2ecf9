//! The ways that something can go, one a line.

use std::fmt::Write;

use super::trace;
use crate::trace::{Depth, Way, Ways};

/// What was asked, and each way with its probability, how it ended and what chance decided. With `fits`, ways for which an
/// expectation holds are marked with `+`, the others with `-`.
pub fn list(ways: &Ways, fits: Option<&[bool]>) -> String {
    let mut text = String::new();
    if !ways.name.is_empty() {
        let _ = write!(text, "{}: ", ways.name);
    }
    let plural = if ways.ways.len() == 1 { "" } else { "s" };
    let _ = writeln!(text, "{}: {} way{plural}", trace::request(&ways.kind, &ways.from), ways.ways.len());
    let ends: Vec<_> = ways.ways.iter().map(|way| trace::outcome(&way.flow.outcome)).collect();
    let probabilities: Vec<_> = ways.ways.iter().map(|way| way.probability.to_string()).collect();
    let widest = |all: &[String]| all.iter().map(String::len).max().unwrap_or(0);
    let (wide, end_wide) = (widest(&probabilities), widest(&ends));
    for (at, ((way, end), probability)) in ways.ways.iter().zip(&ends).zip(&probabilities).enumerate() {
        let mark = fits.map_or("", |fits| if fits.get(at) == Some(&true) { "+ " } else { "- " });
        let line =
            format!("  {mark}{:<4}{probability:>wide$}  {end:<end_wide$}  {}", format!("#{}", at + 1), decided(way));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The list, and then every way told as deep as `depth` says.
pub fn trace(ways: &Ways, depth: Option<Depth>) -> String {
    let mut text = list(ways, None);
    let Some(depth) = depth else { return text };
    for (at, way) in ways.ways.iter().enumerate() {
        let _ =
            write!(text, "\nway #{}, with probability {}: {}", at + 1, way.probability, trace::trace(&way.flow, depth));
    }
    text
}

/// What chance decided, by place.
fn decided(way: &Way) -> String {
    let all = way.decisions.iter().map(|one| format!("{}: {} -> {}", one.place, one.about, one.taken));
    all.collect::<Vec<_>>().join("; ")
}
