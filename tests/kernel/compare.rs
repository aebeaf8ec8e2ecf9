//! One case on both sides, step by step, until they differ.

use std::fmt;
use std::fmt::Write;
use std::time::{Duration, Instant};

use netscene_core::packet::Packet;

use crate::Result;
use crate::case::Case;
use crate::event::{Observed, Ports, same};
use crate::linux::{Linux, connections};
use crate::model::Model;
use crate::step::{Segment, Step};
use crate::wire;

/// Where kernel and model part.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The step, from 0.
    pub(crate) step: usize,
    text: String,
    kernel: Vec<String>,
    model: Vec<String>,
}

/// When connections are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// After every packet.
    Always,
    /// Before they are forgotten, and at the end.
    AtFlush,
}

/// What a case came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What the kernel did in each step.
    pub(crate) kernel: Vec<Vec<String>>,
    /// Packets sent.
    pub(crate) packets: usize,
    pub(crate) difference: Option<Difference>,
}

/// Runs `case`. The model may be given other rules than the kernel, to see whether that is noticed.
pub(crate) fn run(linux: &mut Linux, case: &Case, for_model: &Case, listing: Listing) -> Result<Outcome> {
    linux.load(case)?;
    linux.flush()?;
    // The kernel draws other ports each time, and so does the model.
    linux.runs += 1;
    let mut model = Model::new(for_model, linux.backend(), linux.runs)?;
    if let Some(log) = &mut linux.log {
        log.take();
    }
    let ports = Ports::named_in(&case.to_string());
    let mut last: [Option<(&'static str, Vec<u8>)>; 2] = [None, None];
    let mut outcome = Outcome::default();
    #[expect(clippy::disallowed_methods, reason = "the kernel's time is real, and the model's has to keep up with it")]
    let beginning = Instant::now();
    for (at, step) in case.steps.iter().enumerate() {
        let (mut kernel, mut modelled) = (Observed::default(), Observed::default());
        let mut sent = true;
        match step {
            Step::Send { from, source, destination, what } => {
                let packets = what.packets(*source, *destination);
                modelled = model.perform(from, packets.clone(), beginning.elapsed())?;
                kernel = linux.perform(from, &packets)?;
            }
            Step::Reply(what) => {
                if let Some((from, packet)) = answer(what, last[1].as_ref())? {
                    modelled = model.perform(from, vec![packet], beginning.elapsed())?;
                }
                if let Some((from, packet)) = answer(what, last[0].as_ref())? {
                    kernel = linux.perform(from, &[packet])?;
                }
            }
            Step::Bridged { from, source, destination, to, what } => {
                let packet = what.packet(*source, *destination);
                modelled = model.bridged(from, to, packet.clone(), beginning.elapsed())?;
                kernel = linux.bridged(from, to, &packet)?;
            }
            Step::Ask { from, sender, target } => {
                modelled.others = model.ask(from, *sender, *target)?;
                kernel.others = linux.ask(from, *sender, *target)?;
            }
            Step::Do(command) => {
                model.command(command, beginning.elapsed())?;
                linux.command(command)?;
                sent = false;
            }
            Step::Log => {
                modelled.others = model.log();
                kernel.others = linux.log.as_mut().ok_or("nobody reads the log")?.take();
                sent = false;
            }
            #[expect(clippy::disallowed_methods, reason = "the kernel's time is real")]
            Step::Wait(milliseconds) => {
                std::thread::sleep(Duration::from_millis(*milliseconds));
                sent = false;
            }
            Step::Flush => sent = false,
        }
        modelled.events.retain(|event| !case.is_vacant(event.table));
        let flush = matches!(step, Step::Flush);
        if flush || listing == Listing::Always || at + 1 == case.steps.len() {
            kernel.connections = Some(connections()?);
            modelled.connections = Some(model.connections(beginning.elapsed()));
        }
        if sent {
            outcome.packets += 1;
            for (observed, last) in [&kernel, &modelled].into_iter().zip(&mut last) {
                *last = observed.sent.last().cloned().or_else(|| last.take());
            }
        }
        let (one, other) = (kernel.lines(&ports)?, modelled.lines(&ports)?);
        let equal = one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same(one, other));
        outcome.kernel.push(one.clone());
        if !equal {
            let difference = Difference { step: at, text: step.to_string(), kernel: one, model: other };
            outcome.difference = Some(difference);
            break;
        }
        if flush {
            linux.flush()?;
            model.flush();
            last = [None, None];
        }
    }
    Ok(outcome)
}

/// The answer to the packet that left the node last, from whom it left for.
fn answer(what: &Segment, to: Option<&(&'static str, Vec<u8>)>) -> Result<Option<(&'static str, Packet)>> {
    let Some((from, packet)) = to else { return Ok(None) };
    Ok(Some((from, what.answer(wire::ends(packet)?, wire::echo_id(packet)?))))
}

impl fmt::Display for Difference {
    /// Both stories side by side, with a mark between the lines that differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.kernel.iter().map(String::len).max().unwrap_or(0).max(6);
        let mut text = format!("step {}: {}\n  {:<width$}   model\n", self.step + 1, self.text, "kernel");
        for at in 0..self.kernel.len().max(self.model.len()) {
            let (one, other) = (self.kernel.get(at), self.model.get(at));
            let sign = match (one, other) {
                (Some(one), Some(other)) if same(one, other) => ' ',
                _ => '#',
            };
            let cell = |line: Option<&String>| line.cloned().unwrap_or_default();
            writeln!(text, "  {:<width$} {sign} {}", cell(one), cell(other))?;
        }
        f.write_str(&text)
    }
}
