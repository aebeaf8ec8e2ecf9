//! The story of a flow as a sequence diagram, in the language of Mermaid (mermaid.js.org), which Markdown viewers draw.

use std::fmt::Write;

use crate::map::IndexSet;
use crate::trace::{DropReason, End, Flow, Hop, PacketTrace, Step};

/// The diagram: a line of life for each place, an arrow for each way between two of them, and beside a place what was changed
/// there and by which rule.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::trace::{Flow, FlowKind, FlowOutcome};
/// use netscene_core::view::mermaid::sequence;
/// let flow = Flow {
///     name: "hello".to_owned(),
///     kind: FlowKind::Tcp("10.1.110.105:80".parse().unwrap()),
///     from: "browser".into(),
///     started: Time::ZERO,
///     outcome: FlowOutcome::Timeout { at: "worker1".into() },
///     packets: Vec::new(),
///     http: None,
///     dns: None,
///     received: None,
///     each: Vec::new(),
/// };
/// assert_eq!(sequence(&flow), "sequenceDiagram\n    participant p0 as browser\n");
/// ```
pub fn sequence(flow: &Flow) -> String {
    let mut places = IndexSet::from_iter([&*flow.from]);
    places.extend(flow.packets.iter().flat_map(|packet| &packet.hops).map(|hop| &*hop.place));
    let mut out = "sequenceDiagram\n".to_owned();
    for (at, place) in places.iter().enumerate() {
        // A String takes everything that is written to it.
        let _ = writeln!(out, "    participant p{at} as {}", escaped(place));
    }
    let number = |place: &str| places.get_index_of(place).unwrap_or(0);
    for (at, packet) in flow.packets.iter().enumerate() {
        let _ = self::packet(&mut out, at + 1, packet, &number);
    }
    out
}

fn packet(out: &mut String, number: usize, packet: &PacketTrace, place: &dyn Fn(&str) -> usize) -> std::fmt::Result {
    for (at, hop) in packet.hops.iter().enumerate() {
        let here = place(&hop.place);
        if let Some(before) = at.checked_sub(1).map(|at| &packet.hops[at])
            && before.place != hop.place
        {
            writeln!(out, "    p{}->>p{here}: {number} {}", place(&before.place), escaped(&hop.before.to_string()))?;
        }
        let notes = notes(hop);
        if !notes.is_empty() {
            writeln!(out, "    Note over p{here}: {}", notes.join("<br/>"))?;
        }
        match &hop.end {
            End::Dropped(reason) => {
                writeln!(out, "    p{here}--xp{here}: {number} dropped, {}", escaped(&reason.to_string()))?;
            }
            End::Delivered { .. } if packet.hops.len() == 1 => {
                writeln!(out, "    p{here}->>p{here}: {number} {}", escaped(&hop.before.to_string()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What changed in a packet, and which rule did it.
fn notes(hop: &Hop) -> Vec<String> {
    let mut last = None;
    let mut notes = Vec::new();
    for step in &hop.steps {
        let text = match step {
            Step::Rule(hit) => {
                last = Some(hit);
                continue;
            }
            Step::Dnat { from, to } => format!("dnat {from} to {to}"),
            Step::Snat { from, to } => format!("snat {from} to {to}"),
            Step::Encapsulated { source, destination } => format!("tunnel ipip {source} to {destination}"),
            Step::Decapsulated { source, destination } => format!("untunnel ipip {source} to {destination}"),
            Step::Arp { address, answer: None, .. } => format!("nobody answers for {address}"),
            _ => continue,
        };
        notes.push(escaped(&text));
        // The rule that a translation came of stands right before it; later packets of a connection ask no rule.
        if let (Some(hit), Step::Dnat { .. } | Step::Snat { .. }) = (last.take(), step) {
            notes.push(written_by(hit));
        }
    }
    if let (End::Dropped(DropReason::Rule { .. }), Some(hit)) = (&hop.end, last) {
        notes.push(written_by(hit));
    }
    notes
}

fn written_by(hit: &crate::trace::RuleHit) -> String {
    let by = hit.provenance.as_ref().map(|by| format!(", {by}")).unwrap_or_default();
    escaped(&format!("rule {} of {}/{}{by}", hit.number, hit.table, hit.chain))
}

/// Text that Mermaid prints and does not read: `#` and `;` have a meaning of their own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '\n' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
