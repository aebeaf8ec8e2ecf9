//! One case on both sides, step by step, until they differ.

use std::fmt;
use std::fmt::Write;
use std::time::{Duration, Instant};

use netscene_core::packet::Packet;

use crate::Result;
use crate::case::Case;
use crate::event::{Observed, Ports, same};
use crate::linux::Linux;
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

/// Either side of a comparison: something that packets go through.
pub(crate) trait Network {
    /// Packets come from the far end of a wire, or from a process of a node, so long after the beginning.
    fn perform(&mut self, from: &str, packets: Vec<Packet>, after: Duration) -> Result<Observed>;
    /// The connections that there are, each with its node, as `conntrack -L` lists them.
    fn connections(&mut self, after: Duration) -> Result<Vec<(&'static str, String)>>;
    /// Forgets every connection.
    fn flush(&mut self) -> Result<()>;
    /// A step of another kind.
    fn other(&mut self, step: &Step, _after: Duration) -> Result<Observed> {
        Err(format!("`{step}` is for the network with one node").into())
    }
}

/// Runs `case`. The model may be given other rules than the kernel, to see whether that is noticed.
pub(crate) fn run(linux: &mut Linux, case: &Case, for_model: &Case, listing: Listing) -> Result<Outcome> {
    linux.load(case)?;
    linux.flush()?;
    if let Some(log) = &mut linux.log {
        log.take();
    }
    let ports = Ports::named_in(&case.to_string());
    // The kernel draws other ports each time, and so does the model.
    linux.runs += 1;
    let mut model = Model::new(for_model, linux.backend(), linux.runs)?;
    steps(linux, &mut model, case, &ports, listing)
}

/// Takes two networks through the steps of a case, until they differ.
pub(crate) fn steps(
    linux: &mut impl Network,
    model: &mut impl Network,
    case: &Case,
    ports: &Ports,
    listing: Listing,
) -> Result<Outcome> {
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
                kernel = linux.perform(from, packets, beginning.elapsed())?;
            }
            Step::Reply(what) => {
                if let Some((from, packet)) = answer(what, last[1].as_ref())? {
                    modelled = model.perform(from, vec![packet], beginning.elapsed())?;
                }
                if let Some((from, packet)) = answer(what, last[0].as_ref())? {
                    kernel = linux.perform(from, vec![packet], beginning.elapsed())?;
                }
            }
            Step::Bridged { .. } | Step::Ask { .. } | Step::Do(_) | Step::Log => {
                modelled = model.other(step, beginning.elapsed())?;
                kernel = linux.other(step, beginning.elapsed())?;
                sent = !matches!(step, Step::Do(_) | Step::Log);
            }
            #[expect(clippy::disallowed_methods, reason = "the kernel's time is real")]
            Step::Wait(milliseconds) => {
                std::thread::sleep(Duration::from_millis(*milliseconds));
                sent = false;
            }
            Step::Flush => sent = false,
        }
        let flush = matches!(step, Step::Flush);
        if flush || listing == Listing::Always || at + 1 == case.steps.len() {
            kernel.connections = Some(linux.connections(beginning.elapsed())?);
            modelled.connections = Some(model.connections(beginning.elapsed())?);
        }
        if sent {
            outcome.packets += 1;
            for (observed, last) in [&kernel, &modelled].into_iter().zip(&mut last) {
                *last = observed.sent.last().cloned().or_else(|| last.take());
            }
        }
        let (one, other) = (kernel.lines(ports)?, modelled.lines(ports)?);
        let equal = one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same(one, other));
        outcome.kernel.push(one.clone());
        if !equal {
            let difference = Difference { step: at, text: step.to_string(), kernel: one, model: other };
            outcome.difference = Some(difference);
            break;
        }
        if flush {
            linux.flush()?;
            model.flush()?;
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
