//! What became of packets that were walked through a dumped node, told for people.

use std::fmt::{self, Display, Formatter, Write};

use super::trace::packets;
use crate::dump::{Fate, Leg, Report};
use crate::trace::{Depth, DropReason};

impl Display for Report {
    /// As [`Report::told`] tells it with every rule that matched.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Depth::Rules))
    }
}

impl Report {
    /// What became of each packet, and what the answer rests on.
    pub fn answers(&self) -> String {
        let mut out = String::new();
        for doubt in &self.doubts {
            line(&mut out, "DOUBTFUL", doubt);
        }
        for leg in &self.legs {
            answer(&mut out, leg);
        }
        if self.left_out > 0 {
            let steps = if self.left_out == 1 { "one step" } else { "the steps after it" };
            line(&mut out, "left out", format!("{steps}: nobody knows what the packet before has left behind"));
        }
        let notes = self.assumed.iter().chain(self.legs.iter().flat_map(|leg| &leg.assumed));
        for note in notes {
            line(&mut out, "assumed", note);
        }
        for note in &self.unheeded {
            line(&mut out, "unheeded", note);
        }
        out
    }

    /// The same, and the way of each packet.
    pub fn told(&self, depth: Depth) -> String {
        let mut out = self.answers();
        let mut number = 1;
        for leg in &self.legs {
            way(&mut out, leg, depth, &mut number);
        }
        out
    }
}

fn line(out: &mut String, what: &str, text: impl Display) {
    // A String takes everything that is written to it.
    let _ = writeln!(out, "{what:<11} {text}");
}

/// What became of one packet, and why.
fn answer(out: &mut String, leg: &Leg) {
    let entry = leg.entry.map_or_else(|| "from local".to_owned(), |device| format!("in {device}"));
    line(out, leg.title, format_args!("{} {entry}", leg.packet));
    fate(out, leg, "");
}

fn fate(out: &mut String, leg: &Leg, before: &str) {
    let mut changes = String::new();
    for (destination, from, to) in leg.translations() {
        let word = if destination { "dnat" } else { "snat" };
        let _ = write!(changes, "; {word} {from} => {to}");
    }
    match &leg.fate {
        Fate::Left { device, packet, .. } => {
            line(out, "", format_args!("{before}leaves by {device} as {packet}{changes}"));
        }
        Fate::Delivered { to } => line(out, "", format_args!("{before}is delivered to {to}{changes}")),
        Fate::Dropped(reason) => {
            line(out, "", format_args!("{before}is dropped: {reason:#}{changes}"));
            if let DropReason::Rule { provenance: Some(by), .. } = reason {
                line(out, "", format_args!("{:1$}by {by}", "", before.len()));
            }
        }
        Fate::Unknown(why) => {
            let is = if before.is_empty() { "" } else { "is " };
            line(out, "", format_args!("{before}{is}{why}{changes}"));
            for (way, case) in leg.ways.iter().flat_map(|ways| ways.iter()).zip(WAYS) {
                fate(out, way, &format!("{:1$}{case}, it ", "", before.len().min(40)));
            }
        }
    }
}

/// The two ways of a rule in doubt.
const WAYS: [&str; 2] = ["if it matches", "if it does not"];

fn way(out: &mut String, leg: &Leg, depth: Depth, number: &mut usize) {
    out.push('\n');
    out.push_str(&packets(&leg.packets, depth, *number));
    *number += leg.packets.len();
    for (way, case) in leg.ways.iter().flat_map(|ways| ways.iter()).zip(WAYS) {
        let _ = writeln!(out, "\n{case}");
        out.push_str(&packets(&way.packets, depth, *number));
        *number += way.packets.len();
    }
}
